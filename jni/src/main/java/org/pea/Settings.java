/* Settings.java - the settings of a segmentation by name, as the library has them (pea/settings.h).
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.List;

/** The grammar of settings: one for macros, the command line and Java. */
public final class Settings {
    private Settings() {}

    /** Every setting, in the library's order. */
    public static List<Setting> all() {
        throw new UnsupportedOperationException("not written yet");
    }
}
