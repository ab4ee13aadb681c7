// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import org.pea.TrainingListener;
import org.pea.TrainingReport;

import ij.IJ;

/**
 * Shows in ImageJ's status bar how far a training is, and hears when it is to end: by Esc or a button. Asked once it
 * ends after the step, with the best model; asked again, or before there is anything to keep, at once. Without a window
 * of ImageJ it writes lines instead.
 */
class TrainingProgress implements TrainingListener {
    private static final double REDRAW = 0.1, LINE = 5; // seconds
    private static final double HELD = 1; // after which a key that is held down has come again
    private static final long UNKNOWN = 10_000_000; // steps: of a run by time, before it is known how long one takes

    private final String score;
    private final long started = System.nanoTime();
    private final List<float[]> losses = new ArrayList<>();
    private volatile int asked;
    private boolean held;
    private double heardAt = -HELD;
    volatile long step;
    private double shownAt = -1, saidAt;
    private boolean toldNotes;
    private TrainingReport last;

    /** @param score  by which models are compared. Forgets an Esc that was pressed before */
    TrainingProgress(String score) {
        this.score = score;
        IJ.resetEscape();
    }

    /** Whether a person sees it elsewhere, so that no lines are written. */
    boolean hasWindow() {
        return false;
    }

    /** End it, from any thread. */
    synchronized void stop() {
        asked++;
    }

    double now() {
        return 1e-9 * (System.nanoTime() - started);
    }

    /** Esc was pressed, or was not when it was looked for. A key that is held down comes again and again: that is once. */
    synchronized void escape(boolean pressed) {
        if (pressed && !held)
            stop();
        if (pressed || now() - heardAt >= HELD)
            held = pressed;
        if (pressed)
            heardAt = now();
    }

    /** Whether an Esc that is heard now is that of before, still held. */
    synchronized boolean isHeld() {
        boolean again = now() - heardAt < HELD;
        heardAt = now();
        return again;
    }

    boolean isStopping() {
        return asked > 0;
    }

    /** What was told last; null: nothing yet. */
    TrainingReport last() {
        return last;
    }

    /** Step and loss of each step so far. */
    List<float[]> losses() {
        return losses;
    }

    @Override public boolean progress(String stage, double fraction) {
        hearEscape();
        double now = now();
        if (step == 0 && now - shownAt >= REDRAW) {
            shownAt = now;
            IJ.showStatus("PEA: " + (stage.equals("train") || stage.equals("samples") ? "first step" : stage)
                + " (Esc stops)");
        }
        return asked == 0 || (asked == 1 && step > 0);
    }

    private void hearEscape() {
        boolean pressed = IJ.escapePressed();
        if (pressed)
            IJ.resetEscape();
        escape(pressed);
    }

    @Override public boolean report(TrainingReport r) {
        hearEscape();
        last = r;
        step = r.step();
        if (!r.isValidation())
            losses.add(new float[] {r.step(), (float) r.loss()});
        double now = now();
        if (r.isValidation() || now - shownAt >= REDRAW) {
            shownAt = now;
            IJ.showProgress(Math.min(done(r), 0.999)); // 1 would hide the bar
            IJ.showStatus("PEA: " + words(r) + (isStopping() ? ", stopping" : " (Esc stops and keeps the best)"));
        }
        tell(r, now);
        return asked == 0;
    }

    /** Of the steps; of the time while their number is not known. */
    private double done(TrainingReport r) {
        double elapsed = now();
        return r.steps() < UNKNOWN ? (double) r.step() / r.steps() : elapsed / (elapsed + r.secondsLeft());
    }

    /** "step 120 of 4000, loss 812, 35 min left". */
    String words(TrainingReport r) {
        String of = r.steps() < UNKNOWN ? " of " + r.steps() : "";
        return String.format(Locale.ROOT, "step %d%s, loss %.4g, %s left", r.step(), of, r.loss(),
                             ImageJProgress.time(r.secondsLeft()));
    }

    /** "aji 0.8312, the best so far". */
    String scored(TrainingReport r) {
        Double value = r.scores().get(score);
        return String.format(Locale.ROOT, "%s %.4f, %s", score, value == null ? Double.NaN : value,
            r.bestStep() == r.step() ? "the best so far" : String.format(Locale.ROOT, "%.4f of step %d stays the best", r.bestScore(),
                                                    r.bestStep()));
    }

    private void tell(TrainingReport r, double now) {
        if (!toldNotes && !r.notes().isEmpty())
            Ui.say("PEA: " + r.notes());
        toldNotes = true;
        if (r.trouble() != null)
            Ui.say("PEA: " + r.trouble() + "; training goes on, and it is tried again");
        if (hasWindow())
            return;
        if (r.isValidation())
            Ui.say("PEA: step " + r.step() + ": " + scored(r));
        else if (IJ.getInstance() == null && now - saidAt >= LINE) {
            saidAt = now;
            Ui.say("PEA: " + words(r));
        }
    }

    /** It is over, well or not. */
    void end() {
        IJ.showProgress(1.0);
        IJ.resetEscape();
    }
}
