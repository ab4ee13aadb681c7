/* test_clean_up.c - holes, parts, the largest, and small objects absorbed: each against a textbook twin that looks at one
 * voxel, one label or one object after another, on random volumes and planes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "cluster/cluster.h"
#include "region_graphs.h"

static pea_error err;

enum { MOST_VOXELS = 600 };

/* ---- twins: floods of single voxels ---- */

typedef struct volume {
    pea_dims d;
    uint32_t v[MOST_VOXELS];
} volume;

static int64_t count(const volume *a)
{
    return a->d.z * a->d.y * a->d.x;
}

static pea_array view(volume *a)
{
    return (pea_array){a->v, PEA_UINT32, a->d};
}

/* Neighbours differ by at most 1 in each axis, and in at most `connectivity + 1` axes. */
static bool are_neighbours(const volume *a, int64_t p, int64_t q, pea_connectivity connectivity)
{
    const int64_t n_x = a->d.x, n_xy = a->d.y * a->d.x;
    const int64_t steps[] = {llabs(p / n_xy - q / n_xy), llabs(p / n_x % a->d.y - q / n_x % a->d.y),
                             llabs(p % n_x - q % n_x)};
    return steps[0] <= 1 && steps[1] <= 1 && steps[2] <= 1 && p != q &&
           steps[0] + steps[1] + steps[2] <= (int64_t)connectivity + 1;
}

/* Connected voxels of equal value, numbered from 1 in raster order. Returns how many. */
static uint32_t twin_parts(const volume *a, pea_connectivity connectivity, uint32_t *part)
{
    static int64_t stack[MOST_VOXELS];
    uint32_t n = 0;
    memset(part, 0, MOST_VOXELS * sizeof *part);
    for (int64_t seed = 0; seed < count(a); seed++) {
        if (part[seed])
            continue;
        int64_t top = 0;
        part[seed] = ++n;
        stack[top++] = seed;
        while (top > 0) {
            const int64_t p = stack[--top];
            for (int64_t q = 0; q < count(a); q++)
                if (!part[q] && a->v[q] == a->v[p] && are_neighbours(a, p, q, connectivity)) {
                    part[q] = n;
                    stack[top++] = q;
                }
        }
    }
    return n;
}

static bool is_at_border(const volume *a, int64_t p)
{
    const int64_t at[] = {p / a->d.x / a->d.y, p / a->d.x % a->d.y, p % a->d.x}, length[] = {a->d.z, a->d.y, a->d.x};
    for (int i = 0; i < 3; i++)
        if (length[i] > 1 && (at[i] == 0 || at[i] == length[i] - 1))
            return true;
    return false;
}

static void twin_fill(volume *a, pea_connectivity connectivity)
{
    uint32_t part[MOST_VOXELS];
    const volume before = *a;
    const uint32_t n = twin_parts(&before, connectivity, part);
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t around = 0;
        bool is_hole = true;
        for (int64_t p = 0; p < count(a); p++) {
            if (part[p] != i)
                continue;
            is_hole = is_hole && before.v[p] == 0 && !is_at_border(a, p);
            for (int64_t q = 0; q < count(a) && is_hole; q++) {
                if (!before.v[q] || !are_neighbours(a, p, q, connectivity))
                    continue;
                is_hole = !around || around == before.v[q];
                around = before.v[q];
            }
        }
        for (int64_t p = 0; p < count(a); p++)
            if (part[p] == i && is_hole)
                a->v[p] = around;
    }
}

static uint32_t twin_split(volume *a, pea_connectivity connectivity)
{
    uint32_t part[MOST_VOXELS], n = 0, number[MOST_VOXELS + 1] = {0};
    twin_parts(a, connectivity, part);
    for (int64_t p = 0; p < count(a); p++) {
        if (!a->v[p])
            continue;
        if (!number[part[p]])
            number[part[p]] = ++n;
        a->v[p] = number[part[p]];
    }
    return n;
}

static int64_t size_of(const uint32_t *values, int64_t n, uint32_t value)
{
    int64_t size = 0;
    for (int64_t p = 0; p < n; p++)
        size += values[p] == value;
    return size;
}

static void twin_largest_parts(volume *a, pea_connectivity connectivity)
{
    uint32_t part[MOST_VOXELS];
    const volume before = *a;
    const int64_t n = count(a);
    twin_parts(&before, connectivity, part);
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = 0; q < n && before.v[p]; q++) {
            const int64_t own = size_of(part, n, part[p]), other = size_of(part, n, part[q]);
            if (before.v[q] == before.v[p] && (other > own || (other == own && part[q] < part[p])))
                a->v[p] = 0;
        }
}

static int64_t first_of(const volume *a, uint32_t label)
{
    int64_t p = 0;
    while (a->v[p] != label)
        p++;
    return p;
}

static void twin_largest(volume *a, int64_t n_kept)
{
    const volume before = *a;
    const int64_t n = count(a);
    for (int64_t p = 0; p < n; p++) {
        int64_t n_before = 0;
        for (int64_t q = 0; q < n && before.v[p]; q++) { /* each label at its first voxel */
            if (!before.v[q] || first_of(&before, before.v[q]) != q)
                continue;
            const int64_t own = size_of(before.v, n, before.v[p]), other = size_of(before.v, n, before.v[q]);
            n_before += other > own || (other == own && q < first_of(&before, before.v[p]));
        }
        if (n_before >= n_kept)
            a->v[p] = 0;
    }
}

/* ---- random volumes ---- */

static volume random_volume(uint64_t *seed)
{
    volume a = {.d = {1 + test_random(seed) % 5, 1 + test_random(seed) % 8, 1 + test_random(seed) % 12, 1}};
    const uint32_t n_labels = 1 + test_random(seed) % 4, background = test_random(seed) % 8,
                   scale = test_random(seed) % 3 ? 1 : 4294967295u / 4;
    if (test_random(seed) % 3 == 0)
        a.d.z = 1;
    for (int64_t p = 0; p < count(&a); p++)
        a.v[p] = test_random(seed) % 8 < background ? 0 : (1 + test_random(seed) % n_labels) * scale;
    return a;
}

static void expect_equal(const volume *found, const volume *expected, const char *what, int round)
{
    for (int64_t p = 0; p < count(found); p++)
        if (found->v[p] != expected->v[p])
            fail_msg("%s, round %d, %d x %d x %d: voxel %d is %u, expected %u", what, round, (int)found->d.z,
                     (int)found->d.y, (int)found->d.x, (int)p, found->v[p], expected->v[p]);
}

static void holes_are_those_of_the_textbook(void **state)
{
    uint64_t seed = 1;
    int64_t n_filled = 0;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        volume a = random_volume(&seed);
        const uint32_t n_labels = 1 + test_random(&seed) % 2;
        for (int64_t p = 0; p < count(&a) && round % 4; p++) /* mostly full, or nothing is enclosed */
            a.v[p] = test_random(&seed) % 8 ? 1 + test_random(&seed) % n_labels : 0;
        volume twin = a;
        const volume before = a;
        const pea_connectivity c = (pea_connectivity)(round % 3);
        const pea_array labels = view(&a);
        assert_ok(pea_fill_holes(&labels, c, NULL, &err));
        twin_fill(&twin, c);
        expect_equal(&a, &twin, "fill", round);
        n_filled += memcmp(before.v, a.v, sizeof a.v) != 0;
    }
    assert_true(n_filled > 300); /* or the volumes are of no use */
}

static void parts_are_those_of_the_textbook(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        volume a = random_volume(&seed), twin = a;
        const pea_connectivity c = (pea_connectivity)(round % 3);
        const pea_array labels = view(&a);
        uint32_t n;
        assert_ok(pea_split_parts(&labels, c, NULL, &n, &err));
        assert_int_equal(n, twin_split(&twin, c));
        expect_equal(&a, &twin, "split", round);
    }
}

static void largest_parts_are_those_of_the_textbook(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 300; round++) {
        volume a = random_volume(&seed), twin = a;
        const pea_connectivity c = (pea_connectivity)(round % 3);
        const pea_array labels = view(&a);
        assert_ok(pea_keep_largest_parts(&labels, c, NULL, &err));
        twin_largest_parts(&twin, c);
        expect_equal(&a, &twin, "largest parts", round);
    }
}

static void the_largest_objects_are_those_of_the_textbook(void **state)
{
    uint64_t seed = 4;
    (void)state;
    for (int round = 0; round < 300; round++) {
        volume a = random_volume(&seed);
        const pea_array labels = view(&a);
        if (round % 2)
            assert_ok(pea_split_parts(&labels, PEA_CONNECT_FACES, NULL, NULL, &err)); /* many small ones */
        volume twin = a;
        const int64_t n_kept = 1 + test_random(&seed) % 6;
        assert_ok(pea_keep_largest(&labels, n_kept, NULL, &err));
        twin_largest(&twin, n_kept);
        expect_equal(&a, &twin, "largest", round);
    }
}

/* ---- what the twins could have in common ---- */

static void a_ring_is_filled_a_ring_with_a_gap_is_not(void **state)
{
    (void)state;
    uint32_t ring[] = {5, 5, 5, 5, /**/ 5, 0, 0, 5, /**/ 5, 5, 5, 5}, gap[] = {0, 5, 5, 5, /**/ 5, 0, 0, 5, /**/ 5, 5, 5, 5};
    const uint32_t full[] = {5, 5, 5, 5, /**/ 5, 5, 5, 5, /**/ 5, 5, 5, 5};
    pea_array a = {ring, PEA_UINT32, {1, 3, 4, 1}}, b = {gap, PEA_UINT32, {1, 3, 4, 1}};
    assert_ok(pea_fill_holes(&a, PEA_CONNECT_CORNERS, NULL, &err));
    assert_memory_equal(ring, full, sizeof full);
    assert_ok(pea_fill_holes(&b, PEA_CONNECT_EDGES, NULL, &err)); /* out through the corner */
    assert_int_equal(gap[5], 0);
    assert_ok(pea_fill_holes(&b, PEA_CONNECT_FACES, NULL, &err));
    assert_int_equal(gap[5], 5);
    assert_int_equal(gap[0], 0);
}

static void a_hole_between_two_objects_stays(void **state)
{
    (void)state;
    uint32_t labels[] = {5, 5, 5, /**/ 5, 0, 7, /**/ 5, 5, 5};
    const pea_array a = {labels, PEA_UINT32, {1, 3, 3, 1}};
    assert_ok(pea_fill_holes(&a, PEA_CONNECT_FACES, NULL, &err));
    assert_int_equal(labels[4], 0);
}

/* In a volume the first and the last plane are its border, too. */
static void a_tunnel_through_a_volume_is_no_hole(void **state)
{
    (void)state;
    uint32_t labels[27];
    const pea_array a = {labels, PEA_UINT32, {3, 3, 3, 1}};
    for (int p = 0; p < 27; p++)
        labels[p] = p % 9 == 4 ? 0 : 3;
    assert_ok(pea_fill_holes(&a, PEA_CONNECT_FACES, NULL, &err));
    assert_int_equal(labels[13], 0);
    labels[4] = labels[22] = 3;
    assert_ok(pea_fill_holes(&a, PEA_CONNECT_FACES, NULL, &err));
    assert_int_equal(labels[13], 3);
}

static void parts_meet_at_edges_and_corners_only_if_wanted(void **state)
{
    (void)state;
    for (int c = 0; c < 3; c++) {
        uint32_t labels[8] = {9, 0, 0, 0, /**/ 0, 0, 0, 9}, edge[8] = {9, 0, 0, 9, /**/ 0, 0, 0, 0}, n;
        pea_array a = {labels, PEA_UINT32, {2, 2, 2, 1}}, b = {edge, PEA_UINT32, {2, 2, 2, 1}};
        assert_ok(pea_split_parts(&a, (pea_connectivity)c, NULL, &n, &err));
        assert_int_equal(n, c == 2 ? 1 : 2);
        assert_ok(pea_split_parts(&b, (pea_connectivity)c, NULL, &n, &err));
        assert_int_equal(n, c == 0 ? 2 : 1);
    }
}

static void wrong_arguments_are_refused_in_words(void **state)
{
    (void)state;
    uint32_t labels[4] = {0};
    uint8_t bytes[4];
    const pea_array a = {labels, PEA_UINT32, {1, 2, 2, 1}}, b = {bytes, PEA_UINT8, {1, 2, 2, 1}};
    assert_fails(pea_fill_holes(&b, PEA_CONNECT_FACES, NULL, &err), PEA_E_DTYPE, "labels");
    assert_fails(pea_fill_holes(&a, (pea_connectivity)3, NULL, &err), PEA_E_ARG, "connectivity has no choice number 3");
    assert_fails(pea_split_parts(&a, (pea_connectivity)-1, NULL, NULL, &err), PEA_E_ARG, "connectivity");
    assert_fails(pea_keep_largest(&a, 0, NULL, &err), PEA_E_ARG, "at least 1");
    assert_fails(pea_keep_largest_parts(&b, PEA_CONNECT_FACES, NULL, &err), PEA_E_DTYPE, "labels");
}

/* ---- small ones are absorbed ---- */

/* One object after another: who is smallest, who is most alike. Sums in the order of the image, as affinities are
 * multiples of 1/8 and so all of them exact. */
static void twin_absorb(volume *a, const float *affinity, int n_axes, int64_t min_size)
{
    const int64_t steps[] = {a->d.y * a->d.x, a->d.x, 1}, n = count(a);
    bool stuck[MOST_VOXELS] = {false}; /* by first voxel: nobody is beside it */
    for (;;) {
        int64_t least = min_size;
        uint32_t small = 0, best = 0;
        double most = -1.0;
        for (int64_t p = 0; p < n; p++) {
            const int64_t size = a->v[p] && !stuck[first_of(a, a->v[p])] ? size_of(a->v, n, a->v[p]) : min_size;
            if (size < least || (size == least && size < min_size && a->v[p] < small)) {
                least = size;
                small = a->v[p];
            }
        }
        if (!small)
            return;
        for (uint32_t other = 1; other <= 40; other++) {
            double sum = 0.0, faces = 0.0;
            for (int64_t p = 0; p < n; p++)
                for (int k = 0; k < n_axes; k++) {
                    const int64_t axis = k + 3 - n_axes;
                    const int64_t at[] = {p / a->d.x / a->d.y, p / a->d.x % a->d.y, p % a->d.x};
                    if (at[axis] == 0)
                        continue;
                    const uint32_t u = a->v[p], v = a->v[p - steps[axis]];
                    if ((u == small && v == other) || (v == small && u == other)) {
                        sum += (double)affinity[p * n_axes + k];
                        faces += 1.0;
                    }
                }
            if (other != small && faces > 0.0 && sum / faces > most) {
                most = sum / faces;
                best = other;
            }
        }
        if (!best)
            stuck[first_of(a, small)] = true;
        for (int64_t p = 0; p < n && best; p++)
            a->v[p] = a->v[p] == small ? best : a->v[p];
    }
}

static pea_offsets unit_offsets(int n_axes)
{
    pea_offsets o = {.n = (size_t)n_axes, .n_axes = n_axes};
    for (int i = 0; i < n_axes; i++)
        o.step[i] = (pea_offset){i == n_axes - 3 ? -1 : 0, i == n_axes - 2 ? -1 : 0, i == n_axes - 1 ? -1 : 0};
    return o;
}

static void small_objects_go_where_the_textbook_puts_them(void **state)
{
    static float affinity[3 * MOST_VOXELS];
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 400; round++) {
        volume a = random_volume(&seed);
        const int n_axes = a.d.z > 1 || round % 2 ? 3 : 2;
        const uint32_t n_labels = 2 + test_random(&seed) % 39, background = test_random(&seed) % 4;
        for (int64_t p = 0; p < count(&a); p++)
            a.v[p] = test_random(&seed) % 4 < background ? 0 : 1 + test_random(&seed) % n_labels;
        for (int64_t i = 0; i < 3 * count(&a); i++)
            affinity[i] = (float)(test_random(&seed) % 9) / 8.0f;
        volume twin = a;
        const pea_offsets offsets = unit_offsets(n_axes);
        const pea_array labels = view(&a), edges = {affinity, PEA_FLOAT32, {a.d.z, a.d.y, a.d.x, n_axes}};
        const int64_t min_size = test_random(&seed) % 30;
        assert_ok(pea_absorb_small(&labels, &edges, &offsets, min_size, NULL, &err));
        twin_absorb(&twin, affinity, n_axes, min_size);
        expect_equal(&a, &twin, "absorb", round);
    }
}

static void absorbing_refuses_what_does_not_fit(void **state)
{
    (void)state;
    uint32_t labels[4] = {1, 2, 1, 2};
    float affinity[8] = {0};
    const pea_offsets offsets = unit_offsets(2);
    const pea_array a = {labels, PEA_UINT32, {1, 2, 2, 1}};
    pea_array edges = {affinity, PEA_FLOAT32, {1, 2, 2, 2}};
    assert_fails(pea_absorb_small(&a, &edges, &offsets, -1, NULL, &err), PEA_E_ARG, "at least 0");
    edges.dims.c = 1;
    assert_fails(pea_absorb_small(&a, &edges, &offsets, 2, NULL, &err), PEA_E_SHAPE, "one for each offset");
}

/* ---- any number of threads, memory, being stopped ---- */

enum { DEPTH = 400, SIDE = 160 };

typedef struct big {
    pea_array labels, affinity;
    pea_offsets offsets;
    int which;
} big;

/* Blobs of 4 voxels a side with specks, holes and twins of the same label far away. */
static uint32_t big_label(int64_t z, int64_t y, int64_t x)
{
    const uint32_t cell = (uint32_t)((z / 4 * SIDE + y / 4) * SIDE + x / 4);
    return (z + y + x) % 11 == 0 ? 0 : (x * y + z) % 13 == 0 ? cell * 7 + 3 : cell % 977 + 1;
}

static big make_big(int which)
{
    const pea_dims d = {which == 4 ? SIDE : DEPTH, SIDE, SIDE, 1}; /* absorbing takes longer */
    const int64_t n = d.z * d.y * d.x;
    uint32_t *labels = malloc((size_t)n * sizeof *labels);
    float *affinity = which == 4 ? malloc((size_t)n * 3 * sizeof *affinity) : NULL;
    for (int64_t p = 0; p < n; p++)
        labels[p] = big_label(p / SIDE / SIDE, p / SIDE % SIDE, p % SIDE);
    for (int64_t i = 0; i < 3 * n && affinity; i++)
        affinity[i] = (float)(i * 7919 % 1009) / 1009.0f;
    return (big){{labels, PEA_UINT32, d}, {affinity, PEA_FLOAT32, {d.z, d.y, d.x, 3}}, unit_offsets(3), which};
}

static void free_big(big *b)
{
    free(b->labels.data);
    free(b->affinity.data);
}

enum { N_CALLS = 5 };

static pea_status call(void *argument, pea_context *context, pea_error *told)
{
    const big *b = argument;
    switch (b->which) {
    case 0: return pea_fill_holes(&b->labels, PEA_CONNECT_FACES, context, told);
    case 1: return pea_split_parts(&b->labels, PEA_CONNECT_EDGES, context, NULL, told);
    case 2: return pea_keep_largest_parts(&b->labels, PEA_CONNECT_CORNERS, context, told);
    case 3: return pea_keep_largest(&b->labels, 5000, context, told);
    default: return pea_absorb_small(&b->labels, &b->affinity, &b->offsets, 20, context, told);
    }
}

static void every_call_can_be_heard_and_stopped(void **state)
{
    (void)state;
    for (int which = 0; which < N_CALLS; which++) {
        big b = make_big(which);
        assert_can_be_heard_and_stopped("clean up", call, &b);
        free_big(&b);
    }
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    for (int which = 0; which < N_CALLS; which++) {
        big one = make_big(which), three = make_big(which);
        pea_context_options options = pea_context_options_default();
        pea_context *context;
        options.n_threads = 3;
        assert_ok(pea_context_new(&options, &context, &err));
        assert_ok(call(&one, NULL, &err));
        assert_ok(call(&three, context, &err));
        assert_memory_equal(one.labels.data, three.labels.data, (size_t)(one.labels.dims.z * SIDE * SIDE) * sizeof(uint32_t));
        pea_context_free(context);
        free_big(&one);
        free_big(&three);
    }
}

static pea_status small_call(void *argument, pea_error *told)
{
    uint32_t labels[] = {5, 5, 5, 5, /**/ 5, 0, 8, 5, /**/ 5, 5, 5, 5};
    float affinity[24] = {0};
    big b = {{labels, PEA_UINT32, {1, 3, 4, 1}}, {affinity, PEA_FLOAT32, {1, 3, 4, 2}}, unit_offsets(2), *(int *)argument};
    return call(&b, NULL, told);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (int which = 0; which < N_CALLS; which++)
        assert_true(test_each_allocation_failing(small_call, &which, 200) > 2);
}

static void too_little_memory_is_refused_with_the_number(void **state)
{
    (void)state;
    for (int which = 0; which < N_CALLS; which++) {
        big b = make_big(which);
        pea_context_options options = pea_context_options_default();
        pea_context *context;
        options.memory_limit_bytes = 100000;
        assert_ok(pea_context_new(&options, &context, &err));
        if (which != 3) /* which only counts */
            assert_fails(call(&b, context, &err), PEA_E_LIMIT, "bytes but the limit is 100000");
        pea_context_free(context);
        free_big(&b);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(holes_are_those_of_the_textbook),
    cmocka_unit_test(parts_are_those_of_the_textbook),
    cmocka_unit_test(largest_parts_are_those_of_the_textbook),
    cmocka_unit_test(the_largest_objects_are_those_of_the_textbook),
    cmocka_unit_test(a_ring_is_filled_a_ring_with_a_gap_is_not),
    cmocka_unit_test(a_hole_between_two_objects_stays),
    cmocka_unit_test(a_tunnel_through_a_volume_is_no_hole),
    cmocka_unit_test(parts_meet_at_edges_and_corners_only_if_wanted),
    cmocka_unit_test(wrong_arguments_are_refused_in_words),
    cmocka_unit_test(small_objects_go_where_the_textbook_puts_them),
    cmocka_unit_test(absorbing_refuses_what_does_not_fit),
    cmocka_unit_test(every_call_can_be_heard_and_stopped),
    cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
    cmocka_unit_test(each_allocation_may_fail),
    cmocka_unit_test(too_little_memory_is_refused_with_the_number),
};

PEA_TEST_MAIN(tests)
