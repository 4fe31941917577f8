/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-1-3 and SipHash-1-3-128: the keyed hash behind every table that strangers can write into (a per-start secret
 * key makes collisions unpredictable), and the PRF behind challenge nonces.
 * Threading: pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct xord_hash_key {
    uint64_t k[2];
};

uint64_t xord_hash64(const struct xord_hash_key *key, const void *data, size_t len);
void xord_hash128(uint8_t out[16], const struct xord_hash_key *key, const void *data, size_t len);
