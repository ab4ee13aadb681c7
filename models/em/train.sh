#!/bin/sh
# Trains the model of neurons in electron microscopy.
#   models/em/train.sh FOLDER OUT STEPS [--resume]
# FOLDER has medulla_sample2_image.tif and medulla_sample2_labels.tif; OUT gets em.safetensors with curves and state beside it.
# Of slices 0 to 199 the last 23 are set aside to choose the best model. Each volume is there as it is (10 nm) and as three
# volumes of every third slice (30 nm), which imitate serial sections. bench/neuron_scores.py scores slices 200 to 249.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
here=$(dirname "$0")
folder=$1 out=$2 steps=$3
shift 3
pea=${PEA:-$here/../../build/release/native/pea}
mkdir -p "$out"
${PYTHON:-python3} "$here/cut.py" "$folder" "$out/volumes"
exec "$pea" train "$out/volumes" -o "$out/em.safetensors" --preset em --small --side 96 --thin 1,3 --share 0.115 \
    --steps "$steps" --validate 400 --save 5m --threads 1 --name em --licence "CC BY" \
    --description "Neurons in electron microscopy of 10 nm pixels, sections of 10 to 30 nm; dense, no background" \
    --source "FlyEM project, Janelia Research Campus, HHMI: FIB-SEM of the fly medulla, CC BY, converted to TIFF and \
relabelled; slices 0 to 199 of 250" "$@"
