// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BasicStroke;
import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.EventQueue;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.GridLayout;
import java.awt.RenderingHints;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JComponent;
import javax.swing.JFrame;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextArea;
import javax.swing.WindowConstants;

import org.pea.Dtype;
import org.pea.PeaException;
import org.pea.Pictures;
import org.pea.TrainingReport;
import org.pea.Volume;

import ij.gui.GUI;

/**
 * What a person sees while a network learns: curves of loss and score, a validation image as the network segments it
 * now, and a button that ends it. Esc does the same.
 */
final class TrainingWindow extends TrainingProgress {
    private static final int SIDE = 360;

    private final String score;
    private final JFrame window;
    private final JButton stop = new JButton("Stop and keep best");
    private final JTextArea now = Ui.wrapped(" ", 2 * SIDE), scored = Ui.wrapped(" ", 2 * SIDE);
    private final Chart loss, scores;
    private final Picture picture = new Picture();
    private final JLabel caption = new JLabel("No validation yet");
    private long drawnAt;
    private boolean over; // the event thread's

    TrainingWindow(String name, String score) {
        super(score);
        this.score = score;
        loss = new Chart("Loss");
        scores = new Chart("Score: " + score);
        JFrame[] made = new JFrame[1];
        Ui.onEventThread(() -> made[0] = build(name));
        window = made[0];
    }

    private JFrame build(String name) {
        JFrame frame = new JFrame("Training " + name);
        frame.setName("pea.training");
        Ui.icons(frame);
        JPanel charts = new JPanel(new GridLayout(2, 1, 0, Ui.px(8)));
        charts.add(loss);
        charts.add(scores);
        JPanel shown = new JPanel(new BorderLayout(0, Ui.px(4)));
        picture.setName("overlay");
        caption.setName("caption");
        shown.add(picture, BorderLayout.CENTER);
        shown.add(caption, BorderLayout.SOUTH);
        JPanel both = new JPanel(new GridLayout(1, 2, Ui.px(12), 0));
        both.add(charts);
        both.add(shown);
        both.setBorder(BorderFactory.createEmptyBorder(Ui.px(12), Ui.px(14), Ui.px(8), Ui.px(14)));
        frame.add(both, BorderLayout.CENTER);
        frame.add(foot(), BorderLayout.SOUTH);
        Ui.onEscape(frame.getRootPane(), this::escaped);
        frame.setDefaultCloseOperation(WindowConstants.DO_NOTHING_ON_CLOSE);
        frame.addWindowListener(new WindowAdapter() {
            @Override public void windowClosing(WindowEvent e) {
                pressed();
            }
        });
        Ui.fonts(frame);
        frame.pack();
        GUI.centerOnImageJScreen(frame);
        frame.setVisible(true);
        return frame;
    }

    private JPanel foot() {
        now.setName("now");
        scored.setName("scored");
        now.setText("Reading the images");
        scored.setForeground(Ui.quietColour());
        stop.setName("stop");
        stop.setToolTipText(Ui.tip("End after this step. The best model so far is kept, and so is the state: the same"
                + " command can go on later. Pressed twice: at once."));
        stop.addActionListener(e -> pressed());
        JPanel words = new JPanel();
        words.setLayout(new BoxLayout(words, BoxLayout.Y_AXIS));
        for (JComponent line : new JComponent[] {now, scored}) {
            line.setAlignmentX(Component.LEFT_ALIGNMENT);
            words.add(line);
        }
        JPanel foot = new JPanel(new BorderLayout(Ui.px(12), 0));
        foot.setBorder(BorderFactory.createEmptyBorder(0, Ui.px(14), Ui.px(12), Ui.px(14)));
        foot.add(words, BorderLayout.CENTER);
        Box button = Box.createVerticalBox();
        button.add(stop);
        foot.add(button, BorderLayout.EAST);
        return foot;
    }

    private void escaped() {
        if (!over)
            escape(true);
        else if (!isHeld())
            window.dispose();
    }

    private void pressed() {
        if (over)
            window.dispose();
        else
            stop();
    }

    /* Also of an Esc that ImageJ heard: the button must say what it does now. */
    @Override void stop() {
        super.stop();
        EventQueue.invokeLater(() -> {
            if (over)
                return;
            stop.setText("Stop at once");
            now.setText("Stopping: the step ends, and the best model is kept");
        });
    }

    // ---- what is told ----

    @Override boolean hasWindow() {
        return true;
    }

    @Override public boolean report(TrainingReport r) {
        boolean goOn = super.report(r);
        if (r.isValidation())
            show(r);
        else if (System.nanoTime() - drawnAt > 200_000_000L) {
            drawnAt = System.nanoTime();
            List<double[]> points = thin(losses());
            String words = words(r);
            EventQueue.invokeLater(() -> {
                loss.set(points, null);
                if (!isStopping() && !over)
                    now.setText(upper(words));
            });
        }
        return goOn;
    }

    /* The image is copied here, for the report ends with this call; what is drawn is the event thread's. */
    private void show(TrainingReport r) {
        BufferedImage drawn = picture(r);
        Double value = r.scores().get(score);
        String words = "Step " + r.step() + ": " + scored(r);
        boolean best = r.isBest();
        EventQueue.invokeLater(() -> {
            if (value != null)
                scores.add(new double[] {r.step(), value}, best);
            scored.setText(words);
            caption.setText("A validation image at step " + r.step());
            picture.set(drawn);
        });
    }

    /* A picture that cannot be made is no reason to end a training. */
    private static BufferedImage picture(TrainingReport r) {
        try (Volume image = r.image(); Volume labels = r.labels()) {
            if (image == null || (image.c() != 1 && image.c() != 3))
                return null;
            try (Volume plane = middle(image); Volume numbers = middle(labels);
                 Volume overlay = Pictures.overlay(plane, numbers, null)) {
                return Outputs.rgb(overlay, 0).getBufferedImage();
            }
        } catch (PeaException | OutOfMemoryError e) {
            return null;
        }
    }

    private static final int SHOWN = 2048; // pixels along a side; a screen has no more

    /** The middle plane of a volume, and of a large one the middle of that, as a volume. */
    static Volume middle(Volume v) {
        int width = (int) Math.min(SHOWN, v.x()), row = (int) v.x() * v.c(), part = width * v.c();
        Volume plane = new Volume(v.dtype(), 1, Math.min(SHOWN, v.y()), width, v.c());
        if (v.dtype() == Dtype.UINT8)
            copyMiddle(v, new byte[row], v::get, plane, new byte[part], plane::put);
        else if (v.dtype() == Dtype.FLOAT32)
            copyMiddle(v, new float[row], v::get, plane, new float[part], plane::put);
        else if (v.dtype() == Dtype.UINT32)
            copyMiddle(v, new int[row], v::get, plane, new int[part], plane::put);
        else
            copyMiddle(v, new short[row], v::get, plane, new short[part], plane::put);
        return plane;
    }

    /** How a row of elements of one type goes out of a volume, or into one. */
    private interface Rows<T> {
        void copy(long z, long y, T row);
    }

    /** A whole row of the volume comes, and the part of it that the plane has goes. */
    private static <T> void copyMiddle(Volume v, T whole, Rows<T> get, Volume plane, T part, Rows<T> put) {
        int left = (int) ((v.x() - plane.x()) / 2) * v.c(), n = (int) plane.x() * v.c();
        long top = (v.y() - plane.y()) / 2;
        for (long y = 0; y < plane.y(); y++) {
            get.copy(v.z() / 2, top + y, whole);
            System.arraycopy(whole, left, part, 0, n);
            put.copy(0, y, part);
        }
    }

    private static final int POINTS = 300;

    /** At most so many means of neighbours, so that a curve of many steps is drawn at once, and its noise goes. */
    static List<double[]> thin(List<float[]> all) {
        int n = Math.min(POINTS, all.size());
        List<double[]> points = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            int from = (int) ((long) i * all.size() / n), to = (int) ((i + 1L) * all.size() / n);
            double at = 0, sum = 0;
            for (int k = from; k < to; k++) {
                at += all.get(k)[0];
                sum += all.get(k)[1];
            }
            points.add(new double[] {at / (to - from), sum / (to - from)});
        }
        return points;
    }

    /** @param words  what came out */
    void finish(String words) {
        EventQueue.invokeLater(() -> {
            over = true;
            loss.set(thin(losses()), null);
            now.setText(words);
            stop.setText("Close");
            stop.setToolTipText(null);
        });
    }

    void close() {
        EventQueue.invokeLater(window::dispose);
    }

    private static String upper(String words) {
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    // ---- drawing ----

    /** Values by steps, the best of them marked. */
    private static final class Chart extends JComponent {
        private static final Color LINE = new Color(0x2f6fb3), BEST = new Color(0xc77700);
        private final String title;
        private List<double[]> points = new ArrayList<>();
        private double[] best;

        Chart(String title) {
            this.title = title;
            setPreferredSize(new Dimension(Ui.px(SIDE), Ui.px(SIDE / 2)));
        }

        void set(List<double[]> points, double[] best) {
            this.points = points;
            this.best = best;
            repaint();
        }

        void add(double[] point, boolean isBest) {
            points.add(point);
            set(points, isBest ? point : best);
        }

        @Override protected void paintComponent(Graphics graphics) {
            Graphics2D g = (Graphics2D) graphics.create();
            g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            int high = g.getFontMetrics().getHeight(), left = g.getFontMetrics().stringWidth("0.00000") + Ui.px(4);
            int top = high + Ui.px(4), width = getWidth() - left - Ui.px(6);
            int height = getHeight() - top - high - Ui.px(4);
            g.setColor(getForeground());
            g.drawString(title, left, high - Ui.px(3));
            g.setColor(Color.WHITE);
            g.fillRect(left, top, width, height);
            g.setColor(new Color(0xc0c0c0));
            g.drawRect(left, top, width, height);
            if (!points.isEmpty())
                drawPoints(g, left, top, width, height, high);
            g.dispose();
        }

        private void drawPoints(Graphics2D g, int left, int top, int width, int height, int high) {
            double low = Double.MAX_VALUE, most = -Double.MAX_VALUE;
            double end = Math.max(1, points.get(points.size() - 1)[0]);
            for (double[] p : points) {
                low = Math.min(low, p[1]);
                most = Math.max(most, p[1]);
            }
            double margin = Math.max(0.05 * (most - low), 1e-6 * Math.max(1, Math.abs(most)));
            low -= margin;
            most += margin;
            Path2D.Double line = new Path2D.Double();
            g.setColor(LINE);
            for (double[] p : points) {
                double x = left + width * p[0] / end, y = top + height * (most - p[1]) / (most - low);
                if (line.getCurrentPoint() == null)
                    line.moveTo(x, y);
                else
                    line.lineTo(x, y);
                if (points.size() < 40)
                    g.fillOval((int) x - Ui.px(2), (int) y - Ui.px(2), Ui.px(4), Ui.px(4));
            }
            g.setStroke(new BasicStroke(Ui.px(2)));
            g.draw(line);
            if (best != null) {
                g.setColor(BEST);
                g.fillRect((int) (left + width * best[0] / end) - Ui.px(4),
                           (int) (top + height * (most - best[1]) / (most - low)) - Ui.px(4), Ui.px(8), Ui.px(8));
            }
            g.setColor(Ui.quietColour());
            g.drawString(number(most), 0, top + high - Ui.px(4));
            g.drawString(number(low), 0, top + height);
            String steps = "step " + (long) end;
            g.drawString(steps, left + width - g.getFontMetrics().stringWidth(steps), top + height + high);
        }

        private static String number(double value) {
            return String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%.0f" : Math.abs(value) >= 1 ? "%.2f" : "%.3f",
                                 value);
        }
    }

    /** An image as large as there is room. */
    private static final class Picture extends JComponent {
        private BufferedImage image;

        Picture() {
            setPreferredSize(new Dimension(Ui.px(SIDE), Ui.px(SIDE)));
        }

        void set(BufferedImage image) {
            this.image = image;
            repaint();
        }

        @Override protected void paintComponent(Graphics graphics) {
            Graphics2D g = (Graphics2D) graphics.create();
            if (image != null) {
                double zoom = Math.min((double) getWidth() / image.getWidth(),
                                       (double) getHeight() / image.getHeight());
                int w = (int) (image.getWidth() * zoom), h = (int) (image.getHeight() * zoom);
                g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, zoom > 2
                    ? RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR
                    : RenderingHints.VALUE_INTERPOLATION_BILINEAR);
                g.drawImage(image, (getWidth() - w) / 2, (getHeight() - h) / 2, w, h, null);
            }
            g.dispose();
        }
    }
}
