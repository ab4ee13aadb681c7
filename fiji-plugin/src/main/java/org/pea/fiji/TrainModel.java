// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.pea.Pea;
import org.pea.PeaException;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.Prefs;
import ij.WindowManager;
import ij.gui.GenericDialog;
import ij.plugin.PlugIn;
import ij.plugin.frame.Recorder;

/** Menu entry: images with labels or ROIs teach a network, which becomes a model that the dialog offers by name. */
public class TrainModel implements PlugIn {
    /** Of the menu entry, which is what {@code run()} wants. */
    static final String COMMAND = "Train or Fine-tune...";
    private static final String REMEMBERED = "pea.train.options";
    /** What the dialog says in place of keys. */
    private static final String ALL_PAIRS = "All open images with labels", NEW = "a new network";
    private static final String ROIS = "ROI Manager", DRAWN = "Overlay";

    @Override public void run(String arg) {
        String options = Macro.getOptions();
        try {
            if (options != null)
                train(TrainingRequest.of(MacroOptions.parse(options)), false);
            else if (Ui.headless())
                throw new IllegalArgumentException("without a display say what is wanted: run(\"" + COMMAND
                        + "\", \"data=/data/images preset=nuclei name=mine time=2h\")");
            else
                ask();
        } catch (PeaException | IllegalArgumentException | UncheckedIOException | OutOfMemoryError e) {
            Failure.tell(COMMAND, e);
        }
    }

    // ---- the work ----

    /** @param asked  by a person, for whom the window stays; with a macro it goes, without a display there is none */
    private static void train(TrainingRequest request, boolean asked) {
        TrainingWindow[] window = new TrainingWindow[1];
        TrainingWork work = TrainingWork.of(request);
        if (!Ui.headless())
            work.audience(score -> window[0] = new TrainingWindow(request.name(), score));
        try {
            TrainingWork.Outcome done = work.run();
            if (asked)
                window[0].finish(done.words() + ". Choose it in Segment Instances (PEA)...");
            else
                Ui.say("PEA: " + done.words() + "; " + done.model);
            if (!asked && window[0] != null)
                window[0].close(); // a macro may have more to do
            IJ.showStatus("PEA: " + request.name() + " is ready");
        } catch (RuntimeException | Error e) {
            if (window[0] != null)
                window[0].close();
            throw e;
        }
    }

    // ---- asking ----

    private static void ask() {
        String command = Recorder.getCommand();
        Pea.load();
        List<ImagePlus> open = OpenPairs.open();
        Map<String, String> values = form(open, remembered()).ask();
        if (values == null)
            return;
        Map<String, String> options = options(values, OpenPairs.find(open));
        Prefs.set(REMEMBERED, written(options));
        TrainingRequest request = TrainingRequest.of(options);
        if (!settleEarlier(request))
            return;
        record(request, command);
        train(request, true);
    }

    /** What to do with a state or a model that is there. @return false: nothing */
    private static boolean settleEarlier(TrainingRequest request) {
        if (request.hasState()) {
            GenericDialog question = new GenericDialog(COMMAND);
            question.addMessage("There is an earlier training of \"" + request.name() + "\", which can go on where it"
                    + " stopped.\nTo go on, images and options must be the same.");
            question.enableYesNoCancel("Go on", "Begin anew");
            question.hideCancelButton();
            question.addHelp(null);
            question.showDialog();
            if (question.wasCanceled())
                return false;
            request.set(question.wasOKed() ? "resume" : "restart", "yes");
            return true;
        }
        if (!Files.exists(request.target()))
            return true;
        if (!IJ.showMessageWithCancel(COMMAND, "There is a model \"" + request.name() + "\" already:\n"
                + request.target() + "\nReplace it?"))
            return false;
        request.set("replace", "yes");
        return true;
    }

    private static void record(TrainingRequest request, String command) {
        if (!Recorder.record)
            return;
        Recorder.setCommand(command == null ? COMMAND : command);
        for (Map.Entry<String, String> option : request.options().entrySet())
            if (option.getKey().equals("data") || option.getKey().equals("output"))
                Recorder.recordPath(option.getKey(), option.getValue());
            else
                Recorder.recordOption(option.getKey(), Recorder.fixString(option.getValue()));
    }

    private static String written(Map<String, String> options) {
        StringBuilder line = new StringBuilder();
        for (Map.Entry<String, String> e : options.entrySet())
            if (!e.getValue().isEmpty())
                line.append(e.getKey()).append('=').append(MacroOptions.quote(e.getKey(), e.getValue())).append(' ');
        return line.toString();
    }

    private static Map<String, String> remembered() {
        try {
            return MacroOptions.parse(Prefs.get(REMEMBERED, ""));
        } catch (RuntimeException e) {
            return new LinkedHashMap<>();
        }
    }

    // ---- the form, and what its fields mean ----

    private static SmallForm form(List<ImagePlus> open, Map<String, String> last) {
        Map<String, String> pairs = OpenPairs.find(open);
        List<String> sources = new ArrayList<>();
        if (!pairs.isEmpty())
            sources.add(ALL_PAIRS);
        for (ImagePlus image : open)
            sources.add(image.getTitle());
        ImagePlus current = WindowManager.getCurrentImage();
        String source = !pairs.isEmpty() ? ALL_PAIRS : current != null ? current.getTitle()
                : last.getOrDefault("data", "");
        String[] labels = labelSources(open);
        SmallForm form = new SmallForm("Train or Fine-tune", "pea.train", "train")
            .words("Teach a network with images and their labels: in a label image each number is one object, 0 is"
                    + " background. Or draw ROIs around all objects. Ten images with some hundreds of objects are a"
                    + " beginning.")
            .place("data", "Learn from", sources.toArray(new String[0]), source, "Open images, a folder with images and"
                    + " labels (a_image.tif, a_labels.tif), or a CSV file that lists them.")
            .choice("pairs", "Labels", labels, chosenLabels(labels, pairs.get(source)), "Of an open image: another"
                    + " open image, or the ROIs.")
            .choice("preset", "Kind of image", TrainingRequest.PRESETS, last.getOrDefault("preset", "nuclei"),
                    "nuclei: round objects that touch, grey or colour. leaves: objects of all sizes that overlap,"
                    + " colour. em: neurons in a stack of electron microscopy, 3-D.")
            .choice("from", "Begin with", starts(), last.getOrDefault("from", NEW), "A new network, or a model that"
                    + " learns on and keeps its settings: better where there are few images.")
            .choice("small", "Network", new String[] {"small", "full"}, last.getOrDefault("small", "yes").equals("no")
                    ? "full" : "small", "small: half a million parameters, several times as fast, nearly as good. Of a"
                    + " new network only.")
            .text("time", "Time", last.getOrDefault("time", "1h"), "How long it may take, such as 30m, 2h or 1h30m. As"
                    + " many steps are planned as fit.")
            .text("name", "Name of the model", last.getOrDefault("name", "my-model"), "What the model is called in the"
                    + " dialog and in macros.")
            .advanced("pea.train.unfolded");
        return advanced(form, last)
            .foot(values -> forecast(values, pairs))
            .judge(values -> problems(values, pairs))
            .follow((key, f) -> follow(key, f, pairs, labels));
    }

    private static SmallForm advanced(SmallForm form, Map<String, String> last) {
        return form
            .choice("freeze", "Leave as it is", new String[] {"none", "encoder"}, last.getOrDefault("freeze", "none"),
                    "encoder: the first half of a model that learns on stays as it is. Faster, and safer with a handful"
                    + " of images.")
            .text("share", "Share for scores", last.getOrDefault("share", "0.15"), "Of the images, to score the model"
                    + " on and not to learn from; 0: none, and nothing is scored.")
            .text("steps", "Steps", last.getOrDefault("steps", ""), "Steps in all; empty: as many as fit into the"
                    + " time.")
            .text("validate", "Steps between scores", last.getOrDefault("validate", ""), "Empty: 250.")
            .text("side", "Side of samples", last.getOrDefault("side", ""), "Pixels, a multiple of 16; empty: 256, of"
                    + " leaves 320, of em 160. Smaller ones need less memory and time.")
            .text("batch", "Samples of a step", last.getOrDefault("batch", ""), "Empty: 2, of em 1.")
            .text("rate", "Learning rate", last.getOrDefault("rate", ""), "Empty: 0.001, of a model that learns on"
                    + " 0.0002. Take less where a loss runs away.")
            .text("channel", "Channel", last.getOrDefault("channel", ""), "Of images with several: the one that shows"
                    + " the objects, counted from 1.")
            .text("threads", "Threads", last.getOrDefault("threads", ""), "Empty: all there are. The model does not"
                    + " depend on it.")
            .text("memory", "Memory limit", last.getOrDefault("memory", ""), "Such as 4G; empty: what is free.")
            .text("licence", "Licence", last.getOrDefault("licence", ""), "Under which the model may be used, such as"
                    + " CC-BY-4.0.")
            .text("description", "Description", last.getOrDefault("description", ""), "One line for the dialog: which"
                    + " images is it for?");
    }

    private static String[] starts() {
        List<String> starts = new ArrayList<>();
        starts.add(NEW);
        for (Models.Entry entry : Models.list())
            if (entry.error == null)
                starts.add(entry.name);
        return starts.toArray(new String[0]);
    }

    private static String[] labelSources(List<ImagePlus> open) {
        List<String> labels = new ArrayList<>();
        labels.add(ROIS + " (" + RoiLabels.managed().length + ")");
        labels.add(DRAWN);
        for (ImagePlus image : open)
            if (image.getType() != ImagePlus.COLOR_RGB && image.getNChannels() == 1)
                labels.add(image.getTitle());
        return labels.toArray(new String[0]);
    }

    /* What belongs to it; else the ROIs, if there are any. */
    private static String chosenLabels(String[] labels, String found) {
        boolean drawn = WindowManager.getCurrentImage() != null
            && RoiLabels.drawn(WindowManager.getCurrentImage()).length > 0;
        return found != null ? found : RoiLabels.managed().length == 0 && drawn ? DRAWN : labels[0];
    }

    private static void follow(String key, SmallForm form, Map<String, String> pairs, String[] labels) {
        String data = form.get("data");
        boolean one = WindowManager.getImage(data) != null;
        if (key.equals("data") && one)
            form.set("pairs", chosenLabels(labels, pairs.get(data)));
        form.enable("pairs", one);
        boolean isNew = form.get("from").equals(NEW);
        form.enable("small", isNew);
        form.enable("preset", isNew);
        form.enable("freeze", !isNew);
    }

    /** Keys of macros for what stands in the fields. */
    static Map<String, String> options(Map<String, String> values, Map<String, String> pairs) {
        Map<String, String> options = new LinkedHashMap<>(values);
        String data = values.get("data");
        options.remove("pairs");
        if (data.equals(ALL_PAIRS)) {
            options.remove("data");
            options.put("pairs", OpenPairs.write(pairs));
        } else if (WindowManager.getImage(data) != null) {
            String labels = values.get("pairs");
            options.remove("data");
            options.put("pairs", OpenPairs.write(Collections.singletonMap(data, labels.startsWith(ROIS + " (")
                    ? RoiLabels.MANAGER : labels.equals(DRAWN) ? RoiLabels.OVERLAY : labels)));
        }
        boolean isNew = values.get("from").equals(NEW);
        options.remove("small");
        if (isNew) {
            options.remove("from");
            options.remove("freeze");
            options.put("small", values.get("small").equals("small") ? "yes" : "no");
        } else {
            options.remove("preset");
        }
        if ("none".equals(options.get("freeze")))
            options.remove("freeze");
        options.values().removeIf(String::isEmpty);
        return options;
    }

    static Map<String, String> problems(Map<String, String> values, Map<String, String> pairs) {
        Map<String, String> options = options(values, pairs);
        Map<String, String> wrong = new LinkedHashMap<>(TrainingRequest.problems(options));
        for (Map.Entry<String, String> e : options.entrySet())
            try {
                MacroOptions.quote(e.getKey(), e.getValue());
            } catch (IllegalArgumentException unpaired) {
                wrong.putIfAbsent(e.getKey(), unpaired.getMessage());
            }
        String data = values.get("data"), labels = values.get("pairs");
        ImagePlus image = WindowManager.getImage(data);
        if (image != null && data.equals(labels))
            wrong.put("pairs", "the labels are another image than the one to learn from");
        if (image != null && labels.startsWith(ROIS + " (") && RoiLabels.managed().length == 0)
            wrong.put("pairs", "the ROI Manager is empty: draw the objects and add each with [t], or choose a label"
                    + " image");
        if (image != null && labels.equals(DRAWN) && RoiLabels.drawn(image).length == 0)
            wrong.put("pairs", "the image has no overlay: draw the objects and add each with [b]");
        if (values.get("time").isEmpty() && values.get("steps").isEmpty())
            wrong.put("time", "say how long it may take, such as 1h, or how many steps (Advanced)");
        return wrong;
    }

    /* The first time for a network some steps are measured. */
    private static String forecast(Map<String, String> values, Map<String, String> pairs) {
        try {
            TrainingRequest request = TrainingRequest.of(options(values, pairs));
            if (!TrainingForecast.measured(request))
                TrainingForecast.measure(request);
            return TrainingForecast.words(request);
        } catch (PeaException | IllegalArgumentException | UncheckedIOException e) {
            return Ui.words(e);
        }
    }
}
