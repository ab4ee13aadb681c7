#!/bin/sh
# `pea network`, `affinity`, `cluster`, `import`: the stages one by one.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/common.sh"
net=$golden/resunet2d-small-legacy
net3=$golden/superhuman3d-small

offsets_3d='[[-1,0,0],[0,-1,0],[0,0,-1],[-2,0,0],[0,-3,0],[0,0,-3],[-3,0,0],[0,-9,0],[0,0,-9],[-4,0,0],[0,-27,0],[0,0,-27]]'

# The golden runner compares what the command wrote with what the library computes, and the file names are the contract.
the_stages_give_the_golden_numbers() {
    [ -x "${RUN_GOLDEN:-}" ] || exit 77
    mkdir -p cases/plane cases/volume
    exits 0 "$pea" import "$net/model.ckpt" -o plane.safetensors
    exits 0 "$pea" network plane.safetensors --input "$net/input.npy" --output cases/plane
    [ "$(files cases/plane)" = "emb_level1.npy emb_level2.npy emb_level3.npy emb_level4.npy embedding.npy foreground_logits.npy" ] ||
        fail "found $(files cases/plane)"
    exits 0 "$pea" affinity cases/plane/embedding.npy -o cases/plane/affinity_train.npy --shifts 1,3,5,9,27 --border wrap
    exits 0 "$pea" affinity cases/plane/embedding.npy -o cases/plane/affinity_n8.npy --shifts 1,3,5,9 --neighbours 8 --border wrap
    exits 0 "$pea" import "$net3/model.ckpt" -o volume.safetensors
    exits 0 "$pea" network volume.safetensors --input "$net3/input.npy" --output cases/volume --threads 2
    echo "$offsets_3d" >o.json
    exits 0 "$pea" affinity cases/volume/embedding.npy -o cases/volume/affinity.npy --offsets o.json --border copy
    exits 0 "$pea" affinity cases/volume/embedding.npy -o cases/volume/affinity_raw.npy --offsets o.json --no-relu
    for case in plane volume; do
        from=$net
        [ $case = plane ] || from=$net3
        for file in $(cd "$from" && ls *.npy); do # sizes and header are those of the golden files
            [ $file = input.npy ] || [ "$(wc -c <"$from/$file")" -eq "$(wc -c <cases/$case/$file)" ] || fail "$case/$file has another size"
        done
        cp "$from/model.ckpt" "$from/input.npy" "$from/meta.json" cases/$case
    done
    exits 0 "$RUN_GOLDEN" cases
    says " 0 failed, 0 skipped" out
}

chosen_heads_only_are_written() {
    exits 0 "$pea" import "$net/model.ckpt" -o m.safetensors --quiet
    exits 0 "$pea" network m.safetensors --input "$net/input.npy" --output all --json
    says '"embedding":[2,8,64,96]' out
    exits 0 "$pea" network m.safetensors --input "$net/input.npy" -o some --heads embedding,emb_level2 --quiet
    [ "$(files some)" = "emb_level2.npy embedding.npy" ] || fail "found $(files some)"
    cmp all/embedding.npy some/embedding.npy || fail "the embedding depends on which heads are asked for"
    refuses 1 "did you mean embedding?" "$pea" network m.safetensors --input "$net/input.npy" -o x --heads embeding
}

heads_are_not_written_over_their_input() {
    exits 0 "$pea" import "$net/model.ckpt" -o m.safetensors --quiet
    cp "$net/input.npy" embedding.npy
    refuses 1 "embedding.npy would be written over" "$pea" network m.safetensors --input embedding.npy -o .
    cmp embedding.npy "$net/input.npy" || fail "the input was changed"
    exits 0 "$pea" network m.safetensors --input embedding.npy -o . --heads emb_level1
}

a_bundled_model_is_found_by_name() {
    exits 0 "$pea" network nuclei --input "$net/input.npy" --output heads
    [ -s heads/embedding.npy ] || fail "no embedding"
}

tensors_that_do_not_fit_are_refused() {
    exits 0 "$pea" import "$net/model.ckpt" -o m.safetensors --quiet
    refuses 1 "expected axes (n,c,y,x)" "$pea" network m.safetensors --input "$net3/input.npy" -o x # a volume for a plane's network
    refuses 1 "channels" "$pea" network m.safetensors --input "$net/embedding.npy" -o x
    refuses 1 "nowhere.npy" "$pea" network m.safetensors --input nowhere.npy -o x
    head -c 3000 "$net/input.npy" >cut.npy
    refuses 1 "cut.npy" "$pea" network m.safetensors --input cut.npy -o x
    refuses 1 "$small" "$pea" network m.safetensors --input "$small" -o x
}

sizes_that_are_no_multiple_of_16_are_refused() {
    exits 0 "$pea" import "$net/model.ckpt" -o m.safetensors --quiet
    header="{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 20, 16), }"
    { printf '\223NUMPY\001\000\166\000'; printf '%-117s\n' "$header"; head -c 3840 /dev/zero; } >odd.npy
    refuses 1 "multiples of 16" "$pea" network m.safetensors --input odd.npy -o x
    [ ! -e x/embedding.npy ] || fail "something was written"
}

threads_do_not_change_a_byte() {
    exits 0 "$pea" import "$net3/model.ckpt" -o m.safetensors --quiet
    for threads in 1 2 7; do
        exits 0 "$pea" network m.safetensors --input "$net3/input.npy" -o heads$threads --threads $threads
        echo "$offsets_3d" >o.json
        exits 0 "$pea" affinity heads$threads/embedding.npy -o a$threads.npy --offsets o.json --threads $threads
        exits 0 "$pea" cluster a$threads.npy -o l$threads.tif --offsets o.json --strides 1,4,4 --threads $threads
    done
    for threads in 2 7; do
        cmp a1.npy a$threads.npy && cmp l1.tif l$threads.tif || fail "$threads threads differ from one"
        for head in heads1/*; do
            cmp "$head" "heads$threads/${head#*/}" || fail "$threads threads differ from one"
        done
    done
}

timings_of_a_stage_are_the_last_line() {
    exits 0 "$pea" network nuclei --input "$net/input.npy" -o heads --timings
    tail -n 1 err | grep -q '^{"read":.*"network":.*"write":.*"peak_bytes":[0-9]*}$' || fail "no timings"
    exits 0 "$pea" cluster "$golden/cluster/plane_plain_affinity.npy" -o l.tif --shifts 1,3,5,9,27 --timings
    tail -n 1 err | grep -q '^{"read":.*"cluster":.*"write":.*"peak_bytes":[0-9]*}$' || fail "no timings"
}

# The partitions are the golden ones: no voxel pair differs, and the counts agree.
clusters_are_the_golden_ones() {
    cases=$golden/cluster
    exits 0 "$pea" cluster "$cases/plane_plain_affinity.npy" -o plain.tif --shifts 1,3,5,9,27 --json
    says '"instances":18' out
    exits 0 "$pea" score --truth "$cases/plane_plain_labels.tif" --prediction plain.tif --json
    [ "$(number arand out)" = 0 ] || fail "plain: arand $(number arand out)"
    exits 0 "$pea" cluster "$cases/plane_masked_strided_affinity.npy" -o strided.tif --shifts 1,3,5,9,27 --strides 5,5 \
        --mask "$cases/plane_masked_strided_mask.tif" --method mutex
    exits 0 "$pea" score --truth "$cases/plane_masked_strided_labels.tif" --prediction strided.tif --json
    [ "$(number arand out)" = 0 ] && [ "$(number dice out)" = 1 ] || fail "strided: arand $(number arand out)"
    echo "$offsets_3d" >o.json
    exits 0 "$pea" cluster "$cases/volume_affinity.npy" -o volume.tif --offsets o.json --strides 1,10,10
    exits 0 "$pea" score --truth "$cases/volume_labels.tif" --prediction volume.tif --json
    [ "$(number arand out)" = 0 ] && [ "$(number n_pred out)" -eq 8 ] || fail "volume: arand $(number arand out)"
}

graphs_are_cut_in_each_way() {
    cases=$golden/cluster
    echo "$offsets_3d" >o.json
    for way in agglomerate multicut; do
        exits 0 "$pea" cluster "$cases/volume_affinity.npy" -o $way.tif --offsets o.json --method $way --json
        [ "$(number instances out)" -ge 1 ] || fail "$way: $(cat out)"
        exits 0 "$pea" cluster "$cases/volume_affinity.npy" -o one.tif --offsets o.json --method $way --threads 1
        cmp one.tif $way.tif || fail "$way: threads show"
    done
    for way in mutex agglomerate multicut; do # what is joined goes by the cut
        exits 0 "$pea" cluster "$cases/plane_two_levels_affinity.npy" -o l.tif --shifts 1,5 --method $way --cut 0.3 --json
        few=$(number instances out)
        exits 0 "$pea" cluster "$cases/plane_two_levels_affinity.npy" -o l.tif --shifts 1,5 --method $way --cut 0.7 --json
        [ "$(number instances out)" -gt "$few" ] || fail "$way: $few with a cut of 0.3, $(number instances out) with 0.7"
    done
    exits 0 "$pea" cluster "$cases/volume_affinity.npy" -o l.tif --offsets o.json --method agglomerate --scoring 75 \
        --strides 10
    exits 0 "$pea" cluster "$cases/volume_affinity.npy" -o l.tif --offsets o.json --method multicut --fragments 0.25:1:10
    refuses 2 "--cut wants a number from 0.001 to 0.999" "$pea" cluster "$cases/volume_affinity.npy" -o l.tif --offsets \
        o.json --cut 2
    refuses 2 "unknown option --bandwidth" "$pea" cluster "$cases/volume_affinity.npy" -o l.tif --offsets o.json \
        --bandwidth 2
    refuses 2 meanshift "$pea" cluster "$cases/volume_affinity.npy" -o l.tif --offsets o.json --method meanshift
    refuses 1 "one step in y" "$pea" cluster "$cases/plane_two_levels_affinity.npy" -o l.tif --shifts 2,5 --method multicut
}

clean_up_follows_clustering_on_request() {
    cases=$golden/cluster
    exits 0 "$pea" cluster "$cases/plane_two_levels_affinity.npy" -o all.tif --shifts 1,5 --json
    many=$(number instances out)
    exits 0 "$pea" cluster "$cases/plane_two_levels_affinity.npy" -o few.tif --shifts 1,5 --minsize 10 --merge 5:5,25:11 --json
    [ "$(number instances out)" -lt "$many" ] || fail "$many before, $(number instances out) after"
}

affinities_that_do_not_fit_are_refused() {
    cases=$golden/cluster
    refuses 1 "10" "$pea" cluster "$cases/plane_plain_affinity.npy" -o l.tif --shifts 1,3
    refuses 1 "shape" "$pea" cluster "$net3/affinity.npy" -o l.tif --shifts 1,3
    refuses 1 "mask" "$pea" cluster "$cases/plane_plain_affinity.npy" -o l.tif --shifts 1,3,5,9,27 --mask "$small"
    echo '[[-1,0],[0,"x"]]' >bad.json
    refuses 1 bad.json "$pea" cluster "$cases/plane_plain_affinity.npy" -o l.tif --offsets bad.json
    refuses 1 batch "$pea" cluster "$net/affinity_train.npy" -o l.tif --shifts 1,3,5,9,27
    [ ! -e l.tif ] || fail "something was written"
}

a_stage_never_writes_over_what_it_reads() {
    cp "$net/embedding.npy" e.npy
    cp "$net/model.ckpt" m.ckpt
    refuses 2 e.npy "$pea" affinity e.npy -o e.npy --shifts 1
    refuses 2 m.ckpt "$pea" import m.ckpt -o m.ckpt
    cmp e.npy "$net/embedding.npy" && cmp m.ckpt "$net/model.ckpt" || fail "an input changed"
}

both_checkpoint_forms_become_models() {
    for case in resunet2d-small-legacy resunet2d-small-zip-module-prefix; do
        exits 0 "$pea" import "$golden/$case/model.ckpt" -o m.safetensors --preset bbbc039 --json
        says '"network":"resunet2d"' out
        exits 0 "$pea" info m.safetensors
        says "zero-square" out
    done
    [ "$(files .)" = "err m.safetensors out" ] || fail "left behind: $(files .)"
}

metadata_of_a_file_go_into_the_model() {
    echo '{"name": "mine", "licence": "CC0", "foreground_threshold": 0.7}' >extra.json
    exits 0 "$pea" import "$net/model.ckpt" -o m.safetensors --metadata extra.json --quiet
    [ ! -s err ] || fail "--quiet is not quiet"
    exits 0 "$pea" info m.safetensors --json
    says '"name":"mine"' out
    says '"threshold":"0.7"' out
    echo '[1,2' >broken.json
    refuses 1 "JSON" "$pea" import "$net/model.ckpt" -o n.safetensors --metadata broken.json
    refuses 1 nowhere.json "$pea" import "$net/model.ckpt" -o n.safetensors --metadata nowhere.json
}

damaged_checkpoints_are_refused() {
    for length in 0 1 10 1000 100000; do
        head -c $length "$net/model.ckpt" >cut.ckpt
        refuses 1 cut.ckpt "$pea" import cut.ckpt -o m.safetensors
    done
    refuses 1 "$small" "$pea" import "$small" -o m.safetensors
    refuses 1 nowhere.ckpt "$pea" import nowhere.ckpt -o m.safetensors
    refuses 1 missing "$pea" import "$net/model.ckpt" -o missing/m.safetensors
    [ "$(files .)" = "cut.ckpt err out" ] || fail "left behind: $(files .)"
}

# Every pixel keeps away from its neighbours: 90 000 instances, which 16 bits cannot count.
more_than_65535_instances_are_not_wrapped() {
    header="{'descr': '<f4', 'fortran_order': False, 'shape': (4, 300, 300), }"
    { printf '\223NUMPY\001\000\166\000'; printf '%-117s\n' "$header"; head -c 1440000 /dev/zero; } >a.npy
    echo '[[-1,0],[0,-1],[1,0],[0,1]]' >o.json
    exits 0 "$pea" cluster a.npy -o l.tif --offsets o.json --json
    says '"instances":90000' out
    exits 0 "$pea" info l.tif
    grep -qE '^type +(float32|uint32)' out || fail "$(cat out)"
    exits 0 "$pea" score --truth l.tif --prediction l.tif --json
    [ "$(number n_gt out)" -eq 90000 ] || fail "$(number n_gt out) instances were read back"
}

run "$@"
