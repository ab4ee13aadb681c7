/* segment_plan.c - the names of all that a segmentation reads and writes, and whether they go together.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "segment_plan.h"

static pea_status list_inputs(cli_plan *plan, const cli_operands *operands, pea_error *err)
{
    plan->is_batch = operands->n > 1;
    for (size_t i = 0; i < operands->n; i++) {
        const bool is_folder = cli_is_folder(operands->item[i]);
        const pea_status status = is_folder ? cli_list_images(operands->item[i], &plan->inputs, err)
                                            : cli_paths_add(&plan->inputs, operands->item[i], err);
        if (status != PEA_OK)
            return status;
        plan->is_batch = plan->is_batch || is_folder;
    }
    return PEA_OK;
}

/* Where results of each input go: `target` itself, or files in it named after the inputs. */
static pea_status list_targets(cli_plan *plan, const char *target, const char *extension, cli_paths *paths,
                               pea_error *err)
{
    if (!target)
        return PEA_OK;
    const bool is_folder = plan->is_batch || cli_is_folder(target) || target[strlen(target) - 1] == '/';
    if (!is_folder) {
        const pea_status status = cli_check_writable(target, err);
        return status == PEA_OK ? cli_paths_add(paths, target, err) : status;
    }
    pea_status status = cli_make_folder(target, &plan->made, err);
    for (size_t i = 0; status == PEA_OK && i < plan->inputs.n; i++) {
        cli_stem(plan->inputs.item[i], plan->stem);
        status = cli_join(target, plan->stem, extension, plan->path, err);
        if (status == PEA_OK && i == 0)
            status = cli_check_writable(plan->path, err);
        if (status == PEA_OK)
            status = cli_paths_add(paths, plan->path, err);
    }
    return status;
}

static pea_status list_masks(cli_plan *plan, const char *mask, pea_error *err)
{
    static const char *const extensions[] = {".tif", ".tiff", ".png"};
    char *stem = plan->stem, *path = plan->path;
    pea_status status = PEA_OK;
    for (size_t i = 0; mask && status == PEA_OK && i < plan->inputs.n; i++) {
        snprintf(path, CLI_MAX_PATH, "%s", mask);
        cli_stem(plan->inputs.item[i], stem);
        bool found = !cli_is_folder(mask);
        for (size_t e = 0; !found && status == PEA_OK && e < CLI_COUNT(extensions); e++) {
            status = cli_join(mask, stem, extensions[e], path, err);
            found = status == PEA_OK && cli_is_file(path);
        }
        if (status == PEA_OK && !found)
            return cli_fail(err, PEA_E_IO, "no mask for %s: looked for %.100s.tif, .tiff and .png in %s",
                            plan->inputs.item[i], stem, mask);
        if (status == PEA_OK)
            status = cli_paths_add(&plan->masks, path, err);
    }
    return status;
}

static int by_target(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* No two results in one file, however it is spelt: images a.tif and a.png of one call, or --overlay and -o of one name. */
static pea_status check_distinct(cli_plan *plan, pea_error *err)
{
    const cli_paths *lists[] = {&plan->outputs, &plan->overlays, &plan->tables};
    cli_paths all = {0};
    pea_status status = PEA_OK;
    for (size_t l = 0; l < CLI_COUNT(lists); l++)
        for (size_t i = 0; i < lists[l]->n && status == PEA_OK; i++) {
            status = cli_identity(lists[l]->item[i], plan->path, err);
            if (status == PEA_OK)
                status = cli_paths_add(&all, plan->path, err);
        }
    if (all.n > 0)
        qsort(all.item, all.n, sizeof *all.item, by_target);
    for (size_t i = 1; i < all.n && status == PEA_OK; i++)
        if (!strcmp(all.item[i - 1], all.item[i]))
            status = cli_fail(err, PEA_E_ARG, "two results would be written to one %s: give them different names",
                              cli_base_name(all.item[i]));
    cli_paths_free(&all);
    return status;
}

/* Never over what is read. */
static pea_status check_not_inputs(const cli_plan *plan, const cli_sources *sources, pea_error *err)
{
    const cli_paths *lists[] = {&plan->outputs, &plan->overlays, &plan->tables};
    for (size_t l = 0; l < CLI_COUNT(lists); l++)
        for (size_t i = 0; i < lists[l]->n; i++) {
            const char *target = lists[l]->item[i];
            const char *source = cli_same_file(target, plan->inputs.item[i]) ? plan->inputs.item[i]
                                 : plan->masks.n && cli_same_file(target, plan->masks.item[i]) ? plan->masks.item[i]
                                 : cli_same_file(target, sources->model) ? sources->model
                                 : sources->offsets && cli_same_file(target, sources->offsets) ? sources->offsets
                                                                                             : NULL;
            if (source)
                return cli_fail(err, PEA_E_ARG, "%s would be written over what is read from it: choose another output",
                                source);
        }
    return PEA_OK;
}

pea_status cli_plan_make(const cli_operands *operands, const cli_targets *targets, const cli_sources *sources,
                         cli_plan *plan, pea_error *err)
{
    pea_status status = list_inputs(plan, operands, err);
    if (status == PEA_E_ARG)
        return err->status = PEA_E_IO; /* an empty folder is no mistake of the command line */
    if (status == PEA_OK)
        status = list_targets(plan, targets->output, ".tif", &plan->outputs, err);
    if (status == PEA_OK)
        status = list_targets(plan, targets->overlay, ".png", &plan->overlays, err);
    if (status == PEA_OK)
        status = list_targets(plan, targets->table, ".csv", &plan->tables, err);
    if (status == PEA_OK)
        status = list_masks(plan, sources->mask, err);
    if (status == PEA_OK)
        status = check_distinct(plan, err);
    return status == PEA_OK ? check_not_inputs(plan, sources, err) : status;
}

void cli_plan_free(cli_plan *plan)
{
    cli_paths *lists[] = {&plan->inputs, &plan->outputs, &plan->overlays, &plan->tables, &plan->masks, &plan->made};
    cli_remove_empty(&plan->made);
    for (size_t i = 0; i < CLI_COUNT(lists); i++)
        cli_paths_free(lists[i]);
}
