// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;

import org.pea.Pea;

import ij.IJ;
import ij.Macro;
import ij.Prefs;
import ij.plugin.PlugIn;
import ij.plugin.frame.Recorder;

/** Menu entry: a PyTorch checkpoint or a model file becomes a model that the dialog offers by name. */
public class ImportModel implements PlugIn {
    private static final String COMMAND = "Import Model...";

    @Override public void run(String arg) {
        String options = Macro.getOptions();
        try {
            if (options != null)
                Ui.say(ModelImport.of(MacroOptions.parse(options)).apply());
            else if (Ui.headless())
                throw new IllegalArgumentException("there is no display to ask on: give options, such as"
                        + " run(\"" + COMMAND
                        + "\", \"file=[/data/leaves.ckpt] preset=cvppp\")");
            else
                ask();
        } catch (RuntimeException e) {
            Failure.tell(COMMAND, e);
        }
    }

    private static void ask() {
        String command = Recorder.getCommand();
        Pea.load();
        Map<String, String> values = form().ask();
        if (values == null)
            return;
        values.values().removeIf(String::isEmpty);
        Prefs.set("pea.import.file", values.get("file"));
        ModelImport work = ModelImport.of(values);
        if (Files.exists(work.target())) {
            if (!IJ.showMessageWithCancel(COMMAND, "There is a model \"" + work.name + "\" already:\n" + work.target()
                    + "\nReplace it?"))
                return;
            work.replace = true;
        }
        IJ.showStatus("Importing " + work.file.getFileName());
        String done = work.apply();
        record(work, command);
        IJ.showStatus("");
        IJ.showMessage(COMMAND, Ui.folded(done, 90) + "\nChoose it in Plugins > Segmentation > Segment Instances"
                + " (PEA)...");
    }

    private static void record(ModelImport work, String command) {
        if (!Recorder.record)
            return;
        Recorder.setCommand(command == null ? COMMAND : command);
        for (Map.Entry<String, String> option : work.options().entrySet())
            if (option.getKey().equals("file"))
                Recorder.recordPath(option.getKey(), option.getValue());
            else
                Recorder.recordOption(option.getKey(), option.getValue());
    }

    private static SmallForm form() {
        String last = Prefs.get("pea.import.file", "");
        return new SmallForm("Import Model", "pea.import", "import")
            .words("Make a model of a PyTorch checkpoint of the authors' networks, or take over a ready model file."
                    + " Nothing in the file is ever run.")
            .file("file", "File", last, "A checkpoint (.pth, .ckpt, .pt, .tar) or a model (.safetensors).",
                    "Checkpoints and models", "pth", "ckpt", "pt", "tar", "safetensors")
            .text("name", "Name", ModelImport.nameOf(last), "What the model is called in the dialog and in macros.")
            .choice("preset", "Settings", ModelImport.PRESETS, "network", "Which settings the model gets: those"
                    + " that suit"
                    + " its network, or those of an experiment: leaves (cvppp), nuclei of the paper (bbbc039),"
                    + " neurons in EM (ac3ac4), nuclei of the bundled model.")
            .text("description", "Description", "", "One line for the dialog: which images is it for?")
            .text("pixelsize", "Pixel size", "", "Of the images it was trained on, with the unit: 0.65 um, or z,y,x as"
                    + " 0.03,0.004,0.004 um. Then images of other sizes can be scaled. Empty: not known.")
            .text("licence", "Licence", "", "Under which the weights may be used, such as CC-BY-4.0.")
            .judge(values -> {
                Map<String, String> set = new LinkedHashMap<>(values);
                set.values().removeIf(String::isEmpty);
                if (values.get("name").isEmpty())
                    set.put("name", "");
                return ModelImport.problems(set);
            })
            .follow((key, form) -> {
                if (!key.equals("file"))
                    return;
                form.set("name", ModelImport.nameOf(form.get("file")));
                for (String field : new String[] {"preset", "description", "pixelsize", "licence"})
                    form.enable(field, !ModelImport.isModel(form.get("file")));
            });
    }
}
