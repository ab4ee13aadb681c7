// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.EventQueue;
import java.awt.Rectangle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.pea.Dtype;
import org.pea.Model;
import org.pea.Volume;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.process.ShortProcessor;

/** The preview without a window: it needs an image and the event thread alone. */
class PreviewTest {
    @AfterAll static void close() {
        Models.release();
    }

    /** A preview, what it says, and a way to wait for it. */
    private static final class Watched implements AutoCloseable {
        final ImagePlus image;
        final List<String> said = new CopyOnWriteArrayList<>();
        final Preview preview;

        Watched(ImagePlus image) {
            this.image = image;
            preview = new Preview(image, (text, fraction) -> said.add((fraction < 0 ? "! " : "") + text));
        }

        /** @return what it says when it is done */
        String wants(String options) throws Exception {
            said.clear();
            Model model = Models.open("nuclei");
            EventQueue.invokeAndWait(() -> preview.wanted(model, MacroOptions.read(options)));
            for (int i = 0; i < 6000; i++) {
                for (String text : said)
                    if (text.startsWith("! "))
                        return text.substring(2);
                Thread.sleep(10);
            }
            throw new AssertionError("no answer: " + said);
        }

        boolean networkRan() {
            return said.stream().anyMatch(text -> text.contains("reading pixels"));
        }

        @Override public void close() throws Exception {
            EventQueue.invokeAndWait(preview::close);
        }
    }

    private static long run(ImagePlus image, String options) {
        try (Result result = new InstanceSegmentation(MacroOptions.read(options)).apply(image)) {
            return result.count();
        }
    }

    @Test void it_shows_what_the_run_will_give_and_runs_the_network_once() throws Exception {
        ImagePlus image = Headless.nucleus();
        try (Watched w = new Watched(image)) {
            assertTrue(w.wants("model=nuclei").startsWith(run(image, "model=nuclei") + " instance"), w.said.toString());
            assertTrue(w.networkRan());
            for (String options : new String[] {"threshold=0.5", "minsize=300",
                    "shifts=1,3 strides=2,2", "merge=25:11"}) {
                String text = w.wants("model=nuclei " + options);
                assertTrue(text.startsWith(run(image, "model=nuclei " + options) + " instance"), options + ": " + text);
                assertFalse(w.networkRan(), options);
            }
            w.wants("model=nuclei scale=0.5");
            assertTrue(w.networkRan());
        }
    }

    @Test void a_selection_limits_it_as_it_limits_the_run() throws Exception {
        ImagePlus image = Headless.nucleus();
        image.setRoi(20, 30, 150, 140);
        try (Watched w = new Watched(image)) {
            String text = w.wants("model=nuclei");
            assertTrue(text.startsWith(run(image, "model=nuclei") + " instance"), text);
            assertTrue(text.contains("selection"), text);
            for (Roi roi : image.getOverlay())
                assertTrue(new Rectangle(19, 29, 152, 142).contains(roi.getBounds()), roi.toString());
        }
    }

    @Test void the_users_overlay_comes_back() throws Exception {
        ImagePlus image = Headless.nucleus();
        Overlay users = new Overlay(new Roi(1, 1, 5, 5));
        image.setOverlay(users);
        Roi drawn = new Roi(9, 9, 3, 3);
        try (Watched w = new Watched(image)) {
            w.wants("model=nuclei");
            assertTrue(image.getOverlay().size() > 1);
            image.getOverlay().add(drawn); // with Image > Overlay > Add Selection, say
            w.wants("model=nuclei minsize=300");
            assertTrue(image.getOverlay().contains(drawn));
        }
        assertSame(users, image.getOverlay());
        assertEquals(2, users.size());
        assertTrue(users.contains(drawn));
    }

    @Test void no_overlay_comes_back_as_none() throws Exception {
        ImagePlus image = Headless.nucleus();
        try (Watched w = new Watched(image)) {
            w.wants("model=nuclei");
            EventQueue.invokeAndWait(w.preview::off);
            assertEquals(null, image.getOverlay());
            assertTrue(w.wants("model=nuclei").contains("instance")); // and once more
        }
        assertEquals(null, image.getOverlay());
    }

    @Test void closing_stops_the_network() throws Exception {
        ImagePlus image = Headless.nucleus();
        Watched w = new Watched(image);
        Model model = Models.open("nuclei");
        EventQueue.invokeAndWait(() -> w.preview.wanted(model, MacroOptions.read("model=nuclei")));
        Thread.sleep(50);
        w.close();
        long end = System.nanoTime() + 10_000_000_000L;
        while (working() && System.nanoTime() < end)
            Thread.sleep(10);
        assertFalse(working());
        assertEquals(null, image.getOverlay());
    }

    private static boolean working() {
        for (java.util.Map.Entry<Thread, StackTraceElement[]> t : Thread.getAllStackTraces().entrySet())
            if (t.getKey().getName().equals("PEA preview"))
                for (StackTraceElement e : t.getValue())
                    if (e.getClassName().startsWith("org.pea."))
                        return true;
        return false;
    }

    @Test void what_goes_wrong_is_said() throws Exception {
        try (Watched w = new Watched(Headless.nucleus())) {
            String text = w.wants("model=nuclei mask=nothing-of-this-name");
            assertTrue(text.startsWith("No preview: ") && text.contains("nothing-of-this-name"), text);
            assertTrue(w.wants("model=nuclei").contains("instance"));
        }
    }

    @Test void of_a_large_plane_a_part_is_taken_with_the_contrast_of_all() throws Exception {
        int n = 2000;
        ShortProcessor pixels = new ShortProcessor(n, n);
        pixels.set(0, 0, 100);
        pixels.set(n - 1, n - 1, 300);
        pixels.set(n / 2, n / 2, 200);
        for (int i = 0; i < n * n; i++)
            if (pixels.get(i) == 0)
                pixels.set(i, 150);
        ImagePlus image = new ImagePlus("large", pixels);
        Model model = Models.open("nuclei");
        Request request = MacroOptions.read("model=nuclei");
        PreviewPart part = PreviewPart.of(image, model, request, null);
        assertTrue(part.cut && part.words.contains("large"), part.words);
        assertEquals(new Rectangle(232, 232, 1536, 1536), part.part.bounds);
        try (PreviewInput input = PreviewInput.of(image, part, request, model, request.wishes)) {
            assertTrue(input.normalised);
            assertEquals(Dtype.FLOAT32, input.voxels.dtype());
            float[] row = new float[1536];
            input.voxels.get(0, n / 2 - 232, row);
            assertEquals(0.5f, row[n / 2 - 232]);
            assertEquals(0.25f, row[0]);
        }
    }

    @Test void parts_stay_inside() {
        Rectangle all = new Rectangle(0, 0, 100, 50);
        assertEquals(all, PreviewPart.around(all, all, 200));
        assertEquals(new Rectangle(35, 10, 30, 30), PreviewPart.around(all, all, 30));
        assertEquals(new Rectangle(80, 0, 20, 30), PreviewPart.around(new Rectangle(80, 0, 20, 30), all, 30));
    }

    @Test void a_volume_is_cut_to_planes_around_the_visible_one() throws Exception {
        java.nio.file.Path file = java.nio.file.Files.createTempFile("volume", ".safetensors");
        Model.importCheckpoint(Headless.ROOT.resolve("testdata/golden/superhuman3d-small/model.ckpt"), null, null,
                file);
        ImagePlus stack = ij.IJ.createImage("s", "8-bit ramp", 300, 100, 40);
        Request request = new Request();
        try (Model model = Model.open(file)) {
            stack.setPosition(1, 20, 1);
            PreviewPart part = PreviewPart.of(stack, model, request, null);
            assertEquals(10, part.part.slices);
            assertEquals(14, part.part.firstSlice);
            assertEquals(new Rectangle(78, 0, 144, 100), part.part.bounds);
            stack.setPosition(1, 22, 1);
            assertTrue(part.sameVoxels(PreviewPart.of(stack, model, request, part)));
            stack.setPosition(1, 40, 1);
            PreviewPart last = PreviewPart.of(stack, model, request, part);
            assertEquals(30, last.part.firstSlice);
            assertFalse(part.sameVoxels(last));
        } finally {
            java.nio.file.Files.delete(file);
        }
    }
}
