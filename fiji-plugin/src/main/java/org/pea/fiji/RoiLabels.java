// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.pea.Dtype;
import org.pea.Volume;

import ij.ImagePlus;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.gui.TextRoi;
import ij.plugin.frame.RoiManager;
import ij.process.ImageProcessor;

/**
 * Selections that a person drew become labels: each is an instance, later ones lie on top. In a stack a selection
 * counts on its slice; one without a slice counts on all, as ImageJ shows it. Those named alike but for "-z3" are one
 * instance through the slices, as our own are named.
 */
final class RoiLabels {
    /** Words in place of a label image's title. */
    static final String MANAGER = "rois", OVERLAY = "overlay";

    private final List<Roi> areas = new ArrayList<>();
    private final Map<String, Integer> numbers = new HashMap<>();
    /** Indices of areas. */
    private final Set<Integer> placed = new HashSet<>(), overlapped = new HashSet<>(), hidden = new HashSet<>();
    private int others;

    RoiLabels(Roi[] rois) {
        for (Roi roi : rois)
            if (roi.isArea() && !(roi instanceof TextRoi || roi instanceof ImageRoi)) // these are boxes for ImageJ
                areas.add(roi);
            else
                others++;
    }

    /** Of the ROI Manager; empty where there is none. */
    static Roi[] managed() {
        RoiManager manager = RoiManager.getInstance2();
        return manager == null ? new Roi[0] : manager.getRoisAsArray();
    }

    /** Of an image's overlay; empty where there is none. */
    static Roi[] drawn(ImagePlus image) {
        Overlay overlay = image.getOverlay();
        return overlay == null ? new Roi[0] : overlay.toArray();
    }

    int count() {
        return areas.size();
    }

    /** Labels of one frame, uint32 (z,y,x,1). */
    Volume of(ImagePlus image, int frame) {
        int width = image.getWidth(), height = image.getHeight();
        Volume labels = new Volume(Dtype.UINT32, image.getNSlices(), height, width, 1);
        try {
            for (int z = 0; z < image.getNSlices(); z++)
                labels.put(z, 0, plane(image, z, frame));
            return labels;
        } catch (RuntimeException | Error e) {
            labels.close();
            throw e;
        }
    }

    private int[] plane(ImagePlus image, int z, int frame) {
        int width = image.getWidth();
        int[] numbersAt = new int[width * image.getHeight()], owner = new int[numbersAt.length];
        int[] left = new int[areas.size()], drawn = new int[areas.size()];
        for (int i = 0; i < areas.size(); i++)
            if (isOn(areas.get(i), image, z + 1, frame + 1))
                draw(i, width, image.getHeight(), numbersAt, owner, drawn);
        for (int o : owner)
            if (o > 0)
                left[o - 1]++;
        for (int i = 0; i < left.length; i++) {
            if (drawn[i] > 0)
                placed.add(i);
            if (left[i] < drawn[i])
                (left[i] == 0 ? hidden : overlapped).add(i);
        }
        return numbersAt;
    }

    private static boolean isOn(Roi roi, ImagePlus image, int slice, int frame) {
        if (roi.hasHyperStackPosition())
            return (roi.getZPosition() == 0 || roi.getZPosition() == slice)
                && (roi.getTPosition() == 0 || roi.getTPosition() == frame);
        if (roi.getPosition() == 0 || image.getStackSize() == 1)
            return true;
        if (roi.getPosition() > image.getStackSize())
            return false; // of a longer stack
        int[] at = image.convertIndexToPosition(roi.getPosition()); // channel, slice, frame
        return at[1] == slice && at[2] == frame;
    }

    private void draw(int index, int width, int height, int[] numbersAt, int[] owner, int[] drawn) {
        Roi roi = areas.get(index);
        Rectangle box = roi.getBounds(), inside = box.intersection(new Rectangle(0, 0, width, height));
        ImageProcessor mask = roi.getMask();
        int number = number(roi, index);
        for (int y = inside.y; y < inside.y + inside.height; y++)
            for (int x = inside.x; x < inside.x + inside.width; x++)
                if (mask == null || mask.get(x - box.x, y - box.y) != 0) {
                    numbersAt[y * width + x] = number;
                    owner[y * width + x] = index + 1;
                    drawn[index]++;
                }
    }

    private int number(Roi roi, int index) {
        String name = roi.getName(), base = name == null ? "" : name.replaceAll("-z\\d+(-t\\d+)?$", "");
        String key = base.equals(name) || base.isEmpty() ? "#" + index : base;
        return numbers.computeIfAbsent(key, k -> numbers.size() + 1);
    }

    /** What a person should know, once the labels are made; empty: nothing. */
    String notes() {
        List<String> notes = new ArrayList<>();
        if (!overlapped.isEmpty())
            notes.add(some(overlapped.size(), "ROI lies", "ROIs lie") + " partly under later ones: where they overlap"
                + " the later one counts");
        if (!hidden.isEmpty())
            notes.add(some(hidden.size(), "ROI lies", "ROIs lie") + " wholly under later ones and"
                + (hidden.size() == 1 ? " is" : " are") + " lost");
        int nowhere = areas.size() - placed.size();
        if (nowhere > 0)
            notes.add(some(nowhere, "ROI lies", "ROIs lie") + " outside the image or its slices");
        if (others > 0)
            notes.add(some(others, "ROI is", "ROIs are") + " no area and left out");
        return String.join("; ", notes);
    }

    private static String some(int n, String one, String many) {
        return n + " " + (n == 1 ? one : many);
    }
}
