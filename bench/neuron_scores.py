"""Neurons in electron microscopy: a model under every clusterer, beside a watershed without learning.

    bench/neuron_scores.py IMAGE.tif LABELS.tif [MODEL] [--from 200] [--thin 1,3]
                           [--clusterers multicut,agglomerate,mutex=0.8]
                           [--classical N=SETTINGS ...] [--build build/release] [--options "--tile 18,160,160"]
                           [--keep FOLDER] [--markdown]

Of the volume the slices from `--from` on are scored: as they are, and thinned, where every N-th slice makes N volumes, which
imitate serial sections. Each is segmented by `pea segment` on one thread, and compared by `pea score`; a clusterer has the
model's cut, or its own, as `mutex=0.8`. Variation of information (split + merge) and adapted Rand error are means over the
volumes of a thinning and over quarters of the field of view (2 x 2 in y and x, cut after segmentation), which say how much
chance of place is in them: one volume of one animal has no better confidence to offer. `--classical 3=SETTINGS` puts
bench/peers/membrane_watershed.py with these settings, found by its `--tune`, beside the model; seconds are the processor's
for a whole process. Needs Debian's python3-tifffile, and for `--classical` python3-skimage.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import json
import os
import shlex
import sys
import tempfile

import numpy
import tifffile

from model_scores import run

HERE = os.path.dirname(os.path.abspath(__file__))


def sides_of(options, step):
    """Name and command of each line of the table."""
    pea = os.path.join(options.build, "native", "pea")
    for given in options.classical:
        thinning, settings = given.split("=", 1)
        if int(thinning) == step:
            program = [sys.executable, os.path.join(HERE, "peers", "membrane_watershed.py")]
            yield "watershed of intensities", lambda image, labels: program + [image, labels, "--ratio", str(step),
                                                                               "--settings", settings]
    for given in options.clusterers.split(",") if options.model else []:
        clusterer, _, cut = given.partition("=")
        command = [pea, "segment", "-m", options.model, "--clusterer", clusterer, "--threads", "1", "-q"]
        command += (["--cut", cut] if cut else []) + shlex.split(options.options)
        name = clusterer + (", cut " + cut if cut else "")
        yield name, lambda image, labels, command=command: command + [image, "-o", labels]


def score(options, truth, found, folder):
    paths = [os.path.join(folder, name) for name in ("truth.tif", "found.tif")]
    for path, labels in zip(paths, (truth, found)):
        tifffile.imwrite(path, numpy.ascontiguousarray(labels))
    said, _ = run([os.path.join(options.build, "native", "pea"), "score", "--truth", paths[0], "--prediction", paths[1],
                   "--json"])
    return json.loads(said)


def quarters(labels):
    y, x = labels.shape[1] // 2, labels.shape[2] // 2
    return [labels[:, j:j + y, i:i + x] for j in (0, y) for i in (0, x)]


def examine(options, image, truth, step, folder):
    """For each side its scores of whole volumes, of quarters, and the seconds."""
    for name, command_of in sides_of(options, step):
        whole, parts, seconds = [], [], 0.0
        for phase in range(step):
            paths = [os.path.join(folder, "%s.tif" % kind) for kind in ("image", "labels")]
            tifffile.imwrite(paths[0], image[phase::step])
            seconds += run(command_of(*paths))[1]
            found, expected = tifffile.imread(paths[1]), truth[phase::step]
            whole.append(score(options, expected, found, folder))
            parts += [score(options, a, b, folder) for a, b in zip(quarters(expected), quarters(found))]
            if options.keep:
                kept = "%s-%d-%d.tif" % (name.replace(",", "").replace(" ", "-"), step, phase)
                tifffile.imwrite(os.path.join(options.keep, kept), found.astype(numpy.uint32), compression="zlib")
        yield name, whole, parts, seconds


def line(step, name, whole, parts, seconds):
    mean = lambda key: numpy.mean([s[key] for s in whole])
    spread = lambda key: "%.2f-%.2f" % (min(s[key] for s in parts), max(s[key] for s in parts))
    return [str(step), name] + ["%.3f" % mean(k) for k in ("voi_split", "voi_merge", "voi", "arand")] + [
        spread("voi"), spread("arand"), "%.0f" % mean("n_pred"), "%.0f" % mean("n_gt"), "%.1f" % seconds]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("image")
    parser.add_argument("labels")
    parser.add_argument("model", nargs="?")
    parser.add_argument("--from", dest="first", type=int, default=200)
    parser.add_argument("--thin", default="1,3")
    parser.add_argument("--clusterers", default="multicut,agglomerate,mutex")
    parser.add_argument("--classical", action="append", default=[])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--options", default="")
    parser.add_argument("--keep")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    image, truth = (tifffile.imread(path)[options.first:] for path in (options.image, options.labels))
    lines = [["every", "by", "VOI split", "VOI merge", "VOI", "ARAND", "VOI of quarters", "ARAND of quarters", "instances",
              "truth", "s"]]
    with tempfile.TemporaryDirectory() as folder:
        for step in (int(s) for s in options.thin.split(",")):
            lines += [line(step, *found) for found in examine(options, image, truth, step, folder)]
    if options.markdown:
        lines.insert(1, ["---:", "---"] + ["---:"] * (len(lines[0]) - 2))
    for row in lines:
        print("| " + " | ".join(row) + " |" if options.markdown else "  ".join("%-17s" % cell for cell in row).rstrip())


if __name__ == "__main__":
    main()
