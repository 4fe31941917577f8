/* SPDX-License-Identifier: BSD-3-Clause */
/* One visit, step by step, against tables given as the number of nodes at each distance. */
#include "crawl_private.h"

#include "test_util.h"
#include "xord_rng.h"

#define ATTEMPTS 3

/* Plans and answers until complete; returns the requests, and checks that no distance is left out. */
static unsigned visit_all(struct crawl_depth *depth, const uint16_t at[257], uint32_t limit)
{
    struct crawl_visit visit;
    uint16_t asked_down_to = 257;
    unsigned request_cnt = 0;
    bool done = false;

    crawl_visit_init(&visit);
    while (!done) {
        uint32_t cnt = 0;
        uint16_t first, span;

        crawl_visit_plan(&visit, depth, ATTEMPTS);
        first = visit.next;
        span = visit.span;
        cr_assert(span >= 1 && span <= first, "%u distances from %u", span, first);
        cr_assert_eq(first, asked_down_to - 1);
        for (uint16_t d = first; d > first - span; d--)
            cnt += at[d];
        done = crawl_visit_answered(&visit, depth, cnt < limit ? cnt : limit);
        asked_down_to = visit.next + 1;
        cr_assert(span == 1 || asked_down_to == first + 1 || cnt <= limit, "%u of %u records seen", limit, cnt);
        cr_assert_leq(++request_cnt, 300);
    }
    cr_assert_eq(asked_down_to, 1);
    return request_cnt;
}

/* The table of a node in a network of 2^log2_nodes. */
static void fill_table(uint16_t at[257], struct xord_rng *rng, unsigned log2_nodes)
{
    memset(at, 0, 257 * sizeof(at[0]));
    for (unsigned d = 256; d > 256 - log2_nodes; d--) {
        unsigned mean = 1U << (log2_nodes - (257 - d));

        at[d] = mean >= 64 ? 16 : (uint16_t)(mean / 2 + xord_rng_below(rng, mean + 1));
        if (at[d] > 16)
            at[d] = 16;
    }
}

static void make_rng(struct xord_rng *rng, uint8_t seed)
{
    uint8_t seed32[XORD_RNG_SEED_LEN] = {seed};

    xord_rng_init(rng, seed32);
}

Test(crawl_visit, learns_how_many_distances_are_full)
{
    struct crawl_depth depth = {0};
    struct xord_rng rng;
    uint16_t at[257];
    unsigned request_cnt = 0;

    make_rng(&rng, 1);
    for (unsigned log2_nodes = 6; log2_nodes <= 20; log2_nodes += 7) {
        for (int i = 0; i < 200; i++) {
            fill_table(at, &rng, log2_nodes);
            visit_all(&depth, at, 16);
        }
        request_cnt = 0;
        for (int i = 0; i < 200; i++) {
            fill_table(at, &rng, log2_nodes);
            request_cnt += visit_all(&depth, at, 16);
        }
        cr_log_info("2^%u nodes: estimate 2^%.1f, %.2f requests", log2_nodes, depth.log2_nodes, request_cnt / 200.0);
        cr_assert_float_eq(depth.log2_nodes, log2_nodes, 1.2);
        cr_assert_leq(request_cnt / 200.0, log2_nodes - 4 + 2.5);
    }
}

/* Whatever the table, the limit and the estimate: all distances are asked, within a bound. */
Test(crawl_visit, asks_every_distance_of_any_table)
{
    struct crawl_depth depth = {0};
    struct xord_rng rng;

    make_rng(&rng, 2);
    for (int i = 0; i < 5000; i++) {
        uint64_t density = 1 + xord_rng_below(&rng, 256);
        uint16_t at[257] = {0};

        for (int d = 1; d <= 256; d++)
            if (xord_rng_below(&rng, 256) < density)
                at[d] = (uint16_t)xord_rng_below(&rng, 17);
        cr_assert_leq(visit_all(&depth, at, 16), 264);
    }
}

Test(crawl_visit, poor_table_takes_two)
{
    struct crawl_depth depth = {.log2_nodes = 14, .sample_cnt = 16};
    uint16_t at[257] = {[256] = 3, [255] = 1};

    cr_assert_eq(visit_all(&depth, at, 16), 2);
    cr_assert_eq(depth.log2_nodes, 14, "and says nothing about the network");
}

/* A peer that answers at most 10 gives the same number again and again: taken for full. */
Test(crawl_visit, low_limits_are_noticed)
{
    struct crawl_depth depth = {.log2_nodes = 10, .sample_cnt = 16};
    uint16_t at[257] = {[256] = 16, [255] = 16, [254] = 16, [253] = 16, [252] = 9, [251] = 7, [250] = 2};

    cr_assert_leq(visit_all(&depth, at, 10), 10);
    cr_assert_leq(visit_all(&depth, at, 15), 9);
}

Test(crawl_visit, last_attempt_is_narrow)
{
    struct crawl_depth depth = {0};
    struct crawl_visit visit;

    crawl_visit_init(&visit);
    crawl_visit_plan(&visit, &depth, ATTEMPTS);
    cr_assert_eq(visit.span, 1);
    cr_assert_not(crawl_visit_answered(&visit, &depth, 5));
    for (int i = 0; i < 2; i++) {
        crawl_visit_plan(&visit, &depth, ATTEMPTS);
        cr_assert_eq(visit.span, 255);
        cr_assert_not(crawl_visit_failed(&visit, ATTEMPTS));
    }
    crawl_visit_plan(&visit, &depth, ATTEMPTS);
    cr_assert_eq(visit.span, XORD_CRAWL_NARROW_DISTANCES);
    for (int i = 0; i < 6; i++) {
        cr_assert_not(crawl_visit_answered(&visit, &depth, 3), "down to 196");
        crawl_visit_plan(&visit, &depth, ATTEMPTS);
        cr_assert_eq(visit.span, XORD_CRAWL_NARROW_DISTANCES);
    }
    cr_assert(crawl_visit_answered(&visit, &depth, 3));
}

Test(crawl_visit, gives_up_after_the_last_attempt)
{
    struct crawl_depth depth = {0};
    struct crawl_visit visit;

    crawl_visit_init(&visit);
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < ATTEMPTS; i++)
            cr_assert_not(crawl_visit_failed(&visit, ATTEMPTS));
        crawl_visit_plan(&visit, &depth, ATTEMPTS);
        cr_assert_not(crawl_visit_answered(&visit, &depth, 16), "an answer forgives");
    }
    cr_assert(crawl_visit_failed(&visit, 1));
}
