/* TrainingTest.java - a network learns some steps: options, what is told, stopping, going on, and what is refused.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTest {
    @TempDir Path temporary;
    private Volume image;
    private Volume labels;

    /** Discs of 20 pixels in a grid, each with its number. */
    @BeforeEach
    void discs() {
        int side = 96;
        image = new Volume(Dtype.UINT8, 1, side, side, 1);
        labels = new Volume(Dtype.UINT32, 1, side, side, 1);
        byte[] pixels = new byte[side * side];
        int[] numbers = new int[side * side];
        for (int i = 0; i < pixels.length; i++) {
            int y = i / side;
            int x = i % side;
            boolean inside = Math.hypot(y % 32 - 16, x % 32 - 16) < 12;
            pixels[i] = (byte) (inside ? 180 + (y * x) % 40 : 20 + (y + x) % 9);
            numbers[i] = inside ? 1 + y / 32 * 3 + x / 32 : 0;
        }
        image.put(0, 0, pixels);
        labels.put(0, 0, numbers);
    }

    @AfterEach
    void close() {
        image.close();
        labels.close();
    }

    private static Map<String, String> options(String... pairs) {
        Map<String, String> options = new LinkedHashMap<>();
        String[] quick = {"preset", "nuclei", "small", "yes", "side", "32", "batch", "1", "steps", "4",
            "validate", "2"};
        for (String[] list : new String[][] {quick, pairs})
            for (int i = 0; i < list.length; i += 2)
                options.put(list[i], list[i + 1]);
        return options;
    }

    private Training training(String... pairs) {
        return new Training(options(pairs)).add("a", image, labels, false).add("b", image, labels, true);
    }

    private Path model(String name) {
        return temporary.resolve(name + ".safetensors");
    }

    private Path folder(String name) throws Exception {
        return Files.createDirectories(temporary.resolve(name + ".training"));
    }

    /** Hears reports, and goes on as long as one suits. */
    private static TrainingListener until(Predicate<TrainingReport> goOn) {
        return new TrainingListener() {
            @Override
            public boolean progress(String stage, double fraction) {
                return true;
            }

            @Override
            public boolean report(TrainingReport report) {
                return goOn.test(report);
            }
        };
    }

    @Test
    void optionsAreThoseOfThePresetWithWishesInTheirPlace() {
        Map<String, String> all = training("rate", "0.0002", "minsize", "7").options();
        assertEquals("2", all.get("axes"));
        assertEquals("32", all.get("side"));
        assertEquals("0.0002", all.get("rate"));
        assertEquals("aji", all.get("score"));
        assertEquals("0.15", all.get("share"));
        assertEquals("3", new Training(Collections.singletonMap("preset", "em")).options().get("axes"));
        Training tuned = new Training(null).from(Sample.NUCLEI);
        assertEquals("20", tuned.options().get("warmup"), "what was learnt is not far off");
        assertEquals("0", new Training(Collections.singletonMap("preset", "nuclei")).options().get("time"));
        Map<String, String> timed = options("time", "60");
        timed.remove("steps");
        assertEquals("0", new Training(timed).options().get("steps"), "as many as fit");
    }

    /** Where people write 0,5, numbers between Java and the library have a point. */
    @Test
    void theLocaleDoesNotMatter() throws Exception {
        int made;
        try {
            made = new ProcessBuilder("localedef", "-i", "de_DE", "-f", "UTF-8",
                temporary.resolve("de_DE.UTF-8").toString()).start().waitFor();
        } catch (IOException e) {
            made = -1;
        }
        assumeTrue(made == 0, "no German locale can be made here");
        Child child = new Child(temporary).variable("LOCPATH", temporary.toString()).variable("LC_ALL", "de_DE.UTF-8");
        child.option("-Dpea.native=" + Sample.LIBRARY).start(LocaleChild.class).await();
        assertTrue(child.output.contains("rate 0.0002 share 0.15"), child.output);
    }

    @Test
    void forecastGrowsWithTheSamples() {
        long small = training().forecast(1);
        assertTrue(small > 1 << 20 && small < 1L << 30, "" + small);
        assertTrue(training("side", "128").forecast(1) > small);
    }

    @Test
    void aRunTellsStepsAndValidationsAndMakesAModel() throws Exception {
        List<TrainingReport> steps = new ArrayList<>();
        List<TrainingReport> validations = new ArrayList<>();
        Path folder = folder("a");
        training("name", "discs", "minsize", "9").folder(folder).pixelSize(new Calibration(1, 0.5, 0.5, "um"))
            .run(model("a"), new Run().threads(1).listener(until(report -> {
                (report.isValidation() ? validations : steps).add(report);
                try (Volume shown = report.image(); Volume found = report.labels()) {
                    assertEquals(report.isValidation(), shown != null);
                    if (report.isValidation()) {
                        assertEquals(96, found.x());
                        Pictures.overlay(shown, found, null).close(); // the library may be called meanwhile
                    }
                }
                return true;
            })));
        assertEquals(4, steps.size());
        assertEquals(2, validations.size());
        assertEquals(4, steps.get(3).step());
        assertEquals(4, steps.get(3).steps());
        assertTrue(steps.get(0).loss() > 0 && steps.get(0).rate() > 0 && steps.get(0).secondsPerStep() > 0);
        assertTrue(validations.get(0).scores().containsKey("aji") && validations.get(0).isBest());
        assertTrue(steps.get(0).scores().isEmpty() && Double.isNaN(steps.get(0).bestScore()));
        assertThrows(IllegalStateException.class, () -> validations.get(0).image(), "the call is over");
        try (Model made = Model.open(model("a"))) {
            assertEquals("discs", made.name());
            assertTrue(made.record().contains("\"um\""), made.record());
            assertEquals("9", made.settings(null).get("minsize"));
            made.segment(image, null, null, null, null).close();
        }
        for (String file : new String[] {"state.safetensors", "losses.csv", "scores.csv", "curves.png"})
            assertTrue(Files.size(folder.resolve(file)) > 0, file);
        BufferedImage overlay = ImageIO.read(folder.resolve("overlay-1-b.png").toFile());
        assertEquals(96, overlay.getWidth());
        assertTrue(ImageIO.read(folder.resolve("curves.png").toFile()).getHeight() > 100);
    }

    /** What our own writer of PNG wrote is what was drawn. */
    @Test
    void theOverlayIsThatOfTheLastLabels() throws Exception {
        Path folder = folder("o");
        int[][] drawn = new int[1][];
        training("steps", "1", "warmup", "0").folder(folder).run(model("o"), new Run().listener(until(report -> {
            if (report.isValidation())
                try (Volume shown = report.image(); Volume found = report.labels();
                     Volume picture = Pictures.overlay(shown, found, null)) {
                    byte[] rgb = new byte[96 * 96 * 3];
                    picture.get(0, 0, rgb);
                    drawn[0] = new int[96 * 96];
                    for (int i = 0; i < drawn[0].length; i++)
                        drawn[0][i] = (rgb[3 * i] & 0xff) << 16 | (rgb[3 * i + 1] & 0xff) << 8 | rgb[3 * i + 2] & 0xff;
                }
            return true;
        })));
        BufferedImage read = ImageIO.read(folder.resolve("overlay-1-b.png").toFile());
        int[] pixels = read.getRGB(0, 0, 96, 96, null, 0, 96);
        for (int i = 0; i < pixels.length; i++)
            pixels[i] &= 0xffffff;
        assertArrayEquals(drawn[0], pixels);
    }

    @Test
    void stoppingKeepsTheBest() throws Exception {
        Path folder = folder("s");
        training("steps", "1000", "validate", "1000").folder(folder)
            .run(model("s"), new Run().listener(until(report -> report.step() < 2)));
        Model.open(model("s")).close();
        assertTrue(Files.exists(Training.state(folder)));
    }

    @Test
    void aCancelledRunGoesOnToTheSameBytes() throws Exception {
        training("decay", "constant").folder(folder("whole")).run(model("whole"), new Run().threads(2));
        Path folder = folder("parts");
        long[] steps = new long[1];
        TrainingListener cancel = new TrainingListener() {
            @Override
            public boolean progress(String stage, double fraction) {
                return steps[0] < 3;
            }

            @Override
            public boolean report(TrainingReport report) {
                steps[0] = report.step();
                return true;
            }
        };
        // both files have one name: it goes into the record
        Training parts = training("decay", "constant").folder(folder);
        assertThrows(PeaException.Cancelled.class, () -> parts.run(model("parts"), new Run().listener(cancel)));
        parts.resume(true).run(model("parts"), new Run().threads(1));
        assertArrayEquals(Files.readAllBytes(model("whole")), Files.readAllBytes(model("parts")));
        Training other = training("decay", "constant", "side", "48").folder(folder).resume(true);
        assertThrows(PeaException.Argument.class, () -> other.run(model("parts"), null));
    }

    @Test
    void whatAListenerThrowsComesOutAndTheStateIsKept() throws Exception {
        Path folder = folder("t");
        RuntimeException thrown = new RuntimeException("of the listener");
        int open = Handle.open();
        for (boolean atValidation : new boolean[] {false, true}) {
            Run run = new Run().listener(until(report -> {
                if (report.isValidation() == atValidation)
                    throw thrown;
                return true;
            }));
            Training training = training().folder(folder);
            assertSame(thrown, assertThrows(RuntimeException.class, () -> training.run(model("t"), run)));
        }
        assertTrue(Files.exists(Training.state(folder)));
        assertTrue(Handle.open() <= open);
        assertThrows(StackOverflowError.class, () -> training().run(model("t"), new Run().listener(until(report -> {
            throw new StackOverflowError();
        }))));
        training("steps", "1", "warmup", "0").run(model("t"), null); // and all is as before
    }

    @Test
    void itCanBeCancelledWheneverItTells() {
        int calls = 1;
        for (int allowed = 0; allowed < calls; allowed += 4) {
            int n = allowed;
            int[] seen = new int[1];
            Run run = new Run().listener((stage, fraction) -> seen[0]++ < n);
            try {
                training("steps", "1", "warmup", "0").run(model("c"), run);
                assertTrue(seen[0] <= n, "it was told to stop");
            } catch (PeaException.Cancelled e) {
                calls = seen[0] + 4;
            }
        }
        assertTrue(calls > 4);
    }

    @Test
    void volumesAreHeldWhileItRuns() throws Exception {
        training("steps", "1", "warmup", "0").run(model("h"), new Run().listener((stage, fraction) -> {
            assertThrows(IllegalStateException.class, () -> image.put(0, 0, new byte[96]));
            image.close(); // freed when the call ends
            return true;
        }));
        assertThrows(IllegalStateException.class, () -> training().run(model("h"), null));
    }

    @Test
    void mistakesAreRefusedInWords() throws Exception {
        refused("no training preset", training("preset", "cells"));
        refused("small wants yes or no", training("small", "maybe"));
        refused("steps wants a whole number", training("steps", "many"));
        refused("rate wants a number", training("rate", "-1"));
        refused("minsize", training("minsise", "3"));
        refused("multiple of 16", training("side", "33"));
        refused("there is no score", training("score", "x"));
        refused("nothing to keep", training("freeze", "encoder"));
        refused("choose from", training("without", "everything"));
        refused("no images", new Training(options()));
        refused("cannot be shared", new Training(options()).add("one", image, labels, false));
        refused("is for new networks", training().from(Sample.NUCLEI));
        try (Volume other = new Volume(Dtype.UINT32, 1, 50, 50, 1)) {
            PeaException e = assertThrows(PeaException.Shape.class,
                () -> new Training(options("share", "0")).add("x", image, other, false).run(model("m"), null));
            assertTrue(e.getMessage().contains("96") && e.getMessage().contains("50"), e.getMessage());
        }
        assertThrows(PeaException.Limit.class, () -> training().run(model("m"), new Run().memoryLimit(1000)));
        assertThrows(PeaException.Io.class, () -> new Training(null).from(model("none")).options());
        assertThrows(PeaException.class, () -> training("steps", "1", "warmup", "0")
            .run(temporary.resolve("none/m.safetensors"), null));
        assertThrows(NullPointerException.class, () -> new Training(options()).add("x", null, labels, false));
        assertFalse(Files.exists(model("m")));
    }

    private void refused(String words, Training training) {
        PeaException e = assertThrows(PeaException.Argument.class, () -> training.run(model("m"), null));
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }

    @Test
    void pairsOfAFolderAndOfATable() throws Exception {
        Path nuclei = Sample.testdata("nuclei");
        List<Training.FilePair> pairs = Training.pairs(nuclei, null, null);
        assertEquals(3, pairs.size());
        assertEquals(nuclei.resolve(Sample.IMAGES[0] + "_image.tif").toAbsolutePath(), pairs.get(0).image());
        assertEquals(3, Training.pairs(nuclei, "*_image.tif", "*_labels.tif").size());
        Path table = temporary.resolve("pairs.csv");
        Files.write(table, ("image,labels\n" + pairs.get(0).image() + "," + pairs.get(0).labels() + "\n"
            + pairs.get(1).image() + "," + pairs.get(1).labels() + ",validation\n").getBytes("UTF-8"));
        List<Training.FilePair> rows = Training.pairs(table, null, null);
        assertEquals(2, rows.size());
        assertFalse(rows.get(0).isForValidation());
        assertTrue(rows.get(1).isForValidation());
        assertThrows(PeaException.Argument.class, () -> Training.pairs(temporary, null, null));
        assertThrows(PeaException.Io.class, () -> Training.pairs(temporary.resolve("none.csv"), null, null));
    }

    @Test
    void nothingIsLeft() throws Exception {
        training("steps", "1", "warmup", "0").folder(folder("l")).run(model("l"), null);
        long blocks = Pea.nativeLiveBlocks();
        for (int i = 0; i < 3; i++) {
            training("steps", "1", "warmup", "0").folder(folder("l")).run(model("l"), null);
            assertThrows(PeaException.Cancelled.class,
                () -> training().run(model("l"), new Run().listener((stage, fraction) -> !stage.equals("train"))));
            Training.pairs(Sample.testdata("nuclei"), null, null);
        }
        assertEquals(blocks, Pea.nativeLiveBlocks());
    }
}
