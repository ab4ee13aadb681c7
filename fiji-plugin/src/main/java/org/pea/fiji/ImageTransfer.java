// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;
import java.io.File;
import java.util.Arrays;

import org.pea.Calibration;
import org.pea.Dtype;
import org.pea.Volume;

import ij.ImagePlus;
import ij.ImageStack;
import ij.WindowManager;
import ij.gui.Roi;
import ij.io.Opener;
import ij.process.ImageProcessor;
import ij.process.LUT;

/**
 * Pixels of ImageJ to native memory and back, plane by plane. The numbers are those that {@code pea segment} reads from
 * the same image saved as TIFF, so that both give the same labels.
 *
 * <p>An area selection limits the work: its bounds are cut out, and instances may be only inside its shape. So
 * intensities are normalised over its bounds alone. Other selections (lines, points) are ignored.
 */
public final class ImageTransfer {
    private ImageTransfer() {}

    /** The part of an image that a request means, checked against the image. Numbers count from 0. */
    public static final class Part {
        /** -1: all channels as the user counts them; RGB has three. */
        public final int channel;
        public final int firstSlice, slices, firstFrame, frames;
        /** What lies inside the selection, clipped to the image; the whole plane without an area selection. */
        public final Rectangle bounds;
        /** Whether the selection has another shape than its bounds. */
        public final boolean shaped;

        Part(int channel, int firstSlice, int slices, int firstFrame, int frames, Rectangle bounds, boolean shaped) {
            this.channel = channel;
            this.firstSlice = firstSlice;
            this.slices = slices;
            this.firstFrame = firstFrame;
            this.frames = frames;
            this.bounds = bounds;
            this.shaped = shaped;
        }

        /** Channels that {@link #pixels} gives. */
        public int channels(ImagePlus image) {
            return channel < 0 ? ImageTransfer.channels(image) : 1;
        }

        /** Voxels of one frame, channels not counted. */
        public long voxels() {
            return (long) slices * bounds.width * bounds.height;
        }
    }

    // ---- which part ----

    private static int colours(ImagePlus image) {
        return image.getType() == ImagePlus.COLOR_RGB ? 3 : 1;
    }

    /** Channels as the user counts them: 3 for each of RGB. */
    public static int channels(ImagePlus image) {
        return image.getNChannels() * colours(image);
    }

    /** @throws IllegalArgumentException in words: a channel, slice or frame that is not there, an empty selection */
    public static Part part(Request request, ImagePlus image) {
        int slices = image.getNSlices(), frames = image.getNFrames();
        if (request.channel > channels(image))
            throw new IllegalArgumentException("channel " + request.channel + " asked for, but the image has "
                                               + channels(image));
        if (request.frame > frames)
            throw new IllegalArgumentException("frame " + request.frame + " asked for, but the image has " + frames);
        if (request.lastSlice > slices)
            throw new IllegalArgumentException("slices up to " + request.lastSlice + " asked for, but the image has "
                                               + slices);
        Roi roi = area(image);
        boolean allSlices = request.firstSlice == 0;
        return new Part(request.channel - 1, allSlices ? 0 : request.firstSlice - 1,
                        allSlices ? slices : request.lastSlice - request.firstSlice + 1,
                        request.frame == 0 ? 0 : request.frame - 1, request.frame == 0 ? frames : 1, bounds(image, roi),
                        roi != null && shaped(roi));
    }

    /** The plane that is looked at, within the selection: what a preview shows. */
    public static Part visiblePlane(Request request, ImagePlus image) {
        Roi roi = area(image);
        return new Part(request.channel - 1, image.getZ() - 1, 1, image.getT() - 1, 1, bounds(image, roi),
                        roi != null && shaped(roi));
    }

    static boolean hasArea(ImagePlus image) {
        return area(image) != null;
    }

    private static Roi area(ImagePlus image) {
        Roi roi = image.getRoi();
        return roi != null && roi.isArea() ? roi : null;
    }

    private static boolean shaped(Roi roi) {
        return roi.getType() != Roi.RECTANGLE || roi.getCornerDiameter() > 0;
    }

    private static Rectangle bounds(ImagePlus image, Roi roi) {
        Rectangle all = new Rectangle(0, 0, image.getWidth(), image.getHeight());
        Rectangle inside = roi == null ? all : all.intersection(roi.getBounds());
        if (inside.isEmpty())
            throw new IllegalArgumentException("the selection lies outside the image or is empty: select an area,"
                                               + " or nothing");
        return inside;
    }

    // ---- pixels to native memory ----

    /** How the numbers of an image are read. */
    private static final class Kind {
        final Dtype dtype;
        /** What an 8-bit number becomes; null: itself. */
        final byte[] table;
        final boolean inverted;

        Kind(Dtype dtype, byte[] table, boolean inverted) {
            this.dtype = dtype;
            this.table = table;
            this.inverted = inverted;
        }
    }

    private static Kind kind(ImagePlus image) {
        boolean signed = image.getBitDepth() == 16 && image.getCalibration().isSigned16Bit();
        switch (image.getBitDepth()) {
        case 8: return new Kind(Dtype.UINT8, meaning(image), false);
        case 16: return new Kind(signed ? Dtype.INT16 : Dtype.UINT16, null, !signed && inverted(image));
        case 24: return new Kind(Dtype.UINT8, null, false);
        default: return new Kind(Dtype.FLOAT32, null, false);
        }
    }

    /* Channels of a composite have colours for display alone. */
    private static boolean inverted(ImagePlus image) {
        return !image.isComposite() && image.isInvertedLut();
    }

    /**
     * What the 256 numbers of an 8-bit image mean, by its lookup table. One that grows brighter is a way of display,
     * one that grows darker says that white is zero, and any other, or one of fewer colours, is a palette, whose
     * numbers mean nothing: its luminance counts.
     * @return null where numbers mean themselves
     */
    static byte[] meaning(ImagePlus image) {
        LUT[] luts = image.isComposite() ? null : image.getLuts();
        if (luts == null || luts.length == 0)
            return null;
        byte[] luminance = new byte[256];
        boolean rises = luts[0].getMapSize() == 256, falls = rises;
        for (int i = 0, last = 0; i < 256; i++) {
            int now = (299 * luts[0].getRed(i) + 587 * luts[0].getGreen(i) + 114 * luts[0].getBlue(i) + 500) / 1000;
            rises &= i == 0 || now >= last;
            falls &= i == 0 || now <= last;
            luminance[i] = (byte) now;
            last = now;
        }
        if (rises)
            return null;
        for (int i = 0; falls && i < 256; i++)
            luminance[i] = (byte) (255 - i);
        return luminance;
    }

    /** One frame of the part, (slices, height, width, channels) of the bounds. The image is left as it is. */
    public static Volume pixels(ImagePlus image, Part part, int frame) {
        Kind kind = kind(image);
        Rectangle box = part.bounds;
        int n = part.channels(image);
        Volume volume = new Volume(kind.dtype, part.slices, box.height, box.width, n);
        try {
            int rows = rowsAtOnce(box.width * (long) n);
            for (int z = 0; z < part.slices; z++) {
                Object[] planes = planes(image, part, z, frame);
                for (int y = 0; y < box.height; y += rows)
                    putRows(volume, kind, planes, image.getWidth(), part, z, y, Math.min(rows, box.height - y));
            }
            return volume;
        } catch (RuntimeException | Error e) {
            volume.close();
            throw e;
        }
    }

    private static int rowsAtOnce(long elementsOfRow) {
        return (int) Math.max(1, (1 << 20) / elementsOfRow);
    }

    /* The arrays that hold the channels wanted of one slice. Virtual stacks read them from disk here, once each. */
    private static Object[] planes(ImagePlus image, Part part, int z, int frame) {
        int perPlane = colours(image);
        int first = part.channel < 0 ? 0 : part.channel / perPlane;
        Object[] planes = new Object[part.channel < 0 ? image.getNChannels() : 1];
        for (int c = 0; c < planes.length; c++)
            planes[c] = plane(image, image.getStackIndex(first + c + 1, part.firstSlice + z + 1,
                                                         part.firstFrame + frame + 1));
        return planes;
    }

    private static Object plane(ImagePlus image, int index) {
        ImageStack stack = image.getStack();
        Object pixels = stack.getSize() == 1 && !stack.isVirtual() ? image.getProcessor().getPixels()
            : stack.getPixels(index);
        if (pixels == null)
            throw new IllegalArgumentException("plane " + index + " of \"" + image.getTitle() + "\" could not be read");
        return pixels;
    }

    private static void putRows(Volume volume, Kind kind, Object[] planes, int pitch, Part part, int z, int y,
                                int rows) {
        int width = part.bounds.width, n = volume.c();
        Object out = kind.dtype == Dtype.UINT8 ? new byte[rows * width * n]
                   : kind.dtype == Dtype.FLOAT32 ? new float[rows * width * n] : new short[rows * width * n];
        for (int c = 0; c < n; c++) {
            boolean rgb = planes[planes.length == n ? c : c / 3] instanceof int[];
            Object plane = planes[rgb ? c / 3 : c];
            int colour = part.channel < 0 ? c % 3 : part.channel % 3;
            for (int r = 0; r < rows; r++) {
                int from = (part.bounds.y + y + r) * pitch + part.bounds.x, to = r * width * n + c;
                if (rgb)
                    copyColour((int[]) plane, from, 16 - 8 * colour, (byte[]) out, to, width, n);
                else
                    copyRow(kind, plane, from, out, to, width, n);
            }
        }
        if (out instanceof byte[])
            volume.put(z, y, (byte[]) out);
        else if (out instanceof short[])
            volume.put(z, y, (short[]) out);
        else
            volume.put(z, y, (float[]) out);
    }

    private static void copyColour(int[] from, int at, int shift, byte[] to, int first, int width, int step) {
        for (int x = 0; x < width; x++)
            to[first + x * step] = (byte) (from[at + x] >> shift);
    }

    private static void copyRow(Kind kind, Object plane, int at, Object out, int first, int width, int step) {
        if (plane instanceof byte[]) {
            byte[] from = (byte[]) plane, to = (byte[]) out;
            for (int x = 0; x < width; x++)
                to[first + x * step] = kind.table == null ? from[at + x] : kind.table[from[at + x] & 0xff];
        } else if (plane instanceof short[]) {
            short[] from = (short[]) plane, to = (short[]) out;
            int flipped = kind.dtype == Dtype.INT16 ? 0x8000 : kind.inverted ? 0xffff : 0; // 32768 is ImageJ's signed 0
            for (int x = 0; x < width; x++)
                to[first + x * step] = (short) (from[at + x] ^ flipped);
        } else {
            float[] from = (float[]) plane, to = (float[]) out;
            for (int x = 0; x < width; x++)
                to[first + x * step] = from[at + x];
        }
    }

    // ---- where instances may be ----

    /**
     * Where instances may be, uint8 of the part's size: the selection's shape and {@code request.mask} together.
     * @return null where neither restricts anything
     */
    public static Volume mask(Request request, ImagePlus image, Part part, int frame) {
        ImagePlus given = request.mask.isEmpty() ? null : find(request.mask, "mask");
        if (given == null && !part.shaped)
            return null;
        checkMask(given, image, part);
        Rectangle box = part.bounds;
        Volume mask = new Volume(Dtype.UINT8, part.slices, box.height, box.width, 1);
        try {
            byte[] inside = part.shaped ? shape(image.getRoi(), box) : null;
            for (int z = 0; z < part.slices; z++)
                mask.put(z, 0, maskPlane(given, inside, part, z, frame));
            return mask;
        } catch (RuntimeException | Error e) {
            mask.close();
            throw e;
        }
    }

    private static void checkMask(ImagePlus mask, ImagePlus image, Part part) {
        if (mask == null)
            return;
        boolean fits = mask.getWidth() == image.getWidth() && mask.getHeight() == image.getHeight()
            && mask.getNSlices() == image.getNSlices()
            && (mask.getNFrames() == 1 || mask.getNFrames() == image.getNFrames());
        if (!fits)
            throw new IllegalArgumentException("the mask is " + size(mask) + ", the image " + size(image)
                                               + ": they must have the same size, and the mask one frame or as many");
    }

    static String size(ImagePlus image) {
        return size(image.getWidth(), image.getHeight(), image.getNSlices(), image.getNFrames());
    }

    static String size(int width, int height, int slices, int frames) {
        return width + " x " + height + " x " + slices + (frames > 1 ? " in " + frames + " frames" : "");
    }

    /* 255 inside the selection. */
    private static byte[] shape(Roi roi, Rectangle box) {
        byte[] inside = new byte[box.width * box.height];
        ImageProcessor mask = roi.getMask();
        Rectangle whole = roi.getBounds();
        for (int y = 0; y < box.height; y++)
            for (int x = 0; x < box.width; x++) {
                int mx = box.x + x - whole.x, my = box.y + y - whole.y;
                inside[y * box.width + x] = (byte) (mask == null || mask.get(mx, my) != 0 ? 255 : 0);
            }
        return inside;
    }

    private static byte[] maskPlane(ImagePlus given, byte[] inside, Part part, int z, int frame) {
        Rectangle box = part.bounds;
        byte[] plane = inside == null ? new byte[box.width * box.height] : inside.clone();
        if (inside == null)
            Arrays.fill(plane, (byte) 255);
        if (given == null)
            return plane;
        int t = given.getNFrames() == 1 ? 1 : part.firstFrame + frame + 1;
        Object[] channels = new Object[given.getNChannels()];
        for (int c = 0; c < channels.length; c++)
            channels[c] = plane(given, given.getStackIndex(c + 1, part.firstSlice + z + 1, t));
        for (int y = 0; y < box.height; y++)
            for (int x = 0; x < box.width; x++)
                if (!anySet(channels, (box.y + y) * given.getWidth() + box.x + x))
                    plane[y * box.width + x] = 0;
        return plane;
    }

    private static boolean anySet(Object[] channels, int at) {
        boolean set = false;
        for (Object c : channels)
            set |= c instanceof byte[] ? ((byte[]) c)[at] != 0
                 : c instanceof short[] ? ((short[]) c)[at] != 0
                 : c instanceof int[] ? (((int[]) c)[at] & 0xffffff) != 0 : ((float[]) c)[at] != 0;
        return set;
    }

    // ---- sizes, labels, images by name ----

    /** Voxel size and unit; "pixel" where it is not known. */
    public static Calibration calibration(ImagePlus image) {
        ij.measure.Calibration c = image.getCalibration();
        return new Calibration(positive(Math.abs(c.pixelDepth)), positive(c.pixelHeight), positive(c.pixelWidth),
                               c.getUnit() == null ? "pixel" : c.getUnit());
    }

    private static double positive(double size) {
        return size > 0 && !Double.isInfinite(size) ? size : 1;
    }

    /** Labels of an image as uint32, one frame, numbers as they are. Float images must hold whole numbers. */
    public static Volume labels(ImagePlus image, int frame) {
        if (image.getType() == ImagePlus.COLOR_RGB || image.getNChannels() > 1)
            throw new IllegalArgumentException("\"" + image.getTitle()
                                               + "\" has colours or channels: labels are one number for"
                                               + " each pixel");
        int width = image.getWidth(), height = image.getHeight();
        Volume labels = new Volume(Dtype.UINT32, image.getNSlices(), height, width, 1);
        try {
            int[] numbers = new int[width * height];
            for (int z = 0; z < image.getNSlices(); z++) {
                readLabels(plane(image, image.getStackIndex(1, z + 1, frame + 1)), numbers, image.getTitle());
                labels.put(z, 0, numbers);
            }
            return labels;
        } catch (RuntimeException | Error e) {
            labels.close();
            throw e;
        }
    }

    private static void readLabels(Object plane, int[] numbers, String title) {
        for (int i = 0; i < numbers.length; i++)
            if (plane instanceof byte[]) {
                numbers[i] = ((byte[]) plane)[i] & 0xff;
            } else if (plane instanceof short[]) {
                numbers[i] = ((short[]) plane)[i] & 0xffff;
            } else {
                float value = ((float[]) plane)[i];
                if (!(value >= 0 && value <= 1 << 24) || value != Math.rint(value))
                    throw new IllegalArgumentException("\"" + title + "\" holds " + value
                                                       + ": labels are whole numbers from 0 to 16777216");
                numbers[i] = (int) value;
            }
    }

    /** An open image by its title, or an image file by its path, which is not shown. */
    public static ImagePlus find(String titleOrPath, String what) {
        ImagePlus open = WindowManager.getImage(titleOrPath);
        if (open != null)
            return open;
        if (!new File(titleOrPath).isFile())
            throw new IllegalArgumentException("no " + what + " \"" + titleOrPath
                                               + "\": neither an open image nor a file");
        Opener opener = new Opener();
        opener.setSilentMode(true);
        ImagePlus read = opener.openImage(titleOrPath);
        if (read == null)
            throw new IllegalArgumentException("the " + what + " " + titleOrPath
                                               + " could not be read: expected an image");
        return read;
    }
}
