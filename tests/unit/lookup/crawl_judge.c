/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is taken for hostile, and who is not. */
#include "crawl_private.h"

#include "test_util.h"
#include "xord_bytes.h"

static struct crawl_node node;

static bool is(enum xord_crawl_hostile kind)
{
    return node.hostile >> kind & 1;
}

static void behave(const struct xord_crawl_conduct *conduct)
{
    crawl_judge_conduct(&node, conduct);
}

Test(crawl_judge, one_mistake_is_forgiven_a_habit_is_not)
{
    behave(&(struct xord_crawl_conduct){.wrong_distance = 1, .invalid = 1, .loops = 1, .challenged = true});
    cr_assert_eq(node.hostile, 0);
    cr_assert(node.challenged);
    behave(&(struct xord_crawl_conduct){.invalid = 1});
    cr_assert(is(XORD_CRAWL_INVALID) && !is(XORD_CRAWL_DISTANCE));
    behave(&(struct xord_crawl_conduct){.wrong_distance = 16});
    cr_assert(is(XORD_CRAWL_DISTANCE) && !is(XORD_CRAWL_WHOAREYOU));
    behave(&(struct xord_crawl_conduct){.loops = 1});
    cr_assert(is(XORD_CRAWL_WHOAREYOU) && !is(XORD_CRAWL_TOTALS));
    behave(&(struct xord_crawl_conduct){.bad_totals = 1});
    cr_assert(is(XORD_CRAWL_TOTALS));
    behave(&(struct xord_crawl_conduct){.wrong_distance = UINT32_MAX, .invalid = UINT32_MAX, .loops = UINT32_MAX});
    cr_assert_eq(node.wrong_cnt, UINT8_MAX);
}

static void visited(uint16_t farthest, uint8_t max_cnt)
{
    const struct crawl_depth depth = {.log2_nodes = 10, .sample_cnt = 3};

    node = (struct crawl_node){.responded = true, .farthest = farthest, .visit = {.max_cnt = max_cnt}};
    crawl_judge_visit(&node, &depth);
}

Test(crawl_judge, who_names_only_its_closest_neighbours)
{
    visited(243, 8);
    cr_assert(is(XORD_CRAWL_ECLIPSE));
    visited(256, 16);
    cr_assert_eq(node.hostile, 0);
    visited(249, 16);
    cr_assert_eq(node.hostile, 0);
    visited(0, 0); /* an empty table */
    cr_assert_eq(node.hostile, 0);
    visited(243, 1); /* a poor one */
    cr_assert_eq(node.hostile, 0);
}

/* ---- all of them ---- */

static struct crawl_map map;

static struct crawl_node *add(uint32_t subnet, uint32_t low, uint16_t rtt_ms)
{
    struct xord_enr enr = {.has_ip = 1, .has_udp = 1, .udp = 9000};
    struct crawl_node *added;

    xord_store_be32(enr.id32, map.node_cnt + 1);
    xord_store_be32(enr.ip4, 0x0a000000 | subnet << 8 | low);
    added = crawl_map_insert(&map, &enr);
    cr_assert_not_null(added);
    added->responded = true;
    added->rtt_ms = rtt_ms;
    return added;
}

static uint32_t judged(enum xord_crawl_hostile kind)
{
    uint32_t cnt = 0;

    crawl_judge_all(&map);
    for (uint32_t i = 0; i < map.node_cnt; i++)
        cnt += crawl_map_at(&map, i)->hostile >> kind & 1;
    return cnt;
}

static void start(void)
{
    const struct xord_hash_key key = {{1, 2}};

    cr_assert_eq(crawl_map_init(&map, &key), 0);
}

static void stop(void)
{
    crawl_map_deinit(&map);
    TEST_NO_LEAK();
}

Test(crawl_judge, many_in_one_subnet_where_others_are_few)
{
    start();
    for (uint32_t i = 0; i < 300; i++)
        add(i / 3, 1 + i % 3, 1);
    for (uint32_t i = 0; i < 11; i++)
        add(2000, 1 + i, 1);
    for (uint32_t i = 0; i < 10; i++)
        add(2001, 1 + i, 1);
    cr_assert_eq(judged(XORD_CRAWL_SYBIL), 0, "less than four times as many as others");
    add(2000, 12, 1);
    cr_assert_eq(judged(XORD_CRAWL_SYBIL), 12);
    for (uint32_t i = 0; i < 12; i++)
        cr_assert_eq(crawl_map_at(&map, i)->hostile, 0);
    stop();
}

Test(crawl_judge, a_network_in_one_subnet_is_none_of_sybils)
{
    start();
    cr_assert_eq(judged(XORD_CRAWL_SYBIL), 0, "nor is an empty one");
    for (uint32_t i = 0; i < 200; i++)
        add(7, 1 + i, 1);
    cr_assert_eq(judged(XORD_CRAWL_SYBIL), 0);
    stop();
}

Test(crawl_judge, who_takes_longer_for_an_answer_than_for_a_challenge)
{
    start();
    for (uint32_t i = 0; i < 99; i++)
        add(i, 1, 60 + i)->challenge_ms = 60;
    add(100, 1, 309)->challenge_ms = 60;
    add(101, 1, 310)->challenge_ms = 60;
    add(102, 1, 0)->challenge_ms = 60; /* never answered in time */
    add(103, 1, 400);                  /* never challenged us */
    cr_assert_eq(judged(XORD_CRAWL_SLOW), 1);
    cr_assert(crawl_map_at(&map, 100)->hostile);
    stop();
}

Test(crawl_judge, who_is_only_far_away_is_not_slow)
{
    start();
    for (uint32_t i = 0; i < 99; i++)
        add(i, 1, 20)->challenge_ms = 20;
    for (uint32_t i = 0; i < 10; i++)
        add(100 + i, 1, 400)->challenge_ms = 401;
    cr_assert_eq(judged(XORD_CRAWL_SLOW), 0);
    stop();
}

/* The shortest answer, the longest challenge: one late packet makes nobody slow. */
Test(crawl_judge, one_late_answer_is_forgiven)
{
    start();
    node = *add(1, 1, 0);
    behave(&(struct xord_crawl_conduct){.rtt_ns = 900 * XORD_NS_PER_MS, .challenge_ns = 20 * XORD_NS_PER_MS});
    cr_assert_eq(node.rtt_ms, 900);
    behave(&(struct xord_crawl_conduct){.rtt_ns = 30 * XORD_NS_PER_MS});
    cr_assert_eq(node.rtt_ms, 30);
    cr_assert_eq(node.challenge_ms, 20);
    stop();
}

Test(crawl_judge, kinds_have_names)
{
    for (int kind = 0; kind < XORD_CRAWL_HOSTILE_CNT; kind++) {
        cr_assert_not_null(xord_crawl_hostile_name((enum xord_crawl_hostile)kind));
        cr_assert_not_null(xord_crawl_hostile_did((enum xord_crawl_hostile)kind));
    }
}
