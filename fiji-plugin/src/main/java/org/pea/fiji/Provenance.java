// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import org.pea.Model;
import org.pea.Pea;

/** How a result came about, for its Info: the line that makes it again, the model and its checksum, the version. */
public final class Provenance {
    public final String macroLine, modelName, modelSha256, version;

    Provenance(String macroLine, String modelName, String modelSha256, String version) {
        this.macroLine = macroLine;
        this.modelName = modelName;
        this.modelSha256 = modelSha256;
        this.version = version;
    }

    static Provenance of(Request request, Model model) {
        return new Provenance(MacroOptions.line(request), model.name(), model.sha256(), Pea.version());
    }

    /** Lines for {@code Image > Show Info}. */
    public String info() {
        return "PEA macro: " + macroLine + "\n"
             + "PEA model: " + modelName + "\n"
             + "PEA model SHA-256: " + modelSha256 + "\n"
             + "PEA version: " + version + "\n";
    }
}
