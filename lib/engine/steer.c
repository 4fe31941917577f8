/* SPDX-License-Identifier: BSD-3-Clause */
/* The symmetric Toeplitz hash, folded. Bit i (from the top) of the input adds key bits [i, i+32); the key repeats every 16
 * bits, so input bits 16 apart add the same word, and words of the input may be XORed together first. */
#include "xord_steer.h"

#include "xord_bytes.h"

#define KEY8  0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a
#define KEY32 KEY8, KEY8, KEY8, KEY8

const uint8_t xord_steer_key52[XORD_STEER_KEY_LEN] = {KEY32, KEY8, KEY8, 0x6d, 0x5a, 0x6d, 0x5a};

static uint16_t fold(const struct xord_endpoint *ep)
{
    unsigned from = xord_endpoint_is_v4(ep) ? 12 : 0;
    uint16_t folded = ep->port;

    for (unsigned i = from; i < 16; i += 2)
        folded ^= xord_load_be16(ep->ip16 + i);
    return folded;
}

uint32_t xord_steer_hash(const struct xord_endpoint *a, const struct xord_endpoint *b)
{
    uint16_t folded = fold(a) ^ fold(b);
    uint32_t key = 0x6d5a6d5a, hash = 0;

    for (int bit = 15; bit >= 0; bit--) {
        hash ^= key & -(uint32_t)(folded >> bit & 1);
        key = key << 1 | key >> 31; /* the key's period divides 32, so a rotation brings in its next bit */
    }
    return hash;
}
