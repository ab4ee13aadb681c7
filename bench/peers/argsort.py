"""numpy.argsort of the weights of all edges that exist, a peer of bench/mutex_watershed.c:

    argsort.py AFFINITY.npy plane|volume [repeats [SLICES]]

Every mutex watershed in NumPy begins with this sort; the ones in use take twice its time and more. SLICES: so many, those
of the file again and again. Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
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
    n_slices = int(sys.argv[4]) if len(sys.argv) > 4 else len(affinity)
    task = inputs.TASKS[sys.argv[2]]
    edges = numpy.concatenate([weights(task, affinity[:min(len(affinity), n_slices - z)])
                               for z in range(0, n_slices, len(affinity))])
    measure(lambda: numpy.argsort(edges), int(sys.argv[3]) if len(sys.argv) > 3 else 1, warm_ups=0, numpy=numpy.__version__,
            edges=len(edges))


main()
