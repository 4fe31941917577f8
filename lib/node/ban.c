/* SPDX-License-Identifier: BSD-3-Clause */
/* Bans stand in a row; an index of open addressing finds them by prefix, and is made anew when one goes. */
#include "xord_ban.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_LEN (2 * XORD_BAN_CAP)
#define BITS_CNT  129
#define V4_BITS   96

struct ban {
    struct xord_prefix prefix;
    uint64_t until_ns;
};

struct xord_bans {
    struct xord_hash_key key;
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
    bans->key = *key;
    bans->first_ns = UINT64_MAX;
    return bans;
}

void xord_bans_free(struct xord_bans *bans)
{
    free(bans);
}

/* Where a prefix stands in the index, or would. */
static uint32_t place_of(const struct xord_bans *bans, const struct xord_prefix *prefix)
{
    uint32_t i = (uint32_t)xord_hash64(&bans->key, prefix, sizeof(*prefix)) % INDEX_LEN;

    while (bans->index[i] != 0 && !xord_prefix_equal(&bans->all[bans->index[i] - 1].prefix, prefix))
        i = (i + 1) % INDEX_LEN;
    return i;
}

static void enter(struct xord_bans *bans, uint32_t number)
{
    const struct ban *ban = &bans->all[number];

    bans->index[place_of(bans, &ban->prefix)] = (uint16_t)(number + 1);
    if (!memchr(bans->bits, ban->prefix.bits, bans->bits_cnt))
        bans->bits[bans->bits_cnt++] = ban->prefix.bits;
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
    uint32_t place = place_of(bans, prefix);

    if (bans->index[place] != 0) {
        bans->all[bans->index[place] - 1].until_ns = until_ns;
        if (until_ns < bans->first_ns)
            bans->first_ns = until_ns;
        return 0;
    }
    if (bans->cnt == XORD_BAN_CAP)
        return XORD_EFULL;
    bans->all[bans->cnt] = (struct ban){*prefix, until_ns};
    enter(bans, bans->cnt++);
    return 0;
}

bool xord_bans_remove(struct xord_bans *bans, const struct xord_prefix *prefix)
{
    uint32_t place = place_of(bans, prefix);

    if (bans->index[place] == 0)
        return false;
    bans->all[bans->index[place] - 1] = bans->all[--bans->cnt];
    index_all(bans);
    return true;
}

bool xord_bans_has(const struct xord_bans *bans, const uint8_t ip16[16], uint64_t now_ns)
{
    bool v4 = xord_ip_is_v4(ip16);

    for (uint32_t i = 0; i < bans->bits_cnt; i++) {
        struct xord_prefix prefix = xord_prefix_of(ip16, bans->bits[i]);
        uint32_t place;

        if (v4 && prefix.bits < V4_BITS) /* "::/0" is all of IPv6 */
            continue;
        place = place_of(bans, &prefix);
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
    *prefix = bans->all[i].prefix;
    *until_ns = bans->all[i].until_ns;
}
