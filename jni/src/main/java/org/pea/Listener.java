/* Listener.java - hears how far a long call is, and may end it.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** Progress of a long call. */
@FunctionalInterface
public interface Listener {
    /**
     * Called on the thread that made the call, about every 30 ms. What it throws ends the call and comes out of it.
     *
     * @param stage what is being done: {@code network}, {@code affinity}, {@code cluster}, {@code clean up}, ...
     * @param fraction of that stage, 0 to 1
     * @return false to cancel: the call then throws {@link PeaException.Cancelled}
     */
    boolean progress(String stage, double fraction);

    /** For work of one's own between two calls: as a call of the library would end. */
    default void goOn(String stage, double fraction) {
        if (!progress(stage, fraction))
            throw new PeaException.Cancelled("cancelled");
    }
}
