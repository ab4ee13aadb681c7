/* fuzz_settings.c - hostile wishes, one "key=value" in each line: a macro may be anybody's.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_check.h"
#include "pea/settings.h"

enum { MOST = 40 };

/* What was taken can be told again, all of it at once, and leads to the same texts. */
static void tell_again(const pea_segment_options *options)
{
    static char texts[MOST][PEA_SETTING_TEXT_BYTES], text[PEA_SETTING_TEXT_BYTES];
    pea_choice wishes[MOST];
    pea_segment_options again = *options;
    pea_error err = {0};
    const size_t n = pea_settings_count();
    for (size_t i = 0; i < n && i < MOST; i++) {
        wishes[i] = (pea_choice){pea_settings_item(i).key, texts[i]};
        fuzz_require(pea_settings_get(options, wishes[i].key, texts[i], &err) == PEA_OK, "every setting has a text");
    }
    fuzz_require(pea_settings_apply(wishes, n, &again, &err) == PEA_OK, "every text is taken");
    for (size_t i = 0; i < n && i < MOST; i++) {
        fuzz_require(pea_settings_get(&again, wishes[i].key, text, &err) == PEA_OK, "every setting has a text");
        fuzz_require(strcmp(text, texts[i]) == 0, "the text leads back");
    }
}

static void apply(const char *preset, const pea_choice *wishes, size_t n)
{
    pea_segment_options options, before;
    pea_error err = {0};
    fuzz_require(pea_preset(preset, &options, &err) == PEA_OK, "the preset is there");
    before = options;
    const pea_status status = pea_settings_apply(wishes, n, &options, &err);
    if (status == PEA_OK) {
        tell_again(&options);
        return;
    }
    fuzz_require(status == PEA_E_ARG || status == PEA_E_NOMEM, "a status for bad wishes");
    fuzz_require(err.status == status && err.message[0] && !strpbrk(err.message, "\r\n"), "a message of one line");
    fuzz_require(memcmp(&options, &before, sizeof options) == 0, "a failure changes nothing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pea_choice wishes[MOST];
    size_t n = 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text, *next; line && n < MOST; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *sign = strchr(line, '=');
        if (sign) {
            *sign = '\0';
            wishes[n++] = (pea_choice){line, sign + 1};
        }
    }
    apply("nuclei", wishes, n);
    apply("ac3ac4", wishes, n);
    free(text);
    return 0;
}
