/* Settings.java - the settings of a segmentation by name, as the library has them (pea/settings.h).
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The grammar of settings: one for macros, the command line and Java. */
public final class Settings {
    private Settings() {}

    /** Every setting, in the library's order. */
    public static List<Setting> all() {
        Pea.load();
        List<Setting> all = new ArrayList<>();
        for (int i = 0; i < nativeCount(); i++)
            all.add(new Setting(text(i, 0), text(i, 1), text(i, 2), text(i, 3), text(i, 4), nativeAxes(i)));
        return Collections.unmodifiableList(all);
    }

    private static String text(int index, int field) {
        return Texts.of(nativeText(index, field));
    }

    private static native int nativeCount();

    private static native byte[] nativeText(int index, int field);

    private static native int nativeAxes(int index);
}
