"""The part of the volume that may be learnt from: slices 0 to 199 of 250, with their size in the files.

    cut.py FOLDER OUT

FOLDER has medulla_sample2_image.tif and medulla_sample2_labels.tif, 250 x 250 x 250 voxels of 10 nm. The last 50 slices are
for bench/neuron_scores.py alone. Needs Debian's python3-tifffile.
SPDX-License-Identifier: BSD-2-Clause
"""
import os
import sys

import tifffile

os.makedirs(sys.argv[2], exist_ok=True)
for kind in ("image", "labels"):
    volume = tifffile.imread(os.path.join(sys.argv[1], "medulla_sample2_%s.tif" % kind))
    tifffile.imwrite(os.path.join(sys.argv[2], "medulla_%s.tif" % kind), volume[:200], imagej=True, resolution=(100, 100),
                     metadata={"axes": "ZYX", "spacing": 0.01, "unit": "um"})
