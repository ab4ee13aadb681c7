// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.List;

import org.pea.Dtype;
import org.pea.Instances;
import org.pea.Listener;
import org.pea.Run;
import org.pea.Segmentation;
import org.pea.Volume;

import ij.ImagePlus;

/** What a segmentation found, in native memory until it is closed. */
public final class Result implements AutoCloseable {
    /** One frame. Its labels are those of the part alone: see {@link Result#part}. */
    static final class Frame implements AutoCloseable {
        /** Null after {@link #keepLabelsAlone}. */
        Segmentation segmentation;
        Volume labels;
        long count;
        /** Null where no table was wanted. */
        Instances instances;
        /** The embedding as RGB, null where it was not wanted. */
        Volume colours;

        /* Affinities take ten times the memory of labels, and all frames are held until the end. */
        void keepLabelsAlone() {
            Volume all = segmentation.labels();
            Volume copy = new Volume(Dtype.UINT32, all.z(), all.y(), all.x(), 1);
            int[] plane = new int[Math.toIntExact(all.y() * all.x())];
            for (long z = 0; z < all.z(); z++) {
                all.get(z, 0, plane);
                copy.put(z, 0, plane);
            }
            segmentation.close();
            segmentation = null;
            labels = copy;
        }

        @Override public void close() {
            if (segmentation != null)
                segmentation.close();
            else if (labels != null)
                labels.close();
            if (colours != null)
                colours.close();
        }
    }

    final List<Frame> frames = new ArrayList<>();
    final List<String> warnings = new ArrayList<>();
    final ImagePlus image;
    final ImageTransfer.Part part;
    final Provenance provenance;
    /** What the result is to be compared with; null: nothing. */
    final ImagePlus truth;
    private final Listener listener;
    double seconds;

    /** @param listener who is told how far showing and writing are, and may stop them; may be null */
    Result(ImagePlus image, ImageTransfer.Part part, Provenance provenance, ImagePlus truth, Listener listener) {
        this.image = image;
        this.part = part;
        this.provenance = provenance;
        this.truth = truth;
        this.listener = listener;
    }

    /** The image that was segmented. */
    public ImagePlus image() {
        return image;
    }

    public int frames() {
        return frames.size();
    }

    /** Number of instances of a frame, counted from 0. */
    public long count(int frame) {
        return frames.get(frame).count;
    }

    /** Of all frames. */
    public long count() {
        long n = 0;
        for (Frame f : frames)
            n += f.count;
        return n;
    }

    /** The largest label. */
    long largest() {
        long n = 0;
        for (Frame f : frames)
            n = Math.max(n, f.count);
        return n;
    }

    /** How a call of the library runs that draws or scores what was found. */
    Run run() {
        return new Run().listener(listener);
    }

    /** @throws org.pea.PeaException.Cancelled where the listener wants no more */
    void goOn(double fraction) {
        if (listener != null)
            listener.goOn("write", fraction);
    }

    /**
     * Labels of a plane of the whole image, 0 outside the part; frame and slice are counted from 0 in the part. Whoever
     * writes or shows a result asks for all planes, so that here the listener is heard.
     */
    int[] plane(int frame, int slice) {
        goOn((frame * (double) part.slices + slice) / (part.frames * (double) part.slices));
        Volume labels = frames.get(frame).labels;
        int width = part.bounds.width, height = part.bounds.height;
        int[] inside = new int[width * height];
        labels.get(slice, 0, inside);
        if (width == image.getWidth() && height == image.getHeight())
            return inside;
        int[] plane = new int[image.getWidth() * image.getHeight()];
        for (int y = 0; y < height; y++)
            System.arraycopy(inside, y * width, plane, (part.bounds.y + y) * image.getWidth() + part.bounds.x, width);
        return plane;
    }

    /** Labels of a frame, of the whole planes of the image. */
    Volume volume(int frame) {
        Volume all = new Volume(Dtype.UINT32, part.slices, image.getHeight(), image.getWidth(), 1);
        try {
            for (int z = 0; z < part.slices; z++)
                all.put(z, 0, plane(frame, z));
            return all;
        } catch (RuntimeException | Error e) {
            all.close();
            throw e;
        }
    }

    /** A new label image, not shown. */
    public ImagePlus labelImage() {
        return LabelImage.of(this);
    }

    /** One line each, to be shown beside the results. */
    public List<String> warnings() {
        return warnings;
    }

    public double seconds() {
        return seconds;
    }

    /** The table as text, what {@code table=} writes; null where no table was wanted. */
    public String csv() {
        List<Instances> tables = new ArrayList<>();
        for (Frame f : frames)
            if (f.instances != null)
                tables.add(f.instances);
        if (tables.isEmpty())
            return null;
        String text = Instances.csv(tables, ImageTransfer.calibration(image));
        return InstanceTable.moved(text, part.bounds.x, part.bounds.y, ImageTransfer.calibration(image));
    }

    @Override public void close() {
        for (Frame f : frames)
            f.close();
        frames.clear();
    }
}
