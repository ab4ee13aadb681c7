/* pixel_size.c - the factor between an image's pixels and those that a model was trained on.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <math.h>
#include <string.h>

/* Metres in a unit as image files, ImageJ and people spell it; 0 for what is no length, such as "pixel". */
static double metres(const char *unit)
{
    static const struct {
        const char *name;
        double metres;
    } units[] = {
        {"pm", 1e-12},       {"picometer", 1e-12},   {"picometre", 1e-12},       {"\u00c5", 1e-10},
        {"\u212b", 1e-10},   {"angstrom", 1e-10},    {"nm", 1e-9},               {"nanometer", 1e-9},
        {"nanometre", 1e-9}, {"um", 1e-6},           {"\u00b5m", 1e-6},          {"\u03bcm", 1e-6},
        {"micron", 1e-6},    {"micrometer", 1e-6},   {"micrometre", 1e-6},
        {"mm", 1e-3},        {"millimeter", 1e-3},   {"millimetre", 1e-3},       {"cm", 1e-2},
        {"centimeter", 1e-2},{"centimetre", 1e-2},   {"in", 0.0254},             {"inch", 0.0254},
        {"inches", 0.0254},  {"m", 1.0},             {"meter", 1.0},             {"metre", 1.0},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t n = strlen(units[i].name);
        if (strncmp(units[i].name, unit, n) == 0 && (!unit[n] || (n > 3 && strcmp(unit + n, "s") == 0))) /* plural */
            return units[i].metres;
    }
    return 0.0;
}

static bool is_known(const pea_calibration *c)
{
    const bool unitless = !c->unit[0] || strcmp(c->unit, "pixel") == 0 || strcmp(c->unit, "pixels") == 0;
    return !unitless && isfinite(c->y) && c->y > 0.0 && isfinite(c->x) && c->x > 0.0;
}

pea_status pea_model_scale(const pea_model *model, const pea_calibration *calibration, double *scale, pea_error *err)
{
    enum { MOST_PERCENT = 10 }; /* that rows and columns may differ by */
    pea_calibration trained;
    *scale = 1.0;
    if (!calibration || !memchr(calibration->unit, '\0', sizeof calibration->unit))
        return pea__fail(err, PEA_E_ARG, "the image's calibration is missing or its unit has no end");
    const pea_status status = pea__record_pixel_size(pea_model_metadata(model), &trained, err);
    if (status != PEA_OK)
        return status;
    if (!is_known(&trained))
        return pea__fail(err, PEA_E_ARG, "the model %.100s does not say the pixel size of its training images: give "
                         "scale a factor, 1 for none", pea_model_name(model));
    if (!is_known(calibration))
        return pea__fail(err, PEA_E_ARG, "the image has no pixel size: set it (the model's is %g %s), or give scale a "
                         "factor", trained.x, trained.unit);
    const double image_unit = metres(calibration->unit), model_unit = metres(trained.unit);
    if ((image_unit == 0.0 || model_unit == 0.0) && strcmp(calibration->unit, trained.unit) != 0)
        return pea__fail(err, PEA_E_ARG, "the image's pixels are measured in %s, the model's in %s, which do not "
                         "compare: give scale a factor", calibration->unit, trained.unit);
    const double unit = image_unit > 0.0 && model_unit > 0.0 ? image_unit / model_unit : 1.0;
    const double y = calibration->y * unit / trained.y, x = calibration->x * unit / trained.x;
    if (!(fabs(y - x) * 100.0 <= MOST_PERCENT * (y < x ? y : x)))
        return pea__fail(err, PEA_E_ARG, "rows would need a factor of %.3g, columns one of %.3g: one factor cannot "
                         "give both the model's pixel size; give scale a factor", y, x);
    const double factor = sqrt(y * x);
    if (!(factor >= PEA_SCALE_MIN && factor <= PEA_SCALE_MAX))
        return pea__fail(err, PEA_E_ARG, "the image's pixels of %g %s are %.3g times those of the model, beyond %g to "
                         "%g: check the image's calibration, or give scale a factor", calibration->x, calibration->unit,
                         factor, PEA_SCALE_MIN, PEA_SCALE_MAX);
    *scale = factor;
    return PEA_OK;
}
