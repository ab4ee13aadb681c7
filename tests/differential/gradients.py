"""Gradients of two small networks by PyTorch's autograd in float64, for tests/unit/gradient/test_chain.c.

Usage: gradients.py FOLDER     writes plane_heads.npy, plane_gradients.npy, stack_heads.npy, stack_gradients.npy
Parameters, input and gradients of heads are the numbers u(t,k) of tests/unit/test.h, so that only results need be stored. The
networks are written once more here, in the order in which tests/unit/gradient/chain.h takes their parameters.
SPDX-License-Identifier: BSD-2-Clause
"""
import math
import sys

import numpy
import torch
from torch.nn import functional as F

PARAMETERS, INPUT, HEADS = 1, 2, 3  # the t of u(t,k)


def u(t, n):
    k = numpy.arange(n, dtype=numpy.uint64)
    low = numpy.uint64(0xFFFFFFFF)
    x = (numpy.uint64(1000003 * (t + 1)) + k) & low
    x ^= x >> numpy.uint64(16)
    x = (x * numpy.uint64(0x7FEB352D)) & low
    x ^= x >> numpy.uint64(15)
    x = (x * numpy.uint64(0x846CA68B)) & low
    x ^= x >> numpy.uint64(16)
    return x / 4294967296.0


def numbers(t, first, n, low, high):
    """As float32 holds them."""
    return torch.from_numpy((low + (high - low) * u(t, first + n)[first:]).astype(numpy.float32).astype(numpy.float64))


class Net:
    def __init__(self, axes):
        self.axes, self.taken, self.parameters, self.heads = axes, 0, [], []

    def take(self, shape, low, high):
        n = math.prod(shape)
        made = numbers(PARAMETERS, self.taken, n, low, high).reshape(shape).requires_grad_(True)
        self.taken += n
        self.parameters.append(made)
        return made

    def conv(self, x, channels, kz, k, bias=True):
        kernel = (k, k) if self.axes == 2 else (kz, k, k)
        size = math.sqrt(6.0 / (x.shape[1] * math.prod(kernel)))
        weight = self.take((channels, x.shape[1], *kernel), -size, size)
        shift = self.take((channels,), -0.1, 0.1) if bias else None
        return (F.conv2d if self.axes == 2 else F.conv3d)(x, weight, shift, 1, [e // 2 for e in kernel])

    def norm(self, x):
        gain, shift = self.take((x.shape[1],), 0.5, 1.5), self.take((x.shape[1],), -0.2, 0.2)
        return F.batch_norm(x, None, None, gain, shift, True, 0.1, 1e-5)

    def double(self, x):
        if self.axes == 2:
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return F.interpolate(x, scale_factor=(1, 2, 2), mode="trilinear", align_corners=True)

    def pool(self, x):
        return F.max_pool2d(x, 2) if self.axes == 2 else F.max_pool3d(x, (1, 2, 2))


def block_2d(net, x, channels):
    both = net.conv(x, 2 * channels, 1, 3)
    hidden = F.relu(net.norm(both[:, :channels]))
    total = net.conv(hidden, channels, 1, 3)
    return F.relu(net.norm(total) + net.norm(both[:, channels:]))


def plane(x, f, dim):
    net = Net(2)
    x = block_2d(net, x, f[0])
    skips = []
    for channels in f[1:]:
        x = net.pool(block_2d(net, x, channels))
        skips.append(x)
    net.heads.append(net.conv(x, dim, 1, 1))
    for k, channels in enumerate((f[4], f[3], f[2], f[1])):
        if k:
            x = torch.cat((x, skips[3 - k]), 1)
        x = block_2d(net, net.double(x), channels)
        net.heads.append(net.conv(x, dim, 1, 1))
    net.heads.append(net.conv(F.relu(net.norm(net.conv(x, f[1], 1, 1))), 2, 1, 1))
    return net


def block_3d(net, x, channels):
    r = F.elu(net.norm(net.conv(x, channels, 1, 3, False)))
    hidden = F.elu(net.norm(net.conv(r, channels, 3, 3, False)))
    return F.elu(net.norm(net.conv(hidden, channels, 3, 3, False) + r))


def stack(x, f, dim):
    net = Net(3)
    x = F.elu(net.conv(x, f[0], 1, 5))
    skips = []
    for channels in f[:4]:
        skips.append(block_3d(net, x, channels))
        x = net.pool(skips[-1])
    x = block_3d(net, x, f[4])
    for k in (3, 2, 1, 0):
        net.heads.append(net.conv(x, dim, 1, 1))
        x = F.elu(net.norm(net.conv(net.double(x), f[k], 1, 1) + skips[k]))
        x = block_3d(net, x, f[k])
    net.heads.append(net.conv(F.elu(net.conv(x, f[0], 1, 5)), dim, 1, 1))
    return net


def channels_last(x):
    return x.movedim(1, -1).reshape(-1)


def write(folder, name, network, shape, f, dim):
    last = (shape[0], *shape[2:], shape[1])
    x = numbers(INPUT, 0, math.prod(shape), -1.0, 1.0).reshape(last).movedim(-1, 1)
    net = network(x, f, dim)
    heads = torch.cat([channels_last(head) for head in net.heads])
    gradient = numbers(HEADS, 0, heads.numel(), -1.0, 1.0)
    (heads * gradient).sum().backward()
    gradients = torch.cat([p.grad.reshape(-1) for p in net.parameters])
    numpy.save(f"{folder}/{name}_heads.npy", heads.detach().numpy()[::7].astype(numpy.float32))
    numpy.save(f"{folder}/{name}_gradients.npy", gradients.numpy().astype(numpy.float32))
    print(name, net.taken, "parameters,", heads.numel(), "numbers in heads")


def main():
    torch.set_num_threads(1)
    write(sys.argv[1], "plane", plane, (2, 3, 32, 48), (4, 5, 6, 16, 17), 3)
    write(sys.argv[1], "stack", stack, (2, 1, 3, 32, 48), (3, 4, 5, 16, 17), 3)


main()
