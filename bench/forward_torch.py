"""The two networks in PyTorch, to time beside bench/forward: one line of JSON for each.

Usage: forward_torch.py plane|stack [threads] [repeats]. Weights are random; only time and memory are of interest.
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block2d(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                                  nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o))
        self.project = nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o))

    def forward(self, x):
        return F.relu(self.conv(x) + self.project(x), inplace=True)


class Plane(nn.Module):
    def __init__(self, f=(16, 32, 64, 128, 256), dim=16):
        super().__init__()
        self.inconv = Block2d(3, f[0])
        self.down = nn.ModuleList(Block2d(f[i], f[i + 1]) for i in range(4))
        self.up = nn.ModuleList((Block2d(f[4], f[4]), Block2d(f[4] + f[3], f[3]), Block2d(f[3] + f[2], f[2]),
                                 Block2d(f[2] + f[1], f[1])))
        self.heads = nn.ModuleList(nn.Conv2d(c, dim, 1) for c in (f[4], f[4], f[3], f[2], f[1]))
        self.mask = nn.Sequential(nn.Conv2d(f[1], f[1], 1), nn.BatchNorm2d(f[1]), nn.ReLU(inplace=True),
                                  nn.Conv2d(f[1], 2, 1))

    def forward(self, x):
        x, skips, out = self.inconv(x), [], []
        for block in self.down:
            x = F.max_pool2d(block(x), 2)
            skips.append(x)
        out.append(self.heads[0](x))
        for k, block in enumerate(self.up):
            if k:
                x = torch.cat((x, skips[3 - k]), 1)
            x = block(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
            out.append(self.heads[k + 1](x))
        return out + [self.mask(x)]


def conv3d(i, o, kz, k, bias=False):
    return nn.Conv3d(i, o, (kz, k, k), padding=(kz // 2, k // 2, k // 2), bias=bias)


class Block3d(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.first = nn.Sequential(conv3d(i, o, 1, 3), nn.BatchNorm3d(o), nn.ELU(inplace=True))
        self.second = nn.Sequential(conv3d(o, o, 3, 3), nn.BatchNorm3d(o), nn.ELU(inplace=True), conv3d(o, o, 3, 3))
        self.norm = nn.BatchNorm3d(o)

    def forward(self, x):
        r = self.first(x)
        return F.elu(self.norm(r + self.second(r)), inplace=True)


class Stack(nn.Module):
    def __init__(self, f=(28, 36, 48, 64, 80), dim=16):
        super().__init__()
        self.embed_in, self.embed_out = conv3d(1, f[0], 1, 5, True), conv3d(f[0], f[0], 1, 5, True)
        self.down = nn.ModuleList(Block3d(f[max(i - 1, 0)], f[i]) for i in range(5))
        self.narrow = nn.ModuleList(conv3d(f[4 - k], f[3 - k], 1, 1, True) for k in range(4))
        self.norm = nn.ModuleList(nn.BatchNorm3d(f[3 - k]) for k in range(4))
        self.up = nn.ModuleList(Block3d(f[3 - k], f[3 - k]) for k in range(4))
        self.heads = nn.ModuleList(conv3d(c, dim, 1, 1, True) for c in (f[4], f[3], f[2], f[1], f[0]))

    def forward(self, x):
        x, skips = F.elu(self.embed_in(x)), []
        for k, block in enumerate(self.down):
            x = block(F.max_pool3d(x, (1, 2, 2)) if k else x)
            skips.append(x)
        out = [self.heads[0](x)]
        for k in range(4):
            x = F.interpolate(x, scale_factor=(1, 2, 2), mode="trilinear", align_corners=True)
            x = self.up[k](F.elu(self.norm[k](self.narrow[k](x) + skips[3 - k])))
            if k < 3:
                out.append(self.heads[k + 1](x))
        return out + [self.heads[4](F.elu(self.embed_out(x)))]


def main():
    what = sys.argv[1]
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    torch.set_num_threads(threads)
    net = (Plane() if what == "plane" else Stack()).eval()
    x = torch.randn((1, 3, 544, 544) if what == "plane" else (1, 1, 18, 160, 160))
    seconds, cpu_seconds = [], []
    with torch.no_grad():
        for _ in range(repeats + 1):  # the first one warms up
            begin, cpu_begin = time.perf_counter(), time.process_time()
            net(x)
            seconds.append(round(time.perf_counter() - begin, 3))
            cpu_seconds.append(round(time.process_time() - cpu_begin, 3))
    print(json.dumps({"torch": torch.__version__, "what": what, "threads": threads,
                      "parameters": sum(p.numel() for p in net.parameters()), "seconds": seconds[1:], "cpu_seconds": cpu_seconds[1:],
                      "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


main()
