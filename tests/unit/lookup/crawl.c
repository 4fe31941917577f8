/* SPDX-License-Identifier: BSD-3-Clause */
/* Crawls of networks of the test's own making, in virtual time. */
#include "xord_crawl.h"

#include <time.h>

#include "net.h"

#define REQUEST_TIMEOUT_NS (500 * XORD_NS_PER_MS)

/* ---- a driver: what the node does, with a heap of events for a network ---- */

struct event {
    uint64_t at_ns;
    uint64_t cookie;
    struct net_node *node;
    uint16_t distances[XORD_CRAWL_MAX_DISTANCES];
    uint32_t distance_cnt;
    bool lost;
};

struct sim {
    struct net *net;
    struct xord_crawl *crawl;
    struct xord_rng rng;
    struct event **heap;
    size_t heap_cnt, heap_cap;
    uint64_t now_ns;
    unsigned loss_percent;
    unsigned capacity;   /* queries open beyond this are lost; 0: no limit */
    unsigned max_open;   /* of one node, seen */
    uint64_t min_gap_ns; /* least time between two queries to a silent node, seen */
};

static void sim_init(struct sim *sim, struct net *net, const struct xord_crawl_config *config)
{
    *sim = (struct sim){.net = net, .now_ns = XORD_NS_PER_S, .heap_cap = 8192, .min_gap_ns = UINT64_MAX};
    net_seed(&sim->rng, 77);
    sim->crawl = xord_crawl_new(config);
    sim->heap = calloc(sim->heap_cap, sizeof(struct event *));
    cr_assert(sim->crawl && sim->heap);
}

static void sim_deinit(struct sim *sim)
{
    for (size_t i = 0; i < sim->heap_cnt; i++)
        free(sim->heap[i]);
    free(sim->heap);
    xord_crawl_free(sim->crawl);
}

static void heap_push(struct sim *sim, struct event *event)
{
    size_t i = sim->heap_cnt++;

    cr_assert_leq(sim->heap_cnt, sim->heap_cap);
    for (; i > 0 && sim->heap[(i - 1) / 2]->at_ns > event->at_ns; i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = event;
}

static struct event *heap_pop(struct sim *sim)
{
    struct event *first = sim->heap[0], *last = sim->heap[--sim->heap_cnt];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < sim->heap_cnt; i = child) {
        if (child + 1 < sim->heap_cnt && sim->heap[child + 1]->at_ns < sim->heap[child]->at_ns)
            child++;
        if (sim->heap[child]->at_ns >= last->at_ns)
            break;
        sim->heap[i] = sim->heap[child];
    }
    sim->heap[i] = last;
    return first;
}

static void check_gap(struct sim *sim, const struct xord_crawl_query *query, uint64_t last_check_ns)
{
    struct xord_crawl_node node;

    cr_assert(xord_crawl_find(sim->crawl, query->enr->id32, &node));
    if (node.requests > 1 && node.answers == 0 && sim->now_ns - last_check_ns < sim->min_gap_ns)
        sim->min_gap_ns = sim->now_ns - last_check_ns;
}

static void sim_send(struct sim *sim, const struct xord_crawl_query *query)
{
    struct event *event = malloc(sizeof(*event));

    cr_assert(event);
    event->cookie = query->cookie;
    event->node = net_find(sim->net, query->enr->id32);
    event->distance_cnt = query->distance_cnt;
    cr_assert(query->distance_cnt >= 1 && query->distance_cnt <= XORD_CRAWL_MAX_DISTANCES);
    memcpy(event->distances, query->distances, query->distance_cnt * sizeof(query->distances[0]));
    event->lost = event->node->dead || query->distance_cnt > event->node->max_distances ||
                  xord_rng_below(&sim->rng, 100) < sim->loss_percent ||
                  (sim->capacity && sim->heap_cnt >= sim->capacity);
    event->at_ns =
            sim->now_ns + (event->lost ? REQUEST_TIMEOUT_NS : (10 + xord_rng_below(&sim->rng, 190)) * XORD_NS_PER_MS);
    check_gap(sim, query, event->node->asked_ns);
    event->node->asked_ns = sim->now_ns;
    if (++event->node->open > sim->max_open)
        sim->max_open = event->node->open;
    heap_push(sim, event);
}

static void sim_answer(struct sim *sim, const struct event *event)
{
    const struct net_node *out[NET_BUCKET];
    size_t cnt;

    event->node->open--;
    if (event->lost) {
        xord_crawl_failed(sim->crawl, event->cookie, false, sim->now_ns);
        return;
    }
    cnt = net_answer(sim->net, event->node, event->distances, event->distance_cnt, out);
    for (size_t i = 0; i < cnt; i++)
        if (!xord_crawl_knows(sim->crawl, out[i]->enr.id32, out[i]->enr.seq))
            cr_assert_eq(xord_crawl_add(sim->crawl, &out[i]->enr, sim->now_ns), 0);
    xord_crawl_answered(sim->crawl, event->cookie, (uint32_t)cnt, sim->now_ns);
}

/* One event, or the wait for a retry. */
static void sim_step(struct sim *sim)
{
    struct xord_crawl_query query;
    uint64_t next_ns;
    struct event *event;

    while (xord_crawl_next(sim->crawl, &query, sim->now_ns))
        sim_send(sim, &query);
    next_ns = xord_crawl_next_ns(sim->crawl);
    cr_assert(next_ns > sim->now_ns, "next found nothing, but next_ns says now");
    if (sim->heap_cnt == 0 || sim->heap[0]->at_ns > next_ns) {
        cr_assert(next_ns != UINT64_MAX || xord_crawl_is_done(sim->crawl), "stuck");
        if (next_ns != UINT64_MAX)
            sim->now_ns = next_ns;
        return;
    }
    event = heap_pop(sim);
    sim->now_ns = event->at_ns;
    sim_answer(sim, event);
    free(event);
}

static void sim_run(struct sim *sim)
{
    uint64_t start_ns = sim->now_ns;

    while (!xord_crawl_is_done(sim->crawl)) {
        sim_step(sim);
        cr_assert_lt(sim->now_ns - start_ns, 3600 * XORD_NS_PER_S, "does not end");
    }
    cr_assert_eq(sim->heap_cnt, 0);
}

static void sim_bootnodes(struct sim *sim, size_t cnt)
{
    for (size_t i = 0; i < sim->net->cnt && cnt > 0; i++) {
        if (sim->net->nodes[i].dead || sim->net->nodes[i].lonely)
            continue;
        cr_assert_eq(xord_crawl_add(sim->crawl, &sim->net->nodes[i].enr, sim->now_ns), 0);
        cnt--;
    }
}

static struct xord_crawl_config config_v4(void)
{
    return (struct xord_crawl_config){.self32 = {0xee}, .hash_key = {{1, 2}}, .v4 = true};
}

/* Which nodes are dead, lonely, limited: every n-th of a network whose order says nothing. */
static void net_spoil(struct net *net, unsigned dead_percent)
{
    for (size_t i = 0; i < net->cnt; i++)
        net->nodes[i].dead = xord_rng_below(&net->rng, 100) < dead_percent;
}

static size_t net_dead_cnt(const struct net *net)
{
    size_t cnt = 0;

    for (size_t i = 0; i < net->cnt; i++)
        cnt += net->nodes[i].dead;
    return cnt;
}

/* Everybody is known, and is what he is. */
static void assert_complete(const struct sim *sim)
{
    struct xord_crawl_stats stats;

    xord_crawl_stats(sim->crawl, &stats);
    cr_assert_eq(stats.known, sim->net->cnt, "%lu of %zu known", stats.known, sim->net->cnt);
    cr_assert_eq(stats.dead, net_dead_cnt(sim->net), "%lu dead", stats.dead);
    cr_assert_eq(stats.alive, stats.known - stats.dead);
    cr_assert_eq(stats.queued + stats.visiting + stats.skipped + stats.in_flight, 0);
    cr_assert_eq(stats.requests, stats.answers + stats.timeouts);
    cr_assert_leq(sim->max_open, 1, "%u queries to one node at the same time", sim->max_open);
    for (size_t i = 0; i < sim->net->cnt; i++) {
        const struct net_node *node = &sim->net->nodes[i];
        struct xord_crawl_node found;

        cr_assert(xord_crawl_find(sim->crawl, node->enr.id32, &found));
        cr_assert_eq(found.status, node->dead ? XORD_CRAWL_DEAD : XORD_CRAWL_ALIVE);
        cr_assert_eq(found.answers > 0, !node->dead);
        cr_assert_eq(found.first_response_ns > 0, !node->dead);
    }
}

/* Requests to the living, a node. */
static double requests_a_node(const struct sim *sim)
{
    struct xord_crawl_node node;
    uint64_t sum = 0, cnt = 0;

    for (size_t pos = 0; xord_crawl_each(sim->crawl, &pos, &node);) {
        if (node.status != XORD_CRAWL_ALIVE)
            continue;
        sum += node.requests;
        cnt++;
    }
    return (double)sum / (double)cnt;
}

static void report(const struct sim *sim, const char *what)
{
    struct xord_crawl_stats stats;

    xord_crawl_stats(sim->crawl, &stats);
    cr_log_info("%s: %lu known, %lu alive, %lu incomplete, %.2f requests a living node, window %lu, %.1f s", what,
            stats.known, stats.alive, stats.incomplete, requests_a_node(sim), stats.window,
            (double)(sim->now_ns - XORD_NS_PER_S) / 1e9);
}

/* ---- whole crawls ---- */

static void crawl_perfect(size_t node_cnt, double max_requests)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl_stats stats;
    struct net net;
    struct sim sim;

    net_init(&net, node_cnt, 11);
    sim_init(&sim, &net, &config);
    sim_bootnodes(&sim, 1);
    sim_run(&sim);
    report(&sim, "perfect");
    assert_complete(&sim);
    xord_crawl_stats(sim.crawl, &stats);
    cr_assert_eq(stats.incomplete, 0);
    cr_assert_leq(requests_a_node(&sim), max_requests, "%zu nodes: %.2f requests a node", node_cnt,
            requests_a_node(&sim));
    sim_deinit(&sim);
    net_deinit(&net);
}

/* log2(N/16) distances are full; beyond them there must be at most 2.5 requests on average. */
Test(crawl, finds_all_of_a_perfect_network)
{
    crawl_perfect(2, 2);
    crawl_perfect(10, 2);
    crawl_perfect(50, 4.2);
    crawl_perfect(1000, 8.5);
    crawl_perfect(10000, 11.8);
    crawl_perfect(20000, 12.8);
    TEST_NO_LEAK();
}

Test(crawl, counts_the_dead_as_dead)
{
    struct xord_crawl_config config = config_v4();
    struct net net;
    struct sim sim;

    net_init(&net, 10000, 12);
    net_spoil(&net, 10);
    sim_init(&sim, &net, &config);
    sim_bootnodes(&sim, 2);
    sim_run(&sim);
    report(&sim, "a tenth dead");
    assert_complete(&sim);
    cr_assert_geq(sim.min_gap_ns, REQUEST_TIMEOUT_NS + 500 * XORD_NS_PER_MS, "tries of the dead lie too close");
    cr_assert_leq(requests_a_node(&sim), 11.8);
    sim_deinit(&sim);
    net_deinit(&net);
    TEST_NO_LEAK();
}

Test(crawl, loss_does_not_make_the_living_dead)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl_stats stats;
    struct net net;
    struct sim sim;

    config.attempts = 5;
    net_init(&net, 5000, 13);
    net_spoil(&net, 10);
    sim_init(&sim, &net, &config);
    sim.loss_percent = 5;
    sim_bootnodes(&sim, 3);
    sim_run(&sim);
    report(&sim, "5% loss");
    assert_complete(&sim);
    xord_crawl_stats(sim.crawl, &stats);
    cr_assert_eq(stats.incomplete, 0);
    cr_assert_geq(stats.window, 512, "ordinary loss must not close the window: %lu", stats.window);
    cr_assert_leq(requests_a_node(&sim), 13.5);
    sim_deinit(&sim);
    net_deinit(&net);
    TEST_NO_LEAK();
}

/* With three attempts one visit in a thousand loses three queries in a row: found all the same, but incomplete. */
Test(crawl, loss_costs_few_visits)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl_stats stats;
    struct net net;
    struct sim sim;

    net_init(&net, 5000, 14);
    sim_init(&sim, &net, &config);
    sim.loss_percent = 5;
    sim_bootnodes(&sim, 3);
    sim_run(&sim);
    report(&sim, "5% loss, three attempts");
    xord_crawl_stats(sim.crawl, &stats);
    cr_assert_eq(stats.known, net.cnt);
    cr_assert_leq(stats.dead, 3);
    cr_assert_leq(stats.incomplete, 20, "%lu incomplete", stats.incomplete);
    sim_deinit(&sim);
    net_deinit(&net);
}

/* Real networks: many dead, peers that answer less, that ignore long lists, that know nobody. */
Test(crawl, odd_peers_hide_nobody)
{
    struct xord_crawl_config config = config_v4();
    struct net net;
    struct sim sim;

    net_init(&net, 3000, 15);
    net_spoil(&net, 40);
    for (size_t i = 0; i < net.cnt; i++) {
        uint64_t kind = xord_rng_below(&net.rng, 10);

        if (kind < 2)
            net.nodes[i].limit = 15;
        else if (kind < 3)
            net.nodes[i].limit = 10;
        else if (kind < 5)
            net.nodes[i].lonely = true;
        else if (kind < 6)
            net.nodes[i].max_distances = 10;
    }
    sim_init(&sim, &net, &config);
    sim_bootnodes(&sim, 3);
    sim_run(&sim);
    report(&sim, "odd peers");
    assert_complete(&sim);
    cr_assert_leq(requests_a_node(&sim), 14, "%.2f requests a node", requests_a_node(&sim));
    sim_deinit(&sim);
    net_deinit(&net);
    TEST_NO_LEAK();
}

Test(crawl, bad_first_estimate_is_unlearned)
{
    struct xord_crawl_config config = config_v4();
    struct net net;
    struct sim sim;

    net_init(&net, 10000, 16);
    for (size_t i = 0; i < 1500; i++)
        net.nodes[i].lonely = true;
    sim_init(&sim, &net, &config);
    for (size_t i = 0; i < 40; i++)
        cr_assert_eq(xord_crawl_add(sim.crawl, &net.nodes[i].enr, sim.now_ns), 0);
    sim_bootnodes(&sim, 1);
    sim_run(&sim);
    report(&sim, "lonely bootnodes");
    assert_complete(&sim);
    cr_assert_leq(requests_a_node(&sim), 11.8);
    sim_deinit(&sim);
    net_deinit(&net);
}

/* ---- window ---- */

Test(crawl, window_stays_below_what_is_lost)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl_stats stats;
    uint64_t max_window = 0;
    struct net net;
    struct sim sim;

    config.attempts = 8;
    net_init(&net, 5000, 17);
    sim_init(&sim, &net, &config);
    sim.capacity = 300;
    sim_bootnodes(&sim, 5);
    while (!xord_crawl_is_done(sim.crawl)) {
        sim_step(&sim);
        xord_crawl_stats(sim.crawl, &stats);
        if (sim.now_ns > 10 * XORD_NS_PER_S && stats.window > max_window)
            max_window = stats.window;
    }
    report(&sim, "capacity 300");
    assert_complete(&sim);
    cr_assert_leq(max_window, 600, "window %lu over a path of 300", max_window);
    cr_assert_leq(stats.timeouts * 4, stats.requests);
    sim_deinit(&sim);
    net_deinit(&net);
    TEST_NO_LEAK();
}

/* ---- one node at a time ---- */

static struct xord_enr make_enr(uint8_t id, uint64_t seq, uint16_t port)
{
    return (struct xord_enr){.seq = seq,
            .id32 = {id},
            .has_ip = 1,
            .ip4 = {10, 0, 0, id},
            .has_udp = port != 0,
            .udp = port};
}

static enum xord_crawl_status status_of(const struct xord_crawl *crawl, uint8_t id)
{
    uint8_t id32[32] = {id};
    struct xord_crawl_node node;

    cr_assert(xord_crawl_find(crawl, id32, &node));
    return node.status;
}

/* Lets every query fail until nothing is left; returns how many there were. */
static unsigned fail_all(struct xord_crawl *crawl, uint64_t *now_ns)
{
    struct xord_crawl_query query;
    unsigned cnt = 0;

    while (!xord_crawl_is_done(crawl)) {
        if (xord_crawl_next(crawl, &query, *now_ns)) {
            *now_ns += REQUEST_TIMEOUT_NS;
            xord_crawl_failed(crawl, query.cookie, false, *now_ns);
            cnt++;
        } else {
            *now_ns = xord_crawl_next_ns(crawl);
        }
        cr_assert_lt(cnt, 100);
    }
    return cnt;
}

Test(crawl, knows_and_adds)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_enr enr = make_enr(1, 5, 9000), self = make_enr(0xee, 1, 9000);
    struct xord_crawl_stats stats;
    struct xord_crawl_node node;

    cr_assert(crawl);
    cr_assert_not(xord_crawl_knows(crawl, enr.id32, 1));
    cr_assert_eq(xord_crawl_add(crawl, &enr, 1), 0);
    cr_assert_eq(xord_crawl_add(crawl, &enr, 1), XORD_EEXIST);
    cr_assert(xord_crawl_knows(crawl, enr.id32, 5));
    cr_assert_not(xord_crawl_knows(crawl, enr.id32, 6));
    cr_assert(xord_crawl_knows(crawl, self.id32, 6), "our own record is nothing new");
    cr_assert_eq(xord_crawl_add(crawl, &self, 1), XORD_EEXIST);
    xord_crawl_invalid(crawl);
    xord_crawl_stats(crawl, &stats);
    cr_assert(stats.known == 1 && stats.queued == 1 && stats.records == 3 && stats.records_invalid == 1);
    cr_assert(xord_crawl_find(crawl, enr.id32, &node));
    cr_assert(node.seen_cnt == 3 && node.enr->seq == 5 && node.requests == 0);
    cr_assert_not(xord_crawl_find(crawl, self.id32, &node));
    xord_crawl_free(crawl);
    xord_crawl_free(NULL);
    TEST_NO_LEAK();
}

Test(crawl, dead_node_that_moved_is_visited_again)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_enr enr = make_enr(1, 5, 9000);
    uint64_t now_ns = 0;
    struct xord_crawl_query query;

    cr_assert(crawl);
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    cr_assert_eq(fail_all(crawl, &now_ns), 3);
    cr_assert_eq(status_of(crawl, 1), XORD_CRAWL_DEAD);
    enr.seq = 6; /* same endpoint */
    cr_assert_eq(xord_crawl_add(crawl, &enr, now_ns), 0);
    cr_assert(xord_crawl_is_done(crawl));
    enr = make_enr(1, 7, 9001);
    cr_assert_eq(xord_crawl_add(crawl, &enr, now_ns), 0);
    cr_assert_not(xord_crawl_is_done(crawl));
    cr_assert(xord_crawl_next(crawl, &query, now_ns));
    cr_assert_eq(query.ep.port, 9001);
    xord_crawl_answered(crawl, query.cookie, 3, now_ns);
    cr_assert(xord_crawl_next(crawl, &query, now_ns));
    xord_crawl_answered(crawl, query.cookie, 0, now_ns);
    cr_assert_eq(status_of(crawl, 1), XORD_CRAWL_ALIVE);
    xord_crawl_free(crawl);
    TEST_NO_LEAK();
}

Test(crawl, skips_what_it_cannot_reach)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_enr six = {.seq = 1, .id32 = {1}, .has_ip6 = 1, .ip6 = {0x20, 1}, .has_udp6 = 1, .udp6 = 9000};
    struct xord_enr enr = make_enr(2, 1, 9000), none = make_enr(3, 1, 0);
    struct xord_crawl_query query;

    cr_assert(crawl);
    cr_assert_eq(xord_crawl_add(crawl, &six, 0), 0);
    cr_assert_eq(xord_crawl_add(crawl, &none, 0), 0);
    cr_assert_eq(status_of(crawl, 1), XORD_CRAWL_SKIPPED);
    cr_assert_eq(status_of(crawl, 3), XORD_CRAWL_SKIPPED);
    cr_assert(xord_crawl_is_done(crawl));
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    enr = make_enr(2, 2, 0); /* loses its endpoint before it is asked */
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    cr_assert_not(xord_crawl_next(crawl, &query, 0));
    cr_assert_eq(status_of(crawl, 2), XORD_CRAWL_SKIPPED);
    none = make_enr(3, 2, 9000); /* gains one */
    cr_assert_eq(xord_crawl_add(crawl, &none, 0), 0);
    cr_assert(xord_crawl_next(crawl, &query, 0));
    xord_crawl_free(crawl);
    TEST_NO_LEAK();
}

Test(crawl, both_families_are_tried)
{
    struct xord_crawl_config config = config_v4();
    struct xord_enr enr = make_enr(1, 1, 9000);
    struct xord_crawl_query query;
    struct xord_crawl *crawl;

    config.v6 = true;
    crawl = xord_crawl_new(&config);
    cr_assert(crawl);
    enr.has_ip6 = 1;
    enr.ip6[0] = 0x20;
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    cr_assert(xord_crawl_next(crawl, &query, 0));
    cr_assert(xord_endpoint_is_v4(&query.ep));
    xord_crawl_failed(crawl, query.cookie, false, 0);
    cr_assert(xord_crawl_next(crawl, &query, 2 * XORD_NS_PER_S));
    cr_assert_not(xord_endpoint_is_v4(&query.ep));
    xord_crawl_answered(crawl, query.cookie, 16, 2 * XORD_NS_PER_S);
    for (int i = 0; i < 3; i++) {
        cr_assert(xord_crawl_next(crawl, &query, 2 * XORD_NS_PER_S));
        cr_assert_not(xord_endpoint_is_v4(&query.ep), "it stays with the family that worked");
        xord_crawl_answered(crawl, query.cookie, 16, 2 * XORD_NS_PER_S);
    }
    xord_crawl_free(crawl);
}

Test(crawl, partial_answer_means_alive)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_enr enr = make_enr(1, 1, 9000);
    struct xord_crawl_query query;
    struct xord_crawl_node node;
    uint64_t now_ns = XORD_NS_PER_S;

    cr_assert(crawl);
    cr_assert_eq(xord_crawl_add(crawl, &enr, now_ns), 0);
    cr_assert(xord_crawl_next(crawl, &query, now_ns));
    xord_crawl_failed(crawl, query.cookie, true, now_ns);
    fail_all(crawl, &now_ns);
    cr_assert(xord_crawl_find(crawl, enr.id32, &node));
    cr_assert(node.status == XORD_CRAWL_ALIVE && node.incomplete);
    cr_assert_eq(node.first_response_ns, XORD_NS_PER_S);
    xord_crawl_free(crawl);
}

/* A slow peer's challenge, sent too late for our first attempts, blocks the next ones until it has expired. */
Test(crawl, the_last_attempt_outlasts_a_challenge)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_enr enr = make_enr(1, 1, 9000);
    struct xord_crawl_query query;
    uint64_t sent_ns[3], now_ns = XORD_NS_PER_S;

    cr_assert(crawl);
    cr_assert_eq(xord_crawl_add(crawl, &enr, now_ns), 0);
    for (int attempt = 0; attempt < 3; attempt++) {
        if (attempt > 0)
            now_ns = xord_crawl_next_ns(crawl);
        cr_assert(xord_crawl_next(crawl, &query, now_ns));
        sent_ns[attempt] = now_ns;
        now_ns += REQUEST_TIMEOUT_NS;
        xord_crawl_failed(crawl, query.cookie, false, now_ns);
        cr_assert_not(xord_crawl_next(crawl, &query, now_ns));
    }
    cr_assert(xord_crawl_is_done(crawl));
    cr_assert_eq(sent_ns[1] - sent_ns[0], REQUEST_TIMEOUT_NS + XORD_CRAWL_RETRY_SILENT_NS);
    cr_assert_eq(sent_ns[2] - sent_ns[1], REQUEST_TIMEOUT_NS + XORD_CRAWL_RETRY_LAST_NS);
    cr_assert_gt(sent_ns[2] - (sent_ns[0] + REQUEST_TIMEOUT_NS), 2 * XORD_NS_PER_S);
    xord_crawl_free(crawl);
}

Test(crawl, stale_cookies_are_ignored)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_enr enr = make_enr(1, 1, 9000);
    struct xord_crawl_query query;
    struct xord_crawl_stats stats;

    cr_assert(crawl);
    xord_crawl_answered(crawl, 0, 1, 0);
    xord_crawl_failed(crawl, UINT64_MAX, true, 0);
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    cr_assert(xord_crawl_next(crawl, &query, 0));
    xord_crawl_answered(crawl, query.cookie + (1ULL << 32), 1, 0);
    xord_crawl_answered(crawl, query.cookie, 1, 0);
    xord_crawl_answered(crawl, query.cookie, 1, 0);
    xord_crawl_failed(crawl, query.cookie, false, 0);
    xord_crawl_stats(crawl, &stats);
    cr_assert(stats.answers == 1 && stats.timeouts == 0 && stats.in_flight == 0);
    xord_crawl_free(crawl);
}

Test(crawl, made_up_nodes_are_bounded)
{
    struct xord_crawl_config config = config_v4();
    struct xord_enr enr;
    struct xord_crawl *crawl;

    config.max_nodes = 3;
    crawl = xord_crawl_new(&config);
    cr_assert(crawl);
    for (uint8_t id = 1; id <= 3; id++) {
        enr = make_enr(id, 1, 9000);
        cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    }
    enr = make_enr(4, 1, 9000);
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), XORD_EFULL);
    enr = make_enr(3, 2, 9000);
    cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0, "known ones are still updated");
    xord_crawl_free(crawl);
}

Test(crawl, window_bounds_what_is_in_flight)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl_query query;
    struct xord_crawl *crawl;
    unsigned cnt = 0;

    config.window_min = 7;
    crawl = xord_crawl_new(&config);
    cr_assert(crawl);
    for (uint8_t id = 1; id <= 30; id++) {
        struct xord_enr enr = make_enr(id, 1, 9000);

        cr_assert_eq(xord_crawl_add(crawl, &enr, 0), 0);
    }
    while (xord_crawl_next(crawl, &query, 0))
        cnt++;
    cr_assert_eq(cnt, 7);
    cr_assert_eq(xord_crawl_next_ns(crawl), UINT64_MAX);
    xord_crawl_answered(crawl, query.cookie, 16, 0);
    cr_assert_eq(xord_crawl_next_ns(crawl), 0);
    xord_crawl_free(crawl);
}

/* ---- any order of calls ---- */

static void assert_books(const struct xord_crawl *crawl, uint64_t open_cnt)
{
    struct xord_crawl_stats stats;

    xord_crawl_stats(crawl, &stats);
    cr_assert_eq(stats.in_flight, open_cnt);
    cr_assert_eq(stats.queued + stats.visiting + stats.alive + stats.dead + stats.skipped, stats.known);
    cr_assert_eq(stats.requests, stats.answers + stats.timeouts + open_cnt);
    cr_assert_leq(stats.incomplete, stats.alive);
}

static void random_add(struct xord_crawl *crawl, struct xord_rng *rng, uint64_t now_ns)
{
    uint8_t id = (uint8_t)(1 + xord_rng_below(rng, 200));
    struct xord_enr enr = make_enr(id, xord_rng_below(rng, 50), (uint16_t)xord_rng_below(rng, 4));
    int err;

    if (xord_rng_below(rng, 2) == 0)
        enr.has_ip6 = 1;
    enr.ip6[0] = 0x20;
    if (xord_crawl_knows(crawl, enr.id32, enr.seq))
        return;
    err = xord_crawl_add(crawl, &enr, now_ns);
    cr_assert(err == 0 || err == XORD_EEXIST);
}

Test(crawl, any_order_of_calls_keeps_the_books)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl_query query;
    uint64_t open[256], now_ns = 0;
    struct xord_crawl *crawl;
    struct xord_rng rng;
    size_t open_cnt = 0, i;

    config.v6 = true;
    net_seed(&rng, 99);
    crawl = xord_crawl_new(&config);
    cr_assert(crawl);
    for (int step = 0; step < 200000; step++) {
        now_ns += xord_rng_below(&rng, 50 * XORD_NS_PER_MS);
        switch (xord_rng_below(&rng, 4)) {
        case 0:
            random_add(crawl, &rng, now_ns);
            break;
        case 1:
            if (open_cnt < 256 && xord_crawl_next(crawl, &query, now_ns))
                open[open_cnt++] = query.cookie;
            break;
        default:
            if (open_cnt == 0)
                break;
            i = xord_rng_below(&rng, open_cnt);
            if (xord_rng_below(&rng, 3) == 0)
                xord_crawl_failed(crawl, open[i], xord_rng_below(&rng, 4) == 0, now_ns);
            else
                xord_crawl_answered(crawl, open[i], (uint32_t)xord_rng_below(&rng, 18), now_ns);
            open[i] = open[--open_cnt];
        }
        if (step % 16 == 0)
            assert_books(crawl, open_cnt);
    }
    xord_crawl_free(crawl);
    TEST_NO_LEAK();
}

/* ---- cost ---- */

static double ns_each(const struct timespec *from, const struct timespec *to, size_t cnt)
{
    return ((double)(to->tv_sec - from->tv_sec) * 1e9 + (double)(to->tv_nsec - from->tv_nsec)) / (double)cnt;
}

Test(crawl, cost_of_a_mention_is_reported)
{
    struct xord_crawl_config config = config_v4();
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct timespec t[3];
    struct net net;

    cr_assert(crawl);
    net_init(&net, 100000, 18);
    clock_gettime(CLOCK_MONOTONIC, &t[0]);
    for (size_t i = 0; i < net.cnt; i++)
        cr_assert_eq(xord_crawl_add(crawl, &net.nodes[i * 7919 % net.cnt].enr, 0), 0);
    clock_gettime(CLOCK_MONOTONIC, &t[1]);
    for (size_t i = 0; i < 1000000; i++)
        if (!xord_crawl_knows(crawl, net.nodes[i * 611953 % net.cnt].enr.id32, 1))
            cr_assert(false);
    clock_gettime(CLOCK_MONOTONIC, &t[2]);
    cr_log_info("100,000 nodes: add %.0f ns, knows %.0f ns", ns_each(&t[0], &t[1], net.cnt),
            ns_each(&t[1], &t[2], 1000000));
    xord_crawl_free(crawl);
    net_deinit(&net);
    TEST_NO_LEAK();
}
