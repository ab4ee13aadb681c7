// SPDX-License-Identifier: BSD-2-Clause
package org.pea.real;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A long batch takes no more memory than a short one. */
class EnduranceTest {
    @TempDir Path folder;

    /** Heap of one size, touched at once, and nothing compiled, whose compilers take memory by themselves: what grows is ours. */
    @Test void resident_memory_grows_less_than_2_percent_in_200_runs() throws Exception {
        Path fiji = Fiji.assemble(folder.resolve("Fiji"));
        Path macro = folder.resolve("again.ijm");
        Files.write(macro, ("setBatchMode(true); call('org.pea.fiji.MacroCalls.open', getArgument()); makeRectangle(0, 0, 128, 128); segment = 'org.pea.fiji.MacroCalls.segment';\n"
            + "n = 0;\n"
            + "for (i = 0; i < 300; i++) {\n"
            + "    answer = call(segment, 'model=nuclei', '" + folder + "/x', 'tif,csv');\n"
            + "    if (startsWith(answer, 'instances=')) n++;\n"
            + "    if (i == 99 || i == 299) {\n"
            + "        call('java.lang.System.gc'); wait(300);\n"
            + "        status = File.openAsString('/proc/self/status'); from = indexOf(status, 'VmRSS:');\n"
            + "        print('resident ' + substring(status, from, indexOf(status, 'kB', from)));\n"
            + "    }\n"
            + "}\n"
            + "print('done ' + n);\n").getBytes("UTF-8"));
        Child child = Child.imagej(fiji, Arrays.asList("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-Xint"), macro,
                                   Fiji.image(Fiji.NUCLEI[1]).toString());
        assertEquals(0, child.status, child.output);
        assertTrue(child.output.contains("done 300"), child.output);
        Matcher kilobytes = Pattern.compile("resident VmRSS:\\s*(\\d+)").matcher(child.output);
        assertTrue(kilobytes.find(), child.output);
        double first = Double.parseDouble(kilobytes.group(1));
        assertTrue(kilobytes.find(), child.output);
        double last = Double.parseDouble(kilobytes.group(1));
        System.out.println("resident after 100 runs " + first + " kB, after 300 runs " + last + " kB");
        assertTrue(last < 1.02 * first, "after 100 runs " + first + " kB, after 300 runs " + last + " kB");
    }
}
