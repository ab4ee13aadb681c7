/* train.c - `pea train`: images with labels to a model.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char command[] = "train";
static const char settings_keys[] =
    "shifts neighbours strides clusterer cut bandwidth foreground absorb minsize normalise padding";

static const cli_manual manual = {
    .command = command,
    .summary = "images with labels to a model",
    .synopsis = "pea train DATA... -o MODEL (--preset NAME | --from MODEL) [OPTION]...",
    .description =
        "Teaches a network from images and their labels, and writes MODEL, which pea segment takes like every other. "
        "DATA is a folder of pairs such as a_image.tif and a_labels.tif, or a CSV file with the columns image and "
        "labels. Labels are whole numbers, one for each object, 0 for the background. Some of the images are set "
        "aside; the model is scored on them as it learns, and the best so far is what MODEL holds at any time.\n"
        "\nBeside MODEL a folder, MODEL.training without the extension, gets losses.csv, scores.csv, curves.png, "
        "overlays of images that were set aside, and state.safetensors, from which --resume goes on: after Ctrl-C, "
        "after a crash, or with more --steps. The model that comes out is the same to the byte, interrupted or not, "
        "and for any number of threads.\n"
        "\nPresets: nuclei, leaves and em are for images of one's own and for some hours of training; cvppp, bbbc039 "
        "and ac3ac4 are the experiments of the paper on its data sets, as they are unpacked, in 200000 steps.",
    .examples = "pea train images/ -o nuclei.safetensors --preset nuclei --time 3h\n"
                "pea train images/ -o nuclei.safetensors --preset nuclei --time 3h --resume\n"
                "pea train images/ -o mine.safetensors --from nuclei --freeze encoder --steps 500\n"
                "pea train pairs.csv --validation held-out/ -o small.safetensors --preset nuclei --small\n"
                "pea train images/ -o ablation.safetensors --preset nuclei --without ccm,epm",
    .see_also = "pea segment, pea score, pea info",
    .min_operands = 1,
    .max_operands = 1000000,
    .operands = "a folder or a CSV file",
};

struct given {
    const char *output, *preset, *from, *freeze, *validation, *images, *labels, *share, *without, *thin, *time, *every, *log;
    const char *rate, *final, *decay, *optimiser, *epsilon, *penalty, *clip, *average, *score;
    const char *name, *description, *licence, *source;
    int64_t side, depth, batch, steps, seed, warm_up, validate;
    int small, resume, restart, json;
    cli_settings settings;
    cli_wishes wishes;
};

struct run {
    const struct given *given;
    pea_train_options options;
    pea_training_set *set;
    char folder[CLI_MAX_PATH], from[CLI_MAX_PATH];
    cli_paths made;
    cli_session session;
    double told; /* when the last line of a step was printed */
    pea_train_report last; /* its pointers are not looked at */
    const char *score_key;
    bool told_beginning;
};

/* ---- options ---- */

static int parse(struct given *g, int argc, char **argv, cli_operands *operands)
{
    const cli_option own[] = {
        {.name = "output", .letter = 'o', .kind = CLI_TEXT, .target = &g->output, .value = "MODEL", .required = 1,
         .help = "The model file to write, usually NAME.safetensors. An older one is replaced."},
        {.name = "preset", .kind = CLI_CHOICE, .target = &g->preset, .value = "NAME",
         .choices = "nuclei|leaves|em|cvppp|bbbc039|ac3ac4", .fallback = "with --from what suits the model",
         .help = "Network, losses, samples and settings for images of a kind."},
        {.name = "small", .kind = CLI_FLAG, .target = &g->small,
         .help = "A network of half a million parameters: several times as fast, nearly as good."},
        {.name = "from", .kind = CLI_TEXT, .target = &g->from, .value = "MODEL",
         .help = "Begin with this model, a file or a bundled name, and keep its settings; not with a new network."},
        {.name = "freeze", .kind = CLI_CHOICE, .target = &g->freeze, .value = "PART", .choices = "none|encoder",
         .fallback = "none",
         .help = "With --from: leave the first half of the network as it is, where there are few images."},
        {.name = "validation", .kind = CLI_TEXT, .target = &g->validation, .value = "DATA",
         .fallback = "some of the images", .help = "A folder or CSV file of images to score the model on."},
        {.name = "share", .kind = CLI_TEXT, .target = &g->share, .value = "P", .fallback = "0.15",
         .help = "Without --validation: the share of the images (of a single stack: of its slices) that is set aside, "
                 "0 to 0.9. With 0 nothing is scored, and MODEL is what was learnt last."},
        {.name = "images", .kind = CLI_TEXT, .target = &g->images, .value = "PATTERN", .fallback = "the usual ones",
         .help = "With --labels: how images of a folder are called, as '*_image.tif'."},
        {.name = "labels", .kind = CLI_TEXT, .target = &g->labels, .value = "PATTERN", .fallback = "the usual ones",
         .help = "How their labels are called, as '*_labels.tif'; * stands for the same text in both."},
        {.name = "thin", .kind = CLI_TEXT, .target = &g->thin, .value = "LIST", .fallback = "1",
         .help = "Take every N-th slice of volumes: with 3 each becomes three, as coarse as serial sections are, and with "
                 "1,3 it is also there as it is."},
        {.name = "without", .kind = CLI_TEXT, .target = &g->without, .value = "LIST", .fallback = "nothing is left out",
         .help = "Leave out modules of the paper (scm, ccm, epm), the foreground, amsgrad (Adam's memory of its largest "
                 "squares), or transformations of samples (flip, crop, rotate, rescale, elastic, grey, second-grey, "
                 "cutout, second-flip), separated by commas."},
        {.name = "steps", .kind = CLI_INT, .target = &g->steps, .value = "N", .low = 1, .high = 10000000,
         .fallback = "with --time as many as it holds, else the preset's",
         .help = "Steps of training in all: the rate falls until the last of them."},
        {.name = "time", .kind = CLI_TEXT, .target = &g->time, .value = "T", .fallback = "no limit",
         .help = "Stop after so long, as 90m, 2h or 1h30m, with the model that is best then. Of a resumed run each "
                 "part has as long; without --steps they are planned for all parts together, and anew where the machine "
                 "becomes slower or faster."},
        {.name = "resume", .kind = CLI_FLAG, .target = &g->resume,
         .help = "Go on from the state in the folder of --log, with the same options."},
        {.name = "restart", .kind = CLI_FLAG, .target = &g->restart,
         .help = "Begin anew where there is a state, which is lost then."},
        {.name = "log", .kind = CLI_TEXT, .target = &g->log, .value = "FOLDER", .fallback = "MODEL.training",
         .help = "Where state, curves, scores and overlays go."},
        {.name = "save", .kind = CLI_TEXT, .target = &g->every, .value = "T", .fallback = "10m",
         .help = "Time between states. One is also written after each validation and when training is cancelled."},
        {.name = "validate", .kind = CLI_INT, .target = &g->validate, .value = "N", .low = 1, .high = 10000000,
         .fallback = "the preset's", .help = "Steps between validations."},
        {.name = "score", .kind = CLI_TEXT, .target = &g->score, .value = "KEY", .fallback = "the preset's",
         .help = "The score that says which model is best: a key of pea score --json, such as aji, sbd, pq, voi."},
        {.name = "batch", .kind = CLI_INT, .target = &g->batch, .value = "N", .low = 1, .high = 256,
         .fallback = "the preset's", .help = "Samples of each step."},
        {.name = "side", .kind = CLI_INT, .target = &g->side, .value = "N", .low = 16, .high = 4096,
         .fallback = "the preset's", .help = "Rows and columns of a sample, a multiple of 16."},
        {.name = "depth", .kind = CLI_INT, .target = &g->depth, .value = "N", .low = 1, .high = 1024,
         .fallback = "the preset's", .help = "Slices of a sample of volumes."},
        {.name = "seed", .kind = CLI_INT, .target = &g->seed, .value = "N", .low = 0, .high = 9007199254740992.0,
         .fallback = "the preset's", .help = "Chooses the first weights, the samples and what is set aside."},
        {.name = "rate", .kind = CLI_TEXT, .target = &g->rate, .value = "R",
         .fallback = "the preset's, with --from 0.0002 at most", .help = "Learning rate."},
        {.name = "final", .kind = CLI_TEXT, .target = &g->final, .value = "R", .fallback = "the preset's",
         .help = "Learning rate of the last step."},
        {.name = "decay", .kind = CLI_CHOICE, .target = &g->decay, .value = "FORM",
         .choices = "constant|polynomial|cosine", .fallback = "the preset's",
         .help = "How the rate gets from the one to the other."},
        {.name = "warmup", .kind = CLI_INT, .target = &g->warm_up, .value = "N", .low = 0, .high = 10000000,
         .fallback = "the preset's", .help = "First steps, in which the rate rises."},
        {.name = "optimiser", .kind = CLI_CHOICE, .target = &g->optimiser, .value = "NAME", .choices = "adam|sgd",
         .fallback = "adam", .help = "How gradients become steps."},
        {.name = "epsilon", .kind = CLI_TEXT, .target = &g->epsilon, .value = "E", .fallback = "the preset's",
         .help = "What Adam adds to its denominators."},
        {.name = "penalty", .kind = CLI_TEXT, .target = &g->penalty, .value = "W", .fallback = "the preset's",
         .help = "Weight decay: W times each weight is added to its gradient."},
        {.name = "clip", .kind = CLI_TEXT, .target = &g->clip, .value = "L", .fallback = "none",
         .help = "Gradients longer than this are shortened to it."},
        {.name = "average", .kind = CLI_TEXT, .target = &g->average, .value = "D", .fallback = "the preset's",
         .help = "The model is made of running means of the weights that forget by 1 - D in each step; with 0 of the "
                 "weights."},
        {.name = "name", .kind = CLI_TEXT, .target = &g->name, .value = "TEXT", .fallback = "the file's name",
         .help = "What the model calls itself."},
        {.name = "description", .kind = CLI_TEXT, .target = &g->description, .value = "TEXT", .fallback = "",
         .help = "What it is for: a sentence."},
        {.name = "licence", .kind = CLI_TEXT, .target = &g->licence, .value = "TEXT", .fallback = "",
         .help = "Under which licence it may be used, such as CC0-1.0."},
        {.name = "source", .kind = CLI_TEXT, .target = &g->source, .value = "TEXT", .fallback = "",
         .help = "Where the images come from: a sentence for the record of the model."},
        {.name = "json", .kind = CLI_FLAG, .target = &g->json,
         .help = "Print one JSON object on stdout: steps, best step and score, threshold, seconds."},
        CLI_WISH_OPTIONS(g->wishes),
    };
    enum { N_OWN = CLI_COUNT(own), N_FIRST = N_OWN - 5 }; /* the settings come before --json and the wishes */
    cli_option options[N_OWN + CLI_MAX_SETTINGS];
    memcpy(options, own, N_FIRST * sizeof *own);
    const size_t n_settings = cli_settings_options(&g->settings, settings_keys, "the preset's", options + N_FIRST);
    memcpy(options + N_FIRST + n_settings, own + N_FIRST, (N_OWN - N_FIRST) * sizeof *own);
    cli_option_named(options, N_OWN + n_settings, "neighbours")->fallback = "";
    return cli_parse(&manual, options, N_OWN + n_settings, argc, argv, operands);
}

/* A number of at least 0; unchanged where the option was not given. */
static pea_status take_number(const char *text, const char *option, double *value, pea_error *err)
{
    char *end;
    if (!text)
        return PEA_OK;
    const double number = strtod(text, &end);
    if (end == text || *end || !(number >= 0) || !isfinite(number))
        return cli_fail(err, PEA_E_ARG, "--%s takes a number of at least 0, not \"%.40s\"", option, text);
    *value = number;
    return PEA_OK;
}

/* 90m, 2h, 1h30m, 45s. */
static pea_status take_time(const char *text, const char *option, double *seconds, pea_error *err)
{
    static const char units[] = "smhd";
    static const double each[] = {1, 60, 3600, 86400};
    double sum = 0;
    const char *at = text;
    if (!text)
        return PEA_OK;
    do {
        char *end;
        const double number = strtod(at, &end);
        const char *unit = *end ? strchr(units, *end) : NULL;
        if (end == at || !unit || !(number >= 0) || !isfinite(number))
            return cli_fail(err, PEA_E_ARG, "--%s takes a time such as 90m, 2h or 1h30m, not \"%.40s\"", option, text);
        sum += number * each[unit - units];
        at = end + 1;
    } while (*at);
    *seconds = sum;
    return PEA_OK;
}

static pea_status take_numbers(const struct given *g, pea_train_options *o, pea_error *err)
{
    const struct {
        const char *text, *option;
        double *value;
    } numbers[] = {{g->rate, "rate", &o->rate},          {g->final, "final", &o->end_rate},
                   {g->epsilon, "epsilon", &o->epsilon}, {g->penalty, "penalty", &o->weight_decay},
                   {g->average, "average", &o->average}, {g->clip, "clip", &o->longest_gradient},
                   {g->share, "share", &o->validation_share}};
    pea_status status = PEA_OK;
    for (size_t i = 0; i < CLI_COUNT(numbers) && status == PEA_OK; i++)
        status = take_number(numbers[i].text, numbers[i].option, numbers[i].value, err);
    if (status == PEA_OK)
        status = take_time(g->time, "time", &o->seconds, err);
    return status == PEA_OK ? take_time(g->every, "save", &o->save_every_s, err) : status;
}

static void take_counts(const struct given *g, pea_train_options *o)
{
    const struct {
        int64_t given, *value;
    } counts[] = {{g->side, &o->side},   {g->depth, &o->depth},     {g->batch, &o->batch},
                  {g->steps, &o->n_steps}, {g->warm_up, &o->warm_up}, {g->validate, &o->validate_every}};
    for (size_t i = 0; i < CLI_COUNT(counts); i++)
        if (counts[i].given != CLI_NOT_GIVEN)
            *counts[i].value = counts[i].given;
    if (g->seed != CLI_NOT_GIVEN)
        o->seed = (uint64_t)g->seed;
    pea_train_fit_options(o, (g->steps != CLI_NOT_GIVEN ? PEA_CHOSE_STEPS : 0) |
                                 (g->warm_up != CLI_NOT_GIVEN ? PEA_CHOSE_WARM_UP : 0) |
                                 (g->final ? PEA_CHOSE_END_RATE : 0) |
                                 (cli_settings_value(&g->settings, "absorb") ? PEA_CHOSE_ABSORB : 0));
}

/* The preset; with --from the one that suits the model, whose settings are kept. */
static pea_status choose_preset(struct run *r, pea_error *err)
{
    const struct given *g = r->given;
    pea_model *model = NULL;
    pea_status status = PEA_OK;
    if (!g->preset && !g->from)
        return cli_fail(err, PEA_E_ARG, "give --preset nuclei, leaves or em, or a model to begin with by --from");
    if (!g->from)
        return pea_train_preset(g->preset, g->small, &r->options, err);
    status = cli_find_model(g->from, r->from, err);
    if (status == PEA_OK)
        status = pea_model_open(r->from, &model, err);
    if (status != PEA_OK)
        return cli_name_file(err, r->from);
    status = pea_train_preset_of(g->preset, model, &r->options, err);
    r->options.from = r->from;
    pea_model_free(model);
    return status;
}

static pea_status take_options(struct run *r, pea_error *err)
{
    const struct given *g = r->given;
    pea_train_options *o = &r->options;
    pea_status status = choose_preset(r, err);
    if (status == PEA_OK)
        status = take_numbers(g, o, err);
    if (status == PEA_OK)
        status = cli_settings_apply(&g->settings, &o->segment, err);
    if (status != PEA_OK)
        return status;
    take_counts(g, o);
    if (g->decay)
        (void)pea_decay_parse(g->decay, &o->decay);
    if (g->optimiser)
        (void)pea_optimiser_parse(g->optimiser, &o->optimiser);
    o->freeze_encoder = g->freeze && !strcmp(g->freeze, "encoder");
    if (o->freeze_encoder && !g->from)
        return cli_fail(err, PEA_E_ARG, "--freeze encoder needs --from: a new network has nothing to keep");
    if (g->from && g->small)
        return cli_fail(err, PEA_E_ARG, "--small is for new networks: that of --from is as large as it is");
    o->without = g->without;
    o->thin = g->thin;
    o->score = g->score ? g->score : o->score;
    o->description = g->description;
    o->licence = g->licence;
    o->data = g->source;
    o->folder = r->folder;
    o->resume = g->resume;
    r->score_key = o->score;
    return PEA_OK;
}

/* ---- files ---- */

static pea_status add_data(struct run *r, const char *path, bool validation, pea_error *err)
{
    const struct given *g = r->given;
    static const char *const published[] = {"cvppp", "bbbc039", "ac3ac4"};
    if (!cli_is_there(path))
        return cli_fail(err, PEA_E_IO, "there is no %s: give a folder of images and labels, or a CSV file", path);
    if (!cli_is_folder(path))
        return pea_training_set_add_csv(r->set, path, validation, err);
    for (size_t i = 0; i < CLI_COUNT(published); i++)
        if (g->preset && !validation && !g->images && !strcmp(g->preset, published[i]))
            return pea_training_set_add_published(r->set, published[i], path, err);
    return pea_training_set_add_folder(r->set, path, g->images, g->labels, validation, err);
}

/* MODEL.training beside the model. */
static pea_status name_folder(struct run *r, pea_error *err)
{
    const struct given *g = r->given;
    char stem[CLI_MAX_PATH];
    cli_stem(g->output, stem);
    const int folder_length = (int)(cli_base_name(g->output) - g->output);
    const int n = g->log ? snprintf(r->folder, CLI_MAX_PATH, "%s", g->log)
                         : snprintf(r->folder, CLI_MAX_PATH, "%.*s%s.training", folder_length, g->output, stem);
    return n < CLI_MAX_PATH ? PEA_OK : cli_fail(err, PEA_E_LIMIT, "path too long: %.100s...", g->output);
}

static pea_status look_for_state(const struct run *r, pea_error *err)
{
    char state[CLI_MAX_PATH];
    const pea_status status = cli_join(r->folder, "state", ".safetensors", state, err);
    if (status != PEA_OK)
        return status;
    if (r->given->resume && !cli_is_file(state))
        return cli_fail(err, PEA_E_IO, "there is nothing to resume: no %s", state);
    if (!r->given->resume && !r->given->restart && cli_is_file(state))
        return cli_fail(err, PEA_E_ARG,
                        "%s is the state of an earlier run: go on with --resume, or begin anew with --restart", state);
    return PEA_OK;
}

/* ---- telling ---- */

static const char *clock_text(double seconds, char text[32])
{
    const long s = lround(seconds);
    if (s >= 3600)
        snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, 32, "%ld:%02ld", s / 60, s % 60);
    return text;
}

static double score_of(const pea_train_report *report, const char *key)
{
    for (size_t i = 0; i < pea_score_count(); i++)
        if (!strcmp(pea_score_get_item(i).key, key))
            return report->scores[i];
    return NAN;
}

static void tell_step(struct run *r, const pea_train_report *report)
{
    static const double bar_every = 0.5, line_every = 5;
    cli_progress *p = &r->session.progress;
    const double now = cli_seconds();
    char left[32];
    if (report->step < report->n_steps && now - r->told < (p->on_terminal ? bar_every : line_every))
        return;
    r->told = now;
    char of[32] = "";
    if (report->n_steps < 10000000) /* known by now */
        snprintf(of, sizeof of, "/%lld", (long long)report->n_steps);
    fprintf(stderr, "%sstep %lld%s  loss %.5g  rate %.3g  %.2f s/step  %s left%s", p->on_terminal ? "\r" : "",
            (long long)report->step, of, report->loss, report->rate, report->seconds_step,
            clock_text(report->seconds_left, left), p->on_terminal ? "\033[K" : "\n");
    fflush(stderr);
    p->shown = true;
}

static void tell_validation(struct run *r, const pea_train_report *report)
{
    static const char *const known[] = {"aji", "sbd", "pq", "dice", "voi", "arand"};
    cli_session_clear(&r->session);
    fprintf(stderr, "step %lld: %s %.4f", (long long)report->step, r->score_key, score_of(report, r->score_key));
    for (size_t i = 0; i < CLI_COUNT(known); i++)
        if (strcmp(known[i], r->score_key) && (i >= 4) == (r->options.segment.offsets.n_axes == 3))
            fprintf(stderr, ", %s %.4f", known[i], score_of(report, known[i]));
    if (r->options.segment.foreground == PEA_FOREGROUND_PREDICTED)
        fprintf(stderr, ", threshold %.2f", report->foreground_threshold);
    if (report->is_best)
        fprintf(stderr, ": the best so far, written\n");
    else if (report->best_step == report->step)
        fprintf(stderr, ": the best so far\n");
    else
        fprintf(stderr, ": %.4f of step %lld stays the best\n", report->best_score, (long long)report->best_step);
}

/* When all was found to be well: what is refused is told in one line. */
static void tell_beginning(struct run *r, const char *notes)
{
    uint64_t bytes;
    char text[32];
    r->told_beginning = true;
    cli_session_clear(&r->session);
    if (pea_train_forecast(&r->options, pea_context_threads(r->session.context), &bytes, NULL) == PEA_OK)
        fprintf(stderr, "%s: up to %s of memory besides the images\n", r->given->output, cli_bytes(bytes, text));
    if (notes && notes[0])
        fprintf(stderr, "%s\n", notes);
}

static int on_report(void *user, const pea_train_report *report)
{
    struct run *r = user;
    r->last = *report;
    if (r->given->wishes.quiet)
        return 0;
    if (!r->told_beginning)
        tell_beginning(r, report->notes);
    if (report->trouble) {
        cli_session_clear(&r->session);
        fprintf(stderr, "%s; training goes on, and it is tried again\n", report->trouble);
    }
    if (report->scores)
        tell_validation(r, report);
    else
        tell_step(r, report);
    return 0;
}

static pea_status tell_result(struct run *r, pea_error *err)
{
    const struct given *g = r->given;
    cli_session_clear(&r->session);
    if (!g->wishes.quiet && r->last.best_step > 0)
        fprintf(stderr, "%s: %s %.4f at step %lld of %lld; curves in %s\n", g->output, r->score_key, r->last.best_score,
                (long long)r->last.best_step, (long long)r->last.step, r->folder);
    else if (!g->wishes.quiet)
        fprintf(stderr, "%s: %lld steps; curves in %s\n", g->output, (long long)r->last.step, r->folder);
    if (g->json) {
        cJSON *object = cJSON_CreateObject();
        cli_json_text(object, "output", g->output);
        cli_json_number(object, "steps", (double)r->last.step);
        cli_json_number(object, "loss", r->last.loss);
        cli_json_text(object, "score", r->score_key);
        cli_json_number(object, "best", r->last.best_step > 0 ? r->last.best_score : NAN);
        cli_json_number(object, "best_step", (double)r->last.best_step);
        cli_json_number(object, "threshold", r->last.foreground_threshold);
        cli_json_number(object, "seconds", cli_seconds() - r->session.progress.started);
        if (cli_print_json(stdout, object, err) != PEA_OK)
            return err->status;
    }
    return cli_session_timings(&r->session, err);
}

/* ---- the run ---- */

/* Hours later it would be too late to hear of it. */
static pea_status check_folder(const struct run *r, pea_error *err)
{
    char state[CLI_MAX_PATH];
    const pea_status status = cli_join(r->folder, "state", ".safetensors", state, err);
    return status == PEA_OK ? cli_check_writable(state, err) : status;
}

static pea_status prepare(struct run *r, const cli_operands *operands, pea_error *err)
{
    pea_status status = cli_check_writable(r->given->output, err);
    if (status == PEA_OK)
        status = look_for_state(r, err);
    if (status == PEA_OK)
        status = pea_training_set_new(&r->set, err);
    for (size_t i = 0; i < operands->n && status == PEA_OK; i++)
        status = add_data(r, operands->item[i], false, err);
    if (status == PEA_OK && r->given->validation)
        status = add_data(r, r->given->validation, true, err);
    if (status == PEA_OK)
        status = cli_make_folder(r->folder, &r->made, err);
    return status == PEA_OK ? check_folder(r, err) : status;
}

static pea_status train(struct run *r, pea_error *err)
{
    char name[CLI_MAX_PATH];
    cli_stem(r->given->output, name);
    r->options.name = r->given->name ? r->given->name : name;
    r->options.report = on_report;
    r->options.report_user = r;
    pea_status status = cli_session_open(&r->session, command, &r->given->wishes, err);
    if (status != PEA_OK)
        return status;
    r->session.progress.enabled = false; /* steps are told as lines of their own */
    status = pea_train(r->set, &r->options, r->session.context, r->given->output, err);
    if (status == PEA_OK)
        status = tell_result(r, err);
    cli_session_close(&r->session);
    if (status == PEA_E_CANCELLED && !r->given->wishes.quiet && r->last.step > 0)
        fprintf(stderr, "stopped after step %lld of %lld: --resume goes on from the state in %s\n",
                (long long)r->last.step, (long long)r->last.n_steps, r->folder);
    return status;
}

int cli_train(int argc, char **argv)
{
    struct given given = {.side = CLI_NOT_GIVEN, .depth = CLI_NOT_GIVEN, .batch = CLI_NOT_GIVEN, .steps = CLI_NOT_GIVEN,
                          .seed = CLI_NOT_GIVEN, .warm_up = CLI_NOT_GIVEN, .validate = CLI_NOT_GIVEN,
                          .wishes = CLI_WISHES_DEFAULT};
    cli_operands operands;
    pea_error err = {0};
    int outcome = parse(&given, argc, argv, &operands);
    if (outcome == CLI_RUN && !given.images != !given.labels)
        outcome = cli_usage(command, "--images and --labels are given together");
    if (outcome == CLI_RUN && given.resume && given.restart)
        outcome = cli_usage(command, "--resume and --restart exclude each other");
    for (size_t i = 0; i < operands.n && outcome == CLI_RUN; i++)
        outcome = cli_refuse_overwrite(command, operands.item[i], given.output);
    if (outcome != CLI_RUN)
        return outcome;
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return cli_fail(&err, PEA_E_NOMEM, "out of memory"), cli_report(command, &err);
    r->given = &given;
    pea_status status = name_folder(r, &err);
    if (status == PEA_OK)
        status = take_options(r, &err);
    if (status != PEA_OK) {
        outcome = cli_report_options(command, &err);
    } else if ((outcome = cli_refuse_overwrite(command, given.from ? r->from : NULL, given.output)) == CLI_RUN) {
        status = prepare(r, &operands, &err);
        if (status == PEA_OK)
            status = train(r, &err);
        outcome = status == PEA_OK ? EXIT_DONE : cli_report(command, &err);
    }
    pea_training_set_free(r->set);
    cli_remove_empty(&r->made);
    cli_paths_free(&r->made);
    free(r);
    return outcome;
}
