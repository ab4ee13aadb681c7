// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Color;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.pea.Run;
import org.pea.Scores;
import org.pea.Volume;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.measure.ResultsTable;

/**
 * Labels against the truth: the numbers of {@code pea score}, and outlines that say where the errors are.
 *
 * <p>Two instances match where they share more than half of what both cover together. Green: found and matched. Red: in
 * the truth, not found. Blue: found, not in the truth. Yellow: one instance of the truth was split, it covers most of
 * two or more found ones. Magenta: several were merged, a found one covers most of two or more of the truth.
 */
final class ScoreReport {
    private ScoreReport() {}

    static final Color MATCHED = new Color(0x00c040), MISSED = new Color(0xff2020), EXTRA = new Color(0x3080ff),
                       SPLIT = new Color(0xffd800), MERGED = new Color(0xff30ff);

    /** @throws IllegalArgumentException where there is none, or one of another size than the result for this part */
    static ImagePlus truth(String titleOrPath, ImagePlus image, ImageTransfer.Part part) {
        ImagePlus truth = ImageTransfer.find(titleOrPath, "truth");
        String found = ImageTransfer.size(truth);
        String wanted = ImageTransfer.size(image.getWidth(), image.getHeight(), part.slices, part.frames);
        if (!found.equals(wanted))
            throw new IllegalArgumentException("the truth is " + found + ", the result will be " + wanted
                                               + ": they must have the same size");
        return truth;
    }

    /** Name and value of each metric, and what it is in words. */
    static ResultsTable table(Volume truth, Volume prediction, Run run) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        for (Map.Entry<String, Double> score : Scores.of(truth, prediction, run).entrySet()) {
            table.incrementCounter();
            table.addValue("Metric", score.getKey());
            table.addValue("Value", score.getValue());
            table.addValue("In words", Scores.words(score.getKey()));
        }
        table.setDecimalPlaces(table.getColumnIndex("Value"), 4);
        return table;
    }

    // ---- who meets whom ----

    /** Of one frame: what each instance of truth (first) and prediction (second) is. */
    static final class Verdict {
        final Map<Integer, Color> truth = new HashMap<>(), prediction = new HashMap<>();
    }

    static Verdict judge(Volume truth, Volume prediction) {
        Map<Long, Integer> shared = new HashMap<>();
        Map<Integer, Integer> ofTruth = new HashMap<>(), ofPrediction = new HashMap<>();
        int[] t = new int[(int) (truth.y() * truth.x())], p = new int[t.length];
        for (long z = 0; z < truth.z(); z++) {
            truth.get(z, 0, t);
            prediction.get(z, 0, p);
            for (int i = 0; i < t.length; i++) {
                if (t[i] != 0)
                    ofTruth.merge(t[i], 1, Integer::sum);
                if (p[i] != 0)
                    ofPrediction.merge(p[i], 1, Integer::sum);
                if (t[i] != 0 && p[i] != 0)
                    shared.merge((long) t[i] << 32 | p[i] & 0xffffffffL, 1, Integer::sum);
            }
        }
        return judge(shared, ofTruth, ofPrediction);
    }

    private static Verdict judge(Map<Long, Integer> shared, Map<Integer, Integer> ofTruth,
                                 Map<Integer, Integer> ofPrediction) {
        Verdict verdict = new Verdict();
        Map<Integer, Integer> insideTruth = new HashMap<>(), insidePrediction = new HashMap<>();
        Set<Integer> matchedTruth = new HashSet<>(), matchedPrediction = new HashSet<>();
        for (Map.Entry<Long, Integer> e : shared.entrySet()) {
            int t = (int) (e.getKey() >> 32), p = (int) (long) e.getKey();
            long both = e.getValue(), nt = ofTruth.get(t), np = ofPrediction.get(p);
            if (2 * both > np)
                insideTruth.merge(t, 1, Integer::sum);
            if (2 * both > nt)
                insidePrediction.merge(p, 1, Integer::sum);
            if (2 * both > nt + np - both) {
                matchedTruth.add(t);
                matchedPrediction.add(p);
            }
        }
        for (int t : ofTruth.keySet())
            verdict.truth.put(t, insideTruth.getOrDefault(t, 0) > 1 ? SPLIT
                               : matchedTruth.contains(t) ? MATCHED : MISSED);
        for (int p : ofPrediction.keySet())
            verdict.prediction.put(p, insidePrediction.getOrDefault(p, 0) > 1 ? MERGED
                                    : matchedPrediction.contains(p) ? MATCHED : EXTRA);
        return verdict;
    }

    // ---- drawn ----

    /**
     * Outlines of one frame, each bound to its slice of `image`: of the prediction where it is matched, extra or
     * merged, of the truth where it was missed or split.
     */
    static List<Roi> outlines(Volume truth, Volume prediction, ImagePlus image, int firstSlice, int frame) {
        Verdict verdict = judge(truth, prediction);
        List<Roi> all = new ArrayList<>();
        for (int z = 0; z < truth.z(); z++) {
            all.addAll(outlines(prediction, z, verdict.prediction, image, firstSlice, frame));
            Map<Integer, Color> wrong = new HashMap<>(verdict.truth);
            wrong.values().removeIf(c -> c == MATCHED);
            all.addAll(outlines(truth, z, wrong, image, firstSlice, frame));
        }
        return all;
    }

    private static List<Roi> outlines(Volume labels, int z, Map<Integer, Color> colours, ImagePlus image,
                                      int firstSlice, int frame) {
        int[] plane = new int[(int) (labels.y() * labels.x())];
        labels.get(z, 0, plane);
        List<Roi> wanted = new ArrayList<>();
        for (Roi roi : LabelRois.plane(plane, (int) labels.x())) {
            Color colour = colours.get(Integer.parseUnsignedInt(roi.getName()));
            if (colour == null)
                continue;
            roi.setStrokeColor(colour);
            roi.setName(word(colour) + " " + roi.getName());
            LabelRois.place(roi, image, firstSlice + z + 1, frame);
            wanted.add(roi);
        }
        return wanted;
    }

    private static String word(Color colour) {
        return colour == MATCHED ? "matched" : colour == MISSED ? "missed" : colour == EXTRA ? "extra"
             : colour == SPLIT ? "split" : "merged";
    }

    /** What {@link #outlines} gives, for images that are open. */
    static Overlay overlay(List<Roi> outlines) {
        return LabelOverlay.overlay(outlines);
    }
}
