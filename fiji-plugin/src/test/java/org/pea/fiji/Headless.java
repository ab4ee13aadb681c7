// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.File;
import java.io.InputStream;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;

/**
 * What tests share: ImageJ as a macro sees it, without a display; the repository's images; the command to compare with.
 */
final class Headless {
    private Headless() {}

    static final Path ROOT = Paths.get(System.getProperty("pea.repository"));
    static final String COMMAND = System.getProperty("pea.command", "");

    static {
        System.setProperty("pea.models", ROOT.resolve("models").toString());
    }

    /** What ends a change, and throws nothing. */
    interface Change extends AutoCloseable {
        @Override void close();
    }

    /** These folders of models instead of the repository's, until it is closed. */
    static Change models(String folders) {
        String before = System.setProperty("pea.models", folders);
        return () -> {
            Models.release();
            System.setProperty("pea.models", before);
        };
    }

    static ImagePlus open(String path) {
        return IJ.openImage(ROOT.resolve(path).toString());
    }

    static ImagePlus nucleus() {
        return open("testdata/nuclei/cc88627344305b9a_image.tif");
    }

    /** ImageJ finds options on threads of this name alone. */
    static void run(String options, Runnable work) throws InterruptedException {
        Throwable[] thrown = new Throwable[1];
        Thread thread = new Thread(() -> {
            Macro.setOptions(options);
            try {
                work.run();
            } catch (Throwable t) {
                thrown[0] = t;
            }
            Macro.setOptions(null);
        }, "Run$_test");
        thread.start();
        thread.join();
        if (thrown[0] != null)
            throw new AssertionError(thrown[0]);
    }

    /** The plugin as a macro runs it. @return the image that is the current one afterwards */
    static ImagePlus plugin(ImagePlus image, String options) throws InterruptedException {
        ImagePlus[] current = new ImagePlus[1];
        run(options, () -> {
            WindowManager.setTempCurrentImage(image);
            new SegmentInstances().run("");
            current[0] = WindowManager.getCurrentImage();
        });
        return current[0];
    }

    /** The same by a call whose answer may be an error. */
    static String call(ImagePlus image, String options) throws InterruptedException {
        String[] answer = new String[1];
        run(null, () -> {
            WindowManager.setTempCurrentImage(image);
            answer[0] = MacroCalls.segment(options);
            if (answer[0].startsWith("Error: ") && WindowManager.getCurrentImage() != image)
                throw new AssertionError("no result where it failed");
        });
        return answer[0];
    }

    static boolean hasCommand() {
        return new File(COMMAND).canExecute();
    }

    /** Runs `pea`. @return what it said */
    static String pea(String... arguments) throws Exception {
        List<String> line = new ArrayList<>();
        line.add(COMMAND);
        line.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
        StringBuilder said = new StringBuilder();
        try (InputStream in = process.getInputStream()) {
            byte[] buffer = new byte[4096];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer))
                said.append(new String(buffer, 0, n, "UTF-8"));
        }
        if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0)
            throw new AssertionError(line + ": " + said);
        return said.toString();
    }
}
