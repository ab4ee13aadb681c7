// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.Rectangle;
import java.io.File;
import java.io.RandomAccessFile;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Dtype;
import org.pea.Volume;

import ij.ImagePlus;
import ij.process.ByteProcessor;

/** Types by the largest label, with volumes made by hand: such images take hours to segment. */
class LabelImageTest {
    @TempDir Path folder;

    private static Result result(int width, int height, int... labels) {
        ImagePlus image = new ImagePlus("big", new ByteProcessor(width, height));
        image.getCalibration().setUnit("um");
        image.getCalibration().pixelWidth = image.getCalibration().pixelHeight = 0.25;
        Result r = new Result(image, new ImageTransfer.Part(-1, 0, 1, 0, 1, new Rectangle(width, height), false),
                              new Provenance("line", "m", "0", "v", "i"), null, null);
        Result.Frame frame = new Result.Frame();
        frame.labels = new Volume(Dtype.UINT32, 1, height, width, 1);
        int[] row = new int[width * height];
        for (int i = 0; i < labels.length; i++) {
            row[i] = labels[i];
            frame.count = Math.max(frame.count, labels[i] & 0xffffffffL);
        }
        frame.labels.put(0, 0, row);
        r.frames.add(frame);
        return r;
    }

    private ImagePlus written(Result r, ImagePlus labels, File file) {
        AtomicFile.write(file.getPath(), out -> LabelImage.write(r, labels, out));
        return ij.IJ.openImage(file.getPath());
    }

    @Test void sixteen_bits_to_65535() {
        try (Result r = result(3, 1, 1, 65535, 0)) {
            ImagePlus labels = LabelImage.of(r);
            assertEquals(16, labels.getBitDepth());
            assertEquals(65535, labels.getProcessor().get(1));
            ImagePlus read = written(r, labels, folder.resolve("a.tif").toFile());
            assertEquals(16, read.getBitDepth());
            assertEquals(65535, read.getProcessor().get(1));
        }
    }

    @Test void colours_begin_again_after_255() {
        int[] numbers = new int[600];
        for (int i = 0; i < 600; i++)
            numbers[i] = i;
        try (Result r = result(600, 1, numbers)) {
            ImagePlus labels = LabelImage.of(r);
            for (int i = 1; i < 600; i++)
                assertEquals(LabelLut.colour(i).getRGB(), labels.getBufferedImage().getRGB(i, 0), "label " + i);
            labels.setDisplayRange(0, 10); // somebody's own range
            assertEquals(labels.getBufferedImage().getRGB(20, 0), labels.getBufferedImage().getRGB(300, 0));
            assertEquals(LabelLut.colour(255).getRGB(), labels.getBufferedImage().getRGB(20, 0));
        }
    }

    @Test void every_slice_is_shown_in_its_own_colours() {
        ij.ImageStack stack = new ij.ImageStack(2, 1);
        stack.addSlice(new ByteProcessor(2, 1));
        stack.addSlice(new ByteProcessor(2, 1));
        ImagePlus image = new ImagePlus("two", stack);
        try (Result r = new Result(image, new ImageTransfer.Part(-1, 0, 2, 0, 1, new Rectangle(2, 1), false),
                                   new Provenance("line", "m", "0", "v", "i"), null, null)) {
            Result.Frame frame = new Result.Frame();
            frame.labels = new Volume(Dtype.UINT32, 2, 1, 2, 1);
            frame.labels.put(0, 0, new int[] {300, 0});
            frame.labels.put(1, 0, new int[] {0, 400});
            frame.count = 400;
            r.frames.add(frame);
            ImagePlus labels = LabelImage.of(r);
            assertEquals(LabelLut.colour(300).getRGB(), labels.getBufferedImage().getRGB(0, 0));
            labels.setSlice(2);
            assertEquals(400, labels.getProcessor().get(1));
            assertEquals(LabelLut.colour(400).getRGB(), labels.getBufferedImage().getRGB(1, 0));
            labels.setSlice(1);
            assertEquals(300, labels.getProcessor().get(0));
        }
    }

    @Test void floats_to_two_to_the_24() {
        try (Result r = result(3, 1, 65536, 1 << 24, 0)) {
            ImagePlus labels = LabelImage.of(r);
            assertEquals(32, labels.getBitDepth());
            assertEquals(1 << 24, labels.getProcessor().getf(1));
            ImagePlus read = written(r, labels, folder.resolve("b.tif").toFile());
            assertEquals(1 << 24, read.getProcessor().getf(1));
            assertEquals(65536, read.getProcessor().getf(0));
        }
    }

    @Test void whole_numbers_beyond_and_their_colours_in_the_window() throws Exception {
        try (Result r = result(2, 2, (1 << 24) + 1, -2, 0, 5)) { // -2: 4294967294
            ImagePlus view = LabelImage.of(r);
            assertEquals(8, view.getBitDepth());
            assertTrue(view.getTitle().endsWith("(colours alone)"));
            assertEquals(LabelLut.index((1 << 24) + 1), view.getProcessor().get(0));
            File file = folder.resolve("c.tif").toFile();
            AtomicFile.write(file.getPath(), out -> LabelImage.write(r, view, out));
            try (RandomAccessFile in = new RandomAccessFile(file, "r")) {
                in.seek(in.length() - 16);
                long[] numbers = new long[4];
                for (int i = 0; i < 4; i++)
                    numbers[i] = Integer.reverseBytes(in.readInt()) & 0xffffffffL;
                assertEquals((1 << 24) + 1, numbers[0]);
                assertEquals(4294967294L, numbers[1]);
                assertEquals(0, numbers[2]);
                assertEquals(5, numbers[3]);
            }
            assumeTrue(Headless.hasCommand());
            String said = Headless.pea("info", file.getPath());
            assertTrue(said.contains("uint32"), said);
            assertTrue(said.contains("0.25") && said.contains("um"), said);
        }
    }
}
