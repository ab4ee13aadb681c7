/* checkpoint.c - which container a PyTorch checkpoint is in: told by its first bytes, never by its name.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <stdio.h>
#include <string.h>

static bool begins_with(const unsigned char *head, size_t n_head, const char *bytes, size_t n)
{
    return n_head >= n && memcmp(head, bytes, n) == 0;
}

/* The first opcode of a pickle of any protocol that writes the magic number of legacy files. */
static bool looks_like_pickle(const unsigned char *head, size_t n)
{
    return n >= 2 && ((head[0] == 0x80 && head[1] <= 5) || begins_with(head, n, "L119547037146038801333356L", 26));
}

static pea_status dispatch(pea__import *import, pea_error *err)
{
    enum { TAR_MARK = 257 };
    unsigned char head[TAR_MARK + 5];
    const size_t n = (size_t)pea__min_i64(import->reader->size_bytes, sizeof head);
    const pea_status status = pea__reader_at(import->reader, 0, head, n, err);
    if (status != PEA_OK)
        return status;
    if (begins_with(head, n, "PK\3\4", 4))
        return pea__import_zip(import, err);
    if (looks_like_pickle(head, n))
        return pea__import_legacy(import, err);
    if (n == sizeof head && memcmp(head + TAR_MARK, "ustar", 5) == 0)
        return pea__fail(err, PEA_E_FORMAT,
                         "the file is a tar archive of PyTorch before 0.1.10: save it again with a newer PyTorch");
    if (begins_with(head, n, "PYTORCH1", 8))
        return pea__fail(err, PEA_E_FORMAT,
                         "the file is of a preview format that PyTorch gave up: save it again with a newer PyTorch");
    if (n > 8 && head[8] == '{')
        return pea__fail(err, PEA_E_FORMAT, "the file is a safetensors file, not a PyTorch checkpoint: it can be used "
                         "as a model if it holds our settings");
    return pea__fail(err, PEA_E_FORMAT, "the file is no PyTorch checkpoint: expected a zip archive or a legacy stream");
}

pea_status pea__weights_import_from(const pea__reader *reader, const pea__import_options *options,
                                    pea_weights **weights, char notes[256], pea_error *err)
{
    pea_error unwanted = {0};
    pea__import import = {.reader = reader};
    if (!err)
        err = &unwanted;
    if (options)
        import.options = *options;
    if (notes)
        notes[0] = '\0';
    *weights = NULL;
    import.budget = pea__budget_for(reader, PEA__FILE_SLACK, NULL);
    import.unpickle = pea__budget_for(reader, PEA__UNPICKLE_SLACK, &import.budget);
    import.arena.budget = &import.unpickle;
    pea_status status = pea__weights_new(&import.weights, err);
    if (status != PEA_OK)
        return status;
    status = dispatch(&import, err);
    pea__arena_free(&import.arena);
    if (status != PEA_OK) {
        pea_weights_free(import.weights);
        return status;
    }
    if (notes && import.crc_missing)
        snprintf(notes, 256, "the file records no checksums, so damage inside it would go unnoticed");
    *weights = import.weights;
    return PEA_OK;
}

pea_status pea_weights_import(const char *path, pea_weights **weights, char notes[256], pea_error *err)
{
    pea__reader reader;
    *weights = NULL;
    pea_status status = pea__reader_open(path, &reader, err);
    if (status == PEA_OK)
        status = pea__weights_import_from(&reader, NULL, weights, notes, err);
    pea__reader_close(&reader);
    return status;
}
