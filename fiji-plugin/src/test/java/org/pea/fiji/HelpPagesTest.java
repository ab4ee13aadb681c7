// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;

class HelpPagesTest {
    @Test void every_page_has_a_title_and_links_that_lead_somewhere() {
        Pattern link = Pattern.compile("<a\\s+href=\"([^\"]+)\"");
        for (String name : HelpPages.NAMES) {
            String page = HelpPages.html(name, 12);
            assertTrue(page.contains("<title>") && !page.contains("<title></title>"), name);
            for (Matcher m = link.matcher(page); m.find(); )
                assertTrue(HelpPages.NAMES.contains(m.group(1).replace(".html", "")), name + ": " + m.group(1));
        }
        assertEquals(HelpPages.NAMES.size(), new HashSet<>(java.util.Arrays.asList(HelpPages.titles())).size());
    }

    @Test void tags_are_closed() {
        for (String name : HelpPages.NAMES) {
            String page = HelpPages.html(name, 12);
            for (String tag : new String[] {"p", "ul", "ol", "li", "table", "tr", "td", "th", "b", "code", "pre",
                    "h1", "h2", "a"})
                assertEquals(count(page, "<" + tag + "[ >\n]"), count(page, "</" + tag + ">"), name + ": " + tag);
        }
    }

    private static int count(String text, String regex) {
        int n = 0;
        for (Matcher m = Pattern.compile(regex).matcher(text); m.find(); )
            n++;
        return n;
    }

    @Test void every_macro_key_is_explained() {
        assertEquals(new HashSet<>(MacroOptions.keys()), HelpPages.rows().keySet());
        String page = HelpPages.plain("macro-keys");
        for (String key : MacroOptions.keys())
            assertTrue(page.contains(key + "\t"), key);
        assertTrue(page.contains("Smallest") || page.contains("removed"), page);
    }

    @Test void a_console_gets_no_tags() {
        for (String name : HelpPages.NAMES)
            assertFalse(Pattern.compile("</?[a-z]+>").matcher(HelpPages.plain(name)).find(), name);
    }

    @Test void text_folds_between_words() {
        assertEquals("a bb\nccc\ndddddd", Ui.folded("a bb ccc dddddd", 5));
        assertEquals("a\nb", Ui.folded("a\nb", 80));
        assertEquals("", Ui.folded("", 80));
    }
}
