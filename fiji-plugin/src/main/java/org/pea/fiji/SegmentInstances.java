// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import ij.plugin.PlugIn;

/** The menu entry: a request from the macro or from a person, the work, the results. */
public class SegmentInstances implements PlugIn {

    @Override public void run(String arg) {
        throw new UnsupportedOperationException();
    }

    /**
     * What went wrong in the last run, one line, or an empty text. A macro that gave {@code onerror=continue} asks
     * {@code call("org.pea.fiji.SegmentInstances.lastError")}.
     */
    public static String lastError() {
        throw new UnsupportedOperationException();
    }
}
