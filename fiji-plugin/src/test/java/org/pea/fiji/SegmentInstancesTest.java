// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Rectangle;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipFile;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.PeaException;

import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.gui.OvalRoi;
import ij.gui.Overlay;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.io.FileSaver;
import ij.measure.ResultsTable;
import ij.process.ByteProcessor;
import ij.process.ImageProcessor;

/** The command as macros use it, without a display. */
class SegmentInstancesTest {
    @TempDir static Path folder;

    @AfterAll static void close() {
        Models.release();
    }

    private static ImagePlus small() {
        ImageProcessor ip = Headless.nucleus().getProcessor();
        ip.setRoi(100, 100, 128, 96);
        ImagePlus image = new ImagePlus("small.tif", ip.crop());
        image.getCalibration().setUnit("micron");
        image.getCalibration().pixelWidth = image.getCalibration().pixelHeight = 0.5;
        return image;
    }

    private static ImagePlus stack(int z, int t) {
        ImageProcessor whole = Headless.nucleus().getProcessor();
        ImageStack stack = new ImageStack(96, 64);
        for (int i = 0; i < z * t; i++) {
            whole.setRoi(40 * i, 60 + 30 * i, 96, 64);
            stack.addSlice("plane " + (i + 1), whole.crop());
        }
        ImagePlus image = new ImagePlus("stack", stack);
        image.setDimensions(1, z, t);
        image.setOpenAsHyperStack(t > 1 && z > 1);
        return image;
    }

    private static ImagePlus labels(ImagePlus image, String options) throws Exception {
        ImagePlus labels = Headless.plugin(image, options);
        assertNotSame(image, labels, "there is no result");
        return labels;
    }

    private static String failing(ImagePlus image, String options) throws Exception {
        String answer = Headless.call(image, options);
        assertTrue(answer.startsWith("Error: "), answer);
        assertFalse(answer.contains("\n"), answer);
        assertTrue(image == null || image.lockSilently(), "the input is unlocked");
        if (image != null)
            image.unlock();
        return answer.substring(7);
    }

    private static int max(ImagePlus image) {
        double max = 0;
        for (int i = 1; i <= image.getStackSize(); i++)
            max = Math.max(max, image.getStack().getProcessor(i).getStatistics().max);
        return (int) max;
    }

    // ---- the label image ----

    @Test void labels_carry_title_calibration_colours_and_provenance() throws Exception {
        ImagePlus image = small();
        ImagePlus labels = labels(image, "model=nuclei minsize=25");
        assertEquals("small.tif - labels", labels.getTitle());
        assertEquals(16, labels.getBitDepth());
        assertEquals(0.5, labels.getCalibration().pixelWidth);
        assertEquals("micron", labels.getCalibration().getUnit());
        assertEquals(0, labels.getDisplayRangeMin());
        assertEquals(255, labels.getDisplayRangeMax());
        assertEquals(LabelLut.lut().getRGB(7), labels.getLuts()[0].getRGB(7));
        assertTrue(max(labels) > 3);
        String info = (String) labels.getProperty("Info");
        assertTrue(info.contains("PEA macro: run(\"Segment Instances (PEA)...\", \"model=nuclei minsize=25\");"), info);
        assertTrue(info.matches("(?s).*PEA model SHA-256: [0-9a-f]{64}\n.*"), info);
        assertNull(image.getRoi());
        assertFalse(image.isLocked());
    }

    @Test void the_line_in_the_info_gives_the_same_labels() throws Exception {
        ImagePlus labels = labels(small(), "minsize=60 threshold=0.7 show=labels model=nuclei");
        String info = (String) labels.getProperty("Info");
        String line = info.substring(info.indexOf("\", \"") + 4, info.indexOf("\");"));
        assertArrayEquals((short[]) labels.getProcessor().getPixels(),
                          (short[]) labels(small(), line).getProcessor().getPixels());
    }

    @Test void threads_change_nothing_but_the_line() throws Exception {
        ImagePlus one = labels(small(), "model=nuclei threads=1"), four = labels(small(), "model=nuclei threads=4");
        assertArrayEquals((short[]) one.getProcessor().getPixels(), (short[]) four.getProcessor().getPixels());
    }

    @Test void hyperstacks_keep_slices_frames_and_their_labels() throws Exception {
        ImagePlus labels = labels(stack(2, 3), "model=nuclei");
        assertArrayEquals(new int[] {96, 64, 1, 2, 3}, labels.getDimensions());
        assertEquals("plane 4", labels.getStack().getSliceLabel(4));
        ImagePlus part = labels(stack(2, 3), "model=nuclei slices=2 frame=2");
        assertEquals(1, part.getStackSize());
        assertEquals(max(part) > 0, true);
    }

    @Test void the_pixels_of_the_input_are_left_alone() throws Exception {
        ImagePlus image = small();
        byte[] before = ((byte[]) image.getProcessor().convertToByte(false).getPixels()).clone();
        labels(image, "model=nuclei show=labels");
        assertArrayEquals(before, (byte[]) image.getProcessor().convertToByte(false).getPixels());
        assertNull(image.getOverlay());
    }

    @Test void virtual_stacks_are_read_plane_by_plane() throws Exception {
        ImagePlus whole = stack(3, 1);
        File file = folder.resolve("virtual.tif").toFile();
        new FileSaver(whole).saveAsTiffStack(file.getPath());
        ImagePlus lazy = IJ.openVirtual(file.getPath());
        assertTrue(lazy.getStack().isVirtual());
        ImagePlus a = labels(whole, "model=nuclei"), b = labels(lazy, "model=nuclei");
        for (int i = 1; i <= 3; i++)
            assertArrayEquals((short[]) a.getStack().getPixels(i), (short[]) b.getStack().getPixels(i));
    }

    // ---- selections ----

    @Test void a_rectangle_is_segmented_alone_and_stays_selected() throws Exception {
        ImagePlus image = small();
        Roi box = new Roi(20, 10, 64, 64);
        image.setRoi(box);
        ImagePlus labels = labels(image, "model=nuclei");
        assertEquals(box, image.getRoi());
        assertTrue(((String) labels.getProperty("Info")).contains(
            "PEA image: small.tif, the selection at x 20, y 10, 64 wide, 64 high\n"));
        assertEquals(128, labels.getWidth());
        ImageProcessor whole = small().getProcessor();
        whole.setRoi(20, 10, 64, 64);
        ImagePlus alone = labels(new ImagePlus("cut", whole.crop()), "model=nuclei");
        for (int y = 0; y < 96; y++)
            for (int x = 0; x < 128; x++) {
                boolean inside = x >= 20 && x < 84 && y >= 10 && y < 74;
                assertEquals(inside ? alone.getProcessor().get(x - 20, y - 10) : 0, labels.getProcessor().get(x, y));
            }
    }

    @Test void a_shape_holds_all_instances() throws Exception {
        ImagePlus image = small();
        Roi oval = new OvalRoi(-10, 20, 90, 60); // partly outside the image
        image.setRoi(oval);
        ImagePlus labels = labels(image, "model=nuclei");
        assertTrue(max(labels) > 0);
        for (int y = 0; y < 96; y++)
            for (int x = 0; x < 128; x++)
                assertTrue(labels.getProcessor().get(x, y) == 0 || oval.contains(x, y), x + ", " + y);
    }

    @Test void lines_and_points_select_nothing() throws Exception {
        ImagePlus image = small();
        image.setRoi(new ij.gui.Line(3, 3, 40, 40));
        assertArrayEquals((short[]) labels(small(), "model=nuclei").getProcessor().getPixels(),
                          (short[]) labels(image, "model=nuclei").getProcessor().getPixels());
    }

    @Test void a_table_of_a_selection_counts_from_the_images_corner() throws Exception {
        ImagePlus image = small();
        image.setRoi(new Rectangle(20, 10, 64, 64));
        ImagePlus labels = labels(image, "model=nuclei show=labels,table");
        ResultsTable table = ResultsTable.getResultsTable();
        assertEquals(max(labels), table.size());
        double x = 0, n = 0;
        for (int i = 0; i < 128 * 96; i++)
            if (labels.getProcessor().get(i) == 1) {
                x += i % 128;
                n++;
            }
        assertEquals(0.5 * x / n, table.getValue("centroid_x_um", 0), 1e-6);
        assertEquals(0.25 * n, table.getValue("area_um2", 0), 1e-6);
    }

    // ---- overlay, selections, tables, details ----

    @Test void the_overlay_replaces_ours_and_keeps_the_users() throws Exception {
        ImagePlus image = small();
        image.setOverlay(new Overlay(new Roi(1, 2, 3, 4)));
        ImagePlus labels = labels(image, "model=nuclei");
        assertEquals(1 + max(labels), image.getOverlay().size());
        labels(image, "model=nuclei");
        assertEquals(1 + max(labels), image.getOverlay().size());
        assertEquals(new Rectangle(1, 2, 3, 4), image.getOverlay().get(0).getBounds());
        assertEquals(LabelLut.colour(1), image.getOverlay().get(1).getStrokeColor());
        assertTrue(image.getOverlay().get(1) instanceof PolygonRoi);
    }

    @Test void outlines_of_hyperstacks_know_their_plane() throws Exception {
        ImagePlus image = stack(2, 3);
        labels(image, "model=nuclei slices=2");
        for (Roi roi : image.getOverlay().toArray()) {
            assertEquals(2, roi.getZPosition());
            assertTrue(roi.getTPosition() >= 1 && roi.getTPosition() <= 3);
            assertTrue(roi.getName().matches("\\d+-z2-t[123]"), roi.getName());
        }
        ImagePlus plain = stack(3, 1);
        labels(plain, "model=nuclei");
        assertTrue(plain.getOverlay().get(0).getPosition() > 0);
        assertTrue(plain.getOverlay().get(0).getName().matches("\\d+-z1"));
    }

    @Test void all_files_are_written_and_read_back() throws Exception {
        ImagePlus image = stack(2, 1);
        String at = folder.resolve("new folder").toString();
        ImagePlus labels = labels(image, "model=nuclei output=[" + at + "/l.tif] overlay=[" + at + "/p.png] table=["
                                  + at
                                  + "/t.csv] rois=[" + at + "/r.zip]");
        ImagePlus read = IJ.openImage(at + "/l.tif");
        assertArrayEquals((short[]) labels.getStack().getPixels(2), (short[]) read.getStack().getPixels(2));
        assertEquals("plane 2", read.getStack().getSliceLabel(2));
        assertEquals(labels.getProperty("Info"), ((String) read.getProperty("Info")));
        assertEquals(LabelLut.lut().getRGB(9), read.getLuts()[0].getRGB(9));
        assertEquals(96, IJ.openImage(at + "/p.png").getWidth());
        String csv = new String(Files.readAllBytes(folder.resolve("new folder/t.csv")), StandardCharsets.UTF_8);
        assertEquals(max(labels) + 1, csv.split("\r\n").length);
        try (ZipFile zip = new ZipFile(at + "/r.zip")) {
            assertNotNull(zip.getEntry("1-z1.roi"));
            assertEquals(max(labels), zip.size());
        }
        assertEquals(4, new File(at).list().length, "no temporary file is left");
    }

    @Test void affinities_name_their_offsets_and_embeddings_are_colours() throws Exception {
        ImagePlus affinity = labels(stack(2, 1), "model=nuclei show=affinity");
        assertEquals("stack - affinity", affinity.getTitle());
        assertEquals(32, affinity.getBitDepth());
        assertEquals(2, affinity.getNSlices());
        assertTrue(affinity.getNChannels() >= 2);
        assertEquals("affinity to z 0, y -1, x 0", affinity.getStack().getSliceLabel(1));
        ImagePlus embedding = labels(stack(2, 1), "model=nuclei show=embedding");
        assertEquals(24, embedding.getBitDepth());
        assertEquals(2, embedding.getNSlices());
    }

    @Test void truth_gives_scores_and_coloured_errors() throws Exception {
        ImagePlus image = Headless.nucleus();
        String truth = Headless.ROOT.resolve("testdata/nuclei/cc88627344305b9a_labels.tif").toString();
        Headless.plugin(image, "model=nuclei show=none truth=[" + truth + "]");
        ResultsTable table = ResultsTable.getResultsTable();
        double aji = Double.NaN;
        for (int i = 0; i < table.size(); i++)
            if (table.getStringValue("Metric", i).equals("aji"))
                aji = table.getValue("Value", i);
        assertTrue(aji > 0.7, "aji " + aji);
        int matched = 0;
        for (Roi roi : image.getOverlay().toArray())
            matched += roi.getName().startsWith("matched ") && roi.getStrokeColor().equals(ScoreReport.MATCHED) ? 1 : 0;
        assertTrue(matched > image.getOverlay().size() / 2, matched + " of " + image.getOverlay().size());
    }

    // ---- what goes wrong ----

    @Test void errors_are_one_line_and_leave_the_image_as_it_was() throws Exception {
        assertTrue(failing(null, "model=nuclei").contains("there is no image"));
        assertTrue(failing(small(), "model=nuclei minsiz=3").contains("did you mean \"minsize\""));
        assertTrue(failing(small(), "model=nuclei minsize=lots").contains("minsize"));
        assertTrue(failing(small(), "model=none-such").contains("no model \"none-such\""));
        assertTrue(failing(small(), "model=nuclei channel=2").contains("channel 2 asked for, but the image has 1"));
        assertTrue(failing(small(), "model=nuclei mode=3d").contains("mode 3d does not fit"));
        assertTrue(failing(small(), "model=nuclei memory=1M").contains("byte"));
        assertTrue(failing(small(), "model=nuclei mask=none-such").contains("no mask \"none-such\""));
        assertTrue(failing(small(), "model=nuclei foreground=given").contains("mask"));
        assertTrue(failing(small(), "model=nuclei scale=auto").length() > 10);
        assertEquals("/proc/none/l.tif could not be written: the folder /proc/none cannot be made, choose another",
                     failing(small(), "model=nuclei show=none output=/proc/none/l.tif"));
        labels(small(), "model=nuclei"); // and works afterwards
    }

    @Test void a_file_that_cannot_be_written_does_not_cost_the_other_results() throws Exception {
        File table = folder.resolve("kept.csv").toFile();
        ImagePlus image = small();
        ImagePlus labels = Headless.plugin(image, "model=nuclei rois=/proc/none/r.zip table=[" + table
                                           + "] output=[" + folder + "/not.tif]");
        assertTrue(max(labels) > 0);
        assertTrue(table.length() > 0);
        assertFalse(new File(folder.toFile(), "not.tif").exists(), "where the label file is, all files are");
        assertTrue(image.getOverlay().size() > 0);
    }

    @Test void images_that_hold_no_numbers_are_refused() throws Exception {
        ImageProcessor ip = small().getProcessor().convertToFloat();
        ip.setf(77, Float.NaN);
        assertTrue(failing(new ImagePlus("nan", ip), "model=nuclei").contains("nan"));
    }

    @Test void a_model_that_is_damaged_or_missing_is_named() throws Exception {
        Path broken = folder.resolve("broken.safetensors");
        byte[] bytes = Files.readAllBytes(Headless.ROOT.resolve("models/nuclei.safetensors"));
        Files.write(broken, java.util.Arrays.copyOf(bytes, bytes.length - 1000));
        assertTrue(failing(small(), "model=[" + broken + "]").startsWith("the model " + broken + " cannot be used: "));
        assertTrue(failing(small(), "model=[" + folder + "/none.safetensors]").contains("none.safetensors"));
    }

    @Test void a_locked_image_is_said() throws Exception {
        ImagePlus image = small();
        image.lock();
        assertTrue(Headless.call(image, "model=nuclei").contains("locked by another command"));
        assertTrue(image.isLocked(), "by whoever locked it");
    }

    @Test void a_constant_image_has_no_instances() throws Exception {
        ImagePlus labels = labels(new ImagePlus("flat", new ByteProcessor(64, 48)),
                                  "model=nuclei show=labels,overlay,table rois=["
                                  + folder.resolve("none.zip") + "]");
        assertEquals(64, labels.getWidth());
    }

    @Test void tiny_images_work() throws Exception {
        assertEquals(1, labels(new ImagePlus("dot", new ByteProcessor(1, 1)), "model=nuclei").getWidth());
        assertEquals(7, labels(new ImagePlus("thin", new ByteProcessor(7, 1)), "model=nuclei").getWidth());
    }

    // ---- stopping ----

    @Test void stopping_leaves_nothing() {
        for (int after : new int[] {0, 1, 3}) {
            int[] calls = {0};
            ImagePlus image = small();
            assertThrows(PeaException.Cancelled.class, () -> new InstanceSegmentation(MacroOptions.read("model=nuclei"))
                .progress((stage, fraction) -> calls[0]++ < after).apply(image));
            assertFalse(image.isLocked());
        }
    }

    @Test void escape_is_heard_soon() throws Exception {
        ImageProcessor big = Headless.nucleus().getProcessor().resize(2000, 2000);
        ImagePlus image = new ImagePlus("big", big);
        long[] pressed = new long[1];
        Thread finger = new Thread(() -> {
            IJ.wait(700);
            pressed[0] = System.nanoTime();
            IJ.setKeyDown(java.awt.event.KeyEvent.VK_ESCAPE);
        });
        Headless.run("model=nuclei", () -> {
            ij.WindowManager.setTempCurrentImage(image);
            finger.start();
            new SegmentInstances().run("");
        });
        double seconds = 1e-9 * (System.nanoTime() - pressed[0]);
        finger.join();
        IJ.resetEscape();
        assertTrue(seconds < 2, "heard after " + seconds + " s"); // a tenth of a second where nothing else runs
        assertFalse(image.isLocked());
    }

    /* Where a result is shown or written its planes are asked for: Esc behind the last call of the library counts. */
    @Test void stopping_while_results_are_written_leaves_no_file() throws Exception {
        for (String key : new String[] {"output=[.tif]", "rois=[.zip]", "overlay=[.png]"}) {
            File file = Files.createTempDirectory(folder, "stopped").resolve("file").toFile();
            Request request = MacroOptions.read("model=nuclei show=none " + key.replace("[", "[" + file));
            boolean[] stop = {false};
            try (Result result = new InstanceSegmentation(request).progress((stage, fraction) -> !stop[0])
                .apply(small())) {
                stop[0] = true;
                assertThrows(PeaException.Cancelled.class, () -> Outputs.show(result, request), key);
            }
            assertEquals(0, file.getParentFile().list().length, key);
        }
    }

    @Test void a_wrong_truth_is_told_before_the_work() throws Exception {
        ImagePlus image = small();
        File file = folder.resolve("other size.tif").toFile();
        new FileSaver(new ImagePlus("other", new ByteProcessor(5, 4))).saveAsTiff(file.getPath());
        for (String truth : new String[] {"none-such", "[" + file + "]"}) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> new InstanceSegmentation(
                MacroOptions.read("model=nuclei truth=" + truth)).progress((stage, fraction) -> {
                    throw new AssertionError("the work has begun");
                }).apply(image));
            assertTrue(e.getMessage().contains("truth"), e.getMessage());
        }
        String answer = failing(image, "model=nuclei truth=[" + file + "]");
        assertTrue(answer.contains("the truth is 5 x 4 x 1, the result will be 128 x 96 x 1"), answer);
    }
}
