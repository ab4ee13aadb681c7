/* Texts.java - texts on their way to the library and back: bytes of UTF-8, and of paths what the system calls them.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

final class Texts {
    private Texts() {}

    /** Null for null. */
    static byte[] bytes(String text) {
        if (text == null)
            return null;
        if (text.indexOf('\0') >= 0)
            throw new PeaException.Argument("a text holds a NUL character: " + text.replace('\0', '?'));
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Null for null. */
    static String of(byte[] utf8) {
        return utf8 == null ? null : new String(utf8, StandardCharsets.UTF_8);
    }

    /** Key NUL value NUL ...; null where nothing is wished for. */
    static byte[] pack(Map<String, String> wishes) {
        if (wishes == null || wishes.isEmpty())
            return null;
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        for (Map.Entry<String, String> wish : wishes.entrySet()) {
            if (wish.getKey() == null || wish.getValue() == null)
                throw new PeaException.Argument("a setting without a key or a value: " + wish);
            put(packed, bytes(wish.getKey()));
            put(packed, bytes(wish.getValue()));
        }
        return packed.toByteArray();
    }

    private static void put(ByteArrayOutputStream packed, byte[] text) {
        packed.write(text, 0, text.length);
        packed.write(0);
    }

    /** The opposite of {@link #pack}. */
    static Map<String, String> unpack(byte[] packed) {
        Map<String, String> pairs = new LinkedHashMap<>();
        String[] texts = of(packed).split("\0", -1); // the last one is what follows the last NUL: nothing
        for (int i = 0; i + 1 < texts.length; i += 2)
            pairs.put(texts[i], texts[i + 1]);
        return pairs;
    }

    /**
     * The bytes by which the system knows a file. They are not always UTF-8, and only the path's URI tells them: in a
     * process without a locale, as on many clusters, {@code toString} has already lost them.
     */
    static byte[] path(Path path) {
        if (path.getFileSystem() != FileSystems.getDefault())
            throw new PeaException.Argument(path + " is not a file of this computer's file system");
        if (File.separatorChar == '\\')
            return bytes(path.toAbsolutePath().toString());
        String encoded = path.toAbsolutePath().toUri().getRawPath();
        ByteArrayOutputStream decoded = new ByteArrayOutputStream();
        for (int i = 0; i < encoded.length(); i++) {
            char c = encoded.charAt(i);
            if (c == '%') {
                decoded.write(Integer.parseInt(encoded.substring(i + 1, i + 3), 16));
                i += 2;
            } else {
                decoded.write(c);
            }
        }
        return decoded.toByteArray();
    }
}
