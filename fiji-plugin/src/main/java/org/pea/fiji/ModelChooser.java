// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Graphics2D;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.Image;
import java.awt.Insets;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import javax.imageio.ImageIO;
import javax.swing.BorderFactory;
import javax.swing.ImageIcon;
import javax.swing.JComboBox;
import javax.swing.JFileChooser;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextArea;
import javax.swing.filechooser.FileNameExtensionFilter;

import org.pea.Model;

import ij.io.OpenDialog;

/** The head of the dialog: which model, its picture, what it is for and under which licence. */
final class ModelChooser extends JPanel {
    private static final long serialVersionUID = 1;
    private static final String OTHER = "Another file ...";
    private static final int PICTURE = 72;

    private final JComboBox<String> names = new JComboBox<>();
    private final JLabel picture = new JLabel();
    private final JTextArea words = Ui.wrapped(" ", 420), facts = Ui.wrapped(" ", 420);
    private final Consumer<String> chosen;
    private String selected = "";

    ModelChooser(List<Models.Entry> models, Consumer<String> chosen) {
        super(new GridBagLayout());
        this.chosen = chosen;
        for (Models.Entry entry : models)
            names.addItem(entry.name);
        names.addItem(OTHER);
        names.setName("model");
        names.setToolTipText(Ui.tip("Model files of Fiji's models folder, or any other.\nMacro key: model"));
        names.addActionListener(e -> choose());
        words.setName("model.description");
        facts.setName("model.facts");
        facts.setForeground(Ui.quietColour());
        picture.setBorder(BorderFactory.createLineBorder(Ui.quietColour()));
        add(picture, at(0, 0, 3, 0, 0));
        JLabel label = new JLabel("Model");
        label.setLabelFor(names);
        add(label, at(1, 0, 1, 0, 12));
        add(names, at(2, 0, 1, 1, 8));
        add(words, at2(1, 1));
        add(facts, at2(1, 2));
        picture(null);
    }

    private static GridBagConstraints at(int x, int y, int height, double weight, int left) {
        return new GridBagConstraints(x, y, 1, height, weight, 0,
                height > 1 ? GridBagConstraints.NORTHWEST : GridBagConstraints.WEST,
                height > 1 ? GridBagConstraints.NONE : GridBagConstraints.HORIZONTAL,
                new Insets(0, Ui.px(left), 0, 0), 0, 0);
    }

    private static GridBagConstraints at2(int x, int y) {
        return new GridBagConstraints(x, y, 2, 1, 1, 0, GridBagConstraints.NORTHWEST, GridBagConstraints.HORIZONTAL,
                new Insets(Ui.px(4), Ui.px(12), 0, 0), 0, 0);
    }

    String selected() {
        return selected;
    }

    /** Choose by name or path; the first of the list where there is none of that name. */
    void select(String name) {
        if (name.indexOf(File.separatorChar) >= 0 && new File(name).isFile())
            offer(name);
        names.setSelectedItem(name);
        if (!name.equals(names.getSelectedItem()) && names.getItemCount() > 1)
            names.setSelectedIndex(0);
        choose();
    }

    private void offer(String path) {
        for (int i = 0; i < names.getItemCount(); i++)
            if (names.getItemAt(i).equals(path))
                return;
        names.insertItemAt(path, names.getItemCount() - 1);
    }

    private void choose() {
        String name = (String) names.getSelectedItem();
        if (OTHER.equals(name)) {
            String path = ask();
            if (path == null) {
                names.setSelectedItem(selected);
                return;
            }
            offer(path);
            names.setSelectedItem(path);
            return;
        }
        if (name == null || name.equals(selected))
            return;
        selected = name;
        chosen.accept(name);
    }

    private String ask() {
        JFileChooser files = new JFileChooser(OpenDialog.getDefaultDirectory());
        files.setDialogTitle("Open a model");
        files.setFileFilter(new FileNameExtensionFilter("Model files (.safetensors)", "safetensors"));
        return files.showOpenDialog(this) == JFileChooser.APPROVE_OPTION ? files.getSelectedFile().getPath() : null;
    }

    /** In place of the description, while there is none. */
    void says(String text, boolean wrong) {
        words.setText(text);
        words.setForeground(wrong ? Ui.errorColour() : new JLabel().getForeground());
        facts.setText(" ");
    }

    void shows(Model model) {
        says(model.description().isEmpty() ? "This model has no description." : model.description(), false);
        facts.setText(facts(model));
        picture(model.thumbnail());
    }

    private static String facts(Model model) {
        Object record = Json.read(model.record());
        String licence = Json.text(record, "licence"), unit = Json.text(record, "pixel_size", "unit");
        Map<?, ?> fields = (Map<?, ?>) record;
        return (model.axes() == 3 ? "3-D" : "2-D") + images(model.channels())
                + (fields.get("pixel_size") instanceof Map ? ", trained on pixels of "
                        + (model.axes() == 3 ? Json.text(record, "pixel_size", "z") + " x "
                                + Json.text(record, "pixel_size", "y") + " x " : "")
                        + Json.text(record, "pixel_size", "x") + " " + unit : ", pixel size of training not known")
                + (licence.isEmpty() ? "" : ", licence " + licence);
    }

    /* One channel suits every model: the library repeats it where the network takes more. */
    static String images(int channels) {
        return channels == 1 ? "" : channels == 3 ? ", grey or colour images" : ", images of 1 or " + channels
                + " channels";
    }

    /** @param png null: the picture of those that have none */
    private void picture(byte[] png) {
        BufferedImage image = null;
        try {
            URL none = ModelChooser.class.getResource("icons/pea-64.png");
            if (png != null)
                image = ImageIO.read(new ByteArrayInputStream(png));
            if (image == null && none != null)
                image = ImageIO.read(none);
        } catch (IOException e) {
            image = null;       /* a picture is no reason to stop */
        }
        picture.setVisible(image != null);
        if (image != null)
            picture.setIcon(new ImageIcon(fit(image, Ui.px(PICTURE))));
    }

    private static Image fit(BufferedImage image, int size) {
        BufferedImage small = new BufferedImage(size, size, BufferedImage.TYPE_INT_ARGB);
        double scale = Math.min((double) size / image.getWidth(), (double) size / image.getHeight());
        int w = Math.max(1, (int) (image.getWidth() * scale)), h = Math.max(1, (int) (image.getHeight() * scale));
        Graphics2D g = small.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        g.drawImage(image, (size - w) / 2, (size - h) / 2, w, h, null);
        g.dispose();
        return small;
    }
}
