"""Smooth fragments of planes with SciPy and scikit-image, a peer of bench/regions.c:

    fragments_skimage.py AFFINITY.npy PLANES [repeats [FRAGMENTS.npy]]

The first PLANES planes, each on its own: distances to the boundary, smoothed; their maxima as seeds; a watershed of the
boundary and the distances; small fragments given back to their neighbours. FRAGMENTS.npy is what bench_regions wrote: told
is the share of pixels in the same fragment. Prints a line of JSON, times of all planes.
SPDX-License-Identifier: BSD-2-Clause
"""
import sys

import numpy
import scipy
import skimage
from scipy import ndimage
from skimage.segmentation import watershed

from measure import measure


def smooth_fragments(affinity_y, affinity_x):
    boundary = numpy.maximum(1 - affinity_y, 1 - affinity_x)
    distance = ndimage.distance_transform_edt(boundary <= 0.25).astype(numpy.float32)
    distance = ndimage.gaussian_filter(distance, 2, mode="mirror", truncate=3)
    seeds, _ = ndimage.label(distance == ndimage.maximum_filter(distance, 3))
    height = 0.9 * ndimage.gaussian_filter(boundary, 2, mode="mirror", truncate=3)
    height += 0.1 * (1 - (distance - distance.min()) / distance.max())
    labels = watershed(height, seeds)
    sizes = numpy.bincount(labels.ravel())
    return watershed(height, numpy.where(sizes[labels] >= 100, labels, 0))


def in_the_same(ours, theirs):
    """Share of pixels in the largest overlap of each of their regions."""
    pairs, counts = numpy.unique(numpy.stack([theirs.ravel(), ours.ravel()]), axis=1, return_counts=True)
    best = numpy.zeros(theirs.max() + 1)
    numpy.maximum.at(best, pairs[0], counts)
    return best.sum() / ours.size


def main():
    affinity = numpy.load(sys.argv[1], mmap_mode="r")
    planes = [numpy.array(affinity[z, :, :, 1:3]) for z in range(int(sys.argv[2]))]
    made = []

    def work():
        made[:] = [smooth_fragments(plane[..., 0], plane[..., 1]) for plane in planes]

    facts = {}
    if len(sys.argv) > 4:
        work()
        ours = numpy.load(sys.argv[4], mmap_mode="r")
        facts["same"] = round(float(numpy.mean([in_the_same(numpy.array(ours[z, :, :, 0]), m)
                                                for z, m in enumerate(made)])), 4)
    measure(work, int(sys.argv[3]) if len(sys.argv) > 3 else 1, scipy=scipy.__version__, skimage=skimage.__version__,
            planes=len(planes), **facts)


main()
