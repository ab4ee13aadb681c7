// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import ij.plugin.PlugIn;

/** The menu entry of that name. */
public class Help implements PlugIn {
    @Override public void run(String arg) {
        throw new UnsupportedOperationException();
    }
}
