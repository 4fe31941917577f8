/* SPDX-License-Identifier: BSD-3-Clause */
/* PING in, PONG out, one worker: the cycles of its turns, over ever more sessions. Each session's peer asks from an address
 * of its own, chosen uniformly; each PONG is opened and checked. */
#include <string.h>

#include "bench.h"
#include "floor.h"
#include "rig.h"

#define ROUND      256 /* requests queued at a time; the engine takes them in bursts of 64 */
#define ROUNDS_MAX 800
#define PING_LEN   14 /* plain; with the tag 30 */
#define PONG_LEN   24 /* with the tag 40 */

struct floors {
    struct floor *avx2, *avx512;
    double cycles[3][ROUNDS_MAX]; /* ours alone, ipsec-mb by AVX2, by AVX-512 */
};

struct pingpong {
    struct rig *rig;
    uint32_t session_cnt;
    uint64_t next_id;
    uint32_t clients[ROUND];
    bool answered[ROUND];
};

static void requests_put(struct pingpong *pp)
{
    static const struct xord_message ping = {.type = XORD_MSG_PING, .ping = {300}};
    struct rte_mbuf *frames[XORD_BURST_MAX];

    for (uint32_t i = 0; i < ROUND; i += XORD_BURST_MAX) {
        for (uint32_t j = i; j < i + XORD_BURST_MAX; j++)
            pp->clients[j] = (uint32_t)xord_rng_below(&pp->rig->rng, pp->session_cnt);
        rig_requests(pp->rig, frames, pp->clients + i, XORD_BURST_MAX, &ping, pp->next_id + i);
        rig_put(pp->rig, 0, frames, XORD_BURST_MAX);
    }
    memset(pp->answered, 0, sizeof(pp->answered));
}

/* Which request a PONG answers; everything it says must be right. */
static void pong_check(struct pingpong *pp, const struct rig_reply *reply)
{
    struct rig_client client = rig_client(reply->client);
    uint64_t number = rig_id_of(&reply->msg.request_id) - pp->next_id;

    BENCH_CHECK(number < ROUND && pp->clients[number] == reply->client && !pp->answered[number]);
    BENCH_CHECK(reply->len == PONG_LEN && reply->msg.pong.enr_seq == pp->rig->locals->all[0].enr.seq);
    BENCH_CHECK(memcmp(reply->msg.pong.ip16, client.ep.ip16, 16) == 0 && reply->msg.pong.port == client.ep.port);
    pp->answered[number] = true;
}

/* What else the engine sends are requests of its own, to peers that it does not know. */
static void replies_check(struct pingpong *pp)
{
    static struct rig_reply reply;
    struct rte_mbuf *frames[XORD_BURST_MAX];
    uint32_t n, pongs = 0;

    while ((n = rig_take(pp->rig, 0, frames, XORD_BURST_MAX)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            rig_open(pp->rig, &reply, frames[i]);
            if (reply.kind != RIG_MESSAGE || reply.msg.type != XORD_MSG_PONG)
                continue;
            pong_check(pp, &reply);
            pongs++;
        }
    BENCH_CHECK(pongs == ROUND);
    pp->next_id += ROUND;
}

static double round_of(struct pingpong *pp)
{
    double cycles;

    requests_put(pp);
    cycles = (double)rig_turn(pp->rig, 0) / ROUND;
    replies_check(pp);
    return cycles;
}

static double crypto_of(void (*run)(void *, uint32_t), struct floor *floor)
{
    uint64_t start;

    run(floor, 1); /* warm, as the engine's own is after its first burst */
    start = bench_cycles();
    run(floor, ROUND / FLOOR_BURST);
    return (double)(bench_cycles() - start) / ROUND;
}

static void floors_round(struct floors *floors, uint32_t round)
{
    floors->cycles[0][round] = crypto_of(ours_all, floors->avx2);
    floors->cycles[1][round] = crypto_of(floor_all, floors->avx2);
    floors->cycles[2][round] = floors->avx512 ? crypto_of(floor_all, floors->avx512) : floors->cycles[1][round];
}

struct result {
    double cycles, floor, crypto;
};

static struct result measure(uint32_t session_cnt, uint32_t round_cnt)
{
    static struct floors floors;
    static double cycles[ROUNDS_MAX];
    struct pingpong pp = {.session_cnt = session_cnt};
    double by_avx2, by_avx512;

    pp.rig = rig_new(&(struct rig_config){.node = {.session_cap = session_cnt}});
    floors.avx2 = floor_new(PING_LEN, PONG_LEN, false);
    floors.avx512 = floor_new(PING_LEN, PONG_LEN, true);
    rig_sessions_put(pp.rig, 0, session_cnt);
    for (uint32_t round = 0; round < bench_scale(20, 1); round++)
        (void)round_of(&pp);
    for (uint32_t round = 0; round < round_cnt; round++) {
        floors_round(&floors, round);
        cycles[round] = round_of(&pp);
    }
    rig_free(pp.rig);
    floor_free(floors.avx2);
    floor_free(floors.avx512);
    by_avx2 = bench_quantile(floors.cycles[1], round_cnt, BENCH_QUIET);
    by_avx512 = bench_quantile(floors.cycles[2], round_cnt, BENCH_QUIET);
    return (struct result){
            .cycles = bench_quantile(cycles, round_cnt, BENCH_QUIET),
            .floor = by_avx512 < by_avx2 ? by_avx512 : by_avx2,
            .crypto = bench_quantile(floors.cycles[0], round_cnt, BENCH_QUIET),
    };
}

static struct bench_figure figure_of(const struct result *result)
{
    return (struct bench_figure){.value = result->cycles, .unit = "cycles/request", .floor = result->floor};
}

static void run_hot(void)
{
    struct result result = measure(64, bench_scale(ROUNDS_MAX, 2));
    struct bench_figure figure = figure_of(&result);

    figure.goal = BENCH_RATIO_MAX;
    figure.bound = 2;
    figure.note =
            "64 sessions; floor: unmask, open 30 bytes, seal 40, mask under a fresh key, by ipsec-mb, keys prepared";
    bench_reportf(&figure, "pingpong.hot");
    figure = (struct bench_figure){.value = result.crypto, .unit = "cycles/request", .floor = result.floor};
    figure.note = "the same crypto by the engine's own calls, from raw keys: part of pingpong.hot";
    bench_reportf(&figure, "pingpong.crypto");
}

static void run_65536(void)
{
    struct result result = measure(bench_scale(65536, 1024), bench_scale(ROUNDS_MAX, 2));
    struct bench_figure figure = figure_of(&result);

    bench_reportf(&figure, "pingpong.65536");
}

static struct result result_1m(void)
{
    return measure(bench_scale(1U << 20, 2048), bench_scale(ROUNDS_MAX, 2));
}

static struct result result_4m(void)
{
    return measure(bench_scale(1U << 22, 4096), bench_scale(ROUNDS_MAX, 2));
}

static void run_1m(void)
{
    struct result result = result_1m();
    struct bench_figure figure = figure_of(&result);

    figure.goal = BENCH_VALUE_MAX;
    figure.bound = 1500;
    bench_reportf(&figure, "pingpong.1m");
}

static void keep_better(struct result *best, const struct result *result)
{
    if (best->cycles == 0 || result->cycles < best->cycles)
        *best = *result;
}

/* Both in turns, twice: what else runs on the machine may come or go meanwhile. */
static void run_4m(void)
{
    struct result small = {0}, large = {0};
    struct bench_figure figure;

    for (unsigned i = 0; i < 2; i++) {
        struct result smaller = result_1m(), larger = result_4m();

        keep_better(&small, &smaller);
        keep_better(&large, &larger);
    }
    figure = figure_of(&large);
    figure.goal = BENCH_VALUE_MAX;
    figure.bound = 1500;
    bench_reportf(&figure, "pingpong.4m");
    figure.floor = small.cycles;
    figure.goal = BENCH_RATIO_MAX;
    figure.bound = 1.25;
    figure.note = "floor: 1 M sessions; the better of two each, measured in turns";
    bench_reportf(&figure, "pingpong.4m.growth");
}

const struct bench bench_pingpong[] = {
        {"pingpong.hot", run_hot},
        {"pingpong.65536", run_65536},
        {"pingpong.1m", run_1m},
        {"pingpong.4m", run_4m},
        {NULL, NULL},
};
