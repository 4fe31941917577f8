/* SPDX-License-Identifier: BSD-3-Clause */
/* Which shard owns an endpoint: the Toeplitz hash that NICs compute over the UDP 4-tuple, with the symmetric key 6d5a
 * repeated, so that both directions of a flow have one hash; its low bits index a redirection table of 128 entries dealt
 * out to the shards in turn. Software and NIC agree, so a request is sent by the shard that will receive the reply.
 *
 * With this key the hash of a byte depends only on the byte and on whether its position is odd, and the hash is linear: two
 * table look-ups over the folded tuple give what rte_softrss needs a bit loop for (a test holds them against each other).
 * Threading: pure after init. */
#pragma once

#include <stdint.h>

#include "xord_endpoint.h"

#define XORD_STEER_KEY_LEN  52
#define XORD_STEER_RETA_LEN 128

/* The RSS key to program into a NIC. */
extern const uint8_t xord_steer_key52[XORD_STEER_KEY_LEN];

/* Toeplitz over (address a, address b, port a, port b); symmetric. Both endpoints are of one family. */
uint32_t xord_steer_hash(const struct xord_endpoint *a, const struct xord_endpoint *b);

static inline uint16_t xord_steer_shard(uint32_t hash, uint16_t shard_cnt)
{
    return (uint16_t)(hash % XORD_STEER_RETA_LEN % shard_cnt);
}
