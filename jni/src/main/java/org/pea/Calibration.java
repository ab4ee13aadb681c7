/* Calibration.java - the size of a voxel in the world.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Edge lengths of a voxel. */
public final class Calibration {
    private static final List<String> MICROMETRES = Arrays.asList("um", "\u00b5m", "\u03bcm", "micron", "microns",
        "micrometer", "micrometers", "micrometre", "micrometres");
    private static final int UNIT_BYTES = 31; // what the library has room for

    private final double z;
    private final double y;
    private final double x;
    private final String unit;

    /**
     * @param unit such as {@code um} or {@code nm}; any spelling of micrometre becomes {@code um}, as in image files
     *     that the library reads, and an empty one {@code pixel}, which stands for unknown
     */
    public Calibration(double z, double y, double x, String unit) {
        if (unit == null)
            throw new NullPointerException("a calibration needs a unit: \"pixel\" where it is unknown");
        this.z = z;
        this.y = y;
        this.x = x;
        this.unit = usual(unit.trim());
    }

    private static String usual(String unit) {
        if (unit.isEmpty() || unit.equals("pixels"))
            return "pixel";
        if (MICROMETRES.contains(unit))
            return "um";
        String shown = unit.replaceAll("\\p{Cntrl}", "?");
        while (shown.getBytes(StandardCharsets.UTF_8).length > UNIT_BYTES)
            shown = shown.substring(0, shown.offsetByCodePoints(shown.length(), -1));
        return shown;
    }

    /** Length along z in {@link #unit}. */
    public double z() {
        return z;
    }

    /** Length along y in {@link #unit}. */
    public double y() {
        return y;
    }

    /** Length along x in {@link #unit}. */
    public double x() {
        return x;
    }

    /** The unit of length. */
    public String unit() {
        return unit;
    }
}
