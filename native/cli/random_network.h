/* random_network.h - numbers and networks for measuring, the same on every machine and in every run.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLI_RANDOM_NETWORK_H
#define PEA_CLI_RANDOM_NETWORK_H

#include "pea/pea.h"

double cli_random(uint64_t *state, double low, double high); /* between them; the state is any number at first */

/* The 2-D or 3-D network of the paper, all heads. Free with pea_network_free(). */
pea_status cli_random_network(int n_axes, pea_network **network, pea_error *err);

#endif
