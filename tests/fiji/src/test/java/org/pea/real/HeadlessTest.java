// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Collections;
import java.util.List;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** The macros that ship, run as on a cluster: without a display, in plain ImageJ and as Fiji starts it. */
class HeadlessTest {
    @TempDir static Path folder;
    private static Path fiji;
    private Path images, results;

    @BeforeAll static void assemble() throws Exception {
        fiji = Fiji.assemble(folder.resolve("Fiji"));
    }

    @BeforeEach void material(TestInfo test) throws Exception {
        Path own = folder.resolve(test.getTestMethod().get().getName());
        images = Files.createDirectories(own.resolve("my images"));
        results = own.resolve("my results");
        Files.copy(Fiji.image(Fiji.NUCLEI[0]), images.resolve("a [1].tif"));
        Files.createDirectories(images.resolve("deeper"));
        Files.copy(Fiji.image(Fiji.NUCLEI[1]), images.resolve("deeper/b.tif"));
    }

    private Child batch(String more) throws Exception {
        return Child.imagej(fiji, Collections.emptyList(), fiji.resolve("macros/PEA/PEA_Batch_Folder.ijm"),
                            "input=[" + images + "] output=[" + results + "] " + more);
    }

    @Test void a_folder_with_its_subfolders() throws Exception {
        Child child = batch("overlay=yes rois=yes");
        assertEquals(0, child.status, child.output);
        for (String file : new String[] {"a [1]", "deeper/b"})
            for (String ending : new String[] {".tif", ".csv", ".png", ".zip"})
                assertTrue(Files.size(results.resolve(file + ending)) > 0, file + ending);
        List<String> rows = rows();
        assertEquals("image,instances,seconds,result", rows.get(0));
        assertTrue(rows.get(1).matches("\"a \\[1\\]\\.tif\",\\d+,[\\d.]+,done"), rows.toString());
        assertTrue(rows.get(2).matches("\"deeper/b\\.tif\",\\d+,[\\d.]+,done"), rows.toString());
        assertTrue(child.output.contains("2 segmented, 0 were there already, 0 failed"), child.output);
    }

    @Test void fiji_runs_it_as_well() throws Exception {
        Child child = Child.patched(fiji, Collections.emptyList(), fiji.resolve("macros/PEA/PEA_Batch_Folder.ijm"),
                                    "input=[" + images + "] output=[" + results + "] options=[model=nuclei minsize=50]");
        assertEquals(0, child.status, child.output);
        assertTrue(child.output.contains("2 segmented, 0 were there already, 0 failed"), child.output);
    }

    @Test void what_is_done_is_not_done_again() throws Exception {
        assertEquals(0, batch("").status);
        List<String> first = rows();
        FileTime made = Files.getLastModifiedTime(results.resolve("a [1].tif"));
        Files.delete(results.resolve("deeper/b.csv"));
        Child again = batch("");
        assertEquals(0, again.status, again.output);
        assertTrue(again.output.contains("1 segmented, 1 were there already, 0 failed"), again.output);
        assertEquals(made, Files.getLastModifiedTime(results.resolve("a [1].tif")));
        assertEquals(first.get(1), rows().get(1), "its row is kept");
        assertTrue(Files.exists(results.resolve("deeper/b.csv")));
        Child other = batch("options=[model=nuclei minsize=99]");
        assertEquals(1, other.status);
        assertTrue(other.output.contains("were made with options=[model=nuclei]: choose another output"), other.output);
    }

    @Test void an_image_that_fails_does_not_stop_the_others() throws Exception {
        Files.write(images.resolve("broken.tif"), "no image".getBytes("UTF-8"));
        Files.copy(images.resolve("a [1].tif"), images.resolve("a [1].tiff"));
        Child child = batch("");
        assertEquals(1, child.status, child.output);
        assertTrue(child.output.contains("2 segmented, 0 were there already, 2 failed"), child.output);
        assertTrue(child.output.contains("  broken.tif: "), child.output);
        assertTrue(Files.exists(results.resolve("deeper/b.tif")));
        assertEquals(5, rows().size(), rows().toString());
    }

    @Test void parts_of_a_folder_for_an_array_of_jobs() throws Exception {
        assertEquals(0, batch("part=2/2").status);
        assertFalse(Files.exists(results.resolve("a [1].tif")));
        assertTrue(Files.exists(results.resolve("deeper/b.tif")));
        assertEquals(2, Files.readAllLines(results.resolve("summary-2-of-2.csv")).size());
    }

    @Test void files_and_folders_can_be_chosen() throws Exception {
        Child child = batch("files=[*.png,a*.tif] subfolders=no table=no");
        assertEquals(0, child.status, child.output);
        assertFalse(Files.exists(results.resolve("deeper/b.tif")));
        assertFalse(Files.exists(results.resolve("a [1].csv")));
        assertTrue(child.output.contains("1 segmented"), child.output);
    }

    @Test void a_wrong_argument_is_one_line_and_a_status() throws Exception {
        Child unknown = batch("resum=no");
        assertEquals(1, unknown.status);
        assertTrue(unknown.output.contains("PEA_Batch_Folder: unknown key \"resum\"; the keys are input, output"), unknown.output);
        Child same = Child.imagej(fiji, Collections.emptyList(), fiji.resolve("macros/PEA/PEA_Batch_Folder.ijm"),
                                  "input=[" + images + "] output=[" + images + "]");
        assertEquals(1, same.status);
        assertTrue(same.output.contains("choose another"), same.output);
    }

    @Test void scores_of_a_folder() throws Exception {
        assertEquals(0, batch("").status);
        Path truth = Files.createDirectories(results.resolveSibling("truth"));
        Files.copy(Fiji.REPOSITORY.resolve("testdata/nuclei/" + Fiji.NUCLEI[0] + "_labels.tif"), truth.resolve("a [1]_labels.tif"));
        Path table = results.resolveSibling("scores.csv");
        Child child = Child.imagej(fiji, Collections.emptyList(), fiji.resolve("macros/PEA/PEA_Score_Folder.ijm"),
                                   "prediction=[" + results + "] truth=[" + truth + "] output=[" + table + "]");
        assertEquals(0, child.status, child.output);
        List<String> rows = Files.readAllLines(table);
        assertEquals(3, rows.size(), rows.toString());
        String pea = Child.pea("score", "--truth", truth.resolve("a [1]_labels.tif"), "--prediction", results.resolve("a [1].tif"),
                               "--json").output;
        String[] keys = rows.get(0).split(","), values = rows.get(1).split(",");
        assertTrue(keys.length > 5, rows.get(0));
        for (int i = 1; i < keys.length; i++) {
            String json = pea.replaceAll("(?s).*\"" + keys[i] + "\": ?([-+0-9.eE]+).*", "$1");
            assertEquals(Double.parseDouble(json), Double.parseDouble(values[i]), 1e-12, keys[i]);
        }
    }

    @Test void a_stack_slice_by_slice_needs_a_voxel_size() throws Exception {
        Path stack = Fiji.REPOSITORY.resolve("testdata/em/gala_image.tif");
        Child unknown = stack("input=[" + stack + "] output=[" + results + "]");
        assertEquals(1, unknown.status, unknown.output);
        assertTrue(unknown.output.contains("does not say how large a voxel is: add voxel="), unknown.output);
        Child child = stack("input=[" + stack + "] output=[" + results + "] mode=2d voxel=[10x10x10 nm] rois=yes");
        assertEquals(0, child.status, child.output);
        ij.ImagePlus labels = Images.open(results.resolve("gala_image.tif"));
        assertEquals(50, labels.getNSlices());
        assertEquals(10, labels.getCalibration().pixelDepth, 1e-9);
        assertEquals("nm", labels.getCalibration().getUnit());
        assertTrue(Files.size(results.resolve("gala_image.csv")) > 0);
        assertTrue(Files.size(results.resolve("gala_image.zip")) > 0);
    }

    @Test void a_stack_as_a_volume() throws Exception {
        Path stack = Fiji.REPOSITORY.resolve("testdata/em/gala_image.tif"), model = results.resolveSibling("volumes.safetensors");
        Child imported = Child.pea("import", Fiji.REPOSITORY.resolve("testdata/golden/superhuman3d-small/model.ckpt"), "-o", model);
        assertEquals(0, imported.status, imported.output);
        String options = "options=[model=[" + model + "] slices=1-18]";
        Child child = stack("input=[" + stack + "] output=[" + results + "] mode=3d voxel=[10x10x10 nm] " + options);
        assertEquals(0, child.status, child.output);
        Path expected = results.resolveSibling("expected.tif");
        Child pea = Child.pea("segment", stack, "-m", model, "-o", expected, "--slices", "1-18");
        assertEquals(0, pea.status, pea.output);
        ij.ImagePlus labels = Images.open(results.resolve("gala_image.tif"));
        labels.setCalibration(null); // the file that pea read has none
        Images.assertSame(Images.open(expected), labels, "a volume");
        Child planes = stack("input=[" + stack + "] output=[" + results + "] mode=2d voxel=unknown " + options);
        assertEquals(1, planes.status);
        assertTrue(planes.output.contains("PEA_EM_Stack: "), planes.output);
    }

    private Child stack(String arguments) throws IOException, InterruptedException {
        return Child.imagej(fiji, Collections.emptyList(), fiji.resolve("macros/PEA/PEA_EM_Stack.ijm"), arguments);
    }

    private List<String> rows() throws IOException {
        return Files.readAllLines(results.resolve("summary.csv"));
    }
}
