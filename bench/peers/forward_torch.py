"""The two networks in PyTorch, a peer of bench/forward.c:

    forward_torch.py plane|stack [threads [repeats [MODE [NY NX]]]]

MODE is eager (the default), channels_last, frozen (traced, batch normalisation folded), frozen_channels_last, optimized
(torch.jit.optimize_for_inference), bf16 (autocast, frozen) or bf16_channels_last. Weights are random; only time and memory
are of interest. Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from measure import measure


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


def prepare(net, x, mode):
    """The network and its input in one of the ways PyTorch offers to make it fast."""
    if mode.endswith("channels_last"):
        layout = torch.channels_last if x.dim() == 4 else torch.channels_last_3d
        net, x = net.to(memory_format=layout), x.to(memory_format=layout)
    if mode.startswith(("frozen", "bf16")):
        net = torch.jit.freeze(torch.jit.trace(net, x))
    elif mode == "optimized":
        net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))
    return net, x


def main():
    what = sys.argv[1]
    threads, repeats = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((2, 1), (3, 3)))
    mode = sys.argv[4] if len(sys.argv) > 4 else "eager"
    side = [int(n) for n in sys.argv[5:7]] or ([544, 544] if what == "plane" else [160, 160])
    torch.set_num_threads(threads)
    net = (Plane() if what == "plane" else Stack()).eval()
    x = torch.randn([1, 3] + side if what == "plane" else [1, 1, 18] + side)
    with torch.no_grad(), torch.cpu.amp.autocast(mode.startswith("bf16"), cache_enabled=False):
        net, x = prepare(net, x, mode)
        warm_ups = 1 if mode in ("eager", "channels_last") else 2  # a traced graph is rewritten while it first runs
        measure(lambda: net(x), repeats, warm_ups, torch=torch.__version__, what=what, threads=threads, mode=mode)


if __name__ == "__main__":
    main()
