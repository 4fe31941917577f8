/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator in virtual time, against targets whose service times are known: it gives them back within 1 %, also when
 * the target stalls for a second, and it knows whose fault a delay is. */
#include <math.h>
#include <stdlib.h>

#include "test_util.h"
#include "xord_loadgen.h"
#include "xord_rng.h"

#define TICK_NS (10 * XORD_NS_PER_US)
#define MS      XORD_NS_PER_MS
#define OPEN    100000

/* A target: what it has been asked ends at the time in `ends`, kept as a heap. */
struct end {
    uint64_t at_ns, cookie;
    int err;
};

struct target {
    uint64_t (*service_ns)(struct target *target);
    struct xord_rng rng;
    uint64_t stall_from_ns, stall_to_ns; /* what comes in then is taken in at its end */
    uint64_t timeout_ns;
    double lost;             /* share of requests that are never answered */
    enum xord_mix_kind kind; /* of the request that it is asked now */
    struct end ends[OPEN];
    uint32_t cnt;
    uint32_t pair_open[64], kinds[XORD_MIX_KINDS], most_open;
};

struct bench {
    struct target target;
    struct xord_tally tally;
    struct xord_loadgen *gen;
    uint64_t now_ns;
    uint64_t pause_from_ns, pause_to_ns; /* the generator itself does not run then */
};

static void push(struct target *target, struct end end)
{
    uint32_t i = target->cnt++;

    cr_assert_leq(target->cnt, OPEN);
    for (; i > 0 && target->ends[(i - 1) / 2].at_ns > end.at_ns; i = (i - 1) / 2)
        target->ends[i] = target->ends[(i - 1) / 2];
    target->ends[i] = end;
}

static struct end pop(struct target *target)
{
    struct end first = target->ends[0], last = target->ends[--target->cnt];
    uint32_t i = 0, child;

    while ((child = 2 * i + 1) < target->cnt) {
        child += child + 1 < target->cnt && target->ends[child + 1].at_ns < target->ends[child].at_ns;
        if (target->ends[child].at_ns >= last.at_ns)
            break;
        target->ends[i] = target->ends[child];
        i = child;
    }
    target->ends[i] = last;
    return first;
}

static void ask(struct target *target, uint64_t cookie, uint64_t now_ns)
{
    uint64_t from_ns = now_ns >= target->stall_from_ns && now_ns < target->stall_to_ns ? target->stall_to_ns : now_ns;
    struct end end = {.cookie = cookie, .at_ns = from_ns + target->service_ns(target)};

    if ((double)xord_rng_below(&target->rng, 1000000) < target->lost * 1e6 || end.at_ns > now_ns + target->timeout_ns)
        end = (struct end){.cookie = cookie, .at_ns = now_ns + target->timeout_ns, .err = XORD_ETIMEOUT};
    push(target, end);
    if (target->cnt > target->most_open)
        target->most_open = target->cnt;
}

static struct bench *bench_new(const struct xord_loadgen_config *config, uint64_t (*service_ns)(struct target *))
{
    static const uint8_t seed32[32] = {4};
    struct bench *bench = calloc(1, sizeof(*bench));

    cr_assert(bench);
    bench->target.service_ns = service_ns;
    bench->target.timeout_ns = config->timeout_ns;
    xord_rng_init(&bench->target.rng, seed32);
    xord_tally_reset(&bench->tally);
    bench->gen = xord_loadgen_new(config);
    cr_assert(bench->gen);
    xord_loadgen_set_tally(bench->gen, &bench->tally);
    return bench;
}

static void bench_free(struct bench *bench)
{
    xord_loadgen_free(bench->gen);
    free(bench);
}

/* Answers are seen when they come, requests go out in ticks. */
static void run(struct bench *bench)
{
    struct xord_loadgen_request request;

    xord_loadgen_begin(bench->gen, 0);
    for (;; bench->now_ns += TICK_NS) {
        while (bench->target.cnt > 0 && bench->target.ends[0].at_ns <= bench->now_ns) {
            struct end end = pop(&bench->target);

            xord_loadgen_end(bench->gen, end.cookie, end.err, false, end.at_ns);
        }
        if (xord_loadgen_is_over(bench->gen, bench->now_ns)) {
            xord_loadgen_stop(bench->gen, bench->now_ns);
            if (xord_loadgen_in_flight(bench->gen) == 0)
                return;
        }
        if (bench->now_ns >= bench->pause_from_ns && bench->now_ns < bench->pause_to_ns)
            continue;
        while (xord_loadgen_next(bench->gen, &request, bench->now_ns)) {
            bench->target.kinds[request.kind]++;
            bench->target.kind = request.kind;
            ask(&bench->target, request.cookie, bench->now_ns);
        }
    }
}

static void is_about(const struct bench *bench, double percent, double wanted_ns)
{
    double got = (double)xord_histogram_percentile(&bench->tally.latency, percent);

    cr_assert(fabs(got - wanted_ns) <= 0.01 * wanted_ns, "p%g: %.0f ns, want %.0f", percent, got, wanted_ns);
}

/* ---- service times ---- */

static uint64_t fixed(struct target *target)
{
    (void)target;
    return 2 * MS;
}

/* Evenly from 1 to 11 ms: the p-th percentile is 1 ms + p/100 * 10 ms. */
static uint64_t even(struct target *target)
{
    return MS + xord_rng_below(&target->rng, 10 * MS);
}

/* Exponential with a mean of 5 ms above 1 ms: the p-th percentile is 1 ms - 5 ms * ln(1 - p/100). */
static uint64_t exponential(struct target *target)
{
    double u = ((double)(xord_rng_u64(&target->rng) >> 11) + 1) / 9007199254740993.0;

    return MS + (uint64_t)(-5e6 * log(u));
}

/* A network with a round trip of 100 ms: a handshake takes two. */
static uint64_t round_trips(struct target *target)
{
    return (target->kind == XORD_MIX_HANDSHAKE ? 200 : 100) * MS;
}

static const double percents[] = {10, 50, 90, 99, 99.9};

static struct xord_loadgen_config open_loop(double rate, uint64_t seconds)
{
    struct xord_loadgen_config config = {
            .schedule = {.rate = rate, .duration_ns = seconds * XORD_NS_PER_S},
            .pair_cnt = 4,
            .slot_cap = OPEN,
            .timeout_ns = 3 * XORD_NS_PER_S,
    };

    xord_mix_single(&config.mix, XORD_MIX_PING);
    return config;
}

Test(loadgen, gives_even_service_times_back)
{
    struct xord_loadgen_config config = open_loop(20000, 30);
    struct bench *bench = bench_new(&config, even);

    run(bench);
    cr_assert_eq(bench->tally.sent, 600000);
    cr_assert_eq(bench->tally.answered, 600000);
    cr_assert_eq(xord_tally_loss(&bench->tally), 0);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        is_about(bench, percents[i], 1e6 + percents[i] / 100 * 10e6);
    bench_free(bench);
    TEST_NO_LEAK();
}

Test(loadgen, gives_exponential_service_times_back)
{
    struct xord_loadgen_config config = open_loop(30000, 60);
    struct bench *bench = bench_new(&config, exponential);

    run(bench);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        is_about(bench, percents[i], 1e6 - 5e6 * log(1 - percents[i] / 100));
    bench_free(bench);
}

/* A second of ten in which nothing is answered: a tenth of all requests waits evenly from 0 to 1 s. */
static void stall_is_seen(uint32_t slot_cap)
{
    struct xord_loadgen_config config = open_loop(10000, 10);
    struct bench *bench;

    config.slot_cap = slot_cap;
    bench = bench_new(&config, fixed);
    bench->target.stall_from_ns = 4 * XORD_NS_PER_S;
    bench->target.stall_to_ns = 5 * XORD_NS_PER_S;
    run(bench);
    cr_assert_eq(bench->tally.answered, 100000);
    cr_assert_eq(bench->tally.late, 0, "the target's stall is blamed on the generator");
    cr_assert_eq(bench->tally.held > 0, slot_cap < 10000);
    is_about(bench, 50, 2e6);
    is_about(bench, 95, 0.5e9 + 2e6);
    is_about(bench, 99, 0.9e9 + 2e6);
    is_about(bench, 99.9, 0.99e9 + 2e6);
    is_about(bench, 100, 1e9 + 2e6);
    bench_free(bench);
}

Test(loadgen, a_stall_is_in_the_latency_of_all_that_fell_into_it)
{
    stall_is_seen(OPEN);
}

Test(loadgen, also_when_requests_had_to_be_held_back)
{
    stall_is_seen(5000); /* at 10,000 a second and 2 ms 20 are in flight, in the stall all of them */
}

Test(loadgen, what_is_held_longer_than_a_timeout_is_lost)
{
    struct xord_loadgen_config config = open_loop(10000, 10);
    struct bench *bench;

    config.slot_cap = 500;
    config.timeout_ns = 200 * MS;
    bench = bench_new(&config, fixed);
    bench->target.stall_from_ns = 4 * XORD_NS_PER_S;
    bench->target.stall_to_ns = 5 * XORD_NS_PER_S;
    run(bench);
    cr_assert_gt(bench->tally.unsent, 0);
    cr_assert_gt(bench->tally.timeouts, 0);
    cr_assert_eq(bench->tally.missed, 0);
    cr_assert_eq(bench->tally.answered + bench->tally.timeouts + bench->tally.unsent, 100000);
    cr_assert_lt(xord_tally_loss(&bench->tally), 0.101);
    cr_assert_gt(xord_tally_loss(&bench->tally), 0.05);
    bench_free(bench);
}

Test(loadgen, a_pause_of_its_own_is_its_own_fault)
{
    struct xord_loadgen_config config = open_loop(10000, 10);
    struct bench *bench = bench_new(&config, fixed);

    bench->pause_from_ns = 4 * XORD_NS_PER_S;
    bench->pause_to_ns = 4 * XORD_NS_PER_S + 100 * MS;
    run(bench);
    cr_assert_eq(bench->tally.answered, 100000);
    cr_assert_eq(bench->tally.held, 0);
    cr_assert(bench->tally.late >= 985 && bench->tally.late <= 991, "%llu", (unsigned long long)bench->tally.late);
    cr_assert_geq(bench->tally.late_max_ns, 99 * MS);
    bench_free(bench);
}

Test(loadgen, what_it_never_came_to_is_missed_and_not_lost)
{
    struct xord_loadgen_config config = open_loop(10000, 10);
    struct bench *bench = bench_new(&config, fixed);

    bench->pause_from_ns = 9 * XORD_NS_PER_S;
    bench->pause_to_ns = 60 * XORD_NS_PER_S;
    run(bench);
    cr_assert_eq(bench->tally.missed, 10000);
    cr_assert_eq(bench->tally.answered, 90000);
    cr_assert_eq(xord_tally_loss(&bench->tally), 0);
    bench_free(bench);
}

Test(loadgen, loss)
{
    struct xord_loadgen_config config = open_loop(10000, 10);
    struct bench *bench = bench_new(&config, fixed);

    bench->target.lost = 0.05;
    run(bench);
    cr_assert_eq(bench->tally.answered + bench->tally.timeouts, 100000);
    cr_assert_float_eq(xord_tally_loss(&bench->tally), 0.05, 0.003);
    is_about(bench, 99.9, 2e6);
    bench_free(bench);
}

Test(loadgen, ramp)
{
    struct xord_loadgen_config config = open_loop(10000, 10);
    struct bench *bench;

    config.schedule.ramp_ns = 10 * XORD_NS_PER_S;
    bench = bench_new(&config, fixed);
    run(bench);
    cr_assert_eq(bench->tally.answered, 50000);
    bench_free(bench);
}

Test(loadgen, closed_loop_keeps_its_window)
{
    struct xord_loadgen_config config = open_loop(0, 10);
    struct bench *bench;

    config.closed = true;
    config.window = config.slot_cap = 20;
    bench = bench_new(&config, fixed);
    run(bench);
    cr_assert_eq(bench->target.most_open, 20);
    /* 20 every 2 ms; ticks divide that evenly */
    cr_assert_eq(bench->tally.answered, 100000);
    cr_assert_eq(bench->tally.late + bench->tally.held + bench->tally.unsent + bench->tally.missed, 0);
    is_about(bench, 99.9, 2e6);
    bench_free(bench);
}

Test(loadgen, handshakes_have_their_pair_for_themselves)
{
    struct xord_loadgen_config config = open_loop(1000, 10);
    struct xord_loadgen_request requests[64], request;
    struct bench *bench;
    uint32_t n = 0;

    xord_mix_single(&config.mix, XORD_MIX_HANDSHAKE);
    config.pair_cnt = 8;
    bench = bench_new(&config, fixed);
    xord_loadgen_begin(bench->gen, 0);
    while (xord_loadgen_next(bench->gen, &requests[n], XORD_NS_PER_S))
        n++;
    cr_assert_eq(n, 8);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            cr_assert_neq(requests[i].pair, requests[j].pair);
    cr_assert_eq(xord_loadgen_next_ns(bench->gen), UINT64_MAX);
    xord_loadgen_end(bench->gen, requests[5].cookie, 0, true, XORD_NS_PER_S);
    cr_assert(xord_loadgen_next(bench->gen, &request, XORD_NS_PER_S));
    cr_assert_eq(request.pair, requests[5].pair);
    cr_assert_eq(bench->tally.handshakes, 1);
    xord_loadgen_end(bench->gen, requests[5].cookie, 0, true, XORD_NS_PER_S); /* it has ended before */
    cr_assert_eq(bench->tally.answered, 1);
    xord_loadgen_give_up(bench->gen);
    cr_assert_eq(bench->tally.timeouts, 8);
    bench_free(bench);
}

Test(loadgen, a_mix_parts_the_pairs)
{
    struct xord_loadgen_config config = open_loop(10000, 2);
    char err[XORD_MIX_ERR_LEN];
    struct bench *bench;

    cr_assert_eq(xord_mix_parse(&config.mix, err, "ping 90\nhandshake 10"), 0);
    config.pair_cnt = 64;
    bench = bench_new(&config, fixed);
    run(bench);
    cr_assert_eq(bench->target.kinds[XORD_MIX_PING], 18000);
    cr_assert_eq(bench->target.kinds[XORD_MIX_HANDSHAKE], 2000);
    cr_assert_eq(bench->tally.answered, 20000);
    bench_free(bench);
    TEST_NO_LEAK();
}

/* Each request is in the account of its kind, however it ends, and in no other. */
Test(loadgen, kinds_of_a_mix_have_accounts_that_sum_up)
{
    struct xord_loadgen_config config = open_loop(10000, 2);
    uint64_t sent = 0, answered = 0, lost = 0, latencies = 0;
    char err[XORD_MIX_ERR_LEN];
    struct bench *bench;

    cr_assert_eq(xord_mix_parse(&config.mix, err, "ping 80\ntalk 10\nhandshake 10"), 0);
    config.pair_cnt = 8; /* so few that handshakes have to wait while one is lost */
    config.by_kind = true;
    bench = bench_new(&config, fixed);
    bench->target.lost = 0.01;
    run(bench);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        const struct xord_tally_kind *of = &bench->tally.kinds[kind];

        cr_assert_eq(of->sent, bench->target.kinds[kind]);
        cr_assert_eq(of->latency.total, of->answered);
        sent += of->sent;
        answered += of->answered;
        lost += of->lost;
        latencies += of->latency.total;
    }
    cr_assert_gt(bench->tally.kinds[XORD_MIX_HANDSHAKE].lost, 0);
    cr_assert_eq(bench->tally.kinds[XORD_MIX_FINDNODE].sent, 0);
    cr_assert_eq(sent, bench->tally.sent);
    cr_assert_eq(answered, bench->tally.answered);
    cr_assert_eq(latencies, bench->tally.latency.total);
    cr_assert_eq(lost, bench->tally.timeouts + bench->tally.refused + bench->tally.unsent);
    bench_free(bench);
    TEST_NO_LEAK();
}

/* 100 handshakes a second of 200 ms each keep 20 pairs busy, and there are 16: they fall behind, but the PINGs between them
 * do not. */
Test(loadgen, handshakes_that_wait_for_a_pair_hold_up_nobody_else)
{
    struct xord_loadgen_config config = open_loop(1000, 10);
    const struct xord_tally_kind *pings, *handshakes;
    char err[XORD_MIX_ERR_LEN];
    struct bench *bench;

    cr_assert_eq(xord_mix_parse(&config.mix, err, "ping 90\nhandshake 10"), 0);
    config.pair_cnt = 64;
    config.by_kind = true;
    bench = bench_new(&config, round_trips);
    run(bench);
    pings = &bench->tally.kinds[XORD_MIX_PING];
    handshakes = &bench->tally.kinds[XORD_MIX_HANDSHAKE];
    cr_assert_eq(pings->answered, 9000);
    cr_assert_eq(handshakes->answered, 1000);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double got = (double)xord_histogram_percentile(&pings->latency, percents[i]);

        cr_assert(fabs(got - 100e6) <= 1e6, "PING p%g: %.0f ns, want 100 ms", percents[i], got);
    }
    cr_assert_leq(pings->latency.max, 101 * MS);
    /* 80 a second are served of 100: the last one waits 2.5 s */
    cr_assert_gt(xord_histogram_percentile(&handshakes->latency, 50), 1000 * MS);
    cr_assert_gt(handshakes->latency.max, 2600 * MS);
    cr_assert_gt(bench->tally.starved, 900);
    cr_assert_eq(bench->tally.held, bench->tally.starved);
    cr_assert_eq(bench->tally.late, 0);
    cr_assert_eq(bench->tally.pair_turns, 1000);
    cr_assert_eq(xord_tally_pairs_needed(&bench->tally, 100), 31); /* 20, half as many to spare, and one */
    bench_free(bench);
    TEST_NO_LEAK();
}

Test(loadgen, with_pairs_enough_no_handshake_waits)
{
    struct xord_loadgen_config config = open_loop(1000, 10);
    char err[XORD_MIX_ERR_LEN];
    struct bench *bench;

    cr_assert_eq(xord_mix_parse(&config.mix, err, "ping 90\nhandshake 10"), 0);
    config.pair_cnt = 4 * 31;
    config.by_kind = true;
    bench = bench_new(&config, round_trips);
    run(bench);
    cr_assert_eq(bench->tally.starved + bench->tally.held, 0);
    cr_assert_leq(bench->tally.kinds[XORD_MIX_HANDSHAKE].latency.max, 202 * MS);
    bench_free(bench);
}

/* Also what waits until it would have timed out is lost alone. */
Test(loadgen, handshakes_that_never_get_a_pair_are_lost_alone)
{
    struct xord_loadgen_config config = open_loop(1000, 10);
    char err[XORD_MIX_ERR_LEN];
    struct bench *bench;

    cr_assert_eq(xord_mix_parse(&config.mix, err, "ping 90\nhandshake 10"), 0);
    config.pair_cnt = 8;
    config.by_kind = true;
    config.timeout_ns = XORD_NS_PER_S;
    bench = bench_new(&config, round_trips);
    run(bench);
    cr_assert_eq(bench->tally.kinds[XORD_MIX_PING].answered, 9000);
    cr_assert_leq(bench->tally.kinds[XORD_MIX_PING].latency.max, 101 * MS);
    cr_assert_gt(bench->tally.unsent, 500);
    cr_assert_eq(bench->tally.kinds[XORD_MIX_HANDSHAKE].lost, bench->tally.unsent);
    cr_assert_gt(bench->tally.starved, bench->tally.unsent - 1);
    cr_assert_eq(bench->tally.missed, 0);
    bench_free(bench);
}

/* A kind with a share of next to nothing has its turn when it is due, and nobody waits while it is looked for. */
Test(loadgen, the_order_of_a_mix_is_that_of_its_schedule)
{
    struct xord_loadgen_config config = open_loop(100000, 1);
    struct xord_loadgen_request request;
    char err[XORD_MIX_ERR_LEN];
    struct bench *bench;
    struct xord_mix mix;

    cr_assert_eq(xord_mix_parse(&config.mix, err, "ping 99990\ntalk 9\nfindnode 1"), 0);
    mix = config.mix;
    bench = bench_new(&config, fixed);
    xord_loadgen_begin(bench->gen, 0);
    for (uint64_t i = 0; i < 100000; i++) {
        cr_assert(xord_loadgen_next(bench->gen, &request, XORD_NS_PER_S));
        cr_assert_eq(request.kind, xord_mix_next(&mix));
    }
    cr_assert(!xord_loadgen_next(bench->gen, &request, XORD_NS_PER_S));
    xord_loadgen_give_up(bench->gen);
    bench_free(bench);
}
