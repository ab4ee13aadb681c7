#!/usr/bin/env python3
"""Times the mutex watershed beside numpy.argsort of the same weights, in turn on one machine:

    bench/compare_argsort.py build/release/tests/bench_mutex_watershed [--folder FOLDER] [--repeats 5]
                             [--what plane volume growth]

Every clustering in NumPy begins with that sort; mutex watersheds in use take twice its time and more. Inputs are made
here and kept in FOLDER: warped cells with a noisy membrane, as unit vectors, blurred, and their inner products without
the negative ones. CPU seconds are compared, of one thread each, so that other work on the machine matters little.
`growth` clusters from 4 slices of the volume on, stacked again where it has no more, and tells ns and bytes a voxel.

Needs numpy and scipy.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import json
import pathlib
import subprocess
import time

import numpy

PLANE = {"shape": (1, 544, 544), "cells": 24, "attractive": 2, "strides": (1, 5, 5),
         "offsets": [(0, -s * (axis == 0), -s * (axis == 1)) for s in (1, 3, 5, 9, 27) for axis in (0, 1)]}
VOLUME = {"shape": (50, 512, 512), "cells": 420, "attractive": 3, "strides": (1, 10, 10),
          "offsets": [(-z, 0, 0) if axis == 0 else (0, -s * (axis == 1), -s * (axis == 2))
                      for z, s in ((1, 1), (2, 3), (3, 9), (4, 27)) for axis in range(3)]}
GROWTH = (4, 16, 50, 200, 400)  # slices of 512 x 512


def draw_cells(shape, n, random):
    """Voronoi cells whose borders wind; z counts twice, as slices are thick."""
    from scipy import ndimage, spatial
    scale = numpy.array([2.0, 1.0, 1.0])
    where = numpy.stack(numpy.meshgrid(*map(numpy.arange, shape), indexing="ij"), -1).astype(numpy.float32)
    for axis in (1, 2):
        wave = ndimage.gaussian_filter(random.standard_normal(shape, numpy.float32), (1.5 * (shape[0] > 1), 10, 10))
        where[..., axis] += 14 * wave / wave.std()
    centres = random.uniform(-0.05, 1.05, (n, 3)) * shape * scale
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


def make_affinities(task, path):
    random = numpy.random.default_rng(7)
    embedding = embed(draw_cells(task["shape"], task["cells"], random), random)
    affinity = numpy.lib.format.open_memmap(path, "w+", numpy.float32, task["shape"] + (len(task["offsets"]),))
    for k, offset in enumerate(task["offsets"]):
        here, there = part(offset, task["shape"])
        affinity[here + (k,)] = numpy.maximum(numpy.einsum("zyxc,zyxc->zyx", embedding[here], embedding[there]), 0)
    affinity.flush()


def weights(task, path):
    """Of all edges that exist, as a clustering would sort them."""
    affinity, found = numpy.load(path, mmap_mode="r"), []
    for k, offset in enumerate(task["offsets"]):
        exists = numpy.zeros(task["shape"], bool)
        if k < task["attractive"]:
            exists[part(offset, task["shape"])[0]] = True
            found.append(affinity[..., k][exists])
        else:
            sampled = tuple(slice(None, None, s) for s in task["strides"])
            inside = numpy.zeros(task["shape"], bool)
            inside[part(offset, task["shape"])[0]] = True
            exists[sampled] = inside[sampled]
            found.append(1 - affinity[..., k][exists])
    return numpy.concatenate(found)


def run(program, path, what, repeats, threads=1):
    """In a process of its own, so that its peak of memory is its own."""
    done = subprocess.run([program, path, what, str(threads), str(repeats)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def compare(program, task, what, path, repeats):
    edges, sorting, ours = weights(task, path), [], []
    for _ in range(repeats): # in turn
        begin = time.process_time()
        numpy.argsort(edges)
        sorting.append(time.process_time() - begin)
        result = run(program, path, what, 7 if what == "plane" else 1)
        ours.append(min(result["cpu_seconds"]))
    print(f"{what}: {len(edges)} edges, {result['labels']} labels, {result['bytes_a_voxel']} bytes a voxel\n"
          f"    argsort       min {min(sorting):.4f} median {numpy.median(sorting):.4f} s\n"
          f"    watershed     min {min(ours):.4f} median {numpy.median(ours):.4f} s\n"
          f"    ratio         min {min(ours) / min(sorting):.3f} "
          f"median {numpy.median(ours) / numpy.median(sorting):.3f}",
          flush=True)


def grow(program, path, folder, repeats):
    whole = numpy.load(path, mmap_mode="r")
    for n in GROWTH:
        part_path = folder / f"growth_{n}.npy"
        stack = numpy.lib.format.open_memmap(part_path, "w+", numpy.float32, (n,) + whole.shape[1:])
        for z in range(n):
            stack[z] = whole[z % len(whole)]
        stack.flush()
        del stack
        result = run(program, part_path, "volume", repeats)
        part_path.unlink()
        print(f"{n} slices: {min(result['cpu_seconds']) / result['voxels'] * 1e9:.1f} ns, "
              f"{result['bytes_a_voxel']} bytes a voxel", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/tmp/mutex_watershed"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--what", nargs="+", choices=("plane", "volume", "growth"), default=["plane", "volume"])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for what in options.what:
        name, task = ("plane", PLANE) if what == "plane" else ("volume", VOLUME)
        path = options.folder / f"{name}.npy"
        if not path.exists():
            make_affinities(task, path)
        if what == "growth":
            grow(options.program, path, options.folder, options.repeats)
        else:
            compare(options.program, task, what, path, options.repeats)


if __name__ == "__main__":
    main()
