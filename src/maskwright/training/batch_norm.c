/* Batch norm in training with the activation behind it, on rows of channels (channels last): 8 passes over memory
 * instead of PyTorch's 13, and none of them slowed by conversions of bfloat16.
 *
 * Rows are handled a few at a time ("folded"), so that few channels fill the vector registers too. Sums are taken in a
 * fixed order for a given number of threads: the same batch gives the same bits.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WIDE 64   /* at least so many numbers in a folded row, where the number of rows allows it */
#define BLOCK 128 /* folded rows summed in float before the sum goes into a double */

static inline float from_bf16(uint16_t v) {
    uint32_t bits = (uint32_t)v << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static inline uint16_t to_bf16(float f) { /* to the nearest, ties to even */
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline float from_f32(float v) { return v; }
static inline float to_f32(float v) { return v; }

static int64_t fold(int64_t rows, int64_t channels) {
    int64_t times = 1;
    while (times * channels < WIDE && rows % (2 * times) == 0) times *= 2;
    return times;
}

/* Per-channel numbers repeated to the width of a folded row. */
static void spread(float *to, const float *from, int64_t channels, int64_t width) {
    for (int64_t i = 0; i < width; i++) to[i] = from[i % channels];
}

/* Two sums of a folded row's columns over threads and foldings: sums[2][channels] in double. */
static void gather(double *sums, const double *parts, int64_t threads, int64_t width, int64_t channels) {
    memset(sums, 0, 2 * channels * sizeof(double));
    for (int64_t t = 0; t < threads; t++)
        for (int64_t k = 0; k < 2; k++)
            for (int64_t i = 0; i < width; i++) sums[k * channels + i % channels] += parts[(t * 2 + k) * width + i];
}

#define KERNELS(T, NAME, READ, WRITE)                                                                                  \
    /* mean, inverse: (channels), written. running_*: NULL or (channels), moved on by momentum. Returns 0 if well. */  \
    int forward_##NAME(const T *restrict x, T *restrict y, int64_t rows, int64_t channels, const float *weight,        \
                       const float *bias, float *mean, float *inverse, float *running_mean, float *running_var,        \
                       double momentum, double eps, float low, float high, int threads) {                              \
        int64_t times = fold(rows, channels), width = times * channels, lines = rows / times;                          \
        double *parts = calloc((size_t)(2 * threads + 2) * width, sizeof(double));                                     \
        float *room = malloc((size_t)(2 * threads + 3) * width * sizeof(float));                                       \
        if (!parts || !room) {                                                                                         \
            free(parts);                                                                                               \
            free(room);                                                                                                \
            return 1;                                                                                                  \
        }                                                                                                              \
        double *sums = parts + 2 * threads * width;                                                                    \
        float *first = room, *scale = room + width, *shift = room + 2 * width;                                         \
        for (int64_t i = 0; i < width; i++) first[i] = READ(x[i % channels]); /* keeps the sums of squares small */    \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1)") for (int t = 0; t < threads; t++) {       \
            double *sum = parts + 2 * t * width, *square = sum + width;                                                \
            float *s = room + (3 + 2 * t) * width, *q = s + width;                                                     \
            for (int64_t start = lines * t / threads, end = lines * (t + 1) / threads; start < end; start += BLOCK) {  \
                memset(s, 0, 2 * width * sizeof(float));                                                               \
                for (int64_t r = start; r < (start + BLOCK < end ? start + BLOCK : end); r++) {                        \
                    const T *restrict from = x + r * width;                                                            \
                    _Pragma("omp simd") for (int64_t i = 0; i < width; i++) {                                          \
                        float v = READ(from[i]) - first[i];                                                            \
                        s[i] += v;                                                                                     \
                        q[i] += v * v;                                                                                 \
                    }                                                                                                  \
                }                                                                                                      \
                for (int64_t i = 0; i < width; i++) sum[i] += s[i], square[i] += q[i];                                 \
            }                                                                                                          \
        }                                                                                                              \
        gather(sums, parts, threads, width, channels);                                                                 \
        for (int64_t c = 0; c < channels; c++) {                                                                       \
            double from_first = sums[c] / rows, var = sums[channels + c] / rows - from_first * from_first;             \
            if (var < 0) var = 0;                                                                                      \
            mean[c] = (float)(first[c] + from_first);                                                                  \
            inverse[c] = (float)(1 / sqrt(var + eps));                                                                 \
            if (running_mean) {                                                                                        \
                double unbiased = var * rows / (rows - 1.0);                                                           \
                running_mean[c] = (float)((1 - momentum) * running_mean[c] + momentum * mean[c]);                      \
                running_var[c] = (float)((1 - momentum) * running_var[c] + momentum * unbiased);                       \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t i = 0; i < width; i++) {                                                                          \
            int64_t c = i % channels;                                                                                  \
            scale[i] = weight[c] * inverse[c];                                                                         \
            shift[i] = bias[c] - mean[c] * scale[i];                                                                   \
        }                                                                                                              \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1)") for (int t = 0; t < threads; t++) {       \
            for (int64_t r = lines * t / threads; r < lines * (t + 1) / threads; r++) {                                \
                const T *restrict from = x + r * width;                                                                \
                T *restrict into = y + r * width;                                                                      \
                _Pragma("omp simd") for (int64_t i = 0; i < width; i++) {                                              \
                    float v = READ(from[i]) * scale[i] + shift[i];                                                     \
                    v = v < low ? low : v;                                                                             \
                    v = v > high ? high : v;                                                                           \
                    into[i] = WRITE(v);                                                                                \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        free(parts);                                                                                                   \
        free(room);                                                                                                    \
        return 0;                                                                                                      \
    }                                                                                                                  \
                                                                                                                       \
    /* grad: of y. dx as x; dweight, dbias: (channels), written. The activation passes what lies between its bounds. */\
    int backward_##NAME(const T *restrict grad, const T *restrict x, T *restrict dx, int64_t rows, int64_t channels,   \
                        const float *weight, const float *bias, const float *mean, const float *inverse,               \
                        float *dweight, float *dbias, float low, float high, int threads) {                            \
        int64_t times = fold(rows, channels), width = times * channels, lines = rows / times;                          \
        double *parts = calloc((size_t)(2 * threads + 2) * width, sizeof(double));                                     \
        float *room = malloc((size_t)(2 * threads + 5) * width * sizeof(float));                                       \
        if (!parts || !room) {                                                                                         \
            free(parts);                                                                                               \
            free(room);                                                                                                \
            return 1;                                                                                                  \
        }                                                                                                              \
        double *sums = parts + 2 * threads * width;                                                                    \
        float *middle = room, *scale = room + width, *offset = room + 2 * width, *slope = room + 3 * width,            \
              *level = room + 4 * width;                                                                               \
        spread(middle, mean, channels, width);                                                                         \
        spread(offset, bias, channels, width);                                                                         \
        for (int64_t i = 0; i < width; i++) scale[i] = weight[i % channels] * inverse[i % channels];                   \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1)") for (int t = 0; t < threads; t++) {       \
            double *sum = parts + 2 * t * width, *product = sum + width;                                               \
            float *s = room + (5 + 2 * t) * width, *q = s + width;                                                     \
            for (int64_t start = lines * t / threads, end = lines * (t + 1) / threads; start < end; start += BLOCK) {  \
                memset(s, 0, 2 * width * sizeof(float));                                                               \
                for (int64_t r = start; r < (start + BLOCK < end ? start + BLOCK : end); r++) {                        \
                    const T *restrict from = x + r * width, *restrict g = grad + r * width;                            \
                    _Pragma("omp simd") for (int64_t i = 0; i < width; i++) {                                          \
                        float v = READ(from[i]) - middle[i], out = v * scale[i] + offset[i];                           \
                        float passed = (out > low) & (out < high) ? READ(g[i]) : 0.0f;                                 \
                        s[i] += passed;                                                                                \
                        q[i] += passed * v;                                                                            \
                    }                                                                                                  \
                }                                                                                                      \
                for (int64_t i = 0; i < width; i++) sum[i] += s[i], product[i] += q[i];                                \
            }                                                                                                          \
        }                                                                                                              \
        gather(sums, parts, threads, width, channels);                                                                 \
        for (int64_t c = 0; c < channels; c++) {                                                                       \
            dbias[c] = (float)sums[c];                                                                                 \
            dweight[c] = (float)(sums[channels + c] * inverse[c]);                                                     \
        }                                                                                                              \
        for (int64_t i = 0; i < width; i++) {                                                                          \
            int64_t c = i % channels;                                                                                  \
            slope[i] = (float)(-scale[i] * inverse[c] * inverse[c] * sums[channels + c] / rows);                       \
            level[i] = (float)(-scale[i] * sums[c] / rows);                                                            \
        }                                                                                                              \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1)") for (int t = 0; t < threads; t++) {       \
            for (int64_t r = lines * t / threads; r < lines * (t + 1) / threads; r++) {                                \
                const T *restrict from = x + r * width, *restrict g = grad + r * width;                                \
                T *restrict into = dx + r * width;                                                                     \
                _Pragma("omp simd") for (int64_t i = 0; i < width; i++) {                                              \
                    float v = READ(from[i]) - middle[i], out = v * scale[i] + offset[i];                               \
                    float passed = (out > low) & (out < high) ? READ(g[i]) : 0.0f;                                     \
                    into[i] = WRITE(passed * scale[i] + v * slope[i] + level[i]);                                      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        free(parts);                                                                                                   \
        free(room);                                                                                                    \
        return 0;                                                                                                      \
    }

KERNELS(uint16_t, bf16, from_bf16, to_bf16)
KERNELS(float, f32, from_f32, to_f32)
