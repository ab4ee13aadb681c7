/* Digests.java - what a file is, in 64 hexadecimal digits.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

final class Digests {
    private Digests() {}

    static String sha256(Path file) throws IOException {
        MessageDigest digest = newDigest();
        byte[] part = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(part); n >= 0; n = in.read(part))
                digest.update(part, 0, n);
        }
        return hexadecimal(digest.digest());
    }

    static String sha256(byte[] bytes) {
        return hexadecimal(newDigest().digest(bytes));
    }

    private static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every Java has it
        }
    }

    private static String hexadecimal(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes)
            text.append(String.format("%02x", b & 0xff));
        return text.toString();
    }
}
