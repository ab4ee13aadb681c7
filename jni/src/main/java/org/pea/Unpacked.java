/* Unpacked.java - puts the library that a jar carries into a file, once for each user and version.
 *
 * The folder is named by the content's SHA-256, so that versions never meet. The file is written beside its place and
 * renamed: of many processes that start at once each sees the whole file or none.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

final class Unpacked {
    private Unpacked() {}

    /** The bytes of a resource; null where the jar has none. */
    static byte[] resource(String name) throws IOException {
        URL url = Unpacked.class.getResource(name);
        if (url == null)
            return null;
        URLConnection connection = url.openConnection();
        connection.setUseCaches(false); // a cached jar would stay open, and could not be replaced by an update
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] part = new byte[1 << 16];
        try (InputStream in = connection.getInputStream()) {
            for (int n = in.read(part); n >= 0; n = in.read(part))
                bytes.write(part, 0, n);
        }
        return bytes.toByteArray();
    }

    /** A file with this content below the folder. */
    static Path put(byte[] content, String fileName, Path folder) throws IOException {
        String sha256 = Digests.sha256(content);
        Path place = folder.resolve(sha256);
        Path file = place.resolve(fileName);
        if (holds(file, content, sha256))
            return file;
        Files.createDirectories(place);
        Path part = Files.createTempFile(place, fileName, ".part"); // for its owner alone
        try {
            Files.write(part, content);
            part.toFile().setExecutable(true, true);
            replace(part, file, content, sha256);
        } finally {
            Files.deleteIfExists(part);
        }
        return file;
    }

    private static void replace(Path part, Path file, byte[] content, String sha256) throws IOException {
        try {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            if (!holds(file, content, sha256)) // Windows refuses where another process was first and uses it
                throw e;
        }
    }

    private static boolean holds(Path file, byte[] content, String sha256) throws IOException {
        return Files.isRegularFile(file) && Files.size(file) == content.length && Digests.sha256(file).equals(sha256);
    }
}
