/* training.c - natives of Training and TrainingReport: options by name, images that Java holds, a run, what it tells.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/run.h"

/* ---- options by name ---- */

typedef enum kind { COUNT, NUMBER, TEXT, CHOICE } kind;

/* The words are those of `pea train`; a time is a number of seconds. */
typedef struct key {
    const char *name;
    kind kind;
    size_t at; /* in pea_train_options; of CHOICE nowhere */
} key;

#define AT(field) offsetof(pea_train_options, field)

static const key keys[] = {
    {"share", NUMBER, AT(validation_share)},  {"without", TEXT, AT(without)},
    {"time", NUMBER, AT(seconds)},            {"steps", COUNT, AT(n_steps)},
    {"validate", COUNT, AT(validate_every)},  {"score", TEXT, AT(score)},
    {"batch", COUNT, AT(batch)},              {"side", COUNT, AT(side)},
    {"depth", COUNT, AT(depth)},              {"rate", NUMBER, AT(rate)},
    {"final", NUMBER, AT(end_rate)},          {"epsilon", NUMBER, AT(epsilon)},
    {"penalty", NUMBER, AT(weight_decay)},    {"clip", NUMBER, AT(longest_gradient)},
    {"average", NUMBER, AT(average)},         {"warmup", COUNT, AT(warm_up)},
    {"save", NUMBER, AT(save_every_s)},       {"name", TEXT, AT(name)},
    {"description", TEXT, AT(description)},   {"licence", TEXT, AT(licence)},
    {"source", TEXT, AT(data)},               {"thin", TEXT, AT(thin)},
    {"seed", CHOICE, 0},                      {"freeze", CHOICE, 0},
    {"preset", CHOICE, 0},                    {"small", CHOICE, 0},
    {"decay", CHOICE, 0},                     {"optimiser", CHOICE, 0},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

/* All that the options point to. */
typedef struct lesson {
    char *packed, *from, *folder; /* free() */
    pea_choice *wishes;           /* free(); into packed */
    size_t n_wishes;
    pea_train_options options;
} lesson;

static void lesson_free(lesson *l)
{
    free(l->packed);
    free(l->from);
    free(l->folder);
    free(l->wishes);
}

static const char *wish(const lesson *l, const char *name)
{
    for (size_t i = 0; i < l->n_wishes; i++)
        if (!strcmp(l->wishes[i].key, name))
            return l->wishes[i].value;
    return NULL;
}

static const key *find_key(const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (!strcmp(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static pea_status refuse(const char *name, const char *wanted, const char *found, pea_error *err)
{
    char shown[64];
    return pea__fail(err, PEA_E_ARG, "%s wants %s, found \"%s\"", name, wanted,
                     pea__printable(found, strlen(found), shown));
}

static pea_status read_number(const char *name, const char *text, double *number, pea_error *err)
{
    double value;
    if (!pea__real_parse(text, &value) || value < 0)
        return refuse(name, "a number of at least 0", text, err);
    *number = value;
    return PEA_OK;
}

static pea_status read_count(const char *name, const char *text, int64_t *count, pea_error *err)
{
    int64_t value = 0;
    size_t n = 0;
    for (; n < 16 && text[n] >= '0' && text[n] <= '9'; n++)
        value = 10 * value + (text[n] - '0');
    if (n == 0 || text[n])
        return refuse(name, "a whole number", text, err);
    *count = value;
    return PEA_OK;
}

static pea_status take_field(const pea_choice *w, const key *k, pea_train_options *o, pea_error *err)
{
    void *field = (char *)o + k->at;
    if (k->kind == COUNT)
        return read_count(w->key, w->value, field, err);
    if (k->kind == NUMBER)
        return read_number(w->key, w->value, field, err);
    if (k->kind == TEXT)
        *(const char **)field = w->value;
    return PEA_OK;
}

static pea_status take_choices(const lesson *l, pea_train_options *o, pea_error *err)
{
    const char *decay = wish(l, "decay"), *optimiser = wish(l, "optimiser"), *seed = wish(l, "seed");
    const char *freeze = wish(l, "freeze");
    int64_t number = 0;
    if (decay && !pea_decay_parse(decay, &o->decay))
        return refuse("decay", "constant, polynomial or cosine", decay, err);
    if (optimiser && !pea_optimiser_parse(optimiser, &o->optimiser))
        return refuse("optimiser", "adam or sgd", optimiser, err);
    if (seed) {
        const pea_status status = read_count("seed", seed, &number, err);
        if (status != PEA_OK)
            return status;
        o->seed = (uint64_t)number;
    }
    if (freeze && strcmp(freeze, "none") && strcmp(freeze, "encoder"))
        return refuse("freeze", "none or encoder", freeze, err);
    o->freeze_encoder = freeze && !strcmp(freeze, "encoder");
    if (o->freeze_encoder && !l->from)
        return pea__fail(err, PEA_E_ARG,
                         "freeze=encoder needs a model to begin with: a new network has nothing to keep");
    return PEA_OK;
}

/* The preset; of a model to begin with the one that suits it, whose settings stay. */
static pea_status choose_preset(lesson *l, pea_error *err)
{
    const char *preset = wish(l, "preset"), *small = wish(l, "small");
    const bool is_small = small && !strcmp(small, "yes");
    pea_model *model = NULL;
    if (small && !is_small && strcmp(small, "no"))
        return refuse("small", "yes or no", small, err);
    if (l->from && is_small)
        return pea__fail(err, PEA_E_ARG, "small=yes is for new networks: that of a model is as large as it is");
    if (!l->from)
        return pea_train_preset(preset ? preset : "nuclei", is_small, &l->options, err);
    pea_status status = pea_model_open(l->from, &model, err);
    if (status == PEA_OK)
        status = pea_train_preset_of(preset, model, &l->options, err);
    l->options.from = l->from;
    pea_model_free(model);
    return status;
}

static pea_status take_wishes(lesson *l, pea_error *err)
{
    pea_status status = choose_preset(l, err);
    for (size_t i = 0; i < l->n_wishes && status == PEA_OK; i++) {
        const key *k = find_key(l->wishes[i].key);
        status = k ? take_field(&l->wishes[i], k, &l->options, err)
                   : pea_settings_apply(&l->wishes[i], 1, &l->options.segment, err);
    }
    if (status == PEA_OK)
        status = take_choices(l, &l->options, err);
    if (status == PEA_OK)
        pea_train_fit_options(&l->options, (wish(l, "steps") ? PEA_CHOSE_STEPS : 0) |
                                               (wish(l, "warmup") ? PEA_CHOSE_WARM_UP : 0) |
                                               (wish(l, "final") ? PEA_CHOSE_END_RATE : 0) |
                                               (wish(l, "absorb") ? PEA_CHOSE_ABSORB : 0));
    return status;
}

/* False: an exception is pending. What is held must be freed either way. */
static bool lesson_begin(JNIEnv *env, jbyteArray packed, jbyteArray from, jbyteArray folder, lesson *l)
{
    pea_error err = {0};
    *l = (lesson){.packed = NULL};
    if (!glue_text(env, packed, &l->packed) || !glue_text(env, from, &l->from) || !glue_text(env, folder, &l->folder))
        return false;
    const size_t n_bytes = packed ? (size_t)(*env)->GetArrayLength(env, packed) : 0;
    pea_status status = PEA_OK;
    if (!glue_unpack(l->packed, n_bytes, &l->wishes, &l->n_wishes))
        status = glue_fail(&err, PEA_E_NOMEM, "no memory for the options");
    if (status == PEA_OK)
        status = take_wishes(l, &err);
    l->options.folder = l->folder;
    return glue_ok(env, status, &err);
}

/* ---- what the options are, and what they need ---- */

enum { VALUE_BYTES = 64 };

static void print_option(const pea_train_options *o, const key *k, char text[VALUE_BYTES])
{
    const void *field = (const char *)o + k->at;
    if (k->kind == COUNT)
        snprintf(text, VALUE_BYTES, "%" PRId64, *(const int64_t *)field);
    else if (k->kind == NUMBER)
        pea__real_print(*(const double *)field, 10, text);
    else
        snprintf(text, VALUE_BYTES, "%.63s", *(const char *const *)field ? *(const char *const *)field : "");
}

/* key NUL value NUL ... of all that are numbers or texts, then the axes of what is learnt. */
static jbyteArray training_options(JNIEnv *env, jclass class, jbyteArray packed, jbyteArray from)
{
    (void)class;
    char text[N_KEYS * 96];
    size_t used = 0;
    lesson l;
    jbyteArray result = NULL;
    if (lesson_begin(env, packed, from, NULL, &l)) {
        for (size_t i = 0; i < N_KEYS; i++) {
            char value[VALUE_BYTES];
            if (keys[i].kind == CHOICE)
                continue;
            print_option(&l.options, &keys[i], value);
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%c%s", keys[i].name, '\0', value) + 1;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "axes%c%d", '\0', l.options.segment.offsets.n_axes);
        used++;
        result = glue_bytes(env, text, used);
    }
    lesson_free(&l);
    return result;
}

static jlong training_forecast(JNIEnv *env, jclass class, jbyteArray packed, jbyteArray from, jint threads)
{
    (void)class;
    pea_error err = {0};
    uint64_t bytes = 0;
    lesson l;
    bool good = lesson_begin(env, packed, from, NULL, &l);
    if (good)
        good = glue_ok(env, pea_train_forecast(&l.options, threads, &bytes, &err), &err);
    lesson_free(&l);
    return good ? (jlong)bytes : 0;
}

/* ---- pairs of files ---- */

/* image NUL labels NUL role NUL ..., the role empty or "validation". Java frees nothing. */
static jbyteArray pack_pairs(JNIEnv *env, const pea__pairs *pairs)
{
    pea_error err = {0};
    size_t n_bytes = 0, used = 0;
    for (size_t i = 0; i < pairs->n; i++)
        n_bytes += strlen(pairs->pair[i].image_path) + strlen(pairs->pair[i].label_path) + 16;
    char *text = malloc(n_bytes + 1);
    if (!text) {
        glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for a list of images"), &err);
        return NULL;
    }
    for (size_t i = 0; i < pairs->n; i++) {
        const pea__pair *p = &pairs->pair[i];
        used += (size_t)snprintf(text + used, n_bytes + 1 - used, "%s%c%s%c%s", p->image_path, '\0', p->label_path,
                                 '\0', p->validation ? "validation" : "") + 1;
    }
    jbyteArray result = glue_bytes(env, text, used);
    free(text);
    return result;
}

static jbyteArray training_pairs(JNIEnv *env, jclass class, jbyteArray path_bytes, jboolean is_folder,
                                 jbyteArray images_bytes, jbyteArray labels_bytes)
{
    (void)class;
    pea_error err = {0};
    pea_training_set *set = NULL;
    char *path = NULL, *images = NULL, *labels = NULL;
    jbyteArray result = NULL;
    if (glue_text(env, path_bytes, &path) && glue_text(env, images_bytes, &images) &&
        glue_text(env, labels_bytes, &labels)) {
        pea_status status = pea_training_set_new(&set, &err);
        if (status == PEA_OK)
            status = is_folder ? pea_training_set_add_folder(set, path, images, labels, 0, &err)
                               : pea_training_set_add_csv(set, path, 0, &err);
        if (glue_ok(env, status, &err))
            result = pack_pairs(env, pea__training_set_pairs(set));
    }
    pea_training_set_free(set);
    free(path);
    free(images);
    free(labels);
    return result;
}

/* ---- telling ---- */

/* Who is told, and how; lives on the stack of the native. */
typedef struct audience {
    JNIEnv *env;
    jobject listener;
    jclass reports;
    jmethodID tell; /* static: what may go on */
} audience;

static bool audience_find(JNIEnv *env, jobject listener, audience *a)
{
    *a = (audience){.env = env, .listener = listener};
    a->reports = (*env)->FindClass(env, "org/pea/TrainingReport");
    if (a->reports)
        a->tell = (*env)->GetStaticMethodID(env, a->reports, "tell",
                                            "(Lorg/pea/TrainingListener;JJJJ[D[DZ[B[B)Z");
    return a->tell != NULL;
}

static jdoubleArray doubles(JNIEnv *env, const double *values, jsize n)
{
    jdoubleArray result = (*env)->NewDoubleArray(env, n);
    if (result)
        (*env)->SetDoubleArrayRegion(env, result, 0, n, values);
    return result;
}

static bool tell_java(const audience *a, const pea_train_report *r)
{
    JNIEnv *env = a->env;
    const double numbers[] = {r->loss, r->rate, r->seconds_step, r->seconds_left, r->best_score,
                              r->foreground_threshold};
    jdoubleArray state = doubles(env, numbers, sizeof numbers / sizeof *numbers);
    jdoubleArray scores = state && r->scores ? doubles(env, r->scores, (jsize)pea_score_count()) : NULL;
    if (!state || (r->scores && !scores))
        return false;
    jbyteArray notes = r->notes && r->notes[0] ? glue_bytes_of_text(env, r->notes) : NULL;
    jbyteArray trouble = (*env)->ExceptionCheck(env) ? NULL : glue_bytes_of_text(env, r->trouble);
    if ((*env)->ExceptionCheck(env))
        return false;
    return (*env)->CallStaticBooleanMethod(env, a->reports, a->tell, a->listener, glue_address(r), (jlong)r->step,
                                           (jlong)r->n_steps, (jlong)r->best_step, state, scores,
                                           (jboolean)(r->is_best != 0), notes, trouble) == JNI_TRUE;
}

/* A frame for what is made here: there are many steps. What was thrown waits; the run is then cancelled by the first
 * call that asks (glue.c), and what was learnt is stored. */
static int on_report(void *user, const pea_train_report *report)
{
    const audience *a = user;
    JNIEnv *env = a->env;
    if ((*env)->ExceptionCheck(env) || (*env)->PushLocalFrame(env, 16) != 0)
        return 1;
    const bool go_on = tell_java(a, report);
    (*env)->PopLocalFrame(env, NULL);
    return go_on && !(*env)->ExceptionCheck(env) ? 0 : 1;
}

/* A copy of what a report shows, 0 image, 1 labels; 0 where it shows none. */
static jlong report_volume(JNIEnv *env, jclass class, jlong report_address, jint which)
{
    (void)class;
    const pea_train_report *report = glue_pointer(report_address);
    const pea_array *shown = which == 0 ? report->image : report->labels;
    if (!shown)
        return 0;
    pea_volume *copy = glue_volume_alloc(env, shown->dtype, shown->dims);
    if (!copy)
        return 0;
    const pea_dims d = shown->dims;
    memcpy(copy->array.data, shown->data, (size_t)(d.z * d.y * d.x * d.c) * pea_dtype_size_bytes(shown->dtype));
    return glue_address(copy);
}

/* ---- a run ---- */

/* Arrays of Java that belong together. */
typedef struct material {
    jobjectArray names;
    jlongArray images, labels;
    jbooleanArray validation;
} material;

static pea_status add_one(JNIEnv *env, const material *m, jsize i, pea_training_set *set, pea_error *err)
{
    jlong image, labels;
    jboolean validation;
    char *name;
    (*env)->GetLongArrayRegion(env, m->images, i, 1, &image);
    (*env)->GetLongArrayRegion(env, m->labels, i, 1, &labels);
    (*env)->GetBooleanArrayRegion(env, m->validation, i, 1, &validation);
    jbyteArray bytes = (*env)->GetObjectArrayElement(env, m->names, i);
    const bool good = glue_text(env, bytes, &name);
    (*env)->DeleteLocalRef(env, bytes);
    if (!good)
        return PEA_E_NOMEM; /* the exception that is pending counts */
    const pea_status status = pea_training_set_add_arrays(set, name, glue_array(image), glue_array(labels),
                                                          validation == JNI_TRUE, err);
    free(name);
    return status;
}

static pea_status gather(JNIEnv *env, const material *m, pea_training_set **set, pea_error *err)
{
    const jsize n = (*env)->GetArrayLength(env, m->names);
    pea_status status = pea_training_set_new(set, err);
    for (jsize i = 0; i < n && status == PEA_OK; i++)
        status = add_one(env, m, i, *set, err);
    return status;
}

static void run_lesson(JNIEnv *env, lesson *l, const material *m, const char *path, jint threads, jlong memory_limit,
                       jobject listener, bool reports)
{
    pea_error err = {0};
    pea_training_set *set = NULL;
    audience a;
    glue_run run;
    if (reports && !audience_find(env, listener, &a))
        return;
    l->options.report = reports ? on_report : NULL;
    l->options.report_user = &a;
    pea_status status = gather(env, m, &set, &err);
    if (glue_ok(env, status, &err) && glue_run_begin(env, threads, memory_limit, listener, &run)) {
        status = pea_train(set, &l->options, run.context, path, &err);
        glue_run_end(&run, status, &err);
    }
    pea_training_set_free(set);
}

static void training_run(JNIEnv *env, jclass class, jbyteArray packed, jbyteArray from, jbyteArray folder,
                         jboolean resume, jdoubleArray zyx, jbyteArray unit, jobjectArray names, jlongArray images,
                         jlongArray labels, jbooleanArray validation, jbyteArray path_bytes, jint threads,
                         jlong memory_limit, jobject listener, jboolean reports)
{
    (void)class;
    const material m = {names, images, labels, validation};
    jdouble size[3];
    char *path = NULL;
    lesson l;
    bool good = lesson_begin(env, packed, from, folder, &l);
    if (good && unit) {
        (*env)->GetDoubleArrayRegion(env, zyx, 0, 3, size);
        good = glue_calibration(env, size[0], size[1], size[2], unit, &l.options.pixel_size);
    }
    if (good && glue_text(env, path_bytes, &path)) {
        l.options.resume = resume == JNI_TRUE;
        run_lesson(env, &l, &m, path, threads, memory_limit, listener, reports == JNI_TRUE);
    }
    free(path);
    lesson_free(&l);
}

static const JNINativeMethod training_natives[] = {
    {"nativeOptions", "([B[B)[B", training_options},
    {"nativeForecast", "([B[BI)J", training_forecast},
    {"nativePairs", "([BZ[B[B)[B", training_pairs},
    {"nativeRun", "([B[B[BZ[D[B[[B[J[J[Z[BIJLorg/pea/Listener;Z)V", training_run},
};
const glue_class glue_training = GLUE_CLASS("org/pea/Training", training_natives);

static const JNINativeMethod report_natives[] = {
    {"nativeVolume", "(JI)J", report_volume},
};
const glue_class glue_training_report = GLUE_CLASS("org/pea/TrainingReport", report_natives);
