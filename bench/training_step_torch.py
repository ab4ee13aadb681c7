"""Forward and backward of the networks in training beside PyTorch's: processor time of one thread, medians, peak memory.

Usage: training_step_torch.py BENCH_TRAINING_STEP [plane|stack] [rounds]
BENCH_TRAINING_STEP is the program that bench/training_step.c becomes. The two take turns, each in a process of its own. A step is
one forward pass with the batch's statistics, and one backward from random gradients of the heads to those of all
parameters; losses and optimiser are not in it. PyTorch runs as its users train: eager, contiguous.
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import time

SHAPES = {"plane": (2, 3, 256, 256), "stack": (2, 1, 18, 160, 160)}


def peer(what):
    """One step after one that does not count, in this process."""
    import torch

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
    from forward_torch import Plane, Stack

    torch.set_num_threads(1)
    net = (Plane() if what == "plane" else Stack()).train()
    x = torch.rand(SHAPES[what])
    for _ in range(2):
        net.zero_grad()
        begin = time.process_time()
        heads = net(x)
        middle = time.process_time()
        torch.autograd.backward(heads, [torch.full_like(head, 1e-3) for head in heads])
        end = time.process_time()
    return {"forward_cpu_s": middle - begin, "backward_cpu_s": end - middle,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main():
    program, what = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "plane"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    if program == "peer":
        print(json.dumps(peer(what)))
        return
    sides = {"ours": [program, what, "1", "1"], "PyTorch": [sys.executable, __file__, "peer", what]}
    results = {name: [] for name in sides}
    for _ in range(rounds):
        for name, command in sides.items():
            results[name].append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    middle = {name: {key: statistics.median(r[key] for r in rows) for key in ("forward_cpu_s", "backward_cpu_s", "peak_bytes")}
              for name, rows in results.items()}
    for name, m in middle.items():
        print(f"{what} {name}: forward {m['forward_cpu_s']:.3f} s, backward {m['backward_cpu_s']:.3f} s, "
              f"peak {m['peak_bytes'] / 1e6:.0f} MB")
    us, them = middle["ours"], middle["PyTorch"]
    print(f"times as fast: forward {them['forward_cpu_s'] / us['forward_cpu_s']:.2f}, "
          f"backward {them['backward_cpu_s'] / us['backward_cpu_s']:.2f}; "
          f"of the memory {us['peak_bytes'] / them['peak_bytes']:.2f}")


main()
