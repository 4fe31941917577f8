/* SPDX-License-Identifier: BSD-3-Clause */
/* Buckets: sixteen entries and ten replacements, each kept in the order in which they were last seen. */
#include "table_private.h"

#include <string.h>

static struct table_list *list_of(struct xord_table *table, const struct table_entry *entry)
{
    struct table_bucket *bucket = &table->buckets[entry->bucket];

    return entry->state == TABLE_ENTRY_BUCKET ? &bucket->entries : &bucket->replacements;
}

static void items_move(struct table_list *list, uint32_t to, uint32_t from)
{
    memmove(&list->items[to], &list->items[from], (list->cnt - from) * sizeof(list->items[0]));
}

void xord_bucket_insert(struct xord_table *table, uint16_t i)
{
    struct table_list *list = list_of(table, &table->pool[i]);
    uint32_t pos = list->cnt;

    while (pos > 0 && table->pool[list->items[pos - 1]].seen_ns > table->pool[i].seen_ns)
        pos--;
    items_move(list, pos + 1, pos);
    list->items[pos] = i;
    list->cnt++;
}

void xord_bucket_remove(struct xord_table *table, uint16_t i)
{
    struct table_list *list = list_of(table, &table->pool[i]);
    uint32_t pos = 0;

    while (list->items[pos] != i)
        pos++;
    items_move(list, pos, pos + 1);
    list->cnt--;
}

void xord_bucket_touch(struct xord_table *table, uint16_t i, uint64_t now_ns)
{
    xord_bucket_remove(table, i);
    table->pool[i].seen_ns = now_ns;
    xord_bucket_insert(table, i);
}
