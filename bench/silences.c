/* silences.c - how long each step of clustering and cleaning up goes without asking whether to stop:
 *     bench_silences AFFINITY.npy
 * float32 (z,y,x,k), k 3 or 12: the first offsets of the 3-D networks. One thread. Prints a line of JSON: seconds of
 * the longest silence of each step and of all of it, by the processor's time, which leaves out what others do. A context
 * asks every 30 ms at most: as much is no silence.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

enum { SMALL = 100, COMPONENTS = 4 };

typedef struct scene {
    pea_array affinity, embedding, labels, truth;
    pea_offsets offsets;
    pea_context *context;
    pea_region_graph *graph;
    double *costs;
    uint32_t *numbers;
} scene;

typedef struct listener {
    double last_s, longest_s;
} listener;

typedef pea_status step_fn(scene *s, pea_error *err);

static int hear(void *user, const char *stage, double fraction)
{
    listener *l = user;
    const double now = bench_cpu_s();
    (void)stage;
    (void)fraction;
    l->longest_s = now - l->last_s > l->longest_s ? now - l->last_s : l->longest_s;
    l->last_s = now;
    return 0;
}

static pea_status cut(scene *s, pea_fragment_rule rule, pea_error *err)
{
    pea_fragments_options options = pea_fragments_options_default();
    options.rule = rule;
    return pea_fragments(&s->affinity, &s->offsets, NULL, &options, s->context, &s->labels, NULL, err);
}

static pea_status cut_interior(scene *s, pea_error *err)
{
    return cut(s, PEA_FRAGMENTS_INTERIOR, err);
}

static pea_status cut_smooth(scene *s, pea_error *err)
{
    return cut(s, PEA_FRAGMENTS_SMOOTH, err);
}

static pea_status build(scene *s, pea_error *err)
{
    pea_region_graph_free(s->graph);
    return pea_region_graph_build(&s->labels, &s->affinity, &s->offsets, NULL, s->context, &s->graph, err);
}

static pea_status agglomerate(scene *s, pea_error *err)
{
    size_t n_nodes;
    (void)pea_region_graph_nodes(s->graph, &n_nodes);
    free(s->numbers);
    s->numbers = malloc((n_nodes + 1) * sizeof *s->numbers);
    return pea_agglomerate(s->graph, NULL, s->context, s->numbers, NULL, err);
}

static pea_status costs(scene *s, pea_error *err)
{
    size_t n_edges;
    (void)pea_region_graph_edges(s->graph, &n_edges);
    free(s->costs);
    s->costs = malloc((n_edges + 1) * sizeof *s->costs);
    return pea_multicut_costs(s->graph, 0.5, s->context, s->costs, err);
}

static pea_status multicut(scene *s, pea_error *err)
{
    return pea_multicut(s->graph, s->costs, NULL, s->context, s->numbers, NULL, NULL, err);
}

static pea_status save(scene *s, pea_error *err)
{
    return pea_region_graph_save(s->graph, "silences.peagraph", s->context, err);
}

static pea_status load(scene *s, pea_error *err)
{
    pea_region_graph_free(s->graph);
    const pea_status status = pea_region_graph_load("silences.peagraph", s->context, &s->graph, err);
    (void)remove("silences.peagraph");
    return status;
}

static pea_status project(scene *s, pea_error *err)
{
    return pea_region_graph_project(s->graph, s->numbers, s->context, &s->labels, err);
}

static pea_status mean_shift(scene *s, pea_error *err)
{
    return pea_mean_shift(&s->embedding, NULL, NULL, s->context, &s->labels, NULL, err);
}

static pea_status keep(scene *s, pea_error *err)
{
    memcpy(s->truth.data, s->labels.data, (size_t)(s->labels.dims.z * s->labels.dims.y * s->labels.dims.x) * 4);
    return pea_relabel(&s->labels, s->context, NULL, err);
}

static pea_status score(scene *s, pea_error *err)
{
    pea_scores scores;
    return pea_score(&s->truth, &s->labels, s->context, &scores, err);
}

static pea_status absorb_small(scene *s, pea_error *err)
{
    return pea_absorb_small(&s->labels, &s->affinity, &s->offsets, SMALL, s->context, err);
}

static pea_status merge_small(scene *s, pea_error *err)
{
    const pea_merge_pass passes[] = {{5, 5}, {20, 11}, {50, 11}, {300, 21}};
    return pea_merge_small(&s->labels, passes, sizeof passes / sizeof *passes, s->context, err);
}

static pea_status split_parts(scene *s, pea_error *err)
{
    return pea_split_parts(&s->labels, PEA_CONNECT_CORNERS, s->context, NULL, err);
}

static pea_status keep_largest_parts(scene *s, pea_error *err)
{
    return pea_keep_largest_parts(&s->labels, PEA_CONNECT_CORNERS, s->context, err);
}

static pea_status fill_holes(scene *s, pea_error *err)
{
    return pea_fill_holes(&s->labels, PEA_CONNECT_FACES, s->context, err);
}

static pea_status remove_small(scene *s, pea_error *err)
{
    return pea_remove_small(&s->labels, SMALL, s->context, err);
}

static pea_status keep_largest(scene *s, pea_error *err)
{
    return pea_keep_largest(&s->labels, SMALL, s->context, err);
}

/* In order: what one makes the next takes. */
static const struct {
    const char *name;
    step_fn *run;
} steps[] = {{"fragments_interior", cut_interior}, {"graph", build}, {"agglomerate", agglomerate},
             {"project", project}, {"keep", keep},
             {"fragments_smooth", cut_smooth}, {"graph_smooth", build}, {"save", save}, {"load", load},
             {"costs", costs}, {"multicut", multicut}, {"score", score},
             {"absorb_small", absorb_small}, {"merge_small", merge_small}, {"split_parts", split_parts},
             {"keep_largest_parts", keep_largest_parts}, {"fill_holes", fill_holes}, {"remove_small", remove_small},
             {"keep_largest", keep_largest}, {"mean_shift", mean_shift}};

/* A few blobs. */
static void make_embedding(const pea_array *embedding)
{
    const pea_dims d = embedding->dims;
    unsigned seed = 3;
    float *value = embedding->data;
    for (int64_t p = 0; p < d.z * d.y * d.x; p++)
        for (int64_t c = 0; c < d.c; c++)
            *value++ = (float)((p % d.x / 32 * 7 + c * 3) % 11) + bench_random(&seed);
}

int main(int argc, char **argv)
{
    listener l = {0};
    pea_npy file;
    pea_error err = {0};
    pea_volume labels = {0}, truth = {0}, embedding = {0};
    pea_context_options options = pea_context_options_default();
    scene s = {.offsets = pea_offsets_3d_default()};
    options.n_threads = 1;
    options.progress = hear;
    options.progress_user = &l;
    if (argc < 2 || pea_npy_read(argv[1], &file, &err) != PEA_OK || file.dtype != PEA_FLOAT32 || file.n_axes != 4)
        return bench_fail("bench_silences", "wants a float32 array of 4 axes");
    const pea_dims d = {file.shape[0], file.shape[1], file.shape[2], 1};
    s.affinity = (pea_array){file.data, PEA_FLOAT32, {d.z, d.y, d.x, file.shape[3]}};
    s.offsets.n = (size_t)file.shape[3];
    if (pea_context_new(&options, &s.context, &err) != PEA_OK ||
        pea_volume_alloc(PEA_UINT32, d, &labels, &err) != PEA_OK ||
        pea_volume_alloc(PEA_UINT32, d, &truth, &err) != PEA_OK ||
        pea_volume_alloc(PEA_FLOAT32, (pea_dims){d.z, d.y, d.x, COMPONENTS}, &embedding, &err) != PEA_OK)
        return bench_fail("bench_silences", err.message);
    s.labels = labels.array;
    s.truth = truth.array;
    s.embedding = embedding.array;
    make_embedding(&s.embedding);
    printf("{\"voxels\": %lld", (long long)(d.z * d.y * d.x));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const double began = l.last_s = bench_cpu_s();
        l.longest_s = 0.0;
        if (steps[i].run(&s, &err) != PEA_OK)
            return bench_fail(steps[i].name, err.message);
        (void)hear(&l, NULL, 1.0);
        printf(", \"%s\": [%.3f, %.2f]", steps[i].name, l.longest_s, bench_cpu_s() - began);
        fflush(stdout);
    }
    printf("}\n");
    free(s.costs);
    free(s.numbers);
    pea_region_graph_free(s.graph);
    pea_volume_free(&labels);
    pea_volume_free(&truth);
    pea_volume_free(&embedding);
    pea_npy_free(&file);
    pea_context_free(s.context);
    return 0;
}
