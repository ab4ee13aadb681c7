// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Dtype;
import org.pea.Model;
import org.pea.PeaException;
import org.pea.Training;
import org.pea.TrainingReport;
import org.pea.Volume;

import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.gui.ImageRoi;
import ij.gui.Line;
import ij.gui.OvalRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.gui.TextRoi;
import ij.process.ByteProcessor;
import ij.process.ShortProcessor;

/** A network learns some steps without a display: requests, ROIs, pairs, stopping, going on, refusals. */
class TrainModelTest {
    private static final String NUCLEI = Headless.ROOT.resolve("testdata/nuclei").toString();
    private static final String QUICK = " preset=nuclei small=yes steps=3 validate=2 side=48 batch=1 threads=2";

    @TempDir Path folder;
    private Headless.Change models;

    @BeforeEach void ownFolder() {
        models = Headless.models(folder.toString());
    }

    @AfterEach void oldFolder() {
        models.close();
    }

    @AfterAll static void close() {
        Models.release();
    }

    private static TrainingRequest request(String options) {
        return TrainingRequest.of(MacroOptions.parse(options));
    }

    private static TrainingWork.Outcome train(String options) {
        return TrainingWork.of(request(options)).run();
    }

    private static void refused(String options, String words) {
        RuntimeException e = assertThrows(RuntimeException.class, () -> train(options));
        assertTrue(e.getMessage().contains(words), e.getMessage());
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }

    /** 3 x 3 discs and their labels as files. */
    private String[] discs(int width, int height) {
        ByteProcessor image = new ByteProcessor(width, height);
        ShortProcessor labels = new ShortProcessor(width, height);
        for (int i = 0; i < width * height; i++) {
            int y = i / width, x = i % width;
            boolean inside = Math.hypot(y % 32 - 16, x % 32 - 16) < 12;
            image.set(i, inside ? 190 + x * y % 20 : 20 + (x + y) % 7);
            labels.set(i, inside ? 1 + y / 32 * 20 + x / 32 : 0);
        }
        String[] files = {folder.resolve("discs_image.tif").toString(), folder.resolve("discs_labels.tif").toString()};
        IJ.saveAsTiff(new ImagePlus("", image), files[0]);
        IJ.saveAsTiff(new ImagePlus("", labels), files[1]);
        return files;
    }

    // ---- whole runs ----

    @Test void a_folder_becomes_a_model_that_segments() throws Exception {
        TrainingWork.Outcome done = train("data=[" + NUCLEI + "] name=mine licence=CC0-1.0" + QUICK);
        assertEquals(3, done.last.step());
        assertFalse(done.stopped);
        assertTrue(done.line().matches("steps=3 score=[\\d.]+ model=\\[.*mine\\.safetensors\\]"), done.line());
        assertTrue(Models.list().stream().anyMatch(e -> e.name.equals("mine") && e.error == null), "it is in the list");
        try (Model model = Model.open(folder.resolve("mine.safetensors"))) {
            assertEquals("mine", model.name());
            assertEquals("CC0-1.0", Json.text(Json.read(model.record()), "licence"));
        }
        for (String file : new String[] {"state.safetensors", "losses.csv", "scores.csv", "curves.png"})
            assertTrue(Files.size(folder.resolve("mine.training").resolve(file)) > 0, file);
        assertTrue(Headless.plugin(Headless.nucleus(), "model=mine").getTitle().endsWith(" - labels"));
    }

    @Test void one_image_is_divided_between_learning_and_scores() throws Exception {
        String[] files = discs(192, 96);
        train("pairs=[" + files[0] + "=" + files[1] + "] name=one" + QUICK);
        assertTrue(Files.exists(folder.resolve("one.training/scores.csv")));
    }

    @Test void the_same_folder_gives_the_bytes_of_the_command() throws Exception {
        org.junit.jupiter.api.Assumptions.assumeTrue(Headless.hasCommand());
        train("data=[" + NUCLEI + "] name=same" + QUICK);
        Path other = Files.createDirectories(folder.resolve("other")).resolve("same.safetensors");
        Headless.pea("train", NUCLEI, "-o", other.toString(), "--preset", "nuclei", "--small", "--steps", "3",
                "--validate", "2", "--side", "48", "--batch", "1", "--quiet");
        try (Model a = Model.open(folder.resolve("same.safetensors")); Model b = Model.open(other)) {
            assertEquals(b.record(), a.record());
            assertEquals(b.sha256(), a.sha256());
        }
    }

    @Test void a_volume_gives_the_bytes_of_the_command() throws Exception {
        org.junit.jupiter.api.Assumptions.assumeTrue(Headless.hasCommand());
        String em = Headless.ROOT.resolve("testdata/em").toString();
        TrainingWork.Outcome done = train("data=[" + em + "] name=neurons preset=em small=yes steps=2 validate=2 depth=6"
            + " side=32 batch=1 threads=2");
        assertTrue(done.words().contains("voi "), done.words());
        Path other = Files.createDirectories(folder.resolve("other")).resolve("neurons.safetensors");
        Headless.pea("train", em, "-o", other.toString(), "--preset", "em", "--small", "--steps", "2", "--validate", "2",
                "--depth", "6", "--side", "32", "--batch", "1", "--threads", "1", "--quiet");
        try (Model a = Model.open(folder.resolve("neurons.safetensors")); Model b = Model.open(other)) {
            assertEquals(3, a.axes());
            assertEquals(b.record(), a.record());
            assertEquals(b.sha256(), a.sha256());
        }
    }

    @Test void a_call_answers_and_an_error_is_an_answer() throws Exception {
        String[] said = new String[3];
        Headless.run(null, () -> {
            said[0] = MacroCalls.train("data=[" + NUCLEI + "] name=called" + QUICK);
            said[1] = MacroCalls.train("data=[" + NUCLEI + "] name=called" + QUICK);
            said[2] = MacroCalls.train("data=/none name=x");
        });
        assertTrue(said[0].startsWith("steps=3 score="), said[0]);
        assertTrue(said[1].startsWith("Error: ") && said[1].contains("resume=yes"), said[1]);
        assertEquals("Error: there is no folder or file /none", said[2]);
    }

    @Test void the_command_runs_without_a_display() throws Exception {
        Headless.run("data=[" + NUCLEI + "] output=[" + folder.resolve("deep/er/net.safetensors") + "]" + QUICK,
            () -> new TrainModel().run(""));
        try (Model model = Model.open(folder.resolve("deep/er/net.safetensors"))) {
            assertEquals("net", model.name());
        }
    }

    @Test void stopped_it_keeps_the_best_and_can_go_on() throws Exception {
        String options = "data=[" + NUCLEI + "] name=stopped preset=nuclei small=yes steps=6 validate=100 side=48"
            + " batch=1 decay=constant";
        TrainingWork.Outcome done = TrainingWork.of(request(options)).audience(score -> new TrainingProgress(score) {
            @Override public boolean report(TrainingReport r) {
                if (r.step() == 2)
                    stop();
                return super.report(r);
            }
        }).run();
        assertTrue(done.stopped && done.last.step() == 2 && done.last.bestStep() == 2, done.line());
        Model.open(folder.resolve("stopped.safetensors")).close();
        refused(options, "resume=yes goes on with it, restart=yes begins anew");
        assertEquals(6, train(options + " resume=yes").last.step());
        assertEquals(6, train(options + " restart=yes").last.step());
        refused(options.replace("side=48", "side=64") + " resume=yes", "side");
    }

    @Test void a_listener_can_end_it_with_the_best() {
        TrainingWork.Outcome done = TrainingWork.of(MacroOptions.parse("data=[" + NUCLEI + "] name=heard" + QUICK
            .replace("steps=3", "steps=50"))).listener((stage, fraction) -> fraction < 0.03 || !stage.equals("train")).run();
        assertTrue(done.stopped && done.last.step() >= 2 && done.last.step() < 50, done.line()); // it hears some moments of a step
        assertTrue(Files.exists(folder.resolve("heard.safetensors")));
    }

    @Test void asked_twice_it_ends_at_once_and_the_state_is_kept() throws Exception {
        String options = "data=[" + NUCLEI + "] name=twice" + QUICK;
        assertThrows(PeaException.Cancelled.class, () -> TrainingWork.of(request(options)).audience(
            score -> new TrainingProgress(score) {
                @Override public boolean report(TrainingReport r) {
                    stop();
                    stop();
                    return super.report(r);
                }
            }).run());
        assertTrue(Files.exists(Training.state(folder.resolve("twice.training"))));
        assertThrows(PeaException.Cancelled.class, () -> TrainingWork.of(request("data=[" + NUCLEI + "] name=never"
            + QUICK)).audience(score -> {
                TrainingProgress p = new TrainingProgress(score);
                p.stop(); // before there is anything to keep
                return p;
            }).run());
        assertFalse(Files.exists(folder.resolve("never.training")), "what did not begin leaves nothing");
    }

    /** Esc as the keyboard gives it, by a clock of its own. */
    private static final class Keyboard extends TrainingProgress {
        double time = 10;

        Keyboard() {
            super("aji");
        }

        @Override double now() {
            return time;
        }

        /** @return whether training may go on after the step, and whether at all */
        String look(double at, boolean pressed) {
            time = at;
            if (pressed)
                IJ.setKeyDown(java.awt.event.KeyEvent.VK_ESCAPE);
            boolean atAll = progress("train", 0.5);
            return isStopping() ? atAll ? "stopping" : "at once" : "going on";
        }
    }

    @Test void an_escape_that_is_held_down_is_one() {
        Keyboard k = new Keyboard();
        assertEquals("going on", k.look(10, false));
        k.step = 3;
        assertEquals("stopping", k.look(11, true));
        assertEquals("stopping", k.look(11.4, false), "keys begin to come again after half a second");
        assertEquals("stopping", k.look(11.6, true));
        for (int i = 0; i < 100; i++)
            assertEquals("stopping", k.look(11.7 + 0.5 * i, true));
        assertEquals("stopping", k.look(62.5, false));
        assertEquals("at once", k.look(63, true), "pressed again");
    }

    @Test void escape_is_heard_while_images_are_read() {
        int[] asked = new int[1];
        String options = "data=[" + NUCLEI + "] name=unread" + QUICK;
        PeaException e = assertThrows(PeaException.Cancelled.class, () -> TrainingWork.of(request(options)).audience(
            score -> new TrainingProgress(score) {
                @Override public boolean progress(String stage, double fraction) {
                    assertEquals("read images", stage);
                    if (++asked[0] == 2)
                        IJ.setKeyDown(java.awt.event.KeyEvent.VK_ESCAPE);
                    return super.progress(stage, fraction);
                }
            }).run());
        assertTrue(e.getMessage().contains("images were read"), e.getMessage());
        assertEquals(2, asked[0], "of three");
        assertFalse(Files.exists(folder.resolve("unread.training")));
    }

    @Test void a_model_learns_on() {
        String nuclei = Headless.ROOT.resolve("models/nuclei.safetensors").toString();
        String options = "data=[" + NUCLEI + "] name=tuned from=[" + nuclei
            + "] freeze=encoder steps=1 side=48 batch=1 share=0";
        String line = "steps=1 model=[" + folder.resolve("tuned.safetensors") + "]";
        assertEquals(line, train(options).line(), "nothing is scored");
        assertEquals(line, train(options + " resume=yes").line(), "nothing is left to do");
    }

    // ---- requests ----

    @Test void mistakes_are_refused_in_one_line() {
        refused("name=x", "say what to learn from");
        refused("data=[" + NUCLEI + "]", "wants a name");
        refused("data=[" + NUCLEI + "] name=x pairs=a=b", "exclude each other");
        refused("data=[" + NUCLEI + "] name=x tiem=1h", "did you mean \"time\"");
        refused("data=[" + NUCLEI + "] name=x time=soon", "time wants 90m");
        refused("data=[" + NUCLEI + "] name=a/b", "a name without blanks");
        refused("data=[" + NUCLEI + "] output=/tmp/x.pth", "ends in .safetensors");
        refused("data=[" + NUCLEI + "] name=x preset=cells", "no training preset");
        refused("data=[" + NUCLEI + "] name=x small=perhaps", "small wants yes or no");
        refused("data=[" + NUCLEI + "] name=x resume=yes", "nothing to go on with");
        refused("data=[" + NUCLEI + "] name=x resume=yes restart=yes", "exclude each other");
        refused("data=[" + NUCLEI + "] name=x images=*_raw.tif", "say together");
        refused("data=[" + folder + "] name=x", "has no TIFF or PNG images with labels");
        refused("pairs=[nowhere=neither] name=x", "no image \"nowhere\"");
        refused("pairs=[nowhere] name=x", "pairs wants image=labels");
        refused("data=[" + NUCLEI + "] name=x memory=1M" + QUICK, "1 MB are allowed");
        refused("data=[" + NUCLEI + "] name=x from=nobody", "no model \"nobody\"");
        refused("data=[" + NUCLEI + "] name=x from=[" + folder.resolve("x.safetensors") + "]", "would be replaced");
    }

    @Test void images_that_do_not_fit_are_refused_in_one_line() {
        String[] files = discs(64, 64);
        refused("pairs=[" + files[0] + "=" + NUCLEI + "/cc88627344305b9a_labels.tif] name=x" + QUICK, "same size");
        refused("pairs=[" + files[0] + "=" + files[1] + "] name=x" + QUICK, "too small to be shared");
        refused("pairs=[" + files[0] + "=" + files[1] + "] name=x channel=2" + QUICK, "channel 2 asked for");
        refused("pairs=[" + files[0] + "=overlay] name=x" + QUICK, "the overlay of");
        refused("pairs=[" + files[0] + "=rois] name=x" + QUICK, "the ROI Manager has no areas");
        refused("pairs=[" + files[0] + "=" + files[1] + "] share=0 time=0.000001s name=x" + QUICK, "before the first step");
    }

    @Test void times_are_read() {
        assertEquals(5400, TrainingRequest.seconds("90m"));
        assertEquals(5400, TrainingRequest.seconds("1h30m"));
        assertEquals(0, TrainingRequest.seconds(""));
        for (String bad : new String[] {"1", "h", "1h 2", "-3m"})
            assertThrows(IllegalArgumentException.class, () -> TrainingRequest.seconds(bad), bad);
    }

    @Test void what_is_recorded_says_the_same() {
        String options = "data=[" + NUCLEI + "] name=mine small=yes time=2h minsize=9";
        assertEquals(MacroOptions.parse(options), request(options).options());
        assertEquals("7200.0", request(options).lesson().get("time"));
        assertEquals("9", request(options).lesson().get("minsize"));
        assertFalse(request(options).lesson().containsKey("data"));
    }

    @Test void every_key_stands_on_the_page_for_people() throws Exception {
        String page = new String(Files.readAllBytes(Headless.ROOT.resolve("docs/fiji/train-a-model.md")), "UTF-8");
        List<String> told = new java.util.ArrayList<>();
        for (String line : page.split("\n"))
            if (line.startsWith("| `") && line.indexOf("` |") > 0)
                told.addAll(Arrays.asList(line.substring(3, line.indexOf("` |")).split("`, `")));
        assertEquals(TrainingRequest.keys(), told);
    }

    @Test void the_form_means_what_macros_say() {
        Map<String, String> values = MacroOptions.parse("data=[All open images with labels] pairs=[ROI Manager (0)]"
            + " preset=nuclei from=[a new network] small=small time=1h name=x freeze=none share=0.15 steps= validate=");
        Map<String, String> options = TrainModel.options(values, MacroOptions.parse("a=b c=d"));
        assertEquals("a=b;c=d", options.get("pairs"));
        assertEquals("yes", options.get("small"));
        assertFalse(options.containsKey("data") || options.containsKey("from") || options.containsKey("steps")
            || options.containsKey("freeze"), options.toString());
        values.put("from", "nuclei");
        values.put("data", NUCLEI);
        options = TrainModel.options(values, MacroOptions.parse(""));
        assertEquals("nuclei", options.get("from"));
        assertFalse(options.containsKey("small") || options.containsKey("preset") || options.containsKey("pairs"));
        assertEquals("{}", TrainModel.problems(values, MacroOptions.parse("")).toString());
        values.put("description", "a] b");
        assertTrue(TrainModel.problems(values, MacroOptions.parse("")).get("description").contains("not in pairs"));
    }

    @Test void the_forecast_tells_memory_and_steps() {
        TrainingRequest request = request("data=[" + NUCLEI + "] name=x preset=nuclei small=yes time=10m threads=2");
        TrainingForecast.measure(request);
        assertTrue(TrainingForecast.measured(request));
        String words = TrainingForecast.words(request);
        assertTrue(words.matches("Needs up to [\\d.]+ [MG]B of memory besides the images; about \\d+ steps of .* s\\."),
                   words);
    }

    // ---- ROIs ----

    private static int[] labels(Roi[] rois, ImagePlus image, String... notes) {
        RoiLabels labels = new RoiLabels(rois);
        int[] plane = new int[image.getWidth() * image.getHeight()];
        try (Volume made = labels.of(image, 0)) {
            made.get(made.z() - 1, 0, plane);
        }
        for (String note : notes)
            assertTrue(labels.notes().contains(note), labels.notes());
        if (notes.length == 0)
            assertEquals("", labels.notes());
        return plane;
    }

    @Test void selections_become_labels_and_overlaps_are_told() {
        ImagePlus image = new ImagePlus("i", new ByteProcessor(20, 10));
        Roi square = new Roi(1, 1, 4, 4), oval = new OvalRoi(10, 2, 6, 6), outside = new Roi(-3, 7, 5, 10);
        int[] plane = labels(new Roi[] {square, oval, outside}, image);
        for (int i = 0; i < plane.length; i++) {
            int x = i % 20, y = i / 20;
            int wanted = square.contains(x, y) ? 1 : oval.contains(x, y) ? 2 : outside.contains(x, y) ? 3 : 0;
            assertEquals(wanted, plane[i], x + "," + y);
        }
        int[] over = labels(new Roi[] {square, new Roi(2, 2, 2, 8), new Roi(12, 1, 1, 1), new Roi(11, 0, 5, 5),
            new Line(0, 0, 5, 5)}, image, "1 ROI lies partly under", "1 ROI lies wholly under",
            "1 ROI is no area");
        assertEquals(2, over[2 * 20 + 2], "the later one");
        assertEquals(1, over[20 + 1]);
        labels(new Roi[] {new Roi(1, 1, 2, 2), new Roi(1, 1, 2, 2), new Roi(1, 1, 2, 2)}, image, "2 ROIs lie wholly");
    }

    @Test void what_is_no_object_on_the_image_is_left_out() {
        ImagePlus stack = new ImagePlus("s", ImageStack.create(20, 10, 2, 8));
        Roi beside = new Roi(30, 1, 4, 4), third = new Roi(1, 1, 4, 4);
        third.setPosition(3);
        Roi[] rois = {new TextRoi(0, 0, "50 um"), new ImageRoi(0, 0, new ByteProcessor(20, 10)), beside, third};
        int[] plane = labels(rois, stack, "2 ROIs lie outside the image or its slices", "2 ROIs are no area");
        assertTrue(Arrays.stream(plane).allMatch(number -> number == 0));
    }

    @Test void selections_of_a_stack_count_on_their_slices() {
        ImagePlus stack = new ImagePlus("s", ImageStack.create(8, 8, 3, 8));
        Roi first = new Roi(0, 0, 2, 2), last = new Roi(4, 4, 2, 2), all = new Roi(6, 0, 1, 1);
        first.setPosition(1);
        last.setPosition(3);
        RoiLabels labels = new RoiLabels(new Roi[] {first, last, all});
        try (Volume made = labels.of(stack, 0)) {
            int[] plane = new int[64];
            made.get(0, 0, plane);
            assertTrue(plane[0] > 0 && plane[6] > 0 && plane[0] != plane[6]);
            assertEquals(0, plane[4 * 8 + 4]);
            made.get(2, 0, plane);
            assertEquals(0, plane[0]);
            assertTrue(plane[4 * 8 + 4] > 0 && plane[6] > 0 && plane[6] != plane[4 * 8 + 4]);
        }
        Roi a = new Roi(0, 0, 3, 3), b = new Roi(1, 1, 3, 3);
        a.setPosition(1);
        a.setName("7-z1");
        b.setPosition(2);
        b.setName("7-z2");
        try (Volume made = new RoiLabels(new Roi[] {a, b}).of(stack, 0)) {
            int[] one = new int[64], two = new int[64];
            made.get(0, 0, one);
            made.get(1, 0, two);
            assertEquals(one[0], two[9], "one instance through the slices");
        }
    }

    @Test void an_overlay_of_drawn_objects_teaches() {
        String[] files = discs(192, 96);
        ImagePlus image = IJ.openImage(files[0]);
        Overlay drawn = new Overlay();
        for (int i = 0; i < 18; i++)
            drawn.add(new OvalRoi(i % 6 * 32 + 4, i / 6 * 32 + 4, 24, 24));
        image.setOverlay(drawn);
        IJ.saveAsTiff(image, files[0]);
        assertEquals(1, train("pairs=[" + files[0] + "=overlay] name=drawn preset=nuclei small=yes steps=1 side=48"
            + " batch=1").last.step());
    }

    // ---- open images ----

    private static String read(String text) {
        StringBuilder all = new StringBuilder();
        for (String[] pair : OpenPairs.read(text))
            all.append('<').append(pair[0]).append('|').append(pair[1]).append('>');
        return all.toString();
    }

    @Test void titles_may_have_the_letters_that_divide_pairs() {
        Map<String, String> pairs = new java.util.LinkedHashMap<>();
        pairs.put("t=1; dapi.tif", "=labels;");
        pairs.put("C:\\data\\b.tif", "rois");
        String text = OpenPairs.write(pairs);
        assertEquals("t\\=1\\; dapi.tif=\\=labels\\;;C:\\data\\b.tif=rois", text);
        assertEquals("<t=1; dapi.tif|=labels;><C:\\data\\b.tif|rois>", read(text));
        assertEquals("<a|b><t=1.tif|c>", read("a = b; t=1.tif=c"), "without backslashes the last one divides");
        for (String wrong : new String[] {"a", "a=", "=b", "a\\=b", "a=b;;c=d"})
            assertTrue(assertThrows(IllegalArgumentException.class, () -> OpenPairs.read(wrong)).getMessage()
                .contains("pairs wants image=labels"), wrong);
        String[] files = discs(192, 96);
        Path odd = folder.resolve("t=1; discs.tif");
        assertTrue(new java.io.File(files[0]).renameTo(odd.toFile()));
        pairs.clear();
        pairs.put(odd.toString(), files[1]);
        assertEquals(1, train("pairs=[" + OpenPairs.write(pairs) + "] name=odd preset=nuclei small=yes steps=1 side=48"
            + " batch=1").last.step());
    }

    private static ImagePlus flat(String title, int width) {
        ByteProcessor ip = new ByteProcessor(width, 40);
        for (int i = 0; i < ip.getPixelCount(); i++)
            ip.set(i, i % width / 10 + 1);
        return new ImagePlus(title, ip);
    }

    private static ImagePlus noisy(String title, int width) {
        ByteProcessor ip = new ByteProcessor(width, 40);
        for (int i = 0; i < ip.getPixelCount(); i++)
            ip.set(i, (int) (i * 2654435761L >>> 24 & 0xff));
        return new ImagePlus(title, ip);
    }

    @Test void labels_are_found_among_open_images() {
        List<ImagePlus> open = Arrays.asList(noisy("a_image.tif", 40), flat("a_labels.tif", 40), noisy("b.tif", 50),
            flat("b_masks.tif", 50), noisy("c.tif", 40), flat("d_masks.tif", 60));
        assertEquals("{a_image.tif=a_labels.tif, b.tif=b_masks.tif}", OpenPairs.find(open).toString());
        assertEquals("{x=anything}", OpenPairs.find(Arrays.asList(noisy("x", 40), flat("anything", 40))).toString());
        assertTrue(OpenPairs.find(Arrays.asList(noisy("x", 40), noisy("y", 40))).isEmpty());
        assertEquals(2, new HashSet<>(OpenPairs.find(open).values()).size());
    }

    @Test void what_is_shown_is_the_middle() {
        try (Volume large = new Volume(Dtype.UINT8, 3, 3, 2100, 3)) {
            byte[] row = new byte[2100 * 3];
            for (int i = 0; i < row.length; i++)
                row[i] = (byte) (i / 3 % 251);
            large.put(1, 2, row);
            try (Volume shown = TrainingWindow.middle(large)) {
                byte[] last = new byte[2048 * 3];
                shown.get(0, 2, last);
                assertEquals(3, shown.y());
                assertEquals(26, last[0], "pixel (2100 - 2048) / 2");
                assertEquals((byte) (2073 % 251), last[2047 * 3]);
            }
        }
    }

    @Test void the_middle_is_shown_whatever_the_type() {
        float[] reals = new float[2050];
        int[] numbers = new int[2050];
        short[] shorts = new short[2050];
        reals[1] = 2.5f;
        numbers[1] = 70000;
        shorts[1] = 300;
        try (Volume real = new Volume(Dtype.FLOAT32, 1, 2050, 2050, 1);
             Volume number = new Volume(Dtype.UINT32, 1, 2050, 2050, 1);
             Volume unsigned = new Volume(Dtype.UINT16, 1, 2050, 2050, 1);
             Volume signed = new Volume(Dtype.INT16, 1, 2050, 2050, 1)) {
            real.put(0, 1, reals);
            number.put(0, 1, numbers);
            unsigned.put(0, 1, shorts);
            signed.put(0, 1, shorts);
            try (Volume a = TrainingWindow.middle(real); Volume b = TrainingWindow.middle(number);
                 Volume c = TrainingWindow.middle(unsigned); Volume d = TrainingWindow.middle(signed)) {
                a.get(0, 0, reals = new float[2048]);
                b.get(0, 0, numbers = new int[2048]);
                assertEquals(2.5f, reals[0]);
                assertEquals(70000, numbers[0]);
                for (Volume v : new Volume[] {c, d}) {
                    v.get(0, 0, shorts = new short[2048]);
                    assertEquals(300, shorts[0]);
                }
            }
        }
    }

    @Test void curves_are_thinned_to_means() {
        List<float[]> many = new java.util.ArrayList<>();
        for (int i = 0; i < 3000; i++)
            many.add(new float[] {i, i % 2});
        List<double[]> thin = TrainingWindow.thin(many);
        assertEquals(300, thin.size());
        assertEquals(0.5, thin.get(7)[1], 1e-9);
        assertTrue(TrainingWindow.thin(new java.util.ArrayList<>()).isEmpty());
    }
}
