/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots: a copy of the table that others read while its owner goes on. Grouped by distance; within a distance live
 * nodes come first, so that a reader who wants those stops at the first that is not. */
#include "table_private.h"

#include <stdlib.h>
#include <string.h>

struct xord_table_snapshot *xord_table_snapshot_new(void)
{
    return calloc(1, sizeof(struct xord_table_snapshot));
}

void xord_table_snapshot_free(struct xord_table_snapshot *snap)
{
    free(snap);
}

/* Replacements are never handed out, so their records stay behind. */
static void node_fill(struct xord_snapshot_node *node, const struct table_entry *entry)
{
    const struct xord_enr *enr = &entry->node.enr;

    memcpy(node->id32, enr->id32, 32);
    node->ep = entry->node.ep;
    node->seq = enr->seq;
    node->ip_prefix = entry->ip_prefix;
    node->live = table_entry_is_live(entry);
    node->replacement = entry->state == TABLE_ENTRY_REPLACEMENT;
    node->enr_len = node->replacement ? 0 : enr->len;
    memcpy(node->enr, enr->raw, node->enr_len);
}

/* Appends those of a list that are live, or those that are not, most recently seen first. Returns the new count. */
static uint16_t list_fill(struct xord_table_snapshot *snap, uint16_t cnt, const struct xord_table *table,
        const struct table_list *list, bool live)
{
    for (uint32_t pos = list->cnt; pos > 0; pos--) {
        const struct table_entry *entry = &table->pool[list->items[pos - 1]];

        if (table_entry_is_live(entry) == live)
            node_fill(&snap->nodes[cnt++], entry);
    }
    return cnt;
}

void xord_table_snapshot_fill(struct xord_table_snapshot *snap, struct xord_table *table)
{
    uint16_t cnt = 0;

    memcpy(snap->self32, table->self32, 32);
    snap->prefixes = table->prefixes;
    for (uint32_t b = 0; b < XORD_TABLE_BUCKETS; b++) {
        const struct table_bucket *bucket = &table->buckets[b];

        snap->first[b] = cnt;
        cnt = list_fill(snap, cnt, table, &bucket->entries, true);
        cnt = list_fill(snap, cnt, table, &bucket->entries, false);
        cnt = list_fill(snap, cnt, table, &bucket->replacements, false);
    }
    snap->first[XORD_TABLE_BUCKETS] = cnt;
    table->dirty = false;
}

uint32_t xord_table_snapshot_cnt(const struct xord_table_snapshot *snap)
{
    return snap->first[XORD_TABLE_BUCKETS];
}

uint32_t xord_table_snapshot_at(const struct xord_table_snapshot *snap, unsigned distance, uint32_t *first)
{
    *first = 0;
    if (distance == 0 || distance > XORD_TABLE_BUCKETS)
        return 0;
    *first = snap->first[distance - 1];
    return snap->first[distance] - *first;
}

const struct xord_snapshot_node *xord_table_snapshot_node(const struct xord_table_snapshot *snap, uint32_t i)
{
    return &snap->nodes[i];
}
