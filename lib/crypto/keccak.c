/* SPDX-License-Identifier: BSD-3-Clause */
/* Keccak-f[1600] over 25 little-endian lanes (FIPS 202, section 3), as a sponge of rate 136 with the old padding: a
 * one, zeroes, a one. */
#include "xord_keccak.h"

#include <string.h>

#define RATE  136
#define LANES 25

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lanes are loaded as they lie in memory");

static const uint64_t round_constants[24] = {
        0x0000000000000001,
        0x0000000000008082,
        0x800000000000808a,
        0x8000000080008000,
        0x000000000000808b,
        0x0000000080000001,
        0x8000000080008081,
        0x8000000000008009,
        0x000000000000008a,
        0x0000000000000088,
        0x0000000080008009,
        0x000000008000000a,
        0x000000008000808b,
        0x800000000000008b,
        0x8000000000008089,
        0x8000000000008003,
        0x8000000000008002,
        0x8000000000000080,
        0x000000000000800a,
        0x800000008000000a,
        0x8000000080008081,
        0x8000000000008080,
        0x0000000080000001,
        0x8000000080008008,
};

/* Rho and pi in one walk: the lane moved to pi_lane[i] is turned by rho_bits[i]. */
static const uint8_t rho_bits[24] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61,
        20, 44};
static const uint8_t pi_lane[24] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6,
        1};

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static inline void theta(uint64_t a[LANES])
{
    uint64_t c[5];

#pragma GCC unroll 5
    for (int x = 0; x < 5; x++)
        c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
    for (int x = 0; x < 5; x++) {
        uint64_t d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);

#pragma GCC unroll 5
        for (int y = 0; y < LANES; y += 5)
            a[y + x] ^= d;
    }
}

static inline void rho_pi(uint64_t a[LANES])
{
    uint64_t moving = a[1];

#pragma GCC unroll 24
    for (int i = 0; i < 24; i++) {
        uint64_t next = a[pi_lane[i]];

        a[pi_lane[i]] = rotl(moving, rho_bits[i]);
        moving = next;
    }
}

static inline void chi(uint64_t a[LANES])
{
#pragma GCC unroll 5
    for (int y = 0; y < LANES; y += 5) {
        uint64_t a0 = a[y], a1 = a[y + 1];

        a[y] ^= ~a1 & a[y + 2];
        a[y + 1] ^= ~a[y + 2] & a[y + 3];
        a[y + 2] ^= ~a[y + 3] & a[y + 4];
        a[y + 3] ^= ~a[y + 4] & a0;
        a[y + 4] ^= ~a0 & a1;
    }
}

static void permute(uint64_t a[LANES])
{
    for (int round = 0; round < 24; round++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= round_constants[round];
    }
}

static void absorb(uint64_t a[LANES], const uint8_t block[RATE])
{
    uint64_t lane;

    for (int i = 0; i < RATE / 8; i++) {
        memcpy(&lane, block + (size_t)8 * i, 8);
        a[i] ^= lane;
    }
    permute(a);
}

void xord_keccak256(uint8_t out[32], const uint8_t *data, size_t len)
{
    uint64_t a[LANES] = {0};
    uint8_t last[RATE] = {0};

    for (; len >= RATE; data += RATE, len -= RATE)
        absorb(a, data);
    if (len)
        memcpy(last, data, len);
    last[len] = 0x01;
    last[RATE - 1] |= 0x80;
    absorb(a, last);
    memcpy(out, a, 32);
}
