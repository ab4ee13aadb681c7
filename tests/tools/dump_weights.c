/* dump_weights.c - prints what a checkpoint or a model file holds, one line for each tensor, for comparisons.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *     dump_weights FILE...     name dtype (shape) crc32-of-the-bytes, or "error: ..." */
#include "io/io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static void print_tensor(const pea_tensor *tensor)
{
    int64_t n_bytes = (int64_t)pea_dtype_size_bytes(tensor->dtype);
    printf("%s %s (", tensor->name, pea_dtype_name(tensor->dtype));
    for (int axis = 0; axis < tensor->n_axes; axis++) {
        printf("%s%" PRId64, axis ? "," : "", tensor->shape[axis]);
        n_bytes *= tensor->shape[axis];
    }
    printf(") %08lx\n", crc32(crc32(0, NULL, 0), tensor->data, (uInt)n_bytes));
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        pea_weights *weights = NULL;
        pea_error err = {0};
        char notes[256] = "";
        const size_t n = strlen(argv[i]);
        const bool is_model = n > 12 && strcmp(argv[i] + n - 12, ".safetensors") == 0;
        const pea_status status = is_model ? pea_weights_read(argv[i], &weights, &err)
                                           : pea_weights_import(argv[i], &weights, notes, &err);
        printf("# %s\n", argv[i]);
        if (notes[0])
            printf("note: %s\n", notes);
        if (status != PEA_OK)
            printf("error: %s %s\n", pea_status_name(status), err.message);
        for (size_t t = 0; weights && t < pea_weights_count(weights); t++) {
            const pea_tensor tensor = pea_weights_tensor(weights, t);
            print_tensor(&tensor);
        }
        pea_weights_free(weights);
    }
    return 0;
}
