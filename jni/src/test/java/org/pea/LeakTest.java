/* LeakTest.java - many rounds of opening, segmenting, cancelling and closing do not make the program grow.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeakTest {
    @TempDir
    Path folder;

    @Test
    void everyBlockIsFreed() throws Exception {
        Child child = new Child(folder).option("-Dpea.native=" + Sample.LIBRARY);
        child.start(LeakChild.class, "5").await();
        assertTrue(child.output.contains("blocks not freed: 0"), child.output);
    }

    @Test
    void roundsDoNotGrowTheProgram() throws Exception {
        Assumptions.assumeTrue(Files.exists(Paths.get("/proc/self/statm")), "no way to see the size");
        Assumptions.assumeTrue(System.getenv("LD_PRELOAD") == null, "a sanitizer keeps what was freed");
        Child child = new Child(folder).option("-Xms64m").option("-Xmx64m").option("-XX:+AlwaysPreTouch")
            .option("-XX:+UseSerialGC").option("-Dpea.native=" + Sample.LIBRARY);
        child.start(LeakChild.class, System.getProperty("pea.rounds", "200")).await();
        System.out.println(child.output.trim());
        assertEquals(0, child.status, child.output);
        String growth = child.output.split("percent: ")[1].split("\n")[0].trim();
        assertTrue(Double.parseDouble(growth) < 2, child.output);
    }
}
