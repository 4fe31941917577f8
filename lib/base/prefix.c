/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of addresses. */
#include "xord_prefix.h"

#include <stdio.h>

#define V4_BITS 96

struct xord_prefix xord_prefix_of(const uint8_t ip16[16], unsigned bits)
{
    struct xord_prefix prefix = {.bits = (uint8_t)bits};

    memcpy(prefix.ip16, ip16, bits / 8);
    if (bits % 8)
        prefix.ip16[bits / 8] = (uint8_t)(ip16[bits / 8] & ~(0xff >> bits % 8));
    return prefix;
}

/* "::/0" is all of IPv6: families never match. */
bool xord_prefix_has(const struct xord_prefix *prefix, const uint8_t ip16[16])
{
    return xord_ip_same_prefix(prefix->ip16, ip16, prefix->bits - (unsigned)V4_BITS, prefix->bits);
}

/* A decimal number without a sign or leading zeroes. */
static int bits_parse(unsigned *bits, const char *text, unsigned max)
{
    unsigned v = 0;

    if (!*text || (text[0] == '0' && text[1]))
        return XORD_ETEXT;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || v > max)
            return XORD_ETEXT;
        v = 10 * v + (unsigned)(*text - '0');
    }
    *bits = v;
    return v <= max ? 0 : XORD_ETEXT;
}

int xord_prefix_parse(struct xord_prefix *prefix, const char *text)
{
    char ip[XORD_PREFIX_TEXT_LEN];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    uint8_t ip16[16];
    unsigned max, bits;

    if (len >= sizeof(ip))
        return XORD_ETEXT;
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (xord_ip_parse(ip16, ip))
        return XORD_ETEXT;
    max = bits = xord_ip_is_v4(ip16) ? 128 - V4_BITS : 128;
    if (slash && bits_parse(&bits, slash + 1, max))
        return XORD_ETEXT;
    *prefix = xord_prefix_of(ip16, bits + 128 - max);
    return memcmp(prefix->ip16, ip16, 16) == 0 ? 0 : XORD_ETEXT;
}

char *xord_prefix_format(char out[XORD_PREFIX_TEXT_LEN], const struct xord_prefix *prefix)
{
    char ip[XORD_ENDPOINT_TEXT_LEN];
    bool v4 = prefix->bits >= V4_BITS && xord_ip_is_v4(prefix->ip16);

    xord_ip_format(ip, prefix->ip16);
    if (prefix->bits == 128)
        snprintf(out, XORD_PREFIX_TEXT_LEN, "%s", ip);
    else
        snprintf(out, XORD_PREFIX_TEXT_LEN, "%s/%u", ip, prefix->bits - (v4 ? V4_BITS : 0U));
    return out;
}
