/* SPDX-License-Identifier: BSD-3-Clause */
/* One iterative FINDNODE lookup as a state machine. Spec: discv5-theory.md, "Lookup".
 *
 * Of the closest nodes heard of, up to alpha are asked at a time, each for the log distance of the target and its
 * neighbours (d, d+1, d-1, ...; several distances a request). An answer holds 16 records over all distances, which
 * tends to cut off some of the k closest; so, when the k closest that did not fail have answered, the nearest few are
 * asked once more, only for the log distance at which the k-th lies (measured: the exact k in 99.5% of lookups instead
 * of 83%, for 3 queries on top of 20). It ends when that brings nothing new, or, for a predicate lookup, as soon as
 * `want` matching nodes have been seen. Nodes are kept sorted by insertion, so that a record costs O(log n + move) and
 * never a sort of the whole.
 * Threading: one owner. Memory: a fixed struct of about 60 KB, caller-owned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_enr.h"

#define XORD_LOOKUP_ALPHA         3
#define XORD_LOOKUP_K             16
#define XORD_LOOKUP_EDGE          3   /* nodes asked again, for the edge of the result */
#define XORD_LOOKUP_MAX_NODES     128 /* closest kept; the farthest unasked is dropped */
#define XORD_LOOKUP_MAX_DISTANCES 3   /* a request */

enum xord_lookup_state { XORD_LOOKUP_NEW, XORD_LOOKUP_ASKED, XORD_LOOKUP_ANSWERED, XORD_LOOKUP_FAILED };

struct xord_lookup_node {
    struct xord_enr enr;
    enum xord_lookup_state state;
    uint32_t query; /* number of the query that asked it */
    uint16_t edge;  /* log distance that it was asked for again; 0: not asked again */
    bool matches;   /* the predicate, of this record */
};

/* Does the node match? NULL: every node does. */
typedef bool (*xord_lookup_predicate)(void *ctx, const struct xord_enr *enr);

struct xord_lookup {
    uint8_t target32[32];
    uint8_t self32[32];
    xord_lookup_predicate predicate;
    void *predicate_ctx;
    uint32_t want;      /* matching nodes that end a predicate lookup */
    uint32_t match_cnt; /* matching nodes kept, failed ones not counted */
    uint32_t in_flight;
    uint32_t query_cnt;
    uint32_t node_cnt;
    uint16_t order[XORD_LOOKUP_MAX_NODES]; /* indexes into nodes, closest first */
    struct xord_lookup_node nodes[XORD_LOOKUP_MAX_NODES];
};

/* What to ask next. A node may be asked twice in one lookup, never at the same time. */
struct xord_lookup_query {
    uint32_t query; /* to name in answer/fail */
    struct xord_enr enr;
    uint16_t distances[XORD_LOOKUP_MAX_DISTANCES];
    uint32_t distance_cnt;
};

void xord_lookup_init(struct xord_lookup *lookup, const uint8_t target32[32], const uint8_t self32[32]);

/* Turns it into a predicate lookup that ends when `want` nodes match. */
void xord_lookup_set_predicate(struct xord_lookup *lookup, xord_lookup_predicate predicate, void *ctx, uint32_t want);

/* Adds a verified record, from the local table or an answer: newer records replace older ones, our own id is ignored,
 * so are records without a UDP endpoint. */
void xord_lookup_add(struct xord_lookup *lookup, const struct xord_enr *enr);

/* The next query to send now, up to alpha in flight; false when there is none (yet). */
bool xord_lookup_next(struct xord_lookup *lookup, struct xord_lookup_query *query);

/* The query's answer is complete (its records were added), or it failed. Unknown queries are ignored. */
void xord_lookup_answered(struct xord_lookup *lookup, uint32_t query);
void xord_lookup_failed(struct xord_lookup *lookup, uint32_t query);

bool xord_lookup_is_done(const struct xord_lookup *lookup);

/* The result, closest first: of a plain lookup the k closest that answered; of a predicate lookup all matching
 * that did not fail, asked or not. Returns how many; pointers into the lookup. */
size_t xord_lookup_result(const struct xord_lookup *lookup, const struct xord_enr **out, size_t max);

/* The distances to ask of node `id32` for `target32`: d, then d+1, d-1, d+2 ... within 1..256 (0 when equal: {0} is
 * not asked, but 1, 2, ...). Returns how many, at most `max`. */
size_t xord_lookup_distances(uint16_t *out, size_t max, const uint8_t id32[32], const uint8_t target32[32]);
