// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Image;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;

import ij.process.ShortProcessor;

/**
 * 16-bit labels whose colours begin again after 255. ImageJ shows 16 bits in 256 colours by range, so that of more than
 * 255 labels neighbours, which touch most often, would look the same. Another display range than 0 to the largest
 * label, or a threshold, is shown as ImageJ does; so is a copy, or a saved file.
 */
final class LabelProcessor extends ShortProcessor {
    private final int largest;

    LabelProcessor(int width, int height, short[] labels, int largest) {
        super(width, height, labels, null);
        this.largest = largest;
    }

    private boolean cycles() {
        return largest > 255 && getMin() == 0 && getMax() == largest && getMinThreshold() == NO_THRESHOLD;
    }

    @Override public Image createImage() {
        return cycles() ? picture() : super.createImage();
    }

    @Override public BufferedImage getBufferedImage() {
        return cycles() ? picture() : super.getBufferedImage();
    }

    private BufferedImage picture() {
        BufferedImage picture = new BufferedImage(getWidth(), getHeight(), BufferedImage.TYPE_BYTE_INDEXED,
                                                  (IndexColorModel) getColorModel());
        byte[] colours = ((DataBufferByte) picture.getRaster().getDataBuffer()).getData();
        short[] labels = (short[]) getPixels(); // of the slice that is shown
        for (int i = 0; i < colours.length; i++)
            colours[i] = (byte) LabelLut.index(labels[i] & 0xffff);
        return picture;
    }
}
