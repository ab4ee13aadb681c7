// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.List;
import java.util.Map;

/**
 * The macro language: the text behind the command in {@code run("Segment Instances (PEA)...", "model=nuclei minsize=25")}.
 *
 * <p>Words are separated by blanks; a word is {@code key=value} or a {@code key} alone; a value with blanks stands in
 * brackets, {@code key=[a b]}. We read it ourselves because ImageJ's reader finds {@code size} in {@code min_size} and keys
 * inside brackets, and is silent about keys it does not know.
 */
public final class MacroOptions {
    private MacroOptions() {}

    /** Of the menu entry, which is what {@code run()} wants. */
    public static final String COMMAND = "Segment Instances (PEA)...";

    /** All keys, in the order in which they are written. The library's settings are among them. */
    public static List<String> keys() {
        throw new UnsupportedOperationException();
    }

    /**
     * Take a line apart.
     * @return key and value in their order; the value of a key alone is empty
     * @throws IllegalArgumentException a bracket that is not closed, a key twice, a value without a key
     */
    public static Map<String, String> parse(String options) {
        throw new UnsupportedOperationException();
    }

    /**
     * @throws IllegalArgumentException in one line: an unknown key with the nearest known one, a value that is not possible
     */
    public static Request read(String options) {
        throw new UnsupportedOperationException();
    }

    /**
     * The options that give this request again: only what differs from the defaults, and the model.
     * @throws IllegalArgumentException for a value that cannot be written, as a "]" in a path
     */
    public static String write(Request request) {
        throw new UnsupportedOperationException();
    }

    /** Key and value of what {@link #write} writes, in its order, for {@code ij.plugin.frame.Recorder}. */
    public static Map<String, String> entries(Request request) {
        throw new UnsupportedOperationException();
    }

    /** The whole line, {@code run("Segment Instances (PEA)...", "...");}. */
    public static String line(Request request) {
        throw new UnsupportedOperationException();
    }
}
