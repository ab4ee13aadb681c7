/* Volume.java - voxels in native memory.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/**
 * Voxels in native memory, in the order z, y, x, c; not limited to 2 GiB.
 *
 * Rows are copied in and out: an array holds whole rows of x*c elements of plane z from row y on, and its type is that
 * of the {@link Dtype} ({@code int[]} for UINT32). Several threads may read one volume, or write different rows of it.
 * While a call works on a volume nobody may write to it: {@code put} then throws an IllegalStateException.
 */
public final class Volume implements AutoCloseable {
    private final Handle handle;
    private final Dtype dtype;
    private final long z;
    private final long y;
    private final long x;
    private final int c;

    /**
     * A volume of zeros.
     *
     * @throws PeaException.Shape for an extent below 1
     * @throws PeaException.Limit for a product beyond the address space
     * @throws PeaException.Memory where the system refuses so much
     */
    public Volume(Dtype dtype, long z, long y, long x, int c) {
        this(allocate(dtype, z, y, x, c));
    }

    /** Owns what the address stands for. */
    Volume(long address) {
        handle = new Handle(this, "volume", address, Volume::nativeFree);
        long[] shape = nativeShape(address);
        dtype = Dtype.values()[(int) shape[0]];
        z = shape[1];
        y = shape[2];
        x = shape[3];
        c = (int) shape[4];
    }

    private static long allocate(Dtype dtype, long z, long y, long x, int c) {
        Pea.load();
        Handle.freeForgotten(); // their memory may be what is needed
        return nativeAllocate(dtype.ordinal(), z, y, x, c);
    }

    /** Null for null. */
    static Handle handle(Volume volume) {
        return volume == null ? null : volume.handle;
    }

    /** Type of the elements. */
    public Dtype dtype() {
        return dtype;
    }

    /** Planes. */
    public long z() {
        return z;
    }

    /** Rows of a plane. */
    public long y() {
        return y;
    }

    /** Voxels of a row. */
    public long x() {
        return x;
    }

    /** Elements of a voxel: channels, components, offsets. */
    public int c() {
        return c;
    }

    /** Bytes of all voxels. */
    public long bytes() {
        return z * y * x * c * dtype.bytes(); // fits: the volume exists
    }

    /** Copies rows of UINT8 into plane z from row y on. */
    public void put(long z, long y, byte[] rows) {
        put(z, y, Dtype.UINT8, rows);
    }

    /** Copies rows of UINT16 or INT16 into plane z from row y on. */
    public void put(long z, long y, short[] rows) {
        put(z, y, ofShorts(), rows);
    }

    /** Copies rows of UINT32 into plane z from row y on. */
    public void put(long z, long y, int[] rows) {
        put(z, y, Dtype.UINT32, rows);
    }

    /** Copies rows of FLOAT32 into plane z from row y on. */
    public void put(long z, long y, float[] rows) {
        put(z, y, Dtype.FLOAT32, rows);
    }

    /** Copies rows of UINT8 out of plane z from row y on. */
    public void get(long z, long y, byte[] rows) {
        get(z, y, Dtype.UINT8, rows);
    }

    /** Copies rows of UINT16 or INT16 out of plane z from row y on. */
    public void get(long z, long y, short[] rows) {
        get(z, y, ofShorts(), rows);
    }

    /** Copies rows of UINT32 out of plane z from row y on. */
    public void get(long z, long y, int[] rows) {
        get(z, y, Dtype.UINT32, rows);
    }

    /** Copies rows of FLOAT32 out of plane z from row y on. */
    public void get(long z, long y, float[] rows) {
        get(z, y, Dtype.FLOAT32, rows);
    }

    private Dtype ofShorts() {
        return dtype == Dtype.INT16 ? Dtype.INT16 : Dtype.UINT16;
    }

    private void put(long z, long y, Dtype type, Object rows) {
        require(rows, "rows");
        try (Handle.Use volume = handle.write()) {
            nativePut(volume.address, z, y, type.ordinal(), rows);
        }
    }

    private void get(long z, long y, Dtype type, Object rows) {
        require(rows, "rows");
        try (Handle.Use volume = handle.use()) {
            nativeGet(volume.address, z, y, type.ordinal(), rows);
        }
    }

    static <T> T require(T value, String what) {
        if (value == null)
            throw new NullPointerException(what + " must not be null");
        return value;
    }

    /** Gives the memory back, as soon as no call uses it any more. */
    @Override
    public void close() {
        handle.close();
    }

    @Override
    public String toString() {
        return dtype + " " + z + "x" + y + "x" + x + "x" + c + (handle.isClosed() ? ", closed" : "");
    }

    private static native long nativeAllocate(int dtype, long z, long y, long x, int c);

    private static native void nativeFree(long volume);

    private static native long[] nativeShape(long volume);

    private static native void nativePut(long volume, long z, long y, int dtype, Object rows);

    private static native void nativeGet(long volume, long z, long y, int dtype, Object rows);
}
