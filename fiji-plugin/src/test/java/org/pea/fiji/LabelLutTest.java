// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.InputStream;

import org.junit.jupiter.api.Test;

import ij.process.LUT;

class LabelLutTest {
    @Test void background_is_black_and_labels_are_neither_black_nor_white() {
        LUT lut = LabelLut.lut();
        assertEquals(0, lut.getRGB(0) & 0xffffff);
        for (int i = 1; i < 256; i++) {
            double lightness = LabelLut.lab(lut.getRGB(i))[0];
            assertTrue(lightness > 34 && lightness < 91, "entry " + i + " has lightness " + lightness);
        }
    }

    @Test void no_two_colours_are_alike_and_the_first_are_far_apart() {
        LUT lut = LabelLut.lut();
        for (int i = 1; i < 256; i++)
            for (int j = 1; j < i; j++) {
                double apart = Math.sqrt(LabelLut.squared(LabelLut.lab(lut.getRGB(i)), LabelLut.lab(lut.getRGB(j))));
                assertTrue(apart > (i <= 20 ? 30 : 6), "entries " + i + " and " + j + ": " + apart);
            }
    }

    @Test void colours_begin_again_behind_the_background() {
        assertEquals(0, LabelLut.index(0));
        assertEquals(1, LabelLut.index(1));
        assertEquals(255, LabelLut.index(255));
        assertEquals(1, LabelLut.index(256));
        assertEquals(LabelLut.colour(3), LabelLut.colour(3 + 255));
    }

    @Test void the_file_in_the_jar_is_made_by_the_same_code() throws Exception {
        try (InputStream in = LabelLut.class.getResourceAsStream("/luts/PEA labels.lut")) {
            assertNotNull(in);
            byte[] bytes = new byte[768];
            new DataInputStream(in).readFully(bytes);
            assertEquals(-1, in.read());
            assertArrayEquals(LabelLut.file(), bytes);
        }
    }
}
