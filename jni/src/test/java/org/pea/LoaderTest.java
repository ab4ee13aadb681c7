/* LoaderTest.java - the library is found in each of four places, and where it is not, all that was tried is told.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoaderTest {
    @TempDir
    Path folder;

    private Child load(Child child, String... arguments) throws IOException, InterruptedException {
        child.start(LoaderChild.class, arguments).await();
        assertFalse(child.output.contains("NOT THE SAME"), child.output);
        assertFalse(child.output.contains("WRONG"), child.output);
        return child;
    }

    private static void loadedFrom(Child child, String path) {
        assertEquals(0, child.status, child.output);
        assertTrue(child.output.contains("LOADED " + path), child.output);
        assertTrue(child.output.contains("self-test passed"), child.output);
    }

    private static void failed(Child child, String... words) {
        assertTrue(child.output.contains("FAILED NOT_LOADED"), child.output);
        for (String word : words)
            assertTrue(child.output.contains(word), word + " missing in: " + child.output);
    }

    /** A folder like a jar that carries the library. */
    private Path jar(byte[] content) throws IOException {
        Path natives = Files.createDirectories(folder.resolve("jar/natives/" + Platform.name()));
        Files.write(natives.resolve("libpea-jni.so"), content);
        return folder.resolve("jar");
    }

    private List<String> cached() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
            return files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()).collect(Collectors.toList());
        }
    }

    /* ---- the four ways ---- */

    @Test
    void propertyNamesAFile() throws Exception {
        Path blank = Files.copy(Sample.LIBRARY, folder.resolve("my library.so"));
        loadedFrom(load(new Child(folder).option("-Dpea.native=" + blank)), blank.toString());
        assertEquals(0, cached().size(), "no marker is left");
    }

    @Test
    void javaLibraryPathHasIt() throws Exception {
        loadedFrom(load(new Child(folder).option("-Djava.library.path=" + Sample.LIBRARY.getParent())), "null");
    }

    @Test
    void fijiHasItInItsFolder() throws Exception {
        Path fiji = folder.resolve("My Fiji.app");
        Path place = Files.createDirectories(fiji.resolve("lib/" + Platform.name())).resolve("libpea-jni.so");
        Files.copy(Sample.LIBRARY, place);
        for (String property : new String[] {"imagej.dir", "ij.dir", "fiji.dir", "plugins.dir"})
            loadedFrom(load(new Child(folder).option("-D" + property + "=" + fiji)), place.toString());
        loadedFrom(load(new Child(folder).option("-Dplugins.dir=" + fiji.resolve("plugins"))), place.toString());
    }

    @Test
    void jarCarriesIt() throws Exception {
        byte[] content = Files.readAllBytes(Sample.LIBRARY);
        Path expected = folder.resolve("cache/pea/" + Digests.sha256(content) + "/libpea-jni.so");
        loadedFrom(load(new Child(folder).jar(jar(content))), expected.toString());
        loadedFrom(load(new Child(folder).jar(jar(content))), expected.toString()); // from the cache now
        Files.write(expected, new byte[] {1, 2, 3}); // somebody damaged it
        loadedFrom(load(new Child(folder).jar(jar(content))), expected.toString());
        assertEquals(1, cached().size(), cached().toString());
    }

    /* ---- failures ---- */

    @Test
    void nothingAnywhereTellsAllThatWasTried() throws Exception {
        Child child = load(new Child(folder).option("-Djava.library.path=" + folder).option("-Dij.dir=" + folder));
        failed(child, "java.library.path: ", "no pea-jni in java.library.path",
            folder.resolve("lib/" + Platform.name() + "/libpea-jni.so") + " is not there",
            "inside the jar: there is no /natives/" + Platform.name(), Platform.name());
    }

    @Test
    void filesThatAreNotTheLibraryAreNamedWithTheirFault() throws Exception {
        Path text = Files.write(folder.resolve("text.so"), "this is a text".getBytes());
        byte[] whole = Files.readAllBytes(Sample.LIBRARY);
        Path cut = Files.write(folder.resolve("cut.so"), java.util.Arrays.copyOf(whole, 100));
        failed(load(new Child(folder).option("-Dpea.native=" + text)), "property pea.native: " + text + ": ");
        failed(load(new Child(folder).option("-Dpea.native=" + cut)), "property pea.native: " + cut + ": ");
        failed(load(new Child(folder).option("-Dpea.native=" + folder.resolve("none.so"))), "none.so: ");
        failed(load(new Child(folder).option("-Dpea.native=" + Sample.beside("libpea_test_probe.so"))),
            "this is some other library, not PEA's");
        failed(load(new Child(folder).option("-Dpea.native=" + Sample.beside("libpea_test_other_abi.so"))),
            "interface 99, the Java classes need 2");
        assertEquals(0, cached().size(), "no marker is left");
    }

    @Test
    void badFileDoesNotHideAGoodOne() throws Exception {
        Path fiji = folder.resolve("fiji");
        Path place = Files.createDirectories(fiji.resolve("lib/" + Platform.name())).resolve("libpea-jni.so");
        Files.copy(Sample.beside("libpea_test_other_abi.so"), place);
        Child child = load(new Child(folder).option("-Dij.dir=" + fiji).jar(jar(Files.readAllBytes(Sample.LIBRARY))));
        loadedFrom(child, folder.resolve("cache").toString());
        assertTrue(child.output.contains("interface 99"), child.output);
    }

    @Test
    void cacheThatCannotBeWrittenIsReplacedByAnotherFolder() throws Exception {
        Path file = Files.write(folder.resolve("file"), new byte[1]); // a folder cannot be made below it
        byte[] content = Files.readAllBytes(Sample.LIBRARY);
        Path fiji = Files.createDirectories(folder.resolve("fiji"));
        Child child = load(new Child(folder).cache(file).option("-Dij.dir=" + fiji).jar(jar(content)));
        loadedFrom(child, fiji.resolve("cache/pea").toString());
        assertTrue(child.output.contains("cannot be used"), child.output);
        Path temporary = Files.createDirectories(folder.resolve("tmp"));
        child = load(new Child(folder).cache(file).option("-Djava.io.tmpdir=" + temporary).jar(jar(content)));
        loadedFrom(child, temporary.toString());
        try (Stream<Path> left = Files.list(temporary)) {
            assertEquals(0, left.filter(f -> f.getFileName().toString().startsWith("pea")).count());
        }
    }

    @Test
    void processesThatStartTogetherAllLoad() throws Exception {
        Path jar = jar(Files.readAllBytes(Sample.LIBRARY));
        List<Child> children = new ArrayList<>();
        for (int i = 0; i < 4; i++)
            children.add(new Child(folder).jar(jar).start(LoaderChild.class));
        for (Child child : children)
            loadedFrom(child.await(), folder.resolve("cache").toString());
        assertEquals(1, cached().size(), cached().toString());
    }

    @Test
    void secondClassLoaderLoadsACopy() throws Exception {
        URL classes = Paths.get(Child.placeOf(Pea.class)).toUri().toURL();
        Pea.load();
        for (int i = 0; i < 2; i++)
            try (URLClassLoader other = new URLClassLoader(new URL[] {classes}, null)) {
                Class<?> pea = other.loadClass("org.pea.Pea");
                assertNotSame(Pea.class, pea);
                pea.getMethod("load").invoke(null);
                assertEquals(Pea.version(), pea.getMethod("version").invoke(null));
            }
    }

    /* ---- crashes ---- */

    @Test
    void crashIsToldAndNotRepeatedUntilItIsForgotten() throws Exception {
        String good = "-Dpea.native=" + Sample.LIBRARY;
        Child crash = new Child(folder).option("-Dpea.native=" + Sample.beside("libpea_test_crash.so"));
        assertEquals(42, crash.start(LoaderChild.class).await().status);
        assertEquals(1, cached().size());
        failed(load(new Child(folder).option(good)), "an earlier start ended while the library was being loaded",
            "pea.force");
        loadedFrom(load(new Child(folder).option(good).option("-Dpea.force=true")), Sample.LIBRARY.toString());
        failed(load(new Child(folder).option(good)), "an earlier start");
        loadedFrom(load(new Child(folder).option(good), "forget"), Sample.LIBRARY.toString());
        loadedFrom(load(new Child(folder).option(good)), Sample.LIBRARY.toString());
        assertEquals(0, cached().size());
    }

    @Test
    void markersOfLivingProcessesAndOtherComputersAreNoCrash() throws Exception {
        Path markers = Files.createDirectories(folder.resolve("cache/pea"));
        long process = Platform.process();
        String own = "loading-" + process + "-" + Platform.startOf(process) + "@" + Platform.host();
        Files.write(markers.resolve(own), new byte[0]);
        Files.write(markers.resolve("loading-1-1@another.computer"), new byte[0]);
        Files.write(markers.resolve("loading-nonsense"), new byte[0]);
        loadedFrom(load(new Child(folder).option("-Dpea.native=" + Sample.LIBRARY)), Sample.LIBRARY.toString());
        // the same process number, but another process has it now
        Files.write(markers.resolve("loading-" + process + "-1@" + Platform.host()), new byte[0]);
        failed(load(new Child(folder).option("-Dpea.native=" + Sample.LIBRARY)), "an earlier start");
    }

    /* ---- names ---- */

    @Test
    void platformsAreNamedAsFijiDoes() {
        String os = System.getProperty("os.name");
        String arch = System.getProperty("os.arch");
        String[][] names = {{"Linux", "amd64", "linux64"}, {"Linux", "aarch64", "linux-arm64"},
            {"Mac OS X", "x86_64", "macos64"}, {"Mac OS X", "aarch64", "macos-arm64"}, {"Windows 11", "amd64", "win64"},
            {"Windows 11", "aarch64", "win-arm64"}, {"Linux", "riscv64", "linux-riscv64"}};
        try {
            for (String[] name : names) {
                System.setProperty("os.name", name[0]);
                System.setProperty("os.arch", name[1]);
                assertEquals(name[2], Platform.name());
            }
        } finally {
            System.setProperty("os.name", os);
            System.setProperty("os.arch", arch);
        }
        assertTrue(Platform.process() > 0 && !Platform.host().contains(File.separator));
    }
}
