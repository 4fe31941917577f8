/* SPDX-License-Identifier: BSD-3-Clause */
/* Liveness: when nodes are checked, and what answers and misses lead to. */
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

TestSuite(liveness, .init = setup, .fini = teardown);
TestSuite(decisions, .init = setup, .fini = teardown);

static void reseed(uint32_t seed)
{
    xord_table_free(table);
    rng = test_rng(seed);
    table = xord_table_new(test_self32, &rng);
}

Test(decisions, liveness_ping_after_300ms_and_before_5s)
{
    struct xord_table_node node;

    for (uint32_t seed = 0; seed < 200; seed++) {
        struct xord_enr enr = test_enr(256, seed, 1, IP_PRIVATE(seed));
        uint64_t due_ns;

        reseed(seed);
        cr_assert_eq(test_add(table, &enr, true, 7 * S), XORD_TABLE_ADDED);
        due_ns = test_check(table, &node);
        cr_assert_geq(due_ns, 7 * S + 300 * MS);
        cr_assert_leq(due_ns, 12 * S);
        cr_assert_bytes(node.enr.id32, enr.id32, 32);
    }
}

/* It was named first, and its check may be due at any moment when it makes itself known. */
Test(decisions, liveness_ping_after_300ms_when_named_before)
{
    struct xord_table_node node;

    for (uint32_t seed = 0; seed < 200; seed++) {
        struct xord_enr enr = test_enr(256, seed, 1, IP_PRIVATE(seed));
        uint64_t contact_ns;
        uint64_t due_ns;

        reseed(seed);
        test_add(table, &enr, false, 7 * S);
        cr_assert_leq(xord_table_next_check_ns(table), 12 * S);
        contact_ns = xord_table_next_check_ns(table) - 1;
        test_add(table, &enr, true, contact_ns);
        due_ns = test_check(table, &node);
        cr_assert_geq(due_ns, contact_ns + 300 * MS);
        cr_assert_leq(due_ns, contact_ns + 5 * S);
    }
}

Test(decisions, liveness_ping_before_5s_however_often_it_calls)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_PRIVATE(1));
    uint64_t now_ns = 7 * S;
    struct xord_table_node node;

    test_add(table, &enr, true, now_ns);
    while (!xord_table_next_check(table, &node, now_ns)) {
        cr_assert_lt(now_ns, 12 * S);
        now_ns += 50 * MS;
        test_add(table, &enr, true, now_ns);
    }
    cr_assert_gt(now_ns, 10 * S, "contacts put the check off");
}

Test(liveness, a_verified_nodes_check_is_put_off_too_but_by_5s_at_most)
{
    struct xord_enr enr = test_add_live(table, 256, 1, S);
    uint64_t due_ns = xord_table_next_check_ns(table);
    struct xord_table_node node;
    uint64_t now_ns = due_ns - 1;

    test_add(table, &enr, true, now_ns);
    cr_assert_eq(xord_table_next_check_ns(table), now_ns + 300 * MS);
    while (!xord_table_next_check(table, &node, now_ns)) {
        cr_assert_lt(now_ns, due_ns + 5 * S);
        now_ns += 50 * MS;
        test_add(table, &enr, true, now_ns);
    }
}

Test(liveness, named_nodes_are_checked_within_5s)
{
    struct xord_table_node node;
    uint64_t due_ns = 0;

    for (uint32_t salt = 0; salt < 16; salt++) {
        struct xord_enr enr = test_enr(256, salt, 1, IP_PRIVATE(salt));

        test_add(table, &enr, false, 7 * S);
    }
    for (uint32_t i = 0; i < 16; i++) {
        due_ns = test_check(table, &node);
        cr_assert(xord_table_on_live(table, node.enr.id32, &node.ep, due_ns));
    }
    cr_assert_leq(due_ns, 12 * S);
    cr_assert_eq(xord_table_live_cnt(table), 16);
}

Test(liveness, checks_grow_rarer_from_30s_to_10min)
{
    struct xord_enr enr = test_add_live(table, 256, 1, S);
    struct xord_table_node node;
    uint64_t last_ns = S;
    uint64_t delay_ns = 0;

    for (uint32_t n = 1; n < 12; n++) {
        uint64_t now_ns = test_check(table, &node);

        cr_assert_eq(node.live_checks, n);
        cr_assert_geq(now_ns - last_ns, 30 * S);
        cr_assert_leq(now_ns - last_ns, 600 * S);
        cr_assert(n > 5 || now_ns - last_ns > delay_ns, "after %u answers", n);
        delay_ns = now_ns - last_ns;
        last_ns = now_ns;
        cr_assert(test_live(table, &enr, now_ns));
    }
    cr_assert_geq(delay_ns, 480 * S);
}

Test(liveness, an_unverified_node_goes_at_its_first_miss)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_PRIVATE(1));

    test_add(table, &enr, true, S);
    test_miss(table, enr.id32);
    cr_assert_null(xord_table_find(table, enr.id32));
    cr_assert_eq(xord_table_cnt(table), 0);
    cr_assert_eq(xord_table_next_check_ns(table), UINT64_MAX);
}

/* log2 of the answers, at most 3. */
Test(liveness, a_verified_node_may_miss_as_often_as_it_has_earned)
{
    static const struct {
        uint32_t answers;
        uint32_t misses;
    } rows[] = {{1, 0}, {2, 1}, {3, 1}, {4, 2}, {7, 2}, {8, 3}, {100, 3}};

    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct xord_enr enr = test_enr(256, (uint32_t)row, 1, IP_PRIVATE(1));
        uint64_t now_ns = S;

        test_add(table, &enr, true, now_ns);
        for (uint32_t i = 0; i < rows[row].answers; i++)
            cr_assert(test_live(table, &enr, now_ns));
        for (uint32_t i = 0; i < rows[row].misses; i++) {
            now_ns = test_miss(table, enr.id32);
            cr_assert_not_null(xord_table_find(table, enr.id32), "%u answers, %u misses", rows[row].answers, i + 1);
            cr_assert_geq(xord_table_next_check_ns(table), now_ns + 5 * S);
            cr_assert_leq(xord_table_next_check_ns(table), now_ns + 10 * S);
        }
        test_miss(table, enr.id32);
        cr_assert_null(xord_table_find(table, enr.id32), "%u answers", rows[row].answers);
    }
}

Test(liveness, an_answer_forgives_misses)
{
    struct xord_enr enr = test_add_live(table, 256, 1, S);

    test_live(table, &enr, S);
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t now_ns = test_miss(table, enr.id32);

        cr_assert_not_null(xord_table_find(table, enr.id32));
        cr_assert(test_live(table, &enr, now_ns));
    }
}

Test(liveness, the_most_recently_seen_replacement_takes_the_place)
{
    struct xord_enr replacements[3];
    const struct xord_table_node *node;
    uint8_t gone32[32];
    uint64_t now_ns;

    test_fill_bucket(table, 256, S);
    for (uint32_t i = 0; i < 3; i++) {
        replacements[i] = test_enr(256, 100 + i, 1, IP_PRIVATE(100 + i));
        cr_assert_eq(test_add(table, &replacements[i], true, (2 + i) * S), XORD_TABLE_REPLACEMENT);
    }
    cr_assert_eq(test_add(table, &replacements[1], true, 6 * S), XORD_TABLE_KNOWN);
    test_id(gone32, 256, 3);
    now_ns = test_miss(table, gone32);
    cr_assert_null(xord_table_find(table, gone32));
    cr_assert_eq(xord_table_cnt(table), 16);
    cr_assert_eq(xord_table_live_cnt(table), 15);
    node = xord_table_find(table, replacements[1].id32);
    cr_assert_eq(node->live_checks, 0);
    cr_assert(test_live(table, &replacements[1], now_ns), "it is in the bucket");
    cr_assert(!test_live(table, &replacements[2], now_ns), "that one is not");
}

Test(liveness, a_replacement_that_takes_a_place_is_checked_soon)
{
    struct xord_enr replacement = test_enr(256, 100, 1, IP_PRIVATE(100));
    struct xord_table_node node;
    uint8_t gone32[32];
    uint64_t now_ns;
    uint64_t due_ns = 0;

    test_fill_bucket(table, 256, S);
    test_add(table, &replacement, true, 2 * S);
    test_id(gone32, 256, 3);
    now_ns = test_miss(table, gone32);
    do {
        due_ns = test_check(table, &node);
    } while (memcmp(node.enr.id32, replacement.id32, 32) != 0);
    cr_assert_geq(due_ns, now_ns + 300 * MS);
    cr_assert_leq(due_ns, now_ns + 5 * S);
    xord_table_on_dead(table, replacement.id32, due_ns);
    cr_assert_null(xord_table_find(table, replacement.id32));
}

Test(liveness, a_check_without_outcome_is_handed_out_again)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_PRIVATE(1));
    struct xord_table_node node;
    uint64_t now_ns;

    test_add(table, &enr, true, S);
    now_ns = test_check(table, &node);
    cr_assert_eq(test_check(table, &node), now_ns + 10 * S);
    xord_table_on_dead(table, enr.id32, now_ns + 11 * S);
    cr_assert_eq(xord_table_cnt(table), 0);
}

Test(liveness, only_a_check_can_be_missed)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_PRIVATE(1));

    test_add(table, &enr, true, S);
    xord_table_on_dead(table, enr.id32, 2 * S);
    cr_assert_not_null(xord_table_find(table, enr.id32));
    xord_table_on_dead(table, test_self32, 2 * S);
}

/* The check of the old endpoint runs out after the record has changed; the new endpoint has not had its chance yet. */
Test(liveness, a_late_miss_of_the_old_endpoint_does_not_count)
{
    struct xord_enr old = test_enr(256, 1, 1, IP_PRIVATE(1));
    struct xord_enr new = test_enr(256, 1, 2, IP_PRIVATE(2));
    struct xord_table_node node;
    uint64_t sent_ns;
    uint64_t due_ns;

    test_add(table, &old, true, S);
    sent_ns = test_check(table, &node);
    cr_assert_eq(test_add(table, &new, true, sent_ns + 10 * MS), XORD_TABLE_UPDATED);
    due_ns = xord_table_next_check_ns(table);
    cr_assert_geq(due_ns, sent_ns + 4 * S);
    cr_assert_leq(due_ns, sent_ns + 10 * MS + 5 * S);
    xord_table_on_dead(table, old.id32, sent_ns + 3 * S);
    cr_assert_not_null(xord_table_find(table, old.id32));
    cr_assert_eq(test_check(table, &node), due_ns);
    cr_assert_bytes(node.ep.ip16 + 12, new.ip4, 4);
}

Test(liveness, strangers_answers_change_nothing)
{
    struct xord_enr enr = test_enr(256, 1, 1, IP_PRIVATE(1));

    cr_assert(!test_live(table, &enr, S));
    cr_assert_eq(xord_table_live_cnt(table), 0);
}
