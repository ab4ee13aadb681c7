// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.List;

import org.pea.Model;

import ij.ImagePlus;

/** How an image differs from what a model was made for, in words, and what can be done about it. */
public final class Fit {
    private Fit() {}

    /** How bad it is. */
    public enum Kind {
        /** Worth knowing. */
        NOTE,
        /** The result may be poor. */
        WARNING,
        /** It will not run. */
        REFUSAL
    }

    /** One difference. */
    public static final class Message {
        public final Kind kind;
        /** One or two sentences, with the fix in words. */
        public final String words;
        /** The macro key that mends it and its value, to be offered as a button; null where there is none. */
        public final String key, value;

        Message(Kind kind, String words, String key, String value) {
            this.kind = kind;
            this.words = words;
            this.key = key;
            this.value = value;
        }

        /** Request with the offered fix in it; itself unchanged. */
        public Request fixed(Request request) {
            throw new UnsupportedOperationException();
        }
    }

    /** All differences, the worst first; empty where all is well. Looks at few pixels: quick enough for a dialog. */
    public static List<Message> of(Model model, ImagePlus image, Request request) {
        throw new UnsupportedOperationException();
    }
}
