"""Convolutions of both networks in training beside PyTorch's: forward, gradient of the input, gradient of the weights.

Usage: gradients_torch.py BENCH_GRADIENTS [plane|stack] [rounds]
BENCH_GRADIENTS is the program that bench/gradients.c becomes. One thread, processor time, medians; the two take turns layer by
layer. PyTorch runs in both memory formats, and the better one counts. Where a layer doubles its input, PyTorch's forward
and input gradient hold the doubling and its transpose, as ours do.
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import statistics
import subprocess
import sys
import time

import torch
from torch.nn import functional as F

# n z y x in out kz ky kx doubled, and how many such layers a network has (pairs of convolutions of one input are one)
PLANE = [((2, 1, 256, 256, 3, 32, 1, 3, 3, 0), 1), ((2, 1, 256, 256, 16, 16, 1, 3, 3, 0), 1),
         ((2, 1, 256, 256, 16, 64, 1, 3, 3, 0), 1), ((2, 1, 256, 256, 32, 32, 1, 3, 3, 0), 2),
         ((2, 1, 128, 128, 32, 128, 1, 3, 3, 0), 1), ((2, 1, 128, 128, 64, 64, 1, 3, 3, 0), 2),
         ((2, 1, 64, 64, 64, 256, 1, 3, 3, 0), 1), ((2, 1, 64, 64, 128, 128, 1, 3, 3, 0), 2),
         ((2, 1, 32, 32, 128, 512, 1, 3, 3, 0), 1), ((2, 1, 32, 32, 256, 256, 1, 3, 3, 0), 2),
         ((2, 1, 32, 32, 256, 512, 1, 3, 3, 1), 1), ((2, 1, 64, 64, 384, 256, 1, 3, 3, 1), 1),
         ((2, 1, 128, 128, 192, 128, 1, 3, 3, 1), 1), ((2, 1, 256, 256, 96, 64, 1, 3, 3, 1), 1),
         ((2, 1, 256, 256, 32, 16, 1, 1, 1, 0), 1), ((2, 1, 256, 256, 32, 32, 1, 1, 1, 0), 1)]
STACK = [((2, 18, 160, 160, 1, 28, 1, 5, 5, 0), 1), ((2, 18, 160, 160, 28, 28, 1, 5, 5, 0), 1),
         ((2, 18, 160, 160, 28, 28, 1, 3, 3, 0), 2), ((2, 18, 160, 160, 28, 28, 3, 3, 3, 0), 4),
         ((2, 18, 80, 80, 28, 36, 1, 3, 3, 0), 1), ((2, 18, 80, 80, 36, 36, 1, 3, 3, 0), 1),
         ((2, 18, 80, 80, 36, 36, 3, 3, 3, 0), 4),
         ((2, 18, 40, 40, 48, 48, 1, 3, 3, 0), 2), ((2, 18, 40, 40, 48, 48, 3, 3, 3, 0), 4),
         ((2, 18, 20, 20, 64, 64, 3, 3, 3, 0), 4), ((2, 18, 10, 10, 80, 80, 3, 3, 3, 0), 2),
         ((2, 18, 160, 160, 28, 16, 1, 1, 1, 0), 1)]
PARTS = ("forward", "input", "weight")


class Peer:
    """One layer in PyTorch."""

    def __init__(self, layer, channels_last):
        n, z, y, x, i, o, kz, ky, kx, self.doubled = layer
        flat = kz == 1 and z == 1
        extent = (y, x) if flat else (z, y, x)
        self.small = (y // 2, x // 2) if self.doubled else extent
        kernel = (ky, kx) if flat else (kz, ky, kx)
        self.padding = [k // 2 for k in kernel]
        self.axes = len(kernel)
        form = (torch.channels_last if flat else torch.channels_last_3d) if channels_last else torch.contiguous_format
        self.x = torch.rand(n, i, *self.small).sub(0.5).contiguous(memory_format=form)
        self.w = torch.rand(o, i, *kernel).sub(0.5).contiguous(memory_format=form)
        self.g = torch.rand(n, o, *extent).sub(0.5).contiguous(memory_format=form)
        self.large = self.double(self.x)

    def double(self, x):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True) if self.doubled else x

    def backward(self, mask):
        one = [1] * self.axes
        return torch.ops.aten.convolution_backward(self.g, self.large, self.w, None, one, self.padding, one, False,
                                                   [0] * self.axes, 1, mask)

    def run(self, part):
        if part == "forward":
            return (F.conv2d if self.axes == 2 else F.conv3d)(self.double(self.x), self.w, None, 1, self.padding)
        if part == "weight":
            return self.backward([False, True, False])[1]
        large = self.backward([True, False, False])[0]
        if self.doubled:
            return torch.ops.aten.upsample_bilinear2d_backward(large, list(large.shape[2:]), list(self.x.shape), True)
        return large

    def time(self, part):
        begin = time.process_time()
        self.run(part)
        return time.process_time() - begin


def ours(program, layer):
    """Seconds of each part: medians of three, after one to warm up."""
    line = subprocess.run([program, *map(str, layer), "3"], check=True, capture_output=True, text=True).stdout
    return json.loads(line)


def measure(program, layer, rounds):
    peers = [Peer(layer, False), Peer(layer, True)]
    for peer in peers:
        for part in PARTS:
            peer.run(part)
    we = {part: [] for part in PARTS}
    they = [{part: [] for part in PARTS} for _ in peers]
    for _ in range(rounds):
        got = ours(program, layer)
        for part in PARTS:
            we[part].append(got[part + "_s"])
        for peer, seconds in zip(peers, they):
            for part in PARTS:
                seconds[part].append(peer.time(part))
    return ({part: statistics.median(we[part]) for part in PARTS},
            {part: min(statistics.median(seconds[part]) for seconds in they) for part in PARTS}, got["gflop"])


def main():
    program, which = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "plane"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    torch.set_num_threads(1)
    totals = {part: [0.0, 0.0] for part in PARTS}
    print(f"torch {torch.__version__}, one thread; GFLOP/s ours / PyTorch's (times as fast)")
    for layer, count in PLANE if which == "plane" else STACK:
        we, they, gflop = measure(program, layer, rounds)
        row = []
        for part in PARTS:
            totals[part][0] += count * we[part]
            totals[part][1] += count * they[part]
            row.append(f"{part} {gflop / we[part]:5.0f} / {gflop / they[part]:4.0f} ({they[part] / we[part]:4.1f})")
        n, z, y, x, i, o, kz, ky, kx, doubled = layer
        print(f"{i:3d}->{o:3d} {kz}x{ky}x{kx} at {n}x{z}x{y}x{x}{' doubled' if doubled else ''}".ljust(38), "  ".join(row),
              flush=True)
    for part in PARTS:
        us, them = totals[part]
        print(f"{part}: {1e3 * us:.0f} ms, PyTorch {1e3 * them:.0f} ms, {them / us:.1f} times as fast")


main()
