// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import ij.IJ;

class ImageJProgressTest {
    @Test void an_esc_of_before_is_forgotten_and_one_of_now_stops() {
        IJ.setKeyDown(java.awt.event.KeyEvent.VK_ESCAPE);
        ImageJProgress p = new ImageJProgress();
        assertTrue(p.progress("network", 0.1));
        IJ.setKeyDown(java.awt.event.KeyEvent.VK_ESCAPE);
        assertFalse(p.progress("network", 0.2));
        IJ.resetEscape();
    }

    @Test void what_stages_have_reached_adds_up_and_never_falls() {
        ImageJProgress p = new ImageJProgress();
        double last = 0;
        for (int t = 0; t < 2; t++) {
            p.part(t, 2);
            for (int z = 1; z <= 4; z++) // planes run through all stages
                for (String stage : new String[] {"network", "affinity", "cluster", "clean up"}) {
                    p.progress(stage, z / 4.0);
                    double done = p.done(stage, z / 4.0);
                    assertTrue(done >= last, stage);
                    last = done;
                }
        }
        assertTrue(last > 0.95 && last <= 1, "" + last);
    }

    @Test void times_read_well() {
        assertEquals("1 s", ImageJProgress.time(0.2));
        assertEquals("42 s", ImageJProgress.time(42));
        assertEquals("3 min", ImageJProgress.time(185));
        assertEquals("2 h 5 min", ImageJProgress.time(7500));
    }
}
