// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.GridBagLayout;

import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextArea;
import javax.swing.SwingConstants;

/** One difference between image and model: a sign, the words, and a button for the fix where there is one. */
final class MessageRow extends JPanel {
    private static final long serialVersionUID = 1;

    MessageRow(Fit.Message message, int width, Runnable apply) {
        super(new BorderLayout(Ui.px(8), 0));
        setBorder(BorderFactory.createEmptyBorder(0, 0, Ui.px(6), 0));
        setAlignmentX(LEFT_ALIGNMENT);
        boolean refusal = message.kind == Fit.Kind.REFUSAL;
        JLabel sign = new JLabel(Ui.sign(message.kind != Fit.Kind.NOTE, refusal));
        sign.setVerticalAlignment(SwingConstants.TOP);
        sign.getAccessibleContext().setAccessibleName(message.kind.name().toLowerCase(java.util.Locale.ROOT));
        JTextArea words = Ui.wrapped(message.words, 360);
        words.setName("message");
        add(sign, BorderLayout.WEST);
        add(words, BorderLayout.CENTER);
        if (message.key == null)
            return;
        JButton button = new JButton("Apply " + message.key + "=" + message.value);
        button.setName("apply." + message.key);
        button.addActionListener(e -> apply.run());
        JPanel right = new JPanel(new GridBagLayout());
        right.add(button);
        add(right, BorderLayout.EAST);
    }
}
