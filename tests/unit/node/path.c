/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss, latency and reordering of a test network, in virtual time. */
#include "xord_path.h"

#include "test_util.h"
#include "xord_bytes.h"

#define MS XORD_NS_PER_MS
#define T0 (1000 * XORD_NS_PER_S)

static struct xord_path *path_of(double loss, double reorder, uint64_t latency_ns, uint32_t capacity)
{
    struct xord_path_config config = {.seed = 3, .loss = loss, .reorder = reorder, .capacity = capacity};
    struct xord_path *path;

    if (latency_ns)
        config.latency = (struct xord_latency){.cnt = 1, .ns = {latency_ns}};
    path = xord_path_new(&config, T0);
    cr_assert_not_null(path);
    return path;
}

static void put(struct xord_path *path, uint32_t number, uint64_t due_ns)
{
    struct xord_endpoint ep = {.port = 9};
    uint8_t data[100] = {0};

    xord_store_be32(data, number);
    xord_path_put(path, &ep, &ep, data, sizeof(data), due_ns);
}

Test(path, loses_the_share_that_it_is_told)
{
    struct xord_path *path = path_of(0.05, 0, 0, 4), *none = path_of(0, 0, 0, 4);
    struct xord_path_stats stats;
    uint32_t lost = 0;

    for (int i = 0; i < 100000; i++) {
        lost += xord_path_loses(path);
        cr_assert_not(xord_path_loses(none));
    }
    cr_assert(lost > 4700 && lost < 5300, "%u", lost);
    xord_path_stats(path, &stats);
    cr_assert_eq(stats.lost, lost);
    xord_path_free(path);
    xord_path_free(none);
    TEST_NO_LEAK();
}

Test(path, delays_and_keeps_the_order)
{
    struct xord_path *path = path_of(0, 0, 50 * MS, 1000);
    struct xord_path_dgram dgram;
    uint32_t got = 0;

    cr_assert_eq(xord_path_next_ns(path), UINT64_MAX);
    for (uint32_t i = 0; i < 1000; i++)
        put(path, i, T0 + i * MS / 10 + xord_path_delay_ns(path, 7));
    cr_assert_not(xord_path_take(path, &dgram, T0 + 49 * MS));
    for (uint64_t now_ns = T0; got < 1000; now_ns += MS / 2)
        while (xord_path_take(path, &dgram, now_ns)) {
            uint64_t due_ns = T0 + 50 * MS + got * MS / 10;

            cr_assert_eq(xord_load_be32(dgram.data), got++);
            cr_assert(now_ns >= due_ns && now_ns <= due_ns + 2 * MS);
        }
    cr_assert_eq(xord_path_next_ns(path), UINT64_MAX);
    xord_path_free(path);
    TEST_NO_LEAK();
}

Test(path, what_finds_no_room_is_lost)
{
    struct xord_path *path = path_of(0, 0, 0, 10);
    struct xord_path_dgram dgram;
    struct xord_path_stats stats;
    uint32_t got = 0;

    for (int round = 0; round < 3; round++) { /* room comes back */
        for (uint32_t i = 0; i < 15; i++)
            put(path, i, T0 + (uint64_t)round * 100 * MS + MS);
        while (xord_path_take(path, &dgram, T0 + (uint64_t)round * 100 * MS + 5 * MS))
            got++;
    }
    cr_assert_eq(got, 30);
    xord_path_stats(path, &stats);
    cr_assert_eq(stats.overflow, 15);
    cr_assert_eq(stats.delayed, 30);
    xord_path_free(path);
    TEST_NO_LEAK();
}

Test(path, some_are_overtaken)
{
    struct xord_path *path = path_of(0, 0.2, 0, 4);
    uint32_t late = 0;

    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t delay_ns = xord_path_delay_ns(path, i);

        cr_assert(delay_ns == 0 || delay_ns == XORD_PATH_OVERTAKEN_NS);
        late += delay_ns > 0;
    }
    cr_assert(late > 1850 && late < 2150, "%u", late);
    xord_path_free(path);
    TEST_NO_LEAK();
}

/* Nodes have the distribution that was given, each its own value for good. */
Test(path, latencies_after_a_distribution)
{
    static const uint64_t values[] = {100 * MS, 10 * MS, 50 * MS};
    static const double weights[] = {1, 3, 6};
    struct xord_latency latency;
    uint32_t cnt[3] = {0};

    cr_assert_eq(xord_latency_of(&latency, values, weights, 3), 0);
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t ns = xord_latency_ns(&latency, 5, i);

        cr_assert_eq(ns, xord_latency_ns(&latency, 5, i));
        cnt[ns == 10 * MS ? 0 : ns == 50 * MS ? 1 : 2]++;
    }
    cr_assert(cnt[0] > 29000 && cnt[0] < 31000 && cnt[1] > 59000 && cnt[1] < 61000, "%u %u %u", cnt[0], cnt[1], cnt[2]);
    TEST_NO_LEAK();
}
