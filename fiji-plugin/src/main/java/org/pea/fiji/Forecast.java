// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import org.pea.Model;

import ij.ImagePlus;

/** Memory and time that a request will need, before it runs. Time comes from runs that were measured on this computer. */
public final class Forecast {
    /** Of native memory, at most, beside the image that is open already. */
    public final long bytes;
    /** NaN where nothing was measured yet: see {@link #measure}. */
    public final double seconds;
    /** Why there is no forecast, the library's words; null where there is one. */
    public final String error;

    Forecast(long bytes, double seconds, String error) {
        this.bytes = bytes;
        this.seconds = seconds;
        this.error = error;
    }

    /** Milliseconds: asks the library for the bytes and the preferences for the time. */
    public static Forecast of(Model model, ImagePlus image, Request request) {
        throw new UnsupportedOperationException();
    }

    /** Run the model on a small empty plane or volume and remember its speed; a second or so. */
    public static void measure(Model model, Request request) {
        throw new UnsupportedOperationException();
    }

    /** Note how long a run took. */
    static void remember(Model model, int threads, long voxels, double seconds) {
        throw new UnsupportedOperationException();
    }

    /** "about 12 s and 340 MB", or what is known of it. */
    public String words() {
        throw new UnsupportedOperationException();
    }
}
