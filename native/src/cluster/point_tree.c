/* point_tree.c - a box is cut across its longest side, so that both halves have as many points, until few are left.
 *
 * Whether a box is out of reach, or all of it within, is told by its nearest and farthest corner. Their distances are
 * computed as those of points are, term by term, so that rounding never puts a point on the other side of its box: what
 * is found is what asking every point would find.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/point_tree.h"

#include <math.h>

enum {
    TASK_POINTS = 1 << 16, /* larger boxes are cut on the caller's thread, which asks whether to stop */
    MOST_LEVELS = 32
};

/* Shares of the progress. */
#define CUT_ALONE 0.6

/* ---- building ---- */

typedef struct builder {
    pea__point_tree *tree;
    const float *values;
    int first_level; /* of the tasks */
    pea_context *context; /* NULL in tasks */
    double fraction;
    int64_t n_asked;
    pea_status status;
    pea_error *err;
} builder;

static bool goes_on(builder *b)
{
    if (b->context && b->status == PEA_OK && ++b->n_asked % TASK_POINTS == 0)
        b->status = pea__progress(b->context, b->fraction, b->err);
    return b->status == PEA_OK;
}

static float value_at(const builder *b, int64_t i, int64_t component)
{
    return b->values[(int64_t)b->tree->order[i] * b->tree->c + component];
}

static int64_t begin_of(const pea__point_tree *tree, int level, int64_t index)
{
    return tree->n * index >> level; /* both below 2^32 */
}

static void find_box(builder *b, int64_t node, int64_t begin, int64_t end)
{
    const int64_t c = b->tree->c;
    float *low = b->tree->low + node * c, *high = b->tree->high + node * c;
    for (int64_t k = 0; k < c; k++)
        low[k] = high[k] = value_at(b, begin, k);
    for (int64_t i = begin + 1; i < end && goes_on(b); i++) {
        const float *point = b->values + (int64_t)b->tree->order[i] * c;
        for (int64_t k = 0; k < c; k++) {
            low[k] = point[k] < low[k] ? point[k] : low[k];
            high[k] = point[k] > high[k] ? point[k] : high[k];
        }
    }
}

static int64_t longest_side(const pea__point_tree *tree, int64_t node)
{
    const float *low = tree->low + node * tree->c, *high = tree->high + node * tree->c;
    int64_t longest = 0;
    for (int64_t k = 1; k < tree->c; k++)
        longest = (double)high[k] - (double)low[k] > (double)high[longest] - (double)low[longest] ? k : longest;
    return longest;
}

static void swap(uint32_t *order, int64_t i, int64_t j)
{
    const uint32_t held = order[i];
    order[i] = order[j];
    order[j] = held;
}

/* Nobody before `middle` is larger, nobody from there on smaller. Three parts a turn: equal values end it early. */
static void cut(builder *b, int64_t begin, int64_t end, int64_t middle, int64_t component)
{
    uint32_t *order = b->tree->order, random = 1;
    while (end - begin > 1 && b->status == PEA_OK) {
        random = random * 1664525u + 1013904223u;
        const float pivot = value_at(b, begin + (int64_t)((uint64_t)(end - begin) * random >> 32), component);
        int64_t low = begin, high = end;
        for (int64_t i = begin; i < high && goes_on(b);) {
            const float value = value_at(b, i, component);
            if (value < pivot)
                swap(order, low++, i++);
            else if (value > pivot)
                swap(order, --high, i);
            else
                i++;
        }
        if (middle >= low && middle < high)
            return;
        *(middle < low ? &end : &begin) = middle < low ? low : high;
    }
}

static void fill_leaf(builder *b, int64_t node, int64_t begin, int64_t end)
{
    const int64_t c = b->tree->c;
    double *sum = b->tree->sum + node * c;
    for (int64_t k = 0; k < c; k++) {
        float *to = b->tree->points + begin * c + k * (end - begin);
        sum[k] = 0.0;
        for (int64_t i = begin; i < end; i++) {
            *to = value_at(b, i, k);
            sum[k] += (double)*to++;
        }
    }
}

/* A node, at place `index` of its level. */
static void make_node(builder *b, int level, int64_t index)
{
    const pea__point_tree *tree = b->tree;
    const int64_t node = (INT64_C(1) << level) + index;
    const int64_t begin = begin_of(tree, level, index), end = begin_of(tree, level, index + 1);
    find_box(b, node, begin, end);
    if (level == tree->n_levels - 1)
        fill_leaf(b, node, begin, end);
    else
        cut(b, begin, end, begin_of(tree, level + 1, 2 * index + 1), longest_side(tree, node));
}

/* A node of first_level and all below it. */
static void make_subtree(void *argument, int64_t index, int worker)
{
    builder b = *(const builder *)argument;
    (void)worker;
    b.context = NULL;
    for (int level = b.first_level; level < b.tree->n_levels; level++) {
        const int64_t n = INT64_C(1) << (level - b.first_level);
        for (int64_t i = index * n; i < (index + 1) * n; i++)
            make_node(&b, level, i);
    }
}

static pea_status make_room(pea__point_tree *tree, pea_error *err)
{
    const size_t n_nodes = (size_t)2 << (tree->n_levels - 1), node_items = n_nodes * (size_t)tree->c;
    tree->points = pea__alloc_unset((size_t)tree->n, (size_t)tree->c * sizeof *tree->points, err);
    tree->low = tree->points ? pea__alloc_unset(node_items, sizeof *tree->low, err) : NULL;
    tree->high = tree->low ? pea__alloc_unset(node_items, sizeof *tree->high, err) : NULL;
    tree->sum = tree->high ? pea__alloc_unset(node_items, sizeof *tree->sum, err) : NULL;
    return tree->sum ? PEA_OK : PEA_E_NOMEM;
}

static pea_status make_all(builder *b, double from, double to)
{
    pea__point_tree *tree = b->tree;
    const double alone = from + CUT_ALONE * (to - from);
    int level = 0;
    for (; level < tree->n_levels - 1 && tree->n >> level > TASK_POINTS; level++)
        for (int64_t i = 0; i < INT64_C(1) << level && b->status == PEA_OK; i++) {
            b->fraction = from + (alone - from) * level / tree->n_levels;
            make_node(b, level, i);
        }
    b->first_level = level;
    if (b->status == PEA_OK)
        b->status = pea__parallel(b->context, INT64_C(1) << level, alone, to, make_subtree, b, b->err);
    for (int64_t node = pea__point_tree_leaves(tree) - 1; node > 0 && b->status == PEA_OK; node--)
        for (int64_t k = 0; k < tree->c; k++)
            tree->sum[node * tree->c + k] = tree->sum[2 * node * tree->c + k] + tree->sum[(2 * node + 1) * tree->c + k];
    return b->status;
}

pea_status pea__point_tree_new(const float *values, uint32_t *order, int64_t n, int64_t c, pea_context *context,
                               double from, double to, pea__point_tree *tree, pea_error *err)
{
    *tree = (pea__point_tree){.n = n, .c = c, .n_levels = 1, .order = order};
    while (pea__ceil_div(n, pea__point_tree_leaves(tree)) > PEA__LEAF_POINTS)
        tree->n_levels++;
    builder b = {.tree = tree, .values = values, .context = context, .err = err};
    const pea_status status = make_room(tree, err);
    return status == PEA_OK ? make_all(&b, from, to) : status;
}

void pea__point_tree_free(pea__point_tree *tree)
{
    pea__free_unset(tree->sum);
    pea__free_unset(tree->high);
    pea__free_unset(tree->low);
    pea__free_unset(tree->points);
    *tree = (pea__point_tree){0};
}

/* ---- asking ---- */

/* Squared distance of the nearest place of a box; beyond `enough` any number that is larger than that. */
static double nearest_corner(const pea__point_tree *tree, int64_t node, const double *at, double enough)
{
    const float *low = tree->low + node * tree->c, *high = tree->high + node * tree->c;
    double sum = 0.0;
    for (int64_t k = 0; k < tree->c && sum <= enough; k++) {
        const double below = (double)low[k] - at[k], above = at[k] - (double)high[k];
        const double way = below > 0.0 ? below : above > 0.0 ? above : 0.0;
        sum += way * way;
    }
    return sum;
}

static double farthest_corner(const pea__point_tree *tree, int64_t node, const double *at, double enough)
{
    const float *low = tree->low + node * tree->c, *high = tree->high + node * tree->c;
    double sum = 0.0;
    for (int64_t k = 0; k < tree->c && sum <= enough; k++) {
        const double down = at[k] - (double)low[k], up = (double)high[k] - at[k], way = down > up ? down : up;
        sum += way * way;
    }
    return sum;
}

/* Squared distances of the points of a leaf. */
static void leaf_distances(const pea__point_tree *tree, int64_t begin, int64_t n, const double *at,
                           double distance[PEA__LEAF_POINTS])
{
    const float *row = tree->points + begin * tree->c;
    for (int64_t i = 0; i < n; i++)
        distance[i] = 0.0;
    for (int64_t k = 0; k < tree->c; k++, row += n)
        for (int64_t i = 0; i < n; i++) {
            const double way = at[k] - (double)row[i];
            distance[i] += way * way;
        }
}

static void add_node(const pea__point_tree *tree, int64_t node, double *sum)
{
    for (int64_t k = 0; k < tree->c; k++)
        sum[k] += tree->sum[node * tree->c + k];
}

/* A leaf of which some may be within. */
static int64_t add_leaf(const pea__point_tree *tree, int64_t leaf, const double *at, double squared, double *sum)
{
    double distance[PEA__LEAF_POINTS];
    const int64_t begin = begin_of(tree, tree->n_levels - 1, leaf),
                  n = begin_of(tree, tree->n_levels - 1, leaf + 1) - begin;
    int64_t n_within = 0;
    leaf_distances(tree, begin, n, at, distance);
    for (int64_t i = 0; i < n; i++)
        n_within += distance[i] <= squared;
    if (n_within == n)
        add_node(tree, pea__point_tree_leaves(tree) + leaf, sum);
    else if (n_within > 0)
        for (int64_t k = 0; k < tree->c; k++)
            for (int64_t i = 0; i < n; i++)
                sum[k] += distance[i] <= squared ? (double)tree->points[begin * tree->c + k * n + i] : 0.0;
    return n_within;
}

/* How many points a node has. */
static int64_t count(const pea__point_tree *tree, int level, int64_t node)
{
    const int64_t index = node - (INT64_C(1) << level);
    return begin_of(tree, level, index + 1) - begin_of(tree, level, index);
}

int64_t pea__point_tree_within(const pea__point_tree *tree, const double *at, double squared, double *sum)
{
    struct {
        int64_t node;
        int level;
    } waiting[MOST_LEVELS + 1], here; /* of each level the second half, at most */
    const int last = tree->n_levels - 1;
    int n_waiting = 0;
    int64_t n = 0;
    waiting[n_waiting].node = 1;
    waiting[n_waiting++].level = 0;
    while (n_waiting > 0) {
        here = waiting[--n_waiting];
        if (nearest_corner(tree, here.node, at, squared) > squared)
            continue;
        if (farthest_corner(tree, here.node, at, squared) <= squared) {
            add_node(tree, here.node, sum);
            n += count(tree, here.level, here.node);
        } else if (here.level == last) {
            n += add_leaf(tree, here.node - pea__point_tree_leaves(tree), at, squared, sum);
        } else {
            for (int64_t half = 0; half < 2; half++) {
                waiting[n_waiting].node = 2 * here.node + half;
                waiting[n_waiting++].level = here.level + 1;
            }
        }
    }
    return n;
}

int64_t pea__point_tree_nearest(const pea__point_tree *tree, int64_t leaf, const double *const *places,
                                int64_t n_places, uint32_t *candidates, int64_t *begin,
                                uint32_t nearest[PEA__LEAF_POINTS])
{
    double distance[PEA__LEAF_POINTS], best[PEA__LEAF_POINTS], reach = INFINITY;
    const int64_t node = pea__point_tree_leaves(tree) + leaf, n = count(tree, tree->n_levels - 1, node);
    int64_t n_candidates = 0;
    *begin = begin_of(tree, tree->n_levels - 1, leaf);
    for (int64_t i = 0; i < n_places; i++) {
        const double farthest = farthest_corner(tree, node, places[i], reach);
        reach = farthest < reach ? farthest : reach;
    }
    for (int64_t i = 0; i < n_places; i++)
        if (nearest_corner(tree, node, places[i], reach) <= reach)
            candidates[n_candidates++] = (uint32_t)i;
    for (int64_t i = 0; i < n; i++) {
        best[i] = INFINITY;
        nearest[i] = candidates[0];
    }
    for (int64_t j = 0; j < n_candidates && n_candidates > 1; j++) {
        leaf_distances(tree, *begin, n, places[candidates[j]], distance);
        for (int64_t i = 0; i < n; i++)
            if (distance[i] < best[i]) {
                best[i] = distance[i];
                nearest[i] = candidates[j];
            }
    }
    return n;
}
