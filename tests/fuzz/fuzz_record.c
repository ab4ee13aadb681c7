/* fuzz_record.c - hostile settings in a model file, for a network of planes and one of volumes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "pipeline/pipeline.h"

static void read_one(const char *json, pea_network_info network)
{
    pea_segment_options options, again;
    pea_calibration pixels;
    pea_error err = {0};
    char *name, *written = NULL;
    const pea_status status = pea__record_read(json, network, &options, &name, &err);
    if (status != PEA_OK) {
        fuzz_require_message(status, &err);
        fuzz_require(!name, "a failed call leaves no name");
        return;
    }
    fuzz_require(pea__options_check(&options, network, &err) == PEA_OK, "what was read can be used");
    fuzz_require(pea__record_write(network, &options, NULL, &written, &err) == PEA_OK, "what was read can be written");
    fuzz_require(pea__record_pixel_size(json, &pixels, &err) == PEA_OK && pixels.x > 0.0 && pixels.y > 0.0 &&
                     memchr(pixels.unit, '\0', sizeof pixels.unit), "the pixel size has a unit with an end");
    pea__free(name);
    fuzz_require(pea__record_read(written, network, &again, &name, &err) == PEA_OK, "what was written can be read");
    fuzz_require(again.offsets.n == options.offsets.n && again.n_merge == options.n_merge &&
                     again.foreground_threshold == options.foreground_threshold &&
                     (network.n_axes == 2 || again.tile[1] == options.tile[1]), /* planes are not tiled */
                 "what was written is what was read");
    pea__free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *json = malloc(size + 1);
    if (!json)
        return 0;
    memcpy(json, data, size);
    json[size] = '\0';
    read_one(json, (pea_network_info){.kind = "resunet2d", .n_axes = 2, .in_channels = 3, .grid = 16});
    read_one(json, (pea_network_info){.kind = "superhuman3d", .n_axes = 3, .in_channels = 1, .grid = 16});
    free(json);
    return 0;
}
