/* SPDX-License-Identifier: BSD-3-Clause */
/* IP limits: prefixes, how many nodes each holds, and whether one more may come in. */
#include "table_private.h"

#include <string.h>

#include "xord_bytes.h"

#define PREFIX_V4 (1ULL << 56)
#define PREFIX_V6 (2ULL << 56)

_Static_assert(XORD_IP_LIMIT_V6_BITS <= 56, "the prefix shares a word with its family");

uint64_t xord_ip_limit_prefix(const uint8_t ip16[16])
{
    enum xord_ip_scope scope = xord_ip_scope(ip16);

    if (scope == XORD_IP_LOOPBACK || scope == XORD_IP_PRIVATE)
        return 0;
    if (xord_ip_is_v4(ip16))
        return PREFIX_V4 | xord_load_be32(ip16 + 12) >> (32 - XORD_IP_LIMIT_V4_BITS);
    return PREFIX_V6 | xord_load_be64(ip16) >> (64 - XORD_IP_LIMIT_V6_BITS);
}

/* ---- counts ---- */

static uint32_t slot_next(uint32_t slot)
{
    return (slot + 1) & (TABLE_PREFIX_CAP - 1);
}

static uint32_t slot_home(const struct table_prefix_counts *counts, uint64_t prefix)
{
    return xord_hash64(&counts->key, &prefix, sizeof(prefix)) & (TABLE_PREFIX_CAP - 1);
}

/* The prefix's slot, or the empty one where it would go. */
static uint32_t slot_find(const struct table_prefix_counts *counts, uint64_t prefix)
{
    uint32_t slot = slot_home(counts, prefix);

    while (counts->prefix[slot] != 0 && counts->prefix[slot] != prefix)
        slot = slot_next(slot);
    return slot;
}

/* Closes the hole that would cut a probe sequence short: pulls back each later one that may move there. */
static void slot_clear(struct table_prefix_counts *counts, uint32_t hole)
{
    for (uint32_t slot = slot_next(hole); counts->prefix[slot] != 0; slot = slot_next(slot)) {
        uint32_t home = slot_home(counts, counts->prefix[slot]);

        if (((slot - home) & (TABLE_PREFIX_CAP - 1)) < ((slot - hole) & (TABLE_PREFIX_CAP - 1)))
            continue;
        counts->prefix[hole] = counts->prefix[slot];
        counts->cnt[hole] = counts->cnt[slot];
        hole = slot;
    }
    counts->prefix[hole] = 0;
    counts->cnt[hole] = 0;
}

uint32_t xord_ip_limit_count(const struct table_prefix_counts *counts, uint64_t prefix)
{
    return counts->cnt[slot_find(counts, prefix)];
}

void xord_ip_limit_enter(struct table_prefix_counts *counts, uint64_t prefix)
{
    uint32_t slot;

    if (prefix == 0)
        return;
    slot = slot_find(counts, prefix);
    counts->prefix[slot] = prefix;
    counts->cnt[slot]++;
}

void xord_ip_limit_leave(struct table_prefix_counts *counts, uint64_t prefix)
{
    uint32_t slot;

    if (prefix == 0)
        return;
    slot = slot_find(counts, prefix);
    if (--counts->cnt[slot] == 0)
        slot_clear(counts, slot);
}

/* ---- limits ---- */

/* How many others use a prefix. The node itself is sought in its bucket only; nowhere else can it be. */
struct usage {
    const uint8_t *id32;
    uint64_t prefix;
    uint32_t in_bucket;
    uint32_t in_table;
};

static void usage_add_node(struct usage *usage, const uint8_t id32[32], uint64_t prefix)
{
    if (prefix != usage->prefix)
        return;
    if (memcmp(id32, usage->id32, 32) == 0)
        usage->in_table--;
    else
        usage->in_bucket++;
}

static void usage_add_list(struct usage *usage, const struct xord_table *table, const struct table_list *list)
{
    for (uint32_t pos = 0; pos < list->cnt; pos++) {
        const struct table_entry *entry = &table->pool[list->items[pos]];

        usage_add_node(usage, entry->node.enr.id32, entry->ip_prefix);
    }
}

static void usage_add_snapshot(struct usage *usage, const struct xord_table_snapshot *snap, unsigned distance)
{
    uint32_t first;
    uint32_t cnt = xord_table_snapshot_at(snap, distance, &first);

    usage->in_table += xord_ip_limit_count(&snap->prefixes, usage->prefix);
    for (uint32_t i = first; i < first + cnt; i++)
        usage_add_node(usage, snap->nodes[i].id32, snap->nodes[i].ip_prefix);
}

bool xord_ip_limit_allows(const struct xord_table *table, const struct xord_table_view *view, const uint8_t id32[32],
        uint16_t bucket, uint64_t prefix)
{
    struct usage usage = {.id32 = id32, .prefix = prefix};

    if (prefix == 0)
        return true;
    usage.in_table = xord_ip_limit_count(&table->prefixes, prefix);
    usage_add_list(&usage, table, &table->buckets[bucket].entries);
    usage_add_list(&usage, table, &table->buckets[bucket].replacements);
    for (uint32_t shard = 0; view && shard < view->snap_cnt; shard++)
        if (shard != view->own && view->snaps[shard])
            usage_add_snapshot(&usage, view->snaps[shard], bucket + 1U);
    return usage.in_bucket < XORD_IP_LIMIT_BUCKET && usage.in_table < XORD_IP_LIMIT_TABLE;
}
