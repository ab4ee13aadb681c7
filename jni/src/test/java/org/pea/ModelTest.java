/* ModelTest.java - a model is opened, tells what it is, and says in words what does not fit.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelTest {
    @TempDir
    Path folder;

    @Test
    void modelTellsWhatItIs() throws IOException {
        try (Model model = Model.open(Sample.NUCLEI)) {
            assertEquals(2, model.axes());
            assertEquals("resunet2d", model.kind());
            assertEquals(16, model.embeddingDim());
            assertTrue(model.parameters() > 100_000);
            assertTrue(model.channels() == 1 || model.channels() == 3);
            assertTrue(model.record().startsWith("{") && model.record().contains("\"name\""));
            assertFalse(model.name().isEmpty());
            assertFalse(model.description().isEmpty());
            assertEquals(64, model.sha256().length());
            assertEquals(Digests.sha256(Files.readAllBytes(Sample.NUCLEI)), model.sha256());
            assertEquals(Sample.NUCLEI, model.file());
        }
    }

    @Test
    void thumbnailIsAPictureOrNull() throws IOException {
        Path file = folder.resolve("model.safetensors");
        String png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
        Model.importCheckpoint(Sample.testdata("golden/resunet2d-small-legacy/model.ckpt"), "bbbc039",
            "{\"name\": \"M\u00e4use \ud83d\udc2d\", \"thumbnail\": \"" + png + "\"}", file);
        try (Model model = Model.open(file)) {
            byte[] thumbnail = model.thumbnail();
            assertEquals('P', thumbnail[1]);
            assertEquals("M\u00e4use \ud83d\udc2d", model.name()); // beyond what Java's own UTF-8 in JNI can
            assertEquals("", model.description());
        }
        try (Model model = Model.open(Sample.planeModel())) {
            assertEquals(null, model.thumbnail());
        }
    }

    @Test
    void settingsAreAllThereAndComeBackAsTheyWent() {
        try (Model model = Model.open(Sample.NUCLEI)) {
            Map<String, String> own = model.settings(Sample.NONE);
            assertEquals(own, model.settings(null));
            assertEquals("25", own.get("minsize"));
            Map<String, String> changed = model.settings(Collections.singletonMap("minsize", "7"));
            assertEquals("7", changed.get("minsize"));
            Map<String, String> expected = new LinkedHashMap<>(own);
            expected.put("minsize", "7");
            assertEquals(expected, changed);
            Map<String, String> again = new LinkedHashMap<>(changed);
            again.values().removeIf(String::isEmpty);
            again.remove("offsets"); // say the same as shifts and neighbours
            assertEquals(changed, model.settings(again));
        }
    }

    @Test
    void wishesThatCannotBeAreRefusedByName() {
        try (Model model = Model.open(Sample.NUCLEI)) {
            PeaException e = assertThrows(PeaException.Argument.class,
                () -> model.settings(Collections.singletonMap("minsise", "7")));
            assertTrue(e.getMessage().contains("minsize"), e.getMessage());
            assertThrows(PeaException.Argument.class,
                () -> model.settings(Collections.singletonMap("minsize", "many")));
            assertThrows(PeaException.Argument.class, () -> model.settings(Collections.singletonMap("minsize", null)));
            assertThrows(PeaException.Argument.class, () -> model.settings(Collections.singletonMap("minsize", "7\0")));
        }
    }

    @Test
    void everySettingHasWords() {
        assertTrue(Settings.all().size() > 5);
        for (Setting setting : Settings.all()) {
            assertFalse(setting.key().isEmpty());
            assertFalse(setting.label().isEmpty());
            assertFalse(setting.value().isEmpty());
            assertFalse(setting.help().isEmpty());
            assertTrue(setting.choices() == null || !setting.choices().isEmpty());
            assertTrue(setting.axes() == 0 || setting.axes() == 2 || setting.axes() == 3);
        }
    }

    @Test
    void pathsWithBlanksAndOtherAlphabets() throws IOException {
        Path place = Files.createDirectories(folder.resolve("my models \u00fc \u65e5\u672c 50% [x]"));
        Path odd = place.resolve("a b.safetensors");
        Files.copy(Sample.planeModel(), odd);
        try (Model model = Model.open(odd)) {
            assertEquals(2, model.axes());
        }
        PeaException e = assertThrows(PeaException.Io.class, () -> Model.open(place.resolve("not there \u00fc.x")));
        assertTrue(e.getMessage().contains("not there \u00fc.x"), e.getMessage());
    }

    @Test
    void filesThatAreNoModelsAreRefused() throws IOException {
        assertThrows(PeaException.Io.class, () -> Model.open(folder.resolve("nothing")));
        assertThrows(PeaException.Io.class, () -> Model.open(folder)); // a folder
        byte[] whole = Files.readAllBytes(Sample.planeModel());
        Path cut = Files.write(folder.resolve("cut"), java.util.Arrays.copyOf(whole, whole.length / 2));
        assertThrows(PeaException.Format.class, () -> Model.open(cut));
        Path text = Files.write(folder.resolve("text"), "Dear Sir or Madam, this is no model at all".getBytes());
        assertThrows(PeaException.Format.class, () -> Model.open(text));
        assertThrows(NullPointerException.class, () -> Model.open(null));
    }

    @Test
    void importRefusesWhatIsNoCheckpoint() {
        Path out = folder.resolve("out");
        assertThrows(PeaException.Format.class, () -> Model.importCheckpoint(Sample.NUCLEI, null, null, out));
        assertThrows(PeaException.Argument.class, () -> Model.importCheckpoint(
            Sample.testdata("golden/resunet2d-small-legacy/model.ckpt"), "leaves", null, out));
        assertFalse(Files.exists(out));
    }

    @Test
    void scaleComparesPixelSizes() throws IOException {
        Path file = folder.resolve("model.safetensors");
        Model.importCheckpoint(Sample.testdata("golden/resunet2d-small-legacy/model.ckpt"), "bbbc039",
            "{\"pixel_size\": {\"y\": 0.5, \"x\": 0.5, \"unit\": \"um\"}}", file);
        try (Model model = Model.open(file)) {
            assertEquals(2.0, model.scale(new Calibration(1, 1, 1, "\u00b5m")), 1e-12);
            assertEquals(0.5, model.scale(new Calibration(1, 250, 250, "nm")), 1e-12);
            assertThrows(PeaException.Argument.class, () -> model.scale(new Calibration(1, 1, 1, "pixel")));
            assertThrows(PeaException.Argument.class, () -> model.scale(new Calibration(1, Double.NaN, 1, "um")));
        }
    }

    @Test
    void closedModelSaysSo() {
        Model model = Model.open(Sample.planeModel());
        model.close();
        model.close();
        assertEquals(2, model.axes());
        assertThrows(IllegalStateException.class, () -> model.settings(null));
        assertThrows(IllegalStateException.class, model::description);
        assertThrows(IllegalStateException.class, () -> model.forecast(1, 64, 64, 1, null, null, 1));
        try (Volume image = Sample.blobs(1, 64, 64)) {
            IllegalStateException e = assertThrows(IllegalStateException.class,
                () -> model.segment(image, null, null, null, null));
            assertEquals("model is closed", e.getMessage());
            assertThrows(IllegalStateException.class, () -> model.predict(image, null, null));
        }
    }
}
