// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Model;
import org.pea.PeaException;

class ModelImportTest {
    private static final Path CHECKPOINT = Headless.ROOT.resolve("testdata/golden/resunet2d-small-legacy/model.ckpt");

    @TempDir Path folder;
    private Headless.Change models;

    @BeforeEach void ownFolder() {
        models = Headless.models(folder.toString());
    }

    @AfterEach void oldFolder() {
        models.close();
    }

    private static ModelImport of(String options) {
        return ModelImport.of(MacroOptions.parse(options));
    }

    private static void refused(String options, String words) {
        RuntimeException e = assertThrows(IllegalArgumentException.class, () -> of(options).apply());
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }

    private long files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.count();
        }
    }

    @Test void a_checkpoint_becomes_a_model_with_its_record() throws IOException {
        String said = of("file=[" + CHECKPOINT + "] name=leaves preset=cvppp description=[Young \"leaves\"]"
                + " licence=CC0-1.0"
                + " pixelsize=[0.65 um]").apply();
        assertTrue(said.contains("leaves") && said.contains("2-D"), said);
        try (Model model = Model.open(folder.resolve("leaves.safetensors"))) {
            assertEquals("leaves", model.name());
            assertEquals("Young \"leaves\"", model.description());
            Object record = Json.read(model.record());
            assertEquals("CC0-1.0", Json.text(record, "licence"));
            assertEquals("0.65", Json.text(record, "pixel_size", "x"));
            assertEquals("um", Json.text(record, "pixel_size", "unit"));
        }
        assertEquals(1, files());
    }

    @Test void an_older_model_is_replaced_only_when_asked() throws IOException {
        of("file=[" + CHECKPOINT + "] name=a").apply();
        byte[] old = Files.readAllBytes(folder.resolve("a.safetensors"));
        refused("file=[" + CHECKPOINT + "] name=a preset=bbbc039", "replace=yes");
        assertArrayEquals(old, Files.readAllBytes(folder.resolve("a.safetensors")));
        of("file=[" + CHECKPOINT + "] name=a preset=bbbc039 replace").apply();
        assertEquals(1, files());
    }

    @Test void a_model_file_is_copied_byte_by_byte() throws IOException {
        Path nuclei = Headless.ROOT.resolve("models/nuclei.safetensors");
        of("file=[" + nuclei + "]").apply();
        assertArrayEquals(Files.readAllBytes(nuclei), Files.readAllBytes(folder.resolve("nuclei.safetensors")));
        assertEquals(1, files());
    }

    @Test void what_is_no_model_leaves_nothing_behind() throws IOException {
        Path bad = Files.write(folder.resolve("bad.txt"), new byte[100]);
        assertThrows(PeaException.class, () -> of("file=[" + bad + "] name=x").apply());
        Path cut = folder.resolve("cut.safetensors");
        byte[] whole = Files.readAllBytes(Headless.ROOT.resolve("models/nuclei.safetensors"));
        Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));
        assertThrows(PeaException.class, () -> of("file=[" + cut + "] name=y").apply());
        assertEquals(2, files());
    }

    @Test void wrong_values_are_told_apart() {
        refused("preset=cvppp", "file=");
        refused("file=/nowhere/x.ckpt", "there is no file");
        refused("file=[" + CHECKPOINT + "] preset=leaf", "cvppp");
        refused("file=[" + CHECKPOINT + "] name=a/b", "a name without");
        refused("file=[" + CHECKPOINT + "] name=[a b]", "a name without");
        refused("file=[" + CHECKPOINT + "] pixelsize=0.65", "a size and a unit");
        refused("file=[" + CHECKPOINT + "] pixelsize=[0 um]", "a size and a unit");
        refused("file=[" + CHECKPOINT + "] pixelsize=[1,2 um]", "a size and a unit");
        refused("file=[" + CHECKPOINT + "] pixl=1", "unknown key \"pixl\"");
    }

    @Test void names_come_from_files() {
        assertEquals("model", ModelImport.nameOf("/a/model.ckpt"));
        assertEquals("best", ModelImport.nameOf("best.pth.tar"));
        assertEquals("a-b", ModelImport.nameOf("/x/a b.PT"));
        assertEquals("nuclei", ModelImport.nameOf("nuclei.safetensors"));
        assertEquals("v1.2", ModelImport.nameOf("v1.2.pth"));
    }

    @Test void options_make_the_same_import_again() {
        ModelImport once = of("file=[" + CHECKPOINT + "] name=a preset=nuclei description=[b c] "
                + "pixelsize=[3,2,1 nm] replace");
        assertEquals("{\"name\":\"a\",\"description\":\"b c\","
                + "\"pixel_size\":{\"z\":3,\"y\":2,\"x\":1,\"unit\":\"nm\"}}",
                once.metadata());
        ModelImport again = ModelImport.of(once.options());
        assertEquals(once.options(), again.options());
        assertTrue(again.replace);
    }
}
