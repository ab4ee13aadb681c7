/* Scores.java - how good a segmentation is beside the truth.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.LinkedHashMap;
import java.util.Map;

/** Scores of a prediction; docs/which-scores-are-computed.md defines them. */
public final class Scores {
    private Scores() {}

    /** Every score, with the keys and in the order of {@code pea score --json}, lists left out. */
    public static Map<String, Double> of(Volume truth, Volume prediction, Run run) {
        Pea.load();
        run = run == null ? new Run() : run;
        double[] values;
        try (Handle.Use t = Volume.require(Volume.handle(truth), "truth").read();
             Handle.Use p = Volume.require(Volume.handle(prediction), "prediction").read()) {
            values = nativeScore(t.address, p.address, run.threads(), run.memoryLimit(), run.listener());
        }
        Map<String, Double> scores = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++)
            scores.put(Texts.of(nativeKey(i)), values[i]);
        return scores;
    }

    /**
     * What a score is, in words.
     *
     * @throws PeaException.Argument where there is no score of this name
     */
    public static String words(String key) {
        Pea.load();
        for (int i = 0; i < nativeCount(); i++)
            if (Texts.of(nativeKey(i)).equals(key))
                return Texts.of(nativeWords(i));
        throw new PeaException.Argument("there is no score '" + key + "'");
    }

    static String key(int index) {
        return Texts.of(nativeKey(index));
    }

    private static native int nativeCount();

    private static native byte[] nativeKey(int index);

    private static native byte[] nativeWords(int index);

    private static native double[] nativeScore(long truth, long prediction, int threads, long memoryLimit,
                                               Listener listener);
}
