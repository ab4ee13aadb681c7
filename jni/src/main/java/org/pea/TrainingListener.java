/* TrainingListener.java - hears how a network learns.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** Progress of {@link Training#run}, and what was learnt so far. */
public interface TrainingListener extends Listener {
    /**
     * Called after each step and after each validation, on the thread that made the call; once where a resumed run
     * has no step left. What it throws ends the call and comes out of it; what was learnt so far is stored.
     *
     * @param report valid during this call
     * @return false to end training now as if the steps were done: with the best model
     */
    boolean report(TrainingReport report);
}
