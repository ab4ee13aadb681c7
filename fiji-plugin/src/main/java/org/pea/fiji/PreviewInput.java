// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;
import java.util.Map;

import org.pea.Dtype;
import org.pea.Model;
import org.pea.Volume;

import ij.ImagePlus;

/**
 * The voxels of a preview. Where it looks at a part of what the run will look at, and intensities are normalised
 * between the smallest and the largest of all, these are looked for in all, so that the part comes to the network as
 * in the run.
 */
final class PreviewInput implements AutoCloseable {
    private static final long MOST_BYTES = 4L << 30;    /* a second of reading, or so */

    final Volume voxels;
    /** The voxels are normalised already. */
    final boolean normalised;

    private PreviewInput(Volume voxels, boolean normalised) {
        this.voxels = voxels;
        this.normalised = normalised;
    }

    static PreviewInput of(ImagePlus image, PreviewPart look, Request request, Model model, Map<String,
            String> wishes) {
        Volume part = ImageTransfer.pixels(image, look.part, 0);
        if (!look.cut || !"minmax".equals(model.settings(wishes).get("normalise")) || part.c() != 1)
            return new PreviewInput(part, false);
        try {
            double[] range = range(image, look, request, model.axes());
            if (range == null || !(range[1] > range[0]))
                return new PreviewInput(part, false);
            Volume normal = normal(part, range[0], range[1]);
            part.close();
            return new PreviewInput(normal, true);
        } catch (RuntimeException | OutOfMemoryError e) {
            part.close();
            throw e;
        }
    }

    /** Smallest and largest number that the run will look at; null where finding out would take long. */
    private static double[] range(ImagePlus image, PreviewPart look, Request request, int axes) {
        ImageTransfer.Part all = axes == 3 ? ImageTransfer.part(request, image)
                : ImageTransfer.visiblePlane(request, image);
        Rectangle b = all.bounds;
        long bytes = (long) all.slices * b.width * b.height * image.getBytesPerPixel();
        if (bytes > MOST_BYTES || image.getStack().isVirtual() && all.slices > look.part.slices)
            return null;
        double[] range = {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        for (int z = all.firstSlice; z < all.firstSlice + all.slices; z++)
            try (Volume plane = ImageTransfer.pixels(image, new ImageTransfer.Part(all.channel, z, 1,
                    look.part.firstFrame, 1, b, false), 0)) {
                for (long y = 0; y < plane.y(); y++)
                    for (float v : row(plane, 0, y)) {
                        range[0] = Math.min(range[0], v);
                        range[1] = Math.max(range[1], v);
                    }
            }
        return range;
    }

    private static Volume normal(Volume part, double least, double most) {
        Volume normal = new Volume(Dtype.FLOAT32, part.z(), part.y(), part.x(), 1);
        for (long z = 0; z < part.z(); z++)
            for (long y = 0; y < part.y(); y++) {
                float[] row = row(part, z, y);
                for (int x = 0; x < row.length; x++)
                    row[x] = (float) ((row[x] - least) / (most - least));
                normal.put(z, y, row);
            }
        return normal;
    }

    private static float[] row(Volume v, long z, long y) {
        int n = (int) v.x() * v.c();
        float[] row = new float[n];
        switch (v.dtype()) {
        case UINT8:
            byte[] bytes = new byte[n];
            v.get(z, y, bytes);
            for (int i = 0; i < n; i++)
                row[i] = bytes[i] & 0xff;
            break;
        case UINT16:
        case INT16:
            short[] shorts = new short[n];
            v.get(z, y, shorts);
            for (int i = 0; i < n; i++)
                row[i] = v.dtype() == Dtype.INT16 ? shorts[i] : shorts[i] & 0xffff;
            break;
        default:
            v.get(z, y, row);
            break;
        }
        return row;
    }

    @Override public void close() {
        voxels.close();
    }
}
