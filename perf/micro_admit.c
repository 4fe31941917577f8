/* SPDX-License-Identifier: BSD-3-Clause */
/* What it costs to ask whether a source may send at all: the two token buckets, and the bans. Sources are drawn at random, so each
 * has its words somewhere else. The floor is the time that a junk datagram costs a shard anyhow, one AES block included
 * (`micro.aes*` unmask). */
#include <string.h>

#include "bench.h"
#include "xord_ban.h"
#include "xord_clock.h"
#include "xord_limit.h"
#include "xord_rng.h"

#define BURST 64

struct admission {
    struct xord_limit *limit;
    struct xord_bans *bans;
    struct xord_rng rng;
    uint32_t source_mask;
    uint64_t now_ns;
    uint8_t ips[BURST][16];
};

static void draw(struct admission *admission)
{
    for (int i = 0; i < BURST; i++) {
        uint32_t source = (uint32_t)xord_rng_below(&admission->rng, (uint64_t)admission->source_mask + 1);
        struct xord_endpoint ep = xord_endpoint_v4(
                (uint8_t[4]){20, (uint8_t)(source >> 16), (uint8_t)(source >> 8), (uint8_t)source}, 9000);

        memcpy(admission->ips[i], ep.ip16, 16);
    }
}

static void charge(void *ctx, uint32_t n)
{
    struct admission *admission = ctx;
    uint32_t refused = 0;

    for (; n > 0; n--) {
        admission->now_ns += 50 * XORD_NS_PER_US;
        for (int i = 0; i < BURST; i++)
            refused += xord_limit_charge(admission->limit, admission->ips[i], admission->now_ns) != XORD_LIMIT_OK;
        bench_keep(&refused);
        draw(admission);
    }
}

static void ask(void *ctx, uint32_t n)
{
    struct admission *admission = ctx;
    uint32_t banned = 0;

    for (; n > 0; n--) {
        for (int i = 0; i < BURST; i++)
            banned += xord_bans_has(admission->bans, admission->ips[i], XORD_NS_PER_S);
        bench_keep(&banned);
        draw(admission);
    }
}

static void only_draw(void *ctx, uint32_t n)
{
    for (; n > 0; n--)
        draw(ctx);
}

/* `lengths` lengths of prefix, a thousand bans in all; nobody who asks is banned. */
static void ban_some(struct xord_bans *bans, uint32_t lengths)
{
    for (uint32_t i = 0; i < 1000; i++) {
        struct xord_endpoint ep = xord_endpoint_v4((uint8_t[4]){99, (uint8_t)(i >> 4), (uint8_t)(i << 4), 0}, 1);
        struct xord_prefix prefix = xord_prefix_of(ep.ip16, 120 - i % lengths);

        BENCH_CHECK(xord_bans_add(bans, &prefix, XORD_BAN_FOREVER) == 0);
    }
}

static void race(struct admission *admission, const char *name, void (*run)(void *ctx, uint32_t n), const char *note)
{
    double cycles[2];

    bench_race(cycles, (struct bench_op[]){{run, admission, BURST}, {only_draw, admission, BURST}}, 2);
    bench_reportf(&(struct bench_figure){.value = cycles[0] - cycles[1], .unit = "cycles/datagram", .note = note}, "%s",
            name);
}

static void run_limits(void)
{
    static const struct xord_limit_config config = {.address = {5000, 10000}, .prefix = {20000, 40000}};
    static const struct xord_hash_key key = {{1, 2}};
    static const uint8_t seed32[32] = {5};
    struct admission admission = {.limit = xord_limit_new(&config, &key), .now_ns = XORD_NS_PER_S};

    BENCH_CHECK(admission.limit);
    xord_rng_init(&admission.rng, seed32);
    admission.source_mask = 63;
    race(&admission, "micro.admit.limits.64", charge, "64 sources, both limits");
    admission.source_mask = (1 << 20) - 1;
    race(&admission, "micro.admit.limits.1m", charge, "1 M sources, both limits");
    xord_limit_free(admission.limit);
}

static void run_bans(void)
{
    static const struct xord_hash_key key = {{1, 2}};
    static const uint8_t seed32[32] = {5};

    for (uint32_t lengths = 1; lengths <= 4; lengths *= 4) {
        struct admission admission = {.bans = xord_bans_new(&key), .source_mask = (1 << 20) - 1};

        BENCH_CHECK(admission.bans);
        xord_rng_init(&admission.rng, seed32);
        ban_some(admission.bans, lengths);
        race(&admission, lengths == 1 ? "micro.admit.bans.1" : "micro.admit.bans.4", ask,
                lengths == 1 ? "1,000 bans of one length" : "1,000 bans of four lengths");
        xord_bans_free(admission.bans);
    }
}

const struct bench bench_micro_admit[] = {
        {"micro.admit.limits", run_limits},
        {"micro.admit.bans", run_bans},
        {NULL, NULL},
};
