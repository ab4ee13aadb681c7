// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.Insets;
import java.awt.Rectangle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JDialog;
import javax.swing.JEditorPane;
import javax.swing.JList;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.ListSelectionModel;
import javax.swing.event.HyperlinkEvent;
import javax.swing.text.html.HTMLEditorKit;

import ij.IJ;
import ij.gui.GUI;
import ij.plugin.BrowserLauncher;
import ij.plugin.PlugIn;

/**
 * Menu entry: the help pages, which are inside the jar and need no network. Without a display they go to the console.
 */
public class Help implements PlugIn {
    private static Help open;           /* one window; the event thread's */

    private JDialog window;
    private JList<String> contents;
    private JEditorPane page;

    /** @param arg  name of a page; empty: the first */
    @Override public void run(String arg) {
        open(arg);
    }

    /** Show a page, from any thread. */
    static void open(String name) {
        String page = HelpPages.NAMES.contains(name) ? name : HelpPages.NAMES.get(0);
        if (Ui.headless()) {
            System.out.println(HelpPages.plain(page));
            return;
        }
        Ui.onEventThread(() -> {
            if (open == null || !open.window.isDisplayable()) {
                open = new Help();
                open.build();
            }
            open.show(page);
        });
    }

    private void build() {
        window = new JDialog(IJ.getInstance(), "Segment Instances (PEA): Help", false);
        window.setName("pea.help");
        Ui.icons(window);
        contents = new JList<>(HelpPages.titles());
        contents.setName("contents");
        contents.setSelectionMode(ListSelectionModel.SINGLE_SELECTION);
        contents.setFixedCellHeight(Ui.px(26));
        contents.setBorder(BorderFactory.createEmptyBorder(Ui.px(6), Ui.px(8), Ui.px(6), Ui.px(8)));
        contents.addListSelectionListener(e -> {
            if (!e.getValueIsAdjusting() && contents.getSelectedIndex() >= 0)
                load(HelpPages.NAMES.get(contents.getSelectedIndex()));
        });
        page = new JEditorPane();
        page.setName("page");
        page.setEditable(false);
        page.setMargin(new Insets(Ui.px(6), Ui.px(16), Ui.px(12), Ui.px(16)));
        page.setEditorKit(new HTMLEditorKit());
        page.addHyperlinkListener(e -> {
            if (e.getEventType() == HyperlinkEvent.EventType.ACTIVATED)
                follow(e.getDescription());
        });
        JScrollPane right = new JScrollPane(page), left = new JScrollPane(contents);
        left.setBorder(BorderFactory.createMatteBorder(0, 0, 0, 1, Ui.quietColour()));
        right.setBorder(null);
        JButton browser = new JButton("Open in browser"), close = new JButton("Close");
        browser.setName("browser");
        close.setName("close");
        browser.addActionListener(e -> browse());
        close.addActionListener(e -> window.dispose());
        JPanel buttons = new JPanel();
        buttons.setLayout(new BoxLayout(buttons, BoxLayout.X_AXIS));
        buttons.setBorder(BorderFactory.createEmptyBorder(Ui.px(8), Ui.px(14), Ui.px(12), Ui.px(14)));
        for (Component c : new Component[] {browser, Box.createHorizontalGlue(), close})
            buttons.add(c);
        window.add(left, BorderLayout.WEST);
        window.add(right, BorderLayout.CENTER);
        window.add(buttons, BorderLayout.SOUTH);
        window.getRootPane().setDefaultButton(close);
        Ui.onEscape(window.getRootPane(), window::dispose);
        Ui.fonts(window);
        window.pack();
        Rectangle most = GUI.getMaxWindowBounds(window);
        window.setSize(new Dimension(Math.min(Ui.px(820), most.width), Math.min(Ui.px(600), most.height)));
        GUI.centerOnImageJScreen(window);
    }

    private void show(String name) {
        contents.setSelectedIndex(HelpPages.NAMES.indexOf(name));
        window.setVisible(true);
        window.toFront();
    }

    private void load(String name) {
        page.setText(HelpPages.html(name, Ui.px(12)));
        page.setCaretPosition(0);
    }

    private void follow(String link) {
        String name = link.replaceAll("\\.html.*", "");
        if (HelpPages.NAMES.contains(name))
            contents.setSelectedIndex(HelpPages.NAMES.indexOf(name));
        else
            IJ.runPlugIn("ij.plugin.BrowserLauncher", link);
    }

    /** All pages into a temporary folder, so that their links work there too. */
    private void browse() {
        try {
            Path folder = Files.createTempDirectory("pea-help");
            folder.toFile().deleteOnExit();
            for (String name : HelpPages.NAMES) {
                Path file = folder.resolve(name + ".html");
                file.toFile().deleteOnExit();
                Files.write(file, HelpPages.html(name, 16).getBytes(StandardCharsets.UTF_8));
            }
            String shown = HelpPages.NAMES.get(Math.max(0, contents.getSelectedIndex()));
            BrowserLauncher.openURL(folder.resolve(shown + ".html").toUri().toString());
        } catch (IOException | RuntimeException e) {
            IJ.error("Help", "no browser could be opened: " + Ui.words(e));
        }
    }
}
