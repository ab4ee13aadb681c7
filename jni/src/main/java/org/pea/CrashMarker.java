/* CrashMarker.java - remembers that loading the library took the whole program down, so that the next start can say so
 * instead of dying too.
 *
 * A file stands in the user's cache while the library is loaded and tested. Its name tells host, process and when that
 * process started: one of a living process, or of another computer that shares the home folder, is no crash.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

final class CrashMarker {
    private static final String PREFIX = "loading-";
    private static final long NO_PROC_GRACE_MS = 60_000; // where the system cannot tell who lives

    private final Path folder;
    private Path own;

    CrashMarker(Path folder) {
        this.folder = folder;
    }

    /** Marks the beginning of an attempt. Throws where the folder cannot be written: there is then no protection. */
    void set() throws IOException {
        long process = Platform.process();
        Files.createDirectories(folder);
        own = folder.resolve(PREFIX + process + "-" + start(process) + "@" + Platform.host());
        Files.write(own, "PEA's native library is being loaded.\n".getBytes(StandardCharsets.US_ASCII));
    }

    /** The attempt came to an end, whatever it was. */
    void clear() {
        if (own != null)
            own.toFile().delete();
        own = null;
    }

    /** Markers of this computer whose process ended without taking its marker away. */
    List<Path> crashes() throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> markers = Files.newDirectoryStream(folder, PREFIX + "*")) {
            for (Path marker : markers)
                if (isCrash(marker))
                    found.add(marker);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return found;
        }
        return found;
    }

    void forget() throws IOException {
        for (Path marker : crashes())
            Files.deleteIfExists(marker);
    }

    private static String start(long process) {
        String start = Platform.startOf(process);
        return start.isEmpty() ? "0" : start;
    }

    private static boolean isCrash(Path marker) throws IOException {
        String name = marker.getFileName().toString();
        int at = name.indexOf('@');
        if (at < 0 || !name.substring(at + 1).equals(Platform.host()))
            return false;
        String[] parts = name.substring(PREFIX.length(), at).split("-");
        if (parts.length == 2 && parts[1].equals("0"))
            return System.currentTimeMillis() - Files.getLastModifiedTime(marker).toMillis() > NO_PROC_GRACE_MS;
        try {
            return parts.length == 2 && !Platform.startOf(Long.parseLong(parts[0])).equals(parts[1])
                && Files.exists(marker); // looked at last: whoever ends well takes it away before
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
