/* SPDX-License-Identifier: BSD-3-Clause */
/* A range of IP addresses: "192.0.2.0/24", "2001:db8::/32", or one address.
 * Threading: pure. Memory: plain values without padding, to be compared and hashed whole. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_endpoint.h"

#define XORD_PREFIX_TEXT_LEN 64

struct xord_prefix {
    uint8_t ip16[16]; /* zero behind the prefix */
    uint8_t bits;     /* of all 128; those of IPv4 are 96 to 128 */
};

struct xord_prefix xord_prefix_of(const uint8_t ip16[16], unsigned bits);
bool xord_prefix_has(const struct xord_prefix *prefix, const uint8_t ip16[16]);
static inline bool xord_prefix_equal(const struct xord_prefix *a, const struct xord_prefix *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Bits behind the prefix must be zero. XORD_ETEXT when it is none. */
XORD_MUST_CHECK int xord_prefix_parse(struct xord_prefix *prefix, const char *text);
/* Without a length when it is one address; returns `out`. */
char *xord_prefix_format(char out[XORD_PREFIX_TEXT_LEN], const struct xord_prefix *prefix);
