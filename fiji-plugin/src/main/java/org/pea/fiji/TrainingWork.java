// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

import org.pea.Listener;
import org.pea.PeaException;
import org.pea.Run;
import org.pea.Training;
import org.pea.TrainingReport;

/** A training from a request to a model in its folder. Asks nobody. */
public final class TrainingWork {
    /** What came out. */
    public static final class Outcome {
        /** The file. */
        public final Path model;
        /** What was told last: steps, and the best score. */
        public final TrainingReport last;
        /** Whether it was ended before all steps were done. */
        public final boolean stopped;
        private final String score, name;

        private Outcome(TrainingRequest request, TrainingReport last, String score, boolean stopped) {
            model = request.target();
            name = request.get("output").isEmpty() ? request.name() : model.toString();
            this.last = last;
            this.score = score;
            this.stopped = stopped;
        }

        private boolean scored() {
            return last.bestStep() > 0;
        }

        /** For a macro. */
        String line() {
            String score = scored() ? String.format(Locale.ROOT, " score=%.4f", last.bestScore()) : "";
            return "steps=" + last.step() + score + " model=[" + model + "]";
        }

        /** For a person. */
        String words() {
            return "The model \"" + name + "\" is ready: " + last.step() + " steps" + (scored()
                ? String.format(Locale.ROOT, ", %s %.4f at step %d", score, last.bestScore(), last.bestStep()) : "")
                + (stopped ? ". It was stopped; the same command can go on with it" : "");
        }
    }

    private final TrainingRequest request;
    private Function<String, TrainingProgress> audience = TrainingProgress::new;

    private TrainingWork(TrainingRequest request) {
        this.request = request;
    }

    /**
     * @param options  as in {@code run("Train or Fine-tune...", options)}
     * @throws IllegalArgumentException  in one line: what is missing, unknown or impossible
     */
    public static TrainingWork of(Map<String, String> options) {
        return new TrainingWork(TrainingRequest.of(options));
    }

    static TrainingWork of(TrainingRequest request) {
        return new TrainingWork(request);
    }

    /** @param audience  makes who is told, from the key of the score that counts */
    TrainingWork audience(Function<String, TrainingProgress> audience) {
        this.audience = audience;
        return this;
    }

    /** @param listener  hears how far it is; where it answers false training ends after the step, with the best model */
    public TrainingWork listener(Listener listener) {
        return audience(score -> new TrainingProgress(score) {
            @Override public boolean progress(String stage, double fraction) {
                if (!isStopping() && !listener.progress(stage, fraction))
                    stop();
                return super.progress(stage, fraction);
            }
        });
    }

    /**
     * @throws IllegalArgumentException, PeaException  in one line: what is wrong
     * @throws PeaException.Cancelled  where it was to end at once; what was learnt is kept, and can be gone on with
     */
    public Outcome run() {
        boolean resume = checkEarlier(), isFirst = !request.hasState();
        Training training = request.course();
        Map<String, String> options = training.options(); // what is not possible is told before images are read
        makeFolder();
        TrainingProgress progress = audience.apply(options.get("score"));
        try (TrainingImages images = TrainingImages.gather(request, training, Integer.parseInt(options.get("axes")),
                                                           progress)) {
            images.notes().forEach(note -> Ui.say("PEA: " + note));
            training.folder(request.folder()).resume(resume).run(request.target(), new Run()
                .threads(request.threads()).memoryLimit(request.memoryBytes()).listener(progress));
            if (progress.last() == null)
                throw new IllegalArgumentException("the time was over before the first step: give more, time=...");
            TrainingForecast.remember(request, options, progress.last());
            return new Outcome(request, progress.last(), options.get("score"), progress.isStopping());
        } catch (PeaException.Cancelled e) {
            if (isFirst && progress.last() == null)
                removeBeginning();
            Ui.say(request.hasState() ? "PEA: stopped; resume=yes goes on from there" : "PEA: stopped");
            throw e;
        } finally {
            progress.end();
            removeIfEmpty();
        }
    }

    /** Whether to go on with what is there. */
    private boolean checkEarlier() {
        Path from = request.from();
        if (from != null && from.toAbsolutePath().normalize().equals(request.target().normalize()))
            throw new IllegalArgumentException("the model to begin with would be replaced: give the new one another"
                    + " name");
        if (request.isOn("resume")) {
            if (!request.hasState())
                throw new IllegalArgumentException("there is nothing to go on with: no " + Training.state(
                        request.folder()));
            return true;
        }
        if (request.hasState() && !request.isOn("restart"))
            throw new IllegalArgumentException(request.folder() + " holds the state of an earlier training: resume=yes"
                    + " goes on with it, restart=yes begins anew, or give another name");
        if (Files.exists(request.target()) && !request.isOn("replace") && !request.isOn("restart"))
            throw new IllegalArgumentException("there is a model " + request.target()
                    + " already: give another name, or replace=yes");
        return false;
    }

    private void makeFolder() {
        Path folder = request.folder();
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new IllegalArgumentException("the folder " + folder + " cannot be made: choose another place, with"
                    + " output=...", e);
        }
        if (!Files.isWritable(folder) || !Files.isWritable(folder.getParent()))
            throw new IllegalArgumentException("nothing can be written to " + folder.getParent()
                    + ": choose another place, with output=...");
    }

    /* Of a run that ended before its first step there is nothing to go on with. */
    private void removeBeginning() {
        for (String file : new String[] {"state.safetensors", "losses.csv", "scores.csv", "curves.png"})
            try {
                Files.deleteIfExists(request.folder().resolve(file));
            } catch (IOException e) {
                return; // it stays, and does no harm
            }
    }

    /* What was refused before the first step leaves nothing. */
    private void removeIfEmpty() {
        try {
            Files.deleteIfExists(request.folder());
        } catch (IOException e) {
            // it is not empty: as it should be
        }
    }
}
