// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.LinkedHashMap;
import java.util.Map;

import org.pea.Listener;

import ij.IJ;

/**
 * Shows progress in ImageJ's status bar, at most ten times a second, and hears Esc. Without a window of ImageJ it
 * writes a line every five seconds instead.
 *
 * <p>Planes of a stack run through all stages one by one, so no stage is over until the last plane: what each stage has
 * reached adds up, weighted by the part of the time that it usually takes.
 */
public final class ImageJProgress implements Listener {
    private static final double REDRAW = 0.1, LINE = 5, SURE = 0.02; // seconds, seconds, fraction
    private static final Map<String, Double> SHARES = new LinkedHashMap<>();
    static {
        SHARES.put("network", 0.72);
        SHARES.put("affinity", 0.06);
        SHARES.put("cluster", 0.17);
        SHARES.put("fragments", 0.10); // these in place of "cluster", with other clusterers
        SHARES.put("region graph", 0.03);
        SHARES.put("agglomerate", 0.03);
        SHARES.put("multicut", 0.03);
        SHARES.put("project", 0.01);
        SHARES.put("mean shift", 0.17);
        SHARES.put("clean up", 0.02);
        SHARES.put("measure", 0.02);
        SHARES.put("draw", 0.01);
    }

    private final Map<String, Double> reached = new LinkedHashMap<>();
    private final long started = System.nanoTime();
    private double shownAt = -1, saidAt = 0;
    private int index, n = 1;

    /** Forgets an Esc that was pressed before. */
    public ImageJProgress() {
        IJ.resetEscape();
    }

    /** Part {@code index} of {@code n} begins: fractions are of that part from now on. */
    public void part(int index, int n) {
        this.index = index;
        this.n = n;
        reached.clear();
    }

    @Override public boolean progress(String stage, double fraction) {
        if (IJ.escapePressed())
            return false;
        reached.merge(stage, fraction, Math::max);
        double now = 1e-9 * (System.nanoTime() - started);
        if (now - shownAt < REDRAW)
            return true;
        shownAt = now;
        double done = done(stage, fraction);
        String words = words(stage, done, now);
        IJ.showProgress(Math.min(done, 0.999)); // 1 would hide the bar
        IJ.showStatus(words);
        if (IJ.getInstance() == null && now - saidAt >= LINE) {
            saidAt = now;
            IJ.log(words);
        }
        return true;
    }

    /** Of everything, 0..1. */
    double done(String stage, double fraction) {
        double done = 0;
        for (Map.Entry<String, Double> share : SHARES.entrySet())
            done += share.getValue() * reached.getOrDefault(share.getKey(), 0.0);
        return (index + Math.min(1, done)) / n;
    }

    private String words(String stage, double done, double now) {
        String left = done < SURE ? "" : ", " + time(now * (1 - done) / done) + " left";
        String frame = n > 1 ? " frame " + (index + 1) + " of " + n + "," : "";
        return "PEA:" + frame + " " + stage + ", " + (int) (100 * done) + " %" + left + " (Esc stops)";
    }

    /** "8 s", "3 min", "2 h 5 min". */
    static String time(double seconds) {
        long s = Math.round(seconds);
        return s < 100 ? Math.max(1, s) + " s" : s < 5400 ? Math.round(s / 60.0) + " min"
             : s / 3600 + " h " + s % 3600 / 60 + " min";
    }

    /** Ends the bar. */
    public void done() {
        IJ.showProgress(1.0);
    }
}
