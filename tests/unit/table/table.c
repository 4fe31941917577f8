/* SPDX-License-Identifier: BSD-3-Clause */
/* The table: who is taken in, what a newer record changes, which bucket is refreshed. */
#include <criterion/criterion.h>

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

TestSuite(table, .init = setup, .fini = teardown);

Test(table, is_empty_at_first)
{
    struct xord_table_node node;
    uint8_t id32[32];

    test_id(id32, 256, 0);
    cr_assert_eq(xord_table_cnt(table), 0);
    cr_assert_eq(xord_table_live_cnt(table), 0);
    cr_assert_null(xord_table_find(table, id32));
    cr_assert_eq(xord_table_next_check_ns(table), UINT64_MAX);
    cr_assert(!xord_table_next_check(table, &node, UINT64_MAX - 1));
    cr_assert(!xord_table_is_dirty(table));
}

Test(table, keeps_what_is_added)
{
    struct xord_enr enr = test_enr(200, 7, 3, IP_PRIVATE(1));
    const struct xord_table_node *node;

    cr_assert_eq(test_add(table, &enr, true, 5 * S), XORD_TABLE_ADDED);
    cr_assert_eq(test_add(table, &enr, true, 6 * S), XORD_TABLE_KNOWN);
    cr_assert_eq(xord_table_cnt(table), 1);
    node = xord_table_find(table, enr.id32);
    cr_assert_not_null(node);
    cr_assert_eq(node->enr.seq, 3);
    cr_assert_bytes(node->enr.raw, enr.raw, enr.len);
    cr_assert_eq(node->live_checks, 0);
    cr_assert_eq(node->last_live_ns, 0);
}

Test(table, refuses_our_own_id)
{
    struct xord_enr enr = test_enr(1, 0, 1, IP_PRIVATE(1));

    memcpy(enr.id32, test_self32, 32);
    cr_assert_eq(test_add(table, &enr, true, 0), XORD_TABLE_SELF);
    cr_assert_eq(xord_table_cnt(table), 0);
}

Test(table, refuses_endpoints_that_cannot_be_reached)
{
    static const uint32_t ips[] = {0, 0xe0000001, 0xffffffff};
    struct xord_enr enr;

    for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
        enr = test_enr(256, 1, 1, ips[i]);
        cr_assert_eq(test_add(table, &enr, true, 0), XORD_TABLE_UNUSABLE, "address %08x", ips[i]);
    }
    enr = test_enr(256, 1, 1, IP_PRIVATE(1));
    enr.udp = 0;
    cr_assert_eq(test_add(table, &enr, true, 0), XORD_TABLE_UNUSABLE);
}

Test(table, a_bucket_holds_16_and_10_replacements)
{
    for (uint32_t salt = 0; salt < 40; salt++) {
        struct xord_enr enr = test_enr(256, salt, 1, IP_PRIVATE(salt));
        enum xord_table_verdict verdict = test_add(table, &enr, true, salt * S);

        cr_assert_eq(verdict, salt < 16 ? XORD_TABLE_ADDED : XORD_TABLE_REPLACEMENT);
    }
    cr_assert_eq(xord_table_cnt(table), 16);
    for (uint32_t salt = 0; salt < 40; salt++) {
        uint8_t id32[32];

        test_id(id32, 256, salt);
        cr_assert_eq(xord_table_find(table, id32) != NULL, salt < 16 || salt >= 30, "node %u", salt);
    }
}

/* Names are cheap: whoever answers with many pushes out one node that has been seen, not all ten. */
Test(table, named_nodes_push_out_one_seen_replacement_at_most)
{
    uint32_t seen = 0;

    for (uint32_t salt = 0; salt < 26; salt++) {
        struct xord_enr enr = test_enr(256, salt, 1, IP_PRIVATE(salt));

        test_add(table, &enr, true, salt * S);
    }
    for (uint32_t salt = 100; salt < 200; salt++) {
        struct xord_enr enr = test_enr(256, salt, 1, IP_PRIVATE(salt));

        cr_assert_eq(test_add(table, &enr, false, 60 * S), XORD_TABLE_REPLACEMENT);
    }
    for (uint32_t salt = 16; salt < 26; salt++) {
        uint8_t id32[32];

        test_id(id32, 256, salt);
        seen += xord_table_find(table, id32) != NULL;
    }
    cr_assert_eq(seen, 9);
}

Test(table, is_bounded_by_its_capacity)
{
    uint32_t added = 0;

    for (unsigned distance = 256; distance > 170; distance--)
        for (uint32_t salt = 0; salt < 26; salt++) {
            struct xord_enr enr = test_enr(distance, salt, 1, IP_PRIVATE(distance << 8 | salt));
            enum xord_table_verdict verdict = test_add(table, &enr, false, 0);

            cr_assert_eq(verdict == XORD_TABLE_FULL, added == XORD_TABLE_CAPACITY);
            added += verdict == XORD_TABLE_ADDED || verdict == XORD_TABLE_REPLACEMENT;
        }
    cr_assert_eq(added, XORD_TABLE_CAPACITY);
}

Test(table, a_newer_record_is_taken_over_and_stays_verified)
{
    struct xord_enr enr = test_add_live(table, 250, 1, S);
    const struct xord_table_node *node = xord_table_find(table, enr.id32);

    enr.seq = 2;
    enr.raw[100] = 0xee;
    cr_assert_eq(test_add(table, &enr, false, 2 * S), XORD_TABLE_UPDATED);
    cr_assert_eq(node->enr.seq, 2);
    cr_assert_eq(node->enr.raw[100], 0xee);
    cr_assert_eq(node->live_checks, 1);
    cr_assert_eq(xord_table_live_cnt(table), 1);
}

Test(table, an_older_record_never_overwrites)
{
    struct xord_enr enr = test_enr(250, 1, 9, IP_PRIVATE(1));
    struct xord_enr older = test_enr(250, 1, 8, IP_PRIVATE(2));

    test_add(table, &enr, true, S);
    cr_assert_eq(test_add(table, &older, true, 2 * S), XORD_TABLE_KNOWN);
    cr_assert_eq(xord_table_find(table, enr.id32)->enr.seq, 9);
    cr_assert_bytes(xord_table_find(table, enr.id32)->ep.ip16 + 12, enr.ip4, 4);
}

Test(table, of_two_records_with_one_seq_the_first_stays)
{
    struct xord_enr enr = test_enr(250, 1, 9, IP_PRIVATE(1));
    struct xord_enr other = test_enr(250, 1, 9, IP_PRIVATE(2));

    other.raw[110] ^= 1;
    test_add(table, &enr, true, S);
    cr_assert_eq(test_add(table, &other, true, 2 * S), XORD_TABLE_KNOWN);
    cr_assert_bytes(xord_table_find(table, enr.id32)->enr.raw, enr.raw, enr.len);
    cr_assert_bytes(xord_table_find(table, enr.id32)->ep.ip16 + 12, enr.ip4, 4);
}

Test(table, a_changed_endpoint_is_unverified_until_it_answers)
{
    struct xord_enr old = test_add_live(table, 250, 1, S);
    struct xord_enr new = test_enr(250, 1, 2, IP_PRIVATE(777));
    const struct xord_table_node *node = xord_table_find(table, old.id32);

    cr_assert_eq(test_add(table, &new, false, 2 * S), XORD_TABLE_UPDATED);
    cr_assert_eq(node->live_checks, 0);
    cr_assert_eq(xord_table_live_cnt(table), 0);
    cr_assert(!test_live(table, &old, 3 * S), "an answer from the old endpoint verified the new one");
    cr_assert_eq(node->live_checks, 0);
    cr_assert(test_live(table, &new, 4 * S));
    cr_assert_eq(node->live_checks, 1);
    cr_assert_eq(node->last_live_ns, 4 * S);
    cr_assert_eq(xord_table_live_cnt(table), 1);
}

Test(table, a_replacement_is_updated_in_place)
{
    struct xord_enr enr = test_enr(256, 99, 1, IP_PRIVATE(9999));

    test_fill_bucket(table, 256, S);
    cr_assert_eq(test_add(table, &enr, true, S), XORD_TABLE_REPLACEMENT);
    enr = test_enr(256, 99, 2, IP_PRIVATE(8888));
    cr_assert_eq(test_add(table, &enr, true, 2 * S), XORD_TABLE_UPDATED);
    cr_assert_eq(xord_table_find(table, enr.id32)->enr.seq, 2);
    cr_assert(!test_live(table, &enr, 3 * S), "a replacement is in no bucket");
    cr_assert_eq(xord_table_find(table, enr.id32)->live_checks, 0);
    cr_assert_eq(xord_table_cnt(table), 16);
}

Test(table, refresh_takes_the_stalest_bucket)
{
    uint32_t hits[257] = {0};
    uint8_t target32[32];

    test_add_live(table, 250, 1, 0);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 8; i++) {
            xord_table_refresh_target(table, target32, (round * 8 + i) * S);
            hits[xord_log_distance(test_self32, target32)]++;
        }
    for (unsigned distance = 1; distance <= 256; distance++)
        cr_assert_eq(hits[distance], distance >= 249 ? 3 : 0, "distance %u: %u", distance, hits[distance]);
}

Test(table, refresh_targets_are_random_within_their_bucket)
{
    uint8_t a32[32];
    uint8_t b32[32];

    test_add_live(table, 13, 1, 0);
    for (unsigned i = 0; i < 244; i++)
        xord_table_refresh_target(table, a32, S);
    for (unsigned i = 0; i < 245; i++) {
        xord_table_refresh_target(table, a32, 2 * S + i);
        cr_assert_gt(xord_log_distance(test_self32, a32), 11);
    }
    rng = test_rng(2);
    xord_table_refresh_target(table, a32, 300 * S);
    xord_table_refresh_target(table, b32, 301 * S);
    cr_assert_neq(memcmp(a32, b32, 32), 0);
}
