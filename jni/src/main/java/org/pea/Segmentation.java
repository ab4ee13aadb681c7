/* Segmentation.java - instance labels, and what was kept of the way to them.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** The result of a segmentation. It owns its volumes: closing it closes them. */
public final class Segmentation implements AutoCloseable {
    private final Volume labels;
    private final long count;
    private final Volume affinity;
    private final Volume embedding;
    private final int[][] offsets;

    /** Owns what the natives returned: labels, their number, affinity or 0, embedding or 0, z,y,x of each offset. */
    Segmentation(long[] made) {
        labels = new Volume(made[0]);
        count = made[1];
        affinity = made[2] == 0 ? null : new Volume(made[2]);
        embedding = made[3] == 0 ? null : new Volume(made[3]);
        offsets = affinity == null ? null : new int[(made.length - 4) / 3][3];
        for (int i = 4; i < made.length; i++)
            offsets[(i - 4) / 3][(i - 4) % 3] = (int) made[i];
    }

    /** z,y,x one after another. */
    static int[] flat(int[][] offsets) {
        int[] triples = new int[3 * offsets.length];
        for (int i = 0; i < offsets.length; i++) {
            if (offsets[i] == null || offsets[i].length != 3)
                throw new PeaException.Argument("offset " + i + " must be {z, y, x}");
            System.arraycopy(offsets[i], 0, triples, 3 * i, 3);
        }
        return triples;
    }

    /** UINT32 z,y,x,1: instances 1..n without gaps in raster order, 0 is background. */
    public Volume labels() {
        return labels;
    }

    /** Number of instances. */
    public long count() {
        return count;
    }

    /** FLOAT32 z,y,x,k, an affinity for each offset; null where it was not kept. */
    public Volume affinity() {
        return affinity;
    }

    /** Offsets of the affinities as {z,y,x}; null where they were not kept. */
    public int[][] offsets() {
        if (offsets == null)
            return null;
        int[][] copy = new int[offsets.length][];
        for (int i = 0; i < copy.length; i++)
            copy[i] = offsets[i].clone();
        return copy;
    }

    /** FLOAT32 z,y,x,c; null where it was not kept. */
    public Volume embedding() {
        return embedding;
    }

    /** Closes all its volumes. */
    @Override
    public void close() {
        labels.close();
        if (affinity != null)
            affinity.close();
        if (embedding != null)
            embedding.close();
    }
}
