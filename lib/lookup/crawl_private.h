/* SPDX-License-Identifier: BSD-3-Clause */
/* What the crawl's sources share: the window of queries in flight, one node's visit, the map of known nodes. Each part
 * stands alone, so that it is tested alone.
 * Threading: one owner. Memory: the map allocates (chunks of nodes and an index), the rest are plain values. */
#pragma once

#include "xord_crawl.h"

/* ---- window: how many queries may be in flight ---- */

#define CRAWL_WINDOW_EPOCH_NS (200 * XORD_NS_PER_MS)

struct crawl_window {
    uint32_t size, min, max;
    uint32_t threshold; /* slow start below, steps above */
    uint32_t credit;    /* answers towards the next step */
    uint64_t epoch_ns;
    uint32_t good, lost;           /* of nodes that had answered before, in this epoch */
    uint32_t last_good, last_lost; /* and in the one before */
    uint64_t halved_ns;
    bool halved;      /* ever */
    uint32_t base_pm; /* loss that does not come from us, in parts per thousand: it stays when the window is smallest */
};

void crawl_window_init(struct crawl_window *window, uint32_t min, uint32_t max);

/* An answer came while `in_flight` queries were open (it included): grows, but only a window that is in use. */
void crawl_window_good(struct crawl_window *window, uint64_t in_flight, uint64_t now_ns);

/* A query to a node that had answered before failed: halves, at most once an epoch, when more than every eighth does.
 * Plain loss on long paths stays below that; queues that overflow exceed it at once. Where even the smallest window loses
 * more, that much is the network's own, and only what comes on top of it counts. */
void crawl_window_lost(struct crawl_window *window, uint64_t now_ns);

/* ---- visit: which distances to ask of one node ---- */

/* The size of the network as answers tell it: what decides how many distances are asked singly. */
struct crawl_depth {
    double log2_nodes;
    uint32_t sample_cnt;
};

struct crawl_visit {
    uint16_t next;      /* farthest distance without an answer; 0: all are answered */
    uint16_t span;      /* distances of the last request: next, next - 1 ... */
    uint8_t failures;   /* in a row */
    uint8_t single_cnt; /* distances to ask singly before the rest is tried again */
    uint8_t full_cnt;   /* how often the rest came back full */
    uint8_t last_cnt;   /* records of the answer before */
    uint8_t max_cnt;    /* most records in one answer */
    bool partly;        /* the answer before was not full, so what is left is likely to fit into one */
    bool narrow;        /* long lists seem to be ignored */
};

void crawl_visit_init(struct crawl_visit *visit);

/* Sets `span`, at least 1, for the next request; the visit must not be complete. */
void crawl_visit_plan(struct crawl_visit *visit, const struct crawl_depth *depth, uint32_t attempts);

/* The planned request was answered by `cnt` records. True when the visit is complete. */
bool crawl_visit_answered(struct crawl_visit *visit, struct crawl_depth *depth, uint32_t cnt);

/* It failed. True when that was the last attempt. */
bool crawl_visit_failed(struct crawl_visit *visit, uint32_t attempts);

/* ---- judge: who behaves as no honest node does ---- */

struct crawl_map;
struct crawl_node;
void crawl_judge_conduct(struct crawl_node *node, const struct xord_crawl_conduct *conduct);
/* At the end of its visit. */
void crawl_judge_visit(struct crawl_node *node, const struct crawl_depth *depth);
void crawl_judge_all(struct crawl_map *map);

/* ---- map: all known nodes by id ---- */

/* What a mention touches lies together: from `index` to the record's id. */
struct crawl_node {
    uint64_t first_response_ns;
    uint64_t last_response_ns;
    uint64_t last_check_ns;
    uint64_t due_ns;         /* while it waits to be asked again */
    struct crawl_node *next; /* in the one list that holds it */
    struct crawl_visit visit;
    uint32_t requests;
    uint32_t answers;
    uint32_t index;
    uint16_t seen_cnt;
    uint16_t farthest;             /* log distance of any record it named; 0: none */
    uint16_t rtt_ms, challenge_ms; /* the shortest until an answer, the longest until a WHOAREYOU; 0: unknown */
    uint8_t wrong_cnt, invalid_cnt, loop_cnt; /* saturating */
    uint8_t hostile;
    uint8_t status;
    bool in_flight : 1;
    bool responded : 1;
    bool incomplete : 1;
    bool on_v6 : 1; /* family of the last query */
    bool challenged : 1;
    struct xord_enr enr;
};

#define CRAWL_CHUNK_NODES 256

struct crawl_slot {
    uint32_t hash;
    uint32_t index1; /* index + 1; 0: empty */
};

struct crawl_map {
    struct xord_hash_key key;
    struct crawl_slot *slots;
    struct crawl_node **chunks;
    uint32_t slot_mask;
    uint32_t chunk_cap;
    uint32_t node_cnt;
};

/* XORD_ENOMEM. */
XORD_MUST_CHECK int crawl_map_init(struct crawl_map *map, const struct xord_hash_key *key);
void crawl_map_deinit(struct crawl_map *map);

struct crawl_node *crawl_map_at(const struct crawl_map *map, uint32_t index);
struct crawl_node *crawl_map_find(const struct crawl_map *map, const uint8_t id32[32]);

/* Adds a zeroed node holding `enr`, whose id must not be there yet. NULL when out of memory. Nodes never move. */
struct crawl_node *crawl_map_insert(struct crawl_map *map, const struct xord_enr *enr);
