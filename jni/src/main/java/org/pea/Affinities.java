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
        Pea.load();
        run = run == null ? new Run() : run;
        int[] triples = Segmentation.flat(Volume.require(offsets, "offsets"));
        try (Handle.Use e = Volume.require(Volume.handle(embedding), "embedding").read()) {
            return new Volume(nativeOfEmbedding(e.address, triples, run.threads(), run.memoryLimit(), run.listener()));
        }
    }

    private static native long nativeOfEmbedding(long embedding, int[] offsets, int threads, long memoryLimit,
                                                 Listener listener);
}
