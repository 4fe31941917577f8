/* SPDX-License-Identifier: BSD-3-Clause */
/* A UDP endpoint: address and port. IPv4 addresses are held in their IPv4-mapped form (::ffff:a.b.c.d), so that one
 * 16-byte comparison serves both families.
 * Threading: pure. Memory: plain values without padding, to be compared and hashed whole. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "xord_err.h"

struct xord_endpoint {
    uint8_t ip16[16];
    uint16_t port;     /* host byte order */
    uint16_t reserved; /* always zero */
};

/* Longest text: "[" 45 "]:" 5 and a NUL. */
#define XORD_ENDPOINT_TEXT_LEN 56

extern const uint8_t xord_v4_mapped_prefix12[12];

static inline bool xord_ip_is_v4(const uint8_t ip16[16])
{
    return memcmp(ip16, xord_v4_mapped_prefix12, 12) == 0;
}

static inline bool xord_endpoint_is_v4(const struct xord_endpoint *ep)
{
    return xord_ip_is_v4(ep->ip16);
}

static inline bool xord_endpoint_equal(const struct xord_endpoint *a, const struct xord_endpoint *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Sets the port, and what follows it, in one store: endpoints are copied soon after they are made. */
static inline void xord_endpoint_set_port(struct xord_endpoint *ep, uint16_t port)
{
    const uint16_t pair[2] = {port, 0};

    memcpy(&ep->port, pair, sizeof(pair));
}

struct xord_endpoint xord_endpoint_v4(const uint8_t ip4[4], uint16_t port);
struct xord_endpoint xord_endpoint_v6(const uint8_t ip16[16], uint16_t port);
/* All addresses of a family: 0.0.0.0 for 0, :: for 1. */
struct xord_endpoint xord_endpoint_any(int family, uint16_t port);

/* What an address is for; decides IP limits and which answers are believed. */
enum xord_ip_scope {
    XORD_IP_GLOBAL,
    XORD_IP_PRIVATE, /* RFC 1918, 100.64/10, link-local, fc00::/7 */
    XORD_IP_LOOPBACK,
    XORD_IP_UNSPECIFIED,
    XORD_IP_MULTICAST, /* multicast, broadcast and reserved class E */
};
enum xord_ip_scope xord_ip_scope(const uint8_t ip16[16]);

/* Are the first `bits` of the address equal? IPv4 prefixes count from the IPv4 address (0..32), IPv6 from the top
 * (0..128); addresses of different families never match. */
bool xord_ip_same_prefix(const uint8_t a16[16], const uint8_t b16[16], unsigned v4_bits, unsigned v6_bits);

/* "1.2.3.4:9000" or "[2001:db8::1]:9000"; returns `out`. */
char *xord_endpoint_format(char out[XORD_ENDPOINT_TEXT_LEN], const struct xord_endpoint *ep);
char *xord_ip_format(char out[XORD_ENDPOINT_TEXT_LEN], const uint8_t ip16[16]);

/* Parses "1.2.3.4" or "2001:db8::1". XORD_ETEXT otherwise. */
XORD_MUST_CHECK int xord_ip_parse(uint8_t ip16[16], const char *text);
