/* SPDX-License-Identifier: BSD-3-Clause */
/* The directory of a test network against a filter over all ids. */
#include "xord_directory.h"

#include <stdlib.h>

#include "test_util.h"
#include "xord_rng.h"

#define NODES 3000

static struct xord_enr *enrs;
static struct xord_directory *directory;
static struct xord_rng rng;

static void start(uint32_t cnt)
{
    static const uint8_t seed32[32] = {9};
    const struct xord_enr **sorted = malloc((cnt + 1) * sizeof(sorted[0]));

    xord_rng_init(&rng, seed32);
    enrs = calloc(cnt + 1, sizeof(enrs[0]));
    cr_assert(enrs && sorted);
    for (uint32_t i = 0; i < cnt; i++) {
        xord_rng_fill(&rng, enrs[i].id32, 32);
        /* Some close families, so that low distances have nodes too. */
        if (i % 3 == 1)
            memcpy(enrs[i].id32, enrs[i - 1].id32, xord_rng_below(&rng, 32));
        sorted[i] = &enrs[i];
    }
    directory = xord_directory_new(sorted, cnt);
    cr_assert_not_null(directory);
    free(sorted);
}

static void stop(void)
{
    xord_directory_free(directory);
    free(enrs);
    TEST_NO_LEAK();
}

static uint32_t naive_cnt(uint32_t cnt, const uint8_t *id32, unsigned distance, const uint8_t *except_id32)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < cnt; i++)
        n += xord_log_distance(id32, enrs[i].id32) == distance && memcmp(enrs[i].id32, except_id32, 32) != 0;
    return n;
}

static bool among(const struct xord_enr *const *out, uint32_t n, const struct xord_enr *enr)
{
    for (uint32_t i = 0; i < n; i++)
        if (out[i] == enr)
            return true;
    return false;
}

/* One distance: as many as there are, 16 at most, each there once and at that distance. */
static void check_distance(const uint8_t *id32, uint16_t distance, const uint8_t *except_id32)
{
    const struct xord_enr *out[64];
    uint32_t n = xord_directory_find(directory, id32, &distance, 1, except_id32, out, 64);
    uint32_t all = naive_cnt(NODES, id32, distance, except_id32);

    if (all <= 15)
        cr_assert_eq(n, all, "distance %u: %u instead of %u", distance, n, all);
    else
        cr_assert(n == 16 || n == 15, "distance %u: %u of %u", distance, n, all);
    for (uint32_t i = 0; i < n; i++) {
        cr_assert_eq(xord_log_distance(id32, out[i]->id32), distance);
        cr_assert(memcmp(out[i]->id32, except_id32, 32) != 0);
        cr_assert_not(among(out, i, out[i]));
    }
}

Test(directory, agrees_with_a_filter_over_all_ids)
{
    start(NODES);
    for (uint32_t i = 0; i < NODES; i += 97)
        for (uint16_t distance = 1; distance <= 256; distance++)
            check_distance(enrs[i].id32, distance, enrs[(i + 1) % NODES].id32);
    stop();
}

Test(directory, serves_ids_that_it_does_not_hold)
{
    uint8_t id32[32];

    start(NODES);
    for (uint32_t i = 0; i < 10; i++) {
        xord_rng_fill(&rng, id32, 32);
        for (uint16_t distance = 230; distance <= 256; distance++)
            check_distance(id32, distance, enrs[i].id32);
    }
    memset(id32, 0, 32);
    for (uint16_t distance = 1; distance <= 256; distance++)
        check_distance(id32, distance, enrs[0].id32);
    memset(id32, 0xff, 32);
    for (uint16_t distance = 1; distance <= 256; distance++)
        check_distance(id32, distance, enrs[0].id32);
    stop();
}

Test(directory, several_distances_fill_up_to_the_maximum)
{
    static const uint16_t distances[] = {1, 250, 255, 256, 2};
    const struct xord_enr *out[64];

    start(NODES);
    for (uint32_t max = 0; max < 40; max++) {
        uint32_t n = xord_directory_find(directory, enrs[0].id32, distances, 5, enrs[1].id32, out, max);

        cr_assert_leq(n, max);
        cr_assert(max > 16 || n == max);
        for (uint32_t i = 0; i < n; i++)
            cr_assert_not(among(out, i, out[i]));
    }
    stop();
}

Test(directory, always_the_same_answer)
{
    static const uint16_t distance = 256;
    const struct xord_enr *first[16], *again[16];

    start(NODES);
    cr_assert_eq(xord_directory_find(directory, enrs[0].id32, &distance, 1, enrs[1].id32, first, 16), 16);
    cr_assert_eq(xord_directory_find(directory, enrs[0].id32, &distance, 1, enrs[1].id32, again, 16), 16);
    cr_assert_bytes(first, again, sizeof(first));
    stop();
}

/* All of them together must name everybody, or a crawl could not find the network. */
Test(directory, names_everybody)
{
    static bool named[NODES];
    const struct xord_enr *out[64];
    uint32_t missing = 0;

    start(NODES);
    for (uint32_t i = 0; i < NODES; i++)
        for (uint16_t distance = 240; distance <= 256; distance++) {
            uint32_t n = xord_directory_find(directory, enrs[i].id32, &distance, 1, enrs[i].id32, out, 64);

            while (n > 0)
                named[out[--n] - enrs] = true;
        }
    for (uint32_t i = 0; i < NODES; i++)
        missing += !named[i];
    cr_assert_eq(missing, 0, "nobody names %u of %u", missing, NODES);
    stop();
}

Test(directory, may_be_empty_or_alone)
{
    static const uint16_t distances[] = {1, 128, 256};
    const struct xord_enr *out[16];
    uint8_t id32[32] = {0};

    start(0);
    cr_assert_eq(xord_directory_find(directory, id32, distances, 3, id32, out, 16), 0);
    xord_directory_free(directory);
    free(enrs);
    start(1);
    cr_assert_eq(xord_directory_find(directory, enrs[0].id32, distances, 3, id32, out, 16), 0);
    stop();
}
