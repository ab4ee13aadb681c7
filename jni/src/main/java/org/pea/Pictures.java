/* Pictures.java - instances and embeddings as colours.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** Pictures for people. */
public final class Pictures {
    private Pictures() {}

    /** The image plane in grey or colour with tinted instances and outlines: UINT8 1,y,x,3. */
    public static Volume overlay(Volume imagePlane, Volume labelPlane, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** The first three principal components of embeddings as red, green and blue: UINT8 z,y,x,3. */
    public static Volume embeddingRgb(Volume embedding, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }
}
