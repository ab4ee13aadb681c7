// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

import org.pea.Pea;

import ij.ImagePlus;
import ij.Prefs;
import ij.plugin.frame.Recorder;

/**
 * Asks a person for a {@link Request}, remembers the answer for the next time, and gives it to the macro recorder.
 * Never touched where a macro gives options.
 */
public final class SettingsDialog {
    /** The options of the last time, in ImageJ's preferences. */
    static final String REMEMBERED = "pea.options";

    private SettingsDialog() {}

    /**
     * The image can be looked at, zoomed and selected in meanwhile.
     * @return null where the person cancelled
     * @throws IllegalArgumentException in words: there is no display, or no model to choose
     * @throws org.pea.PeaException.NotLoaded where the library is missing
     */
    public static Request ask(ImagePlus image) {
        if (Ui.headless())
            throw new IllegalArgumentException("without a display say what is wanted, run(\""
                    + MacroOptions.COMMAND + "\", \"model=nuclei\")");
        String command = Recorder.getCommand();     /* other commands may run while the dialog is open */
        Pea.load();
        List<Models.Entry> models = usable(Models.list());
        Request request = SettingsWindow.show(image, models, remembered());
        if (request == null)
            return null;
        Prefs.set(REMEMBERED, MacroOptions.write(lasting(request)));
        record(request, command);
        return request;
    }

    private static List<Models.Entry> usable(List<Models.Entry> all) {
        List<Models.Entry> models = new ArrayList<>();
        for (Models.Entry entry : all)
            if (entry.error == null)
                models.add(entry);
        if (models.isEmpty())
            throw new IllegalArgumentException("no model was found in " + join(Models.folders())
                    + ": import one with Plugins > Segmentation > PEA > Import Model...");
        return models;
    }

    private static String join(List<Path> folders) {
        StringJoiner all = new StringJoiner(", ").setEmptyValue("no folder at all");
        for (Path folder : folders)
            all.add(folder.toString());
        return all.toString();
    }

    /** What the next image may be asked for as well: not slices, frames and titles of this one. */
    static Request lasting(Request request) {
        Request r = request.copy();
        r.channel = r.firstSlice = r.lastSlice = r.frame = 0;
        r.mask = r.truth = "";
        return r;
    }

    /** Options of an older version may have keys that are gone: then the defaults do. */
    private static Request remembered() {
        try {
            return MacroOptions.read(Prefs.get(REMEMBERED, ""));
        } catch (RuntimeException e) {
            return new Request();
        }
    }

    /** The same words that {@link MacroOptions#write} would write. */
    static void record(Request request, String command) {
        if (!Recorder.record)
            return;
        Recorder.setCommand(command == null ? MacroOptions.COMMAND : command);
        for (Map.Entry<String, String> option : MacroOptions.entries(request).entrySet())
            Recorder.recordOption(option.getKey(), option.getValue());
    }
}
