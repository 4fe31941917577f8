/* SPDX-License-Identifier: BSD-3-Clause */
/* Which shard owns an endpoint: the Toeplitz hash that NICs compute over the UDP 4-tuple, with the symmetric key 6d5a
 * repeated, so that both directions of a flow have one hash; its low bits index a redirection table of 128 entries dealt
 * out to the shards in turn. Software and NIC agree, so a request is sent by the shard that will receive the reply.
 *
 * With this key the hash of a byte depends only on the byte and on whether its position is odd, and the hash is linear: two
 * table look-ups over the folded tuple give what rte_softrss needs a bit loop for (a test holds them against each other).
 * Threading: pure after init. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_bytes.h"
#include "xord_endpoint.h"

#define XORD_STEER_KEY_LEN  52
#define XORD_STEER_RETA_LEN 128

/* The RSS key to program into a NIC. */
extern const uint8_t xord_steer_key52[XORD_STEER_KEY_LEN];

/* What a byte at an even position adds to either half of the hash; at an odd one the same, rotated by 8. */
extern const uint16_t xord_steer_bytes[256];

/* The hash of the 16-bit words of a tuple, four of them at a time XORed. */
static inline uint32_t xord_steer_hash_words(uint64_t words)
{
    uint32_t even, odd;

    words ^= words >> 32;
    words ^= words >> 16;
    even = xord_steer_bytes[words >> 8 & 0xff];
    odd = xord_steer_bytes[words & 0xff];
    return (even ^ odd >> 8 ^ (odd & 0xff) << 8) * 0x10001U;
}

/* The words of an address. Of an IPv4-mapped one too: between two of them the prefix cancels out. */
static inline uint64_t xord_steer_ip_words(const uint8_t ip16[16])
{
    return xord_load_be64(ip16) ^ xord_load_be64(ip16 + 8);
}

/* Toeplitz over (address a, address b, port a, port b); symmetric. Both endpoints are of one family. */
static inline uint32_t xord_steer_hash(const struct xord_endpoint *a, const struct xord_endpoint *b)
{
    return xord_steer_hash_words(
            xord_steer_ip_words(a->ip16) ^ xord_steer_ip_words(b->ip16) ^ (uint64_t)(a->port ^ b->port));
}

/* The redirection table of a NIC with a queue for each shard: entry i is i % shard_cnt. */
static inline uint16_t xord_steer_queue(uint32_t hash, uint16_t queue_cnt)
{
    return (uint16_t)(hash % XORD_STEER_RETA_LEN % queue_cnt);
}

/* With a table of `reta` entries, is entry i % queues what the shard's formula says? */
static inline bool xord_steer_reta_fits(uint16_t reta, uint16_t queues)
{
    return reta > 0 && queues > 0 &&
           (reta % XORD_STEER_RETA_LEN == 0 || (XORD_STEER_RETA_LEN % reta == 0 && reta % queues == 0));
}

/* Deals the entries out to the shards. In turn, if each has its own to receive; where only the first `poller_cnt` of them poll
 * for all, these own less, by what polling costs them. */
void xord_steer_deal(uint8_t reta[XORD_STEER_RETA_LEN], uint16_t shard_cnt, uint16_t poller_cnt);

static inline uint16_t xord_steer_shard(const uint8_t reta[XORD_STEER_RETA_LEN], uint32_t hash)
{
    return reta[hash % XORD_STEER_RETA_LEN];
}
