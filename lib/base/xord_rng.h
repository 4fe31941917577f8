/* SPDX-License-Identifier: BSD-3-Clause */
/* A cryptographically secure random stream: ChaCha20 (RFC 8439) with fast key erasure. The same seed gives the same
 * stream, which is what makes tests and simulations repeatable; the engine seeds each shard from the kernel.
 * Threading: one owner. Memory: inline, 0.5 KB; wipe with xord_wipe when done. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XORD_RNG_SEED_LEN 32

struct xord_rng {
    uint32_t key[8];
    uint8_t buf[512];
    uint32_t used; /* bytes of buf already handed out */
};

void xord_rng_init(struct xord_rng *rng, const uint8_t seed[XORD_RNG_SEED_LEN]);
void xord_rng_fill(struct xord_rng *rng, void *out, size_t len);
uint32_t xord_rng_u32(struct xord_rng *rng);
uint64_t xord_rng_u64(struct xord_rng *rng);

/* Uniform in [0, bound); bound > 0. */
uint64_t xord_rng_below(struct xord_rng *rng, uint64_t bound);

/* Fills from the kernel (getrandom); aborts the process if the kernel has none. Control path only. */
void xord_random_kernel(void *out, size_t len);
