// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    @TempDir Path folder;

    private int files() {
        return folder.toFile().list().length;
    }

    @Test void a_file_appears_whole_in_a_folder_that_is_made() throws IOException {
        Path file = folder.resolve("new/a b.txt");
        AtomicFile.write(file.toString(), out -> out.write(new byte[] {1, 2, 3}));
        assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(file));
        assertEquals(1, file.getParent().toFile().list().length);
    }

    @Test void a_result_is_for_whom_any_new_file_is_and_its_name_may_be_long() throws IOException {
        Path any = Files.createFile(folder.resolve("any"));
        Path file = folder.resolve(String.join("", Collections.nCopies(25, "0123456789")) + ".tif"); // 255 at most
        AtomicFile.write(file.toString(), out -> out.write(1));
        assertEquals(Files.getPosixFilePermissions(any), Files.getPosixFilePermissions(file));
    }

    @Test void a_full_disk_leaves_the_older_file_and_nothing_else() throws IOException {
        Path file = folder.resolve("a.txt");
        Files.write(file, new byte[] {9});
        UncheckedIOException e = assertThrows(UncheckedIOException.class,
                                              () -> AtomicFile.write(file.toString(), out -> {
            out.write(new byte[100000]);
            throw new IOException("No space left on device");
        }));
        assertEquals(file + " could not be written: No space left on device", e.getMessage());
        assertArrayEquals(new byte[] {9}, Files.readAllBytes(file));
        assertEquals(1, files());
    }

    @Test void a_failure_of_ours_leaves_nothing() {
        assertThrows(IllegalStateException.class, () -> AtomicFile.write(folder.resolve("a").toString(), out -> {
            throw new IllegalStateException();
        }));
        assertEquals(0, files());
    }

    @Test void a_folder_in_the_way_is_named() throws IOException {
        Path file = Files.createDirectory(folder.resolve("taken"));
        UncheckedIOException e = assertThrows(UncheckedIOException.class,
                                              () -> AtomicFile.write(file.toString(), out -> {}));
        assertTrue(e.getMessage().contains("a folder of that name"), e.getMessage());
    }

    @Test void a_folder_that_takes_no_files_is_said_in_words() {
        UncheckedIOException e = assertThrows(UncheckedIOException.class,
                                              () -> AtomicFile.write("/proc/x.tif", out -> {}));
        assertEquals("/proc/x.tif could not be written: its folder takes no such file, choose another",
                     e.getMessage());
    }

    @Test void a_folder_that_cannot_be_is_one_message() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        UncheckedIOException e =
            assertThrows(UncheckedIOException.class, () -> AtomicFile.write(file.resolve("below.txt").toString(),
                out -> {}));
        assertTrue(e.getMessage().startsWith(file + "/below.txt could not be written: "), e.getMessage());
        assertTrue(!e.getMessage().contains("\n"));
    }
}
