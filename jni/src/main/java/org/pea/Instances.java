/* Instances.java - one row for each instance: where it is, how large, how bright, how sure.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.Arrays;
import java.util.List;

/** A table of instances, in voxels: plain data. */
public final class Instances {
    /* Order of the numbers of a row, as the natives give them. */
    private static final int INTEGERS = 8; // label, voxels, first z,y,x, last z,y,x
    private static final int REALS = 5; // centroid z,y,x, mean intensity, confidence

    private final long[] integers;
    private final double[] reals;
    private final int axes;

    private Instances(long[] integers, double[] reals, int axes) {
        this.integers = integers;
        this.reals = reals;
        this.axes = axes;
    }

    /**
     * Measures every instance.
     *
     * @param labels UINT32 z,y,x,1
     * @param image of the same z,y,x; null: no intensities
     * @param details with affinities for the confidence; null or without them: no confidence
     */
    public static Instances measure(Volume labels, Volume image, Segmentation details, Run run) {
        Pea.load();
        run = run == null ? new Run() : run;
        Volume affinity = details == null ? null : details.affinity();
        int[] offsets = affinity == null ? null : Segmentation.flat(details.offsets());
        long table;
        try (Handle.Use l = Volume.require(Volume.handle(labels), "labels").read();
             Handle.Use i = Handle.Use.readOrNone(Volume.handle(image));
             Handle.Use a = Handle.Use.readOrNone(Volume.handle(affinity))) {
            table = nativeMeasure(l.address, i.address, a.address, offsets, run.threads(), run.memoryLimit(),
                run.listener());
        }
        try {
            return new Instances(nativeIntegers(table), nativeReals(table), nativeAxes(table));
        } finally {
            nativeFree(table);
        }
    }

    /** Number of instances. */
    public int size() {
        return integers.length / INTEGERS;
    }

    /** Labels, ascending. */
    public long[] labels() {
        return column(0);
    }

    /** Voxels of each. */
    public long[] voxels() {
        return column(1);
    }

    /** Confidence of each; NaN where it is unknown. */
    public double[] confidence() {
        return realColumn(4);
    }

    /** Mean of the first channel over each; NaN without an image. */
    public double[] meanIntensity() {
        return realColumn(3);
    }

    /** First corner {z,y,x} of the box of row i. */
    public long[] first(int i) {
        return Arrays.copyOfRange(integers, row(i) * INTEGERS + 2, row(i) * INTEGERS + 5);
    }

    /** Last corner {z,y,x} of the box of row i, inside. */
    public long[] last(int i) {
        return Arrays.copyOfRange(integers, row(i) * INTEGERS + 5, row(i) * INTEGERS + 8);
    }

    /** Centre {z,y,x} of row i; the centre of the first voxel is 0. */
    public double[] centroid(int i) {
        return Arrays.copyOfRange(reals, row(i) * REALS, row(i) * REALS + 3);
    }

    /**
     * The text that {@code pea segment --table} writes.
     *
     * @param frames one table for each frame, in order
     * @param calibration null: voxels of 1 x 1 x 1 pixel
     * @throws PeaException.Argument for no frame at all
     */
    public static String csv(List<Instances> frames, Calibration calibration) {
        Pea.load();
        long[][] integers = new long[frames.size()][];
        double[][] reals = new double[frames.size()][];
        int[] axes = new int[frames.size()];
        for (int i = 0; i < axes.length; i++) {
            integers[i] = frames.get(i).integers;
            reals[i] = frames.get(i).reals;
            axes[i] = frames.get(i).axes;
        }
        Calibration c = calibration == null ? new Calibration(1, 1, 1, "pixel") : calibration;
        return Texts.of(nativeCsv(integers, reals, axes, c.z(), c.y(), c.x(), Texts.bytes(c.unit())));
    }

    private int row(int i) {
        if (i < 0 || i >= size())
            throw new IndexOutOfBoundsException("row " + i + " of " + size());
        return i;
    }

    private long[] column(int which) {
        long[] values = new long[size()];
        for (int i = 0; i < values.length; i++)
            values[i] = integers[i * INTEGERS + which];
        return values;
    }

    private double[] realColumn(int which) {
        double[] values = new double[size()];
        for (int i = 0; i < values.length; i++)
            values[i] = reals[i * REALS + which];
        return values;
    }

    private static native long nativeMeasure(long labels, long image, long affinity, int[] offsets, int threads,
                                             long memoryLimit, Listener listener);

    private static native void nativeFree(long table);

    private static native int nativeAxes(long table);

    private static native long[] nativeIntegers(long table);

    private static native double[] nativeReals(long table);

    private static native byte[] nativeCsv(long[][] integers, double[][] reals, int[] axes, double z, double y,
                                           double x, byte[] unit);
}
