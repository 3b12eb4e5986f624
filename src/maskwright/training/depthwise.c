/* Both gradients of a depthwise convolution in one go, channels last. Each row of the output's gradient is turned into
 * floats once, sixteen channels together, spread by the stride with zeros between and around; each input pixel meets it
 * from there through all taps. Sums are taken in float, in a fixed order for a given number of threads.
 *
 * x: (N, H, W, C). grad: (N, P, Q, C), of the output, whose pixel (p, q) meets through tap (t, u) the input's pixel
 * (p * stride - pad + t * apart, and so on).
 */
#include <stdlib.h>

#define LANES 16 /* as in depthwise.py */
#include "vectors.h"

typedef struct {
    int64_t n, h, w, c, p, q, size;      /* of x, grad and the kernel: K is 3, 5 or 7 */
    int64_t stride[2], pad[2], apart[2]; /* down and across */
} layout;

#define MOST 7
#define FEWER(a, b) ((a) < (b) ? (a) : (b))

/* Rows as floats: (slots, C / 16, width, 16); slot `row % slots` holds row `kept[slot]`, counted over all pictures. */
typedef struct {
    floats *room;
    int64_t *kept, slots, width, blocks;
} float_rows;

static int begin(float_rows *r, const layout *l) {
    r->slots = (l->size - 1) * l->apart[0] + 1;
    r->width = l->w + (l->size - 1) * l->apart[1];
    r->blocks = (l->c + LANES - 1) / LANES;
    size_t bytes = (r->slots * r->blocks + 1) * r->width * sizeof(floats); /* one more block stays zero */
    r->kept = malloc(r->slots * sizeof *r->kept);
    r->room = aligned_alloc(sizeof(floats), bytes);
    if (!r->kept || !r->room) return 1;
    memset(r->room, 0, bytes);
    for (int64_t i = 0; i < r->slots; i++) r->kept[i] = -1;
    return 0;
}

static void end(float_rows *r) {
    free(r->kept);
    free(r->room);
}

/* The output row that an input row meets through a tap, or -1. */
static int64_t met(const layout *l, int64_t row, int64_t tap) {
    int64_t place = row + l->pad[0] - tap * l->apart[0], p = place / l->stride[0];
    return place >= 0 && place % l->stride[0] == 0 && p < l->p ? p : -1;
}

#define EACH_TAP _Pragma("GCC unroll 7") for (int t = 0; t < R; t++) _Pragma("GCC unroll 7") for (int u = 0; u < K; u++)

#define DEPTHWISE(T, NAME)                                                                                             \
    /* A row of a map (rows, Q, C) as floats, where it is not kept; its pixel k lies at pixel first + k * stride. */   \
    static floats *floats_of_##NAME(float_rows *r, const layout *l, const T *map, int64_t row) {                       \
        floats *into = r->room + row % r->slots * r->blocks * r->width;                                                \
        if (r->kept[row % r->slots] == row) return into;                                                               \
        r->kept[row % r->slots] = row;                                                                                 \
        const T *from = map + row * l->q * l->c;                                                                       \
        int64_t at = (l->size - 1) * l->apart[1] - l->pad[1];                                                          \
        for (int64_t k = 0; k < l->q; k++, from += l->c, at += l->stride[1]) {                                         \
            int64_t c = 0;                                                                                             \
            if (at < 0 || at >= r->width) continue;                                                                    \
            for (; c + LANES <= l->c; c += LANES) into[c / LANES * r->width + at] = read_##NAME(from + c);             \
            if (c < l->c) into[c / LANES * r->width + at] = read_some_##NAME(from + c, l->c - c);                      \
        }                                                                                                              \
        return into;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    /* A row of x, sixteen channels, against R rows; taps: which of the kernel's rows these are. */                    \
    static inline __attribute__((always_inline)) void block_##NAME(const T *x, T *dx, floats *const *rows,             \
                                                                   const int *taps, const float *weights, float *sums, \
                                                                   const layout *l, int64_t some, const int R,         \
                                                                   const int K) {                                      \
        floats weight[MOST][MOST], by_weight[MOST][MOST];                                                              \
        EACH_TAP weight[t][u] = read_f32(weights + (taps[t] * K + u) * LANES);                                         \
        EACH_TAP by_weight[t][u] = (floats){0};                                                                        \
        for (int64_t j = 0; j < l->w; j++, x += l->c, dx += l->c) {                                                    \
            __builtin_prefetch(x + l->w * l->c); /* the next row */                                                    \
            __builtin_prefetch(dx + l->w * l->c, 1);                                                                   \
            floats sum = {0}, value = some == LANES ? read_##NAME(x) : read_some_##NAME(x, some);                      \
            EACH_TAP {                                                                                                 \
                floats slope = rows[t][j + (K - 1 - u) * l->apart[1]];                                                 \
                sum += slope * weight[t][u];                                                                           \
                by_weight[t][u] += slope * value;                                                                      \
            }                                                                                                          \
            if (some == LANES)                                                                                         \
                write_##NAME(dx, sum);                                                                                 \
            else                                                                                                       \
                write_some_##NAME(dx, sum, some);                                                                      \
        }                                                                                                              \
        EACH_TAP {                                                                                                     \
            float *to = sums + (taps[t] * K + u) * LANES;                                                              \
            write_f32(to, read_f32(to) + by_weight[t][u]);                                                             \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    /* weights: (C / 16, K * K, 16). dx: as x, written. sums: (threads, C / 16, K * K, 16), zeros before; summed over  \
     * threads they are the gradient by the weights. Returns 0 if well. */                                             \
    int depthwise_back_##NAME(const T *grad, const T *x, const float *weights, T *dx, float *sums, const layout *l,    \
                              int threads) {                                                                           \
        int64_t lines = l->n * l->h, taps_of_block = l->size * l->size * LANES;                                        \
        int failed = 0;                                                                                                \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : failed)")                     \
        for (int thread = 0; thread < threads; thread++) {                                                             \
            float_rows r = {0};                                                                                        \
            int64_t line = lines * thread / threads, last = lines * (thread + 1) / threads;                            \
            if (begin(&r, l)) failed++, line = last;                                                                   \
            for (; line < last; line++) {                                                                              \
                floats *rows[MOST], *at[MOST], *zeros = r.room + r.slots * r.blocks * r.width;                         \
                int taps[MOST], count = 0;                                                                             \
                for (int t = 0; t < l->size; t++) {                                                                    \
                    int64_t p = met(l, line % l->h, t);                                                                \
                    if (p < 0 && l->size == 3) continue;                                                               \
                    taps[count] = t;                                                                                   \
                    rows[count++] = p < 0 ? NULL : floats_of_##NAME(&r, l, grad, line / l->h * l->p + p);              \
                }                                                                                                      \
                for (int64_t b = 0; b < r.blocks; b++) {                                                               \
                    int64_t some = FEWER(LANES, l->c - b * LANES), from = line * l->w * l->c + b * LANES;              \
                    const float *by = weights + b * taps_of_block;                                                     \
                    float *to = sums + (thread * r.blocks + b) * taps_of_block;                                        \
                    for (int t = 0; t < count; t++) at[t] = rows[t] ? rows[t] + b * r.width : zeros;                   \
                    if (l->size == 7)                                                                                  \
                        block_##NAME(x + from, dx + from, at, taps, by, to, l, some, 7, 7);                            \
                    else if (l->size == 5)                                                                             \
                        block_##NAME(x + from, dx + from, at, taps, by, to, l, some, 5, 5);                            \
                    else if (count == 3)                                                                               \
                        block_##NAME(x + from, dx + from, at, taps, by, to, l, some, 3, 3);                            \
                    else if (count == 2)                                                                               \
                        block_##NAME(x + from, dx + from, at, taps, by, to, l, some, 2, 3);                            \
                    else if (count == 1)                                                                               \
                        block_##NAME(x + from, dx + from, at, taps, by, to, l, some, 1, 3);                            \
                    else                                                                                               \
                        block_##NAME(x + from, dx + from, at, taps, by, to, l, some, 0, 3);                            \
                }                                                                                                      \
            }                                                                                                          \
            end(&r);                                                                                                   \
        }                                                                                                              \
        return failed;                                                                                                 \
    }

DEPTHWISE(uint16_t, bf16)
DEPTHWISE(float, f32)
