// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

import org.pea.Dtype;
import org.pea.Pea;
import org.pea.Run;
import org.pea.Training;
import org.pea.TrainingListener;
import org.pea.TrainingReport;
import org.pea.Volume;

import ij.Prefs;

/** Memory and time that a training will need, before it runs. Time comes from steps that were measured here. */
final class TrainingForecast {
    private TrainingForecast() {}

    /** "up to 640 MB of memory besides the images; about 2100 steps of 1.5 s". Asks the library: some milliseconds. */
    static String words(TrainingRequest request) {
        Training course = request.course();
        Map<String, String> options = course.options();
        String memory = "Needs up to " + Forecast.size(course.forecast(request.threads())) + " of memory besides the"
            + " images";
        double step = Prefs.get(key(request, options), Double.NaN) * voxels(options);
        double time = Double.parseDouble(options.get("time"));
        long steps = Long.parseLong(options.get("steps"));
        if (Double.isNaN(step))
            return memory + (steps > 0 ? "; " + steps + " steps" : "") + ".";
        String each = String.format(Locale.ROOT, step < 10 ? "%.2g s" : "%.0f s", step);
        double needed = steps * step;
        if (steps == 0)
            return memory + "; about " + Math.max(1, Math.round(0.85 * time / step)) + " steps of " + each + ".";
        return memory + "; " + steps + " steps of about " + each + ", " + ImageJProgress.time(time > 0
            ? Math.min(time, needed) : needed) + " and scores" + (time > 0 && needed > time
            ? ": the time ends before the steps do" : "") + ".";
    }

    /** Of the samples of a step. */
    private static double voxels(Map<String, String> options) {
        double side = Double.parseDouble(options.get("side"));
        return side * side * Double.parseDouble(options.get("depth")) * Double.parseDouble(options.get("batch"));
    }

    /* Seconds for a voxel are kept for each network, number of threads and kind of processor. */
    private static String key(TrainingRequest request, Map<String, String> options) {
        String network = request.get("from").isEmpty() ? "new" : request.get("from").replaceAll("[^A-Za-z0-9]", "");
        return "pea.training." + network + options.get("axes") + (request.isOn("small") ? "s" : "")
            + (request.get("freeze").equals("encoder") ? "f" : "") + "."
            + (request.threads() == 0 ? Pea.threads() : request.threads()) + "."
            + Integer.toHexString((Pea.kernels() + Pea.features()).hashCode());
    }

    static boolean measured(TrainingRequest request) {
        return !Double.isNaN(Prefs.get(key(request, request.course().options()), Double.NaN));
    }

    static void remember(TrainingRequest request, Map<String, String> options, TrainingReport last) {
        if (last.step() >= 3 && last.secondsPerStep() > 0) // a resumed run may have had none left
            Prefs.set(key(request, options), last.secondsPerStep() / voxels(options));
    }

    /** Some steps on small samples; a second or a few. The quickest counts: a busy computer is not the rule. */
    static void measure(TrainingRequest request) {
        Map<String, String> lesson = new LinkedHashMap<>(request.lesson());
        lesson.put("share", "0");
        lesson.put("batch", "1");
        lesson.put("steps", "4");
        lesson.remove("time");
        lesson.remove("warmup");
        int depth = Integer.parseInt(request.course().options().get("depth"));
        lesson.put("side", depth == 1 ? "128" : "64");
        Training course = new Training(lesson).from(request.from());
        Map<String, String> options = course.options();
        double[] seconds = {Double.MAX_VALUE};
        long[] before = {0};
        Path file = null;
        try (Volume image = new Volume(Dtype.UINT8, depth, 96, 96, 1);
             Volume labels = new Volume(Dtype.UINT32, depth, 96, 96, 1)) {
            for (int z = 0; z < depth; z++)
                draw(image, labels, z);
            file = Files.createTempFile("pea-", ".safetensors");
            course.add("a pattern", image, labels, false).run(file, new Run().threads(request.threads())
                .listener(new TrainingListener() {
                    @Override public boolean progress(String stage, double fraction) {
                        return true;
                    }

                    @Override public boolean report(TrainingReport report) {
                        long now = System.nanoTime();
                        if (before[0] != 0)
                            seconds[0] = Math.min(seconds[0], 1e-9 * (now - before[0]));
                        before[0] = now;
                        return true;
                    }
                }));
            Prefs.set(key(request, options), seconds[0] / voxels(options)); // the first one makes room
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (file != null)
                file.toFile().delete();
        }
    }

    private static void draw(Volume image, Volume labels, int z) {
        byte[] pixels = new byte[96 * 96];
        int[] numbers = new int[96 * 96];
        for (int i = 0; i < pixels.length; i++) {
            boolean inside = Math.hypot(i / 96 % 24 - 12, i % 96 % 24 - 12) < 9;
            pixels[i] = (byte) (inside ? 190 : 20 + i % 7);
            numbers[i] = inside ? 1 + i / 96 / 24 * 4 + i % 96 / 24 : 0;
        }
        image.put(z, 0, pixels);
        labels.put(z, 0, numbers);
    }
}
