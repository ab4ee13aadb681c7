"""Us and our peers, in turn on one machine, as one table:

    bench/table.py [--build build/release] [--rounds 3] [--only RACE...] [--markdown] [--print]

A race is a set of programs that are compared: in every round each runs once, in a process of its own and one after the
other, so that a busy moment of the machine meets all. Of the runs in a process, and then of the rounds, the median counts.
One thread is measured by its processor's time, which leaves out what neighbours take; two threads by the clock, for which
the machine should have nothing else to do. Where a peer has several ways (PyTorch's), all run in the first round and the
fastest of them afterwards.

What a race measured is kept in the build folder (bench/results.json) as soon as it is over: `--only` measures some races
anew and prints the whole table, `--print` prints what is there. Needs `ninja bench`, Debian's python3-torch, python3-scipy
and python3-skimage, and for one peer libdnnl-dev at build time.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import collections
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import time

import inputs

HERE = os.path.dirname(os.path.abspath(__file__))
GROWTH = ("22x216x216", "50x512x512", "80x812x812", "125x1268x1268")  # 1 to 200 million voxels of like proportions
NETWORKS = {"plane": "2-D network, 544 x 544", "stack": "3-D network, 18 x 160 x 160"}

# What runs: `way_of` names the peer of which it is one way among several; `cpu` is another PEA_CPU than the best; a
# `neighbour` keeps one core busy meanwhile. Where `optional`, its exit status may say that there is no such thing.
Side = collections.namedtuple("Side", "command threads way_of cpu neighbour optional", defaults=(1, "", "", False, False))

# A line of the table. `of` takes what the race measured and returns the text of us, of the peer, and the number that is
# compared with goal and floor; a larger number is better unless `smaller`.
Row = collections.namedtuple("Row", "race what peer of goal floor smaller", defaults=(False,))


class Failure(Exception):
    pass


# ---- what runs ----

def ours(options, name, *arguments):
    return [os.path.join(options.build, "bench", "bench_" + name)] + [str(a) for a in arguments]


def theirs(name, *arguments):
    return ["/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable,
            os.path.join(HERE, "peers", name + ".py")] + [str(a) for a in arguments]


def network_race(options, what):
    modes = ("channels_last", "frozen", "frozen_channels_last", "optimized") if what == "plane" else (
        "channels_last", "frozen")
    sides = {"pea": Side(ours(options, "forward", what, 1, 3)),
             "pea bf16": Side(ours(options, "forward", what, 1, 3, "bf16"), optional=True),
             "pea avx2": Side(ours(options, "forward", what, 1, 3), cpu="avx2"),
             "eager": Side(theirs("forward_torch", what, 1, 1, "eager"))}
    for mode in modes:
        sides[mode] = Side(theirs("forward_torch", what, 1, 1, mode), way_of="best")
    for mode in ("bf16", "bf16_channels_last"):
        sides[mode] = Side(theirs("forward_torch", what, 1, 1, mode), way_of="bf16")
    if what == "plane":
        sides["oneDNN"] = Side(ours(options, "onednn_plane", 1, 3), optional=True)
    return sides


def affinity_race(options, what):
    return {"pea": Side(ours(options, "affinity", what, 1, 15)),
            "pea sampled": Side(ours(options, "affinity", what, 1, 15, "sampled")),
            "PyTorch": Side(theirs("affinity_torch", what, 1, 7))}


def threads_race(options):
    sides = {}
    for what in NETWORKS:
        for threads, neighbour, name in ((1, False, "1"), (2, False, "2"), (2, True, "2 with a neighbour")):
            sides["pea %s %s" % (what, name)] = Side(ours(options, "forward", what, threads, 3), threads,
                                                     neighbour=neighbour)
            sides["PyTorch %s %s" % (what, name)] = Side(theirs("forward_torch", what, threads, 1, "eager"), threads,
                                                         neighbour=neighbour)
    return sides


def mutex_race(options, what):
    affinity = inputs.files(options.folder, what)[0]
    repeats = 3 if what == "volume" else 7
    sides = {"pea": Side(ours(options, "mutex_watershed", affinity, what, 1, repeats)),
             "argsort": Side(theirs("argsort", affinity, what, repeats))}
    if what == "volume":
        sides["pea 2"] = Side(ours(options, "mutex_watershed", affinity, what, 2, repeats), 2)
    return sides


def growth_race(options):
    affinity = inputs.files(options.folder, "volume")[0]
    return {n: Side(ours(options, "mutex_watershed", affinity, "volume", 1, 3, n)) for n in GROWTH}


def regions_race(options):
    nearest, fragments = inputs.files(options.folder, "volume")[1], os.path.join(options.folder, "fragments.npy")
    graph = os.path.join(options.folder, "graph")
    cuts = [graph + "-greedy.npy", graph + "-greedy_and_moves.npy"]
    return {"pea": Side(ours(options, "regions", nearest, "smooth", 1, 1, fragments, graph)),
            "pea interior": Side(ours(options, "regions", nearest, "interior", 1, 1)),
            "scikit-image": Side(theirs("fragments_skimage", nearest, 4, 1, fragments)),
            "plain": Side(theirs("multicut_plain", graph + ".peagraph", *cuts))}


def scores_race(options):
    affinity, _, truth = inputs.files(options.folder, "volume")
    labels = os.path.join(options.folder, "labels.npy")
    if not os.path.exists(labels):
        run(Side(ours(options, "mutex_watershed", affinity, "volume", 1, 1, labels)))
    return {"pea": Side(ours(options, "scores", truth, labels, 1, 5)),
            "scikit-image": Side(theirs("scores_skimage", truth, labels, 1))}


def training_race(options, what):
    return {"pea": Side(ours(options, "training_step", what, 1, 1)),
            "PyTorch": Side(theirs("training_step_torch", what, 1, 1))}


def exactness_race(options):
    folder = os.environ.get("PEA_GOLDEN_DIR", os.path.join(HERE, "..", "testdata", "golden"))
    return {"pea": Side([os.path.join(options.build, "tests", "golden", "run_golden"), folder])}


RACES = {
    "plane": lambda o: network_race(o, "plane"),
    "stack": lambda o: network_race(o, "stack"),
    "affinity-plane": lambda o: affinity_race(o, "plane"),
    "affinity-stack": lambda o: affinity_race(o, "stack"),
    "exactness": exactness_race,
    "mutex-volume": lambda o: mutex_race(o, "volume"),
    "mutex-plane": lambda o: mutex_race(o, "plane"),
    "mutex-growth": growth_race,
    "regions": regions_race,
    "scores": scores_race,
    "training-plane": lambda o: training_race(o, "plane"),
    "training-stack": lambda o: training_race(o, "stack"),
    "threads": threads_race,
}


# ---- running ----

def keep_busy():
    """A neighbour on the last of our processors."""
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(child.pid, {max(os.sched_getaffinity(0))})
    return child


def largest_difference(text):
    """Of the affinities, in the words of run_golden."""
    found = re.findall(r"/affinity\w*: largest difference (\S+),", text)
    return max(map(float, found)) if found else float("nan")


def run(side):
    """What the program printed, or None where there is no such thing. Its lists become their medians."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(side.threads))
    if side.cpu:
        environment["PEA_CPU"] = side.cpu
    if not os.path.exists(side.command[0]):
        if side.optional:
            return None
        raise Failure("there is no %s; say: ninja -C BUILD bench" % side.command[0])
    neighbour = keep_busy() if side.neighbour else None
    try:
        done = subprocess.run(side.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    finally:
        if neighbour:
            neighbour.send_signal(signal.SIGKILL)
            neighbour.wait()
    if done.returncode != 0:
        if side.optional:
            return None
        raise Failure("%s failed: %s" % (" ".join(side.command), done.stderr.strip().split("\n")[-1]))
    if not done.stdout.startswith("{"):
        return {"difference": largest_difference(done.stdout)}
    said = json.loads(done.stdout)
    return {key: statistics.median(value) if isinstance(value, list) and key != "zyx" else value
            for key, value in said.items()}


def median(rounds):
    """Of several rounds, number by number; of peaks the largest."""
    made = dict(rounds[-1])
    for key, value in made.items():
        if isinstance(value, float) or isinstance(value, int):
            values = [r[key] for r in rounds]
            made[key] = max(values) if key == "peak_bytes" else statistics.median(values)
    return made


def seconds(side, measured):
    return measured["cpu_seconds" if side.threads == 1 else "seconds"]


def race(sides, rounds):
    measured = {}
    for turn in range(rounds):
        for name, side in list(sides.items()):
            got = run(side)
            if got is None:
                del sides[name]
                continue
            measured.setdefault(name, []).append(got)
        for peer in {side.way_of for side in sides.values()} - {""} if turn == 0 else ():
            ways = [name for name, side in sides.items() if side.way_of == peer]
            best = min(ways, key=lambda name: seconds(sides[name], measured[name][0]))
            for name in ways:
                if name != best:
                    del sides[name]
            measured[peer + " way"] = [{"name": best}]
    return {name: median(got) for name, got in measured.items()}


def idle_share():
    """Of the machine's processors, over two seconds in which we do nothing."""
    def read():
        with open("/proc/stat") as lines:
            return [int(n) for n in lines.readline().split()[1:9]]
    before = read()
    time.sleep(2)
    spent = [b - a for a, b in zip(before, read())]
    return (spent[3] + spent[4]) / max(1, sum(spent))


# ---- the table ----

def text_s(value):
    return "%.3g s" % value if value >= 1 else "%.3g ms" % (1e3 * value)


def against(us, peer, key="cpu_seconds"):
    """Times of two sides; how much faster we are."""
    def of(m):
        them = m[m[peer + " way"]["name"]] if peer + " way" in m else m[peer]
        return text_s(m[us][key]), text_s(them[key]), them[key] / m[us][key]
    return of


def share(us, peer, key="cpu_seconds"):
    """Times of two sides; what part of theirs we take."""
    def of(m):
        return text_s(m[us][key]), text_s(m[peer][key]), m[us][key] / m[peer][key]
    return of


def memory(peer):
    def of(m):
        peak, best = m["pea"]["peak_bytes"], m[peer]["peak_bytes"]
        return "%.0f MB" % (peak / 1e6), "%.0f MB" % (best / 1e6), best / peak
    return of


def two_over_one(who, what, name):
    def of(m):
        one, two = (m["%s %s %s" % (who, what, n)]["seconds"] for n in ("1", name))
        return text_s(one), text_s(two), one / two
    return of


def energy(m):
    """What the multicut found, added up by somebody else; more negative is better."""
    ours, greedy = m["plain"]["given_1"], m["plain"]["energy"]
    return "%.3f" % ours, "%.3f" % greedy, ours / greedy


def quoted(steps, per, unit, figure, side="pea"):
    """A peer that cannot be installed here: its time was taken elsewhere, and so tells the size of things only."""
    def of(m):
        ours = sum(weight * m[side][step] for step, weight in steps.items()) / per(m[side])
        return "%.3g %s" % (ours, unit), "%.3g %s" % (figure, unit), figure / ours
    return of


def fragments(m):
    ours = m["pea"]["fragments"] / (m["pea"]["voxels"] / 512 ** 2)
    peer = m["scikit-image"]["cpu_seconds"] / m["scikit-image"]["planes"]
    return text_s(ours), text_s(peer), peer / ours


def growth(m):
    ns = [1e9 * m[n]["cpu_seconds"] / m[n]["voxels"] for n in GROWTH]
    return "%.0f ns/voxel" % max(ns), "%.0f ns/voxel" % min(ns), max(ns) / min(ns)


def rows():
    made = []
    for what, goals in (("plane", {"eager": (4.5, 3), "best": (3.4, 2.5), "oneDNN": (1.3, 1.0), "bf16": (1.8, 1.4),
                                   "memory": (6, 3), "affinity": (25, 10)}),
                        ("stack", {"eager": (3, 2), "bf16": (2.4, 1.7), "memory": (4, 3), "affinity": (15, 8)})):
        name = NETWORKS[what]
        made.append(Row(what, name, "PyTorch, eager", against("pea", "eager"), *goals["eager"]))
        made.append(Row(what, name, "PyTorch, its fastest way in fp32", against("pea", "best"),
                        *goals.get("best", (None, None))))
        if what == "plane":
            made.append(Row(what, name, "oneDNN 2.6 chained by hand, Winograd", against("pea", "oneDNN"), *goals["oneDNN"]))
        made.append(Row(what, name + ", bf16", "PyTorch, bf16, its fastest way", against("pea bf16", "bf16"),
                        *goals["bf16"]))
        made.append(Row(what, name + ", AVX2", "ours with AVX-512", share("pea avx2", "pea"), None, 1.6, True))
        made.append(Row(what, name + ", peak memory", "PyTorch, eager", memory("eager"), *goals["memory"]))
        made.append(Row("affinity-" + what, "embeddings to affinities, %s" % ("2-D" if what == "plane" else "3-D"),
                        "PyTorch", against("pea", "PyTorch"), *goals["affinity"]))
    made.append(Row("exactness", "affinities beside golden ones, largest difference", "PyTorch, fp32",
                    lambda m: ("%.1e" % m["pea"]["difference"], "", m["pea"]["difference"]), None, 1e-4, True))
    for what in NETWORKS:
        for name, goal in (("2", (1.9, 1.8)), ("2 with a neighbour", (1.2, 0.95))):
            words = "two threads over one" + (", one core taken by other work" if len(name) > 1 else "")
            made.append(Row("threads", "%s: %s" % (NETWORKS[what], words), "itself on one thread",
                            two_over_one("pea", what, name), *goal))
            made.append(Row("threads", "PyTorch, eager: " + words, "itself on one thread",
                            two_over_one("PyTorch", what, name), None, None))
    volume = "mutex watershed, 50 x 512 x 512"
    made.append(Row("mutex-volume", volume, "numpy.argsort of the edges", share("pea", "argsort"), 0.15, 0.25, True))
    made.append(Row("mutex-volume", volume + ", 2 threads", "numpy.argsort of the edges",
                    share("pea 2", "argsort", "seconds"), 0.10, None, True))
    made.append(Row("mutex-volume", volume + ", memory", "117 to 137 (quoted)",
                    lambda m: ("%.1f bytes/voxel" % m["pea"]["bytes_a_voxel"], "", m["pea"]["bytes_a_voxel"]), 25, 40,
                    True))
    made.append(Row("mutex-growth", "the same in slabs, 1 to 200 million voxels: most over least time", "itself", growth, 1.2,
                    None, True))
    made.append(Row("mutex-plane", "mutex watershed, 544 x 544", "numpy.argsort of the edges", share("pea", "argsort"),
                    0.1, 0.3, True))
    steps = {"graph": 1e9, "agglomerate": 1e9, "project": 1e9}
    for side, n in ("pea", "21 000"), ("pea interior", "151 000"):
        made.append(Row("regions", "region graph, agglomeration, projection, 13 million voxels, %s fragments" % n,
                        "waterz on 24 000 (quoted)", quoted(steps, lambda p: p["voxels"], "ns/voxel", 92, side), 5, 3))
    made.append(Row("regions", "seeds and watershed of a plane, 512 x 512", "SciPy and scikit-image", fragments, 8, 5))
    edges = lambda p: p["numbers"]["graph"] / 144e3
    made.append(Row("regions", "multicut of 144 000 edges, greedy", "bioimage-cpp (quoted)",
                    quoted({"greedy": 1e3}, edges, "ms", 70), 1.5, 1))
    made.append(Row("regions", "Kernighan-Lin after it", "bioimage-cpp (quoted)",
                    quoted({"greedy_and_moves": 1e3, "greedy": -1e3}, edges, "ms", 115), 2, 1))
    made.append(Row("regions", "energy of that multicut, the more negative the better", "greedy contraction in Python", energy,
                    None, 1))
    made.append(Row("scores", "all scores, 13 million voxels", "scikit-image: adapted Rand and VOI",
                    against("pea", "scikit-image"), 10, 5))
    for what, name in (("plane", "2-D network, 2 x 256 x 256"), ("stack", "3-D network, 2 x 18 x 160 x 160")):
        words = "whole step of training, %s" % name
        made.append(Row("training-" + what, words, "PyTorch, eager", against("pea", "PyTorch"), 2, 1.2))
        made.append(Row("training-" + what, words + ", peak memory", "PyTorch, eager", memory("PyTorch"),
                        3 if what == "plane" else None, None))
    return made


def verdict(row, value):
    def reached(bound):
        return bound is not None and (value <= bound if row.smaller else value >= bound)
    if row.goal is None and row.floor is None:
        return ""
    if reached(row.goal if row.goal is not None else row.floor):
        return "goal" if row.goal is not None else "yes"
    return "floor" if reached(row.floor) else "missed"


def number(value):
    return "" if value is None else "%.3g" % value if value >= 0.01 else "%.1e" % value


def print_table(results, markdown):
    head = ("what", "peer", "pea", "peer's", "ratio", "goal", "floor", "reached")
    lines = [head]
    for row in rows():
        measured = results.get(row.race)
        if not measured:
            continue
        try:
            us, peer, value = row.of(measured["sides"])
        except KeyError:
            us, peer, value = "", "", None
        lines.append((row.what, row.peer, us, peer, number(value), number(row.goal), number(row.floor),
                      "not measured" if value is None else verdict(row, value)))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for i, line in enumerate(lines):
        if markdown:
            print("| " + " | ".join(line) + " |")
            if i == 0:
                print("| --- | --- |" + " ---: |" * 5 + " --- |")
        else:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def describe(results):
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    print("%s, %d processors." % (model, len(os.sched_getaffinity(0))))
    for name, measured in results.items():
        print("%s %-15s %d rounds, processors %d %% idle before" % (
            measured["date"], name, measured["rounds"], 100 * measured["idle"]))
    for name in NETWORKS:
        sides = results.get(name, {}).get("sides", {})
        ways = ["%s: %s" % (key[:-4], value["name"]) for key, value in sides.items() if key.endswith(" way")]
        if ways:
            print("PyTorch %s, fastest ways of the %s: %s." % (sides["eager"]["torch"], name, ", ".join(ways)))
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"))
    parser.add_argument("--folder", help="where inputs are made and kept; else bench/inputs of the build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=RACES, metavar="RACE", default=list(RACES),
                        help="some of: " + " ".join(RACES))
    parser.add_argument("--print", action="store_true", help="measure nothing")
    parser.add_argument("--markdown", action="store_true", help="a table for docs/performance.md")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.folder = options.folder or os.path.join(options.build, "bench", "inputs")
    path, results, status = os.path.join(options.build, "bench", "results.json"), {}, 0
    if os.path.exists(path):
        with open(path) as stream:
            results = json.load(stream)
    for name in [] if options.print else options.only:
        print("%s %s ..." % (time.strftime("%H:%M:%S"), name), file=sys.stderr, flush=True)
        try:
            sides, idle = RACES[name](options), idle_share()
            rounds = 1 if name in ("exactness", "mutex-growth") else options.rounds
            results[name] = {"date": time.strftime("%Y-%m-%d %H:%M"), "rounds": rounds, "idle": idle,
                             "sides": race(sides, rounds)}
        except (Failure, OSError) as failure:
            print("%s: %s" % (name, failure), file=sys.stderr)
            status = 1
            continue
        with open(path + ".part", "w") as stream:
            json.dump(results, stream, indent=1)
        os.replace(path + ".part", path)
    describe(results)
    print_table(results, options.markdown)
    return status


if __name__ == "__main__":
    sys.exit(main())
