// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Color;
import java.util.Arrays;

import ij.process.LUT;

/**
 * Colours for labels: 0 is black, then 255 colours, each as far as possible from all before it, in CIELAB. Neither near
 * black nor near white, so that instances are seen on both. The same on every computer: no random numbers.
 */
public final class LabelLut {
    private LabelLut() {}

    /** Name of the lookup table that Fiji's users find under Image > Lookup Tables. */
    public static final String NAME = "PEA labels";

    private static final int LEVELS = 18; // of red, green and blue: 5832 candidates
    private static final int[] COLOURS = choose();

    /** A new one, for one image. */
    public static LUT lut() {
        byte[][] rgb = new byte[3][256];
        for (int i = 0; i < 256; i++)
            for (int c = 0; c < 3; c++)
                rgb[c][i] = (byte) (COLOURS[i] >> 16 - 8 * c);
        return new LUT(rgb[0], rgb[1], rgb[2]);
    }

    /** 768 bytes: a .lut file of ImageJ. */
    static byte[] file() {
        byte[] bytes = new byte[768];
        for (int i = 0; i < 768; i++)
            bytes[i] = (byte) (COLOURS[i % 256] >> 16 - 8 * (i / 256));
        return bytes;
    }

    /** Entry of the table: labels above 255 begin again behind the background. */
    static int index(long label) {
        return label == 0 ? 0 : (int) ((label - 1) % 255) + 1;
    }

    /** Of a label; they begin again after 255. */
    public static Color colour(long label) {
        return new Color(COLOURS[index(label)]);
    }

    private static int[] choose() {
        int n = LEVELS * LEVELS * LEVELS;
        double[][] lab = new double[n][];
        double[] nearest = new double[n];
        for (int i = 0; i < n; i++) {
            lab[i] = lab(candidate(i));
            // dark, pale, grey
            boolean extreme = lab[i][0] < 35 || lab[i][0] > 90 || Math.hypot(lab[i][1], lab[i][2]) < 20;
            nearest[i] = extreme ? -1 : Double.MAX_VALUE;
        }
        int[] colours = new int[256];
        int chosen = LEVELS * LEVELS * (LEVELS - 1); // red
        for (int k = 1; k < 256; k++) {
            colours[k] = candidate(chosen);
            int farthest = 0;
            for (int i = 0; i < n; i++) {
                if (nearest[i] >= 0)
                    nearest[i] = Math.min(nearest[i], squared(lab[i], lab[chosen]));
                if (nearest[i] > nearest[farthest])
                    farthest = i;
            }
            chosen = farthest;
        }
        return colours;
    }

    private static int candidate(int i) {
        int r = i / (LEVELS * LEVELS), g = i / LEVELS % LEVELS, b = i % LEVELS;
        return r * 255 / (LEVELS - 1) << 16 | g * 255 / (LEVELS - 1) << 8 | b * 255 / (LEVELS - 1);
    }

    static double squared(double[] a, double[] b) {
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum += (a[k] - b[k]) * (a[k] - b[k]);
        return sum;
    }

    /** sRGB to CIELAB, white point D65. StrictMath: equal on all computers to the last bit. */
    static double[] lab(int rgb) {
        double[] linear = new double[3];
        for (int c = 0; c < 3; c++) {
            double v = (rgb >> 16 - 8 * c & 255) / 255.0;
            linear[c] = v <= 0.04045 ? v / 12.92 : StrictMath.pow((v + 0.055) / 1.055, 2.4);
        }
        double x = f((0.4124 * linear[0] + 0.3576 * linear[1] + 0.1805 * linear[2]) / 0.9505);
        double y = f(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]);
        double z = f((0.0193 * linear[0] + 0.1192 * linear[1] + 0.9505 * linear[2]) / 1.089);
        return new double[] {116 * y - 16, 500 * (x - y), 200 * (y - z)};
    }

    private static double f(double t) {
        return t > 216.0 / 24389 ? StrictMath.cbrt(t) : (24389.0 / 27 * t + 16) / 116;
    }

    /** For tests: the table in short. */
    static int checksum() {
        return Arrays.hashCode(COLOURS);
    }
}
