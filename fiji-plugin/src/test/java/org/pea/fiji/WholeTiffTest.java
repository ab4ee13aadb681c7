// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import ij.IJ;
import ij.ImagePlus;
import ij.io.FileSaver;

class WholeTiffTest {
    private static final Path DEFLATED = Headless.ROOT.resolve("testdata/nuclei/8d29c5a03e0560c8_image.tif");
    @TempDir Path folder;

    private String answer(File image) {
        String[] said = new String[1];
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            said[0] = MacroCalls.segmentFile(image.getPath(), "model=nuclei", folder.resolve("x").toString(), "tif");
        });
        return said[0];
    }

    private File with(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes).toFile();
    }

    @Test void a_file_that_was_cut_off_is_an_error_and_not_half_an_image() throws IOException {
        ImagePlus stack = IJ.createImage("s", "16-bit ramp", 40, 30, 3);
        File whole = folder.resolve("whole.tif").toFile();
        new FileSaver(stack).saveAsTiffStack(whole.getPath());
        WholeTiff.check(whole);
        byte[] bytes = Files.readAllBytes(whole.toPath());
        String said = answer(with("cut.tif", Arrays.copyOf(bytes, bytes.length - 1000)));
        assertTrue(said.matches("Error: cut.tif is cut off: it has " + (bytes.length - 1000)
                                + " bytes, its pixels end at byte \\d+; copy it once more"), said);
    }

    @Test void a_compressed_file_that_was_cut_off_ends_as_well() throws IOException {
        byte[] bytes = Files.readAllBytes(DEFLATED);
        String said = answer(with("cut.tif", Arrays.copyOf(bytes, 3000)));
        assertTrue(said.startsWith("Error: cut.tif is cut off"), said);
    }

    @Test void a_damaged_strip_is_named() throws IOException {
        byte[] bytes = Files.readAllBytes(DEFLATED);
        Arrays.fill(bytes, bytes.length / 2, bytes.length / 2 + 400, (byte) 0);
        String said = answer(with("hit.tif", bytes));
        assertTrue(said.matches("Error: hit.tif is damaged: strip \\d+ of \\d+ cannot be decompressed; copy it once more"), said);
    }

    @Test void whole_files_of_many_kinds_pass() throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(Headless.ROOT.resolve("testdata"))) {
            files = all.filter(f -> f.toString().matches(".*/(?!jpeg)[^/]*\\.tif") && !f.toString().contains("hostile"))
                        .collect(Collectors.toList()); // of small JPEG ones ImageJ makes noise
        }
        assertTrue(files.size() > 20);
        for (Path file : files)
            WholeTiff.check(file.toFile());
        File text = with("text.tif", "no image".getBytes("UTF-8"));
        WholeTiff.check(text);
        WholeTiff.check(with("empty.tif", new byte[0]));
        assertThrows(IOException.class, () -> WholeTiff.check(folder.resolve("none.tif").toFile()));
    }

    @Test void a_link_that_leads_back_is_noticed() throws IOException {
        Path inner = Files.createDirectories(folder.resolve("a/b"));
        Files.createSymbolicLink(inner.resolve("back"), folder);
        Files.createSymbolicLink(inner.resolve("aside"), Files.createDirectories(folder.resolve("c")));
        assertEquals("true", MacroCalls.leadsBack(inner + "/back/"));
        assertEquals("false", MacroCalls.leadsBack(inner + "/aside/"));
        assertEquals("false", MacroCalls.leadsBack(inner + "/"));
        assertEquals("false", MacroCalls.leadsBack(inner + "/nothing/"));
    }
}
