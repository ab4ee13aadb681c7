"""leaf_watershed.py - leaves without learning, as a peer of the model of leaves: excess green above Otsu's threshold, then a
watershed of the distance to the background from its peaks.

    leaf_watershed.py FOLDER OUT [--apart PIXELS] [--smooth SIGMA] [--mask true]

For each NAME_image.png of FOLDER writes OUT/NAME_labels.tif; `pea score --truth FOLDER --prediction OUT` compares. With
--mask true the foreground is that of FOLDER/NAME_labels.tif, as in the experiments of the paper: only parting leaves is left.
SPDX-License-Identifier: BSD-2-Clause"""
import argparse
import pathlib

import numpy as np
import tifffile
from scipy import ndimage
from skimage import feature, filters, io, morphology, segmentation


def greenest(image):
    red, green, blue = (image[..., c].astype(float) for c in range(3))
    excess = ndimage.gaussian_filter((2 * green - red - blue) / np.maximum(1.0, red + green + blue), 1.0)
    return morphology.remove_small_objects(excess > filters.threshold_otsu(excess), 64)


def leaves(plant, apart, smooth):
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(plant), smooth)
    peaks = feature.peak_local_max(distance, min_distance=apart, labels=plant.astype(int), exclude_border=False)
    markers = np.zeros(plant.shape, int)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-distance, markers, mask=plant)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("--apart", type=int, default=15)
    options.add_argument("--smooth", type=float, default=1.0)
    options.add_argument("--mask", choices=["green", "true"], default="green")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(given.folder.glob("*_image.png")):
        name = path.name.replace("_image.png", "_labels.tif")
        plant = tifffile.imread(given.folder / name) > 0 if given.mask == "true" else greenest(io.imread(path)[..., :3])
        tifffile.imwrite(given.out / name, leaves(plant, given.apart, given.smooth).astype(np.uint16))


if __name__ == "__main__":
    main()
