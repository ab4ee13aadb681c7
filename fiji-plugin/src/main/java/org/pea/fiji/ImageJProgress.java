// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import org.pea.Listener;

/**
 * Shows progress in ImageJ's status bar, at most ten times a second, and hears Esc. Without a display it writes a line now
 * and then instead.
 */
public final class ImageJProgress implements Listener {

    /** Forgets an Esc that was pressed before. */
    public ImageJProgress() {
        throw new UnsupportedOperationException();
    }

    /** Part {@code index} of {@code n} begins: fractions are of that part from now on. */
    public void part(int index, int n) {
        throw new UnsupportedOperationException();
    }

    @Override public boolean progress(String stage, double fraction) {
        throw new UnsupportedOperationException();
    }

    /** Ends the bar. */
    public void done() {
        throw new UnsupportedOperationException();
    }
}
