/* ListenerTest.java - who listens hears every stage on the caller's thread, and can end the call anywhere.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ListenerTest {
    private interface Call {
        AutoCloseable with(Run run);
    }

    /** Every stage that a call goes through, each of them cancelled once. */
    private static Set<String> cancelEveryStage(Call call) throws Exception {
        Thread caller = Thread.currentThread();
        Set<String> stages = new LinkedHashSet<>();
        call.with(new Run().listener((stage, fraction) -> {
            assertSame(caller, Thread.currentThread());
            assertTrue(fraction >= 0 && fraction <= 1);
            stages.add(stage);
            return true;
        })).close();
        int open = Handle.open();
        for (String stage : stages) {
            PeaException e = assertThrows(PeaException.Cancelled.class,
                () -> call.with(new Run().listener((s, fraction) -> !s.equals(stage))), stage);
            assertEquals(Status.CANCELLED, e.status());
            RuntimeException thrown = new RuntimeException("of the listener");
            Run throwing = new Run().listener((s, fraction) -> {
                if (s.equals(stage))
                    throw thrown;
                return true;
            });
            assertSame(thrown, assertThrows(RuntimeException.class, () -> call.with(throwing)));
        }
        assertTrue(Handle.open() <= open, "what was cancelled left nothing");
        return stages;
    }

    @Test
    void planesCanBeCancelledAtEveryStage() throws Exception {
        try (Model model = Model.open(Sample.NUCLEI); Volume image = Sample.blobs(2, 96, 96)) {
            Keep keep = Keep.NOTHING.affinity();
            Set<String> stages = cancelEveryStage(run -> model.segment(image, null, null, keep, run));
            assertTrue(stages.contains("network") && stages.contains("affinity") && stages.contains("clean up"),
                stages.toString());
            assertTrue(cancelEveryStage(run -> model.predict(image, null, run)).contains("network"));
        }
    }

    @Test
    void volumesCanBeCancelledAtEveryStage() throws Exception {
        try (Model model = Model.open(Sample.volumeModel()); Volume image = Sample.blobs(4, 32, 32);
             Prediction prediction = model.predict(image, null, null)) {
            assertTrue(cancelEveryStage(run -> model.segment(image, null, null, null, run)).contains("network"));
            assertTrue(cancelEveryStage(run -> prediction.segment(null, null, null, run)).size() > 0);
        }
    }

    @Test
    void tablesScoresAndPicturesCanBeCancelled() throws Exception {
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 64, 64);
             Segmentation made = model.segment(image, null, null, Keep.NOTHING.embedding().affinity(), null)) {
            AutoCloseable nothing = () -> { };
            cancelEveryStage(run -> {
                Instances.measure(made.labels(), image, made, run);
                return nothing;
            });
            cancelEveryStage(run -> {
                Scores.of(made.labels(), made.labels(), run);
                return nothing;
            });
            cancelEveryStage(run -> Pictures.overlay(image, made.labels(), run));
            cancelEveryStage(run -> Pictures.embeddingRgb(made.embedding(), run));
            cancelEveryStage(run -> Affinities.ofEmbedding(made.embedding(), made.offsets(), run));
        }
    }

    @Test
    void errorsAndCheckedExceptionsComeOutToo() {
        try (Model model = Model.open(Sample.planeModel()); Volume image = Sample.blobs(1, 32, 32)) {
            assertThrows(StackOverflowError.class, () -> model.segment(image, null, null, null,
                new Run().listener((stage, fraction) -> {
                    throw new StackOverflowError();
                })));
            model.segment(image, null, null, null, null).close(); // and all is as before
        }
    }

    @Test
    void listenerMayCallTheLibraryAndCloseWhatIsInUse() {
        Model model = Model.open(Sample.planeModel());
        Volume image = Sample.blobs(1, 64, 64);
        Run run = new Run().listener((stage, fraction) -> {
            Scores.words("aji");
            // being worked on, or closed
            assertThrows(IllegalStateException.class, () -> image.put(0, 0, new byte[64]));
            model.close();
            image.close();
            return true;
        });
        assertThrows(IllegalStateException.class, () -> {
            try (Segmentation made = model.segment(image, null, null, null, run)) {
                assertEquals(64, made.labels().y());
            }
            model.segment(image, null, null, null, null); // closed by now
        });
    }
}
