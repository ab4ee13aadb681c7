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

    /**
     * Heap of one size, touched at once, and nothing compiled, whose compilers take memory by themselves: what grows is ours.
     * Pages of files do not count, as the system drops and reads them again as it likes; what it swapped out does. A leak
     * shows in both halves, something that is set up late only in one.
     */
    @Test void memory_grows_less_than_2_percent_in_200_runs() throws Exception {
        Path fiji = Fiji.assemble(folder.resolve("Fiji"));
        Path macro = folder.resolve("again.ijm");
        Files.write(macro, ("setBatchMode(true); call('org.pea.fiji.MacroCalls.open', getArgument()); makeRectangle(0, 0, 128, 128); segment = 'org.pea.fiji.MacroCalls.segment';\n"
            + "n = 0;\n"
            + "for (i = 0; i < 500; i++) {\n"
            + "    answer = call(segment, 'model=nuclei', '" + folder + "/x', 'tif,csv');\n"
            + "    if (startsWith(answer, 'instances=')) n++;\n"
            + "    if (i == 99 || i == 299 || i == 499) {\n"
            + "        call('java.lang.System.gc'); wait(300);\n"
            + "        print(File.openAsString('/proc/self/status'));\n"
            + "    }\n"
            + "}\n"
            + "print('done ' + n);\n").getBytes("UTF-8"));
        Child child = Child.imagej(fiji, Arrays.asList("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-Xint"), macro,
                                   Fiji.image(Fiji.NUCLEI[1]).toString());
        assertEquals(0, child.status, child.output);
        assertTrue(child.output.contains("done 500"), child.output);
        Matcher kilobytes = Pattern.compile("RssAnon:\\s*(\\d+)[^~]*?VmSwap:\\s*(\\d+)").matcher(child.output);
        double[] taken = new double[3]; // after 100, 300 and 500 runs
        for (int i = 0; i < taken.length; i++) {
            assertTrue(kilobytes.find(), child.output);
            taken[i] = Double.parseDouble(kilobytes.group(1)) + Double.parseDouble(kilobytes.group(2));
        }
        String what = "memory after 100, 300 and 500 runs, in kB: " + Arrays.toString(taken);
        System.out.println(what);
        assertTrue(taken[1] < 1.02 * taken[0] || taken[2] < 1.02 * taken[1], what);
    }
}
