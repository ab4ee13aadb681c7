/* Prediction.java - what the network said about an image, kept so that other settings can be tried.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.Map;

/** What the network said about an image; does not need its model to stay open. */
public final class Prediction implements AutoCloseable {
    private Prediction() {}

    /** Whether these settings can be tried without running the network again. */
    public boolean suits(Map<String, String> wishes) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Clusters: the same as {@link Model#segment} would have given. */
    public Segmentation segment(Volume mask, Map<String, String> wishes, Keep keep, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Gives the memory back, as soon as no call uses it any more. */
    @Override
    public void close() {
        throw new UnsupportedOperationException("not written yet");
    }
}
