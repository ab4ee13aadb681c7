// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Polygon;
import java.awt.geom.Path2D;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

import ij.ImagePlus;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.ShapeRoi;
import ij.io.RoiEncoder;

/**
 * Outlines of labels as selections of ImageJ, along the edges of pixels, so that a selection covers its label exactly.
 *
 * <p>A plane is cut into runs, one pass for all labels. Then each label is traced from its runs alone: every run has an
 * edge at its left, walked upwards, and one at its right, walked downwards; between two rows, edges are linked wherever
 * exactly one of the rows has a run. Following the links gives closed lines with the label at their right hand.
 * <pre>
 *        y     ┌─────┐           up ↑ left    right ↓ down
 *        y+1   │  ┌──┘  ← linked where only row y has a run
 *        y+2   └──┘
 * </pre>
 */
final class LabelRois {
    private LabelRois() {}

    // ---- one plane ----

    /** Pixels from x0 to before x1 of row y that have one label. */
    private static final class Runs {
        int[] label = new int[1024], y = new int[1024], x0 = new int[1024], x1 = new int[1024];
        int n;

        void add(int ofLabel, int row, int from, int to) {
            if (n == label.length) {
                label = Arrays.copyOf(label, 2 * n);
                y = Arrays.copyOf(y, 2 * n);
                x0 = Arrays.copyOf(x0, 2 * n);
                x1 = Arrays.copyOf(x1, 2 * n);
            }
            label[n] = ofLabel;
            y[n] = row;
            x0[n] = from;
            x1[n++] = to;
        }

        /* Grouped by label, ascending as unsigned numbers; within a label in raster order. */
        Runs sorted() {
            long[] keys = new long[n];
            for (int i = 0; i < n; i++)
                keys[i] = (label[i] & 0xffffffffL) << 31 | i;
            Arrays.sort(keys);
            Runs out = new Runs();
            for (long key : keys) {
                int i = (int) (key & 0x7fffffff);
                out.add(label[i], y[i], x0[i], x1[i]);
            }
            return out;
        }
    }

    /**
     * @param labels  of a plane, unsigned, 0 is background
     * @return one selection for each label, ascending; a name is the label's number
     */
    static List<Roi> plane(int[] labels, int width) {
        Runs runs = new Runs();
        for (int row = 0, at = 0; at < labels.length; row++)
            for (int x = 0; x < width; ) {
                int from = x, label = labels[at + x];
                while (x < width && labels[at + x] == label)
                    x++;
                if (label != 0)
                    runs.add(label, row, from, x);
                if (x == width)
                    at += width;
            }
        runs = runs.sorted();
        List<Roi> rois = new ArrayList<>();
        for (int first = 0, end; first < runs.n; first = end) {
            for (end = first; end < runs.n && runs.label[end] == runs.label[first]; )
                end++;
            Roi roi = roi(new Tracer(runs, first, end).loops());
            roi.setName(Integer.toUnsignedString(runs.label[first]));
            rois.add(roi);
        }
        return rois;
    }

    /* Holes and separate parts: what is inside an odd number of lines is inside. */
    private static Roi roi(List<Polygon> loops) {
        if (loops.size() == 1)
            return new PolygonRoi(loops.get(0), Roi.TRACED_ROI);
        Path2D.Float path = new Path2D.Float(Path2D.WIND_EVEN_ODD);
        for (Polygon p : loops) {
            path.moveTo(p.xpoints[0], p.ypoints[0]);
            for (int i = 1; i < p.npoints; i++)
                path.lineTo(p.xpoints[i], p.ypoints[i]);
            path.closePath();
        }
        return new ShapeRoi(path);
    }

    /**
     * Closed lines around the runs of one label. Edge 2i is the left one of run i, walked up; 2i+1 the right one, down.
     */
    private static final class Tracer {
        private final Runs runs;
        private final int first, end;
        private final int[] next;

        Tracer(Runs runs, int first, int end) {
            this.runs = runs;
            this.first = first;
            this.end = end;
            next = new int[2 * (end - first)];
            int above = first, aboveEnd = first;
            for (int from = first, to; from < end; from = to) {
                for (to = from; to < end && runs.y[to] == runs.y[from]; )
                    to++;
                if (aboveEnd > above && runs.y[above] + 1 < runs.y[from]) {
                    link(above, aboveEnd, aboveEnd, aboveEnd); // a row without runs lies between
                    above = aboveEnd;
                }
                link(above, aboveEnd, from, to);
                above = from;
                aboveEnd = to;
            }
            link(above, aboveEnd, aboveEnd, aboveEnd);
        }

        private int left(int run) {
            return 2 * (run - first);
        }

        private int right(int run) {
            return 2 * (run - first) + 1;
        }

        /* Runs a..aEnd of the row above a line between rows, b..bEnd of the row below. We go along the line from left
         * to right and stop wherever a run begins or ends: `seen` is the number of those passed, odd inside a run. */
        private void link(int a, int aEnd, int b, int bEnd) {
            int seenA = 0, seenB = 0, nA = 2 * (aEnd - a), nB = 2 * (bEnd - b);
            int openIn = -1, openOut = -1; // at the left end of a stretch where one row alone has a run
            while (seenA < nA || seenB < nB) {
                int xA = seenA < nA ? at(a, seenA) : Integer.MAX_VALUE;
                int xB = seenB < nB ? at(b, seenB) : Integer.MAX_VALUE;
                boolean inA = seenA % 2 == 1, inB = seenB % 2 == 1, atA = xA <= xB, atB = xB <= xA;
                int edgeA = atA ? edge(a, seenA) : -1, edgeB = atB ? edge(b, seenB) : -1;
                if (atA && atB && inA == inB) { // both begin or both end: straight on
                    next[inA ? edgeA : edgeB] = inA ? edgeB : edgeA;
                } else {
                    if (inA && !inB) { // a stretch below A ends here: its line goes left, from here to its left end
                        int arriving = atA ? edgeA : edgeB;
                        next[arriving] = openOut;
                    } else if (inB && !inA) { // a stretch above B ends here: its line goes right, to here
                        int leaving = atB ? edgeB : edgeA;
                        next[openIn] = leaving;
                    }
                    boolean nowA = inA ^ atA, nowB = inB ^ atB;
                    if (nowA && !nowB) // begins: what leaves is A's left edge, or B's right one where B ends here
                        openOut = atA ? edgeA : edgeB;
                    else if (nowB && !nowA)
                        openIn = atB ? edgeB : edgeA;
                }
                seenA += atA ? 1 : 0;
                seenB += atB ? 1 : 0;
            }
        }

        private int at(int run, int seen) {
            return seen % 2 == 0 ? runs.x0[run + seen / 2] : runs.x1[run + seen / 2];
        }

        private int edge(int run, int seen) {
            return seen % 2 == 0 ? left(run + seen / 2) : right(run + seen / 2);
        }

        List<Polygon> loops() {
            List<Polygon> loops = new ArrayList<>();
            boolean[] walked = new boolean[next.length];
            for (int start = 0; start < next.length; start++) {
                if (walked[start])
                    continue;
                Polygon loop = new Polygon();
                for (int e = start; !walked[e]; e = next[e]) {
                    walked[e] = true;
                    // a corner where this edge ends, and one where the next begins
                    if (x(e) != x(next[e]) || down(e) != down(next[e])) {
                        loop.addPoint(x(e), endY(e));
                        loop.addPoint(x(next[e]), endY(e));
                    }
                }
                loops.add(loop);
            }
            return loops;
        }

        private boolean down(int edge) {
            return edge % 2 == 1;
        }

        private int x(int edge) {
            return down(edge) ? runs.x1[first + edge / 2] : runs.x0[first + edge / 2];
        }

        private int endY(int edge) {
            return runs.y[first + edge / 2] + (down(edge) ? 1 : 0);
        }
    }

    // ---- stacks and hyperstacks ----

    /** Of all frames and slices, in the input image's coordinates, named "label", "label-z3" or "label-z3-t2". */
    static List<Roi> of(Result result) {
        List<Roi> all = new ArrayList<>();
        for (int t = 0; t < result.frames(); t++)
            for (int z = 0; z < result.part.slices; z++)
                all.addAll(of(result, t, z));
        return all;
    }

    static List<Roi> of(Result result, int t, int z) {
        ImagePlus image = result.image;
        List<Roi> rois = plane(result.plane(t, z), image.getWidth());
        int slice = result.part.firstSlice + z + 1, frame = result.part.firstFrame + t + 1;
        for (Roi roi : rois) {
            roi.setStrokeColor(LabelLut.colour(Long.parseLong(roi.getName())));
            roi.setName(roi.getName() + (image.getNSlices() > 1 ? "-z" + slice : "")
                        + (image.getNFrames() > 1 ? "-t" + frame : ""));
            place(roi, image, slice, frame);
        }
        return rois;
    }

    /** Bind a selection to a slice of a stack, or to slice and frame of a hyperstack, for all channels. */
    static void place(Roi roi, ImagePlus image, int slice, int frame) {
        if (image.isHyperStack() || image.getNChannels() > 1)
            roi.setPosition(0, image.getNSlices() > 1 ? slice : 0, image.getNFrames() > 1 ? frame : 0);
        else if (image.getStackSize() > 1)
            roi.setPosition(image.getStackIndex(1, slice, frame));
    }

    // ---- files ----

    /** A zip that the ROI Manager opens; the same selections give the same bytes. */
    static void zip(List<Roi> rois, OutputStream out) throws IOException {
        // a zip's clock starts there, in local time
        long begin = new GregorianCalendar(1980, 0, 1, 0, 0, 0).getTimeInMillis();
        ZipOutputStream zip = new ZipOutputStream(out);
        for (Roi roi : rois) {
            ZipEntry entry = new ZipEntry(roi.getName() + ".roi");
            entry.setTime(begin);
            zip.putNextEntry(entry);
            new RoiEncoder(zip).write(roi);
            zip.closeEntry();
        }
        zip.finish();
        zip.flush();
    }
}
