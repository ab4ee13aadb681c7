// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Toolkit;
import java.awt.datatransfer.StringSelection;

import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JDialog;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.JTextArea;

import org.pea.Pea;

import ij.IJ;
import ij.gui.GUI;
import ij.plugin.PlugIn;

/** Menu entry: is everything there? A window; within a macro the log, without a display standard output. */
public class CheckInstallation implements PlugIn {
    private JDialog window;
    private final JTextArea text = new JTextArea(22, 96);
    private final JButton again = new JButton("Try again");

    @Override public void run(String arg) {
        if (Ui.headless() || IJ.isMacro()) {
            Ui.say(InstallationReport.make().text());
            return;
        }
        Ui.onEventThread(this::open);
        look();
    }

    /** Not on the event thread: takes a second. */
    private void look() {
        Ui.onEventThread(() -> {
            text.setText("Looking ...");
            again.setEnabled(false);
        });
        String found = text();
        Ui.onEventThread(() -> {
            text.setText(found);
            text.setCaretPosition(0);
            again.setEnabled(true);
        });
    }

    private static String text() {
        try {
            return InstallationReport.make().text();
        } catch (RuntimeException | LinkageError e) {
            return "The check itself failed: " + Ui.words(e);
        }
    }

    private void open() {
        window = new JDialog(IJ.getInstance(), "Check Installation", false);
        window.setName("pea.check");
        Ui.icons(window);
        text.setName("report");
        text.setEditable(false);
        text.setLineWrap(true);
        text.setFont(new Font(Font.MONOSPACED, Font.PLAIN, text.getFont().getSize()));
        text.setMargin(new java.awt.Insets(Ui.px(8), Ui.px(8), Ui.px(8), Ui.px(8)));
        JButton copy = new JButton("Copy"), help = new JButton("Help"), close = new JButton("Close");
        copy.setName("copy");
        again.setName("again");
        help.setName("help");
        close.setName("close");
        again.setToolTipText(Ui.tip("Look again. If the library crashed while it was loaded before, that is"
                + " forgotten and"
                + " it is loaded once more."));
        copy.addActionListener(e -> Toolkit.getDefaultToolkit().getSystemClipboard()
                .setContents(new StringSelection(text.getText()), null));
        again.addActionListener(e -> tryAgain());
        help.addActionListener(e -> Help.open("trouble"));
        close.addActionListener(e -> window.dispose());
        JPanel buttons = new JPanel();
        buttons.setLayout(new BoxLayout(buttons, BoxLayout.X_AXIS));
        buttons.setBorder(BorderFactory.createEmptyBorder(Ui.px(8), Ui.px(14), Ui.px(12), Ui.px(14)));
        for (Component c : new Component[] {help, Box.createHorizontalStrut(Ui.px(6)), again,
                Box.createHorizontalGlue(), copy, Box.createHorizontalStrut(Ui.px(6)), close})
            buttons.add(c);
        window.add(new JScrollPane(text), BorderLayout.CENTER);
        window.add(buttons, BorderLayout.SOUTH);
        window.getRootPane().setDefaultButton(close);
        Ui.onEscape(window.getRootPane(), window::dispose);
        Ui.fonts(window);
        window.pack();
        Dimension most = GUI.getMaxWindowBounds(window).getSize();
        window.setSize(Math.min(window.getWidth(), most.width), Math.min(window.getHeight(), most.height));
        GUI.centerOnImageJScreen(window);
        window.setVisible(true);
    }

    private void tryAgain() {
        Thread thread = new Thread(() -> {
            if (!Pea.isLoaded())
                Pea.forgetCrash();
            look();
        }, "PEA check");
        thread.setDaemon(true);
        thread.start();
    }
}
