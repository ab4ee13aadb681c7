#!/bin/sh
# Segments nuclei with the bundled model and compares AJI, Dice and PQ with testdata/nuclei/expected-scores.csv.
# SPDX-License-Identifier: BSD-2-Clause
#   nuclei_scores.sh PEA bundled    the three images in testdata/nuclei
#   nuclei_scores.sh PEA all        every image of the table, from PEA_VALIDATION_DIR; 77 (skipped) without it
set -eu
pea=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
tolerance=0.005
case $2 in
bundled) images=$root/testdata/nuclei ;;
all)
    images=${PEA_VALIDATION_DIR:-$root/../shared/data/nuclei/validation}
    if [ ! -d "$images" ]; then
        echo "skipped: no validation images; PEA_VALIDATION_DIR says where they are"
        exit 77
    fi
    ;;
*) echo "bundled or all, not $2" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PEA_MODELS="$root/models"

# number KEY: from the last scores.
number() { sed -n "s/.*\"$1\": *\([-0-9.eE+]*\).*/\1/p" "$work/scores.json" | head -n 1; }

failed=0 n=0
while IFS=, read -r id _ _ aji dice pq; do
    [ -f "$images/${id}_image.tif" ] || continue
    n=$((n + 1))
    "$pea" segment "$images/${id}_image.tif" -m nuclei -o "$work/labels.tif" 2>"$work/log" || { cat "$work/log"; exit 1; }
    "$pea" score --truth "$images/${id}_labels.tif" --prediction "$work/labels.tif" --json >"$work/scores.json"
    echo "$id $aji $(number aji_standard) $dice $(number dice) $pq $(number pq)" | awk -v tolerance=$tolerance '
        { for (i = 2; i <= 6; i += 2) { d = $i - $(i + 1); if ($(i + 1) == "" || d > tolerance || d < -tolerance) bad = 1 }
          printf "%s  AJI %.4f (expected %.4f)  Dice %.4f (%.4f)  PQ %.4f (%.4f)%s\n",
                 $1, $3, $2, $5, $4, $7, $6, bad ? "  DIFFERS" : ""; exit bad }' || failed=$((failed + 1))
done <<END
$(tail -n +2 "$root/testdata/nuclei/expected-scores.csv")
END
echo "$n images, $failed differ by more than $tolerance"
[ "$n" -ge 3 ] && [ "$failed" -eq 0 ]
