/* history.c - losses of all steps and scores of all validations: kept, compared, told as CSV.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include <inttypes.h>
#include <string.h>

int64_t pea__score_columns(void)
{
    return PEA__FIRST_SCORE + (int64_t)pea_score_count();
}

/* Room for one more row of so many floats. */
static pea_status grow(float **rows, int64_t *room, int64_t n, int64_t columns, pea_error *err)
{
    if (n < *room)
        return PEA_OK;
    const int64_t wanted = *room ? 2 * *room : 256;
    float *grown = pea__realloc(*rows, (size_t)wanted, (size_t)columns * sizeof *grown, err);
    if (!grown)
        return PEA_E_NOMEM;
    *rows = grown;
    *room = wanted;
    return PEA_OK;
}

pea_status pea__history_add_step(pea__history *history, const pea__losses *losses, double rate, pea_error *err)
{
    const pea_status status = grow(&history->losses, &history->room_steps, history->n_steps, PEA__LOSS_COLUMNS, err);
    if (status != PEA_OK)
        return status;
    float *row = history->losses + PEA__LOSS_COLUMNS * history->n_steps++;
    *row++ = (float)losses->total;
    *row++ = (float)rate;
    for (int level = 0; level < PEA__LEVELS; level++)
        *row++ = (float)losses->self[level];
    *row++ = (float)losses->cross;
    *row++ = (float)losses->foreground;
    *row++ = (float)losses->affinity;
    *row = (float)losses->distance;
    return PEA_OK;
}

pea_status pea__history_add_scores(pea__history *history, const pea__course *course, int64_t step, int percent,
                                   const double *means, pea_error *err)
{
    const int64_t columns = pea__score_columns();
    const pea_status status = grow(&history->scores, &history->room_validations, history->n_validations, columns, err);
    if (status != PEA_OK)
        return status;
    float *row = history->scores + columns * history->n_validations;
    row[0] = (float)step;
    row[1] = (float)percent;
    for (size_t i = 0; i < pea_score_count(); i++)
        row[PEA__FIRST_SCORE + i] = (float)means[i];
    if (history->n_validations == 0)
        history->best = -1;
    const float now = row[PEA__FIRST_SCORE + course->score];
    const float *best = history->best >= 0 ? pea__history_scores(history, history->best) : NULL;
    const float before = best ? best[PEA__FIRST_SCORE + course->score] : 0.0f;
    if (!best || (course->low_is_best ? now < before : now > before))
        history->best = history->n_validations;
    history->n_validations++;
    return PEA_OK;
}

const float *pea__history_scores(const pea__history *history, int64_t row)
{
    return history->scores + row * pea__score_columns();
}

void pea__history_free(pea__history *history)
{
    pea__free(history->losses);
    pea__free(history->scores);
    *history = (pea__history){.best = -1};
}

char *pea__path_in(const char *folder, const char *name, const char *extension, pea_error *err)
{
    const size_t at = strlen(folder), length = strlen(name), ending = strlen(extension) + 1;
    char *path = pea__alloc(at + 1 + length + ending, 1, err);
    if (!path)
        return NULL;
    memcpy(path, folder, at);
    path[at] = '/';
    for (size_t i = 0; i < length; i++)
        path[at + 1 + i] = strchr("/\\:*?\"<>|", name[i]) || (unsigned char)name[i] < 32 ? '_' : name[i];
    memcpy(path + at + 1 + length, extension, ending);
    return path;
}

/* ---- CSV ---- */

static void print_number(FILE *stream, float value)
{
    char text[PEA__REAL_BYTES] = "";
    if (value - value == 0.0f) /* finite */
        pea__real_print((double)value, 6, text);
    fprintf(stream, ",%s", text);
}

static void print_losses(const pea__history *history, FILE *stream)
{
    fprintf(stream, "step,loss,rate,scm,epm_2,epm_4,epm_8,epm_16,ccm,foreground,affinity,distance\n");
    for (int64_t i = 0; i < history->n_steps; i++) {
        fprintf(stream, "%" PRId64, i + 1);
        for (int k = 0; k < PEA__LOSS_COLUMNS; k++)
            print_number(stream, history->losses[i * PEA__LOSS_COLUMNS + k]);
        fputc('\n', stream);
    }
}

static void print_scores(const pea__history *history, FILE *stream)
{
    fprintf(stream, "step,threshold");
    for (size_t i = 0; i < pea_score_count(); i++)
        fprintf(stream, ",%s", pea_score_get_item(i).key);
    fputc('\n', stream);
    for (int64_t i = 0; i < history->n_validations; i++) {
        const float *row = pea__history_scores(history, i);
        const int percent = (int)row[1];
        fprintf(stream, "%.0f,%d.%02d", (double)row[0], percent / 100, percent % 100); /* a point in every locale */
        for (size_t k = 0; k < pea_score_count(); k++)
            print_number(stream, row[PEA__FIRST_SCORE + k]);
        fputc('\n', stream);
    }
}

static pea_status write_one(const pea__history *history, const char *folder, const char *name,
                            void print(const pea__history *, FILE *), pea_error *err)
{
    pea__writer writer;
    char *path = pea__path_in(folder, name, ".csv", err);
    if (!path)
        return PEA_E_NOMEM;
    pea_status status = pea__writer_open(path, &writer, err);
    if (status == PEA_OK) {
        print(history, writer.stream);
        status = pea__writer_commit(&writer, err);
    }
    pea__free(path);
    return status;
}

pea_status pea__history_write(const pea__history *history, const char *folder, pea_error *err)
{
    const pea_status status = write_one(history, folder, "losses", print_losses, err);
    return status == PEA_OK ? write_one(history, folder, "scores", print_scores, err) : status;
}
