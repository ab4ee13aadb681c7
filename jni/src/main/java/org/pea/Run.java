/* Run.java - how a long call runs: threads, memory, and who listens.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** How a long call runs. Plain data that may be used again; null is allowed wherever a Run is expected. */
public final class Run {
    private int threads;
    private long memoryLimit;
    private Listener listener;

    /** All threads of the machine, no limit of memory, nobody listens. */
    public Run() {}

    /** Threads to use; 0 for all there are. Results do not depend on it. */
    public Run threads(int n) {
        threads = n;
        return this;
    }

    /** Bytes that the work may take at most, refused before it starts otherwise; 0 for no limit. */
    public Run memoryLimit(long bytes) {
        memoryLimit = bytes;
        return this;
    }

    /** Who hears of progress and may cancel; null for nobody. */
    public Run listener(Listener l) {
        listener = l;
        return this;
    }

    /** Threads to use; 0 for all there are. */
    public int threads() {
        return threads;
    }

    /** Bytes that the work may take at most; 0 for no limit. */
    public long memoryLimit() {
        return memoryLimit;
    }

    /** Who listens; may be null. */
    public Listener listener() {
        return listener;
    }
}
