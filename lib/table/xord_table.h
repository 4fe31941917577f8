/* SPDX-License-Identifier: BSD-3-Clause */
/* One shard's part of the routing table: 256 k-buckets with replacement caches and asynchronous liveness.
 * Spec: discv5-theory.md, "Node Table" and "Table Maintenance In Practice".
 *
 * The shard that owns a node's endpoint owns its entry. What other shards hold is known through their snapshots
 * (`struct xord_table_view`), which IP limits and FINDNODE answers draw on; a snapshot is immutable while it is in a
 * view. An entry that has never answered a PING of ours is unverified and is never handed out.
 * IP limits: 2 a bucket and 10 a table for a /24 of IPv4 or a /48 of IPv6, counted over replacements too and over the
 * other shards' snapshots; loopback and private addresses are exempt.
 * A node counts as seen when it contacts us or answers; one only named by others has never been seen.
 * Threading: one owner; snapshots are read by others. Memory: allocated by new, fixed from then on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_clock.h"
#include "xord_endpoint.h"
#include "xord_enr.h"
#include "xord_prefix.h"
#include "xord_rng.h"

#define XORD_TABLE_K            16
#define XORD_TABLE_REPLACEMENTS 10
#define XORD_TABLE_BUCKETS      256
#define XORD_TABLE_CAPACITY     2048 /* entries, replacements included */
#define XORD_IP_LIMIT_BUCKET    2
#define XORD_IP_LIMIT_TABLE     10
#define XORD_IP_LIMIT_V4_BITS   24
#define XORD_IP_LIMIT_V6_BITS   48

/* Liveness: first PING of a new entry 300 ms (plus up to 1 s of spread) after it made itself known, at most 5 s, and
 * within 5 s when it was only named by others. Each further contact puts a check off to 300 ms later, but by no more
 * than 5 s in all. A verified entry is checked again between 30 s and 10 min later, the longer the more often it has
 * answered. It may miss as many checks in a row as log2 of its successes (at most 3), each miss checked again after 5 to
 * 10 s; then it goes. An unverified one goes at its first miss. The most recently seen replacement takes the place,
 * unverified and checked like a new entry. */
#define XORD_LIVENESS_FIRST_MIN_NS (300 * XORD_NS_PER_MS)
#define XORD_LIVENESS_FIRST_MAX_NS (5 * XORD_NS_PER_S)
#define XORD_LIVENESS_SPREAD_NS    (1 * XORD_NS_PER_S)
#define XORD_LIVENESS_MIN_NS       (30 * XORD_NS_PER_S)
#define XORD_LIVENESS_MAX_NS       (600 * XORD_NS_PER_S)
#define XORD_LIVENESS_RETRY_NS     (5 * XORD_NS_PER_S)
#define XORD_LIVENESS_RETRY_MAX_NS (10 * XORD_NS_PER_S)
#define XORD_LIVENESS_MISSES_MAX   3
#define XORD_LIVENESS_LOST_NS      (10 * XORD_NS_PER_S) /* a check without outcome is handed out again */

struct xord_table;
struct xord_table_snapshot;

/* The snapshots of all shards (the own one included) of one local identity; pointers may be NULL before a shard first
 * published. Valid until the reader's next quiescent point. */
struct xord_table_view {
    const struct xord_table_snapshot *const *snaps;
    uint32_t snap_cnt;
    uint32_t own; /* index of the caller's own shard */
};

struct xord_table_node {
    struct xord_enr enr; /* verified */
    struct xord_endpoint ep;
    uint32_t live_checks;  /* PINGs answered from `ep`; 0: unverified */
    uint64_t last_live_ns; /* 0: never */
};

/* NULL when out of memory. `rng` is borrowed for liveness spread. */
struct xord_table *xord_table_new(const uint8_t self_id32[32], struct xord_rng *rng);
void xord_table_free(struct xord_table *table);

enum xord_table_verdict {
    XORD_TABLE_ADDED,       /* new bucket entry, unverified; a liveness check is scheduled */
    XORD_TABLE_REPLACEMENT, /* bucket full: kept in its replacement cache */
    XORD_TABLE_UPDATED,     /* known: newer record taken over (an endpoint change makes it unverified again) */
    XORD_TABLE_KNOWN,       /* known, nothing new */
    XORD_TABLE_IP_LIMIT,    /* refused */
    XORD_TABLE_FULL,        /* refused: capacity */
    XORD_TABLE_SELF,        /* refused: our own id */
    XORD_TABLE_UNUSABLE,    /* refused: port 0, or an unspecified or multicast address */
};

/* Offers a node. `enr` must be verified; `ep` is the endpoint of it that this shard would use. `inbound`: it has just
 * contacted us (checks begin after 300 ms), otherwise it was named by someone else (checks wait their turn). Call it
 * with `inbound` at every contact of a node, known or not. A record that is not newer than the known one changes
 * nothing; a newer one whose endpoint the IP limits refuse is not taken over. `view` may be NULL: no other shards. */
enum xord_table_verdict xord_table_add(struct xord_table *table, const struct xord_table_view *view,
        const struct xord_enr *enr, const struct xord_endpoint *ep, bool inbound, uint64_t now_ns);

/* A node of an earlier life, which answered so many PINGs then: added as one named by others, unverified; with its first answer it
 * has its history back, and until then it may miss as many checks as that allows. */
enum xord_table_verdict xord_table_seed(struct xord_table *table, const struct xord_table_view *view,
        const struct xord_enr *enr, const struct xord_endpoint *ep, uint32_t past_checks, uint64_t now_ns);

/* The next node whose liveness is due at `now_ns`: copies it to *node and marks it as being checked (it is not handed
 * out again until on_live or on_dead, or 10 s, which must be longer than the caller waits for a PONG). False when none
 * is due. */
bool xord_table_next_check(struct xord_table *table, struct xord_table_node *node, uint64_t now_ns);

/* When next_check may have something; UINT64_MAX when nothing is scheduled. */
uint64_t xord_table_next_check_ns(const struct xord_table *table);

/* The node answered a PING from `ep`. False, and nothing is verified, when it is not in a bucket of ours or its endpoint
 * is not (or no longer) `ep`. */
bool xord_table_on_live(struct xord_table *table, const uint8_t id32[32], const struct xord_endpoint *ep,
        uint64_t now_ns);

/* A check went unanswered. Of no effect when none is under way (the endpoint has changed since, say). */
void xord_table_on_dead(struct xord_table *table, const uint8_t id32[32], uint64_t now_ns);

/* The entry (a replacement too) or NULL; valid until the next call that changes the table. */
const struct xord_table_node *xord_table_find(const struct xord_table *table, const uint8_t id32[32]);

/* Bucket entries (replacements not counted), and how many of them are verified. */
uint32_t xord_table_cnt(const struct xord_table *table);
uint32_t xord_table_live_cnt(const struct xord_table *table);

/* What else there is to tell of an entry. */
struct xord_table_entry {
    const struct xord_table_node *node;
    uint16_t distance;
    bool replacement;
    uint8_t misses;       /* checks unanswered in a row */
    uint32_t past_checks; /* of an earlier life, while it has not answered in this */
    uint64_t seen_ns;     /* last contact or answer; 0: never */
};

/* Walks all entries and replacements: start with *pos = 0; false at the end. Entries that come or go meanwhile may be missed. */
bool xord_table_walk(const struct xord_table *table, uint32_t *pos, struct xord_table_entry *entry);

/* Removes all whose endpoint is in a prefix; returns how many. */
uint32_t xord_table_drop(struct xord_table *table, const struct xord_prefix *prefix, uint64_t now_ns);

/* A random target whose lookup refreshes the bucket refreshed longest ago; marks that bucket refreshed. Buckets nearer
 * than the nearest node but one are left out: a lookup there only finds our neighbourhood again. */
void xord_table_refresh_target(struct xord_table *table, uint8_t target32[32], uint64_t now_ns);

/* ---- snapshots ---- */

/* Has anything that a snapshot shows, but its order, changed since the last one was filled? */
bool xord_table_is_dirty(const struct xord_table *table);

struct xord_table_snapshot *xord_table_snapshot_new(void); /* full capacity; NULL when out of memory */
void xord_table_snapshot_free(struct xord_table_snapshot *snap);

/* Copies the entries and replacements into a snapshot that nobody reads. */
void xord_table_snapshot_fill(struct xord_table_snapshot *snap, struct xord_table *table);

/* One node of a snapshot, as it is handed out. */
struct xord_snapshot_node {
    uint8_t id32[32];
    struct xord_endpoint ep;
    uint64_t seq;
    uint64_t ip_prefix; /* what IP limits count it by; 0: exempt */
    uint16_t enr_len;   /* 0 for replacements */
    uint8_t live;
    uint8_t replacement; /* counted for IP limits only */
    uint8_t enr[XORD_ENR_MAX_LEN];
};

/* All nodes, replacements included. */
uint32_t xord_table_snapshot_cnt(const struct xord_table_snapshot *snap);

/* The nodes of a snapshot, grouped by log distance; those at `distance` are at [*first, *first + returned): first the
 * live ones, then the unverified, then the replacements, each most recently seen first. */
uint32_t xord_table_snapshot_at(const struct xord_table_snapshot *snap, unsigned distance, uint32_t *first);
const struct xord_snapshot_node *xord_table_snapshot_node(const struct xord_table_snapshot *snap, uint32_t i);

/* Collects verified nodes at the given distances (already de-duplicated, 1..256) over all snapshots of the view, at
 * most `max`, never `except_id32`'s own record (may be NULL). Distances are served in the order given, shards
 * interleaved so that each contributes; IP limits hold over the union, and of a node that two shards hold the newer
 * record is taken. Returns how many; pointers are valid as long as the view. */
uint32_t xord_table_collect(const struct xord_table_view *view, const uint16_t *distances, uint32_t distance_cnt,
        const uint8_t *except_id32, const struct xord_snapshot_node **out, uint32_t max);

/* The `max` nodes closest to a target over the view, closest first; verified ones only if `live_only`. Replacements are
 * left out. */
uint32_t xord_table_closest(const struct xord_table_view *view, const uint8_t target32[32], bool live_only,
        const struct xord_snapshot_node **out, uint32_t max);
