"""Inputs of the clustering benchmarks, made once and kept in a folder: warped cells with a noisy membrane, as unit vectors,
blurred, and the inner products of these without the negative ones.

Needs numpy and scipy.
SPDX-License-Identifier: BSD-2-Clause
"""
import collections
import os

import numpy

Task = collections.namedtuple("Task", "shape n_cells n_attractive strides offsets")
TASKS = {
    "plane": Task((1, 544, 544), 24, 2, (1, 5, 5),
                  [(0, -s * (axis == 0), -s * (axis == 1)) for s in (1, 3, 5, 9, 27) for axis in (0, 1)]),
    "volume": Task((50, 512, 512), 420, 3, (1, 10, 10),
                   [(-z, 0, 0) if axis == 0 else (0, -s * (axis == 1), -s * (axis == 2))
                    for z, s in ((1, 1), (2, 3), (3, 9), (4, 27)) for axis in range(3)])}


def draw_cells(task, random):
    """Voronoi cells whose borders wind; z counts twice, as slices are thick."""
    from scipy import ndimage, spatial
    scale = numpy.array([2.0, 1.0, 1.0])
    where = numpy.stack(numpy.meshgrid(*map(numpy.arange, task.shape), indexing="ij"), -1).astype(numpy.float32)
    for axis in (1, 2):
        wave = ndimage.gaussian_filter(random.standard_normal(task.shape, numpy.float32),
                                       (1.5 * (task.shape[0] > 1), 10, 10))
        where[..., axis] += 14 * wave / wave.std()
    centres = random.uniform(-0.05, 1.05, (task.n_cells, 3)) * task.shape * scale
    return spatial.cKDTree(centres).query(where * scale)[1]


def embed(cells, random, n_channels=16, noise=0.1):
    """One unit vector a cell, blurred, with smooth noise; along borders within a slice more noise than vector."""
    from scipy import ndimage
    blur = (0.3 * (cells.shape[0] > 1), 0.8, 0.8)
    border = numpy.zeros(cells.shape, numpy.float32)
    for axis in (1, 2):
        differs = (cells != numpy.roll(cells, 1, axis)).astype(numpy.float32)
        border = numpy.maximum(border, numpy.maximum(differs, numpy.roll(differs, -1, axis)))
    border = numpy.minimum(1.3 * ndimage.gaussian_filter(border, (0, 0.7, 0.7)), 1)
    vectors = random.standard_normal((cells.max() + 1, n_channels), numpy.float32)
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    embedding = numpy.empty(cells.shape + (n_channels,), numpy.float32)
    for c in range(n_channels):
        smooth = ndimage.gaussian_filter(random.standard_normal(cells.shape, numpy.float32), blur)
        rough = random.standard_normal(cells.shape, numpy.float32)
        value = ndimage.gaussian_filter(vectors[:, c][cells], blur) + noise * smooth / smooth.std()
        embedding[..., c] = value * (1 - 0.75 * border) + 0.22 * border * rough
    return embedding / numpy.maximum(numpy.linalg.norm(embedding, axis=-1, keepdims=True), 1e-12)


def part(offset, shape):
    """The voxels p with p + offset inside, and those p + offset, as slices."""
    here = tuple(slice(max(0, -o), n - max(0, o)) for o, n in zip(offset, shape))
    there = tuple(slice(max(0, o), n - max(0, -o)) for o, n in zip(offset, shape))
    return here, there


def save(path, array):
    """Under another name first: a run that was stopped leaves no half of an input."""
    numpy.save(path + ".part.npy", array)
    os.replace(path + ".part.npy", path)


def files(folder, name):
    """Paths of the affinities of a task, of the first three of each voxel, and of the true labels; made where missing."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, "%s-%s.npy" % (name, what)) for what in ("affinity", "nearest", "truth")]
    if not all(map(os.path.exists, paths)):
        task, random = TASKS[name], numpy.random.default_rng(7)
        cells = draw_cells(task, random)
        embedding = embed(cells, random)
        affinity = numpy.zeros(task.shape + (len(task.offsets),), numpy.float32)
        for k, offset in enumerate(task.offsets):
            here, there = part(offset, task.shape)
            products = numpy.einsum("zyxc,zyxc->zyx", embedding[here], embedding[there])
            affinity[here + (k,)] = numpy.maximum(products, 0)
        save(paths[1], numpy.ascontiguousarray(affinity[..., :3]))
        save(paths[2], (cells + 1).astype(numpy.uint32)[..., None])
        save(paths[0], affinity)
    return paths
