// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import ij.ImagePlus;
import ij.WindowManager;
import ij.process.ImageProcessor;

/** Which of the open images are labels of which: by size, by name, and by what their numbers look like. */
final class OpenPairs {
    private OpenPairs() {}

    private static final Pattern LABEL_WORDS = Pattern.compile("label|mask|truth|annot|(^|[^a-z])gt([^a-z]|$)|seg");
    private static final Pattern NOISE = Pattern.compile("(?i)\\.(tiff?|png)$|image|img|rgb|raw|labels?|masks?|truth"
            + "|annotations?|cp_|(?<![a-z])gt(?![a-z])|[^a-z0-9]+");

    /** Title of an image to that of its labels. */
    static Map<String, String> find(List<ImagePlus> open) {
        Map<String, String> pairs = new LinkedHashMap<>();
        Set<ImagePlus> taken = new HashSet<>();
        List<ImagePlus> labels = new ArrayList<>(), images = new ArrayList<>();
        for (ImagePlus image : open)
            (looksLikeLabels(image) ? labels : images).add(image);
        for (ImagePlus image : images) {
            ImagePlus found = null;
            for (ImagePlus l : labels)
                if (!taken.contains(l) && sameSize(image, l) && core(image).equals(core(l)))
                    found = l;
            if (found == null && images.size() == 1 && labels.size() == 1 && sameSize(image, labels.get(0)))
                found = labels.get(0); // nothing else can be meant
            if (found != null && taken.add(found))
                pairs.put(image.getTitle(), found.getTitle());
        }
        return pairs;
    }

    // ---- as a text: image=labels;image=labels, where "\\;" and "\\=" are those letters ----

    static String write(Map<String, String> pairs) {
        List<String> all = new ArrayList<>();
        pairs.forEach((image, labels) -> all.add(escape(image) + "=" + escape(labels)));
        return String.join(";", all);
    }

    static String escape(String title) {
        return title.replaceAll("[;=]", "\\\\$0");
    }

    /**
     * Image and labels of each. Where several "=" have no backslash the last one counts: titles of images had them before
     * there were backslashes.
     *
     * @throws IllegalArgumentException for what has no labels or no image
     */
    static List<String[]> read(String text) {
        List<String[]> pairs = new ArrayList<>();
        for (String pair : text.split("(?<!\\\\);")) {
            String[] parts = pair.split("(?<!\\\\)=(?!.*(?<!\\\\)=)", -1);
            for (int i = 0; i < parts.length; i++)
                parts[i] = parts[i].trim().replaceAll("\\\\([;=])", "$1");
            if (parts.length != 2 || parts[0].isEmpty() || parts[1].isEmpty())
                throw new IllegalArgumentException("pairs wants image=labels;image=labels, where labels may be rois (of the"
                        + " ROI Manager) or overlay, and \\; and \\= stand for those letters in titles; found \"" + pair
                        + "\"");
            pairs.add(parts);
        }
        return pairs;
    }

    static List<ImagePlus> open() {
        List<ImagePlus> open = new ArrayList<>();
        int[] ids = WindowManager.getIDList();
        for (int i = 0; ids != null && i < ids.length; i++)
            open.add(WindowManager.getImage(ids[i]));
        return open;
    }

    /** What a title has besides the words that say what kind of image it is. */
    static String core(ImagePlus image) {
        return NOISE.matcher(image.getTitle()).replaceAll("").toLowerCase(Locale.ROOT);
    }

    private static boolean sameSize(ImagePlus a, ImagePlus b) {
        return a.getWidth() == b.getWidth() && a.getHeight() == b.getHeight() && a.getNSlices() == b.getNSlices()
                && a.getNFrames() == b.getNFrames();
    }

    private static final int LOOKED_AT = 100000; // pixels

    /** Whole numbers in flat regions, of one channel; a name that says so needs only to hold whole numbers. */
    static boolean looksLikeLabels(ImagePlus image) {
        if (image.getType() == ImagePlus.COLOR_RGB || image.getNChannels() > 1)
            return false;
        boolean named = LABEL_WORDS.matcher(image.getTitle().toLowerCase(Locale.ROOT)).find();
        ImageProcessor ip = image.getProcessor();
        int n = ip.getPixelCount(), looked = 0, equal = 0;
        for (int i = 1; i < n && looked < LOOKED_AT; i += Math.max(1, n / LOOKED_AT)) {
            float v = ip.getf(i), before = ip.getf(i - 1);
            if (v != Math.rint(v) || v < 0)
                return false;
            if (v != 0 || before != 0) {
                looked++;
                equal += v == before ? 1 : 0;
            }
        }
        return named || (looked > 50 && equal > 0.85 * looked);
    }
}
