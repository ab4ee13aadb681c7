// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dimension;
import java.awt.EventQueue;
import java.awt.Font;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.GraphicsEnvironment;
import java.awt.LayoutManager;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.Window;
import java.awt.event.ActionEvent;
import java.awt.event.KeyEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import javax.swing.AbstractAction;
import javax.swing.Box;
import javax.swing.Icon;
import javax.swing.ImageIcon;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JPanel;
import javax.swing.JRootPane;
import javax.swing.JTextArea;
import javax.swing.KeyStroke;
import javax.swing.UIManager;
import javax.swing.event.DocumentEvent;
import javax.swing.event.DocumentListener;

import ij.IJ;
import ij.Prefs;
import ij.gui.GUI;

/** What all our windows share: sizes that follow ImageJ's scale, colours, wrapped text, keys, threads. */
final class Ui {
    private Ui() {}

    /** Whether there is nobody to ask. */
    static boolean headless() {
        return GraphicsEnvironment.isHeadless();
    }

    /** Pixels of a length that was chosen for ImageJ's normal size. */
    static int px(int length) {
        return (int) Math.round(length * Prefs.getGuiScale());
    }

    private static final String DONE = "pea.font", BOLD = "pea.bold";

    /**
     * Text in the size that the user chose in Edit > Options > Appearance, and plain: Java's own look makes all bold,
     * and then nothing stands out. What was seen to already stays as it is.
     */
    static void fonts(Component c) {
        if (c instanceof JComponent && ((JComponent) c).getClientProperty(DONE) == null && c.getFont() != null) {
            JComponent j = (JComponent) c;
            j.putClientProperty(DONE, true);
            j.setFont(c.getFont().deriveFont(j.getClientProperty(BOLD) == null ? Font.PLAIN : Font.BOLD,
                    (float) (c.getFont().getSize2D() * Prefs.getGuiScale())));
        }
        if (c instanceof Container && !(c instanceof JComboBox))    /* its parts follow it by themselves */
            for (Component child : ((Container) c).getComponents())
                fonts(child);
    }

    static JComponent bold(JComponent c) {
        c.putClientProperty(BOLD, true);
        return c;
    }

    private static boolean dark() {
        Color c = UIManager.getColor("Panel.background");
        return c != null && c.getRed() + c.getGreen() + c.getBlue() < 3 * 128;
    }

    static Color errorColour() {
        return dark() ? new Color(0xff8a80) : new Color(0xb00020);
    }

    static Color quietColour() {
        return dark() ? new Color(0xb0b0b0) : new Color(0x555555);
    }

    /** Text that wraps at the width it is given; a label cannot. */
    static JTextArea wrapped(String text, int width) {
        JTextArea area = new JTextArea(text) {
            @Override public Dimension getPreferredSize() {     /* as high as its width wants, but never wider */
                return new Dimension(Math.min(px(width), Math.max(1, getWidth())), super.getPreferredSize().height);
            }

            @Override public Dimension getMinimumSize() {
                return new Dimension(1, getPreferredSize().height);
            }
        };
        area.setLineWrap(true);
        area.setWrapStyleWord(true);
        area.setEditable(false);
        area.setFocusable(false);
        area.setOpaque(false);
        area.setBorder(null);
        area.setFont(UIManager.getFont("Label.font"));
        area.setForeground(UIManager.getColor("Label.foreground"));
        area.setSize(px(width), 1);     /* its height is counted from its width */
        return area;
    }

    static Component gap(int height) {
        return Box.createVerticalStrut(px(height));
    }

    /** Not wider than it wants to be. */
    static JComponent left(JComponent c) {
        JPanel panel = new JPanel(new BorderLayout());
        panel.add(c, BorderLayout.WEST);
        return panel;
    }

    /** For a column of components. */
    static Component leftAligned(Component c) {
        if (c instanceof JComponent)
            ((JComponent) c).setAlignmentX(Component.LEFT_ALIGNMENT);
        return c;
    }

    /** A panel whose text stands on one line with labels beside it, as that of one of its parts does. */
    static JPanel aligned(LayoutManager layout, JComponent part) {
        return new JPanel(layout) {
            @Override public int getBaseline(int width, int height) {
                Dimension wanted = part.getPreferredSize();
                return part.getBaseline(wanted.width, wanted.height);
            }

            @Override public BaselineResizeBehavior getBaselineResizeBehavior() {
                return BaselineResizeBehavior.CONSTANT_ASCENT;
            }
        };
    }

    /** Lines of at most so many letters: ImageJ's messages do not wrap. */
    static String folded(String text, int letters) {
        StringBuilder out = new StringBuilder();
        for (String line : text.split("\n", -1)) {
            int length = 0;
            for (String word : line.split(" ")) {
                boolean fits = length == 0 || length + 1 + word.length() <= letters;
                out.append(length == 0 ? "" : fits ? " " : "\n").append(word);
                length = fits && length > 0 ? length + 1 + word.length() : word.length();
            }
            out.append('\n');
        }
        return out.substring(0, out.length() - 1);
    }

    /** Tooltips wrap only where they are HTML. */
    static String tip(String text) {
        return text == null || text.isEmpty() ? null
                : "<html><div style='width:" + 260 + "px'>" + html(text) + "</div></html>";
    }

    static String html(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>");
    }

    /** Run when this key is pressed anywhere in the window. */
    static void onKey(JRootPane root, int key, Runnable action) {
        String name = "pea." + key;
        root.getInputMap(JComponent.WHEN_IN_FOCUSED_WINDOW).put(KeyStroke.getKeyStroke(key, 0), name);
        root.getActionMap().put(name, new AbstractAction() {
            @Override public void actionPerformed(ActionEvent e) {
                action.run();
            }
        });
    }

    static void onEscape(JRootPane root, Runnable action) {
        onKey(root, KeyEvent.VK_ESCAPE, action);
    }

    static DocumentListener onChange(Runnable action) {
        return new DocumentListener() {
            @Override public void insertUpdate(DocumentEvent e) {
                action.run();
            }

            @Override public void removeUpdate(DocumentEvent e) {
                action.run();
            }

            @Override public void changedUpdate(DocumentEvent e) {
                action.run();
            }
        };
    }

    /** Do it on the event thread and wait, from whatever thread. */
    static void onEventThread(Runnable action) {
        if (EventQueue.isDispatchThread()) {
            action.run();
            return;
        }
        try {
            EventQueue.invokeAndWait(action);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException)
                throw (RuntimeException) e.getCause();
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Make the window as large as its content wants, where the screen has room; never smaller than it is. */
    static void grow(Window window) {
        Dimension wanted = window.getPreferredSize();
        Rectangle screen = GUI.getMaxWindowBounds(window);
        int width = Math.min(Math.max(window.getWidth(), wanted.width), screen.width);
        int height = Math.min(Math.max(window.getHeight(), wanted.height), screen.height);
        int x = Math.max(screen.x, Math.min(window.getX(), screen.x + screen.width - width));
        int y = Math.max(screen.y, Math.min(window.getY(), screen.y + screen.height - height));
        window.setBounds(x, y, width, height);
        window.validate();
    }

    /** Window icons of all sizes. */
    static void icons(Window window) {
        List<java.awt.Image> images = new ArrayList<>();
        for (int size : new int[] {16, 32, 64}) {
            URL url = Ui.class.getResource("icons/pea-" + size + ".png");
            if (url != null)
                images.add(new ImageIcon(url).getImage());
        }
        window.setIconImages(images);
    }

    /** A text file that lies beside this class in the jar. */
    static String resource(String name) {
        try (InputStream in = Ui.class.getResourceAsStream(name)) {
            if (in == null)
                throw new IllegalStateException("the plugin's jar lacks " + name + "; install it again");
            BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            StringBuilder text = new StringBuilder();
            for (String line = reader.readLine(); line != null; line = reader.readLine())
                text.append(line).append('\n');
            return text.toString();
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + name + " of the plugin's jar: " + e.getMessage(), e);
        }
    }

    /** One line to the log where there is a window for it, to standard output where there is none. */
    static void say(String text) {
        if (headless())
            System.out.println(text);
        else
            IJ.log(text);
    }

    /** What an exception says, also where it has no message of its own. */
    static String words(Throwable e) {
        String message = e.getMessage();
        if (e instanceof OutOfMemoryError)
            return "Java has no memory left: raise it in Edit > Options > Memory & Threads, or take fewer slices";
        return message == null || message.isEmpty() ? e.toString() : message;
    }

    /** A triangle that points right where something is folded and down where it is open. */
    static Icon triangle(boolean open) {
        return new Drawing(10) {
            @Override void draw(Graphics2D g, int size) {
                int a = size / 5, b = size - a, m = size / 2;
                if (open)
                    g.fillPolygon(new int[] {a, b, m}, new int[] {a + 1, a + 1, b}, 3);
                else
                    g.fillPolygon(new int[] {a + 1, a + 1, b}, new int[] {a, b, m}, 3);
            }
        };
    }

    /** A disc with a sign in it: "i" for a note, "!" for a warning or a refusal. */
    static Icon sign(boolean serious, boolean refusal) {
        return new Drawing(16) {
            @Override void draw(Graphics2D g, int size) {
                g.setColor(refusal ? new Color(0xb00020) : serious ? new Color(0xc77700) : new Color(0x2f6fb3));
                g.fillOval(0, 0, size - 1, size - 1);
                g.setColor(Color.WHITE);
                int w = Math.max(2, size / 8), x = (size - 1) / 2 - w / 2 + (w % 2 == 0 ? 1 : 0);
                if (serious || refusal) {
                    g.fillRect(x, size / 5, w, size * 2 / 5);
                    g.fillRect(x, size * 7 / 10, w, w);
                } else {
                    g.fillRect(x, size / 5, w, w);
                    g.fillRect(x, size * 2 / 5, w, size * 2 / 5);
                }
            }
        };
    }

    private abstract static class Drawing implements Icon {
        private final int size;

        Drawing(int size) {
            this.size = px(size);
        }

        abstract void draw(Graphics2D g, int extent);

        @Override public void paintIcon(Component c, Graphics graphics, int x, int y) {
            Graphics2D g = (Graphics2D) graphics.create(x, y, size, size);
            g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            g.setColor(c.getForeground());
            draw(g, size);
            g.dispose();
        }

        @Override public int getIconWidth() {
            return size;
        }

        @Override public int getIconHeight() {
            return size;
        }
    }
}
