// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.IndexColorModel;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Volume;

import ij.CompositeImage;
import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.io.FileSaver;
import ij.plugin.LutLoader;
import ij.process.ByteProcessor;
import ij.process.ColorProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.LUT;
import ij.process.ShortProcessor;

/** The plugin and `pea segment` give the same labels for the same image, whatever its type. */
class SameLabelsTest {
    @TempDir static Path folder;

    @BeforeEach void needs_the_command() {
        assumeTrue(Headless.hasCommand(), "the command is not built: " + Headless.COMMAND);
    }

    @AfterAll static void close() {
        Models.release();
    }

    // ---- images ----

    /** 96 x 64 pixels of a nuclei image with some ten nuclei. */
    private static ByteProcessor part(int x, int y) {
        ImagePlus image = Headless.nucleus();
        ImageProcessor ip = image.getProcessor().convertToByte(false);
        ip.setRoi(x, y, 96, 64);
        return (ByteProcessor) ip.crop();
    }

    private static ImagePlus grey() {
        return new ImagePlus("grey", part(100, 100));
    }

    private static ImagePlus stack(int c, int z, int t) {
        ImageStack stack = new ImageStack(96, 64);
        for (int i = 0; i < c * z * t; i++)
            stack.addSlice("plane " + i, part(20 * i % 300, 31 * i % 400));
        ImagePlus image = new ImagePlus("stack", stack);
        image.setDimensions(c, z, t);
        if (c * z * t > Math.max(c, Math.max(z, t)) || c > 1)
            image.setOpenAsHyperStack(true);
        return image;
    }

    private static LUT lut(int r, int g, int b) {
        byte[][] rgb = new byte[3][256];
        for (int i = 0; i < 256; i++)
            for (int c = 0; c < 3; c++)
                rgb[c][i] = (byte) (i * new int[] {r, g, b}[c] / 255);
        return new LUT(rgb[0], rgb[1], rgb[2]);
    }

    // ---- both ways ----

    private static int[][] byPlugin(ImagePlus image, String options) {
        Request request = MacroOptions.read(options);
        try (Result result = new InstanceSegmentation(request).apply(image)) {
            int slices = result.part.slices;
            int[][] planes = new int[result.frames() * slices][];
            for (int i = 0; i < planes.length; i++)
                planes[i] = result.plane(i / slices, i % slices);
            return planes;
        }
    }

    private static int[][] byCommand(File file, String... options) throws Exception {
        File labels = folder.resolve("labels.tif").toFile();
        String[] all = new String[options.length + 6];
        String model = Headless.ROOT.resolve("models/nuclei.safetensors").toString();
        String[] head = {"segment", file.getPath(), "-m", model, "-o",
                         labels.getPath()};
        System.arraycopy(head, 0, all, 0, 6);
        System.arraycopy(options, 0, all, 6, options.length);
        Headless.pea(all);
        ImagePlus read = IJ.openImage(labels.getPath());
        assertEquals(16, read.getBitDepth());
        int[][] planes = new int[read.getStackSize()][];
        for (int i = 0; i < planes.length; i++) {
            short[] plane = (short[]) read.getStack().getPixels(i + 1);
            planes[i] = new int[plane.length];
            for (int p = 0; p < plane.length; p++)
                planes[i][p] = plane[p] & 0xffff;
        }
        return planes;
    }

    private static File save(ImagePlus image) {
        File file = folder.resolve("image.tif").toFile();
        FileSaver saver = new FileSaver(image.duplicate());
        assertTrue(image.getStackSize() > 1 ? saver.saveAsTiffStack(file.getPath()) : saver.saveAsTiff(file.getPath()));
        return file;
    }

    /** As it is in memory, and as ImageJ opens what it saved. Options in the macro's words, which are the command's. */
    private static void check(ImagePlus image, String... options) throws Exception {
        File file = save(image);
        StringBuilder macro = new StringBuilder("model=nuclei");
        String[] command = new String[2 * options.length];
        for (int i = 0; i < options.length; i++) {
            macro.append(' ').append(options[i]);
            command[2 * i] = "--" + options[i].substring(0, options[i].indexOf('='));
            command[2 * i + 1] = options[i].substring(options[i].indexOf('=') + 1);
        }
        int[][] expected = byCommand(file, command);
        assertTrue(max(expected) > 1, "nothing was found, so nothing was compared");
        same(expected, byPlugin(image, macro.toString()), "in memory");
        same(expected, byPlugin(IJ.openImage(file.getPath()), macro.toString()), "opened again");
    }

    private static void same(int[][] expected, int[][] found, String what) {
        assertEquals(expected.length, found.length, what);
        for (int i = 0; i < expected.length; i++)
            assertArrayEquals(expected[i], found[i], what + ", plane " + i);
    }

    private static int max(int[][] planes) {
        int max = 0;
        for (int[] plane : planes)
            for (int label : plane)
                max = Math.max(max, label);
        return max;
    }

    // ---- cases ----

    @Test void bundled_nuclei() throws Exception {
        for (String name : new String[] {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"}) {
            String path = "testdata/nuclei/" + name + "_image.tif";
            same(byCommand(Headless.ROOT.resolve(path).toFile()), byPlugin(Headless.open(path), "model=nuclei"), name);
        }
    }

    @Test void grey_of_8_16_and_32_bits() throws Exception {
        check(grey());
        ShortProcessor wide = (ShortProcessor) grey().getProcessor().convertToShort(false);
        wide.multiply(201);
        check(new ImagePlus("16", wide));
        FloatProcessor exact = part(100, 100).convertToFloatProcessor();
        exact.multiply(0.013);
        exact.add(-1.7);
        check(new ImagePlus("32", exact));
    }

    @Test void signed_16_bits() throws Exception {
        ShortProcessor wide = (ShortProcessor) grey().getProcessor().convertToShort(false);
        wide.multiply(100);
        wide.add(30000); // from below to above 0
        ImagePlus image = new ImagePlus("signed", wide);
        image.getCalibration().setSigned16BitCalibration();
        check(image);
        check(image, "normalise=unit", "threshold=0.2"); // full scale is that of 16 bits: a faint picture
    }

    @Test void inverted_lookup_tables() throws Exception {
        ByteProcessor dark = part(100, 100);
        dark.invert();
        dark.invertLut();
        check(new ImagePlus("inverted 8", dark));
        ShortProcessor wide = (ShortProcessor) grey().getProcessor().convertToShort(false);
        wide.multiply(101);
        for (int i = 0; i < wide.getPixelCount(); i++)
            wide.set(i, 65535 - wide.get(i));
        wide.invertLut();
        ImagePlus image = new ImagePlus("inverted 16", wide);
        same(byCommand(save(image)), byPlugin(image, "model=nuclei"), "in memory");
    }

    @Test void lookup_tables_that_are_display_alone() throws Exception {
        for (LUT lut : new LUT[] {lut(0, 255, 0), lut(0, 0, 255), lut(255, 255, 0)}) {
            ByteProcessor ip = part(100, 100);
            ip.setLut(lut);
            ImagePlus image = new ImagePlus("colour", ip);
            check(image);
            same(byPlugin(grey(), "model=nuclei"), byPlugin(image, "model=nuclei"), "the colour changes nothing");
        }
    }

    @Test void palettes() throws Exception {
        ByteProcessor ip = part(100, 100);
        LUT fire = new LUT(LutLoader.getLut("fire"), 0, 255);
        ip.setLut(fire);
        check(new ImagePlus("fire", ip));
        byte[] mixed = new byte[256];
        Random random = new Random(3);
        for (int i = 0; i < 256; i++)
            mixed[i] = (byte) (i ^ random.nextInt(2) << 6);
        ByteProcessor palette = part(100, 100);
        palette.setLut(new LUT(mixed, mixed, mixed));
        check(new ImagePlus("palette", palette));
        byte[] few = {(byte) 255, (byte) 128, 0};
        ByteProcessor three = part(100, 100);
        three.multiply(1 / 64.0);
        three.setColorModel(new IndexColorModel(8, 3, few, few, few)); // darker and darker, but no scale of 256
        ImagePlus image = new ImagePlus("three", three);
        byte[] meaning = ImageTransfer.meaning(image);
        assertEquals(128, meaning[1] & 255);
    }

    @Test void rgb() throws Exception {
        ColorProcessor colours = new ColorProcessor(96, 64);
        byte[] r = (byte[]) part(100, 100).getPixels(), g = (byte[]) part(180, 60).getPixels();
        byte[] b = (byte[]) part(10, 200).getPixels();
        colours.setRGB(r, g, b);
        ImagePlus image = new ImagePlus("rgb", colours);
        check(image);
        check(image, "channel=2");
    }

    @Test void stacks_number_on_and_frames_anew() throws Exception {
        check(stack(1, 3, 1));
        check(stack(1, 1, 3));
        check(stack(1, 2, 2));
    }

    @Test void parts_of_hyperstacks() throws Exception {
        ImagePlus image = stack(2, 3, 2);
        check(image, "channel=2");
        check(image, "channel=1", "slices=2-3", "frame=2");
        check(new CompositeImage(image, CompositeImage.COMPOSITE), "channel=2", "slices=2");
    }

    @Test void three_channels_are_colours_to_the_model() throws Exception {
        check(stack(3, 1, 1));
        check(stack(3, 2, 1), "minsize=5");
    }

    @Test void rgb_stacks() throws Exception {
        ImageStack stack = new ImageStack(96, 64);
        for (int i = 0; i < 2; i++)
            stack.addSlice(part(100 + 50 * i, 100).convertToRGB());
        check(new ImagePlus("rgb stack", stack));
    }

    @Test void settings_mean_the_same() throws Exception {
        check(grey(), "minsize=40", "threshold=0.6", "shifts=1,3,9", "neighbours=8", "strides=2,2");
        check(grey(), "scale=1.5");
    }

    @Test void a_mask_is_obeyed() throws Exception {
        ByteProcessor inside = new ByteProcessor(96, 64);
        inside.setValue(1);
        inside.fillOval(10, 5, 70, 50);
        File mask = folder.resolve("the mask.tif").toFile();
        new FileSaver(new ImagePlus("mask", inside)).saveAsTiff(mask.getPath());
        int[][] expected = byCommand(save(grey()), "--mask", mask.getPath());
        same(expected, byPlugin(grey(), "model=nuclei mask=[" + mask + "]"), "mask");
    }

    @Test void tables_have_the_same_bytes() throws Exception {
        ImagePlus image = stack(1, 1, 2);
        image.getCalibration().pixelWidth = image.getCalibration().pixelHeight = 0.25;
        image.getCalibration().setUnit("micron");
        File table = folder.resolve("t.csv").toFile();
        byCommand(save(image), "--table", table.getPath());
        try (Result result = new InstanceSegmentation(MacroOptions.read("model=nuclei table=x.csv")).apply(image)) {
            assertEquals(new String(Files.readAllBytes(table.toPath()), StandardCharsets.UTF_8), result.csv());
        }
    }

    @Test void pictures_have_the_same_pixels() throws Exception {
        File expected = folder.resolve("e.png").toFile(), found = folder.resolve("f.png").toFile();
        ImagePlus image = grey();
        byCommand(save(image), "--overlay", expected.getPath());
        Request request = MacroOptions.read("model=nuclei show=none overlay=[" + found + "]");
        try (Result result = new InstanceSegmentation(request).apply(image)) {
            Outputs.show(result, request);
        }
        assertArrayEquals((int[]) IJ.openImage(expected.getPath()).getProcessor().convertToRGB().getPixels(),
                          (int[]) IJ.openImage(found.getPath()).getProcessor().convertToRGB().getPixels());
    }

    @Test void label_files_have_the_same_pixels() throws Exception {
        ImagePlus image = stack(1, 2, 2);
        File found = folder.resolve("found.tif").toFile();
        int[][] expected = byCommand(save(image));
        Request request = MacroOptions.read("model=nuclei show=none output=[" + found + "]");
        try (Result result = new InstanceSegmentation(request).apply(image)) {
            Outputs.show(result, request);
        }
        ImagePlus read = IJ.openImage(found.getPath());
        assertEquals(2, read.getNSlices());
        assertEquals(2, read.getNFrames());
        for (int frame = 0; frame < 2; frame++)
            try (Volume labels = ImageTransfer.labels(read, frame)) {
                int[] plane = new int[96 * 64];
                for (int z = 0; z < 2; z++) {
                    labels.get(z, 0, plane);
                    assertArrayEquals(expected[2 * frame + z], plane);
                }
            }
    }
}
