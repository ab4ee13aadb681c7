/* Sample.java - what tests work on: small models and images.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.awt.image.Raster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;

final class Sample {
    static final Path REPOSITORY = Paths.get(System.getProperty("pea.repository"));
    static final Path LIBRARY = Paths.get(System.getProperty("pea.native"));
    static final Path NUCLEI = REPOSITORY.resolve("models/nuclei.safetensors");
    static final Map<String, String> NONE = Collections.emptyMap();
    static final String[] IMAGES = {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"};

    private static Path planeModel;
    private static Path volumeModel;

    private Sample() {}

    /** A file that was built beside the library. */
    static Path beside(String name) {
        return LIBRARY.resolveSibling(name).toAbsolutePath();
    }

    static Path testdata(String file) {
        return REPOSITORY.resolve("testdata").resolve(file);
    }

    /** A thin network for planes of three channels, random weights. */
    static synchronized Path planeModel() {
        if (planeModel == null)
            planeModel = imported("resunet2d-small-legacy");
        return planeModel;
    }

    /** A thin network for volumes of one channel, random weights. */
    static synchronized Path volumeModel() {
        if (volumeModel == null)
            volumeModel = imported("superhuman3d-small");
        return volumeModel;
    }

    private static Path imported(String golden) {
        try {
            Path folder = Files.createTempDirectory("pea-test");
            Path model = folder.resolve("model.safetensors");
            Model.importCheckpoint(testdata("golden/" + golden + "/model.ckpt"), null, null, model);
            model.toFile().deleteOnExit();
            return model;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Blobs on a dark ground, the same each time. */
    static Volume blobs(int z, int y, int x) {
        Volume volume = new Volume(Dtype.UINT8, z, y, x, 1);
        byte[] plane = new byte[y * x];
        for (int k = 0; k < z; k++) {
            for (int i = 0; i < plane.length; i++) {
                double a = Math.sin((i / x + k) * 0.35);
                double b = Math.sin((i % x) * 0.3);
                plane[i] = (byte) (Math.max(0, a * b) * 200 + 20);
            }
            volume.put(k, 0, plane);
        }
        return volume;
    }

    /** One of the images of nuclei; Java 8 cannot read TIFF. */
    static Volume nuclei(String name, String what) {
        Path file = testdata("nuclei/" + name + "_" + what + ".tif");
        try {
            java.awt.image.BufferedImage image = ImageIO.read(file.toFile());
            Assumptions.assumeTrue(image != null, "this Java reads no TIFF");
            Raster raster = image.getRaster();
            int[] pixels = raster.getSamples(0, 0, raster.getWidth(), raster.getHeight(), 0, (int[]) null);
            if (what.equals("labels")) {
                Volume labels = new Volume(Dtype.UINT32, 1, raster.getHeight(), raster.getWidth(), 1);
                labels.put(0, 0, pixels);
                return labels;
            }
            byte[] bytes = new byte[pixels.length];
            for (int i = 0; i < bytes.length; i++)
                bytes[i] = (byte) pixels[i];
            Volume volume = new Volume(Dtype.UINT8, 1, raster.getHeight(), raster.getWidth(), 1);
            volume.put(0, 0, bytes);
            return volume;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All labels of a small volume. */
    static int[] labels(Volume labels) {
        int plane = (int) (labels.y() * labels.x());
        int[] all = new int[(int) labels.z() * plane];
        int[] one = new int[plane];
        for (int k = 0; k < labels.z(); k++) {
            labels.get(k, 0, one);
            System.arraycopy(one, 0, all, k * plane, plane);
        }
        return all;
    }

    static int[] labels(Segmentation segmentation) {
        return labels(segmentation.labels());
    }
}
