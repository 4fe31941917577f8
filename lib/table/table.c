/* SPDX-License-Identifier: BSD-3-Clause */
/* The table: what becomes of a node that is offered, and which bucket to refresh. */
#include "table_private.h"

#include <stdlib.h>
#include <string.h>

/* Zeroed pages stay untouched until entries use them, so that many small tables cost little memory. */
struct xord_table *xord_table_new(const uint8_t self_id32[32], struct xord_rng *rng)
{
    struct xord_table *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    memcpy(table->self32, self_id32, 32);
    table->rng = rng;
    xord_table_index_init(table);
    table->prefixes.key = table->key;
    return table;
}

void xord_table_free(struct xord_table *table)
{
    free(table);
}

void xord_table_remove(struct xord_table *table, uint16_t i)
{
    struct table_entry *entry = &table->pool[i];

    xord_bucket_remove(table, i);
    if (entry->state == TABLE_ENTRY_BUCKET)
        xord_liveness_leave(table, i);
    xord_ip_limit_leave(&table->prefixes, entry->ip_prefix);
    xord_table_index_remove(table, i);
    table->dirty = true;
}

/* It may have contacted us a moment ago, so it waits like one that has just done so. */
void xord_table_promote(struct xord_table *table, uint16_t bucket, uint64_t now_ns)
{
    struct table_list *replacements = &table->buckets[bucket].replacements;
    uint16_t i;

    if (replacements->cnt == 0)
        return;
    i = replacements->items[replacements->cnt - 1];
    xord_bucket_remove(table, i);
    table->pool[i].state = TABLE_ENTRY_BUCKET;
    xord_bucket_insert(table, i);
    xord_liveness_enter(table, i, true, now_ns);
    table->dirty = true;
}

/* ---- adding ---- */

/* A node as it is offered. */
struct offer {
    const struct xord_table_view *view;
    const struct xord_enr *enr;
    const struct xord_endpoint *ep;
    uint64_t ip_prefix;
    uint64_t now_ns;
    bool inbound;
};

static bool endpoint_is_usable(const struct xord_endpoint *ep)
{
    enum xord_ip_scope scope = xord_ip_scope(ep->ip16);

    return ep->port != 0 && scope != XORD_IP_UNSPECIFIED && scope != XORD_IP_MULTICAST;
}

static void known_move(struct xord_table *table, uint16_t i, const struct offer *offer)
{
    struct table_entry *entry = &table->pool[i];

    xord_ip_limit_leave(&table->prefixes, entry->ip_prefix);
    xord_ip_limit_enter(&table->prefixes, offer->ip_prefix);
    entry->ip_prefix = offer->ip_prefix;
    entry->node.ep = *offer->ep;
    if (entry->state == TABLE_ENTRY_BUCKET)
        xord_liveness_restart(table, i, offer->inbound, offer->now_ns);
}

static enum xord_table_verdict known_update(struct xord_table *table, uint16_t i, const struct offer *offer)
{
    struct table_entry *entry = &table->pool[i];

    if (offer->enr->seq <= entry->node.enr.seq)
        return XORD_TABLE_KNOWN;
    if (!xord_endpoint_equal(&entry->node.ep, offer->ep)) {
        if (!xord_ip_limit_allows(table, offer->view, offer->enr->id32, entry->bucket, offer->ip_prefix))
            return XORD_TABLE_IP_LIMIT;
        known_move(table, i, offer);
    }
    entry->node.enr = *offer->enr;
    table->dirty = true;
    return XORD_TABLE_UPDATED;
}

static enum xord_table_verdict known_add(struct xord_table *table, uint16_t i, const struct offer *offer)
{
    enum xord_table_verdict verdict = known_update(table, i, offer);

    if (!offer->inbound)
        return verdict;
    xord_bucket_touch(table, i, offer->now_ns);
    if (table->pool[i].state == TABLE_ENTRY_BUCKET)
        xord_liveness_put_off(table, i, offer->now_ns);
    return verdict;
}

static void entry_fill(struct xord_table *table, uint16_t i, uint16_t bucket, const struct offer *offer)
{
    struct table_entry *entry = &table->pool[i];

    entry->node.enr = *offer->enr;
    entry->node.ep = *offer->ep;
    entry->bucket = (uint8_t)bucket;
    entry->ip_prefix = offer->ip_prefix;
    entry->seen_ns = offer->inbound ? offer->now_ns : 0;
    xord_ip_limit_enter(&table->prefixes, offer->ip_prefix);
}

static enum xord_table_verdict new_add(struct xord_table *table, const struct offer *offer)
{
    uint16_t b = (uint16_t)(xord_log_distance(table->self32, offer->enr->id32) - 1);
    struct table_bucket *bucket = &table->buckets[b];
    bool full = bucket->entries.cnt == XORD_TABLE_K;
    uint16_t i;

    if (!xord_ip_limit_allows(table, offer->view, offer->enr->id32, b, offer->ip_prefix))
        return XORD_TABLE_IP_LIMIT;
    if (full && bucket->replacements.cnt == XORD_TABLE_REPLACEMENTS)
        xord_table_remove(table, bucket->replacements.items[0]);
    i = xord_table_index_insert(table, offer->enr->id32);
    if (i == TABLE_NONE)
        return XORD_TABLE_FULL;
    entry_fill(table, i, b, offer);
    table->pool[i].state = full ? TABLE_ENTRY_REPLACEMENT : TABLE_ENTRY_BUCKET;
    xord_bucket_insert(table, i);
    if (!full)
        xord_liveness_enter(table, i, offer->inbound, offer->now_ns);
    table->dirty = true;
    return full ? XORD_TABLE_REPLACEMENT : XORD_TABLE_ADDED;
}

enum xord_table_verdict xord_table_add(struct xord_table *table, const struct xord_table_view *view,
        const struct xord_enr *enr, const struct xord_endpoint *ep, bool inbound, uint64_t now_ns)
{
    struct offer offer = {view, enr, ep, xord_ip_limit_prefix(ep->ip16), now_ns, inbound};
    uint16_t i;

    if (memcmp(enr->id32, table->self32, 32) == 0)
        return XORD_TABLE_SELF;
    if (!endpoint_is_usable(ep))
        return XORD_TABLE_UNUSABLE;
    i = xord_table_index_find(table, enr->id32);
    return i == TABLE_NONE ? new_add(table, &offer) : known_add(table, i, &offer);
}

enum xord_table_verdict xord_table_seed(struct xord_table *table, const struct xord_table_view *view,
        const struct xord_enr *enr, const struct xord_endpoint *ep, uint32_t past_checks, uint64_t now_ns)
{
    enum xord_table_verdict verdict = xord_table_add(table, view, enr, ep, false, now_ns);

    if (verdict == XORD_TABLE_ADDED || verdict == XORD_TABLE_REPLACEMENT)
        table->pool[xord_table_index_find(table, enr->id32)].past_checks =
                past_checks < TABLE_PAST_CHECKS_MAX ? (uint8_t)past_checks : TABLE_PAST_CHECKS_MAX;
    return verdict;
}

uint32_t xord_table_drop(struct xord_table *table, const struct xord_prefix *prefix, uint64_t now_ns)
{
    uint32_t n = 0;

    for (uint16_t i = 0; i < table->fresh; i++) {
        const struct table_entry *entry = &table->pool[i];
        uint16_t bucket = entry->bucket;
        bool held_place = entry->state == TABLE_ENTRY_BUCKET;

        if (entry->state == TABLE_ENTRY_FREE || !xord_prefix_has(prefix, entry->node.ep.ip16))
            continue;
        xord_table_remove(table, i);
        n++;
        if (held_place)
            xord_table_promote(table, bucket, now_ns);
    }
    return n;
}

/* ---- looking ---- */

bool xord_table_walk(const struct xord_table *table, uint32_t *pos, struct xord_table_entry *out)
{
    const struct table_entry *entry;

    while (*pos < table->fresh && table->pool[*pos].state == TABLE_ENTRY_FREE)
        ++*pos;
    if (*pos >= table->fresh)
        return false;
    entry = &table->pool[(*pos)++];
    *out = (struct xord_table_entry){
            .node = &entry->node,
            .distance = (uint16_t)(entry->bucket + 1),
            .replacement = entry->state == TABLE_ENTRY_REPLACEMENT,
            .misses = entry->misses,
            .past_checks = table_entry_is_live(entry) ? 0 : entry->past_checks,
            .seen_ns = entry->seen_ns,
    };
    return true;
}

const struct xord_table_node *xord_table_find(const struct xord_table *table, const uint8_t id32[32])
{
    uint16_t i = xord_table_index_find(table, id32);

    return i == TABLE_NONE ? NULL : &table->pool[i].node;
}

uint32_t xord_table_cnt(const struct xord_table *table)
{
    return table->entry_cnt;
}

uint32_t xord_table_live_cnt(const struct xord_table *table)
{
    return table->live_cnt;
}

bool xord_table_is_dirty(const struct xord_table *table)
{
    return table->dirty;
}

/* ---- refreshing ---- */

static uint32_t bucket_nearest(const struct xord_table *table)
{
    uint32_t b = 0;

    while (b < XORD_TABLE_BUCKETS - 1 && table->buckets[b].entries.cnt == 0)
        b++;
    return b;
}

static uint32_t bucket_stalest(const struct xord_table *table)
{
    uint32_t first = bucket_nearest(table);
    uint32_t stalest;

    first -= first > 0;
    stalest = first;
    for (uint32_t b = first + 1; b < XORD_TABLE_BUCKETS; b++)
        if (table->buckets[b].refreshed_ns < table->buckets[stalest].refreshed_ns)
            stalest = b;
    return stalest;
}

/* Bucket b holds the ids that share all bits with ours above bit b, counted from the last, and differ in bit b. */
void xord_table_refresh_target(struct xord_table *table, uint8_t target32[32], uint64_t now_ns)
{
    uint32_t b = bucket_stalest(table);
    uint32_t byte = 31 - b / 8;
    uint8_t bit = (uint8_t)(1U << b % 8);
    uint8_t below = (uint8_t)(bit - 1);

    table->buckets[b].refreshed_ns = now_ns + 1;
    xord_rng_fill(table->rng, target32, 32);
    target32[byte] = (uint8_t)(((table->self32[byte] ^ bit) & ~below) | (target32[byte] & below));
    memcpy(target32, table->self32, byte);
}
