/* SPDX-License-Identifier: BSD-3-Clause */
/* Two workers on two cores against one on one: PING in, PONG out. The requests lie in the queues, in no core's own cache, before
 * the workers begin; the time is from there to the last answer of the later one. So load costs nothing that is counted, while
 * all that steering costs, and waiting for what is handed over, is. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_pause.h>

#include "bench.h"
#include "dpdk_private.h"
#include "rig.h"

#define WORKERS    2
#define WARM       256 /* requests, for those that follow */
#define ROUNDS_MAX 400
#define WALK_LEN   (8U << 20) /* four times the L2 cache of a server's core */
#define PER_ENTRY  8          /* clients of each entry of the redirection table */
#define CLIENTS    (PER_ENTRY * XORD_STEER_RETA_LEN)
#define ROUND      (WARM + CLIENTS)
#define SEARCHED   (64 * CLIENTS)

/* What brings a datagram to its worker. */
enum way {
    ALONE,  /* there is only one */
    RSS,    /* a device with a queue for each */
    FRAMES, /* one queue: mbufs handed over by who polls it */
    COPIES, /* one queue: datagrams copied, as where a port cannot hand over its own */
};

struct scale {
    struct rig *rig;
    enum way way;
    uint16_t worker_cnt;
    uint32_t clients[CLIENTS], asked[ROUND];
    bool answered[ROUND];
    struct rte_mbuf *frames[ROUND];
    uint32_t owned[WORKERS]; /* of a round's requests */
    uint64_t next_id;
    struct dpdk_given **given; /* the port's */
    /* the second worker's thread */
    pthread_t thread;
    _Atomic uint32_t round, ready, done; /* number of the round that begins, that it awaits, that it has ended */
    _Atomic bool stop;
    uint64_t start, ends[WORKERS];
};

/* ---- threads ---- */

/* The n-th CPU that this process may use; false: it has not so many. */
static bool pin(unsigned n)
{
    static cpu_set_t all;
    cpu_set_t set;

    if (CPU_COUNT(&all) == 0)
        BENCH_CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all) || n-- > 0)
            continue;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
    }
    return false;
}

static void unpin(const cpu_set_t *before)
{
    (void)pthread_setaffinity_np(pthread_self(), sizeof(*before), before);
}

/* Turns until all that the worker owns is answered, and all that it polls is taken in. */
static void serve(struct scale *scale, uint16_t w)
{
    struct worker *worker = &scale->rig->engine->workers[w];
    const struct rig *rig = scale->rig;

    while (rte_ring_count(rig->out[w]) < scale->owned[w] || (w < rig->queue_cnt && !rte_ring_empty(rig->in[w])))
        (void)worker_turn(worker);
    scale->ends[w] = bench_cycles();
    while (w == 0 && scale->worker_cnt > 1 && atomic_load(&scale->done) != atomic_load(&scale->round))
        (void)worker_turn(worker); /* it may still have polled frames of the other */
}

static void *second(void *arg)
{
    struct scale *scale = arg;

    (void)pin(1);
    BENCH_CHECK(rte_thread_register() == 0); /* else it would have no cache of mbufs */
    for (uint32_t round = 1;; round++) {
        atomic_store(&scale->ready, round);
        while (atomic_load(&scale->round) != round) {
            if (atomic_load(&scale->stop)) {
                rte_thread_unregister();
                return NULL;
            }
            rte_pause();
        }
        serve(scale, 1);
        atomic_store(&scale->done, round);
    }
}

static void await(const _Atomic uint32_t *number, uint32_t value)
{
    while (atomic_load(number) != value)
        sched_yield(); /* with one CPU, the other has to come */
}

/* ---- a round ---- */

/* Out of this core's own caches, into that which all share: where a device writes what it receives. Walking through more than
 * they hold drives out the rest; the instruction that asks for it (cldemote) is ignored by some CPUs. */
static void uncache(void)
{
    static uint8_t walk[WALK_LEN];

    for (size_t i = 0; i < sizeof(walk); i += 64)
        (*(volatile uint8_t *)&walk[i])++;
}

/* Where a device puts a request of this client. */
static uint16_t queue_of(const struct scale *scale, uint32_t client)
{
    return scale->way == RSS ? rig_shard_of(scale->rig, client) : 0;
}

static void requests_make(struct scale *scale)
{
    static const struct xord_message ping = {.type = XORD_MSG_PING, .ping = {300}};

    memset(scale->owned, 0, sizeof(scale->owned));
    memset(scale->answered, 0, sizeof(scale->answered));
    for (uint32_t i = 0; i < WARM; i++)
        scale->asked[i] = scale->clients[xord_rng_below(&scale->rig->rng, CLIENTS)];
    for (uint32_t i = 0; i < CLIENTS; i++) { /* each once, in another order each time, so that the parts are as dealt */
        uint32_t j = (uint32_t)xord_rng_below(&scale->rig->rng, i + 1);

        scale->asked[WARM + i] = scale->asked[WARM + j];
        scale->asked[WARM + j] = scale->clients[i];
    }
    for (uint32_t i = 0; i < ROUND; i += XORD_BURST_MAX)
        rig_requests(scale->rig, scale->frames + i, scale->asked + i, XORD_BURST_MAX, &ping, scale->next_id + i);
    uncache();
}

static void requests_put(struct scale *scale, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        scale->owned[rig_shard_of(scale->rig, scale->asked[i])]++;
        rig_put(scale->rig, queue_of(scale, scale->asked[i]), &scale->frames[i], 1);
    }
}

static void pong_check(struct scale *scale, const struct rig_reply *reply, uint16_t w)
{
    uint64_t number = rig_id_of(&reply->msg.request_id) - scale->next_id;

    BENCH_CHECK(number < ROUND && scale->asked[number] == reply->client && !scale->answered[number]);
    BENCH_CHECK(rig_shard_of(scale->rig, reply->client) == w);
    scale->answered[number] = true;
}

static uint32_t replies_check(struct scale *scale, uint16_t w)
{
    static struct rig_reply reply;
    struct rte_mbuf *frames[XORD_BURST_MAX];
    uint32_t n, pongs = 0;

    while ((n = rig_take(scale->rig, w, frames, XORD_BURST_MAX)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            rig_open(scale->rig, &reply, frames[i]);
            if (reply.kind != RIG_MESSAGE || reply.msg.type != XORD_MSG_PONG)
                continue;
            pong_check(scale, &reply, w);
            pongs++;
        }
    return pongs;
}

/* Cycles of the clock until the last of these is answered, a request. */
static double serve_all(struct scale *scale, uint32_t from, uint32_t to)
{
    uint32_t number = atomic_load(&scale->round) + 1;
    uint64_t end;

    requests_put(scale, from, to);
    if (scale->worker_cnt > 1)
        await(&scale->ready, number);
    scale->start = bench_cycles();
    atomic_store(&scale->round, number);
    serve(scale, 0);
    if (scale->worker_cnt > 1)
        await(&scale->done, number);
    end = scale->ends[0] > scale->ends[1] ? scale->ends[0] : scale->ends[1];
    return (double)(end - scale->start) / (to - from);
}

/* The first find the caches as making the requests has left them, which is no load's doing: they are not counted. */
static double round_of(struct scale *scale)
{
    uint32_t pongs = 0;
    double cycles;

    requests_make(scale);
    (void)serve_all(scale, 0, WARM);
    cycles = serve_all(scale, WARM, ROUND);
    for (uint16_t w = 0; w < scale->worker_cnt; w++) {
        (void)rig_turn(scale->rig, w);
        pongs += replies_check(scale, w);
    }
    BENCH_CHECK(pongs == ROUND);
    scale->next_id += ROUND;
    return cycles;
}

/* ---- the whole ---- */

/* As many clients for each entry, so that a worker's part is what the table says. */
static void clients_choose(struct scale *scale)
{
    uint8_t cnt[XORD_STEER_RETA_LEN] = {0};
    uint32_t n = 0;

    for (uint32_t number = 0; n < CLIENTS; number++) {
        struct rig_client client = rig_client(number);
        uint32_t entry = xord_steer_hash(&scale->rig->ep, &client.ep) % XORD_STEER_RETA_LEN;

        BENCH_CHECK(number < SEARCHED);
        if (cnt[entry] == PER_ENTRY)
            continue;
        cnt[entry]++;
        scale->clients[n++] = number;
        rig_sessions_put(scale->rig, number, 1);
    }
}

static void scale_open(struct scale *scale, enum way way)
{
    struct rig_config config = {.worker_cnt = way == ALONE ? 1 : WORKERS,
            .queue_cnt = way == RSS ? WORKERS : 1,
            .node = {.session_cap = 4 * CLIENTS}};
    struct dpdk_port *port;

    memset(scale, 0, sizeof(*scale));
    scale->way = way;
    scale->worker_cnt = config.worker_cnt;
    scale->rig = rig_new(&config);
    port = dpdk_port_of(scale->rig->engine->cfg.port);
    scale->given = port->given;
    if (way == RSS || way == COPIES)
        port->given = NULL; /* the frames are where they belong; or else left to the engine */
    clients_choose(scale);
    if (scale->worker_cnt > 1)
        BENCH_CHECK(pthread_create(&scale->thread, NULL, second, scale) == 0);
}

static void scale_close(struct scale *scale)
{
    atomic_store(&scale->stop, true);
    if (scale->worker_cnt > 1)
        pthread_join(scale->thread, NULL);
    dpdk_port_of(scale->rig->engine->cfg.port)->given = scale->given;
    rig_free(scale->rig);
}

/* Many rounds by turns. Of each the twentieth part that was least disturbed counts: of two cores that others use too, both are
 * seldom free for a whole round. */
static void measure(double cycles[2], enum way way)
{
    static double took[2][ROUNDS_MAX];
    static struct scale scales[2];
    uint32_t rounds = bench_scale(ROUNDS_MAX, 2);
    cpu_set_t before;

    BENCH_CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
    (void)pin(0);
    scale_open(&scales[0], ALONE);
    scale_open(&scales[1], way);
    for (uint32_t round = 0; round < rounds; round++)
        for (int i = 0; i < 2; i++)
            took[i][round] = round_of(&scales[i]);
    for (int i = 0; i < 2; i++) {
        cycles[i] = bench_quantile(took[i], rounds, 0.05);
        scale_close(&scales[i]);
    }
    unpin(&before);
}

static void report(enum way way, enum bench_goal goal, const char *name, const char *note)
{
    struct bench_figure figure = {.unit = "PING/s", .goal = goal, .bound = 1.9, .note = note};
    double cycles[2];

    measure(cycles, way);
    figure.value = bench_tsc_hz() / cycles[1];
    figure.floor = bench_tsc_hz() / cycles[0];
    bench_reportf(&figure, "%s", name);
}

static void run_rss(void)
{
    report(RSS, BENCH_RATIO_MIN, "scale.2.rss", "two workers beside one, the device steers");
}

static void run_frames(void)
{
    report(FRAMES, BENCH_RATIO_MIN, "scale.2", "two workers beside one, one receive queue, frames handed over");
}

static void run_copies(void)
{
    report(COPIES, BENCH_REPORTED, "scale.2.copied", "two workers beside one, one receive queue, datagrams copied");
}

const struct bench bench_scaling[] = {
        {"scale.2", run_frames},
        {"scale.2.rss", run_rss},
        {"scale.2.copied", run_copies},
        {NULL, NULL},
};
