/* Some channels at once, bfloat16 or float32 in memory and float32 in the registers: gcc's and clang's own vectors, which
 * they turn into whatever the processor has.
 */
#ifndef VECTORS_H
#define VECTORS_H
#include <stdint.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#ifndef LANES
#ifdef __AVX512F__ /* one register: gcc makes slow code of vectors that take several */
#define LANES 16
#elif defined __AVX2__
#define LANES 8
#else
#define LANES 4
#endif
#endif
typedef float floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

static inline floats read_bf16(const uint16_t *from) {
    halves read;
    memcpy(&read, from, sizeof read);
#ifdef __AVX512F__ /* gcc 12 makes five instructions of a conversion that is one */
    return (floats)((words)_mm512_cvtepu16_epi32((__m256i)read) << 16);
#else
    return (floats)(__builtin_convertvector(read, words) << 16);
#endif
}

static inline void write_bf16(uint16_t *to, floats values) { /* to the nearest, ties to even; NaN stays NaN */
#ifdef __AVX512BF16__
    __m256bh written = _mm512_cvtneps_pbh((__m512)values);
#else
    words bits = (words)values, nan = (words)(values != values);
    words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    halves written = __builtin_convertvector((nan & (bits >> 16 | 0x40)) | (~nan & rounded), halves);
#endif
    memcpy(to, &written, sizeof written);
}

static inline floats read_f32(const float *from) {
    floats read;
    memcpy(&read, from, sizeof read);
    return read;
}

static inline void write_f32(float *to, floats values) { memcpy(to, &values, sizeof values); }

static inline floats all(float value) { return value - (floats){0}; }

/* The values where the mask's bits are set, 0 elsewhere. */
static inline floats where(words mask, floats values) { return (floats)(mask & (words)values); }

static inline floats within(floats values, floats low, floats high) { /* NaN stays NaN */
#ifdef __AVX512F__
    return (floats)_mm512_min_ps((__m512)high, _mm512_max_ps((__m512)low, (__m512)values));
#else
    words below = (words)(values < low), above = (words)(values > high);
    return (floats)((below & (words)low) | (above & (words)high) | (~(below | above) & (words)values));
#endif
}

/* The last channels, where they are not sixteen. */
#define SOME(T, NAME)                                                                                                  \
    static inline floats read_some_##NAME(const T *from, int64_t count) {                                              \
        T room[LANES] = {0};                                                                                           \
        memcpy(room, from, count * sizeof(T));                                                                         \
        return read_##NAME(room);                                                                                      \
    }                                                                                                                  \
    static inline void write_some_##NAME(T *to, floats values, int64_t count) {                                        \
        T room[LANES];                                                                                                 \
        write_##NAME(room, values);                                                                                    \
        memcpy(to, room, count * sizeof(T));                                                                           \
    }
SOME(uint16_t, bf16)
SOME(float, f32)
#endif
