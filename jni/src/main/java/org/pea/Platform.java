/* Platform.java - this computer, in the words of Fiji's updater, and this process.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Locale;

final class Platform {
    private Platform() {}

    /** linux64, linux-arm64, macos64, macos-arm64, win64 or win-arm64; another system keeps its own name. */
    static String name() {
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        String system = os;
        for (String known : new String[] {"linux", "mac", "win"})
            if (os.startsWith(known))
                system = known.equals("mac") ? "macos" : known;
        boolean arm = arch.equals("aarch64") || arch.equals("arm64");
        boolean intel = arch.equals("amd64") || arch.equals("x86_64");
        return system + (arm ? "-arm64" : intel ? "64" : "-" + arch);
    }

    /** Where this user's programs keep what they can make again. */
    static Path userCache() {
        String given = System.getenv("XDG_CACHE_HOME");
        if (given != null && Paths.get(given).isAbsolute())
            return Paths.get(given, "pea");
        String home = System.getProperty("user.home", "");
        if (name().startsWith("macos"))
            return Paths.get(home, "Library", "Caches", "pea");
        String local = System.getenv("LOCALAPPDATA");
        if (File.separatorChar == '\\' && local != null)
            return Paths.get(local, "pea", "cache");
        return Paths.get(home, ".cache", "pea");
    }

    /** Number of this process; 0 where it is unknown. */
    static long process() {
        String name = ManagementFactory.getRuntimeMXBean().getName(); // 4711@host; Java 8 has nothing better
        try {
            return Long.parseLong(name.substring(0, Math.max(0, name.indexOf('@'))));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** Name of this computer, fit for a file name. */
    static String host() {
        String name = ManagementFactory.getRuntimeMXBean().getName();
        return name.substring(name.indexOf('@') + 1).replaceAll("[^A-Za-z0-9.-]", "-");
    }

    /** When a process of this computer started, in the system's count; empty where there is none, or no way to know. */
    static String startOf(long process) {
        try {
            byte[] bytes = Files.readAllBytes(Paths.get("/proc", Long.toString(process), "stat"));
            String stat = new String(bytes, StandardCharsets.ISO_8859_1);
            return stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]; // field 22; the name may hold blanks
        } catch (IOException | RuntimeException e) {
            return "";
        }
    }
}
