// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;

import org.pea.Calibration;
import org.pea.Volume;

import ij.ImagePlus;

/**
 * Pixels of ImageJ to native memory and back, plane by plane. The numbers are those that {@code pea segment} reads from the
 * same image saved as TIFF, so that both give the same labels.
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
    }

    /** Channels as the user counts them: 3 for each of RGB. */
    public static int channels(ImagePlus image) {
        throw new UnsupportedOperationException();
    }

    /** @throws IllegalArgumentException in words: a channel, slice or frame that is not there, an empty selection */
    public static Part part(Request request, ImagePlus image) {
        throw new UnsupportedOperationException();
    }

    /** The plane that is looked at, within the selection: what a preview shows. */
    public static Part visiblePlane(Request request, ImagePlus image) {
        throw new UnsupportedOperationException();
    }

    /** One frame of the part, (slices, height, width, channels) of the bounds. The image is left as it is. */
    public static Volume pixels(ImagePlus image, Part part, int frame) {
        throw new UnsupportedOperationException();
    }

    /**
     * Where instances may be, uint8 of the part's size: the selection's shape and {@code request.mask} together.
     * @return null where neither restricts anything
     */
    public static Volume mask(Request request, ImagePlus image, Part part, int frame) {
        throw new UnsupportedOperationException();
    }

    /** Voxel size and unit; "pixel" where it is not known. */
    public static Calibration calibration(ImagePlus image) {
        throw new UnsupportedOperationException();
    }

    /** Labels of an image as uint32, one frame, numbers as they are. Float images must hold whole numbers. */
    public static Volume labels(ImagePlus image, int frame) {
        throw new UnsupportedOperationException();
    }

    /** An open image by its title, or an image file by its path, which is not shown. */
    public static ImagePlus find(String titleOrPath, String what) {
        throw new UnsupportedOperationException();
    }
}
