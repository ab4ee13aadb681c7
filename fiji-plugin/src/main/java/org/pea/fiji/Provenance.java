// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.awt.Rectangle;
import java.util.Locale;

import org.pea.Model;
import org.pea.Pea;

import ij.ImagePlus;

/** How a result came about, for its Info: the line that makes it again, the model and its checksum, the version. */
public final class Provenance {
    public final String macroLine, modelName, modelSha256, version;
    /** Title of the image, and what was selected in it. */
    public final String image;

    Provenance(String macroLine, String modelName, String modelSha256, String version, String image) {
        this.macroLine = macroLine;
        this.modelName = modelName;
        this.modelSha256 = modelSha256;
        this.version = version;
        this.image = image;
    }

    static Provenance of(Request request, Model model, ImagePlus image, ImageTransfer.Part part) {
        Rectangle box = part.bounds;
        boolean whole = box.width == image.getWidth() && box.height == image.getHeight() && !part.shaped;
        String where = image.getTitle();
        if (!whole)
            where += String.format(Locale.ROOT, ", the selection at x %d, y %d, %d wide, %d high%s", box.x, box.y,
                                   box.width, box.height, part.shaped ? ", not a rectangle" : "");
        return new Provenance(MacroOptions.line(request), model.name(), model.sha256(), Pea.version(), where);
    }

    /** Lines for {@code Image > Show Info}. */
    public String info() {
        return "PEA macro: " + macroLine + "\n"
             + "PEA model: " + modelName + "\n"
             + "PEA model SHA-256: " + modelSha256 + "\n"
             + "PEA version: " + version + "\n"
             + "PEA image: " + image + "\n";
    }
}
