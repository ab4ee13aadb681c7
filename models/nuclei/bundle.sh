#!/bin/sh
# Puts a trained model among the bundled ones: record, thumbnail, scores, and of `nuclei` the scores that tests expect.
#   models/nuclei/bundle.sh TRAINED.safetensors NAME VALIDATION
# models/nuclei/NAME.json has texts and settings. It prints the table for docs/how-well-are-nuclei-found.md; what else tells
# of the model is in models/ORIGIN.md, and its number of parameters in tests/e2e/reports.sh.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
cd "$(dirname "$0")/../.."
trained=$1 name=$2 validation=$3
pea=build/release/native/pea
python=/usr/bin/python3 # Debian's, which has scikit-image and PIL
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT

"$python" models/finish.py "$trained" "models/nuclei/$name.json" -o "models/$name.safetensors" --pea "$pea" \
    --thumbnail testdata/nuclei/cc88627344305b9a_image.tif,130,470,192
"$python" bench/model_scores.py "$validation" "models/$name.safetensors" --classical --markdown --rows "$rows"
[ "$name" != nuclei ] ||
    awk -F, -v OFS=, 'NR == 1 { print "image,n_truth,n_found,aji,dice,pq" } $1 == "nuclei" { print $2, $3, $4, $5, $6, $7 }' \
        "$rows" >testdata/nuclei/expected-scores.csv
