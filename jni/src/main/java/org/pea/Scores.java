/* Scores.java - how good a segmentation is beside the truth.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.Map;

/** Scores of a prediction; docs/which-scores-are-computed.md defines them. */
public final class Scores {
    private Scores() {}

    /** Every score, with the keys and in the order of {@code pea score --json}, lists left out. */
    public static Map<String, Double> of(Volume truth, Volume prediction, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** What a score is, in words. */
    public static String words(String key) {
        throw new UnsupportedOperationException("not written yet");
    }
}
