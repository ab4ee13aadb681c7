"""Neurons without learning: dark membranes, a seeded watershed, and neighbours joined where nothing dark divides them.

    membrane_watershed.py IMAGE.tif LABELS.tif [--ratio 3] [--settings 1.0,volume,minima,0.32,0.0]
    membrane_watershed.py IMAGE.tif LABELS.tif --tune   tries all settings against the labels, and tells the best

Smoothed intensities, stretched per volume, are heights: membranes are ridges. Seeds are where the smoothed distance to
ridges is largest, or minima of a certain depth; the watershed floods from them, in the volume or slice by slice. Then the
two neighbours whose common face is lowest on the mean are joined, again and again, up to a limit. `--ratio` says how much
thicker slices are than pixels are wide. Needs scikit-image and tifffile.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import heapq
import itertools

import numpy
import tifffile
from scipy import ndimage, sparse
from skimage.morphology import local_minima, reconstruction
from skimage.segmentation import watershed

# Of ways to find fragments: smoothing in pixels, in the volume or by slices, seeds by distance or by minima, and for
# distances the height of ridges, for minima their depth.
WAYS = list(itertools.product((1.0,), ("volume", "slices"), ("distance",), (0.55, 0.65))) + \
       list(itertools.product((1.0, 1.5), ("volume",), ("minima",), (0.12, 0.18, 0.25, 0.32, 0.4)))
LIMITS = [round(0.30 + 0.02 * i, 2) for i in range(28)]


# ---- fragments ----

def heights(image, smoothing, ratio):
    smooth = ndimage.gaussian_filter(image.astype(numpy.float32), (smoothing / ratio, smoothing, smoothing))
    low, high = numpy.percentile(smooth, (0.5, 99.5))
    return numpy.clip((high - smooth) / (high - low), 0, 1)


def seeds_of(height, rule, value, spacing):
    if rule == "minima":
        filled = reconstruction(height + value, height, "erosion")  # what is less deep is flat now
        return ndimage.label(local_minima(filled), numpy.ones([3] * height.ndim))[0]
    distance = ndimage.distance_transform_edt(height < value, sampling=spacing)
    distance = ndimage.gaussian_filter(distance, [2.0 / s for s in spacing])
    peaks = (distance == ndimage.maximum_filter(distance, [max(1, int(5 / s) | 1) for s in spacing])) & (distance > 0.5)
    return ndimage.label(peaks, numpy.ones([3] * height.ndim))[0]


def fragments(height, way, ratio):
    _, where, rule, value = way
    if where == "volume":
        return watershed(height, seeds_of(height, rule, value, (ratio, 1, 1)))
    slices, n = [], 0
    for plane in height:
        slices.append(watershed(plane, seeds_of(plane, rule, value, (1, 1))) + n)
        n = slices[-1].max()
    return numpy.stack(slices)


# ---- fragments to neurons ----

def faces(labels, height):
    """Pairs of neighbours (a < b): the sum of heights over the voxel pairs that divide them, and their number."""
    first, second, value = [], [], []
    for axis in range(3):
        here = tuple(slice(None, -1) if d == axis else slice(None) for d in range(3))
        there = tuple(slice(1, None) if d == axis else slice(None) for d in range(3))
        a, b, h = labels[here], labels[there], numpy.maximum(height[here], height[there])
        apart = a != b
        first.append(numpy.minimum(a[apart], b[apart]))
        second.append(numpy.maximum(a[apart], b[apart]))
        value.append(h[apart])
    first, second, value = (numpy.concatenate(x) for x in (first, second, value))
    n = int(labels.max()) + 1
    key, inverse = numpy.unique(first.astype(numpy.int64) * n + second, return_inverse=True)
    return key // n, key % n, numpy.bincount(inverse, value), numpy.bincount(inverse)


def join(labels, height, limits):
    """For each of the rising limits a table from fragments to joined ones."""
    graph = [{} for _ in range(int(labels.max()) + 1)]
    queue = []
    for a, b, total, count in zip(*(x.tolist() for x in faces(labels, height))):
        graph[a][b] = graph[b][a] = (total, count)
        queue.append((total / count, a, b, count))
    heapq.heapify(queue)
    parent = numpy.arange(len(graph))
    for limit in limits:
        while queue and queue[0][0] < limit:
            _, a, b, count = heapq.heappop(queue)
            if b not in graph[a] or graph[a][b][1] != count:  # joined since, or grown
                continue
            if len(graph[a]) < len(graph[b]):
                a, b = b, a
            parent[b] = a
            del graph[a][b], graph[b][a]
            for c, (total, n) in graph[b].items():
                del graph[c][b]
                old = graph[a].get(c, (0.0, 0))
                graph[a][c] = graph[c][a] = (old[0] + total, old[1] + n)
                heapq.heappush(queue, (graph[a][c][0] / graph[a][c][1], min(a, c), max(a, c), graph[a][c][1]))
            graph[b] = {}
        roots = parent
        while (roots[roots] != roots).any():
            roots = roots[roots]
        yield limit, roots


# ---- settings ----

def voi(truth, labels):
    """Bits: what is split, and what is merged."""
    table = sparse.coo_matrix((numpy.ones(truth.size), (truth.ravel(), labels.ravel()))).tocsr()
    both, n = table.data / truth.size, truth.size
    entropy = lambda p: -(p[p > 0] * numpy.log2(p[p > 0])).sum()
    a, b = numpy.asarray(table.sum(1)).ravel() / n, numpy.asarray(table.sum(0)).ravel() / n
    return entropy(both) - entropy(a), entropy(both) - entropy(b)


def tune(image, truth, ratio):
    best = None
    for way in WAYS:
        height = heights(image, way[0], ratio)
        found = fragments(height, way, ratio)
        scores = [(sum(voi(truth, roots[found])), limit) for limit, roots in join(found, height, [0.0] + LIMITS)]
        alone, (score, limit) = scores[0][0], min(scores)
        print("%-36s %6d fragments, VOI %.3f; joined up to %.2f %.3f" % (way, found.max(), alone, limit, score),
              flush=True)
        best = min(best or (score, way, limit), (score, way, limit))
    print("best: --settings %s,%.2f" % (",".join(str(v) for v in best[1]), best[2]))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("image")
    parser.add_argument("labels")
    parser.add_argument("--ratio", type=float, default=1)
    parser.add_argument("--settings", default="1.0,volume,minima,0.32,0.0")
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    image = tifffile.imread(options.image)
    if options.tune:
        return tune(image, tifffile.imread(options.labels), options.ratio)
    smoothing, where, rule, value, limit = options.settings.split(",")
    height = heights(image, float(smoothing), options.ratio)
    found = fragments(height, (smoothing, where, rule, float(value)), options.ratio)
    (_, roots), = join(found, height, [float(limit)])
    tifffile.imwrite(options.labels, roots[found].astype(numpy.uint32), compression="zlib")


if __name__ == "__main__":
    main()
