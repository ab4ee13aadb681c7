// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

/** How a result came about, for its Info: the line that makes it again, the model and its checksum, the version. */
public final class Provenance {
    public final String macroLine, modelName, modelSha256, version;

    Provenance(String macroLine, String modelName, String modelSha256, String version) {
        this.macroLine = macroLine;
        this.modelName = modelName;
        this.modelSha256 = modelSha256;
        this.version = version;
    }

    /** Lines for {@code Image > Show Info}. */
    public String info() {
        throw new UnsupportedOperationException();
    }
}
