// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.pea.Model;
import org.pea.Setting;
import org.pea.Settings;

import ij.plugin.frame.Recorder;

class SettingsFormTest {
    @AfterAll static void close() {
        Models.release();
    }

    private static SettingsForm.Field field(String key, int axes) {
        return new SettingsForm.Field(key, key, "N", null, "", SettingsForm.Group.MORE, axes, true);
    }

    /** Takes whole numbers for `minsize`, anything for the others, and not `a` and `b` together. */
    private static SettingsForm.ModelSettings model(int axes) {
        return new SettingsForm.ModelSettings() {
            @Override public int axes() {
                return axes;
            }

            @Override public Map<String, String> settings(Map<String, String> wishes) {
                Map<String, String> all = new LinkedHashMap<>();
                for (String key : new String[] {"shifts", "offsets", "minsize", "a", "b", "flat", "deep"})
                    all.put(key, wishes.getOrDefault(key, key.equals("minsize") ? "25" : "own"));
                if (!all.get("minsize").matches("\\d+"))
                    throw new IllegalArgumentException("minsize wants a whole number");
                if (wishes.containsKey("a") && wishes.containsKey("b"))
                    throw new IllegalArgumentException("a and b exclude each other");
                return all;
            }
        };
    }

    private static SettingsForm form(int channels, int slices, int frames, int axes) {
        SettingsForm form = new SettingsForm(Arrays.asList(field("shifts", 2), field("offsets", 0), field("minsize", 0),
                field("a", 0), field("b", 0), field("flat", 2), field("deep", 3), field("other", 0)), channels, slices,
                frames);
        form.model("m", model(axes), false);
        return form;
    }

    private static List<String> keys(SettingsForm form) {
        List<String> keys = new ArrayList<>();
        for (SettingsForm.Field f : form.fields())
            keys.add(f.key);
        return keys;
    }

    @Test void fields_follow_image_and_model() {
        assertFalse(keys(form(1, 1, 1, 2)).contains("channel"));
        assertTrue(keys(form(2, 3, 4, 2)).containsAll(Arrays.asList("channel", "slices", "frame")));
        assertTrue(keys(form(1, 1, 1, 2)).contains("flat"));
        assertFalse(keys(form(1, 1, 1, 2)).contains("deep"));
        assertTrue(keys(form(1, 1, 1, 3)).contains("deep"));
        assertFalse(keys(form(1, 1, 1, 2)).contains("other")); // this model has no such setting
    }

    @Test void only_what_differs_is_a_wish() {
        SettingsForm form = form(1, 1, 1, 2);
        assertEquals("{}", form.wishes().toString());
        form.set("minsize", "40");
        assertEquals("{minsize=40}", form.wishes().toString());
        form.set("minsize", " 25 ");
        assertEquals("{}", form.wishes().toString());
        form.set("minsize", "");
        assertEquals("25", form.get("minsize"));
    }

    @Test void restoring_keeps_what_is_not_the_models() {
        SettingsForm form = form(1, 9, 1, 2);
        form.set("minsize", "40");
        form.set("slices", "2-3");
        form.restore();
        assertEquals("{}", form.wishes().toString());
        assertEquals(2, form.request().firstSlice);
    }

    @Test void shifts_take_back_offsets_and_the_other_way_round() {
        SettingsForm form = form(1, 1, 1, 2);
        form.set("offsets", "[[-1,0]]");
        form.set("shifts", "1,3");
        assertEquals("{shifts=1,3}", form.wishes().toString());
        form.set("offsets", "[[-1,0]]");
        assertEquals("{offsets=[[-1,0]]}", form.wishes().toString());
    }

    @Test void problems_stand_beside_their_fields() {
        SettingsForm form = form(1, 9, 1, 2);
        assertTrue(form.check().ok());
        form.set("minsize", "many");
        form.set("slices", "5-12");
        form.set("memory", "much");
        form.set("threads", "0");
        Map<String, String> problems = form.check().problems;
        assertEquals("[slices, memory, threads, minsize]", new ArrayList<>(order(problems)).toString());
        assertEquals("minsize wants a whole number", problems.get("minsize"));
        assertTrue(problems.get("slices").contains("5-12"), problems.get("slices"));
    }

    private static List<String> order(Map<String, String> problems) {
        List<String> keys = new ArrayList<>();
        for (String key : new String[] {"", "slices", "memory", "threads", "minsize", "a", "b"})
            if (problems.containsKey(key))
                keys.add(key);
        assertEquals(keys.size(), problems.size(), problems.toString());
        return keys;
    }

    @Test void what_only_the_whole_is_wrong_with_is_said_once() {
        SettingsForm form = form(1, 1, 1, 2);
        form.set("a", "1");
        form.set("b", "1");
        assertEquals("a and b exclude each other", form.check().problems.get(""));
        assertEquals(1, form.check().problems.size());
    }

    @Test void slices_are_numbers_of_this_image() {
        SettingsForm form = form(1, 9, 1, 2);
        for (String good : new String[] {"1-9", "9", "3-3"}) {
            form.set("slices", good);
            assertTrue(form.check().ok(), good);
        }
        for (String bad : new String[] {"0-3", "3-1", "10", "3-", "-3", "a", "1-2-3", "99999999999"}) {
            form.set("slices", bad);
            assertFalse(form.check().ok(), bad);
        }
    }

    @Test void requests_come_back_as_they_went() {
        SettingsForm form = form(3, 9, 4, 2);
        form.set("channel", "2");
        form.set("slices", "2-5");
        form.set("frame", "4");
        form.set("mask", "my mask.tif");
        form.set("memory", "4G");
        form.set("threads", "3");
        form.set("truth", "t");
        form.set("minsize", "7");
        form.show(Request.Show.TABLE, true);
        form.show(Request.Show.LABELS, false);
        SettingsForm other = form(3, 9, 4, 2);
        other.take(form.request());
        assertEquals(MacroOptions.write(form.request()), MacroOptions.write(other.request()));
        assertEquals("model=m channel=2 slices=2-5 frame=4 mask=[my mask.tif] minsize=7 memory=4G threads=3"
                + " show=overlay,table truth=t", MacroOptions.write(other.request()));
    }

    @Test void another_image_takes_what_it_has() {
        SettingsForm form = form(3, 9, 4, 2), small = form(1, 1, 1, 2);
        form.set("channel", "2");
        form.set("slices", "2-5");
        small.take(form.request());
        assertEquals(0, small.request().channel);
        assertEquals(0, small.request().firstSlice);
        assertTrue(small.check().ok());
    }

    @Test void a_copy_does_not_follow() {
        SettingsForm form = form(1, 1, 1, 2);
        SettingsForm copy = form.copy();
        form.set("minsize", "x");
        assertTrue(copy.check().ok());
        assertEquals(keys(form), keys(copy));
    }

    @Test void nothing_to_show_is_possible() {
        SettingsForm form = form(1, 1, 1, 2);
        form.show(Request.Show.LABELS, false);
        form.show(Request.Show.OVERLAY, false);
        assertEquals(EnumSet.noneOf(Request.Show.class), form.request().show);
        form.show(Request.Show.LABELS, true);
        assertEquals(EnumSet.of(Request.Show.LABELS), form.request().show);
    }

    // ---- with the library ----

    private static SettingsForm nuclei() {
        Headless.ROOT.toString();
        Model model = Models.open("nuclei");
        SettingsForm form = new SettingsForm(SettingsForm.library(), 1, 1, 1);
        form.model("nuclei", new SettingsForm.ModelSettings() {
            @Override public int axes() {
                return model.axes();
            }

            @Override public Map<String, String> settings(Map<String, String> wishes) {
                return model.settings(wishes);
            }
        }, false);
        return form;
    }

    @Test void every_setting_of_the_library_has_its_field() {
        SettingsForm form = nuclei();
        List<String> unshown = Arrays.asList("scoring", "fragments", "bandwidth"); // macros and models have them
        for (Setting s : Settings.all()) {
            assertNotNull(form.field(s.key()), s.key());
            if (s.axes() != 3)
                assertEquals(!unshown.contains(s.key()), keys(form).contains(s.key()), s.key());
        }
        assertTrue(form.check().ok(), form.check().problems.toString());
    }

    @Test void changed_shifts_show_their_offsets() {
        SettingsForm form = nuclei();
        form.set("shifts", "1,2");
        assertEquals("[[-1,0],[0,-1],[-2,0],[0,-2]]", form.check().values.get("offsets"));
    }

    @Test void the_librarys_words_stand_beside_the_field() {
        SettingsForm form = nuclei();
        form.set("threshold", "2");
        assertEquals(Collections.singleton("threshold"), form.check().problems.keySet());
        assertTrue(form.check().problems.get("threshold").contains("2"));
    }

    @Test void the_recorder_gets_the_line_that_macros_read() {
        SettingsForm form = nuclei();
        form.set("minsize", "40");
        form.set("shifts", "1,3,5");
        form.set("mask", "my mask.tif");
        form.show(Request.Show.ROIS, true);
        boolean before = Recorder.record;
        Recorder.record = true;
        try {
            Recorder.resetCommandOptions();
            SettingsDialog.record(form.request(), MacroOptions.COMMAND);
            assertEquals(MacroOptions.write(form.request()), Recorder.getCommandOptions());
        } finally {
            Recorder.resetCommandOptions();
            Recorder.record = before;
        }
    }

    @Test void what_is_remembered_is_not_of_one_image() {
        SettingsForm form = nuclei();
        form.set("minsize", "40");
        form.set("mask", "a");
        Request r = form.request();
        r.channel = 2;
        assertEquals("model=nuclei minsize=40", MacroOptions.write(SettingsDialog.lasting(r)));
        assertEquals("a", r.mask);
    }
}
