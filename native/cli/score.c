/* score.c - `pea score`: every metric of a prediction against the truth, for one pair or two folders.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char command[] = "score";

static const cli_manual manual = {
    .command = command,
    .summary = "compare labels with the truth",
    .synopsis = "pea score --truth T.tif --prediction P.tif [--json] [OPTION]...",
    .description =
        "Counts where two label images overlap and prints every measure the field reports. 0 is background. Stacks "
        "are compared as volumes; each frame is compared alone.\n"
        "\nT and P may be folders: images with the same name are compared, where endings such as _image, _labels, "
        "_gt, _truth, _pred and _prediction do not count. One row is printed for each image, and the means, with the "
        "interval that holds 95 of 100 means of images drawn anew: how far they are a matter of chance. Of "
        "NAME_labels and NAME_image in one folder the labels are taken, and of NAME.tif and NAME.png the TIFF.",
    .examples = "pea score --truth labels.tif --prediction result.tif\n"
                "pea score --truth truth/ --prediction results/ --json",
    .see_also = "pea segment",
    .min_operands = 0,
    .max_operands = 0,
    .operands = "nothing",
};

enum { MAX_SCORES = 64 };

struct row {
    char name[160];
    double value[MAX_SCORES], ap[PEA_N_AP_THRESHOLDS];
};

struct run {
    const char *truth, *prediction;
    int json;
    cli_wishes wishes;
    cli_paths truths, predictions; /* in pairs */
    struct row *rows;
    size_t n_rows, capacity;
    cli_session session;
};

static int parse(struct run *r, int argc, char **argv, cli_operands *operands)
{
    const cli_option options[] = {
        {.name = "truth", .kind = CLI_TEXT, .target = &r->truth, .value = "T.tif", .required = 1,
         .help = "The true labels, or a folder of them."},
        {.name = "prediction", .kind = CLI_TEXT, .target = &r->prediction, .value = "P.tif", .required = 1,
         .help = "The labels to judge, or a folder of them."},
        {.name = "json", .kind = CLI_FLAG, .target = &r->json,
         .help = "Print one JSON object on stdout; for folders one with a list images, and the objects mean and "
                 "interval."},
        CLI_WISH_OPTIONS(r->wishes),
    };
    return cli_parse(&manual, options, CLI_COUNT(options), argc, argv, operands);
}

/* ---- pairs ---- */

/* The part of a file's name that says which image it is: "a" of x/a_labels.tif. Returns how likely the file holds
 * labels: by its ending, and a TIFF rather than a PNG, which may be an overlay. */
static int identity(const char *path, char name[CLI_MAX_PATH])
{
    static const char *const endings[] = {"_labels", "_label",      "_truth", "_gt",
                                          "_pred",   "_prediction", "_mask",  "_image"};
    const char *dot = strrchr(cli_base_name(path), '.');
    const bool is_png = dot && (dot[1] == 'p' || dot[1] == 'P');
    cli_stem(path, name);
    const size_t length = strlen(name);
    for (size_t i = 0; i < CLI_COUNT(endings); i++) {
        const size_t n = strlen(endings[i]);
        if (length > n && !strcmp(name + length - n, endings[i])) {
            name[length - n] = '\0';
            return i + 1 < CLI_COUNT(endings) ? 6 - is_png : 2 - is_png;
        }
    }
    return 4 - is_png;
}

/* The file of `paths` that most likely holds the labels of the image `name`; NULL: none. */
static const char *find_partner(const cli_paths *paths, const char *name)
{
    char other[CLI_MAX_PATH];
    const char *best = NULL;
    int best_likely = 0;
    for (size_t i = 0; i < paths->n; i++) {
        const int likely = identity(paths->item[i], other);
        if (likely > best_likely && !strcmp(other, name)) {
            best_likely = likely;
            best = paths->item[i];
        }
    }
    return best;
}

static pea_status pair_folders(struct run *r, pea_error *err)
{
    char name[CLI_MAX_PATH];
    cli_paths truths = {0}, predictions = {0};
    pea_status status = cli_list_images(r->truth, &truths, err);
    if (status == PEA_OK)
        status = cli_list_images(r->prediction, &predictions, err);
    for (size_t i = 0; status == PEA_OK && i < predictions.n; i++) {
        identity(predictions.item[i], name);
        if (find_partner(&predictions, name) != predictions.item[i])
            continue; /* the image or the overlay beside its labels */
        const char *truth = find_partner(&truths, name);
        if (!truth)
            status =
                cli_fail(err, PEA_E_IO, "no truth for %s: no image of that name in %s", predictions.item[i], r->truth);
        if (status == PEA_OK)
            status = cli_paths_add(&r->truths, truth, err);
        if (status == PEA_OK)
            status = cli_paths_add(&r->predictions, predictions.item[i], err);
    }
    cli_paths_free(&truths);
    cli_paths_free(&predictions);
    return status;
}

static pea_status make_pairs(struct run *r, pea_error *err)
{
    const bool folder = cli_is_folder(r->truth);
    if (folder != cli_is_folder(r->prediction))
        return cli_fail(err, PEA_E_IO, "%s is a folder and %s is none: expected two files or two folders",
                        folder ? r->truth : r->prediction, folder ? r->prediction : r->truth);
    if (folder)
        return pair_folders(r, err);
    const pea_status status = cli_paths_add(&r->truths, r->truth, err);
    return status == PEA_OK ? cli_paths_add(&r->predictions, r->prediction, err) : status;
}

/* ---- scores ---- */

static size_t n_scores(void)
{
    const size_t n = pea_score_count();
    return n < MAX_SCORES ? n : MAX_SCORES;
}

static struct row *add_row(struct run *r, pea_error *err)
{
    if (r->n_rows == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 16;
        struct row *grown = realloc(r->rows, capacity * sizeof *grown);
        if (!grown) {
            cli_fail(err, PEA_E_NOMEM, "out of memory for %zu rows", capacity);
            return NULL;
        }
        r->rows = grown;
        r->capacity = capacity;
    }
    r->rows[r->n_rows] = (struct row){{0}, {0}, {0}};
    return &r->rows[r->n_rows++];
}

static void fill_row(struct row *row, const pea_scores *scores)
{
    for (size_t m = 0; m < n_scores(); m++)
        row->value[m] = pea_score_value(scores, m);
    memcpy(row->ap, scores->ap, sizeof row->ap);
}

static pea_status score_frames(struct run *r, const char *name, const pea_volume *truth, const pea_volume *prediction,
                               int64_t n_frames, pea_error *err)
{
    pea_dims dims = truth->array.dims;
    dims.z /= n_frames;
    const int64_t n = dims.z * dims.y * dims.x;
    for (int64_t t = 0; t < n_frames; t++) {
        const pea_array a = {(uint32_t *)truth->array.data + t * n, PEA_UINT32, dims};
        const pea_array b = {(uint32_t *)prediction->array.data + t * n, PEA_UINT32, dims};
        pea_scores scores;
        const pea_status status = pea_score(&a, &b, r->session.context, &scores, err);
        struct row *row = status == PEA_OK ? add_row(r, err) : NULL;
        if (!row)
            return err->status;
        if (n_frames > 1)
            snprintf(row->name, sizeof row->name, "%.120s frame %lld", name, (long long)t + 1);
        else
            snprintf(row->name, sizeof row->name, "%.150s", name);
        fill_row(row, &scores);
    }
    return PEA_OK;
}

static pea_status score_pair(struct run *r, size_t index, pea_error *err)
{
    const char *truth_path = r->truths.item[index], *prediction_path = r->predictions.item[index];
    pea_volume truth = {0}, prediction = {0};
    int64_t truth_frames = 0, prediction_frames = 0;
    cli_interruptible(true);
    pea_status status = cli_read_labels(truth_path, &r->session, &truth, &truth_frames, err);
    if (status == PEA_OK)
        status = cli_read_labels(prediction_path, &r->session, &prediction, &prediction_frames, err);
    cli_interruptible(false);
    const pea_dims a = truth.array.dims, b = prediction.array.dims;
    if (status == PEA_OK && (a.z != b.z || a.y != b.y || a.x != b.x || truth_frames != prediction_frames))
        status =
            cli_fail(err, PEA_E_SHAPE,
                     "%s is %lld x %lld x %lld (z,y,x) in %lld frames, but the truth is %lld x %lld x %lld in %lld",
                     prediction_path, (long long)(b.z / prediction_frames), (long long)b.y, (long long)b.x,
                     (long long)prediction_frames, (long long)(a.z / truth_frames), (long long)a.y, (long long)a.x,
                     (long long)truth_frames);
    if (status == PEA_OK)
        status = score_frames(r, cli_base_name(prediction_path), &truth, &prediction, truth_frames, err);
    if (status != PEA_OK)
        cli_name_file(err, prediction_path);
    pea_volume_free(&truth);
    pea_volume_free(&prediction);
    return status;
}

static void mean_row(const struct run *r, struct row *mean)
{
    *mean = (struct row){"mean", {0}, {0}};
    for (size_t i = 0; i < r->n_rows; i++) {
        for (size_t m = 0; m < n_scores(); m++)
            mean->value[m] += r->rows[i].value[m] / (double)r->n_rows;
        for (size_t t = 0; t < PEA_N_AP_THRESHOLDS; t++)
            mean->ap[t] += r->rows[i].ap[t] / (double)r->n_rows;
    }
}

/* Of each mean, as rows of the lowest and the highest. */
static pea_status interval_rows(const struct run *r, struct row *low, struct row *high, pea_error *err)
{
    double *values = malloc((r->n_rows + 1) * sizeof *values);
    pea_status status = values ? PEA_OK : cli_fail(err, PEA_E_NOMEM, "out of memory for %zu rows", r->n_rows);
    for (size_t m = 0; m < n_scores() && status == PEA_OK; m++) {
        for (size_t i = 0; i < r->n_rows; i++)
            values[i] = r->rows[i].value[m];
        status = pea_mean_interval(values, r->n_rows, &low->value[m], &high->value[m], err);
    }
    free(values);
    return status;
}

/* ---- what is printed ---- */

static cJSON *row_json(const struct row *row, bool with_name)
{
    cJSON *object = cJSON_CreateObject();
    if (with_name)
        cli_json_text(object, "image", row->name);
    for (size_t m = 0; m < n_scores(); m++)
        cli_json_number(object, pea_score_get_item(m).key, row->value[m]);
    cli_json_list(object, "ap", row->ap, PEA_N_AP_THRESHOLDS);
    return object;
}

static cJSON *interval_json(const struct row *low, const struct row *high)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t m = 0; m < n_scores(); m++)
        cli_json_list(object, pea_score_get_item(m).key, (const double[]){low->value[m], high->value[m]}, 2);
    return object;
}

static pea_status print_json(const struct run *r, const struct row *mean, const struct row *low, const struct row *high,
                             pea_error *err)
{
    if (r->n_rows == 1 && !cli_is_folder(r->truth))
        return cli_print_json(stdout, row_json(&r->rows[0], false), err);
    cJSON *object = cJSON_CreateObject(), *images = cJSON_CreateArray();
    for (size_t i = 0; i < r->n_rows; i++)
        cJSON_AddItemToArray(images, row_json(&r->rows[i], true));
    cJSON_AddItemToObject(object, "images", images);
    cJSON_AddItemToObject(object, "mean", row_json(mean, false));
    cJSON_AddItemToObject(object, "interval", interval_json(low, high));
    return cli_print_json(stdout, object, err);
}

/* low, high: of the interval; NULL: there is none. */
static void print_one(const struct row *row, const struct row *low, const struct row *high)
{
    for (size_t m = 0; m < n_scores(); m++) {
        if (pea_score_get_item(m).is_count && row->value[m] == (double)(int64_t)row->value[m])
            printf("%-48s %8lld", pea_score_get_item(m).words, (long long)row->value[m]);
        else
            printf("%-48s %8.4f", pea_score_get_item(m).words, row->value[m]);
        if (low)
            printf("  [%.4f, %.4f]", low->value[m], high->value[m]);
        printf("\n");
    }
    printf("%-48s", "average precision at IoU 0.50, 0.55 ... 0.95");
    for (size_t t = 0; t < PEA_N_AP_THRESHOLDS; t++)
        printf(" %.3f", row->ap[t]);
    printf("\n");
}

/* A line for each image with the measures most papers give, then everything about the mean. */
static void print_many(const struct run *r, const struct row *mean, const struct row *low, const struct row *high)
{
    static const char *const columns[] = {"n_gt", "n_pred",  "aji_standard", "dice", "pq",
                                          "sbd",  "ap_mean", "voi",          "arand"};
    printf("%-40s", "image");
    for (size_t c = 0; c < CLI_COUNT(columns); c++)
        printf(" %12s", columns[c]);
    printf("\n");
    for (size_t i = 0; i <= r->n_rows; i++) {
        const struct row *row = i < r->n_rows ? &r->rows[i] : mean;
        printf("%-40s", row->name);
        for (size_t c = 0; c < CLI_COUNT(columns); c++)
            for (size_t m = 0; m < n_scores(); m++)
                if (!strcmp(pea_score_get_item(m).key, columns[c]))
                    printf(pea_score_get_item(m).is_count && i < r->n_rows ? " %12.0f" : " %12.4f", row->value[m]);
        printf("\n");
    }
    printf("\nmean of %zu images, and the interval that holds 95 of 100 means of images drawn anew\n", r->n_rows);
    print_one(mean, low, high);
}

int cli_score(int argc, char **argv)
{
    struct run r = {.wishes = CLI_WISHES_DEFAULT};
    struct row mean = {.name = ""}, low = mean, high = mean;
    cli_operands operands;
    pea_error err = {0};
    const int outcome = parse(&r, argc, argv, &operands);
    if (outcome != CLI_RUN)
        return outcome;
    pea_status status = make_pairs(&r, &err);
    if (status == PEA_OK)
        status = cli_session_open(&r.session, command, &r.wishes, &err);
    for (size_t i = 0; status == PEA_OK && i < r.truths.n; i++) {
        cli_session_item(&r.session, cli_base_name(r.predictions.item[i]), i, r.truths.n);
        status = cli_check_cancelled(&err) == PEA_OK ? score_pair(&r, i, &err) : PEA_E_CANCELLED;
    }
    cli_session_clear(&r.session);
    if (status == PEA_OK) {
        mean_row(&r, &mean);
        status = r.n_rows > 0 ? interval_rows(&r, &low, &high, &err) : PEA_OK;
    }
    if (status == PEA_OK && r.json)
        status = print_json(&r, &mean, &low, &high, &err);
    else if (status == PEA_OK && r.n_rows == 1)
        print_one(&r.rows[0], NULL, NULL);
    else if (status == PEA_OK)
        print_many(&r, &mean, &low, &high);
    if (status == PEA_OK)
        status = cli_session_timings(&r.session, &err);
    cli_session_close(&r.session);
    cli_paths_free(&r.truths);
    cli_paths_free(&r.predictions);
    free(r.rows);
    return status == PEA_OK ? EXIT_DONE : cli_report(command, &err);
}
