// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** Writes a file under another name and renames it when it is whole: nobody ever sees half of it. */
final class AtomicFile {
    private AtomicFile() {}

    /** What writes the bytes. */
    interface Content {
        void write(OutputStream out) throws IOException;
    }

    /**
     * @throws UncheckedIOException in one line: which file, why; an older file is as it was, and nothing else is left
     */
    static void write(String path, Content content) {
        Path file = Paths.get(path).toAbsolutePath(), temporary = null;
        try {
            makeFolder(file.getParent());
            if (Files.isDirectory(file))
                throw new IOException("a folder of that name is there");
            temporary = newFile(file.getParent());
            try (FileOutputStream stream = new FileOutputStream(temporary.toFile());
                 OutputStream out = new BufferedOutputStream(new Unclosed(stream), 1 << 16)) {
                content.write(out);
                out.flush();
                stream.getFD().sync();
            }
            move(temporary, file);
        } catch (IOException e) {
            remove(temporary);
            throw new UncheckedIOException(path + " could not be written: " + reason(e), e);
        } catch (RuntimeException | Error e) {
            remove(temporary);
            throw e;
        }
    }

    /* Not Files.createTempFile(), whose files are for their owner alone: a result is for whom the system says. */
    private static Path newFile(Path folder) throws IOException {
        return Files.createFile(folder.resolve(".pea-" + UUID.randomUUID() + ".part"));
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void remove(Path temporary) {
        try {
            if (temporary != null)
                Files.deleteIfExists(temporary);
        } catch (IOException e) {
            temporary.toFile().deleteOnExit();
        }
    }

    private static void makeFolder(Path folder) throws IOException {
        try {
            if (folder != null && !Files.isDirectory(folder))
                Files.createDirectories(folder);
        } catch (FileSystemException e) {
            throw new IOException("the folder " + folder + " cannot be made, choose another", e);
        }
    }

    private static String reason(IOException e) {
        if (e instanceof AccessDeniedException)
            return "permission denied, choose another folder";
        String why = e instanceof FileSystemException ? ((FileSystemException) e).getReason() : e.getMessage();
        if (why != null)
            return why;
        return e instanceof FileSystemException ? "its folder takes no such file, choose another" : "the disk failed";
    }

    /* Zip and image writers close what they are given; the file must stay open until it is on the disk. */
    private static final class Unclosed extends FilterOutputStream {
        Unclosed(OutputStream out) {
            super(out);
        }

        @Override public void write(byte[] bytes, int from, int n) throws IOException {
            out.write(bytes, from, n);
        }

        @Override public void close() throws IOException {
            flush();
        }
    }
}
