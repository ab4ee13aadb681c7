#!/bin/sh
# Makes models/leaves.safetensors: draws the scenes, trains, scores beside a watershed. About 1 hour of one processor core.
# SPDX-License-Identifier: BSD-2-Clause
#   train.sh BUILD WORK      BUILD: a build folder with pea and rosettes; WORK: where pictures and runs go
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pea=$1/native/pea draw=$1/models/leaves/rosettes work=$2
python=/usr/bin/python3 # Debian's, which has scikit-image and PIL
mkdir -p "$work/train" "$work/held" "$work/images"

"$draw" "$work/train" 120 --seed 1
"$draw" "$work/held" 12 --seed 2

about="DEMO, trained on synthetic pictures only: rosettes of leaves from above; for real plants train on real plants"
# Two rounds: the second goes on with what the first has learnt.
"$pea" train "$work/train" -o "$work/first.safetensors" --preset leaves --small --side 256 --batch 2 --steps 1500 --rate 0.0015 \
    --validate 200 --share 0.05 --threads 1 --name leaves --description "$about" --licence CC0-1.0 \
    --source "SYNTHETIC: 120 scenes drawn by models/leaves/rosettes.c, seed 1; no photograph among them"
"$pea" train "$work/train" -o "$work/second.safetensors" --from "$work/first.safetensors" --side 256 --batch 2 --steps 900 \
    --rate 0.001 --validate 150 --share 0.05 --seed 2 --threads 1 --name leaves --description "$about" --licence CC0-1.0 \
    --source "SYNTHETIC: 120 scenes drawn by models/leaves/rosettes.c, seed 1; no photograph among them"

# Scores on scenes of another seed; the watershed is given the true foreground, which the model has to find.
"$python" "$here/../finish.py" "$work/second.safetensors" "$here/leaves.json" -o "$work/leaves.safetensors" --pea "$pea" \
    --thumbnail "$work/held/scene-0003_image.png,50,20,450"
cp "$work"/held/*_image.png "$work/images/"
"$pea" segment "$work/images" -m "$work/leaves.safetensors" -o "$work/found/" --overlay "$work/found/"
"$pea" score --truth "$work/held" --prediction "$work/found"
"$python" "$here/../../bench/peers/leaf_watershed.py" "$work/held" "$work/green" --apart 15
"$pea" score --truth "$work/held" --prediction "$work/green"
"$python" "$here/../../bench/peers/leaf_watershed.py" "$work/held" "$work/given" --apart 10 --smooth 3 --mask true
"$pea" score --truth "$work/held" --prediction "$work/given"
