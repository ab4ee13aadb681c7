#!/bin/sh
# Trains the models of nuclei as the bundled one was trained, but for what it normalises by (decision 12 in docs).
#   models/nuclei/train.sh DATA OUT full|small [--resume]
# DATA has the folders train (images of 520x696, shown four times as often) and train-extra; OUT gets NAME.safetensors with
# curves and state beside it. A tenth of the images is set aside to choose the best model and the foreground's threshold.
# models/finish.py makes of it what is bundled.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
data=$1 out=$2 size=$3
shift 3
case $size in
full) network= ;;
small) network=--small ;;
*) echo "full or small, not $size" >&2; exit 2 ;;
esac
pea=${PEA:-$(dirname "$0")/../../build/release/native/pea}
often=$data/train
# shellcheck disable=SC2086 # no network is no option
exec "$pea" train "$often" "$often" "$often" "$often" "$data/train-extra" -o "$out/$size.safetensors" --preset nuclei $network \
    --steps 5000 --validate 500 --share 0.1 --threads 1 \
    --licence CC0-1.0 --source "BBBC038 stage 1, fluorescence, CC0" "$@"
