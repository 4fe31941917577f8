/* SPDX-License-Identifier: BSD-3-Clause */
/* ChaCha20 with fast key erasure: each refill makes 512 bytes, the first 32 of which become the next key. */
#include "xord_rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* One word of four blocks: the blocks differ in their counter only, so they are computed side by side. */
typedef uint32_t word4 __attribute__((vector_size(16)));

static inline word4 rotl(word4 v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static inline void quarter_round(word4 *a, word4 *b, word4 *c, word4 *d)
{
    *a += *b;
    *d = rotl(*d ^ *a, 16);
    *c += *d;
    *b = rotl(*b ^ *c, 12);
    *a += *b;
    *d = rotl(*d ^ *a, 8);
    *c += *d;
    *b = rotl(*b ^ *c, 7);
}

static void chacha20_rounds(word4 x[16])
{
    for (int i = 0; i < 10; i++) {
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            quarter_round(&x[c], &x[4 + c], &x[8 + c], &x[12 + c]);
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            quarter_round(&x[c], &x[4 + (c + 1) % 4], &x[8 + (c + 2) % 4], &x[12 + (c + 3) % 4]);
    }
}

/* The four blocks from `counter` on, under a nonce of zero. */
static void chacha20_blocks4(uint8_t out[4 * 64], const uint32_t key[8], uint32_t counter)
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    word4 in[16] = {0}, x[16];

    for (int i = 0; i < 4; i++)
        in[i] += constants[i];
    for (int i = 0; i < 8; i++)
        in[4 + i] += key[i];
    in[12] = (word4){counter, counter + 1, counter + 2, counter + 3};
    memcpy(x, in, sizeof(x));
    chacha20_rounds(x);
    for (size_t i = 0; i < 16; i++) {
        x[i] += in[i];
        for (size_t block = 0; block < 4; block++)
            memcpy(out + 64 * block + 4 * i, (uint8_t *)&x[i] + 4 * block, 4);
    }
}

static void refill(struct xord_rng *rng)
{
    for (uint32_t i = 0; i < sizeof(rng->buf) / 256; i++)
        chacha20_blocks4(rng->buf + (size_t)256 * i, rng->key, 4 * i);
    memcpy(rng->key, rng->buf, sizeof(rng->key));
    memset(rng->buf, 0, sizeof(rng->key));
    rng->used = sizeof(rng->key);
}

void xord_rng_init(struct xord_rng *rng, const uint8_t seed[XORD_RNG_SEED_LEN])
{
    memcpy(rng->key, seed, sizeof(rng->key));
    refill(rng);
}

void xord_rng_fill(struct xord_rng *rng, void *out, size_t len)
{
    uint8_t *dst = out;

    while (len > 0) {
        size_t n = sizeof(rng->buf) - rng->used;

        if (n == 0) {
            refill(rng);
            continue;
        }
        if (n > len)
            n = len;
        memcpy(dst, rng->buf + rng->used, n);
        memset(rng->buf + rng->used, 0, n);
        rng->used += (uint32_t)n;
        dst += n;
        len -= n;
    }
}

uint32_t xord_rng_u32(struct xord_rng *rng)
{
    uint32_t v;

    xord_rng_fill(rng, &v, sizeof(v));
    return v;
}

uint64_t xord_rng_u64(struct xord_rng *rng)
{
    uint64_t v;

    xord_rng_fill(rng, &v, sizeof(v));
    return v;
}

uint64_t xord_rng_below(struct xord_rng *rng, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t v;

    do {
        v = xord_rng_u64(rng);
    } while (v >= limit);
    return v % bound;
}

void xord_random_kernel(void *out, size_t len)
{
    uint8_t *dst = out;

    while (len > 0) {
        ssize_t n = getrandom(dst, len, 0);

        if (n < 0 && errno != EINTR)
            abort();
        if (n > 0) {
            dst += n;
            len -= (size_t)n;
        }
    }
}
