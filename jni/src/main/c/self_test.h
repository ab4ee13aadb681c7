/* self_test.h - does this library compute what it should on this machine?
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_GLUE_SELF_TEST_H
#define PEA_GLUE_SELF_TEST_H

#include "pea/pea.h"

/* Some milliseconds. PEA_E_FORMAT says what came out, and what should have. */
pea_status glue_self_test(pea_error *err);

#endif
