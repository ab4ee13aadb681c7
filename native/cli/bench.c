/* bench.c - `pea bench`: the times that docs/performance.md quotes, each measured in a process of its own, so that its
 * peak memory is its own as well.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "random_network.h"

static const char command[] = "bench";

static const cli_manual manual = {
    .command = command,
    .summary = "measure the speed of this machine",
    .synopsis = "pea bench [forward|affinity|cluster|all] [OPTION]...",
    .description =
        "Measures the stages on inputs like those of the paper and prints a table: the network forward (2-D 544 x "
        "544 with filters 16 to 256, 3-D 18 x 160 x 160 with filters 28 to 80, all heads, random weights), "
        "affinities from embeddings of dimension 16, and clustering of synthetic affinities. Each is run with one "
        "thread and with two, after one run that does not count. Shown are the median, the fastest run, and the "
        "peak memory of the process.",
    .examples = "pea bench\npea bench forward --runs 5 --json\npea bench cluster --quick",
    .see_also = "pea info",
    .min_operands = 0,
    .max_operands = 1,
    .operands = "what to measure",
};

enum { MAX_RUNS = 99 };

struct options {
    int64_t runs, threads;
    int json, quick;
};

/* ---- what is measured ---- */

/* One line of the table. */
struct task {
    const char *what; /* "forward" */
    int n_axes, threads;
    pea_dims dims; /* z,y,x of the input */
    double gmac;   /* multiplications of it; 0: not counted */
};

struct measured {
    double seconds[MAX_RUNS]; /* ascending */
    int n;
    uint64_t peak_bytes, instances;
    pea_error err;
};

static pid_t parent;

/* Stops when the parent is gone, for instance killed. */
static int on_progress(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)stage;
    (void)fraction;
    return cli_cancelled() || getppid() != parent;
}

static void fill_random(const pea_volume *volume, double low, double high)
{
    const pea_dims d = volume->array.dims;
    uint64_t seed = 2;
    float *value = volume->array.data;
    for (int64_t i = 0; i < d.z * d.y * d.x * d.c; i++)
        value[i] = (float)cli_random(&seed, low, high);
}

static pea_offsets offsets_of(int n_axes)
{
    static const int shifts[] = {1, 3, 5, 9, 27};
    pea_offsets offsets = pea_offsets_3d_default();
    if (n_axes == 2)
        pea_offsets_from_shifts(shifts, CLI_COUNT(shifts), 4, &offsets, NULL);
    return offsets;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef pea_status work_fn(void *argument, pea_context *context, struct measured *m);

/* Once to warm up, then n times by the clock. */
static pea_status repeat(int n, work_fn *work, void *argument, pea_context *context, struct measured *m)
{
    pea_status status = work(argument, context, m);
    for (m->n = 0; status == PEA_OK && m->n < n; m->n++) {
        const double started = cli_seconds();
        status = work(argument, context, m);
        m->seconds[m->n] = cli_seconds() - started;
    }
    if (status == PEA_OK)
        qsort(m->seconds, (size_t)m->n, sizeof *m->seconds, by_value);
    return status;
}

struct forward {
    pea_network *network;
    pea_volume in, out[16];
};

static pea_status forward_once(void *argument, pea_context *context, struct measured *m)
{
    struct forward *f = argument;
    pea_array outputs[16];
    for (size_t h = 0; h < 16; h++)
        outputs[h] = f->out[h].array;
    return pea_network_forward(f->network, context, PEA_FP32, &f->in.array, outputs, &m->err);
}

static pea_status measure_forward(const struct task *task, int n, pea_context *context, struct measured *m)
{
    struct forward f = {0};
    pea_dims dims = task->dims;
    pea_status status = cli_random_network(task->n_axes, &f.network, &m->err);
    if (status == PEA_OK) {
        dims.c = pea_network_get_info(f.network).in_channels;
        status = pea_volume_alloc(PEA_FLOAT32, dims, &f.in, &m->err);
    }
    for (size_t h = 0; status == PEA_OK && h < pea_network_get_info(f.network).n_heads && h < 16; h++) {
        const pea_head head = pea_network_head(f.network, h);
        status = pea_volume_alloc(PEA_FLOAT32,
                                  (pea_dims){dims.z, dims.y / head.shrink, dims.x / head.shrink, head.channels},
                                  &f.out[h], &m->err);
    }
    if (status == PEA_OK) {
        fill_random(&f.in, 0, 1);
        status = repeat(n, forward_once, &f, context, m);
    }
    for (size_t h = 0; h < 16; h++)
        pea_volume_free(&f.out[h]);
    pea_volume_free(&f.in);
    pea_network_free(f.network);
    return status;
}

struct graph {
    pea_offsets offsets;
    pea_volume embedding, affinity, labels;
    pea_mutex_options mutex;
};

static pea_status affinity_once(void *argument, pea_context *context, struct measured *m)
{
    struct graph *g = argument;
    return pea_affinity_from_embedding(&g->embedding.array, &g->offsets, NULL, context, &g->affinity.array, &m->err);
}

static pea_status cluster_once(void *argument, pea_context *context, struct measured *m)
{
    struct graph *g = argument;
    uint32_t n_labels = 0;
    const pea_status status = pea_mutex_watershed(&g->affinity.array, &g->offsets, NULL, &g->mutex, context,
                                                  &g->labels.array, &n_labels, &m->err);
    m->instances = n_labels;
    return status;
}

/* Wavy cells of about 30 pixels, 6 slices deep: labels with the curved, touching borders of tissue. */
static void draw_cells(const pea_volume *labels)
{
    const pea_dims d = labels->array.dims;
    uint32_t *label = labels->array.data;
    for (int64_t z = 0; z < d.z; z++)
        for (int64_t y = 0; y < d.y; y++)
            for (int64_t x = 0; x < d.x; x++) {
                const double wave_y = 6 * sin((double)x / 11), wave_x = 6 * sin((double)y / 13);
                const uint32_t row = (uint32_t)(((double)y + wave_y + 32) / 30),
                               column = (uint32_t)(((double)x + wave_x + 32) / 30);
                *label++ = 1 + column + 1000 * row + 1000000 * (uint32_t)(z / 6);
            }
}

/* True affinities made unsure: 0.15 .. 0.85 with noise, as a network's are. */
static pea_status make_affinities(struct graph *g, pea_error *err)
{
    draw_cells(&g->labels);
    const pea_array unwanted = {0};
    const pea_status status = pea_affinity_from_labels(&g->labels.array, &g->offsets, PEA_TRUTH_3D, NULL,
                                                       &g->affinity.array, &unwanted, err);
    const pea_dims d = g->affinity.array.dims;
    uint64_t seed = 3;
    float *a = g->affinity.array.data;
    for (int64_t i = 0; status == PEA_OK && i < d.z * d.y * d.x * d.c; i++)
        a[i] = (float)(0.15 + 0.7 * a[i] + cli_random(&seed, -0.15, 0.15));
    return status;
}

static pea_status measure_graph(const struct task *task, int n, pea_context *context, struct measured *m)
{
    struct graph g = {.offsets = offsets_of(task->n_axes), .mutex = pea_mutex_options_default()};
    const bool is_cluster = !strcmp(task->what, "cluster");
    pea_dims dims = task->dims;
    dims.c = (int64_t)g.offsets.n;
    g.mutex.stride[1] = g.mutex.stride[2] = task->n_axes == 2 ? 5 : 10;
    pea_status status = pea_volume_alloc(PEA_FLOAT32, dims, &g.affinity, &m->err);
    dims.c = is_cluster ? 1 : 16;
    if (status == PEA_OK)
        status = pea_volume_alloc(is_cluster ? PEA_UINT32 : PEA_FLOAT32, dims, is_cluster ? &g.labels : &g.embedding,
                                  &m->err);
    if (status == PEA_OK && is_cluster)
        status = make_affinities(&g, &m->err);
    else if (status == PEA_OK)
        fill_random(&g.embedding, -1, 1);
    if (status == PEA_OK)
        status = repeat(n, is_cluster ? cluster_once : affinity_once, &g, context, m);
    pea_volume_free(&g.affinity);
    pea_volume_free(&g.embedding);
    pea_volume_free(&g.labels);
    return status;
}

/* ---- each in its own process ---- */

static void measure_here(const struct task *task, int n, struct measured *m)
{
    pea_context *context = NULL;
    pea_context_options options = pea_context_options_default();
    options.n_threads = task->threads;
    options.progress = on_progress;
    pea_status status = pea_context_new(&options, &context, &m->err);
    if (status == PEA_OK && !strcmp(task->what, "forward"))
        status = measure_forward(task, n, context, m);
    else if (status == PEA_OK)
        status = measure_graph(task, n, context, m);
    pea_context_free(context);
    m->err.status = status;
    m->peak_bytes = pea_cpu_memory_peak();
}

static pea_status receive(int from, struct measured *m, pea_error *err)
{
    size_t got = 0;
    while (got < sizeof *m) {
        const ssize_t n = read(from, (char *)m + got, sizeof *m - got);
        if (n <= 0)
            return cli_check_cancelled(err) != PEA_OK ? PEA_E_CANCELLED
                                                      : cli_fail(err, PEA_E_IO, "the measuring process ended early");
        got += (size_t)n;
    }
    *err = m->err;
    return err->status;
}

static pea_status measure(const struct task *task, int n, struct measured *m, pea_error *err)
{
    int ends[2];
    memset(m, 0, sizeof *m);
    fflush(NULL);
    if (pipe(ends))
        return cli_fail(err, PEA_E_IO, "cannot start a process: %s", strerror(errno));
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        measure_here(task, n, m);
        const bool sent = write(ends[1], m, sizeof *m) == (ssize_t)sizeof *m; /* below PIPE_BUF: in one piece */
        _exit(sent ? EXIT_DONE : EXIT_FAILED);
    }
    close(ends[1]);
    pea_status status = child < 0 ? cli_fail(err, PEA_E_IO, "cannot start a process: %s", strerror(errno)) : PEA_OK;
    cli_interruptible(true);
    if (status == PEA_OK) {
        status = receive(ends[0], m, err);
        waitpid(child, NULL, 0);
    }
    cli_interruptible(false);
    close(ends[0]);
    return status;
}

/* ---- the table ---- */

static void print_line(const struct task *task, const struct measured *m, cJSON *results)
{
    const double median = m->seconds[m->n / 2];
    char size[64];
    const long long z = task->dims.z, y = task->dims.y, x = task->dims.x;
    if (task->n_axes == 2)
        snprintf(size, sizeof size, "%lld x %lld", y, x);
    else
        snprintf(size, sizeof size, "%lld x %lld x %lld", z, y, x);
    if (!results) {
        printf("%-10s %-16s %7d %10.4f %10.4f %12.1f", task->what, size, task->threads, median, m->seconds[0],
               (double)m->peak_bytes / 1048576);
        printf(task->gmac > 0 ? " %10.1f GMAC/s\n" : "\n", task->gmac / median);
        fflush(stdout);
        return;
    }
    cJSON *entry = cJSON_CreateObject();
    const double dims[] = {(double)task->dims.z, (double)task->dims.y, (double)task->dims.x};
    cli_json_text(entry, "what", task->what);
    cli_json_list(entry, "zyx", dims, 3);
    cli_json_number(entry, "threads", task->threads);
    cli_json_number(entry, "median_s", median);
    cli_json_number(entry, "best_s", m->seconds[0]);
    cli_json_number(entry, "runs", m->n);
    cli_json_number(entry, "peak_bytes", (double)m->peak_bytes);
    if (task->gmac > 0)
        cli_json_number(entry, "gmac_per_s", task->gmac / median);
    if (!strcmp(task->what, "cluster"))
        cli_json_number(entry, "instances", (double)m->instances);
    cJSON_AddItemToArray(results, entry);
}

static pea_status measure_all(const char *what, const struct options *o, cJSON *results, pea_error *err)
{
    static const char *const names[] = {"forward", "affinity", "cluster"};
    static const double mac_per_voxel[] = {300144, 188903}; /* of the two networks, convolutions only */
    const pea_dims dims[] = {o->quick ? (pea_dims){1, 144, 144, 1} : (pea_dims){1, 544, 544, 1},
                             o->quick ? (pea_dims){4, 48, 48, 1} : (pea_dims){18, 160, 160, 1}};
    pea_status status = PEA_OK;
    if (!results)
        printf("%-10s %-16s %7s %10s %10s %12s\n", "stage", "size", "threads", "median s", "best s", "peak MiB");
    for (size_t i = 0; i < CLI_COUNT(names); i++)
        for (int n_axes = 2; n_axes <= 3 && (!strcmp(what, "all") || !strcmp(what, names[i])); n_axes++)
            for (int threads = 1; threads <= 2 && status == PEA_OK; threads++) {
                struct task task = {names[i], n_axes, threads, dims[n_axes - 2], 0};
                struct measured m;
                if (o->threads && threads == 2)
                    continue; /* one number was asked for */
                task.threads = o->threads ? (int)o->threads : threads;
                if (i == 0)
                    task.gmac = mac_per_voxel[n_axes - 2] * 1e-9 * (double)(task.dims.z * task.dims.y * task.dims.x);
                status = measure(&task, o->quick ? 1 : (int)o->runs, &m, err);
                if (status == PEA_OK)
                    print_line(&task, &m, results);
            }
    return status;
}

static pea_status bench(const char *what, const struct options *o, pea_error *err)
{
    parent = getpid();
    if (!o->json) {
        printf("pea %s, kernels %s, %d threads available\n", pea_version(), pea_cpu_kernels(), pea_cpu_threads());
        return measure_all(what, o, NULL, err);
    }
    cJSON *object = cJSON_CreateObject(), *results = cJSON_CreateArray();
    cli_json_text(object, "version", pea_version());
    cli_json_text(object, "kernels", pea_cpu_kernels());
    cli_json_text(object, "cpu", pea_cpu_features());
    cli_json_number(object, "threads_available", pea_cpu_threads());
    cJSON_AddItemToObject(object, "results", results);
    const pea_status status =
        results ? measure_all(what, o, results, err) : cli_fail(err, PEA_E_NOMEM, "out of memory");
    if (status == PEA_OK)
        return cli_print_json(stdout, object, err);
    cJSON_Delete(object);
    return status;
}

int cli_bench(int argc, char **argv)
{
    struct options given = {.runs = 3};
    cli_operands operands;
    pea_error err = {0};
    const cli_option options[] = {
        {.name = "runs", .kind = CLI_INT, .target = &given.runs, .value = "N", .low = 1, .high = MAX_RUNS,
         .help = "Runs of each measurement that count; the median is shown."},
        {.name = "threads", .kind = CLI_INT, .target = &given.threads, .value = "N", .low = 1, .high = PEA_MAX_THREADS,
         .fallback = "1, and then 2", .help = "Measure with N threads only."},
        {.name = "quick", .kind = CLI_FLAG, .target = &given.quick,
         .help = "Small inputs, one run: shows that everything works, measures nothing."},
        {.name = "json", .kind = CLI_FLAG, .target = &given.json, .help = "Print one JSON object on stdout."},
    };
    static const char *const known[] = {"forward", "affinity", "cluster", "all"};
    const int outcome = cli_parse(&manual, options, CLI_COUNT(options), argc, argv, &operands);
    if (outcome != CLI_RUN)
        return outcome;
    const char *what = operands.n ? operands.item[0] : "all";
    bool is_known = false;
    for (size_t i = 0; i < CLI_COUNT(known); i++)
        is_known = is_known || !strcmp(what, known[i]);
    char hint[96];
    if (!is_known)
        return cli_usage(command, "nothing called \"%.60s\" can be measured, but forward, affinity, cluster and all%s", what,
                         cli_nearest(what, known, CLI_COUNT(known), "", hint));
    return bench(what, &given, &err) == PEA_OK ? EXIT_DONE : cli_report(command, &err);
}
