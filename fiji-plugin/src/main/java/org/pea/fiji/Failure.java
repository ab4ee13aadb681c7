// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import org.pea.PeaException;

import ij.IJ;
import ij.Macro;

/** How a small command that failed says so: once, in words, and a macro does not go on as if nothing had happened. */
final class Failure {
    private Failure() {}

    static void tell(String command, Throwable e) {
        IJ.showProgress(1, 1);
        if (e instanceof PeaException.Cancelled || Macro.MACRO_CANCELED.equals(e.getMessage())) {
            IJ.showStatus("PEA: cancelled");
            Macro.abort();
        } else {
            IJ.showStatus("");
            IJ.error(command, Ui.headless() ? Ui.words(e) : Ui.folded(Ui.words(e), 90));    /* ends the macro */
        }
    }
}
