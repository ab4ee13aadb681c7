"""numpy.argsort of the weights of all edges that exist, a peer of bench/mutex_watershed.c:

    argsort.py AFFINITY.npy plane|volume [repeats [SLICES SIDE]]

Every mutex watershed in NumPy begins with this sort; the ones in use take twice its time and more. SLICES, SIDE: of a
volume of these extents, a part of that of the file or many of it side by side. Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import itertools
import os
import sys

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import inputs
from measure import measure


def weights(task, affinity):
    found = []
    for k, offset in enumerate(task.offsets):
        exists = numpy.zeros(affinity.shape[:3], bool)
        exists[inputs.part(offset, affinity.shape[:3])[0]] = True
        if k < task.n_attractive:
            found.append(affinity[..., k][exists])
            continue
        sampled = numpy.zeros_like(exists)
        sampled[tuple(slice(None, None, s) for s in task.strides)] = True
        found.append(1 - affinity[..., k][exists & sampled])
    return numpy.concatenate(found)


def main():
    affinity = numpy.load(sys.argv[1], mmap_mode="r")
    task = inputs.TASKS[sys.argv[2]]
    extents = [int(sys.argv[i]) for i in (4, 5, 5)] if len(sys.argv) > 5 else affinity.shape[:3]
    axes = [[slice(0, min(there, wanted - first)) for first in range(0, wanted, there)]
            for wanted, there in zip(extents, affinity.shape[:3])]
    edges = numpy.concatenate([weights(task, affinity[part]) for part in itertools.product(*axes)])
    measure(lambda: numpy.argsort(edges), int(sys.argv[3]) if len(sys.argv) > 3 else 1, warm_ups=0, numpy=numpy.__version__,
            edges=len(edges))


main()
