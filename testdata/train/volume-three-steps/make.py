"""Three steps of the 3-D network in PyTorch, in double precision: what tests/unit/train/test_volume.c compares with.

    make.py        writes gradients.ckpt, after.ckpt and losses.json beside itself; the same every time

The network and the losses are those of bench/peers, weights those of testdata/golden/superhuman3d-small; images are
numbers of a formula, labels boxes. Needs python3-torch and python3-numpy.
SPDX-License-Identifier: BSD-2-Clause
"""
import collections
import json
import os
import sys

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "bench", "peers"))

import losses_torch  # noqa: E402
from forward_torch import Stack  # noqa: E402

SHAPE = (2, 1, 6, 32, 32)
RULES = [(1, 1, 0, 0), (0, 0, 1, 1)]  # of each image: reverse z, x, y; exchange y and x
RATE, DECAY = 1e-3, 1e-6


def numbers(t):
    """u(t): test_u() of tests/unit/test.h."""
    n = int(numpy.prod(SHAPE))
    x = (1000003 * (t + 1) + numpy.arange(n, dtype=numpy.uint64)) % 2 ** 32
    x ^= x >> numpy.uint64(16)
    x = x * 0x7feb352d % 2 ** 32
    x ^= x >> numpy.uint64(15)
    x = x * 0x846ca68b % 2 ** 32
    x ^= x >> numpy.uint64(16)
    return torch.from_numpy((x / 2.0 ** 32).astype(numpy.float32).reshape(SHAPE)).double()


def labels():
    i, z, y, x = numpy.indices((SHAPE[0],) + SHAPE[2:])
    boxes = 1 + 20 * i + 3 * (y // 11) + x // 9 + 7 * (z // 3)
    return torch.from_numpy(numpy.where((y % 11 == 0) | (x % 9 == 0), 0, boxes))


def our_name(name):
    """Of a tensor of Stack, whose parts are called and ordered otherwise."""
    part, rest = name.split(".", 1)
    block = {"first": "block1", "second": "block2", "norm": "block3"}
    if part in ("embed_in", "embed_out"):
        return "%s.0.%s" % (part, rest)
    k, rest = rest.split(".", 1)
    k = int(k)
    if part == "narrow":
        return "up%d.1.%s" % (k, rest)
    if part == "norm":
        return "cat%d.0.%s" % (k, rest)
    if part == "heads":
        return "out_put%s.0.%s" % (("1", "2", "3", "4", "")[k], rest)
    inner, rest = rest.split(".", 1)
    whole = ("conv%d" % k if k < 4 else "center") if part == "down" else "conv%d" % (k + 4)
    return "%s.%s.%s" % (whole, block[inner], rest)


def save(tensors, name):
    torch.save(collections.OrderedDict((key, value.detach().float()) for key, value in tensors), os.path.join(HERE, name))


def main():
    torch.set_num_threads(1)
    given = torch.load(os.path.join(HERE, "..", "..", "golden", "superhuman3d-small", "model.ckpt"))["model_weights"]
    net = Stack((8, 10, 12, 14, 16), 8).double()
    net.load_state_dict({name: given[our_name(name)] for name in net.state_dict()})
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.momentum = 0.001
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE, eps=0.01, weight_decay=DECAY, amsgrad=True)
    truth, said = losses_torch.truths(labels(), False, torch.float64), []
    for step in range(3):
        heads = net.train()(numbers(900 + 2 * step))
        with torch.no_grad():
            second = net(numbers(901 + 2 * step))[4]
        losses = losses_torch.all_losses(heads, second, labels(), truth, RULES)
        optimiser.zero_grad()
        sum(losses).backward()
        if step == 0:
            save([(our_name(n), p.grad) for n, p in net.named_parameters()], "gradients.ckpt")
        optimiser.step()
        said.append([loss.item() for loss in losses])
    save([(our_name(n), t) for n, t in net.state_dict().items() if t.dim()], "after.ckpt")
    with open(os.path.join(HERE, "losses.json"), "w") as stream:
        json.dump({"steps": said, "of each step": "self at 1/1, 1/2, 1/4, 1/8, 1/16; cross"}, stream, indent=1)


main()
