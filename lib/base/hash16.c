/* SPDX-License-Identifier: BSD-3-Clause */
/* Four rounds of AES. */
#include "xord_hash16.h"

#include <immintrin.h>

#define WITH_AES __attribute__((target("aes")))

void xord_hash16_init(struct xord_hash16 *hash, const struct xord_hash_key *key)
{
    hash->sip_key = *key;
    hash->has_aes = __builtin_cpu_supports("aes");
    for (uint8_t i = 0; i <= XORD_HASH16_ROUNDS; i++)
        xord_hash128(hash->round_keys[i], key, &i, sizeof(i));
}

WITH_AES static void bulk_aes(const struct xord_hash16 *hash, uint64_t *out, const uint64_t (*blocks)[2], size_t n)
{
    const __m128i *k = (const __m128i *)(const void *)hash->round_keys;

    for (size_t i = 0; i < n; i++) {
        __m128i block = _mm_set_epi64x((long long)blocks[i][1], (long long)blocks[i][0]);

        block = _mm_xor_si128(block, _mm_loadu_si128(&k[0]));
        for (int round = 1; round <= XORD_HASH16_ROUNDS; round++)
            block = _mm_aesenc_si128(block, _mm_loadu_si128(&k[round]));
        out[i] = (uint64_t)_mm_cvtsi128_si64(block);
    }
}

void xord_hash16_bulk(const struct xord_hash16 *hash, uint64_t *out, const uint64_t (*blocks)[2], size_t n)
{
    if (hash->has_aes) {
        bulk_aes(hash, out, blocks, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = xord_hash64(&hash->sip_key, blocks[i], 16);
}
