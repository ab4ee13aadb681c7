/* Dtype.java - the types of voxels that Java hands to the library and gets back.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** Type of the elements of a {@link Volume}. */
public enum Dtype {
    /** In Java a {@code byte}. */
    UINT8(1),
    /** In Java a {@code short}. */
    UINT16(2),
    /** In Java an {@code int}. */
    UINT32(4),
    /** In Java a {@code float}. */
    FLOAT32(4),
    /** In Java a {@code short}, too. */
    INT16(2);

    private final int bytes;

    Dtype(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }
}
