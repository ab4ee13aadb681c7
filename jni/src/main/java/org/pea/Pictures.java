/* Pictures.java - instances and embeddings as colours.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** Pictures for people. */
public final class Pictures {
    private Pictures() {}

    /** The image plane in grey or colour with tinted instances and outlines: UINT8 1,y,x,3. */
    public static Volume overlay(Volume imagePlane, Volume labelPlane, Run run) {
        Pea.load();
        run = run == null ? new Run() : run;
        try (Handle.Use image = Volume.require(Volume.handle(imagePlane), "image").read();
             Handle.Use labels = Volume.require(Volume.handle(labelPlane), "labels").read()) {
            return new Volume(
                nativeOverlay(image.address, labels.address, run.threads(), run.memoryLimit(), run.listener()));
        }
    }

    /** The first three principal components of embeddings as red, green and blue: UINT8 z,y,x,3. */
    public static Volume embeddingRgb(Volume embedding, Run run) {
        Pea.load();
        run = run == null ? new Run() : run;
        try (Handle.Use e = Volume.require(Volume.handle(embedding), "embedding").read()) {
            return new Volume(nativeEmbeddingRgb(e.address, run.threads(), run.memoryLimit(), run.listener()));
        }
    }

    private static native long nativeOverlay(long image, long labels, int threads, long memoryLimit, Listener listener);

    private static native long nativeEmbeddingRgb(long embedding, int threads, long memoryLimit, Listener listener);
}
