/* SPDX-License-Identifier: BSD-3-Clause */
/* A cryptographically secure random stream: ChaCha20 (RFC 8439) with fast key erasure. The same seed gives the same
 * stream, which is what makes tests and simulations repeatable; the engine seeds each shard from the kernel.
 * Threading: one owner. Memory: inline, 0.5 KB; wipe with xord_wipe when done. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XORD_RNG_SEED_LEN 32
#define XORD_RNG_SMALL    64

struct xord_rng {
    uint32_t key[8];
    uint8_t buf[512];
    uint32_t used; /* bytes of buf already handed out */
};

void xord_rng_init(struct xord_rng *rng, const uint8_t seed[XORD_RNG_SEED_LEN]);

/* Any number of bytes, over refills. Use xord_rng_fill. */
void xord_rng_fill_slowly(struct xord_rng *rng, void *out, size_t len);

/* What has been handed out is wiped from the buffer. A small constant length is a few moves. */
static inline void xord_rng_fill(struct xord_rng *rng, void *out, size_t len)
{
    if (len > XORD_RNG_SMALL || len > sizeof(rng->buf) - rng->used) {
        xord_rng_fill_slowly(rng, out, len);
        return;
    }
    memcpy(out, rng->buf + rng->used, len);
    memset(rng->buf + rng->used, 0, len);
    rng->used += (uint32_t)len;
}

uint32_t xord_rng_u32(struct xord_rng *rng);
uint64_t xord_rng_u64(struct xord_rng *rng);

/* Uniform in [0, bound); bound > 0. */
uint64_t xord_rng_below(struct xord_rng *rng, uint64_t bound);

/* Fills from the kernel (getrandom); aborts the process if the kernel has none. Control path only. */
void xord_random_kernel(void *out, size_t len);
