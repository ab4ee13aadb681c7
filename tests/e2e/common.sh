# common.sh - what the command-line tests share. A test file sources it, defines one function for each test, named as a
# sentence, and ends with `run "$@"`:  FILE.sh PEA FOLDER-OF-THE-SOURCES TEST
# SPDX-License-Identifier: BSD-2-Clause
set -eu
pea=$1
source=$2
testdata=$source/testdata
golden=$testdata/golden
image=$testdata/nuclei/8d29c5a03e0560c8_image.tif # 520 x 696
small=$golden/metrics/a_gt.tif                    # labels, which do as an image
volume=$golden/metrics/vol_gt.tif                 # the same with slices
export PEA_MODELS="$source/models"

work=$(mktemp -d)
trap 'chmod -R u+rwx "$work" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*"
    [ ! -s err ] || sed 's/^/  stderr: /' err
    exit 1
}

# exits STATUS COMMAND...: runs it; stdout goes to the file out, stderr to err.
exits() {
    wanted=$1
    shift
    got=0
    "$@" >out 2>err || got=$?
    [ "$got" -eq "$wanted" ] || fail "exit status $got, expected $wanted: $*"
}

# refuses STATUS TEXT COMMAND...: fails with one line on stderr that holds TEXT, and nothing on stdout.
refuses() {
    status=$1 text=$2
    shift 2
    exits "$status" "$@"
    [ "$(wc -l <err)" -eq 1 ] || fail "expected one line on stderr: $*"
    grep -qF -e "$text" err || fail "expected \"$text\" in the message of: $*"
    [ ! -s out ] || fail "expected nothing on stdout: $*"
}

# runs_examples_of PAGE AT-LEAST: every line of its sh blocks that begins with pea ends well, and there are that many.
runs_examples_of() {
    page=$1 least=$2 n=0
    sed -n '/^```sh$/,/^```$/p' "$source/docs/$page" | grep '^pea ' >examples
    while read -r line; do
        n=$((n + 1))
        got=0
        (eval "\"$pea\" ${line#pea }") >out 2>err </dev/null || got=$?
        [ $got -eq 0 ] || fail "exit status $got: $line"
    done <examples
    [ "$n" -ge "$least" ] || fail "only $n examples found"
}

# model_described_as TEXT: m.safetensors, with a text as it stands in JSON.
model_described_as() {
    printf '{"description":"%s"}' "$1" >record.json
    exits 0 "$pea" import "$golden/resunet2d-small-legacy/model.ckpt" -o m.safetensors --metadata record.json --quiet
}

# number_bytes N BYTES: as TIFFs have it, the lowest byte first.
number_bytes() {
    n=$1
    for _ in $(seq "$2"); do
        # shellcheck disable=SC2059
        printf "\\$(printf %03o $((n & 255)))"
        n=$((n >> 8))
    done
}

# tiff_header WIDTH HEIGHT BITS FORMAT: a TIFF of one grey strip up to its data; formats are 1, whole numbers, and 3, floats.
tiff_header() {
    printf 'II*\000\010\000\000\000'
    number_bytes 10 2
    for entry in "256 $1" "257 $2" "258 $3" "259 1" "262 1" "273 134" "277 1" "278 $2" "279 $(($1 * $2 * $3 / 8))" "339 $4"; do
        number_bytes "${entry% *}" 2
        number_bytes 4 2 # the type: 32 bits
        number_bytes 1 4
        number_bytes "${entry#* }" 4
    done
    number_bytes 0 4
}

# says TEXT FILE
says() { grep -qF -e "$1" "$2" || fail "expected \"$1\" in $2: $(head -c 600 "$2")"; }

# only_files NAME...: nothing else is in the current folder but what the test itself wrote.
no_leftovers() {
    left=$(find "${1:-.}" -name '*.tmp*' -o -name '.*pea*' -o -name '*.part*' | head -n 3)
    [ -z "$left" ] || fail "left behind: $left"
}

# files FOLDER: names in it on one line.
files() { ls -A "$1" | tr '\n' ' ' | sed 's/ $//'; }

# number KEY FILE: of a JSON object
number() { sed -n "s/.*\"$1\":\([-0-9.eE+]*\).*/\1/p" "$2"; }

run() {
    "$3"
    echo "passed: $3"
}
