// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji.scijava;

import java.io.UncheckedIOException;

import org.pea.PeaException;
import org.pea.fiji.MacroOptions;
import org.pea.fiji.TrainingWork;
import org.scijava.ItemIO;
import org.scijava.command.Command;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;

/**
 * Training as a SciJava command, for scripts in any language: {@code command.run(TrainModelCommand, true, "options",
 * "data=/data/pairs preset=nuclei name=mine time=2h")}. The options are those of the macro command; this class knows none
 * of them. Cancelled from outside it ends after the step, and the best model is kept.
 */
@Plugin(type = Command.class, headless = true, name = "PEA: Train or Fine-tune",
        menuPath = "Plugins>Segmentation>PEA>Train or Fine-tune (for scripts)...")
public class TrainModelCommand extends ListeningCommand {

    @Parameter(label = "Options",
               description = "as in run(\"Train or Fine-tune...\", \"...\"), such as data=/data/pairs name=mine time=2h")
    private String options;

    /** Path of the model's file. */
    @Parameter(type = ItemIO.OUTPUT)
    private String model;

    /** Steps that were done. */
    @Parameter(type = ItemIO.OUTPUT)
    private long steps;

    /** The best score, NaN where nothing was scored. */
    @Parameter(type = ItemIO.OUTPUT)
    private double score;

    @Override public void run() {
        try {
            TrainingWork.Outcome done = TrainingWork.of(MacroOptions.parse(options)).listener(this).run();
            model = done.model.toString();
            steps = done.last.step();
            score = done.last.bestScore();
        } catch (PeaException | IllegalArgumentException | UncheckedIOException e) {
            cancel(e.getMessage()); // a line for the user: in a window, or in the log where there is none
        }
    }
}
