/* union_find.h - disjoint sets in one number per node: a root holds minus the size of its set, others their parent.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_UNION_FIND_H
#define PEA_UNION_FIND_H

#include <stdint.h>

/* Path halving: every second node on the way is linked to its grandparent, so that trees stay flat in one pass. */
static inline uint32_t pea__find(int32_t *parent, uint32_t node)
{
    while (parent[node] >= 0) {
        const int32_t up = parent[node];
        if (parent[up] < 0)
            return (uint32_t)up;
        parent[node] = parent[up];
        node = (uint32_t)parent[up];
    }
    return node;
}

/* Both are roots and differ; `root` stays one. */
static inline void pea__unite(int32_t *parent, uint32_t root, uint32_t other)
{
    parent[root] += parent[other];
    parent[other] = (int32_t)root;
}

#endif
