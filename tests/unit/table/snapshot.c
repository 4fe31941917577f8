/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots, and what is read out of several of them. */
#include <criterion/criterion.h>

#include "table_test.h"

#define SHARDS 3

static struct xord_rng rng;
static struct xord_table *tables[SHARDS];
static struct xord_table_snapshot *snaps[SHARDS];
static const struct xord_table_view view = {(const struct xord_table_snapshot *const *)snaps, SHARDS, 0};

static void setup(void)
{
    rng = test_rng(1);
    for (unsigned i = 0; i < SHARDS; i++) {
        tables[i] = xord_table_new(test_self32, &rng);
        snaps[i] = xord_table_snapshot_new();
        cr_assert(tables[i] && snaps[i]);
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        xord_table_free(tables[i]);
        xord_table_snapshot_free(snaps[i]);
    }
    TEST_NO_LEAK();
}

TestSuite(snapshot, .init = setup, .fini = teardown);
TestSuite(decisions, .init = setup, .fini = teardown);

static void publish(void)
{
    for (unsigned i = 0; i < SHARDS; i++)
        xord_table_snapshot_fill(snaps[i], tables[i]);
}

/* A verified node of any address. */
static struct xord_enr add_live(unsigned shard, unsigned distance, uint32_t salt, uint64_t seq, uint32_t ip4)
{
    struct xord_enr enr = test_enr(distance, salt, seq, ip4);

    cr_assert_eq(test_add(tables[shard], &enr, true, S), XORD_TABLE_ADDED);
    cr_assert(test_live(tables[shard], &enr, S));
    return enr;
}

static uint32_t collect(const struct xord_snapshot_node **out, uint32_t max, const uint8_t *except_id32,
        unsigned distance)
{
    uint16_t d = (uint16_t)distance;

    return xord_table_collect(&view, &d, 1, except_id32, out, max);
}

Test(snapshot, an_empty_one_has_nothing)
{
    const struct xord_snapshot_node *out[16];
    uint32_t first;

    cr_assert_eq(xord_table_snapshot_cnt(snaps[0]), 0);
    cr_assert_eq(xord_table_snapshot_at(snaps[0], 256, &first), 0);
    cr_assert_eq(collect(out, 16, NULL, 256), 0);
    cr_assert_eq(xord_table_closest(&view, test_self32, true, out, 16), 0);
}

Test(snapshot, nothing_is_at_impossible_distances)
{
    static const unsigned impossible[] = {0, 257, 65535};
    const struct xord_snapshot_node *out[16];
    uint32_t first;

    add_live(0, 256, 1, 1, IP_PRIVATE(1));
    publish();
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        cr_assert_eq(xord_table_snapshot_at(snaps[0], impossible[i], &first), 0);
        cr_assert_eq(collect(out, 16, NULL, impossible[i]), 0);
    }
}

Test(snapshot, groups_by_distance_live_first_replacements_last)
{
    struct xord_enr named = test_enr(256, 60, 1, IP_PRIVATE(60));
    struct xord_enr replacement = test_enr(256, 70, 1, IP_GLOBAL(1, 1));
    const struct xord_snapshot_node *node;
    uint32_t first;

    test_add(tables[0], &named, true, S);
    for (uint32_t salt = 0; salt < 15; salt++)
        test_add_live(tables[0], 256, salt, (2 + salt) * S);
    test_add_live(tables[0], 201, 1, S);
    test_add(tables[0], &replacement, true, S);
    publish();
    cr_assert_eq(xord_table_snapshot_cnt(snaps[0]), 18);
    cr_assert_eq(xord_table_snapshot_at(snaps[0], 201, &first), 1);
    cr_assert_eq(xord_table_snapshot_at(snaps[0], 202, &first), 0);
    cr_assert_eq(xord_table_snapshot_at(snaps[0], 256, &first), 17);
    for (uint32_t i = 0; i < 17; i++) {
        node = xord_table_snapshot_node(snaps[0], first + i);
        cr_assert_eq(node->live, i < 15);
        cr_assert_eq(node->replacement, i == 16);
        cr_assert_eq(node->enr_len, i < 16 ? 120 : 0);
    }
    test_id(named.id32, 256, 14);
    cr_assert_bytes(xord_table_snapshot_node(snaps[0], first)->id32, named.id32, 32);
}

Test(snapshot, shows_the_table_as_it_was)
{
    struct xord_enr enr = add_live(0, 256, 1, 1, IP_GLOBAL(1, 1));
    const struct xord_snapshot_node *node;

    publish();
    enr.seq = 2;
    cr_assert_eq(test_add(tables[0], &enr, true, 2 * S), XORD_TABLE_UPDATED);
    node = xord_table_snapshot_node(snaps[0], 0);
    cr_assert_eq(node->seq, 1);
    cr_assert_bytes(node->enr, enr.raw, enr.len);
    cr_assert_eq(node->ep.port, 9000);
    xord_table_snapshot_fill(snaps[0], tables[0]);
    cr_assert_eq(node->seq, 2);
}

Test(snapshot, a_table_is_dirty_until_it_is_published)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_PRIVATE(1));
    struct xord_table_node node;
    uint64_t now_ns;

    test_add(tables[0], &enr, true, S);
    cr_assert(xord_table_is_dirty(tables[0]));
    publish();
    cr_assert(!xord_table_is_dirty(tables[0]));
    test_add(tables[0], &enr, true, 2 * S);
    cr_assert(!xord_table_is_dirty(tables[0]), "nothing new");
    test_live(tables[0], &enr, 2 * S);
    cr_assert(xord_table_is_dirty(tables[0]), "verified");
    publish();
    test_live(tables[0], &enr, 3 * S);
    cr_assert(!xord_table_is_dirty(tables[0]), "verified again");
    enr.seq = 2;
    test_add(tables[0], &enr, false, 3 * S);
    cr_assert(xord_table_is_dirty(tables[0]), "newer record");
    publish();
    do {
        now_ns = test_check(tables[0], &node);
        xord_table_on_dead(tables[0], enr.id32, now_ns);
    } while (xord_table_cnt(tables[0]) > 0);
    cr_assert(xord_table_is_dirty(tables[0]), "gone");
}

Test(decisions, only_verified_live_nodes_are_returned)
{
    const struct xord_snapshot_node *out[64];
    struct xord_enr enr = add_live(0, 256, 1, 1, IP_PRIVATE(1));
    struct xord_enr unverified = test_enr(256, 2, 1, IP_PRIVATE(2));
    uint16_t distances[256];

    test_add(tables[0], &unverified, true, S);
    test_add(tables[1], &unverified, false, S);
    test_fill_bucket(tables[2], 255, S);
    unverified = test_enr(255, 99, 1, IP_PRIVATE(3));
    cr_assert_eq(test_add(tables[2], &unverified, true, S), XORD_TABLE_REPLACEMENT);
    publish();
    for (uint16_t d = 0; d < 256; d++)
        distances[d] = (uint16_t)(d + 1);
    cr_assert_eq(xord_table_collect(&view, distances, 256, NULL, out, 64), 17);
    cr_assert_eq(collect(out, 64, NULL, 256), 1);
    cr_assert_bytes(out[0]->id32, enr.id32, 32);
    enr = test_enr(256, 1, 2, IP_PRIVATE(5));
    test_add(tables[0], &enr, true, 2 * S);
    publish();
    cr_assert_eq(collect(out, 64, NULL, 256), 0, "its new endpoint has not answered yet");
}

Test(decisions, never_the_peers_own_record)
{
    const struct xord_snapshot_node *out[16];
    struct xord_enr peer = add_live(0, 256, 1, 1, IP_PRIVATE(1));
    struct xord_enr other = add_live(1, 256, 2, 1, IP_PRIVATE(2));

    publish();
    cr_assert_eq(collect(out, 16, NULL, 256), 2);
    cr_assert_eq(collect(out, 16, peer.id32, 256), 1);
    cr_assert_bytes(out[0]->id32, other.id32, 32);
}

Test(decisions, ip_limit_2_a_bucket_in_an_answer)
{
    const struct xord_snapshot_node *out[16];

    for (unsigned shard = 0; shard < SHARDS; shard++)
        for (uint32_t i = 0; i < 2; i++)
            add_live(shard, 256, shard * 2 + i, 1, IP_GLOBAL(1, shard * 2 + i));
    add_live(2, 256, 50, 1, IP_GLOBAL(2, 1));
    publish();
    cr_assert_eq(collect(out, 16, NULL, 256), 3);
}

Test(decisions, ip_limit_10_a_table_in_an_answer)
{
    const struct xord_snapshot_node *out[64];
    uint16_t distances[8];

    for (uint32_t i = 0; i < 8; i++) {
        add_live(0, 240 + i, 0, 1, IP_GLOBAL(1, i));
        add_live(1, 240 + i, 1, 1, IP_GLOBAL(1, i));
        distances[i] = (uint16_t)(240 + i);
    }
    publish();
    cr_assert_eq(xord_table_collect(&view, distances, 8, NULL, out, 64), 10);
}

Test(snapshot, collect_interleaves_shards)
{
    const struct xord_snapshot_node *out[16];
    uint32_t from[SHARDS] = {0};

    for (unsigned shard = 0; shard < SHARDS; shard++)
        for (uint32_t i = 0; i < 16; i++)
            add_live(shard, 256, shard * 16 + i, 1, IP_PRIVATE(shard * 16 + i));
    publish();
    cr_assert_eq(collect(out, 16, NULL, 256), 16);
    for (uint32_t i = 0; i < 16; i++)
        from[(xord_load_be32(out[i]->ep.ip16 + 12) - IP_PRIVATE(0)) / 16]++;
    cr_assert(from[0] == 6 && from[1] == 5 && from[2] == 5, "%u %u %u", from[0], from[1], from[2]);
}

Test(snapshot, collect_serves_distances_in_their_order)
{
    static const uint16_t distances[] = {255, 250, 256};
    const struct xord_snapshot_node *out[16];

    test_fill_bucket(tables[0], 256, S);
    test_add_live(tables[1], 255, 1, S);
    publish();
    cr_assert_eq(xord_table_collect(&view, distances, 3, NULL, out, 16), 16);
    cr_assert_eq(xord_log_distance(test_self32, out[0]->id32), 255);
    cr_assert_eq(xord_log_distance(test_self32, out[15]->id32), 256);
    cr_assert_eq(xord_table_collect(&view, distances, 3, NULL, out, 0), 0);
    cr_assert_eq(xord_table_collect(&view, distances, 0, NULL, out, 16), 0);
}

Test(snapshot, of_a_node_on_two_shards_the_newer_record_counts)
{
    const struct xord_snapshot_node *out[16];

    add_live(0, 256, 1, 4, IP_GLOBAL(1, 1));
    add_live(1, 256, 1, 5, IP_GLOBAL(1, 2));
    add_live(2, 256, 1, 3, IP_GLOBAL(1, 3));
    publish();
    cr_assert_eq(collect(out, 16, NULL, 256), 1);
    cr_assert_eq(out[0]->seq, 5);
    cr_assert_eq(xord_table_closest(&view, test_self32, true, out, 16), 1);
    cr_assert_eq(out[0]->seq, 5);
}

Test(snapshot, a_shard_that_has_not_published_is_skipped)
{
    const struct xord_snapshot_node *out[16];
    const struct xord_table_snapshot *some[SHARDS] = {NULL, snaps[1], NULL};
    const struct xord_table_view part = {some, SHARDS, 0};
    uint16_t distance = 256;

    add_live(1, 256, 1, 1, IP_PRIVATE(1));
    publish();
    cr_assert_eq(xord_table_collect(&part, &distance, 1, NULL, out, 16), 1);
    cr_assert_eq(xord_table_closest(&part, test_self32, true, out, 16), 1);
}

static uint32_t brute_closest(const struct xord_snapshot_node **out, const uint8_t target32[32], bool live_only)
{
    uint32_t cnt = 0;

    for (unsigned shard = 0; shard < SHARDS; shard++)
        for (uint32_t i = 0; i < xord_table_snapshot_cnt(snaps[shard]); i++) {
            const struct xord_snapshot_node *node = xord_table_snapshot_node(snaps[shard], i);
            uint32_t pos = cnt;

            if (node->replacement || (live_only && !node->live))
                continue;
            for (; pos > 0 && xord_distance_compare(target32, node->id32, out[pos - 1]->id32) < 0; pos--)
                out[pos] = out[pos - 1];
            out[pos] = node;
            cnt++;
        }
    return cnt;
}

Test(snapshot, closest_agrees_with_sorting_all)
{
    const struct xord_snapshot_node *want[512];
    const struct xord_snapshot_node *got[16];
    uint8_t target32[32];

    for (uint32_t i = 0; i < 900; i++) {
        struct xord_enr enr = test_enr(256, i, 1, IP_PRIVATE(i));

        xord_rng_fill(&rng, enr.id32, 32);
        memcpy(enr.id32, test_self32, i % 7 == 0 ? 2 : 0);
        test_add(tables[i % SHARDS], &enr, true, S);
        if (i % 3)
            test_live(tables[i % SHARDS], &enr, S);
    }
    publish();
    for (uint32_t turn = 0; turn < 400; turn++) {
        uint32_t max = 1 + (uint32_t)xord_rng_below(&rng, 16);
        bool live_only = turn % 2;
        uint32_t cnt;

        xord_rng_fill(&rng, target32, 32);
        memcpy(target32, test_self32, turn % 5 == 0 ? 32 : turn % 4);
        cnt = brute_closest(want, target32, live_only);
        cr_assert_gt(cnt, 16);
        cr_assert_eq(xord_table_closest(&view, target32, live_only, got, max), max);
        for (uint32_t i = 0; i < max; i++)
            cr_assert_bytes(got[i]->id32, want[i]->id32, 32);
    }
}
