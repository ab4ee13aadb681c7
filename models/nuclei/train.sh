#!/bin/sh
# Trains the models of nuclei. May be stopped and started again: it goes on where it was.
#   models/nuclei/train.sh DATA OUT full|small
# DATA has the folders train (images of 520x696, shown four times as often) and train-extra; OUT gets small.safetensors, or
# full.safetensors, with curves and state beside it. A tenth of the images is set aside to choose the best model and the
# foreground's threshold. models/finish.py makes of it what is bundled.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
data=$1 out=$2 size=$3
case $size in
full | small) ;;
*) echo "full or small, not $size" >&2; exit 2 ;;
esac
pea=${PEA:-$(dirname "$0")/../../build/release/native/pea}
often=$data/train
mkdir -p "$out"

# train NAME OPTION...
train() {
    name=$1
    shift
    [ ! -f "$out/$name.training/state.safetensors" ] || set -- "$@" --resume
    "$pea" train "$often" "$often" "$often" "$often" "$data/train-extra" -o "$out/$name.safetensors" --preset nuclei \
        --share 0.1 --threads 1 --name nuclei --licence CC0-1.0 --source "BBBC038 stage 1, fluorescence, CC0" "$@"
}

case $size in
full)
    train first-full --steps 5000 --validate 500
    train full --from "$out/first-full.safetensors" --steps 6000 --rate 0.0006 --validate 500
    ;;
small)
    train first --small --steps 5000 --validate 5000 # the last step is what is gone on from
    train small --from "$out/first.safetensors" --steps 10000 --rate 0.0006 --validate 1000
    ;;
esac
