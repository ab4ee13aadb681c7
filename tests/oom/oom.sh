#!/bin/sh
# One command under failing allocations.
# SPDX-License-Identifier: BSD-2-Clause
#   oom.sh import|import-legacy|segment|score STEP PEA FAIL_EACH SHIM
set -eu
what=$1 step=$2 pea=$3 fail_each=$4 shim=$5
data=$(cd "$(dirname "$0")/../../testdata" && pwd)
memory=/dev/shm # thousands of fsyncs are slow on a disk
[ -w "$memory" ] || memory=${TMPDIR:-/tmp}
work=$(mktemp -d "$memory/pea-oom-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/out"

zip=$data/golden/resunet2d-small-zip-module-prefix/model.ckpt
legacy=$data/golden/resunet2d-small-legacy/model.ckpt

case $what in
import) exec_line="import $zip -o $work/out/model.safetensors" ;;
import-legacy) exec_line="import $legacy -o $work/out/model.safetensors" ;;
segment)
    "$pea" import "$zip" -o "$work/model.safetensors" --preset nuclei 2>"$work/log" || { cat "$work/log"; exit 1; }
    exec_line="segment $data/oom/tiny_image.tif -m $work/model.safetensors -o $work/out/labels.tif
        --overlay $work/out/overlay.png --table $work/out/table.csv --threads 2" ;;
score)
    exec_line="score --truth $data/oom/tiny_labels.tif --prediction $data/oom/tiny_labels.tif --json" ;;
*) echo "import, import-legacy, segment or score, not $what" >&2; exit 2 ;;
esac
# shellcheck disable=SC2086 # a list of words
"$fail_each" "$shim" "$step" "$work/out" "$pea" $exec_line
