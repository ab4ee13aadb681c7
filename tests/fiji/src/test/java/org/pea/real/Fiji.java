// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** An ImageJ folder as users have one, and the package unpacked over it. */
final class Fiji {
    private Fiji() {}

    static final Path REPOSITORY = folder("pea.repository");
    static final Path COMMAND = folder("pea.command");
    static final Path JARS = folder("imagej.jars");
    static final String[] NUCLEI = {"8d29c5a03e0560c8", "a486f6ed4b8781e7", "cc88627344305b9a"};

    private static Path folder(String property) {
        return Paths.get(System.getProperty(property)).toAbsolutePath();
    }

    static Path image(String id) {
        return REPOSITORY.resolve("testdata/nuclei/" + id + "_image.tif");
    }

    /** ImageJ's jar, its empty folders, and what the zip holds. */
    static Path assemble(Path at) throws IOException {
        for (String name : new String[] {"jars", "plugins", "macros", "luts"})
            Files.createDirectories(at.resolve(name));
        Files.copy(JARS.resolve("ij.jar"), at.resolve("jars/ij-1.54p.jar"), StandardCopyOption.REPLACE_EXISTING);
        try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(folder("pea.package")))) {
            for (ZipEntry e = zip.getNextEntry(); e != null; e = zip.getNextEntry()) {
                Path file = at.resolve(e.getName()).normalize();
                if (!file.startsWith(at))
                    throw new IOException("the package would write outside Fiji: " + e.getName());
                if (e.isDirectory())
                    Files.createDirectories(file);
                else
                    copy(zip, file);
            }
        }
        return at;
    }

    private static void copy(InputStream from, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.copy(from, file, StandardCopyOption.REPLACE_EXISTING);
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder))
            return;
        Files.walkFileTree(folder, new SimpleFileVisitor<Path>() {
            @Override public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override public FileVisitResult postVisitDirectory(Path dir, IOException e) throws IOException {
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
