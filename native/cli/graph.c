/* graph.c - options about the graph of voxels: which neighbours, how many of them, which small pieces are merged.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static pea_status read_offsets(const char *path, pea_offsets *offsets, pea_error *err)
{
    char *text;
    size_t n_bytes;
    pea_status status = cli_read_text(path, 65536, &text, &n_bytes, err);
    if (status != PEA_OK)
        return status;
    status = pea_offsets_parse(text, n_bytes, offsets, err);
    free(text);
    return status == PEA_OK ? status : cli_name_file(err, path);
}

pea_status cli_graph_offsets(const cli_graph *graph, pea_offsets *offsets, pea_error *err)
{
    int shifts[CLI_MAX_LIST];
    offsets->n = 0;
    if (graph->offsets && graph->shifts.n)
        return cli_fail(err, PEA_E_ARG, "--offsets and --shifts both say what the neighbours are: give one of them");
    if (graph->offsets && graph->neighbours)
        return cli_fail(err, PEA_E_ARG, "--offsets says what the neighbours are: --neighbours goes with --shifts");
    if (graph->offsets)
        return read_offsets(graph->offsets, offsets, err);
    if (!graph->shifts.n)
        return PEA_OK;
    for (size_t i = 0; i < graph->shifts.n; i++)
        shifts[i] = (int)graph->shifts.item[i]; /* the option's range fits */
    return pea_offsets_from_shifts(shifts, graph->shifts.n, graph->neighbours ? graph->neighbours[0] - '0' : 4,
                                   offsets, err);
}

pea_status cli_graph_strides(const cli_list *strides, int n_axes, int stride[3], pea_error *err)
{
    if (strides->n == 0)
        return PEA_OK;
    if ((int)strides->n != n_axes)
        return cli_fail(err, PEA_E_ARG, "--strides has %zu numbers, expected %s", strides->n,
                        n_axes == 2 ? "two: y,x" : "three: z,y,x");
    stride[0] = 1;
    for (int i = 0; i < n_axes; i++)
        stride[3 - n_axes + i] = (int)strides->item[i];
    return PEA_OK;
}

/* One number of "size:window", from 1 to 2^31-1. */
static bool take_number(const char **text, char terminator, int32_t *value)
{
    char *stop;
    if (!(**text >= '0' && **text <= '9'))
        return false;
    const long number = strtol(*text, &stop, 10);
    if (*stop != terminator || number < 1 || number > INT32_MAX)
        return false;
    *value = (int32_t)number;
    *text = stop;
    return true;
}

pea_status cli_merge_passes(const char *text, pea_merge_pass *passes, size_t *n_passes, pea_error *err)
{
    const char *rest = text;
    *n_passes = 0;
    if (!strcmp(text, "none"))
        return PEA_OK;
    for (;; rest++) {
        pea_merge_pass pass;
        const char *comma = strchr(rest, ',');
        bool fine = *n_passes < PEA_MAX_MERGE_PASSES && take_number(&rest, ':', &pass.max_size);
        rest += fine;
        fine = fine && take_number(&rest, comma ? ',' : '\0', &pass.window);
        if (!fine)
            return cli_fail(err, PEA_E_ARG,
                            "--merge wants none, or up to %d pairs SIZE:WINDOW such as 5:5,25:11, found \"%.60s\"",
                            PEA_MAX_MERGE_PASSES, text);
        passes[(*n_passes)++] = pass;
        if (!*rest)
            return PEA_OK;
    }
}
