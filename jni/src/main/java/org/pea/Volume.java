/* Volume.java - voxels in native memory.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/**
 * Voxels in native memory, in the order z, y, x, c; not limited to 2 GiB.
 *
 * Rows are copied in and out: an array holds whole rows of x*c elements of plane z from row y on, and its type is that of
 * the {@link Dtype} ({@code int[]} for UINT32). Several threads may read one volume, or write different rows of it.
 */
public final class Volume implements AutoCloseable {
    /**
     * A volume of zeros.
     *
     * @throws PeaException.Shape for an extent below 1
     * @throws PeaException.Limit for a product beyond the address space
     * @throws PeaException.Memory where the system refuses so much
     */
    public Volume(Dtype dtype, long z, long y, long x, int c) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Type of the elements. */
    public Dtype dtype() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Planes. */
    public long z() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Rows of a plane. */
    public long y() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Voxels of a row. */
    public long x() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Elements of a voxel: channels, components, offsets. */
    public int c() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Bytes of all voxels. */
    public long bytes() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of UINT8 into plane z from row y on. */
    public void put(long z, long y, byte[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of UINT16 into plane z from row y on. */
    public void put(long z, long y, short[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of UINT32 into plane z from row y on. */
    public void put(long z, long y, int[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of FLOAT32 into plane z from row y on. */
    public void put(long z, long y, float[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of UINT8 out of plane z from row y on. */
    public void get(long z, long y, byte[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of UINT16 out of plane z from row y on. */
    public void get(long z, long y, short[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of UINT32 out of plane z from row y on. */
    public void get(long z, long y, int[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Copies rows of FLOAT32 out of plane z from row y on. */
    public void get(long z, long y, float[] rows) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Gives the memory back, as soon as no call uses it any more. */
    @Override
    public void close() {
        throw new UnsupportedOperationException("not written yet");
    }
}
