/* LeakChild.java - opens, segments and closes again and again in a small virtual machine, and watches its size.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

final class LeakChild {
    private LeakChild() {}

    /** Pages in memory. */
    private static long resident() throws Exception {
        System.gc();
        byte[] bytes = Files.readAllBytes(Paths.get("/proc/self/statm"));
        return Long.parseLong(new String(bytes, StandardCharsets.US_ASCII).split(" ")[1]);
    }

    private static void once(Path file, int round) {
        try (Model model = Model.open(file); Volume image = Sample.blobs(1, 64, 64)) {
            boolean cancel = round % 5 == 4;
            Run run = new Run().threads(2).listener((stage, fraction) -> !cancel || !stage.equals("affinity"));
            try (Segmentation made = model.segment(image, null, null, Keep.NOTHING.affinity().embedding(), run);
                 Prediction prediction = model.predict(image, null, run)) {
                Instances table = Instances.measure(made.labels(), image, made, run);
                Instances.csv(java.util.Collections.singletonList(table), null);
                Scores.of(made.labels(), made.labels(), run);
                prediction.suits(null);
            } catch (PeaException.Cancelled e) {
                // every fifth time
            }
            model.settings(null);
            if (round % 3 == 0)
                new Volume(Dtype.UINT8, 1, 64, 64, 1); // forgotten
        }
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = Integer.parseInt(arguments[0]);
        Path model = Sample.planeModel();
        long blocks = Pea.nativeLiveBlocks();
        for (int i = 0; i < rounds; i++)
            once(model, i);
        long before = resident();
        for (int i = 0; i < rounds; i++)
            once(model, i);
        long after = resident();
        System.out.println("resident pages: " + before + " after " + rounds + " rounds, " + after + " after "
            + 2 * rounds);
        System.out.println("growth in percent: " + (100.0 * (after - before) / before));
        for (int i = 0; i < 100 && Pea.nativeLiveBlocks() > blocks; i++) {
            System.gc();
            Thread.sleep(10);
            Handle.freeForgotten();
        }
        System.out.println("blocks not freed: " + (Pea.nativeLiveBlocks() - blocks));
    }
}
