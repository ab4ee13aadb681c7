"""Nuclei without learning: Otsu's threshold, holes filled, and the watershed of the smoothed distance to the background.

    otsu_watershed.py IMAGE.tif LABELS.tif

Of eight ways to set it (image smoothed or not, distances smoothed by 1 or 2 pixels, seeds 7 or 10 pixels apart) this
one has the best AJI on 54 images that models of nuclei train on. Needs scikit-image and tifffile.
SPDX-License-Identifier: BSD-2-Clause
"""
import sys

import numpy
import tifffile
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed


def segment(image, smoothing=2.0, least_distance=7, least_size=25):
    inside = ndimage.binary_fill_holes(image > threshold_otsu(image))
    inside = remove_small_objects(inside, least_size)
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), smoothing)
    peaks = peak_local_max(distance, min_distance=least_distance, labels=ndimage.label(inside)[0], exclude_border=False)
    seeds = numpy.zeros(image.shape, numpy.int32)
    seeds[tuple(peaks.T)] = numpy.arange(1, len(peaks) + 1)
    return watershed(-distance, seeds, mask=inside)


if __name__ == "__main__":
    tifffile.imwrite(sys.argv[2], segment(tifffile.imread(sys.argv[1])).astype(numpy.uint16))
