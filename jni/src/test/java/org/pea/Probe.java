/* Probe.java - looks at the process from outside, for tests that it stays as it was. The library is probe.c's.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

final class Probe {
    static {
        System.load(Sample.beside("libpea_test_probe.so").toString());
    }

    private Probe() {}

    /** Rounding and flushing to zero of this thread. */
    static native long floatingPoint();

    /** What answers each signal. */
    static native long[] signalHandlers();
}
