// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;

/** The menu, a macro, ImageJ and Fiji without a display, and `pea segment` find the same labels, bit by bit. */
class SameBytesTest {
    @TempDir static Path folder;
    private static Path fiji;
    private static Screen screen;
    private static Child patched;
    private static final Map<String, ImagePlus> EXPECTED = new HashMap<>();

    @BeforeAll static void assemble() throws Exception {
        fiji = Fiji.assemble(folder.resolve("Fiji"));
        if (System.getenv("DISPLAY") != null)
            screen = Screen.start(fiji);
    }

    @AfterEach void tidy() {
        if (screen != null)
            screen.tidy();
    }

    private static ImagePlus expected(String id) throws Exception {
        if (!EXPECTED.containsKey(id)) {
            Path file = folder.resolve(id + ".tif");
            Child pea = Child.pea("segment", Fiji.image(id), "-m", Fiji.REPOSITORY.resolve("models/nuclei.safetensors"), "-o", file);
            assertEquals(0, pea.status, pea.output);
            EXPECTED.put(id, Images.open(file));
        }
        return EXPECTED.get(id);
    }

    @ParameterizedTest
    @ValueSource(strings = {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"})
    void menu_and_dialog(String id) throws Exception {
        Screen s = screen != null ? screen : Screen.start(fiji);
        Images.open(Fiji.image(id)).show();
        s.choose("Plugins", "Segmentation", "Segment Instances (PEA)...");
        s.press(s.dialog("Segment Instances (PEA)"), "OK");
        Images.assertSame(expected(id), s.image(id + "_image.tif - labels"), "menu");
    }

    @ParameterizedTest
    @ValueSource(strings = {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"})
    void a_macro(String id) throws Exception {
        Screen s = screen != null ? screen : Screen.start(fiji);
        Images.open(Fiji.image(id)).show();
        IJ.runMacro("run('Segment Instances (PEA)...', 'model=nuclei');");
        Images.assertSame(expected(id), WindowManager.getCurrentImage(), "macro");
        s.awaitIdle();
    }

    @ParameterizedTest
    @ValueSource(strings = {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"})
    void fiji_without_a_display(String id) throws Exception {
        if (patched == null) // one start for all of them
            patched = Child.patched(fiji, Collections.emptyList(), write("setBatchMode(true); id = split('" + String.join(" ", Fiji.NUCLEI)
                + "', ' '); for (i = 0; i < id.length; i++) {\n"
                + "open('" + Fiji.REPOSITORY + "/testdata/nuclei/' + id[i] + '_image.tif'); to = getArgument() + id[i];\n"
                + "run('Segment Instances (PEA)...', 'model=nuclei output=[' + to + '_patched.tif]');\n"
                + "saveAs('Tiff', to + '_shown.tif'); close('*'); }\n"), folder + "/"); // what run() shows is the active image
        assertEquals(0, patched.status, patched.output);
        Images.assertSame(expected(id), Images.open(folder.resolve(id + "_patched.tif")), "the file of a macro: " + patched.output);
        Images.assertSame(expected(id), Images.open(folder.resolve(id + "_shown.tif")), "the image of a macro");
    }

    @ParameterizedTest
    @ValueSource(strings = {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"})
    void plain_imagej_without_a_display(String id) throws Exception {
        Path macro = write("file = split(getArgument(), '|');\n"
            + "print(call('org.pea.fiji.MacroCalls.segmentFile', file[0], 'model=nuclei', file[1], 'tif'));\n");
        Child child = Child.imagej(fiji, Collections.emptyList(), macro, Fiji.image(id) + "|" + folder.resolve(id + "_plain"));
        assertEquals(0, child.status, child.output);
        Images.assertSame(expected(id), Images.open(folder.resolve(id + "_plain.tif")), "plain ImageJ: " + child.output);
    }

    private static Path write(String text) throws Exception {
        Path file = Files.createTempFile(folder, "macro", ".ijm");
        Files.write(file, text.getBytes("UTF-8"));
        return file;
    }
}
