// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import ij.ImagePlus;

/** Asks a person for a {@link Request}. Never touched where a macro gives options. */
public final class SettingsDialog {
    private SettingsDialog() {}

    /** @return null where the person cancelled; throws IllegalStateException in words where there is no display. */
    public static Request ask(ImagePlus image) {
        throw new UnsupportedOperationException();
    }
}
