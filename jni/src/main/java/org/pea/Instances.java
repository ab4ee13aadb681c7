/* Instances.java - one row for each instance: where it is, how large, how bright, how sure.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.List;

/** A table of instances, in voxels: plain data. */
public final class Instances {
    private Instances() {}

    /**
     * Measures every instance.
     *
     * @param labels UINT32 z,y,x,1
     * @param image of the same z,y,x; null: no intensities
     * @param details with affinities for the confidence; null or without them: no confidence
     */
    public static Instances measure(Volume labels, Volume image, Segmentation details, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Number of instances. */
    public int size() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Labels, ascending. */
    public long[] labels() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Voxels of each. */
    public long[] voxels() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Confidence of each; NaN where it is unknown. */
    public double[] confidence() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Mean of the first channel over each; NaN without an image. */
    public double[] meanIntensity() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** First corner {z,y,x} of the box of row i. */
    public long[] first(int i) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Last corner {z,y,x} of the box of row i, inside. */
    public long[] last(int i) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Centre {z,y,x} of row i; the centre of the first voxel is 0. */
    public double[] centroid(int i) {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * The text that {@code pea segment --table} writes.
     *
     * @param frames one table for each frame, in order
     * @param calibration null: voxels of 1 x 1 x 1 pixel
     */
    public static String csv(List<Instances> frames, Calibration calibration) {
        throw new UnsupportedOperationException("not written yet");
    }
}
