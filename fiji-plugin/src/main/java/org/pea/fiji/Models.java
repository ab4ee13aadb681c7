// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.nio.file.Path;
import java.util.List;

import org.pea.Model;

/** Which models there are, where they are looked for, and the open ones, which are kept for the next run. */
public final class Models {
    private Models() {}

    /** A model file of a model folder. */
    public static final class Entry {
        /** What {@code model=} takes: the file's name without its ending. */
        public final String name;
        public final Path file;
        /** One line of the model's author, may be empty. */
        public final String description;
        /** Number of axes, 2 or 3; 0 where the model cannot be opened. */
        public final int axes;
        /** PNG, or null. */
        public final byte[] thumbnail;
        /** Why it cannot be opened; null where it can. */
        public final String error;

        Entry(String name, Path file, String description, int axes, byte[] thumbnail, String error) {
            this.name = name;
            this.file = file;
            this.description = description;
            this.axes = axes;
            this.thumbnail = thumbnail;
            this.error = error;
        }
    }

    /** Where models are looked for, in this order; folders that do not exist are among them. */
    public static List<Path> folders() {
        throw new UnsupportedOperationException();
    }

    /** All models of all folders by name; of equal names the first. Damaged ones are listed with their error. */
    public static List<Entry> list() {
        throw new UnsupportedOperationException();
    }

    /** The file that a name or a path means. @throws org.pea.PeaException with the folders that were tried */
    public static Path find(String nameOrPath) {
        throw new UnsupportedOperationException();
    }

    /** Open, or open already. Do not close it: the next run uses it again. A file that was replaced is read anew. */
    public static Model open(String nameOrPath) {
        throw new UnsupportedOperationException();
    }

    /** Close what is open and unused. */
    public static void release() {
        throw new UnsupportedOperationException();
    }
}
