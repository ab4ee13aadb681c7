#!/bin/sh
# What each module of the paper is worth on nuclei: the small network with SCM alone, with EPM, with CCM, and with both, the
# same number of steps each, for two seeds. The seed also chooses the tenth of the images that is set aside and scored.
#   models/nuclei/ablation.sh DATA OUT [STEPS]
# May be stopped and started again: it goes on where it was. Prints a table when all is done; scores are of the last step.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
data=$1 out=$2 steps=${3:-400}
pea=${PEA:-$(dirname "$0")/../../build/release/native/pea}
often=$data/train
mkdir -p "$out"

# column NAME FILE: of the last row of a table.
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) k = i } END { print $k }' "$2"; }

for seed in 1 2; do
    while read -r name without; do
        run=$out/$name-$seed resume=
        [ ! -f "$run.done" ] || continue
        [ ! -f "$run.training/state.safetensors" ] || resume=--resume
        # shellcheck disable=SC2086 # nothing left out and nothing to resume are no options
        "$pea" train "$often" "$often" "$often" "$often" "$data/train-extra" -o "$run.safetensors" --preset nuclei --small \
            --steps "$steps" --validate "$steps" --share 0.1 --seed $seed --threads 1 --save 2m ${without:+--without $without} \
            $resume -q </dev/null
        touch "$run.done"
    done <<END
scm ccm,epm
scm+epm ccm
scm+ccm epm
scm+epm+ccm
END
done

echo "| modules | seed | AJI | Dice | PQ | abs. DiC | SBD |"
echo "|---|---|---|---|---|---|---|"
for name in scm scm+epm scm+ccm scm+epm+ccm; do
    for seed in 1 2; do
        scores=$out/$name-$seed.training/scores.csv
        echo "| $name | $seed | $(column aji_standard "$scores") | $(column dice "$scores") | $(column pq "$scores") |" \
            "$(column dic_abs "$scores") | $(column sbd "$scores") |"
    done
done
