/* SPDX-License-Identifier: BSD-3-Clause */
/* ChaCha20 with fast key erasure: each refill makes 512 bytes, the first 32 of which become the next key. */
#include "xord_rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "chacha20_private.h"

_Static_assert(sizeof(((struct xord_rng *)0)->buf) == CHACHA20_BLOCKS * CHACHA20_BLOCK_LEN, "one refill");

static void refill(struct xord_rng *rng)
{
    chacha20_blocks8(rng->buf, rng->key, chacha20_isa_best());
    memcpy(rng->key, rng->buf, sizeof(rng->key));
    memset(rng->buf, 0, sizeof(rng->key));
    rng->used = sizeof(rng->key);
}

void xord_rng_init(struct xord_rng *rng, const uint8_t seed[XORD_RNG_SEED_LEN])
{
    memcpy(rng->key, seed, sizeof(rng->key));
    refill(rng);
}

void xord_rng_fill_slowly(struct xord_rng *rng, void *out, size_t len)
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
