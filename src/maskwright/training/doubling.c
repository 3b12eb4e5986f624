/* A 3x3 convolution of features doubled by "nearest", as nine products a small pixel: here the products are added up.
 *
 * The doubled pixel (r, q) meets, through tap (t, u) of the kernel, the small pixel ((r + t - 1) >> 1, (q + u - 1) >> 1),
 * or the margin of zeros. Sums are taken in float, in a fixed order.
 */
#include "vectors.h"

#define DOUBLING(T, NAME)                                                                                              \
    static inline void add_up_##NAME(T *restrict into, const T *const *parts, int count, int64_t channels) {           \
        int64_t c = 0;                                                                                                 \
        for (; c + 4 * LANES <= channels; c += 4 * LANES) {                                                            \
            floats a = {0}, b = {0}, e = {0}, f = {0};                                                                 \
            for (int k = 0; k < count; k++) {                                                                          \
                a += read_##NAME(parts[k] + c);                                                                        \
                b += read_##NAME(parts[k] + c + LANES);                                                                \
                e += read_##NAME(parts[k] + c + 2 * LANES);                                                            \
                f += read_##NAME(parts[k] + c + 3 * LANES);                                                            \
            }                                                                                                          \
            write_##NAME(into + c, a);                                                                                 \
            write_##NAME(into + c + LANES, b);                                                                         \
            write_##NAME(into + c + 2 * LANES, e);                                                                     \
            write_##NAME(into + c + 3 * LANES, f);                                                                     \
        }                                                                                                              \
        for (; c < channels; c += LANES) {                                                                             \
            int64_t left = channels - c < LANES ? channels - c : LANES;                                                \
            floats sum = {0};                                                                                          \
            for (int k = 0; k < count; k++) sum += read_some_##NAME(parts[k] + c, left);                               \
            write_some_##NAME(into + c, sum, left);                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    /* products: (N, h, w, 3, 3, D). beside: NULL or (N, 2h, 2w, D), added. y: (N, 2h, 2w, D), written. */             \
    void gather_taps_##NAME(const T *products, const T *beside, T *y, int64_t n, int64_t h, int64_t w, int64_t d,      \
                            int threads) {                                                                             \
        _Pragma("omp parallel for num_threads(threads) schedule(static)") for (int64_t row = 0; row < n * 2 * h;       \
                                                                               row++) {                                \
            int64_t r = row % (2 * h);                                                                                 \
            const T *picture = products + row / (2 * h) * h * w * 9 * d;                                               \
            for (int64_t q = 0; q < 2 * w; q++) {                                                                      \
                const T *parts[10];                                                                                    \
                int count = 0;                                                                                         \
                for (int t = 0; t < 3; t++) {                                                                          \
                    int64_t i = (r + t - 1) >> 1;                                                                      \
                    for (int u = 0; u < 3; u++) {                                                                      \
                        int64_t j = (q + u - 1) >> 1;                                                                  \
                        if (i >= 0 && i < h && j >= 0 && j < w)                                                        \
                            parts[count++] = picture + (((i * w + j) * 3 + t) * 3 + u) * d;                            \
                    }                                                                                                  \
                }                                                                                                      \
                int64_t at = (row * 2 * w + q) * d;                                                                    \
                if (beside) parts[count++] = beside + at;                                                              \
                add_up_##NAME(y + at, parts, count, d);                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    /* grad: (N, 2h, 2w, D), of y. by_products: (N, h, w, 3, 3, D), written. */                                        \
    void spread_taps_##NAME(const T *grad, T *by_products, int64_t n, int64_t h, int64_t w, int64_t d, int threads) {  \
        _Pragma("omp parallel for num_threads(threads) schedule(static)") for (int64_t row = 0; row < n * h; row++) {  \
            int64_t i = row % h;                                                                                       \
            const T *picture = grad + row / h * 4 * h * w * d;                                                         \
            for (int64_t j = 0; j < w; j++)                                                                            \
                for (int t = 0; t < 3; t++)                                                                            \
                    for (int u = 0; u < 3; u++) {                                                                      \
                        const T *parts[4];                                                                             \
                        int count = 0;                                                                                 \
                        for (int64_t r = 2 * i + 1 - t; r < 2 * i + 3 - t; r++)                                        \
                            for (int64_t q = 2 * j + 1 - u; q < 2 * j + 3 - u; q++)                                    \
                                if (r >= 0 && r < 2 * h && q >= 0 && q < 2 * w)                                        \
                                    parts[count++] = picture + (r * 2 * w + q) * d;                                    \
                        add_up_##NAME(by_products + (((row * w + j) * 3 + t) * 3 + u) * d, parts, count, d);           \
                    }                                                                                                  \
        }                                                                                                              \
    }

DOUBLING(uint16_t, bf16)
DOUBLING(float, f32)
