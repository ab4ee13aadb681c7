"""Our forward pass beside PyTorch's, and our clustering beside numpy.argsort of the same number of edges, in turn.

    bench/compare_pytorch.py [--build build/release] [--rounds 5] [--one-thread] [--markdown]

Every round runs each side once (after a run that does not count) in a process of its own, one after the other, so that a
busy moment of the machine meets both. One thread is measured by its processor's time, which leaves out what neighbours
take; two threads by the clock. Needs Debian's python3-torch and the targets bench_forward and pea_command; the networks
are those of bench/forward.c and bench/forward_torch.py.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = {"plane": (1, 544, 544), "stack": (18, 160, 160)}
STRIDES = {"plane": (5, 5), "stack": (10, 10)}  # of repulsive edges, as `pea bench` clusters
ATTRACTIVE = {"plane": 2, "stack": 3}
OFFSETS = {"plane": 10, "stack": 12}


def forward(command, name, threads):
    """Seconds and peak bytes of one forward pass, ours or PyTorch's: both print the same line."""
    out = subprocess.run(command + [name, str(threads), "1"], check=True, stdout=subprocess.PIPE,
                         env=dict(os.environ, OMP_NUM_THREADS=str(threads))).stdout
    result = json.loads(out)
    return result["cpu_seconds" if threads == 1 else "seconds"][0], result["peak_bytes"]


def cluster(pea):
    out = subprocess.run([pea, "bench", "cluster", "--runs", "1", "--threads", "1", "--json"], check=True,
                         stdout=subprocess.PIPE).stdout
    results = {tuple(r["zyx"]): r for r in json.loads(out)["results"]}
    return {name: (results[zyx]["median_s"], results[zyx]["peak_bytes"]) for name, zyx in SHAPES.items()}


def argsort(name):
    """What any Kruskal-like clustering in NumPy begins with: sorting as many edges as there are."""
    import numpy
    z, y, x = SHAPES[name]
    sy, sx = STRIDES[name]
    repulsive = (OFFSETS[name] - ATTRACTIVE[name]) * z * -(-y // sy) * -(-x // sx)
    edges = numpy.random.default_rng(0).random(ATTRACTIVE[name] * z * y * x + repulsive, dtype=numpy.float32)
    begin = time.perf_counter()
    numpy.argsort(edges)
    return time.perf_counter() - begin, edges.size


def row(cells, markdown):
    if markdown:
        print("| " + " | ".join(cells) + " |")
    else:
        print("  ".join(c.ljust(w) for c, w in zip(cells, (44, 10, 10, 8, 12, 12))).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one-thread", action="store_true", help="nothing that neighbours on the machine would spoil")
    parser.add_argument("--markdown", action="store_true", help="a table for docs/performance.md")
    options = parser.parse_args()
    command = os.path.join(options.build, "native", "pea")
    us = [os.path.join(options.build, "tests", "bench_forward")]
    them = [sys.executable, os.path.join(HERE, "forward_torch.py")]

    ours, theirs, clustering, sorting = {}, {}, {}, {}
    for _ in range(options.rounds):
        for threads in (1,) if options.one_thread else (1, 2):
            for name in SHAPES:
                ours.setdefault((name, threads), []).append(forward(us, name, threads))
                theirs.setdefault((name, threads), []).append(forward(them, name, threads))
        measured = {} if options.one_thread else cluster(command)
        for name in measured:
            clustering.setdefault(name, []).append(measured[name])
            sorting.setdefault(name, []).append(argsort(name))

    def median(values):
        return statistics.median(v[0] for v in values)

    def peak(values):
        return "%.0f MB" % (max(v[1] for v in values) / 1e6)

    info = json.loads(subprocess.run([command, "info", "--json"], check=True, stdout=subprocess.PIPE).stdout)
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    import torch
    print("%s, %d threads lent, kernels %s; PyTorch %s; median of %d rounds; %s\n" % (
        model, info["threads"], info["kernels"], torch.__version__, options.rounds, time.strftime("%Y-%m-%d")))
    row(["forward pass, all heads", "pea", "PyTorch", "PyTorch / pea", "peak pea", "peak PyTorch"], options.markdown)
    if options.markdown:
        row(["---", "---:", "---:", "---:", "---:", "---:"], True)
    for (name, threads), values in sorted(ours.items()):
        mine, other = median(values), median(theirs[name, threads])
        row(["%s %s, %d thread%s" % (name, " x ".join(map(str, SHAPES[name])), threads, "s" * (threads > 1)),
             "%.2f s" % mine, "%.2f s" % other, "%.1f" % (other / mine), peak(values), peak(theirs[name, threads])],
            options.markdown)
    if not clustering:
        return
    print()
    row(["mutex watershed, 1 thread", "pea", "argsort", "ratio"], options.markdown)
    if options.markdown:
        row(["---", "---:", "---:", "---:"], True)
    for name, values in clustering.items():
        mine, other = median(values), median(sorting[name])
        row(["%s %s, %.2f million edges" % (name, " x ".join(map(str, SHAPES[name])), sorting[name][0][1] / 1e6),
             "%.3f s" % mine, "%.3f s" % other, "%.2f" % (mine / other)], options.markdown)


main()
