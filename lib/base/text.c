/* SPDX-License-Identifier: BSD-3-Clause */
/* Hex and base64url. */
#include "xord_text.h"

#include <string.h>

void xord_hex_encode(char *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int xord_hex_decode(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    if (text_len != 2 * len)
        return XORD_ETEXT;
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(text[2 * i]);
        int lo = hex_digit(text[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return XORD_ETEXT;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return 0;
}

static const char base64url_alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void xord_base64url_encode(char *out, const uint8_t *data, size_t len)
{
    uint32_t acc = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        acc = acc << 8 | data[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *out++ = base64url_alphabet[acc >> (bits - 6) & 63];
    }
    if (bits)
        *out++ = base64url_alphabet[acc << (6 - bits) & 63];
    *out = '\0';
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

int xord_base64url_decode(uint8_t *out, size_t *len, size_t cap, const char *text, size_t text_len)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;

    if (text_len % 4 == 1)
        return XORD_ETEXT;
    for (size_t i = 0; i < text_len; i++) {
        int v = base64url_digit(text[i]);

        if (v < 0)
            return XORD_ETEXT;
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits < 8)
            continue;
        if (n == cap)
            return XORD_ESIZE;
        bits -= 8;
        out[n++] = (uint8_t)(acc >> bits);
    }
    if (acc & ((1U << bits) - 1))
        return XORD_ECANON;
    *len = n;
    return 0;
}
