/* HandleTest.java - native memory is freed once, at the right time, also for those who forget.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HandleTest {
    private final List<Long> freed = new ArrayList<>();
    private final Handle handle = new Handle(this, "thing", 4711, freed::add);

    @Test
    void closingFreesOnce() {
        handle.close();
        handle.close();
        assertEquals(java.util.Collections.singletonList(4711L), freed);
    }

    @Test
    void whatIsInUseIsFreedAfterTheLastUse() {
        Handle.Use first = handle.use();
        Handle.Use second = handle.read();
        handle.close();
        assertTrue(handle.isClosed());
        first.close();
        assertEquals(0, freed.size());
        assertEquals(4711, second.address);
        second.close();
        assertEquals(1, freed.size());
    }

    @Test
    void closedHandleIsNotUsed() {
        handle.close();
        assertEquals("thing is closed", assertThrows(IllegalStateException.class, handle::use).getMessage());
        assertThrows(IllegalStateException.class, handle::read);
        assertThrows(IllegalStateException.class, handle::write);
    }

    @Test
    void nobodyWritesWhereSomebodyReads() {
        try (Handle.Use reading = handle.read(); Handle.Use looking = handle.use()) {
            assertThrows(IllegalStateException.class, handle::write);
            handle.read().close();
        }
        try (Handle.Use writing = handle.write()) {
            assertThrows(IllegalStateException.class, handle::read);
            handle.use().close();
            handle.write().close();
        }
        handle.read().close();
    }

    @Test
    void forgottenVolumesAreFreed() throws InterruptedException {
        int before = Handle.open();
        for (int i = 0; i < 20; i++)
            new Volume(Dtype.UINT8, 1, 100, 100, 1);
        for (int i = 0; i < 100 && Handle.open() > before; i++) {
            System.gc();
            Thread.sleep(10);
            Handle.freeForgotten();
        }
        assertTrue(Handle.open() <= before, Handle.open() + " open, before " + before);
    }

    @Test
    void closingFromManyThreadsFreesOnce() throws InterruptedException {
        for (int round = 0; round < 200; round++) {
            AtomicInteger count = new AtomicInteger();
            Object owner = new Object();
            Handle raced = new Handle(owner, "thing", 1, address -> count.incrementAndGet());
            CountDownLatch go = new CountDownLatch(1);
            Thread[] threads = new Thread[4];
            for (int i = 0; i < threads.length; i++) {
                boolean closes = i % 2 == 0;
                threads[i] = new Thread(() -> {
                    try {
                        go.await();
                        if (closes)
                            raced.close();
                        else
                            raced.use().close();
                    } catch (InterruptedException | IllegalStateException e) {
                        // closed before it was used
                    }
                });
                threads[i].start();
            }
            go.countDown();
            for (Thread thread : threads)
                thread.join();
            assertEquals(1, count.get());
        }
    }
}
