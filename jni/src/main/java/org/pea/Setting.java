/* Setting.java - one key of the grammar of settings.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

/** One setting that can be wished for by name; {@link Settings#all} lists them. */
public final class Setting {
    private final String key;
    private final String label;
    private final String value;
    private final String choices;
    private final String help;
    private final int axes;

    Setting(String key, String label, String value, String choices, String help, int axes) {
        this.key = key;
        this.label = label;
        this.value = value;
        this.choices = choices;
        this.help = help;
        this.axes = axes;
    }

    /** Its name in macros and on the command line, such as {@code minsize}. */
    public String key() {
        return key;
    }

    /** What a dialog calls it, such as {@code Smallest instance (pixels or voxels)}. */
    public String label() {
        return label;
    }

    /** What help calls its value: {@code N}, {@code Y,X|Z,Y,X}. */
    public String value() {
        return value;
    }

    /** What may be chosen, such as {@code none|given|predicted}; null where the value is free. */
    public String choices() {
        return choices;
    }

    /** What it does, in sentences. */
    public String help() {
        return help;
    }

    /** 2 or 3: only for models with so many axes; 0: for all. */
    public int axes() {
        return axes;
    }
}
