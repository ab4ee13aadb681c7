/* consumer.c - the smallest program that stands on an installed libpea.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <pea/pea.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    pea_error err = {0};
    pea_model *model = NULL;
    if (argc == 2 && pea_model_open(argv[1], &model, &err) != PEA_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("pea %s, model %s\n", pea_version(), model ? pea_model_name(model) : "none");
    pea_model_free(model);
    return 0;
}
