// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import org.pea.Volume;

import ij.gui.Overlay;

/** Outlines of instances in the colours of {@link LabelLut}, to be drawn on an image. */
public final class LabelOverlay {
    private LabelOverlay() {}

    /** Name of all our elements, so that a new overlay replaces the old one and nothing else of the user's. */
    static final String MARK = "PEA";

    /**
     * One plane.
     * @param labels  uint32 (z,y,x,1)
     * @param z       which plane of it
     * @param x       of the labels' corner in the image, as a selection's bounds; y likewise
     */
    public static Overlay plane(Volume labels, long z, int x, int y) {
        throw new UnsupportedOperationException();
    }

    /** All frames and slices, each outline bound to its slice, or slice and frame of a hyperstack. */
    public static Overlay of(Result result) {
        throw new UnsupportedOperationException();
    }

    /** The old overlay without our elements, and the new ones behind. Null counts as empty. */
    public static Overlay replace(Overlay old, Overlay ours) {
        throw new UnsupportedOperationException();
    }
}
