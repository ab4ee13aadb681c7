// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.pea.Model;

import ij.ImagePlus;
import ij.gui.ImageCanvas;
import ij.gui.Roi;

/**
 * Which voxels a preview looks at. In 2-D the visible plane within the selection: what the run will look at as well.
 * Of a plane that is too large for an answer in seconds, and of volumes, a part around what is visible, and the words
 * say so.
 */
final class PreviewPart {
    /** Pixels of a plane that a preview takes as a whole: some four seconds of network on two cores. */
    static final long LARGEST_PLANE = 1536L * 1536;
    final ImageTransfer.Part part;
    /** Counted from 0, of the image. */
    final int channelShown, slice, frame;
    /** Whether the run will look at more than this, and may differ at the edges. */
    final boolean cut;
    /** "the visible plane". */
    final String words;

    private PreviewPart(ImageTransfer.Part part, ImagePlus image, boolean cut, String words) {
        this.part = part;
        channelShown = image.getC() - 1;
        slice = image.getZ() - 1;
        frame = image.getT() - 1;
        this.cut = cut;
        this.words = words;
    }

    /** @param before  the part looked at until now, kept where the visible plane still lies well inside; may be null */
    static PreviewPart of(ImagePlus image, Model model, Request request, PreviewPart before) {
        ImageTransfer.Part plane = ImageTransfer.visiblePlane(request, image);
        return model.axes() == 3 ? slab(image, model, request, plane, before) : plane(image, plane);
    }

    private static PreviewPart plane(ImagePlus image, ImageTransfer.Part plane) {
        boolean selected = selected(image);
        if ((long) plane.bounds.width * plane.bounds.height <= LARGEST_PLANE)
            return new PreviewPart(plane, image, false, selected ? "the selection on this plane" : "this plane");
        Rectangle part = around(visible(image, plane.bounds), plane.bounds, (int) Math.sqrt(LARGEST_PLANE));
        return new PreviewPart(with(plane, part, plane.firstSlice, 1), image, true, "the visible part of this plane, "
                + part.width + " x " + part.height + " pixels, because the whole is large");
    }

    private static PreviewPart slab(ImagePlus image, Model model, Request request, ImageTransfer.Part plane,
            PreviewPart before) {
        ImageTransfer.Part all = ImageTransfer.part(request, image);
        int[] extent = extent(model);
        Rectangle bounds = around(visible(image, plane.bounds), plane.bounds, extent[1]);
        int depth = Math.min(extent[0], all.slices), slice = image.getZ() - 1;
        int first = Math.max(all.firstSlice, Math.min(slice - depth / 2, all.firstSlice + all.slices - depth));
        if (before != null && before.part.bounds.equals(bounds) && before.part.firstFrame == plane.firstFrame
                && before.part.channel == plane.channel && before.part.slices == depth
                && wellInside(slice, before.part, all))
            first = before.part.firstSlice;
        boolean cut = depth < all.slices || !bounds.equals(plane.bounds);
        return new PreviewPart(with(plane, bounds, first, depth), image, cut, "slices " + (first + 1) + " to "
                + (first + depth) + (bounds.equals(plane.bounds) ? "" : ", " + bounds.width + " x " + bounds.height
                        + " voxels in the middle of what is visible"));
    }

    private static boolean wellInside(int slice, ImageTransfer.Part slab, ImageTransfer.Part all) {
        int last = slab.firstSlice + slab.slices - 1, edge = slab.slices / 6;
        return slice >= slab.firstSlice + (slab.firstSlice > all.firstSlice ? edge : 0)
                && slice <= last - (last < all.firstSlice + all.slices - 1 ? edge : 0);
    }

    private static ImageTransfer.Part with(ImageTransfer.Part p, Rectangle bounds, int firstSlice, int slices) {
        return new ImageTransfer.Part(p.channel, firstSlice, slices, p.firstFrame, 1, bounds, p.shaped);
    }

    /**
     * Planes, and extent in y and x, that four tiles of the network cover: tiles are mirrored outwards by a margin, and
     * more of them take more time than a preview should.
     */
    static int[] extent(Model model) {
        Map<?, ?> record = (Map<?, ?>) Json.read(model.record());
        double[] tile = zyx(record.get("tile"), 18, 160), step = zyx(record.get("tile_step"), 10, 80),
                 margin = zyx(record.get("tile_margin"), 4, 48);
        int depth = (int) (tile[0] - 2 * margin[0]), extent = (int) (tile[1] - 2 * margin[1] + step[1]);
        return new int[] {Math.max(1, depth), Math.max(64, extent)};
    }

    private static double[] zyx(Object of, double z, double xy) {
        List<?> list = of instanceof List && ((List<?>) of).size() == 3 ? (List<?>) of : Arrays.asList(z, xy, xy);
        return new double[] {(Double) list.get(0), (Double) list.get(1), (Double) list.get(2)};
    }

    private static boolean selected(ImagePlus image) {
        Roi roi = image.getRoi();
        return roi != null && roi.isArea();
    }

    private static Rectangle visible(ImagePlus image, Rectangle within) {
        ImageCanvas canvas = image.getCanvas();
        Rectangle part = canvas == null ? within : within.intersection(canvas.getSrcRect());
        return part.isEmpty() ? within : part;
    }

    /** What is wanted, or where that is longer than {@code most} its middle, within bounds. */
    static Rectangle around(Rectangle wanted, Rectangle bounds, int most) {
        int w = Math.min(wanted.width, most), h = Math.min(wanted.height, most);
        int x = wanted.x + (wanted.width - w) / 2, y = wanted.y + (wanted.height - h) / 2;
        return new Rectangle(x, y, w, h).intersection(bounds);
    }

    /** The same voxels, whichever plane of them is looked at. */
    boolean sameVoxels(PreviewPart other) {
        return other != null && part.channel == other.part.channel && part.firstSlice == other.part.firstSlice
                && part.slices == other.part.slices && part.firstFrame == other.part.firstFrame
                && Objects.equals(part.bounds, other.part.bounds);
    }
}
