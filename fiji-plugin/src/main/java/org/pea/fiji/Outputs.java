// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

/** Shows and writes what a request wants of a result. Files first: where a window is, all files are. */
public final class Outputs {
    private Outputs() {}

    /** Both. Windows only where there is a display or batch mode. */
    public static void show(Result result, Request request) {
        throw new UnsupportedOperationException();
    }
}
