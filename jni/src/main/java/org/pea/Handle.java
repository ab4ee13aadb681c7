/* Handle.java - something native that Java owns: freed once, and never while a call uses it.
 *
 * Calls count themselves in and out. Closing only marks: what is in use is freed when its last use ends, so that
 * close() never waits for a long call, and no call meets freed memory. Who forgets to close is found by the garbage
 * collector; the queue of the forgotten is emptied whenever something new is made, which needs no thread that would
 * keep a plugin's class loader alive.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;

final class Handle {
    /** Notices that an owner was forgotten. Reaches the handle, and the handle never reaches the owner. */
    private static final class Ghost extends PhantomReference<Object> {
        private final Handle handle;

        Ghost(Object owner, Handle handle) {
            super(owner, FORGOTTEN);
            this.handle = handle;
        }
    }

    private static final ReferenceQueue<Object> FORGOTTEN = new ReferenceQueue<>();
    private static final Set<Ghost> GHOSTS = ConcurrentHashMap.newKeySet(); // a reference must itself be reachable

    private final String what;
    private final LongConsumer free;
    private final Ghost ghost;
    private long address; // 0: freed
    private boolean closed;
    private int uses; // calls under way, those below included
    private int writers;
    private int readers;

    /**
     * @param owner whose end is the end of the native thing
     * @param what for messages: "model"
     * @param free must not refer to the owner
     */
    Handle(Object owner, String what, long address, LongConsumer free) {
        this.what = what;
        this.free = free;
        this.address = address;
        ghost = new Ghost(owner, this);
        GHOSTS.add(ghost);
        freeForgotten();
    }

    /** Frees what nobody can reach any more. */
    static void freeForgotten() {
        for (Ghost g = (Ghost) FORGOTTEN.poll(); g != null; g = (Ghost) FORGOTTEN.poll())
            g.handle.close();
    }

    /** Owners that were neither closed nor found forgotten. */
    static int open() {
        return GHOSTS.size();
    }

    /** A use that neither needs the content to stand still nor changes it. */
    Use use() {
        return new Use(this, false, false);
    }

    /** A use during which nobody may change the content: the library looks more than once, and trusts what it saw. */
    Use read() {
        return new Use(this, true, false);
    }

    /** A use that changes the content. Several may, each at its place. */
    Use write() {
        return new Use(this, false, true);
    }

    private synchronized long begin(boolean reads, boolean writes) {
        if (closed)
            throw new IllegalStateException(what + " is closed");
        if (writes && readers > 0)
            throw new IllegalStateException(what + " is being worked on: change it when that call has ended");
        if (reads && writers > 0)
            throw new IllegalStateException(what + " is being changed by another thread: wait for it");
        uses++;
        readers += reads ? 1 : 0;
        writers += writes ? 1 : 0;
        return address;
    }

    private void end(boolean reads, boolean writes) {
        synchronized (this) {
            uses--;
            readers -= reads ? 1 : 0;
            writers -= writes ? 1 : 0;
        }
        freeIfDone();
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Marks it closed. Frees it now, or when its last use ends. Closing twice is fine. */
    void close() {
        synchronized (this) {
            closed = true;
        }
        GHOSTS.remove(ghost);
        ghost.clear();
        freeIfDone();
    }

    private void freeIfDone() {
        long done;
        synchronized (this) {
            if (!closed || uses > 0)
                return;
            done = address;
            address = 0;
        }
        if (done != 0)
            free.accept(done);
    }

    /** A call under way: {@code try (Handle.Use model = handle.use()) { nativeCall(model.address) }}. */
    static final class Use implements AutoCloseable {
        final long address;
        private final Handle handle;
        private final boolean reads;
        private final boolean writes;

        private Use(Handle handle, boolean reads, boolean writes) {
            this.handle = handle;
            this.reads = reads;
            this.writes = writes;
            address = handle == null ? 0 : handle.begin(reads, writes);
        }

        /** Reads what may be absent: the address is then 0. */
        static Use readOrNone(Handle handle) {
            return new Use(handle, true, false);
        }

        @Override
        public void close() {
            if (handle != null)
                handle.end(reads, writes);
        }
    }
}
