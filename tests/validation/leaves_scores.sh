#!/bin/sh
# Draws two scenes that the demo model of leaves was not trained on, finds their leaves, and compares SBD and AJI with what
# they were when it was trained. Both scenes and scores are synthetic.
#   leaves_scores.sh PEA ROSETTES
# SPDX-License-Identifier: BSD-2-Clause
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
pea=$1 draw=$2 tolerance=0.02
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PEA_MODELS="$root/models"

number() { sed -n "s/.*\"$1\": *\([-0-9.eE+]*\).*/\1/p" "$work/scores.json" | head -n 1; }

failed=0
while read -r scene sbd aji; do
    "$draw" "$work" 1 --seed 2 --first "$scene"
    id=$work/scene-000$scene
    "$pea" segment "${id}_image.png" -m leaves -o "$work/found.tif" --quiet
    "$pea" score --truth "${id}_labels.tif" --prediction "$work/found.tif" --json >"$work/scores.json"
    echo "$scene $sbd $(number sbd) $aji $(number aji_standard)" | awk -v tolerance=$tolerance '
        { for (i = 2; i <= 4; i += 2) { d = $i - $(i + 1); if ($(i + 1) == "" || d > tolerance || d < -tolerance) bad = 1 }
          printf "scene %s  SBD %.4f (expected %.4f)  AJI %.4f (%.4f)%s\n", $1, $3, $2, $5, $4, bad ? "  DIFFERS" : ""
          exit bad }' || failed=$((failed + 1))
done <<END
2 0.8460 0.5722
8 0.8401 0.9182
END
[ "$failed" -eq 0 ]
