// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.pea.Model;
import org.pea.PeaException;

import ij.IJ;

/** Which models there are, where they are looked for, and the open ones, which are kept for the next run. */
public final class Models {
    private Models() {}

    /** A model file of a model folder. */
    public static final class Entry {
        /** What {@code model=} takes: the file's name without its ending. */
        public final String name;
        public final Path file;
        /** One line of the model's author, may be empty. */
        public final String description;
        /** Number of axes, 2 or 3; 0 where the model cannot be opened. */
        public final int axes;
        /** PNG, or null. */
        public final byte[] thumbnail;
        /** Why it cannot be opened; null where it can. */
        public final String error;

        Entry(String name, Path file, String description, int axes, byte[] thumbnail, String error) {
            this.name = name;
            this.file = file;
            this.description = description;
            this.axes = axes;
            this.thumbnail = thumbnail;
            this.error = error;
        }
    }

    private static final String ENDING = ".safetensors";

    /* What a file was when it was looked at: another time or size means another file. */
    private static final Map<String, Entry> known = new HashMap<>();
    /* Few, because each holds its weights; more than one, because a preview may use another than a macro. */
    private static final int KEPT = 3;
    private static final Map<String, Model> open = new LinkedHashMap<String, Model>(8, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override protected boolean removeEldestEntry(Map.Entry<String, Model> eldest) {
            return size() > KEPT && Models.close(eldest.getValue());
        }
    };

    private static String stamp(Path file) {
        try {
            return file.toAbsolutePath() + "|" + Files.getLastModifiedTime(file) + "|" + Files.size(file);
        } catch (IOException e) {
            return file.toAbsolutePath() + "|?";
        }
    }

    /** Where models are looked for, in this order; folders that do not exist are among them. */
    public static List<Path> folders() {
        Set<Path> folders = new LinkedHashSet<>();
        add(folders, System.getProperty("pea.models"));
        add(folders, System.getenv("PEA_MODELS"));
        for (String property : new String[] {"imagej.dir", "ij.dir", "fiji.dir"})
            if (System.getProperty(property) != null)
                add(folders, System.getProperty(property) + File.separator + "models");
        // ImageJ's folder or the one in it, as ImageJ takes it
        Path plugins = Paths.get(System.getProperty("plugins.dir", ""));
        if (plugins.endsWith("plugins"))
            plugins = plugins.resolveSibling("");
        if (System.getProperty("plugins.dir") != null)
            add(folders, plugins + File.separator + "models");
        if (IJ.getDirectory("imagej") != null)
            add(folders, IJ.getDirectory("imagej") + "models");
        return new ArrayList<>(folders);
    }

    private static void add(Set<Path> folders, String list) {
        for (String folder : list == null ? new String[0] : list.split(File.pathSeparator))
            if (!folder.isEmpty())
                folders.add(Paths.get(folder).toAbsolutePath().normalize());
    }

    /** All models of all folders by name; of equal names the first. Damaged ones are listed with their error. */
    public static List<Entry> list() {
        Map<String, Entry> byName = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (Path folder : folders())
            if (Files.isDirectory(folder))
                try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + ENDING)) {
                    for (Path file : files)
                        if (mayBeOurs(file))
                            byName.putIfAbsent(nameOf(file), look(file));
                } catch (IOException e) {
                    IJ.log("PEA: the model folder " + folder + " cannot be read: " + e.getMessage());
                }
        return new ArrayList<>(byName.values());
    }

    private static String nameOf(Path file) {
        String name = file.getFileName().toString();
        return name.substring(0, name.length() - ENDING.length());
    }

    /* Other programs keep safetensors in the same folder. Ours have the key "pea" in a header that can be read; of a
     * header that cannot, nobody knows whose it is, and its owner wants to hear of it. */
    private static boolean mayBeOurs(Path file) {
        try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
            byte[] length = new byte[8];
            in.readFully(length);
            long n = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (n < 2 || n > Math.min(Files.size(file) - 8, 1 << 24))
                return true;
            byte[] header = new byte[(int) n];
            in.readFully(header);
            return new String(header, StandardCharsets.UTF_8).contains("\"pea\"");
        } catch (IOException e) {
            return true;
        }
    }

    private static synchronized Entry look(Path file) {
        String stamp = stamp(file);
        if (!known.containsKey(stamp)) {
            try (Model model = Model.open(file)) {
                known.put(stamp, new Entry(nameOf(file), file, model.description(), model.axes(), model.thumbnail(),
                                           null));
            } catch (PeaException e) { // not kept: the library may load the next time
                return new Entry(nameOf(file), file, "", 0, null, e.getMessage());
            }
        }
        return known.get(stamp);
    }

    /** The file that a name or a path means. @throws IllegalArgumentException with the folders that were tried */
    public static Path find(String nameOrPath) {
        if (nameOrPath.contains("/") || nameOrPath.contains(File.separator) || nameOrPath.endsWith(ENDING))
            return Paths.get(nameOrPath);
        List<String> tried = new ArrayList<>();
        for (Path folder : folders()) {
            Path file = folder.resolve(nameOrPath + ENDING);
            if (Files.isRegularFile(file))
                return file;
            tried.add(folder.toString());
        }
        throw new IllegalArgumentException("no model \"" + nameOrPath + "\": looked for " + nameOrPath + ENDING + " in "
                                           + (tried.isEmpty() ? "no folder at all" : String.join(", ", tried))
                                           + "; put it there, or give its path with model=[...]");
    }

    /**
     * Open, or open already. Do not close it: the next run uses it again. A file that was replaced is read anew.
     * @throws PeaException              where it cannot be read
     * @throws IllegalArgumentException  where it is not there, or damaged
     */
    public static synchronized Model open(String nameOrPath) {
        Path file = find(nameOrPath);
        String stamp = stamp(file);
        Model model = open.get(stamp);
        if (model == null) {
            String older = file.toAbsolutePath() + "|";
            open.entrySet().removeIf(e -> e.getKey().startsWith(older) && close(e.getValue()));
            model = read(file);
            open.put(stamp, model);
        }
        return model;
    }

    /* What is wrong inside a file is said without its name. */
    private static Model read(Path file) {
        try {
            return Model.open(file);
        } catch (PeaException.Format e) {
            throw new IllegalArgumentException("the model " + file + " cannot be used: " + e.getMessage(), e);
        }
    }

    /** Close what is open. */
    public static synchronized void release() {
        open.values().removeIf(Models::close);
    }

    private static boolean close(Model model) {
        model.close();
        return true;
    }
}
