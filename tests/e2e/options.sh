#!/bin/sh
# Options, help and the ways to go wrong before any work begins.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/common.sh"
commands="segment network affinity cluster score train import info bench"

every_command_has_a_manual() {
    for command in $commands; do
        exits 0 "$pea" $command --help
        for section in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES "EXIT STATUS" "SEE ALSO"; do
            grep -qx "$section" out || fail "pea $command --help has no section $section"
        done
        [ "$(awk '{ if (length > m) m = length } END { print m }' out)" -le 110 ] || fail "lines too long: pea $command --help"
        mv out first
        exits 0 "$pea" help $command
        cmp first out || fail "pea help $command differs from pea $command --help"
        exits 0 "$pea" $command --surely-unknown --help # whoever is lost gets help
    done
}

# rows SECTION: the options in the table of a section of the page
rows() { sed -n "/^## $1\$/,/^## [^$]/p" "$source/docs/command-line.md" | grep -o '^| `[^|]*--[a-z-]*' | sed 's/.*--//' || true; }

the_manual_and_the_documentation_name_the_same_options() {
    rows "Options of every working command" | sort >shared
    [ "$(wc -l <shared)" -eq 4 ] || fail "the shared options were not found"
    for command in $commands; do
        exits 0 "$pea" $command --help
        sed -n '/^OPTIONS/,/^EXAMPLES/s/^       \(-., \)*--\([a-z-]*\).*/\2/p' out | grep -vx help | sort >in_help
        rows "pea $command" >in_docs
        case $command in segment | network | affinity | cluster | score | train) cat shared >>in_docs ;; esac
        sort -o in_docs in_docs
        diff in_help in_docs >difference || fail "pea $command: < only in --help, > only in docs/command-line.md: $(cat difference)"
    done
}

an_unknown_option_names_the_nearest_known_one() {
    refuses 2 "did you mean --threads?" "$pea" segment a.tif -m nuclei -o b.tif --treads 2
    refuses 2 "did you mean --neighbours?" "$pea" affinity a.npy -o b.npy --shifts 1 --neighbors=8
    refuses 2 "did you mean --prediction?" "$pea" score --truth a.tif --predictions b.tif
    refuses 2 "unknown option --zzzzzzzzzzzzzzzz " "$pea" info --zzzzzzzzzzzzzzzz
    refuses 2 "unknown option -x" "$pea" segment -x
    refuses 2 "did you mean segment?" "$pea" segmnt
    refuses 2 "did you mean forward?" "$pea" bench foreward
}

wrong_values_are_refused() {
    while read -r option value; do
        refuses 2 "${option%%=*}" "$pea" segment "$small" -m nuclei -o x.tif "$option" "$value"
        refuses 2 "${option%%=*}" "$pea" segment "$small" -m nuclei -o x.tif "$option=$value"
    done <<END
--threads 0
--threads x
--threads 1.5
--threads 2x
--threads 99999999999999999999
--threshold 1.5
--threshold nan
--threshold 0,5
--threshold -0.1
--shifts 1,a
--shifts 1,,3
--shifts 1,3,
--shifts 0
--shifts 40000
--neighbours 3
--strides 0,0
--strides 0
--cut 0
--cut 1
--cut half
--scoring median
--scoring 100
--fragments 0.25:2
--fragments 1:2:100
--bandwidth 0
--strides 5;5
--minsize -1
--minsize 1e3
--speckles many
--channel 0
--frame 0
--memory 4X
--memory -1
--memory 0x10
--border up
--foreground perhaps
--normalise MINMAX
--padding zero
--clusterer watershed
--precision fp16
--scale 0
--scale 21
--scale Auto
--mode 4d
--slices 9-3
--slices 0-3
--slices a-b
--slices 3-
--slices 1-2-3
--merge 5
--merge 5:5,
--merge 5:0
--merge 5:x
END
    refuses 2 neighbours "$pea" segment "$small" -m nuclei -o x.tif --shifts 1,3 --neighbours 5
    [ ! -e x.tif ] || fail "something was written"
}

a_value_that_is_missing_is_asked_for() {
    refuses 2 "--output wants a value" "$pea" segment "$small" -m nuclei -o
    refuses 2 "--output wants a value" "$pea" segment "$small" -m nuclei -o --quiet
    refuses 2 "--model MODEL is needed" "$pea" segment "$small" -o x.tif
    refuses 2 "--output OUT is needed" "$pea" segment "$small" -m nuclei
    refuses 2 "--quiet takes no value" "$pea" segment "$small" -m nuclei -o x.tif --quiet=1
    refuses 2 "an image" "$pea" segment -m nuclei -o x.tif
    refuses 2 "--truth" "$pea" score --prediction a.tif
    refuses 2 "a model" "$pea" network --input a.npy -o b
    refuses 2 "unexpected argument" "$pea" info a b
    refuses 2 "which neighbours" "$pea" affinity a.npy -o b.npy
    refuses 2 "which neighbours" "$pea" cluster a.npy -o b.tif
}

both_ways_to_write_a_value_work() {
    exits 0 "$pea" segment -mnuclei --output=x.tif --foreground=none "$small"
    exits 0 "$pea" segment --model nuclei -o y.tif --foreground none -- "$small"
    cmp x.tif y.tif || fail "they differ"
}

without_arguments_there_is_an_overview() {
    exits 2 "$pea"
    says "pea segment" err
    exits 0 "$pea" --help
    for command in $commands; do
        says "pea $command" out
    done
    exits 0 "$pea" --version
    says "pea " out
    refuses 2 "no command" "$pea" nothing-like-it
}

output_that_cannot_be_printed_is_an_error() {
    [ -w /dev/full ] || exit 77
    got=0
    "$pea" info --json >/dev/full 2>err || got=$?
    [ $got -eq 1 ] || fail "exit status $got for a full disk behind stdout"
    says "standard output" err
    # a reader that went away is not a crash either
    { "$pea" segment --help 2>err && echo 0 >status || echo $? >status; } | sleep 0
    [ "$(cat status)" -le 1 ] || fail "exit status $(cat status) for a closed pipe"
}

the_examples_of_the_documentation_run() {
    mkdir images masks truth
    cp "$small" image.tif
    cp "$small" images/a.tif
    cp "$golden/metrics/b_gt.tif" images/b.tif
    cp -r "$testdata/nuclei" pairs
    cp "$small" mask.tif
    cp "$golden/metrics/a_gt.tif" truth/a.tif
    cp "$golden/metrics/b_gt.tif" truth/b.tif
    cp "$golden/metrics/a_gt.tif" truth.tif
    cp "$golden/resunet2d-small-legacy/model.ckpt" leaves.ckpt
    cp "$golden/resunet2d-small-legacy/input.npy" x.npy
    cp "$golden/cluster/volume_affinity.npy" volume.npy
    echo '{"name": "leaves", "licence": "CC0"}' >leaves.json
    sed -n 's/^    \(\[\[-1,0,0\].*\)/\1/p' "$source/docs/command-line.md" >offsets.json
    runs_examples_of command-line.md 20
}

run "$@"
