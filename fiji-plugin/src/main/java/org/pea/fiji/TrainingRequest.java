// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.pea.Pea;
import org.pea.Setting;
import org.pea.Settings;
import org.pea.Training;

/** What is to be learnt, from what, and where the model goes. Plain data; asks nobody. */
final class TrainingRequest {
    /** The images, the model, the run. */
    private static final List<String> OWN = Arrays.asList("data", "pairs", "images", "labels", "channel", "from",
            "name", "output", "time", "replace", "resume", "restart", "threads", "memory");
    /** What the library takes as it is: the options of `pea train`. */
    private static final List<String> LESSONS = Arrays.asList("preset", "small", "freeze", "share", "thin", "steps",
            "validate", "score", "side", "depth", "batch", "without", "rate", "final", "decay", "warmup", "optimiser",
            "epsilon", "penalty", "clip", "average", "seed", "description", "licence", "source");
    /** For images of one's own; those of the paper's data sets are the command line's. */
    static final String[] PRESETS = {"nuclei", "leaves", "em"};
    private static final String ENDING = ".safetensors";

    private final Map<String, String> given = new LinkedHashMap<>();

    /** All keys, in the order in which the documentation has them; settings of the model may stand beside them. */
    static List<String> keys() {
        List<String> keys = new ArrayList<>(OWN);
        keys.addAll(LESSONS);
        return keys;
    }

    /** @throws IllegalArgumentException what is missing, unknown or impossible */
    static TrainingRequest of(Map<String, String> options) {
        Map<String, String> problems = problems(options);
        if (!problems.isEmpty())
            throw new IllegalArgumentException(problems.values().iterator().next());
        TrainingRequest r = new TrainingRequest();
        r.given.putAll(options);
        return r;
    }

    /** Key to words, of what would be refused. */
    static Map<String, String> problems(Map<String, String> options) {
        Map<String, String> wrong = new LinkedHashMap<>();
        List<String> settings = settings();
        for (String key : options.keySet())
            if (!keys().contains(key) && !settings.contains(key))
                wrong.put(key, "unknown key \"" + key + "\", did you mean \"" + nearest(key, settings) + "\"?");
        checkImages(options, wrong);
        checkModel(options, wrong);
        checkTexts(options, wrong);
        return wrong;
    }

    private static List<String> settings() {
        List<String> keys = new ArrayList<>();
        for (Setting s : Settings.all())
            keys.add(s.key());
        return keys;
    }

    private static String nearest(String key, List<String> settings) {
        List<String> all = keys();
        all.addAll(settings);
        return MacroOptions.nearest(key, all);
    }

    private static void checkImages(Map<String, String> options, Map<String, String> wrong) {
        String data = options.getOrDefault("data", ""), pairs = options.getOrDefault("pairs", "");
        if (data.isEmpty() && pairs.isEmpty())
            wrong.put("data", "say what to learn from: a folder or a CSV file, data=..., or open images with their"
                    + " labels, pairs=[a.tif=a_labels.tif;b.tif=rois]");
        else if (!data.isEmpty() && !pairs.isEmpty())
            wrong.put("data", "data= and pairs= exclude each other");
        else if (!data.isEmpty() && !new File(data).exists())
            wrong.put("data", "there is no folder or file " + data);
        else if (!pairs.isEmpty())
            try {
                OpenPairs.read(pairs);
            } catch (IllegalArgumentException e) {
                wrong.put("pairs", e.getMessage());
            }
        if (options.getOrDefault("images", "").isEmpty() != options.getOrDefault("labels", "").isEmpty())
            wrong.put("images", "images= and labels= say together how the files of a folder are called:"
                    + " images=*_raw.tif labels=*_seg.tif");
    }

    private static void checkModel(Map<String, String> options, Map<String, String> wrong) {
        String name = options.getOrDefault("name", ""), output = options.getOrDefault("output", "");
        if (name.isEmpty() && output.isEmpty())
            wrong.put("name", "the new model wants a name: name=my-nuclei");
        else if (!name.isEmpty() && !name.matches("[^/\\\\:*?\"<>|\\[\\]\\s.][^/\\\\:*?\"<>|\\[\\]\\s]*"))
            wrong.put("name", "a name without blanks and without / \\ : * ? \" < > | [ ], found \"" + name + "\"");
        if (!output.isEmpty() && !output.endsWith(ENDING))
            wrong.put("output", "output wants the name of a file that ends in " + ENDING + ", found \"" + output
                    + "\"");
        if (isYes(options, "resume") && isYes(options, "restart"))
            wrong.put("resume", "resume and restart exclude each other");
    }

    private static void checkTexts(Map<String, String> options, Map<String, String> wrong) {
        for (String key : new String[] {"replace", "resume", "restart", "small"})
            if (!Arrays.asList("", "yes", "no").contains(options.getOrDefault(key, "")))
                wrong.put(key, key + " wants yes or no, found \"" + options.get(key) + "\"");
        for (String key : new String[] {"channel", "threads"})
            if (!options.getOrDefault(key, "").matches("\\d{0,9}"))
                wrong.put(key, key + " wants a whole number, found \"" + options.get(key) + "\"");
        try {
            seconds(options.getOrDefault("time", ""));
        } catch (IllegalArgumentException e) {
            wrong.put("time", e.getMessage());
        }
        try {
            if (!options.getOrDefault("memory", "").isEmpty())
                Request.parseBytes(options.get("memory"));
        } catch (IllegalArgumentException e) {
            wrong.put("memory", e.getMessage());
        }
    }

    private static boolean isYes(Map<String, String> options, String key) {
        String value = options.get(key);
        return value != null && (value.isEmpty() || value.equals("yes"));
    }

    private static final Pattern PART = Pattern.compile("(\\d+(?:\\.\\d*)?)([smhd])");

    /** Of 90m, 2h, 1h30m; 0 for an empty text. */
    static double seconds(String text) {
        double sum = 0;
        int at = 0;
        for (Matcher m = PART.matcher(text); at < text.length() && m.find(at) && m.start() == at; at = m.end())
            sum += Double.parseDouble(m.group(1)) * new double[] {1, 60, 3600, 86400}["smhd".indexOf(m.group(2))];
        if (at < text.length())
            throw new IllegalArgumentException("time wants 90m, 2h or 1h30m, found \"" + text + "\"");
        return sum;
    }

    String get(String key) {
        return given.getOrDefault(key, "");
    }

    boolean isOn(String key) {
        return isYes(given, key);
    }

    void set(String key, String value) {
        given.put(key, value);
    }

    int threads() {
        return get("threads").isEmpty() ? 0 : Integer.parseInt(get("threads"));
    }

    /** Counted from 1; 0: all. */
    int channel() {
        return get("channel").isEmpty() ? 0 : Integer.parseInt(get("channel"));
    }

    /** For all: what is free where nothing was said. */
    long memoryBytes() {
        return get("memory").isEmpty() ? Pea.memoryAvailable() : Request.parseBytes(get("memory"));
    }

    /** The model to begin with; null: a new network. */
    Path from() {
        return get("from").isEmpty() ? null : Models.find(get("from"));
    }

    /** Options by name as the library takes them. */
    Map<String, String> lesson() {
        Map<String, String> lesson = new LinkedHashMap<>();
        List<String> settings = settings();
        for (Map.Entry<String, String> e : given.entrySet())
            if (!e.getValue().isEmpty() && (LESSONS.contains(e.getKey())
                    || (settings.contains(e.getKey()) && !OWN.contains(e.getKey()))))
                lesson.put(e.getKey(), e.getValue());
        if (isOn("small"))
            lesson.put("small", "yes");
        if (get("from").isEmpty())
            lesson.putIfAbsent("preset", PRESETS[0]);
        if (!get("time").isEmpty())
            lesson.put("time", "" + seconds(get("time")));
        lesson.put("name", name());
        return lesson;
    }

    /** A course without images, to ask for options and memory. */
    Training course() {
        return new Training(lesson()).from(from());
    }

    String name() {
        return get("name").isEmpty() ? ModelImport.nameOf(get("output")) : get("name");
    }

    /** The model's file. */
    Path target() {
        return get("output").isEmpty() ? ModelImport.place(get("name") + ENDING)
                : Paths.get(get("output")).toAbsolutePath();
    }

    /** Where state, curves and pictures go: beside the model. */
    Path folder() {
        String file = target().getFileName().toString();
        return target().resolveSibling(file.substring(0, file.length() - ENDING.length()) + ".training");
    }

    /** Whether an earlier run can be gone on with. */
    boolean hasState() {
        return Files.isRegularFile(Training.state(folder()));
    }

    /** The options that do this again. */
    Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        List<String> keys = keys();
        keys.addAll(settings());
        for (String key : keys)
            if (given.containsKey(key) && !get(key).isEmpty())
                options.put(key, get(key));
        return Collections.unmodifiableMap(options);
    }
}
