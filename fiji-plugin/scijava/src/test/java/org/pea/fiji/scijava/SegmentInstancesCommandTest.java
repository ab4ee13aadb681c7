// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji.scijava;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.scijava.Context;
import org.scijava.command.CommandInfo;
import org.scijava.command.CommandModule;
import org.scijava.command.CommandService;

import ij.IJ;
import ij.ImagePlus;

/** The command in a SciJava of its own, without a display. */
class SegmentInstancesCommandTest {
    private static final Path REPOSITORY = Paths.get(System.getProperty("pea.repository"));
    private static Context context;
    private static CommandService commands;
    @TempDir Path folder;

    @BeforeAll static void start() {
        context = new Context(CommandService.class);
        commands = context.service(CommandService.class);
        System.setProperty("pea.models", REPOSITORY.resolve("models").toString());
    }

    @AfterAll static void stop() {
        context.dispose();
    }

    private static ImagePlus nuclei() {
        ImagePlus image = IJ.openImage(REPOSITORY.resolve("testdata/nuclei/a486f6ed4b8781e7_image.tif").toString());
        image.setRoi(100, 100, 160, 160); // quick
        return image;
    }

    private static CommandModule run(Object... inputs) throws Exception {
        return commands.run(SegmentInstancesCommand.class, true, inputs).get();
    }

    @Test void scijava_finds_it_and_knows_that_it_needs_no_display() {
        CommandInfo info = commands.getCommand(SegmentInstancesCommand.class);
        assertNotNull(info);
        assertTrue(info.canRunHeadless());
        assertEquals("Plugins > Segmentation > PEA > Segment Instances (for scripts)...", info.getMenuPath().getMenuString());
    }

    @Test void it_gives_labels_their_number_and_the_table() throws Exception {
        CommandModule module = run("image", nuclei(), "options", "model=nuclei minsize=30");
        assertFalse(module.isCanceled(), module.getCancelReason());
        ImagePlus labels = (ImagePlus) module.getOutput("labels");
        long count = (Long) module.getOutput("count");
        assertTrue(count > 0);
        assertEquals(count, labels.getStatistics().max, 0);
        assertEquals(count + 1, ((String) module.getOutput("table")).trim().split("\n").length, "a heading and a row for each");
    }

    @Test void it_writes_the_files_that_the_options_name() throws Exception {
        Path output = folder.resolve("labels.tif"), table = folder.resolve("table.csv");
        CommandModule module = run("image", nuclei(), "options", "model=nuclei output=[" + output + "] table=[" + table + "]");
        assertFalse(module.isCanceled(), module.getCancelReason());
        assertTrue(Files.size(output) > 0);
        assertEquals(new String(Files.readAllBytes(table), "UTF-8"), module.getOutput("table"));
    }

    @Test void a_mistake_cancels_it_with_the_reason() throws Exception {
        CommandModule module = run("image", nuclei(), "options", "modle=nuclei");
        assertTrue(module.isCanceled());
        assertTrue(module.getCancelReason().contains("unknown key \"modle\""), module.getCancelReason());
        assertNull(module.getOutput("labels"));
    }

    @Test void without_options_it_takes_the_bundled_model() throws Exception {
        assertEquals(run("image", nuclei(), "options", "model=nuclei").getOutput("count"), run("image", nuclei()).getOutput("count"));
    }
}
