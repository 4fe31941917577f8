/* SPDX-License-Identifier: BSD-3-Clause */
/* A keyed hash of 16 bytes, for tables that strangers can write into but whose hashes nobody sees: four rounds of AES under secret
 * round keys, or SipHash-1-3 where the CPU has no AES instructions. Of two chosen inputs nobody can tell better than by chance
 * whether they share a place.
 * Threading: pure. Memory: the caller's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_hash.h"

#define XORD_HASH16_ROUNDS 4

struct xord_hash16 {
    uint8_t round_keys[XORD_HASH16_ROUNDS + 1][16];
    struct xord_hash_key sip_key;
    bool has_aes;
};

void xord_hash16_init(struct xord_hash16 *hash, const struct xord_hash_key *key);

/* out[i] of blocks[i], each as two words: what has just been put together would be slow to load as one. */
void xord_hash16_bulk(const struct xord_hash16 *hash, uint64_t *out, const uint64_t (*blocks)[2], size_t n);
