/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookups over networks of the test's own making. */
#include "xord_lookup.h"

#include "net.h"
#include "xord_log.h"

static struct xord_lookup lookup;
static struct xord_rng rng;
static const uint8_t self32[32] = {0xee};

static void setup(void)
{
    net_seed(&rng, 42);
}

TestSuite(lookup, .init = setup);

static int compare_to_target(const void *a, const void *b)
{
    const struct net_node *x = *(struct net_node *const *)a, *y = *(struct net_node *const *)b;

    return xord_distance_compare(lookup.target32, x->enr.id32, y->enr.id32);
}

/* The live nodes, closest first; returns how many, at most k. */
static size_t closest(const struct net *net, struct net_node *out[XORD_LOOKUP_K])
{
    struct net_node **all = malloc(net->cnt * sizeof(struct net_node *));
    size_t cnt = 0;

    cr_assert(all);
    for (size_t i = 0; i < net->cnt; i++)
        if (!net->nodes[i].dead)
            all[cnt++] = &net->nodes[i];
    qsort(all, cnt, sizeof(struct net_node *), compare_to_target);
    if (cnt > XORD_LOOKUP_K)
        cnt = XORD_LOOKUP_K;
    memcpy(out, all, cnt * sizeof(struct net_node *));
    free(all);
    return cnt;
}

/* Asks one node on behalf of the lookup. */
static void answer(const struct net *net, const struct xord_lookup_query *query)
{
    const struct net_node *node = net_find(net, query->enr.id32), *out[NET_BUCKET];
    size_t cnt;

    cr_assert_gt(query->distance_cnt, 0);
    cr_assert_leq(query->distance_cnt, XORD_LOOKUP_MAX_DISTANCES);
    if (node->dead) {
        xord_lookup_failed(&lookup, query->query);
        return;
    }
    cnt = net_answer(net, node, query->distances, query->distance_cnt, out);
    for (size_t i = 0; i < cnt; i++)
        xord_lookup_add(&lookup, &out[i]->enr);
    xord_lookup_answered(&lookup, query->query);
}

/* Runs the lookup to its end; answers come in any order. Returns the number of queries. */
static unsigned run(const struct net *net)
{
    struct xord_lookup_query open[XORD_LOOKUP_ALPHA];
    unsigned query_cnt = 0;
    size_t open_cnt = 0, i;

    while (!xord_lookup_is_done(&lookup)) {
        while (open_cnt < XORD_LOOKUP_ALPHA && xord_lookup_next(&lookup, &open[open_cnt])) {
            open_cnt++;
            query_cnt++;
        }
        cr_assert_eq(lookup.in_flight, open_cnt);
        cr_assert_gt(open_cnt, 0, "neither done nor anything to ask");
        cr_assert_lt(query_cnt, 200, "does not end");
        i = xord_rng_below(&rng, open_cnt);
        answer(net, &open[i]);
        open[i] = open[--open_cnt];
    }
    return query_cnt;
}

static void start(struct net *net)
{
    uint8_t target32[32];

    xord_rng_fill(&rng, target32, sizeof(target32));
    xord_lookup_init(&lookup, target32, self32);
    for (int i = 0; i < 3; i++) {
        struct net_node *node;

        do {
            node = &net->nodes[xord_rng_below(&rng, net->cnt)];
        } while (node->dead);
        xord_lookup_add(&lookup, &node->enr);
    }
}

static bool is_exact(const struct net *net)
{
    struct net_node *want[XORD_LOOKUP_K];
    const struct xord_enr *got[XORD_LOOKUP_K + 1];
    size_t want_cnt = closest(net, want), got_cnt = xord_lookup_result(&lookup, got, XORD_LOOKUP_K + 1);

    if (want_cnt != got_cnt)
        return false;
    for (size_t i = 0; i < want_cnt; i++)
        if (memcmp(want[i]->enr.id32, got[i]->id32, 32) != 0)
            return false;
    return true;
}

static void kill_some(struct net *net, unsigned percent)
{
    for (size_t i = 0; i < net->cnt; i++)
        net->nodes[i].dead = xord_rng_below(&rng, 100) < percent;
}

/* Runs 100 lookups; returns how many found exactly the k closest. */
static unsigned exact_of_100(size_t node_cnt, unsigned dead_percent, unsigned max_queries)
{
    unsigned exact_cnt = 0, query_cnt = 0;
    struct net net;

    net_init(&net, node_cnt, 7);
    kill_some(&net, dead_percent);
    for (int i = 0; i < 100; i++) {
        start(&net);
        query_cnt += run(&net);
        exact_cnt += is_exact(&net);
    }
    net_deinit(&net);
    cr_log_info("%zu nodes, %u%% dead: %u of 100 exact, %.1f queries", node_cnt, dead_percent, exact_cnt,
            query_cnt / 100.0);
    cr_assert_leq(query_cnt / 100.0, max_queries, "%zu nodes: %.1f queries", node_cnt, query_cnt / 100.0);
    return exact_cnt;
}

Test(lookup, small_networks_are_found_whole)
{
    for (size_t cnt = 3; cnt <= 16; cnt++)
        cr_assert_eq(exact_of_100(cnt, 0, 24), 100, "%zu nodes", cnt);
    TEST_NO_LEAK();
}

/* A bucket that holds more nodes than an answer may hide one of the closest from all who are asked: rare. */
Test(lookup, finds_the_k_closest)
{
    cr_assert_geq(exact_of_100(50, 0, 24), 99);
    cr_assert_geq(exact_of_100(1000, 0, 26), 98);
    cr_assert_geq(exact_of_100(20000, 0, 29), 98);
    TEST_NO_LEAK();
}

Test(lookup, finds_the_k_closest_that_live)
{
    cr_assert_geq(exact_of_100(1000, 20, 32), 95);
    cr_assert_geq(exact_of_100(10000, 20, 34), 95);
    TEST_NO_LEAK();
}

Test(lookup, ends_when_nobody_answers)
{
    struct net net;

    net_init(&net, 100, 9);
    start(&net);
    kill_some(&net, 100);
    cr_assert_leq(run(&net), 3);
    cr_assert_eq(xord_lookup_result(&lookup, &(const struct xord_enr *){NULL}, 1), 0);
    net_deinit(&net);
}

Test(lookup, ends_without_candidates)
{
    struct xord_lookup_query query;

    xord_lookup_init(&lookup, self32, self32);
    cr_assert(xord_lookup_is_done(&lookup));
    cr_assert_not(xord_lookup_next(&lookup, &query));
    xord_lookup_answered(&lookup, 1);
    xord_lookup_failed(&lookup, 1);
    cr_assert_eq(lookup.in_flight, 0);
}

Test(lookup, is_cheap_in_memory)
{
    cr_assert_leq(sizeof(struct xord_lookup), 64 * 1024);
}

/* ---- predicates ---- */

static bool is_even(void *ctx, const struct xord_enr *enr)
{
    (*(unsigned *)ctx)++;
    return enr->id32[31] % 2 == 0;
}

static bool is_rare(void *ctx, const struct xord_enr *enr)
{
    (void)ctx;
    return enr->id32[31] % 16 == 0;
}

Test(lookup, predicate_ends_at_want)
{
    const struct xord_enr *out[64];
    unsigned calls = 0, query_cnt;
    struct net net;
    size_t cnt;

    net_init(&net, 1000, 3);
    start(&net);
    xord_lookup_set_predicate(&lookup, is_even, &calls, 5);
    query_cnt = run(&net);
    cnt = xord_lookup_result(&lookup, out, 64);
    cr_assert_geq(cnt, 5);
    cr_assert_leq(query_cnt, 4, "%u queries", query_cnt);
    cr_assert_gt(calls, 0);
    for (size_t i = 0; i < cnt; i++)
        cr_assert_eq(out[i]->id32[31] % 2, 0);
    net_deinit(&net);
}

Test(lookup, predicate_keeps_rare_matches)
{
    const struct xord_enr *out[XORD_LOOKUP_MAX_NODES];
    struct net net;
    size_t cnt;

    net_init(&net, 5000, 4);
    start(&net);
    xord_lookup_set_predicate(&lookup, is_rare, NULL, 1000);
    cr_assert_eq(lookup.want, XORD_LOOKUP_MAX_NODES);
    run(&net);
    cnt = xord_lookup_result(&lookup, out, XORD_LOOKUP_MAX_NODES);
    cr_assert_gt(cnt, 0);
    cr_assert_eq(cnt, lookup.match_cnt);
    for (size_t i = 0; i < cnt; i++)
        cr_assert_eq(out[i]->id32[31] % 16, 0);
    net_deinit(&net);
}

Test(lookup, failed_match_does_not_count)
{
    struct xord_lookup_query query;
    struct net net;
    unsigned calls = 0;

    net_init(&net, 20, 5);
    for (size_t i = 0; i < net.cnt; i++)
        net.nodes[i].enr.id32[31] &= 0xfe;
    start(&net);
    xord_lookup_set_predicate(&lookup, is_even, &calls, 10);
    cr_assert_eq(lookup.match_cnt, lookup.node_cnt);
    cr_assert(xord_lookup_next(&lookup, &query));
    xord_lookup_failed(&lookup, query.query);
    cr_assert_eq(lookup.match_cnt, lookup.node_cnt - 1);
    net_deinit(&net);
}

/* ---- candidates ---- */

static void assert_sorted(void)
{
    for (uint32_t i = 1; i < lookup.node_cnt; i++)
        cr_assert_lt(xord_distance_compare(lookup.target32, lookup.nodes[lookup.order[i - 1]].enr.id32,
                             lookup.nodes[lookup.order[i]].enr.id32),
                0);
}

Test(lookup, keeps_the_closest)
{
    struct net_node *want[XORD_LOOKUP_K];
    struct net net;
    size_t cnt;

    net_init(&net, 2000, 6);
    start(&net);
    for (size_t i = 0; i < net.cnt; i++) {
        xord_lookup_add(&lookup, &net.nodes[(i * 7) % net.cnt].enr);
        if (i % 100 == 0)
            assert_sorted();
    }
    cr_assert_eq(lookup.node_cnt, XORD_LOOKUP_MAX_NODES);
    assert_sorted();
    cnt = closest(&net, want);
    for (size_t i = 0; i < cnt; i++)
        cr_assert_bytes(lookup.nodes[lookup.order[i]].enr.id32, want[i]->enr.id32, 32);
    net_deinit(&net);
}

Test(lookup, open_queries_survive_a_flood_of_closer_nodes)
{
    struct xord_lookup_query open[XORD_LOOKUP_ALPHA];
    struct net net;

    net_init(&net, 2000, 6);
    start(&net);
    for (int i = 0; i < XORD_LOOKUP_ALPHA; i++)
        cr_assert(xord_lookup_next(&lookup, &open[i]));
    for (size_t i = 0; i < net.cnt; i++)
        xord_lookup_add(&lookup, &net.nodes[i].enr);
    for (int i = 0; i < XORD_LOOKUP_ALPHA; i++)
        xord_lookup_answered(&lookup, open[i].query);
    cr_assert_eq(lookup.in_flight, 0);
    assert_sorted();
    net_deinit(&net);
}

Test(lookup, ignores_itself_and_the_unreachable)
{
    struct xord_enr enr = {.seq = 1, .has_ip = 1, .has_udp = 1, .ip4 = {10, 0, 0, 1}, .udp = 9000};

    xord_lookup_init(&lookup, self32, self32);
    memcpy(enr.id32, self32, 32);
    xord_lookup_add(&lookup, &enr);
    cr_assert_eq(lookup.node_cnt, 0);
    enr.id32[0] = 1;
    enr.has_udp = 0;
    enr.udp = 0;
    xord_lookup_add(&lookup, &enr);
    cr_assert_eq(lookup.node_cnt, 0);
}

Test(lookup, newer_record_replaces)
{
    struct xord_enr enr = {.seq = 5, .has_ip = 1, .has_udp = 1, .ip4 = {10, 0, 0, 1}, .udp = 9000, .id32 = {1}};
    struct xord_lookup_query query;

    xord_lookup_init(&lookup, self32, self32);
    xord_lookup_add(&lookup, &enr);
    enr.seq = 4;
    enr.udp = 9001;
    xord_lookup_add(&lookup, &enr);
    cr_assert_eq(lookup.nodes[0].enr.udp, 9000);
    cr_assert(xord_lookup_next(&lookup, &query));
    xord_lookup_failed(&lookup, query.query);
    cr_assert(xord_lookup_is_done(&lookup));
    enr.seq = 6;
    xord_lookup_add(&lookup, &enr);
    cr_assert_eq(lookup.node_cnt, 1);
    cr_assert(xord_lookup_next(&lookup, &query), "a node that may have moved is asked again");
    cr_assert_eq(query.enr.udp, 9001);
}

/* Records of a few ids in any order, newer and older, with answers and failures between. */
Test(lookup, any_order_of_calls_keeps_the_books)
{
    struct xord_lookup_query open[XORD_LOOKUP_ALPHA];
    unsigned calls = 0;
    struct net net;
    size_t open_cnt = 0, i;

    net_init(&net, 400, 8);
    start(&net);
    xord_lookup_set_predicate(&lookup, is_even, &calls, XORD_LOOKUP_MAX_NODES);
    for (int step = 0; step < 50000; step++) {
        struct xord_enr enr = net.nodes[xord_rng_below(&rng, net.cnt)].enr;
        uint32_t match_cnt = 0;

        enr.seq = xord_rng_below(&rng, 1000000);
        xord_lookup_add(&lookup, &enr);
        if (open_cnt < XORD_LOOKUP_ALPHA && xord_lookup_next(&lookup, &open[open_cnt]))
            open_cnt++;
        if (open_cnt > 0 && xord_rng_below(&rng, 2) == 0) {
            i = xord_rng_below(&rng, open_cnt);
            if (xord_rng_below(&rng, 3) == 0)
                xord_lookup_failed(&lookup, open[i].query);
            else
                xord_lookup_answered(&lookup, open[i].query);
            open[i] = open[--open_cnt];
        }
        for (uint32_t n = 0; n < lookup.node_cnt; n++)
            match_cnt += lookup.nodes[n].enr.id32[31] % 2 == 0 && lookup.nodes[n].state != XORD_LOOKUP_FAILED;
        cr_assert_eq(lookup.match_cnt, match_cnt);
        cr_assert_eq(lookup.in_flight, open_cnt);
        assert_sorted();
    }
    net_deinit(&net);
}

/* ---- distances ---- */

static void check_distances(const uint8_t id32[32], const uint8_t target32[32])
{
    int d = (int)xord_log_distance(id32, target32), step = 0;
    uint16_t out[300];
    size_t cnt = xord_lookup_distances(out, 300, id32, target32);
    bool seen[257] = {0};

    cr_assert_eq(cnt, 256, "all distances, in the end");
    cr_assert(d == 0 || out[0] == d);
    for (size_t i = 0; i < cnt; i++) {
        int off = abs(out[i] - d);

        cr_assert(out[i] >= 1 && out[i] <= 256);
        cr_assert_not(seen[out[i]]);
        seen[out[i]] = true;
        cr_assert_geq(off, step);
        step = off;
    }
    for (size_t max = 0; max < 6; max++) {
        uint16_t few[6];

        cr_assert_eq(xord_lookup_distances(few, max, id32, target32), max);
        cr_assert_bytes(few, out, max * sizeof(few[0]));
    }
}

Test(lookup, distances_go_outwards)
{
    uint8_t id32[32], target32[32];

    for (int i = 0; i < 2000; i++) {
        unsigned prefix = (unsigned)xord_rng_below(&rng, 257);

        xord_rng_fill(&rng, id32, sizeof(id32));
        memcpy(target32, id32, sizeof(id32));
        for (unsigned bit = prefix; bit < 256; bit++)
            target32[bit / 8] ^= (uint8_t)((xord_rng_u32(&rng) & 1) << (7 - bit % 8));
        check_distances(id32, target32);
    }
}

Test(lookup, distances_of_the_target_itself)
{
    uint16_t out[3];

    check_distances(self32, self32);
    cr_assert_eq(xord_lookup_distances(out, 3, self32, self32), 3);
    cr_assert(out[0] == 1 && out[1] == 2 && out[2] == 3);
}
