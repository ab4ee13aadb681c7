// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.EventQueue;
import java.awt.Rectangle;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

import org.pea.Keep;
import org.pea.Listener;
import org.pea.Model;
import org.pea.PeaException;
import org.pea.Prediction;
import org.pea.Run;
import org.pea.Segmentation;
import org.pea.Volume;

import ij.ImagePlus;
import ij.gui.ImageCanvas;
import ij.gui.Overlay;
import ij.gui.Roi;

/**
 * Draws what the settings would find on the visible plane. The network runs once; its answer is kept, so that
 * everything that comes behind it is tried in a fraction of a second.
 *
 * <p>Two threads: the event thread says what is wanted and draws; one worker runs the library. A job that is out of
 * date is stopped, but not a network whose answer the newer job needs as well.
 */
final class Preview implements AutoCloseable {
    /** Hears what is shown or under way; on the event thread. A negative fraction: nothing is under way. */
    interface Watcher {
        void says(String text, double fraction);
    }

    /** Settings that change what the network sees. Of others the prediction says itself whether it suits. */
    private static final List<String> NETWORK_INPUT = Arrays.asList("normalise", "padding", "scale", "precision");
    private static final long TELL_NANOS = 60_000_000;

    /** One state of the dialog and of the image's window. */
    private static final class Job {
        final Model model;
        final Request request;
        final PreviewPart part;
        volatile boolean stopNetwork;

        Job(Model model, Request request, PreviewPart part) {
            this.model = model;
            this.request = request;
            this.part = part;
        }

        boolean sameNetwork(Job other) {
            return other != null && model == other.model && part.sameVoxels(other.part) && sameInput(other);
        }

        private boolean sameInput(Job other) {
            for (String key : NETWORK_INPUT)
                if (!Objects.equals(request.wishes.get(key), other.request.wishes.get(key)))
                    return false;
            return true;
        }

        boolean sameLabels(Job other) {
            return sameNetwork(other) && request.wishes.equals(other.request.wishes)
                    && request.mask.equals(other.request.mask);
        }
    }

    private final ImagePlus image;
    private final Watcher watcher;
    private final Newest worker = new Newest("PEA preview");

    private volatile Job newest;            /* null: no preview is wanted */
    private volatile boolean closed;

    private Job done;                       /* the worker's: of the labels that are kept */
    private Job predicted;                  /* the worker's: of the prediction that is kept */
    private Prediction prediction;
    private boolean normalised;             /* before the network saw the voxels: see PreviewInput */
    private Segmentation segmentation;
    private double seconds;                 /* that it took */

    private Overlay users, shown;           /* the event thread's; shown is null while nothing of ours is drawn */

    Preview(ImagePlus image, Watcher watcher) {
        this.image = image;
        this.watcher = watcher;
    }

    /** What of the image's window a preview depends on: equal where nothing has changed. */
    static Object view(ImagePlus image) {
        Roi roi = image.getRoi();
        ImageCanvas canvas = image.getCanvas();
        if (roi != null && roi.getState() != Roi.NORMAL)
            return "a selection is being made";
        return Arrays.asList(image.getBitDepth(), image.getC(), image.getZ(), image.getT(),
                roi == null ? null : roi.getBounds(), roi == null ? null : roi.getType(), canvas == null ? null
                        : new Rectangle(canvas.getSrcRect()));    /* it moves */
    }

    /** Event thread. The last call counts. */
    void wanted(Model model, Request request) {
        if (closed || "a selection is being made".equals(view(image)))
            return;
        Job old = newest, job;
        try {
            job = new Job(model, request, PreviewPart.of(image, model, request, old == null ? null : old.part));
        } catch (RuntimeException e) {
            tell("No preview: " + Ui.words(e), -1);
            return;
        }
        newest = job;
        if (old != null && !old.sameNetwork(job))
            old.stopNetwork = true;
        worker.run(this::work);
    }

    /** Event thread. The user's overlay is back at once. */
    void off() {
        Job old = newest;
        newest = null;
        if (old != null)
            old.stopNetwork = true;
        restore();
        worker.run(this::free);
    }

    /** Event thread. */
    @Override public void close() {
        if (closed)
            return;
        closed = true;
        off();
        worker.close();
    }

    // ---- the worker ----

    private void work() {
        Job job = newest;
        if (job == null)
            return;
        long start = System.nanoTime();
        try {
            if (prediction == null || !job.sameNetwork(predicted) || !prediction.suits(wishes(job, normalised)))
                predict(job);
            job = newest;               /* settings may have changed while the network ran */
            if (job == null || !job.sameNetwork(predicted))
                return;                 /* the next task will see to it */
            if (segmentation == null || !job.sameLabels(done)) {
                cluster(job);
                seconds = (System.nanoTime() - start) * 1e-9;
            }
            draw(job);
        } catch (PeaException.Cancelled e) {
            if (newest == null)
                free();
        } catch (RuntimeException | OutOfMemoryError e) {
            free();
            if (newest == job)          /* else the image was changed under its hands */
                say("No preview: " + Ui.words(e), -1);
        }
    }

    private void predict(Job job) {
        free();
        say("Preview: reading pixels", 0);
        try (PreviewInput input = PreviewInput.of(image, job.part, job.request, job.model, wishes(job, false))) {
            normalised = input.normalised;
            prediction = job.model.predict(input.voxels, wishes(job, normalised), run(job, () -> !job.stopNetwork));
            predicted = job;
        }
    }

    private void cluster(Job job) {
        freeLabels();
        Volume mask = ImageTransfer.mask(job.request, image, job.part.part, 0);
        try {
            segmentation = prediction.segment(mask, wishes(job, normalised), Keep.NOTHING,
                    run(job, () -> newest == job));
            done = job;
        } finally {
            if (mask != null)
                mask.close();
        }
    }

    /** The request's settings for the library: a scale that is a number; no normalising where that is done. */
    private Map<String, String> wishes(Job job, boolean unit) {
        Map<String, String> wishes = InstanceSegmentation.wishes(job.model, job.request, image);
        if (unit)
            wishes.put("normalise", "unit");
        return wishes;
    }

    private interface GoOn {
        boolean asked();
    }

    private Run run(Job job, GoOn more) {
        long[] told = {0};
        Listener listener = (stage, fraction) -> {
            long now = System.nanoTime();
            if (now - told[0] > TELL_NANOS) {
                told[0] = now;
                say("Preview: " + stage + " " + Math.round(100 * fraction) + " %", fraction);
            }
            return more.asked() && !closed;
        };
        return new Run().threads(job.request.threads).memoryLimit(job.request.memoryBytes()).listener(listener);
    }

    private void draw(Job job) {
        int plane = job.part.slice - job.part.part.firstSlice;
        Volume labels = segmentation.labels();
        Overlay ours = LabelOverlay.plane(labels, Math.max(0, Math.min(plane, labels.z() - 1)),
                job.part.part.bounds.x, job.part.part.bounds.y);
        for (Roi roi : ours)
            position(roi, job.part);
        long count = segmentation.count();
        String text = count + (count == 1 ? " instance in " : " instances in ") + job.part.words
                + String.format(Locale.ROOT, " (%.2f s).", seconds)
                + (job.part.cut ? " At its edges the run may differ." : "");
        EventQueue.invokeLater(() -> {
            if (newest == job && !closed) {
                show(ours);
                watcher.says(text, -1);
            }
        });
    }

    /** On this plane only: another one has another answer. */
    private void position(Roi roi, PreviewPart part) {
        if (image.isHyperStack() || image.getNChannels() > 1)
            roi.setPosition(0, part.slice + 1, part.frame + 1);
        else
            roi.setPosition(image.getStackIndex(1, part.slice + 1, part.frame + 1));
    }

    private void free() {
        freeLabels();
        if (prediction != null)
            prediction.close();
        prediction = null;
        predicted = null;
    }

    private void freeLabels() {
        if (segmentation != null)
            segmentation.close();
        segmentation = null;
        done = null;
    }

    private void say(String text, double fraction) {
        EventQueue.invokeLater(() -> {
            if (newest != null && !closed)
                tell(text, fraction);
        });
    }

    private void tell(String text, double fraction) {
        watcher.says(text, fraction);
    }

    // ---- the overlay; event thread ----

    private void show(Overlay ours) {
        takeOver();
        shown = LabelOverlay.replace(users, ours);
        image.setOverlay(shown);
    }

    private void restore() {
        if (shown == null)
            return;
        takeOver();
        image.setOverlay(users);
        shown = users = null;
    }

    /** What the user drew or removed while ours was shown belongs to the user's own overlay. */
    private void takeOver() {
        Overlay now = image.getOverlay();
        if (shown == null || now != shown) {
            users = now;
            return;
        }
        for (Roi roi : shown.toArray())
            if (roi.getProperty(LabelOverlay.MARK) == null && (users == null || !users.contains(roi)))
                (users = users == null ? new Overlay() : users).add(roi);
        if (users != null)
            for (Roi roi : users.toArray())
                if (roi.getProperty(LabelOverlay.MARK) == null && !shown.contains(roi))
                    users.remove(roi);
    }
}
