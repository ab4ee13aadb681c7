/* Segmentation.java - instance labels, and what was kept of the way to them.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** The result of a segmentation. It owns its volumes: closing it closes them. */
public final class Segmentation implements AutoCloseable {
    private Segmentation() {}

    /** UINT32 z,y,x,1: instances 1..n without gaps in raster order, 0 is background. */
    public Volume labels() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Number of instances. */
    public long count() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** FLOAT32 z,y,x,k, an affinity for each offset; null where it was not kept. */
    public Volume affinity() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Offsets of the affinities as {z,y,x}; null where they were not kept. */
    public int[][] offsets() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** FLOAT32 z,y,x,c; null where it was not kept. */
    public Volume embedding() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Closes all its volumes. */
    @Override
    public void close() {
        throw new UnsupportedOperationException("not written yet");
    }
}
