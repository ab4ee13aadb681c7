// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.Collections;
import java.util.Locale;
import java.util.Map;

import org.pea.Dtype;
import org.pea.Keep;
import org.pea.Listener;
import org.pea.Model;
import org.pea.Pea;
import org.pea.PeaException;
import org.pea.Run;
import org.pea.Volume;

import ij.ImagePlus;
import ij.Prefs;

/**
 * Memory and time that a request will need, before it runs. Time comes from runs that were measured on this computer.
 */
public final class Forecast {
    /** Of native memory, at most, beside the image that is open already: what `pea segment` forecasts. */
    public final long bytes;
    /** NaN where nothing was measured yet: see {@link #measure}. */
    public final double seconds;
    /** Why there is no forecast, one line; null where there is one. */
    public final String error;

    Forecast(long bytes, double seconds, String error) {
        this.bytes = bytes;
        this.seconds = seconds;
        this.error = error;
    }

    /** Milliseconds: asks the library for the bytes and the preferences for the time. */
    public static Forecast of(Model model, ImagePlus image, Request request) {
        try {
            ImageTransfer.Part part = ImageTransfer.part(request, image);
            Map<String, String> wishes = InstanceSegmentation.wishes(model, request, image);
            int channels = part.channels(image), threads = threads(request);
            Map<String, String> settings = model.settings(wishes);
            double scale = Double.parseDouble(settings.getOrDefault("scale", "1"));
            Keep keep = InstanceSegmentation.kept(model, request);
            long work = model.forecast(part.slices, part.bounds.height, part.bounds.width, channels, wishes, keep,
                                       threads);
            long pixels = part.voxels() * channels * (image.getBitDepth() == 24 ? 1 : image.getBitDepth() / 8);
            long mask = part.shaped || !request.mask.isEmpty() ? part.voxels() : 0;
            long labels = part.voxels() * part.frames * 4;
            double speed = Prefs.get(key(model, threads), Double.NaN);
            int earlier = InstanceSegmentation.showsDetails(request) ? part.frames - 1 : 0;
            long kept = (long) (earlier * 4 * numbers(model, settings, keep) * part.voxels() * scale * scale);
            double seconds = part.voxels() * part.frames * scale * scale / speed;
            return new Forecast(work + pixels + mask + labels + kept, seconds, null);
        } catch (PeaException | IllegalArgumentException e) {
            return new Forecast(0, Double.NaN, e.getMessage());
        }
    }

    /* That are kept for each voxel. */
    private static long numbers(Model model, Map<String, String> settings, Keep keep) {
        long offsets = settings.getOrDefault("offsets", "").chars().filter(c -> c == '[').count() - 1;
        return (keep.hasAffinity() ? offsets : 0) + (keep.hasEmbedding() ? model.embeddingDim() : 0);
    }

    private static int threads(Request request) {
        return request.threads == 0 ? Pea.threads() : request.threads;
    }

    /* Voxels in a second are kept for each model, number of threads and kind of processor. */
    private static String key(Model model, int threads) {
        return "pea.speed." + model.sha256().substring(0, 12) + "." + threads + "."
            + Integer.toHexString((Pea.kernels() + Pea.features()).hashCode());
    }

    private static final long TOO_FEW = 10000; // voxels: such runs measure the start

    /** Note how long a run took. */
    static void remember(Model model, int threads, double voxels, double seconds) {
        if (voxels < TOO_FEW || !(seconds > 0))
            return;
        double before = Prefs.get(key(model, threads), Double.NaN), now = voxels / seconds;
        // a busy computer is not the rule
        Prefs.set(key(model, threads), Double.isNaN(before) ? now : 0.5 * (before + now));
    }

    /** Whether the time can be told without {@link #measure}. */
    public static boolean measured(Model model, Request request) {
        return !Double.isNaN(Prefs.get(key(model, threads(request)), Double.NaN));
    }

    /**
     * Run the model on a small plane or volume and remember its speed; seconds at most for planes, longer for volumes.
     *
     * @param listener may stop it; may be null
     */
    public static void measure(Model model, Request request, Listener listener) {
        boolean flat = model.axes() == 2;
        try (Volume pixels = new Volume(Dtype.UINT8, flat ? 1 : 18, flat ? 256 : 160, flat ? 256 : 160, 1)) {
            byte[] rows = new byte[(int) (pixels.y() * pixels.x())];
            for (int i = 0; i < rows.length; i++)
                rows[i] = (byte) (i * 2654435761L >> 24);
            for (long z = 0; z < pixels.z(); z++)
                pixels.put(z, 0, rows);
            Run run = new Run().threads(request.threads).listener(listener);
            long started = System.nanoTime();
            model.segment(pixels, null, Collections.emptyMap(), Keep.NOTHING, run).close();
            double voxels = (double) pixels.z() * pixels.y() * pixels.x();
            remember(model, threads(request), voxels, 1e-9 * (System.nanoTime() - started));
        }
    }

    /** "about 12 s and 340 MB", or what is known of it. */
    public String words() {
        if (error != null)
            return error;
        String time = Double.isNaN(seconds) ? "" : "about " + ImageJProgress.time(seconds) + " and ";
        return time + "up to " + size(bytes) + " of memory";
    }

    static String size(long bytes) {
        if (bytes < 1 << 20)
            return "1 MB";
        return bytes < 1L << 30 ? (bytes >> 20) + " MB"
             : String.format(Locale.ROOT, "%.1f GB", bytes / (double) (1L << 30));
    }
}
