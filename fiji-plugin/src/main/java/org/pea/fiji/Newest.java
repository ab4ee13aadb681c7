// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** One thread that does the newest task that it was given; tasks that waited meanwhile are forgotten. */
final class Newest implements AutoCloseable {
    private final ThreadPoolExecutor worker;

    Newest(String name) {
        worker = new ThreadPoolExecutor(1, 1, 5, TimeUnit.SECONDS, new ArrayBlockingQueue<>(1),
                task -> {
                    Thread thread = new Thread(task, name);
                    thread.setDaemon(true);
                    return thread;
                }, new ThreadPoolExecutor.DiscardOldestPolicy());
        worker.allowCoreThreadTimeOut(true);
    }

    void run(Runnable task) {
        if (!worker.isShutdown())
            worker.execute(task);
    }

    /** Takes no more. What waits is still done: it may be what frees memory. */
    @Override public void close() {
        worker.shutdown();
    }
}
