#!/bin/sh
# Trains the model of neurons in electron microscopy. May be stopped and started again: it goes on where it was.
#   models/em/train.sh FOLDER OUT
# FOLDER has medulla_sample2_image.tif and medulla_sample2_labels.tif; OUT gets em.safetensors with curves and state beside it.
# Of slices 0 to 199 the last 23 are set aside: they chose the settings. Each volume is there as it is (10 nm) and as three
# volumes of every third slice (30 nm), which imitate serial sections. bench/neuron_scores.py scores slices 200 to 249;
# models/finish.py makes of it what is bundled. When that was taught, samples still came from the middle of a volume, and hardly
# from within 50 rows and columns of its border; today they come from all places, so that the model will be another one.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
here=$(dirname "$0")
folder=$1 out=$2
pea=${PEA:-$here/../../build/release/native/pea}
mkdir -p "$out"
if [ ! -d "$out/volumes" ]; then
    ${PYTHON:-python3} "$here/cut.py" "$folder" "$out/volumes.part"
    mv "$out/volumes.part" "$out/volumes"
fi

# train NAME OPTION...
train() {
    name=$1
    shift
    [ ! -f "$out/$name.training/state.safetensors" ] || set -- "$@" --resume
    "$pea" train "$out/volumes" -o "$out/$name.safetensors" --side 96 --thin 1,3 --share 0.115 --save 5m --threads 1 "$@" \
        --name em --licence "CC BY" \
        --description "Neurons in electron microscopy of 10 nm pixels, sections of 10 to 30 nm; dense, no background" \
        --source "FlyEM project, Janelia Research Campus, HHMI: FIB-SEM of the fly medulla, CC BY, converted to TIFF and \
relabelled; slices 0 to 199 of 250"
}

# Both take their last step: what the first one knows is only to be learnt on from.
train first --preset em --small --steps 8000 --average 0 --validate 8000
train em --preset em --from "$out/first.safetensors" --steps 4000 --rate 0.0006 --average 0.998 --seed 2 \
    --clusterer agglomerate --cut 0.3 --absorb 1000 --validate 4000
