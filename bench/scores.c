/* scores.c - times all scores of a pair of label images, as bench/peers/scores_skimage.py does two of them:
 *     bench_scores TRUTH.npy PREDICTION.npy [threads [repeats]]
 * Both are uint32 (z,y,x,1). Prints a line of JSON.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

static bool read_labels(const char *path, pea_npy *file, pea_array *labels)
{
    if (pea_npy_read(path, file, NULL) != PEA_OK || file->dtype != PEA_UINT32 || file->n_axes != 4)
        return false;
    *labels = (pea_array){file->data, PEA_UINT32, {file->shape[0], file->shape[1], file->shape[2], file->shape[3]}};
    return true;
}

int main(int argc, char **argv)
{
    const int threads = argc > 3 ? atoi(argv[3]) : 1, repeats = argc > 4 ? atoi(argv[4]) : 3;
    pea_npy truth_file, prediction_file;
    pea_array truth, prediction;
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    pea_scores scores;
    pea_error err = {0};
    if (argc < 3 || !read_labels(argv[1], &truth_file, &truth) || !read_labels(argv[2], &prediction_file, &prediction))
        return bench_fail("bench_scores", "two arrays of uint32 with 4 axes are wanted");
    options.n_threads = threads;
    if (pea_context_new(&options, &context, &err) != PEA_OK)
        return bench_fail("bench_scores", err.message);
    bench_times times = {.n = 0};
    for (int i = 0; i <= repeats; i++) { /* the first one warms up */
        bench_begin(&times);
        if (pea_score(&truth, &prediction, context, &scores, &err) != PEA_OK)
            return bench_fail("bench_scores", err.message);
        if (i > 0)
            bench_end(&times);
    }
    printf("{\"voxels\": %lld, \"threads\": %d, \"arand\": %.9f, \"voi_split\": %.9f, \"voi_merge\": %.9f, ",
           (long long)(truth.dims.z * truth.dims.y * truth.dims.x), threads, scores.arand, scores.voi_split,
           scores.voi_merge);
    bench_print_times(&times);
    pea_npy_free(&truth_file);
    pea_npy_free(&prediction_file);
    pea_context_free(context);
    return 0;
}
