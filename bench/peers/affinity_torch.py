"""Affinities of embeddings in PyTorch, as the paper's code computes them, a peer of bench/affinity.c:

    affinity_torch.py plane|stack [threads [repeats]]

Vectors are normalised; in a plane the partner comes from the image rolled by the offset, in a stack both are slices; the
inner product is a sum over channels, negative ones become 0. Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import sys

import torch
from torch.nn import functional as F

from measure import measure

PLANE = [(-s * (axis == 0), -s * (axis == 1)) for s in (1, 3, 5, 9, 27) for axis in (0, 1)]
STACK = list(enumerate((1, 1, 1, 2, 3, 3, 3, 9, 9, 4, 27, 27)))  # the axis is k modulo 3


def of_plane(embedding):
    e = F.normalize(embedding, dim=1, eps=1e-12)
    found = [(e * torch.roll(e, (-y, -x), (2, 3))).sum(1) for y, x in PLANE]
    return F.relu(torch.stack(found, 1))


def of_stack(embedding):
    e = F.normalize(embedding, dim=1, eps=1e-12)
    found = torch.zeros((1, len(STACK)) + e.shape[2:])
    for k, shift in STACK:
        axis = 2 + k % 3
        n = e.shape[axis] - shift
        found[:, k].narrow(axis - 1, shift, n).copy_((e.narrow(axis, shift, n) * e.narrow(axis, 0, n)).sum(1))
    for k in range(3):  # the first plane repeats the second
        found[:, k].select(1 + k, 0).copy_(found[:, k].select(1 + k, 1))
    return F.relu(found)


def main():
    what = sys.argv[1]
    threads, repeats = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((2, 1), (3, 3)))
    torch.set_num_threads(threads)
    embedding = torch.randn((1, 16, 544, 544) if what == "plane" else (1, 16, 18, 160, 160))
    work = of_plane if what == "plane" else of_stack
    with torch.no_grad():
        measure(lambda: work(embedding), repeats, torch=torch.__version__, what=what, threads=threads)


main()
