// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import org.pea.Listener;

import ij.ImagePlus;

/** The work: pixels to native memory, the library's call for each frame, results. Opens no window, changes no image. */
public final class InstanceSegmentation {
    private final Request request;
    private Listener listener;

    public InstanceSegmentation(Request request) {
        this.request = request;
    }

    /** Who is told how far it is, and may stop it. */
    public InstanceSegmentation progress(Listener to) {
        listener = to;
        return this;
    }

    /**
     * @return close it when its results have been taken
     * @throws org.pea.PeaException           what the library says; {@code Cancelled} when the listener stopped it
     * @throws IllegalArgumentException       a request that does not fit the image
     * After a failure nothing is left in native memory, and the image is as it was.
     */
    public Result apply(ImagePlus image) {
        throw new UnsupportedOperationException();
    }
}
