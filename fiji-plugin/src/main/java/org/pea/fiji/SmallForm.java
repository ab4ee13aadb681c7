// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Component;
import java.awt.Dialog;
import java.awt.Dimension;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.Insets;
import java.io.File;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JDialog;
import javax.swing.JFileChooser;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextArea;
import javax.swing.JTextField;
import javax.swing.filechooser.FileNameExtensionFilter;
import javax.swing.text.JTextComponent;

import ij.IJ;
import ij.Prefs;
import ij.gui.GUI;
import ij.io.OpenDialog;

/** A dialog of a few texts, choices and files, each with its macro key; says beside a field what is wrong with it. */
final class SmallForm {
    private static final int WIDTH = 460;

    private final JDialog window;
    private final JPanel page = new JPanel(new GridBagLayout()), advanced = new JPanel(new GridBagLayout());
    private final JPanel top = new JPanel();
    private final JTextArea foot = Ui.wrapped(" ", WIDTH);
    private final Newest teller = new Newest("PEA forecast");
    private JPanel filled = page;
    private Function<Map<String, String>, String> tell;
    private final JButton ok = new JButton("OK");
    private final Map<String, JTextComponent> texts = new LinkedHashMap<>();
    private final Map<String, JComboBox<String>> choices = new LinkedHashMap<>();
    private final Map<String, JTextArea> problems = new LinkedHashMap<>();
    private Function<Map<String, String>, Map<String, String>> judge = values -> Collections.emptyMap();
    private BiConsumer<String, SmallForm> follow = (key, form) -> { };
    private Map<String, String> given = Collections.emptyMap();
    private Map<String, String> told;   /* of these values the line below the fields is */
    private boolean following, typed, accepted;
    private int line;

    SmallForm(String title, String name, String helpPage) {
        window = new JDialog(IJ.getInstance(), title, Dialog.ModalityType.APPLICATION_MODAL);
        window.setName(name);
        Ui.icons(window);
        page.setBorder(BorderFactory.createEmptyBorder(Ui.px(12), Ui.px(14), Ui.px(8), Ui.px(14)));
        JButton help = new JButton("Help"), cancel = new JButton("Cancel");
        help.setName("help");
        cancel.setName("cancel");
        ok.setName("ok");
        help.addActionListener(e -> Help.open(helpPage));
        cancel.addActionListener(e -> window.dispose());
        ok.addActionListener(e -> accept());
        JPanel buttons = new JPanel();
        buttons.setLayout(new BoxLayout(buttons, BoxLayout.X_AXIS));
        buttons.setBorder(BorderFactory.createEmptyBorder(Ui.px(4), Ui.px(14), Ui.px(12), Ui.px(14)));
        for (Component c : new Component[] {help, Box.createHorizontalGlue(), cancel,
                Box.createHorizontalStrut(Ui.px(6)), ok})
            buttons.add(c);
        top.setLayout(new BoxLayout(top, BoxLayout.Y_AXIS));
        page.setAlignmentX(Component.LEFT_ALIGNMENT);
        top.add(page);
        JPanel above = new JPanel(new BorderLayout());
        above.add(top, BorderLayout.NORTH);
        window.add(above, BorderLayout.CENTER);
        window.add(buttons, BorderLayout.SOUTH);
        window.getRootPane().setDefaultButton(ok);
        Ui.onEscape(window.getRootPane(), window::dispose);
    }

    // ---- fields ----

    SmallForm words(String text) {
        page.add(Ui.wrapped(text, WIDTH), at(0, 2, 0, 6));
        line++;
        return this;
    }

    /** The fields that follow are folded away until somebody wants them. @param remembered  key of the preferences */
    SmallForm advanced(String remembered) {
        JButton fold = new JButton("Advanced");
        fold.setName("advanced");
        fold.setBorderPainted(false);
        fold.setContentAreaFilled(false);
        fold.setMargin(new Insets(0, 0, 0, 0));
        fold.setAlignmentX(Component.LEFT_ALIGNMENT);
        advanced.setAlignmentX(Component.LEFT_ALIGNMENT);
        advanced.setVisible(Prefs.get(remembered, false));
        fold.setIcon(Ui.triangle(advanced.isVisible()));
        fold.addActionListener(e -> {
            advanced.setVisible(!advanced.isVisible());
            Prefs.set(remembered, advanced.isVisible());
            fold.setIcon(Ui.triangle(advanced.isVisible()));
            window.pack();
        });
        JPanel line = new JPanel(new BorderLayout());
        line.setBorder(BorderFactory.createEmptyBorder(0, Ui.px(14), 0, 0));
        line.setAlignmentX(Component.LEFT_ALIGNMENT);
        line.add(fold, BorderLayout.WEST);
        advanced.setBorder(BorderFactory.createEmptyBorder(Ui.px(2), Ui.px(14), Ui.px(4), Ui.px(14)));
        top.add(line);
        top.add(advanced);
        filled = advanced;
        return this;
    }

    /** @param tell  of values that are right a line below the fields; has a thread of its own, and may take its time */
    SmallForm foot(Function<Map<String, String>, String> tell) {
        this.tell = tell;
        foot.setName("forecast");
        JPanel line = new JPanel(new BorderLayout());
        line.setBorder(BorderFactory.createEmptyBorder(Ui.px(4), Ui.px(14), Ui.px(4), Ui.px(14)));
        line.setAlignmentX(Component.LEFT_ALIGNMENT);
        line.add(foot);
        top.add(line);
        return this;
    }

    SmallForm text(String key, String label, String value, String help) {
        JTextField field = new JTextField(value, 24);
        add(key, label, field, field, help);
        return this;
    }

    SmallForm choice(String key, String label, String[] items, String value, String help) {
        JComboBox<String> box = new JComboBox<>(items);
        box.setSelectedItem(value);
        box.addActionListener(e -> changed(key));
        choices.put(key, box);
        add(key, label, box, box, help);
        return this;
    }

    /** One of these, or what a person types or picks as a file. */
    SmallForm open(String key, String label, String[] items, String value, String help) {
        return open(key, label, items, value, help, JFileChooser.FILES_ONLY);
    }

    /** One of these, or a folder or a file that a person picks. */
    SmallForm place(String key, String label, String[] items, String value, String help) {
        return open(key, label, items, value, help, JFileChooser.FILES_AND_DIRECTORIES);
    }

    private SmallForm open(String key, String label, String[] items, String value, String help, int picked) {
        JComboBox<String> box = new JComboBox<>(items);
        box.setEditable(true);
        box.setSelectedItem(value);
        add(key, label, (JTextComponent) box.getEditor().getEditorComponent(), browse(key, box, null, picked), help);
        return this;
    }

    /** @param endings  of the files that are offered; null: all */
    SmallForm file(String key, String label, String value, String help, String kind, String... endings) {
        JTextField field = new JTextField(value, 24);
        add(key, label, field, browse(key, field, new FileNameExtensionFilter(kind, endings),
            JFileChooser.FILES_ONLY), help);
        return this;
    }

    private JPanel browse(String key, JComponent field, FileNameExtensionFilter filter, int picked) {
        JButton browse = new JButton("Browse ...");
        browse.setName(key + ".browse");
        browse.addActionListener(e -> {
            JFileChooser files = new JFileChooser(start(get(key)));
            if (filter != null)
                files.setFileFilter(filter);
            files.setFileSelectionMode(picked);
            if (files.showDialog(window, "Choose") == JFileChooser.APPROVE_OPTION)
                set(key, files.getSelectedFile().getPath());
        });
        JPanel panel = Ui.aligned(new BorderLayout(Ui.px(6), 0), field);
        panel.add(field, BorderLayout.CENTER);
        panel.add(browse, BorderLayout.EAST);
        return panel;
    }

    private static String start(String path) {
        File folder = new File(path).getParentFile();
        return folder != null && folder.isDirectory() ? path : OpenDialog.getDefaultDirectory();
    }

    private void add(String key, String label, JComponent editor, JComponent shown, String help) {
        if (editor instanceof JTextComponent) {
            texts.put(key, (JTextComponent) editor);
            ((JTextComponent) editor).getDocument().addDocumentListener(Ui.onChange(() -> changed(key)));
        }
        editor.setName(key);
        JLabel name = new JLabel(label);
        name.setLabelFor(editor);
        String tip = Ui.tip(help + "\nMacro key: " + key);
        name.setToolTipText(tip);
        editor.setToolTipText(tip);
        JTextArea problem = Ui.wrapped("", 200);
        problem.setName(key + ".problem");
        problem.setForeground(Ui.errorColour());
        problem.setVisible(false);
        problems.put(key, problem);
        JPanel field = Ui.aligned(new BorderLayout(), shown);
        field.add(shown, BorderLayout.CENTER);
        field.add(problem, BorderLayout.SOUTH);
        filled.add(name, at(0, 1, 0, 2));
        filled.add(field, at(1, 1, 1, 2));
        line++;
    }

    private GridBagConstraints at(int x, int width, double weight, int top) {
        return new GridBagConstraints(x, line, width, 1, weight, 0, GridBagConstraints.BASELINE_LEADING,
                GridBagConstraints.HORIZONTAL, new Insets(Ui.px(top), x == 0 ? 0 : Ui.px(10), Ui.px(4), 0), 0, 0);
    }

    // ---- values ----

    String get(String key) {
        JTextComponent text = texts.get(key);
        return text != null ? text.getText().trim() : String.valueOf(choices.get(key).getSelectedItem());
    }

    void set(String key, String value) {
        if (texts.containsKey(key))
            texts.get(key).setText(value);
        else
            choices.get(key).setSelectedItem(value);
    }

    void enable(String key, boolean on) {
        (texts.containsKey(key) ? texts.get(key) : choices.get(key)).setEnabled(on);
    }

    Map<String, String> values() {
        Map<String, String> values = new LinkedHashMap<>();
        for (String key : problems.keySet())
            values.put(key, get(key));
        return values;
    }

    /** @param judge  of all values, what is wrong: key to words. Called after each change, so let it be quick */
    SmallForm judge(Function<Map<String, String>, Map<String, String>> judge) {
        this.judge = judge;
        return this;
    }

    /** @param follow  may set other fields when one has changed; its key is "" before the form is shown */
    SmallForm follow(BiConsumer<String, SmallForm> follow) {
        this.follow = follow;
        return this;
    }

    private void followUp(String key) {
        if (following)
            return;
        following = true;
        follow.accept(key, this);
        following = false;
    }

    private void changed(String key) {
        followUp(key);
        java.awt.EventQueue.invokeLater(this::look);    /* the document is locked while it tells of a change */
    }

    /** What is said of what is wrong: before anything was typed, nothing of fields that still wait for it. */
    static Map<String, String> told(Map<String, String> wrong, Map<String, String> values, boolean typed) {
        Map<String, String> told = new LinkedHashMap<>(wrong);
        told.keySet().removeIf(key -> !typed && values.getOrDefault(key, "").isEmpty());
        return told;
    }

    private void look() {
        Map<String, String> values = values(), wrong = judge.apply(values);
        typed |= !values.equals(given);
        Map<String, String> told = told(wrong, values, typed);
        for (Map.Entry<String, JTextArea> p : problems.entrySet()) {
            String words = told.get(p.getKey());
            p.getValue().setText(words == null ? "" : words);
            p.getValue().setVisible(words != null && !words.isEmpty());
        }
        ok.setEnabled(wrong.isEmpty());
        tellBelow(values, wrong.isEmpty());
        Ui.grow(window);
    }

    private void tellBelow(Map<String, String> values, boolean right) {
        if (tell == null || (told != null && values.equals(told)))
            return;
        told = values;
        if (right)
            teller.run(() -> {
                String words = tell.apply(values);
                java.awt.EventQueue.invokeLater(() -> {
                    foot.setText(values.equals(told) ? words : foot.getText());
                    Ui.grow(window);
                });
            });
        else
            foot.setText(" ");
    }

    private void accept() {
        if (judge.apply(values()).isEmpty()) {
            accepted = true;
            window.dispose();
        }
    }

    /** Show it and wait. @return null where it was cancelled */
    Map<String, String> ask() {
        Ui.onEventThread(() -> {
            followUp("");
            given = values();
            Ui.fonts(window);
            window.pack();
            window.setMinimumSize(new Dimension(Ui.px(360), window.getHeight()));
            GUI.centerOnImageJScreen(window);
            look();
            window.setVisible(true);
        });
        teller.close();
        return accepted ? values() : null;
    }
}
