// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import org.pea.Calibration;
import org.pea.Listener;
import org.pea.PeaException;
import org.pea.Training;
import org.pea.Volume;

import ij.ImagePlus;

/**
 * Images with labels on their way to a {@link Training}: from open windows, selections or files to native memory, which
 * this owns.
 */
final class TrainingImages implements AutoCloseable {
    private final List<Volume> owned = new ArrayList<>();
    private final Set<String> notes = new LinkedHashSet<>();
    private final Training training;
    private final TrainingRequest request;
    private final int axes;
    private final Listener listener;
    private Calibration pixelSize;
    private boolean sizesDiffer;

    private TrainingImages(TrainingRequest request, Training training, int axes, Listener listener) {
        this.request = request;
        this.training = training;
        this.axes = axes;
        this.listener = listener;
    }

    /**
     * Read all that the request names, and give it to the training.
     *
     * @param axes  2: slices are images of their own; 3: an image is one volume
     * @param listener  is asked before each image whether to go on
     * @throws PeaException.Cancelled  where it says no
     */
    static TrainingImages gather(TrainingRequest request, Training training, int axes, Listener listener) {
        TrainingImages all = new TrainingImages(request, training, axes, listener);
        try {
            if (request.get("pairs").isEmpty())
                all.files();
            else
                all.pairs();
            if (!all.sizesDiffer && all.pixelSize != null && request.get("from").isEmpty())
                training.pixelSize(all.pixelSize);
            return all;
        } catch (RuntimeException | Error e) {
            all.close();
            throw e;
        }
    }

    /** What a person should know, in lines; may be empty. */
    Set<String> notes() {
        return notes;
    }

    // ---- where from ----

    private void files() {
        Path data = Paths.get(request.get("data"));
        String images = request.get("images"), labels = request.get("labels");
        List<Training.FilePair> pairs = Training.pairs(data, images.isEmpty() ? null : images,
                labels.isEmpty() ? null : labels);
        for (Training.FilePair pair : pairs)
            try {
                ask(pairs.indexOf(pair), pairs.size());
                ImagePlus image = MacroCalls.openFile(pair.image().toString());
                ImagePlus truth = MacroCalls.openFile(pair.labels().toString());
                add(image, truth, pair.image().toString(), pair.isForValidation(), pairs.size() == 1);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
    }

    private void pairs() {
        List<String[]> pairs = OpenPairs.read(request.get("pairs"));
        for (String[] pair : pairs) {
            String title = pair[0], labels = pair[1];
            ask(pairs.indexOf(pair), pairs.size());
            ImagePlus image = ImageTransfer.find(title, "image");
            boolean managed = labels.equals(RoiLabels.MANAGER), drawn = labels.equals(RoiLabels.OVERLAY);
            if (managed || drawn)
                add(image, new RoiLabels(managed ? RoiLabels.managed() : RoiLabels.drawn(image)), managed,
                        pairs.size() == 1);
            else
                add(image, ImageTransfer.find(labels, "label image"), title, false, pairs.size() == 1);
        }
    }

    private void ask(int index, int n) {
        if (!listener.progress("read images", (double) index / n))
            throw new PeaException.Cancelled("cancelled while images were read");
    }

    private void add(ImagePlus image, RoiLabels rois, boolean managed, boolean alone) {
        if (rois.count() == 0)
            throw new IllegalArgumentException(managed ? "the ROI Manager has no areas: draw the objects and add them"
                    + " with [t]" : "the overlay of \"" + image.getTitle() + "\" has no areas: draw the objects and add"
                    + " them with [b]");
        checkChannels(image);
        for (int t = 0; t < image.getNFrames(); t++)
            give(image, t, rois.of(image, t), image.getTitle(), false, alone && image.getNFrames() == 1);
        if (!rois.notes().isEmpty())
            notes.add("\"" + image.getTitle() + "\": " + rois.notes());
    }

    private void add(ImagePlus image, ImagePlus labels, String name, boolean validation, boolean alone) {
        if (labels.getWidth() != image.getWidth() || labels.getHeight() != image.getHeight()
            || labels.getNSlices() != image.getNSlices() || labels.getNFrames() != image.getNFrames())
            throw new IllegalArgumentException("\"" + image.getTitle() + "\" is " + ImageTransfer.size(image)
                    + ", its labels \"" + labels.getTitle() + "\" are " + ImageTransfer.size(labels)
                    + ": they must have the same size");
        checkChannels(image);
        for (int t = 0; t < image.getNFrames(); t++)
            give(image, t, ImageTransfer.labels(labels, t), name, validation, alone && image.getNFrames() == 1);
    }

    private void checkChannels(ImagePlus image) {
        int channels = ImageTransfer.channels(image);
        if (request.channel() > channels)
            throw new IllegalArgumentException("channel " + request.channel() + " asked for, but \"" + image.getTitle()
                    + "\" has " + channels);
        if (request.channel() == 0 && channels != 1 && image.getType() != ImagePlus.COLOR_RGB)
            throw new IllegalArgumentException("\"" + image.getTitle() + "\" has " + channels
                    + " channels: choose the one that shows the objects, channel=1");
    }

    // ---- to native memory ----

    private void give(ImagePlus image, int frame, Volume labels, String name, boolean validation, boolean alone) {
        owned.add(labels);
        String called = name + (image.getNFrames() > 1 ? ", frame " + (frame + 1) : "");
        Rectangle whole = new Rectangle(0, 0, image.getWidth(), image.getHeight());
        look(image);
        if (alone && !validation && image.getNSlices() == 1 && divide(image, labels, whole, called))
            return;
        training.add(called, pixels(image, frame, whole), labels, validation);
    }

    private Volume pixels(ImagePlus image, int frame, Rectangle box) {
        Volume pixels = ImageTransfer.pixels(image, new ImageTransfer.Part(request.channel() - 1, 0, image.getNSlices(),
                0, image.getNFrames(), box, false), frame);
        owned.add(pixels);
        return pixels;
    }

    private static final int LEAST = 64; // pixels of a strip that is worth a score

    /* A single plane is divided: a strip at its end is scored, the rest is learnt from. */
    private boolean divide(ImagePlus image, Volume labels, Rectangle whole, String name) {
        double share = Double.parseDouble(training.options().get("share"));
        boolean wide = whole.width >= whole.height;
        int length = wide ? whole.width : whole.height;
        int strip = (int) Math.max(LEAST, Math.round(share * length));
        if (share == 0)
            return false;
        if (length < 2 * LEAST || strip > length - LEAST)
            throw new IllegalArgumentException("\"" + image.getTitle() + "\" is too small to be shared between learning"
                    + " and scoring: give more images, or share=0");
        Rectangle learnt = new Rectangle(0, 0, wide ? length - strip : whole.width, wide ? whole.height
                : length - strip);
        Rectangle scored = new Rectangle(wide ? length - strip : 0, wide ? 0 : length - strip,
                wide ? strip : whole.width, wide ? whole.height : strip);
        for (Rectangle box : new Rectangle[] {learnt, scored})
            training.add(box == scored ? name + ", its end" : name, pixels(image, 0, box), cut(labels, box),
                    box == scored);
        notes.add("there is one image: its " + (wide ? "right" : "lower") + " end, " + strip
                + " pixels, is not learnt from but scored");
        return true;
    }

    private Volume cut(Volume labels, Rectangle box) {
        int width = (int) labels.x();
        int[] all = new int[width * (int) labels.y()], rows = new int[box.width * box.height];
        labels.get(0, 0, all);
        for (int y = 0; y < box.height; y++)
            System.arraycopy(all, (box.y + y) * width + box.x, rows, y * box.width, box.width);
        Volume part = new Volume(labels.dtype(), 1, box.height, box.width, 1);
        owned.add(part);
        part.put(0, 0, rows);
        return part;
    }

    private void look(ImagePlus image) {
        Calibration size = ImageTransfer.calibration(image);
        boolean alike = pixelSize != null && size.unit().equals(pixelSize.unit()) && near(size.x(), pixelSize.x())
            && near(size.y(), pixelSize.y()) && (axes == 2 || near(size.z(), pixelSize.z()));
        sizesDiffer |= pixelSize != null && !alike;
        if (pixelSize == null)
            pixelSize = size;
    }

    private static boolean near(double a, double b) {
        return Math.abs(a - b) <= 0.01 * Math.abs(b);
    }

    @Override public void close() {
        owned.forEach(Volume::close);
    }
}
