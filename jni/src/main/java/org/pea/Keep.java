/* Keep.java - what a segmentation keeps besides its labels.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** What a {@link Segmentation} keeps besides labels: {@code Keep.NOTHING.affinity().embedding()}. */
public final class Keep {
    /** Labels alone. */
    public static final Keep NOTHING = new Keep(false, false);

    private final boolean affinity;
    private final boolean embedding;

    private Keep(boolean affinity, boolean embedding) {
        this.affinity = affinity;
        this.embedding = embedding;
    }

    /** This, and the affinities. */
    public Keep affinity() {
        return new Keep(true, embedding);
    }

    /** This, and the embeddings. */
    public Keep embedding() {
        return new Keep(affinity, true);
    }

    /** Whether affinities are kept. */
    public boolean hasAffinity() {
        return affinity;
    }

    /** Whether embeddings are kept. */
    public boolean hasEmbedding() {
        return embedding;
    }

    /* As the natives take it. */
    int bits() {
        return (affinity ? 1 : 0) | (embedding ? 2 : 0);
    }
}
