#!/bin/sh
# `pea score`, `info`, `bench`: what is told to people and programs.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/common.sh"
metrics=$golden/metrics

scores_are_the_golden_ones() {
    for name in a b c vol identical; do
        exits 0 "$pea" score --truth "$metrics/${name}_gt.tif" --prediction "$metrics/${name}_pred.tif" --json
        # the keys of expected.json one by one, as far as 12 digits
        tr -d ' \n' <"$metrics/expected.json" | sed "s/.*\"$name\":{\([^}]*\)}.*/\1/" | tr ',' '\n' | tr -d '"' >expected
        echo >>expected
        while IFS=: read -r key value; do
            [ -n "$key" ] || continue
            awk -v a="$(number "$key" out)" -v b="$value" 'BEGIN { d = a - b; exit !(a != "" && d < 1e-9 && d > -1e-9) }' ||
                fail "$name: $key is $(number "$key" out), expected $value"
        done <expected
        [ "$(wc -l <expected)" -ge 8 ] || fail "only $(wc -l <expected) keys"
        for key in sbd_max aji_standard n_gt n_pred ap ap_mean; do
            says "\"$key\":" out
        done
    done
}

scores_for_people_are_a_table() {
    exits 0 "$pea" score --truth "$metrics/a_gt.tif" --prediction "$metrics/a_pred.tif"
    says "panoptic quality, PQ" out
    [ ! -s err ] || fail "something on stderr"
}

folders_are_scored_in_pairs() {
    mkdir truth predicted
    for name in a b; do
        cp "$metrics/${name}_gt.tif" truth/${name}_labels.tif
        cp "$small" truth/${name}_image.tif
        cp "$metrics/${name}_pred.tif" predicted/${name}_image.tif # as named after their images
    done
    exits 0 "$pea" score --truth truth --prediction predicted
    says "mean of 2 images" out
    exits 0 "$pea" score --truth truth --prediction predicted --json
    says '"images":[{"image":"a_image.tif"' out
    says '"mean":{' out
    says '"interval":{"n_gt":[' out
    mkdir once && cp predicted/a_image.tif once # of one image there is nothing to draw
    exits 0 "$pea" score --truth truth --prediction once --json
    [ "$(sed 's/.*"interval":{.*"aji":\[\([0-9.]*\),\([0-9.]*\)\].*/\1/' out)" = \
        "$(sed 's/.*"mean":{.*"aji":\([0-9.]*\),.*"interval".*/\1/' out)" ] || fail "another interval: $(cat out)"
    [ "$(sed 's/.*"aji":\[\([0-9.]*\),\([0-9.]*\)\].*/\1/' out)" = "$(sed 's/.*"aji":\[\([0-9.]*\),\([0-9.]*\)\].*/\2/' out)" ] ||
        fail "an interval of one image: $(cat out)"
    cp "$small" predicted/c.tif
    refuses 1 "no truth for predicted/c.tif" "$pea" score --truth truth --prediction predicted
}

images_that_cannot_be_compared_are_refused() {
    refuses 1 "expected two files or two folders" "$pea" score --truth "$metrics" --prediction "$small"
    refuses 1 "truth is" "$pea" score --truth "$metrics/a_gt.tif" --prediction "$metrics/b_pred.tif"
    refuses 1 "nowhere.tif" "$pea" score --truth "$metrics/a_gt.tif" --prediction nowhere.tif
    exits 0 "$pea" segment "$small" -m nuclei -o l.tif --overlay rgb.png
    refuses 1 "channels" "$pea" score --truth "$metrics/a_gt.tif" --prediction rgb.png
    head -c 2000 "$metrics/a_gt.tif" >cut.tif
    refuses 1 "cut.tif" "$pea" score --truth cut.tif --prediction "$metrics/a_pred.tif"
}

info_sends_no_commands_of_a_file_to_the_terminal() {
    escape=$(printf '\302\233')
    model_described_as "two\\nlines \\u001b[31m ${escape}31m \\u00b5m"
    exits 0 "$pea" info m.safetensors
    says "$(printf 'two?lines ?[31m ?31m \302\265m')" out
}

info_tells_of_the_picture_and_spares_its_text() {
    exits 0 "$pea" info nuclei
    grep -qE '^  thumbnail +PNG of 96 x 96 pixels, [0-9]+ bytes$' out || fail "no thumbnail: $(cat out)"
    says "$(sha256sum "$PEA_MODELS/nuclei.safetensors" | cut -d ' ' -f 1)" out
    exits 0 "$pea" info nuclei --json
    grep -q iVBOR out && fail "the picture is printed"
    says '"thumbnail":"PNG of 96 x 96 pixels, ' out
    echo '{"thumbnail": "iVBORw0KGgoAAAANSUhEUgAA"}' >short.json # which ends before the picture's size
    exits 0 "$pea" import "$golden/resunet2d-small-legacy/model.ckpt" -o m.safetensors --metadata short.json
    exits 0 "$pea" info m.safetensors
    says "iVBORw0KGgo" out
    echo '{"thumbnail": "picture.png"}' >none.json
    refuses 1 "'thumbnail' must be a PNG in base64" "$pea" import "$golden/resunet2d-small-legacy/model.ckpt" -o n.safetensors \
        --metadata none.json
}

info_can_be_stopped_while_nobody_reads() {
    model_described_as "$(head -c 300000 /dev/zero | tr '\0' x)"
    mkfifo slow
    "$pea" info m.safetensors >slow 2>err &
    child=$!
    exec 3<slow
    sleep 1
    kill -TERM $child
    sleep 0.2
    exec 3<&- # whoever still waits gets an error
    got=0
    wait $child || got=$?
    [ "$got" -eq 130 ] || fail "exit status $got, expected 130"
}

info_describes_models_images_and_the_machine() {
    exits 0 "$pea" info nuclei
    for word in resunet2d 475602 reflect-end licence provenance; do
        says "$word" out
    done
    exits 0 "$pea" info nuclei --json
    says '"kind":"model"' out
    exits 0 "$pea" info "$image"
    for word in 696 520 uint8; do
        says "$word" out
    done
    exits 0 "$pea" info "$image" --json
    says '"kind":"image"' out
    exits 0 "$pea" info
    grep -qE '^memory_available +[0-9]+\.[0-9] [kMGT]B$' out || fail "memory is not for people: $(cat out)"
    exits 0 "$pea" info --json
    grep -qE '"memory_available":[0-9]+[,}]' out || fail "memory is not in bytes: $(cat out)"
    for key in version kernels cpu threads memory_available; do
        says "\"$key\":" out
    done
    refuses 1 "pea import" "$pea" info "$golden/resunet2d-small-legacy/model.ckpt"
    refuses 1 "pea import" "$pea" info "$golden/resunet2d-small-zip-module-prefix/model.ckpt"
    refuses 1 "folder" "$pea" info .
    mkfifo pipe
    refuses 1 "regular" timeout 5 "$pea" info ./pipe
    : >empty.tif
    refuses 1 "empty" "$pea" info empty.tif
    echo "a text of some length" >words
    refuses 1 "neither a TIFF" "$pea" info words
    odd=$(printf 'odd\377\303\251.tif')
    cp "$small" "$odd"
    exits 0 "$pea" info "$odd" --json
    says "$(printf '"file":"odd\357\277\275\303\251.tif"')" out
    refuses 1 "nowhere" "$pea" info nowhere
    echo "some text" >text
    refuses 1 "text" "$pea" info text
}

the_benchmark_runs() {
    mkdir scratch
    export TMPDIR="$work/scratch" # others may be measuring too
    exits 0 "$pea" bench --quick
    [ "$(grep -c -E '^(forward|affinity|cluster)' out)" -eq 12 ] || fail "expected 12 lines: $(cat out)"
    exits 0 "$pea" bench cluster --quick --threads 1 --json
    for key in median_s best_s peak_bytes instances threads; do
        says "\"$key\":" out
    done
    [ -z "$(ls -A scratch)" ] || fail "weights were left behind"
}

run "$@"
