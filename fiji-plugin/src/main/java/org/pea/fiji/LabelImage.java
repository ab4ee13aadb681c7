// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

import ij.ImagePlus;
import ij.ImageStack;
import ij.io.FileInfo;
import ij.io.FileSaver;
import ij.io.TiffEncoder;
import ij.measure.Calibration;
import ij.process.ByteProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.ShortProcessor;

/**
 * Labels as an image: 16 bits up to 65 535 instances, 32-bit floating point up to 2^24, as {@code pea segment} writes
 * them. Beyond that no image of ImageJ holds them: the window shows their colours, and the file has 32-bit whole
 * numbers.
 */
final class LabelImage {
    private LabelImage() {}

    static final String SUFFIX = " - labels";
    private static final long SHORT = 65535, FLOAT = 1 << 24;

    /** A new image, not shown. Calibration, slices, frames and their labels are the input's. */
    static ImagePlus of(Result result) {
        long largest = result.largest();
        ImageTransfer.Part part = result.part;
        ImagePlus input = result.image;
        ImageStack stack = new ImageStack(input.getWidth(), input.getHeight());
        for (int t = 0; t < part.frames; t++)
            for (int z = 0; z < part.slices; z++)
                stack.addSlice(sliceLabel(result, t, z), processor(result.plane(t, z), input.getWidth(), largest));
        boolean view = largest > FLOAT;
        ImagePlus labels = new ImagePlus(input.getTitle() + SUFFIX + (view ? " (colours alone)" : ""), stack);
        labels.setDimensions(1, part.slices, part.frames);
        labels.setOpenAsHyperStack(part.slices > 1 && part.frames > 1);
        labels.setCalibration(calibration(input, part));
        if (labels.getProcessor() instanceof ShortProcessor)
            labels.setProcessor(new LabelProcessor(input.getWidth(), input.getHeight(), (short[]) stack.getPixels(1),
                                                   (int) largest));
        labels.setLut(LabelLut.lut());
        labels.setDisplayRange(0, view ? 255 : Math.max(255, largest));
        labels.setProperty("Info", result.provenance.info());
        return labels;
    }

    private static ImageProcessor processor(int[] plane, int width, long largest) {
        int height = plane.length / width;
        if (largest > FLOAT) {
            byte[] colours = new byte[plane.length];
            for (int i = 0; i < plane.length; i++)
                colours[i] = (byte) LabelLut.index(plane[i] & 0xffffffffL);
            return new ByteProcessor(width, height, colours, null);
        }
        if (largest > SHORT) {
            float[] exact = new float[plane.length];
            for (int i = 0; i < plane.length; i++)
                exact[i] = plane[i];
            return new FloatProcessor(width, height, exact, null);
        }
        short[] narrow = new short[plane.length];
        for (int i = 0; i < plane.length; i++)
            narrow[i] = (short) plane[i];
        return new ShortProcessor(width, height, narrow, null);
    }

    private static String sliceLabel(Result result, int t, int z) {
        ImageTransfer.Part part = result.part;
        ImagePlus input = result.image;
        int index = input.getStackIndex(1, part.firstSlice + z + 1, part.firstFrame + t + 1);
        return input.getStackSize() > 1 ? input.getStack().getSliceLabel(index) : null;
    }

    static Calibration calibration(ImagePlus input, ImageTransfer.Part part) {
        Calibration c = input.getCalibration().copy();
        c.setFunction(Calibration.NONE, null, "label"); // labels are no intensities, and never signed
        c.zOrigin -= part.firstSlice;
        return c;
    }

    // ---- the file ----

    /** The label image as TIFF with calibration, lookup table and provenance. */
    static void write(Result result, ImagePlus labels, OutputStream out) throws IOException {
        if (result.largest() > FLOAT) {
            writeLong(result, labels, out);
            return;
        }
        FileInfo info = labels.getFileInfo();
        info.description = new FileSaver(labels).getDescriptionString();
        info.info = (String) labels.getProperty("Info");
        info.sliceLabels = labels.getStackSize() > 1 ? labels.getStack().getSliceLabels() : null;
        new TiffEncoder(info).write(out);
    }

    private static final int HEADER = 8, ENTRIES = 14, DIRECTORY = 2 + 12 * ENTRIES + 4;

    /* 32-bit whole numbers in ImageJ's form for large stacks: one directory, all planes behind each other. */
    private static void writeLong(Result result, ImagePlus labels, OutputStream out) throws IOException {
        byte[] text = (description(labels) + "\0").getBytes(StandardCharsets.UTF_8);
        Calibration c = labels.getCalibration();
        int width = labels.getWidth(), height = labels.getHeight(), pixelsAt = HEADER + DIRECTORY + 16 + text.length;
        long planeBytes = 4L * width * height;
        ByteBuffer head = ByteBuffer.allocate(pixelsAt).order(ByteOrder.LITTLE_ENDIAN);
        head.put((byte) 'I').put((byte) 'I').putShort((short) 42).putInt(HEADER).putShort((short) ENTRIES);
        int[][] entries = {
            {256, 4, 1, width}, {257, 4, 1, height}, {258, 3, 1, 32}, {259, 3, 1, 1}, {262, 3, 1, 1},
            {270, 2, text.length, HEADER + DIRECTORY + 16}, {273, 4, 1, pixelsAt}, {277, 3, 1, 1}, {278, 4, 1, height},
            {279, 4, 1, (int) Math.min(planeBytes, 0xffffffffL)}, {282, 5, 1, HEADER + DIRECTORY},
            {283, 5, 1, HEADER + DIRECTORY + 8}, {296, 3, 1, 1}, {339, 3, 1, 1}};
        for (int[] e : entries)
            head.putShort((short) e[0]).putShort((short) e[1]).putInt(e[2]).putInt(e[3]);
        head.putInt(0);
        for (double size : new double[] {c.pixelWidth, c.pixelHeight})
            head.putInt((int) Math.min(1e9, Math.round(1e6 / size))).putInt(1000000);
        head.put(text);
        out.write(head.array());
        ByteBuffer row = ByteBuffer.allocate(4 * width).order(ByteOrder.LITTLE_ENDIAN);
        for (int t = 0; t < result.part.frames; t++)
            for (int z = 0; z < result.part.slices; z++) {
                int[] plane = result.plane(t, z);
                for (int y = 0; y < height; y++) {
                    row.asIntBuffer().put(plane, y * width, width);
                    out.write(row.array());
                }
            }
    }

    private static String description(ImagePlus labels) {
        String text = new FileSaver(labels).getDescriptionString(); // its range is that of the colours
        return text.replaceAll("(?m)^(min|max)=.*\\R", "");
    }
}
