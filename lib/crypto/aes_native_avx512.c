/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for VAES, VPCLMULQDQ and AVX-512: four packets a vector. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define TARGET    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq,bmi,bmi2")))
#define ENTRY     TARGET
#define FN        TARGET static inline __attribute__((always_inline))
#define KERNEL    xord_native_avx512
#define LANES     4
#define VECS      2
#define PAIR      2
#define HAVE_ROWS 1
#define HAVE_MASKS

typedef __m512i vec;

#define v_clmul(a, b, which)  _mm512_clmulepi64_epi128(a, b, which)
#define v_shl64(a, bits)      _mm512_slli_epi64(a, bits)
#define v_sra32(a, bits)      _mm512_srai_epi32(a, bits)
#define v_shuffle32(a, order) _mm512_shuffle_epi32(a, order)
#define v_swap64(a)           _mm512_shuffle_epi32(a, 0x4e)

FN vec v_zero(void)
{
    return _mm512_setzero_si512();
}

FN vec v_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

FN void v_store(void *p, vec a)
{
    _mm512_storeu_si512(p, a);
}

FN vec v_spread(__m128i a)
{
    return _mm512_broadcast_i64x2(a);
}

FN vec v_each(const void *p16)
{
    return v_spread(_mm_loadu_si128(p16));
}

FN vec v_xor(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

FN vec v_xor3(vec a, vec b, vec c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

FN vec v_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

FN vec v_add64(vec a, vec b)
{
    return _mm512_add_epi64(a, b);
}

FN vec v_shuffle8(vec a, vec order)
{
    return _mm512_shuffle_epi8(a, order);
}

FN vec v_aesenc(vec a, vec key)
{
    return _mm512_aesenc_epi128(a, key);
}

FN vec v_aesenclast(vec a, vec key)
{
    return _mm512_aesenclast_epi128(a, key);
}

FN vec lanes_join(__m128i a, __m128i b, __m128i c, __m128i d)
{
    vec x = _mm512_inserti64x2(_mm512_castsi128_si512(a), b, 1);

    return _mm512_inserti64x2(_mm512_inserti64x2(x, c, 2), d, 3);
}

FN vec v_gather(const uint8_t *const p[LANES])
{
    return lanes_join(_mm_loadu_si128((const void *)p[0]), _mm_loadu_si128((const void *)p[1]),
            _mm_loadu_si128((const void *)p[2]), _mm_loadu_si128((const void *)p[3]));
}

/* 12 bytes from each place, then 4 zeroes. */
FN vec v_gather12(const uint8_t *const p[LANES])
{
    return lanes_join(_mm_maskz_loadu_epi32(7, p[0]), _mm_maskz_loadu_epi32(7, p[1]), _mm_maskz_loadu_epi32(7, p[2]),
            _mm_maskz_loadu_epi32(7, p[3]));
}

/* From a block of each of four packets a vector to a packet a vector, or back. */
FN void v_turn(vec out[4], const vec in[4])
{
    vec low01 = _mm512_shuffle_i64x2(in[0], in[1], 0x44);
    vec high01 = _mm512_shuffle_i64x2(in[0], in[1], 0xee);
    vec low23 = _mm512_shuffle_i64x2(in[2], in[3], 0x44);
    vec high23 = _mm512_shuffle_i64x2(in[2], in[3], 0xee);

    out[0] = _mm512_shuffle_i64x2(low01, low23, 0x88);
    out[1] = _mm512_shuffle_i64x2(low01, low23, 0xdd);
    out[2] = _mm512_shuffle_i64x2(high01, high23, 0x88);
    out[3] = _mm512_shuffle_i64x2(high01, high23, 0xdd);
}

FN void v_store_stream(uint8_t (*rows)[64], const vec blocks[4])
{
    vec out[4];

    v_turn(out, blocks);
    for (unsigned i = 0; i < LANES; i++)
        _mm512_store_si512(rows[i], out[i]);
}

/* 1..15 bytes with zeroes after them; reads no other. */
FN __m128i part_load(const uint8_t *p, uint32_t len)
{
    return _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xffff, len), p);
}

/* dst = src ^ stream, up to 64 bytes. */
FN void xor_part(uint8_t *dst, const uint8_t *src, const uint8_t *stream, uint32_t len)
{
    __mmask64 mask = _bzhi_u64(UINT64_MAX, len);

    _mm512_mask_storeu_epi8(dst, mask, v_xor(_mm512_maskz_loadu_epi8(mask, src), v_load(stream)));
}

/* The same where the packet's bytes belong to the stream's from `off` on: the rest is masked and not touched. */
FN void unit_xor(uint8_t *dst, const uint8_t *src, const vec *stream, uint32_t off, uint32_t len)
{
    __mmask64 mask = _bzhi_u64(UINT64_MAX, len) << off;
    const void *from = (const void *)((uintptr_t)src - off);
    void *to = (void *)((uintptr_t)dst - off);

    _mm512_mask_storeu_epi8(to, mask, v_xor(_mm512_maskz_loadu_epi8(mask, from), *stream));
}

/* Up to 64 bytes of each packet, block by block, with zeroes after them. */
FN void rows_load(vec blocks[4], const uint8_t *const data[LANES], const uint32_t len[LANES])
{
    vec rows[LANES];

    for (unsigned i = 0; i < LANES; i++)
        rows[i] = _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, len[i]), data[i]);
    v_turn(blocks, rows);
}

/* Up to 16 bytes of each. */
FN vec row_ends_load(const uint8_t *const data[LANES], const uint32_t len[LANES])
{
    __m128i x[LANES];

    for (unsigned i = 0; i < LANES; i++)
        x[i] = _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xffff, len[i]), data[i]);
    return lanes_join(x[0], x[1], x[2], x[3]);
}

/* dst = src ^ stream, and the same block by block. */
FN void rows_xor(vec blocks[4], uint8_t *const dst[LANES], const uint8_t *const src[LANES], uint8_t (*stream)[64],
        const uint32_t len[LANES])
{
    vec rows[LANES];

    for (unsigned i = 0; i < LANES; i++) {
        __mmask64 mask = _bzhi_u64(UINT64_MAX, len[i]);

        rows[i] = _mm512_maskz_mov_epi8(mask, v_xor(_mm512_maskz_loadu_epi8(mask, src[i]), v_load(stream[i])));
        _mm512_mask_storeu_epi8(dst[i], mask, rows[i]);
    }
    v_turn(blocks, rows);
}

#include "aes_native_template.inc"
