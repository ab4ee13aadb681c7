// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.GraphicsEnvironment;
import java.io.UncheckedIOException;

import org.pea.PeaException;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.plugin.PlugIn;

/** The menu entry: a request from the macro or from a person, the work, the results. */
public class SegmentInstances implements PlugIn {
    private static volatile String lastError = "";

    @Override public void run(String arg) {
        String options = Macro.getOptions(); // at once: it is known on this thread alone
        lastError = "";
        try {
            ImagePlus image = WindowManager.getCurrentImage();
            if (image == null)
                throw new IllegalArgumentException("there is no image: open one first");
            Request request = options == null ? ask(image) : MacroOptions.read(options);
            if (request != null)
                segment(request, image);
        } catch (PeaException.Cancelled e) {
            lastError = "cancelled";
            IJ.showStatus("PEA: cancelled");
            Macro.abort(); // who presses Esc wants the macro to end, whatever it says of errors
        } catch (PeaException | IllegalArgumentException | UncheckedIOException e) {
            fail(e.getMessage(), options);
        } catch (OutOfMemoryError e) {
            fail("Java has no memory left for the results: raise it in Edit > Options > Memory & Threads, or choose"
                 + " fewer slices",
                 options);
        }
    }

    private static Request ask(ImagePlus image) {
        if (GraphicsEnvironment.isHeadless())
            throw new IllegalArgumentException("without a display say what is wanted: run(\"" + MacroOptions.COMMAND
                                               + "\", \"model=nuclei\")");
        return SettingsDialog.ask(image); // null: cancelled
    }

    private static void segment(Request request, ImagePlus image) {
        if (!image.lockSilently())
            throw new IllegalArgumentException("\"" + image.getTitle()
                                               + "\" is locked by another command: wait until that is over");
        ImageJProgress progress = new ImageJProgress();
        try (Result result = new InstanceSegmentation(request).progress(progress).apply(image)) {
            Outputs.show(result, request);
            long n = result.count();
            IJ.showStatus("PEA: " + n + (n == 1 ? " instance, " : " instances, ")
                          + ImageJProgress.time(result.seconds()));
        } finally {
            progress.done();
            image.unlock();
        }
    }

    private static void fail(String message, String options) {
        String words = message == null || message.isEmpty() ? "unknown error" : message;
        lastError = words.trim().replaceAll("\\s*\n\\s*", "; "); // a library that does not load lists what was tried
        if (options != null && options.contains("onerror=continue")) // even where the options could not be read
            IJ.log("PEA: " + lastError);
        else
            IJ.error(MacroOptions.COMMAND, words); // ends the macro
    }

    /**
     * What went wrong in the last run, one line, or an empty text. A macro that gave {@code onerror=continue} asks
     * {@code call("org.pea.fiji.SegmentInstances.lastError")}.
     */
    public static String lastError() {
        return lastError;
    }
}
