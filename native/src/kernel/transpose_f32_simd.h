/* transpose_f32_simd.h - transpose_f32 in squares of as many rows and columns as a vector has lanes. Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static inline void transpose_square(const float *from, int64_t pitch, float *to, int64_t to_pitch)
{
    vec v[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++)
        v[i] = load(from + i * pitch);
    transpose(v);
    UNROLL
    for (int i = 0; i < LANES; i++)
        store(to + i * to_pitch, v[i]);
}

/* At the end of rows or columns. */
static void transpose_some(const float *from, int64_t pitch, int64_t n_rows, int64_t n_columns, float *to, int64_t to_pitch)
{
    const vec_mask in = first_lanes(n_columns), out = first_lanes(n_rows);
    vec v[LANES];
    for (int i = 0; i < LANES; i++)
        v[i] = i < n_rows ? load_some(from + i * pitch, in) : all(0.0f);
    transpose(v);
    for (int64_t i = 0; i < n_columns; i++)
        store_some(to + i * to_pitch, out, v[i]);
}

static void transpose_f32_simd(const float *from, int64_t pitch, int64_t n_rows, int64_t n_columns, float *to,
                               int64_t to_pitch)
{
    for (int64_t column = 0; column < n_columns; column += LANES)
        for (int64_t row = 0; row < n_rows; row += LANES) {
            const float *in = from + row * pitch + column;
            float *out = to + column * to_pitch + row;
            const int64_t rows = n_rows - row < LANES ? n_rows - row : LANES;
            const int64_t columns = n_columns - column < LANES ? n_columns - column : LANES;
            if (rows == LANES && columns == LANES)
                transpose_square(in, pitch, out, to_pitch);
            else
                transpose_some(in, pitch, rows, columns, out, to_pitch);
        }
}
