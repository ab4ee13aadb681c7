/* Calibration.java - the size of a voxel in the world.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** Edge lengths of a voxel. */
public final class Calibration {
    private final double z;
    private final double y;
    private final double x;
    private final String unit;

    /**
     * @param unit such as {@code um}, {@code µm} or {@code nm}; {@code pixel} where the size is unknown
     */
    public Calibration(double z, double y, double x, String unit) {
        if (unit == null)
            throw new NullPointerException("a calibration needs a unit: \"pixel\" where it is unknown");
        this.z = z;
        this.y = y;
        this.x = x;
        this.unit = unit;
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
