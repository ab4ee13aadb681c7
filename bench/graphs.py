"""Time and memory against the size of an image, against threads, and against the size of a volume, as pictures:

    bench/graphs.py [--build build/release] [--again] [--only size threads volume] [--largest SIDE]

Measures the points that bench/results/*.csv lacks (`--again`: all), one after another, writes each there as soon as it is
known, and draws docs/images/performance-*.png from what is there. Times are the processor's of one thread, but against
threads by the clock: that picture needs a machine that does nothing else. Needs what bench/table.py needs, and
python3-matplotlib.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import csv
import os
import sys
import time

import inputs
import table

RESULTS = os.path.join(table.HERE, "results")
PICTURES = os.path.join(table.HERE, "..", "docs", "images")
COLUMNS = ("series", "at", "seconds", "bytes", "date")
SIDES = (256, 512, 1024, 2048, 4096, 8192, 20000)  # of a square image, multiples of 16
THREADS = (1, 2, 4)
VOLUMES = ((22, 216), (34, 348), (50, 512), (80, 812), (125, 1268))  # slices and their side: of like proportions

# Told apart by light and dark and by their marks as well: series, label, colour, mark, line.
STYLES = {
    "pea-rows": ("pea, by rows", "#0072B2", "o", "-"),
    "pea-rows-bf16": ("pea, by rows, bf16", "#56B4E9", "D", "-"),
    "pea": ("pea", "#0072B2", "s", "--"),
    "eager": ("PyTorch, eager", "#D55E00", "^", "-"),
    "best": ("PyTorch, its fastest way in fp32", "#E69F00", "v", "-"),
    "bf16": ("PyTorch, bf16, its fastest way", "#CC79A7", "<", "-"),
    "oneDNN": ("oneDNN chained by hand", "#009E73", "P", "-"),
    "pea-plane": ("pea, 2-D", "#0072B2", "o", "-"),
    "pea-stack": ("pea, 3-D", "#56B4E9", "D", "-"),
    "eager-plane": ("PyTorch, eager, 2-D", "#D55E00", "^", "-"),
    "eager-stack": ("PyTorch, eager, 3-D", "#E69F00", "v", "-"),
    "pea-slabs": ("pea, in slabs", "#0072B2", "o", "-"),
    "argsort": ("numpy.argsort of the edges", "#D55E00", "^", "-"),
}


# ---- points: what is measured for each; (seconds, bytes) or None where there is no such thing ----

def measured(command, threads=1, neighbour=False):
    side = table.Side(command, threads, neighbour=neighbour, optional=True)
    got = table.run(side)
    return got and (table.seconds(side, got), got)


def fits(n_bytes):
    """Whether the machine has that much memory free, and a tenth more."""
    with open("/proc/meminfo") as lines:
        free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    return 1.1 * n_bytes < free


def size_points(options):
    """Bytes a pixel of a whole pass, roughly, tell what is not tried."""
    ways = {"pea": lambda n: table.ours(options, "forward", "plane", 1, 1, "fp32", n, n),
            "eager": lambda n: table.theirs("forward_torch", "plane", 1, 1, "eager", n, n),
            "best": lambda n: table.theirs("forward_torch", "plane", 1, 1, "frozen_channels_last", n, n),
            "bf16": lambda n: table.theirs("forward_torch", "plane", 1, 1, "bf16_channels_last", n, n),
            "oneDNN": lambda n: table.ours(options, "onednn_plane", 1, 1, "fastest", n)}
    need = {"pea": 420, "eager": 2700, "best": 3000, "bf16": 3300, "oneDNN": 3000}
    for n in SIDES:
        for series, precision in (("pea-rows", "fp32"), ("pea-rows-bf16", "bf16")):
            if n <= options.largest:
                yield series, n, lambda p=precision, n=n: measured(table.ours(options, "rows", n, n, 1, 1, p))
        for series, command in ways.items():
            if fits(need[series] * n * n) and n <= (1024 if series == "oneDNN" else 4096):  # it tries every layer first
                yield series, n, lambda c=command, n=n: measured(c(n))


def threads_points(options):
    for what in table.NETWORKS:
        for n in THREADS:
            for neighbour in (False, True):
                suffix = "-%s%s" % (what, "-neighbour" if neighbour else "")
                yield "pea" + suffix, n, lambda a=(what, n, neighbour): measured(
                    table.ours(options, "forward", a[0], a[1], 5), max(2, a[1]), a[2])
                yield "eager" + suffix, n, lambda a=(what, n, neighbour): measured(
                    table.theirs("forward_torch", a[0], a[1], 2), max(2, a[1]), a[2])


def volume_points(options):
    affinity = inputs.files(options.folder, "volume")[0]

    def slabs(z, side):
        extents = "%dx%dx%d" % (z, side, side)
        seconds, got = measured(table.ours(options, "mutex_watershed", affinity, "volume", 1, 3, extents))
        return seconds, dict(got, peak_bytes=got["bytes_a_voxel"] * got["voxels"])

    def argsort(z, side):
        seconds, got = measured(table.theirs("argsort", affinity, "volume", 3, z, side))
        return seconds, dict(got, peak_bytes=8 * got["edges"])

    for z, side in VOLUMES:
        yield "pea-slabs", z * side * side, lambda z=z, side=side: slabs(z, side)
        if z <= 80 and fits(100 * z * side * side):
            yield "argsort", z * side * side, lambda z=z, side=side: argsort(z, side)


# ---- what was measured ----

def read(name):
    path = os.path.join(RESULTS, name + ".csv")
    if not os.path.exists(path):
        return {}
    with open(path, newline="") as stream:
        return {(row["series"], int(row["at"])): row for row in csv.DictReader(stream)}


def write(name, points):
    os.makedirs(RESULTS, exist_ok=True)
    path = os.path.join(RESULTS, name + ".csv")
    with open(path + ".part", "w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(points[key] for key in sorted(points))
    os.replace(path + ".part", path)


def measure(name, points_of, options):
    points = {} if options.again else read(name)
    for series, at, work in points_of(options):
        if (series, at) in points:
            continue
        print("%s %s: %s at %d ..." % (time.strftime("%H:%M:%S"), name, series, at), file=sys.stderr, flush=True)
        got = work()
        if got is None:
            continue
        points[series, at] = {"series": series, "at": at, "seconds": "%.4g" % got[0],
                              "bytes": "%.0f" % got[1]["peak_bytes"], "date": time.strftime("%Y-%m-%d")}
        write(name, points)
    return points


# ---- pictures ----

def lines(points, value):
    """Of each series, in the order of STYLES: its name and the lists of where and what."""
    for series in STYLES:
        found = sorted((at, value(row)) for (name, at), row in points.items() if name == series)
        if found:
            yield series, [at for at, _ in found], [v for _, v in found]


def panel(axes, points, value, x_of, title, x_label, y_label):
    for series, at, values in lines(points, value):
        label, colour, mark, line = STYLES[series]
        axes.plot([x_of(a) for a in at], values, color=colour, marker=mark, linestyle=line, label=label, markersize=6,
                  linewidth=1.6)
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def plain_ticks(axis, ticks, labels):
    from matplotlib import ticker
    axis.set_major_locator(ticker.FixedLocator(ticks))
    axis.set_major_formatter(ticker.FixedFormatter(labels))
    axis.set_minor_locator(ticker.NullLocator())


def finish(figure, axes, name, bottom=0.26):
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=3, frameon=False, fontsize=9)
    figure.subplots_adjust(left=0.08, right=0.98, top=0.92, bottom=bottom, wspace=0.22)
    figure.savefig(os.path.join(PICTURES, "performance-%s.png" % name), dpi=110)
    print("docs/images/performance-%s.png" % name)


def two_panels():
    from matplotlib import pyplot
    return pyplot.subplots(1, 2, figsize=(10, 4.6))


def draw_size(points):
    figure, (left, right) = two_panels()
    side_label = "side of the image, pixels"
    panel(left, points, lambda row: 1e6 * float(row["seconds"]) / int(row["at"]) ** 2, float,
          "Time of a pass of the 2-D network, one thread", side_label, "seconds for a million pixels")
    panel(right, points, lambda row: float(row["bytes"]) / 1e9, float, "Peak memory of the process", side_label,
          "gigabytes")
    right.set_yscale("log")
    left.set_ylim(bottom=0)
    plain_ticks(right.yaxis, [0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    for axes in (left, right):
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, SIDES, [format(n, ",").replace(",", " ") for n in SIDES])
    finish(figure, left, "size")


def draw_threads(points):
    figure, panels = two_panels()
    for axes, suffix, title in ((panels[0], "", "Nothing else on the machine"),
                                (panels[1], "-neighbour", "One core taken by other work")):
        chosen = {}
        for (series, at), row in points.items():
            name = series[:-len("-neighbour")] if series.endswith("-neighbour") else series
            if series == name + suffix and (name, 1) in points:  # beside one thread without a neighbour
                speed = float(points[name, 1]["seconds"]) / float(row["seconds"])
                chosen[name, at] = dict(row, seconds=speed)
        panel(axes, chosen, lambda row: row["seconds"], float, title, "threads", "speed over one thread and no neighbour")
        axes.set_ylim(0, 2.1)
        plain_ticks(axes.xaxis, THREADS, [str(n) for n in THREADS])
        axes.axhline(1, color="#888888", linewidth=0.8)
    finish(figure, panels[0], "threads")


def draw_volume(points):
    figure, (left, right) = two_panels()
    label = "million voxels"
    panel(left, points, lambda row: 1e9 * float(row["seconds"]) / int(row["at"]), lambda at: at / 1e6,
          "Mutex watershed, 12 offsets, one thread", label, "nanoseconds a voxel")
    panel(right, points, lambda row: float(row["bytes"]) / int(row["at"]), lambda at: at / 1e6,
          "Memory besides input and labels", label, "bytes a voxel")
    left.set_ylim(bottom=0)
    right.set_ylim(0, 150)
    right.axhspan(117, 137, color="#BBBBBB", alpha=0.6, linewidth=0)
    right.text(1.1, 140, "mutex watersheds in use (quoted)", fontsize=9, color="#444444")
    for axes in (left, right):
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, [1, 3, 10, 30, 100, 200], ["1", "3", "10", "30", "100", "200"])
    finish(figure, left, "volume", 0.21)


GRAPHS = {"size": (size_points, draw_size), "threads": (threads_points, draw_threads),
          "volume": (volume_points, draw_volume)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(table.HERE, "..", "build", "release"))
    parser.add_argument("--folder", help="where inputs are made and kept; else bench/inputs of the build")
    parser.add_argument("--again", action="store_true", help="measure all points anew")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--only", nargs="+", choices=GRAPHS, default=list(GRAPHS))
    parser.add_argument("--largest", type=int, default=max(SIDES), help="side of the largest image, which takes a quarter of an hour")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.folder = options.folder or os.path.join(options.build, "bench", "inputs")
    import matplotlib
    matplotlib.use("Agg")
    for name in options.only:
        points_of, draw = GRAPHS[name]
        points = read(name) if options.draw else measure(name, points_of, options)
        if points:
            draw(points)


if __name__ == "__main__":
    main()
