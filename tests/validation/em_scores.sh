#!/bin/sh
# Segments a small volume of another laboratory with the bundled model of neurons, and compares variation of information and
# adapted Rand error with what they were when it was trained.
#   em_scores.sh PEA
# SPDX-License-Identifier: BSD-2-Clause
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
pea=$1 tolerance=0.05
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PEA_MODELS="$root/models"

number() { sed -n "s/.*\"$1\": *\([-0-9.eE+]*\).*/\1/p" "$work/scores.json" | head -n 1; }

"$pea" segment "$root/testdata/em/gala_image.tif" -m em -o "$work/found.tif" --quiet
"$pea" score --truth "$root/testdata/em/gala_labels.tif" --prediction "$work/found.tif" --json >"$work/scores.json"
echo "0.8038 $(number voi) 0.1328 $(number arand)" | awk -v tolerance=$tolerance '
    { for (i = 1; i <= 3; i += 2) { d = $i - $(i + 1); if ($(i + 1) == "" || d > tolerance || d < -tolerance) bad = 1 }
      printf "VOI %.4f (expected %.4f)  ARAND %.4f (%.4f)%s\n", $2, $1, $4, $3, bad ? "  DIFFERS" : ""
      exit bad }'
