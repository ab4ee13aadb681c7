/* TrainingReport.java - how far a training is: what the library tells after a step or a validation.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** How far a training is. Numbers may be kept; {@link #image} and {@link #labels} only be asked during the call. */
public final class TrainingReport {
    private final long step;
    private final long steps;
    private final long bestStep;
    private final double[] numbers; // loss, rate, seconds of a step, seconds left, best score, threshold
    private final double[] scores;
    private final boolean best;
    private final String notes;
    private final String trouble;
    private long address; // 0: the call is over

    private TrainingReport(long address, long step, long steps, long bestStep, double[] numbers, double[] scores,
                           boolean best, byte[] notes, byte[] trouble) {
        this.address = address;
        this.step = step;
        this.steps = steps;
        this.bestStep = bestStep;
        this.numbers = numbers;
        this.scores = scores;
        this.best = best;
        this.notes = notes == null ? "" : new String(notes, StandardCharsets.UTF_8);
        this.trouble = Texts.of(trouble);
    }

    /* Called by the native side. */
    static boolean tell(TrainingListener listener, long address, long step, long steps, long bestStep, double[] numbers,
                        double[] scores, boolean best, byte[] notes, byte[] trouble) {
        TrainingReport report = new TrainingReport(address, step, steps, bestStep, numbers, scores, best, notes,
            trouble);
        try {
            return listener.report(report);
        } finally {
            report.end();
        }
    }

    private synchronized void end() {
        address = 0;
    }

    /** Steps done. */
    public long step() {
        return step;
    }

    /** Steps in all; of a run by time not known before the tenth, and then very many. */
    public long steps() {
        return steps;
    }

    /** Loss of this step; NaN before the first. */
    public double loss() {
        return numbers[0];
    }

    /** Learning rate of this step. */
    public double rate() {
        return numbers[1];
    }

    /** Seconds that steps took lately. */
    public double secondsPerStep() {
        return numbers[2];
    }

    /** Until all is done or the time is up, as things stand. */
    public double secondsLeft() {
        return numbers[3];
    }

    /** Whether this is of a validation, and not of a step. */
    public boolean isValidation() {
        return scores != null;
    }

    /** Means over the validation images by key; empty where this is of a step. */
    public Map<String, Double> scores() {
        if (scores == null)
            return Collections.emptyMap();
        Map<String, Double> all = new LinkedHashMap<>();
        for (int i = 0; i < scores.length; i++)
            all.put(Scores.key(i), scores[i]);
        return all;
    }

    /** Of a validation: whether it is the best so far, and the model file was written. */
    public boolean isBest() {
        return best;
    }

    /** The best score so far; NaN before the first validation. */
    public double bestScore() {
        return numbers[4];
    }

    /** When it was reached; 0: not yet. */
    public long bestStep() {
        return bestStep;
    }

    /** Threshold of the foreground that suits the validation images best. */
    public double threshold() {
        return numbers[5];
    }

    /** What a person should know of the images, one line; may be empty. */
    public String notes() {
        return notes;
    }

    /** What could not be written since the last report, and will be tried again; null: nothing. */
    public String trouble() {
        return trouble;
    }

    /** A copy of the first validation image; null where this is of a step. */
    public Volume image() {
        return copy(0);
    }

    /** A copy of the labels that it got, z,y,x,1; null where this is of a step. */
    public Volume labels() {
        return copy(1);
    }

    private synchronized Volume copy(int which) {
        if (address == 0)
            throw new IllegalStateException("the report is over: ask for its image during the call");
        long made = nativeVolume(address, which);
        return made == 0 ? null : new Volume(made);
    }

    private static native long nativeVolume(long report, int which);
}
