/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the union of all shards' snapshots: what a FINDNODE answer takes from it, and the nodes closest to a target. */
#include "table_private.h"

#include <string.h>

#include "xord_bytes.h"

/* The last bytes first: ids of one bucket may well agree in their first. */
static bool same_id(const uint8_t a32[32], const uint8_t b32[32])
{
    return xord_load_be64(a32 + 24) == xord_load_be64(b32 + 24) && memcmp(a32, b32, 24) == 0;
}

/* ---- by distance ---- */

struct collection {
    const struct xord_snapshot_node **out;
    uint32_t cnt;
    uint32_t max;
    uint32_t bucket_first; /* out[bucket_first, cnt) lie at the distance being served */
    const uint8_t *except_id32;
};

/* Do IP limits leave room for `node`, when the one at `without` goes? */
static bool collection_has_room(const struct collection *col, const struct xord_snapshot_node *node, uint32_t without)
{
    uint32_t in_bucket = 0;
    uint32_t in_all = 0;

    if (node->ip_prefix == 0)
        return true;
    for (uint32_t i = 0; i < col->cnt; i++) {
        if (i == without || col->out[i]->ip_prefix != node->ip_prefix)
            continue;
        in_all++;
        in_bucket += i >= col->bucket_first;
    }
    return in_bucket < XORD_IP_LIMIT_BUCKET && in_all < XORD_IP_LIMIT_TABLE;
}

static void collection_offer(struct collection *col, const struct xord_snapshot_node *node)
{
    uint32_t i = col->bucket_first;

    if (col->except_id32 && same_id(node->id32, col->except_id32))
        return;
    while (i < col->cnt && !same_id(col->out[i]->id32, node->id32))
        i++;
    if (i < col->cnt && col->out[i]->seq >= node->seq)
        return;
    if (!collection_has_room(col, node, i))
        return;
    col->out[i] = node;
    col->cnt += i == col->cnt;
}

/* The live node of this rank at a distance, or NULL when the snapshot has no more. */
static const struct xord_snapshot_node *live_at(const struct xord_table_snapshot *snap, unsigned distance,
        uint32_t rank)
{
    uint32_t first;
    uint32_t cnt;

    if (!snap)
        return NULL;
    cnt = xord_table_snapshot_at(snap, distance, &first);
    return rank < cnt && snap->nodes[first + rank].live ? &snap->nodes[first + rank] : NULL;
}

/* One node of each shard in turn, our own first. */
static void collect_distance(struct collection *col, const struct xord_table_view *view, unsigned distance)
{
    bool more = true;

    col->bucket_first = col->cnt;
    for (uint32_t rank = 0; more; rank++) {
        more = false;
        for (uint32_t n = 0; n < view->snap_cnt && col->cnt < col->max; n++) {
            const struct xord_table_snapshot *snap = view->snaps[(view->own + n) % view->snap_cnt];
            const struct xord_snapshot_node *node = live_at(snap, distance, rank);

            if (!node)
                continue;
            more = true;
            collection_offer(col, node);
        }
    }
}

uint32_t xord_table_collect(const struct xord_table_view *view, const uint16_t *distances, uint32_t distance_cnt,
        const uint8_t *except_id32, const struct xord_snapshot_node **out, uint32_t max)
{
    struct collection col = {.out = out, .max = max, .except_id32 = except_id32};

    for (uint32_t i = 0; i < distance_cnt && col.cnt < max; i++)
        collect_distance(&col, view, distances[i]);
    return col.cnt;
}

/* ---- by closeness ---- */

struct closest {
    const struct xord_table_view *view;
    const uint8_t *target32;
    const struct xord_snapshot_node **out; /* closest first */
    uint32_t cnt;
    uint32_t max;
    bool live_only;
};

static void closest_insert(struct closest *closest, uint32_t pos, const struct xord_snapshot_node *node)
{
    if (pos == closest->max)
        return;
    if (closest->cnt < closest->max)
        closest->cnt++;
    for (uint32_t i = closest->cnt - 1; i > pos; i--)
        closest->out[i] = closest->out[i - 1];
    closest->out[pos] = node;
}

static void closest_offer(struct closest *closest, const struct xord_snapshot_node *node)
{
    uint32_t low = 0;
    uint32_t high = closest->cnt;

    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int order = xord_distance_compare(closest->target32, node->id32, closest->out[mid]->id32);

        if (order == 0) {
            if (node->seq > closest->out[mid]->seq)
                closest->out[mid] = node;
            return;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    closest_insert(closest, low, node);
}

static void closest_distance(struct closest *closest, unsigned distance)
{
    for (uint32_t shard = 0; shard < closest->view->snap_cnt; shard++) {
        const struct xord_table_snapshot *snap = closest->view->snaps[shard];
        uint32_t first = 0;
        uint32_t cnt = snap ? xord_table_snapshot_at(snap, distance, &first) : 0;

        for (uint32_t i = first; i < first + cnt; i++)
            if (snap->nodes[i].live || (!closest->live_only && !snap->nodes[i].replacement))
                closest_offer(closest, &snap->nodes[i]);
    }
}

/* Our own id, which every filled snapshot of the view carries; NULL while all are empty. */
static const uint8_t *view_self(const struct xord_table_view *view)
{
    for (uint32_t shard = 0; shard < view->snap_cnt; shard++)
        if (view->snaps[shard] && xord_table_snapshot_cnt(view->snaps[shard]) > 0)
            return view->snaps[shard]->self32;
    return NULL;
}

/* The target's own bucket holds the nodes closest to it. Next come all nearer buckets together - each of their nodes
 * differs from the target in the same topmost bit - and then the farther ones, one by one. */
uint32_t xord_table_closest(const struct xord_table_view *view, const uint8_t target32[32], bool live_only,
        const struct xord_snapshot_node **out, uint32_t max)
{
    struct closest closest = {.view = view, .target32 = target32, .out = out, .max = max, .live_only = live_only};
    const uint8_t *self32 = view_self(view);
    unsigned own;

    if (!self32)
        return 0;
    own = xord_log_distance(self32, target32);
    closest_distance(&closest, own);
    if (closest.cnt < max)
        for (unsigned d = 1; d < own; d++)
            closest_distance(&closest, d);
    for (unsigned d = own + 1; d <= XORD_TABLE_BUCKETS && closest.cnt < max; d++)
        closest_distance(&closest, d);
    return closest.cnt;
}
