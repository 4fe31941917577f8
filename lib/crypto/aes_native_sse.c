/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for AES-NI and PCLMULQDQ: one packet a vector. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define TARGET    __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define ENTRY     TARGET
#define FN        TARGET static inline __attribute__((always_inline))
#define KERNEL    xord_native_sse
#define LANES     1
#define VECS      4
#define PAIR      1
#define HAVE_ROWS 0

typedef __m128i vec;

#define v_clmul(a, b, which)  _mm_clmulepi64_si128(a, b, which)
#define v_shl64(a, bits)      _mm_slli_epi64(a, bits)
#define v_sra32(a, bits)      _mm_srai_epi32(a, bits)
#define v_shuffle32(a, order) _mm_shuffle_epi32(a, order)
#define v_swap64(a)           _mm_shuffle_epi32(a, 0x4e)

FN vec v_zero(void)
{
    return _mm_setzero_si128();
}

FN vec v_load(const void *p)
{
    return _mm_loadu_si128(p);
}

FN vec v_spread(__m128i a)
{
    return a;
}

FN vec v_each(const void *p16)
{
    return v_spread(_mm_loadu_si128(p16));
}

FN vec v_xor(vec a, vec b)
{
    return _mm_xor_si128(a, b);
}

FN vec v_xor3(vec a, vec b, vec c)
{
    return v_xor(v_xor(a, b), c);
}

FN vec v_and(vec a, vec b)
{
    return _mm_and_si128(a, b);
}

FN vec v_add64(vec a, vec b)
{
    return _mm_add_epi64(a, b);
}

FN vec v_shuffle8(vec a, vec order)
{
    return _mm_shuffle_epi8(a, order);
}

FN vec v_aesenc(vec a, vec key)
{
    return _mm_aesenc_si128(a, key);
}

FN vec v_aesenclast(vec a, vec key)
{
    return _mm_aesenclast_si128(a, key);
}

FN vec v_gather(const uint8_t *const p[LANES])
{
    return _mm_loadu_si128((const void *)p[0]);
}

/* 12 bytes, then 4 zeroes. */
FN vec v_gather12(const uint8_t *const p[LANES])
{
    int last;

    __builtin_memcpy(&last, p[0] + 8, 4);
    return _mm_insert_epi32(_mm_loadl_epi64((const void *)p[0]), last, 2);
}

FN void v_store_stream(uint8_t (*rows)[64], const vec blocks[4])
{
    for (unsigned i = 0; i < 4; i++)
        _mm_store_si128((__m128i *)(rows[0] + (size_t)16 * i), blocks[i]);
}

#include "aes_native_template.inc"
