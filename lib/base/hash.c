/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-1-3 (Aumasson, Bernstein), 64- and 128-bit output. */
#include "xord_hash.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

/* `tweak` tells the two output lengths apart: 0 or 0xee. */
static struct sip sip_absorb(const struct xord_hash_key *key, uint64_t tweak, const void *data, size_t len)
{
    struct sip s = {
            key->k[0] ^ 0x736f6d6570736575ULL,
            key->k[1] ^ 0x646f72616e646f6dULL ^ tweak,
            key->k[0] ^ 0x6c7967656e657261ULL,
            key->k[1] ^ 0x7465646279746573ULL,
    };
    const uint8_t *p = data;
    size_t left = len;
    uint64_t m;

    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&m, p, 8);
        s.v3 ^= m;
        sip_round(&s);
        s.v0 ^= m;
    }
    m = 0;
    if (left)
        memcpy(&m, p, left);
    m |= (uint64_t)(len & 0xff) << 56;
    s.v3 ^= m;
    sip_round(&s);
    s.v0 ^= m;
    return s;
}

static uint64_t sip_squeeze(struct sip *s)
{
    sip_round(s);
    sip_round(s);
    sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t xord_hash64(const struct xord_hash_key *key, const void *data, size_t len)
{
    struct sip s = sip_absorb(key, 0, data, len);

    s.v2 ^= 0xff;
    return sip_squeeze(&s);
}

void xord_hash128(uint8_t out[16], const struct xord_hash_key *key, const void *data, size_t len)
{
    struct sip s = sip_absorb(key, 0xee, data, len);
    uint64_t h;

    s.v2 ^= 0xee;
    h = sip_squeeze(&s);
    memcpy(out, &h, 8);
    s.v1 ^= 0xdd;
    h = sip_squeeze(&s);
    memcpy(out + 8, &h, 8);
}
