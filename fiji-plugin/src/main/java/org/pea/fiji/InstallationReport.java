// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

import org.pea.Model;
import org.pea.Pea;
import org.pea.PeaException;

import ij.IJ;
import ij.ImageJ;

/** Whether everything that a segmentation needs is there, as a text that a person can read and send to us. */
final class InstallationReport {
    private final StringBuilder text = new StringBuilder();
    private int problems;

    private InstallationReport() {}

    /** Takes a second or so: loads the library, runs its self-test, opens every model. */
    static InstallationReport make() {
        InstallationReport r = new InstallationReport();
        r.programs();
        if (r.library()) {
            r.machine();
            r.selfTest();
            r.models();
        }
        r.text.insert(0, r.verdict() + "\n\n");
        return r;
    }

    boolean well() {
        return problems == 0;
    }

    String text() {
        return text.toString();
    }

    private String verdict() {
        return ("Segment Instances (PEA) " + pluginVersion()).trim() + ": "
                + (well() ? "everything is ready." : problems == 1 ? "there is a problem, marked with \"!!\"."
                        : "there are " + problems + " problems, marked with \"!!\".");
    }

    private void line(String name, String value) {
        boolean first = true;
        for (String part : value.isEmpty() ? new String[] {""} : value.trim().split("\n")) {
            text.append(String.format(Locale.ROOT, "%-12s %s%n", first ? name : "", part.trim()));
            first = false;
        }
    }

    private void problem(String name, String value) {
        problems++;
        line(name, "!! " + value);
    }

    private void programs() {
        line("ImageJ", IJ.getFullVersion() + " (" + ImageJ.VERSION + "), in " + IJ.getDirectory("imagej"));
        line("Java", System.getProperty("java.version") + ", " + System.getProperty("java.vendor") + ", "
                + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch") + (Ui.headless() ? ", no display" : ""));
        line("Heap", size(Runtime.getRuntime().maxMemory()) + " at most; ImageJ: " + IJ.freeMemory());
    }

    /** What Maven wrote into the jar; the library's version where this is no jar. */
    static String pluginVersion() {
        try (InputStream in = InstallationReport.class
                .getResourceAsStream("/META-INF/maven/org.pea/PEA_Segment/pom.properties")) {
            Properties p = new Properties();
            if (in != null)
                p.load(in);
            return p.getProperty("version", Pea.isLoaded() ? Pea.version() : "");
        } catch (IOException e) {
            return "";
        }
    }

    private boolean library() {
        try {
            Pea.load();
            Path path = Pea.libraryPath();
            line("Library", Pea.version() + ", " + (path == null ? "found by the system" : path));
            String plugin = pluginVersion();
            if (!plugin.isEmpty() && !plugin.equals(Pea.version()))
                problem("", "the plugin is " + plugin + ": update both, or remove the older file");
            line("Looked for", Pea.loadReport());
            return true;
        } catch (PeaException.NotLoaded e) {
            problem("Library", "could not be loaded: " + Ui.words(e));
            line("Looked for", Pea.loadReport());
            return false;
        }
    }

    private void machine() {
        line("Kernels", Pea.kernels());
        line("CPU", Pea.features());
        line("Threads", String.valueOf(Pea.threads()));
        line("Memory", size(Pea.memoryAvailable()) + " free for work, peak so far " + size(Pea.memoryPeak()));
    }

    private void selfTest() {
        long start = System.nanoTime();
        try {
            Pea.selfTest();
            line("Self-test", String.format(Locale.ROOT, "passed in %.2f s", (System.nanoTime() - start) * 1e-9));
        } catch (RuntimeException e) {
            problem("Self-test", Ui.words(e));
        }
    }

    private void models() {
        List<Models.Entry> models = Models.list();
        if (models.isEmpty())
            problem("Models", "none found: unpack the package again, or use PEA > Import Model...");
        for (Models.Entry entry : models)
            if (entry.error != null)
                problem("Model", entry.name + ": " + entry.error);
            else
                model(entry);
        StringBuilder folders = new StringBuilder();
        for (Path folder : Models.folders())
            folders.append(folder).append(folder.toFile().isDirectory() ? "" : " (not there)").append('\n');
        line("Folders", folders.toString());
    }

    private void model(Models.Entry entry) {
        try {
            Model model = Models.open(entry.name);
            Object record = Json.read(model.record());
            String unit = Json.text(record, "pixel_size", "unit");
            line("Model", entry.name + ": " + (model.axes() == 3 ? "3-D" : "2-D") + ", " + model.kind() + ", "
                    + model.parameters() + " parameters\npixels of training: " + (unit.isEmpty() ? "not known"
                            : Json.text(record, "pixel_size", "x") + " " + unit)
                    + "; licence: " + Json.text(record, "licence") + "\nsha256 " + model.sha256() + "\n" + entry.file);
        } catch (RuntimeException e) {
            problem("Model", entry.name + ": " + Ui.words(e));
        }
    }

    static String size(long bytes) {
        return bytes <= 0 ? "unknown" : bytes < 10L << 20 ? bytes / 1000 + " kB"
                : bytes < 10L << 30 ? bytes / 1000000 + " MB" : String.format(Locale.ROOT, "%.1f GB", bytes * 1e-9);
    }
}
