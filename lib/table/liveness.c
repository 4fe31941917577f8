/* SPDX-License-Identifier: BSD-3-Clause */
/* Liveness: when each entry of a bucket is checked next - a binary heap by due time, in which an entry stays even while
 * its check is under way, so that none is ever lost - and what follows from answers and misses. */
#include "table_private.h"

/* A check that was sent to the old endpoint may still be reported as missed after the endpoint has changed. The first
 * check of the new one waits until that must be over. */
#define OLD_CHECK_OVER_NS (4 * XORD_NS_PER_S)

_Static_assert(OLD_CHECK_OVER_NS + XORD_LIVENESS_SPREAD_NS <= XORD_LIVENESS_FIRST_MAX_NS, "first check within 5 s");

/* ---- the heap ---- */

static uint64_t due_at(const struct xord_table *table, uint32_t pos)
{
    return table->pool[table->heap[pos]].due_ns;
}

static void heap_put(struct xord_table *table, uint32_t pos, uint16_t i)
{
    table->heap[pos] = i;
    table->pool[i].heap_pos = (uint16_t)pos;
}

static void heap_up(struct xord_table *table, uint32_t pos)
{
    uint16_t i = table->heap[pos];

    while (pos > 0 && due_at(table, (pos - 1) / 2) > table->pool[i].due_ns) {
        heap_put(table, pos, table->heap[(pos - 1) / 2]);
        pos = (pos - 1) / 2;
    }
    heap_put(table, pos, i);
}

static void heap_down(struct xord_table *table, uint32_t pos, uint32_t cnt)
{
    uint16_t i = table->heap[pos];
    uint32_t child;

    while ((child = 2 * pos + 1) < cnt) {
        if (child + 1 < cnt && due_at(table, child + 1) < due_at(table, child))
            child++;
        if (due_at(table, child) >= table->pool[i].due_ns)
            break;
        heap_put(table, pos, table->heap[child]);
        pos = child;
    }
    heap_put(table, pos, i);
}

/* Moves an entry of the schedule to another time. */
static void due_set(struct xord_table *table, struct table_entry *entry, uint64_t due_ns)
{
    entry->due_ns = due_ns;
    heap_up(table, entry->heap_pos);
    heap_down(table, entry->heap_pos, table->entry_cnt);
}

/* ---- times ---- */

static uint64_t spread(struct xord_table *table, uint64_t from_ns, uint64_t to_ns)
{
    return from_ns + xord_rng_below(table->rng, to_ns - from_ns);
}

static uint64_t first_delay_ns(struct xord_table *table, bool inbound, bool old_check)
{
    if (old_check)
        return spread(table, OLD_CHECK_OVER_NS, OLD_CHECK_OVER_NS + XORD_LIVENESS_SPREAD_NS);
    if (inbound)
        return spread(table, XORD_LIVENESS_FIRST_MIN_NS, XORD_LIVENESS_FIRST_MIN_NS + XORD_LIVENESS_SPREAD_NS);
    return spread(table, 0, XORD_LIVENESS_FIRST_MAX_NS);
}

static void first_check_set(struct xord_table *table, struct table_entry *entry, bool inbound, uint64_t now_ns)
{
    uint64_t due_ns = now_ns + first_delay_ns(table, inbound, entry->checking);

    entry->checking = false;
    entry->misses = 0;
    entry->contacted = inbound;
    entry->latest_ns = now_ns + XORD_LIVENESS_FIRST_MAX_NS;
    due_set(table, entry, due_ns);
}

/* 30 s after the first answer, then doubling; a fifth of 10 min is left for the spread. */
static uint64_t next_delay_ns(struct xord_table *table, uint32_t live_checks)
{
    uint64_t base_ns = XORD_LIVENESS_MIN_NS;

    while (--live_checks > 0 && base_ns * 2 < XORD_LIVENESS_MAX_NS)
        base_ns *= 2;
    return spread(table, base_ns, base_ns + base_ns / 4);
}

static void next_check_set(struct xord_table *table, struct table_entry *entry, uint64_t due_ns)
{
    entry->checking = false;
    entry->latest_ns = due_ns + XORD_LIVENESS_FIRST_MAX_NS;
    due_set(table, entry, due_ns);
}

/* ---- membership ---- */

void xord_liveness_enter(struct xord_table *table, uint16_t i, bool inbound, uint64_t now_ns)
{
    table->pool[i].due_ns = UINT64_MAX;
    heap_put(table, table->entry_cnt++, i);
    first_check_set(table, &table->pool[i], inbound, now_ns);
}

void xord_liveness_leave(struct xord_table *table, uint16_t i)
{
    uint32_t pos = table->pool[i].heap_pos;
    uint16_t last = table->heap[--table->entry_cnt];

    if (table_entry_is_live(&table->pool[i]))
        table->live_cnt--;
    if (last == i)
        return;
    heap_put(table, pos, last);
    due_set(table, &table->pool[last], table->pool[last].due_ns);
}

void xord_liveness_restart(struct xord_table *table, uint16_t i, bool inbound, uint64_t now_ns)
{
    struct table_entry *entry = &table->pool[i];

    if (table_entry_is_live(entry))
        table->live_cnt--;
    entry->node.live_checks = entry->past_checks = 0;
    entry->node.last_live_ns = 0;
    first_check_set(table, entry, inbound, now_ns);
}

/* Bounded by latest_ns, so that nobody escapes his checks by calling often. */
void xord_liveness_put_off(struct xord_table *table, uint16_t i, uint64_t now_ns)
{
    struct table_entry *entry = &table->pool[i];
    uint64_t earliest_ns = now_ns + XORD_LIVENESS_FIRST_MIN_NS;

    if (entry->checking)
        return;
    if (!entry->contacted && !table_entry_is_live(entry))
        entry->latest_ns = now_ns + XORD_LIVENESS_FIRST_MAX_NS;
    entry->contacted = true;
    if (earliest_ns > entry->latest_ns)
        earliest_ns = entry->latest_ns;
    if (entry->due_ns < earliest_ns)
        due_set(table, entry, earliest_ns);
}

/* ---- checks ---- */

uint64_t xord_table_next_check_ns(const struct xord_table *table)
{
    return table->entry_cnt ? due_at(table, 0) : UINT64_MAX;
}

bool xord_table_next_check(struct xord_table *table, struct xord_table_node *node, uint64_t now_ns)
{
    struct table_entry *entry;

    if (xord_table_next_check_ns(table) > now_ns)
        return false;
    entry = &table->pool[table->heap[0]];
    entry->checking = true;
    *node = entry->node;
    due_set(table, entry, now_ns + XORD_LIVENESS_LOST_NS);
    return true;
}

bool xord_table_on_live(struct xord_table *table, const uint8_t id32[32], const struct xord_endpoint *ep,
        uint64_t now_ns)
{
    uint16_t i = xord_table_index_find(table, id32);
    struct table_entry *entry;

    if (i == TABLE_NONE || !xord_endpoint_equal(&table->pool[i].node.ep, ep))
        return false;
    entry = &table->pool[i];
    xord_bucket_touch(table, i, now_ns);
    if (entry->state != TABLE_ENTRY_BUCKET)
        return false;
    if (!table_entry_is_live(entry)) {
        table->live_cnt++;
        table->dirty = true;
    }
    entry->misses = 0;
    entry->node.last_live_ns = now_ns;
    if (entry->node.live_checks == 0)
        entry->node.live_checks = entry->past_checks;
    if (entry->node.live_checks < UINT32_MAX)
        entry->node.live_checks++;
    next_check_set(table, entry, now_ns + next_delay_ns(table, entry->node.live_checks));
    return true;
}

/* floor(log2(successes)), at most 3; nothing for the unverified. */
static uint32_t misses_allowed(uint32_t live_checks)
{
    uint32_t allowed = 0;

    while ((live_checks >>= 1) > 0 && allowed < XORD_LIVENESS_MISSES_MAX)
        allowed++;
    return allowed;
}

void xord_table_on_dead(struct xord_table *table, const uint8_t id32[32], uint64_t now_ns)
{
    uint16_t i = xord_table_index_find(table, id32);
    struct table_entry *entry;
    uint16_t bucket;

    if (i == TABLE_NONE || !table->pool[i].checking)
        return;
    entry = &table->pool[i];
    if (entry->misses++ < misses_allowed(entry->node.live_checks ? entry->node.live_checks : entry->past_checks)) {
        next_check_set(table, entry, now_ns + spread(table, XORD_LIVENESS_RETRY_NS, XORD_LIVENESS_RETRY_MAX_NS));
        return;
    }
    bucket = entry->bucket;
    xord_table_remove(table, i);
    xord_table_promote(table, bucket, now_ns);
}
