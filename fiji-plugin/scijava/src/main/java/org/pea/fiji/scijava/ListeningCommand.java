// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji.scijava;

import org.pea.Listener;
import org.scijava.app.StatusService;
import org.scijava.command.ContextCommand;
import org.scijava.plugin.Parameter;

/** A command whose progress SciJava shows, where it has a status bar, and that ends when SciJava cancels it. */
abstract class ListeningCommand extends ContextCommand implements Listener {

    @Parameter(required = false)
    private StatusService status;

    @Override public boolean progress(String stage, double fraction) {
        if (status != null)
            status.showStatus((int) Math.round(1000 * fraction), 1000, "PEA: " + stage);
        return !isCanceled();
    }
}
