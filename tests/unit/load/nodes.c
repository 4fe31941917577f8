/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator drives a real node against a real node, in virtual time, over a network whose delays are known: it gives
 * them back within 1 %, also when nothing gets through for a second. */
#include <math.h>
#include <stdlib.h>

#include "node/world.h"
#include "test_util.h"
#include "xord_loadgen.h"

#define TICK_NS  (20 * XORD_NS_PER_US)
#define DELAY_NS (5 * MS)
#define RATE     1000
#define SECONDS  10
#define TIMEOUT  (3 * S)

struct bench {
    struct world *world;
    struct member *sender, *target;
    struct xord_loadgen *gen;
    struct xord_tally tally;
    uint64_t stall_from_ns, stall_to_ns;
};

static struct bench *bench_new(uint64_t jitter_ns)
{
    struct xord_loadgen_config config = {
            .schedule = {.rate = RATE, .duration_ns = SECONDS * S},
            .pair_cnt = 1,
            .slot_cap = 4000,
            .timeout_ns = TIMEOUT,
    };
    struct member_config sender = {.ip = "10.0.0.1",
            .no_hosts = true,
            .node = {.request_cap = 4000, .request_timeout_ns = TIMEOUT}};
    struct member_config target = {.ip = "10.0.0.2", .no_hosts = true};
    struct bench *bench = calloc(1, sizeof(*bench));

    cr_assert(bench);
    xord_mix_single(&config.mix, XORD_MIX_PING);
    bench->world = world_new(11);
    bench->world->net = (struct world_net){.delay_ns = DELAY_NS, .jitter_ns = jitter_ns};
    bench->sender = world_add(bench->world, &sender);
    bench->target = world_add(bench->world, &target);
    bench->gen = xord_loadgen_new(&config);
    cr_assert(bench->gen);
    xord_tally_reset(&bench->tally);
    xord_loadgen_set_tally(bench->gen, &bench->tally);
    return bench;
}

static void bench_free(struct bench *bench)
{
    xord_loadgen_free(bench->gen);
    world_free(bench->world);
    free(bench);
}

/* Datagrams that are sent while the network stalls arrive when it goes on. */
static void stall(struct bench *bench)
{
    uint64_t now_ns = bench->world->now_ns;
    bool stalled = now_ns >= bench->stall_from_ns && now_ns < bench->stall_to_ns;

    bench->world->net.delay_ns = DELAY_NS + (stalled ? bench->stall_to_ns - now_ns : 0);
}

static void replies_take(struct bench *bench)
{
    for (const struct xord_mail *mail = bench->sender->control; mail; mail = mail->next)
        if (mail->kind == XORD_MAIL_DONE && mail->cookie)
            xord_loadgen_end(bench->gen, mail->cookie, mail->done.err, mail->done.handshake, bench->world->now_ns);
    member_forget(bench->sender);
}

static void run(struct bench *bench)
{
    struct xord_peer peer = member_peer(bench->target, 0);
    struct xord_loadgen_request request;
    uint64_t start_ns;

    member_ping(bench->sender, 0, &peer, 0); /* the session */
    world_run(bench->world, S);
    member_forget(bench->sender);
    start_ns = bench->world->now_ns;
    bench->stall_from_ns += start_ns;
    bench->stall_to_ns += start_ns;
    xord_loadgen_begin(bench->gen, start_ns);
    while (!xord_loadgen_is_over(bench->gen, bench->world->now_ns) || xord_loadgen_in_flight(bench->gen) > 0) {
        stall(bench);
        while (xord_loadgen_next(bench->gen, &request, bench->world->now_ns))
            member_ping(bench->sender, 0, &peer, request.cookie);
        world_run(bench->world, TICK_NS);
        replies_take(bench);
    }
    cr_assert_eq(bench->tally.answered, RATE * SECONDS);
    cr_assert_eq(bench->tally.handshakes, 0);
    cr_assert_eq(bench->tally.late, 0);
}

static void is_about(const struct bench *bench, double percent, double wanted_ns)
{
    double got = (double)xord_histogram_percentile(&bench->tally.latency, percent);

    cr_assert(fabs(got - wanted_ns) <= 0.01 * wanted_ns, "p%g: %.0f ns, want %.0f", percent, got, wanted_ns);
}

Test(nodes, a_constant_delay)
{
    struct bench *bench = bench_new(0);

    run(bench);
    is_about(bench, 1, 2 * DELAY_NS);
    is_about(bench, 50, 2 * DELAY_NS);
    is_about(bench, 99.99, 2 * DELAY_NS);
    bench_free(bench);
    TEST_NO_LEAK();
}

/* There and back each wait evenly from 0 to j more, so together they are spread as two dice are. */
Test(nodes, a_delay_that_is_spread)
{
    const double j = 4e6;
    struct bench *bench = bench_new((uint64_t)j);

    run(bench);
    is_about(bench, 50, 2 * DELAY_NS + j);
    is_about(bench, 90, 2 * DELAY_NS + 2 * j - j * sqrt(2 * 0.1));
    is_about(bench, 99, 2 * DELAY_NS + 2 * j - j * sqrt(2 * 0.01));
    bench_free(bench);
}

Test(nodes, a_second_in_which_nothing_gets_through)
{
    struct bench *bench = bench_new(0);

    bench->stall_from_ns = 4 * S;
    bench->stall_to_ns = 5 * S;
    run(bench);
    is_about(bench, 50, 2 * DELAY_NS);
    is_about(bench, 95, 0.5e9 + 2 * DELAY_NS);
    is_about(bench, 99, 0.9e9 + 2 * DELAY_NS);
    is_about(bench, 99.9, 0.99e9 + 2 * DELAY_NS);
    bench_free(bench);
}
