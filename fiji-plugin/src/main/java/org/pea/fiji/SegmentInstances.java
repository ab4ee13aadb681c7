// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.UncheckedIOException;
import java.util.function.Function;

import org.pea.PeaException;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.plugin.PlugIn;

/** The menu entry: a request from the macro or from a person, the work, the results. */
public class SegmentInstances implements PlugIn {
    @Override public void run(String arg) {
        String options = Macro.getOptions(); // at once: it is known on this thread alone
        try {
            ImagePlus image = image();
            Request request = options == null ? SettingsDialog.ask(image) : MacroOptions.read(options);
            if (request != null)
                IJ.showStatus(work(request, image, SegmentInstances::words));
        } catch (PeaException | IllegalArgumentException | UncheckedIOException | OutOfMemoryError e) {
            Failure.tell(MacroOptions.COMMAND, e);
        }
    }

    /** The one that a command of ImageJ means. */
    static ImagePlus image() {
        ImagePlus image = WindowManager.getCurrentImage();
        if (image == null)
            throw new IllegalArgumentException("there is no image: open one first");
        return image;
    }

    /**
     * The work and its results. Meanwhile the image is locked, ImageJ shows progress, and Esc is heard.
     * @return what `told` makes of the result, which is closed then
     */
    static <T> T work(Request request, ImagePlus image, Function<Result, T> told) {
        if (!image.lockSilently())
            throw new IllegalArgumentException("\"" + image.getTitle()
                                               + "\" is locked by another command: wait until that is over");
        ImageJProgress progress = new ImageJProgress();
        try (Result result = new InstanceSegmentation(request).progress(progress).apply(image)) {
            Outputs.show(result, request);
            return told.apply(result);
        } finally {
            progress.done();
            image.unlock();
        }
    }

    private static String words(Result result) {
        long n = result.count();
        return "PEA: " + n + (n == 1 ? " instance, " : " instances, ") + ImageJProgress.time(result.seconds());
    }
}
