// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

import org.pea.Pea;
import org.pea.Scores;
import org.pea.Volume;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.gui.Roi;
import ij.measure.ResultsTable;
import ij.plugin.PlugIn;
import ij.plugin.frame.Recorder;

/**
 * Menu entry: labels of one image against the true labels of another: a table of scores, and the errors as an
 * overlay.
 */
public class ScoreAgainstTruth implements PlugIn {
    private static final String COMMAND = "Score Against Truth...";
    static final List<String> KEYS = Arrays.asList("truth", "prediction", "table");
    /** The scores that are told in words, beside the table of all. */
    static final String[] HEADLINE = {"n_gt", "n_pred", "pq", "aji_standard", "ap_mean", "voi", "arand"};

    @Override public void run(String arg) {
        String options = Macro.getOptions();
        try {
            if (options == null && Ui.headless())
                throw new IllegalArgumentException("without a display say what is wanted: run(\"" + COMMAND
                        + "\", \"truth=truth.tif prediction=labels.tif\")");
            Map<String, String> values = options == null ? ask() : MacroOptions.parse(options);
            if (values != null)
                score(values);
        } catch (RuntimeException | OutOfMemoryError e) {
            Failure.tell(COMMAND, e);
        }
    }

    // ---- asking ----

    private static Map<String, String> ask() {
        String command = Recorder.getCommand();
        Pea.load();
        String[] titles = labelImages();
        ImagePlus current = WindowManager.getCurrentImage();
        String prediction = foundBefore(titles, current == null ? "" : current.getTitle());
        String truth = truthBeside(titles, prediction);
        Map<String, String> values = new SmallForm("Score Against Truth", "pea.score", "score")
            .words("Compare two label images of one size: in both, each number is one instance and 0 is background.")
            .open("truth", "True labels", titles, truth, "What is right: an open image, or a file.")
            .open("prediction", "Labels to judge", titles, prediction, "What was found: an open image, or a file."
                    + " The errors"
                    + " are drawn on it.")
            .text("table", "Also write scores to", "", "A CSV file; empty: only the table in a window.")
            .judge(ScoreAgainstTruth::problems)
            .ask();
        if (values == null)
            return null;
        values.values().removeIf(String::isEmpty);
        if (Recorder.record) {
            Recorder.setCommand(command == null ? COMMAND : command);
            for (Map.Entry<String, String> e : values.entrySet())
                Recorder.recordOption(e.getKey(), e.getValue());
        }
        return values;
    }

    /** What we named is what was found, whichever image is in front; otherwise that one. */
    static String foundBefore(String[] titles, String current) {
        String found = current;
        for (String title : titles)
            if (title.contains(LabelImage.SUFFIX) && !found.contains(LabelImage.SUFFIX))
                found = title;
        return found;
    }

    static String truthBeside(String[] titles, String prediction) {
        String truth = "";
        for (String title : titles)
            if (!title.equals(prediction) && (truth.isEmpty() || TRUE_NAME.matcher(title).find()))
                truth = title;
        return truth;
    }

    private static final Pattern TRUE_NAME = Pattern.compile("truth|gt|label|mask|annot", Pattern.CASE_INSENSITIVE);

    /** Of open images that can hold labels. */
    private static String[] labelImages() {
        List<String> titles = new ArrayList<>();
        for (String title : WindowManager.getImageTitles()) {
            ImagePlus image = WindowManager.getImage(title);
            if (image != null && image.getType() != ImagePlus.COLOR_RGB && image.getNChannels() == 1)
                titles.add(title);
        }
        return titles.toArray(new String[0]);
    }

    /** Key to words, of what would be refused. */
    static Map<String, String> problems(Map<String, String> values) {
        Map<String, String> wrong = new LinkedHashMap<>();
        for (String key : values.keySet())
            if (!KEYS.contains(key))
                wrong.put(key, "unknown key \"" + key + "\"; keys of this command are " + String.join(", ", KEYS));
        String truth = values.getOrDefault("truth", ""), prediction = values.getOrDefault("prediction", "");
        if (truth.isEmpty())
            wrong.put("truth", "choose the true labels, an open image or a file: truth=...");
        else if (truth.equals(prediction))
            wrong.put("prediction", "the truth compared with itself is always right: choose another image");
        try {
            if (!values.getOrDefault("table", "").isEmpty())
                MacroOptions.named("table", values.get("table"), ".csv");
        } catch (IllegalArgumentException e) {
            wrong.put("table", e.getMessage());
        }
        ImagePlus t = WindowManager.getImage(truth), p = WindowManager.getImage(prediction);
        if (t != null && p != null && wrong.isEmpty() && !sameSize(t, p))
            wrong.put("prediction", sizes(t, p));
        return wrong;
    }

    // ---- the work ----

    private static void score(Map<String, String> values) {
        Map<String, String> wrong = problems(values);
        if (!wrong.isEmpty())
            throw new IllegalArgumentException(wrong.values().iterator().next());
        ImagePlus truth = ImageTransfer.find(values.get("truth"), "truth");
        ImagePlus found = values.containsKey("prediction") ? ImageTransfer.find(values.get("prediction"), "prediction")
                : WindowManager.getCurrentImage();
        if (found == null)
            throw new IllegalArgumentException("there is no image to judge: open one, or give prediction=...");
        if (!sameSize(truth, found))
            throw new IllegalArgumentException(sizes(truth, found));
        List<Roi> outlines = new ArrayList<>();
        StringBuilder csv = new StringBuilder("frame,metric,value\n");
        int frames = found.getNFrames();
        for (int t = 0; t < frames; t++)
            frame(truth, found, t, outlines, csv);
        found.setOverlay(LabelOverlay.replace(found.getOverlay(), ScoreReport.overlay(outlines)));
        if (found.getWindow() == null)
            Outputs.open(found);
        if (values.containsKey("table"))
            AtomicFile.write(values.get("table"), out -> out.write(csv.toString().getBytes(StandardCharsets.UTF_8)));
        Ui.say("Outlines: green found and right; red missed; blue not in the truth; yellow split; magenta merged.");
    }

    private static boolean sameSize(ImagePlus a, ImagePlus b) {
        return a.getWidth() == b.getWidth() && a.getHeight() == b.getHeight() && a.getNSlices() == b.getNSlices()
                && a.getNFrames() == b.getNFrames();
    }

    private static String sizes(ImagePlus truth, ImagePlus found) {
        return "the truth is " + ImageTransfer.size(truth) + ", the labels to judge are " + ImageTransfer.size(found)
                + ": they must have the same size";
    }

    private static void frame(ImagePlus truth, ImagePlus found, int t, List<Roi> outlines, StringBuilder csv) {
        String of = found.getNFrames() > 1 ? ", frame " + (t + 1) : "";
        try (Volume right = ImageTransfer.labels(truth, t); Volume ours = ImageTransfer.labels(found, t)) {
            ResultsTable table = ScoreReport.table(right, ours, null);
            Outputs.showTable(table, found.getTitle() + " - scores" + of, true);
            outlines.addAll(ScoreReport.outlines(right, ours, found, 0, t + 1));
            Ui.say(found.getTitle() + of + " against " + truth.getTitle() + ":");
            for (int row = 0; row < table.size(); row++) {
                String key = table.getStringValue("Metric", row);
                double value = table.getValue("Value", row);
                csv.append(t + 1).append(',').append(key).append(',').append(Json.number(value)).append('\n');
                if (Arrays.asList(HEADLINE).contains(key))
                    Ui.say("  " + key + " = " + (key.startsWith("n_") ? Json.number(value)
                            : String.format(Locale.ROOT, "%.4f", value)) + ": " + Scores.words(key));
            }
        }
    }
}
