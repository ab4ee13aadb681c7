/* offsets_json.c - the offsets of a graph as a JSON list of lists.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

static pea_status read_step(const cJSON *item, size_t index, int n_axes, pea_offset *step, pea_error *err)
{
    int64_t numbers[3];
    int n = 0;
    const cJSON *number;
    cJSON_ArrayForEach(number, item)
    {
        if (n == n_axes)
            break;
        if (!pea__json_integer(number, &numbers[n]) || numbers[n] < -INT16_MAX || numbers[n] > INT16_MAX)
            return pea__fail(err, PEA_E_FORMAT,
                             "offset %zu: number %d is not a whole number from -32767 to 32767", index, n);
        n++;
    }
    if (numbers[0] == 0 && numbers[1] == 0 && (n_axes == 2 || numbers[2] == 0))
        return pea__fail(err, PEA_E_FORMAT, "offset %zu is a zero step", index);
    *step = n_axes == 2 ? (pea_offset){0, (int32_t)numbers[0], (int32_t)numbers[1]}
                        : (pea_offset){(int32_t)numbers[0], (int32_t)numbers[1], (int32_t)numbers[2]};
    return PEA_OK;
}

static pea_status read_steps(const cJSON *list, pea_offsets *offsets, pea_error *err)
{
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return pea__fail(err, PEA_E_FORMAT, "offsets must be a list such as [[-1,0],[0,-1]]");
    cJSON_ArrayForEach(item, list)
    {
        const int n = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : 0;
        if (offsets->n == PEA_MAX_OFFSETS)
            return pea__fail(err, PEA_E_LIMIT, "there are more than %d offsets", PEA_MAX_OFFSETS);
        if (n != 2 && n != 3)
            return pea__fail(err, PEA_E_FORMAT, "offset %zu is not a list of 2 or 3 numbers", offsets->n);
        if (offsets->n > 0 && n != offsets->n_axes)
            return pea__fail(err, PEA_E_FORMAT, "offset %zu has %d numbers, those before it %d", offsets->n, n,
                             offsets->n_axes);
        offsets->n_axes = n;
        const pea_status status = read_step(item, offsets->n, n, &offsets->step[offsets->n], err);
        if (status != PEA_OK)
            return status;
        offsets->n++;
    }
    if (offsets->n < 2 || offsets->n < (size_t)offsets->n_axes)
        return pea__fail(err, PEA_E_FORMAT, "%zu offset%s listed, expected at least one for each of the %d axes",
                         offsets->n, offsets->n == 1 ? " is" : "s are", offsets->n_axes ? offsets->n_axes : 2);
    return PEA_OK;
}

pea_status pea_offsets_parse(const char *text, size_t length_bytes, pea_offsets *offsets, pea_error *err)
{
    enum { LONGEST = 1 << 20, DEPTH = 2 };
    pea_error unwanted = {0};
    pea__budget budget = {.left = INT64_C(64) << 20, .total = INT64_C(64) << 20};
    cJSON *json;
    if (!err)
        err = &unwanted;
    *offsets = (pea_offsets){0};
    if (length_bytes > LONGEST)
        return pea__fail(err, PEA_E_LIMIT, "the offsets are %zu bytes long; %d are read at most", length_bytes,
                         (int)LONGEST);
    pea_status status = pea__json_parse(text, length_bytes, DEPTH, &budget, &json, err);
    if (status == PEA_OK)
        status = read_steps(json, offsets, err);
    cJSON_Delete(json);
    if (status != PEA_OK)
        *offsets = (pea_offsets){0};
    return status;
}
