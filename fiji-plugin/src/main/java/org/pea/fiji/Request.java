// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.pea.Pea;

/**
 * What is wanted: which part of the image, which model and settings, which results. Plain data, filled by a dialog or
 * by {@link MacroOptions}; an empty text, 0 or {@code null} means "as it is by default" everywhere.
 */
public final class Request {

    /** What to open as windows or draw on the image. */
    public enum Show {
        /** The label image. */
        LABELS,
        /** Outlines in the labels' colours on the input image. */
        OVERLAY,
        /** Each instance in the ROI Manager, behind what is there. */
        ROIS,
        /** One row for each instance. */
        TABLE,
        /** What the network thinks of neighbouring voxels. */
        AFFINITY,
        /** The embedding as colours. */
        EMBEDDING;

        /** The word in macros. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Name of a bundled model, or the path of a model file. */
    public String model = "nuclei";

    /** Counted from 1; 0: all, which must be one or as many as the model takes. The channels of RGB count. */
    public int channel;
    /** Counted from 1, both ends inside; 0 and 0: all. */
    public int firstSlice, lastSlice;
    /** Counted from 1; 0: all. */
    public int frame;
    /** "2d" or "3d" insists on planes or volumes; empty: what the model is. */
    public String mode = "";
    /** Title of an open image or path of a file: instances only where it is not 0; empty: none. */
    public String mask = "";

    /** Settings of the library by key, as {@link org.pea.Settings#all()} lists them; "scale" may be "auto". */
    public final Map<String, String> wishes = new LinkedHashMap<>();

    /** Such as "4G"; empty: what is free. See {@link #memoryBytes()}. */
    public String memory = "";
    /** 0: as many as this computer has. */
    public int threads;

    /** Files to write; empty: none. */
    public String output = "", overlay = "", table = "", rois = "";
    /** What to show. Nothing but the default is written into a macro line. */
    public Set<Show> show = defaultShow();
    /** Title of an open image or path of a file with the true labels; empty: no scores. */
    public String truth = "";

    /** Labels and overlay. */
    public static Set<Show> defaultShow() {
        return EnumSet.of(Show.LABELS, Show.OVERLAY);
    }

    /** {@link #memory} in bytes; where it is empty, what is free now. */
    public long memoryBytes() {
        return memory.isEmpty() ? Pea.memoryAvailable() : parseBytes(memory);
    }

    /** "512M", "4G", "1.5GiB" or a number of bytes, as the command line reads it. */
    static long parseBytes(String text) {
        Matcher m = SIZE.matcher(text);
        double number = m.matches() ? Double.parseDouble(m.group(1)) : -1;
        if (m.matches() && !m.group(2).isEmpty())
            number *= Math.pow(1024, "KMGT".indexOf(m.group(2)) + 1);
        if (number < 0 || number >= 9e18)
            throw new IllegalArgumentException("memory wants a size such as 512M or 4G, found \"" + text + "\"");
        return (long) number;
    }

    private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d*)?)([KMGT]?)(?:(?<=[KMGT])i?B)?");

    /** An independent copy. */
    public Request copy() {
        Request c = new Request();
        c.model = model;
        c.channel = channel;
        c.firstSlice = firstSlice;
        c.lastSlice = lastSlice;
        c.frame = frame;
        c.mode = mode;
        c.mask = mask;
        c.wishes.putAll(wishes);
        c.memory = memory;
        c.threads = threads;
        c.output = output;
        c.overlay = overlay;
        c.table = table;
        c.rois = rois;
        c.show = show.isEmpty() ? EnumSet.noneOf(Show.class) : EnumSet.copyOf(show);
        c.truth = truth;
        return c;
    }
}
