/* SPDX-License-Identifier: BSD-3-Clause */
/* Record cache: a record that arrives again byte for byte is not verified again. Four-way sets of (128-bit keyed hash of the
 * bytes, node id); the oldest of a set gives way. */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"

#define WAYS 4

struct record {
    uint8_t hash16[16];
    uint8_t id32[32];
};

struct record_cache {
    struct record *records;
    uint8_t *next_way; /* one a set: where the next goes */
    uint32_t set_mask;
    struct xord_hash_key key;
};

struct record_cache *record_cache_new(uint32_t capacity, const struct xord_hash_key *key)
{
    struct record_cache *cache = calloc(1, sizeof(*cache));
    uint32_t sets = 1;

    if (!cache)
        return NULL;
    while (sets * WAYS < capacity)
        sets *= 2;
    cache->set_mask = sets - 1;
    cache->key = *key;
    cache->records = calloc((size_t)sets * WAYS, sizeof(*cache->records));
    cache->next_way = calloc(sets, 1);
    if (!cache->records || !cache->next_way) {
        record_cache_free(cache);
        return NULL;
    }
    return cache;
}

void record_cache_free(struct record_cache *cache)
{
    if (!cache)
        return;
    free(cache->records);
    free(cache->next_way);
    free(cache);
}

static uint32_t cache_set(const struct record_cache *cache, uint8_t hash16[16], const uint8_t *raw, size_t len)
{
    xord_hash128(hash16, &cache->key, raw, len);
    return xord_load_be32(hash16) & cache->set_mask;
}

bool record_cache_find(const struct record_cache *cache, uint8_t id32[32], const uint8_t *raw, size_t len)
{
    uint8_t hash16[16];
    const struct record *set = cache->records + (size_t)cache_set(cache, hash16, raw, len) * WAYS;

    for (int i = 0; i < WAYS; i++) {
        if (memcmp(set[i].hash16, hash16, 16) == 0) {
            memcpy(id32, set[i].id32, 32);
            return true;
        }
    }
    return false;
}

void record_cache_put(struct record_cache *cache, const uint8_t id32[32], const uint8_t *raw, size_t len)
{
    uint8_t hash16[16];
    uint32_t set = cache_set(cache, hash16, raw, len);
    struct record *record = cache->records + (size_t)set * WAYS + cache->next_way[set]++ % WAYS;

    memcpy(record->hash16, hash16, 16);
    memcpy(record->id32, id32, 32);
}

int node_verify_record(struct xord_node *node, struct xord_enr *enr, const uint8_t *raw, size_t len)
{
    int err = xord_enr_decode(enr, raw, len);

    if (err)
        return err;
    if (record_cache_find(node->records, enr->id32, raw, len)) {
        COUNT(node, records_cached);
        return 0;
    }
    COUNT(node, records_verified);
    err = xord_enr_verify(enr, node->cfg.curve);
    if (!err)
        record_cache_put(node->records, enr->id32, raw, len);
    return err;
}
