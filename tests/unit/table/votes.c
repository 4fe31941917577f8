/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoint votes: who may vote, and what makes a majority. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "table_test.h"
#include "xord_votes.h"

#define MIN (60 * S)

static struct xord_votes votes;
static struct xord_endpoint winner;

static void setup(void)
{
    xord_votes_init(&votes);
    memset(&winner, 0, sizeof(winner));
}

TestSuite(votes, .init = setup);
TestSuite(decisions, .init = setup);

static struct xord_endpoint ep4(uint32_t ip4, uint16_t port)
{
    uint8_t ip[4];

    xord_store_be32(ip, ip4);
    return xord_endpoint_v4(ip, port);
}

static struct xord_endpoint ep6(const char *ip, uint16_t port)
{
    uint8_t ip16[16];

    cr_assert_eq(xord_ip_parse(ip16, ip), 0);
    return xord_endpoint_v6(ip16, port);
}

/* `cnt` voters of different prefixes, the first of them `from`, name an endpoint. */
static void vote4(uint32_t from, uint32_t cnt, struct xord_endpoint said, uint64_t now_ns)
{
    for (uint32_t i = from; i < from + cnt; i++) {
        struct xord_endpoint voter = ep4(IP_GLOBAL(i, 1), 9000);

        xord_votes_add(&votes, &voter, &said, now_ns);
    }
}

static bool decide4(uint64_t now_ns)
{
    return xord_votes_decide(&votes, &winner, true, NULL, now_ns);
}

static void assert_winner(struct xord_endpoint want)
{
    cr_assert(xord_endpoint_equal(&winner, &want));
}

Test(decisions, votes_one_per_prefix)
{
    struct xord_endpoint said = ep4(0x51020304, 9000);

    for (uint32_t host = 0; host < 200; host++) {
        struct xord_endpoint voter = ep4(IP_GLOBAL(1, host), (uint16_t)(1000 + host));

        xord_votes_add(&votes, &voter, &said, S);
    }
    vote4(2, 8, said, S);
    cr_assert(!decide4(S), "200 hosts of one prefix and 8 others are 9 voters");
    vote4(10, 1, said, S);
    cr_assert(decide4(S));
    assert_winner(said);
}

Test(decisions, votes_one_per_48_of_v6)
{
    struct xord_endpoint said = ep6("2001:db8::1", 9000);
    char text[64];

    for (uint32_t i = 0; i < 200; i++) {
        struct xord_endpoint voter;

        snprintf(text, sizeof(text), "2001:db9:1:%x::%x", i, i);
        voter = ep6(text, 9000);
        xord_votes_add(&votes, &voter, &said, S);
    }
    cr_assert(!xord_votes_decide(&votes, &winner, false, NULL, S));
    for (uint32_t i = 0; i < 9; i++) {
        struct xord_endpoint voter;

        snprintf(text, sizeof(text), "2001:db9:%x::1", i + 2);
        voter = ep6(text, 9000);
        xord_votes_add(&votes, &voter, &said, S);
    }
    cr_assert(xord_votes_decide(&votes, &winner, false, NULL, S));
    assert_winner(said);
}

Test(decisions, votes_clear_majority_of_10_in_5_min)
{
    struct xord_endpoint said = ep4(0x51020304, 9000);

    vote4(0, 9, said, 0);
    cr_assert(!decide4(0), "nine are too few");
    vote4(9, 1, said, 5 * MIN - 1);
    cr_assert(!decide4(5 * MIN), "nine of them are too old");
    cr_assert(decide4(5 * MIN - 1));
}

/* Each behind its own port: a NAT that maps every peer anew must not lead to updates. */
Test(decisions, votes_without_a_clear_majority_change_nothing)
{
    struct xord_endpoint a = ep4(0x51020304, 9000);
    struct xord_endpoint b = ep4(0x51020305, 9000);

    for (uint32_t i = 0; i < 100; i++)
        vote4(i, 1, ep4(0x51020304, (uint16_t)(1000 + i)), S);
    cr_assert(!decide4(S));
    setup();
    vote4(0, 11, a, S);
    vote4(50, 6, b, S);
    cr_assert(!decide4(S), "11 against 6 are less than twice as many");
    vote4(11, 1, a, S);
    cr_assert(decide4(S), "12 against 6");
    assert_winner(a);
    setup();
    vote4(0, 12, a, S);
    for (uint32_t i = 0; i < 12; i++)
        vote4(50 + i, 1, ep4(0x51020305 + i, 9000), S);
    cr_assert(!decide4(S), "12 of 24 are not more than half");
    vote4(12, 1, a, S);
    cr_assert(decide4(S), "13 of 25 are");
}

Test(decisions, votes_one_update_per_5_min)
{
    struct xord_endpoint a = ep4(0x51020304, 9000);
    struct xord_endpoint b = ep4(0x51020305, 9000);

    vote4(0, 20, a, 0);
    cr_assert(decide4(0));
    assert_winner(a);
    cr_assert(!xord_votes_decide(&votes, &winner, true, &a, MIN), "unchanged");
    vote4(0, 20, b, MIN);
    cr_assert(!xord_votes_decide(&votes, &winner, true, &a, MIN));
    vote4(0, 20, b, 5 * MIN - 1);
    cr_assert(!xord_votes_decide(&votes, &winner, true, &a, 5 * MIN - 1));
    cr_assert(xord_votes_decide(&votes, &winner, true, &a, 5 * MIN));
    assert_winner(b);
}

Test(decisions, votes_v4_and_v6_apart)
{
    struct xord_endpoint said4 = ep4(0x51020304, 9000);
    struct xord_endpoint said6 = ep6("2001:db8::1", 9000);

    vote4(0, 10, said4, S);
    for (uint32_t i = 0; i < 200; i++) {
        char text[64];
        struct xord_endpoint voter;

        snprintf(text, sizeof(text), "2001:%x::1", 0x1000 + i);
        voter = ep6(text, 9000);
        xord_votes_add(&votes, &voter, &said6, S);
    }
    cr_assert(decide4(S), "the many v6 votes do not weigh against v4");
    assert_winner(said4);
    cr_assert(xord_votes_decide(&votes, &winner, false, NULL, S), "one family's update does not hold up the other's");
    assert_winner(said6);
}

Test(votes, nobody_votes_for_the_other_family)
{
    struct xord_endpoint said = ep4(0x51020304, 9000);

    for (uint32_t i = 0; i < 50; i++) {
        char text[64];
        struct xord_endpoint voter;

        snprintf(text, sizeof(text), "2001:%x::1", 0x1000 + i);
        voter = ep6(text, 9000);
        xord_votes_add(&votes, &voter, &said, S);
    }
    cr_assert(!decide4(S));
}

Test(votes, unusable_and_local_endpoints_are_ignored)
{
    static const uint32_t ips[] = {0, 0xe0000001, 0xffffffff, 0x7f000001, 0x0a000001, 0xc0a80101, 0x64400001};

    for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
        vote4(0, 50, ep4(ips[i], 9000), S);
        cr_assert(!decide4(S), "address %08x", ips[i]);
    }
    vote4(0, 50, ep4(0x51020304, 0), S);
    cr_assert(!decide4(S), "port 0");
}

/* A network inside one machine or one house: each address has its own vote, and may name local endpoints. */
Test(votes, local_voters_vote_by_address)
{
    struct xord_endpoint said = ep4(0x7f000001, 9000);

    for (uint32_t i = 0; i < 10; i++) {
        struct xord_endpoint voter = ep4(0x7f000002 + i % 9, (uint16_t)(9000 + i));

        xord_votes_add(&votes, &voter, &said, S);
    }
    cr_assert(!decide4(S), "nine addresses");
    vote4(0, 5, ep4(0x51020304, 9000), S);
    for (uint32_t i = 0; i < 10; i++) {
        struct xord_endpoint voter = ep4(0x7f000002 + i, 9000);

        xord_votes_add(&votes, &voter, &said, S);
    }
    cr_assert(decide4(S));
    assert_winner(said);
}

Test(votes, a_newer_vote_replaces_the_older)
{
    struct xord_endpoint a = ep4(0x51020304, 9000);
    struct xord_endpoint b = ep4(0x51020305, 9000);

    vote4(0, 20, a, S);
    vote4(0, 20, b, 2 * S);
    cr_assert(decide4(2 * S));
    assert_winner(b);
}

Test(votes, the_oldest_voter_makes_room)
{
    struct xord_endpoint a = ep4(0x51020304, 9000);
    struct xord_endpoint b = ep4(0x51020305, 9000);

    for (uint32_t i = 0; i < XORD_VOTES_MAX; i++)
        vote4(i, 1, a, S + i);
    vote4(1000, XORD_VOTES_MAX - 9, b, 2 * S);
    cr_assert(decide4(2 * S));
    assert_winner(b);
    vote4(2000, XORD_VOTES_MAX, a, 3 * S);
    cr_assert(!xord_votes_decide(&votes, &winner, true, &a, 10 * MIN), "all too old");
}

Test(votes, the_endpoint_that_we_have_is_no_change)
{
    struct xord_endpoint said = ep4(0x51020304, 9000);

    vote4(0, 30, said, S);
    cr_assert(!xord_votes_decide(&votes, &winner, true, &said, S));
    cr_assert(decide4(S), "and no cooldown was started");
}

/* Against the definition, counted the slow way. */
static bool naive_clear(const uint32_t *cnts, uint32_t kinds, uint32_t *best)
{
    uint32_t total = 0;
    uint32_t second = 0;

    *best = 0;
    for (uint32_t i = 0; i < kinds; i++) {
        total += cnts[i];
        if (cnts[i] > cnts[*best])
            *best = i;
    }
    for (uint32_t i = 0; i < kinds; i++)
        if (i != *best && cnts[i] > second)
            second = cnts[i];
    return cnts[*best] >= 10 && cnts[*best] * 2 > total && cnts[*best] >= 2 * second;
}

Test(votes, agrees_with_counting_the_slow_way)
{
    struct xord_rng rng = test_rng(7);
    struct xord_endpoint said[4];
    uint32_t decided = 0;

    for (uint32_t i = 0; i < 4; i++)
        said[i] = ep4(0x51020304 + i, 9000);
    for (uint32_t turn = 0; turn < 3000; turn++) {
        uint32_t cnts[4] = {0};
        uint32_t voters = (uint32_t)xord_rng_below(&rng, 40);
        uint32_t bias = (uint32_t)xord_rng_below(&rng, 100);
        uint32_t best;
        bool want;

        setup();
        for (uint32_t i = 0; i < voters; i++) {
            uint32_t kind = xord_rng_below(&rng, 100) < bias ? 0 : (uint32_t)xord_rng_below(&rng, 4);

            vote4(i, 1, said[kind], S);
            cnts[kind]++;
        }
        want = naive_clear(cnts, 4, &best);
        cr_assert_eq(decide4(S), want, "%u %u %u %u", cnts[0], cnts[1], cnts[2], cnts[3]);
        if (want)
            assert_winner(said[best]);
        decided += want;
    }
    cr_assert(decided > 200 && decided < 2800);
}
