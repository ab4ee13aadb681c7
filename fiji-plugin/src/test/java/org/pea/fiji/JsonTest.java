// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class JsonTest {
    @Test void all_kinds_of_values() {
        assertEquals("{a=[1.0, -0.0025, true, null], b={c=x}}",
                Json.read(" {\"a\" : [1, -2.5e-3,true , null], \"b\":{\"c\":\"x\"}} ").toString());
    }

    @Test void texts_come_back_as_they_were_written() {
        String text = "a \"quoted\" \\ line\n\tµ \u0001";
        assertEquals(text, Json.read(Json.quote(text)));
        assertEquals("\u00b5/\b", Json.read("\"\\u00b5\\/\\b\""));
    }

    @Test void a_path_that_is_not_there_is_empty() {
        Object record = Json.read("{\"pixel_size\":{\"x\":0.5,\"unit\":\"um\"},\"n\":3,\"none\":null}");
        assertEquals("um", Json.text(record, "pixel_size", "unit"));
        assertEquals("0.5", Json.text(record, "pixel_size", "x"));
        assertEquals("3", Json.text(record, "n"));
        assertEquals("", Json.text(record, "none", "unit"));
        assertEquals("", Json.text(record, "nothing"));
    }

    @Test void what_is_no_json_is_refused() {
        for (String bad : new String[] {"", "{", "[1", "{\"a\"}", "{\"a\":}", "\"a", "tru",
                "1 2", "\"\\u00g0\"", "[1,]"})
            assertThrows(IllegalArgumentException.class, () -> Json.read(bad), bad);
    }

    @Test void depth_is_limited() {
        StringBuilder deep = new StringBuilder();
        for (int i = 0; i < 100000; i++)
            deep.append('[');
        assertThrows(IllegalArgumentException.class, () -> Json.read(deep.toString()));
    }
}
