/* fuzz_image_table.c - hostile tables of images and their labels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_check.h"

#include "train/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pea_error err = {0};
    pea__pairs pairs = {0};
    char *text = malloc(size + 1); /* is changed, and has room for one byte more */
    fuzz_require(text != NULL, "memory");
    if (size > 0)
        memcpy(text, data, size);
    const pea_status status = pea__pairs_add_table(&pairs, "folder/", text, size, false, &err);
    if (status != PEA_OK)
        fuzz_require_message(status, &err);
    fuzz_require(status != PEA_OK || pairs.n > 0, "a table names something");
    for (size_t i = 0; i < pairs.n; i++) {
        const pea__pair *p = &pairs.pair[i];
        fuzz_require(strlen(p->image_path) < PEA__MAX_PATH, "paths have an end");
        fuzz_require(strlen(p->label_path) < PEA__MAX_PATH, "paths have an end");
        fuzz_require(p->image_path[0] == '/' || !strncmp(p->image_path, "folder/", 7), "paths begin in the folder");
    }
    pea__pairs_free(&pairs);
    free(text);
    return 0;
}
