// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.pea.Setting;
import org.pea.Settings;

import ij.macro.Interpreter;

/**
 * The macro language: the text behind the command in {@code run("Segment Instances (PEA)...", "model=nuclei
 * minsize=25")}.
 *
 * <p>Words are separated by blanks; a word is {@code key=value} or a {@code key} alone; a value with blanks stands in
 * brackets, {@code key=[a b]}. We read it ourselves because ImageJ's reader finds {@code size} in {@code min_size} and
 * keys inside brackets, and is silent about keys it does not know.
 */
public final class MacroOptions {
    private MacroOptions() {}

    /** Of the menu entry, which is what {@code run()} wants. */
    public static final String COMMAND = "Segment Instances (PEA)...";

    /* What is not a setting of the library. In front of those, behind those. */
    private static final List<String> INPUT = Arrays.asList("model", "channel", "slices", "frame", "mode", "mask");
    private static final List<String> OUTPUT = Arrays.asList("memory", "threads", "output", "overlay", "table", "rois",
                                                             "show", "truth");
    private static final Pattern SLICES = Pattern.compile("(\\d{1,9})(?:-(\\d{1,9}))?");

    /** All keys, in the order in which they are written. The library's settings are among them. */
    public static List<String> keys() {
        List<String> keys = new ArrayList<>(INPUT);
        keys.addAll(settings());
        keys.addAll(OUTPUT);
        return keys;
    }

    private static List<String> settings() {
        List<String> keys = new ArrayList<>();
        for (Setting s : Settings.all())
            keys.add(s.key());
        return keys;
    }

    // ---- reading ----

    /**
     * Take a line apart.
     * @return key and value in their order; the value of a key alone is empty
     * @throws IllegalArgumentException a bracket that is not closed, a key twice, a value without a key
     */
    public static Map<String, String> parse(String options) {
        Map<String, String> found = new LinkedHashMap<>();
        for (int at = skipBlanks(options, 0); at < options.length(); at = skipBlanks(options, at)) {
            int stop = at;
            while (stop < options.length() && options.charAt(stop) != '=' && !blank(options, stop))
                stop++;
            String key = options.substring(at, stop).toLowerCase(Locale.ROOT);
            String value = "";
            at = stop;
            if (stop < options.length() && options.charAt(stop) == '=') {
                int end = endOfValue(options, stop + 1, key);
                value = unquote(options.substring(stop + 1, end), key);
                at = end;
            }
            if (key.isEmpty())
                throw new IllegalArgumentException("a value without a key in the options: \"=" + value + "\"");
            if (found.put(key, value) != null)
                throw new IllegalArgumentException("the key \"" + key + "\" is given twice");
        }
        return found;
    }

    private static boolean blank(String text, int at) {
        return at >= text.length() || text.charAt(at) <= ' ';
    }

    private static int skipBlanks(String text, int at) {
        while (at < text.length() && blank(text, at))
            at++;
        return at;
    }

    /* Of a bracket: behind its partner, so that "[a [1].tif]" is one value. A bracket or quote whose partner is in the
     * middle of a word quotes nothing: ImageJ's recorder writes "[1].tif" as it is. */
    private static int endOfValue(String text, int from, String key) {
        int end = from;
        if (!blank(text, from) && text.charAt(from) == '[') {
            end = closing(text, from) + 1;
            if (end == 0)
                throw new IllegalArgumentException("the bracket behind \"" + key + "=\" is not closed");
        } else if (!blank(text, from) && text.charAt(from) == '\'') {
            end = text.indexOf('\'', from + 1) + 1;
        }
        if (end > from && blank(text, end))
            return end;
        for (end = from; !blank(text, end); )
            end++;
        return end;
    }

    /* Index of the partner of the bracket at `from`, or -1. */
    private static int closing(String text, int from) {
        int depth = 0;
        for (int i = from; i < text.length(); i++) {
            depth += text.charAt(i) == '[' ? 1 : text.charAt(i) == ']' ? -1 : 0;
            if (depth == 0)
                return i;
        }
        return -1;
    }

    private static String unquote(String text, String key) {
        if (key.equals("offsets") && text.startsWith("[") && !text.startsWith("[[["))
            return text.startsWith("[[") || text.equals("[]") ? text : text.substring(1, text.length() - 1);
        boolean bracketed = text.length() > 1 && text.startsWith("[") && closing(text, 0) == text.length() - 1;
        boolean quoted = text.length() > 1 && text.startsWith("'") && text.indexOf('\'', 1) == text.length() - 1;
        return bracketed || quoted ? text.substring(1, text.length() - 1) : variable(text);
    }

    /* "&name" is the macro's variable of that name, as in ImageJ's own dialogs. */
    private static String variable(String text) {
        Interpreter macro = text.startsWith("&") ? Interpreter.getInstance() : null;
        String value = macro == null ? null : macro.getVariableAsString(text.substring(1));
        // all numbers of macros have a fraction
        return value == null ? text : value.replaceFirst("^(-?\\d+)\\.0$", "$1");
    }

    /**
     * @throws IllegalArgumentException in one line: an unknown key with the nearest known one, a value that is not
     * possible
     */
    public static Request read(String options) {
        Request request = new Request();
        List<String> settings = settings();
        for (Map.Entry<String, String> e : parse(options).entrySet())
            if (settings.contains(e.getKey()))
                request.wishes.put(e.getKey(), e.getValue());
            else
                take(request, e.getKey(), e.getValue());
        return request;
    }

    private static void take(Request r, String key, String value) {
        switch (key) {
        case "model": r.model = filled(key, value); break;
        case "channel": r.channel = count(key, value, 1); break;
        case "slices": takeSlices(r, value); break;
        case "frame": r.frame = count(key, value, 1); break;
        case "mode": r.mode = oneOf(key, value, "2d", "3d"); break;
        case "mask": r.mask = filled(key, value); break;
        case "memory": Request.parseBytes(value); r.memory = value; break;
        case "threads": r.threads = count(key, value, 0); break;
        case "output": r.output = named(key, value, ".tif", ".tiff"); break;
        case "overlay": r.overlay = named(key, value, ".png"); break;
        case "table": r.table = named(key, value, ".csv"); break;
        case "rois": r.rois = named(key, value, ".zip"); break;
        case "show": r.show = shown(value); break;
        case "truth": r.truth = filled(key, value); break;
        default: throw new IllegalArgumentException("unknown key \"" + key + "\", did you mean \"" + nearest(key)
                                                    + "\"?");
        }
    }

    private static String filled(String key, String value) {
        if (value.trim().isEmpty())
            throw new IllegalArgumentException("the key \"" + key + "\" wants a value: " + key + "=...");
        return value;
    }

    /** A file whose name must say what we write into it: a TIFF called x.jpg is one that other programs refuse. */
    static String named(String key, String value, String... endings) {
        for (String ending : endings)
            if (filled(key, value).toLowerCase(Locale.ROOT).endsWith(ending))
                return value;
        throw new IllegalArgumentException(key + " wants the name of a file that ends in "
                                           + String.join(" or ", endings) + ", found \"" + value + "\"");
    }

    private static int count(String key, String value, int least) {
        if (!value.matches("\\d{1,9}") || Integer.parseInt(value) < least)
            throw new IllegalArgumentException(key + " wants a whole number of at least " + least + ", found \""
                                               + value + "\"");
        return Integer.parseInt(value);
    }

    private static String oneOf(String key, String value, String... choices) {
        if (!Arrays.asList(choices).contains(value))
            throw new IllegalArgumentException(key + " wants one of " + String.join(", ", choices) + ", found \""
                                               + value + "\"");
        return value;
    }

    private static void takeSlices(Request r, String value) {
        Matcher m = SLICES.matcher(value);
        if (m.matches()) {
            r.firstSlice = Integer.parseInt(m.group(1));
            r.lastSlice = m.group(2) == null ? r.firstSlice : Integer.parseInt(m.group(2));
        }
        if (r.firstSlice < 1 || r.lastSlice < r.firstSlice)
            throw new IllegalArgumentException("slices wants A-B with 1 <= A <= B, such as 3-9, found \"" + value
                                               + "\"");
    }

    private static EnumSet<Request.Show> shown(String value) {
        EnumSet<Request.Show> set = EnumSet.noneOf(Request.Show.class);
        if (value.equals("none"))
            return set;
        for (String word : value.split(",", -1)) {
            List<String> words = new ArrayList<>();
            for (Request.Show s : Request.Show.values())
                if (words.add(s.word()) && s.word().equals(word))
                    set.add(s);
            if (!words.contains(word))
                throw new IllegalArgumentException("show wants none or some of " + String.join(",", words)
                                                   + ", found \"" + word
                                                   + "\"");
        }
        return set;
    }

    private static String nearest(String key) {
        return nearest(key, keys());
    }

    static String nearest(String key, List<String> keys) {
        String best = "";
        for (String known : keys)
            if (best.isEmpty() || distance(key, known) < distance(key, best))
                best = known;
        return best;
    }

    /* Letters to insert, remove or replace. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++)
            row[j] = j;
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replace, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    // ---- writing ----

    /** Key and value of what {@link #write} writes, in its order, for {@code ij.plugin.frame.Recorder}. */
    public static Map<String, String> entries(Request r) {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("model", r.model);
        put(all, "channel", r.channel);
        if (r.firstSlice > 0)
            all.put("slices", r.firstSlice == r.lastSlice ? "" + r.firstSlice : r.firstSlice + "-" + r.lastSlice);
        put(all, "frame", r.frame);
        put(all, "mode", r.mode);
        put(all, "mask", r.mask);
        for (String key : settings())
            if (r.wishes.containsKey(key))
                all.put(key, r.wishes.get(key));
        put(all, "memory", r.memory);
        put(all, "threads", r.threads);
        put(all, "output", r.output);
        put(all, "overlay", r.overlay);
        put(all, "table", r.table);
        put(all, "rois", r.rois);
        if (!r.show.equals(Request.defaultShow()))
            all.put("show", showWords(r));
        put(all, "truth", r.truth);
        return all;
    }

    private static void put(Map<String, String> all, String key, String value) {
        if (!value.isEmpty())
            all.put(key, value);
    }

    private static void put(Map<String, String> all, String key, int value) {
        if (value > 0)
            all.put(key, "" + value);
    }

    private static String showWords(Request r) {
        StringJoiner words = new StringJoiner(",").setEmptyValue("none");
        for (Request.Show s : Request.Show.values())
            if (r.show.contains(s))
                words.add(s.word());
        return words.toString();
    }

    /**
     * The options that give this request again: only what differs from the defaults, and the model.
     * @throws IllegalArgumentException for a value that cannot be written, as a "]" in a path
     */
    public static String write(Request request) {
        StringJoiner words = new StringJoiner(" ");
        for (Map.Entry<String, String> e : entries(request).entrySet())
            words.add(e.getKey() + "=" + quote(e.getKey(), e.getValue()));
        return words.toString();
    }

    /** @throws IllegalArgumentException for a value that no macro can name */
    static String quote(String key, String value) {
        boolean plain = !value.isEmpty() && "[&'".indexOf(value.charAt(0)) < 0;
        for (int i = 0; i < value.length(); i++)
            plain = plain && !blank(value, i);
        if (plain || (key.equals("offsets") && value.startsWith("[[") && !value.startsWith("[[[")
                      && closing(value, 0) == value.length() - 1))
            return value;
        String quoted = "[" + value + "]";
        if (closing(quoted, 0) != quoted.length() - 1)
            throw new IllegalArgumentException("a macro cannot name \"" + value + "\" for " + key
                                               + ": its brackets are not in pairs, choose another name");
        return quoted;
    }

    /** The whole line, {@code run("Segment Instances (PEA)...", "...");}. */
    public static String line(Request request) {
        String options = write(request).replace("\\", "\\\\").replace("\"", "\\\"")
            .replace("\n", "\\n").replace("\t", "\\t");
        return "run(\"" + COMMAND + "\", \"" + options + "\");";
    }
}
