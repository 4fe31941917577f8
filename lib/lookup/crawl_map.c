/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of known nodes: nodes in chunks, so that they never move, and an open-addressing index over them. Slots keep
 * the hash, so that a probe rarely touches a wrong node and growing touches none. */
#include "crawl_private.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 1024U

int crawl_map_init(struct crawl_map *map, const struct xord_hash_key *key)
{
    *map = (struct crawl_map){.key = *key, .slot_mask = SLOTS_MIN - 1};
    map->slots = calloc(SLOTS_MIN, sizeof(*map->slots));
    return map->slots ? 0 : XORD_ENOMEM;
}

void crawl_map_deinit(struct crawl_map *map)
{
    uint32_t chunk_cnt = (map->node_cnt + CRAWL_CHUNK_NODES - 1) / CRAWL_CHUNK_NODES;

    for (uint32_t i = 0; i < chunk_cnt; i++)
        free(map->chunks[i]);
    free(map->chunks);
    free(map->slots);
}

struct crawl_node *crawl_map_at(const struct crawl_map *map, uint32_t index)
{
    return &map->chunks[index / CRAWL_CHUNK_NODES][index % CRAWL_CHUNK_NODES];
}

static uint32_t map_hash(const struct crawl_map *map, const uint8_t id32[32])
{
    return (uint32_t)xord_hash64(&map->key, id32, XORD_ID_LEN);
}

struct crawl_node *crawl_map_find(const struct crawl_map *map, const uint8_t id32[32])
{
    uint32_t hash = map_hash(map, id32);

    for (uint32_t i = hash & map->slot_mask;; i = (i + 1) & map->slot_mask) {
        const struct crawl_slot *slot = &map->slots[i];
        struct crawl_node *node;

        if (slot->index1 == 0)
            return NULL;
        if (slot->hash != hash)
            continue;
        node = crawl_map_at(map, slot->index1 - 1);
        if (memcmp(node->enr.id32, id32, XORD_ID_LEN) == 0)
            return node;
    }
}

static void slots_put(struct crawl_slot *slots, uint32_t mask, struct crawl_slot slot)
{
    uint32_t i = slot.hash & mask;

    while (slots[i].index1 != 0)
        i = (i + 1) & mask;
    slots[i] = slot;
}

/* The index stays at most three quarters full. */
static int map_reserve_slot(struct crawl_map *map)
{
    uint32_t mask = 2 * map->slot_mask + 1;
    struct crawl_slot *slots;

    if (map->node_cnt < map->slot_mask / 4 * 3)
        return 0;
    slots = calloc((size_t)mask + 1, sizeof(*slots));
    if (!slots)
        return XORD_ENOMEM;
    for (size_t i = 0; i <= map->slot_mask; i++)
        if (map->slots[i].index1 != 0)
            slots_put(slots, mask, map->slots[i]);
    free(map->slots);
    map->slots = slots;
    map->slot_mask = mask;
    return 0;
}

static int map_reserve_node(struct crawl_map *map)
{
    uint32_t chunk = map->node_cnt / CRAWL_CHUNK_NODES;

    if (map->node_cnt % CRAWL_CHUNK_NODES != 0)
        return 0;
    if (chunk == map->chunk_cap) {
        uint32_t cap = chunk == 0 ? 16 : 2 * chunk;
        struct crawl_node **chunks = realloc(map->chunks, cap * sizeof(struct crawl_node *));

        if (!chunks)
            return XORD_ENOMEM;
        map->chunks = chunks;
        map->chunk_cap = cap;
    }
    map->chunks[chunk] = calloc(CRAWL_CHUNK_NODES, sizeof(struct crawl_node));
    return map->chunks[chunk] ? 0 : XORD_ENOMEM;
}

struct crawl_node *crawl_map_insert(struct crawl_map *map, const struct xord_enr *enr)
{
    struct crawl_slot slot = {map_hash(map, enr->id32), map->node_cnt + 1};
    struct crawl_node *node;

    if (map_reserve_slot(map) != 0 || map_reserve_node(map) != 0)
        return NULL;
    node = crawl_map_at(map, map->node_cnt);
    node->index = map->node_cnt;
    node->enr = *enr;
    slots_put(map->slots, map->slot_mask, slot);
    map->node_cnt++;
    return node;
}
