/* SPDX-License-Identifier: BSD-3-Clause */
/* ChaCha20. In wide registers: a register holds the same row of two or four blocks, so a quarter round works on all columns
 * at once; between column and diagonal rounds the rows turn within their blocks. */
#include "chacha20_private.h"

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

/* ---- AVX-512: two groups of four blocks, interleaved ---- */

#define WITH_AVX512 __attribute__((target("avx512f")))

struct rows512 {
    __m512i a, b, c, d;
};

WITH_AVX512 static inline void quarter512(struct rows512 *x)
{
    x->a = _mm512_add_epi32(x->a, x->b);
    x->d = _mm512_rol_epi32(_mm512_xor_si512(x->d, x->a), 16);
    x->c = _mm512_add_epi32(x->c, x->d);
    x->b = _mm512_rol_epi32(_mm512_xor_si512(x->b, x->c), 12);
    x->a = _mm512_add_epi32(x->a, x->b);
    x->d = _mm512_rol_epi32(_mm512_xor_si512(x->d, x->a), 8);
    x->c = _mm512_add_epi32(x->c, x->d);
    x->b = _mm512_rol_epi32(_mm512_xor_si512(x->b, x->c), 7);
}

WITH_AVX512 static inline void double512(struct rows512 *x)
{
    quarter512(x);
    x->b = _mm512_shuffle_epi32(x->b, _MM_PERM_ADCB);
    x->c = _mm512_shuffle_epi32(x->c, _MM_PERM_BADC);
    x->d = _mm512_shuffle_epi32(x->d, _MM_PERM_CBAD);
    quarter512(x);
    x->b = _mm512_shuffle_epi32(x->b, _MM_PERM_CBAD);
    x->c = _mm512_shuffle_epi32(x->c, _MM_PERM_BADC);
    x->d = _mm512_shuffle_epi32(x->d, _MM_PERM_ADCB);
}

/* From rows of four blocks to four blocks of rows. */
WITH_AVX512 static inline void store512(uint8_t *out, const struct rows512 *x, const struct rows512 *in)
{
    __m512i a = _mm512_add_epi32(x->a, in->a), b = _mm512_add_epi32(x->b, in->b);
    __m512i c = _mm512_add_epi32(x->c, in->c), d = _mm512_add_epi32(x->d, in->d);
    __m512i ab_low = _mm512_shuffle_i32x4(a, b, 0x44), ab_high = _mm512_shuffle_i32x4(a, b, 0xee);
    __m512i cd_low = _mm512_shuffle_i32x4(c, d, 0x44), cd_high = _mm512_shuffle_i32x4(c, d, 0xee);

    _mm512_storeu_si512(out, _mm512_shuffle_i32x4(ab_low, cd_low, 0x88));
    _mm512_storeu_si512(out + 64, _mm512_shuffle_i32x4(ab_low, cd_low, 0xdd));
    _mm512_storeu_si512(out + 128, _mm512_shuffle_i32x4(ab_high, cd_high, 0x88));
    _mm512_storeu_si512(out + 192, _mm512_shuffle_i32x4(ab_high, cd_high, 0xdd));
}

WITH_AVX512 static void blocks8_avx512(uint8_t *out, const uint32_t key[8])
{
    const __m512i four = _mm512_maskz_set1_epi32(0x1111, 4);
    struct rows512 in[2], x[2];

    in[0].a = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)constants));
    in[0].b = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)key));
    in[0].c = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(key + 4)));
    in[0].d = _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0);
    in[1] = in[0];
    in[1].d = _mm512_add_epi32(in[0].d, four);
    x[0] = in[0];
    x[1] = in[1];
    for (int i = 0; i < 10; i++) {
        double512(&x[0]);
        double512(&x[1]);
    }
    store512(out, &x[0], &in[0]);
    store512(out + 256, &x[1], &in[1]);
}

/* ---- AVX2: groups of two blocks, two of them interleaved ---- */

#define WITH_AVX2 __attribute__((target("avx2")))

struct rows256 {
    __m256i a, b, c, d;
};

WITH_AVX2 static inline __m256i rotl16_256(__m256i v)
{
    return _mm256_shuffle_epi8(v,
            _mm256_broadcastsi128_si256(_mm_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2)));
}

WITH_AVX2 static inline __m256i rotl8_256(__m256i v)
{
    return _mm256_shuffle_epi8(v,
            _mm256_broadcastsi128_si256(_mm_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3)));
}

WITH_AVX2 static inline __m256i rotl_256(__m256i v, int n)
{
    return _mm256_or_si256(_mm256_slli_epi32(v, n), _mm256_srli_epi32(v, 32 - n));
}

WITH_AVX2 static inline void quarter256(struct rows256 *x)
{
    x->a = _mm256_add_epi32(x->a, x->b);
    x->d = rotl16_256(_mm256_xor_si256(x->d, x->a));
    x->c = _mm256_add_epi32(x->c, x->d);
    x->b = rotl_256(_mm256_xor_si256(x->b, x->c), 12);
    x->a = _mm256_add_epi32(x->a, x->b);
    x->d = rotl8_256(_mm256_xor_si256(x->d, x->a));
    x->c = _mm256_add_epi32(x->c, x->d);
    x->b = rotl_256(_mm256_xor_si256(x->b, x->c), 7);
}

WITH_AVX2 static inline void double256(struct rows256 *x)
{
    quarter256(x);
    x->b = _mm256_shuffle_epi32(x->b, 0x39);
    x->c = _mm256_shuffle_epi32(x->c, 0x4e);
    x->d = _mm256_shuffle_epi32(x->d, 0x93);
    quarter256(x);
    x->b = _mm256_shuffle_epi32(x->b, 0x93);
    x->c = _mm256_shuffle_epi32(x->c, 0x4e);
    x->d = _mm256_shuffle_epi32(x->d, 0x39);
}

WITH_AVX2 static inline void store256(uint8_t *out, const struct rows256 *x, const struct rows256 *in)
{
    __m256i a = _mm256_add_epi32(x->a, in->a), b = _mm256_add_epi32(x->b, in->b);
    __m256i c = _mm256_add_epi32(x->c, in->c), d = _mm256_add_epi32(x->d, in->d);

    _mm256_storeu_si256((__m256i *)out, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256((__m256i *)(out + 32), _mm256_permute2x128_si256(c, d, 0x20));
    _mm256_storeu_si256((__m256i *)(out + 64), _mm256_permute2x128_si256(a, b, 0x31));
    _mm256_storeu_si256((__m256i *)(out + 96), _mm256_permute2x128_si256(c, d, 0x31));
}

WITH_AVX2 static void blocks8_avx2(uint8_t *out, const uint32_t key[8])
{
    const __m256i two = _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2);
    struct rows256 in, x[2];

    in.a = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)constants));
    in.b = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)key));
    in.c = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(key + 4)));
    in.d = _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0);
    for (int half = 0; half < 2; half++, out += 256) {
        x[0] = in;
        x[1] = in;
        x[1].d = _mm256_add_epi32(in.d, two);
        for (int i = 0; i < 10; i++) {
            double256(&x[0]);
            double256(&x[1]);
        }
        store256(out, &x[0], &in);
        in.d = _mm256_add_epi32(in.d, two);
        store256(out + 128, &x[1], &in);
        in.d = _mm256_add_epi32(in.d, two);
    }
}

/* ---- SSE2, which every x86-64 has, by the compiler's vectors: here a register holds one word of four blocks ---- */

typedef uint32_t word4 __attribute__((vector_size(16)));

static inline word4 rotl4(word4 v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static inline void quarter4(word4 *a, word4 *b, word4 *c, word4 *d)
{
    *a += *b;
    *d = rotl4(*d ^ *a, 16);
    *c += *d;
    *b = rotl4(*b ^ *c, 12);
    *a += *b;
    *d = rotl4(*d ^ *a, 8);
    *c += *d;
    *b = rotl4(*b ^ *c, 7);
}

static void rounds4(word4 x[16])
{
    for (int i = 0; i < 10; i++) {
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            quarter4(&x[c], &x[4 + c], &x[8 + c], &x[12 + c]);
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            quarter4(&x[c], &x[4 + (c + 1) % 4], &x[8 + (c + 2) % 4], &x[12 + (c + 3) % 4]);
    }
}

static void blocks4(uint8_t out[4 * CHACHA20_BLOCK_LEN], const uint32_t key[8], uint32_t counter)
{
    word4 in[16] = {0}, x[16];

    for (int i = 0; i < 4; i++)
        in[i] += constants[i];
    for (int i = 0; i < 8; i++)
        in[4 + i] += key[i];
    in[12] = (word4){counter, counter + 1, counter + 2, counter + 3};
    memcpy(x, in, sizeof(x));
    rounds4(x);
    for (size_t i = 0; i < 16; i++) {
        x[i] += in[i];
        for (size_t block = 0; block < 4; block++)
            memcpy(out + CHACHA20_BLOCK_LEN * block + 4 * i, (uint8_t *)&x[i] + 4 * block, 4);
    }
}

/* ---- */

enum chacha20_isa chacha20_isa_best(void)
{
    if (__builtin_cpu_supports("avx512f"))
        return CHACHA20_AVX512;
    return __builtin_cpu_supports("avx2") ? CHACHA20_AVX2 : CHACHA20_SSE2;
}

void chacha20_blocks8(uint8_t out[CHACHA20_BLOCKS * CHACHA20_BLOCK_LEN], const uint32_t key[8], enum chacha20_isa isa)
{
    if (isa == CHACHA20_AVX512)
        blocks8_avx512(out, key);
    else if (isa == CHACHA20_AVX2)
        blocks8_avx2(out, key);
    else
        for (uint32_t half = 0; half < 2; half++)
            blocks4(out + (size_t)256 * half, key, 4 * half);
}
