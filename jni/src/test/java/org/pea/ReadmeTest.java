/* ReadmeTest.java - the example of the README compiles, runs, and counts right.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTest {
    @TempDir
    Path folder;

    @Test
    void exampleRuns() throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Assumptions.assumeTrue(compiler != null, "this Java has no compiler");
        byte[] bytes = Files.readAllBytes(Sample.REPOSITORY.resolve("jni/README.md"));
        String readme = new String(bytes, StandardCharsets.UTF_8);
        int begin = readme.indexOf("```java\n") + 8;
        Path source = folder.resolve("Count.java");
        Files.write(source, readme.substring(begin, readme.indexOf("```", begin)).getBytes(StandardCharsets.UTF_8));
        ByteArrayOutputStream complaints = new ByteArrayOutputStream();
        assertEquals(0, compiler.run(null, null, complaints, "-cp", Child.placeOf(Pea.class), "-d", folder.toString(),
            source.toString()), complaints.toString());

        PrintStream out = System.out;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        URL[] classes = {folder.toUri().toURL()};
        try (URLClassLoader loader = new URLClassLoader(classes, Pea.class.getClassLoader())) {
            System.setOut(new PrintStream(said, true, "UTF-8"));
            loader.loadClass("Count").getMethod("main", String[].class)
                .invoke(null, (Object) new String[] {Sample.NUCLEI.toString()});
        } finally {
            System.setOut(out);
        }
        String[] lines = said.toString("UTF-8").split("\r?\n");
        assertEquals("4 discs", lines[0], said.toString("UTF-8"));
        assertTrue(lines[1].startsWith("label,area_um2"), lines[1]);
        assertEquals(6, lines.length);
    }
}
