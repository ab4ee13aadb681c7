// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The zip that users unpack over Fiji. */
class PackageTest {
    private static final Path ZIP = Paths.get(System.getProperty("pea.package"));
    @TempDir Path folder;

    private static List<String> names(Path zip) throws Exception {
        List<String> names = new ArrayList<>();
        try (ZipFile file = new ZipFile(zip.toFile())) {
            for (ZipEntry e : Collections.list(file.entries()))
                names.add(e.getName());
        }
        return names;
    }

    @Test void it_holds_what_a_user_needs_where_fijis_updater_wants_it() throws Exception {
        List<String> names = names(ZIP);
        for (String file : new String[] {"plugins/PEA_Segment-0.2.0.jar", "jars/pea-scijava-0.2.0.jar", "lib/linux64/libpea-jni.so",
                "models/nuclei.safetensors", "models/leaves.safetensors", "models/em.safetensors", "models/PEA-ORIGIN.md",
                "macros/PEA/PEA_Batch_Folder.ijm", "macros/PEA/PEA_EM_Stack.ijm", "macros/PEA/PEA_Score_Folder.ijm", "luts/PEA labels.lut",
                "licenses/PEA/LICENSE.txt", "licenses/PEA/THIRD-PARTY.txt", "licenses/PEA/LICENSE-medulla.txt"})
            assertTrue(names.contains(file), file + " is not in " + names);
        for (String name : names)
            assertTrue(name.matches("(plugins|jars|lib|models|macros|luts|licenses)/.*"), name);
    }

    @Test void it_is_small() throws Exception {
        assertTrue(Files.size(ZIP) < 60_000_000, Files.size(ZIP) + " bytes");
    }

    @Test void the_plugin_carries_the_library_and_the_binding() throws Exception {
        Path jar = Fiji.assemble(folder.resolve("Fiji")).resolve("plugins/PEA_Segment-0.2.0.jar");
        List<String> names = names(jar);
        for (String file : new String[] {"plugins.config", "natives/linux64/libpea-jni.so", "org/pea/Pea.class",
                "org/pea/fiji/SegmentInstances.class"})
            assertTrue(names.contains(file), file + " is not in " + names);
    }

    @Test void its_classes_run_on_java_8() throws Exception {
        Path fiji = Fiji.assemble(folder.resolve("Fiji"));
        for (String jar : new String[] {"plugins/PEA_Segment-0.2.0.jar", "jars/pea-scijava-0.2.0.jar"})
            try (ZipFile file = new ZipFile(fiji.resolve(jar).toFile())) {
                for (ZipEntry e : Collections.list(file.entries()))
                    if (e.getName().endsWith(".class")) {
                        byte[] head = new byte[8];
                        assertEquals(8, file.getInputStream(e).read(head));
                        assertEquals(52, head[7], e.getName());
                    }
            }
    }

    /** In ImageJ's own class path the jar is enough: no other file of the package is there. */
    @Test void the_jar_alone_works() throws Exception {
        Path fiji = Fiji.assemble(folder.resolve("Fiji"));
        Fiji.delete(fiji.resolve("lib"));
        Path macro = folder.resolve("alone.ijm");
        Files.write(macro, "print(call('org.pea.fiji.MacroCalls.segmentFile', getArgument(), 'model=nuclei', getArgument() + '-result', 'tif'));"
            .getBytes("UTF-8"));
        Path image = folder.resolve("image.tif");
        Files.copy(Fiji.image(Fiji.NUCLEI[1]), image);
        Child child = Child.imagej(fiji, Collections.singletonList("-Duser.home=" + folder), macro, image.toString());
        assertTrue(child.output.startsWith("instances="), child.output);
    }
}
