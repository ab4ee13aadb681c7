// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Component;
import java.awt.Font;
import java.util.function.Consumer;

import javax.swing.JComboBox;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextArea;
import javax.swing.JTextField;
import javax.swing.text.JTextComponent;

/** One field of a form with its label, and below it, in red, what is wrong with it. */
final class FieldRow extends JPanel {
    final JLabel label;
    private final JTextComponent typed;         /* null: one of a list is chosen */
    private final JComboBox<String> chosen;     /* null: free text alone */
    private final JTextArea problem = Ui.wrapped("", 200);
    private boolean filling;                    /* by us, not by a person */

    FieldRow(SettingsForm.Field f, Consumer<String> edited) {
        super(new BorderLayout());
        label = new JLabel(f.label);
        Component editor;
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
            if (c instanceof javax.swing.JComponent)
                ((javax.swing.JComponent) c).setToolTipText(tip);
        label.setLabelFor(editor);
        problem.setForeground(Ui.errorColour());
        problem.setName(f.key + ".problem");
        problem.setVisible(false);
        add(editor, BorderLayout.CENTER);
        add(problem, BorderLayout.SOUTH);
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
