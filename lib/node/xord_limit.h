/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets by source: how many datagrams an address, and the prefix around it, may send before any cryptography is spent on
 * them. An address is a whole IPv4 address or an IPv6 /64, a prefix an IPv4 /24 or an IPv6 /48. Loopback has no limit.
 *
 * Memory is fixed, however many sources there are: each bucket is one word in each of two rows of a table, found by a keyed
 * hash, and the less used of the two counts. So a source may be taken for a heavier one only if both its
 * words are shared with heavier ones: with 1,000 sources at their limit in a table of 65,536 words that is one source in 4,000.
 * A source never gets more than its own limit.
 * Limits are a shard's: an address whose ports are steered to several shards has as many times the rate.
 * Threading: one owner. Memory: allocated by new: 16 bytes a slot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_endpoint.h"
#include "xord_err.h"
#include "xord_hash.h"

#define XORD_LIMIT_RATE_MAX 1000000 /* datagrams a second; accurate to 7 % there, to 0.1 % below 10,000 */

struct xord_limit_rate {
    uint32_t rate;  /* datagrams a second; 0: no limit */
    uint32_t burst; /* datagrams at once, above the rate; at most 30 seconds' worth are counted */
};

struct xord_limit_config {
    struct xord_limit_rate address, prefix;
    uint32_t slots; /* of each row, rounded up to a power of two; 0: 65,536 */
};

enum xord_limit_verdict { XORD_LIMIT_OK, XORD_LIMIT_ADDRESS, XORD_LIMIT_PREFIX };

struct xord_limit;

/* NULL when out of memory. */
struct xord_limit *xord_limit_new(const struct xord_limit_config *config, const struct xord_hash_key *key);
void xord_limit_free(struct xord_limit *limit);

/* Other rates; the number of slots stays. */
void xord_limit_set(struct xord_limit *limit, const struct xord_limit_config *config);
bool xord_limit_is_on(const struct xord_limit *limit);

/* Charges a datagram, or says whose limit it is over; then nobody is charged. */
enum xord_limit_verdict xord_limit_charge(struct xord_limit *limit, const uint8_t ip16[16], uint64_t now_ns);
