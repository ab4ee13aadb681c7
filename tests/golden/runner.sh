#!/bin/sh
# The golden runner itself: it must notice wrong numbers, and say so: runner.sh RUNNER FOLDER-OF-CASES.
# SPDX-License-Identifier: BSD-2-Clause
set -eu
runner=$1
cases=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# expect STATUS TEXT: of the runner on the folder named case
expect() {
    got=0
    "$runner" case >out || got=$?
    if [ "$got" -ne "$1" ] || ! grep -qF -e "$2" out; then
        echo "FAILED: exit status $got, expected $1 and \"$2\":"
        cat out
        exit 1
    fi
}

# flip FILE OFFSET BYTE (octal): changes one byte
flip() { printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }

mkdir -p case/any-name
cp "$cases/metrics/"* case/any-name
expect 0 "5 passed, 0 failed, 0 skipped"
sed 's/"dic_signed": -1/"dic_signed": -2/' "$cases/metrics/expected.json" >case/any-name/expected.json
expect 1 "FAILED  case/any-name/a: dic_signed is -1, expected -2"
sed 's/"dic_signed"/"dic_unheard_of"/' "$cases/metrics/expected.json" >case/any-name/expected.json
expect 1 "dic_unheard_of"
rm -r case

mkdir case # the folder itself may be the case
cp "$cases/resunet2d-small-zip-module-prefix/"* case
expect 0 " 0 failed, 0 skipped"
flip case/embedding.npy 1003 100 # the high byte of a float
expect 1 "FAILED  case/embedding"
cp "$cases/resunet2d-small-zip-module-prefix/embedding.npy" case
flip case/affinity_n8.npy 1003 100
expect 1 "FAILED  case/affinity_n8"
head -c 50000 "$cases/resunet2d-small-zip-module-prefix/model.ckpt" >case/model.ckpt
expect 1 "1 failed"
rm -r case

mkdir case
cp "$cases/cluster/"* case
expect 0 " 0 failed, 0 skipped"
cp case/plane_two_levels_labels.tif case/plane_plain_labels.tif
expect 1 "FAILED  case/plane_plain"
rm -r case

mkdir case
cp "$cases/postprocess/"* case
cp case/a_input.tif case/a_leaf_merged.tif
expect 1 "FAILED  case/a_leaf_merged"
rm -r case

mkdir -p case/training case/unknown
echo '{}' >case/training/meta.json
: >case/training/gradients.ckpt
echo '{}' >case/unknown/meta.json
expect 0 "0 passed, 0 failed, 2 skipped"
rm -r case

expect 77 "no folder"
mkdir case
expect 1 "no case in this folder"
echo passed
