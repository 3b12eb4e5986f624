/* Batch norm in training with the activation behind it, on rows of channels (channels last): 8 passes over memory
 * instead of PyTorch's 13, and none of them slowed by conversions of bfloat16.
 *
 * Rows are handled a few at a time ("folded"), so that few channels fill the vector registers too. Sums are taken in a
 * fixed order for a given number of threads: the same batch gives the same bits.
 *
 * The file includes itself once for each kind of number, with T the type in memory and KIND its name.
 */
#ifndef KIND
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#define WIDE 64    /* at least so many numbers in a folded row, where the number of rows allows it */
#define BLOCK 128  /* folded rows summed in float before the sum goes into a double */
#define TOGETHER 4 /* folded rows whose sums are taken without a look at memory */
#define AHEAD 2048 /* bytes asked for before they are needed: by itself a processor stops at the end of a page */

#define INLINE static inline __attribute__((always_inline))
#define SOON(from) __builtin_prefetch((const char *)(from) + AHEAD)
#define IN_THREADS _Pragma("omp parallel for num_threads(threads) schedule(static, 1)") for (int t = 0; t < threads; t++)
#define JOINED(name, kind) name##_##kind
#define JOIN(name, kind) JOINED(name, kind)
#define NAMED(name) JOIN(name, KIND)

/* A call for each vector of a folded row, told its column and lanes: a constant number, but for what is left over. */
#define EACH_VECTOR(CALL)                                                                                              \
    {                                                                                                                  \
        int64_t column = 0;                                                                                            \
        {                                                                                                              \
            enum { lanes = LANES };                                                                                    \
            for (; column + lanes <= width; column += lanes) CALL;                                                     \
        }                                                                                                              \
        int64_t lanes = width - column;                                                                                \
        if (lanes > 0) CALL;                                                                                           \
    }

/* What belongs to the columns of a folded row, in whole vectors, and the sums of all threads. */
typedef struct {
    int64_t width, padded;
    float *room, *middle, *scale, *offset, *slope, *level;
    float *sums;            /* two of a row for each thread: of the block of rows that is being read */
    double *parts, *totals; /* two of a row for each thread: of all blocks; two for each channel */
} Columns;

static int64_t fold(int64_t rows, int64_t channels) {
    int64_t times = 1;
    while ((times * channels < WIDE || times * channels % LANES) && times < WIDE && rows % (2 * times) == 0) times *= 2;
    return times;
}

static void release(Columns *row) {
    free(row->room);
    free(row->parts);
}

/* Returns 0 if well, all numbers being 0. */
static int reserve(Columns *row, int64_t width, int threads) {
    int64_t padded = (width + LANES - 1) / LANES * LANES;
    row->width = width;
    row->padded = padded;
    row->room = calloc((size_t)(2 * threads + 5) * padded, sizeof(float));
    row->parts = calloc((size_t)(2 * threads + 2) * width, sizeof(double));
    if (!row->room || !row->parts) {
        release(row);
        return 1;
    }
    row->totals = row->parts + 2 * threads * width;
    row->middle = row->room;
    row->scale = row->middle + padded;
    row->offset = row->scale + padded;
    row->slope = row->offset + padded;
    row->level = row->slope + padded;
    row->sums = row->level + padded;
    return 0;
}

/* A thread's sums over a block go to those over all blocks. */
static void move_on(const Columns *row, int t) {
    for (int k = 2 * t; k < 2 * t + 2; k++) {
        float *sums = row->sums + k * row->padded;
        for (int64_t i = 0; i < row->width; i++) row->parts[k * row->width + i] += sums[i];
        memset(sums, 0, row->padded * sizeof(float));
    }
}

/* The sums of all threads and foldings, by channel: totals[2][channels]. */
static void gather(const Columns *row, int threads, int64_t channels) {
    for (int k = 0; k < 2 * threads; k++)
        for (int64_t i = 0; i < row->width; i++)
            row->totals[k % 2 * channels + i % channels] += row->parts[k * row->width + i];
}

#define KIND bf16
#define T uint16_t
#include "batch_norm.c"
#undef KIND
#undef T
#define KIND f32
#define T float
#include "batch_norm.c"

#else

INLINE floats NAMED(take)(const T *from, int64_t lanes) {
    return lanes == LANES ? NAMED(read)(from) : NAMED(read_some)(from, lanes);
}

INLINE void NAMED(put)(T *to, floats values, int64_t lanes) {
    if (lanes == LANES)
        NAMED(write)(to, values);
    else
        NAMED(write_some)(to, values, lanes);
}

/* Sums of count rows of x, and of their squares; all less the middle, which keeps the squares small. */
INLINE void NAMED(forward_sums)(const T *x, int count, const Columns *row, int t, int64_t column, int64_t lanes) {
    float *at = row->sums + 2 * t * row->padded + column;
    floats sum = read_f32(at), square = read_f32(at + row->padded), middle = read_f32(row->middle + column);
    for (int k = 0; k < count; k++) {
        const T *from = x + k * row->width + column;
        SOON(from);
        floats v = NAMED(take)(from, lanes) - middle;
        sum += v;
        square += v * v;
    }
    write_f32(at, sum);
    write_f32(at + row->padded, square);
}

/* Sums of count rows of what the activation lets through, and of its product with x less the mean. */
INLINE void NAMED(backward_sums)(const T *grad, const T *x, int count, const Columns *row, floats low, floats high,
                                 int t, int64_t column, int64_t lanes) {
    float *at = row->sums + 2 * t * row->padded + column;
    floats sum = read_f32(at), product = read_f32(at + row->padded), middle = read_f32(row->middle + column),
           scale = read_f32(row->scale + column), offset = read_f32(row->offset + column);
    for (int k = 0; k < count; k++) {
        const T *from = x + k * row->width + column, *g = grad + k * row->width + column;
        SOON(from);
        SOON(g);
        floats v = NAMED(take)(from, lanes) - middle, out = v * scale + offset;
        floats passed = where((words)((out > low) & (out < high)), NAMED(take)(g, lanes));
        sum += passed;
        product += passed * v;
    }
    write_f32(at, sum);
    write_f32(at + row->padded, product);
}

INLINE void NAMED(forward_row)(const T *x, T *y, const Columns *row, floats low, floats high, int64_t column,
                               int64_t lanes) {
    SOON(x + column);
    floats v = NAMED(take)(x + column, lanes) * read_f32(row->scale + column) + read_f32(row->offset + column);
    NAMED(put)(y + column, within(v, low, high), lanes);
}

INLINE void NAMED(backward_row)(const T *grad, const T *x, T *dx, const Columns *row, floats low, floats high,
                                int64_t column, int64_t lanes) {
    SOON(x + column);
    SOON(grad + column);
    floats v = NAMED(take)(x + column, lanes) - read_f32(row->middle + column), scale = read_f32(row->scale + column),
           out = v * scale + read_f32(row->offset + column);
    floats passed = where((words)((out > low) & (out < high)), NAMED(take)(grad + column, lanes));
    v = v * read_f32(row->slope + column) + read_f32(row->level + column);
    NAMED(put)(dx + column, passed * scale + v, lanes);
}

/* mean, inverse: (channels), written. running_*: NULL or (channels), moved on by momentum. Returns 0 if well. */
int NAMED(forward)(const T *restrict x, T *restrict y, int64_t rows, int64_t channels, const float *weight,
                   const float *bias, float *mean, float *inverse, float *running_mean, float *running_var,
                   double momentum, double eps, float lowest, float highest, int threads) {
    int64_t times = fold(rows, channels), width = times * channels, lines = rows / times;
    Columns row;
    if (reserve(&row, width, threads)) return 1;
    for (int64_t i = 0; i < width; i++) row.middle[i] = NAMED(take)(x + i % channels, 1)[0];
    IN_THREADS {
        const Columns own = row; /* nobody else knows it: no write can change it */
        int64_t r = lines * t / threads, end = lines * (t + 1) / threads;
        while (r < end) {
            int64_t until = end - r < BLOCK ? end : r + BLOCK;
            for (; r + TOGETHER <= until; r += TOGETHER)
                EACH_VECTOR(NAMED(forward_sums)(x + r * width, TOGETHER, &own, t, column, lanes))
            for (; r < until; r++) EACH_VECTOR(NAMED(forward_sums)(x + r * width, 1, &own, t, column, lanes))
            move_on(&row, t);
        }
    }
    gather(&row, threads, channels);
    for (int64_t c = 0; c < channels; c++) {
        double from_middle = row.totals[c] / rows, var = row.totals[channels + c] / rows - from_middle * from_middle;
        if (var < 0) var = 0;
        mean[c] = (float)(row.middle[c] + from_middle);
        inverse[c] = (float)(1 / sqrt(var + eps));
        if (running_mean) {
            double unbiased = var * rows / (rows - 1.0);
            running_mean[c] = (float)((1 - momentum) * running_mean[c] + momentum * mean[c]);
            running_var[c] = (float)((1 - momentum) * running_var[c] + momentum * unbiased);
        }
    }
    for (int64_t i = 0; i < width; i++) {
        int64_t c = i % channels;
        row.scale[i] = weight[c] * inverse[c];
        row.offset[i] = bias[c] - mean[c] * row.scale[i];
    }
    floats low = all(lowest), high = all(highest);
    IN_THREADS {
        const Columns own = row;
        for (int64_t r = lines * t / threads; r < lines * (t + 1) / threads; r++)
            EACH_VECTOR(NAMED(forward_row)(x + r * width, y + r * width, &own, low, high, column, lanes))
    }
    release(&row);
    return 0;
}

/* grad: of y. dx as x; dweight, dbias: (channels), written. The activation passes what lies between its bounds. */
int NAMED(backward)(const T *restrict grad, const T *restrict x, T *restrict dx, int64_t rows, int64_t channels,
                    const float *weight, const float *bias, const float *mean, const float *inverse, float *dweight,
                    float *dbias, float lowest, float highest, int threads) {
    int64_t times = fold(rows, channels), width = times * channels, lines = rows / times;
    Columns row;
    if (reserve(&row, width, threads)) return 1;
    for (int64_t i = 0; i < width; i++) {
        int64_t c = i % channels;
        row.middle[i] = mean[c];
        row.scale[i] = weight[c] * inverse[c];
        row.offset[i] = bias[c];
    }
    floats low = all(lowest), high = all(highest);
    IN_THREADS {
        const Columns own = row;
        int64_t r = lines * t / threads, end = lines * (t + 1) / threads;
        while (r < end) {
            int64_t until = end - r < BLOCK ? end : r + BLOCK;
            for (; r + TOGETHER <= until; r += TOGETHER)
                EACH_VECTOR(NAMED(backward_sums)(grad + r * width, x + r * width, TOGETHER, &own, low, high, t, column,
                                                 lanes))
            for (; r < until; r++)
                EACH_VECTOR(NAMED(backward_sums)(grad + r * width, x + r * width, 1, &own, low, high, t, column, lanes))
            move_on(&row, t);
        }
    }
    gather(&row, threads, channels);
    for (int64_t c = 0; c < channels; c++) {
        dbias[c] = (float)row.totals[c];
        dweight[c] = (float)(row.totals[channels + c] * inverse[c]);
    }
    for (int64_t i = 0; i < width; i++) {
        int64_t c = i % channels;
        row.slope[i] = (float)(-row.scale[i] * inverse[c] * inverse[c] * row.totals[channels + c] / rows);
        row.level[i] = (float)(-row.scale[i] * row.totals[c] / rows);
    }
    IN_THREADS {
        const Columns own = row;
        for (int64_t r = lines * t / threads; r < lines * (t + 1) / threads; r++)
            EACH_VECTOR(NAMED(backward_row)(grad + r * width, x + r * width, dx + r * width, &own, low, high, column,
                                            lanes))
    }
    release(&row);
    return 0;
}
#endif
