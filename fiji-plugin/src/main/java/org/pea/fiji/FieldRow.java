// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.Insets;
import java.util.function.Consumer;

import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextArea;
import javax.swing.JTextField;
import javax.swing.text.JTextComponent;

/** One field of a form with its label, and below it, in red, what is wrong with it. */
final class FieldRow extends JPanel {
    private static final long serialVersionUID = 1;
    final JLabel label;
    private final JTextComponent typed;         /* null: one of a list is chosen */
    private final JComboBox<String> chosen;     /* null: free text alone */
    private final JTextArea problem = Ui.wrapped("", 100);
    private boolean filling;                    /* by us, not by a person */

    private final JTextArea note = Ui.wrapped("", 100);
    private final Component line;               /* the editor, and what stands beside it */

    /** @param wide  whether the editor fills the line */
    FieldRow(SettingsForm.Field f, boolean wide, Consumer<String> edited) {
        super(new BorderLayout());
        label = new JLabel(f.label) {
            @Override public Dimension getPreferredSize() {     /* room for bold: nothing moves when it becomes so */
                int bold = getFontMetrics(getFont().deriveFont(Font.BOLD)).stringWidth(getText());
                return new Dimension(bold, super.getPreferredSize().height);
            }
        };
        JComponent editor;
        boolean scale = f.key.equals("scale");
        if (f.choices != null || scale) {
            chosen = new JComboBox<>(scale ? new String[] {"1", "auto"} : f.choices.toArray(new String[0]));
            chosen.setEditable(scale);
            chosen.setPrototypeDisplayValue("reflect-square");
            typed = scale ? (JTextComponent) chosen.getEditor().getEditorComponent() : null;
            editor = chosen;
            if (!scale)
                chosen.addActionListener(e -> say(edited, String.valueOf(chosen.getSelectedItem())));
        } else {
            chosen = null;
            typed = new JTextField(10);
            editor = typed;
        }
        if (typed != null)
            typed.getDocument().addDocumentListener(Ui.onChange(() -> say(edited, typed.getText())));
        (typed != null ? typed : editor).setName(f.key);
        String tip = Ui.tip(f.help + (f.choices == null && !f.hint.isEmpty() ? " Written as " + f.hint + "." : "")
                + "\nMacro key: " + f.key);
        for (Component c : new Component[] {label, editor, typed})
            if (c instanceof JComponent)
                ((JComponent) c).setToolTipText(tip);
        label.setLabelFor(editor);
        problem.setForeground(Ui.errorColour());
        problem.setName(f.key + ".problem");
        problem.setVisible(false);
        line = wide ? editor : beside(f.key, editor);
        add(line, BorderLayout.CENTER);
        add(problem, BorderLayout.SOUTH);
    }

    private JPanel beside(String key, JComponent editor) {
        note.setForeground(Ui.quietColour());
        note.setName(key + ".note");
        JPanel panel = Ui.aligned(new BorderLayout(Ui.px(10), 0), editor);
        JPanel middle = new JPanel(new GridBagLayout());
        middle.add(note, new GridBagConstraints(0, 0, 1, 1, 1, 1, GridBagConstraints.CENTER,
                GridBagConstraints.HORIZONTAL, new Insets(0, 0, 0, 0), 0, 0));
        panel.add(editor, BorderLayout.WEST);
        panel.add(middle, BorderLayout.CENTER);
        return panel;
    }

    /** A quiet word beside a narrow field. */
    void note(String words) {
        note.setText(words);
    }

    /** That of the editor, so that labels stand on one line with what is in it. */
    @Override public int getBaseline(int width, int height) {
        return line.getBaseline(width, line.getPreferredSize().height);
    }

    @Override public BaselineResizeBehavior getBaselineResizeBehavior() {
        return BaselineResizeBehavior.CONSTANT_ASCENT;
    }

    private void say(Consumer<String> edited, String text) {
        if (!filling)
            edited.accept(text);
    }

    /** Show a value that nobody typed. */
    void fill(String value, boolean changed) {
        filling = true;
        String now = typed != null ? typed.getText() : String.valueOf(chosen.getSelectedItem());
        if (!now.equals(value)) {
            if (typed != null) {
                typed.setText(value);
                typed.setCaretPosition(0);
            } else {
                chosen.setSelectedItem(value);
            }
        }
        filling = false;
        mark(changed);
    }

    /** Bold where it is not the model's own value. */
    void mark(boolean changed) {
        label.setFont(label.getFont().deriveFont(changed ? Font.BOLD : Font.PLAIN));
    }

    /** @param words null: nothing is wrong */
    void problem(String words) {
        problem.setText(words == null ? "" : words);
        problem.setVisible(words != null);
    }
}
