// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.pea.Setting;
import org.pea.Settings;

/**
 * What the dialog asks, as plain data: its fields, what a person changed, what is wrong with it, and the {@link
 * Request} it comes to. Knows no window: the dialog draws it, and tests use it without a screen.
 */
final class SettingsForm {
    /** Where a field stands. A key that the library brings and that is not placed below stands under MORE. */
    enum Group {
        IMAGE("Image"), MAIN("Main"), NEIGHBOURS("Neighbours and clustering"), FOREGROUND("Foreground"),
        CLEANING("Clean up"), INPUT("Network input"), MORE("More"), RUN("This run");

        final String title;

        Group(String title) {
            this.title = title;
        }
    }

    /** One field. Texts of the library's keys are the library's. */
    static final class Field {
        final String key, label, hint, help;
        final List<String> choices; /* null: free text */
        final Group group;
        final int axes;             /* 2 or 3: only for such models; 0: for all */
        final boolean ofLibrary;

        Field(String key, String label, String hint, String choices, String help, Group group, int axes,
                boolean ofLibrary) {
            this.key = key;
            this.label = label;
            this.hint = hint;
            this.help = help;
            this.choices = choices == null ? null
                    : Collections.unmodifiableList(Arrays.asList(choices.split("\\|")));
            this.group = group;
            this.axes = axes;
            this.ofLibrary = ofLibrary;
        }
    }

    /** The part of a model that a form needs. */
    interface ModelSettings {
        int axes();

        /** All settings after these wishes, in the library's order; an exception says what is wrong with them. */
        Map<String, String> settings(Map<String, String> wishes);
    }

    /** What a look at the whole form found. */
    static final class Check {
        final Map<String, String> problems = new LinkedHashMap<>(); /* key to words; "" is about several fields */
        final Map<String, String> values = new LinkedHashMap<>();   /* of the library's keys, where all is well */

        boolean ok() {
            return problems.isEmpty();
        }
    }

    /** Key to group, for the library's keys known when this was written; null where macros and models alone have it. */
    private static final Map<String, Group> PLACES = new LinkedHashMap<>();

    static {
        for (String key : new String[] {"scale", "minsize"})
            PLACES.put(key, Group.MAIN);
        for (String key : new String[] {"shifts", "neighbours", "offsets", "strides", "clusterer", "cut", "border"})
            PLACES.put(key, Group.NEIGHBOURS);
        for (String key : new String[] {"scoring", "fragments", "bandwidth"}) // rarely of use, and nobody finds them
            PLACES.put(key, null);
        for (String key : new String[] {"foreground", "threshold", "speckles"})
            PLACES.put(key, Group.FOREGROUND);
        for (String key : new String[] {"merge", "absorb", "parts", "holes", "connectivity", "largest"})
            PLACES.put(key, Group.CLEANING);
        for (String key : new String[] {"normalise", "padding", "precision", "tile", "overlap", "margin"})
            PLACES.put(key, Group.INPUT);
    }

    /** Keys that say the same thing in two ways: changing one takes back what was said with the others. */
    private static final String[][] RIVALS = {{"offsets", "shifts"}, {"offsets", "neighbours"}};

    private final List<Field> fields = new ArrayList<>();
    private final Map<String, String> edits = new LinkedHashMap<>();
    private Set<Request.Show> show = Request.defaultShow();
    private final int channels, slices, frames;
    private String modelName = "";
    private ModelSettings model;
    private Map<String, String> defaults = Collections.emptyMap();

    SettingsForm(List<Field> library, int channels, int slices, int frames) {
        this.channels = channels;
        this.slices = slices;
        this.frames = frames;
        addImageFields();
        fields.addAll(library);
        fields.add(new Field("mask", "Mask image", "title or path", null,
                "Instances may be only where this image is not 0: the title of an open image, or the path of a file."
                        + " Empty: no mask.", Group.FOREGROUND, 0, false));
        fields.add(new Field("memory", "Memory limit", "4G", null,
                "Work that is forecast to need more than this is refused before it begins: 512M, 4G, or 0 for no limit."
                        + " Empty: what is free when the work begins.", Group.RUN, 0, false));
        fields.add(new Field("threads", "Threads", "N", null,
                "How many threads work, 1 to 256. Empty: as many as this computer has."
                        + " The result does not depend on it.", Group.RUN, 0, false));
        fields.add(new Field("truth", "True labels", "title or path", null,
                "Compare the result with these labels: a table of scores, and an overlay of the differences. The"
                        + " title of"
                        + " an open image, or the path of a file. Empty: no comparison.", Group.RUN, 0, false));
    }

    /** The library's fields. */
    static List<Field> library() {
        List<Field> fields = new ArrayList<>();
        for (Setting s : Settings.all())
            fields.add(new Field(s.key(), s.label(), s.value(), s.choices(), s.help(),
                    PLACES.containsKey(s.key()) ? PLACES.get(s.key()) : Group.MORE, s.axes(), true));
        return fields;
    }

    private void addImageFields() {
        if (channels > 1)
            fields.add(new Field("channel", "Channel", "N", channelChoices(),
                    "The channel to look at, counted from 1. \"all\" gives the model as many as it takes.",
                    Group.IMAGE, 0, false));
        if (slices > 1)
            fields.add(new Field("slices", "Slices", "A-B", null,
                    "Slices from A to B, counted from 1; one number is one slice. Empty: all " + slices + ".",
                    Group.IMAGE, 0, false));
        if (frames > 1)
            fields.add(new Field("frame", "Frame", "N", null,
                    "The frame to look at, counted from 1. Empty: all " + frames + ", each on its own.",
                    Group.IMAGE, 0, false));
    }

    private String channelChoices() {
        StringBuilder text = new StringBuilder("all");
        for (int c = 1; c <= channels; c++)
            text.append('|').append(c);
        return text.toString();
    }

    /** Take a model's settings as the defaults. What was changed before stays only where {@code keepEdits}. */
    void model(String name, ModelSettings newModel, boolean keepEdits) {
        defaults = newModel.settings(Collections.<String, String>emptyMap());
        model = newModel;
        modelName = name;
        if (!keepEdits)
            restore();
    }

    String modelName() {
        return modelName;
    }

    boolean hasModel() {
        return model != null;
    }

    int axes() {
        return model == null ? 2 : model.axes();
    }

    /** Forget every change to the library's settings: the model's own are back. */
    void restore() {
        for (Field f : fields)
            if (f.ofLibrary)
                edits.remove(f.key);
    }

    /** The fields that this model has, in the order of the groups. */
    List<Field> fields() {
        List<Field> shown = new ArrayList<>();
        for (Group group : Group.values())
            for (Field f : fields)
                if (f.group == group && suits(f))
                    shown.add(f);
        return shown;
    }

    private boolean suits(Field f) {
        return (f.axes == 0 || f.axes == axes()) && (!f.ofLibrary || defaults.containsKey(f.key));
    }

    Field field(String key) {
        for (Field f : fields)
            if (f.key.equals(key))
                return f;
        return null;
    }

    /** What the field has when nobody touches it. */
    String standard(String key) {
        if ("channel".equals(key))
            return "all";
        String value = defaults.get(key);
        return value == null ? "" : value;
    }

    String get(String key) {
        String edit = edits.get(key);
        return edit == null ? standard(key) : edit;
    }

    boolean isChanged(String key) {
        return edits.containsKey(key);
    }

    void set(String key, String text) {
        String value = text.trim();
        if (value.equals(standard(key)) || value.isEmpty() && field(key) != null && field(key).ofLibrary) {
            edits.remove(key);
            return;
        }
        edits.put(key, value);
        for (String[] pair : RIVALS) {
            if (pair[0].equals(key))
                edits.remove(pair[1]);
            if (pair[1].equals(key))
                edits.remove(pair[0]);
        }
    }

    /** The library's settings that differ from the model's, in the library's order. */
    Map<String, String> wishes() {
        Map<String, String> wishes = new LinkedHashMap<>();
        for (Field f : fields)
            if (f.ofLibrary && suits(f) && edits.containsKey(f.key))
                wishes.put(f.key, edits.get(f.key));
        return wishes;
    }

    Set<Request.Show> show() {
        return show;
    }

    void show(Request.Show what, boolean wanted) {
        show = show.isEmpty() ? EnumSet.noneOf(Request.Show.class) : EnumSet.copyOf(show);
        if (wanted)
            show.add(what);
        else
            show.remove(what);
    }

    /** What the fields come to; only a form whose {@link #check} is well makes one that runs. */
    Request request() {
        Request r = new Request();
        r.model = modelName;
        r.channel = number(get("channel"));
        String[] ends = get("slices").split("-");
        r.firstSlice = number(ends[0]);
        r.lastSlice = number(ends[ends.length - 1]);
        r.frame = number(get("frame"));
        r.mask = get("mask");
        r.wishes.putAll(wishes());
        r.memory = get("memory");
        r.threads = number(get("threads"));
        r.truth = get("truth");
        r.show = show.isEmpty() ? EnumSet.noneOf(Request.Show.class) : EnumSet.copyOf(show);
        return r;
    }

    private static int number(String text) {
        return text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
    }

    /** Take over a request's values, as far as this image and model have such fields. The model stays. */
    void take(Request r) {
        for (Field f : fields)
            if (f.ofLibrary)
                set(f.key, r.wishes.getOrDefault(f.key, ""));
        set("channel", r.channel == 0 || r.channel > channels ? "all" : String.valueOf(r.channel));
        set("slices", r.lastSlice > slices ? "" : text(r.firstSlice, r.lastSlice));
        set("frame", r.frame > frames ? "" : text(r.frame, r.frame));
        set("mask", r.mask);
        set("memory", r.memory);
        set("threads", text(r.threads, r.threads));
        set("truth", r.truth);
        show = r.show;
    }

    private static String text(int first, int last) {
        return first == 0 ? "" : first == last ? String.valueOf(first) : first + "-" + last;
    }

    /** A copy that another thread may look at while the person goes on typing. */
    SettingsForm copy() {
        SettingsForm copy = new SettingsForm(Collections.<Field>emptyList(), channels, slices, frames);
        copy.fields.clear();
        copy.fields.addAll(fields);
        copy.edits.putAll(edits);
        copy.modelName = modelName;
        copy.model = model;
        copy.defaults = defaults;
        copy.show = show;
        return copy;
    }

    /**
     * Is everything as it should be? A wrong wish is found by asking for each alone, so that the words can stand
     * beside its field; what only the whole is wrong with stands under "".
     */
    Check check() {
        Check check = new Check();
        for (String key : edits.keySet())
            put(check, key, wrongNumber(key, edits.get(key)));
        if (model == null) {
            check.problems.put("model", "no model is chosen");
            return check;
        }
        Map<String, String> wishes = wishes();
        try {
            check.values.putAll(model.settings(wishes));
        } catch (RuntimeException whole) {
            int before = check.problems.size();
            for (Map.Entry<String, String> wish : wishes.entrySet())
                put(check, wish.getKey(), wrongAlone(wish));
            if (check.problems.size() == before)
                check.problems.put("", whole.getMessage());
        }
        return check;
    }

    private static void put(Check check, String key, String words) {
        if (words != null)
            check.problems.put(key, words);
    }

    private String wrongAlone(Map.Entry<String, String> wish) {
        try {
            model.settings(Collections.singletonMap(wish.getKey(), wish.getValue()));
            return null;
        } catch (RuntimeException e) {
            return e.getMessage();
        }
    }

    private String wrongNumber(String key, String text) {
        switch (key) {
            case "channel":
                return text.equals("all") ? null : wrongCount("channel", text, channels);
            case "frame":
                return text.isEmpty() ? null : wrongCount("frame", text, frames);
            case "threads":
                return text.isEmpty() ? null : wrongCount("number of threads", text, 256);
            case "slices":
                return wrongSlices(text);
            case "memory":
                return wrongMemory(text);
            default:
                return null;
        }
    }

    private static String wrongMemory(String text) {
        try {
            if (!text.isEmpty())
                Request.parseBytes(text);
            return null;
        } catch (IllegalArgumentException e) {
            return e.getMessage();
        }
    }

    private static String wrongCount(String noun, String text, int most) {
        return text.matches("[0-9]{1,9}") && Integer.parseInt(text) >= 1 && Integer.parseInt(text) <= most ? null
                : "a " + noun + " from 1 to " + most + ", found " + text;
    }

    private String wrongSlices(String text) {
        if (text.isEmpty())
            return null;
        if (!text.matches("[0-9]{1,9}(-[0-9]{1,9})?"))
            return "slices as A-B or one number, found " + text;
        String[] ends = text.split("-");
        int first = Integer.parseInt(ends[0]), last = Integer.parseInt(ends[ends.length - 1]);
        return first >= 1 && first <= last && last <= slices ? null
                : "slices from 1 to " + slices + ", found " + text;
    }
}
