/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel against a model that knows each timer's due time: never early, at most 2 ms late, over hours of
 * virtual time. */
#include "xord_wheel.h"

#include <stdlib.h>

#include "test_util.h"
#include "xord_clock.h"
#include "xord_rng.h"

#define TIMERS      300
#define NOT_ARMED   UINT64_MAX
#define MAX_LATE_NS (2 * XORD_NS_PER_MS)
#define HOUR_NS     (3600 * XORD_NS_PER_S)

static struct xord_wheel wheel;
static struct xord_timer timers[TIMERS];
static uint64_t due_ns[TIMERS]; /* the model */
static uint64_t now_ns;
static struct xord_rng rng;

static void start(uint64_t epoch_ns, uint8_t seed)
{
    uint8_t seed32[XORD_RNG_SEED_LEN] = {seed};

    xord_rng_init(&rng, seed32);
    now_ns = epoch_ns;
    xord_wheel_init(&wheel, now_ns);
    memset(timers, 0, sizeof(timers));
    for (int i = 0; i < TIMERS; i++)
        due_ns[i] = NOT_ARMED;
}

static void arm(size_t i, uint64_t due)
{
    xord_timer_arm(&wheel, &timers[i], due);
    due_ns[i] = due;
}

static void cancel(size_t i)
{
    xord_timer_cancel(&wheel, &timers[i]);
    due_ns[i] = NOT_ARMED;
}

/* Delays of every magnitude from a nanosecond to beyond the wheel's reach, and now and then the past. */
static uint64_t random_due(void)
{
    uint64_t delay = xord_rng_below(&rng, 1ULL << (1 + xord_rng_below(&rng, 44)));

    if (xord_rng_below(&rng, 20) == 0)
        return delay < now_ns ? now_ns - delay : 0;
    return now_ns + delay;
}

static uint64_t model_next_ns(void)
{
    uint64_t next = NOT_ARMED;

    for (int i = 0; i < TIMERS; i++)
        if (due_ns[i] < next)
            next = due_ns[i];
    return next;
}

static void check_counts(void)
{
    uint32_t armed = 0;

    for (int i = 0; i < TIMERS; i++) {
        cr_assert(xord_timer_is_armed(&timers[i]) == (due_ns[i] != NOT_ARMED), "timer %d", i);
        armed += due_ns[i] != NOT_ARMED;
    }
    cr_assert(wheel.armed_cnt == armed);
}

/* Takes every expired timer, arming and cancelling others (and itself) on the way. */
static void pop_all(void)
{
    struct xord_timer *timer;

    while ((timer = xord_wheel_pop(&wheel)) != NULL) {
        size_t i = (size_t)(timer - timers);

        cr_assert(due_ns[i] != NOT_ARMED, "timer %zu was not armed", i);
        cr_assert(due_ns[i] <= now_ns, "timer %zu came %lu ns early", i, due_ns[i] - now_ns);
        cr_assert(!xord_timer_is_armed(timer));
        due_ns[i] = NOT_ARMED;
        switch (xord_rng_below(&rng, 4)) {
        case 0:
            arm(i, now_ns + 1 + xord_rng_below(&rng, HOUR_NS));
            break;
        case 1:
            cancel(xord_rng_below(&rng, TIMERS));
            break;
        case 2:
            arm(xord_rng_below(&rng, TIMERS), now_ns + 1 + xord_rng_below(&rng, XORD_NS_PER_S));
            break;
        }
    }
}

static void check_next(void)
{
    uint64_t next = model_next_ns();
    uint64_t claimed = xord_wheel_next_ns(&wheel);

    if (next == NOT_ARMED) {
        cr_assert(claimed == UINT64_MAX);
        return;
    }
    cr_assert(claimed < next + XORD_NS_PER_MS, "next is due in %ld ns, claimed %ld", (long)(next - now_ns),
            (long)(claimed - now_ns));
    cr_assert(claimed > now_ns, "nothing has expired, so whoever sleeps until then must not spin");
}

/* After an advance, with everything popped: what is due is gone. */
static void check_late(void)
{
    uint64_t next = model_next_ns();

    cr_assert(next + MAX_LATE_NS > now_ns || next > now_ns, "a timer is %lu ns late", now_ns - next);
}

static uint64_t random_step_ns(void)
{
    switch (xord_rng_below(&rng, 10)) {
    case 0:
        return xord_rng_below(&rng, 10 * XORD_NS_PER_S);
    case 1:
        return xord_rng_below(&rng, 100 * XORD_NS_PER_S);
    case 2:
        return 0;
    default:
        return xord_rng_below(&rng, 20 * XORD_NS_PER_MS);
    }
}

static void run_model(uint64_t epoch_ns, uint8_t seed, int steps)
{
    start(epoch_ns, seed);
    for (int step = 0; step < steps; step++) {
        for (uint64_t n = xord_rng_below(&rng, 4); n > 0; n--) {
            size_t i = xord_rng_below(&rng, TIMERS);

            if (xord_rng_below(&rng, 4) == 0)
                cancel(i);
            else
                arm(i, random_due());
        }
        now_ns += random_step_ns();
        xord_wheel_advance(&wheel, now_ns);
        pop_all();
        check_late();
        check_next();
        if (step % 16 == 0)
            check_counts();
    }
    cr_assert(now_ns - epoch_ns > 2 * HOUR_NS, "the test covers %lu s only",
            (unsigned long)((now_ns - epoch_ns) / XORD_NS_PER_S));
}

Test(wheel, keeps_time_from_zero)
{
    run_model(0, 1, 4000);
}

Test(wheel, keeps_time_from_just_before_every_level_turns_over)
{
    run_model(((1ULL << 24) - 3) * XORD_NS_PER_MS + 999999, 2, 4000);
}

Test(wheel, keeps_time_from_a_large_epoch)
{
    run_model(1800000000ULL * XORD_NS_PER_S + 123456789, 3, 4000);
}

/* As a sleeping worker uses it: to the promised time and no further, each time. */
Test(wheel, sleeping_until_next_is_never_late)
{
    size_t wakeups = 0, expired = 0;

    start(12345678, 4);
    for (int i = 0; i < TIMERS; i++)
        arm((size_t)i, now_ns + xord_rng_below(&rng, 1ULL << xord_rng_below(&rng, 43)));
    while (wheel.armed_cnt > 0) {
        struct xord_timer *timer;
        uint64_t next = xord_wheel_next_ns(&wheel);

        if (next > now_ns)
            now_ns = next;
        xord_wheel_advance(&wheel, now_ns);
        while ((timer = xord_wheel_pop(&wheel)) != NULL) {
            uint64_t due = due_ns[timer - timers];

            cr_assert(due <= now_ns && now_ns - due < MAX_LATE_NS, "%ld ns late", (long)(now_ns - due));
            expired++;
        }
        wakeups++;
    }
    cr_assert(expired == TIMERS, "%zu expired", expired);
    cr_assert(wakeups < (1ULL << 43) / (64 * XORD_NS_PER_MS) + TIMERS + 64, "%zu wake-ups", wakeups);
}

Test(wheel, timers_come_in_order_of_their_milliseconds)
{
    uint64_t last = 0;
    struct xord_timer *timer;

    start(0, 5);
    for (int i = 0; i < TIMERS; i++)
        arm((size_t)i, xord_rng_below(&rng, 10 * XORD_NS_PER_S));
    xord_wheel_advance(&wheel, 10 * XORD_NS_PER_S);
    while ((timer = xord_wheel_pop(&wheel)) != NULL) {
        cr_assert(timer->due_ms >= last);
        last = timer->due_ms;
    }
    cr_assert(wheel.armed_cnt == 0);
}

Test(wheel, a_delay_beyond_the_reach_is_kept_to_the_end)
{
    uint64_t due = 12 * HOUR_NS; /* the reach is 4.6 hours */

    start(0, 6);
    arm(0, due);
    xord_wheel_advance(&wheel, due - 1);
    cr_assert_null(xord_wheel_pop(&wheel));
    xord_wheel_advance(&wheel, due);
    cr_assert(xord_wheel_pop(&wheel) == &timers[0]);
}

Test(wheel, the_end_of_time_is_far_but_harmless)
{
    start(0, 7);
    arm(0, UINT64_MAX);
    xord_wheel_advance(&wheel, HOUR_NS);
    cr_assert_null(xord_wheel_pop(&wheel));
    cancel(0);
    cr_assert(wheel.armed_cnt == 0 && xord_wheel_next_ns(&wheel) == UINT64_MAX);
}

Test(wheel, cancelling_takes_an_expired_timer_back)
{
    start(0, 8);
    arm(0, XORD_NS_PER_MS);
    arm(1, XORD_NS_PER_MS);
    xord_wheel_advance(&wheel, 5 * XORD_NS_PER_MS);
    cancel(0);
    cancel(0);
    cr_assert(xord_wheel_pop(&wheel) == &timers[1]);
    cr_assert_null(xord_wheel_pop(&wheel));
    cr_assert(wheel.armed_cnt == 0);
}

Test(wheel, arming_again_moves_the_timer)
{
    start(0, 9);
    arm(0, XORD_NS_PER_MS);
    arm(0, 100 * XORD_NS_PER_MS);
    cr_assert(wheel.armed_cnt == 1);
    xord_wheel_advance(&wheel, 99 * XORD_NS_PER_MS);
    cr_assert_null(xord_wheel_pop(&wheel));
    arm(0, 0);
    cr_assert(xord_wheel_pop(&wheel) == &timers[0], "what is already due expires at once");
}

Test(wheel, time_that_stands_still_or_goes_back_changes_nothing)
{
    start(HOUR_NS, 10);
    arm(0, HOUR_NS + XORD_NS_PER_MS);
    xord_wheel_advance(&wheel, HOUR_NS);
    xord_wheel_advance(&wheel, 0);
    cr_assert_null(xord_wheel_pop(&wheel));
    xord_wheel_advance(&wheel, HOUR_NS + XORD_NS_PER_MS);
    cr_assert(xord_wheel_pop(&wheel) == &timers[0]);
}
