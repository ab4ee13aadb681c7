/* Status.java - what can go wrong, as the library tells it (pea/status.h).
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** What went wrong; see {@link PeaException}. */
public enum Status {
    /** An option or argument is out of its range. */
    ARGUMENT,
    /** Extents or channel counts do not fit together. */
    SHAPE,
    /** The type of the elements is not accepted here. */
    DTYPE,
    /** The system refused memory. */
    MEMORY,
    /** The operating system failed a read or a write. */
    IO,
    /** A file is damaged, lies, or is of a kind we do not read. */
    FORMAT,
    /** A limit of ours, or the memory budget, would be exceeded. */
    LIMIT,
    /** The listener asked to stop. */
    CANCELLED,
    /** The native library could not be loaded. */
    NOT_LOADED
}
