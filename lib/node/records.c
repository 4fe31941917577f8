/* SPDX-License-Identifier: BSD-3-Clause */
/* Record cache: a record that arrives again byte for byte is not verified again, nor is the root of its key drawn again.
 * Four-way sets of (128-bit keyed hash of the bytes, what verification found); the oldest of a set gives way. */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"
#include "xord_mem.h"

#define WAYS 4

struct record {
    uint8_t hash16[16];
    struct record_proof proof;
};

struct record_cache {
    struct record *records;
    uint8_t *next_way; /* one a set: where the next goes */
    uint32_t set_mask;
    struct xord_hash_key key;
};

static size_t records_len(const struct record_cache *cache)
{
    return ((size_t)cache->set_mask + 1) * WAYS * sizeof(*cache->records);
}

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
    cache->records = xord_mem_alloc(records_len(cache));
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
    xord_mem_free(cache->records, records_len(cache));
    free(cache->next_way);
    free(cache);
}

static uint32_t cache_set(const struct record_cache *cache, uint8_t hash16[16], const uint8_t *raw, size_t len)
{
    xord_hash128(hash16, &cache->key, raw, len);
    return xord_load_be32(hash16) & cache->set_mask;
}

const struct record_proof *record_cache_find(const struct record_cache *cache, const uint8_t *raw, size_t len)
{
    uint8_t hash16[16];
    const struct record *set = cache->records + (size_t)cache_set(cache, hash16, raw, len) * WAYS;

    for (int i = 0; i < WAYS; i++)
        if (memcmp(set[i].hash16, hash16, 16) == 0)
            return &set[i].proof;
    return NULL;
}

void record_cache_put(struct record_cache *cache, const struct record_proof *proof, const uint8_t *raw, size_t len)
{
    uint8_t hash16[16];
    uint32_t set = cache_set(cache, hash16, raw, len);
    struct record *record = cache->records + (size_t)set * WAYS + cache->next_way[set]++ % WAYS;

    memcpy(record->hash16, hash16, 16);
    record->proof = *proof;
}

static struct record_proof proof_of(const struct xord_node *node, const struct xord_enr *enr,
        const struct xord_pubkey *pubkey)
{
    struct record_proof proof;
    uint8_t xy64[64];

    xord_pubkey_xy(node->cfg.curve, xy64, pubkey);
    memcpy(proof.id32, enr->id32, 32);
    memcpy(proof.y32, xy64 + 32, 32);
    return proof;
}

int node_verify_record(struct xord_node *node, struct xord_enr *enr, struct xord_pubkey *pubkey, const uint8_t *raw,
        size_t len)
{
    const struct record_proof *known;
    struct record_proof proof;
    int err = xord_enr_decode(enr, raw, len);

    if (err)
        return err;
    known = record_cache_find(node->records, raw, len);
    if (known) {
        COUNT(node, records_cached);
        memcpy(enr->id32, known->id32, 32);
        return xord_pubkey_parse_xy(node->cfg.curve, pubkey, enr->pubkey33 + 1, known->y32);
    }
    COUNT(node, records_verified);
    COUNT(node, curve_operations);
    err = xord_enr_verify_key(enr, pubkey, node->cfg.curve);
    if (err)
        return err;
    proof = proof_of(node, enr, pubkey);
    record_cache_put(node->records, &proof, raw, len);
    return 0;
}

int node_record_key(const struct xord_node *node, struct xord_pubkey *pubkey, const struct xord_enr *enr)
{
    const struct record_proof *known = record_cache_find(node->records, enr->raw, enr->len);

    if (known)
        return xord_pubkey_parse_xy(node->cfg.curve, pubkey, enr->pubkey33 + 1, known->y32);
    return xord_pubkey_parse(node->cfg.curve, pubkey, enr->pubkey33);
}
