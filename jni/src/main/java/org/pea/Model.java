/* Model.java - a network with its weights, settings and provenance.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;

/**
 * An open model file.
 *
 * Wishes are settings by name ({@link Settings}) in place of the model's own; {@code scale=auto} must have been
 * replaced with {@link #scale}.
 */
public final class Model implements AutoCloseable {
    private final Handle handle;
    private final Path file;
    private final String sha256;
    private final String name;
    private final String record;
    private final String kind;
    private final long[] info; // axes, channels, parameters, embedding dimension

    private Model(Path file, String sha256, long address) {
        handle = new Handle(this, "model", address, Model::nativeFree);
        this.file = file;
        this.sha256 = sha256;
        name = Texts.of(nativeName(address));
        record = Texts.of(nativeRecord(address));
        kind = Texts.of(nativeKind(address));
        info = nativeInfo(address);
    }

    /**
     * Opens a model file.
     *
     * @throws PeaException.Io where it cannot be read
     * @throws PeaException.Format where it is damaged or no model, with the tensor or key that is wrong
     */
    public static Model open(Path file) {
        Pea.load();
        Handle.freeForgotten();
        byte[] path = Texts.path(Volume.require(file, "file"));
        long address = nativeOpen(path);
        try {
            return new Model(file, Digests.sha256(file), address);
        } catch (IOException e) {
            nativeFree(address);
            throw new PeaException.Io(file + ": " + e.getMessage());
        }
    }

    /**
     * Makes a model file from a PyTorch checkpoint.
     *
     * @param preset settings to record: cvppp, bbbc039, ac3ac4 or nuclei; null: those that suit the network
     * @param metadataJson JSON object with keys to add to the record; null: none
     * @return notes on what was tolerated, may be empty
     */
    public static String importCheckpoint(Path checkpoint, String preset, String metadataJson, Path modelFile) {
        Pea.load();
        return Texts.of(nativeImport(Texts.path(Volume.require(checkpoint, "checkpoint")), Texts.bytes(preset),
            Texts.bytes(metadataJson), Texts.path(Volume.require(modelFile, "model file"))));
    }

    /** The file it came from. */
    public Path file() {
        return file;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** The JSON record of settings and provenance. */
    public String record() {
        return record;
    }

    /** What it is for, in sentences; empty where the record has none. */
    public String description() {
        String text = text("description");
        return text == null ? "" : text;
    }

    /** SHA-256 of the file, 64 hexadecimal digits. */
    public String sha256() {
        return sha256;
    }

    /** 2: takes planes; 3: takes volumes. */
    public int axes() {
        return (int) info[0];
    }

    /** Channels of its input. */
    public int channels() {
        return (int) info[1];
    }

    /** Number of trained parameters. */
    public long parameters() {
        return info[2];
    }

    /** Kind of network: {@code resunet2d} or {@code superhuman3d}. */
    public String kind() {
        return kind;
    }

    /** Components of an embedding; 0 where the network gives affinities alone. */
    public int embeddingDim() {
        return (int) info[3];
    }

    /** A picture of what it does, as PNG; null where the record has none. */
    public byte[] thumbnail() {
        String base64 = text("thumbnail");
        return base64 == null ? null : Base64.getDecoder().decode(base64); // checked when it was opened
    }

    /**
     * All settings as text, in the library's order.
     *
     * @param wishes in place of the model's own; empty or null: none
     * @throws PeaException.Argument for an unknown key, with the nearest known one, or a value it does not take
     */
    public Map<String, String> settings(Map<String, String> wishes) {
        byte[] packed = Texts.pack(wishes);
        try (Handle.Use model = handle.use()) {
            return Texts.unpack(nativeSettings(model.address, packed));
        }
    }

    /**
     * The factor that gives an image's pixels the size of those the model was trained on.
     *
     * @throws PeaException.Argument that says in words why it cannot be known
     */
    public double scale(Calibration image) {
        try (Handle.Use model = handle.use()) {
            return nativeScale(model.address, image.z(), image.y(), image.x(), Texts.bytes(image.unit()));
        }
    }

    /**
     * Bytes that {@link #segment} will need at most besides image, mask and labels; what is kept counts.
     *
     * @param keep null: labels alone
     */
    public long forecast(long z, long y, long x, int c, Map<String, String> wishes, Keep keep, int threads) {
        int kept = keep == null ? 0 : keep.bits();
        byte[] packed = Texts.pack(wishes);
        try (Handle.Use model = handle.use()) {
            return nativeForecast(model.address, z, y, x, c, packed, kept, threads);
        }
    }

    /**
     * Segments an image or volume.
     *
     * @param image z,y,x,c; c is 1 or {@link #channels}
     * @param mask UINT8 z,y,x,1, not 0 where instances may be; null: everywhere
     * @param keep null: labels alone
     * @throws PeaException.Shape that says how image and model differ
     * @throws PeaException.Limit with the bytes needed, where the run allows fewer
     */
    public Segmentation segment(Volume image, Volume mask, Map<String, String> wishes, Keep keep, Run run) {
        run = run == null ? new Run() : run;
        int kept = keep == null ? 0 : keep.bits();
        byte[] packed = Texts.pack(wishes);
        try (Handle.Use model = handle.use(); Handle.Use i = Volume.require(Volume.handle(image), "image").read();
             Handle.Use m = Handle.Use.readOrNone(Volume.handle(mask))) {
            return new Segmentation(nativeSegment(model.address, i.address, m.address, packed, kept, run.threads(),
                run.memoryLimit(), run.listener()));
        }
    }

    /** Runs the network alone; what it says can then be clustered with different settings. */
    public Prediction predict(Volume image, Map<String, String> wishes, Run run) {
        run = run == null ? new Run() : run;
        byte[] packed = Texts.pack(wishes);
        try (Handle.Use model = handle.use(); Handle.Use i = Volume.require(Volume.handle(image), "image").read()) {
            long made = nativePredict(model.address, i.address, packed, run.threads(), run.memoryLimit(),
                run.listener());
            return new Prediction(made, image.z(), image.y(), image.x());
        }
    }

    /** Frees the network, as soon as no call uses it any more. */
    @Override
    public void close() {
        handle.close();
    }

    private String text(String key) {
        try (Handle.Use model = handle.use()) {
            return Texts.of(nativeText(model.address, Texts.bytes(key)));
        }
    }

    private static native long nativeOpen(byte[] path);

    private static native void nativeFree(long model);

    private static native byte[] nativeImport(byte[] checkpoint, byte[] preset, byte[] metadata, byte[] model);

    private static native byte[] nativeName(long model);

    private static native byte[] nativeKind(long model);

    private static native byte[] nativeRecord(long model);

    private static native byte[] nativeText(long model, byte[] key);

    private static native long[] nativeInfo(long model);

    private static native byte[] nativeSettings(long model, byte[] wishes);

    private static native double nativeScale(long model, double z, double y, double x, byte[] unit);

    private static native long nativeForecast(long model, long z, long y, long x, int c, byte[] wishes, int keep,
                                              int threads);

    private static native long[] nativeSegment(long model, long image, long mask, byte[] wishes, int keep, int threads,
                                               long memoryLimit, Listener listener);

    private static native long nativePredict(long model, long image, byte[] wishes, int threads, long memoryLimit,
                                             Listener listener);
}
