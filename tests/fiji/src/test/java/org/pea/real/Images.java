// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.nio.file.Path;

import ij.IJ;
import ij.ImagePlus;
import ij.measure.Calibration;

/** Label images compared to the last bit. */
final class Images {
    private Images() {}

    static ImagePlus open(Path file) {
        ImagePlus image = IJ.openImage(file.toString());
        assertNotNull(image, "ImageJ cannot open " + file);
        return image;
    }

    static void assertSame(ImagePlus expected, ImagePlus found, String what) {
        assertNotNull(found, what + ": there is no label image");
        assertEquals(expected.getBitDepth(), found.getBitDepth(), what + ": type");
        assertArrayEquals(expected.getDimensions(), found.getDimensions(), what + ": width, height, channels, slices, frames");
        assertSame(expected.getCalibration(), found.getCalibration(), what);
        for (int i = 1; i <= expected.getStackSize(); i++)
            assertPixels(expected.getStack().getPixels(i), found.getStack().getPixels(i), what + ": plane " + i);
    }

    private static void assertSame(Calibration expected, Calibration found, String what) {
        assertEquals(expected.pixelWidth, found.pixelWidth, 1e-9, what + ": pixel width");
        assertEquals(expected.pixelHeight, found.pixelHeight, 1e-9, what + ": pixel height");
        assertEquals(expected.pixelDepth, found.pixelDepth, 1e-9, what + ": voxel depth");
        assertEquals(unit(expected), unit(found), what + ": unit");
    }

    /* ImageJ opens a TIFF without a unit as one with an empty unit, and saves that as pixels. */
    private static String unit(Calibration c) {
        return c.getUnits().trim().isEmpty() ? "pixels" : c.getUnits();
    }

    private static void assertPixels(Object expected, Object found, String what) {
        if (expected instanceof byte[])
            assertArrayEquals((byte[]) expected, (byte[]) found, what);
        else if (expected instanceof short[])
            assertArrayEquals((short[]) expected, (short[]) found, what);
        else
            assertArrayEquals((float[]) expected, (float[]) found, what);
    }
}
