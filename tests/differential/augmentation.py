"""augmentation.py - what other programs make of the transformations of samples: testdata/augmentation, with the same
inputs as tests/unit/train/test_augment.c. Needs numpy, scipy, scikit-image and Pillow.
SPDX-License-Identifier: BSD-2-Clause"""
import math
import pathlib

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.transform import resize

SIDE = 40
OUT = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "augmentation"


def u(t, n):
    """The computed numbers in [0,1) of tests/unit/test.h."""
    k = np.arange(n, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    x = (np.uint64(1000003 * (t + 1)) + k) & mask
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x7FEB352D)) & mask
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(0x846CA68B)) & mask
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 4294967296.0


def save(name, array):
    np.save(OUT / f"{name}.npy", np.ascontiguousarray(array))


image = u(40, SIDE * SIDE * 2).reshape(SIDE, SIDE, 2).astype(np.float32)
y, x = np.mgrid[0:SIDE, 0:SIDE]
labels = np.where((y // 7 + x // 5) % 3 > 0, y // 7 * 10 + x // 5 + 1, 0).astype(np.uint32)


def each_channel(f):
    return np.stack([f(image[..., c].astype(np.float64)) for c in range(2)], -1).astype(np.float32)


# Rotation about voxel 20 by 0.7: output (y,x) is taken from centre + R (y - centre, x - centre).
c, s = math.cos(0.7), math.sin(0.7)
matrix = np.array([[c, s], [-s, c]])
offset = np.array([20.0, 20.0]) - matrix @ np.array([20.0, 20.0])
save("rotated", each_channel(lambda a: ndimage.affine_transform(a, matrix, offset, order=1, mode="grid-constant")))
save("rotated_labels", ndimage.affine_transform(labels.astype(np.float64), matrix, offset, order=0,
                                                mode="grid-constant").astype(np.uint32))

# Smooth displacements.
noise = [(16 * (2 * u(t, SIDE * SIDE) - 1)).astype(np.float32).reshape(SIDE, SIDE) for t in (42, 43)]
fields = [ndimage.gaussian_filter(n.astype(np.float64), 4, mode="reflect") for n in noise]
save("smoothed", fields[0].astype(np.float32))
places = np.stack([y + fields[0].astype(np.float32).astype(np.float64),
                   x + fields[1].astype(np.float32).astype(np.float64)])
save("displaced", each_channel(lambda a: ndimage.map_coordinates(a, places, order=1, mode="grid-constant")))
save("displaced_labels", ndimage.map_coordinates(labels.astype(np.float64), places, order=0,
                                                 mode="grid-constant").astype(np.uint32))

# Rows 4..36 (33 of them) stretched, columns -3..43 (47) shrunk.
def part(a):
    return np.pad(a[4:37], ((0, 0), (3, 4)))


save("rescaled", each_channel(lambda a: resize(part(a), (SIDE, SIDE), order=1, mode="reflect", anti_aliasing=True,
                                               preserve_range=True)))
save("rescaled_labels", resize(part(labels), (SIDE, SIDE), order=0, mode="reflect", anti_aliasing=False,
                               preserve_range=True).astype(np.uint32))

# Rows 3..31 and columns 5..37 enlarged, in 8 bits.
bytes_ = (image * 256).astype(np.uint8)
box = (slice(3, 32), slice(5, 38))
save("enlarged", np.stack([np.asarray(Image.fromarray(bytes_[..., c][box]).resize((SIDE, SIDE), Image.BILINEAR))
                           for c in range(2)], -1).astype(np.float32))
save("enlarged_labels", np.asarray(Image.fromarray(labels[box].astype(np.int32), "I")
                                   .resize((SIDE, SIDE), Image.NEAREST)).astype(np.uint32))
