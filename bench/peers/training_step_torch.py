"""Forward and backward of the networks in training in PyTorch, a peer of bench/training_step.c:

    training_step_torch.py plane|stack [repeats]

A step is one forward pass with the batch's statistics, and one backward from given gradients of the heads to those of all
parameters; losses and optimiser are not in it. As users train: eager, contiguous; one thread. Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import statistics
import sys
import time

import torch

from forward_torch import Plane, Stack
from measure import peak_bytes

SHAPES = {"plane": (2, 3, 256, 256), "stack": (2, 1, 18, 160, 160)}


def main():
    what, repeats = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    torch.set_num_threads(1)
    net = (Plane() if what == "plane" else Stack()).train()
    x = torch.rand(SHAPES[what])
    forward, backward = [], []
    for _ in range(repeats + 1):
        net.zero_grad()
        begin = time.process_time()
        heads = net(x)
        middle = time.process_time()
        torch.autograd.backward(heads, [torch.full_like(head, 1e-3) for head in heads])
        forward.append(middle - begin)
        backward.append(time.process_time() - middle)
    print(json.dumps({"torch": torch.__version__, "what": what, "forward_cpu_s": statistics.median(forward[1:]),
                      "backward_cpu_s": statistics.median(backward[1:]), "peak_bytes": peak_bytes()}))


main()
