/* test_run.c - whole runs on a tiny network: what is told, what is written, and that stopping changes nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pea/image.h"
#include "pea/settings.h"
#include "threads.h"
#include "train/run.h"

/* ---- images: bright discs on a dark ground ---- */

enum { SIDE = 64 };

typedef struct scene {
    uint16_t image[SIDE * SIDE];
    uint8_t labels[SIDE * SIDE];
} scene;

static scene scene_of(uint32_t t)
{
    scene s;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const int i = y * SIDE + x, dy = y % 21 - 10, dx = x % 21 - 10;
            const int disc = dy * dy + dx * dx <= 64 ? 1 + y / 21 * 4 + x / 21 : 0;
            s.labels[i] = (uint8_t)(3 * disc); /* with gaps between numbers */
            s.image[i] = (uint16_t)((disc ? 3000.0 : 400.0) + 300.0 * test_u(t, (uint32_t)i));
        }
    return s;
}

/* Two images to learn from and one to be scored on. */
static pea_training_set *set_of(scene scenes[3])
{
    pea_error err;
    pea_training_set *set = NULL;
    assert_ok(pea_training_set_new(&set, &err));
    for (int i = 0; i < 3; i++) {
        const pea_dims dims = {1, SIDE, SIDE, 1};
        scenes[i] = scene_of((uint32_t)i);
        const pea_array image = {scenes[i].image, PEA_UINT16, dims}, labels = {scenes[i].labels, PEA_UINT8, dims};
        assert_ok(pea_training_set_add_arrays(set,
                                              i == 0   ? "first"
                                              : i == 1 ? "second"
                                                       : "third",
                                              &image, &labels, i == 2, &err));
    }
    return set;
}

static pea_train_options tiny(int64_t n_steps)
{
    pea_train_options o;
    pea_error err;
    assert_ok(pea_train_preset("nuclei", 1, &o, &err));
    o.plain_batches = 2;
    for (int i = 0; i < 5; i++)
        o.filters[i] = 4;
    o.embedding_dim = 4;
    o.in_channels = 1;
    o.side = 32;
    o.batch = 1;
    o.n_steps = n_steps;
    o.warm_up = 0;
    o.decay = PEA_DECAY_CONSTANT;
    o.rate = 0.01;
    o.validate_every = 3;
    o.save_every_s = 0.0;
    return o;
}

/* ---- files ---- */

typedef struct place {
    char folder[64], model[96];
} place;

static place place_new(void)
{
    place p = {.folder = "/tmp/pea-test-run-XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    (void)snprintf(p.model, sizeof p.model, "%s/model.safetensors", p.folder);
    return p;
}

static const char *const written[] = {"model.safetensors", "state.safetensors", "losses.csv",
                                      "scores.csv",        "curves.png",        "overlay-1-third.png"};
enum { N_WRITTEN = sizeof written / sizeof *written };

static void place_remove(const place *p)
{
    char path[160];
    for (int i = 0; i < N_WRITTEN; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->folder, written[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0); /* nothing else was left */
}

static void assert_same_files(const place *a, const place *b)
{
    for (int i = 0; i < N_WRITTEN; i++) {
        char path[160];
        size_t n, m;
        (void)snprintf(path, sizeof path, "%s/%s", a->folder, written[i]);
        char *one = test_read_file(path, &n);
        (void)snprintf(path, sizeof path, "%s/%s", b->folder, written[i]);
        char *other = test_read_file(path, &m);
        if (n != m || memcmp(one, other, n))
            fail_msg("%s differs", written[i]);
        free(one);
        free(other);
    }
}

/* Trains in a place; o->folder is set where it is none. */
static pea_status train(pea_train_options o, const place *p, pea_context *context, pea_error *err)
{
    scene scenes[3];
    pea_training_set *set = set_of(scenes);
    o.folder = o.folder ? o.folder : p->folder;
    const pea_status status = pea_train(set, &o, context, p->model, err);
    pea_training_set_free(set);
    return status;
}

/* ---- what is told and written ---- */

typedef struct ear {
    int64_t steps, validations, best_step, stop_at;
    double best, threshold, first_loss, last_loss;
    char trouble[512];
    int n_troubles;
} ear;

static int listen(void *user, const pea_train_report *r)
{
    ear *e = user;
    if (r->trouble) {
        (void)snprintf(e->trouble, sizeof e->trouble, "%s", r->trouble);
        e->n_troubles++;
    }
    if (r->scores) {
        assert_int_equal(r->step, e->steps);
        assert_non_null(r->image);
        assert_int_equal(r->labels->dims.x, SIDE);
        e->validations++;
        assert_true(r->is_best <= (r->best_step == r->step));
        if (r->is_best)
            e->threshold = r->foreground_threshold;
        e->best = r->best_score;
        e->best_step = r->best_step;
    } else {
        assert_int_equal(r->step, ++e->steps);
        assert_true(isfinite(r->loss) && r->rate > 0.0);
        e->first_loss = e->steps == 1 ? r->loss : e->first_loss;
        e->last_loss = r->loss;
    }
    return e->stop_at && r->step >= e->stop_at;
}

static void a_run_tells_and_writes_a_model_that_segments(void **state)
{
    const place p = place_new();
    pea_error err;
    ear e = {.steps = 0};
    pea_train_options o = tiny(40);
    (void)state;
    o.report = listen;
    o.report_user = &e;
    o.validate_every = 10;
    o.licence = "CC0-1.0";
    assert_ok(train(o, &p, NULL, &err));
    assert_int_equal(e.steps, 40);
    assert_int_equal(e.validations, 4);
    assert_true(e.last_loss < 0.7 * e.first_loss);
    pea_model *model = NULL;
    assert_ok(pea_model_open(p.model, &model, &err));
    assert_true(pea_model_options(model).foreground_threshold == e.threshold);
    assert_non_null(strstr(pea_model_metadata(model), "CC0-1.0"));

    scene s = scene_of(2); /* what the best model makes of the third image is what was told */
    uint32_t truth[SIDE * SIDE], found[SIDE * SIDE], n;
    const pea_dims dims = {1, SIDE, SIDE, 1};
    const pea_array image = {s.image, PEA_UINT16, dims}, t = {truth, PEA_UINT32, dims}, f = {found, PEA_UINT32, dims};
    pea_scores scores;
    assert_ok(pea_labels_from_array(&(pea_array){s.labels, PEA_UINT8, dims}, &t, &err));
    assert_ok(pea_relabel(&t, NULL, NULL, &err));
    assert_ok(pea_segment(model, NULL, &image, NULL, NULL, &f, &n, NULL, &err));
    assert_ok(pea_score(&t, &f, NULL, &scores, &err));
    assert_true(fabs(scores.aji - e.best) < 1e-6);
    assert_true(e.best > 0.5);
    pea_model_free(model);
    place_remove(&p);
}

static void whoever_listens_can_end_it_with_a_model(void **state)
{
    const place p = place_new();
    pea_error err;
    pea_model *model = NULL;
    ear e = {.stop_at = 4};
    pea_train_options o = tiny(1000);
    (void)state;
    o.report = listen;
    o.report_user = &e;
    assert_ok(train(o, &p, NULL, &err));
    assert_int_equal(e.steps, 4);
    assert_int_equal(e.validations, 2); /* of step 3, and of the end */
    assert_ok(pea_model_open(p.model, &model, &err));
    pea_model_free(model);
    place_remove(&p);
}

static void without_validation_the_last_weights_are_the_model(void **state)
{
    const place p = place_new();
    pea_error err;
    scene scenes[3];
    ear e = {.steps = 0};
    pea_model *model = NULL;
    pea_training_set *set = NULL;
    pea_train_options o = tiny(3);
    (void)state;
    o.report = listen;
    o.report_user = &e;
    o.validation_share = 0.0;
    assert_ok(pea_training_set_new(&set, &err));
    scenes[0] = scene_of(0);
    const pea_dims dims = {1, SIDE, SIDE, 1};
    assert_ok(pea_training_set_add_arrays(set, "one", &(pea_array){scenes[0].image, PEA_UINT16, dims},
                                          &(pea_array){scenes[0].labels, PEA_UINT8, dims}, 0, &err));
    assert_ok(pea_train(set, &o, NULL, p.model, &err));
    assert_int_equal(e.validations, 0);
    assert_ok(pea_model_open(p.model, &model, &err));
    assert_null(strstr(pea_model_metadata(model), "scores"));
    pea_model_free(model);
    pea_training_set_free(set);
    place_remove(&p);
}

/* ---- stopping and going on ---- */

static int stop_after(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    return --*(int *)user < 0;
}

static void cancelled_anywhere_it_goes_on_to_the_same_bytes(void **state)
{
    static const int moments[] = {0, 1, 2, 4, 9};
    const place whole = place_new();
    pea_error err;
    (void)state;
    assert_ok(train(tiny(7), &whole, NULL, &err));
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        const place p = place_new();
        pea_train_options o = tiny(7);
        int left = moments[i];
        pea_status status = PEA_E_CANCELLED;
        for (int round = 0; status == PEA_E_CANCELLED && round < 50; round++, left = moments[i] + round) {
            pea_context_options wishes = pea_context_options_default();
            pea_context *context = NULL;
            wishes.n_threads = 1 + round % 3;
            wishes.progress = stop_after;
            wishes.progress_user = &left;
            assert_ok(pea_context_new(&wishes, &context, &err));
            status = train(o, &p, context, &err);
            pea_context_free(context);
            struct stat about;
            char path[160];
            (void)snprintf(path, sizeof path, "%s/state.safetensors", p.folder);
            o.resume = stat(path, &about) == 0; /* it may have been too early for one */
        }
        if (status != PEA_OK)
            assert_ok(train(o, &p, NULL, &err));
        assert_same_files(&whole, &p);
        place_remove(&p);
    }
    place_remove(&whole);
}

static int note_step(void *user, const pea_train_report *r)
{
    *(int64_t *)user = r->step;
    return 0;
}

static void three_and_four_steps_are_seven(void **state)
{
    const place whole = place_new(), parts = place_new();
    pea_context *three = test_context(3, 0);
    pea_error err;
    pea_train_options o = tiny(7);
    int64_t told = 0;
    (void)state;
    assert_ok(train(o, &whole, NULL, &err));
    o.n_steps = 2; /* its last step is scored, which a longer run does not do */
    assert_ok(train(o, &parts, three, &err));
    o.n_steps = 7;
    o.resume = 1;
    assert_ok(train(o, &parts, three, &err));
    assert_same_files(&whole, &parts);
    o.report = note_step;
    o.report_user = &told;
    assert_ok(train(o, &parts, three, &err)); /* nothing is left to do */
    assert_int_equal(told, 7);
    assert_same_files(&whole, &parts);
    pea_context_free(three);
    place_remove(&whole);
    place_remove(&parts);
}

static void a_state_of_something_else_is_refused(void **state)
{
    const place p = place_new();
    pea_error err;
    pea_train_options o = tiny(1);
    (void)state;
    assert_ok(train(o, &p, NULL, &err));
    o.resume = 1;
    o.seed = 99;
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "seed=1, now it is seed=99");
    o = tiny(1);
    o.resume = 1;
    o.plain_batches = 5;
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "plain-batches=2, now it is plain-batches=5:");
    o.plain_batches = 2;
    o.filters[4] = 5;
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "filters=4,4,4,4,4, now it is filters=4,4,4,4,5");
    static const struct {
        pea_choice wish;
        const char *message;
    } settings[] = {{{"shifts", "1,3,5,9,27"}, "shifts=1,3,5,9,11, now it is shifts=1,3,5,9,27"},
                    {{"strides", "10,10"}, "strides=5,5, now it is strides=10,10"},
                    {{"absorb", "0"}, "absorb=50, now it is absorb=0"},
                    {{"normalise", "unit"}, "normalise=minmax, now it is normalise=unit"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        o = tiny(1);
        o.resume = 1;
        assert_ok(pea_settings_apply(&settings[i].wish, 1, &o.segment, &err));
        assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, settings[i].message);
    }
    o = tiny(1);
    o.resume = 1;
    o.without = "amsgrad";
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "made with without=, now it is without=amsgrad");
    o.without = NULL;
    o.validation_share = 0.5;
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "share=0.15, now it is share=0.5");
    o = tiny(1);
    o.resume = 1;
    o.score = "pq";
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "score=aji, now it is score=pq");
    o = tiny(1);
    o.resume = 1;
    o.validate_every = 1; /* a run may be looked at more often, */
    o.licence = "CC0-1.0"; /* and its record say more */
    assert_ok(train(o, &p, NULL, &err));
    char path[160];
    (void)snprintf(path, sizeof path, "%s/state.safetensors", p.folder);
    assert_int_equal(truncate(path, 5000), 0);
    o = tiny(1);
    o.resume = 1;
    assert_fails(train(o, &p, NULL, &err), PEA_E_FORMAT, "");
    o.folder = "/nowhere-at-all";
    assert_fails(train(o, &p, NULL, &err), PEA_E_IO, "/nowhere-at-all/state.safetensors");
    place_remove(&p);
}

static void a_state_of_another_version_is_refused(void **state)
{
    static const struct {
        const char *about, *message;
    } of[] = {{"{\"state_version\":1,\"terms\":\"\",\"images\":\"\",\"best\":-1}",
               "of form 1, this version of pea reads form 2: begin anew"},
              {"{\"terms\":\"\"}", "it does not say of which form it is; begin anew"}};
    const place p = place_new();
    char path[160];
    pea_error err;
    pea_weights *tensors = NULL;
    pea_train_options o = tiny(1);
    (void)state;
    assert_ok(train(o, &p, NULL, &err));
    (void)snprintf(path, sizeof path, "%s/state.safetensors", p.folder);
    assert_ok(pea_weights_read(path, &tensors, &err));
    o.resume = 1;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        assert_ok(pea_weights_write(path, tensors, of[i].about, &err));
        assert_fails(train(o, &p, NULL, &err), PEA_E_FORMAT, of[i].message);
    }
    pea_weights_free(tensors);
    place_remove(&p);
}

/* Of the settings the longest there can be. */
static void what_a_state_depends_on_is_never_cut(void **state)
{
    static char terms[PEA__TERMS_BYTES];
    pea__course course;
    pea_error err;
    pea_train_options o;
    (void)state;
    assert_ok(pea_train_preset("nuclei", 1, &o, &err));
    o.seed = UINT64_MAX;
    o.plain_batches = 123456;
    o.segment.n_merge = PEA_MAX_MERGE_PASSES;
    for (int i = 0; i < PEA_MAX_MERGE_PASSES; i++)
        o.segment.merge[i] = (pea_merge_pass){INT32_MAX, INT32_MAX};
    int shifts[PEA_MAX_OFFSETS / 2];
    for (int i = 0; i < PEA_MAX_OFFSETS / 2; i++)
        shifts[i] = i < 5 ? 1 + i : 10000 + i;
    assert_ok(pea_offsets_from_shifts(shifts, PEA_MAX_OFFSETS / 2, 4, &o.segment.offsets, &err));
    assert_ok(pea__course_plan(&o, &course, &err));
    pea__course_terms(&course, terms);
    assert_non_null(strstr(terms, " plain-batches=123456"));
    assert_true(strlen(terms) < sizeof terms / 2);
    pea__course_free(&course);
}

static int stop_at_once(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    return *(int *)user;
}

static int want_no_more(void *user, const pea_train_report *r)
{
    *(int *)user = r->step == 2;
    return 0;
}

static void to_be_cancelled_is_an_error_where_nothing_is_kept(void **state)
{
    const place p = place_new();
    pea_error err;
    int stop = 0;
    pea_train_options o = tiny(7);
    pea_context_options wishes = pea_context_options_default();
    pea_context *context = NULL;
    (void)state;
    wishes.progress = stop_at_once;
    wishes.progress_user = &stop;
    o.report = want_no_more;
    o.report_user = &stop;
    assert_ok(pea_context_new(&wishes, &context, &err));
    assert_int_equal(train(o, &p, context, &err), PEA_E_CANCELLED);
    stop = 0;
    o.folder = "/nowhere-at-all";
    assert_fails(train(o, &p, context, &err), PEA_E_IO, "cancelled after step 2, but");
    assert_non_null(strstr(err.message, "/nowhere-at-all"));
    pea_context_free(context);
    place_remove(&p);
}

static void what_cannot_be_written_is_told_and_stops_nothing_before_the_end(void **state)
{
    const place p = place_new();
    pea_error err;
    pea_model *model = NULL;
    ear e = {.steps = 0};
    pea_train_options o = tiny(7);
    (void)state;
    o.report = listen;
    o.report_user = &e;
    o.folder = "/nowhere-at-all";
    assert_fails(train(o, &p, NULL, &err), PEA_E_IO, "/nowhere-at-all");
    assert_int_equal(e.steps, 7);
    assert_non_null(strstr(e.trouble, "/nowhere-at-all"));
    assert_int_equal(e.n_troubles, 4); /* of steps 3 and 6: pictures, and the rest; not after each step */
    assert_ok(pea_model_open(p.model, &model, &err)); /* the best of steps 3 and 6 */
    pea_model_free(model);
    place_remove(&p);
}

/* Files may not be larger than this, as on a disk that is full: another limit than that of rights or names. */
static void let_files_have(rlim_t n_bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

typedef struct disk {
    int64_t full_from, full_to; /* steps */
    bool told;
} disk;

static int fill_disk(void *user, const pea_train_report *r)
{
    disk *d = user;
    if (r->step == d->full_from)
        let_files_have(1000);
    if (r->step == d->full_to)
        let_files_have(RLIM_INFINITY);
    d->told = d->told || (r->trouble && strstr(r->trouble, strerror(EFBIG)));
    return 0;
}

static void a_disk_that_is_full_loses_nothing(void **state)
{
    const place whole = place_new(), p = place_new();
    pea_error err;
    disk d = {4, 8, false};
    pea_train_options o = tiny(10);
    void (*const before)(int) = signal(SIGXFSZ, SIG_IGN);
    (void)state;
    assert_ok(train(tiny(10), &whole, NULL, &err));
    o.report = fill_disk;
    o.report_user = &d;
    assert_ok(train(o, &p, NULL, &err)); /* full for a while: nobody would know */
    assert_true(d.told);
    assert_same_files(&whole, &p);

    d = (disk){8, 100, false};
    o.resume = 0;
    assert_fails(train(o, &p, NULL, &err), PEA_E_IO, strerror(EFBIG)); /* full at the end: step 6 is there */
    d = (disk){-1, 9, false};
    o.resume = 1;
    (void)unlink(p.model);
    assert_ok(train(o, &p, NULL, &err)); /* still full, but not for long: it goes on, and the model is there again */
    assert_true(d.told);
    assert_same_files(&whole, &p);
    (void)unlink(p.model);
    d = (disk){-1, -1, false};
    let_files_have(1000);
    assert_fails(train(o, &p, NULL, &err), PEA_E_IO, strerror(EFBIG)); /* nothing is left to do, nor was it done */
    let_files_have(RLIM_INFINITY);
    o.report = NULL;
    assert_ok(train(o, &p, NULL, &err));
    assert_same_files(&whole, &p);
    (void)signal(SIGXFSZ, before);
    place_remove(&whole);
    place_remove(&p);
}

static void a_loss_that_runs_away_ends_training(void **state)
{
    const place p = place_new();
    pea_error err;
    pea_train_options o = tiny(50);
    (void)state;
    o.optimiser = PEA_OPTIMISER_SGD;
    o.rate = 100.0;
    o.epsilon = 1e-8;
    o.weight_decay = 1.0;
    o.validate_every = 1000;
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "lower learning rate");
    place_remove(&p);
}

/* ---- states that no run wrote ---- */

static void put_file(const char *path, const char *bytes, size_t n)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, n, stream), n);
    assert_int_equal(fclose(stream), 0);
}

/* A state whose digest is that of what it holds: what is wrong must then be seen by itself. */
static void seal(const place *p, char *bytes, size_t n)
{
    static const char key[] = "\"digest\\\":\\\""; /* as it stands in the file, but for what is before it */
    pea_error err;
    char path[160], digits[17];
    pea_weights *w = NULL;
    (void)snprintf(path, sizeof path, "%s/state.safetensors", p->folder);
    put_file(path, bytes, n);
    if (pea_weights_read(path, &w, &err) != PEA_OK)
        return; /* so much for it */
    const char *text = pea_weights_metadata(w), *end = strstr(text, ",\"digest\":\"");
    assert_non_null(end);
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, pea__weights_digest(w, text, (size_t)(end - text)));
    for (size_t i = 0; i + sizeof key + 16 <= n; i++)
        if (!memcmp(bytes + i, key, sizeof key - 1))
            memcpy(bytes + i + sizeof key - 1, digits, 16);
    pea_weights_free(w);
}

/* Resuming from these bytes either is refused in words, or ends as well as any run. */
static bool is_refused(const place *p, const char *bytes, size_t n)
{
    char path[160];
    pea_error err = {0};
    pea_train_options o = tiny(4);
    const size_t live = pea__alloc_live();
    (void)snprintf(path, sizeof path, "%s/state.safetensors", p->folder);
    put_file(path, bytes, n);
    o.resume = 1;
    const pea_status status = train(o, p, NULL, &err);
    if (status != PEA_OK && status != PEA_E_FORMAT && status != PEA_E_ARG && status != PEA_E_LIMIT)
        fail_msg("%s: %s", pea_status_name(status), err.message);
    assert_true(status == PEA_OK || (strlen(err.message) > 20 && !strchr(err.message, '\n')));
    assert_int_equal(pea__alloc_live(), live);
    return status != PEA_OK;
}

/* One text of the description for another of its length. */
static void assert_word_is_refused(const place *p, const char *good, size_t n, const char *word, const char *other)
{
    char *bytes = malloc(n);
    assert_non_null(bytes);
    memcpy(bytes, good, n);
    char *at = NULL;
    for (size_t i = 0; !at && i + strlen(word) <= n; i++)
        at = memcmp(bytes + i, word, strlen(word)) ? NULL : bytes + i;
    if (!at)
        fail_msg("%s is not in the state", word);
    assert_int_equal(strlen(word), strlen(other));
    memcpy(at, other, strlen(other));
    assert_true(is_refused(p, bytes, n)); /* for its digest */
    seal(p, bytes, n);
    if (!is_refused(p, bytes, n))
        fail_msg("%s for %s was taken", other, word);
    free(bytes);
}

/* Numbers of a tensor, wherever they are: all floats of the file from `from` on that equal `value` become `other`. */
static void assert_number_is_refused(const place *p, const char *good, size_t n, float value, float other)
{
    char *bytes = malloc(n);
    bool found = false;
    assert_non_null(bytes);
    memcpy(bytes, good, n);
    for (size_t i = n % 4; i + 4 <= n; i += 4)
        if (!memcmp(bytes + i, &value, 4)) {
            memcpy(bytes + i, &other, 4);
            found = true;
        }
    if (!found)
        fail_msg("%g is not in the state", (double)value);
    assert_true(is_refused(p, bytes, n));
    seal(p, bytes, n);
    assert_true(is_refused(p, bytes, n));
    free(bytes);
}

/* One of the parameters, which stand behind the number of steps. */
static float a_weight(const char *path)
{
    pea_error err;
    pea_weights *w = NULL;
    assert_ok(pea_weights_read(path, &w, &err));
    const float weight = *(const float *)pea_weights_tensor(w, 1).data;
    pea_weights_free(w);
    return weight;
}

static void a_damaged_state_is_refused_in_words(void **state)
{
    const place p = place_new();
    pea_error err;
    char path[160];
    size_t n;
    (void)state;
    assert_ok(train(tiny(4), &p, NULL, &err));
    (void)snprintf(path, sizeof path, "%s/state.safetensors", p.folder);
    char *good = test_read_file(path, &n);
    assert_false(is_refused(&p, good, n));
    for (size_t i = 0; i < 24; i++) /* cut off: everywhere in the beginning, then here and there */
        assert_true(is_refused(&p, good, i < 12 ? i : i * n / 24));
    assert_word_is_refused(&p, good, n, "planned_steps\\\":4", "planned_steps\\\":0");
    assert_word_is_refused(&p, good, n, "best\\\":0", "best\\\":7");
    assert_word_is_refused(&p, good, n, "state_version\\\":2", "state_version\\\":9");
    assert_word_is_refused(&p, good, n, "\"steps\"", "\"stops\"");
    assert_word_is_refused(&p, good, n, "\"run/losses\"", "\"run/lasses\"");
    assert_number_is_refused(&p, good, n, a_weight(path), NAN);
    assert_number_is_refused(&p, good, n, 0.01f, NAN); /* rates */
    assert_number_is_refused(&p, good, n, 3.0f, 1e30f); /* the step of the validation */
    for (size_t i = 0; i < 40; i++) { /* one bit, in header and elements */
        const size_t at = i < 20 ? i * 97 % 3000 : i * (n - 1) / 39;
        good[at] = (char)(good[at] ^ 1 << i % 8);
        if (!is_refused(&p, good, n))
            fail_msg("bit %d of byte %zu of %zu may be another", (int)(i % 8), at, n);
        good[at] = (char)(good[at] ^ 1 << i % 8);
    }
    assert_false(is_refused(&p, good, n));
    free(good);
    place_remove(&p);
}

/* ---- learning on ---- */

static bool same_tensor(const pea_weights *a, const pea_weights *b, const char *name)
{
    pea_tensor p, q;
    int64_t n;
    assert_true(pea_weights_find(a, name, &p) && pea_weights_find(b, name, &q));
    assert_true(pea__shape_count(p.shape, p.n_axes, &n));
    return !memcmp(p.data, q.data, (size_t)n * sizeof(float));
}

enum { SLICES = 10, EDGE = 32, SLICE = EDGE * EDGE };

static char *read_losses(const place *p, size_t *n)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/losses.csv", p->folder);
    return test_read_file(path, n);
}

/* The voxels of every second slice, from a phase on. */
static pea_array every_second(const pea_array *from, int phase, void *to)
{
    const size_t bytes = SLICE * pea_dtype_size_bytes(from->dtype);
    for (int z = 0; z < SLICES / 2; z++)
        memcpy((char *)to + (size_t)z * bytes, (const char *)from->data + (size_t)(2 * z + phase) * bytes, bytes);
    return (pea_array){to, from->dtype, {SLICES / 2, EDGE, EDGE, 1}};
}

static void teach_volumes(const pea_array *image, const pea_array *labels, int n, const char *thin, const place *p)
{
    pea_train_options volumes, o = tiny(2);
    pea_training_set *set = NULL;
    pea_error err;
    assert_ok(pea_train_preset("em", 1, &volumes, &err));
    o.segment = volumes.segment;
    o.augmentation = volumes.augmentation;
    o.score = volumes.score;
    o.foreground_factor = o.validation_share = 0.0;
    o.depth = 3;
    o.folder = p->folder;
    o.thin = thin;
    assert_ok(pea_training_set_new(&set, &err));
    for (int i = 0; i < n; i++)
        assert_ok(pea_training_set_add_arrays(set, i ? "second" : "first", &image[i], &labels[i], 0, &err));
    assert_ok(pea_train(set, &o, NULL, p->model, &err));
    pea_training_set_free(set);
}

static void thin_volumes_teach_as_their_slices_would(void **state)
{
    static uint8_t image[SLICES * SLICE], labels[SLICES * SLICE], half[4][SLICES / 2 * SLICE];
    const pea_dims dims = {SLICES, EDGE, EDGE, 1};
    const pea_array whole[2] = {{image, PEA_UINT8, dims}, {labels, PEA_UINT8, dims}};
    const place thin = place_new(), by_hand = place_new();
    pea_array images[2], truths[2];
    size_t n, m;
    (void)state;
    for (int i = 0; i < SLICES * SLICE; i++) {
        labels[i] = (uint8_t)(1 + i / 8 % 2 + 2 * (i / (3 * SLICE)));
        image[i] = (uint8_t)(60 * labels[i] % 200 + (int)(40.0 * test_u(5, (uint32_t)i)));
    }
    for (int phase = 0; phase < 2; phase++) {
        images[phase] = every_second(&whole[0], phase, half[phase]);
        truths[phase] = every_second(&whole[1], phase, half[2 + phase]);
    }
    teach_volumes(&whole[0], &whole[1], 1, "2", &thin);
    teach_volumes(images, truths, 2, NULL, &by_hand);
    char *one = read_losses(&thin, &n), *other = read_losses(&by_hand, &m);
    assert_int_equal(n, m);
    assert_memory_equal(one, other, n);
    free(one);
    free(other);
    place_remove(&thin);
    place_remove(&by_hand);
}

static void a_frozen_encoder_stays_as_it_was(void **state)
{
    const place first = place_new(), second = place_new();
    pea_weights *before = NULL, *after = NULL;
    pea_error err;
    pea_train_options o = tiny(3);
    (void)state;
    assert_ok(train(o, &first, NULL, &err));
    o.from = first.model;
    o.freeze_encoder = 1;
    o.name = "second";
    assert_ok(train(o, &second, NULL, &err));
    assert_ok(pea_weights_read(first.model, &before, &err));
    assert_ok(pea_weights_read(second.model, &after, &err));
    assert_true(same_tensor(before, after, "inconv.conv.conv.0.weight"));
    assert_true(same_tensor(before, after, "down4.block.conv.4.running_mean"));
    assert_false(same_tensor(before, after, "up4_emb.block.conv.0.weight"));
    assert_false(same_tensor(before, after, "outconv_emb.conv.weight"));
    assert_non_null(strstr(pea_weights_metadata(after), "\"name\":\"second\""));
    assert_non_null(strstr(pea_weights_metadata(after), "\"from\":{"));
    pea_weights_free(before);
    pea_weights_free(after);
    place_remove(&first);
    place_remove(&second);
}

/* ---- options ---- */

static void options_that_do_not_fit_are_told(void **state)
{
    pea__course course;
    pea_error err;
    pea_train_options o = tiny(1);
    (void)state;
#define REFUSED(field, value, message)                                                                                \
    o = tiny(10);                                                                                                     \
    o.field = value;                                                                                                  \
    assert_fails(pea__course_plan(&o, &course, &err), PEA_E_ARG, message)
    REFUSED(side, 40, "multiple of 16");
    REFUSED(depth, 2, "depth of 1");
    REFUSED(batch, 0, "1 to 256 samples");
    REFUSED(n_steps, 0, "steps must be");
    REFUSED(validate_every, 0, "between validations");
    REFUSED(warm_up, 11, "warm-up");
    REFUSED(rate, 0.0, "learning rate");
    REFUSED(rate, NAN, "learning rate");
    REFUSED(average, 1.0, "averaged weights");
    REFUSED(validation_share, 1.0, "for validation");
    REFUSED(without, "scm,drop", "no 'drop' to be left out: choose from scm ccm epm foreground amsgrad flip");
    REFUSED(score, "IoU", "no score 'IoU'");
    REFUSED(plain_batches, -1, "number of plain batches must be from 0 to 1e+06");
    REFUSED(thin, "1,3", "thin is for volumes");
    REFUSED(thin, "1,0", "steps of 1 to 1000, as \"1,3\"; found '0'");
    REFUSED(thin, "1001", "found '1001'");
    REFUSED(thin, "100000000000000000001", "found '1000");
    REFUSED(thin, "3x", "found '3x'");
    REFUSED(thin, " ,", "names no step");
    REFUSED(thin, "1,1,1,1,1,1,1,1,1", "at most 8 steps");
    REFUSED(augmentation, "cats", "cats");
    REFUSED(filters[3], 0, "five widths");
    REFUSED(segment.offsets.n, 4, "at least 5 shifts");
    REFUSED(struct_size, 0, "not initialised");
#undef REFUSED
    assert_fails(pea__course_plan(NULL, &course, &err), PEA_E_ARG, "pea_train_preset()");
    o = tiny(1);
    o.from = PEA_TESTDATA "/nowhere.safetensors";
    assert_fails(pea__course_plan(&o, &course, &err), PEA_E_IO, "nowhere");
    assert_fails(pea_train_preset("cells", 0, &o, &err), PEA_E_ARG, "choose nuclei, leaves, em");
}

static void presets_are_as_published_where_they_say_so(void **state)
{
    static const char *const names[] = {"nuclei", "leaves", "em", "cvppp", "bbbc039", "ac3ac4"};
    pea_train_options o;
    pea_error err;
    (void)state;
    for (int i = 0; i < 6; i++)
        for (int small = 0; small < 2; small++) {
            pea__course course;
            assert_ok(pea_train_preset(names[i], small, &o, &err));
            assert_ok(pea__course_plan(&o, &course, &err));
            assert_true(course.curriculum.momentum == (course.info.n_axes == 3 ? 0.001 : 0.1));
            assert_int_equal(o.plain_batches, i < 3 ? 32 : 0);
            if (small)
                assert_true(course.info.n_parameters <= 500000);
            else
                assert_int_equal(course.info.n_parameters, course.info.n_axes == 3 ? 1481748 : 4715938);
            pea__course_free(&course);
        }
    assert_ok(pea_train_preset("bbbc039", 0, &o, &err));
    assert_true(o.side == 256 && o.batch == 8 && o.n_steps == 200000 && o.foreground_factor == 1000.0 && o.seed == 555);
    assert_true(o.rate == 1e-4 && o.decay == PEA_DECAY_CONSTANT && o.epsilon == 0.01 && o.epsilon_first);
    assert_ok(pea_train_preset("cvppp", 0, &o, &err));
    assert_true(o.side == 544 && o.batch == 2 && o.foreground_factor == 0.0 && !strcmp(o.score, "sbd"));
    assert_ok(pea_train_preset("ac3ac4", 0, &o, &err));
    assert_true(o.depth == 18 && o.side == 160 && o.batch == 2 && !strcmp(o.score, "voi"));
}

static void a_model_that_learns_on_keeps_its_settings(void **state)
{
    pea_train_options o;
    pea_model *model = NULL;
    pea_error err;
    (void)state;
    assert_ok(pea_model_open(PEA_TESTDATA "/../models/nuclei.safetensors", &model, &err));
    assert_ok(pea_train_preset_of(NULL, model, &o, &err));
    assert_true(!strcmp(o.score, "aji") && o.warm_up == 20 && o.from == NULL);
    assert_true(o.rate == 2e-4 && o.end_rate == 1e-5);
    assert_true(o.segment.foreground_threshold == pea_model_options(model).foreground_threshold);
    assert_ok(pea_train_preset_of("leaves", model, &o, &err));
    assert_true(!strcmp(o.score, "sbd") && o.segment.stride[1] == pea_model_options(model).stride[1]);
    assert_ok(pea_train_preset_of("cvppp", model, &o, &err));
    assert_true(o.rate == 1e-4 && o.end_rate == 1e-4); /* smaller ones stay */
    assert_fails(pea_train_preset_of("cells", model, &o, &err), PEA_E_ARG, "choose nuclei, leaves, em");
    pea_model_free(model);
}

static void what_was_not_chosen_follows_what_was(void **state)
{
    const pea_train_options before = {.rate = 1e-4, .end_rate = 1e-3, .seconds = 60.0, .n_steps = 100, .warm_up = 50};
    pea_train_options o = before;
    (void)state;
    pea_train_fit_options(&o, 0);
    assert_true(o.end_rate == 1e-4 && o.n_steps == 0 && o.warm_up == 50);
    o = before;
    pea_train_fit_options(&o, PEA_CHOSE_STEPS);
    assert_true(o.n_steps == 100 && o.warm_up == 10);
    o = before;
    pea_train_fit_options(&o, PEA_CHOSE_STEPS | PEA_CHOSE_WARM_UP | PEA_CHOSE_END_RATE);
    assert_true(o.end_rate == 1e-3 && o.n_steps == 100 && o.warm_up == 50);
}

static void what_is_left_out_is_not_taught(void **state)
{
    pea__course course;
    pea_error err;
    pea_train_options o = tiny(1);
    (void)state;
    o.without = "ccm, epm flip,foreground amsgrad";
    assert_ok(pea__course_plan(&o, &course, &err));
    assert_true(course.curriculum.self[0] == 1.0 && course.curriculum.cross == 0.0 &&
                course.curriculum.foreground == 0.0);
    for (int level = 1; level < PEA__LEVELS; level++)
        assert_true(course.curriculum.self[level] == 0.0);
    assert_int_equal(course.info.n_heads, 2); /* no coarse embeddings */
    assert_true(course.augmentation.flip == 0.0 && course.augmentation.rotate > 0.0);
    assert_int_equal(course.segment.foreground, PEA_FOREGROUND_GIVEN); /* what was not taught is not asked */
    assert_false(course.curriculum.optimiser.amsgrad);
    pea__course_free(&course);
    o.without = NULL;
    assert_ok(pea__course_plan(&o, &course, &err));
    assert_true(course.curriculum.optimiser.amsgrad);
    pea__course_free(&course);
}

static void what_mean_shift_is_to_find_is_taught_by_distance(void **state)
{
    const place p = place_new();
    pea__course course;
    pea_error err;
    size_t n;
    ear e = {.steps = 0};
    pea_model *model = NULL;
    pea_train_options o = tiny(30);
    (void)state;
    o.segment.clusterer = PEA_CLUSTER_MEANSHIFT;
    assert_fails(pea__course_plan(&o, &course, &err), PEA_E_ARG, "take absorb 0");
    pea_train_fit_options(&o, PEA_CHOSE_ABSORB);
    assert_int_equal(o.segment.absorb_size, 50);
    pea_train_fit_options(&o, 0); /* nobody chose it */
    assert_ok(pea__course_plan(&o, &course, &err));
    assert_true(course.curriculum.distance == 1.0 && course.curriculum.self[0] == 0.0 &&
                course.curriculum.cross == 0.0 && course.curriculum.foreground > 0.0);
    assert_false(course.curriculum.background_is_instance || course.has_coarse_heads);
    pea__course_free(&course);
    o.without = "foreground";
    assert_ok(pea__course_plan(&o, &course, &err));
    assert_true(course.curriculum.background_is_instance);
    pea__course_free(&course);
    o.report = listen; /* distances alone */
    o.report_user = &e;
    o.validate_every = 30;
    assert_ok(train(o, &p, NULL, &err));
    assert_true(e.last_loss < 0.8 * e.first_loss);
    char *losses = read_losses(&p, &n);
    double total = 0.0, distance = -1.0;
    assert_int_equal(sscanf(strchr(losses, '\n'), "\n1,%lf,%*f,0,0,0,0,0,0,0,0,%lf\n", &total, &distance), 2);
    assert_true(total > 0.0 && total == distance); /* nothing else is taught */
    free(losses);
    assert_ok(pea_model_open(p.model, &model, &err));
    assert_int_equal(pea_model_options(model).clusterer, PEA_CLUSTER_MEANSHIFT);
    assert_non_null(strstr(pea_model_metadata(model), "\"distance\":1"));
    pea_model_free(model);
    o.segment.clusterer = PEA_CLUSTER_MUTEX;
    o.resume = 1;
    assert_fails(train(o, &p, NULL, &err), PEA_E_ARG, "distance=1");
    place_remove(&p);
}

static void the_lower_score_is_the_better_one_where_it_measures_errors(void **state)
{
    pea__course course;
    pea__history h = {.best = -1};
    pea_error err;
    double means[PEA__MAX_SCORES] = {0};
    pea_train_options o = tiny(1);
    (void)state;
    o.score = "voi";
    assert_ok(pea__course_plan(&o, &course, &err));
    static const double values[] = {2.0, 1.5, 1.5, 1.7, 1.4, 3.0};
    static const int64_t best[] = {0, 1, 1, 1, 4, 4};
    for (int i = 0; i < 6; i++) {
        means[course.score] = values[i];
        assert_ok(pea__history_add_scores(&h, &course, i + 1, 80, means, &err));
        assert_int_equal(h.best, best[i]);
    }
    pea__history_free(&h);
    pea__course_free(&course);
}

static void steps_are_as_many_as_the_time_holds(void **state)
{
    pea__course course;
    pea_error err;
    pea_train_options o = tiny(0);
    (void)state;
    o.seconds = 100.0;
    o.warm_up = 20;
    assert_ok(pea__course_plan(&o, &course, &err));
    pea__course_fit(&course, 10, &(pea__pace){100.0, 0.5, 0.0});
    assert_int_equal(course.schedule.n_steps, 180);
    pea__course_fit(&course, 100, &(pea__pace){45.0, 0.5, 0.0}); /* 176: as good as before */
    assert_int_equal(course.schedule.n_steps, 180);
    pea__course_fit(&course, 100, &(pea__pace){48.0, 0.5, 6.0}); /* each step has a third of a validation, the end one */
    assert_int_equal(course.schedule.n_steps, 116);
    pea__course_fit(&course, 15, &(pea__pace){100.0, 50.0, 0.0}); /* never less than the warm-up */
    assert_int_equal(course.schedule.n_steps, 20);
    pea__course_fit(&course, 30, &(pea__pace){0.1, 50.0, 0.0}); /* nor than one more */
    assert_int_equal(course.schedule.n_steps, 31);
    pea__course_free(&course);
}

/* From step 30 on everything takes much longer. */
typedef struct machine {
    int64_t step, steps_planned[2];
    double rate;
} machine;

static int be_slow(void *user, const char *stage, double fraction)
{
    const machine *m = user;
    (void)stage, (void)fraction;
    if (m->step >= 30)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return 0;
}

static int watch_rate(void *user, const pea_train_report *r)
{
    machine *m = user;
    m->step = r->step;
    m->rate = r->rate;
    m->steps_planned[r->step > 30] = r->n_steps;
    return 0;
}

/* By the first plan it would end where the rate is high. Says whether there were steps enough to see that it does not. */
static bool ends_where_the_rate_is_low(double seconds)
{
    const place p = place_new();
    pea_error err;
    machine m = {.step = 0};
    pea_train_options o = tiny(0);
    pea_context_options wishes = pea_context_options_default();
    pea_context *context = NULL;
    wishes.n_threads = 1;
    wishes.progress = be_slow;
    wishes.progress_user = &m;
    o.seconds = seconds;
    o.decay = PEA_DECAY_COSINE;
    o.end_rate = 1e-6;
    o.validate_every = 1000;
    o.report = watch_rate;
    o.report_user = &m;
    assert_ok(pea_context_new(&wishes, &context, &err));
    assert_ok(train(o, &p, context, &err));
    pea_context_free(context);
    place_remove(&p);
    return m.steps_planned[1] > 0 && m.steps_planned[1] < m.steps_planned[0] && m.rate < 0.1 * o.rate;
}

static void a_machine_that_becomes_slow_gets_fewer_steps(void **state)
{
    double seconds = 3.0; /* more where other work, or a sanitizer, leaves a few steps only */
    (void)state;
    while (!ends_where_the_rate_is_low(seconds)) {
        seconds *= 3.0;
        assert_true(seconds < 100.0);
    }
}

static int note_rate(void *user, const pea_train_report *r)
{
    machine *m = user;
    if (m->step < r->step) {
        m->step = r->step;
        m->rate = r->rate;
    }
    return r->step % 25 == 0;
}

static void a_plan_by_time_goes_on_where_it_was(void **state)
{
    const place p = place_new();
    pea_error err;
    machine m = {.step = 0};
    pea_train_options o = tiny(0);
    (void)state;
    o.seconds = 1e6;
    o.decay = PEA_DECAY_POLYNOMIAL;
    o.validate_every = 1000;
    o.report = note_rate;
    o.report_user = &m;
    for (int part = 1; part <= 3; part++) {
        const double before = m.rate;
        assert_ok(train(o, &p, NULL, &err));
        assert_int_equal(m.step, 25 * part);
        assert_true(part == 1 || (m.rate < before && m.rate > 0.99 * before)); /* of millions of steps these are few */
        o.resume = 1;
    }
    place_remove(&p);
}

static int stop_after_five(void *user, const pea_train_report *r)
{
    (void)user;
    return r->step >= 5;
}

/* A rate that was reckoned from a step before would be any number. */
static void a_plan_of_steps_that_were_not_done_is_refused(void **state)
{
    const place p = place_new();
    pea_error err;
    char path[160];
    size_t n;
    pea_train_options o = tiny(0);
    (void)state;
    o.seconds = 1e6;
    o.decay = PEA_DECAY_POLYNOMIAL;
    o.report = stop_after_five;
    assert_ok(train(o, &p, NULL, &err));
    (void)snprintf(path, sizeof path, "%s/state.safetensors", p.folder);
    char *bytes = test_read_file(path, &n), *at = strstr(bytes + 8, "planned_at\\\":0");
    assert_non_null(at);
    at[strlen("planned_at\\\":")] = '6';
    seal(&p, bytes, n);
    put_file(path, bytes, n);
    o.resume = 1;
    assert_fails(train(o, &p, NULL, &err), PEA_E_FORMAT, "contradict");
    at[strlen("planned_at\\\":")] = '5';
    seal(&p, bytes, n);
    put_file(path, bytes, n);
    assert_ok(train(o, &p, NULL, &err));
    free(bytes);
    place_remove(&p);
}

/* ---- pixel sizes ---- */

static void write_pair(const place *p, const char *name, double edge)
{
    pea_error err;
    uint32_t voxels[16 * 16] = {7};
    char path[160];
    pea_calibration c = {.z = 1.0, .y = edge, .x = edge, .unit = "um"};
    const pea_array labels = {voxels, PEA_UINT32, {1, 16, 16, 1}};
    (void)snprintf(path, sizeof path, "%s/%s_image.tif", p->folder, name);
    assert_ok(pea_labels_write(path, &labels, 1, &c, NULL, &err));
    (void)snprintf(path, sizeof path, "%s/%s_labels.tif", p->folder, name);
    assert_ok(pea_labels_write(path, &labels, 1, &c, NULL, &err));
}

static pea_calibration pixel_size_of(const pea_training_set *set)
{
    static const pea__data_options planes = {.n_axes = 2, .channels = 1, .normalise = PEA_NORMALISE_MINMAX};
    pea_error err;
    pea__data *data = NULL;
    assert_ok(pea__data_read(pea__training_set_pairs(set), &planes, NULL, &data, &err));
    const pea_calibration size = pea__data_pixel_size(data);
    pea__data_free(data);
    return size;
}

static void the_pixel_size_is_that_on_which_files_agree(void **state)
{
    static const char *const files[] = {"a_image.tif",  "a_labels.tif", "b_image.tif",
                                        "b_labels.tif", "c_image.tif",  "c_labels.tif"};
    const place p = place_new();
    pea_error err;
    pea_training_set *set = NULL;
    (void)state;
    write_pair(&p, "a", 0.5);
    write_pair(&p, "b", 0.501);
    assert_ok(pea_training_set_new(&set, &err));
    assert_ok(pea_training_set_add_folder(set, p.folder, NULL, NULL, 0, &err));
    pea_calibration c = pixel_size_of(set);
    assert_true(fabs(c.x - 0.5) < 1e-6 && !strcmp(c.unit, "um"));
    pea_training_set_free(set);
    write_pair(&p, "c", 0.7);
    assert_ok(pea_training_set_new(&set, &err));
    assert_ok(pea_training_set_add_folder(set, p.folder, NULL, NULL, 0, &err));
    c = pixel_size_of(set);
    assert_true(c.x == 1.0 && !strcmp(c.unit, "pixel"));
    pea_training_set_free(set);
    for (int i = 0; i < 6; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", p.folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    place_remove(&p);
}

/* ---- want of memory ---- */

static pea_status plan_once(void *argument, pea_error *err)
{
    pea__course course;
    const pea_train_options o = tiny(1);
    (void)argument;
    const pea_status status = pea__course_plan(&o, &course, err);
    pea__course_free(&course);
    return status;
}

static void planning_survives_want_of_memory(void **state)
{
    (void)state;
    test_each_allocation_failing(plan_once, NULL, 10000);
}

/* Some of the thousands of allocations of a run: a prime number apart, so that all kinds of them are met. */
static void a_run_survives_want_of_memory(void **state)
{
    const place p = place_new();
    const size_t live = pea__alloc_live();
    size_t n_rounds = 0;
    pea_status status = PEA_E_NOMEM;
    (void)state;
    for (size_t n = 300; status != PEA_OK; n += 59, n_rounds++) { /* the set takes the first ones */
        scene scenes[3];
        pea_error err = {0};
        pea_training_set *set = set_of(scenes);
        pea_train_options o = tiny(1);
        o.folder = p.folder;
        pea__alloc_fail_at(n, false);
        status = pea_train(set, &o, NULL, p.model, &err);
        pea__alloc_fail_at(0, false);
        pea_training_set_free(set);
        if (status != PEA_OK && (status != PEA_E_NOMEM || !strstr(err.message, "memory")))
            fail_msg("allocation %zu: %s \"%s\"", n, pea_status_name(status), err.message);
        assert_int_equal(pea__alloc_live(), live);
    }
    assert_true(n_rounds > 20);
    place_remove(&p);
}

static void memory_is_forecast_and_bounded(void **state)
{
    const place p = place_new();
    pea_error err;
    uint64_t bytes = 0;
    pea_train_options o = tiny(1);
    (void)state;
    assert_ok(pea_train_forecast(&o, 1, &bytes, &err));
    assert_true(bytes > 100000 && bytes < 100000000);
    pea_context *context = test_context(1, bytes / 2);
    assert_fails(train(o, &p, context, &err), PEA_E_LIMIT, " bytes");
    pea_context_limit_memory(context, bytes + (4 << 20)); /* and a validation */
    assert_ok(train(o, &p, context, &err));
    pea_context_free(context);
    place_remove(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_tells_and_writes_a_model_that_segments),
    cmocka_unit_test(whoever_listens_can_end_it_with_a_model),
    cmocka_unit_test(without_validation_the_last_weights_are_the_model),
    cmocka_unit_test(cancelled_anywhere_it_goes_on_to_the_same_bytes),
    cmocka_unit_test(three_and_four_steps_are_seven),
    cmocka_unit_test(a_state_of_something_else_is_refused),
    cmocka_unit_test(a_state_of_another_version_is_refused),
    cmocka_unit_test(what_a_state_depends_on_is_never_cut),
    cmocka_unit_test(to_be_cancelled_is_an_error_where_nothing_is_kept),
    cmocka_unit_test(what_cannot_be_written_is_told_and_stops_nothing_before_the_end),
    cmocka_unit_test(a_disk_that_is_full_loses_nothing),
    cmocka_unit_test(a_loss_that_runs_away_ends_training),
    cmocka_unit_test(thin_volumes_teach_as_their_slices_would),
    cmocka_unit_test(a_damaged_state_is_refused_in_words),
    cmocka_unit_test(a_frozen_encoder_stays_as_it_was),
    cmocka_unit_test(options_that_do_not_fit_are_told),
    cmocka_unit_test(presets_are_as_published_where_they_say_so),
    cmocka_unit_test(a_model_that_learns_on_keeps_its_settings),
    cmocka_unit_test(what_was_not_chosen_follows_what_was),
    cmocka_unit_test(what_is_left_out_is_not_taught),
    cmocka_unit_test(what_mean_shift_is_to_find_is_taught_by_distance),
    cmocka_unit_test(the_lower_score_is_the_better_one_where_it_measures_errors),
    cmocka_unit_test(steps_are_as_many_as_the_time_holds),
    cmocka_unit_test(a_machine_that_becomes_slow_gets_fewer_steps),
    cmocka_unit_test(a_plan_by_time_goes_on_where_it_was),
    cmocka_unit_test(a_plan_of_steps_that_were_not_done_is_refused),
    cmocka_unit_test(the_pixel_size_is_that_on_which_files_agree),
    cmocka_unit_test(planning_survives_want_of_memory),
    cmocka_unit_test(a_run_survives_want_of_memory),
    cmocka_unit_test(memory_is_forecast_and_bounded),
};

PEA_TEST_MAIN(tests)
