/* ThreadsTest.java - many threads, small stacks, closing in the middle, and a process that stays as it was.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class ThreadsTest {
    @Test
    void eightThreadsGiveTheBytesOfOne() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (Model model = Model.open(Sample.NUCLEI); Volume image = Sample.blobs(1, 96, 96);
             Segmentation alone = model.segment(image, null, null, null, new Run().threads(1))) {
            List<Future<int[]>> results = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Run run = new Run().threads(1 + i % 3);
                results.add(threads.submit(() -> {
                    try (Segmentation made = model.segment(image, null, null, null, run)) {
                        return Sample.labels(made);
                    }
                }));
            }
            for (Future<int[]> result : results)
                assertArrayEquals(Sample.labels(alone), result.get());
        } finally {
            threads.shutdown();
        }
    }

    private static void onStackOf(int kib, Callable<Void> work) throws Exception {
        FutureTask<Void> task = new FutureTask<>(work);
        Thread thread = new Thread(null, task, "stack of " + kib + " KiB", kib * 1024L);
        thread.start();
        task.get();
    }

    private static Void useEverything() {
        try (Model plane = Model.open(Sample.planeModel()); Model solid = Model.open(Sample.volumeModel());
             Volume image = Sample.blobs(1, 96, 96); Volume stack = Sample.blobs(6, 40, 40)) {
            Run run = new Run().threads(1).listener((stage, fraction) -> true); // all work on this thread
            try (Segmentation a = plane.segment(image, null, null, Keep.NOTHING.affinity().embedding(), run);
                 Segmentation b = solid.segment(stack, null, null, Keep.NOTHING.affinity(), run);
                 Prediction p = solid.predict(stack, null, run); Segmentation c = p.segment(null, null, null, run);
                 Volume picture = Pictures.overlay(image, a.labels(), run);
                 Volume colours = Pictures.embeddingRgb(a.embedding(), run)) {
                Scores.of(b.labels(), c.labels(), run);
                Instances.csv(java.util.Arrays.asList(Instances.measure(b.labels(), stack, b, run)), null);
                plane.settings(null);
                Pea.selfTest();
            }
        }
        assertThrows(PeaException.Format.class,
            () -> Model.open(Sample.testdata("checkpoints/crafted-huge.pt")));
        return null;
    }

    @Test
    void smallStacksAreEnough() throws Exception {
        onStackOf(1024, ThreadsTest::useEverything);
        onStackOf(256, ThreadsTest::useEverything);
    }

    @Test
    void closingDuringACallIsSafe() throws Exception {
        for (int round = 0; round < 5; round++) {
            Model model = Model.open(Sample.NUCLEI);
            Volume image = Sample.blobs(1, 128, 128);
            CountDownLatch running = new CountDownLatch(1);
            CountDownLatch closed = new CountDownLatch(1);
            Run run = new Run().listener((stage, fraction) -> {
                running.countDown();
                try {
                    closed.await();
                } catch (InterruptedException e) {
                    return false;
                }
                return true;
            });
            FutureTask<Long> call = new FutureTask<>(() -> {
                try (Segmentation made = model.segment(image, null, null, null, run)) {
                    return made.count();
                }
            });
            new Thread(call).start();
            running.await();
            assertTimeoutPreemptively(Duration.ofMinutes(1), () -> { // the call waits for what comes after
                model.close();
                image.close();
            });
            closed.countDown();
            assertTrue(call.get() > 0, "the call ends as it began");
            assertThrows(IllegalStateException.class, () -> model.settings(null));
        }
    }

    @Test
    void processStaysAsItWas() throws Exception {
        long floatingPoint = Probe.floatingPoint();
        long[] handlers = Probe.signalHandlers();
        useEverything();
        assertEquals(floatingPoint, Probe.floatingPoint());
        assertArrayEquals(handlers, Probe.signalHandlers());
        onStackOf(1024, () -> { // a thread that never called the library
            assertEquals(floatingPoint, Probe.floatingPoint());
            return null;
        });
        assertEquals(Double.MIN_VALUE, Double.MIN_NORMAL * Math.ulp(1.0), "small numbers are not flushed to zero");
    }

    @Test
    void listenersOfManyThreadsHearTheirOwnCalls() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 64, 64)) {
            List<Future<Boolean>> results = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                boolean cancels = i % 2 == 0;
                results.add(threads.submit(() -> {
                    Run run = new Run().listener((stage, fraction) -> !cancels);
                    try (Segmentation made = model.segment(image, null, null, null, run)) {
                        return !cancels;
                    } catch (PeaException.Cancelled e) {
                        return cancels;
                    }
                }));
            }
            for (Future<Boolean> result : results)
                assertTrue(result.get());
        } finally {
            threads.shutdown();
        }
    }
}
