/* SPDX-License-Identifier: BSD-3-Clause */
/* A fast keyed hash of exactly 56 bytes, for tables that strangers write into and that are read once a packet.
 *
 * hash = AES-128(NH(data)), both under secret keys that are expanded from a xord_hash_key. NH (Black, Halevi, Krawczyk,
 * Krovetz, Rogaway: "UMAC", 1999) makes 128 bits of the seven words by four multiplications: for any two different inputs,
 * chosen without knowledge of the key, the chance over all keys that they meet is at most 2^-64. AES-128 under a key of
 * its own then makes of each different value an output that cannot be told from an independent random one. So whoever does
 * not have the key cannot choose inputs whose hashes, or any bits of them, are alike more often than those of random inputs
 * would be; for q inputs this fails with a chance below q^2 / 2^65, which is 2^-21 for 4 million. It is a hash for tables,
 * not an authentication code: do not show the output to anyone.
 * On a CPU without AES instructions it is SipHash-1-3, so values differ between machines: do not store them.
 * Threading: pure. Memory: inline, wipe with xord_wipe when done. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_hash.h"

#define XORD_HASH56_LEN 56

struct xord_hash56 {
    _Alignas(16) uint8_t round_keys[11][16];
    uint64_t nh_key[8];
    struct xord_hash_key sip_key;
    bool has_aes;
};

void xord_hash56_init(struct xord_hash56 *hash, const struct xord_hash_key *key);
uint64_t xord_hash56(const struct xord_hash56 *hash, const void *data56);

/* `n` inputs that lie one behind the other. */
void xord_hash56_bulk(const struct xord_hash56 *hash, uint64_t *out, const void *data, size_t n);
