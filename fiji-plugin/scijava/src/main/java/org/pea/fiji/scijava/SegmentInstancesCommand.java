// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji.scijava;

import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.Set;

import org.pea.PeaException;
import org.pea.fiji.InstanceSegmentation;
import org.pea.fiji.MacroOptions;
import org.pea.fiji.Outputs;
import org.pea.fiji.Request;
import org.pea.fiji.Result;
import org.scijava.ItemIO;
import org.scijava.command.Command;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;

import ij.ImagePlus;

/**
 * Segmentation as a SciJava command, for scripts in any language: {@code command.run(SegmentInstancesCommand, true,
 * "image", imp, "options", "model=nuclei")}. The options are those of the macro command; this class knows none of them.
 */
@Plugin(type = Command.class, headless = true, name = "PEA: Segment Instances",
        menuPath = "Plugins>Segmentation>PEA>Segment Instances (for scripts)...")
public class SegmentInstancesCommand extends ListeningCommand {

    @Parameter(label = "Image")
    private ImagePlus image;

    @Parameter(label = "Options", required = false,
               description = "as in run(\"Segment Instances (PEA)...\", \"...\"), such as model=nuclei minsize=25")
    private String options = "model=nuclei";

    @Parameter(type = ItemIO.OUTPUT)
    private ImagePlus labels;

    @Parameter(type = ItemIO.OUTPUT)
    private long count;

    /** As {@code pea segment --table} writes it. */
    @Parameter(type = ItemIO.OUTPUT)
    private String table;

    @Override public void run() {
        try {
            Request request = MacroOptions.read(options == null ? "" : options);
            Set<Request.Show> shown = new HashSet<>(request.show);
            shown.remove(Request.Show.LABELS);    // SciJava shows what is an output
            request.show.add(Request.Show.TABLE); // so that it is measured
            try (Result result = new InstanceSegmentation(request).progress(this).apply(image)) {
                labels = result.labelImage();
                count = result.count();
                table = result.csv();
                request.show.retainAll(shown);
                Outputs.show(result, request);
            }
        } catch (PeaException | IllegalArgumentException | UncheckedIOException e) {
            labels = null;
            cancel(e.getMessage()); // a line for the user: in a window, or in the log where there is none
        }
    }
}
