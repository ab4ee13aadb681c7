/* LoaderChild.java - what runs in the other virtual machine: loads, and says how it went.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

final class LoaderChild {
    private LoaderChild() {}

    public static void main(String[] arguments) {
        for (String argument : arguments)
            if (argument.equals("forget"))
                Pea.forgetCrash();
        PeaException first = tryToLoad();
        PeaException second = tryToLoad();
        if (first != second)
            System.out.println("NOT THE SAME EXCEPTION");
        System.out.println(first == null ? "LOADED " + Pea.libraryPath() : "FAILED " + first.status());
        System.out.println(first == null ? Pea.loadReport() : first.getMessage());
        if (first == null != Pea.isLoaded())
            System.out.println("isLoaded IS WRONG");
    }

    private static PeaException tryToLoad() {
        try {
            Pea.load();
            return null;
        } catch (PeaException.NotLoaded e) {
            return e;
        }
    }
}
