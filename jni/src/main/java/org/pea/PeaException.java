/* PeaException.java - a failure of the library: one class for each status, to catch what can be mended.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.charset.StandardCharsets;

/** A call failed. The message is the library's one line: what was found, what was expected, what to do. */
public class PeaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    PeaException(Status status, String message) {
        super(message);
        this.status = status;
    }

    /** What kind of failure it is. */
    public Status status() {
        return status;
    }

    /* Called by the native side, the one place where a status becomes a class. Codes are those of pea_status. */
    static PeaException of(int code, byte[] utf8) {
        String message = new String(utf8, StandardCharsets.UTF_8);
        switch (code) {
        case 1: return new Argument(message);
        case 2: return new Shape(message);
        case 3: return new Dtype(message);
        case 4: return new Memory(message);
        case 5: return new Io(message);
        case 6: return new Format(message);
        case 7: return new Limit(message);
        case 8: return new Cancelled(message);
        default: throw new AssertionError("status " + code + ": " + message);
        }
    }

    /** An option or argument is out of its range: fix the call. */
    public static class Argument extends PeaException {
        private static final long serialVersionUID = 1L;

        Argument(String message) {
            super(Status.ARGUMENT, message);
        }
    }

    /** Extents or channel counts do not fit together. */
    public static class Shape extends PeaException {
        private static final long serialVersionUID = 1L;

        Shape(String message) {
            super(Status.SHAPE, message);
        }
    }

    /** The type of the elements is not accepted here. */
    public static class Dtype extends PeaException {
        private static final long serialVersionUID = 1L;

        Dtype(String message) {
            super(Status.DTYPE, message);
        }
    }

    /** The system refused memory. */
    public static class Memory extends PeaException {
        private static final long serialVersionUID = 1L;

        Memory(String message) {
            super(Status.MEMORY, message);
        }
    }

    /** The operating system failed a read or a write. */
    public static class Io extends PeaException {
        private static final long serialVersionUID = 1L;

        Io(String message) {
            super(Status.IO, message);
        }
    }

    /** A file is damaged, lies, or is of a kind we do not read. */
    public static class Format extends PeaException {
        private static final long serialVersionUID = 1L;

        Format(String message) {
            super(Status.FORMAT, message);
        }
    }

    /** A limit of ours, or the memory budget, would be exceeded; the message has the number. */
    public static class Limit extends PeaException {
        private static final long serialVersionUID = 1L;

        Limit(String message) {
            super(Status.LIMIT, message);
        }
    }

    /** The listener asked to stop. Also for callers who asked it themselves, before a call. */
    public static class Cancelled extends PeaException {
        private static final long serialVersionUID = 1L;

        /** @param message what was not done */
        public Cancelled(String message) {
            super(Status.CANCELLED, message);
        }
    }

    /** The native library could not be loaded. The message has a line for everything that was tried. */
    public static class NotLoaded extends PeaException {
        private static final long serialVersionUID = 1L;

        NotLoaded(String message) {
            super(Status.NOT_LOADED, message);
        }
    }
}
