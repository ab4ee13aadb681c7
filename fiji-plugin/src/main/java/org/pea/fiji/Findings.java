// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import org.pea.Model;
import org.pea.PeaException;

import ij.ImagePlus;

/** What the dialog says about a form: problems, how image and model fit, the forecast, and the request it makes. */
final class Findings {
    final SettingsForm.Check check;
    final List<Fit.Message> messages = new ArrayList<>();
    /** One line. */
    final String forecast;
    /** What scale=auto would be; empty where that cannot be known. */
    String scale = "";
    /** Null where it would not run. */
    final Request request;

    private Findings(SettingsForm.Check check, String forecast, Request request) {
        this.check = check;
        this.forecast = forecast;
        this.request = request;
    }

    /** Milliseconds, but not for the event thread: the model may be busy. */
    static Findings of(SettingsForm form, Model model, ImagePlus image) {
        SettingsForm.Check check = form.check();
        if (!check.ok())
            return new Findings(check, check.problems.getOrDefault("", "Correct what is marked."), null);
        Request request = form.request();
        List<Fit.Message> messages = new ArrayList<>();
        Forecast forecast;
        try {
            messages = Fit.of(model, image, request);
            forecast = Forecast.of(model, image, request);
        } catch (RuntimeException e) {
            return new Findings(check, Ui.words(e), null);
        }
        boolean refused = false;
        for (Fit.Message m : messages)
            refused |= m.kind == Fit.Kind.REFUSAL;
        String words = forecast.error != null ? forecast.error : "This will need " + forecast.words() + ".";
        Findings found = new Findings(check, refused ? "It will not run as it is." : words, refused ? null : request);
        found.messages.addAll(messages);
        found.scale = scale(model, image);
        return found;
    }

    private static String scale(Model model, ImagePlus image) {
        try {
            return String.format(Locale.ROOT, "auto is %.3g here", model.scale(ImageTransfer.calibration(image)));
        } catch (PeaException.Argument e) {
            return "";
        }
    }
}
