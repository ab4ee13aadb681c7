// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import org.pea.Calibration;

import ij.measure.ResultsTable;

/** One row for each instance, as ImageJ's table and as the text of a CSV file, which is the library's. */
final class InstanceTable {
    private InstanceTable() {}

    /** The table of a text, "label" first; what is empty is NaN. */
    static ResultsTable of(String csv) {
        String[] lines = csv.split("\r?\n");
        List<String> names = fields(lines[0]);
        ResultsTable table = new ResultsTable();
        table.setNaNEmptyCells(true);
        table.showRowNumbers(false);
        for (int i = 0; i < names.size(); i++) {
            table.getFreeColumn(names.get(i).equals("label") ? "Label" : names.get(i)); // is i: they are made in order
            if (whole(names.get(i)))
                table.setDecimalPlaces(i, 0); // others as ImageJ does, which shows 0.00001 mm2 as such
        }
        for (int row = 1; row < lines.length; row++) {
            List<String> values = fields(lines[row]);
            table.incrementCounter();
            for (int i = 0; i < values.size(); i++)
                table.addValue(i, values.get(i).isEmpty() ? Double.NaN : Double.parseDouble(values.get(i)));
        }
        return table;
    }

    private static boolean whole(String name) {
        return name.equals("label") || name.equals("frame") || name.equals("n_voxels");
    }

    /* RFC 4180, of one line: units may hold commas and quotes. */
    static List<String> fields(String line) {
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '"' && quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
                field.append('"');
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                fields.add(field.toString());
                field.setLength(0);
            } else {
                field.append(c);
            }
        }
        fields.add(field.toString());
        return fields;
    }

    /**
     * The text with places counted from the image's corner instead of that of a selection, which is at (x, y) pixels.
     */
    static String moved(String csv, int x, int y, Calibration size) {
        if (x == 0 && y == 0)
            return csv;
        String[] lines = csv.split("\r\n", -1);
        List<String> names = fields(lines[0]);
        for (int row = 1; row < lines.length; row++) {
            String[] values = lines[row].split(",", -1);
            for (int i = 0; i < values.length && values.length == names.size(); i++)
                values[i] = moved(values[i], names.get(i), x * size.x(), y * size.y());
            lines[row] = String.join(",", values);
        }
        return String.join("\r\n", lines);
    }

    private static String moved(String value, String column, double x, double y) {
        boolean inX = column.startsWith("centroid_x_") || column.startsWith("box_x_");
        boolean inY = column.startsWith("centroid_y_") || column.startsWith("box_y_");
        if (value.isEmpty() || !(inX || inY))
            return value;
        String text = String.format(Locale.ROOT, "%.9g", Double.parseDouble(value) + (inX ? x : y));
        return text.contains("e") || !text.contains(".") ? text : text.replaceAll("\\.?0+$", "");
    }
}
