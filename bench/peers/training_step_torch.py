"""Whole steps of training in PyTorch, a peer of bench/training_step.c:

    training_step_torch.py plane|stack [threads [repeats [Y [Z]]]]

Both views forward with the batch's statistics, all losses, backward, Adam. As users train: eager, contiguous. Ground truth
and weights of the losses are made beforehand, as by somebody who loads data meanwhile; ours makes them in the step. Prints
a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import sys

import torch

import losses_torch
from forward_torch import Plane, Stack
from measure import measure


def main():
    what = sys.argv[1]
    threads, repeats = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((2, 1), (3, 1)))
    shape = [2, 3, 256, 256] if what == "plane" else [2, 1, 18, 160, 160]
    if len(sys.argv) > 4:
        shape[-2:] = 2 * [int(sys.argv[4])]
    if len(sys.argv) > 5:
        shape[2] = int(sys.argv[5])
    torch.set_num_threads(threads)
    net = (Plane() if what == "plane" else Stack()).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4, eps=0.01, weight_decay=1e-6, amsgrad=True)
    views = torch.rand(shape), torch.rand(shape)
    z, y, x = torch.meshgrid(*map(torch.arange, [1 if what == "plane" else shape[2]] + shape[-2:]), indexing="ij")
    labels = torch.where((x % 23 < 3) | (y % 19 < 2), 0, 1 + x // 23 + 100 * (y // 19)).expand(2, -1, -1, -1)
    truth = losses_torch.truths(labels, what == "plane")
    rules = [(0, 1, 0, 0), (0, 0, 1, 1)]

    def step():
        heads = net(views[0])
        with torch.no_grad():
            second = net(views[1])[4]
        optimiser.zero_grad()
        sum(losses_torch.all_losses(heads, second, labels, truth, rules)).backward()
        optimiser.step()

    measure(step, repeats, torch=torch.__version__, what=what, threads=threads)


main()
