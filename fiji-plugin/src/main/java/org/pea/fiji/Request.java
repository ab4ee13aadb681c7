// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What is wanted: which part of the image, which model and settings, which results. Plain data, filled by a dialog or by
 * {@link MacroOptions}; an empty text, 0 or {@code null} means "as it is by default" everywhere.
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

    /** What happens after an error. */
    public enum OnError {
        /** Say it, and end the macro. */
        STOP,
        /** Say it in the log, leave it in {@link SegmentInstances#lastError()}, go on with the macro. */
        CONTINUE
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
    public OnError onError = OnError.STOP;

    /** Labels and overlay. */
    public static Set<Show> defaultShow() {
        return EnumSet.of(Show.LABELS, Show.OVERLAY);
    }

    /** {@link #memory} in bytes; where it is empty, what is free now. */
    public long memoryBytes() {
        throw new UnsupportedOperationException();
    }

    /** An independent copy. */
    public Request copy() {
        throw new UnsupportedOperationException();
    }
}
