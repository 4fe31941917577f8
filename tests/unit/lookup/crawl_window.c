/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawl_private.h"

#include "test_util.h"

#define MS XORD_NS_PER_MS

Test(crawl_window, starts_slowly_and_doubles_a_round)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 4096);
    cr_assert_eq(window.size, 64);
    for (int i = 0; i < 64; i++)
        crawl_window_good(&window, 64, i);
    cr_assert_eq(window.size, 128);
    for (int i = 0; i < 10000; i++)
        crawl_window_good(&window, window.size, i);
    cr_assert_eq(window.size, 4096, "and stops at its maximum");
}

Test(crawl_window, grows_only_in_use)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 4096);
    for (int i = 0; i < 1000; i++)
        crawl_window_good(&window, 20, i);
    cr_assert_eq(window.size, 64);
}

Test(crawl_window, halves_once_an_epoch)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 4096);
    for (int i = 0; i < 10000; i++)
        crawl_window_good(&window, window.size, i);
    for (int i = 0; i < 4000; i++)
        crawl_window_lost(&window, 1000 * MS);
    cr_assert_eq(window.size, 2048);
    for (int i = 0; i < 100; i++)
        crawl_window_lost(&window, 1199 * MS);
    cr_assert_eq(window.size, 2048);
    for (int i = 0; i < 100; i++)
        crawl_window_lost(&window, 1200 * MS);
    cr_assert_eq(window.size, 1024);
    for (uint64_t ms = 2000; ms < 10000; ms++)
        crawl_window_lost(&window, ms * MS);
    cr_assert_eq(window.size, 64, "and stops at its minimum");
}

/* After a loss it probes: an eighth a round, not the double. */
Test(crawl_window, recovers_in_steps)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 4096);
    for (int i = 0; i < 1000; i++)
        crawl_window_good(&window, window.size, i);
    for (int i = 0; i < 1000; i++)
        crawl_window_lost(&window, 1000 * MS);
    cr_assert_eq(window.size, 532);
    for (int i = 0; i < 532; i++)
        crawl_window_good(&window, window.size, 2000 * MS);
    cr_assert_eq(window.size, 532 + 66);
}

Test(crawl_window, ordinary_loss_is_no_reason)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 4096);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t now_ns = i * MS / 4;

        if (i % 10 == 0)
            crawl_window_lost(&window, now_ns);
        else
            crawl_window_good(&window, window.size, now_ns);
    }
    cr_assert_eq(window.size, 4096);
}

/* A network that itself loses every fourth request, whatever is sent: that is learned, and the window grows all the same. */
Test(crawl_window, heavy_loss_of_the_network_is_learned)
{
    struct crawl_window window;
    uint32_t small = 0;

    crawl_window_init(&window, 64, 1024);
    for (uint64_t i = 0; i < 120000; i++) {
        uint64_t now_ns = i * MS / 2;

        if (i % 4 == 0)
            crawl_window_lost(&window, now_ns);
        else
            crawl_window_good(&window, window.size, now_ns);
        small += i > 20000 && window.size < 512;
    }
    cr_assert_eq(window.size, 1024);
    cr_assert_eq(small, 0, "too small for %u of 100,000 requests", small);
}

Test(crawl_window, few_losses_mean_nothing)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 4096);
    for (int i = 0; i < 1000; i++)
        crawl_window_good(&window, window.size, i);
    for (uint64_t ms = 1000; ms < 60000; ms += 90)
        crawl_window_lost(&window, ms * MS);
    cr_assert_eq(window.size, 1064);
}

Test(crawl_window, bounds_that_cross)
{
    struct crawl_window window;

    crawl_window_init(&window, 64, 10);
    cr_assert(window.size == 64 && window.max == 64);
}
