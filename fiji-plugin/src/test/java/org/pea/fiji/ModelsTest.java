// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pea.Model;

class ModelsTest {
    @TempDir Path folder;
    private final Path bundled = Headless.ROOT.resolve("models");
    private Headless.Change models;

    @BeforeEach void look_here() {
        models = Headless.models(folder + File.pathSeparator + bundled);
    }

    @AfterEach void look_there() {
        models.close();
    }

    private Path copy(String name) throws Exception {
        return Files.copy(bundled.resolve("nuclei.safetensors"), folder.resolve(name));
    }

    private static Models.Entry entry(String name) {
        List<Models.Entry> found = Models.list().stream().filter(e -> e.name.equals(name)).collect(Collectors.toList());
        return found.isEmpty() ? null : found.get(0);
    }

    @Test void bundled_models_are_listed_with_what_they_are() {
        Models.Entry nuclei = entry("nuclei");
        assertEquals(2, nuclei.axes);
        assertTrue(nuclei.description.contains("nuclei"), nuclei.description);
        assertNull(nuclei.error);
    }

    @Test void of_equal_names_the_first_folder_wins() throws Exception {
        Path mine = copy("nuclei.safetensors");
        assertEquals(mine, entry("nuclei").file);
        assertEquals(mine, Models.find("nuclei"));
    }

    @Test void a_damaged_model_is_listed_with_its_error_and_other_files_are_not() throws Exception {
        byte[] bytes = Files.readAllBytes(bundled.resolve("nuclei.safetensors"));
        Files.write(folder.resolve("cut.safetensors"), java.util.Arrays.copyOf(bytes, 100));
        Files.write(folder.resolve("other.safetensors"), "\2\0\0\0\0\0\0\0{}".getBytes("ISO-8859-1"));
        Files.write(folder.resolve("readme.txt"), new byte[3]);
        assertNotNull(entry("cut").error);
        assertEquals(0, entry("cut").axes);
        assertNull(entry("other"), "safetensors of other programs");
        assertNull(entry("readme"));
    }

    @Test void folders_that_are_not_there_are_no_error() {
        models.close();
        models = Headless.models(folder.resolve("none").toString());
        assertTrue(Models.folders().contains(folder.resolve("none")));
        Models.list();
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Models.find("leaves"));
        assertTrue(e.getMessage().contains(folder.resolve("none").toString()), e.getMessage());
    }

    @Test void an_open_model_is_used_again_until_its_file_is_replaced() throws Exception {
        Path file = copy("mine.safetensors");
        Model first = Models.open("mine");
        assertSame(first, Models.open(file.toString()));
        Files.setLastModifiedTime(file, FileTime.fromMillis(1000000000000L));
        Model second = Models.open("mine");
        assertNotSame(first, second);
        assertThrows(IllegalStateException.class, () -> first.scale(null), "the older one is closed");
        assertEquals("nuclei", second.name());
    }

    @Test void few_models_stay_open() throws Exception {
        Model[] models = new Model[5];
        for (int i = 0; i < 5; i++) {
            copy("m" + i + ".safetensors");
            models[i] = Models.open("m" + i);
        }
        assertThrows(IllegalStateException.class, () -> models[0].scale(null));
        assertEquals("nuclei", models[4].name());
        assertEquals("nuclei", models[3].name());
    }
}
