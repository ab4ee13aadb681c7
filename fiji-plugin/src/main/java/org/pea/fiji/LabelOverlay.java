// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.List;

import org.pea.Volume;

import ij.gui.Overlay;
import ij.gui.Roi;

/** Outlines of instances in the colours of {@link LabelLut}, to be drawn on an image. */
public final class LabelOverlay {
    private LabelOverlay() {}

    /** Property of all our elements, so that a new overlay replaces the old one and nothing else of the user's. */
    static final String MARK = "PEA";

    /**
     * One plane.
     * @param labels  uint32 (z,y,x,1)
     * @param z       which plane of it
     * @param x       of the labels' corner in the image, as a selection's bounds; y likewise
     */
    public static Overlay plane(Volume labels, long z, int x, int y) {
        int[] plane = new int[Math.toIntExact(labels.y() * labels.x())];
        labels.get(z, 0, plane);
        List<Roi> rois = LabelRois.plane(plane, (int) labels.x());
        for (Roi roi : rois) {
            roi.setStrokeColor(LabelLut.colour(Long.parseLong(roi.getName())));
            roi.setLocation(roi.getXBase() + x, roi.getYBase() + y);
        }
        return overlay(rois);
    }

    /** All frames and slices, each outline bound to its slice, or slice and frame of a hyperstack. */
    public static Overlay of(Result result) {
        return overlay(LabelRois.of(result));
    }

    static Overlay overlay(List<Roi> rois) {
        Overlay overlay = new Overlay();
        for (Roi roi : rois) {
            roi.setProperty(MARK, "outline");
            overlay.add(roi);
        }
        return overlay;
    }

    /** The old overlay without our elements, and the new ones behind. Null counts as empty. */
    public static Overlay replace(Overlay old, Overlay ours) {
        Overlay all = new Overlay();
        for (Overlay from : new Overlay[] {old, ours})
            for (int i = 0; from != null && i < from.size(); i++)
                if (from == ours || from.get(i).getProperty(MARK) == null)
                    all.add(from.get(i));
        return all;
    }
}
