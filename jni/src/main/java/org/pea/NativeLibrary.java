/* NativeLibrary.java - finds the native library and loads it, or says in full why not.
 *
 * In order: the file that the property pea.native names, and then nothing else; what java.library.path has; the folder
 * lib/PLATFORM of Fiji; what the jar carries, by way of a file in the user's cache. Each attempt leaves a line.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

final class NativeLibrary {
    /** Rises with any change between the classes and the natives, here and in onload.c. The library looks at it. */
    static final int ABI = 2;

    private static final String NAME = "pea-jni";
    private static final String[] FOLDER_PROPERTIES = {"imagej.dir", "ij.dir", "fiji.dir", "scijava.app.directory",
        "plugins.dir"};

    private static final List<String> LINES = new ArrayList<>();
    private static volatile boolean loaded;
    private static Path path;
    private static PeaException.NotLoaded failure;

    private NativeLibrary() {}

    private static native int abi();

    static void load() {
        if (loaded)
            return;
        synchronized (NativeLibrary.class) {
            if (loaded)
                return;
            if (failure != null)
                throw failure;
            LINES.clear();
            loaded = loadUnlessItCrashed();
            if (loaded)
                return;
            failure = new PeaException.NotLoaded("PEA's native library could not be loaded for " + Platform.name()
                + " (Java " + System.getProperty("java.version") + "):\n" + report());
            throw failure;
        }
    }

    static boolean isLoaded() {
        return loaded;
    }

    /** Null where the system found it by its name. */
    static synchronized Path path() {
        return path;
    }

    static synchronized String report() {
        return LINES.isEmpty() ? "nothing was tried yet" : String.join("\n", LINES);
    }

    static synchronized void forgetCrash() {
        failure = null;
        try {
            new CrashMarker(Platform.userCache()).forget();
        } catch (IOException e) {
            throw new PeaException.Io("the marker of a crash cannot be removed: " + e);
        }
    }

    /* ---- with a marker around, as a crash leaves no other trace ---- */

    private static boolean loadUnlessItCrashed() {
        CrashMarker marker = new CrashMarker(Platform.userCache());
        try {
            List<Path> crashes = marker.crashes();
            if (!crashes.isEmpty() && !Boolean.getBoolean("pea.force")) {
                note("an earlier start ended while the library was being loaded, so it is not tried again. To try "
                    + "again: Check Installation in the menu, or java -Dpea.force=true, or delete " + crashes.get(0));
                return false;
            }
            marker.set();
        } catch (IOException | RuntimeException e) {
            note("no protection against crashes while loading, as the cache cannot be used: " + e);
        }
        try {
            return loadFromSomewhere();
        } finally {
            marker.clear();
        }
    }

    private static boolean loadFromSomewhere() {
        String given = System.getProperty("pea.native");
        if (given != null && !given.isEmpty())
            return attemptFile("property pea.native", Paths.get(given));
        if (attempt("java.library.path", null, () -> System.loadLibrary(NAME)))
            return true;
        String file = System.mapLibraryName(NAME);
        for (Path folder : fijiFolders()) {
            Path candidate = folder.resolve("lib").resolve(Platform.name()).resolve(file);
            if (Files.exists(candidate) && attemptFile("Fiji's folder", candidate))
                return true;
            if (!Files.exists(candidate))
                note("Fiji's folder: " + candidate + " is not there");
        }
        return attemptResource("/natives/" + Platform.name() + "/" + file, file);
    }

    /** Fiji tells where it is by one of several properties; ImageJ by the folder of its plugins, or the one above. */
    private static Set<Path> fijiFolders() {
        Set<Path> folders = new LinkedHashSet<>();
        for (String property : FOLDER_PROPERTIES) {
            String value = System.getProperty(property);
            if (value == null || value.isEmpty())
                continue;
            Path folder = Paths.get(value).toAbsolutePath().normalize();
            folders.add(folder);
            if (property.equals("plugins.dir") && folder.getParent() != null)
                folders.add(folder.getParent());
        }
        return folders;
    }

    /** From the jar to a file that the system can load. A cache may be full, not writable, or not hold programs. */
    private static boolean attemptResource(String resource, String fileName) {
        byte[] content = null;
        try {
            content = Unpacked.resource(resource);
        } catch (IOException e) {
            note("inside the jar: " + e);
        }
        if (content == null) {
            note("inside the jar: there is no " + resource);
            return false;
        }
        List<Path> caches = new ArrayList<>();
        caches.add(Platform.userCache());
        for (Path fiji : fijiFolders())
            caches.add(fiji.resolve("cache").resolve("pea"));
        for (Path cache : caches) {
            try {
                if (attemptFile("inside the jar", Unpacked.put(content, fileName, cache)))
                    return true;
            } catch (IOException | RuntimeException e) {
                note("inside the jar: " + cache + " cannot be used: " + e);
            }
        }
        return attemptTemporary(content, fileName);
    }

    /** The last resort: a folder of this process, gone when the library is loaded. */
    private static boolean attemptTemporary(byte[] content, String fileName) {
        Path folder = null;
        try {
            folder = Files.createTempDirectory(NAME);
            return attemptFile("inside the jar", Files.write(folder.resolve(fileName), content));
        } catch (IOException e) {
            note("inside the jar: no temporary folder: " + e);
            return false;
        } finally {
            deleteAll(folder, fileName);
        }
    }

    /* ---- one attempt ---- */

    private static boolean attemptFile(String where, Path file) {
        Path absolute = file.toAbsolutePath();
        return attempt(where + ": " + absolute, absolute, () -> loadFile(absolute));
    }

    /** An earlier class loader, of plugins that were refreshed since, may hold the file: a copy is then another one. */
    private static void loadFile(Path file) {
        try {
            System.load(file.toString());
        } catch (UnsatisfiedLinkError e) {
            if (e.getMessage() == null || !e.getMessage().contains("already loaded in another classloader"))
                throw e;
            loadCopy(file);
        }
    }

    private static void loadCopy(Path file) {
        Path folder = null;
        String name = file.getFileName().toString();
        try {
            folder = Files.createTempDirectory(NAME);
            Path copy = folder.resolve(name);
            Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
            System.load(copy.toString());
        } catch (IOException e) {
            throw new UnsatisfiedLinkError("another class loader holds it, and it cannot be copied: " + e);
        } finally {
            deleteAll(folder, name);
        }
    }

    /** Where files in use cannot be deleted they are at the program's end. */
    private static void deleteAll(Path folder, String fileName) {
        if (folder == null)
            return;
        if (!folder.resolve(fileName).toFile().delete()) {
            folder.toFile().deleteOnExit();
            folder.resolve(fileName).toFile().deleteOnExit();
        }
        folder.toFile().delete();
    }

    /** Loads, and does not believe it before the library has said that it is ours and has passed its test. */
    private static boolean attempt(String what, Path file, Runnable load) {
        long began = System.nanoTime();
        try {
            load.run();
            if (abi() != ABI)
                throw new UnsatisfiedLinkError("interface " + abi() + ", the Java classes need " + ABI);
            Pea.nativeSelfTest();
            path = file;
            note(what + ": loaded version " + Texts.of(Pea.nativeVersion()) + ", " + Texts.of(Pea.nativeKernels())
                + " kernels, self-test passed, " + (System.nanoTime() - began) / 1_000_000 + " ms");
            return true;
        } catch (LinkageError | RuntimeException e) {
            note(what + ": " + (e instanceof PeaException ? e.getMessage() : reason(e, file)));
            return false;
        }
    }

    private static String reason(Throwable e, Path file) {
        String text = e.getMessage() == null ? e.toString() : e.getMessage();
        if (text.contains("NativeLibrary.abi")) // nobody gave this class its natives
            return "this is some other library, not PEA's";
        return file == null ? text : text.replace(file + ": ", "").replace("\n", " ");
    }

    private static void note(String line) {
        LINES.add(line.replace('\n', ' '));
    }
}
