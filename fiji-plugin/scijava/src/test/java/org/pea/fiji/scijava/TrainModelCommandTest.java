// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji.scijava;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Model;
import org.scijava.Context;
import org.scijava.command.CommandInfo;
import org.scijava.command.CommandModule;
import org.scijava.command.CommandService;

/** The command in a SciJava of its own, without a display. */
class TrainModelCommandTest {
    private static final Path REPOSITORY = Paths.get(System.getProperty("pea.repository"));
    private static Context context;
    private static CommandService commands;
    @TempDir Path folder;

    @BeforeAll static void start() {
        context = new Context(CommandService.class);
        commands = context.service(CommandService.class);
    }

    @AfterAll static void stop() {
        context.dispose();
    }

    private static CommandModule run(String options) throws Exception {
        return commands.run(TrainModelCommand.class, true, "options", options).get();
    }

    private String quick(String name, int steps) {
        return "data=[" + REPOSITORY.resolve("testdata/nuclei") + "] output=[" + folder.resolve(name) + "] preset=nuclei small=yes"
            + " validate=2 side=48 batch=1 steps=" + steps;
    }

    @Test void scijava_finds_it_and_knows_that_it_needs_no_display() {
        CommandInfo info = commands.getCommand(TrainModelCommand.class);
        assertTrue(info.canRunHeadless());
        assertEquals("Plugins > Segmentation > PEA > Train or Fine-tune (for scripts)...", info.getMenuPath().getMenuString());
    }

    @Test void it_gives_a_model_and_its_score() throws Exception {
        CommandModule module = run(quick("mine.safetensors", 2));
        assertFalse(module.isCanceled(), module.getCancelReason());
        assertEquals(folder.resolve("mine.safetensors").toString(), module.getOutput("model"));
        assertEquals(2L, module.getOutput("steps"));
        double score = (Double) module.getOutput("score");
        assertTrue(score >= 0 && score <= 1, "" + score);
        try (Model model = Model.open(folder.resolve("mine.safetensors"))) {
            assertEquals("mine", model.name());
        }
    }

    @Test void a_mistake_cancels_it_with_the_reason() throws Exception {
        CommandModule module = run(quick("mine.safetensors", 2) + " tiem=1h");
        assertTrue(module.isCanceled());
        assertTrue(module.getCancelReason().contains("did you mean \"time\""), module.getCancelReason());
        assertNull(module.getOutput("model"));
        assertFalse(Files.exists(folder.resolve("mine.safetensors")));
    }
}
