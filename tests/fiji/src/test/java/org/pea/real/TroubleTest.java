// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong with the machine or the files is said in one line, and ImageJ can go on afterwards. */
class TroubleTest {
    @TempDir Path folder;
    private Path fiji;

    @BeforeEach void assemble() throws Exception {
        fiji = Fiji.assemble(folder.resolve("Fiji"));
    }

    /** Segments a file, and says what the answer was and that the macro is still there. */
    private Child segment(List<String> java, Path image, String options, Path result) throws Exception {
        Path macro = folder.resolve("segment.ijm");
        Files.write(macro, ("part = split(getArgument(), '|');\n"
            + "print('answer: ' + call('org.pea.fiji.MacroCalls.segmentFile', part[0], part[1], part[2], 'tif'));\n"
            + "newImage('usable', '8-bit ramp', 10, 10, 1);\n"
            + "print('still there: ' + getWidth());\n").replace("newImage", "setBatchMode(true); newImage").getBytes("UTF-8"));
        Child child = Child.imagej(fiji, java, macro, image + "|" + options + "|" + result);
        assertEquals(0, child.status, child.output);
        assertTrue(child.output.contains("still there: 10"), child.output);
        return child;
    }

    private void assertError(Child child, String... words) {
        List<String> lines = Arrays.stream(child.output.split("\n")).filter(l -> l.startsWith("answer: ")).collect(Collectors.toList());
        assertEquals(1, lines.size(), child.output);
        assertTrue(lines.get(0).startsWith("answer: Error: "), child.output);
        for (String word : words)
            assertTrue(lines.get(0).contains(word), "\"" + word + "\" is not in " + lines.get(0));
        assertFalse(child.output.contains("\tat "), "no stack trace: " + child.output);
    }

    private Path nuclei() {
        return Fiji.image(Fiji.NUCLEI[1]);
    }

    @Test void a_library_that_is_not_there() throws Exception {
        Files.delete(fiji.resolve("lib/linux64/libpea-jni.so"));
        withoutLibraryInside();
        Child child = segment(Collections.emptyList(), nuclei(), "model=nuclei", folder.resolve("x"));
        assertError(child, "libpea-jni", "linux64");
    }

    @Test void a_library_that_is_no_library() throws Exception {
        Files.write(fiji.resolve("lib/linux64/libpea-jni.so"), "no library".getBytes("UTF-8"));
        withoutLibraryInside();
        assertError(segment(Collections.emptyList(), nuclei(), "model=nuclei", folder.resolve("x")), "libpea-jni.so");
    }

    private void withoutLibraryInside() throws IOException {
        try (Stream<Path> jars = Files.list(fiji.resolve("plugins"))) {
            Path jar = jars.filter(p -> p.getFileName().toString().startsWith("PEA_")).findFirst().get();
            try (FileSystem inside = FileSystems.newFileSystem(URI.create("jar:" + jar.toUri()), Collections.emptyMap())) {
                Files.delete(inside.getPath("natives/linux64/libpea-jni.so"));
            }
        }
    }

    @Test void a_model_that_is_not_there() throws Exception {
        assertError(segment(Collections.emptyList(), nuclei(), "model=neurons", folder.resolve("x")), "neurons", "models");
    }

    @Test void a_model_that_is_damaged() throws Exception {
        Path model = folder.resolve("half.safetensors");
        byte[] whole = Files.readAllBytes(fiji.resolve("models/nuclei.safetensors"));
        Files.write(model, Arrays.copyOf(whole, whole.length / 2));
        assertError(segment(Collections.emptyList(), nuclei(), "model=[" + model + "]", folder.resolve("x")), "half.safetensors");
    }

    @Test void an_image_of_the_wrong_kind() throws Exception {
        Path model = folder.resolve("volumes.safetensors");
        Child imported = Child.pea("import", Fiji.REPOSITORY.resolve("testdata/golden/superhuman3d-small/model.ckpt"), "-o", model);
        assertEquals(0, imported.status, imported.output);
        assertError(segment(Collections.emptyList(), nuclei(), "model=[" + model + "] mode=2d", folder.resolve("x")), "3-D");
        assertError(segment(Collections.emptyList(), nuclei(), "model=nuclei channel=4", folder.resolve("x")), "channel 4", "has 1");
    }

    @Test void an_image_that_is_no_image() throws Exception {
        Path image = folder.resolve("half.tif");
        try (InputStream in = Files.newInputStream(nuclei())) {
            byte[] start = new byte[5000];
            Files.write(image, Arrays.copyOf(start, Math.max(0, in.read(start))));
        }
        assertError(segment(Collections.emptyList(), folder.resolve("nowhere.tif"), "model=nuclei", folder.resolve("x")), "nowhere.tif");
        Files.write(image, "no image".getBytes("UTF-8"));
        assertError(segment(Collections.emptyList(), image, "model=nuclei", folder.resolve("x")), "half.tif");
    }

    @Test void too_little_memory() throws Exception {
        assertError(segment(Collections.emptyList(), nuclei(), "model=nuclei memory=1M", folder.resolve("x")), "memory");
    }

    @Test void a_disk_that_is_full() throws Exception {
        Path disk = mount("size=64k");
        try {
            Files.write(disk.resolve("x.tif"), "older".getBytes("UTF-8"));
            assertError(segment(Collections.emptyList(), nuclei(), "model=nuclei", disk.resolve("x")), disk.resolve("x.tif") + " could not be written");
            assertEquals("older", new String(Files.readAllBytes(disk.resolve("x.tif")), "UTF-8"), "the older file is as it was");
            try (Stream<Path> files = Files.list(disk)) {
                assertEquals(1, files.count(), "nothing half is left");
            }
        } finally {
            Child.run(Arrays.asList("umount", disk));
        }
    }

    @Test void a_folder_that_is_read_only() throws Exception {
        Path disk = mount("ro,size=1m");
        try {
            assertError(segment(Collections.emptyList(), nuclei(), "model=nuclei", disk.resolve("x")), disk.resolve("x.tif") + " could not be written");
        } finally {
            Child.run(Arrays.asList("umount", disk));
        }
    }

    private Path mount(String options) throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        Child mounted = Child.run(Arrays.asList("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk));
        assumeTrue(mounted.status == 0, "a small disk needs the right to mount: " + mounted.output);
        return disk;
    }
}
