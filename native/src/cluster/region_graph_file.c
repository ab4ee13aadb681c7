/* region_graph_file.c - a region graph as a file: a header, then one column after another, all little-endian.
 *
 *   | "PEAGRAPH" | version u32 | bins u32 | nodes u64 | edges u64 |
 *   | label u32 ... | voxels u64 ... | a u32 ... | b u32 ... | faces u64 ... | mean f64 ... | max f32 ... |
 *   | counts u32 ... |
 *
 * A reader knows from the header how long the file must be, before it takes any memory.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/regions.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { HEADER_BYTES = 32, VERSION = 1, NODE_BYTES = 12, EDGE_BYTES = 28, AT_ONCE = 4096 };

static const char MAGIC[] = "PEAGRAPH";

static uint64_t bits_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of_bits(uint64_t wide)
{
    const uint32_t bits = (uint32_t)wide;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- columns: the same list writes and reads ---- */

typedef enum column { LABEL, VOXELS, FIRST, SECOND, FACES, MEAN, MAX, COUNTS, N_COLUMNS } column;

static const size_t item_bytes[N_COLUMNS] = {4, 8, 4, 4, 8, 8, 4, 4};

static int64_t column_length(const pea_region_graph *graph, column which)
{
    return which <= VOXELS ? graph->n_nodes : which == COUNTS ? graph->n_edges * graph->n_bins : graph->n_edges;
}

static uint64_t get(const pea_region_graph *graph, column which, int64_t i)
{
    switch (which) {
    case LABEL: return graph->nodes[i].label;
    case VOXELS: return (uint64_t)graph->nodes[i].n_voxels;
    case FIRST: return graph->edges[i].a;
    case SECOND: return graph->edges[i].b;
    case FACES: return (uint64_t)graph->edges[i].n_faces;
    case MEAN: return bits_of_double(graph->edges[i].mean);
    case MAX: return bits_of_float(graph->edges[i].max);
    default: return graph->histograms[i];
    }
}

static void set(pea_region_graph *graph, column which, int64_t i, uint64_t value)
{
    switch (which) {
    case LABEL: graph->nodes[i].label = (uint32_t)value; break;
    case VOXELS: graph->nodes[i].n_voxels = (int64_t)value; break;
    case FIRST: graph->edges[i].a = (uint32_t)value; break;
    case SECOND: graph->edges[i].b = (uint32_t)value; break;
    case FACES: graph->edges[i].n_faces = (int64_t)value; break;
    case MEAN: graph->edges[i].mean = double_of_bits(value); break;
    case MAX: graph->edges[i].max = float_of_bits(value); break;
    default: graph->histograms[i] = (uint32_t)value;
    }
}

/* ---- writing ---- */

static pea_status write_column(const pea_region_graph *graph, column which, FILE *stream, pea_context *context,
                               pea_error *err)
{
    unsigned char buffer[AT_ONCE];
    const int64_t n = column_length(graph, which), at_once = (int64_t)(AT_ONCE / item_bytes[which]);
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n && status == PEA_OK; i += at_once) {
        unsigned char *end = buffer;
        for (int64_t j = i; j < pea__min_i64(n, i + at_once); j++)
            end = pea__store(end, get(graph, which, j), item_bytes[which], false);
        (void)fwrite(buffer, 1, (size_t)(end - buffer), stream); /* commit sees a failure */
        status = pea__progress(context, (which + (double)i / (double)n) / N_COLUMNS, err);
    }
    return status;
}

pea_status pea_region_graph_save(const pea_region_graph *graph, const char *path, pea_context *context,
                                 pea_error *err)
{
    unsigned char header[HEADER_BYTES];
    pea__writer writer;
    pea_status status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "write");
    memcpy(header, MAGIC, 8);
    (void)pea__store(header + 8, VERSION, 4, false);
    (void)pea__store(header + 12, (uint64_t)graph->n_bins, 4, false);
    (void)pea__store(header + 16, (uint64_t)graph->n_nodes, 8, false);
    (void)pea__store(header + 24, (uint64_t)graph->n_edges, 8, false);
    (void)fwrite(header, 1, sizeof header, writer.stream);
    for (column which = LABEL; which < N_COLUMNS && status == PEA_OK; which++)
        status = write_column(graph, which, writer.stream, context, err);
    if (status == PEA_OK)
        status = pea__writer_commit(&writer, err);
    else
        pea__writer_discard(&writer);
    pea__stage(context, NULL);
    return status;
}

/* ---- reading ---- */

static pea_status read_header(const pea__reader *reader, int64_t *n_nodes, int64_t *n_edges, int *n_bins,
                              pea_error *err)
{
    unsigned char header[HEADER_BYTES];
    if (reader->size_bytes < HEADER_BYTES)
        return pea__fail(err, PEA_E_FORMAT, "the file is no region graph: it has %" PRId64
                         " bytes, fewer than a header", reader->size_bytes);
    const pea_status status = pea__reader_at(reader, 0, header, sizeof header, err);
    if (status != PEA_OK)
        return status;
    if (memcmp(header, MAGIC, 8) != 0)
        return pea__fail(err, PEA_E_FORMAT, "the file is no region graph: it does not begin with %s", MAGIC);
    if (pea__load_u32(header + 8) != VERSION)
        return pea__fail(err, PEA_E_FORMAT, "the region graph has version %" PRIu32 "; version %d is read",
                         pea__load_u32(header + 8), (int)VERSION);
    const uint32_t bins = pea__load_u32(header + 12);
    const uint64_t nodes = pea__load_u64(header + 16), edges = pea__load_u64(header + 24);
    if (bins > PEA_MAX_REGION_BINS)
        return pea__fail(err, PEA_E_LIMIT, "the region graph has %" PRIu32 " bins; at most %d are read", bins,
                         PEA_MAX_REGION_BINS);
    /* Below these bounds the products that follow are in range. */
    if (nodes > UINT32_MAX || edges > INT32_MAX ||
        (int64_t)nodes * NODE_BYTES + (int64_t)edges * (EDGE_BYTES + 4 * (int64_t)bins) !=
            reader->size_bytes - HEADER_BYTES)
        return pea__fail(err, PEA_E_FORMAT,
                         "the region graph has %" PRId64 " bytes, which is not what %" PRIu64 " nodes and %" PRIu64
                         " edges with %" PRIu32 " bins need",
                         reader->size_bytes, nodes, edges, bins);
    *n_nodes = (int64_t)nodes;
    *n_edges = (int64_t)edges;
    *n_bins = (int)bins;
    return PEA_OK;
}

static pea_status read_column(const pea__reader *reader, pea_region_graph *graph, column which, int64_t *offset,
                              pea_context *context, pea_error *err)
{
    unsigned char buffer[AT_ONCE];
    const int64_t n = column_length(graph, which), at_once = (int64_t)(AT_ONCE / item_bytes[which]);
    for (int64_t i = 0; i < n; i += at_once) {
        const int64_t end = pea__min_i64(n, i + at_once);
        const size_t n_bytes = (size_t)(end - i) * item_bytes[which];
        pea_status status = pea__reader_at(reader, *offset, buffer, n_bytes, err);
        if (status == PEA_OK)
            status = pea__progress(context, (which + (double)i / (double)n) / N_COLUMNS, err);
        if (status != PEA_OK)
            return status;
        for (int64_t j = i; j < end; j++)
            set(graph, which, j, pea__load(buffer + (size_t)(j - i) * item_bytes[which], item_bytes[which], false));
        *offset += (int64_t)n_bytes;
    }
    return PEA_OK;
}

static pea_status check_nodes(const pea_region_graph *graph, pea_error *err)
{
    int64_t total = 0;
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        const pea_region_node node = graph->nodes[i];
        if (node.label <= (i ? graph->nodes[i - 1].label : 0))
            return pea__fail(err, PEA_E_FORMAT, "node %" PRId64 " of the region graph has label %" PRIu32
                             ": labels must ascend, from 1", i, node.label);
        if (node.n_voxels < 1 || !pea__add_i64(total, node.n_voxels, &total))
            return pea__fail(err, PEA_E_FORMAT, "node %" PRId64 " of the region graph has an impossible size", i);
    }
    return PEA_OK;
}

static bool counts_add_up(const pea_region_graph *graph, int64_t i)
{
    int64_t sum = 0;
    for (int bin = 0; bin < graph->n_bins; bin++)
        sum += graph->histograms[i * graph->n_bins + bin];
    return graph->n_bins == 0 || sum == graph->edges[i].n_faces;
}

static pea_status check_edge(const pea_region_graph *graph, int64_t i, pea_error *err)
{
    const pea_region_edge *edge = graph->edges + i;
    if (edge->a >= edge->b || edge->b >= (uint64_t)graph->n_nodes)
        return pea__fail(err, PEA_E_FORMAT, "edge %" PRId64 " of the region graph joins nodes %" PRIu32 " and %" PRIu32
                         " of %" PRId64, i, edge->a, edge->b, graph->n_nodes);
    if (i > 0 && (edge[-1].a > edge->a || (edge[-1].a == edge->a && edge[-1].b >= edge->b)))
        return pea__fail(err, PEA_E_FORMAT, "edge %" PRId64 " of the region graph is out of order", i);
    if (edge->n_faces < 1 || !isfinite(edge->mean) || !isfinite(edge->max) || !counts_add_up(graph, i))
        return pea__fail(err, PEA_E_FORMAT, "edge %" PRId64 " of the region graph has impossible values", i);
    return PEA_OK;
}

static pea_status check_edges(const pea_region_graph *graph, pea_context *context, pea_error *err)
{
    int64_t total = 0;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < graph->n_edges && status == PEA_OK; i++) {
        status = check_edge(graph, i, err);
        if (status == PEA_OK && !pea__add_i64(total, graph->edges[i].n_faces, &total))
            status = pea__fail(err, PEA_E_FORMAT, "the edges of the region graph have more than 2^63 faces");
        if (status == PEA_OK && i % AT_ONCE == 0)
            status = pea__progress(context, 1.0, err);
    }
    return status;
}

pea_status pea__region_graph_read_from(const pea__reader *reader, pea_context *context, pea_region_graph **graph,
                                       pea_error *err)
{
    int64_t n_nodes = 0, n_edges = 0, offset = HEADER_BYTES;
    int n_bins = 0;
    *graph = NULL;
    pea_status status = read_header(reader, &n_nodes, &n_edges, &n_bins, err);
    if (status == PEA_OK)
        status = pea__region_graph_new(n_nodes, n_edges, n_bins, graph, err);
    if (status != PEA_OK)
        return status;
    for (column which = LABEL; which < N_COLUMNS && status == PEA_OK; which++)
        status = read_column(reader, *graph, which, &offset, context, err);
    if (status == PEA_OK)
        status = check_nodes(*graph, err);
    if (status == PEA_OK)
        status = check_edges(*graph, context, err);
    if (status != PEA_OK) {
        pea_region_graph_free(*graph);
        *graph = NULL;
    }
    return status;
}

pea_status pea_region_graph_load(const char *path, pea_context *context, pea_region_graph **graph, pea_error *err)
{
    pea__reader reader;
    *graph = NULL;
    pea_status status = pea__reader_open(path, &reader, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "read");
    status = pea__region_graph_read_from(&reader, context, graph, err);
    pea__stage(context, NULL);
    pea__reader_close(&reader);
    return status;
}
