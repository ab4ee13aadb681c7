// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

import org.pea.Model;
import org.pea.PeaException;

import ij.ImagePlus;
import ij.process.ImageProcessor;

/** How an image differs from what a model was made for, in words, and what can be done about it. */
public final class Fit {
    private Fit() {}

    /** How bad it is. */
    public enum Kind {
        /** It will not run. */
        REFUSAL,
        /** The result may be poor. */
        WARNING,
        /** Worth knowing. */
        NOTE
    }

    /** One difference. */
    public static final class Message {
        public final Kind kind;
        /** One or two sentences, with the fix in words. */
        public final String words;
        /** The macro key that mends it and its value, to be offered as a button; null where there is none. */
        public final String key, value;

        Message(Kind kind, String words, String key, String value) {
            this.kind = kind;
            this.words = words;
            this.key = key;
            this.value = value;
        }

        /** Request with the offered fix in it; itself unchanged. */
        public Request fixed(Request request) {
            Request fixed = request.copy();
            if ("channel".equals(key))
                fixed.channel = Integer.parseInt(value);
            else if ("mode".equals(key))
                fixed.mode = value;
            else if (key != null)
                fixed.wishes.put(key, value);
            return fixed;
        }

        @Override public String toString() {
            return words;
        }
    }

    /** All differences, the worst first; empty where all is well. Looks at few pixels: quick enough for a dialog. */
    public static List<Message> of(Model model, ImagePlus image, Request request) {
        List<Message> all = new ArrayList<>();
        checkAxes(all, model, image, request);
        checkChannels(all, model, image, request);
        checkSize(all, model, image, request);
        checkNumbers(all, model, image, request);
        all.sort(Comparator.comparing(m -> m.kind)); // stable: in the order above where equally bad
        return all;
    }

    private static void add(List<Message> all, Kind kind, String words) {
        all.add(new Message(kind, words, null, null));
    }

    // ---- planes and volumes ----

    private static void checkAxes(List<Message> all, Model model, ImagePlus image, Request request) {
        int slices = request.firstSlice > 0 ? request.lastSlice - request.firstSlice + 1 : image.getNSlices();
        if (!request.mode.isEmpty() && request.mode.charAt(0) - '0' != model.axes())
            all.add(new Message(Kind.REFUSAL, "The model works in " + model.axes() + "-D, but " + request.mode
                                + " is asked for. Leave the mode to the model, or choose another model.", "mode", ""));
        if (model.axes() == 3 && image.getNSlices() == 1 && image.getNFrames() > 1)
            add(all, Kind.REFUSAL, "The model works on volumes, but the image has " + image.getNFrames()
                + " frames of one slice. If they are slices, say so in Image > Properties; otherwise choose a 2-D"
                + " model.");
        else if (model.axes() == 3 && slices == 1 && image.getNSlices() == 1)
            add(all, Kind.REFUSAL, "The model works on volumes, but the image is one plane. Choose a 2-D model.");
        else if (model.axes() == 3 && slices == 1)
            add(all, Kind.REFUSAL, "The model works on volumes, but one slice is chosen. Choose more, or a 2-D model.");
        if (model.axes() == 2 && slices > 1)
            add(all, Kind.NOTE, "The model works on planes: each of the " + slices
                + " slices is segmented alone, and an object has another number in each.");
    }

    // ---- channels and colours ----

    private static void checkChannels(List<Message> all, Model model, ImagePlus image, Request request) {
        int channels = ImageTransfer.channels(image), chosen = request.channel > 0 ? 1 : channels;
        boolean rgb = image.getType() == ImagePlus.COLOR_RGB;
        if (request.channel > channels)
            all.add(new Message(Kind.REFUSAL, "Channel " + request.channel + " is chosen, but the image has "
                                + channels + ".", "channel", "1"));
        else if (chosen != 1 && chosen != model.channels())
            all.add(new Message(Kind.REFUSAL, "The image has " + channels + (rgb ? " colours" : " channels")
                                + ", the model takes " + (model.channels() == 1 ? "1" : "1 or " + model.channels())
                                + ". Choose the channel with the objects.",
                                "channel", "" + (rgb ? 1 : image.getC())));
        else if (chosen > 1 && !rgb)
            add(all, Kind.NOTE, "All " + chosen + " channels go to the model as its colours. Choose one channel if only"
                + " one shows the objects.");
        if (rgb && chosen > 1 && chosen == model.channels() && isGrey(image))
            all.add(new Message(Kind.NOTE, "The image is grey, stored as RGB: one channel says the same.",
                                "channel", "1"));
        if (image.getBitDepth() == 8 && !image.isComposite() && isPalette(image))
            add(all, Kind.WARNING, "The colours of the image come from a palette; their brightness is segmented. If"
                + " the colours are for display alone, choose Image > Lookup Tables > Grays first.");
        else if (!image.isComposite() && image.isInvertedLut() && image.getBitDepth() != 32)
            add(all, Kind.NOTE, "The lookup table is inverted: numbers are turned round, so that what looks bright is"
                + " bright. If that is wrong, choose Image > Lookup Tables > Invert LUT first.");
    }

    private static boolean isPalette(ImagePlus image) {
        byte[] table = ImageTransfer.meaning(image);
        return table != null && !image.isInvertedLut();
    }

    private static boolean isGrey(ImagePlus image) {
        ImageProcessor ip = image.getProcessor();
        for (int i = 0; i < ip.getPixelCount(); i += step(ip)) {
            int c = ip.get(i);
            if ((c >> 16 & 255) != (c >> 8 & 255) || (c >> 8 & 255) != (c & 255))
                return false;
        }
        return true;
    }

    // ---- pixel size ----

    private static final double CLOSE = 1.25; // beyond that a network sees objects of another size

    private static void checkSize(List<Message> all, Model model, ImagePlus image, Request request) {
        String wish = request.wishes.getOrDefault("scale", "1");
        double right;
        try {
            right = model.scale(ImageTransfer.calibration(image));
        } catch (PeaException.Argument e) {
            if (wish.equals("auto"))
                all.add(new Message(Kind.REFUSAL, "The scale cannot be found: " + e.getMessage() + ".", "scale", "1"));
            return; // the model does not say its pixel size, or the image does not: nothing to compare
        }
        if (wish.equals("auto"))
            return;
        double scale;
        try {
            scale = Double.parseDouble(wish);
        } catch (NumberFormatException e) {
            return; // the library will say so
        }
        if (right / scale > CLOSE || scale / right > CLOSE)
            all.add(new Message(Kind.WARNING, "The model was trained on pixels "
                                + String.format(Locale.ROOT, "%.2g", Math.max(right, 1 / right)) + " times "
                                + (right > 1 ? "smaller" : "larger") + " than these. Let the image be scaled while it"
                                + " is segmented (scale=auto).", "scale", "auto"));
    }

    // ---- what the pixels look like ----

    private static final int LOOKED_AT = 40000; // pixels

    private static int step(ImageProcessor ip) {
        return Math.max(1, ip.getPixelCount() / LOOKED_AT) | 1; // odd: not always the same column
    }

    private static void checkNumbers(List<Message> all, Model model, ImagePlus image, Request request) {
        ImageProcessor ip = image.getProcessor();
        if (ip.getPixelCount() == 0 || image.getType() == ImagePlus.COLOR_RGB)
            return;
        Set<Float> values = new HashSet<>();
        double min = Double.MAX_VALUE, max = -Double.MAX_VALUE, sum = 0;
        long n = 0, bad = 0, whole = 0, pairs = 0, equalPairs = 0; // pairs of neighbours that are not both 0
        for (int i = 0; i < ip.getPixelCount(); i += step(ip), n++) {
            float v = ip.getf(i);
            bad += Float.isNaN(v) || Float.isInfinite(v) ? 1 : 0;
            whole += v == Math.rint(v) ? 1 : 0;
            boolean pair = i > 0 && (v != 0 || ip.getf(i - 1) != 0);
            pairs += pair ? 1 : 0;
            equalPairs += pair && v == ip.getf(i - 1) ? 1 : 0;
            if (values.size() < 5000)
                values.add(v);
            min = Math.min(min, v);
            max = Math.max(max, v);
            sum += v;
        }
        if (bad > 0)
            add(all, Kind.REFUSAL, "The image has values that are no numbers (NaN or infinity). Replace them first, as"
                + " with Process > Noise > Remove NaNs, or Process > Math > Macro.");
        else if (values.size() == 1)
            add(all, Kind.WARNING, "All pixels that were looked at have the same value: there is nothing to segment.");
        else if (values.size() == 2)
            add(all, Kind.WARNING, "The image has two values alone, so it looks like a mask. Segment the image that the"
                + " mask was made of, and give the mask with mask=... if you like.");
        else if (image.getTitle().endsWith(LabelImage.SUFFIX)
                 || (whole == n && pairs > 100 && equalPairs > 0.9 * pairs))
            add(all, Kind.WARNING, "This looks like a label image, not like the image itself. Choose the image that was"
                + " segmented.");
        else if (fluorescence(model) && (sum / n - min) / (max - min) > 0.6 != turnedRound(image))
            add(all, Kind.WARNING, "Most of the image is bright, but the model was made for bright objects on dark"
                + " ground. If objects are dark, invert the image first (Edit > Invert).");
    }

    private static boolean turnedRound(ImagePlus image) {
        return !image.isComposite() && image.isInvertedLut();
    }

    private static boolean fluorescence(Model model) {
        return model.description().toLowerCase(Locale.ROOT).contains("fluorescen");
    }
}
