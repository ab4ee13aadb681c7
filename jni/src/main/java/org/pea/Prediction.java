/* Prediction.java - what the network said about an image, kept so that other settings can be tried.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.Map;

/**
 * What the network said about an image; does not need its model to stay open.
 *
 * Wishes are made in place of the model's own settings, each time anew: those that {@link Model#predict} had must be
 * repeated.
 */
public final class Prediction implements AutoCloseable {
    private final Handle handle;
    private final long z;
    private final long y;
    private final long x;

    /** Owns what the address stands for; z,y,x are those of the image. */
    Prediction(long address, long z, long y, long x) {
        handle = new Handle(this, "prediction", address, Prediction::nativeFree);
        this.z = z;
        this.y = y;
        this.x = x;
    }

    /** Whether these settings can be tried without running the network again. */
    public boolean suits(Map<String, String> wishes) {
        byte[] packed = Texts.pack(wishes);
        try (Handle.Use prediction = handle.use()) {
            return nativeSuits(prediction.address, packed);
        }
    }

    /**
     * Clusters: the same as {@link Model#segment} would have given.
     *
     * @throws PeaException.Argument for wishes that do not suit
     */
    public Segmentation segment(Volume mask, Map<String, String> wishes, Keep keep, Run run) {
        run = run == null ? new Run() : run;
        int kept = keep == null ? 0 : keep.bits();
        byte[] packed = Texts.pack(wishes);
        try (Handle.Use prediction = handle.use(); Handle.Use m = Handle.Use.readOrNone(Volume.handle(mask))) {
            return new Segmentation(nativeSegment(prediction.address, z, y, x, m.address, packed, kept, run.threads(),
                run.memoryLimit(), run.listener()));
        }
    }

    /** Gives the memory back, as soon as no call uses it any more. */
    @Override
    public void close() {
        handle.close();
    }

    private static native void nativeFree(long prediction);

    private static native boolean nativeSuits(long prediction, byte[] wishes);

    private static native long[] nativeSegment(long prediction, long z, long y, long x, long mask, byte[] wishes,
                                               int keep, int threads, long memoryLimit, Listener listener);
}
