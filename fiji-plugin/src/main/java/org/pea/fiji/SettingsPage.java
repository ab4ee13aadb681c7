// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Component;
import java.awt.Dimension;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.GridLayout;
import java.awt.Insets;
import java.awt.Rectangle;
import java.awt.Window;
import java.util.LinkedHashMap;
import java.util.Map;

import javax.swing.BorderFactory;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JCheckBox;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JSeparator;
import javax.swing.JTextArea;
import javax.swing.Scrollable;
import javax.swing.SwingUtilities;

import ij.ImagePlus;
import ij.Prefs;

/**
 * What scrolls in a {@link SettingsWindow}: the choice of a model, and the fields of a {@link SettingsForm}, of which
 * those that are seldom wanted can be folded away. Takes the width of the window, so that nothing is cut off at the
 * right.
 */
final class SettingsPage extends JPanel implements Scrollable {
    private static final long serialVersionUID = 1;
    private static final String UNFOLDED = "pea.unfolded";

    private final transient ImagePlus image;
    private final transient SettingsForm form;
    private final transient Runnable changed;
    private final JPanel main = new JPanel(new GridBagLayout()), advanced = new JPanel(new GridBagLayout());
    private final JButton fold = new JButton("Advanced");
    private final Map<String, FieldRow> rows = new LinkedHashMap<>();
    private final Map<Request.Show, JCheckBox> shows = new LinkedHashMap<>();
    private JTextArea imageWords;

    /** @param changed  told whenever a person has changed the form; not of the model */
    SettingsPage(ImagePlus image, SettingsForm form, ModelChooser chooser, Runnable changed) {
        this.image = image;
        this.form = form;
        this.changed = changed;
        setLayout(new BoxLayout(this, BoxLayout.Y_AXIS));
        setBorder(BorderFactory.createEmptyBorder(Ui.px(12), Ui.px(14), Ui.px(6), Ui.px(14)));
        fold.setName("advanced");
        fold.setBorderPainted(false);
        fold.setContentAreaFilled(false);
        fold.setFocusPainted(true);
        fold.setMargin(new Insets(0, 0, 0, 0));
        fold.setToolTipText(Ui.tip("Shifts, strides, foreground, merging, memory, threads: the model's own values are"
                + " good for images like those it was trained on."));
        fold.addActionListener(e -> unfold(!advanced.isVisible()));
        advanced.setVisible(Prefs.get(UNFOLDED, false));
        fold.setIcon(Ui.triangle(advanced.isVisible()));
        for (Component part : new Component[] {chooser, Ui.gap(8), new JSeparator(), Ui.gap(8), main, Ui.gap(2),
                Ui.left(fold), advanced})
            add(Ui.leftAligned(part));
    }

    /** The fields of this kind of model. */
    void build() {
        rows.clear();
        main.removeAll();
        advanced.removeAll();
        int line = 0, cell = 0;
        addRow(main, line++, label("Image"), imageWords = quiet(words()));
        addRow(main, line++, label("Works on"), quiet(form.axes() == 3
                ? "the stack as one volume (3-D, as the model is)" : "every plane on its own (2-D, as the model is)"));
        SettingsForm.Group group = null;
        for (SettingsForm.Field f : form.fields()) {
            boolean inMain = f.group == SettingsForm.Group.IMAGE || f.group == SettingsForm.Group.MAIN;
            FieldRow row = new FieldRow(f, !inMain, text -> edited(f.key, text));
            rows.put(f.key, row);
            if (f.key.equals("slices"))
                row.note("such as 3-9; empty: all " + image.getNSlices());
            if (f.key.equals("frame"))
                row.note("one number; empty: all " + image.getNFrames());
            if (inMain) {
                addRow(main, line++, row.label, row);
                continue;
            }
            if (f.group != group) {
                group = f.group;
                cell = (cell + 1) / 2 * 2;
                addHeading(group.title, cell / 2);
                cell += 2;
            }
            cell = addCell(row, f, cell);
        }
        addRow(main, line, label("Show"), shows());
        Ui.fonts(this);
        refill();
    }

    private void edited(String key, String text) {
        form.set(key, text);
        changed.run();
    }

    private static JLabel label(String text) {
        return new JLabel(text);
    }

    private static JTextArea quiet(String text) {
        JTextArea area = Ui.wrapped(text, SettingsWindow.WIDTH - 170);
        area.setForeground(Ui.quietColour());
        return area;
    }

    private void addRow(JPanel panel, int line, JLabel label, Component field) {
        panel.add(label, at(0, line, 1, 0, 0));
        panel.add(field, at(1, line, 1, 1, 0));
    }

    private static GridBagConstraints at(int x, int y, int width, double weight, int top) {
        return new GridBagConstraints(x, y, width, 1, weight, 0, GridBagConstraints.BASELINE_LEADING,
                GridBagConstraints.HORIZONTAL,
                new Insets(Ui.px(2 + top), x == 0 ? 0 : Ui.px(10), Ui.px(2), 0), 0, 0);
    }

    private void addHeading(String title, int line) {
        advanced.add(Ui.bold(new JLabel(title)), at(0, line, 4, 1, 6));
    }

    /** Short fields stand two in a line; long ones alone. */
    private int addCell(FieldRow row, SettingsForm.Field f, int cell) {
        boolean longValue = f.key.equals("offsets") || f.key.equals("merge") || f.key.equals("mask")
                || f.key.equals("truth"), longLabel = !longValue && f.label.length() > 26;
        boolean wide = longValue || longLabel;
        if (wide && cell % 2 == 1)
            cell++;
        int x = cell % 2 * 2, y = cell / 2;
        advanced.add(row.label, at(x, y, longLabel ? 3 : 1, 0, 0));
        advanced.add(row, at(longLabel ? 3 : x + 1, y, longValue ? 3 : 1, 1, 0));
        return cell + (wide ? 2 : 1);
    }

    private JPanel shows() {
        JPanel panel = new JPanel(new GridLayout(0, 2, Ui.px(8), 0)) {
            @Override public int getBaseline(int width, int height) {
                return getComponent(0).getBaseline(width, getComponent(0).getPreferredSize().height);
            }
        };
        String[][] words = {
            {"Label image", "A new image: each instance has its number, 0 is background."},
            {"Outlines on the image", "An overlay in the labels' colours on the input image."},
            {"ROIs in the manager", "Each instance is added to the ROI Manager, behind what is there."},
            {"Table", "One row for each instance: size, centroid, box, intensity, confidence."},
            {"Affinities", "For the curious: how alike the network thinks neighbouring voxels are."},
            {"Embedding colours", "For the curious: the embedding's first three principal components as RGB."}};
        Request.Show[] all = Request.Show.values();
        for (int i = 0; i < all.length; i++) {
            Request.Show what = all[i];
            JCheckBox box = new JCheckBox(i < words.length ? words[i][0] : what.word(), form.show().contains(what));
            box.setName("show." + what.word());
            box.setToolTipText(i < words.length ? Ui.tip(words[i][1]) : null);
            box.addActionListener(e -> {
                form.show(what, box.isSelected());
                changed.run();
            });
            shows.put(what, box);
            panel.add(box);
        }
        return panel;
    }

    private String words() {
        String type = image.getBitDepth() == 24 ? "RGB" : image.getBitDepth() + "-bit";
        StringBuilder text = new StringBuilder(image.getTitle() + ", " + image.getWidth() + " x " + image.getHeight());
        if (image.getNChannels() > 1)
            text.append(", ").append(image.getNChannels()).append(" channels");
        if (image.getNSlices() > 1)
            text.append(", ").append(image.getNSlices()).append(" slices");
        if (image.getNFrames() > 1)
            text.append(", ").append(image.getNFrames()).append(" frames");
        return text + ", " + type;
    }

    /** The form's values into all fields. */
    void refill() {
        for (Map.Entry<String, FieldRow> row : rows.entrySet())
            row.getValue().fill(form.get(row.getKey()), form.isChanged(row.getKey()));
        for (Map.Entry<Request.Show, JCheckBox> box : shows.entrySet())
            box.getValue().setSelected(form.show().contains(box.getKey()));
    }

    /** What the library says of the values. */
    void says(Findings found) {
        for (Map.Entry<String, FieldRow> row : rows.entrySet()) {
            String key = row.getKey(), value = found.check.values.get(key);
            row.getValue().problem(found.check.problems.get(key));
            row.getValue().mark(form.isChanged(key));
            if (value != null && !form.isChanged(key))
                row.getValue().fill(value, false);
        }
        if (rows.containsKey("scale"))
            rows.get("scale").note(found.scale);
        imageWords.setText(words()); // it may have been cropped or changed in type meanwhile
    }

    private void unfold(boolean open) {
        Window window = SwingUtilities.getWindowAncestor(this);
        advanced.setVisible(open);
        fold.setIcon(Ui.triangle(open));
        if (open)
            Ui.grow(window);
        else
            window.setSize(window.getWidth(), Math.min(window.getHeight(), window.getPreferredSize().height));
        window.validate();
    }

    /** For the next window. */
    void remember() {
        Prefs.set(UNFOLDED, advanced.isVisible());
    }

    // ---- in a scroll pane ----

    @Override public Dimension getPreferredScrollableViewportSize() {
        return getPreferredSize();
    }

    @Override public int getScrollableUnitIncrement(Rectangle visible, int orientation, int direction) {
        return Ui.px(16);
    }

    @Override public int getScrollableBlockIncrement(Rectangle visible, int orientation, int direction) {
        return visible.height;
    }

    @Override public boolean getScrollableTracksViewportWidth() {
        return true;
    }

    @Override public boolean getScrollableTracksViewportHeight() {
        return false;
    }
}
