/* test_memory.c - what a hostile file can cost: never more than 4 times its size and a fixed slack.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* In a process of its own, since a peak never falls. Returns the bytes an import took; -1: the child failed. */
static int64_t import_cost(const bytes *b)
{
    int ends[2];
    int64_t cost = -1;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pea_error err = {0};
        pea_weights *w = NULL;
        const pea__reader reader = pea__reader_memory(b->at, b->n), small = pea__reader_memory(b->at, b->n / 50);
        (void)pea__weights_import_from(&small, NULL, &w, NULL, &err); /* pages of code are touched for the first time */
        const long before = peak_kib();
        (void)pea__weights_import_from(&reader, NULL, &w, NULL, &err);
        cost = (int64_t)(peak_kib() - before) * 1024;
        _exit(write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &cost, sizeof cost) != sizeof cost)
        cost = -1;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return cost;
}

static const char beginning[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                                "\x80\2M\xe9\3."
                                "\x80\2}X\x0d\0\0\0little_endian\x88s.";

/* Few bytes that make much: each attack is a beginning and a piece that is repeated. */
static const struct {
    const char *what, *first, *piece;
    size_t n_first, n_piece;
} attacks[] = {
#define ATTACK(what, first, piece) {what, first, piece, sizeof(first) - 1, sizeof(piece) - 1}
    ATTACK("values", "\x80\2](", "N"),
    ATTACK("lists", "\x80\2](", "]"),
    ATTACK("appended one by one", "\x80\2]", "Na"),
    ATTACK("items set one by one", "\x80\2}", "NNs"),
    ATTACK("batches", "\x80\2]", "(NNNNe"),
    ATTACK("nested tuples", "\x80\2)", "\x85"),
    ATTACK("memo", "\x80\2N", "\x94"),
    ATTACK("names", "\x80\2](", "c\n\n"),
    ATTACK("calls", "\x80\2" "cx\ny\nq\0](", "h\0)R"),
    ATTACK("references", "\x80\2Nq\0](", "h\0Q"),
    ATTACK("ordered dicts", "\x80\2" "ccollections\nOrderedDict\nq\0](", "h\0)R"),
    ATTACK("texts", "\x80\2](", "X\0\0\0\0"),
    ATTACK("marks", "\x80\2]", "("),
};

static void hostile_pickles_cost_memory_in_proportion(void **state)
{
    (void)state;
    if (!TEST_MEMORY_IS_MEASURABLE)
        skip();
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        for (size_t n_bytes = 1000; n_bytes <= 4000000; n_bytes = n_bytes * 63) {
            bytes b = {0};
            add(&b, beginning, sizeof beginning - 1);
            add(&b, attacks[i].first, attacks[i].n_first);
            add_repeated(&b, attacks[i].piece, attacks[i].n_piece, n_bytes / attacks[i].n_piece);
            const int64_t cost = import_cost(&b), slack = 256 << 10; /* whole pages, malloc */
            if (cost < 0 || cost > 4 * (int64_t)b.n + (1 << 20) + slack)
                fail_msg("%s: a file of %zu bytes cost %lld", attacks[i].what, b.n, (long long)cost);
            drop(&b);
        }
}

static void zip_bombs_cost_no_more_than_the_limit(void **state)
{
    enum { UNPACKED = 200 << 20 };
    zip_places p;
    bytes packed = {0};
    unsigned char piece[1 << 14];
    z_stream stream = {0};
    static unsigned char zeros[1 << 16];
    (void)state;
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    for (size_t done = 0; done <= UNPACKED;) {
        if (stream.avail_in == 0) {
            stream.next_in = zeros;
            stream.avail_in = sizeof zeros;
            done += sizeof zeros;
        }
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        deflate(&stream, done > UNPACKED ? Z_FINISH : Z_NO_FLUSH);
        add(&packed, piece, sizeof piece - stream.avail_out);
    }
    deflateEnd(&stream);
    static const char pickle[] =
        "\x80\2}" KEY_A REBUILD STORAGE("FloatStorage", "0", "J\0\0\x20\3") "K\0" "K\1\x85" "K\1\x85" REBUILD_END "s.";
    for (int bomb_is_pickle = 0; bomb_is_pickle < 2; bomb_is_pickle++) {
        const record records[] = {{"a/data.pkl", bomb_is_pickle ? (const void *)packed.at : pickle,
                                   bomb_is_pickle ? packed.n : sizeof pickle - 1},
                                  {"a/data/0", packed.at, packed.n}};
        bytes b = make_zip(records, 2, &p);
        const int which = bomb_is_pickle ? 0 : 1;
        set_number(&b, p.central[which] + 10, 8, 2);
        set_number(&b, p.local[which] + 8, 8, 2);
        set_number(&b, p.central[which] + 24, UNPACKED, 4);
        pea_error err;
        pea_weights *w = NULL;
        assert_fails(import_bytes(&b, &w, NULL, &err), PEA_E_LIMIT, "");
        assert_true(!TEST_MEMORY_IS_MEASURABLE || import_cost(&b) < 4 * (int64_t)b.n + (1 << 20));
        drop(&b);
    }
    drop(&packed);
}

static void a_part_of_a_budget_is_taken_from_the_whole(void **state)
{
    const pea__reader reader = pea__reader_memory("1234567890", 10);
    pea_error err;
    (void)state;
    pea__budget whole = pea__budget_for(&reader, 100, NULL), part = pea__budget_for(&reader, 20, &whole);
    assert_int_equal(whole.left, 140);
    assert_ok(pea__budget_take(&part, 60, &err));
    assert_int_equal(whole.left, 80);
    assert_fails(pea__budget_take(&part, 1, &err), PEA_E_LIMIT, "limit 60 bytes");
    assert_int_equal(whole.left, 80); /* nothing is taken by a refusal */
    assert_ok(pea__budget_take(&whole, 80, &err));
    pea__budget_return(&part, 60);
    assert_int_equal(part.left, 60);
    assert_ok(pea__budget_take(&whole, 30, &err));
    assert_fails(pea__budget_take(&part, 40, &err), PEA_E_LIMIT, "limit 140 bytes");
    assert_fails(pea__budget_take(&part, -1, &err), PEA_E_LIMIT, "");
}

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
    const pea__reader reader = pea__reader_memory("", 0);
    pea_error err;
    (void)state;
    pea__budget budget = pea__budget_for(&reader, 1 << 20, NULL);
    pea__arena arena = {.budget = &budget};
    const size_t live = pea__alloc_live();
    for (size_t n = 0; n < 5000; n += 37) {
        unsigned char *got = pea__arena_get(&arena, n, 1, &err);
        assert_non_null(got);
        assert_int_equal((uintptr_t)got % 8, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(got[i], 0);
        memset(got, 1, n);
    }
    assert_null(pea__arena_get(&arena, SIZE_MAX / 2, 8, &err));
    assert_int_equal(err.status, PEA_E_LIMIT);
    assert_null(pea__arena_get(&arena, 1 << 20, 1, &err));
    assert_int_equal(err.status, PEA_E_LIMIT);
    pea__arena_free(&arena);
    assert_int_equal(pea__alloc_live(), live);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(hostile_pickles_cost_memory_in_proportion),
    cmocka_unit_test(zip_bombs_cost_no_more_than_the_limit),
    cmocka_unit_test(a_part_of_a_budget_is_taken_from_the_whole),
    cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
};

PEA_TEST_MAIN(tests)
