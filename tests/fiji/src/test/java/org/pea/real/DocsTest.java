// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/fiji shows can be run as it stands there; /data and $FIJI are folders of the test. */
class DocsTest {
    private static final Path PAGES = Fiji.REPOSITORY.resolve("docs/fiji");
    @TempDir Path folder;
    private Path fiji, data;

    @BeforeEach void material() throws Exception {
        fiji = Fiji.assemble(folder.resolve("Fiji"));
        data = Files.createDirectories(folder.resolve("data/images")).getParent();
        Files.createDirectories(data.resolve("out"));
        Files.copy(Fiji.image(Fiji.NUCLEI[1]), data.resolve("image.tif"));
        Files.copy(Fiji.image(Fiji.NUCLEI[0]), data.resolve("images/a.tif"));
        Files.copy(Fiji.image(Fiji.NUCLEI[1]), data.resolve("images/b.tif"));
        Files.copy(Fiji.REPOSITORY.resolve("testdata/em/gala_image.tif"), data.resolve("stack.tif"));
    }

    private List<String> blocks(String page, String language) throws Exception {
        List<String> found = new ArrayList<>();
        Matcher block = Pattern.compile("(?s)```" + language + "\n(.*?)```").matcher(text(page));
        while (block.find())
            found.add(block.group(1).replace("/data/", data + "/"));
        assertFalse(found.isEmpty(), page + " has no example in " + language);
        return found;
    }

    private static String text(String page) throws Exception {
        return new String(Files.readAllBytes(PAGES.resolve(page)), "UTF-8");
    }

    private Child shell(String script, String... environment) throws Exception {
        String java = Child.javaCommand().replaceAll("/java$", "");
        List<String> command = new ArrayList<>(Arrays.asList("env", "FIJI=" + fiji, "PATH=" + java + ":" + System.getenv("PATH")));
        command.addAll(Arrays.asList(environment));
        command.addAll(Arrays.asList("sh", "-euc", script));
        Child child = Child.run(command);
        assertEquals(0, child.status, script + child.output);
        return child;
    }

    @Test void macros_of_the_page_on_macros() throws Exception {
        StringBuilder macro = new StringBuilder();
        for (String block : blocks("write-a-macro.md", "ijm"))
            macro.append(block).append("while (nImages > 0) close();\nprint('-- next');\n");
        Path file = Files.write(folder.resolve("all.ijm"), macro.toString().getBytes("UTF-8"));
        Child child = Child.patched(fiji, Collections.emptyList(), file, "");
        assertEquals(0, child.status, child.output);
        assertEquals(blocks("write-a-macro.md", "ijm").size(), child.output.split("-- next", -1).length - 1, child.output);
        for (String said : new String[] {"image.tif - labels has 53 nuclei", "left out: channel 7", "instances=53", "everything is ready"})
            assertTrue(child.output.contains(said), "\"" + said + "\" is not in " + child.output);
        for (String name : new String[] {"labels.tif", "l.tif", "t.csv", "o.png", "r.zip", "image.tif", "image.csv"})
            assertTrue(Files.size(data.resolve("out").resolve(name)) > 0, name);
    }

    /** The table of keys has every key that is understood, and no other. */
    @Test void every_key_of_the_macro_language() throws Exception {
        List<String> keys = new ArrayList<>();
        Matcher row = Pattern.compile("(?m)^\\| `([a-z]+)` \\|").matcher(text("write-a-macro.md"));
        while (row.find())
            keys.add(row.group(1));
        URL[] jars = {fiji.resolve("plugins/PEA_Segment-0.2.0.jar").toUri().toURL()};
        try (URLClassLoader plugin = new URLClassLoader(jars, DocsTest.class.getClassLoader())) {
            assertEquals(plugin.loadClass("org.pea.fiji.MacroOptions").getMethod("keys").invoke(null), keys);
        }
    }

    @Test void macros_of_the_page_on_training() throws Exception {
        Path pairs = Files.createDirectories(data.resolve("pairs"));
        for (String id : Fiji.NUCLEI)
            for (String what : new String[] {"_image.tif", "_labels.tif"})
                Files.copy(Fiji.image(id).resolveSibling(id + what), pairs.resolve(id + what));
        StringBuilder macro = new StringBuilder();
        for (String block : blocks("train-a-model.md", "ijm"))
            macro.append(block);
        Path file = Files.write(folder.resolve("train.ijm"), macro.toString().getBytes("UTF-8"));
        Child child = Child.patched(fiji, Collections.emptyList(), file, "");
        assertEquals(0, child.status, child.output);
        assertTrue(child.output.contains("steps=2 score="), child.output);
        assertTrue(Files.exists(fiji.resolve("models/mine.safetensors")), child.output);
        assertTrue(Files.exists(fiji.resolve("models/tuned.safetensors")), child.output);
    }

    @Test void commands_of_the_page_on_clusters() throws Exception {
        List<String> blocks = blocks("headless-on-a-cluster.md", "sh");
        assertEquals(4, blocks.size());
        Child one = shell(blocks.get(1));
        assertTrue(one.output.contains("2 segmented, 0 were there already, 0 failed"), one.output);
        Fiji.delete(data.resolve("results"));
        for (int job = 1; job <= 2; job++)
            shell(blocks.get(2), "SLURM_ARRAY_TASK_ID=" + job, "SLURM_ARRAY_TASK_COUNT=2", "SLURM_CPUS_PER_TASK=2");
        shell(blocks.get(3));
        List<String> rows = Files.readAllLines(data.resolve("results/summary.csv"));
        assertEquals(3, rows.size(), rows.toString());
        assertTrue(rows.get(1).startsWith("\"a.tif\",") && rows.get(2).startsWith("\"b.tif\","), rows.toString());
    }

    @Test void command_of_the_page_on_stacks() throws Exception {
        shell(blocks("segment-an-em-stack.md", "sh").get(0));
        assertEquals(50, Images.open(data.resolve("results/stack.tif")).getNSlices());
    }
}
