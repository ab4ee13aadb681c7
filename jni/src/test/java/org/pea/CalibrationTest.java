/* CalibrationTest.java - units have one spelling.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class CalibrationTest {
    private static String unit(String given) {
        return new Calibration(3, 2, 1, given).unit();
    }

    @Test
    void micrometresAreUm() {
        for (String spelling : new String[] {"um", "\u00b5m", "\u03bcm", "micron", "microns", " micrometer "})
            assertEquals("um", unit(spelling));
    }

    @Test
    void unknownIsPixel() {
        assertEquals("pixel", unit(""));
        assertEquals("pixel", unit("pixels"));
    }

    @Test
    void anythingElseStaysButForItsLength() {
        assertEquals("nm", unit("nm"));
        assertEquals("a?b", unit("a\nb"));
        assertEquals("\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5",
            unit("\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5")); // 30 of 33 bytes
        assertThrows(NullPointerException.class, () -> new Calibration(1, 1, 1, null));
    }
}
