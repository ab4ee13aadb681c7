/* Child.java - another Java virtual machine, because a library is loaded once in each.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class Child {
    private final List<String> options = new ArrayList<>();
    private final Map<String, String> variables = new LinkedHashMap<>();
    private final Path folder;
    private Path cache;
    private Path jar;
    private Process process;
    private Path log;
    String output;
    int status;

    /** Its cache and its output are below this folder. */
    Child(Path folder) {
        this.folder = folder;
        cache = folder.resolve("cache");
    }

    Child option(String option) {
        options.add(option);
        return this;
    }

    Child variable(String name, String value) {
        variables.put(name, value);
        return this;
    }

    /** A folder that comes first on its class path, as the jar's content would. */
    Child jar(Path content) {
        jar = content;
        return this;
    }

    Child cache(Path place) {
        cache = place;
        return this;
    }

    static String placeOf(Class<?> type) {
        try {
            return Paths.get(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    Child start(Class<?> main, String... arguments) throws IOException {
        List<String> line = new ArrayList<>();
        line.add(Paths.get(System.getProperty("java.home"), "bin", "java").toString());
        String more = System.getProperty("pea.child.options", "");
        if (!more.isEmpty())
            line.addAll(Arrays.asList(more.split(" ")));
        line.add("-Dpea.repository=" + Sample.REPOSITORY);
        line.addAll(options);
        line.add("-cp");
        String classes = placeOf(Pea.class) + File.pathSeparator + placeOf(main);
        line.add(jar == null ? classes : jar + File.pathSeparator + classes);
        line.add(main.getName());
        line.addAll(Arrays.asList(arguments));
        log = Files.createTempFile(folder, "child", ".log");
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile());
        Map<String, String> environment = builder.environment();
        environment.put("XDG_CACHE_HOME", cache.toString());
        environment.putAll(variables);
        process = builder.directory(folder.toFile()).start();
        return this;
    }

    Child await() throws IOException, InterruptedException {
        status = process.waitFor();
        output = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
        if (output.contains("WARNING in native") || output.contains("FATAL ERROR in native"))
            throw new AssertionError(output);
        return this;
    }
}
