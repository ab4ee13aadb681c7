// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

class NewestTest {
    @Test void the_newest_that_waits_is_done_also_after_closing_and_others_are_forgotten() throws Exception {
        List<String> done = new CopyOnWriteArrayList<>();
        CountDownLatch begun = new CountDownLatch(1), end = new CountDownLatch(1), last = new CountDownLatch(1);
        Newest newest = new Newest("test");
        newest.run(() -> {
            begun.countDown();
            try {
                end.await(); // not interrupted by closing
                done.add("first");
            } catch (InterruptedException e) {
                done.add("interrupted");
            }
        });
        begun.await();
        newest.run(() -> done.add("forgotten"));
        newest.run(() -> {
            done.add("newest");
            last.countDown();
        });
        newest.close();
        newest.run(() -> done.add("too late"));
        end.countDown();
        assertTrue(last.await(10, TimeUnit.SECONDS));
        assertEquals("[first, newest]", done.toString());
    }
}
