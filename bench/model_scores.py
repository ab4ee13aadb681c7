"""How well models find what a person marked: one table of scores with confidence intervals.

    bench/model_scores.py IMAGES MODEL... [--classical] [--build build/release] [--options "--threshold 0.7"]
                          [--rows FILE.csv] [--markdown]

IMAGES is a folder of NAME_image.tif and NAME_labels.tif; a model is a file or the name of a bundled one. Each image is
segmented by `pea segment` on one thread, with the model's settings and `--options`, and compared by `pea score`; the mean
over images stands beside the interval that holds 95 of 100 means of images drawn anew with replacement (10 000 times,
percentiles, the same draws for all models). The last column is the gain in AJI over the table's first line, image by image,
and its interval: where that leaves out 0 the difference is more than chance of images. Chance of training is not in it.

`--classical` puts Otsu's threshold with a watershed (bench/peers/otsu_watershed.py) first. Seconds are the processor's for a
whole process: start, reading and writing too. `--rows` keeps the scores of each image. Needs nothing but Python, and for
`--classical` Debian's python3-skimage and python3-tifffile.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import csv
import glob
import json
import os
import random
import resource
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCORES = (("aji_standard", "AJI", 4), ("dice", "Dice", 4), ("pq", "PQ", 4), ("dic_abs", "abs. DiC", 2), ("sbd", "SBD", 4),
          ("aji", "AJI, paper's code", 4))
DRAWS, SEED, SHARE = 10000, 1, 0.95


# ---- images to scores ----

def run(command):
    """What the program printed, and the seconds of processor that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit("%s\nfailed: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def find_images(folder):
    images = sorted(glob.glob(os.path.join(folder, "*_image.tif")))
    if not images:
        sys.exit("%s has no *_image.tif" % folder)
    return images


def examine(options, images, command_of):
    """The scores of each image as a dictionary; `command_of(image, labels)` makes the labels."""
    pea = os.path.join(options.build, "native", "pea")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        labels = os.path.join(folder, "labels.tif")
        for image in images:
            _, seconds = run(command_of(image, labels))
            said, _ = run([pea, "score", "--truth", image.replace("_image.tif", "_labels.tif"), "--prediction", labels,
                           "--json"])
            rows.append(dict(json.loads(said), image=os.path.basename(image)[:-len("_image.tif")], cpu_seconds=seconds))
    return rows


def sides_of(options):
    """Name and command of each line of the table."""
    if options.classical:
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        program = [python, os.path.join(HERE, "peers", "otsu_watershed.py")]
        yield "Otsu's threshold, watershed", lambda image, labels: program + [image, labels]
    for model in options.model:
        command = [os.path.join(options.build, "native", "pea"), "segment", "-m", model, "--threads", "1", "-q"]
        command += shlex.split(options.options)
        yield (os.path.splitext(os.path.basename(model))[0],
               lambda image, labels, command=command: command + [image, "-o", labels])


# ---- scores to a table ----

def mean(values):
    return sum(values) / len(values)


def interval(values):
    """Of the mean, by drawing images anew."""
    chance = random.Random(SEED)
    means = sorted(mean(chance.choices(values, k=len(values))) for _ in range(DRAWS))
    cut = int((1 - SHARE) / 2 * DRAWS)
    return means[cut], means[-1 - cut]


def with_interval(values, digits, sign=""):
    low, high = interval(values)
    return "%%%s.%df [%%%s.%df, %%%s.%df]" % ((sign, digits) * 3) % (mean(values), low, high)


def table(measured):
    first = next(iter(measured.values()))
    yield ["model", "images"] + [title for _, title, _ in SCORES] + ["s/image", "gain in AJI"]
    for name, rows in measured.items():
        gains = [mine["aji_standard"] - its["aji_standard"] for mine, its in zip(rows, first)]
        yield ([name, str(len(rows))] + [with_interval([r[key] for r in rows], digits) for key, _, digits in SCORES] +
               ["%.2f" % mean([r["cpu_seconds"] for r in rows]), "" if rows is first else with_interval(gains, 4, "+")])


def show(lines, markdown):
    lines = list(lines)
    if markdown:
        lines.insert(1, ["---"] + ["---:"] * (len(lines[0]) - 1))
        print("\n".join("| " + " | ".join(line) + " |" for line in lines))
        return
    for line in zip(*lines):  # a column for each model: the rows are wide
        print("%-18s" % line[0] + "".join("  %-26s" % cell for cell in line[1:]).rstrip())


def keep_rows(path, measured):
    keys = ["image", "n_gt", "n_pred"] + [key for key, _, _ in SCORES]
    with open(path, "w", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["model"] + keys)
        for name, images in measured.items():
            rows.writerows([name] + ["%.4f" % r[k] if isinstance(r[k], float) else r[k] for k in keys] for r in images)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("images")
    parser.add_argument("model", nargs="*")
    parser.add_argument("--classical", action="store_true")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--options", default="")
    parser.add_argument("--rows")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    images, measured = find_images(options.images), {}
    for name, command_of in sides_of(options):
        measured[name] = examine(options, images, command_of)
    if not measured:
        sys.exit("name a model, or --classical")
    show(table(measured), options.markdown)
    if options.rows:
        keep_rows(options.rows, measured)


if __name__ == "__main__":
    main()
