// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

import ij.io.FileInfo;
import ij.io.TiffDecoder;

/**
 * Whether all pixels of a TIFF are in its file. ImageJ reads a file that was cut off as if its end were black, without a
 * word, and inflates some damaged ones for ever: among a thousand images of a folder nobody would notice.
 */
final class WholeTiff {
    private WholeTiff() {}

    /** Files that are no TIFF, or one that ImageJ leaves to other readers, pass. @throws IOException where pixels lack */
    static void check(File file) throws IOException {
        try (RandomAccessFile in = new RandomAccessFile(file, "r")) {
            FileInfo[] planes = planes(in, file);
            for (FileInfo plane : planes) {
                if (plane.width != planes[0].width || plane.height != planes[0].height)
                    continue; // a thumbnail
                if (plane.compression == FileInfo.COMPRESSION_NONE)
                    checkEnd(in, file, uncompressedEnd(plane));
                else
                    checkStrips(in, file, plane);
            }
        }
    }

    private static FileInfo[] planes(RandomAccessFile in, File file) throws IOException {
        if (in.length() < 8)
            return new FileInfo[0];
        int order = in.readUnsignedShort(), version = in.readUnsignedShort();
        if (!(order == 0x4949 && version == 0x2a00 || order == 0x4d4d && version == 42))
            return new FileInfo[0];
        try {
            FileInfo[] planes = new TiffDecoder(file.getParent() + File.separator, file.getName()).getTiffInfo();
            return planes == null ? new FileInfo[0] : planes;
        } catch (IOException | RuntimeException e) { // what ImageJ cannot read it says itself
            return new FileInfo[0];
        }
    }

    private static void checkEnd(RandomAccessFile in, File file, long end) throws IOException {
        if (end > in.length())
            throw new IOException(file.getName() + " is cut off: it has " + in.length() + " bytes, its pixels end at byte "
                                  + end + "; copy it once more");
    }

    /* Some programs say that the last strip is as long as the others, although the image ends before. */
    private static long uncompressedEnd(FileInfo plane) {
        long row = bytesOfRow(plane), size = row * plane.height;
        int strips = plane.stripOffsets == null ? 0 : plane.stripOffsets.length;
        if (strips < 2)
            return plane.getOffset() + plane.nImages * size + (plane.nImages - 1) * plane.getGap();
        long end = 0;
        for (int i = 0; i < strips; i++) {
            long left = size - i * row * plane.rowsPerStrip;
            end = Math.max(end, unsigned(plane.stripOffsets[i]) + Math.min(unsigned(plane.stripLengths[i]), left));
        }
        return end;
    }

    private static long bytesOfRow(FileInfo plane) {
        switch (plane.fileType) {
        case FileInfo.BITMAP: return (plane.width + 7L) / 8;
        case FileInfo.GRAY12_UNSIGNED: return (3L * plane.width + 1) / 2;
        default: return (long) plane.width * plane.getBytesPerPixel();
        }
    }

    private static long unsigned(int offset) {
        return offset & 0xffffffffL;
    }

    private static void checkStrips(RandomAccessFile in, File file, FileInfo plane) throws IOException {
        int strips = plane.stripOffsets == null || plane.stripLengths == null ? 0 : plane.stripOffsets.length;
        for (int i = 0; i < strips; i++) {
            long at = unsigned(plane.stripOffsets[i]);
            checkEnd(in, file, at + unsigned(plane.stripLengths[i]));
            if (plane.compression != FileInfo.ZIP && plane.compression != FileInfo.ZIP_WITH_DIFFERENCING)
                continue;
            byte[] strip = new byte[plane.stripLengths[i]];
            in.seek(at);
            in.readFully(strip);
            if (!inflates(strip))
                throw new IOException(file.getName() + " is damaged: strip " + (i + 1) + " of " + strips
                                      + " cannot be decompressed; copy it once more");
        }
    }

    private static boolean inflates(byte[] strip) {
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(strip);
            byte[] dropped = new byte[1 << 14];
            while (!inflater.finished())
                if (inflater.inflate(dropped) == 0 && (inflater.needsInput() || inflater.needsDictionary()))
                    return false;
            return true;
        } catch (DataFormatException e) {
            return false;
        } finally {
            inflater.end();
        }
    }
}
