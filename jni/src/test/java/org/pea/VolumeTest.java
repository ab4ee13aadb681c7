/* VolumeTest.java - rows go in and come out, and nothing else does.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class VolumeTest {
    @Test
    void newVolumeIsZero() {
        try (Volume volume = new Volume(Dtype.FLOAT32, 2, 3, 4, 5)) {
            float[] rows = new float[3 * 4 * 5];
            java.util.Arrays.fill(rows, 7);
            volume.get(1, 0, rows);
            assertArrayEquals(new float[60], rows);
            assertEquals(2 * 3 * 4 * 5 * 4, volume.bytes());
            assertEquals("FLOAT32 2x3x4x5", volume.toString());
        }
    }

    @Test
    void rowsComeBackAsTheyWentInForEveryType() {
        try (Volume a = new Volume(Dtype.UINT8, 1, 4, 3, 2); Volume b = new Volume(Dtype.UINT16, 1, 4, 3, 2);
             Volume c = new Volume(Dtype.UINT32, 1, 4, 3, 2); Volume d = new Volume(Dtype.FLOAT32, 1, 4, 3, 2)) {
            a.put(0, 1, new byte[] {1, 2, 3, 4, 5, -1, 7, 8, 9, 10, 11, 12});
            b.put(0, 2, new short[] {1, 2, 3, -4, 5, 6});
            c.put(0, 3, new int[] {1, -2, 3, 4, 5, 6});
            d.put(0, 0, new float[] {1, Float.NaN, 3, 4, 5, 6});
            byte[] bytes = new byte[24];
            a.get(0, 0, bytes);
            assertArrayEquals(
                new byte[] {0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, -1, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0, 0, 0}, bytes);
            short[] shorts = new short[6];
            b.get(0, 2, shorts);
            assertArrayEquals(new short[] {1, 2, 3, -4, 5, 6}, shorts);
            int[] ints = new int[6];
            c.get(0, 3, ints);
            assertArrayEquals(new int[] {1, -2, 3, 4, 5, 6}, ints);
            float[] floats = new float[6];
            d.get(0, 0, floats);
            assertArrayEquals(new float[] {1, Float.NaN, 3, 4, 5, 6}, floats);
        }
    }

    @Test
    void longRowsAreCopiedInParts() {
        int n = (3 << 20) + 17; // more than one part, and not whole parts
        short[] in = new short[n];
        for (int i = 0; i < n; i++)
            in[i] = (short) (i * 31);
        try (Volume volume = new Volume(Dtype.UINT16, 1, 1, n, 1)) {
            volume.put(0, 0, in);
            short[] out = new short[n];
            volume.get(0, 0, out);
            assertArrayEquals(in, out);
        }
    }

    @Test
    void signedShortsComeBack() {
        try (Volume volume = new Volume(Dtype.INT16, 1, 1, 3, 1)) {
            short[] in = {-32768, -1, 32767}, out = new short[3];
            volume.put(0, 0, in);
            volume.get(0, 0, out);
            assertArrayEquals(in, out);
            assertEquals(Dtype.INT16, volume.dtype());
            assertEquals(6, volume.bytes());
            assertThrows(PeaException.Dtype.class, () -> volume.put(0, 0, new byte[3]));
        }
    }

    @Test
    void rowsOutsideAreRefused() {
        try (Volume volume = new Volume(Dtype.UINT8, 2, 3, 4, 1)) {
            assertThrows(PeaException.Shape.class, () -> volume.put(2, 0, new byte[4]));
            assertThrows(PeaException.Shape.class, () -> volume.put(-1, 0, new byte[4]));
            assertThrows(PeaException.Shape.class, () -> volume.put(0, 3, new byte[4]));
            assertThrows(PeaException.Shape.class, () -> volume.put(0, -1, new byte[4]));
            assertThrows(PeaException.Shape.class, () -> volume.put(0, 2, new byte[8]));
            assertThrows(PeaException.Shape.class, () -> volume.put(0, 0, new byte[5]));
            assertThrows(PeaException.Shape.class, () -> volume.put(0, Long.MAX_VALUE, new byte[4]));
            assertThrows(PeaException.Shape.class, () -> volume.get(Long.MIN_VALUE, 0, new byte[4]));
            volume.put(1, 0, new byte[12]);
            volume.put(1, 3, new byte[0]); // nothing, at the end
        }
    }

    @Test
    void otherTypeIsRefused() {
        try (Volume volume = new Volume(Dtype.UINT8, 1, 2, 2, 1)) {
            PeaException e = assertThrows(PeaException.Dtype.class, () -> volume.put(0, 0, new float[2]));
            assertTrue(e.getMessage().contains("uint8") && e.getMessage().contains("float32"), e.getMessage());
            assertThrows(PeaException.Dtype.class, () -> volume.get(0, 0, new int[2]));
        }
    }

    @Test
    void extentsThatCannotBeAreRefused() {
        assertThrows(PeaException.Shape.class, () -> new Volume(Dtype.UINT8, 0, 1, 1, 1));
        assertThrows(PeaException.Shape.class, () -> new Volume(Dtype.UINT8, 1, 1, 1, -1));
        assertThrows(PeaException.Limit.class, () -> new Volume(Dtype.UINT8, 1L << 40, 1L << 40, 1, 1));
        assertThrows(NullPointerException.class, () -> new Volume(null, 1, 1, 1, 1));
    }

    @Test
    void memoryThatIsNotThereIsAnException() { // more than any address space
        assertThrows(PeaException.Memory.class, () -> new Volume(Dtype.UINT8, 1L << 20, 1L << 20, 1 << 20, 1));
    }

    @Test
    void closedVolumeSaysSo() {
        Volume volume = new Volume(Dtype.UINT8, 1, 2, 2, 1);
        volume.close();
        volume.close();
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> volume.get(0, 0, new byte[2]));
        assertEquals("volume is closed", e.getMessage());
        assertEquals(2, volume.y());
        assertTrue(volume.toString().endsWith("closed"));
    }

    @Test
    void moreThanTwoGigabytes() {
        long z = 2300; // planes of 1 MB
        Assumptions.assumeTrue(Pea.memoryAvailable() > 6L << 30, "too little memory");
        try (Volume volume = new Volume(Dtype.UINT8, z, 1000, 1000, 1)) {
            byte[] plane = new byte[1_000_000];
            java.util.Arrays.fill(plane, (byte) 42);
            volume.put(z - 1, 0, plane);
            byte[] row = new byte[1000];
            volume.get(z - 1, 999, row);
            assertEquals(42, row[999]);
            volume.get(z - 2, 999, row);
            assertEquals(0, row[999]);
            assertEquals(2_300_000_000L, volume.bytes());
        }
    }
}
