/* ResultsTest.java - tables, scores and pictures of labels that are known.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ResultsTest {
    /** A 2 by 2 square with label 1 and a row of 3 with label 3, in 4 rows of 6. */
    private static Volume twoObjects() {
        Volume labels = new Volume(Dtype.UINT32, 1, 4, 6, 1);
        labels.put(0, 0, new int[] {
            1, 1, 0, 0, 0, 0,
            1, 1, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0,
            0, 0, 0, 3, 3, 3,
        });
        return labels;
    }

    @Test
    void tableSaysWhereAndHowLarge() {
        try (Volume labels = twoObjects(); Volume image = new Volume(Dtype.UINT8, 1, 4, 6, 1)) {
            image.put(0, 3, new byte[] {0, 0, 0, 10, 20, 60});
            Instances table = Instances.measure(labels, image, null, null);
            assertEquals(2, table.size());
            assertArrayEquals(new long[] {1, 3}, table.labels());
            assertArrayEquals(new long[] {4, 3}, table.voxels());
            assertArrayEquals(new double[] {0, 30}, table.meanIntensity());
            assertTrue(Double.isNaN(table.confidence()[0]));
            assertArrayEquals(new long[] {0, 3, 3}, table.first(1));
            assertArrayEquals(new long[] {0, 3, 5}, table.last(1));
            assertArrayEquals(new double[] {0, 0.5, 0.5}, table.centroid(0));
            assertThrows(IndexOutOfBoundsException.class, () -> table.first(2));
            assertThrows(IndexOutOfBoundsException.class, () -> table.centroid(-1));
        }
    }

    @Test
    void textOfATableHasUnitsAndFrames() {
        try (Volume labels = twoObjects()) {
            Instances table = Instances.measure(labels, null, null, null);
            String[] one = Instances.csv(Arrays.asList(table), new Calibration(1, 0.5, 0.5, "\u00b5m")).split("\r?\n");
            assertTrue(one[0].startsWith("label,area_um2,n_voxels"), one[0]);
            assertTrue(one[1].startsWith("1,1,4,"), one[1]);
            assertEquals(3, one.length);
            String[] two = Instances.csv(Arrays.asList(table, table), null).split("\r?\n");
            assertTrue(two[0].contains("frame"), two[0]);
            assertEquals(5, two.length);
            assertThrows(PeaException.Argument.class, () -> Instances.csv(java.util.Collections.emptyList(), null));
        }
    }

    @Test
    void emptyImageHasAnEmptyTable() {
        try (Volume labels = new Volume(Dtype.UINT32, 1, 4, 6, 1)) {
            Instances table = Instances.measure(labels, null, null, null);
            assertEquals(0, table.size());
            assertEquals(1, Instances.csv(Arrays.asList(table), null).split("\r?\n").length);
        }
    }

    @Test
    void tableRefusesWhatIsNotLabels() {
        try (Volume labels = twoObjects(); Volume bytes = new Volume(Dtype.UINT8, 1, 4, 6, 1);
             Volume other = new Volume(Dtype.UINT8, 1, 5, 6, 1)) {
            assertThrows(PeaException.Dtype.class, () -> Instances.measure(bytes, null, null, null));
            assertThrows(PeaException.Shape.class, () -> Instances.measure(labels, other, null, null));
            assertThrows(NullPointerException.class, () -> Instances.measure(null, null, null, null));
        }
    }

    @Test
    void scoresHaveNamesAndWords() {
        try (Volume truth = twoObjects(); Volume prediction = twoObjects()) {
            Map<String, Double> same = Scores.of(truth, prediction, null);
            assertEquals(1.0, same.get("aji"));
            assertEquals(2.0, same.get("n_gt"));
            for (String key : same.keySet())
                assertFalse(Scores.words(key).isEmpty(), key);
            prediction.put(0, 0, new int[] {1, 1, 1, 1, 1, 1});
            assertTrue(Scores.of(truth, prediction, null).get("aji") < 1);
            assertEquals(same, Scores.of(truth, truth, new Run().threads(3))); // one volume twice
            assertThrows(PeaException.Argument.class, () -> Scores.words("beauty"));
        }
    }

    @Test
    void scoresRefuseOtherSizes() {
        try (Volume truth = twoObjects(); Volume other = new Volume(Dtype.UINT32, 1, 4, 5, 1)) {
            assertThrows(PeaException.Shape.class, () -> Scores.of(truth, other, null));
            other.close();
            assertThrows(IllegalStateException.class, () -> Scores.of(truth, other, null));
        }
    }

    @Test
    void overlayTintsObjectsAlone() {
        try (Volume labels = twoObjects(); Volume image = new Volume(Dtype.UINT16, 1, 4, 6, 1);
             Volume picture = Pictures.overlay(image, labels, null)) {
            assertEquals("UINT8 1x4x6x3", picture.toString());
            byte[] row = new byte[18];
            picture.get(0, 0, row);
            assertTrue(row[0] != row[1] || row[1] != row[2], "the object has a colour");
            assertTrue(row[15] == row[16] && row[16] == row[17], "the ground is grey");
            Volume lower = new Volume(Dtype.UINT8, 1, 3, 6, 1);
            assertThrows(PeaException.Shape.class, () -> Pictures.overlay(lower, labels, null));
        }
    }

    @Test
    void embeddingsBecomeColours() {
        try (Volume embedding = new Volume(Dtype.FLOAT32, 1, 8, 8, 4)) {
            float[] rows = new float[8 * 8 * 4];
            for (int i = 0; i < rows.length; i++)
                rows[i] = (float) Math.sin(i * 0.7) + i % 5;
            embedding.put(0, 0, rows);
            try (Volume picture = Pictures.embeddingRgb(embedding, null)) {
                assertEquals("UINT8 1x8x8x3", picture.toString());
                byte[] out = new byte[8 * 8 * 3];
                picture.get(0, 0, out);
                assertFalse(Arrays.equals(out, new byte[out.length]));
            }
        }
        try (Volume bytes = new Volume(Dtype.UINT8, 1, 8, 8, 4)) {
            assertThrows(PeaException.Dtype.class, () -> Pictures.embeddingRgb(bytes, null));
        }
    }

    @Test
    void affinityIsTheCosineOfTwoEmbeddings() {
        try (Volume embedding = new Volume(Dtype.FLOAT32, 1, 1, 3, 2)) {
            embedding.put(0, 0, new float[] {1, 0, 3, 0, 0, 2});
            try (Volume affinity = Affinities.ofEmbedding(embedding, new int[][] {{0, -1, 0}, {0, 0, -1}}, null)) {
                float[] row = new float[6];
                affinity.get(0, 0, row);
                assertArrayEquals(new float[] {0, 0, 0, 1, 0, 0}, row, 1e-6f);
            }
            assertThrows(PeaException.Argument.class,
                () -> Affinities.ofEmbedding(embedding, new int[][] {{0, 0, 0}, {0, 0, -1}}, null));
            assertThrows(PeaException.Argument.class,
                () -> Affinities.ofEmbedding(embedding, new int[][] {{0, 1}}, null));
            assertThrows(PeaException.Limit.class, () -> Affinities.ofEmbedding(embedding, offsets(129), null));
        }
    }

    private static int[][] offsets(int n) {
        int[][] offsets = new int[n][];
        for (int i = 0; i < n; i++)
            offsets[i] = new int[] {0, -1 - i, 0};
        return offsets;
    }

    @Test
    void everyStatusHasItsException() {
        Class<?>[] classes = {PeaException.Argument.class, PeaException.Shape.class, PeaException.Dtype.class,
            PeaException.Memory.class, PeaException.Io.class, PeaException.Format.class, PeaException.Limit.class,
            PeaException.Cancelled.class};
        for (int code = 1; code <= classes.length; code++) {
            PeaException e = PeaException.of(code, new byte[] {'h', 'i'});
            assertEquals(classes[code - 1], e.getClass());
            assertEquals(Status.values()[code - 1], e.status());
            assertEquals("hi", e.getMessage());
        }
    }
}
