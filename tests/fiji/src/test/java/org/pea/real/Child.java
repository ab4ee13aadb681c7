// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process of its own: ImageJ without a display, with the command lines of the documentation, or `pea`. */
final class Child {
    final int status;
    /** Both streams. */
    final String output;

    private Child(int status, String output) {
        this.status = status;
        this.output = output;
    }

    static Child pea(Object... arguments) throws IOException, InterruptedException {
        List<Object> command = new ArrayList<>();
        command.add(Fiji.COMMAND);
        command.addAll(Arrays.asList(arguments));
        return run(command);
    }

    /** ImageJ as it is: macros that use no menu. */
    static Child imagej(Path fiji, List<String> java, Path macro, String argument) throws IOException, InterruptedException {
        List<Object> command = new ArrayList<>(Arrays.<Object>asList(javaCommand(), "-Djava.awt.headless=true",
                                                                     "-Dplugins.dir=" + fiji));
        command.addAll(java);
        command.addAll(Arrays.<Object>asList("-cp", fiji.resolve("jars/ij-1.54p.jar"), "ij.ImageJ", "-ijpath", fiji, "-batch", macro,
                                             argument));
        return run(command);
    }

    /** ImageJ as Fiji changes it when it starts without a display: menus and dialogs answer macros. */
    static Child patched(Path fiji, List<String> java, Path macro, String argument) throws IOException, InterruptedException {
        List<String> jars = new ArrayList<>(Arrays.asList(fiji.resolve("jars/ij-1.54p.jar").toString()));
        for (String name : new String[] {"ij1-patcher", "javassist", "classgraph"})
            jars.add(Fiji.JARS.resolve(name + ".jar").toString());
        jars.add(fiji.resolve("plugins/*").toString()); // Fiji's launcher puts all plugins on the class path
        List<Object> command = new ArrayList<>(Arrays.<Object>asList(
            javaCommand(), "-Djava.awt.headless=true", "-Dplugins.dir=" + fiji, "-javaagent:" + jars.get(1) + "=init"));
        if (!System.getProperty("java.version").startsWith("1."))
            command.add("--add-opens=java.base/java.lang=ALL-UNNAMED"); // what Fiji's launcher gives as well
        command.addAll(java);
        command.addAll(Arrays.<Object>asList("-cp", String.join(File.pathSeparator, jars), "ij.ImageJ", "-ijpath", fiji, "-batch",
                                             macro, argument));
        return run(command);
    }

    static String javaCommand() {
        return System.getProperty("java.home") + "/bin/java";
    }

    static Child run(List<?> command) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>();
        for (Object word : command)
            words.add(word.toString());
        Path log = Files.createTempFile("pea-child", ".log");
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().remove("DISPLAY"); // so that a window, if one were tried, fails
        Process process = builder.start();
        process.getOutputStream().close();
        boolean ended = process.waitFor(240, TimeUnit.SECONDS);
        if (!ended)
            process.destroyForcibly().waitFor();
        String output = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
        Files.delete(log);
        if (!ended)
            throw new IOException(words + " did not end; it said: " + output);
        return new Child(process.exitValue(), output);
    }
}
