#!/bin/sh
# `pea segment` from outside.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/common.sh"

one_image_becomes_labels_overlay_and_table() {
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --overlay overlay.png --table table.csv --foreground none
    [ -s labels.tif ] && [ -s overlay.png ] && [ -s table.csv ] || fail "an output is missing: $(files .)"
    says "labels.tif" err
    exits 0 "$pea" info labels.tif
    says "uint16" out
    exits 0 "$pea" info overlay.png
    says "(RGB)" out
    says "label," table.csv
    exits 0 "$pea" segment "$small" -m nuclei -o again.tif --foreground none --json --quiet
    [ "$(number instances out)" -eq "$(($(wc -l <table.csv) - 1))" ] || fail "the table does not have a row for each instance"
    no_leftovers
}

the_same_bytes_come_for_any_number_of_threads() {
    for threads in 1 2 7; do
        exits 0 "$pea" segment "$image" -m nuclei -o $threads.tif --table $threads.csv --overlay $threads.png --threads $threads
    done
    for name in 2 7; do
        cmp 1.tif $name.tif && cmp 1.csv $name.csv && cmp 1.png $name.png || fail "$name threads differ from one"
    done
}

bf16_gives_nearly_the_same_labels() {
    exits 0 "$pea" segment "$image" -m nuclei -o fp32.tif --quiet
    for threads in 1 2; do
        exits 0 "$pea" segment "$image" -m nuclei -o bf16-$threads.tif --precision bf16 --threads $threads --quiet
    done
    cmp bf16-1.tif bf16-2.tif || fail "two threads differ from one"
    ! cmp -s fp32.tif bf16-1.tif || fail "no label differs from fp32: was it bf16?"
    exits 0 "$pea" score --truth fp32.tif --prediction bf16-1.tif --json
    case $(number dice out) in
    0.99* | 1) ;;
    *) fail "bf16 is far from fp32: $(cat out)" ;;
    esac
}

a_folder_becomes_a_folder_of_results() {
    mkdir images
    cp "$small" images/b.tif
    cp "$golden/metrics/b_gt.tif" images/a.tiff
    echo "no image" >images/notes.txt
    exits 0 "$pea" segment images -m nuclei -o made/labels --overlay made/drawn --table made/tables
    [ "$(files made/labels)" = "a.tif b.tif" ] || fail "found $(files made/labels)"
    [ "$(files made/drawn)" = "a.png b.png" ] || fail "found $(files made/drawn)"
    [ "$(files made/tables)" = "a.csv b.csv" ] || fail "found $(files made/tables)"
}

several_images_go_into_a_folder() {
    cp "$small" a.tif
    cp "$golden/metrics/b_gt.tif" b.tif
    exits 0 "$pea" segment a.tif b.tif -m nuclei -o results --quiet
    [ ! -s err ] || fail "--quiet is not quiet"
    [ "$(files results)" = "a.tif b.tif" ] || fail "found $(files results)"
}

a_broken_image_does_not_stop_the_others() {
    mkdir images
    cp "$small" images/a.tif
    head -c 5000 "$image" >images/broken.tif
    cp "$golden/metrics/b_gt.tif" images/c.tif
    exits 1 "$pea" segment images -m nuclei -o results --json
    [ "$(files results)" = "a.tif c.tif" ] || fail "found $(files results)"
    tail -n 2 err >last
    says "broken.tif" last
    says "1 of 3 images failed" last
    says '"failed":[{"input":"images/broken.tif"' out
}

a_truncated_image_leaves_older_results_as_they_were() {
    head -c 9000 "$image" >cut.tif
    echo older >labels.tif
    refuses 1 cut.tif "$pea" segment cut.tif -m nuclei -o labels.tif
    [ "$(cat labels.tif)" = older ] || fail "the older file changed"
    refuses 1 cut.tif "$pea" segment cut.tif -m nuclei -o new.tif
    [ ! -e new.tif ] || fail "something was written"
    no_leftovers
}

an_older_output_is_replaced() {
    echo older >labels.tif
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif
    exits 0 "$pea" info labels.tif
}

an_image_that_is_not_there_is_named() {
    refuses 1 nowhere.tif "$pea" segment nowhere.tif -m nuclei -o labels.tif
    refuses 1 nowhere.tif "$pea" segment "$small" -m nuclei -o labels.tif --mask nowhere.tif
    refuses 1 nowhere.safetensors "$pea" segment "$small" -m nowhere.safetensors -o labels.tif
    refuses 1 nowhere.json "$pea" segment "$small" -m nuclei -o labels.tif --offsets nowhere.json
    mkdir empty
    refuses 1 empty "$pea" segment empty -m nuclei -o results
}

a_model_that_is_not_there_lists_where_it_was_looked_for() {
    refuses 1 "$PEA_MODELS" "$pea" segment "$small" -m nucleii -o labels.tif
    mkdir more
    cp "$PEA_MODELS/nuclei.safetensors" more/mine.safetensors
    PEA_MODELS=/nowhere:more exits 0 "$pea" segment "$small" -m mine -o labels.tif
}

a_file_that_is_no_model_is_refused() {
    refuses 1 "$image" "$pea" segment "$small" -m "$image" -o labels.tif
    : >empty.safetensors
    refuses 1 empty.safetensors "$pea" segment "$small" -m empty.safetensors -o labels.tif
}

a_model_for_other_channels_is_refused() {
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --overlay rgb.png
    exits 0 "$pea" import "$golden/superhuman3d-small/model.ckpt" -o volume.safetensors
    refuses 1 channel "$pea" segment rgb.png -m volume.safetensors -o out.tif
    refuses 1 "channel 9" "$pea" segment rgb.png -m nuclei -o out.tif --channel 9
    exits 0 "$pea" segment rgb.png -m nuclei -o out.tif --channel 2
    exits 0 "$pea" segment rgb.png -m nuclei -o out.tif
}

a_mode_that_is_not_the_models_is_refused() {
    refuses 1 "--mode 3d" "$pea" segment "$small" -m nuclei -o labels.tif --mode 3d
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --mode 2d
    refuses 2 "3-D" "$pea" segment "$small" -m nuclei -o labels.tif --offsets "$(offsets_3d)"
    refuses 2 "--strides" "$pea" segment "$small" -m nuclei -o labels.tif --strides 1,5,5
}

offsets_3d() { # a file with them
    echo '[[-1,0,0],[0,-1,0],[0,0,-1],[-2,0,0]]' >3d.json
    echo 3d.json
}

slices_of_a_stack_can_be_chosen() {
    exits 0 "$pea" segment "$volume" -m nuclei -o all.tif --foreground none --overlay all.png --table all.csv
    exits 0 "$pea" segment "$volume" -m nuclei -o two.tif --foreground none --slices 2-3
    exits 0 "$pea" info two.tif --json
    [ "$(number slices out)" -eq 2 ] || fail "two slices were asked for"
    exits 0 "$pea" segment "$volume" -m nuclei -o one.tif --foreground none --slices 2
    exits 0 "$pea" info one.tif --json
    [ "$(number slices out)" -eq 1 ] || fail "one slice was asked for"
    refuses 1 "slices up to 99" "$pea" segment "$volume" -m nuclei -o bad.tif --slices 2-99
    refuses 1 "frame 2" "$pea" segment "$volume" -m nuclei -o bad.tif --frame 2
}

a_volume_goes_through_a_3d_model() {
    exits 0 "$pea" import "$golden/superhuman3d-small/model.ckpt" -o volume.safetensors --quiet
    exits 0 "$pea" segment "$volume" -m volume.safetensors -o labels.tif --table t.csv --threads 1
    exits 0 "$pea" segment "$volume" -m volume.safetensors -o again.tif --threads 2
    cmp labels.tif again.tif || fail "two threads differ from one"
    refuses 2 "2-D" "$pea" segment "$volume" -m volume.safetensors -o labels.tif --shifts 1,3
}

the_settings_that_info_prints_are_those_of_the_model() {
    exits 0 "$pea" segment "$small" -m nuclei -o model.tif --quiet
    exits 0 "$pea" info nuclei
    sed -n '/^shifts /,/^$/s/^\([a-z]*\) *\(..*\)/--\1 \2/p' out >options
    [ "$(wc -l <options)" -ge 14 ] || fail "only $(wc -l <options) settings are printed"
    exits 0 "$pea" segment "$small" -m nuclei -o given.tif --quiet $(cat options)
    cmp model.tif given.tif || fail "given one by one they lead to another result"
    exits 0 "$pea" info nuclei --json
    says '"settings":{"shifts":"1,3,5,9,11","neighbours":"4","offsets":"[[-1,0],[0,-1],' out
}

calibrated=$testdata/tiff/imagej/stack16-written-by-imagej.tif # pixels of 0.004 um

model_of_pixels() { # SIZE UNIT: m.safetensors
    printf '{"pixel_size":{"y":%s,"x":%s,"unit":"%s"},"foreground":"none"}' "$1" "$1" "$2" >record.json
    exits 0 "$pea" import "$golden/resunet2d-small-legacy/model.ckpt" -o m.safetensors --metadata record.json --quiet
}

scale_auto_is_the_ratio_of_the_pixel_sizes() {
    model_of_pixels 8 nm
    exits 0 "$pea" segment "$calibrated" -m m.safetensors -o auto.tif --scale auto --json
    says "at scale 0.5," err
    [ "$(number scale out)" = 0.5 ] || fail "scale is $(number scale out)"
    exits 0 "$pea" segment "$calibrated" -m m.safetensors -o half.tif --scale 0.5
    cmp auto.tif half.tif || fail "auto and the factor it took differ"
    exits 0 "$pea" segment "$calibrated" -m m.safetensors -o as_it_is.tif
    grep -q "at scale" err && fail "nothing was scaled"
    exits 0 "$pea" info half.tif --json
    cp out scaled
    exits 0 "$pea" info as_it_is.tif --json
    [ "$(number width out)" = "$(number width scaled)" ] || fail "labels are not on the image's grid"
}

scale_auto_that_cannot_be_known_says_what_to_do() {
    refuses 1 "give scale a factor" "$pea" segment "$calibrated" -m nuclei -o x.tif --scale auto
    model_of_pixels 0.5 um
    refuses 1 "--scale auto: the image has no pixel size: set it" "$pea" segment "$small" -m m.safetensors -o x.tif --scale auto
    refuses 1 "beyond 0.05 to 20" "$pea" segment "$calibrated" -m m.safetensors -o x.tif --scale auto
    [ ! -e x.tif ] || fail "something was written"
    mkdir images
    cp "$small" images/a.tif
    cp "$calibrated" images/b.tif
    model_of_pixels 0.004 um
    exits 1 "$pea" segment images -m m.safetensors -o results --scale auto
    [ "$(files results)" = b.tif ] || fail "found $(files results)"
}

instances_stay_inside_the_mask() {
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --mask "$small" --minsize 0 --json
    [ "$(number instances out)" -gt 0 ] || fail "no instance in the mask"
    # the foreground of the result is then the mask itself
    exits 0 "$pea" score --truth "$small" --prediction labels.tif --json
    [ "$(number dice out)" = 1 ] || fail "foreground and mask differ: $(number dice out)"
    refuses 1 mask "$pea" segment "$small" -m nuclei -o labels.tif --mask "$image"
}

masks_of_a_folder_are_found_by_name() {
    mkdir images masks
    cp "$small" images/a.tif
    cp "$golden/metrics/b_gt.tif" images/b.tif
    cp "$small" masks/a.tif
    refuses 1 "no mask for images/b.tif" "$pea" segment images -m nuclei -o results --mask masks
    cp "$golden/metrics/b_gt.tif" masks/b.tiff
    exits 0 "$pea" segment images -m nuclei -o results --mask masks
}

nothing_is_written_over_what_is_read() {
    cp "$small" a.tif
    ln -s a.tif link.tif
    ln a.tif hard.tif
    refuses 2 "a.tif" "$pea" segment a.tif -m nuclei -o a.tif
    refuses 2 "a.tif" "$pea" segment a.tif -m nuclei -o link.tif
    refuses 2 "a.tif" "$pea" segment a.tif -m nuclei -o hard.tif
    refuses 2 "a.tif" "$pea" segment a.tif -m nuclei -o ./a.tif
    refuses 2 "a.tif" "$pea" segment "$image" -m nuclei --mask a.tif -o a.tif
    cmp a.tif "$small" || fail "the image changed"
}

two_results_of_one_name_are_refused() {
    mkdir one two
    cp "$small" one/a.tif
    cp "$small" two/a.tif
    refuses 2 "two results would be written" "$pea" segment one two -m nuclei -o results
    refuses 2 "two results would be written" "$pea" segment "$small" -m nuclei -o x.png --overlay x.png
}

a_place_that_cannot_be_written_is_refused_before_the_work() {
    echo file >plain
    refuses 1 "missing" "$pea" segment "$small" -m nuclei -o missing/labels.tif
    refuses 1 "plain" "$pea" segment "$small" -m nuclei -o plain/labels.tif
    refuses 1 "plain" "$pea" segment "$small" "$image" -m nuclei -o plain
    refuses 1 "folder" "$pea" segment "$small" -m nuclei -o labels.tif --table missing/t.csv
    [ "$(id -u)" -ne 0 ] || return 0 # nothing is forbidden to root
    mkdir closed
    chmod 555 closed
    refuses 1 "closed" "$pea" segment "$small" -m nuclei -o closed/labels.tif
}

a_full_disk_leaves_no_half_file() {
    echo older >labels.tif
    # files of at most 512 bytes: the labels do not fit, messages do
    (ulimit -f 1 && exits 1 "$pea" segment "$image" -m nuclei -o labels.tif --quiet) || exit 1
    says "labels.tif" err
    [ "$(wc -l <err)" -eq 1 ] || fail "expected one line"
    [ "$(cat labels.tif)" = older ] || fail "the older file changed"
    no_leftovers
    [ "$(files .)" = "err labels.tif out" ] || fail "left behind: $(files .)"
}

labels_are_there_only_when_everything_is() {
    mkfifo overlay.png
    refuses 1 "no regular file" "$pea" segment "$small" -m nuclei -o labels.tif --overlay overlay.png
    [ ! -e labels.tif ] || fail "labels were written, but no overlay"
}

ctrl_c_stops_at_once_and_leaves_nothing() {
    for signal in INT TERM; do
        mkdir results
        # a shell starts background jobs with SIGINT ignored; env of a fresh shell does not help, so ask for the default
        "$pea" segment "$image" "$image.not" "$testdata/nuclei/a486f6ed4b8781e7_image.tif" -m nuclei -o results --scale 3 \
            --threads 1 --quiet 2>err &
        child=$!
        sleep 1
        before=$(date +%s%N)
        kill -$signal $child
        got=0
        wait $child || got=$?
        after=$(date +%s%N)
        [ "$got" -eq 130 ] || fail "SIG$signal: exit status $got, expected 130"
        [ $(((after - before) / 1000000)) -lt 2000 ] || fail "SIG$signal: took $(((after - before) / 1000000)) ms"
        says cancelled err
        [ -z "$(files results)" ] || fail "SIG$signal left $(files results)"
        rmdir results
    done
}

options_that_contradict_each_other_are_wrong_usage() {
    echo '[[-1,0],[0,-1],[-4,3]]' >o.json
    refuses 2 "--neighbours" "$pea" segment "$small" -m nuclei -o l.tif --offsets o.json --neighbours 8
    refuses 2 "--mask" "$pea" segment "$small" -m nuclei -o l.tif --foreground given
    refuses 2 "below 1" "$pea" segment "$small" -m nuclei -o l.tif --threshold 1
    mkfifo pipe
    refuses 1 "regular" timeout 5 "$pea" segment "$small" -m nuclei -o l.tif --offsets pipe
    [ ! -e l.tif ] || fail "something was written"
}

no_spelling_leads_to_writing_twice_or_over_what_is_read() {
    echo '[[-1,0],[0,-1],[-4,3]]' >o.json
    mkdir one
    ln -s one two
    refuses 2 "two results" "$pea" segment "$small" -m nuclei -o one/o.tif --overlay one/./o.tif
    refuses 2 "two results" "$pea" segment "$small" -m nuclei -o one/o.tif --table two/o.tif
    refuses 2 "o.json" "$pea" segment "$small" -m nuclei -o ./o.json --offsets o.json
    says "-4,3" o.json
    [ -z "$(files one)" ] || fail "something was written"
}

a_kernel_set_that_is_not_there_is_told() {
    PEA_CPU=nonsense exits 0 "$pea" info --json
    says "PEA_CPU=nonsense" err
    PEA_CPU=scalar exits 0 "$pea" info --json
    [ ! -s err ] || fail "nothing was to be said"
}

a_folder_made_for_nothing_is_removed() {
    refuses 1 nowhere "$pea" segment nowhere.tif -m nuclei -o results/of/today/
    [ ! -e results ] || fail "an empty folder was left"
    exits 1 "$pea" segment nowhere.tif elsewhere.tif -m nuclei -o results --table tables
    [ ! -e results ] && [ ! -e tables ] || fail "empty folders were left"
    mkdir results
    refuses 1 nowhere "$pea" segment nowhere.tif -m nuclei -o results/
    [ -d results ] || fail "a folder was removed that was there before"
    exits 1 "$pea" segment nowhere.tif "$small" -m nuclei -o some/results --quiet
    [ "$(files some/results)" = "$(basename "$small")" ] || fail "found $(files some/results)"
}

timings_are_the_last_line_of_stderr() {
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --timings
    tail -n 1 err >last
    for key in read network affinity cluster write peak_bytes; do
        says "\"$key\":" last
    done
    grep -q '^{.*}$' last || fail "no JSON object: $(cat last)"
}

json_tells_instances_and_seconds() {
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --json
    [ "$(wc -l <out)" -eq 1 ] || fail "expected one line"
    for key in model images input output instances seconds failed; do
        says "\"$key\":" out
    done
}

memory_that_does_not_suffice_is_refused_with_the_number() {
    refuses 1 "bytes" "$pea" segment "$image" -m nuclei -o labels.tif --memory 1M
    needed=$(sed -n 's/.*(\([0-9]*\) bytes) of memory.*/\1/p' err)
    refuses 1 "raise --memory" "$pea" segment "$image" -m nuclei -o labels.tif --memory $((needed - 1))
    [ ! -e labels.tif ] || fail "something was written"
    exits 0 "$pea" segment "$image" -m nuclei -o labels.tif --memory "$needed"
    refuses 1 "bytes" "$pea" segment "$image" -m nuclei --scale 2 -o labels.tif --memory 1M
    needed=$(sed -n 's/.*(\([0-9]*\) bytes) of memory.*/\1/p' err)
    exits 0 "$pea" segment "$image" -m nuclei --scale 2 -o all.tif --table all.csv --memory 0
    exits 0 "$pea" segment "$image" -m nuclei --scale 2 -o labels.tif --table t.csv --memory "$needed"
    says "confidence stays empty" err
    cmp all.tif labels.tif || fail "rows give other labels"
    [ "$(cut -d, -f1-13 t.csv)" = "$(cut -d, -f1-13 all.csv)" ] || fail "other measurements"
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --memory 4G
}

# A small image is worked on in less memory as a whole than row by row, so that keeping affinities costs nothing.
the_number_for_a_table_is_the_least_that_serves() {
    refuses 1 "bytes" "$pea" segment "$small" -m nuclei -o labels.tif --table t.csv --memory 1K
    needed=$(sed -n 's/.*(\([0-9]*\) bytes) of memory.*/\1/p' err)
    refuses 1 "raise --memory" "$pea" segment "$small" -m nuclei -o labels.tif --table t.csv --memory $((needed - 1))
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --table t.csv --memory "$needed"
}

# So large that a trial is made for the forecast of time, with a piece of the image.
a_value_that_is_no_number_is_named_by_its_place_in_the_image() {
    {
        tiff_header 2100 2100 32 3
        head -c $(((1050 * 2100 + 1060) * 4)) /dev/zero
        printf '\000\000\300\177'
        head -c $(((1050 * 2100 - 1061) * 4)) /dev/zero
    } >nan.tif
    refuses 1 "nan at z 0, y 1050, x 1060" "$pea" segment nan.tif -m nuclei -o labels.tif --memory 0
}

a_mask_of_another_size_is_refused_before_it_is_read() {
    tiff_header 60000 60000 8 1 >mask.tif
    truncate -s +3600000000 mask.tif # a hole in a file takes no place
    (ulimit -v 3000000 && refuses 1 "mask is 1 x 60000 x 60000" "$pea" segment "$small" -m nuclei -o labels.tif --mask mask.tif \
        --threads 1) || exit 1
    [ ! -e labels.tif ] || fail "something was written"
}

settings_of_the_model_can_be_overruled() {
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --shifts 1,3,5 --neighbours 8 --strides 2,2 --minsize 5 \
        --foreground predicted --threshold 0.3 --speckles 3 --merge 5:5,25:11 --normalise unit --padding zero-square \
        --border wrap --clusterer mutex --memory 0
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --neighbours 8 --merge none
    echo '[[-1,0],[0,-1],[-4,3]]' >o.json
    exits 0 "$pea" segment "$small" -m nuclei -o labels.tif --offsets o.json
    refuses 2 "--shifts and offsets both say" "$pea" segment "$small" -m nuclei -o labels.tif --offsets o.json --shifts 1,3
    echo '[[-1,0],[0,0]]' >zero.json
    refuses 1 zero.json "$pea" segment "$small" -m nuclei -o labels.tif --offsets zero.json
}

instances_are_found_in_each_way() {
    for way in mutex agglomerate multicut; do
        exits 0 "$pea" segment "$small" -m nuclei -o $way.tif --clusterer $way --json
        [ "$(number instances out)" -gt 1 ] || fail "$way: $(cat out)"
        exits 0 "$pea" segment "$small" -m nuclei -o one.tif --clusterer $way --threads 1
        cmp one.tif $way.tif || fail "$way: threads show"
    done
    exits 0 "$pea" segment "$small" -m nuclei -o l.tif --clusterer agglomerate --cut 0.9 --scoring 75 --strides 3 --json
    [ "$(number instances out)" -gt 1 ] || fail "cut: $(cat out)"
    exits 0 "$pea" segment "$small" -m nuclei -o l.tif --clusterer multicut --fragments 0.5:1:20 --bandwidth 2
    rm l.tif
    refuses 2 "mutex|agglomerate|multicut|meanshift" "$pea" segment "$small" -m nuclei -o l.tif --clusterer waterz
    refuses 1 "'multicut' needs direct neighbours" "$pea" segment "$small" -m nuclei -o l.tif --clusterer multicut --shifts 2,5
    [ ! -e l.tif ] || fail "something was written"
}

frames_slices_and_calibration_are_kept() {
    stack=$testdata/tiff/imagej/hyperstack8-c2z3t2.tif
    exits 0 "$pea" segment "$stack" -m nuclei -o labels.tif --channel 2 --table t.csv --overlay o.png --foreground none
    for key in slices frames width height voxel_zyx unit frame_seconds; do
        "$pea" info "$stack" | grep "^$key " >expected || true
        "$pea" info labels.tif | grep "^$key " >found || true
        cmp expected found || fail "$key: $(cat expected) became $(cat found)"
    done
    says "frame," t.csv
    exits 0 "$pea" segment "$stack" -m nuclei -o one.tif --channel 1 --frame 2 --slices 2-3
    exits 0 "$pea" info one.tif --json
    [ "$(number frames out)" -eq 1 ] && [ "$(number slices out)" -eq 2 ] || fail "one frame of two slices was asked for"
    refuses 1 "choose one (channel)" "$pea" segment "$stack" -m nuclei -o labels.tif
}

every_kind_of_tiff_becomes_labels() {
    mkdir images
    cp "$testdata"/tiff/plain/*.tif images
    n=$(ls images | wc -l)
    [ "$n" -ge 20 ] || fail "only $n images"
    exits 0 "$pea" segment images -m nuclei -o results --overlay results --table results --foreground none --quiet
    [ "$(ls results | wc -l)" -eq $((3 * n)) ] || fail "$(ls results | wc -l) results of $n images"
    # whatever way the same pixels were stored
    for name in u16-lzw u16-tiled16-zstd-pred2 u16-bigendian u16-bigtiff; do
        cmp results/base-u16.tif results/$name.tif || fail "$name differs from base-u16"
    done
}

hostile_images_are_refused_at_once() {
    for hostile in "$testdata"/tiff/hostile/giant.tif "$testdata"/tiff/hostile/loop.tif "$testdata"/tiff/hostile/strips.tif; do
        refuses 1 "$hostile" timeout 10 "$pea" segment "$hostile" -m nuclei -o labels.tif
        [ ! -e labels.tif ] || fail "something was written for $hostile"
    done
    for length in 0 1 4 8 100 1000 20000; do
        head -c $length "$image" >cut.tif
        refuses 1 cut.tif timeout 10 "$pea" segment cut.tif -m nuclei -o labels.tif
    done
}

the_wrong_kind_of_file_is_refused() {
    tensor=$golden/resunet2d-small-legacy/input.npy
    refuses 1 "$tensor" "$pea" segment "$tensor" -m nuclei -o labels.tif
    refuses 1 "$tensor" "$pea" segment "$small" -m "$tensor" -o labels.tif
    refuses 1 "$tensor" "$pea" segment "$small" -m nuclei -o labels.tif --mask "$tensor"
    refuses 1 "$small" "$pea" segment "$small" -m nuclei -o labels.tif --offsets "$small"
    refuses 1 "checkpoint" "$pea" segment "$small" -m "$golden/resunet2d-small-legacy/model.ckpt" -o labels.tif
    refuses 1 "$PEA_MODELS" "$pea" segment "$small" -m "$PEA_MODELS/" -o labels.tif
    [ ! -e labels.tif ] || fail "something was written"
}

run "$@"
