// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import ij.ImagePlus;
import ij.WindowManager;

/** The small commands without a display, as macros run them. */
class SmallCommandsTest {
    private static final String TRUTH = Headless.ROOT.resolve("testdata/nuclei/cc88627344305b9a_labels.tif").toString();

    @TempDir Path folder;

    @AfterAll static void close() {
        Models.release();
    }

    private static String printed(Runnable work) {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true));
        try {
            work.run();
        } finally {
            System.setOut(before);
        }
        return bytes.toString();
    }

    @Test void the_installation_is_printed() {
        String text = printed(() -> new CheckInstallation().run(""));
        for (String word : new String[] {"everything is ready", "ImageJ", "Java", "Library", "Kernels", "Self-test",
                "nuclei: 2-D", "sha256"})
            assertTrue(text.contains(word), word + " is missing:\n" + text);
    }

    @Test void a_damaged_model_is_a_problem_with_its_name() throws Exception {
        Files.write(folder.resolve("broken.safetensors"), new byte[20]);
        try (Headless.Change models = Headless.models(folder.toString())) {
            InstallationReport report = InstallationReport.make();
            assertTrue(!report.well() && report.text().contains("!! broken: "), report.text());
        }
    }

    @Test void labels_are_perfect_beside_themselves() throws Exception {
        Path table = folder.resolve("scores.csv"), copy = folder.resolve("copy of labels.tif");
        Files.copy(java.nio.file.Paths.get(TRUTH), copy);
        ImagePlus[] shown = new ImagePlus[1];
        Headless.run("truth=[" + TRUTH + "] prediction=[" + copy + "] table=[" + table + "]", () -> {
            printed(() -> new ScoreAgainstTruth().run(""));
            shown[0] = WindowManager.getCurrentImage();
        });
        List<String> lines = Files.readAllLines(table);
        assertEquals("frame,metric,value", lines.get(0));
        assertTrue(lines.contains("1,pq,1") || lines.stream().anyMatch(l -> l.startsWith("1,pq,0.99999")),
                lines.toString());
        assertTrue(lines.contains("1,voi,0"), lines.toString());
        assertTrue(lines.contains("1,aji,1"), lines.toString());
        assertNotNull(shown[0].getOverlay());
        shown[0].getOverlay().forEach(roi -> assertEquals(ScoreReport.MATCHED, roi.getStrokeColor()));
    }

    @Test void what_we_found_is_judged_whichever_image_is_in_front() {
        String[] titles = {"a_image.tif", "a_image.tif - labels", "a_labels.tif"};
        for (String front : titles) {
            String found = ScoreAgainstTruth.foundBefore(titles, front);
            assertEquals("a_image.tif - labels", found);
            assertEquals("a_labels.tif", ScoreAgainstTruth.truthBeside(titles, found));
        }
        String[] foreign = {"manual.tif", "other.tif"};
        assertEquals("other.tif", ScoreAgainstTruth.foundBefore(foreign, "other.tif"));
        assertEquals("manual.tif", ScoreAgainstTruth.truthBeside(foreign, "other.tif"));
    }

    @Test void scores_want_two_images() {
        assertTrue(ScoreAgainstTruth.problems(MacroOptions.parse("prediction=a")).get("truth").contains("truth="));
        assertTrue(ScoreAgainstTruth.problems(MacroOptions.parse("truth=a prediction=a")).containsKey("prediction"));
        assertTrue(ScoreAgainstTruth.problems(MacroOptions.parse("truth=a tabel=b")).get("tabel").contains("table"));
    }

    @Test void scores_are_written_as_csv_alone() {
        assertEquals("{table=table wants the name of a file that ends in .csv, found \"s.txt\"}",
                     ScoreAgainstTruth.problems(MacroOptions.parse("truth=a prediction=b table=s.txt")).toString());
        assertTrue(ScoreAgainstTruth.problems(MacroOptions.parse("truth=a prediction=b table=s.csv")).isEmpty());
    }

    @Test void an_empty_form_does_not_begin_with_reproaches() {
        Map<String, String> empty = MacroOptions.parse("file= name="), gone = MacroOptions.parse("file=/none name=x");
        assertTrue(SmallForm.told(ModelImport.problems(empty), empty, false).isEmpty());
        assertEquals("[file, name]", SmallForm.told(ModelImport.problems(empty), empty, true).keySet().toString());
        assertEquals("[file]", SmallForm.told(ModelImport.problems(gone), gone, false).keySet().toString(),
                     "what was filled in for the person");
    }

    @Test void grey_images_are_welcome_to_models_of_colours() {
        assertEquals("", ModelChooser.images(1));
        assertEquals(", grey or colour images", ModelChooser.images(3));
        assertEquals(", images of 1 or 2 channels", ModelChooser.images(2));
    }

    @Test void nobody_is_asked_without_a_display() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> SettingsDialog.ask(Headless.nucleus()));
        assertTrue(e.getMessage().contains("model=nuclei"), e.getMessage());
    }

    @Test void the_menu_names_classes_that_are_there() throws Exception {
        int entries = 0;
        for (String line : Ui.resource("/plugins.config").split("\n")) {
            if (line.startsWith("#") || line.contains("\"-\""))
                continue;
            String[] command = line.substring(line.lastIndexOf(',') + 1).trim().split("[()]");
            Class.forName(command[0]).getDeclaredConstructor().newInstance();
            if (command.length > 1)
                assertNotNull(Ui.class.getResource(command[1].replace("\"", "").replace("JAR:", "/")), command[1]);
            entries++;
        }
        assertEquals(9, entries);
    }
}
