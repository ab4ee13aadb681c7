/* validate.c - a model's scores on images it does not learn from, and the foreground threshold that suits them.
 *
 * Images go the way of every image, pea_segment(). Where foreground is predicted the network runs once, and what it
 * said is clustered at several thresholds: the loss counts background and foreground as much as each other, so that one
 * half is too generous where background is common.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include "pea/image.h"
#include "pea/measure.h"

#include <math.h>
#include <string.h>

static const int thresholds[] = {50, 60, 70, 75, 80, 85, 90, 95}; /* in percent; most models end between 0.7 and 0.95 */
enum { N_THRESHOLDS = sizeof thresholds / sizeof *thresholds };

typedef struct exam {
    const pea__course *course;
    const pea_model *model;
    pea_context *context;
    pea_segment_options options;
    int n_thresholds;                              /* 1: those of the options count */
    double sums[N_THRESHOLDS][PEA__MAX_SCORES];    /* of scores */
    pea_prediction *kept[PEA__MAX_SHOWN];          /* of images that are shown; owned */
    pea__verdict *verdict;
} exam;

/* Arrays that an image needs while it is looked at. */
typedef struct desk {
    pea_volume truth, labels, mask;
} desk;

static void clear(desk *d)
{
    pea_volume_free(&d->truth);
    pea_volume_free(&d->labels);
    pea_volume_free(&d->mask);
}

static pea_dims of_one(pea_dims d)
{
    d.c = 1;
    return d;
}

/* The truth with numbers without gaps, which some scores count as objects, and a mask of it where one is asked for. */
static pea_status prepare(const exam *e, const pea__specimen *s, desk *d, pea_error *err)
{
    const pea_dims dims = of_one(s->image.dims);
    const size_t n = (size_t)(dims.z * dims.y * dims.x);
    pea_status status = pea_volume_alloc(PEA_UINT32, dims, &d->truth, err);
    if (status == PEA_OK)
        status = pea_volume_alloc(PEA_UINT32, dims, &d->labels, err);
    if (status == PEA_OK && e->options.foreground == PEA_FOREGROUND_GIVEN)
        status = pea_volume_alloc(PEA_UINT8, dims, &d->mask, err);
    if (status != PEA_OK)
        return status;
    memcpy(d->truth.array.data, s->labels.data, n * sizeof(uint32_t));
    uint8_t *mask = d->mask.array.data;
    for (size_t i = 0; mask && i < n; i++)
        mask[i] = ((const uint32_t *)s->labels.data)[i] > 0;
    return pea_relabel(&d->truth.array, e->context, NULL, err);
}

static pea_status add_scores(exam *e, const desk *d, int t, pea_error *err)
{
    pea_scores scores;
    const pea_status status = pea_score(&d->truth.array, &d->labels.array, e->context, &scores, err);
    for (size_t i = 0; i < pea_score_count() && status == PEA_OK; i++)
        e->sums[t][i] += pea_score_value(&scores, i);
    return status;
}

static pea_status try_thresholds(exam *e, const pea_prediction *said, const desk *d, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int t = 0; t < N_THRESHOLDS && status == PEA_OK; t++) {
        pea_segment_options options = e->options;
        uint32_t n;
        options.foreground_threshold = thresholds[t] / 100.0;
        status = pea_prediction_segment(said, e->context, NULL, &options, &d->labels.array, &n, NULL, err);
        if (status == PEA_OK)
            status = add_scores(e, d, t, err);
    }
    return status;
}

static pea_status examine_at(exam *e, const pea__specimen *s, size_t index, desk *d, pea_error *err)
{
    uint32_t n;
    pea_prediction *said = NULL;
    pea_status status = prepare(e, s, d, err);
    if (status != PEA_OK)
        return status;
    if (e->n_thresholds > 1) {
        status = pea_predict(e->model, e->context, &s->image, &e->options, &said, err);
        if (status == PEA_OK)
            status = try_thresholds(e, said, d, err);
        if (index < PEA__MAX_SHOWN)
            e->kept[index] = said;
        else
            pea_prediction_free(said);
        return status;
    }
    status = pea_segment(e->model, e->context, &s->image, d->mask.array.data ? &d->mask.array : NULL, &e->options,
                         &d->labels.array, &n, NULL, err);
    if (status == PEA_OK)
        status = add_scores(e, d, 0, err);
    if (status == PEA_OK && index < PEA__MAX_SHOWN) {
        e->verdict->shown[index] = d->labels;
        d->labels = (pea_volume){.array = {.data = NULL}};
        e->verdict->n_shown = index + 1;
    }
    return status;
}

/* Of the thresholds the one at which the chosen score is best; of equal ones the lowest. */
static int choose(const exam *e)
{
    const size_t k = e->course->score;
    int best = 0;
    for (int t = 1; t < e->n_thresholds; t++)
        if (e->course->low_is_best ? e->sums[t][k] < e->sums[best][k] : e->sums[t][k] > e->sums[best][k])
            best = t;
    return best;
}

static pea_status show(exam *e, const pea__data *data, pea_error *err)
{
    pea_status status = PEA_OK;
    e->options.foreground_threshold = e->verdict->percent / 100.0;
    for (size_t i = 0; i < PEA__MAX_SHOWN && e->kept[i] && status == PEA_OK; i++) {
        pea_volume *labels = &e->verdict->shown[i];
        uint32_t n;
        status = pea_volume_alloc(PEA_UINT32, of_one(pea__data_get(data, true, i).image.dims), labels, err);
        e->verdict->n_shown = i + 1;
        if (status == PEA_OK)
            status = pea_prediction_segment(e->kept[i], e->context, NULL, &e->options, &labels->array, &n, NULL, err);
    }
    return status;
}

pea_status pea__validate(const pea__course *course, const pea_model *model, const pea__data *data, pea_context *context,
                         pea__verdict *verdict, pea_error *err)
{
    const size_t n = pea__data_count(data, true);
    *verdict = (pea__verdict){.n_shown = 0};
    exam *e = pea__alloc(1, sizeof *e, err);
    if (!e)
        return PEA_E_NOMEM;
    *e = (exam){.course = course, .model = model, .context = context, .options = course->segment, .verdict = verdict,
                .n_thresholds = 1};
    if (course->segment.foreground == PEA_FOREGROUND_PREDICTED)
        e->n_thresholds = N_THRESHOLDS;
    pea_status status = PEA_OK;
    for (size_t i = 0; i < n && status == PEA_OK; i++) {
        desk d = {.truth = {.array = {.data = NULL}}};
        const pea__specimen s = pea__data_get(data, true, i);
        status = examine_at(e, &s, i, &d, err);
        clear(&d);
    }
    const int t = choose(e);
    for (size_t i = 0; i < pea_score_count() && n > 0; i++)
        verdict->means[i] = e->sums[t][i] / (double)n;
    verdict->percent = e->n_thresholds > 1 ? thresholds[t] : (int)lround(100.0 * e->options.foreground_threshold);
    if (status == PEA_OK)
        status = show(e, data, err);
    for (int i = 0; i < PEA__MAX_SHOWN; i++)
        pea_prediction_free(e->kept[i]);
    pea__free(e);
    if (status != PEA_OK)
        pea__verdict_free(verdict);
    return status;
}

void pea__verdict_free(pea__verdict *verdict)
{
    for (int i = 0; i < PEA__MAX_SHOWN; i++)
        pea_volume_free(&verdict->shown[i]);
    verdict->n_shown = 0;
}

/* The middle plane of an array. */
static pea_array middle(const pea_array *array)
{
    pea_array plane = *array;
    const int64_t n = array->dims.y * array->dims.x * array->dims.c;
    plane.dims.z = 1;
    plane.data = (char *)array->data + (size_t)(array->dims.z / 2 * n) * pea_dtype_size_bytes(array->dtype);
    return plane;
}

static pea_status draw_one(const pea__specimen *s, const pea_array *labels, const char *path, pea_context *context,
                           pea_error *err)
{
    pea_volume picture = {.array = {.data = NULL}};
    const pea_array image = middle(&s->image), shown = middle(labels);
    const pea_dims dims = {1, image.dims.y, image.dims.x, 3};
    pea_status status = pea_volume_alloc(PEA_UINT8, dims, &picture, err);
    if (status == PEA_OK)
        status = pea_overlay(&image, &shown, context, &picture.array, err);
    if (status == PEA_OK)
        status = pea_png_write(path, &picture.array, context, err);
    pea_volume_free(&picture);
    return status;
}

/* The name of a file or an image without folders and ending. */
static void short_name(const char *name, char shown[200])
{
    const char *slash = strrchr(name, '/');
    (void)snprintf(shown, 200, "%s", slash ? slash + 1 : name);
    char *ending = strrchr(shown, '.');
    if (ending && ending != shown && strlen(ending) <= 5)
        *ending = '\0';
}

pea_status pea__verdict_draw(const pea__verdict *verdict, const pea__data *data, const char *folder,
                             pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    for (size_t i = 0; i < verdict->n_shown && status == PEA_OK; i++) {
        const pea__specimen s = pea__data_get(data, true, i);
        char name[256], shown[200];
        if (s.image.dims.c != 1 && s.image.dims.c != 3)
            continue; /* no colours that a screen has */
        short_name(s.name, shown);
        (void)snprintf(name, sizeof name, "overlay-%zu-%s", i + 1, shown);
        char *path = pea__path_in(folder, name, ".png", err);
        status = path ? draw_one(&s, &verdict->shown[i].array, path, context, err) : PEA_E_NOMEM;
        pea__free(path);
    }
    return status;
}
