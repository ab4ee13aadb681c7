// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.GraphicsEnvironment;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

import org.pea.Dtype;
import org.pea.Pictures;
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
            AtomicFile.write(path, out -> content.write(new Stoppable(out)));
        } catch (UncheckedIOException e) {
            failed = failed == null ? e : failed;
        }
    }

    /* A large file takes its time. */
    private final class Stoppable extends FilterOutputStream {
        Stoppable(OutputStream out) {
            super(out);
        }

        @Override public void write(byte[] bytes, int from, int n) throws IOException {
            result.goOn(1);
            out.write(bytes, from, n);
        }
    }

    /* Of a stack the middle slice of the first frame; of many channels the first, as the command does. */
    private void writePicture() {
        int middle = result.part.slices / 2, n = result.part.channels(result.image);
        ImageTransfer.Part p = result.part;
        Rectangle all = new Rectangle(0, 0, result.image.getWidth(), result.image.getHeight());
        int channel = n == 3 ? p.channel : Math.max(0, p.channel);
        ImageTransfer.Part plane =
            new ImageTransfer.Part(channel, p.firstSlice + middle, 1, p.firstFrame, 1, all, false);
        try (Volume image = ImageTransfer.pixels(result.image, plane, 0);
             Volume drawn = new Volume(Dtype.UINT32, 1, all.height, all.width, 1)) {
            drawn.put(0, 0, result.plane(0, middle));
            try (Volume picture = Pictures.overlay(image, drawn, result.run())) {
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

    /** A plane of a volume of colours, uint8 (z,y,x,3). */
    static ColorProcessor rgb(Volume picture, long z) {
        int width = (int) picture.x(), height = (int) picture.y();
        int[] pixels = new int[width * height];
        byte[] row = new byte[3 * width]; // a plane of three bytes may be more than an array of Java can hold
        for (int y = 0, i = 0; y < height; y++) {
            picture.get(z, y, row);
            for (int at = 0; at < row.length; at += 3)
                pixels[i++] = 0xff << 24 | (row[at] & 255) << 16 | (row[at + 1] & 255) << 8 | row[at + 2] & 255;
        }
        return new ColorProcessor(width, height, pixels);
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
        Overlay scores = result.truth == null ? null : score();
        if (scores != null || shows(Request.Show.OVERLAY))
            result.image.setOverlay(LabelOverlay.replace(result.image.getOverlay(),
                                                         scores != null ? scores : LabelOverlay.of(result)));
        if (shows(Request.Show.LABELS))
            windows.add(labels()); // last: it is the image that the next command of a macro means
        for (ImagePlus window : windows) {
            window.setTitle(WindowManager.makeUniqueName(window.getTitle())); // a macro selects images by their titles
            open(window);
        }
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
        int k = 0;
        for (Result.Frame frame : result.frames) {
            Volume a = frame.segmentation.affinity();
            k = a.c();
            if (stack == null)
                stack = new ImageStack((int) a.x(), (int) a.y());
            for (int z = 0; z < result.part.slices; z++) {
                float[][] planes = planes(a, z);
                for (int o = 0; o < k; o++)
                    stack.addSlice(offset(frame.segmentation.offsets()[o]), planes[o]);
            }
        }
        ImagePlus image = detail(stack, " - affinity", k);
        image.setDisplayRange(0, 1);
        windows.add(image);
    }

    /* Each channel of a plane. Row by row: all of them may be more than an array of Java can hold. */
    private float[][] planes(Volume affinity, int z) {
        int width = (int) affinity.x(), height = (int) affinity.y(), k = affinity.c();
        float[][] planes = new float[k][width * height];
        float[] row = new float[width * k];
        for (int y = 0; y < height; y++) {
            affinity.get(z, y, row);
            for (int i = 0; i < row.length; i++)
                planes[i % k][y * width + i / k] = row[i];
        }
        return planes;
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
        int frames = result.part.frames;
        List<Roi> outlines = new ArrayList<>();
        for (int frame = 0; frame < frames; frame++)
            try (Volume right = ImageTransfer.labels(result.truth, frame);
                 Volume ours = result.volume(frame)) {
                ResultsTable table = ScoreReport.table(right, ours, result.run().threads(request.threads));
                showTable(table, result.image.getTitle() + " - scores" + (frames > 1 ? ", frame " + (frame + 1) : ""),
                          !shows(Request.Show.TABLE));
                outlines.addAll(ScoreReport.outlines(right, ours, result.image, result.part.firstSlice,
                                                     result.part.firstFrame + frame + 1));
            }
        return ScoreReport.overlay(outlines);
    }
}
