"""Adapted Rand error and variation of information with scikit-image, a peer of bench/scores.c, which computes all scores:

    scores_skimage.py TRUTH.npy PREDICTION.npy [repeats]

Prints a line of JSON.
SPDX-License-Identifier: BSD-2-Clause
"""
import sys

import numpy
import skimage
from skimage.metrics import adapted_rand_error, variation_of_information

from measure import measure


def main():
    truth, prediction = (numpy.load(path).ravel() for path in sys.argv[1:3])
    measure(lambda: (adapted_rand_error(truth, prediction), variation_of_information(truth, prediction)),
            int(sys.argv[3]) if len(sys.argv) > 3 else 1, skimage=skimage.__version__)


main()
