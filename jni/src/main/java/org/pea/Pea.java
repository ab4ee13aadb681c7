/* Pea.java - the library itself: whether it is loaded, from where, and what it finds on this machine.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.file.Path;

/** The native library. */
public final class Pea {
    private Pea() {}

    /**
     * Loads the library. Every other class does so by itself; the first call decides, later ones repeat its answer.
     *
     * @throws PeaException.NotLoaded the same one each time
     */
    public static void load() {
        NativeLibrary.load();
    }

    /** Whether {@link #load} was called and succeeded. */
    public static boolean isLoaded() {
        return NativeLibrary.isLoaded();
    }

    /** Version of the library that runs, such as {@code 0.2.0}. */
    public static String version() {
        load();
        return Texts.of(nativeVersion());
    }

    /** The set of inner loops in use: {@code amx}, {@code avx512}, {@code avx2} or {@code scalar}. */
    public static String kernels() {
        load();
        return Texts.of(nativeKernels());
    }

    /** What CPU and operating system offer, separated by spaces. */
    public static String features() {
        load();
        return Texts.of(nativeFeatures());
    }

    /** Threads that this process may use at once. */
    public static int threads() {
        load();
        return nativeThreads();
    }

    /** Bytes of memory that are free for this process now; 0 where it is unknown. */
    public static long memoryAvailable() {
        load();
        return nativeMemoryAvailable();
    }

    /** Largest resident size of this process so far, in bytes; 0 where it is unknown. */
    public static long memoryPeak() {
        load();
        return nativeMemoryPeak();
    }

    /** The file that was loaded; null where the system found it by name alone. */
    public static Path libraryPath() {
        load();
        return NativeLibrary.path();
    }

    /** What was tried to load the library, a line each; never null, and no exception where it failed. */
    public static String loadReport() {
        return NativeLibrary.report();
    }

    /**
     * Runs a small network whose answer is known.
     *
     * @throws PeaException where the answer is another
     */
    public static void selfTest() {
        load();
        nativeSelfTest();
    }

    /** Forgets that the library crashed while it was loaded, or could not be: the next {@link #load} tries again. */
    public static void forgetCrash() {
        NativeLibrary.forgetCrash();
    }

    static native byte[] nativeVersion();

    static native byte[] nativeKernels();

    private static native byte[] nativeFeatures();

    private static native int nativeThreads();

    private static native long nativeMemoryAvailable();

    private static native long nativeMemoryPeak();

    static native void nativeSelfTest();

    /** For tests: what the library allocated and did not free yet. */
    static native long nativeLiveBlocks();
}
