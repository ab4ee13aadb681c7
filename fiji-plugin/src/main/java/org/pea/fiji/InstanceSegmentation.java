// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.LinkedHashMap;
import java.util.Map;

import org.pea.Instances;
import org.pea.Keep;
import org.pea.Listener;
import org.pea.Model;
import org.pea.Pea;
import org.pea.PeaException;
import org.pea.Pictures;
import org.pea.Run;
import org.pea.Segmentation;
import org.pea.Volume;

import ij.ImagePlus;

/** The work: pixels to native memory, the library's call for each frame, results. Opens no window, changes no image. */
public final class InstanceSegmentation {
    private final Request request;
    private Listener listener;

    public InstanceSegmentation(Request request) {
        this.request = request;
    }

    /** Who is told how far it is, and may stop it. */
    public InstanceSegmentation progress(Listener to) {
        listener = to;
        return this;
    }

    /**
     * Frames are segmented one by one and numbered anew; a 2-D model takes the slices of a frame one by one and numbers
     * on, both as {@code pea segment} does. After a failure nothing is left in native memory, and the image is as it
     * was.
     *
     * @return close it when its results have been taken
     * @throws PeaException what the library says; {@code Cancelled} when the listener stopped it
     * @throws IllegalArgumentException a request that does not fit the image
     */
    public Result apply(ImagePlus image) {
        long started = System.nanoTime();
        Model model = Models.open(request.model);
        checkMode(model);
        ImageTransfer.Part part = ImageTransfer.part(request, image);
        ImagePlus truth = request.truth.isEmpty() ? null : ScoreReport.truth(request.truth, image, part);
        Result result = new Result(image, part, Provenance.of(request, model, image, part), truth, listener);
        Map<String, String> wishes = wishes(model, request, image);
        Run run = new Run().threads(request.threads).memoryLimit(request.memoryBytes()).listener(listener);
        try {
            for (int t = 0; t < result.part.frames; t++) {
                if (listener instanceof ImageJProgress)
                    ((ImageJProgress) listener).part(t, result.part.frames);
                result.frames.add(frame(model, result, t, wishes, run));
            }
        } catch (RuntimeException | Error e) {
            result.close();
            throw e;
        }
        result.seconds = 1e-9 * (System.nanoTime() - started);
        Forecast.remember(model, request.threads == 0 ? Pea.threads() : request.threads,
                          result.part.voxels() * result.part.frames, result.seconds);
        return result;
    }

    private void checkMode(Model model) {
        if (!request.mode.isEmpty() && request.mode.charAt(0) - '0' != model.axes())
            throw new IllegalArgumentException("mode " + request.mode + " does not fit model " + request.model
                                               + ", which is "
                                               + model.axes() + "-D: choose another model");
    }

    /** The settings that go to the library: the scale as a number, and a mask obeyed that somebody gave. */
    static Map<String, String> wishes(Model model, Request request, ImagePlus image) {
        Map<String, String> wishes = new LinkedHashMap<>(request.wishes);
        if ("auto".equals(wishes.get("scale")))
            wishes.put("scale", Double.toString(model.scale(ImageTransfer.calibration(image))));
        if (!request.mask.isEmpty())
            wishes.putIfAbsent("foreground", "given");
        if (request.mask.isEmpty() && "given".equals(request.wishes.get("foreground")) && !ImageTransfer.hasArea(image))
            throw new IllegalArgumentException("foreground=given is where the mask or the selection says: give"
                                               + " mask=..., select an area, or choose foreground=none");
        model.settings(wishes); // complains about keys and values before the image is copied
        return wishes;
    }

    /** What the library is asked to keep of a frame. */
    static Keep kept(Model model, Request request) {
        Keep keep = Keep.NOTHING;
        // the table's confidence comes from affinities
        if (wantsTable(request) || request.show.contains(Request.Show.AFFINITY))
            keep = keep.affinity();
        if (request.show.contains(Request.Show.EMBEDDING) && model.embeddingDim() > 0)
            keep = keep.embedding();
        return keep;
    }

    /** Whether that is shown, and so stays until all frames are done. */
    static boolean showsDetails(Request request) {
        return request.show.contains(Request.Show.AFFINITY) || request.show.contains(Request.Show.EMBEDDING);
    }

    private static boolean wantsTable(Request request) {
        return !request.table.isEmpty() || request.show.contains(Request.Show.TABLE);
    }

    private Result.Frame frame(Model model, Result result, int t, Map<String, String> wishes, Run run) {
        Result.Frame frame = new Result.Frame();
        try (Volume pixels = ImageTransfer.pixels(result.image, result.part, t);
             Volume mask = ImageTransfer.mask(request, result.image, result.part, t)) {
            frame.segmentation = model.segment(pixels, mask, wishes, kept(model, request), run);
            frame.labels = frame.segmentation.labels();
            frame.count = frame.segmentation.count();
            if (wantsTable(request))
                frame.instances = Instances.measure(frame.labels, pixels, frame.segmentation, run);
            if (request.show.contains(Request.Show.EMBEDDING) && frame.segmentation.embedding() != null)
                frame.colours = Pictures.embeddingRgb(frame.segmentation.embedding(), run);
            else if (request.show.contains(Request.Show.EMBEDDING) && t == 0)
                result.warnings.add("model " + model.name() + " gives affinities alone: there is no embedding to show");
            if (!showsDetails(request) && frame.segmentation.affinity() != null)
                frame.keepLabelsAlone();
            return frame;
        } catch (RuntimeException | Error e) {
            frame.close();
            throw e;
        }
    }
}
