// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.pea.PeaException;
import org.pea.Scores;
import org.pea.Volume;

import ij.IJ;
import ij.ImagePlus;
import ij.macro.Interpreter;

/**
 * What a macro of many images calls, {@code call("org.pea.fiji.MacroCalls.segment", ...)}: an error is an answer here
 * and does not end the macro, as it does behind {@code run(...)}; and no menu is needed, so that plain ImageJ without a
 * display can do it. Every answer is a text; errors are one line that begins with {@code Error: }. Esc ends the macro.
 */
public final class MacroCalls {
    private MacroCalls() {}

    private static final String ERROR = "Error: ";

    /** What may throw. */
    private interface Call {
        String answer() throws Exception;
    }

    /**
     * Whether a macro understands its own arguments, {@code key=value key=[a value with blanks]}.
     * @param known its keys, with commas between them
     * @return empty, or what is wrong, without {@code Error: }
     */
    public static String check(String arguments, String known) {
        List<String> keys = Arrays.asList(known.split(","));
        return attempt(() -> {
            for (String key : MacroOptions.parse(arguments).keySet())
                if (!keys.contains(key))
                    throw new IllegalArgumentException("unknown key \"" + key + "\"; the keys are "
                                                       + String.join(", ", keys));
            return ERROR;
        }).substring(ERROR.length());
    }

    /** The value behind a key of such arguments, or of an answer. */
    public static String value(String arguments, String key, String otherwise) {
        return MacroOptions.parse(arguments).getOrDefault(key, otherwise);
    }

    /** Whether a folder is one of those that it lies in: a link that leads back, and would be followed for ever. */
    public static String leadsBack(String folder) {
        try {
            Path parent = Paths.get(folder).toAbsolutePath().normalize().getParent();
            return "" + (parent != null && parent.toRealPath().startsWith(Paths.get(folder).toRealPath()));
        } catch (IOException e) {
            return "false"; // a folder that cannot be read has no images
        }
    }

    /** Open a file as the active image; nothing is shown where there is no display. Empty, or the error. */
    public static String open(String path) {
        return attempt(() -> {
            openFile(path).show();
            return "";
        });
    }

    /**
     * As {@code run("Segment Instances (PEA)...", options)}, but that an error is an answer.
     * @return {@code instances=3 seconds=0.5}, or the error
     */
    public static String segment(String options) {
        return attempt(() -> SegmentInstances.work(MacroOptions.read(options), SegmentInstances.image(),
                                                   MacroCalls::words));
    }

    /**
     * Segment the active image, and show nothing.
     * @param options the settings
     * @param result  path of the results without their ending
     * @param endings what to write there: of {@code tif,png,csv,zip} the labels, the picture, the table, the ROIs
     * @return {@code instances=3 seconds=0.5}, or the error
     */
    public static String segment(String options, String result, String endings) {
        return attempt(() -> work(SegmentInstances.image(), options, result, endings));
    }

    /** The same for a file, which is opened and closed. It is never written over. */
    public static String segmentFile(String path, String options, String result, String endings) {
        return attempt(() -> {
            for (String ending : endings.split(",")) {
                Path output = Paths.get(result + "." + ending);
                if (Files.exists(output) && Files.isSameFile(output, Paths.get(path)))
                    throw new IllegalArgumentException(output + " is the image itself: choose another folder for the"
                                                       + " results");
            }
            ImagePlus image = openFile(path);
            try {
                return work(image, options, result, endings);
            } finally {
                image.close();
            }
        });
    }

    /**
     * As {@code run("Train or Fine-tune...", options)}, but that an error is an answer.
     * @return {@code steps=400 score=0.85 model=[/path/mine.safetensors]}, the score where one was computed, or the
     *     error
     */
    public static String train(String options) {
        return attempt(() -> TrainingWork.of(MacroOptions.parse(options)).run().line());
    }

    /**
     * Scores of a label image, a line {@code key<TAB>number} for each, in the order of {@code pea score --json}; or the
     * error.
     */
    public static String score(String truth, String prediction) {
        return attempt(() -> {
            StringBuilder lines = new StringBuilder();
            try (Volume t = labels(truth); Volume p = labels(prediction)) {
                for (Map.Entry<String, Double> e : Scores.of(t, p, null).entrySet())
                    lines.append(e.getKey()).append('\t').append(Json.number(e.getValue())).append('\n');
            }
            return lines.toString();
        });
    }

    private static Volume labels(String path) throws IOException {
        ImagePlus image = openFile(path);
        try {
            if (image.getNFrames() > 1)
                throw new IllegalArgumentException(path + " has " + image.getNFrames()
                                                   + " frames: score them one by one");
            return ImageTransfer.labels(image, 0);
        } finally {
            image.close();
        }
    }

    private static String work(ImagePlus image, String options, String result, String endings) {
        Request request = MacroOptions.read(options);
        for (String ending : endings.split(","))
            want(request, ending, result + "." + ending);
        request.show = EnumSet.noneOf(Request.Show.class);
        return SegmentInstances.work(request, image, MacroCalls::words);
    }

    private static String words(Result found) {
        return String.format(Locale.ROOT, "instances=%d seconds=%.2f", found.count(), found.seconds());
    }

    private static void want(Request request, String ending, String file) {
        switch (ending) {
        case "tif": request.output = file; break;
        case "png": request.overlay = file; break;
        case "csv": request.table = file; break;
        case "zip": request.rois = file; break;
        default: throw new IllegalArgumentException("results end in tif, png, csv or zip, not in " + ending);
        }
    }

    /* ImageJ says why in a window, or in the log where it was told to; a macro must not wait for somebody to close
     * that. */
    static ImagePlus openFile(String path) throws IOException {
        if (!Files.isReadable(Paths.get(path)))
            throw new IOException("there is no file " + path + " that may be read");
        WholeTiff.check(Paths.get(path).toAbsolutePath().toFile());
        IJ.redirectErrorMessages();
        ImagePlus image = IJ.openImage(path);
        IJ.redirectErrorMessages(false);
        if (image == null)
            throw new IOException(Paths.get(path).getFileName()
                                  + " is not an image that ImageJ reads; open it by hand to see why");
        return image;
    }

    private static String attempt(Call call) {
        try {
            return call.answer();
        } catch (PeaException.Cancelled e) {
            Interpreter.abort(); // who presses Esc wants the macro to end, not its next image
            return ERROR + "cancelled";
        } catch (PeaException | IllegalArgumentException | IOException | UncheckedIOException e) {
            return ERROR + oneLine(e.getMessage());
        } catch (OutOfMemoryError e) {
            return ERROR + Ui.words(e);
        } catch (Exception e) { // a fault of ours, or of a reader: the other images need not suffer
            return ERROR + oneLine(e.toString());
        }
    }

    private static String oneLine(String text) {
        return text.replace("\r", "").replace('\n', ' ');
    }
}
