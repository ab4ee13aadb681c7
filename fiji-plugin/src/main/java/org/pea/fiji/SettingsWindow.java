// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.BorderLayout;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.EventQueue;
import java.awt.Frame;
import java.awt.GridBagLayout;
import java.awt.Rectangle;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JCheckBox;
import javax.swing.JDialog;
import javax.swing.JPanel;
import javax.swing.JProgressBar;
import javax.swing.JScrollPane;
import javax.swing.JSeparator;
import javax.swing.JTextArea;
import javax.swing.Timer;

import org.pea.Model;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.GUI;

/**
 * The window of {@link SettingsDialog}: a {@link SettingsPage}, and below it what the library says, the preview and the
 * buttons. Everything that asks the library (is this value possible, how much memory, does the image suit) happens on
 * another thread, and its answer is dropped where the person has typed on meanwhile.
 */
final class SettingsWindow {
    static final int WIDTH = 520;
    private static final int TYPING_MS = 120;   /* a pause this long ends a word */
    private static final int LOOKING_MS = 200;  /* how soon another slice, zoom or selection is noticed */

    private final ImagePlus image;
    private final Request start;
    private final SettingsForm form;
    private final Preview preview;
    private final Newest checker = new Newest("PEA settings");
    private final CountDownLatch closed = new CountDownLatch(1);

    private final JDialog window;
    private final ModelChooser chooser;
    private final SettingsPage page;
    private final JPanel messages = new JPanel();
    private final JTextArea forecast = Ui.wrapped(" ", WIDTH);
    private final JCheckBox previewBox = new JCheckBox("Preview");
    private final JProgressBar previewBar = new JProgressBar(0, 1000);
    private final JTextArea previewText = Ui.wrapped(" ", WIDTH);
    private final JButton ok = new JButton("OK");
    private final Timer typing, looking;

    private Model model;
    private Request wanted;         /* of the newest check, where all is well */
    private long version;           /* counts what was changed */
    private boolean okPressed;      /* before the check was through */
    private Request answer;
    private Object seen;
    private final Set<String> measured = new HashSet<>();

    /** @param modal whether nothing else may be done meanwhile: only where the event thread itself must wait */
    private SettingsWindow(ImagePlus image, List<Models.Entry> models, Request start, boolean modal) {
        this.image = image;
        this.start = start;
        form = new SettingsForm(SettingsForm.library(), ImageTransfer.channels(image), image.getNSlices(),
                image.getNFrames());
        window = new JDialog(owner(image), MacroOptions.COMMAND.replace("...", ""), modal);
        chooser = new ModelChooser(models, this::openModel);
        page = new SettingsPage(image, form, chooser, this::changed);
        preview = new Preview(image, this::previewSays);
        typing = new Timer(TYPING_MS, e -> check());
        typing.setRepeats(false);
        looking = new Timer(LOOKING_MS, e -> look());
        build();
        chooser.select(start.model);
        form.take(start);           /* once more when the model is open: its settings decide what differs */
    }

    /** The image is clicked, zoomed and selected in while this is open: it must not hide this. */
    private static Frame owner(ImagePlus image) {
        return image.getWindow() == null ? IJ.getInstance() : image.getWindow();
    }

    /**
     * Show it and wait.
     * @return null where it was cancelled
     */
    static Request show(ImagePlus image, List<Models.Entry> models, Request start) {
        SettingsWindow[] w = new SettingsWindow[1];
        boolean modal = EventQueue.isDispatchThread();
        Ui.onEventThread(() -> {
            w[0] = new SettingsWindow(image, models, start, modal);
            w[0].open();
        });
        try {
            w[0].closed.await();
        } catch (InterruptedException e) {
            Ui.onEventThread(w[0]::cancel);
            Thread.currentThread().interrupt();
        }
        return w[0].answer;
    }

    // ---- building ----

    private void build() {
        window.setName("pea.settings");
        Ui.icons(window);
        messages.setLayout(new BoxLayout(messages, BoxLayout.Y_AXIS));
        messages.setName("messages");
        JScrollPane scroll = new JScrollPane(page, JScrollPane.VERTICAL_SCROLLBAR_AS_NEEDED,
                JScrollPane.HORIZONTAL_SCROLLBAR_NEVER);
        scroll.setBorder(null);
        scroll.getVerticalScrollBar().setUnitIncrement(Ui.px(16));
        window.add(scroll, BorderLayout.CENTER);
        window.add(foot(), BorderLayout.SOUTH);
        window.getRootPane().setDefaultButton(ok);
        Ui.onEscape(window.getRootPane(), this::cancel);
        window.setDefaultCloseOperation(JDialog.DO_NOTHING_ON_CLOSE);
        window.addWindowListener(new WindowAdapter() {
            @Override public void windowClosing(WindowEvent e) {
                cancel();
            }

            @Override public void windowClosed(WindowEvent e) {
                cancel(); // whoever took it away: somebody waits for the answer
            }
        });
    }

    /** What stays in sight however long the page is: messages, forecast, preview, buttons. */
    private JPanel foot() {
        JPanel foot = new JPanel();
        foot.setLayout(new BoxLayout(foot, BoxLayout.Y_AXIS));
        foot.setBorder(BorderFactory.createEmptyBorder(Ui.px(4), Ui.px(14), Ui.px(12), Ui.px(14)));
        forecast.setName("forecast");
        previewText.setName("preview.text");
        previewText.setForeground(Ui.quietColour());
        previewBox.setName("preview");
        previewBox.setToolTipText(Ui.tip("Draw the result on the visible plane or the selection. The network runs once;"
                + " settings that come after it are tried at once."));
        previewBox.addActionListener(e -> previewChanged());
        previewBar.setName("preview.bar");
        previewBar.setVisible(false);
        previewBar.setPreferredSize(new Dimension(Ui.px(160), Ui.px(12)));
        JPanel line = new JPanel(new BorderLayout(Ui.px(8), 0));
        line.add(previewBox, BorderLayout.WEST);
        JPanel bar = new JPanel(new GridBagLayout());
        bar.add(previewBar);
        line.add(bar, BorderLayout.EAST);
        for (Component part : new Component[] {new JSeparator(), Ui.gap(6), messages, forecast, Ui.gap(2), line,
                previewText, Ui.gap(8), buttons()})
            foot.add(Ui.leftAligned(part));
        return foot;
    }

    private JPanel buttons() {
        JButton help = new JButton("Help"), restore = new JButton("Restore the model's settings");
        JButton cancel = new JButton("Cancel");
        help.setName("help");
        restore.setName("restore");
        cancel.setName("cancel");
        ok.setName("ok");
        ok.setEnabled(false);
        help.addActionListener(e -> Help.open("segment-nuclei"));
        restore.addActionListener(e -> restore());
        cancel.addActionListener(e -> cancel());
        ok.addActionListener(e -> ok());
        JPanel buttons = new JPanel();
        buttons.setLayout(new BoxLayout(buttons, BoxLayout.X_AXIS));
        for (Component part : new Component[] {help, wide(6), restore, Box.createHorizontalGlue(), wide(24), cancel,
                wide(6), ok})
            buttons.add(part);
        return buttons;
    }

    private static Component wide(int width) {
        return Box.createHorizontalStrut(Ui.px(width));
    }

    // ---- life ----

    private void open() {
        page.build();
        Ui.fonts(window);
        window.pack();
        window.setSize(Math.max(window.getWidth(), Ui.px(WIDTH)), window.getHeight());
        Rectangle screen = GUI.getMaxWindowBounds(image.getWindow());
        window.setMinimumSize(new Dimension(Math.min(window.getWidth(), screen.width), Ui.px(320)));
        Ui.grow(window);
        place();
        WindowManager.addWindow(window);
        looking.start();
        window.setVisible(true);    /* waits here where it is modal */
    }

    /** Beside the image where there is room. */
    private void place() {
        Rectangle screen = GUI.getMaxWindowBounds(image.getWindow());
        Rectangle picture = image.getWindow() == null ? null : image.getWindow().getBounds();
        if (picture == null) {
            GUI.centerOnImageJScreen(window);
            return;
        }
        int right = screen.x + screen.width - window.getWidth(), lowest = screen.y + screen.height - window.getHeight();
        int x = picture.x - window.getWidth() >= screen.x && picture.x + picture.width > right
                ? picture.x - window.getWidth() : Math.min(picture.x + picture.width, right);
        window.setLocation(x, Math.max(screen.y, Math.min(picture.y, lowest)));
    }

    private void ok() {
        if (typing.isRunning() || wanted == null) {
            okPressed = true;       /* Enter right behind the last letter: as soon as it is checked */
            check();
            return;
        }
        answer = wanted;
        close();
    }

    private void cancel() {
        if (closed.getCount() == 0)
            return;
        answer = null;
        close();
    }

    private void close() {
        if (closed.getCount() == 0)
            return;
        page.remember();
        typing.stop();
        looking.stop();
        checker.close();
        preview.close();
        WindowManager.removeWindow(window);
        window.dispose();
        closed.countDown();
    }

    /** Another slice, zoom or selection; or the image was closed. */
    private void look() {
        if (image.getWindow() == null && image.getProcessor() == null || !image.isVisible()) {
            cancel();
            return;
        }
        Object now = Preview.view(image);
        if (!Objects.equals(now, seen)) {
            seen = now;
            changed();
        }
    }

    // ---- the model ----

    private void openModel(String name) {
        version++;
        wanted = null;
        ok.setEnabled(false);
        chooser.says("Reading the model ...", false);
        checker.run(() -> {
            try {
                Model opened = Models.open(name);
                OpenModel settings = new OpenModel(opened);
                EventQueue.invokeLater(() -> modelOpened(name, opened, settings));
            } catch (RuntimeException e) {
                EventQueue.invokeLater(() -> chooser.says(Ui.words(e), true));
            }
        });
    }

    private void modelOpened(String name, Model opened, OpenModel settings) {
        if (closed.getCount() == 0 || !name.equals(chooser.selected()))
            return;
        boolean first = model == null;
        int axes = form.axes();
        model = opened;
        form.model(name, settings, false);
        if (first && name.equals(start.model))
            form.take(start);
        if (first && !form.isChanged("channel") && image.getNChannels() > 1 && image.getBitDepth() != 24)
            form.set("channel", String.valueOf(image.getC()));  /* objects are in one; colours of a model are rare */
        chooser.shows(opened);
        if (first || axes != form.axes())
            page.build();
        page.refill();
        Ui.grow(window);
        changed();
    }

    /** A model as the form sees it. Its own settings are asked for once. */
    private static final class OpenModel implements SettingsForm.ModelSettings {
        private final Model model;
        private final Map<String, String> own;

        OpenModel(Model model) {
            this.model = model;
            own = model.settings(Collections.<String, String>emptyMap());
        }

        @Override public int axes() {
            return model.axes();
        }

        @Override public Map<String, String> settings(Map<String, String> wishes) {
            return wishes.isEmpty() ? own : model.settings(wishes);
        }
    }

    // ---- changes ----

    private void restore() {
        form.restore();
        page.refill();
        changed();
    }

    private void changed() {
        version++;
        wanted = null;
        typing.restart();
    }

    /** Ask the library on the other thread; the answer comes to {@link #checked}. */
    private void check() {
        if (model == null || !checkable())
            return;
        typing.stop();
        long mine = version;
        Model current = model;
        SettingsForm copy = form.copy();
        checker.run(() -> {
            Findings found = Findings.of(copy, current, image);
            EventQueue.invokeLater(() -> {
                if (mine == version)
                    checked(found);
            });
        });
    }

    private boolean checkable() {
        return closed.getCount() > 0 && chooser.selected().equals(form.modelName());
    }

    private void checked(Findings found) {
        if (closed.getCount() == 0)
            return;
        page.says(found);
        showMessages(found);
        forecast.setText(found.forecast);
        measureOnce(found);
        wanted = found.request;
        ok.setEnabled(wanted != null);
        Ui.grow(window);
        if (wanted != null && previewBox.isSelected())
            preview.wanted(model, wanted);
        if (okPressed && wanted != null)
            ok();
        okPressed = false;
    }

    /** The time can be told once the model ran on this computer: so let it, on a small image, and ask again. */
    private void measureOnce(Findings found) {
        if (found.request == null || previewBox.isSelected() || Forecast.measured(model, found.request)
                || !measured.add(model.sha256()))
            return;
        Model current = model;
        forecast.setText(found.forecast + " Measuring how fast this computer is ...");
        Thread thread = new Thread(() -> {
            try {
                Forecast.measure(current, found.request, (stage, fraction) -> closed.getCount() > 0);
            } catch (RuntimeException e) {
                return;                 /* the forecast does without the time */
            }
            EventQueue.invokeLater(this::check);
        }, "PEA speed");
        thread.setDaemon(true);
        thread.start();
    }

    private void showMessages(Findings found) {
        messages.removeAll();
        for (Fit.Message m : found.messages)
            messages.add(new MessageRow(m, window.getWidth(), () -> {
                form.set(m.key, m.value);
                page.refill();
                changed();
            }));
        Ui.fonts(messages);
        messages.revalidate();
        messages.repaint();
    }

    // ---- the preview ----

    private void previewChanged() {
        if (!previewBox.isSelected()) {
            preview.off();
            previewSays(" ", -1);
        } else if (wanted != null) {
            preview.wanted(model, wanted);
        }
    }

    /** @param fraction of the work under way; negative: none is */
    private void previewSays(String text, double fraction) {
        previewBar.setVisible(fraction >= 0);
        previewBar.setValue((int) (1000 * Math.max(0, fraction)));
        previewText.setText(text);
        previewBar.getParent().revalidate();
        if (fraction < 0 && window.isShowing())
            Ui.grow(window);
    }
}
