/* SPDX-License-Identifier: BSD-3-Clause */
/* The window of queries in flight: slow start, then steps of an eighth a round, halved on loss. */
#include "crawl_private.h"

#define LOSS_MIN    8 /* losses that mean anything */
#define LOSS_SHARE  8 /* every eighth */
#define BASE_MAX_PM 600
#define SETTLE_NS   (1 * XORD_NS_PER_S) /* by then what a larger window had lost is known to be */

void crawl_window_init(struct crawl_window *window, uint32_t min, uint32_t max)
{
    *window = (struct crawl_window){
            .size = min,
            .min = min,
            .max = max < min ? min : max,
            .threshold = max,
    };
}

static void window_clear(struct crawl_window *window, uint64_t now_ns)
{
    window->epoch_ns = now_ns;
    window->good = window->lost = 0;
    window->last_good = window->last_lost = 0;
}

/* Two epochs are looked at together, so that a handful of failures at the start of one is not taken for a high rate. */
static void window_turn(struct crawl_window *window, uint64_t now_ns)
{
    uint64_t age_ns = now_ns - window->epoch_ns;

    if (age_ns < CRAWL_WINDOW_EPOCH_NS)
        return;
    if (age_ns >= 2 * CRAWL_WINDOW_EPOCH_NS) {
        window_clear(window, now_ns);
        return;
    }
    window->last_good = window->good;
    window->last_lost = window->lost;
    window->good = window->lost = 0;
    window->epoch_ns = now_ns;
}

void crawl_window_good(struct crawl_window *window, uint64_t in_flight, uint64_t now_ns)
{
    window_turn(window, now_ns);
    window->good++;
    if (window->size >= window->max || 2 * in_flight < window->size)
        return;
    if (window->size < window->threshold) {
        window->size++;
        return;
    }
    window->credit++;
    if (window->credit >= 8) {
        window->credit = 0;
        window->size++;
    }
}

void crawl_window_lost(struct crawl_window *window, uint64_t now_ns)
{
    uint64_t lost, all;

    window_turn(window, now_ns);
    window->lost++;
    lost = (uint64_t)window->lost + window->last_lost;
    all = lost + window->good + window->last_good;
    if (lost < LOSS_MIN || lost * 1000 <= all * (1000 / LOSS_SHARE + window->base_pm))
        return;
    if (window->halved && now_ns - window->halved_ns < CRAWL_WINDOW_EPOCH_NS)
        return;
    /* As small as it gets, or grown by the few answers that come between losses. */
    if (window->size < 2 * window->min) {
        if (window->halved && now_ns - window->halved_ns < SETTLE_NS)
            return;
        window->base_pm = (uint32_t)(lost * 1000 / all);
        window->base_pm = window->base_pm < BASE_MAX_PM ? window->base_pm : BASE_MAX_PM;
        window->threshold = window->max;
        window_clear(window, now_ns);
        return;
    }
    window->size = window->size / 2 < window->min ? window->min : window->size / 2;
    window->threshold = window->size;
    window->credit = 0;
    window->halved = true;
    window->halved_ns = now_ns;
    window_clear(window, now_ns);
}
