/* SPDX-License-Identifier: BSD-3-Clause */
/* Bans stand in a row; an index of open addressing finds them by prefix, and is made anew when one goes. */
#include "xord_ban.h"

#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_hash16.h"

#define INDEX_LEN (2 * XORD_BAN_CAP)
#define BITS_CNT  129
#define V4_BITS   96

struct ban {
    uint64_t words[2]; /* of the prefix, zero behind it */
    uint64_t until_ns;
    uint8_t bits;
};

struct xord_bans {
    struct xord_hash16 hash;
    uint32_t cnt;
    uint32_t bits_cnt;
    uint8_t bits[BITS_CNT]; /* lengths in use */
    uint64_t first_ns;      /* when the first ends */
    struct ban all[XORD_BAN_CAP];
    uint16_t index[INDEX_LEN]; /* number + 1; 0: empty */
};

struct xord_bans *xord_bans_new(const struct xord_hash_key *key)
{
    struct xord_bans *bans = calloc(1, sizeof(*bans));

    if (!bans)
        return NULL;
    xord_hash16_init(&bans->hash, key);
    bans->first_ns = UINT64_MAX;
    return bans;
}

void xord_bans_free(struct xord_bans *bans)
{
    free(bans);
}

/* The first `bits` of an address. In words, since bytes that have just been put together would be slow to load. */
static void words_of(uint64_t words[2], const uint64_t ip[2], unsigned bits)
{
    words[0] = bits >= 64 ? ip[0] : bits == 0 ? 0 : ip[0] & ~(UINT64_MAX >> bits);
    words[1] = bits == 128 ? ip[1] : bits <= 64 ? 0 : ip[1] & ~(UINT64_MAX >> (bits - 64));
}

static void ip_load(uint64_t ip[2], const uint8_t ip16[16])
{
    ip[0] = xord_load_be64(ip16);
    ip[1] = xord_load_be64(ip16 + 8);
}

/* Where a prefix stands in the index, or would. Prefixes of different length but equal words begin at one place: that is what
 * probing is for. */
static uint32_t place_of(const struct xord_bans *bans, const uint64_t words[1][2], uint8_t bits)
{
    uint64_t hash;
    uint32_t i;

    xord_hash16_bulk(&bans->hash, &hash, words, 1);
    for (i = (uint32_t)hash % INDEX_LEN; bans->index[i] != 0; i = (i + 1) % INDEX_LEN) {
        const struct ban *ban = &bans->all[bans->index[i] - 1];

        if (ban->words[0] == words[0][0] && ban->words[1] == words[0][1] && ban->bits == bits)
            break;
    }
    return i;
}

static uint32_t place_of_prefix(const struct xord_bans *bans, const struct xord_prefix *prefix)
{
    uint64_t words[1][2];

    ip_load(words[0], prefix->ip16);
    return place_of(bans, (const uint64_t(*)[2])words, prefix->bits);
}

static void enter(struct xord_bans *bans, uint32_t number)
{
    const struct ban *ban = &bans->all[number];

    bans->index[place_of(bans, &ban->words, ban->bits)] = (uint16_t)(number + 1);
    if (!memchr(bans->bits, ban->bits, bans->bits_cnt))
        bans->bits[bans->bits_cnt++] = ban->bits;
    if (ban->until_ns < bans->first_ns)
        bans->first_ns = ban->until_ns;
}

static void index_all(struct xord_bans *bans)
{
    memset(bans->index, 0, sizeof(bans->index));
    bans->bits_cnt = 0;
    bans->first_ns = UINT64_MAX;
    for (uint32_t i = 0; i < bans->cnt; i++)
        enter(bans, i);
}

int xord_bans_add(struct xord_bans *bans, const struct xord_prefix *prefix, uint64_t until_ns)
{
    uint32_t place = place_of_prefix(bans, prefix);

    if (bans->index[place] != 0) {
        bans->all[bans->index[place] - 1].until_ns = until_ns;
        if (until_ns < bans->first_ns)
            bans->first_ns = until_ns;
        return 0;
    }
    if (bans->cnt == XORD_BAN_CAP)
        return XORD_EFULL;
    bans->all[bans->cnt] = (struct ban){.until_ns = until_ns, .bits = prefix->bits};
    ip_load(bans->all[bans->cnt].words, prefix->ip16);
    enter(bans, bans->cnt++);
    return 0;
}

bool xord_bans_remove(struct xord_bans *bans, const struct xord_prefix *prefix)
{
    uint32_t place = place_of_prefix(bans, prefix);

    if (bans->index[place] == 0)
        return false;
    bans->all[bans->index[place] - 1] = bans->all[--bans->cnt];
    index_all(bans);
    return true;
}

bool xord_bans_has(const struct xord_bans *bans, const uint8_t ip16[16], uint64_t now_ns)
{
    bool v4 = xord_ip_is_v4(ip16);
    uint64_t ip[2];

    ip_load(ip, ip16);
    for (uint32_t i = 0; i < bans->bits_cnt; i++) {
        uint64_t words[1][2];
        uint32_t place;

        if (v4 && bans->bits[i] < V4_BITS) /* "::/0" is all of IPv6 */
            continue;
        words_of(words[0], ip, bans->bits[i]);
        place = place_of(bans, (const uint64_t(*)[2])words, bans->bits[i]);
        if (bans->index[place] != 0 && bans->all[bans->index[place] - 1].until_ns > now_ns)
            return true;
    }
    return false;
}

void xord_bans_expire(struct xord_bans *bans, uint64_t now_ns)
{
    uint32_t kept = 0;

    if (bans->first_ns > now_ns)
        return;
    for (uint32_t i = 0; i < bans->cnt; i++)
        if (bans->all[i].until_ns > now_ns)
            bans->all[kept++] = bans->all[i];
    bans->cnt = kept;
    index_all(bans);
}

uint32_t xord_bans_cnt(const struct xord_bans *bans)
{
    return bans->cnt;
}

void xord_bans_get(const struct xord_bans *bans, uint32_t i, struct xord_prefix *prefix, uint64_t *until_ns)
{
    const struct ban *ban = &bans->all[i];

    *prefix = (struct xord_prefix){.bits = ban->bits};
    xord_store_be64(prefix->ip16, ban->words[0]);
    xord_store_be64(prefix->ip16 + 8, ban->words[1]);
    *until_ns = bans->all[i].until_ns;
}
