/* Training.java - images with labels teach a network, which becomes a model file.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A course of training: how a network is taught, and with what.
 *
 * Options are texts by name, with the words of {@code pea train}: preset, small, freeze, share, thin, without, time (a
 * number of seconds here), steps, validate, score, batch, side, depth, rate, final, decay, optimiser, epsilon, penalty,
 * clip, average, warmup, seed, save, name, description, licence, source; other names are settings of the model
 * ({@link Settings}). Plain data but for the volumes, which are the caller's.
 */
public final class Training {
    /** An image file and its label file. */
    public static final class FilePair {
        private final Path image;
        private final Path labels;
        private final boolean validation;

        private FilePair(Path image, Path labels, boolean validation) {
            this.image = image;
            this.labels = labels;
            this.validation = validation;
        }

        /** The image. */
        public Path image() {
            return image;
        }

        /** Its labels. */
        public Path labels() {
            return labels;
        }

        /** Whether it is scored and not learnt from. */
        public boolean isForValidation() {
            return validation;
        }
    }

    private final Map<String, String> options = new LinkedHashMap<>();
    private final List<String> names = new ArrayList<>();
    private final List<Volume> images = new ArrayList<>();
    private final List<Volume> labels = new ArrayList<>();
    private final List<Boolean> validation = new ArrayList<>();
    private Path from;
    private Path folder;
    private boolean resume;
    private Calibration pixelSize;

    /** @param options by name; null: none, which needs {@link #from} */
    public Training(Map<String, String> options) {
        if (options != null)
            this.options.putAll(options);
    }

    /** Begin with the network of this model, and keep its settings; null: with a new one. */
    public Training from(Path model) {
        from = model;
        return this;
    }

    /** A folder that is there for state, curves and pictures; null: none are written, and nothing can be resumed. */
    public Training folder(Path folder) {
        this.folder = folder;
        return this;
    }

    /** Go on from the state in the folder. */
    public Training resume(boolean on) {
        resume = on;
        return this;
    }

    /** What a pixel of the images measures, for the model's record; null: not known. */
    public Training pixelSize(Calibration size) {
        pixelSize = size;
        return this;
    }

    /**
     * Add an image.
     *
     * @param name what messages call it
     * @param image z,y,x,c; stays open until training is over
     * @param labels z,y,x,1: whole numbers, 0 is background; likewise
     * @param validation whether it is scored and not learnt from
     */
    public Training add(String name, Volume image, Volume labels, boolean validation) {
        this.names.add(Volume.require(name, "name"));
        this.images.add(Volume.require(image, "image"));
        this.labels.add(Volume.require(labels, "labels"));
        this.validation.add(validation);
        return this;
    }

    /** Where the state of a run lies in its folder. */
    public static Path state(Path folder) {
        return folder.resolve("state.safetensors");
    }

    /**
     * The pairs of a folder, or the rows of a CSV file; no image is opened.
     *
     * @param imageNames with one {@code *}, as {@code *_image.tif}; null with the next: the usual ones
     * @param labelNames likewise
     */
    public static List<FilePair> pairs(Path folderOrTable, String imageNames, String labelNames) {
        Pea.load();
        byte[] packed = nativePairs(Texts.path(Volume.require(folderOrTable, "folder")),
            Files.isDirectory(folderOrTable), Texts.bytes(imageNames), Texts.bytes(labelNames));
        String[] texts = new String(packed, StandardCharsets.UTF_8).split("\0", -1);
        List<FilePair> pairs = new ArrayList<>();
        for (int i = 0; i + 3 < texts.length; i += 3)
            pairs.add(new FilePair(Paths.get(texts[i]), Paths.get(texts[i + 1]), !texts[i + 2].isEmpty()));
        return pairs;
    }

    /**
     * The options in effect that are numbers or texts, by name, and {@code axes}, 2 or 3.
     *
     * @throws PeaException.Argument for one that is not known or not possible
     */
    public Map<String, String> options() {
        Pea.load();
        return Texts.unpack(nativeOptions(Texts.pack(options), path(from)));
    }

    /** Bytes that training will need besides the images: network, optimiser, samples. */
    public long forecast(int threads) {
        Pea.load();
        return nativeForecast(Texts.pack(options), path(from), threads > 0 ? threads : Pea.threads());
    }

    /**
     * Train, and write the model whenever it is the best so far. Everything is checked before the first step.
     *
     * @param run its listener may be a {@link TrainingListener}
     * @throws PeaException.Cancelled where the listener wanted to end at once: what was learnt is in the folder, and
     *     {@link #resume} goes on from there
     * @throws PeaException.Argument and others in one line: which option or image is wrong
     */
    public void run(Path modelFile, Run run) {
        Pea.load();
        run = run == null ? new Run() : run;
        byte[][] named = new byte[names.size()][];
        boolean[] held = new boolean[named.length];
        for (int i = 0; i < named.length; i++) {
            named[i] = Texts.bytes(names.get(i));
            held[i] = validation.get(i);
        }
        List<Handle.Use> uses = new ArrayList<>();
        try {
            long[] imageAddresses = use(images, uses);
            long[] labelAddresses = use(labels, uses);
            double[] size = pixelSize == null ? null : new double[] {pixelSize.z(), pixelSize.y(), pixelSize.x()};
            nativeRun(Texts.pack(options), path(from), path(folder), resume, size,
                pixelSize == null ? null : Texts.bytes(pixelSize.unit()), named, imageAddresses, labelAddresses, held,
                Texts.path(Volume.require(modelFile, "model file")), run.threads(), run.memoryLimit(), run.listener(),
                run.listener() instanceof TrainingListener);
        } finally {
            for (Handle.Use use : uses)
                use.close();
        }
    }

    private static long[] use(List<Volume> volumes, List<Handle.Use> uses) {
        long[] addresses = new long[volumes.size()];
        for (int i = 0; i < addresses.length; i++) {
            Handle.Use use = Volume.handle(volumes.get(i)).read();
            uses.add(use);
            addresses[i] = use.address;
        }
        return addresses;
    }

    private static byte[] path(Path path) {
        return path == null ? null : Texts.path(path);
    }

    private static native byte[] nativeOptions(byte[] options, byte[] from);

    private static native long nativeForecast(byte[] options, byte[] from, int threads);

    private static native byte[] nativePairs(byte[] path, boolean isFolder, byte[] images, byte[] labels);

    private static native void nativeRun(byte[] options, byte[] from, byte[] folder, boolean resume, double[] pixelSize,
                                         byte[] unit, byte[][] names, long[] images, long[] labels,
                                         boolean[] validation, byte[] path, int threads, long memoryLimit,
                                         Listener listener, boolean reports);
}
