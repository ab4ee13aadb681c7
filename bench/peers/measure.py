"""What the peers in Python share: times a piece of work and prints the line of JSON that bench/table.py reads.
SPDX-License-Identifier: BSD-2-Clause
"""
import json
import time


def peak_bytes():
    """Of this process; getrusage() begins with the peak of the program that started it."""
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def measure(work, repeats, warm_ups=1, **facts):
    """After some runs that do not count, `repeats` times by the clock and by the processor's time of all threads."""
    seconds, cpu_seconds = [], []
    for _ in range(warm_ups + repeats):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        work()
        seconds.append(round(time.perf_counter() - begin, 5))
        cpu_seconds.append(round(time.process_time() - cpu_begin, 5))
    print(json.dumps({**facts, "seconds": seconds[warm_ups:], "cpu_seconds": cpu_seconds[warm_ups:],
                      "peak_bytes": peak_bytes()}))
