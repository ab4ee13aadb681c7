// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.pea.Model;

import ij.ImagePlus;
import ij.ImageStack;
import ij.process.ByteProcessor;
import ij.process.ImageProcessor;
import ij.process.LUT;

class FitTest {
    private static final ImagePlus NUCLEUS = Headless.nucleus();

    @AfterAll static void close() {
        Models.release();
    }

    private static List<Fit.Message> of(ImagePlus image, String options) {
        Model model = Models.open("nuclei");
        return Fit.of(model, image, MacroOptions.read(options));
    }

    private static Fit.Message only(ImagePlus image, String words, Fit.Kind kind) {
        List<Fit.Message> all = of(image, "model=nuclei");
        assertEquals(1, all.size(), all.toString());
        assertTrue(all.get(0).words.contains(words), all.get(0).words);
        assertEquals(kind, all.get(0).kind);
        return all.get(0);
    }

    private static ImagePlus stack(int c, int z, int t) {
        ImageStack stack = new ImageStack(NUCLEUS.getWidth(), NUCLEUS.getHeight());
        for (int i = 0; i < c * z * t; i++)
            stack.addSlice(NUCLEUS.getProcessor().duplicate());
        ImagePlus image = new ImagePlus("stack", stack);
        image.setDimensions(c, z, t);
        return image;
    }

    @Test void what_fits_has_no_message() {
        assertEquals("[]", of(Headless.nucleus(), "model=nuclei").toString());
        assertEquals("[]", of(stack(1, 1, 3), "model=nuclei").toString());
    }

    @Test void stacks_are_planes_to_a_2d_model() {
        only(stack(1, 3, 1), "each of the 3 slices", Fit.Kind.NOTE);
        assertEquals("[]", of(stack(1, 3, 1), "model=nuclei slices=2").toString());
    }

    @Test void too_many_channels_offer_one() {
        ImagePlus image = stack(2, 1, 1);
        Fit.Message m = only(image, "The image has 2 channels", Fit.Kind.REFUSAL);
        assertEquals("channel", m.key);
        Request request = new Request();
        assertEquals(1, m.fixed(request).channel);
        assertEquals(0, request.channel, "the request itself is as it was");
        assertEquals("[]", of(image, "model=nuclei channel=2").toString());
        assertTrue(of(image, "model=nuclei channel=3").get(0).words.contains("Channel 3 is chosen"));
    }

    @Test void the_wrong_mode_is_refused() {
        Fit.Message m = of(NUCLEUS, "model=nuclei mode=3d").get(0);
        assertEquals(Fit.Kind.REFUSAL, m.kind);
        assertEquals("", m.fixed(MacroOptions.read("model=nuclei mode=3d")).mode);
    }

    @Test void grey_stored_as_rgb_is_noted() {
        assertEquals("channel", only(new ImagePlus("rgb", NUCLEUS.getProcessor().convertToRGB()), "grey, stored as RGB",
                                     Fit.Kind.NOTE).key);
    }

    @Test void constants_masks_labels_and_bad_numbers_are_recognised() {
        only(new ImagePlus("flat", new ByteProcessor(300, 200)), "same value", Fit.Kind.WARNING);
        ImageProcessor mask = NUCLEUS.getProcessor().duplicate().convertToByte(false);
        mask.threshold(60);
        only(new ImagePlus("mask", mask), "two values", Fit.Kind.WARNING);
        only(Headless.open("testdata/nuclei/cc88627344305b9a_labels.tif"), "label image", Fit.Kind.WARNING);
        ImageProcessor bad = NUCLEUS.getProcessor().convertToFloat();
        for (int i = 0; i < bad.getPixelCount(); i += 3)
            bad.setf(i, Float.POSITIVE_INFINITY);
        only(new ImagePlus("bad", bad), "no numbers", Fit.Kind.REFUSAL);
        only(new ImagePlus("bad", bad), "Process > Noise > Remove NaNs", Fit.Kind.REFUSAL); // NaN Background makes them
    }

    @Test void dark_objects_are_suspected() {
        ImageProcessor inverted = NUCLEUS.getProcessor().duplicate().convertToByte(true);
        inverted.invert();
        only(new ImagePlus("dark", inverted), "Most of the image is bright", Fit.Kind.WARNING);
    }

    @Test void lookup_tables_that_change_numbers_are_said() {
        ImageProcessor inverted = NUCLEUS.getProcessor().duplicate().convertToByte(true);
        inverted.invert();
        inverted.invertLut();
        only(new ImagePlus("inverted", inverted), "The lookup table is inverted", Fit.Kind.NOTE);
        byte[] up = new byte[256], zero = new byte[256];
        for (int i = 0; i < 256; i++)
            up[i] = (byte) i;
        ImageProcessor green = NUCLEUS.getProcessor().duplicate().convertToByte(true);
        green.setLut(new LUT(zero, up, zero));
        assertEquals("[]", of(new ImagePlus("green", green), "model=nuclei").toString());
        byte[] mixed = new byte[256];
        for (int i = 0; i < 256; i++)
            mixed[i] = (byte) (i * 37);
        ImageProcessor palette = NUCLEUS.getProcessor().duplicate().convertToByte(true);
        palette.setLut(new LUT(mixed, up, zero));
        only(new ImagePlus("palette", palette), "come from a palette", Fit.Kind.WARNING);
    }

    @Test void a_scale_that_cannot_be_known_offers_none() {
        List<Fit.Message> all = of(NUCLEUS, "model=nuclei scale=auto");
        for (Fit.Message m : all)
            if ("scale".equals(m.key))
                assertEquals("1", m.fixed(MacroOptions.read("model=nuclei scale=auto")).wishes.get("scale"));
    }

    @Test void a_forecast_says_bytes_and_time_once_it_was_measured() {
        Model model = Models.open("nuclei");
        Request request = MacroOptions.read("model=nuclei threads=1");
        Forecast.measure(model, request, null);
        assertTrue(Forecast.measured(model, request));
        Forecast f = Forecast.of(model, NUCLEUS, request);
        assertNull(f.error);
        assertTrue(f.seconds > 0.01 && f.seconds < 300, "" + f.seconds);
        assertTrue(f.bytes > 1 << 20 && f.bytes < 1L << 30, "" + f.bytes);
        assertTrue(f.words().matches("about \\d+ (s|min) and up to \\d+ MB of memory"), f.words());
        assertFalse(Forecast.measured(model, MacroOptions.read("model=nuclei threads=7")));
        assertNotNull(Forecast.of(model, NUCLEUS, MacroOptions.read("model=nuclei channel=9")).error);
        long plane = 4L * NUCLEUS.getWidth() * NUCLEUS.getHeight();
        assertEquals(10 * plane, Forecast.of(model, NUCLEUS, MacroOptions.read("model=nuclei threads=1 table=t.csv")).bytes
                     - f.bytes, "affinities of ten offsets, for the confidence");
        assertTrue(Forecast.of(model, NUCLEUS, MacroOptions.read("model=nuclei threads=1 show=embedding")).bytes
                   >= f.bytes + 8 * plane);
        NUCLEUS.setRoi(0, 0, 64, 64);
        assertTrue(Forecast.of(model, NUCLEUS, request).bytes < f.bytes);
        NUCLEUS.deleteRoi();
    }

    @Test void a_forecast_is_the_number_that_the_command_tells() throws Exception {
        assumeTrue(Headless.hasCommand(), "the command is not built: " + Headless.COMMAND);
        String image = Headless.ROOT.resolve("testdata/nuclei/cc88627344305b9a_image.tif").toString();
        String model = Headless.ROOT.resolve("models/nuclei.safetensors").toString();
        String labels = Files.createTempDirectory("pea").resolve("labels.tif").toString();
        String[] tables = {"", labels + ".csv"};
        for (String table : tables) {
            long bytes = Forecast.of(Models.open("nuclei"), NUCLEUS,
                MacroOptions.read("model=nuclei threads=1" + (table.isEmpty() ? "" : " table=" + table))).bytes;
            String[] line = {"segment", image, "-m", model, "-o", labels, "--threads", "1", "--memory", Long.toString(bytes)};
            if (!table.isEmpty()) {
                line = Arrays.copyOf(line, line.length + 2);
                line[line.length - 2] = "--table";
                line[line.length - 1] = table;
            }
            Headless.pea(line);
            line[9] = Long.toString(bytes - 1);
            String[] refused = line;
            if (table.isEmpty())
                assertTrue(assertThrows(AssertionError.class, () -> Headless.pea(refused)).getMessage()
                    .contains("(" + bytes + " bytes)"));
            else    // the table goes without confidence rather than not at all
                assertTrue(Headless.pea(refused).contains("stays empty"));
        }
    }
}
