/* pipeline.h - internal: the steps between an image and its instance labels, each testable alone.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_PIPELINE_INTERNAL_H
#define PEA_PIPELINE_INTERNAL_H

#include "affinity/affinity.h"
#include "array/array.h"
#include "pea/segment.h"

/* ---- settings as JSON (model_json.c); docs/model-format.md lists the keys ---- */

#define PEA__MODEL_FORMAT_VERSION 1

/* Settings of a record, checked against the network. `name` (owned: pea__free()) is NULL where it has none.
 * PEA_E_FORMAT names the key and says what it must be. */
pea_status pea__record_read(const char *json, pea_network_info network, pea_segment_options *options, char **name,
                            pea_error *err);
/* A record (owned: pea__free()) with these settings, and what the JSON object `extra` (NULL: nothing) adds or replaces.
 * PEA_E_ARG names the key of `extra` that is wrong or unknown. */
pea_status pea__record_write(pea_network_info network, const pea_segment_options *options, const char *extra,
                             char **json, pea_error *err);

/* Size and unit of the voxels that the model was trained on; 1 pixel where the record does not say. */
pea_status pea__record_pixel_size(const char *json, pea_calibration *calibration, pea_error *err);

/* Whether a JSON object has this key at its top; false for what is no object. */
bool pea__record_has(const char *json, const char *key);

/* A model of weights whose metadata are its record. `path` names them in messages. */
pea_status pea__model_make(const pea_weights *weights, const char *path, pea_model **model, pea_error *err);

/* Ranges of every field, and whether the settings suit the network. The message names the field. */
pea_status pea__options_check(const pea_segment_options *options, pea_network_info network, pea_error *err);
/* The same for how affinities become instances. */
pea_status pea__tuning_check(const pea_segment_options *options, pea_error *err);
pea_segment_options pea__common_options(void); /* what all presets share (preset.c); without offsets */

/* ---- padding (pad.c) ---- */

/* A plane on the network's grid, and where the image's first voxel lies in it. */
typedef struct pea__frame {
    int64_t y, x, top, left;
} pea__frame;

pea_status pea__frame_plan(pea_padding padding, int64_t y, int64_t x, int grid, pea__frame *frame, pea_error *err);

/* Index i of a line of n that is mirrored at both ends for ever, the end voxels not repeated; n = 1 repeats its one. */
int64_t pea__mirror(int64_t i, int64_t n);

/* Cut the image's y * x voxels out of a frame, within the same memory. */
void pea__crop_in_place(void *plane, size_t voxel_bytes, pea__frame frame, int64_t y, int64_t x);

/* ---- another pixel size (rescale.c) ---- */

/* Of what is resized: products of two such sides, doubled, stay within 64 bits. */
#define PEA__MAX_SIDE (INT64_C(1) << 30)

/* The grid that the network sees of an image; c is 1. */
pea_status pea__grid_plan(pea_dims image, double scale, pea_dims *grid, pea_error *err);
/* Planes of any numeric dtype to float32 planes of another size, (z,y,x,c) with the same z and c. */
pea_status pea__resize_linear(const pea_array *from, pea_context *context, const pea_array *to, pea_error *err);
/* The same for what has no values in between: the same dtype, c is 1. `done` of the stage is over. */
pea_status pea__resize_nearest(const pea_array *from, pea_context *context, double done, const pea_array *to,
                               pea_error *err);
/* The voxel of n that the centre of voxel i of m lies in. */
int64_t pea__nearest(int64_t i, int64_t m, int64_t n);

/* ---- intensities (normalise.c) ---- */

typedef struct pea__range {
    double min, max;
} pea__range;

/* Smallest and largest value of each plane over all channels; ranges: z items.
 * PEA_E_FORMAT names the first voxel that is NaN, infinite or too large for float32. */
pea_status pea__image_ranges(const pea_array *image, pea_context *context, pea__range *ranges, pea_error *err);

double pea__full_scale(pea_dtype dtype); /* the number that stands for white */
extern const float pea__colour_mean[3], pea__colour_deviation[3]; /* red, green, blue, of values in [0,1] */

/* What one box of network input is made of. */
typedef struct pea__source {
    pea_array image;      /* any numeric dtype; one channel feeds all channels of the input */
    pea_normalise rule;
    pea__range range;     /* for PEA_NORMALISE_MINMAX */
    bool mirror;          /* what lies outside the image: its mirror image, or 0 */
    pea_dtype original;   /* before it was resized: this says what white is; 0: nothing was resized */
} pea__source;

/* Fill float32 (z,y,x,c), whose first voxel is voxel (z,y,x) of the image; negative is before it. */
pea_status pea__normalised_box(const pea__source *source, int64_t z, int64_t y, int64_t x, pea_context *context,
                               const pea_array *box, pea_error *err);

/* ---- foreground (foreground.c) ---- */

/* 1 where the probability of class 1 exceeds the threshold; logits: two for each of n voxels. */
void pea__foreground_row(const float *logits, double threshold, int64_t n, uint8_t *mask);

/* uint8 (1,y,x,1): 1 where the probability of class 1 of logits (1,y,x,2) exceeds the threshold, without components
 * below min_size voxels. */
pea_status pea__foreground_from_logits(const pea_array *logits, double threshold, int64_t min_size,
                                       pea_context *context, const pea_array *mask, pea_error *err);

/* ---- tiles of a volume (tile.c) ---- */

/* One axis: the volume grown by a mirrored margin before and after it, covered by overlapping tiles. */
typedef struct pea__tile_axis {
    int64_t size, step, margin, n, padded;
} pea__tile_axis;

typedef struct pea__tiles {
    pea__tile_axis z, y, x;
} pea__tiles;

pea_status pea__tiles_plan(const pea_segment_options *options, pea_dims volume, int grid, pea__tiles *tiles,
                           pea_error *err);
int64_t pea__tile_start(pea__tile_axis axis, int64_t index); /* in voxels of the unpadded volume: may be negative */

/* How much each voxel of a tile counts: z*y*x items. */
void pea__tile_weights(int64_t z, int64_t y, int64_t x, float *weights);

/* A weighted mean that grows tile by tile: of some planes of a volume, or of all. */
typedef struct pea__blend {
    pea_array sum;     /* float32 (z,y,x,k) */
    float *norm;       /* z*y*x items */
    pea_array sampled; /* float32 (z,y,x,k') of those voxels alone whose coordinates are multiples of the stride; data
                        * NULL: there is nothing more than `sum` */
    int stride[3];
    int64_t first;     /* plane of the volume that `sum` begins with */
} pea__blend;

/* What a tile adds: of all its voxels (z,y,x,k) or more, and behind these k numbers what goes to pea__blend.sampled; or
 * that apart, of the tile's voxels in the volume and at multiples of the stride alone. */
typedef struct pea__tile_values {
    pea_array all;
    const float *sampled; /* NULL: in `all` */
} pea__tile_values;

/* The box of a tile that lies in the volume; begin[0] == end[0] where none does. */
pea__embedding_box pea__tile_inside(pea_dims tile, const int64_t start[3], pea_dims volume);
/* Add a tile whose first voxel is voxel `start` (z,y,x) of the volume, of whose planes the blend has some: what lies
 * outside is dropped. */
pea_status pea__blend_add(const pea__blend *blend, const pea__tile_values *tile, const float *weights,
                          const int64_t start[3], pea_context *context, pea_error *err);
pea_status pea__blend_finish(const pea__blend *blend, pea_context *context, pea_error *err); /* sums become means */

/* ---- running the network (forward.c) ---- */

/* What a segmentation asks of a network. Indices of heads, -1 where not wanted or not there. */
typedef struct pea__heads {
    int embedding, foreground, affinity;
    int64_t embedding_channels;
    pea_precision precision; /* with which they are asked for */
} pea__heads;

/* The heads these settings need; PEA_E_ARG in words where the network has none such. */
pea_status pea__heads_choose(const pea_network *network, const pea_segment_options *options, pea__heads *heads,
                             pea_error *err);
/* The same for heads that were chosen with other settings: is there what the clusterer works on? */
pea_status pea__heads_suit(const pea__heads *heads, const pea_segment_options *options, pea_error *err);
/* The same as flags, one for each head. */
enum { PEA__MAX_WANTED = 16 };
void pea__heads_wanted(const pea__heads *heads, unsigned char wanted[PEA__MAX_WANTED]);
bool pea__finite(const float *values, int64_t n);
pea_status pea__fail_not_finite(pea_error *err); /* what pea__forward() says of outputs */
/* Bytes of input, wanted outputs and the network's own scratch. */
pea_status pea__forward_forecast(const pea_network *network, const pea__heads *heads, pea_dims input, int n_threads,
                                 uint64_t *bytes, pea_error *err);

/* Outputs of one run; owned, each NULL where not wanted: pea__outputs_free(). */
typedef struct pea__outputs {
    pea_array embedding, foreground, affinity;
} pea__outputs;

/* PEA_E_ARG where an output is not finite: a legal image far outside what the network was trained for. */
pea_status pea__forward(const pea_network *network, const pea__heads *heads, const pea_array *input,
                        pea_context *context, pea__outputs *outputs, pea_error *err);
void pea__outputs_free(pea__outputs *outputs); /* safe twice */

/* ---- one call and its parts (part.c) ---- */

/* One checked call of pea_segment(), pea_predict() or pea_prediction_segment(). */
typedef struct pea__job {
    const pea_network *network; /* NULL: it has been asked before */
    pea_network_info info;
    pea_segment_options options;
    pea__heads heads;
    pea_context *context;
    pea_dims dims, grid;           /* of the image; of what the network sees, with c 1 */
    pea_array image, mask, labels; /* as the caller gave them; data NULL: none */
    pea__range *ranges;            /* of each plane; owned by who made the job */
    bool streams;                  /* rows or planes are worked on as they come, and nothing of them is kept */
    bool keeps_all;                /* of a volume all affinities are made, as somebody may ask for any of them */
    int64_t slab_rows;             /* so many rows of a plane at once; 0: as many as suit */
    pea_array affinity, embedding; /* where they are kept, on the grid; data NULL: nobody wants them */
} pea__job;

/* What the network sees at once: one plane of a stack if it works in 2-D, the whole volume if in 3-D; on the grid. */
typedef struct pea__part {
    const pea__job *job;
    pea_dims dims; /* c is 1 */
    pea_array image, mask, labels, affinity, embedding;
    pea__range range;
    void *own_image, *own_mask, *own_labels; /* NULL where the grid is the image's */
} pea__part;

int64_t pea__parts_count(const pea__job *job);

/* Open part after part, work on it, and if the job has labels (filled by the work) bring them to the image's grid, tidy
 * them and number them on from the part before. n_labels may be NULL where there are none. */
typedef pea_status pea__part_work(const pea__part *part, int64_t index, void *argument, pea_error *err);
pea_status pea__parts_run(const pea__job *job, pea__part_work *work, void *argument, uint32_t *n_labels,
                          pea_error *err);

/* Mask (NULL: none) and labels for what has the job's extents and is called `what`. */
pea_status pea__job_take(pea__job *job, const char *what, const pea_array *mask, const pea_array *labels,
                         pea_error *err);
/* Room for the details that are wanted; nothing of them counts before. details NULL: none. */
pea_status pea__job_keep(pea__job *job, pea_segment_details *details, pea_error *err);
/* Model, settings (NULL: the model's) and the heads to run: all that needs no voxel. */
pea_status pea__job_prepare(pea__job *job, const pea_model *model, const pea_segment_options *options,
                            const pea_segment_details *details, pea_error *err);
/* Look at all intensities: job->ranges, to be freed with pea__free(). */
pea_status pea__job_scan(pea__job *job, pea_error *err);

/* ---- clustering (cluster.c) ---- */

pea_mutex_options pea__mutex_options(const pea_segment_options *options);

/* Merging of small instances, if it is wished for. */
pea_status pea__merge(const pea__job *job, const pea_array *labels, pea_error *err);
/* Clustering and merging on one grid. `values` are affinities, for mean shift embeddings. */
pea_status pea__cluster(const pea__part *part, const pea_array *values, const pea_array *mask,
                        const pea_array *labels, pea_error *err);

/* Small instances to neighbours, on the grid of the affinities. */
pea_status pea__absorb(const pea_segment_options *options, const pea_array *affinity, pea_context *context,
                       const pea_array *labels, pea_error *err);
/* What needs labels alone: parts, holes, sizes; then numbers. */
pea_status pea__tidy(const pea_segment_options *options, pea_context *context, const pea_array *labels,
                     uint32_t *n_labels, pea_error *err);

/* The stage "clean up" is made of up to nine calls: what is done of it after each of the first eight. */
#define PEA__MASK_CLEANED 0.1
#define PEA__NUMBERED 0.2
#define PEA__MERGED 0.4
#define PEA__ABSORBED 0.6
#define PEA__PARTED 0.7
#define PEA__FILLED 0.75
#define PEA__REMOVED 0.8
#define PEA__KEPT 0.9

/* ---- the two ways from a part to labels (segment_plane.c, segment_volume.c) ---- */

/* What the network says about a plane, on its frame. */
pea_status pea__plane_run(const pea__part *part, pea__outputs *said, pea_error *err);
/* From there to part->labels. `said` is used up, but pea__outputs_free() is still the caller's duty. */
pea_status pea__plane_cluster(const pea__part *part, pea__outputs *said, pea_error *err);

/* The same in one go, row by row (segment_rows.c), where nothing is asked for that only the whole plane has: NULL, or
 * what that is. */
const char *pea__plane_why_whole(const pea__job *job);
pea_status pea__plane_stream(const pea__part *part, pea_error *err);

/* The same for a volume: layer by layer of its tiles. Unless the job streams, attractive affinities stay for what comes
 * after the clustering. */
const char *pea__volume_why_whole(const pea__job *job);
pea_status pea__volume_stream(const pea__part *part, pea_error *err);
static inline bool pea__by_layers(const pea__job *job)
{
    return job->info.n_axes == 3 && job->options.clusterer == PEA_CLUSTER_MUTEX && !job->keeps_all;
}

/* Blend the affinities of all tiles. affinity: zeroed float32 (z,y,x,k); k is n_axes unless the job keeps all. */
pea_status pea__volume_run(const pea__part *part, const pea_array *affinity, pea_error *err);

/* ---- memory (forecast.c) ---- */

/* Bytes besides image, mask, labels and details. */
typedef struct pea__needs {
    uint64_t network, cluster; /* while the network runs, while what it said is clustered */
    uint64_t said;             /* what the one hands to the other: counted in both */
} pea__needs;

/* The network's are 0 where the job has none. */
pea_status pea__plane_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err);
pea_status pea__volume_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err);
/* Of streams: there is one need. */
pea_status pea__plane_stream_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err);
pea_status pea__volume_stream_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err);
pea_status pea__job_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err); /* of either */
/* That go through the network, each time; of a job whose forecast was made. */
double pea__network_voxels(const pea__job *job);
/* Scratch of clustering. grid.c is the length of an embedding. */
uint64_t pea__cluster_forecast(const pea_segment_options *options, pea_dims grid, int n_threads);
/* The same of slabs of so many planes (or rows). */
uint64_t pea__slabs_forecast(const pea_segment_options *options, pea_dims grid, int64_t n_planes, int n_threads);
/* What details (NULL: none) will take, with the work of making them. */
uint64_t pea__details_forecast(const pea__job *job, const pea_segment_details *details);
/* With what the allocator, the threads and the list of planes add. */
uint64_t pea__with_overhead(const pea__job *job, uint64_t bytes);
/* PEA_E_LIMIT with both figures where the context allows less. */
pea_status pea__check_budget(const pea__job *job, uint64_t bytes, pea_error *err);

/* An intermediate result, zeroed; pea__free() its data. */
pea_status pea__array_new(pea_dtype dtype, pea_dims dims, pea_array *array, pea_error *err);

/* Sums and products of byte counts that stick at the largest value instead of wrapping. */
uint64_t pea__bytes_mul(uint64_t a, uint64_t b);
uint64_t pea__bytes_add(uint64_t a, uint64_t b);

#endif
