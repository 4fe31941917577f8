/* SPDX-License-Identifier: BSD-3-Clause */
/* The table's insides, shared by its sources: a pool of entries named by 16-bit indexes, and what finds them - the index
 * by node id, the buckets by distance, the schedule by due time, the counts by IP prefix.
 *
 * Invariants: an entry in use is in the index, in one list of its bucket and, unless its prefix is 0, in the prefix
 * counts; a bucket entry, and only that, is in the schedule; a bucket has replacements only while it is full.
 * Memory: one block of about 1 MB, of which the pool is touched only as far as it has ever been in use. */
#pragma once

#include "xord_hash.h"
#include "xord_table.h"

#define TABLE_NONE            UINT16_MAX
#define TABLE_INDEX_HEADS     4096
#define TABLE_PREFIX_CAP      4096
#define TABLE_PAST_CHECKS_MAX 63 /* more change nothing */

_Static_assert(XORD_TABLE_CAPACITY < TABLE_NONE, "pool indexes are 16 bits wide");
_Static_assert(XORD_TABLE_CAPACITY <= TABLE_PREFIX_CAP / 2, "open addressing needs room");
_Static_assert(XORD_TABLE_REPLACEMENTS <= XORD_TABLE_K, "both kinds share one list type");
_Static_assert(XORD_IP_LIMIT_TABLE <= UINT8_MAX && XORD_TABLE_BUCKETS - 1 <= UINT8_MAX, "they are held in bytes");

enum table_entry_state { TABLE_ENTRY_FREE, TABLE_ENTRY_BUCKET, TABLE_ENTRY_REPLACEMENT };

struct table_entry {
    struct xord_table_node node;
    uint64_t seen_ns;   /* last contact or answer; 0: never */
    uint64_t due_ns;    /* next check */
    uint64_t latest_ns; /* contacts do not put the check off beyond this */
    uint64_t ip_prefix; /* 0: exempt from IP limits */
    uint16_t next;      /* in the index chain, or in the free list */
    uint16_t heap_pos;
    uint8_t bucket; /* log distance - 1 */
    uint8_t misses; /* checks unanswered in a row */
    uint8_t state;
    uint8_t checking : 1;    /* handed out by next_check, outcome unknown */
    uint8_t contacted : 1;   /* has contacted us since its first check was scheduled */
    uint8_t past_checks : 6; /* PINGs answered in an earlier life of ours; counts once it has answered one in this */
};

_Static_assert(sizeof(struct table_entry) <= 480,
        "a known node takes less than 512 bytes, the table around it included");

/* Pool indexes, least recently seen first; those never seen in the order in which they came. */
struct table_list {
    uint16_t items[XORD_TABLE_K];
    uint16_t cnt;
};

struct table_bucket {
    uint64_t refreshed_ns; /* 1 + when; 0: never */
    struct table_list entries;
    struct table_list replacements;
};

/* How many nodes have an address in a prefix: a hash table with linear probing. */
struct table_prefix_counts {
    struct xord_hash_key key;
    uint64_t prefix[TABLE_PREFIX_CAP]; /* 0: empty slot */
    uint8_t cnt[TABLE_PREFIX_CAP];
};

struct xord_table {
    uint8_t self32[32];
    struct xord_rng *rng;
    struct xord_hash_key key; /* secret, so that strangers cannot choose ids that share a chain */
    uint32_t entry_cnt;       /* in buckets; the schedule holds as many */
    uint32_t live_cnt;
    bool dirty;
    uint16_t free_head;
    uint16_t fresh; /* pool entries from here on have never been in use */
    uint16_t heads[TABLE_INDEX_HEADS];
    uint16_t heap[XORD_TABLE_CAPACITY]; /* binary heap, earliest due first */
    struct table_bucket buckets[XORD_TABLE_BUCKETS];
    struct table_prefix_counts prefixes;
    struct table_entry pool[XORD_TABLE_CAPACITY];
};

struct xord_table_snapshot {
    uint8_t self32[32];
    uint16_t first[XORD_TABLE_BUCKETS + 1]; /* nodes at distance d are at [first[d - 1], first[d]) */
    struct table_prefix_counts prefixes;
    struct xord_snapshot_node nodes[XORD_TABLE_CAPACITY];
};

static inline bool table_entry_is_live(const struct table_entry *entry)
{
    return entry->node.live_checks > 0;
}

/* ---- index.c: the pool and the index by node id ---- */

void xord_table_index_init(struct xord_table *table);
uint16_t xord_table_index_find(const struct xord_table *table, const uint8_t id32[32]);

/* Takes an entry from the pool and indexes it under `id32`, which must not be indexed yet. All else of it is zero.
 * TABLE_NONE when the pool is exhausted. */
uint16_t xord_table_index_insert(struct xord_table *table, const uint8_t id32[32]);
void xord_table_index_remove(struct xord_table *table, uint16_t i);

/* ---- bucket.c: membership of buckets ---- */

/* Puts an entry where its seen_ns belongs, in the list that its state names. */
void xord_bucket_insert(struct xord_table *table, uint16_t i);
void xord_bucket_remove(struct xord_table *table, uint16_t i);

/* Records contact or an answer and moves the entry accordingly. */
void xord_bucket_touch(struct xord_table *table, uint16_t i, uint64_t now_ns);

/* ---- liveness.c: the schedule ---- */

/* Takes an entry that has come into a bucket into the schedule, and out of it again. */
void xord_liveness_enter(struct xord_table *table, uint16_t i, bool inbound, uint64_t now_ns);
void xord_liveness_leave(struct xord_table *table, uint16_t i);

/* The endpoint of a scheduled entry has changed: it starts over as unverified. */
void xord_liveness_restart(struct xord_table *table, uint16_t i, bool inbound, uint64_t now_ns);

/* The node contacts us: let it see our answer before a PING of ours. */
void xord_liveness_put_off(struct xord_table *table, uint16_t i, uint64_t now_ns);

/* ---- ip_limit.c ---- */

/* What IP limits count an address by: its family and /24 or /48; 0 when it is exempt. */
uint64_t xord_ip_limit_prefix(const uint8_t ip16[16]);

uint32_t xord_ip_limit_count(const struct table_prefix_counts *counts, uint64_t prefix);
void xord_ip_limit_enter(struct table_prefix_counts *counts, uint64_t prefix);
void xord_ip_limit_leave(struct table_prefix_counts *counts, uint64_t prefix);

/* Is there room for node `id32` under `prefix`, in this bucket and in the table, whatever the node itself occupies now? */
bool xord_ip_limit_allows(const struct xord_table *table, const struct xord_table_view *view, const uint8_t id32[32],
        uint16_t bucket, uint64_t prefix);

/* ---- table.c ---- */

/* Forgets an entry; does not fill its place. */
void xord_table_remove(struct xord_table *table, uint16_t i);

/* Puts the most recently seen replacement, if there is one, into a bucket that has room. */
void xord_table_promote(struct xord_table *table, uint16_t bucket, uint64_t now_ns);
