/* SegmentTest.java - from an image to labels: the same as the command gives, with every argument that may be left out.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentTest {
    @TempDir
    Path folder;

    /** Runs the command; the tests that need it are skipped where it was not built. */
    private void pea(String... arguments) throws IOException, InterruptedException {
        String command = System.getProperty("pea.command", Sample.LIBRARY.resolveSibling("../native/pea").toString());
        Assumptions.assumeTrue(new File(command).canExecute(), "there is no " + command);
        String[] line = new String[arguments.length + 1];
        line[0] = command;
        System.arraycopy(arguments, 0, line, 1, arguments.length);
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
        builder.environment().remove("LD_PRELOAD"); // of a run under a sanitizer
        Process process = builder.redirectOutput(folder.resolve("log").toFile()).start();
        int status = process.waitFor();
        assertEquals(0, status, new String(Files.readAllBytes(folder.resolve("log")), StandardCharsets.UTF_8));
    }

    @Test
    void labelsAndTableAreThoseOfTheCommand() throws IOException, InterruptedException {
        try (Model model = Model.open(Sample.NUCLEI)) {
            for (String name : Sample.IMAGES) {
                Path labels = folder.resolve(name + ".tif");
                Path table = folder.resolve(name + ".csv");
                pea("segment", Sample.testdata("nuclei/" + name + "_image.tif").toString(), "-m",
                    Sample.NUCLEI.toString(), "-o", labels.toString(), "--table", table.toString());
                int[] expected = ImageIO.read(labels.toFile()).getRaster().getSamples(0, 0, 696, 520, 0, (int[]) null);
                try (Volume image = Sample.nuclei(name, "image");
                     Segmentation made = model.segment(image, null, null, Keep.NOTHING.affinity(), null)) {
                    assertArrayEquals(expected, Sample.labels(made));
                    assertEquals(Arrays.stream(expected).max().getAsInt(), made.count());
                    Instances instances = Instances.measure(made.labels(), image, made, null);
                    assertEquals(new String(Files.readAllBytes(table), StandardCharsets.UTF_8),
                        Instances.csv(Collections.singletonList(instances), null));
                }
            }
        }
    }

    @Test
    void scoresAreThoseThatAreExpected() {
        try (Model model = Model.open(Sample.NUCLEI); Volume image = Sample.nuclei(Sample.IMAGES[0], "image");
             Volume truth = Sample.nuclei(Sample.IMAGES[0], "labels");
             Segmentation made = model.segment(image, null, null, null, null)) {
            Map<String, Double> scores = Scores.of(truth, made.labels(), null);
            assertTrue(scores.get("aji") > 0.8 && scores.get("sbd") > 0.8, scores.toString());
        }
    }

    @Test
    void predictionGivesWhatSegmentGives() {
        Map<String, String> wishes = new HashMap<>();
        wishes.put("minsize", "3");
        wishes.put("strides", "4,4");
        try (Model model = Model.open(Sample.NUCLEI); Volume image = Sample.blobs(1, 96, 112);
             Prediction prediction = model.predict(image, null, null)) {
            model.close(); // a prediction does not need it
            assertTrue(prediction.suits(null));
            assertTrue(prediction.suits(wishes));
            assertFalse(prediction.suits(Collections.singletonMap("normalise", "unit")));
            try (Model again = Model.open(Sample.NUCLEI);
                 Segmentation direct = again.segment(image, null, wishes, null, null);
                 Segmentation kept = prediction.segment(null, wishes, null, null)) {
                assertArrayEquals(Sample.labels(direct), Sample.labels(kept));
                assertTrue(kept.count() > 1);
            }
            assertThrows(PeaException.Argument.class,
                () -> prediction.segment(null, Collections.singletonMap("normalise", "unit"), null, null));
            prediction.close();
            assertThrows(IllegalStateException.class, () -> prediction.suits(null));
            assertThrows(IllegalStateException.class, () -> prediction.segment(null, null, null, null));
        }
    }

    @Test
    void volumesToo() {
        try (Model model = Model.open(Sample.volumeModel()); Volume image = Sample.blobs(6, 40, 40);
             Segmentation a = model.segment(image, null, null, Keep.NOTHING.affinity(), new Run().threads(1));
             Prediction prediction = model.predict(image, null, null);
             Segmentation b = prediction.segment(null, null, null, new Run().threads(3))) {
            assertEquals(3, model.axes());
            assertEquals(6, a.labels().z());
            assertEquals(a.offsets().length, a.affinity().c());
            assertArrayEquals(Sample.labels(a), Sample.labels(b));
        }
    }

    @Test
    void onlyWhatIsWantedIsKept() {
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 48, 64)) {
            try (Segmentation plain = model.segment(image, null, null, null, null)) {
                assertNull(plain.affinity());
                assertNull(plain.embedding());
                assertNull(plain.offsets());
            }
            try (Segmentation all = model.segment(image, null, null, Keep.NOTHING.affinity().embedding(), null)) {
                assertEquals(model.embeddingDim(), all.embedding().c());
                assertEquals(all.offsets().length, all.affinity().c());
                all.offsets()[0][0] = 99; // a copy
                assertEquals(0, all.offsets()[0][0]);
                try (Volume again = Affinities.ofEmbedding(all.embedding(), all.offsets(), null)) {
                    float[] a = new float[64 * all.affinity().c()];
                    float[] b = a.clone();
                    all.affinity().get(0, 40, a);
                    again.get(0, 40, b);
                    assertArrayEquals(a, b, 1e-5f);
                }
            }
        }
    }

    @Test
    void maskLimitsWhereInstancesMayBe() {
        try (Model model = Model.open(Sample.NUCLEI); Volume image = Sample.blobs(1, 64, 64);
             Volume mask = new Volume(Dtype.UINT8, 1, 64, 64, 1)) {
            try (Segmentation nothing = model.segment(image, mask, null, null, null)) {
                assertEquals(0, nothing.count());
            }
            byte[] ones = new byte[32 * 64];
            Arrays.fill(ones, (byte) 1);
            mask.put(0, 0, ones);
            try (Segmentation half = model.segment(image, mask, Collections.singletonMap("minsize", "0"), null, null)) {
                int[] labels = Sample.labels(half);
                assertTrue(half.count() > 0);
                for (int i = 32 * 64; i < labels.length; i++)
                    assertEquals(0, labels[i]);
            }
        }
    }

    @Test
    void imageThatDoesNotFitIsRefusedInWords() {
        try (Model model = Model.open(Sample.planeModel()); Volume two = new Volume(Dtype.UINT8, 1, 32, 32, 2);
             Volume image = Sample.blobs(1, 32, 32); Volume mask = new Volume(Dtype.UINT8, 1, 16, 16, 1);
             Volume number = new Volume(Dtype.FLOAT32, 1, 32, 32, 1)) {
            PeaException e = assertThrows(PeaException.Shape.class, () -> model.segment(two, null, null, null, null));
            assertTrue(e.getMessage().contains("channel"), e.getMessage());
            assertEquals(Status.SHAPE, e.status());
            assertThrows(PeaException.Shape.class, () -> model.segment(image, mask, null, null, null));
            assertThrows(PeaException.Dtype.class, () -> model.segment(image, number, null, null, null));
            float[] row = new float[32];
            row[3] = Float.NaN;
            number.put(0, 5, row);
            assertThrows(PeaException.Format.class, () -> model.segment(number, null, null, null, null));
            assertThrows(NullPointerException.class, () -> model.segment(null, null, null, null, null));
            assertThrows(PeaException.Argument.class,
                () -> model.segment(image, null, Collections.singletonMap("scale", "auto"), null, null));
        }
    }

    @Test
    void forecastIsAnUpperBoundThatTheRunKnows() {
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 64, 64)) {
            long bytes = model.forecast(1, 64, 64, 1, null, null, 2);
            long kept = model.forecast(1, 64, 64, 1, null, Keep.NOTHING.affinity().embedding(), 2);
            assertTrue(bytes > 64 * 64);
            assertTrue(kept > bytes);
            assertThrows(PeaException.Limit.class,
                () -> model.segment(image, null, null, null, new Run().memoryLimit(10_000)));
            model.segment(image, null, null, null, new Run().threads(2).memoryLimit(bytes)).close();
            model.segment(image, null, null, Keep.NOTHING.affinity().embedding(),
                new Run().threads(2).memoryLimit(kept)).close();
        }
    }

    @Test
    void runsThatCannotBeAreRefused() {
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 32, 32)) {
            for (int threads : new int[] {-1, 9999})
                assertThrows(PeaException.Argument.class,
                    () -> model.segment(image, null, null, null, new Run().threads(threads)));
            assertThrows(PeaException.Argument.class, () -> model.predict(image, null, new Run().memoryLimit(-1)));
        }
    }

    @Test
    void closingASegmentationClosesItsVolumes() {
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 32, 32)) {
            Segmentation made = model.segment(image, null, null, Keep.NOTHING.affinity().embedding(), null);
            made.close();
            made.close();
            assertThrows(IllegalStateException.class, () -> made.labels().get(0, 0, new int[32]));
            assertThrows(IllegalStateException.class, () -> made.affinity().get(0, 0, new float[32]));
            assertThrows(IllegalStateException.class, () -> made.embedding().get(0, 0, new float[32]));
        }
    }
}
