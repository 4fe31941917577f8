/* SPDX-License-Identifier: BSD-3-Clause */
/* A bucket is the time at which it will be empty of what was charged to it (a virtual schedule): one word, no refill. The two rows
 * are a count-min sketch with conservative update. */
#include "xord_limit.h"

#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_hash16.h"

#define SLOTS_DEFAULT 65536
#define TICK_SHIFT    6 /* of 64 ns: a word turns over in 4.6 minutes, and no bucket is ever half a minute ahead */
#define AHEAD_MAX     (30 * XORD_NS_PER_S >> TICK_SHIFT)
#define ROWS          2

struct level {
    uint32_t *slots;   /* ROWS times slot_cnt */
    uint32_t interval; /* ticks a datagram; 0: no limit */
    uint32_t ahead;    /* ticks that a bucket may be ahead of the time, and still take one */
};

struct xord_limit {
    struct xord_hash16 hash;
    uint32_t mask;
    struct level address, prefix;
};

static uint32_t slots_of(uint32_t wanted)
{
    uint32_t slots = 16;

    while (slots < (wanted ? wanted : SLOTS_DEFAULT) && slots < 1U << 24)
        slots *= 2;
    return slots;
}

static void level_set(struct level *level, const struct xord_limit_rate *rate)
{
    const uint64_t second = XORD_NS_PER_S >> TICK_SHIFT;
    uint64_t ahead;

    level->interval = 0;
    if (rate->rate == 0)
        return;
    level->interval = (uint32_t)(second / (rate->rate < XORD_LIMIT_RATE_MAX ? rate->rate : XORD_LIMIT_RATE_MAX));
    ahead = (uint64_t)level->interval * rate->burst;
    level->ahead = (uint32_t)(ahead < AHEAD_MAX ? ahead : AHEAD_MAX);
}

/* Zeroed pages cost nothing until a limit uses them. */
static int level_init(struct level *level, uint32_t slots)
{
    level->slots = calloc((size_t)slots * ROWS, sizeof(*level->slots));
    return level->slots ? 0 : XORD_ENOMEM;
}

struct xord_limit *xord_limit_new(const struct xord_limit_config *config, const struct xord_hash_key *key)
{
    uint32_t slots = slots_of(config->slots);
    struct xord_limit *limit = calloc(1, sizeof(*limit));

    if (!limit)
        return NULL;
    limit->mask = slots - 1;
    xord_hash16_init(&limit->hash, key);
    if (level_init(&limit->address, slots) || level_init(&limit->prefix, slots)) {
        xord_limit_free(limit);
        return NULL;
    }
    xord_limit_set(limit, config);
    return limit;
}

void xord_limit_set(struct xord_limit *limit, const struct xord_limit_config *config)
{
    level_set(&limit->address, &config->address);
    level_set(&limit->prefix, &config->prefix);
}

bool xord_limit_is_on(const struct xord_limit *limit)
{
    return limit->address.interval > 0 || limit->prefix.interval > 0;
}

void xord_limit_free(struct xord_limit *limit)
{
    if (!limit)
        return;
    free(limit->address.slots);
    free(limit->prefix.slots);
    free(limit);
}

/* The words of one source, and how far ahead of the time the less used one is. */
struct bucket {
    uint32_t *words[ROWS];
    uint32_t ahead;
};

/* What is further ahead than a bucket can get is a word from before the last turn of the clock. */
static uint32_t ahead_of(const struct level *level, uint32_t word, uint32_t now)
{
    uint32_t ahead = word - now;

    return ahead <= level->ahead + level->interval ? ahead : 0;
}

static bool bucket_has_room(const struct xord_limit *limit, const struct level *level, struct bucket *bucket,
        uint64_t hash, uint32_t now)
{
    if (level->interval == 0)
        return true;
    bucket->ahead = UINT32_MAX;
    for (int row = 0; row < ROWS; row++) {
        uint32_t slot = (uint32_t)(hash >> 32 * row) & limit->mask, ahead;

        bucket->words[row] = &level->slots[(size_t)row * (limit->mask + 1) + slot];
        ahead = ahead_of(level, *bucket->words[row], now);
        bucket->ahead = ahead < bucket->ahead ? ahead : bucket->ahead;
    }
    return bucket->ahead <= level->ahead;
}

static void bucket_charge(const struct level *level, struct bucket *bucket, uint32_t now)
{
    uint32_t ahead = bucket->ahead + level->interval;

    if (level->interval == 0)
        return;
    for (int row = 0; row < ROWS; row++)
        if (ahead_of(level, *bucket->words[row], now) < ahead)
            *bucket->words[row] = now + ahead;
}

/* ---- sources ---- */

/* An address and the prefix around it, as blocks that no other source of either kind has within its level. */
static void blocks_fill(uint64_t blocks[2][2], const uint8_t ip16[16])
{
    bool v4 = xord_ip_is_v4(ip16);
    uint64_t address = v4 ? xord_load_be32(ip16 + 12) : xord_load_be64(ip16);

    blocks[0][0] = address;
    blocks[1][0] = address >> (v4 ? 8 : 16);
    blocks[0][1] = blocks[1][1] = v4;
}

static bool is_loopback(const uint8_t ip16[16])
{
    return (ip16[12] == 127 || ip16[15] == 1) && xord_ip_scope(ip16) == XORD_IP_LOOPBACK;
}

enum xord_limit_verdict xord_limit_charge(struct xord_limit *limit, const uint8_t ip16[16], uint64_t now_ns)
{
    uint32_t now = (uint32_t)(now_ns >> TICK_SHIFT);
    struct bucket address = {0}, prefix = {0};
    uint64_t blocks[2][2];
    uint64_t hashes[2];

    if (is_loopback(ip16))
        return XORD_LIMIT_OK;
    blocks_fill(blocks, ip16);
    xord_hash16_bulk(&limit->hash, hashes, (const uint64_t(*)[2])blocks, 2);
    if (!bucket_has_room(limit, &limit->address, &address, hashes[0], now))
        return XORD_LIMIT_ADDRESS;
    if (!bucket_has_room(limit, &limit->prefix, &prefix, hashes[1], now))
        return XORD_LIMIT_PREFIX;
    bucket_charge(&limit->address, &address, now);
    bucket_charge(&limit->prefix, &prefix, now);
    return XORD_LIMIT_OK;
}
