#!/bin/sh
# `pea train` from outside.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/common.sh"

# learn OUTPUT OPTION...: a small run.
learn() { # OUTPUT OPTION...
    output=$1
    shift
    # shellcheck disable=SC2086 # words
    exits 0 "$pea" train "$tiny" -o "$output" $tiny_run "$@"
}
tiny=$testdata/oom # one image, from which a network may learn what it is then scored on: here only bytes count
tiny_run="--validation $testdata/oom --preset nuclei --small --side 32 --batch 1 --decay constant --name n"

# same A B: models, and what a run writes beside them.
same() { # A B
    for file in .safetensors .training/state.safetensors .training/losses.csv .training/scores.csv .training/curves.png; do
        cmp "$1$file" "$2$file" || fail "$1$file and $2$file differ"
    done
}

a_model_is_trained_and_segments() {
    learn m.safetensors --steps 4 --validate 2 --licence CC0-1.0 --source "Three images." --json
    says '"steps":4' out
    says "the best so far, written" err
    says "step 4/4" err
    says "MiB of memory besides the images" err
    [ "$(wc -l <m.training/losses.csv)" -eq 5 ] || fail "not a row for each step"
    [ "$(wc -l <m.training/scores.csv)" -eq 3 ] || fail "not a row for each validation"
    exits 0 "$pea" info m.training/curves.png
    says "(RGB)" out
    [ -s m.training/overlay-1-*.png ] || fail "no overlay: $(files m.training)"
    exits 0 "$pea" info m.safetensors
    says "CC0-1.0" out
    says "Three images." out
    says "foreground_threshold" out
    exits 0 "$pea" segment "$small" -m m.safetensors -o labels.tif --quiet
    no_leftovers
}

three_steps_and_three_more_are_six() {
    learn six.safetensors --steps 6 --validate 4 --threads 1
    learn three.safetensors --steps 3 --validate 4 --threads 2
    learn three.safetensors --steps 6 --validate 4 --threads 3 --resume
    same six three
}

a_run_that_is_killed_goes_on_to_the_same_bytes() {
    learn whole.safetensors --steps 30 --validate 12
    for signal in KILL TERM INT; do
        # shellcheck disable=SC2086
        "$pea" train "$tiny" -o cut.safetensors $tiny_run --steps 30 --validate 12 --save 0.01s --restart >out 2>err &
        process=$!
        while [ ! -s cut.training/state.safetensors ] && kill -0 $process 2>/dev/null; do
            sleep 0.05
        done
        kill -$signal $process 2>/dev/null || true
        got=0
        wait $process || got=$?
        [ $signal = KILL ] || [ $got -eq 130 ] || [ $got -eq 0 ] || fail "exit status $got after $signal"
        [ $signal != TERM ] || [ $got -eq 0 ] || says "--resume goes on" err
        rm -f cut.training/.pea-tmp*
        learn cut.safetensors --steps 30 --validate 12 --resume
        same whole cut
        rm -r cut.training
    done
}

# A small disk of its own, where this may be mounted.
mount_disk() {
    mkdir disk
    mount -t tmpfs -o size=64m tmpfs disk 2>/dev/null || exit 77
    trap 'umount -l "$work/disk"; rm -rf "$work"' EXIT
}

fill_disk() { cat /dev/zero >disk/filler 2>/dev/null || true; }

a_full_disk_loses_nothing() {
    mount_disk
    learn whole.safetensors --steps 100 --validate 40
    fill_disk # and there is room again long before the last step, when it would be too late
    # shellcheck disable=SC2086
    "$pea" train "$tiny" -o disk/cut.safetensors $tiny_run --steps 100 --validate 40 --save 0.01s >out 2>err &
    process=$!
    while ! grep -qs "it is tried again" err && kill -0 $process 2>/dev/null; do
        sleep 0.05
    done
    rm disk/filler
    wait $process || fail "it did not go on"
    says "No space left on device" err
    same whole disk/cut
    no_leftovers disk
}

what_a_disk_has_stays_when_it_is_full() {
    mount_disk
    learn whole.safetensors --steps 30 --validate 12 --warmup 0
    learn disk/cut.safetensors --steps 13 --validate 12 --warmup 0
    cp -r disk before
    fill_disk
    # shellcheck disable=SC2086
    refuses 1 "No space left on device" "$pea" train "$tiny" -o disk/cut.safetensors $tiny_run --steps 30 --validate 12 \
        --warmup 0 --resume --quiet
    cmp before/cut.safetensors disk/cut.safetensors || fail "the model is another"
    cmp before/cut.training/state.safetensors disk/cut.training/state.safetensors || fail "the state is another"
    no_leftovers disk
    rm disk/filler
    learn disk/cut.safetensors --steps 30 --validate 12 --warmup 0 --resume
    same whole disk/cut
}

who_stops_a_run_on_a_full_disk_hears_that_it_was_not_kept() {
    mount_disk
    fill_disk
    # shellcheck disable=SC2086
    "$pea" train "$tiny" -o disk/m.safetensors $tiny_run --steps 100000 >out 2>err &
    process=$!
    while ! grep -qs "^step" err && kill -0 $process 2>/dev/null; do
        sleep 0.05
    done
    kill -TERM $process
    got=0
    wait $process || got=$?
    [ $got -eq 1 ] || fail "exit status $got"
    says "cancelled after step" err
    says "No space left on device" err
    no_leftovers disk
}

a_folder_that_cannot_be_written_is_told_before_training() {
    mount_disk
    mkdir disk/log
    mount -o remount,ro disk
    # shellcheck disable=SC2086
    refuses 1 "Read-only file system" "$pea" train "$tiny" -o m.safetensors $tiny_run --steps 1 --log disk/log
    # shellcheck disable=SC2086
    refuses 1 "Read-only file system" "$pea" train "$tiny" -o disk/m.safetensors $tiny_run --steps 1 --log log
    [ ! -e m.safetensors ] && [ ! -e log ] || fail "something was left: $(files .)"
}

too_little_memory_is_told_with_the_number() {
    # shellcheck disable=SC2086
    refuses 1 " bytes" "$pea" train "$tiny" -o m.safetensors $tiny_run --steps 1 --memory 4M
    [ "$(files .)" = "err out" ] || fail "something was left: $(files .)"
}

time_ends_training_with_a_model() {
    learn m.safetensors --steps 1000000 --time 1s
    says "m.safetensors: aji" err
    exits 0 "$pea" info m.safetensors
}

a_model_learns_on_and_its_encoder_may_be_frozen() {
    exits 0 "$pea" train "$testdata/nuclei" -o a.safetensors --from nuclei --freeze encoder --steps 2 --side 64 --batch 1
    exits 0 "$pea" info a.safetensors
    says "16,16,32,48,64" out
    says "provenance.from" out
    refuses 2 "--freeze encoder needs --from" "$pea" train "$testdata/nuclei" -o b.safetensors --preset nuclei --freeze encoder
    refuses 2 "over what is read" "$pea" train "$testdata/nuclei" -o a.safetensors --from ./a.safetensors
}

modules_of_the_paper_can_be_left_out() {
    # shellcheck disable=SC2086
    exits 0 "$pea" train "$tiny" -o m.safetensors --preset nuclei --small --steps 2 --side 32 --batch 1 --without ccm,epm --share 0
    [ "$(cut -d, -f5-9,11,12 m.training/losses.csv | sed -n 3p)" = "0,0,0,0,0,0,0" ] ||
        fail "losses of ccm or epm: $(cat m.training/losses.csv)"
    exits 0 "$pea" info m.safetensors
    says "without" out
    ! grep -q emb_level1 out || fail "a network without pyramid has heads of it"
}

a_volume_is_learnt_from() {
    mkdir em
    cp "$testdata/em/gala_image.tif" em/a_image.tif
    cp "$testdata/em/gala_labels.tif" em/a_labels.tif
    exits 0 "$pea" train em -o em.safetensors --preset em --small --steps 2 --depth 6 --side 32 --validate 2
    says "voi" err
    exits 0 "$pea" info em.safetensors
    says "superhuman3d" out
    exits 0 "$pea" train em -o thin.safetensors --preset em --small --steps 1 --depth 4 --side 32 --thin 1,3 --share 0
    exits 0 "$pea" info thin.safetensors
    says "1,3" out
    refuses 1 "thin=1,3, now it is thin=1:" "$pea" train em -o thin.safetensors --preset em --small --steps 2 --depth 4 --side 32 \
        --share 0 --resume
    refuses 1 "steps of 1 to 1000" "$pea" train em -o thin.safetensors --preset em --thin 3.5 --restart
    refuses 1 "thin is for volumes" "$pea" train em -o thin.safetensors --preset nuclei --thin 3 --restart
}

mistakes_are_told_before_training() {
    begin() { refuses "$1" "$2" "$pea" train "$testdata/nuclei" -o m.safetensors --preset nuclei --small --steps 1 $3; }
    begin 1 "multiple of 16" "--side 100"
    begin 1 "there is no 'dropout'" "--without scm,dropout"
    begin 1 "there is no score 'iou'" "--score iou"
    begin 2 "a number of at least 0" "--rate fast"
    begin 2 "a time such as" "--time 90"
    begin 2 "did you mean --batch" "--batches 2"
    begin 2 "--images and --labels" "--images *_a.tif"
    begin 1 "at least 5 shifts" "--shifts 1,3"
    begin 1 "nothing to resume" "--resume"
    refuses 2 "--preset" "$pea" train "$testdata/nuclei" -o m.safetensors
    refuses 1 "there is no nowhere" "$pea" train nowhere -o m.safetensors --preset nuclei
    refuses 1 "folder not-there" "$pea" train "$testdata/nuclei" -o not-there/m.safetensors --preset nuclei
    mkdir one
    cp "$image" one/a_image.tif
    refuses 1 "name them NAME_image.tif and NAME_labels.tif" "$pea" train one -o m.safetensors --preset nuclei
    [ "$(files .)" = "err one out" ] || fail "something was left: $(files .)"
}

an_earlier_run_is_not_lost_by_mistake() {
    learn m.safetensors --steps 1
    refuses 1 "--restart" "$pea" train "$testdata/nuclei" -o m.safetensors --preset nuclei --small --steps 1
    # shellcheck disable=SC2086
    refuses 1 "batch=1, now it is batch=2" "$pea" train "$tiny" -o m.safetensors $tiny_run --steps 1 --batch 2 --resume
    learn m.safetensors --steps 2 --restart
}

the_examples_of_the_page_run() {
    cp -r "$testdata/nuclei" images
    runs_examples_of train-your-own.md 5
}

plants_as_published_are_found_and_the_examples_of_their_page_run() {
    draw=$(dirname "$pea")/../models/leaves/rosettes
    [ -x "$draw" ] || exit 77 # built with the programs of bench/
    mkdir -p CVPPP2017/training/A1
    exits 0 "$draw" CVPPP2017/training/A1 3 --seed 3 --size 100x106 --layout cvppp
    runs_examples_of train-on-cvppp.md 4
    exits 0 "$pea" info try.safetensors # plants 1 and 3 are learnt from, 2 is of the paper's validation images
    grep -q 'provenance.training_images *2$' out || fail "not two plants: $(cat out)"
    grep -q 'provenance.validation_images *1$' out || fail "not one plant: $(cat out)"
    grep -q '^foreground *given' out || fail "the foreground is not given: $(cat out)"
}

run "$@"
