// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.GraphicsEnvironment;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

import org.pea.Dtype;
import org.pea.Pictures;
import org.pea.Run;
import org.pea.Volume;

import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.WindowManager;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.macro.Interpreter;
import ij.measure.ResultsTable;
import ij.plugin.filter.Analyzer;
import ij.plugin.frame.RoiManager;
import ij.process.ColorProcessor;
import ij.process.FloatProcessor;

/** Shows and writes what a request wants of a result. Files first: where a window is, all files are. */
public final class Outputs {
    private final Result result;
    private final Request request;
    private final List<ImagePlus> windows = new ArrayList<>();
    private ImagePlus labels;
    private UncheckedIOException failed;

    private Outputs(Result result, Request request) {
        this.result = result;
        this.request = request;
    }

    /**
     * Both. Windows only where there is a display, or a macro's batch mode.
     * @throws UncheckedIOException where a file could not be written, the first of them; tables and pictures were
     *                              written and windows shown all the same, as the work may have taken an hour
     */
    public static void show(Result result, Request request) {
        Outputs o = new Outputs(result, request);
        o.write();
        o.show();
        if (o.failed != null)
            throw o.failed;
    }

    /** The files alone. */
    static void write(Result result, Request request) {
        Outputs o = new Outputs(result, request);
        o.write();
        if (o.failed != null)
            throw o.failed;
    }

    private boolean shows(Request.Show what) {
        return request.show.contains(what);
    }

    private ImagePlus labels() {
        if (labels == null)
            labels = LabelImage.of(result);
        return labels;
    }

    // ---- files ----

    private void write() {
        if (!request.table.isEmpty())
            write(request.table, out -> out.write(result.csv().getBytes(StandardCharsets.UTF_8)));
        if (!request.overlay.isEmpty())
            writePicture();
        if (!request.rois.isEmpty()) {
            List<Roi> rois = LabelRois.of(result);
            write(request.rois, out -> LabelRois.zip(rois, out));
        }
        if (!request.output.isEmpty() && failed == null) // last: where labels are, all of it is
            write(request.output, out -> LabelImage.write(result, labels(), out));
    }

    private void write(String path, AtomicFile.Content content) {
        try {
            AtomicFile.write(path, content);
        } catch (UncheckedIOException e) {
            failed = failed == null ? e : failed;
        }
    }

    /* Of a stack the middle slice of the first frame; of many channels the first, as the command does. */
    private void writePicture() {
        int middle = result.part.slices / 2, n = result.part.channels(result.image);
        ImageTransfer.Part p = result.part;
        java.awt.Rectangle all = new java.awt.Rectangle(0, 0, result.image.getWidth(), result.image.getHeight());
        int channel = n == 3 ? p.channel : Math.max(0, p.channel);
        ImageTransfer.Part plane = new ImageTransfer.Part(channel, p.firstSlice + middle, 1, p.firstFrame, 1, all, false);
        try (Volume image = ImageTransfer.pixels(result.image, plane, 0);
             Volume drawn = new Volume(Dtype.UINT32, 1, all.height, all.width, 1)) {
            drawn.put(0, 0, result.plane(0, middle));
            try (Volume picture = Pictures.overlay(image, drawn, new Run())) {
                byte[] png = png(rgb(picture, 0).getBufferedImage());
                write(request.overlay, out -> out.write(png));
            }
        }
    }

    /* In memory: given a stream, Java would keep a file of its own in the folder for temporary ones. */
    private static byte[] png(BufferedImage picture) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            if (!ImageIO.write(picture, "png", out))
                throw new IOException("this Java writes no PNG");
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
        return bytes.toByteArray();
    }

    private static ColorProcessor rgb(Volume picture, long z) {
        byte[] bytes = new byte[(int) (picture.y() * picture.x() * 3)];
        picture.get(z, 0, bytes);
        int[] pixels = new int[bytes.length / 3];
        for (int i = 0; i < pixels.length; i++)
            pixels[i] = 0xff << 24 | (bytes[3 * i] & 255) << 16 | (bytes[3 * i + 1] & 255) << 8
                      | bytes[3 * i + 2] & 255;
        return new ColorProcessor((int) picture.x(), (int) picture.y(), pixels);
    }

    // ---- windows ----

    private void show() {
        if (shows(Request.Show.LABELS) && result.largest() > 1 << 24)
            result.warnings.add(result.largest() + " instances are more than an image of ImageJ can number: the"
                                + " window shows their colours" + (request.output.isEmpty() ? ", write the numbers"
                                + " with output=..." : ""));
        if (shows(Request.Show.AFFINITY))
            showAffinities();
        if (shows(Request.Show.EMBEDDING))
            showEmbedding();
        if (shows(Request.Show.TABLE))
            showTable(InstanceTable.of(result.csv()), result.image.getTitle() + " - instances", true);
        if (shows(Request.Show.ROIS))
            fillManager();
        Overlay scores = request.truth.isEmpty() ? null : score();
        if (scores != null || shows(Request.Show.OVERLAY))
            result.image.setOverlay(LabelOverlay.replace(result.image.getOverlay(),
                                                         scores != null ? scores : LabelOverlay.of(result)));
        if (shows(Request.Show.LABELS))
            windows.add(labels()); // last: it is the image that the next command of a macro means
        for (ImagePlus window : windows)
            open(window);
        for (String warning : result.warnings)
            IJ.log("PEA: " + warning);
    }

    /** Where there is neither display nor batch mode, the image is the current one of this thread all the same. */
    static void open(ImagePlus image) {
        boolean batch = Interpreter.isBatchMode() || (IJ.isMacro() && IJ.getInstance() == null);
        if (batch || !GraphicsEnvironment.isHeadless())
            image.show();
        else
            WindowManager.setTempCurrentImage(image);
    }

    static void showTable(ResultsTable table, String title, boolean system) {
        if (!GraphicsEnvironment.isHeadless())
            table.show(title);
        else if (system)
            Analyzer.setResultsTable(table); // nResults and getResult() of a macro see it
    }

    private void fillManager() {
        if (GraphicsEnvironment.isHeadless()) {
            result.warnings.add("the ROI Manager needs a display: write a zip with rois=... instead");
            return;
        }
        RoiManager manager = RoiManager.getRoiManager();
        for (Roi roi : LabelRois.of(result))
            manager.addRoi(roi);
    }

    private static String offset(int[] step) {
        return "affinity to z " + step[0] + ", y " + step[1] + ", x " + step[2];
    }

    /* Offsets are channels, so that slices and frames stay what they are. */
    private void showAffinities() {
        ImageStack stack = null;
        int k = 0, slices = result.part.slices;
        for (Result.Frame frame : result.frames) {
            Volume a = frame.segmentation.affinity();
            k = a.c();
            if (stack == null)
                stack = new ImageStack((int) a.x(), (int) a.y());
            float[] all = new float[Math.toIntExact(a.y() * a.x() * k)];
            for (int z = 0; z < slices; z++) {
                a.get(z, 0, all);
                for (int o = 0; o < k; o++) {
                    float[] one = new float[all.length / k];
                    for (int i = 0; i < one.length; i++)
                        one[i] = all[i * k + o];
                    stack.addSlice(offset(frame.segmentation.offsets()[o]),
                                   new FloatProcessor((int) a.x(), (int) a.y(), one));
                }
            }
        }
        ImagePlus image = detail(stack, " - affinity", k);
        image.setDisplayRange(0, 1);
        windows.add(image);
    }

    private void showEmbedding() {
        ImageStack stack = null;
        for (Result.Frame frame : result.frames) {
            if (frame.colours == null)
                return;
            if (stack == null)
                stack = new ImageStack((int) frame.colours.x(), (int) frame.colours.y());
            for (int z = 0; z < result.part.slices; z++)
                stack.addSlice(rgb(frame.colours, z));
        }
        windows.add(detail(stack, " - embedding", 1));
    }

    private ImagePlus detail(ImageStack stack, String suffix, int channels) {
        ImagePlus image = new ImagePlus(result.image.getTitle() + suffix, stack);
        image.setDimensions(channels, result.part.slices, result.part.frames);
        image.setOpenAsHyperStack(stack.getSize() > 1 && (channels > 1 || result.part.frames > 1));
        ij.measure.Calibration c = LabelImage.calibration(result.image, result.part);
        c.pixelWidth *= result.part.bounds.width / (double) stack.getWidth(); // a scaled run has a grid of its own
        c.pixelHeight *= result.part.bounds.height / (double) stack.getHeight();
        c.xOrigin = c.yOrigin = 0;
        image.setCalibration(c);
        image.setProperty("Info", result.provenance.info());
        return image;
    }

    // ---- scores ----

    private Overlay score() {
        ImagePlus truth = ImageTransfer.find(request.truth, "truth");
        ImagePlus found = labels();
        int z = found.getNSlices(), t = found.getNFrames();
        if (!Arrays.equals(new int[] {truth.getWidth(), truth.getHeight(), truth.getNSlices(), truth.getNFrames()},
                           new int[] {found.getWidth(), found.getHeight(), z, t}))
            throw new IllegalArgumentException("the truth is " + ImageTransfer.size(truth) + ", the result "
                                               + ImageTransfer.size(found)
                                               + ": they must have the same size");
        List<Roi> outlines = new ArrayList<>();
        for (int frame = 0; frame < t; frame++)
            try (Volume right = ImageTransfer.labels(truth, frame); Volume ours = ImageTransfer.labels(found, frame)) {
                ResultsTable table = ScoreReport.table(right, ours, new Run().threads(request.threads));
                showTable(table, result.image.getTitle() + " - scores" + (t > 1 ? ", frame " + (frame + 1) : ""),
                          !shows(Request.Show.TABLE));
                outlines.addAll(ScoreReport.outlines(right, ours, result.image, result.part.firstSlice,
                                                     result.part.firstFrame + frame + 1));
            }
        return ScoreReport.overlay(outlines);
    }
}
