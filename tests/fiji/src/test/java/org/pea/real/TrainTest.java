// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Frame;
import java.awt.Window;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

import javax.swing.JComboBox;
import javax.swing.JTextField;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.plugin.frame.Recorder;
import ij.plugin.frame.RoiManager;

/** A person teaches a network in the real ImageJ. No test asks how good it becomes, or how fast. */
class TrainTest {
    private static final String[] ENTRY = {"Plugins", "Segmentation", "PEA", "Train or Fine-tune..."};
    private static final String TITLE = "Train or Fine-tune";
    private static final int LONG = 300; // seconds that a busy machine may take for some steps and scores
    @TempDir static Path folder;
    private static Screen screen;

    @BeforeAll static void start() throws Exception {
        screen = Screen.start(Fiji.assemble(folder.resolve("Fiji")));
    }

    @AfterEach void tidy() {
        RoiManager manager = RoiManager.getInstance2();
        if (manager != null)
            manager.reset();
        screen.tidy();
    }

    private static ImagePlus open(String id, boolean labels) {
        Path file = Fiji.image(id);
        ImagePlus image = Images.open(labels ? file.resolveSibling(id + "_labels.tif") : file);
        image.show();
        return image;
    }

    private static void set(Dialog dialog, String field, String value) throws Exception {
        java.awt.Component c = Screen.named(dialog, field);
        EventQueue.invokeAndWait(() -> {
            if (c instanceof JComboBox)
                ((JComboBox<?>) c).setSelectedItem(value);
            else
                ((JTextField) c).setText(value);
        });
    }

    private static Path model(String name) {
        return folder.resolve("Fiji/models").resolve(name + ".safetensors");
    }

    /** Fields for some steps that take little. */
    private static void quick(Dialog dialog, String name, String validate) throws Exception {
        String[] fields = {"name", name, "side", "48", "batch", "1", "time", "30m", "validate", validate, "threads", "2"};
        for (int i = 0; i < fields.length; i += 2)
            set(dialog, fields[i], fields[i + 1]);
    }

    private static String text(Frame window, String name) {
        return ((javax.swing.text.JTextComponent) Screen.named(window, name)).getText();
    }

    /** The window says what came out. */
    private static void awaitEnd(Frame window, String words) {
        Screen.await("training ends: " + words, LONG, () -> text(window, "now").contains(words));
        screen.awaitIdle();
    }

    @Test void a_small_network_learns_from_open_images_and_is_stopped() throws Exception {
        Recorder recorder = new Recorder();
        for (String id : Fiji.NUCLEI) {
            open(id, true);
            open(id, false);
        }
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        assertEquals("All open images with labels", ((JTextField) ((JComboBox<?>) data(dialog)).getEditor()
            .getEditorComponent()).getText());
        set(dialog, "time", "2h");
        Screen.await("a forecast", LONG, () -> Screen.text(dialog).matches("(?s).*Needs up to .* steps of .*"));
        EventQueue.invokeAndWait(() -> dialog.setLocation(0, 0));
        screen.shoot("train-dialog", dialog);
        quick(dialog, "mine", "5");
        set(dialog, "side", System.getProperty("pea.train.side", "48"));
        set(dialog, "from", System.getProperty("pea.train.from", "a new network"));
        Screen.await("a forecast", LONG, () -> Screen.text(dialog).matches("(?s).*Needs up to .* steps of .*"));
        screen.press(dialog, "OK");
        Frame window = screen.frame("Training mine");
        awaitScore(window, 5 * Integer.getInteger("pea.train.scores", 1));
        assertTrue(Screen.text(window).contains("A validation image at step"), Screen.text(window));
        screen.shoot("train", window);
        screen.press(window, "Stop and keep best");
        awaitEnd(window, "The model \"mine\" is ready");
        assertTrue(Files.exists(model("mine")));
        assertTrue(Files.exists(model("mine").resolveSibling("mine.training/state.safetensors")));
        screen.press(window, "Close");
        String recorded = recorder.getText();
        Recorder.record = false;
        recorder.close();
        assertTrue(recorded.contains("run(\"Train or Fine-tune...\"") && recorded.contains("name=mine")
            && recorded.contains(Fiji.NUCLEI[0] + "_image.tif=" + Fiji.NUCLEI[0] + "_labels.tif"), recorded);
        itSegments("mine");
        goesOn();
    }

    private static void awaitScore(Frame window, int step) {
        Screen.await("a score of step " + step, LONG, () -> {
            String told = text(window, "scored");
            return told.contains("aji") && Integer.parseInt(told.replaceAll("(?s)Step (\\d+):.*", "$1")) >= step;
        });
    }

    private static java.awt.Component data(Dialog dialog) {
        for (java.awt.Component c = Screen.named(dialog, "data"); c != null; c = c.getParent())
            if (c instanceof JComboBox)
                return c;
        throw new AssertionError("where images come from is no choice");
    }

    /** The new model is in the list of the other dialog, and makes labels. */
    private void itSegments(String name) throws Exception {
        ImagePlus image = WindowManager.getImage(Fiji.NUCLEI[2] + "_image.tif");
        IJ.selectWindow(image.getID());
        screen.choose("Plugins", "Segmentation", "Segment Instances (PEA)...");
        Dialog dialog = screen.dialog("Segment Instances (PEA)");
        JComboBox<?> models = (JComboBox<?>) Screen.named(dialog, "model");
        StringBuilder names = new StringBuilder();
        for (int i = 0; i < models.getItemCount(); i++)
            names.append(models.getItemAt(i)).append(' ');
        assertTrue(names.toString().contains(name), names.toString());
        screen.press(dialog, "Cancel");
        screen.awaitIdle();
        IJ.run(image, "Segment Instances (PEA)...", "model=" + name);
        assertTrue(Screen.titles().contains(image.getTitle() + " - labels"), Screen.titles().toString());
        WindowManager.getImage(image.getTitle() + " - labels").close();
    }

    /** Once more with the same fields, which are remembered: it asks, and goes on. */
    private void goesOn() throws Exception {
        long size = Files.size(model("mine").resolveSibling("mine.training/losses.csv"));
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        Screen.await("OK can be pressed", LONG, () -> Screen.named(dialog, "ok").isEnabled());
        screen.press(dialog, "OK");
        Dialog question = screen.dialog("Train or Fine-tune...");
        assertTrue(Screen.text(question).contains("earlier training of \"mine\""), Screen.text(question));
        screen.press(question, "Go on");
        Frame window = screen.frame("Training mine");
        awaitScore(window, 10);
        screen.press(window, "Stop and keep best");
        awaitEnd(window, "The model \"mine\" is ready");
        assertTrue(Files.size(model("mine").resolveSibling("mine.training/losses.csv")) > size, "there are more steps");
        screen.press(window, "Close");
    }

    @Test void a_model_learns_on_from_rois_until_escape() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1], false);
        IJ.run(image, "Segment Instances (PEA)...", "model=nuclei show=rois");
        RoiManager.getInstance2().runCommand("show none");
        assertTrue(RoiManager.getInstance2().getCount() > 20);
        RoiManager.getInstance2().setVisible(false);
        image.setDisplayRange(0, 110);
        image.updateAndDraw();
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        assertTrue(String.valueOf(((JComboBox<?>) Screen.named(dialog, "pairs")).getSelectedItem())
            .startsWith("ROI Manager ("));
        set(dialog, "from", "nuclei");
        assertFalse(Screen.named(dialog, "small").isEnabled(), "a model is as large as it is");
        Screen.await("a forecast", LONG, () -> Screen.text(dialog).matches("(?s).*Needs up to .* steps of .*"));
        quick(dialog, "tuned", "2");
        Screen.await("OK can be pressed", LONG, () -> Screen.named(dialog, "ok").isEnabled());
        screen.press(dialog, "OK");
        Frame window = screen.frame("Training tuned");
        awaitScore(window, 2);
        AtomicBoolean said = new AtomicBoolean();
        Screen.named(window, "stop").addPropertyChangeListener("text", e -> {
            if ("Stop at once".equals(e.getNewValue()))
                said.set(true);
        });
        screen.clickStatusBar();
        screen.escape();
        awaitEnd(window, "It was stopped");
        assertTrue(said.get(), "the button says what it would do now");
        assertTrue(Files.exists(model("tuned")));
        screen.press(window, "Close");
        Screen.await("no window", 10, () -> !window.isShowing());
        assertFalse(image.isLocked());
    }

    @Test void an_error_is_one_clear_line_in_a_window() throws Exception {
        new Thread(() -> IJ.run("Train or Fine-tune...", "data=/none name=x"), "Run$_wrong").start();
        Dialog message = screen.dialog("Train or Fine-tune...");
        assertTrue(Screen.text(message).contains("there is no folder or file /none"), Screen.text(message));
        screen.press(message, "OK");
        screen.awaitIdle();
        for (Window w : Window.getWindows())
            assertFalse(w.isShowing() && w instanceof Frame && ((Frame) w).getTitle().startsWith("Training"));
    }
}
