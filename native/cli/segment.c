/* segment.c - `pea segment`: images and folders to label TIFFs, overlays and tables.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "segment_forecast.h"
#include "segment_plan.h"

static const char command[] = "segment";

static const cli_manual manual = {
    .command = command,
    .summary = "images to instance labels",
    .synopsis = "pea segment IN... -m MODEL -o OUT [--overlay P.png] [--table T.csv] [OPTION]...",
    .description =
        "Finds the objects of each image with a trained model and writes them as a label TIFF: 0 is background, "
        "objects are 1..n in raster order; 16-bit up to 65535 objects. Fiji and ImageJ open it with calibration, "
        "slices and frames of the image.\n"
        "\nIN is an image (TIFF in all its forms, PNG) or a folder: all its .tif, .tiff and .png files, folders "
        "below it not. With one image OUT is a file. With several, or a folder, OUT is a folder, made when needed, "
        "and each result is named after its image; the same holds for --overlay, --table and --mask. An image that "
        "fails does not stop the others: what failed is told at the end.\n"
        "\nA 2-D model takes each slice of a stack on its own; a 3-D model takes the stack as a volume. Each frame "
        "is segmented alone. Settings that are not given come from the model.\n"
        "\nResults are written under another name first and renamed: whoever reads OUT never sees half a file.",
    .examples = "pea segment image.tif -m nuclei -o labels.tif\n"
                "pea segment image.tif -m nuclei -o labels.tif --overlay overlay.png --table table.csv\n"
                "pea segment images/ -m nuclei -o results/ --table results/ --minsize 25\n"
                "pea segment leaf.png -m ./leaves.safetensors --mask fg.png --neighbours 8 -o leaf.tif",
    .see_also = "pea score, pea import, pea info",
    .min_operands = 1,
    .max_operands = 1000000,
    .operands = "an image or a folder",
};

struct options {
    const char *model, *output, *overlay, *table, *slices, *mode, *mask;
    int64_t channel, frame;
    cli_settings settings;
    int json;
    cli_wishes wishes;
};

struct run {
    const struct options *given;
    cli_plan plan;
    char model_path[CLI_MAX_PATH];
    pea_model *model;
    pea_segment_options settings;
    int64_t first_slice, n_slices;
    cli_session session;
    cli_paths failures; /* messages */
    cJSON *images, *failed;
};

/* One image on its way. */
struct work {
    pea_image_info info;
    pea_segment_options settings; /* the run's, with the scale that this image needs */
    pea_volume labels;   /* all frames */
    pea_volume shown;    /* the plane of the overlay */
    cli_job job;
    cli_forecast forecast;
    pea_table *tables;   /* one for each frame */
    size_t n_frames, n_tables;
    int64_t n_instances;
};

/* What is told of it afterwards. */
struct outcome {
    int64_t n_instances;
    double scale;
};

/* ---- options ---- */

static int parse(struct options *o, int argc, char **argv, cli_operands *operands)
{
    const cli_option own[] = {
        {.name = "model", .letter = 'm', .kind = CLI_TEXT, .target = &o->model, .value = "MODEL", .required = 1,
         .help = "A model file, or the name of a bundled model such as nuclei."},
        {.name = "output", .letter = 'o', .kind = CLI_TEXT, .target = &o->output, .value = "OUT", .required = 1,
         .help = "The label TIFF to write, or a folder for several images. An older file is replaced."},
        {.name = "overlay", .kind = CLI_TEXT, .target = &o->overlay, .value = "P.png",
         .help = "Also draw the image with tinted, outlined instances. Of a stack the middle slice of the first frame."},
        {.name = "table", .kind = CLI_TEXT, .target = &o->table, .value = "T.csv",
         .help = "Also write one row for each instance: label, size, centroid, bounding box, mean intensity, confidence; "
                 "in the image's units."},
        {.name = "channel", .kind = CLI_INT, .target = &o->channel, .value = "N", .low = 1, .high = 1000000,
         .fallback = "all, which must be as many as the model takes",
         .help = "The channel to look at, counted from 1 as in ImageJ."},
        {.name = "slices", .kind = CLI_TEXT, .target = &o->slices, .value = "A-B", .fallback = "all",
         .help = "Slices from A to B, counted from 1; one number means that slice."},
        {.name = "frame", .kind = CLI_INT, .target = &o->frame, .value = "N", .low = 1, .high = 2147483647,
         .fallback = "all", .help = "The frame to look at, counted from 1."},
        {.name = "mode", .kind = CLI_CHOICE, .target = &o->mode, .value = "2d|3d", .choices = "2d|3d",
         .fallback = "what the model is",
         .help = "Insist on planes or volumes: a model of the other kind is refused."},
        {.name = "mask", .kind = CLI_TEXT, .target = &o->mask, .value = "M.tif",
         .help = "Instances may be only where this image is not 0; or a folder of masks named like the images."},
        {.name = "json", .kind = CLI_FLAG, .target = &o->json,
         .help = "Print one JSON object on stdout: instances and seconds of each image, and what failed."},
        CLI_WISH_OPTIONS(o->wishes),
    };
    enum { N_OWN = CLI_COUNT(own), N_FIRST = N_OWN - 5 }; /* the settings come before --json and the wishes */
    cli_option options[N_OWN + CLI_MAX_SETTINGS];
    memcpy(options, own, N_FIRST * sizeof *own);
    const size_t n_settings = cli_settings_options(&o->settings, NULL, "the model's", options + N_FIRST);
    const size_t n = N_OWN + n_settings;
    memcpy(options + N_FIRST + n_settings, own + N_FIRST, (N_OWN - N_FIRST) * sizeof *own);
    cli_option_named(options, n, "neighbours")->fallback = "";
    cli_option_named(options, n, "precision")->fallback = "fp32";
    cli_option_named(options, n, "scale")->fallback = "1";
    cli_option_named(options, n, "foreground")->fallback = "the model's; given when --mask is";
    return cli_parse(&manual, options, n, argc, argv, operands);
}

/* "3-9" or "3", counted from 1, to a first slice counted from 0 and a count. */
static pea_status parse_slices(const char *text, int64_t *first, int64_t *n, pea_error *err)
{
    long long a = 0, b = 0;
    int used = 0, used_a = 0;
    const size_t length = text ? strlen(text) : 0;
    *first = *n = 0;
    if (!text)
        return PEA_OK;
    const bool plain = strspn(text, "0123456789-") == length && length < 24; /* no blanks, signs or overflow */
    if (plain && sscanf(text, "%9lld%n-%9lld%n", &a, &used_a, &b, &used) == 1 && (size_t)used_a == length)
        b = a;
    else if (!plain || (size_t)used != length)
        a = 0;
    if (a < 1 || b < a)
        return cli_fail(err, PEA_E_ARG, "--slices wants A-B with 1 <= A <= B, such as 3-9, found \"%.40s\"", text);
    *first = a - 1;
    *n = b - a + 1;
    return PEA_OK;
}

/* The model's settings, and over them what was given. */
static pea_status choose_settings(struct run *run, pea_error *err)
{
    const struct options *o = run->given;
    pea_segment_options *s = &run->settings;
    const int n_axes = pea_network_get_info(pea_model_network(run->model)).n_axes;
    *s = pea_model_options(run->model);
    if (o->mode && o->mode[0] - '0' != n_axes)
        return cli_fail(err, PEA_E_SHAPE, "--mode %s does not fit model %s, which is %d-D: choose another model",
                        o->mode, o->model, n_axes);
    if (o->mask) /* somebody who gives a mask wants it obeyed */
        s->foreground = PEA_FOREGROUND_GIVEN;
    const pea_status status = cli_settings_apply(&o->settings, s, err);
    if (status != PEA_OK)
        return status;
    const char *foreground = cli_settings_value(&o->settings, "foreground");
    if (foreground && s->foreground == PEA_FOREGROUND_GIVEN && !o->mask)
        return cli_fail(err, PEA_E_ARG, "--foreground given is where the mask says: give one with --mask, or choose none");
    return parse_slices(o->slices, &run->first_slice, &run->n_slices, err);
}

static pea_status make_plan(struct run *run, const cli_operands *operands, const char *model, pea_error *err)
{
    const struct options *o = run->given;
    const cli_targets targets = {.output = o->output, .overlay = o->overlay, .table = o->table};
    const cli_sources sources = {.model = model, .mask = o->mask,
                                 .offsets = cli_settings_value(&o->settings, "offsets")};
    return cli_plan_make(operands, &targets, &sources, &run->plan, err);
}

/* ---- one image ---- */

/* One plane with 1 or 3 channels, which is what an overlay can show: of other counts the first channel. */
static pea_status pick_plane(const pea_array *image, int64_t z, pea_volume *plane, pea_error *err)
{
    const size_t item = pea_dtype_size_bytes(image->dtype);
    const int64_t n_pixels = image->dims.y * image->dims.x, n_channels = image->dims.c;
    const pea_dims dims = {1, image->dims.y, image->dims.x, n_channels == 3 ? 3 : 1};
    const pea_status status = pea_volume_alloc(image->dtype, dims, plane, err);
    if (status != PEA_OK)
        return status;
    const char *from = (const char *)image->data + (size_t)(z * n_pixels * n_channels) * item;
    const size_t kept = item * (size_t)dims.c;
    for (int64_t p = 0; p < n_pixels; p++)
        memcpy((char *)plane->array.data + (size_t)p * kept, from + (size_t)(p * n_channels) * item, kept);
    return PEA_OK;
}

/* The plane that the overlay will show is kept until it is drawn: the image itself where it is no more than that. */
static pea_status keep_shown(struct work *work, pea_volume *pixels, pea_error *err)
{
    const pea_dims d = pixels->array.dims;
    if (d.z > 1 || (d.c != 1 && d.c != 3) || work->n_frames > 1)
        return pick_plane(&pixels->array, d.z / 2, &work->shown, err);
    work->shown = *pixels;
    *pixels = (pea_volume){0};
    return PEA_OK;
}

static pea_status draw_row(void *user, int64_t y, uint8_t *row, pea_error *err)
{
    (void)err;
    pea_drawing_row(user, y, row);
    return PEA_OK;
}

/* Row by row into the file: such a picture is as large as the labels. */
static pea_status write_overlay(const char *path, const struct work *work, pea_context *context, pea_error *err)
{
    const pea_dims d = work->labels.array.dims;
    const int64_t z = d.z / (int64_t)work->n_frames / 2;
    const pea_array labels = {(uint32_t *)work->labels.array.data + z * d.y * d.x, PEA_UINT32, {1, d.y, d.x, 1}};
    pea_drawing *drawing = NULL;
    pea_status status = pea_drawing_new(&work->shown.array, &labels, context, &drawing, err);
    if (status == PEA_OK)
        status = pea_png_write_rows(path, (pea_dims){1, d.y, d.x, 3}, draw_row, drawing, context, err);
    pea_drawing_free(drawing);
    return status;
}

static pea_status read_frame(struct run *run, size_t index, pea_image *image, int64_t frame, pea_volume *pixels,
                             pea_volume *mask, pea_error *err)
{
    pea_image_part part = {.frame = frame, .first_slice = run->first_slice, .n_slices = run->n_slices,
                           .channel = run->given->channel == CLI_NOT_GIVEN ? -1 : run->given->channel - 1};
    cli_interruptible(true);
    pea_status status = pea_image_read(image, part, run->session.context, pixels, err);
    if (status == PEA_OK && run->plan.masks.n)
        status = cli_read_mask(run->plan.masks.item[index], part, pixels->array.dims, &run->session, mask, err);
    cli_interruptible(false);
    return status;
}

/* Segment one frame into its part of the labels, and measure and draw it while its pixels are in memory. */
static pea_status take_frame(struct run *run, size_t index, pea_image *image, int64_t frame, size_t nth,
                             struct work *work, pea_error *err)
{
    pea_volume pixels = {0}, mask = {0};
    pea_segment_details details = {.want_affinity = work->forecast.keep_affinity};
    uint32_t n_labels = 0;
    const pea_dims dims = {work->labels.array.dims.z / (int64_t)work->n_frames, work->info.dims.y, work->info.dims.x,
                           1};
    const pea_array labels = {(uint32_t *)work->labels.array.data + (int64_t)nth * dims.z * dims.y * dims.x, PEA_UINT32,
                              dims};
    pea_status status = read_frame(run, index, image, frame, &pixels, &mask, err);
    if (status == PEA_OK && nth == 0)
        status = cli_forecast_tell(&work->job, &work->forecast, &pixels.array, &run->session, err);
    if (status == PEA_OK)
        status = pea_segment(run->model, run->session.context, &pixels.array, run->plan.masks.n ? &mask.array : NULL,
                             &work->settings, &labels, &n_labels, &details, err);
    work->n_instances += n_labels;
    if (status == PEA_OK && run->plan.tables.n) {
        status = pea_measure(&labels, &pixels.array, details.want_affinity ? &details.affinity.array : NULL,
                             &details.offsets, run->session.context, &work->tables[nth], err);
        work->n_tables = nth + 1;
    }
    if (status == PEA_OK && run->plan.overlays.n && nth == 0)
        status = keep_shown(work, &pixels, err);
    pea_segment_details_free(&details);
    pea_volume_free(&mask);
    pea_volume_free(&pixels);
    return status == PEA_OK ? cli_check_cancelled(err) : status;
}

static pea_status write_results(struct run *run, size_t index, const struct work *work, pea_error *err)
{
    const cli_plan *plan = &run->plan;
    const pea_calibration *calibration = &work->info.calibration;
    pea_context *context = run->session.context;
    pea_status status = PEA_OK;
    if (plan->tables.n)
        status = pea_table_write(plan->tables.item[index], work->tables, work->n_tables, calibration, context, err);
    if (status == PEA_OK && plan->overlays.n)
        status = write_overlay(plan->overlays.item[index], work, context, err);
    if (status == PEA_OK) /* last: where labels are, all of it is */
        status = pea_labels_write(plan->outputs.item[index], &work->labels.array, (int64_t)work->n_frames, calibration,
                                  context, err);
    return status;
}

static pea_status check_part(const struct run *run, const pea_image_info *info, pea_error *err)
{
    const struct options *o = run->given;
    if (o->channel != CLI_NOT_GIVEN && o->channel > info->dims.c)
        return cli_fail(err, PEA_E_ARG, "channel %lld asked for, but the image has %lld", (long long)o->channel,
                        (long long)info->dims.c);
    if (o->frame != CLI_NOT_GIVEN && o->frame > info->n_frames)
        return cli_fail(err, PEA_E_ARG, "frame %lld asked for, but the image has %lld", (long long)o->frame,
                        (long long)info->n_frames);
    if (run->n_slices > info->dims.z - run->first_slice)
        return cli_fail(err, PEA_E_ARG, "slices up to %lld asked for, but the image has %lld",
                        (long long)(run->first_slice + run->n_slices), (long long)info->dims.z);
    return PEA_OK;
}

/* --scale auto depends on the size of this image's pixels. */
static pea_status choose_scale(const struct run *run, struct work *work, pea_error *err)
{
    work->settings = run->settings;
    if (work->settings.scale != PEA_SCALE_AUTO ||
        pea_model_scale(run->model, &work->info.calibration, &work->settings.scale, err) == PEA_OK)
        return PEA_OK;
    const pea_error why = *err;
    return cli_fail(err, why.status, "--scale auto: %.460s", why.message);
}

/* Before anything is read. */
static pea_status forecast(struct run *run, struct work *work, pea_error *err)
{
    pea_dims d = work->info.dims;
    d.z = run->n_slices ? run->n_slices : d.z;
    d.c = run->given->channel == CLI_NOT_GIVEN ? d.c : 1;
    work->job = (cli_job){.model = run->model, .settings = &work->settings, .dims = d, .dtype = work->info.dtype,
                          .n_frames = run->given->frame == CLI_NOT_GIVEN ? work->info.n_frames : 1,
                          .masked = run->plan.masks.n > 0, .want_table = run->plan.tables.n > 0};
    return cli_forecast_memory(&work->job, &run->session, &work->forecast, err);
}

static pea_status allocate_results(const struct run *run, struct work *work, pea_error *err)
{
    const int64_t slices = run->n_slices ? run->n_slices : work->info.dims.z;
    work->n_frames = run->given->frame == CLI_NOT_GIVEN ? (size_t)work->info.n_frames : 1;
    if ((int64_t)work->n_frames > INT64_MAX / slices)
        return cli_fail(err, PEA_E_LIMIT, "too many frames and slices");
    if (run->plan.tables.n && !(work->tables = calloc(work->n_frames, sizeof *work->tables)))
        return cli_fail(err, PEA_E_NOMEM, "out of memory for tables of %zu frames", work->n_frames);
    const pea_dims all = {slices * (int64_t)work->n_frames, work->info.dims.y, work->info.dims.x, 1};
    return pea_volume_alloc(PEA_UINT32, all, &work->labels, err);
}

static void free_work(struct work *work)
{
    for (size_t t = 0; t < work->n_tables; t++)
        pea_table_free(&work->tables[t]);
    free(work->tables);
    pea_volume_free(&work->shown);
    pea_volume_free(&work->labels);
}

static pea_status segment_image(struct run *run, size_t index, struct outcome *outcome, pea_error *err)
{
    struct work work = {0};
    pea_image *image = NULL;
    const int64_t first = run->given->frame == CLI_NOT_GIVEN ? 0 : run->given->frame - 1;
    pea_status status = cli_check_cancelled(err);
    if (status == PEA_OK)
        status = pea_image_open(run->plan.inputs.item[index], PEA_IMAGE_INTENSITY, &image, err);
    if (status == PEA_OK) {
        work.info = pea_image_get_info(image);
        status = check_part(run, &work.info, err);
    }
    if (status == PEA_OK)
        status = choose_scale(run, &work, err);
    if (status == PEA_OK)
        status = forecast(run, &work, err);
    if (status == PEA_OK)
        status = allocate_results(run, &work, err);
    for (size_t t = 0; status == PEA_OK && t < work.n_frames; t++) {
        cli_session_part(&run->session, (int64_t)t, (int64_t)work.n_frames);
        status = take_frame(run, index, image, first + (int64_t)t, t, &work, err);
    }
    cli_session_part(&run->session, 0, 1);
    if (status == PEA_OK)
        status = write_results(run, index, &work, err);
    *outcome = (struct outcome){work.n_instances, work.settings.scale};
    free_work(&work);
    pea_image_close(image);
    return status == PEA_OK ? status : cli_name_file(err, run->plan.inputs.item[index]);
}

/* ---- all images ---- */

static void note_success(struct run *run, size_t index, const struct outcome *outcome, double seconds)
{
    const char *input = run->plan.inputs.item[index], *output = run->plan.outputs.item[index];
    char at_scale[48] = "";
    cJSON *entry = cJSON_CreateObject();
    cli_json_text(entry, "input", input);
    cli_json_text(entry, "output", output);
    cli_json_number(entry, "instances", (double)outcome->n_instances);
    cli_json_number(entry, "scale", outcome->scale);
    cli_json_number(entry, "seconds", seconds);
    cJSON_AddItemToArray(run->images, entry);
    if (run->given->wishes.quiet)
        return;
    cli_session_clear(&run->session);
    if (outcome->scale != 1.0)
        snprintf(at_scale, sizeof at_scale, " at scale %.4g", outcome->scale);
    fprintf(stderr, "%s: %lld instance%s in %.2f s%s, written to %s\n", input, (long long)outcome->n_instances,
            outcome->n_instances == 1 ? "" : "s", seconds, at_scale, output);
}

static pea_status note_failure(struct run *run, size_t index, const pea_error *failure, pea_error *err)
{
    cJSON *entry = cJSON_CreateObject();
    cli_json_text(entry, "input", run->plan.inputs.item[index]);
    cli_json_text(entry, "error", failure->message);
    cJSON_AddItemToArray(run->failed, entry);
    return cli_paths_add(&run->failures, failure->message, err);
}

/* Failures of single images are noted, not returned: only what ends the whole run is. */
static pea_status segment_all(struct run *run, pea_error *err)
{
    const size_t n = run->plan.inputs.n;
    pea_status status = PEA_OK;
    for (size_t i = 0; status == PEA_OK && i < n; i++) {
        pea_error failure = {0};
        struct outcome result = {0};
        const double started = cli_seconds();
        cli_session_item(&run->session, cli_base_name(run->plan.inputs.item[i]), i, n);
        const pea_status outcome = segment_image(run, i, &result, &failure);
        if (outcome == PEA_OK) {
            note_success(run, i, &result, cli_seconds() - started);
        } else if (outcome == PEA_E_CANCELLED || n == 1) {
            *err = failure;
            status = outcome;
        } else {
            status = note_failure(run, i, &failure, err);
        }
    }
    return status;
}

static pea_status print_summary(struct run *run, double seconds, pea_error *err)
{
    if (!run->given->json)
        return PEA_OK;
    cJSON *summary = cJSON_CreateObject();
    cli_json_text(summary, "model", run->given->model);
    cJSON_AddItemToObject(summary, "images", run->images);
    cJSON_AddItemToObject(summary, "failed", run->failed);
    run->images = run->failed = NULL;
    cli_json_number(summary, "seconds", seconds);
    return cli_print_json(stdout, summary, err);
}

static void list_failures(const struct run *run)
{
    for (size_t i = 0; i < run->failures.n; i++)
        fprintf(stderr, "pea %s: %s\n", command, run->failures.item[i]);
    if (run->failures.n)
        fprintf(stderr, "pea %s: %zu of %zu images failed, see above\n", command, run->failures.n, run->plan.inputs.n);
}

static int segment(struct run *run, const cli_operands *operands, pea_error *err)
{
    char *model = run->model_path;
    const double started = cli_seconds();
    pea_status status = cli_find_model(run->given->model, model, err);
    cli_interruptible(true);
    if (status == PEA_OK)
        status = pea_model_open(model, &run->model, err) == PEA_OK ? PEA_OK : cli_name_file(err, model);
    cli_interruptible(false);
    if (status != PEA_OK)
        return cli_report(command, err);
    const double opened = cli_seconds();
    if (choose_settings(run, err) != PEA_OK || make_plan(run, operands, model, err) != PEA_OK)
        return cli_report_options(command, err);

    status = cli_session_open(&run->session, command, &run->given->wishes, err);
    run->session.read += opened - started;
    if (status == PEA_OK)
        status = segment_all(run, err);
    cli_session_clear(&run->session);
    if (status == PEA_OK)
        status = print_summary(run, cli_seconds() - started, err);
    if (status != PEA_OK)
        return cli_report(command, err);
    list_failures(run);
    if (cli_session_timings(&run->session, err) != PEA_OK)
        return cli_report(command, err);
    return run->failures.n ? EXIT_FAILED : EXIT_DONE;
}

int cli_segment(int argc, char **argv)
{
    struct options given = {.channel = CLI_NOT_GIVEN, .frame = CLI_NOT_GIVEN, .wishes = CLI_WISHES_DEFAULT};
    cli_operands operands;
    pea_error err = {0};
    int outcome = parse(&given, argc, argv, &operands);
    if (outcome != CLI_RUN)
        return outcome;
    struct run *run = calloc(1, sizeof *run);
    if (!run) {
        cli_fail(&err, PEA_E_NOMEM, "out of memory");
        return cli_report(command, &err);
    }
    run->given = &given;
    run->images = cJSON_CreateArray();
    run->failed = cJSON_CreateArray();
    outcome = segment(run, &operands, &err);
    cJSON_Delete(run->images);
    cJSON_Delete(run->failed);
    cli_session_close(&run->session);
    cli_paths_free(&run->failures);
    cli_plan_free(&run->plan);
    pea_model_free(run->model);
    free(run);
    return outcome;
}
