// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Dialog;
import java.awt.Window;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.plugin.frame.Recorder;

/** A person in front of the real ImageJ. */
class MenuTest {
    private static final String[] ENTRY = {"Plugins", "Segmentation", "Segment Instances (PEA)..."};
    private static final String TITLE = "Segment Instances (PEA)";
    @TempDir static Path folder;
    private static Screen screen;

    @BeforeAll static void start() throws Exception {
        screen = Screen.start(Fiji.assemble(folder.resolve("Fiji")));
    }

    @AfterEach void tidy() {
        screen.tidy();
    }

    @Test void every_menu_entry_is_there() {
        for (String entry : new String[] {"Segment Folder...", "Segment Stack...", "Score Folder...", "Train or Fine-tune...", "Import Model...",
                "Score Against Truth...", "Check Installation", "Help"})
            assertNotNull(screen.menuItem("Plugins", "Segmentation", "PEA", entry), entry);
        assertNotNull(screen.menuItem(ENTRY));
    }

    @Test void a_person_segments_an_image_and_sees_an_overlay() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        screen.press(screen.dialog(TITLE), "OK");
        ImagePlus labels = screen.image(Fiji.NUCLEI[1] + "_image.tif - labels");
        screen.awaitIdle();
        screen.shootBesides("nuclei", labels.getWindow(), image.getWindow());
        assertNotNull(image.getOverlay(), "the image has an overlay");
        assertTrue(image.getOverlay().size() > 20, "of " + image.getOverlay().size());
        assertFalse(image.isLocked(), "the image may be used again");
        assertTrue(String.valueOf(labels.getInfoProperty()).contains("Segment Instances (PEA)..."), "the macro line is kept");
    }

    @Test void labels_of_a_second_run_have_a_name_of_their_own() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        for (String title : new String[] {" - labels", " - labels-1"}) {
            IJ.selectWindow(image.getID());
            screen.choose(ENTRY);
            screen.press(screen.dialog(TITLE), "OK");
            screen.image(image.getTitle() + title);
            screen.awaitIdle();
        }
    }

    @Test void what_the_dialog_says_of_the_image_follows_the_image() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        Screen.await("what the model takes", 10, () -> Screen.text(dialog).contains("grey or colour images"));
        java.awt.EventQueue.invokeAndWait(() -> image.setProcessor(image.getProcessor().resize(50, 40)));
        Screen.await("the new size", 10, () -> Screen.text(dialog).contains("50 x 40"));
        screen.press(dialog, "Cancel");
        screen.awaitIdle();
    }

    @Test void an_import_does_not_begin_with_reproaches() throws Exception {
        screen.choose("Plugins", "Segmentation", "PEA", "Import Model...");
        Dialog dialog = screen.dialog("Import Model");
        Screen.await("OK waits", 5, () -> !Screen.named(dialog, "ok").isEnabled());
        assertFalse(Screen.named(dialog, "file.problem").isVisible(), "nothing was typed yet");
        javax.swing.JTextField file = (javax.swing.JTextField) Screen.named(dialog, "file");
        java.awt.EventQueue.invokeAndWait(() -> file.setText("/none.ckpt"));
        Screen.await("words about the file", 5, () -> Screen.named(dialog, "file.problem").isVisible());
        screen.press(dialog, "Cancel");
        screen.awaitIdle();
    }

    @Test void the_preview_draws_outlines_and_takes_them_away_again() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        screen.press(dialog, "Preview");
        Screen.await("outlines", 20, () -> image.getOverlay() != null && image.getOverlay().size() > 20);
        screen.shootBesides("dialog", image.getWindow(), dialog);
        screen.press(dialog, "Cancel");
        screen.awaitIdle();
        Screen.await("no outlines", 5, () -> image.getOverlay() == null || image.getOverlay().size() == 0);
    }

    @Test void the_image_can_be_selected_in_while_the_dialog_is_open() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        java.awt.EventQueue.invokeAndWait(() -> dialog.setLocation(image.getWindow().getWidth() + 20, 0));
        screen.drag(image.getCanvas(), 20, 30, 120, 90);
        Screen.await("a selection", 5, () -> image.getRoi() != null);
        screen.press(dialog, "Preview");
        Screen.await("a preview of it", 20, () -> Screen.text(dialog).contains(" in the selection"));
        screen.press(dialog, "Cancel");
        screen.awaitIdle();
    }

    @Test void the_dialog_stays_in_front_of_its_image_and_ends_with_its_window() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        assertEquals(image.getWindow(), dialog.getOwner(), "a click on the image does not hide the dialog");
        IJ.run(image, "Add Slice", ""); // ImageJ makes another window for the image
        Screen.await("no dialog", 5, () -> !dialog.isShowing());
        screen.awaitIdle();
        assertFalse(image.isLocked());
    }

    @Test void a_stack_and_a_3d_model() throws Exception {
        Path models = folder.resolve("Fiji/models");
        Child imported = Child.pea("import", Fiji.REPOSITORY.resolve("testdata/golden/superhuman3d-small/model.ckpt"), "-o",
                                   models.resolve("neurons.safetensors"));
        assertEquals(0, imported.status, imported.output);
        ImagePlus stack = Images.open(Fiji.REPOSITORY.resolve("testdata/em/gala_image.tif"));
        stack.show();
        IJ.run("Set... ", "zoom=300");
        screen.choose(ENTRY);
        Dialog dialog = screen.dialog(TITLE);
        javax.swing.JComboBox<?> model = (javax.swing.JComboBox<?>) Screen.named(dialog, "model");
        java.awt.EventQueue.invokeAndWait(() -> model.setSelectedItem("em"));
        Screen.await("the bundled model is opened", 10, () -> Screen.text(dialog).contains("Neurons in"));
        Screen.await("a forecast", 30, () -> Screen.text(dialog).contains("need about"));
        screen.shootBesides("em-dialog", stack.getWindow(), dialog);
        java.awt.EventQueue.invokeAndWait(() -> model.setSelectedItem("neurons"));
        Screen.await("the model is opened", 10, () -> Screen.text(dialog).contains("no description"));
        screen.press(dialog, "Cancel");
        screen.awaitIdle();
        Files.delete(models.resolve("neurons.safetensors"));
    }

    @Test void cancel_in_the_dialog_does_nothing() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        screen.press(screen.dialog(TITLE), "Cancel");
        screen.awaitIdle();
        assertEquals(1, WindowManager.getImageCount(), "no image came: " + Screen.titles());
        assertFalse(image.isLocked());
    }

    @Test void the_recorder_writes_the_line_that_does_it_again() throws Exception {
        Recorder recorder = new Recorder();
        open(Fiji.NUCLEI[1]);
        screen.choose(ENTRY);
        screen.press(screen.dialog(TITLE), "OK");
        screen.image(Fiji.NUCLEI[1] + "_image.tif - labels");
        screen.awaitIdle();
        String recorded = recorder.getText();
        Recorder.record = false;
        recorder.close();
        assertTrue(recorded.contains("run(\"Segment Instances (PEA)...\", \"model=nuclei\");"), recorded);
    }

    @Test void escape_stops_at_once_and_frees_what_was_taken() throws Exception {
        ImagePlus image = large();
        stopMidway(image); // now everything is loaded
        long before = anonymousKilobytes(), taken = 0;
        for (int i = 0; i < 3; i++)
            taken += stopMidway(image) - before;
        long kept = anonymousKilobytes() - before;
        assertTrue(kept < taken / 3, "three stopped runs took " + taken + " kB and kept " + kept + " kB");
        screen.tidy();
        a_person_segments_an_image_and_sees_an_overlay(); // and it can be used again
    }

    /** Returns the memory while it was at work. */
    private long stopMidway(ImagePlus image) throws Exception {
        Thread run = new Thread(() -> IJ.run(image, "Segment Instances (PEA)...", "model=nuclei"), "Run$_test");
        run.start();
        screen.clickStatusBar();
        Screen.pause(1000);
        assertTrue(run.isAlive(), "it is still at work");
        long kilobytes = anonymousKilobytes(), pressed = System.nanoTime();
        screen.escape();
        run.join(5000);
        long milliseconds = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - pressed);
        assertFalse(run.isAlive(), "it has not stopped");
        assertTrue(milliseconds < 2000, "it took " + milliseconds + " ms"); // a tenth where nothing else runs
        assertEquals(1, WindowManager.getImageCount(), "no result of half the work: " + Screen.titles());
        assertFalse(image.isLocked(), "the image may be used again");
        return kilobytes;
    }

    @Test void the_batch_macro_goes_on_after_an_error_and_lists_it() throws Exception {
        Path images = Files.createDirectories(folder.resolve("images/deeper")).getParent(), results = folder.resolve("results");
        Files.copy(Fiji.image(Fiji.NUCLEI[0]), images.resolve("a.tif"), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(Fiji.image(Fiji.NUCLEI[1]), images.resolve("deeper/b.tif"), StandardCopyOption.REPLACE_EXISTING);
        Files.write(images.resolve("broken.tif"), "no image".getBytes("UTF-8"));
        Thread run = new Thread(() -> IJ.runMacroFile(System.getProperty("plugins.dir") + "/macros/PEA/PEA_Batch_Folder.ijm",
            "input=[" + images + "] output=[" + results + "] overlay=yes rois=yes"), "Run$_batch");
        run.start();
        Dialog message = screen.dialog("PEA: segment a folder");
        assertTrue(Screen.text(message).contains("1 of 3 images failed"), Screen.text(message));
        screen.frame("summary.csv").setSize(640, 220);
        screen.shootBesides("batch", screen.frame("summary.csv"), message);
        screen.press(message, "OK");
        run.join(10_000);
        for (String file : new String[] {"a.tif", "a.csv", "a.png", "a.zip", "deeper/b.tif", "deeper/b.csv"})
            assertTrue(Files.size(results.resolve(file)) > 0, file);
        List<String> rows = Files.readAllLines(results.resolve("summary.csv"));
        assertEquals(4, rows.size(), rows.toString());
        assertTrue(rows.get(2).startsWith("\"broken.tif\",,,"), rows.toString());
    }

    @Test void the_macros_have_menu_entries_that_ask() {
        String[][] entries = {{"Segment Folder...", "PEA: segment a folder"}, {"Segment Stack...", "PEA: segment a stack"},
            {"Score Folder...", "PEA: score a folder"}};
        for (String[] entry : entries) {
            screen.choose("Plugins", "Segmentation", "PEA", entry[0]);
            screen.press(screen.dialog(entry[1]), "Cancel");
            screen.awaitIdle();
        }
    }

    @Test void an_error_is_one_clear_line_in_a_window() throws Exception {
        ImagePlus image = open(Fiji.NUCLEI[1]);
        new Thread(() -> IJ.run(image, "Segment Instances (PEA)...", "modle=nuclei"), "Run$_wrong").start();
        Dialog message = screen.dialog("Segment Instances (PEA)...");
        assertTrue(Screen.text(message).contains("unknown key \"modle\", did you mean \"mode"), Screen.text(message));
        screen.press(message, "OK");
        screen.awaitIdle();
        assertFalse(image.isLocked());
    }

    @Test void the_small_commands_open_their_windows() throws Exception {
        screen.choose("Plugins", "Segmentation", "PEA", "Check Installation");
        Window check = Screen.await("the report", 30, () -> {
            for (Window w : Window.getWindows())
                if (w.isShowing() && w != screen.imagej && Screen.text(w).contains("0.2.0"))
                    return w;
            return null;
        });
        screen.shoot("check-installation", check);
    }

    private static ImagePlus open(String id) {
        ImagePlus image = Images.open(Fiji.image(id));
        image.show();
        image.setDisplayRange(0, 110); // for the pictures; the numbers stay
        image.updateAndDraw();
        return image;
    }

    /** Of the same kind, but many seconds of work. */
    private static ImagePlus large() {
        ImagePlus small = Images.open(Fiji.image(Fiji.NUCLEI[1]));
        ImagePlus image = new ImagePlus("large", small.getProcessor().resize(696 * 4, 520 * 4));
        image.show();
        return image;
    }

    /** Pages of files do not count: the system drops and reads them again as it likes. */
    private static long anonymousKilobytes() throws Exception {
        System.gc();
        Screen.pause(200);
        long kilobytes = 0;
        for (String line : Files.readAllLines(java.nio.file.Paths.get("/proc/self/status")))
            if (line.startsWith("RssAnon:") || line.startsWith("VmSwap:"))
                kilobytes += Long.parseLong(line.replaceAll("\\D", ""));
        return kilobytes;
    }
}
