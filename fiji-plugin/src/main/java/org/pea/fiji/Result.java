// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.List;

import org.pea.Calibration;
import org.pea.Instances;
import org.pea.Segmentation;
import org.pea.Volume;

import ij.ImagePlus;

/** What a segmentation found, in native memory until it is closed. */
public final class Result implements AutoCloseable {
    /** One frame: labels of the part only, see {@link #part}. */
    static final class Frame {
        Segmentation segmentation;
        Volume labels;
        /** Null where no table was wanted. */
        Instances instances;
    }

    final List<Frame> frames = new ArrayList<>();
    final List<String> warnings = new ArrayList<>();
    ImagePlus image;
    ImageTransfer.Part part;
    Calibration calibration;
    Provenance provenance;
    double seconds;

    Result() {}

    /** The image that was segmented. */
    public ImagePlus image() {
        return image;
    }

    public int frames() {
        return frames.size();
    }

    /** Number of instances of a frame, counted from 0. */
    public long count(int frame) {
        throw new UnsupportedOperationException();
    }

    /** Of all frames. */
    public long count() {
        throw new UnsupportedOperationException();
    }

    /** One line each, to be shown beside the results. */
    public List<String> warnings() {
        return warnings;
    }

    public double seconds() {
        return seconds;
    }

    /** The table as text, what `table=` writes. */
    public String csv() {
        throw new UnsupportedOperationException();
    }

    @Override public void close() {
        throw new UnsupportedOperationException();
    }
}
