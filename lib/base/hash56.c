/* SPDX-License-Identifier: BSD-3-Clause */
/* NH and AES-128, by the CPU's AES instructions. */
#include "xord_hash56.h"

#include <immintrin.h>
#include <string.h>

#define AES_ROUNDS 10
#define WITH_AES   __attribute__((target("aes,ssse3")))

/* FIPS 197, section 5.2. A column that is four times the same word is not moved by ShiftRows, so one last round gives
 * SubWord, and adds the round constant. */
WITH_AES static void aes_expand(uint8_t round_keys[11][16], const uint64_t key[2])
{
    static const uint8_t constants[AES_ROUNDS] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};
    const __m128i last_word_rotated = _mm_set1_epi32(0x0c0f0e0d);
    __m128i k = _mm_set_epi64x((long long)key[1], (long long)key[0]);

    _mm_store_si128((__m128i *)round_keys[0], k);
    for (int i = 0; i < AES_ROUNDS; i++) {
        __m128i sub = _mm_aesenclast_si128(_mm_shuffle_epi8(k, last_word_rotated), _mm_set1_epi32(constants[i]));

        k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
        k = _mm_xor_si128(k, _mm_slli_si128(k, 8));
        k = _mm_xor_si128(k, sub);
        _mm_store_si128((__m128i *)round_keys[i + 1], k);
    }
}

void xord_hash56_init(struct xord_hash56 *hash, const struct xord_hash_key *key)
{
    uint64_t words[10];

    for (uint64_t i = 0; i < 10; i++)
        words[i] = xord_hash64(key, &i, sizeof(i));
    memset(hash, 0, sizeof(*hash));
    memcpy(hash->nh_key, words, sizeof(hash->nh_key));
    hash->sip_key = *key;
    hash->has_aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("ssse3");
    if (hash->has_aes)
        aes_expand(hash->round_keys, words + 8);
}

static inline unsigned __int128 nh(const uint64_t k[8], const uint8_t *data)
{
    unsigned __int128 sum;
    uint64_t m[7];

    memcpy(m, data, sizeof(m));
    sum = (unsigned __int128)(m[0] + k[0]) * (m[1] + k[1]);
    sum += (unsigned __int128)(m[2] + k[2]) * (m[3] + k[3]);
    sum += (unsigned __int128)(m[4] + k[4]) * (m[5] + k[5]);
    sum += (unsigned __int128)(m[6] + k[6]) * k[7]; /* an eighth word that is always zero */
    return sum;
}

WITH_AES static inline uint64_t hash_one(const struct xord_hash56 *hash, const uint8_t *data)
{
    unsigned __int128 sum = nh(hash->nh_key, data);
    const __m128i *k = (const __m128i *)hash->round_keys;
    __m128i x = _mm_set_epi64x((long long)(uint64_t)(sum >> 64), (long long)(uint64_t)sum);

    x = _mm_xor_si128(x, k[0]);
    for (int i = 1; i < AES_ROUNDS; i++)
        x = _mm_aesenc_si128(x, k[i]);
    return (uint64_t)_mm_cvtsi128_si64(_mm_aesenclast_si128(x, k[AES_ROUNDS]));
}

WITH_AES static void hash_all(const struct xord_hash56 *hash, uint64_t *out, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = hash_one(hash, data + i * XORD_HASH56_LEN);
}

void xord_hash56_bulk(const struct xord_hash56 *hash, uint64_t *out, const void *data, size_t n)
{
    if (hash->has_aes) {
        hash_all(hash, out, data, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = xord_hash64(&hash->sip_key, (const uint8_t *)data + i * XORD_HASH56_LEN, XORD_HASH56_LEN);
}

uint64_t xord_hash56(const struct xord_hash56 *hash, const void *data56)
{
    uint64_t out;

    xord_hash56_bulk(hash, &out, data56, 1);
    return out;
}
