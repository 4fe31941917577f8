/* SPDX-License-Identifier: BSD-3-Clause */
/* The lookup's list of candidates, sorted by distance, and who of them is asked next. */
#include "xord_lookup.h"

#include <string.h>

void xord_lookup_init(struct xord_lookup *lookup, const uint8_t target32[32], const uint8_t self32[32])
{
    memcpy(lookup->target32, target32, sizeof(lookup->target32));
    memcpy(lookup->self32, self32, sizeof(lookup->self32));
    lookup->predicate = NULL;
    lookup->predicate_ctx = NULL;
    lookup->want = 0;
    lookup->match_cnt = 0;
    lookup->in_flight = 0;
    lookup->query_cnt = 0;
    lookup->node_cnt = 0;
}

static struct xord_lookup_node *node_at(struct xord_lookup *lookup, uint32_t pos)
{
    return &lookup->nodes[lookup->order[pos]];
}

/* The one place that decides what a match is: a failed node is none. */
static bool node_matches(const struct xord_lookup *lookup, const struct xord_lookup_node *node)
{
    if (!lookup->predicate || node->state == XORD_LOOKUP_FAILED)
        return false;
    return node->matches;
}

static void node_set_record(struct xord_lookup *lookup, struct xord_lookup_node *node, const struct xord_enr *enr)
{
    node->enr = *enr;
    node->matches = lookup->predicate && lookup->predicate(lookup->predicate_ctx, &node->enr);
}

void xord_lookup_set_predicate(struct xord_lookup *lookup, xord_lookup_predicate predicate, void *ctx, uint32_t want)
{
    lookup->predicate = predicate;
    lookup->predicate_ctx = ctx;
    lookup->want = want < XORD_LOOKUP_MAX_NODES ? want : XORD_LOOKUP_MAX_NODES;
    lookup->match_cnt = 0;
    for (uint32_t i = 0; i < lookup->node_cnt; i++) {
        struct xord_lookup_node *node = node_at(lookup, i);

        node->matches = predicate && predicate(ctx, &node->enr);
        lookup->match_cnt += node_matches(lookup, node);
    }
}

/* ---- candidates ---- */

/* The first position whose node is not closer to the target than `id32`. */
static uint32_t order_find(const struct xord_lookup *lookup, const uint8_t id32[32])
{
    uint32_t low = 0, high = lookup->node_cnt;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const uint8_t *mid_id32 = lookup->nodes[lookup->order[mid]].enr.id32;

        if (xord_distance_compare(lookup->target32, mid_id32, id32) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void order_insert(struct xord_lookup *lookup, uint32_t pos, uint16_t slot)
{
    memmove(&lookup->order[pos + 1], &lookup->order[pos], (lookup->node_cnt - pos) * sizeof(lookup->order[0]));
    lookup->order[pos] = slot;
    lookup->node_cnt++;
}

/* Takes the place of the farthest node that nobody waits for and that is farther than position `pos`: one not yet
 * asked if there is one, and never a match. Only closer nodes push out farther ones, so a lookup always ends. Returns
 * the slot, -1 when there is none. */
static int order_evict(struct xord_lookup *lookup, uint32_t pos)
{
    uint32_t victim = UINT32_MAX;
    uint16_t slot;

    for (uint32_t i = pos; i < lookup->node_cnt; i++) {
        const struct xord_lookup_node *node = node_at(lookup, i);

        if (node->state == XORD_LOOKUP_ASKED || node_matches(lookup, node))
            continue;
        if (victim == UINT32_MAX || node->state == XORD_LOOKUP_NEW || node_at(lookup, victim)->state != XORD_LOOKUP_NEW)
            victim = i;
    }
    if (victim == UINT32_MAX)
        return -1;
    slot = lookup->order[victim];
    lookup->node_cnt--;
    memmove(&lookup->order[victim], &lookup->order[victim + 1], (lookup->node_cnt - victim) * sizeof(lookup->order[0]));
    return slot;
}

static void node_update(struct xord_lookup *lookup, struct xord_lookup_node *node, const struct xord_enr *enr)
{
    if (enr->seq <= node->enr.seq)
        return;
    lookup->match_cnt -= node_matches(lookup, node);
    node_set_record(lookup, node, enr);
    if (node->state == XORD_LOOKUP_FAILED) /* it may have moved */
        node->state = XORD_LOOKUP_NEW;
    lookup->match_cnt += node_matches(lookup, node);
}

static bool has_endpoint(const struct xord_enr *enr)
{
    struct xord_endpoint ep;

    return xord_enr_endpoint4(enr, &ep) || xord_enr_endpoint6(enr, &ep);
}

void xord_lookup_add(struct xord_lookup *lookup, const struct xord_enr *enr)
{
    uint32_t pos = order_find(lookup, enr->id32);
    int slot = (int)lookup->node_cnt;

    if (memcmp(enr->id32, lookup->self32, sizeof(lookup->self32)) == 0 || !has_endpoint(enr))
        return;
    if (pos < lookup->node_cnt && memcmp(node_at(lookup, pos)->enr.id32, enr->id32, sizeof(enr->id32)) == 0) {
        node_update(lookup, node_at(lookup, pos), enr);
        return;
    }
    if (lookup->node_cnt == XORD_LOOKUP_MAX_NODES)
        slot = order_evict(lookup, pos);
    if (slot < 0)
        return;
    order_insert(lookup, pos, (uint16_t)slot);
    lookup->nodes[slot].state = XORD_LOOKUP_NEW;
    lookup->nodes[slot].edge = 0;
    node_set_record(lookup, &lookup->nodes[slot], enr);
    lookup->match_cnt += node_matches(lookup, &lookup->nodes[slot]);
}

/* ---- queries ---- */

static bool has_enough(const struct xord_lookup *lookup)
{
    return lookup->predicate && lookup->match_cnt >= lookup->want;
}

/* Among the k closest that did not fail: the closest not yet asked; NULL when all are. */
static const struct xord_lookup_node *next_new(const struct xord_lookup *lookup)
{
    uint32_t seen_cnt = 0;

    for (uint32_t i = 0; i < lookup->node_cnt && seen_cnt < XORD_LOOKUP_K; i++) {
        const struct xord_lookup_node *node = &lookup->nodes[lookup->order[i]];

        if (node->state == XORD_LOOKUP_NEW)
            return node;
        if (node->state != XORD_LOOKUP_FAILED)
            seen_cnt++;
    }
    return NULL;
}

/* The log distance from the target of the k-th closest node: what is still unknown of the result lies there or nearer.
 * 256 while fewer are known. */
static uint16_t edge_distance(const struct xord_lookup *lookup)
{
    uint32_t seen_cnt = 0;

    for (uint32_t i = 0; i < lookup->node_cnt; i++) {
        const struct xord_lookup_node *node = &lookup->nodes[lookup->order[i]];

        if (node->state != XORD_LOOKUP_FAILED)
            seen_cnt++;
        if (seen_cnt == XORD_LOOKUP_K)
            return (uint16_t)xord_log_distance(node->enr.id32, lookup->target32);
    }
    return 256;
}

/* Of the closest nodes that answered: one not yet asked for the edge as it is now; NULL when all are. */
static const struct xord_lookup_node *next_edge(const struct xord_lookup *lookup, uint16_t edge)
{
    uint32_t seen_cnt = 0;

    for (uint32_t i = 0; i < lookup->node_cnt && seen_cnt < XORD_LOOKUP_EDGE; i++) {
        const struct xord_lookup_node *node = &lookup->nodes[lookup->order[i]];

        if (node->state == XORD_LOOKUP_ANSWERED && node->edge != edge)
            return node;
        if (node->state != XORD_LOOKUP_FAILED)
            seen_cnt++;
    }
    return NULL;
}

static void query_open(struct xord_lookup *lookup, struct xord_lookup_query *query, const struct xord_lookup_node *next,
        uint16_t edge)
{
    struct xord_lookup_node *node = &lookup->nodes[next - lookup->nodes];

    node->state = XORD_LOOKUP_ASKED;
    node->edge = edge;
    node->query = ++lookup->query_cnt;
    lookup->in_flight++;
    query->query = node->query;
    query->enr = node->enr;
}

/* Seen from a node nearer to the target than the edge, all of the edge is one bucket; seen from a node at the edge, its
 * neighbours there are in the buckets below. */
static size_t edge_distances(uint16_t *out, size_t max, uint16_t distance, uint16_t edge)
{
    size_t cnt = 0;

    if (distance < edge)
        out[cnt++] = edge;
    else
        while (cnt < max && distance > cnt + 1) {
            out[cnt] = (uint16_t)(distance - cnt - 1);
            cnt++;
        }
    return cnt;
}

static bool ask_new(struct xord_lookup *lookup, struct xord_lookup_query *query)
{
    const struct xord_lookup_node *next = next_new(lookup);

    if (!next)
        return false;
    query_open(lookup, query, next, 0);
    query->distance_cnt = (uint32_t)xord_lookup_distances(query->distances, XORD_LOOKUP_MAX_DISTANCES, query->enr.id32,
            lookup->target32);
    return true;
}

static bool ask_edge(struct xord_lookup *lookup, struct xord_lookup_query *query)
{
    uint16_t edge = edge_distance(lookup);
    const struct xord_lookup_node *next = next_edge(lookup, edge);
    unsigned distance;

    if (!next)
        return false;
    query_open(lookup, query, next, edge);
    distance = xord_log_distance(query->enr.id32, lookup->target32);
    query->distance_cnt =
            (uint32_t)edge_distances(query->distances, XORD_LOOKUP_MAX_DISTANCES, (uint16_t)distance, edge);
    return true;
}

bool xord_lookup_next(struct xord_lookup *lookup, struct xord_lookup_query *query)
{
    if (lookup->in_flight >= XORD_LOOKUP_ALPHA || has_enough(lookup))
        return false;
    return ask_new(lookup, query) || ask_edge(lookup, query);
}

/* Closes a query; NULL when it is not open. */
static struct xord_lookup_node *query_close(struct xord_lookup *lookup, uint32_t query)
{
    for (uint32_t i = 0; i < lookup->node_cnt; i++) {
        struct xord_lookup_node *node = node_at(lookup, i);

        if (node->state == XORD_LOOKUP_ASKED && node->query == query) {
            lookup->in_flight--;
            return node;
        }
    }
    return NULL;
}

void xord_lookup_answered(struct xord_lookup *lookup, uint32_t query)
{
    struct xord_lookup_node *node = query_close(lookup, query);

    if (node)
        node->state = XORD_LOOKUP_ANSWERED;
}

void xord_lookup_failed(struct xord_lookup *lookup, uint32_t query)
{
    struct xord_lookup_node *node = query_close(lookup, query);

    if (!node)
        return;
    /* Who was asked for the edge had answered before. */
    if (node->edge != 0) {
        node->state = XORD_LOOKUP_ANSWERED;
        return;
    }
    lookup->match_cnt -= node_matches(lookup, node);
    node->state = XORD_LOOKUP_FAILED;
}

bool xord_lookup_is_done(const struct xord_lookup *lookup)
{
    return has_enough(lookup) ||
           (lookup->in_flight == 0 && !next_new(lookup) && !next_edge(lookup, edge_distance(lookup)));
}

size_t xord_lookup_result(const struct xord_lookup *lookup, const struct xord_enr **out, size_t max)
{
    size_t cnt = 0;

    if (!lookup->predicate && max > XORD_LOOKUP_K)
        max = XORD_LOOKUP_K;
    for (uint32_t i = 0; i < lookup->node_cnt && cnt < max; i++) {
        const struct xord_lookup_node *node = &lookup->nodes[lookup->order[i]];

        if (lookup->predicate ? node_matches(lookup, node) : node->state == XORD_LOOKUP_ANSWERED)
            out[cnt++] = &node->enr;
    }
    return cnt;
}

size_t xord_lookup_distances(uint16_t *out, size_t max, const uint8_t id32[32], const uint8_t target32[32])
{
    int d = (int)xord_log_distance(id32, target32);
    size_t cnt = 0;

    if (d > 0 && max > 0)
        out[cnt++] = (uint16_t)d;
    for (int step = 1; step <= 256 && cnt < max; step++) {
        if (d + step <= 256)
            out[cnt++] = (uint16_t)(d + step);
        if (d - step >= 1 && cnt < max)
            out[cnt++] = (uint16_t)(d - step);
    }
    return cnt;
}
