// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.pea.Setting;
import org.pea.Settings;

import ij.Macro;

class MacroOptionsTest {
    private static Map<String, String> parse(String options) {
        return MacroOptions.parse(options);
    }

    private static void refused(String options, String words) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> MacroOptions.read(options));
        assertTrue(e.getMessage().contains(words), e.getMessage());
        assertFalse(e.getMessage().contains("\n"));
    }

    // ---- words ----

    @Test void words_are_separated_by_blanks() {
        assertEquals("{model=nuclei, minsize=25, flag=}", parse("  model=nuclei\tminsize=25 flag \n").toString());
        assertTrue(parse("").isEmpty());
        assertTrue(parse("   ").isEmpty());
    }

    @Test void brackets_hold_blanks_and_keys_of_other_words() {
        assertEquals("{output=/a b/minsize=7.tif, minsize=3}",
                     parse("output=[/a b/minsize=7.tif] minsize=3 ").toString());
        assertEquals("/data/a [1].tif", parse("output=[/data/a [1].tif]").get("output"));
        assertEquals("", parse("output=[] minsize=3").get("output"));
        assertEquals("a b", parse("output='a b' minsize=3").get("output"));
    }

    @Test void a_bracket_inside_a_word_quotes_nothing() {
        assertEquals("[1].tif", parse("output=[1].tif minsize=3").get("output"));
        assertEquals("a]b", parse("output=a]b").get("output"));
        assertEquals("it's", parse("output=it's").get("output"));
    }

    @Test void keys_that_end_alike_do_not_meet() { // where ImageJ's own reader gives 7
        assertEquals("3", parse("min_size=7 size=3").get("size"));
        assertEquals("7", parse("title=[foo min_size=99] min_size=7").get("min_size"));
    }

    @Test void what_is_not_closed_or_double_is_refused() {
        refused("output=[/a b", "the bracket behind \"output=\" is not closed");
        refused("minsize=3 minsize=4", "\"minsize\" is given twice");
        refused("=3", "a value without a key");
    }

    // ---- requests ----

    @Test void unknown_keys_name_the_nearest() {
        refused("minsiz=3", "unknown key \"minsiz\", did you mean \"minsize\"?");
        refused("chanel=3", "did you mean \"channel\"?");
        refused("ouput=a", "did you mean \"output\"?");
    }

    @Test void values_are_checked() {
        refused("channel=0", "channel wants a whole number of at least 1, found \"0\"");
        refused("channel=two", "channel wants a whole number");
        refused("frame=99999999999", "frame wants a whole number");
        refused("slices=5-3", "slices wants A-B with 1 <= A <= B");
        refused("slices=a", "slices wants A-B");
        refused("mode=4d", "mode wants one of 2d, 3d");
        refused("memory=lots", "memory wants a size such as 512M or 4G");
        refused("show=labels,windows", "found \"windows\"");
        refused("output", "wants a value");
        refused("model=", "wants a value");
    }

    @Test void files_are_named_as_what_they_are() {
        refused("output=x.jpg", "output wants the name of a file that ends in .tif or .tiff, found \"x.jpg\"");
        refused("output=[/my data/tif]", "ends in .tif");
        refused("overlay=x.gif", "overlay wants the name of a file that ends in .png, found \"x.gif\"");
        refused("table=x.xls", "ends in .csv");
        refused("rois=x", "ends in .zip");
        Request r = MacroOptions.read("output=a.TIFF overlay=[b c.Png] table=.csv rois=d.zip");
        assertEquals(Arrays.asList("a.TIFF", "b c.Png", ".csv", "d.zip"),
                     Arrays.asList(r.output, r.overlay, r.table, r.rois));
    }

    @Test void every_key_reaches_the_request() {
        Request r = MacroOptions.read("model=[/m/a b.safetensors] channel=2 slices=3-9 frame=4 mode=3d mask=[my mask]"
            + " minsize=25 scale=auto memory=4G threads=2 output=l.tif overlay=p.png table=t.csv rois=r.zip"
            + " show=table,labels truth=T");
        assertEquals("/m/a b.safetensors", r.model);
        assertEquals(Arrays.asList(2, 3, 9, 4, 2), Arrays.asList(r.channel, r.firstSlice, r.lastSlice, r.frame,
                                                                 r.threads));
        assertEquals("{minsize=25, scale=auto}", r.wishes.toString());
        assertEquals(4L << 30, r.memoryBytes());
        assertEquals(EnumSet.of(Request.Show.LABELS, Request.Show.TABLE), r.show);
        assertEquals(Arrays.asList("3d", "my mask", "l.tif", "p.png", "t.csv", "r.zip", "T"),
                     Arrays.asList(r.mode, r.mask, r.output, r.overlay, r.table, r.rois, r.truth));
        assertEquals(r.show, r.copy().show);
        assertEquals(MacroOptions.write(r), MacroOptions.write(r.copy()));
    }

    @Test void sizes_are_the_command_lines() {
        assertEquals(512L << 20, Request.parseBytes("512M"));
        assertEquals(3L << 29, Request.parseBytes("1.5GiB"));
        assertEquals(2048, Request.parseBytes("2KB"));
        assertEquals(77, Request.parseBytes("77"));
        for (String bad : new String[] {"", "4 G", "-1", "1e9", "4X", "GB", "4GG", "99999999T"})
            assertThrows(IllegalArgumentException.class, () -> Request.parseBytes(bad), bad);
    }

    @Test void no_key_is_the_tail_of_another() {
        for (String a : MacroOptions.keys())
            for (String b : MacroOptions.keys())
                assertTrue(a.equals(b) || !a.endsWith(b), b + " is the tail of " + a);
    }

    @Test void every_setting_of_the_library_is_a_key_and_none_is_ours() {
        List<String> keys = MacroOptions.keys();
        for (Setting s : Settings.all())
            assertEquals(1, keys.stream().filter(s.key()::equals).count(), s.key());
    }

    // ---- and back ----

    @Test void defaults_write_the_model_alone() {
        assertEquals("model=nuclei", MacroOptions.write(new Request()));
        assertEquals("run(\"Segment Instances (PEA)...\", \"model=nuclei\");", MacroOptions.line(new Request()));
    }

    @Test void offsets_are_written_as_they_are() {
        String offsets = "[[-1,0],[0,-1],[-3,0]]";
        for (String given : new String[] {"offsets=" + offsets, "offsets=[" + offsets + "]"}) {
            Request r = MacroOptions.read(given + " minsize=3");
            assertEquals(offsets, r.wishes.get("offsets"), given);
            assertTrue(MacroOptions.write(r).contains("offsets=" + offsets + " "), MacroOptions.write(r));
        }
    }

    @Test void names_that_macros_cannot_hold_are_refused_in_words() {
        Request r = new Request();
        r.output = "/data/a] b.tif";
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> MacroOptions.write(r));
        assertTrue(e.getMessage().contains("its brackets are not in pairs"), e.getMessage());
    }

    @Test void quotes_and_backslashes_survive_the_macro_line() {
        Request r = new Request();
        r.output = "C:\\my data\\\"x\".tif";
        assertEquals("run(\"Segment Instances (PEA)...\", \"model=nuclei output=[C:\\\\my data\\\\\\\"x\\\".tif]\");",
                     MacroOptions.line(r));
    }

    @Test void what_is_written_reads_the_same() {
        Random random = new Random(7);
        String letters = "ab =[]'&\"\\/.:-\u00b5\t";
        int written = 0;
        for (int round = 0; round < 3000; round++) {
            Request r = new Request();
            List<String> texts = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                StringBuilder text = new StringBuilder();
                for (int n = random.nextInt(9); n > 0; n--)
                    text.append(letters.charAt(random.nextInt(letters.length())));
                texts.add(text.toString().trim().isEmpty() ? "" : text.toString());
            }
            r.model = texts.get(0).isEmpty() ? "m" : texts.get(0);
            r.mask = texts.get(1);
            r.output = named(texts.get(2), ".tif");
            r.overlay = named(texts.get(3), ".png");
            r.table = named(texts.get(4), ".csv");
            r.rois = named(texts.get(5), ".zip");
            r.truth = texts.get(6);
            r.channel = random.nextInt(3);
            r.frame = random.nextInt(3);
            r.firstSlice = random.nextInt(4);
            r.lastSlice = r.firstSlice == 0 ? 0 : r.firstSlice + random.nextInt(3);
            r.mode = new String[] {"", "2d", "3d"}[random.nextInt(3)];
            r.threads = random.nextInt(3);
            r.memory = random.nextBoolean() ? "" : "3G";
            r.show = EnumSet.noneOf(Request.Show.class);
            for (Request.Show s : Request.Show.values())
                if (random.nextBoolean())
                    r.show.add(s);
            if (random.nextBoolean())
                r.wishes.put("minsize", "" + random.nextInt(100));
            String line;
            try {
                line = MacroOptions.write(r);
            } catch (IllegalArgumentException e) {
                continue; // brackets that are not in pairs
            }
            written++;
            Request back = MacroOptions.read(line);
            assertEquals(MacroOptions.entries(r), MacroOptions.entries(back), line);
            assertEquals(r.show, back.show);
        }
        assertTrue(written > 500, "only " + written);
    }

    private static String named(String text, String ending) {
        return text.isEmpty() ? text : text + ending;
    }

    @Test void imagej_hands_options_to_the_thread_that_runs_alone() throws Exception {
        String[] seen = new String[1];
        Headless.run("model=nuclei  minsize=3", () -> seen[0] = MacroOptions.parse(Macro.getOptions()).toString());
        assertEquals("{model=nuclei, minsize=3}", seen[0]);
    }
}
