/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool of entries and its index by node id: hash chains linked through the entries. */
#include "table_private.h"

#include <string.h>

void xord_table_index_init(struct xord_table *table)
{
    xord_rng_fill(table->rng, &table->key, sizeof(table->key));
    memset(table->heads, 0xff, sizeof(table->heads));
    table->free_head = TABLE_NONE;
    table->fresh = 0;
}

static uint32_t head_of(const struct xord_table *table, const uint8_t id32[32])
{
    return xord_hash64(&table->key, id32, 32) & (TABLE_INDEX_HEADS - 1);
}

uint16_t xord_table_index_find(const struct xord_table *table, const uint8_t id32[32])
{
    uint16_t i = table->heads[head_of(table, id32)];

    while (i != TABLE_NONE && memcmp(table->pool[i].node.enr.id32, id32, 32) != 0)
        i = table->pool[i].next;
    return i;
}

static uint16_t pool_take(struct xord_table *table)
{
    uint16_t i = table->free_head;

    if (i != TABLE_NONE) {
        table->free_head = table->pool[i].next;
        memset(&table->pool[i], 0, sizeof(table->pool[i]));
        return i;
    }
    return table->fresh < XORD_TABLE_CAPACITY ? table->fresh++ : TABLE_NONE;
}

uint16_t xord_table_index_insert(struct xord_table *table, const uint8_t id32[32])
{
    uint32_t head = head_of(table, id32);
    uint16_t i = pool_take(table);

    if (i == TABLE_NONE)
        return TABLE_NONE;
    memcpy(table->pool[i].node.enr.id32, id32, 32);
    table->pool[i].next = table->heads[head];
    table->heads[head] = i;
    return i;
}

void xord_table_index_remove(struct xord_table *table, uint16_t i)
{
    struct table_entry *entry = &table->pool[i];
    uint16_t *link = &table->heads[head_of(table, entry->node.enr.id32)];

    while (*link != i)
        link = &table->pool[*link].next;
    *link = entry->next;
    entry->state = TABLE_ENTRY_FREE;
    entry->next = table->free_head;
    table->free_head = i;
}
