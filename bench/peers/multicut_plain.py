"""Greedy additive contraction with a heap and dictionaries, what the energies of bench/regions.c are checked with:

    multicut_plain.py GRAPH.peagraph [NUMBERS.npy ...]

GRAPH is what bench_regions wrote (docs/region-graph-format.md). Costs are computed anew, the dearest edge is contracted
until none is worth it. NUMBERS are one label for each node, as bench_regions wrote them: told are the energies of these,
too, given_0 and on. Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import heapq
import json
import sys
import time

import numpy


def read_graph(path):
    """Ends and mean affinities of edges, faces of each, number of nodes."""
    raw = open(path, "rb").read()
    n, m = (int(v) for v in numpy.frombuffer(raw, "<u8", 2, 16))
    at = 32 + 12 * n
    a, b = numpy.frombuffer(raw, "<u4", m, at), numpy.frombuffer(raw, "<u4", m, at + 4 * m)
    faces = numpy.frombuffer(raw, "<u8", m, at + 8 * m).astype(float)
    return n, a.astype(int), b.astype(int), faces, numpy.frombuffer(raw, "<f8", m, at + 16 * m)


def costs_of(faces, mean):
    p = 0.998 * numpy.clip(1 - mean, 0, 1) + 0.001
    return numpy.log((1 - p) / p) * faces / faces.max()


def contract(n, a, b, costs):
    """For each node a name of its instance."""
    around = [{} for _ in range(n)]
    for p, q, cost in zip(a.tolist(), b.tolist(), costs.tolist()):
        around[p][q] = around[q][p] = cost
    parent = list(range(n))
    heap = [(-cost, p, q) for p, q, cost in zip(a.tolist(), b.tolist(), costs.tolist()) if cost > 0]
    heapq.heapify(heap)
    while heap:
        cost, p, q = heapq.heappop(heap)
        if around[p].get(q) != -cost:
            continue  # one of them is gone, or the edge has another weight now
        if len(around[p]) < len(around[q]):
            p, q = q, p
        parent[q] = p
        del around[p][q], around[q][p]
        for r, weight in around[q].items():
            del around[r][q]
            weight += around[p].get(r, 0)
            around[p][r] = around[r][p] = weight
            if weight > 0:
                heapq.heappush(heap, (-weight, p, r))
        around[q] = {}
    for i in range(n):
        root = i
        while parent[root] != root:
            parent[root] = parent[parent[root]]
            root = parent[root]
        parent[i] = root
    return numpy.array(parent)


def main():
    n, a, b, faces, mean = read_graph(sys.argv[1])
    costs = costs_of(faces, mean)
    begin = time.process_time()
    names = contract(n, a, b, costs)
    seconds = time.process_time() - begin
    facts = {"nodes": n, "edges": len(a), "energy": float(costs[names[a] != names[b]].sum())}
    for i, path in enumerate(sys.argv[2:]):
        given = numpy.load(path).ravel()
        facts["given_%d" % i] = float(costs[given[a] != given[b]].sum())
    print(json.dumps({**facts, "cpu_seconds": [round(seconds, 3)]}))


main()
