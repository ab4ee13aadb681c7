// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.pea.PeaException;
import org.pea.Setting;
import org.pea.Settings;

/**
 * The help pages as HTML. That of the macro keys is made from the library's own list, so that it is never out of
 * date.
 */
final class HelpPages {
    private HelpPages() {}

    static final List<String> NAMES = Collections.unmodifiableList(Arrays.asList("segment-nuclei", "em-stack",
            "preview", "batch", "headless", "macro-keys", "train", "import", "score", "trouble"));
    private static final String TITLE = "<h1>";

    static String[] titles() {
        String[] titles = new String[NAMES.size()];
        for (int i = 0; i < titles.length; i++)
            titles[i] = title(body(NAMES.get(i)));
        return titles;
    }

    private static String title(String body) {
        return body.substring(body.indexOf(TITLE) + TITLE.length(), body.indexOf("</h1>"));
    }

    /** @param points  size of the text */
    static String html(String name, int points) {
        String body = body(name);
        return "<html><head><title>" + title(body) + "</title><style>"
                + "body { font-family: sans-serif; font-size: " + points + "pt; }"
                + "h1 { font-size: " + points * 3 / 2 + "pt; } h2 { font-size: " + points * 5 / 4 + "pt; }"
                + "pre, code { font-family: monospace; font-size: " + points + "pt; } pre { margin: 8px; }"
                + "td, th { text-align: left; vertical-align: top; padding: 2px 8px 2px 0; }"
                + "</style></head><body>" + body.replace("<tr>", "<tr valign=\"top\">")
                + "</body></html>";
    }

    /** For a console: the words without the tags. */
    static String plain(String name) {
        return body(name).replaceAll("(?s)<tr>\\s*", "").replaceAll("</t[dh]>\\s*<t[dh]>", "\t")
                .replaceAll("<li>", "- ").replaceAll("<[^>]+>", "").replace("&lt;", "<").replace("&gt;", ">")
                .replace("&amp;", "&").replaceAll("\n{3,}", "\n\n").trim();
    }

    private static String body(String name) {
        String text = Ui.resource("help/" + name + ".html");
        return name.equals("macro-keys") ? text.replace("<!--keys-->", keys()) : text;
    }

    private static String keys() {
        Map<String, String[]> rows = rows();
        StringBuilder table = new StringBuilder("<table width=\"100%\">"
                + "<tr><th>Key</th><th>Value</th><th>Meaning</th></tr>\n");
        for (String key : order(rows)) {
            String[] row = rows.get(key);
            table.append("<tr><td><code>").append(key).append("</code></td><td><code>")
                    .append(Ui.html(row[0].replace("|", " | ")))
                    .append("</code></td><td>").append(Ui.html(row[1])).append("</td></tr>\n");
        }
        return table.append("</table>").toString();
    }

    private static List<String> order(Map<String, String[]> rows) {
        try {
            return MacroOptions.keys();
        } catch (PeaException.NotLoaded e) {
            return new java.util.ArrayList<>(rows.keySet());
        }
    }

    /** Key to value and meaning, of all keys that {@link MacroOptions} knows. */
    static Map<String, String[]> rows() {
        Map<String, String[]> rows = new LinkedHashMap<>();
        row(rows, "model", "NAME|FILE", "A model of the models folder by its name, or the path of a model file."
                + " Needed.");
        row(rows, "channel", "N", "The channel to look at, counted from 1. Without it all, which must be one or as"
                + " many as the model takes. RGB has three.");
        row(rows, "slices", "A-B", "Slices from A to B, counted from 1; one number is one slice. Without it all.");
        row(rows, "frame", "N", "The frame to look at, counted from 1. Without it all, each on its own.");
        row(rows, "mode", "2d|3d", "Insist on planes or volumes: a model of the other kind is refused.");
        row(rows, "mask", "TITLE|FILE", "Instances may be only where this image is not 0.");
        try {
            for (Setting s : Settings.all())
                row(rows, s.key(), s.choices() != null ? s.choices() : s.value(), s.help()
                        + (s.axes() == 0 ? "" : " Only for " + s.axes() + "-D models."));
        } catch (PeaException.NotLoaded e) {
            row(rows, "...", "", "The library's keys cannot be listed, because it is not loaded: see Check"
                    + " Installation.");
        }
        row(rows, "memory", "SIZE", "Work that is forecast to need more is refused: 512M, 4G; 0 for no limit."
                + " Without it"
                + " what is free.");
        row(rows, "threads", "N", "How many threads work. Without it as many as there are. Results do not depend on"
                + " it.");
        row(rows, "output", "FILE.tif", "Write the label image.");
        row(rows, "overlay", "FILE.png", "Write the image with tinted, outlined instances.");
        row(rows, "table", "FILE.csv", "Write a row for each instance.");
        row(rows, "rois", "FILE.zip", "Write the instances as ROIs, as the ROI Manager opens them.");
        row(rows, "show", "LIST|none", "What to open or draw: a list of labels, overlay, rois, table, affinity,"
                + " embedding."
                + " Without it labels,overlay.");
        row(rows, "truth", "TITLE|FILE", "Compare the result with these labels: a table of scores and an overlay.");
        return rows;
    }

    private static void row(Map<String, String[]> rows, String key, String value, String meaning) {
        rows.put(key, new String[] {value, meaning});
    }
}
