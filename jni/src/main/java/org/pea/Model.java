/* Model.java - a network with its weights, settings and provenance.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.file.Path;
import java.util.Map;

/**
 * An open model file.
 *
 * Wishes are settings by name ({@link Settings}) in place of the model's own; {@code scale=auto} must have been replaced
 * with {@link #scale}.
 */
public final class Model implements AutoCloseable {
    private Model() {}

    /**
     * Opens a model file.
     *
     * @throws PeaException.Io where it cannot be read
     * @throws PeaException.Format where it is damaged or no model, with the tensor or key that is wrong
     */
    public static Model open(Path file) {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * Makes a model file from a PyTorch checkpoint.
     *
     * @param preset settings to record: cvppp, bbbc039, ac3ac4 or nuclei; null: those that suit the network
     * @param metadataJson JSON object with keys to add to the record; null: none
     * @return notes on what was tolerated, may be empty
     */
    public static String importCheckpoint(Path checkpoint, String preset, String metadataJson, Path modelFile) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** The file it came from. */
    public Path file() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Its name. */
    public String name() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** The JSON record of settings and provenance. */
    public String record() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** What it is for, in sentences; empty where the record has none. */
    public String description() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** SHA-256 of the file, 64 hexadecimal digits. */
    public String sha256() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** 2: takes planes; 3: takes volumes. */
    public int axes() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Channels of its input. */
    public int channels() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Number of trained parameters. */
    public long parameters() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Kind of network: {@code resunet2d} or {@code superhuman3d}. */
    public String kind() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Components of an embedding; 0 where the network gives affinities alone. */
    public int embeddingDim() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** A picture of what it does, as PNG; null where the record has none. */
    public byte[] thumbnail() {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * All settings as text, in the library's order.
     *
     * @param wishes in place of the model's own; empty or null: none
     * @throws PeaException.Argument for an unknown key, with the nearest known one, or a value it does not take
     */
    public Map<String, String> settings(Map<String, String> wishes) {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * The factor that gives an image's pixels the size of those the model was trained on.
     *
     * @throws PeaException.Argument that says in words why it cannot be known
     */
    public double scale(Calibration image) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Bytes that {@link #segment} will need at most besides image, mask, labels and what is kept. */
    public long forecast(long z, long y, long x, int c, Map<String, String> wishes, int threads) {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * Segments an image or volume.
     *
     * @param image z,y,x,c; c is 1 or {@link #channels}
     * @param mask UINT8 z,y,x,1, not 0 where instances may be; null: everywhere
     */
    public Segmentation segment(Volume image, Volume mask, Map<String, String> wishes, Keep keep, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Runs the network alone; what it says can then be clustered with different settings. */
    public Prediction predict(Volume image, Map<String, String> wishes, Run run) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Frees the network, as soon as no call uses it any more. */
    @Override
    public void close() {
        throw new UnsupportedOperationException("not written yet");
    }
}
