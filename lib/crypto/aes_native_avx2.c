/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for VAES, VPCLMULQDQ and AVX2: two packets a vector. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define TARGET    __attribute__((target("avx2,vaes,vpclmulqdq,bmi,bmi2")))
#define ENTRY     TARGET
#define FN        TARGET static inline __attribute__((always_inline))
#define KERNEL    xord_native_avx2
#define LANES     2
#define VECS      4
#define PAIR      1
#define HAVE_ROWS 0

typedef __m256i vec;

#define v_clmul(a, b, which)  _mm256_clmulepi64_epi128(a, b, which)
#define v_shl64(a, bits)      _mm256_slli_epi64(a, bits)
#define v_sra32(a, bits)      _mm256_srai_epi32(a, bits)
#define v_shuffle32(a, order) _mm256_shuffle_epi32(a, order)
#define v_swap64(a)           _mm256_shuffle_epi32(a, 0x4e)

FN vec v_zero(void)
{
    return _mm256_setzero_si256();
}

FN vec v_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

FN vec v_spread(__m128i a)
{
    return _mm256_broadcastsi128_si256(a);
}

FN vec v_each(const void *p16)
{
    return v_spread(_mm_loadu_si128(p16));
}

FN vec v_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

FN vec v_xor3(vec a, vec b, vec c)
{
    return v_xor(v_xor(a, b), c);
}

FN vec v_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

FN vec v_add64(vec a, vec b)
{
    return _mm256_add_epi64(a, b);
}

FN vec v_shuffle8(vec a, vec order)
{
    return _mm256_shuffle_epi8(a, order);
}

FN vec v_aesenc(vec a, vec key)
{
    return _mm256_aesenc_epi128(a, key);
}

FN vec v_aesenclast(vec a, vec key)
{
    return _mm256_aesenclast_epi128(a, key);
}

FN vec v_gather(const uint8_t *const p[LANES])
{
    __m256i x = _mm256_castsi128_si256(_mm_loadu_si128((const void *)p[0]));

    return _mm256_inserti128_si256(x, _mm_loadu_si128((const void *)p[1]), 1);
}

/* 12 bytes from each place, then 4 zeroes. */
FN vec v_gather12(const uint8_t *const p[LANES])
{
    __m128i mask = _mm_set_epi32(0, -1, -1, -1);
    __m256i x = _mm256_castsi128_si256(_mm_maskload_epi32((const void *)p[0], mask));

    return _mm256_inserti128_si256(x, _mm_maskload_epi32((const void *)p[1], mask), 1);
}

/* From a block of each packet a vector to a packet a row. */
FN void v_store_stream(uint8_t (*rows)[64], const vec blocks[4])
{
    _mm256_store_si256((__m256i *)rows[0], _mm256_permute2x128_si256(blocks[0], blocks[1], 0x20));
    _mm256_store_si256((__m256i *)(rows[0] + 32), _mm256_permute2x128_si256(blocks[2], blocks[3], 0x20));
    _mm256_store_si256((__m256i *)rows[1], _mm256_permute2x128_si256(blocks[0], blocks[1], 0x31));
    _mm256_store_si256((__m256i *)(rows[1] + 32), _mm256_permute2x128_si256(blocks[2], blocks[3], 0x31));
}

#include "aes_native_template.inc"
