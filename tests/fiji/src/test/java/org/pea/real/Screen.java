// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.AWTException;
import java.awt.Button;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Frame;
import java.awt.Label;
import java.awt.Menu;
import java.awt.MenuBar;
import java.awt.MenuItem;
import java.awt.Point;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.TextArea;
import java.awt.Window;
import java.awt.event.ActionEvent;
import java.awt.event.InputEvent;
import java.awt.event.KeyEvent;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import javax.imageio.ImageIO;
import javax.swing.AbstractButton;
import javax.swing.text.JTextComponent;

import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.macro.Interpreter;

/** The real ImageJ on a screen, and a person in front of it. */
final class Screen {
    final ImageJ imagej;
    private final Robot robot;

    private Screen(ImageJ imagej, Robot robot) {
        this.imagej = imagej;
        this.robot = robot;
    }

    /** Skips the test where there is no display. */
    static Screen start(Path fiji) throws AWTException {
        assumeTrue(System.getenv("DISPLAY") != null, "there is no display: run it under Xvfb");
        System.setProperty("plugins.dir", fiji.toString());
        Robot robot = new Robot();
        robot.setAutoDelay(20);
        ImageJ imagej = new ImageJ();
        imagej.exitWhenQuitting(false);
        return new Screen(imagej, robot);
    }

    // ---- what a person does ----

    /** Choose a menu entry, as a click on it does. */
    void choose(String... path) {
        MenuItem item = menuItem(path);
        assertNotNull(item, "there is no menu entry " + String.join(" > ", path));
        EventQueue.invokeLater(() -> item.dispatchEvent(
            new ActionEvent(item, ActionEvent.ACTION_PERFORMED, item.getActionCommand())));
    }

    MenuItem menuItem(String... path) {
        MenuBar bar = imagej.getMenuBar() != null ? imagej.getMenuBar() : ij.Menus.getMenuBar();
        Menu menu = null;
        for (int i = 0; i < bar.getMenuCount(); i++)
            if (bar.getMenu(i).getLabel().equals(path[0]))
                menu = bar.getMenu(i);
        MenuItem found = menu;
        for (int depth = 1; depth < path.length && found != null; depth++) {
            Menu in = (Menu) found;
            found = null;
            for (int i = 0; i < in.getItemCount(); i++)
                if (in.getItem(i).getLabel().equals(path[depth]))
                    found = in.getItem(i);
        }
        return found;
    }

    void key(int code) {
        robot.keyPress(code);
        robot.keyRelease(code);
    }

    /** Give ImageJ's main window the keyboard, by a click on its status bar. */
    void clickStatusBar() {
        EventQueue.invokeLater(imagej::toFront);
        robot.waitForIdle();
        Point corner = imagej.getLocationOnScreen();
        robot.mouseMove(corner.x + 20, corner.y + imagej.getHeight() - 6);
        robot.mousePress(InputEvent.BUTTON1_DOWN_MASK);
        robot.mouseRelease(InputEvent.BUTTON1_DOWN_MASK);
        await("ImageJ has the keyboard", 5, imagej::isFocused);
    }

    void escape() {
        key(KeyEvent.VK_ESCAPE);
    }

    /** Press a button by its label, as a click does. */
    void press(Window in, String label) {
        for (Component c : all(in)) {
            if (c instanceof Button && ((Button) c).getLabel().trim().equals(label)) {
                click(c);
                return;
            }
            if (c instanceof AbstractButton && label.equals(((AbstractButton) c).getText())) {
                click(c);
                return;
            }
        }
        fail("there is no button " + label + " in " + describe(in));
    }

    void click(Component c) {
        await("the button can be pressed", 20, () -> c.isShowing() && c.isEnabled());
        Point corner, before;
        do { // windows grow while they are filled
            before = c.getLocationOnScreen();
            robot.waitForIdle();
            pause(200);
            corner = c.getLocationOnScreen();
        } while (!corner.equals(before));
        robot.mouseMove(corner.x + c.getWidth() / 2, corner.y + c.getHeight() / 2);
        robot.mousePress(InputEvent.BUTTON1_DOWN_MASK);
        robot.mouseRelease(InputEvent.BUTTON1_DOWN_MASK);
    }

    /** Drag the mouse from one point of a component to another. */
    void drag(Component c, int x0, int y0, int x1, int y1) {
        robot.waitForIdle();
        Point corner = c.getLocationOnScreen();
        robot.mouseMove(corner.x + x0, corner.y + y0);
        robot.mousePress(InputEvent.BUTTON1_DOWN_MASK);
        for (int i = 1; i <= 10; i++)
            robot.mouseMove(corner.x + x0 + (x1 - x0) * i / 10, corner.y + y0 + (y1 - y0) * i / 10);
        robot.mouseRelease(InputEvent.BUTTON1_DOWN_MASK);
    }

    /* A window that has just opened is still laid out, moved, and filled. */
    private Point restingPlace(Component c) {
        Point[] before = {new Point(-1, -1)};
        return await("the button stays where it is", 20, () -> {
            pause(250);
            robot.waitForIdle();
            Point now = c.getLocationOnScreen(), last = before[0];
            before[0] = now;
            return now.equals(last) ? now : null;
        });
    }

    // ---- what a person sees ----

    Dialog dialog(String title) {
        return await("a dialog \"" + title + "\"", 20, () -> {
            for (Window w : Window.getWindows())
                if (w instanceof Dialog && w.isShowing() && title.equals(((Dialog) w).getTitle()))
                    return (Dialog) w;
            return null;
        });
    }

    Frame frame(String title) {
        return await("a window \"" + title + "\"", 20, () -> {
            for (Window w : Window.getWindows())
                if (w instanceof Frame && w.isShowing() && ((Frame) w).getTitle().startsWith(title))
                    return (Frame) w;
            return null;
        });
    }

    static Component named(Container in, String name) {
        for (Component c : all(in))
            if (name.equals(c.getName()))
                return c;
        return fail("nothing is called " + name + " in " + describe(in));
    }

    /** Everything that can be read in a window. */
    static String text(Container in) {
        StringBuilder text = new StringBuilder();
        for (Component c : all(in)) {
            if (c instanceof Label)
                text.append(((Label) c).getText());
            else if (c instanceof ij.gui.MultiLineLabel)
                text.append(lines(c));
            else if (c instanceof TextArea)
                text.append(((TextArea) c).getText());
            else if (c instanceof javax.swing.JLabel)
                text.append(((javax.swing.JLabel) c).getText());
            else if (c instanceof JTextComponent)
                text.append(((JTextComponent) c).getText());
            else
                continue;
            text.append('\n');
        }
        return text.toString();
    }

    /* ImageJ's label shows its text to people only. */
    private static String lines(Component label) {
        try {
            java.lang.reflect.Field lines = ij.gui.MultiLineLabel.class.getDeclaredField("lines");
            lines.setAccessible(true);
            return String.join(" ", (String[]) lines.get(label));
        } catch (ReflectiveOperationException e) {
            return label.toString();
        }
    }

    static List<Component> all(Container in) {
        List<Component> found = new ArrayList<>();
        for (Component c : in.getComponents()) {
            found.add(c);
            if (c instanceof Container)
                found.addAll(all((Container) c));
        }
        return found;
    }

    private static String describe(Container in) {
        List<String> names = new ArrayList<>();
        for (Component c : all(in))
            names.add(c.getClass().getSimpleName() + ":" + c.getName()
                      + (c instanceof Button ? "=" + ((Button) c).getLabel() : "")
                      + (c instanceof AbstractButton ? "=" + ((AbstractButton) c).getText() : ""));
        return in.getClass().getName() + names;
    }

    /** An image by its title, once it is shown. */
    ImagePlus image(String title) {
        return await("an image \"" + title + "\"; there are " + titles(), 60, () -> WindowManager.getImage(title));
    }

    static List<String> titles() {
        List<String> titles = new ArrayList<>();
        int[] ids = WindowManager.getIDList();
        for (int i = 0; ids != null && i < ids.length; i++)
            titles.add(WindowManager.getImage(ids[i]).getTitle());
        return titles;
    }

    /** Nobody works any more: no plugin's thread, no macro's. */
    void awaitIdle() {
        try {
            await("ImageJ is idle", 30, () -> threads("Run$_").isEmpty());
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; at work: " + threads("Run$_"), e);
        }
        pause(200);
    }

    static List<String> threads(String prefix) {
        List<String> names = new ArrayList<>();
        Thread.getAllStackTraces().forEach((t, stack) -> {
            if (t.getName().startsWith(prefix) && t != Thread.currentThread()) // ImageJ renames whoever runs a macro
                names.add(t.getName() + " " + java.util.Arrays.asList(stack));
        });
        return names;
    }

    // ---- screenshots ----

    /** For people to look at: build/screenshots/NAME.png, these windows as they lie on the screen. */
    void shoot(String name, Window... windows) throws IOException {
        robot.waitForIdle();
        pause(400);
        Rectangle area = new Rectangle(windows[0].getBounds());
        for (Window w : windows)
            area = area.union(w.getBounds());
        BufferedImage shot = robot.createScreenCapture(area.intersection(new Rectangle(0, 0, 4000, 4000)));
        File file = new File(System.getProperty("pea.screenshots"), name + ".png");
        file.getParentFile().mkdirs();
        assertEquals(true, ImageIO.write(shot, "png", file));
    }

    /** The same with the second window moved to the right of the first. */
    void shootBesides(String name, Window left, Window right) throws IOException {
        EventQueue.invokeLater(() -> {
            left.setLocation(0, 0);
            right.setLocation(left.getWidth(), 0);
            left.toFront();
            right.toFront();
            left.repaint();
        });
        pause(500);
        shoot(name, left, right);
    }

    /** So that every test finds ImageJ as if it had just been started. */
    void tidy() {
        for (int i = 0; i < 100 && !threads("Run$_").isEmpty(); i++) { // whatever still works or asks
            for (Window w : Window.getWindows())
                if (w instanceof Dialog && w.isShowing())
                    w.dispatchEvent(new java.awt.event.WindowEvent(w, java.awt.event.WindowEvent.WINDOW_CLOSING));
            Interpreter.abort();
            IJ.setKeyDown(KeyEvent.VK_ESCAPE);
            pause(100);
        }
        int[] ids = WindowManager.getIDList();
        for (int i = 0; ids != null && i < ids.length; i++) {
            ImagePlus image = WindowManager.getImage(ids[i]);
            image.changes = false;
            image.unlock();
            image.close();
        }
        for (Window w : Window.getWindows())
            if (w.isShowing() && !(w instanceof ImageJ))
                w.dispose();
        IJ.resetEscape();
    }

    // ---- waiting ----

    static void await(String what, int seconds, BooleanSupplier condition) {
        await(what, seconds, () -> condition.getAsBoolean() ? Boolean.TRUE : null);
    }

    static <T> T await(String what, int seconds, Supplier<T> condition) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (System.nanoTime() < until) {
            T found = condition.get();
            if (found != null)
                return found;
            pause(20);
        }
        return fail("waited " + seconds + " s in vain: " + what + "; windows: " + windows());
    }

    private static List<String> windows() {
        List<String> list = new ArrayList<>();
        for (Window w : Window.getWindows())
            if (w.isShowing())
                list.add(w.getClass().getSimpleName() + " \"" + (w instanceof Dialog ? ((Dialog) w).getTitle()
                         : w instanceof Frame ? ((Frame) w).getTitle() : "") + "\" " + text(w).replace('\n', ' '));
        return list;
    }

    static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
