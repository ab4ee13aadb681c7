// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Model;

import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.gui.OvalRoi;
import ij.io.FileSaver;

/** A 3-D model (thin, with random weights) on a piece of an electron-microscopy stack. */
class VolumesTest {
    @TempDir static Path folder;
    private static String model;

    @BeforeAll static void make_the_model() {
        model = folder.resolve("volume.safetensors").toString();
        Model.importCheckpoint(Headless.ROOT.resolve("testdata/golden/superhuman3d-small/model.ckpt"), null, null,
                               folder.resolve("volume.safetensors"));
    }

    @AfterAll static void close() {
        Models.release();
    }

    private static ImagePlus stack(int slices) {
        ImagePlus whole = Headless.open("testdata/em/gala_image.tif");
        ImageStack cut = new ImageStack(64, 48);
        for (int z = 1; z <= slices; z++) {
            whole.setSlice(1 + (z - 1) % whole.getStackSize());
            whole.getProcessor().setRoi(10, 20, 64, 48);
            cut.addSlice("slice " + z, whole.getProcessor().crop());
        }
        ImagePlus image = new ImagePlus("em", cut);
        image.setDimensions(1, slices, 1);
        image.getCalibration().setUnit("nm");
        image.getCalibration().pixelWidth = image.getCalibration().pixelHeight = 10;
        image.getCalibration().pixelDepth = 40;
        return image;
    }

    private static int[] labels(Result r) {
        int n = 64 * 48;
        int[] all = new int[n * r.part.slices];
        for (int z = 0; z < r.part.slices; z++)
            System.arraycopy(r.plane(0, z), 0, all, z * n, n);
        return all;
    }

    @Test void a_volume_gives_the_commands_labels_and_table() throws Exception {
        assumeTrue(Headless.hasCommand());
        ImagePlus image = stack(20);
        File file = folder.resolve("em.tif").toFile(), out = folder.resolve("out.tif").toFile();
        File csv = folder.resolve("t.csv").toFile();
        new FileSaver(image).saveAsTiffStack(file.getPath());
        Headless.pea("segment", file.getPath(), "-m", model, "-o", out.getPath(), "--table", csv.getPath());
        ImagePlus expected = IJ.openImage(out.getPath());
        Request request = MacroOptions.read("model=[" + model + "] table=x.csv mode=3d");
        try (Result r = new InstanceSegmentation(request).apply(image)) {
            assertTrue(r.count() > 0);
            int[] found = labels(r);
            for (int z = 0, i = 0; z < 20; z++)
                for (int p = 0; p < 64 * 48; p++, i++)
                    assertEquals(expected.getStack().getProcessor(z + 1).get(p), found[i]);
            assertEquals(new String(Files.readAllBytes(csv.toPath()), StandardCharsets.UTF_8), r.csv());
            assertTrue(r.csv().startsWith("label,volume_nm3,"), r.csv().substring(0, 40));
        }
    }

    @Test void a_label_has_a_selection_in_each_slice_that_fills_to_the_volume() throws Exception {
        ImagePlus image = stack(18);
        ImagePlus labels = Headless.plugin(image, "model=[" + model + "]");
        assertEquals(18, labels.getNSlices());
        assertEquals(40, labels.getCalibration().pixelDepth);
        int[] filled = new int[18];
        for (ij.gui.Roi roi : image.getOverlay().toArray())
            filled[roi.getPosition() - 1] += roi.getStatistics().pixelCount;
        for (int z = 0; z < 18; z++) {
            int labelled = 0;
            for (int p = 0; p < 64 * 48; p++)
                labelled += labels.getStack().getProcessor(z + 1).get(p) != 0 ? 1 : 0;
            assertEquals(labelled, filled[z], "slice " + (z + 1));
        }
    }

    @Test void a_selection_restricts_a_volume_in_all_slices() {
        ImagePlus image = stack(18);
        image.setRoi(new OvalRoi(4, 4, 40, 40));
        try (Result r = new InstanceSegmentation(MacroOptions.read("model=[" + model + "] slices=1-18")).apply(image)) {
            int[] found = labels(r);
            for (int i = 0; i < found.length; i++)
                assertTrue(found[i] == 0 || image.getRoi().contains(i % 64, i / 64 % 48));
        }
    }

    @Test void threads_change_nothing() {
        ImagePlus image = stack(18);
        try (Result one = new InstanceSegmentation(MacroOptions.read("model=[" + model + "] threads=1")).apply(image);
             Result two = new InstanceSegmentation(MacroOptions.read("model=[" + model + "] threads=2")).apply(image)) {
            assertArrayEquals(labels(one), labels(two));
        }
    }

    @Test void planes_and_frames_are_refused_with_words() {
        Model open = Models.open(model);
        ImagePlus plane = new ImagePlus("plane", stack(1).getProcessor());
        assertTrue(Fit.of(open, plane, new Request()).get(0).words.contains("the image is one plane"));
        ImagePlus frames = stack(5);
        frames.setDimensions(1, 1, 5);
        assertTrue(Fit.of(open, frames, new Request()).get(0).words.contains("If they are slices"));
        assertEquals(Fit.Kind.REFUSAL, Fit.of(open, frames, new Request()).get(0).kind);
        assertTrue(Fit.of(open, stack(20), MacroOptions.read("slices=3")).get(0).words.contains("one slice is chosen"));
        assertEquals("[]", Fit.of(open, stack(20), new Request()).toString());
    }

    @Test void an_embedding_that_is_not_there_is_a_warning() {
        Request request = MacroOptions.read("model=[" + model + "] show=embedding,affinity");
        try (Result r = new InstanceSegmentation(request).apply(stack(18))) {
            boolean has = Models.open(model).embeddingDim() > 0;
            assertEquals(has ? 0 : 1, r.warnings().size());
            Outputs.show(r, request);
        }
    }
}
