// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.pea.Model;

/** A checkpoint or model file on its way into the folder of models. Plain data and the work; asks nobody. */
final class ModelImport {
    static final List<String> KEYS = Arrays.asList("file", "preset", "name", "description", "pixelsize", "licence",
            "replace");
    /** The presets of the library, behind the word for "what the network itself suggests". */
    static final String[] PRESETS = {"network", "cvppp", "bbbc039", "ac3ac4", "nuclei"};
    private static final String ENDING = ".safetensors";

    Path file;
    /** "network": those settings that suit the network. */
    String preset = "network";
    /** Of the model and of its file. */
    String name = "";
    String description = "", licence = "";
    /** Of the training images: "0.65 um", or "0.03,0.004,0.004 um" as z,y,x; empty: not known. */
    String pixelSize = "";
    boolean replace;

    /** @throws IllegalArgumentException what is missing, unknown or impossible */
    static ModelImport of(Map<String, String> options) {
        for (String key : options.keySet())
            if (!KEYS.contains(key))
                throw new IllegalArgumentException("unknown key \"" + key + "\"; keys of this command are "
                        + String.join(", ", KEYS));
        Map<String, String> problems = problems(options);
        if (!problems.isEmpty())
            throw new IllegalArgumentException(problems.values().iterator().next());
        ModelImport m = new ModelImport();
        m.file = Paths.get(options.get("file"));
        m.preset = options.getOrDefault("preset", "network");
        m.name = options.getOrDefault("name", nameOf(options.get("file")));
        m.description = options.getOrDefault("description", "");
        m.licence = options.getOrDefault("licence", "");
        m.pixelSize = options.getOrDefault("pixelsize", "");
        m.replace = Arrays.asList("", "yes", "true", "1").contains(options.getOrDefault("replace", "no"));
        return m;
    }

    /** Key to words, of what would be refused. */
    static Map<String, String> problems(Map<String, String> options) {
        Map<String, String> wrong = new LinkedHashMap<>();
        String path = options.getOrDefault("file", "");
        if (path.isEmpty())
            wrong.put("file", "choose a checkpoint (.pth, .ckpt, .pt, .tar) or a model (.safetensors): file=...");
        else if (!new File(path).isFile())
            wrong.put("file", "there is no file " + path);
        String name = options.getOrDefault("name", "x");
        if (!name.matches("[^/\\\\:*?\"<>|\\[\\]\\s.][^/\\\\:*?\"<>|\\[\\]\\s]*"))
            wrong.put("name", "a name without blanks and without / \\ : * ? \" < > | [ ], found \"" + name + "\"");
        String preset = options.getOrDefault("preset", "network");
        if (!Arrays.asList(PRESETS).contains(preset))
            wrong.put("preset", "a preset of " + String.join(", ", PRESETS) + ", found \"" + preset + "\"");
        try {
            pixels(options.getOrDefault("pixelsize", ""));
        } catch (IllegalArgumentException e) {
            wrong.put("pixelsize", e.getMessage());
        }
        return wrong;
    }

    /** What the file is called without its ending, as a model's name. */
    static String nameOf(String path) {
        String name = new File(path).getName().replaceAll("(?i)\\.(pth|ckpt|pt|safetensors|gz|tar)$", "");
        name = name.replaceAll("(?i)\\.(pth|tar)$", "").replaceAll("[/\\\\:*?\"<>|\\[\\]\\s]+", "-");
        return name.replaceAll("^[.-]+", "");
    }

    /** Whether it is a model already, so that nothing is to be chosen but its name. */
    static boolean isModel(String path) {
        return path.toLowerCase(Locale.ROOT).endsWith(ENDING);
    }

    /** The options that make this import again. */
    Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("file", file.toString());
        if (!preset.equals("network"))
            options.put("preset", preset);
        options.put("name", name);
        put(options, "description", description);
        put(options, "pixelsize", pixelSize);
        put(options, "licence", licence);
        if (replace)
            options.put("replace", "yes");
        return options;
    }

    private static void put(Map<String, String> options, String key, String value) {
        if (!value.isEmpty())
            options.put(key, value);
    }

    /** Where it goes: the first folder of models that exists or can be made. */
    Path target() {
        return place(name + ENDING);
    }

    /** Where a file goes that is to be among the models. */
    static Path place(String file) {
        List<Path> folders = Models.folders();
        if (folders.isEmpty())
            throw new IllegalArgumentException("there is no folder for models: set the property imagej.dir or"
                    + " pea.models");
        Path chosen = folders.get(0);
        for (Path folder : folders)
            if (Files.isDirectory(folder) && Files.isWritable(folder)) {
                chosen = folder;
                break;
            }
        return chosen.resolve(file);
    }

    /**
     * Do it. A file that stands there is as it was after a failure, and nobody sees half a new one.
     * @return what was done, in words
     */
    String apply() {
        Path target = target();
        if (Files.exists(target) && !replace)
            throw new IllegalArgumentException("there is a model " + target
                    + " already: give another name, or replace=yes");
        try {
            Files.createDirectories(target.getParent());
        } catch (IOException e) {
            throw new IllegalArgumentException("the folder " + target.getParent() + " cannot be made:"
                    + " " + e.getMessage());
        }
        if (!Files.isWritable(target.getParent()))
            throw new IllegalArgumentException("nothing can be written to " + target.getParent()
                    + ": ask who looks after this Fiji, or set the property pea.models to a folder of yours");
        String notes = isModel(file.toString()) ? copy(target)
                : Model.importCheckpoint(file, preset.equals("network") ? null : preset, metadata(), target);
        try (Model model = Model.open(target)) {
            return "The model \"" + name + "\" is ready: " + (model.axes() == 3 ? "3-D" : "2-D") + ", "
                    + model.parameters() + " parameters, " + target + (notes.isEmpty() ? "" : "\nNote: " + notes);
        }
    }

    /** Opened before it is copied: what is no model does not get into the folder. */
    private String copy(Path target) {
        Model.open(file).close();
        try {
            if (Files.exists(target) && Files.isSameFile(file, target))
                return "it was in the folder already";
        } catch (IOException e) {
            throw new UncheckedIOException(target + " cannot be looked at: " + e.getMessage(), e);
        }
        AtomicFile.write(target.toString(), out -> Files.copy(file, out));
        return "";
    }

    /** What goes into the record besides the preset's settings. */
    String metadata() {
        List<String> pairs = new ArrayList<>();
        pairs.add("\"name\":" + Json.quote(name));
        if (!description.isEmpty())
            pairs.add("\"description\":" + Json.quote(description));
        if (!licence.isEmpty())
            pairs.add("\"licence\":" + Json.quote(licence));
        String pixels = pixels(pixelSize);
        if (pixels != null)
            pairs.add("\"pixel_size\":" + pixels);
        return "{" + String.join(",", pairs) + "}";
    }

    /** "0.65 um" as the record has it; null for an empty text. */
    private static String pixels(String text) {
        if (text.isEmpty())
            return null;
        String[] parts = text.trim().split("\\s+");
        String[] sizes = parts[0].split(",");
        boolean good = parts.length == 2 && (sizes.length == 1 || sizes.length == 3);
        for (String size : sizes)
            good &= size.matches("[0-9]{0,9}\\.?[0-9]{1,9}") && Double.parseDouble(size) > 0;
        if (!good)
            throw new IllegalArgumentException("a size and a unit, such as 0.65 um, or z,y,x as 0.03,0.004,0.004 um;"
                    + " found \"" + text + "\"");
        double[] zyx = new double[3];
        for (int i = 0; i < 3; i++)
            zyx[i] = Double.parseDouble(sizes[sizes.length == 1 ? 0 : i]);
        return "{\"z\":" + Json.number(zyx[0]) + ",\"y\":" + Json.number(zyx[1]) + ",\"x\":" + Json.number(zyx[2])
                + ",\"unit\":" + Json.quote(parts[1]) + "}";
    }
}
