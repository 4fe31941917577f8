/* SPDX-License-Identifier: BSD-3-Clause */
/* IP limits: prefixes, counting, and the limits of a bucket and of a table over all shards. */
#include <criterion/criterion.h>

#include "table_private.h"
#include "table_test.h"

static struct xord_rng rng;
static struct xord_table *table;

static void setup(void)
{
    rng = test_rng(1);
    table = xord_table_new(test_self32, &rng);
    cr_assert_not_null(table);
}

static void teardown(void)
{
    xord_table_free(table);
    TEST_NO_LEAK();
}

TestSuite(ip_limit, .init = setup, .fini = teardown);
TestSuite(decisions, .init = setup, .fini = teardown);

static enum xord_table_verdict add4(unsigned distance, uint32_t salt, uint32_t ip4)
{
    struct xord_enr enr = test_enr(distance, salt, 1, ip4);

    return test_add(table, &enr, true, S);
}

static enum xord_table_verdict add6(unsigned distance, uint32_t salt, const char *ip)
{
    struct xord_enr enr = test_enr(distance, salt, 1, 0);
    uint8_t ip16[16];
    struct xord_endpoint ep;

    cr_assert_eq(xord_ip_parse(ip16, ip), 0);
    ep = xord_endpoint_v6(ip16, 9000);
    return xord_table_add(table, NULL, &enr, &ep, true, S);
}

Test(decisions, ip_limit_2_a_bucket_10_a_table)
{
    cr_assert_eq(add4(256, 1, IP_GLOBAL(1, 1)), XORD_TABLE_ADDED);
    cr_assert_eq(add4(256, 2, IP_GLOBAL(1, 255)), XORD_TABLE_ADDED);
    cr_assert_eq(add4(256, 3, IP_GLOBAL(1, 3)), XORD_TABLE_IP_LIMIT);
    cr_assert_eq(add4(256, 4, IP_GLOBAL(2, 1)), XORD_TABLE_ADDED);
    for (unsigned distance = 252; distance < 256; distance++) {
        cr_assert_eq(add4(distance, 1, IP_GLOBAL(1, 1)), XORD_TABLE_ADDED);
        cr_assert_eq(add4(distance, 2, IP_GLOBAL(1, 1)), XORD_TABLE_ADDED);
    }
    cr_assert_eq(add4(251, 1, IP_GLOBAL(1, 9)), XORD_TABLE_IP_LIMIT);
    cr_assert_eq(add4(251, 1, IP_GLOBAL(2, 9)), XORD_TABLE_ADDED);
}

Test(decisions, ip_limit_v4_is_a_24)
{
    add4(256, 1, 0x50000100);
    add4(256, 2, 0x500001ff);
    cr_assert_eq(add4(256, 3, 0x50000180), XORD_TABLE_IP_LIMIT);
    cr_assert_eq(add4(256, 4, 0x50000200), XORD_TABLE_ADDED);
    cr_assert_eq(add4(256, 5, 0x500000ff), XORD_TABLE_ADDED);
}

Test(decisions, ip_limit_v6_is_a_48)
{
    cr_assert_eq(add6(256, 1, "2001:db8:7::1"), XORD_TABLE_ADDED);
    cr_assert_eq(add6(256, 2, "2001:db8:7:ffff::2"), XORD_TABLE_ADDED);
    cr_assert_eq(add6(256, 3, "2001:db8:7:8000:1:2:3:4"), XORD_TABLE_IP_LIMIT);
    cr_assert_eq(add6(256, 4, "2001:db8:8::1"), XORD_TABLE_ADDED);
    cr_assert_eq(add6(256, 5, "2001:db8:6:ffff::1"), XORD_TABLE_ADDED);
}

Test(decisions, loopback_and_private_exempt)
{
    static const uint32_t ip4s[] = {0x7f000001, 0x0a000001, 0xac100001, 0xc0a80001, 0x64400001, 0xa9fe0001};
    static const char *const ip6s[] = {"::1", "fe80::1", "fd00::1"};

    for (uint32_t i = 0; i < sizeof(ip4s) / sizeof(ip4s[0]); i++)
        for (uint32_t n = 0; n < 12; n++)
            cr_assert_eq(add4(256 - i, n, ip4s[i]), XORD_TABLE_ADDED, "address %08x", ip4s[i]);
    for (uint32_t i = 0; i < sizeof(ip6s) / sizeof(ip6s[0]); i++)
        for (uint32_t n = 0; n < 12; n++)
            cr_assert_eq(add6(200 - i, n, ip6s[i]), XORD_TABLE_ADDED, "address %s", ip6s[i]);
}

Test(ip_limit, replacements_count)
{
    test_fill_bucket(table, 256, S);
    cr_assert_eq(add4(256, 100, IP_GLOBAL(1, 1)), XORD_TABLE_REPLACEMENT);
    cr_assert_eq(add4(256, 101, IP_GLOBAL(1, 2)), XORD_TABLE_REPLACEMENT);
    cr_assert_eq(add4(256, 102, IP_GLOBAL(1, 3)), XORD_TABLE_IP_LIMIT);
}

Test(ip_limit, who_leaves_makes_room)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_GLOBAL(1, 1));

    test_add(table, &enr, true, S);
    add4(256, 2, IP_GLOBAL(1, 2));
    cr_assert_eq(add4(256, 3, IP_GLOBAL(1, 3)), XORD_TABLE_IP_LIMIT);
    test_miss(table, enr.id32);
    cr_assert_eq(add4(256, 3, IP_GLOBAL(1, 3)), XORD_TABLE_ADDED);
}

Test(ip_limit, a_newer_record_may_not_move_into_a_crowded_prefix)
{
    struct xord_enr enr = test_enr(256, 9, 1, IP_GLOBAL(2, 1));

    add4(256, 1, IP_GLOBAL(1, 1));
    add4(256, 2, IP_GLOBAL(1, 2));
    test_add(table, &enr, true, S);
    enr = test_enr(256, 9, 2, IP_GLOBAL(1, 3));
    cr_assert_eq(test_add(table, &enr, true, S), XORD_TABLE_IP_LIMIT);
    cr_assert_eq(xord_table_find(table, enr.id32)->enr.seq, 1);
    enr = test_enr(256, 9, 2, IP_GLOBAL(3, 3));
    cr_assert_eq(test_add(table, &enr, true, S), XORD_TABLE_UPDATED);
    cr_assert_eq(add4(256, 10, IP_GLOBAL(2, 1)), XORD_TABLE_ADDED);
    cr_assert_eq(add4(256, 11, IP_GLOBAL(2, 1)), XORD_TABLE_ADDED);
}

Test(ip_limit, a_node_does_not_stand_in_its_own_way)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_GLOBAL(1, 1));

    test_add(table, &enr, true, S);
    add4(256, 2, IP_GLOBAL(1, 2));
    enr = test_enr(256, 1, 2, IP_GLOBAL(1, 7));
    cr_assert_eq(test_add(table, &enr, true, S), XORD_TABLE_UPDATED);
}

Test(ip_limit, a_node_may_move_within_a_full_prefix)
{
    struct xord_enr enr;

    for (uint32_t i = 0; i < 10; i++)
        cr_assert_eq(add4(256 - i / 2, i, IP_GLOBAL(1, i)), XORD_TABLE_ADDED);
    enr = test_enr(256, 0, 2, IP_GLOBAL(1, 77));
    cr_assert_eq(test_add(table, &enr, true, S), XORD_TABLE_UPDATED);
    cr_assert_eq(add4(200, 0, IP_GLOBAL(1, 78)), XORD_TABLE_IP_LIMIT);
}

/* Shard 0 is ours. Shard 1 holds two nodes of prefix 1 in bucket 256 and eight more of prefix 2 elsewhere. */
Test(ip_limit, other_shards_count)
{
    struct xord_table *other = xord_table_new(test_self32, &rng);
    struct xord_table_snapshot *snaps[3] = {xord_table_snapshot_new(), xord_table_snapshot_new(), NULL};
    const struct xord_table_view view = {(const struct xord_table_snapshot *const *)snaps, 3, 0};
    struct xord_enr enr;
    struct xord_endpoint ep;

    for (uint32_t i = 0; i < 8; i++) {
        enr = test_enr(240 + i / 2, i, 1, IP_GLOBAL(2, i));
        cr_assert_eq(test_add(other, &enr, true, S), XORD_TABLE_ADDED);
    }
    for (uint32_t i = 0; i < 2; i++) {
        enr = test_enr(256, 100 + i, 1, IP_GLOBAL(1, i));
        test_add(other, &enr, true, S);
    }
    xord_table_snapshot_fill(snaps[1], other);
    for (uint32_t i = 0; i < 3; i++) {
        enr = test_enr(256 - i, 200, 1, IP_GLOBAL(2, 200));
        ep = test_ep(&enr);
        cr_assert_eq(xord_table_add(table, &view, &enr, &ep, true, S), i < 2 ? XORD_TABLE_ADDED : XORD_TABLE_IP_LIMIT);
        xord_table_snapshot_fill(snaps[0], table);
    }
    enr = test_enr(256, 201, 1, IP_GLOBAL(1, 9));
    ep = test_ep(&enr);
    cr_assert_eq(xord_table_add(table, &view, &enr, &ep, true, S), XORD_TABLE_IP_LIMIT);
    enr = test_enr(256, 100, 2, IP_GLOBAL(1, 9));
    ep = test_ep(&enr);
    cr_assert_eq(xord_table_add(table, &view, &enr, &ep, true, S), XORD_TABLE_ADDED, "one of the two is itself");
    xord_table_snapshot_free(snaps[0]);
    xord_table_snapshot_free(snaps[1]);
    xord_table_free(other);
}

/* Linear probing with deletion, against an array: few distinct prefixes far beyond real ones, so that runs collide. */
Test(ip_limit, counts_agree_with_an_array)
{
    enum { PREFIXES = 1500, TURNS = 60000 };
    struct table_prefix_counts *counts = calloc(1, sizeof(*counts));
    uint16_t naive[PREFIXES] = {0};
    uint32_t held = 0;

    xord_rng_fill(&rng, &counts->key, sizeof(counts->key));
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        uint32_t n = (uint32_t)xord_rng_below(&rng, PREFIXES);

        if (held < XORD_TABLE_CAPACITY && xord_rng_below(&rng, 100) < (turn / 10000 % 2 ? 40 : 60)) {
            xord_ip_limit_enter(counts, n + 1);
            naive[n]++;
            held++;
        } else if (naive[n] > 0) {
            xord_ip_limit_leave(counts, n + 1);
            naive[n]--;
            held--;
        }
        cr_assert_eq(xord_ip_limit_count(counts, n + 1), naive[n]);
        for (uint32_t i = 0; turn % 1000 == 0 && i < PREFIXES; i++)
            cr_assert_eq(xord_ip_limit_count(counts, i + 1), naive[i], "prefix %u at turn %u", i, turn);
    }
    free(counts);
}
