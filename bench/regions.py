#!/usr/bin/env python3
# regions.py - the steps of bench/regions.c beside SciPy and scikit-image, in turn on the same input.
#
#     bench/regions.py BENCH_REGIONS [Z [SIDE [REPEATS]]]
#
# The input is made like a network's output: warped cells, a membrane of one to two pixels, smooth and white noise.
# SPDX-License-Identifier: BSD-2-Clause
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed


def affinities(n_z, side, seed=7):
    """(z,y,x,3): distance of each voxel to the wall between the two nearest centres, warped and noisy."""
    random = np.random.default_rng(seed)
    n = max(2, n_z * side * side // 7200)
    centres = random.random((n, 3)) * (n_z * 4, side, side)
    from scipy.spatial import cKDTree
    tree = cKDTree(centres)
    out = np.empty((n_z, side, side, 3), np.float32)
    for z in range(n_z):
        y, x = np.mgrid[0:side, 0:side].astype(np.float64)
        warp = [ndimage.gaussian_filter(random.standard_normal((side, side)), 9) * 60 for _ in range(2)]
        points = np.stack([np.full(side * side, 4.0 * z), (y + warp[0]).ravel(), (x + warp[1]).ravel()], 1)
        near = tree.query(points, k=2)[0]
        inside = np.clip((near[:, 1] - near[:, 0]).reshape(side, side) / 6.0, 0, 1)
        smooth = ndimage.gaussian_filter(random.standard_normal((side, side)), 3) * 1.2
        for k in range(3):
            noise = random.standard_normal((side, side)) * 0.06
            out[z, :, :, k] = np.clip(0.05 + 0.95 * inside + smooth * 0.25 + noise, 0, 1)
    return out


def smooth_fragments(a_y, a_x):
    """The seeds and flood of the multicut path for one plane, with SciPy and scikit-image. Returns labels, seconds."""
    begin = time.process_time()
    boundary = np.maximum(1 - a_y, 1 - a_x)
    inside = boundary <= 0.25
    distance = ndimage.distance_transform_edt(inside).astype(np.float32)
    distance = ndimage.gaussian_filter(distance, 2, mode="mirror", truncate=3)
    seeds = distance == ndimage.maximum_filter(distance, 3)
    labels, _ = ndimage.label(seeds)
    height = 0.9 * ndimage.gaussian_filter(boundary, 2, mode="mirror", truncate=3)
    height += 0.1 * (1 - (distance - distance.min()) / distance.max())
    labels = watershed(height, labels)
    sizes = np.bincount(labels.ravel())
    labels = watershed(height, np.where(sizes[labels] >= 100, labels, 0))
    return labels, time.process_time() - begin


def same_partition(a, b):
    """Share of pixels in the largest overlap of each of a's regions."""
    pairs, counts = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1, return_counts=True)
    best = np.zeros(a.max() + 1)
    np.maximum.at(best, pairs[0], counts)
    return best.sum() / a.size


def main():
    program = sys.argv[1]
    n_z, side, repeats = (int(sys.argv[i]) if len(sys.argv) > i else v for i, v in ((2, 8), (3, 512), (4, 5)))
    volume = affinities(n_z, side)
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        volume.tofile(folder + "/affinity")
        command = [program, folder + "/affinity", str(n_z), str(side), str(side), "3", "1", folder + "/labels"]
        for _ in range(repeats):
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rule = ""
            for line in said.splitlines():
                name, seconds = line.split()[0], float(line.split()[1])
                rule = name if name in ("interior", "smooth") else rule
                times.setdefault(name if name == rule else rule + " " + name, []).append(seconds)
            planes = min(n_z, 4)
            peers = [smooth_fragments(volume[z, :, :, 1], volume[z, :, :, 2]) for z in range(planes)]
            times.setdefault("peer smooth", []).append(sum(t for _, t in peers) * n_z / planes)
        ours = np.fromfile(folder + "/labels", np.uint32).reshape(volume.shape[:3])
        print(said)
    for name, seconds in times.items():
        print(f"{name:24s} min {min(seconds):8.4f} s  median {np.median(seconds):8.4f} s  "
              f"{np.median(seconds) / volume[..., 0].size * 1e9:8.1f} ns a voxel")
    print(f"per plane: {np.median(times['smooth']) / n_z * 1e3:.1f} ms, SciPy and scikit-image "
          f"{np.median(times['peer smooth']) / n_z * 1e3:.1f} ms: "
          f"{np.median(times['peer smooth']) / np.median(times['smooth']):.1f} x")
    print("pixels in the same fragment:", [round(same_partition(p, ours[z]), 4) for z, (p, _) in enumerate(peers)])


if __name__ == "__main__":
    main()
