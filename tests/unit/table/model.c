/* SPDX-License-Identifier: BSD-3-Clause */
/* Random walks over the table beside a model that knows no index, heap or counters, only a list of nodes. After each
 * step both hold the same nodes in the same roles, and the table's own structures agree with each other. */
#include <criterion/criterion.h>

#include "table_private.h"
#include "table_test.h"

#define IDS   220 /* candidates: most in three crowded buckets, the others alone */
#define SEEDS 30
#define STEPS 1500

struct model_node {
    struct xord_enr enr;
    struct xord_endpoint ep;
    enum table_entry_state state; /* FREE: not in the table */
    uint64_t seen_ns;
    uint64_t stamp; /* of the last insertion: orders equal seen_ns */
    uint64_t due_min_ns, due_max_ns;
    uint64_t latest_min_ns, latest_max_ns;
    uint32_t answers;
    uint32_t misses;
    unsigned distance;
    bool checking;
    bool contacted;
};

struct model {
    struct model_node nodes[IDS];
    uint64_t stamp;
    uint64_t now_ns;
    struct xord_rng rng;
    struct xord_table *table;
    struct xord_table *other; /* another shard, which does not change */
    struct xord_table_snapshot *snaps[2];
    struct xord_table_view view;
};

static unsigned distance_of(uint32_t n)
{
    return n < 180 ? 254 + n % 3 : 250 - n % 40;
}

/* ---- the model ---- */

static void schedule(struct model_node *node, uint64_t due_min_ns, uint64_t due_max_ns, uint64_t latest_min_ns,
        uint64_t latest_max_ns)
{
    node->checking = false;
    node->due_min_ns = due_min_ns;
    node->due_max_ns = due_max_ns;
    node->latest_min_ns = latest_min_ns;
    node->latest_max_ns = latest_max_ns;
}

static void schedule_first(struct model *model, struct model_node *node, bool inbound)
{
    uint64_t delay_ns = node->checking ? 4 * S : inbound ? 300 * MS : 0;
    uint64_t max_ns = model->now_ns + 5 * S;

    node->misses = 0;
    node->answers = 0;
    node->contacted = inbound;
    schedule(node, model->now_ns + delay_ns, max_ns, max_ns, max_ns);
}

static void schedule_next(struct model *model, struct model_node *node, uint64_t min_ns, uint64_t max_ns)
{
    min_ns += model->now_ns;
    max_ns += model->now_ns;
    schedule(node, min_ns, max_ns, min_ns + 5 * S, max_ns + 5 * S);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void put_off(struct model *model, struct model_node *node)
{
    uint64_t wanted_ns = model->now_ns + 300 * MS;

    if (node->checking)
        return;
    if (!node->contacted && node->answers == 0)
        node->latest_min_ns = node->latest_max_ns = model->now_ns + 5 * S;
    node->contacted = true;
    node->due_min_ns = larger(node->due_min_ns, smaller(wanted_ns, node->latest_min_ns));
    node->due_max_ns = larger(node->due_max_ns, smaller(wanted_ns, node->latest_max_ns));
}

static void place(struct model *model, struct model_node *node, uint64_t seen_ns)
{
    node->seen_ns = seen_ns;
    node->stamp = model->stamp++;
}

static bool is_before(const struct model_node *a, const struct model_node *b)
{
    return a->seen_ns != b->seen_ns ? a->seen_ns < b->seen_ns : a->stamp < b->stamp;
}

/* Of a bucket's nodes in a state: how many, the first and the last seen. */
static uint32_t bucket_walk(struct model *model, unsigned distance, enum table_entry_state state,
        struct model_node **oldest, struct model_node **newest)
{
    uint32_t cnt = 0;

    *oldest = *newest = NULL;
    for (uint32_t n = 0; n < IDS; n++) {
        struct model_node *node = &model->nodes[n];

        if (node->state != state || node->distance != distance)
            continue;
        cnt++;
        if (!*oldest || is_before(node, *oldest))
            *oldest = node;
        if (!*newest || is_before(*newest, node))
            *newest = node;
    }
    return cnt;
}

static void limit_count(uint32_t in[2], const struct xord_endpoint *ep, bool same_bucket, const uint8_t ip16[16])
{
    bool counts = xord_ip_same_prefix(ep->ip16, ip16, 24, 48);

    in[0] += counts && same_bucket;
    in[1] += counts;
}

static bool limits_allow(const struct model *model, const struct model_node *who, const struct xord_endpoint *ep)
{
    uint32_t in[2] = {0};

    if (xord_ip_scope(ep->ip16) != XORD_IP_GLOBAL)
        return true;
    for (uint32_t n = 0; n < IDS; n++) {
        const struct model_node *node = &model->nodes[n];

        if (node->state != TABLE_ENTRY_FREE && node != who)
            limit_count(in, &node->ep, node->distance == who->distance, ep->ip16);
    }
    for (uint32_t i = 0; i < xord_table_snapshot_cnt(model->snaps[1]); i++) {
        const struct xord_snapshot_node *node = xord_table_snapshot_node(model->snaps[1], i);

        if (memcmp(node->id32, who->enr.id32, 32) != 0)
            limit_count(in, &node->ep, xord_log_distance(test_self32, node->id32) == who->distance, ep->ip16);
    }
    return in[0] < 2 && in[1] < 10;
}

static enum xord_table_verdict model_update(struct model *model, struct model_node *node, const struct xord_enr *enr,
        bool inbound)
{
    struct xord_endpoint ep = test_ep(enr);
    bool moved = !xord_endpoint_equal(&ep, &node->ep);

    if (enr->seq <= node->enr.seq)
        return XORD_TABLE_KNOWN;
    if (moved && !limits_allow(model, node, &ep))
        return XORD_TABLE_IP_LIMIT;
    node->enr = *enr;
    node->ep = ep;
    if (moved && node->state == TABLE_ENTRY_BUCKET)
        schedule_first(model, node, inbound);
    return XORD_TABLE_UPDATED;
}

static enum xord_table_verdict model_add(struct model *model, struct model_node *node, const struct xord_enr *enr,
        bool inbound)
{
    enum xord_table_verdict verdict;
    struct xord_endpoint ep = test_ep(enr);
    struct model_node *oldest;
    struct model_node *newest;
    bool full;

    if (node->state != TABLE_ENTRY_FREE) {
        verdict = model_update(model, node, enr, inbound);
        if (inbound)
            place(model, node, model->now_ns);
        if (inbound && node->state == TABLE_ENTRY_BUCKET)
            put_off(model, node);
        return verdict;
    }
    node->enr = *enr;
    if (!limits_allow(model, node, &ep))
        return XORD_TABLE_IP_LIMIT;
    full = bucket_walk(model, node->distance, TABLE_ENTRY_BUCKET, &oldest, &newest) == 16;
    if (full && bucket_walk(model, node->distance, TABLE_ENTRY_REPLACEMENT, &oldest, &newest) == 10)
        oldest->state = TABLE_ENTRY_FREE;
    node->ep = ep;
    node->state = full ? TABLE_ENTRY_REPLACEMENT : TABLE_ENTRY_BUCKET;
    node->checking = false;
    place(model, node, inbound ? model->now_ns : 0);
    schedule_first(model, node, inbound);
    return full ? XORD_TABLE_REPLACEMENT : XORD_TABLE_ADDED;
}

static bool model_live(struct model *model, struct model_node *node, const struct xord_endpoint *ep)
{
    if (node->state == TABLE_ENTRY_FREE || !xord_endpoint_equal(&node->ep, ep))
        return false;
    place(model, node, model->now_ns);
    if (node->state != TABLE_ENTRY_BUCKET)
        return false;
    node->answers++;
    node->misses = 0;
    schedule_next(model, node, 30 * S, 600 * S);
    return true;
}

static void model_dead(struct model *model, struct model_node *node)
{
    uint32_t allowed = node->answers >= 8 ? 3 : node->answers >= 4 ? 2 : node->answers >= 2 ? 1 : 0;
    struct model_node *oldest;
    struct model_node *newest;

    if (node->state != TABLE_ENTRY_BUCKET || !node->checking)
        return;
    if (node->misses++ < allowed) {
        schedule_next(model, node, 5 * S, 10 * S);
        return;
    }
    node->state = TABLE_ENTRY_FREE;
    if (bucket_walk(model, node->distance, TABLE_ENTRY_REPLACEMENT, &oldest, &newest) == 0)
        return;
    newest->state = TABLE_ENTRY_BUCKET;
    newest->checking = false;
    place(model, newest, newest->seen_ns);
    schedule_first(model, newest, true);
}

/* ---- both at once ---- */

static struct model_node *node_of(struct model *model, const uint8_t id32[32])
{
    for (uint32_t n = 0; n < IDS; n++)
        if (memcmp(model->nodes[n].enr.id32, id32, 32) == 0)
            return &model->nodes[n];
    return NULL;
}

static uint32_t random_ip(struct xord_rng *rng)
{
    uint32_t n = (uint32_t)xord_rng_below(rng, 1000);

    return n < 300 ? IP_PRIVATE(n) : IP_GLOBAL(n % 60, n / 60);
}

static void step_add(struct model *model, uint32_t n)
{
    struct model_node *node = &model->nodes[n];
    uint64_t seq = node->state == TABLE_ENTRY_FREE ? 5 : node->enr.seq + xord_rng_below(&model->rng, 3) - 1;
    struct xord_enr enr = test_enr(distance_of(n), n, seq, random_ip(&model->rng));
    bool inbound = xord_rng_below(&model->rng, 2);
    struct xord_endpoint ep;
    enum xord_table_verdict want;

    if (node->state != TABLE_ENTRY_FREE && xord_rng_below(&model->rng, 2))
        memcpy(enr.ip4, node->enr.ip4, 4);
    ep = test_ep(&enr);
    want = model_add(model, node, &enr, inbound);
    cr_assert_eq(xord_table_add(model->table, &model->view, &enr, &ep, inbound, model->now_ns), want);
}

static void step_live(struct model *model, struct model_node *node, struct xord_endpoint ep)
{
    bool want = model_live(model, node, &ep);

    cr_assert_eq(xord_table_on_live(model->table, node->enr.id32, &ep, model->now_ns), want);
}

static void step_dead(struct model *model, struct model_node *node)
{
    model_dead(model, node);
    xord_table_on_dead(model->table, node->enr.id32, model->now_ns);
}

/* Takes all checks that are due; each is answered, missed, or its outcome lost. */
static void step_checks(struct model *model)
{
    struct xord_table_node got;

    while (xord_table_next_check(model->table, &got, model->now_ns)) {
        struct model_node *node = node_of(model, got.enr.id32);
        uint64_t dice = xord_rng_below(&model->rng, 100);

        cr_assert(node && node->state == TABLE_ENTRY_BUCKET);
        cr_assert_leq(node->due_min_ns, model->now_ns, "checked too early");
        cr_assert(xord_endpoint_equal(&got.ep, &node->ep));
        node->checking = true;
        node->due_min_ns = node->due_max_ns = model->now_ns + 10 * S;
        if (dice < 60)
            step_live(model, node, node->ep);
        else if (dice < 85)
            step_dead(model, node);
    }
    for (uint32_t n = 0; n < IDS; n++)
        cr_assert(model->nodes[n].state != TABLE_ENTRY_BUCKET || model->nodes[n].due_max_ns > model->now_ns,
                "a check that must be due was not handed out");
}

static void step(struct model *model)
{
    uint32_t n = (uint32_t)xord_rng_below(&model->rng, IDS);
    uint64_t dice = xord_rng_below(&model->rng, 100);

    if (dice < 60)
        step_add(model, n);
    else if (dice < 65)
        step_live(model, &model->nodes[n], model->nodes[n].ep);
    else if (dice < 70)
        step_dead(model, &model->nodes[n]);
    else if (dice < 95)
        model->now_ns += xord_rng_below(&model->rng, dice < 90 ? 200 * MS : 20 * S);
    else
        step_checks(model);
}

/* ---- what must hold after each step ---- */

static void check_lists(const struct xord_table *table, uint32_t cnts[2])
{
    for (uint32_t b = 0; b < XORD_TABLE_BUCKETS; b++) {
        const struct table_list *lists[2] = {&table->buckets[b].entries, &table->buckets[b].replacements};

        cr_assert(lists[0]->cnt <= 16 && lists[1]->cnt <= 10);
        cr_assert(lists[1]->cnt == 0 || lists[0]->cnt == 16, "a replacement waits while there is room");
        for (uint32_t kind = 0; kind < 2; kind++)
            for (uint32_t pos = 0; pos < lists[kind]->cnt; pos++) {
                const struct table_entry *entry = &table->pool[lists[kind]->items[pos]];

                cr_assert_eq(entry->bucket, b);
                cr_assert_eq(entry->state, kind ? TABLE_ENTRY_REPLACEMENT : TABLE_ENTRY_BUCKET);
                cr_assert(pos == 0 || table->pool[lists[kind]->items[pos - 1]].seen_ns <= entry->seen_ns);
                cnts[kind]++;
            }
    }
}

static void check_heap(const struct xord_table *table)
{
    for (uint32_t pos = 0; pos < table->entry_cnt; pos++) {
        const struct table_entry *entry = &table->pool[table->heap[pos]];

        cr_assert_eq(entry->heap_pos, pos);
        cr_assert_eq(entry->state, TABLE_ENTRY_BUCKET);
        cr_assert(pos == 0 || table->pool[table->heap[(pos - 1) / 2]].due_ns <= entry->due_ns);
    }
}

static void check_prefixes(const struct xord_table *table)
{
    uint32_t counted = 0;
    uint32_t limited = 0;

    for (uint32_t slot = 0; slot < TABLE_PREFIX_CAP; slot++)
        counted += table->prefixes.cnt[slot];
    for (uint16_t i = 0; i < table->fresh; i++) {
        const struct table_entry *entry = &table->pool[i];
        uint32_t same = 0;

        if (entry->state == TABLE_ENTRY_FREE || entry->ip_prefix == 0)
            continue;
        limited++;
        for (uint16_t j = 0; j < table->fresh; j++)
            same += table->pool[j].state != TABLE_ENTRY_FREE && table->pool[j].ip_prefix == entry->ip_prefix;
        cr_assert_eq(xord_ip_limit_count(&table->prefixes, entry->ip_prefix), same);
        cr_assert_leq(same, 10);
    }
    cr_assert_eq(counted, limited);
}

static void check_nodes(const struct model *model, const uint32_t cnts[2])
{
    uint32_t want[2] = {0};
    uint32_t live = 0;

    for (uint32_t n = 0; n < IDS; n++) {
        const struct model_node *node = &model->nodes[n];
        uint16_t i = xord_table_index_find(model->table, node->enr.id32);

        cr_assert_eq(i == TABLE_NONE, node->state == TABLE_ENTRY_FREE);
        if (i == TABLE_NONE)
            continue;
        cr_assert_eq(model->table->pool[i].state, node->state);
        cr_assert_eq(model->table->pool[i].node.enr.seq, node->enr.seq);
        cr_assert_eq(model->table->pool[i].seen_ns, node->seen_ns);
        cr_assert_eq(model->table->pool[i].node.live_checks, node->answers);
        cr_assert(xord_endpoint_equal(&model->table->pool[i].node.ep, &node->ep));
        want[node->state == TABLE_ENTRY_REPLACEMENT]++;
        live += node->answers > 0;
    }
    cr_assert_eq(cnts[0], want[0]);
    cr_assert_eq(cnts[1], want[1]);
    cr_assert_eq(xord_table_cnt(model->table), want[0]);
    cr_assert_eq(xord_table_live_cnt(model->table), live);
}

/* What is handed out is what the model holds to be verified. */
static void check_answers(struct model *model)
{
    static const uint16_t distances[] = {254, 255, 256};
    const struct xord_snapshot_node *out[64];
    uint32_t cnt;

    xord_table_snapshot_fill(model->snaps[0], model->table);
    cnt = xord_table_collect(&model->view, distances, 3, model->nodes[0].enr.id32, out, 64);
    for (uint32_t i = 0; i < cnt; i++) {
        const struct model_node *node = node_of(model, out[i]->id32);

        cr_assert(node && node->state == TABLE_ENTRY_BUCKET && node->answers > 0);
        cr_assert(node != &model->nodes[0]);
        cr_assert_eq(out[i]->seq, node->enr.seq);
    }
}

static void model_init(struct model *model, uint32_t seed)
{
    memset(model, 0, sizeof(*model));
    model->rng = test_rng(seed);
    model->now_ns = seed % 2 ? 1000 * S : 0;
    model->table = xord_table_new(test_self32, &model->rng);
    model->other = xord_table_new(test_self32, &model->rng);
    for (unsigned i = 0; i < 2; i++)
        model->snaps[i] = xord_table_snapshot_new();
    cr_assert(model->table && model->other && model->snaps[0] && model->snaps[1]);
    model->view = (struct xord_table_view){(const struct xord_table_snapshot *const *)model->snaps, 2, 0};
    for (uint32_t n = 0; n < IDS; n++) {
        model->nodes[n].distance = distance_of(n);
        test_id(model->nodes[n].enr.id32, distance_of(n), n);
    }
    for (uint32_t n = 0; n < 40; n++) {
        struct xord_enr enr = test_enr(254 + n % 3, n < 10 ? n : n + 1000, 1, IP_GLOBAL(n % 12, 200));

        test_add(model->other, &enr, true, 0);
    }
    xord_table_snapshot_fill(model->snaps[1], model->other);
}

static void model_free(struct model *model)
{
    xord_table_free(model->table);
    xord_table_free(model->other);
    for (unsigned i = 0; i < 2; i++)
        xord_table_snapshot_free(model->snaps[i]);
}

Test(model, table_and_model_agree_after_each_step)
{
    static struct model model;

    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        model_init(&model, seed);
        for (uint32_t i = 0; i < STEPS; i++) {
            uint32_t cnts[2] = {0};

            step(&model);
            check_lists(model.table, cnts);
            check_heap(model.table);
            check_nodes(&model, cnts);
            if (i % 16 == 0) {
                check_prefixes(model.table);
                check_answers(&model);
            }
        }
        model_free(&model);
    }
    TEST_NO_LEAK();
}
