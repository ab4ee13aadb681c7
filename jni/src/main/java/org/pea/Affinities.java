/* Affinities.java - from embeddings to affinities, for those who have their own.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** How alike voxels are. */
public final class Affinities {
    private Affinities() {}

    /**
     * Affinities of embeddings: FLOAT32 z,y,x,k, negative ones as 0, no edge across the border.
     *
     * @param offsets {z,y,x} each
     */
    public static Volume ofEmbedding(Volume embedding, int[][] offsets, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }
}
