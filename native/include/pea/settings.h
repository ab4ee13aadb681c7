/* settings.h - the settings of a segmentation by name: one grammar for the command line, ImageJ macros and saved
 * settings, so that none of them repeats a key, a choice or a default.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_SETTINGS_H
#define PEA_SETTINGS_H

#include "pea/segment.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One key of the grammar. All texts are lent for ever. */
typedef struct pea_setting {
    const char *key;     /* "minsize": lower-case letters; no key is the tail of another, which ImageJ would confuse */
    const char *label;   /* "Smallest instance (pixels or voxels)": how a dialog calls it */
    const char *value;   /* how help calls the value: "N", "Y,X|Z,Y,X" */
    const char *choices; /* "none|given|predicted"; NULL where the value is free */
    const char *help;    /* sentences */
    int n_axes;          /* 2 or 3: only for such models; 0: for all */
} pea_setting;

size_t pea_settings_count(void);
pea_setting pea_settings_item(size_t index); /* index < pea_settings_count() */

/* One wish, "minsize" "25". */
typedef struct pea_choice {
    const char *key, *value;
} pea_choice;

/**
 * Replace settings by what was wished for. All wishes come at once, because some depend on others: `neighbours` alone
 * keeps the shifts there are.
 * @param wishes   borrowed  n of them, in any order; a key at most once. `offsets` is JSON text, not a file
 * @param options  borrowed and changed in place  unchanged after a failure; its offsets say whether it is 2-D or 3-D
 * @return PEA_OK; PEA_E_ARG in one line: the key and what it wants, or the nearest known key; PEA_E_NOMEM
 */
pea_status pea_settings_apply(const pea_choice *wishes, size_t n, pea_segment_options *options, pea_error *err);

#define PEA_SETTING_TEXT_BYTES 4096 /* enough for any value */

/**
 * The value of a setting as text: what pea_settings_apply() would take to arrive at it again. `shifts` and `neighbours`
 * are empty where the offsets are not made of shifts.
 * @param text  filled    PEA_SETTING_TEXT_BYTES
 * @return PEA_OK; PEA_E_ARG for an unknown key
 */
pea_status pea_settings_get(const pea_segment_options *options, const char *key, char *text, pea_error *err);

/**
 * Letters to insert, delete or replace to turn one word into the other: which known word was meant by one that is none.
 * @return SIZE_MAX where one of both has more than 63 letters
 */
size_t pea_edit_distance(const char *a, const char *b);

#ifdef __cplusplus
}
#endif
#endif
