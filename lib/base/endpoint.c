/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints: text forms, scopes and prefixes. */
#include "xord_endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "xord_bytes.h"

const uint8_t xord_v4_mapped_prefix12[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct xord_endpoint xord_endpoint_v4(const uint8_t ip4[4], uint16_t port)
{
    struct xord_endpoint ep = {.port = port};

    memcpy(ep.ip16, xord_v4_mapped_prefix12, 12);
    memcpy(ep.ip16 + 12, ip4, 4);
    return ep;
}

struct xord_endpoint xord_endpoint_v6(const uint8_t ip16[16], uint16_t port)
{
    struct xord_endpoint ep = {.port = port};

    memcpy(ep.ip16, ip16, 16);
    return ep;
}

struct xord_endpoint xord_endpoint_any(int family, uint16_t port)
{
    struct xord_endpoint ep = {.port = port};

    if (family == 0)
        memcpy(ep.ip16, xord_v4_mapped_prefix12, 12);
    return ep;
}

static enum xord_ip_scope v4_scope(uint32_t ip)
{
    if (ip >> 24 == 0)
        return XORD_IP_UNSPECIFIED;
    if (ip >> 24 == 127)
        return XORD_IP_LOOPBACK;
    if (ip >> 28 >= 14)
        return XORD_IP_MULTICAST;
    if (ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 22 == 0x191 || ip >> 16 == 0xa9fe)
        return XORD_IP_PRIVATE;
    return XORD_IP_GLOBAL;
}

enum xord_ip_scope xord_ip_scope(const uint8_t ip16[16])
{
    static const uint8_t loopback6[16] = {[15] = 1};
    static const uint8_t unspecified6[16] = {0};

    if (xord_ip_is_v4(ip16))
        return v4_scope(xord_load_be32(ip16 + 12));
    if (memcmp(ip16, loopback6, 16) == 0)
        return XORD_IP_LOOPBACK;
    if (memcmp(ip16, unspecified6, 16) == 0)
        return XORD_IP_UNSPECIFIED;
    if (ip16[0] == 0xff)
        return XORD_IP_MULTICAST;
    if ((ip16[0] & 0xfe) == 0xfc || (ip16[0] == 0xfe && (ip16[1] & 0xc0) == 0x80))
        return XORD_IP_PRIVATE;
    return XORD_IP_GLOBAL;
}

bool xord_ip_same_prefix(const uint8_t a16[16], const uint8_t b16[16], unsigned v4_bits, unsigned v6_bits)
{
    bool v4 = xord_ip_is_v4(a16);
    unsigned bits = v4 ? 96 + v4_bits : v6_bits;

    if (v4 != xord_ip_is_v4(b16))
        return false;
    if (memcmp(a16, b16, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || (a16[bits / 8] ^ b16[bits / 8]) >> (8 - bits % 8) == 0;
}

char *xord_ip_format(char out[XORD_ENDPOINT_TEXT_LEN], const uint8_t ip16[16])
{
    if (xord_ip_is_v4(ip16))
        inet_ntop(AF_INET, ip16 + 12, out, XORD_ENDPOINT_TEXT_LEN);
    else
        inet_ntop(AF_INET6, ip16, out, XORD_ENDPOINT_TEXT_LEN);
    return out;
}

char *xord_endpoint_format(char out[XORD_ENDPOINT_TEXT_LEN], const struct xord_endpoint *ep)
{
    char ip[INET6_ADDRSTRLEN + 10];

    xord_ip_format(ip, ep->ip16);
    snprintf(out, XORD_ENDPOINT_TEXT_LEN, xord_endpoint_is_v4(ep) ? "%.45s:%u" : "[%.45s]:%u", ip, ep->port);
    return out;
}

int xord_ip_parse(uint8_t ip16[16], const char *text)
{
    uint8_t ip4[4];

    if (inet_pton(AF_INET, text, ip4) == 1) {
        memcpy(ip16, xord_v4_mapped_prefix12, 12);
        memcpy(ip16 + 12, ip4, 4);
        return 0;
    }
    return inet_pton(AF_INET6, text, ip16) == 1 ? 0 : XORD_ETEXT;
}
