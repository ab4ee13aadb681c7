/* LocaleChild.java - prints options of a training, in a virtual machine of another language.
 * SPDX-License-Identifier: BSD-2-Clause */
package org.pea;

import java.util.HashMap;
import java.util.Map;

final class LocaleChild {
    private LocaleChild() {}

    public static void main(String[] arguments) {
        Map<String, String> options = new HashMap<>();
        options.put("preset", "nuclei");
        options.put("rate", "0.0002");
        Map<String, String> all = new Training(options).options();
        System.out.println("rate " + all.get("rate") + " share " + all.get("share"));
    }
}
