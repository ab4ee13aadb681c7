// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Rectangle;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

import org.junit.jupiter.api.Test;

import ij.gui.Roi;
import ij.io.RoiDecoder;
import ij.process.ImageProcessor;

/** Every selection, filled by ImageJ, must give its label's pixels back. */
class LabelRoisTest {
    private static int[] filled(List<Roi> rois, int n, int width) {
        int[] plane = new int[n];
        for (Roi roi : rois) {
            int label = Integer.parseUnsignedInt(roi.getName());
            Rectangle box = roi.getBounds();
            ImageProcessor mask = roi.getMask();
            for (int y = 0; y < box.height; y++)
                for (int x = 0; x < box.width; x++)
                    if (mask == null || mask.get(x, y) != 0) {
                        int at = (box.y + y) * width + box.x + x;
                        assertEquals(0, plane[at], "two selections cover a pixel");
                        plane[at] = label;
                    }
        }
        return plane;
    }

    private static void check(int[] plane, int width) {
        List<Roi> rois = LabelRois.plane(plane, width);
        TreeSet<Integer> labels = new TreeSet<>(Integer::compareUnsigned);
        for (int label : plane)
            if (label != 0)
                labels.add(label);
        assertEquals(labels.size(), rois.size());
        int i = 0;
        for (int label : labels)
            assertEquals(Integer.toUnsignedString(label), rois.get(i++).getName());
        assertArrayEquals(plane, filled(rois, plane.length, width));
    }

    @Test void one_pixel() {
        check(new int[] {0, 0, 0, 0, 7, 0, 0, 0, 0}, 3);
    }

    @Test void everything_is_one_label() {
        int[] plane = new int[12];
        java.util.Arrays.fill(plane, 3);
        check(plane, 4);
    }

    @Test void nothing_is_labelled() {
        assertTrue(LabelRois.plane(new int[20], 5).isEmpty());
    }

    @Test void a_hole_stays_a_hole() {
        check(new int[] {1, 1, 1, 1, 0, 1, 1, 1, 1}, 3);
    }

    @Test void a_label_in_the_hole_of_another() {
        check(new int[] {1, 1, 1, 1, 2, 1, 1, 1, 1}, 3);
    }

    @Test void fragments_belong_to_one_selection() {
        check(new int[] {1, 0, 1, 0, 0, 0, 1, 0, 1}, 3);
    }

    @Test void corners_that_touch() {
        check(new int[] {1, 0, 1, 0, 1, 0, 1, 0, 1}, 3);
        check(new int[] {1, 2, 2, 1}, 2);
    }

    @Test void labels_beyond_the_signed_range() {
        check(new int[] {-1, 0, Integer.MIN_VALUE, 5}, 2);
    }

    @Test void random_planes_of_few_labels() {
        Random random = new Random(1);
        for (int round = 0; round < 400; round++) {
            int width = 1 + random.nextInt(12), height = 1 + random.nextInt(12), labels = 1 + random.nextInt(4);
            int[] plane = new int[width * height];
            for (int i = 0; i < plane.length; i++)
                plane[i] = random.nextInt(labels + 1);
            check(plane, width);
        }
    }

    @Test void outlines_follow_pixel_edges_clockwise_without_needless_points() {
        Roi roi = LabelRois.plane(new int[] {0, 0, 0, 0, 0, 9, 9, 0, 0, 9, 9, 0}, 4).get(0);
        assertEquals(Roi.TRACED_ROI, roi.getType());
        assertEquals(new Rectangle(1, 1, 2, 2), roi.getBounds());
        assertEquals(4, roi.getPolygon().npoints);
    }

    @Test void ten_thousand_objects_take_a_second_or_so() {
        int width = 2048;
        int[] plane = new int[width * width];
        for (int y = 0; y < width; y++)
            for (int x = 0; x < width; x++) {
                int cx = x % 20 - 10, cy = y % 20 - 10;
                plane[y * width + x] = cx * cx + cy * cy < 80 ? 1 + y / 20 * 103 + x / 20 : 0;
            }
        long started = System.nanoTime();
        List<Roi> rois = LabelRois.plane(plane, width);
        double seconds = 1e-9 * (System.nanoTime() - started);
        assertEquals(103 * 103, rois.size());
        assertTrue(seconds < 5, "took " + seconds + " s"); // 0.2 s on a quiet machine
        assertArrayEquals(plane, filled(rois, plane.length, width));
    }

    @Test void the_zip_is_what_the_manager_reads_and_has_the_same_bytes_again() throws Exception {
        int[] plane = {1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 2};
        byte[][] zips = new byte[2][];
        for (int i = 0; i < 2; i++) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            LabelRois.zip(LabelRois.plane(plane, 4), out);
            zips[i] = out.toByteArray();
            Thread.sleep(i == 0 ? 30 : 0);
        }
        assertArrayEquals(zips[0], zips[1]);
        List<Roi> read = new java.util.ArrayList<>();
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(zips[0]))) {
            for (ZipEntry e = zip.getNextEntry(); e != null; e = zip.getNextEntry()) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                byte[] buffer = new byte[4096];
                for (int n = zip.read(buffer); n > 0; n = zip.read(buffer))
                    bytes.write(buffer, 0, n);
                Roi roi = new RoiDecoder(bytes.toByteArray(), e.getName()).getRoi();
                roi.setName(e.getName().replace(".roi", ""));
                read.add(roi);
            }
        }
        assertArrayEquals(plane, filled(read, plane.length, 4));
    }
}
