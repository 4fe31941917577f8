/* SPDX-License-Identifier: BSD-3-Clause */
/* How long PINGs of established sessions wait while handshakes come: open loop, in virtual time. PINGs come at random
 * instants, on average at 70 % of what the worker can serve without handshakes, at the pace of its last full bursts if the
 * machine is slower than it was at the beginning; handshakes come on top, 5,000 a second, each by
 * a peer never seen. That is more than fits, so the lane has to leave work undone.
 *
 * Virtual time passes only in the worker's turns, by the TSC: what the bench does between them takes none. Before each
 * turn the frames that have come by then are put into the receive queue; a PING's service time is from its coming until its
 * PONG is in the transmit queue. A turn that was interrupted counts by the thread's CPU time. Beside each figure of
 * the whole run stand the median and the worst of its parts, which tell whether something else disturbed it. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "guests.h"

#define CLIENTS      64
#define LOAD         0.7
#define HANDSHAKES_S 5000
#define SECONDS      0.8
#define PARTS        8
#define QUEUE_LEN    1024 /* as the engine asks a device for */
#define PINGS_MAX    4000000
#define CALIBRATION  64 /* bursts */
#define PENDING_MAX  4096
#define STAMPS       16
#define NOTE_LEN     400
#define INTERRUPTED  0.9 /* of a turn's time at most was CPU time */

struct latency {
    struct rig *rig;
    struct xord_node *node;
    struct guests *guests;
    double hz, now, last_real; /* cycles */
    double next_ping, next_guest, guest_gap;
    double ping_cost, ping_cost_now; /* of full bursts: by calibration, of late */
    uint32_t ping_cnt, pong_cnt, lost, guest_cnt, interrupted;
    uint32_t part_ends[PARTS]; /* PONGs by the end of each part of the run */
    struct {                   /* by when the run proper began */
        uint32_t pings, pongs, lost;
        uint64_t handshakes;
    } warm;
    double *came;                           /* of each PING */
    double *service;                        /* of each answered */
    struct rte_mbuf *pings[XORD_BURST_MAX]; /* made, the next to come first */
    uint32_t made, used;
    struct rte_mbuf *pending[PENDING_MAX]; /* of guests: ready, and there at the next turn */
    uint32_t pending_cnt;
};

/* ---- when PONGs are in the transmit queue ---- */

/* Stands before the port's own: a turn sends what it has answered before the lane works, and again at its end. */
static struct {
    const struct xord_port_ops *real;
    struct xord_port_ops ops;
    struct rte_ring *out;
    uint64_t tsc[STAMPS];
    uint32_t sent[STAMPS]; /* in the queue by then */
    uint32_t cnt;
} stamps;

static void stamped_tx_burst(struct xord_port *port, uint16_t worker)
{
    stamps.real->tx_burst(port, worker);
    BENCH_CHECK(stamps.cnt < STAMPS);
    stamps.tsc[stamps.cnt] = bench_cycles();
    stamps.sent[stamps.cnt++] = rte_ring_count(stamps.out);
}

static void stamps_install(struct rig *rig)
{
    struct xord_port *port = rig->engine->cfg.port;

    stamps.real = port->ops;
    stamps.ops = *port->ops;
    stamps.ops.tx_burst = stamped_tx_burst;
    stamps.out = rig->out[0];
    port->ops = &stamps.ops;
}

/* ---- a turn ---- */

static uint64_t cpu_ns(void)
{
    struct timespec ts;

    BENCH_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
    return (uint64_t)ts.tv_sec * XORD_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* The lane's share and its patience are of virtual time: what has passed since the last turn is the bench's. */
static void lane_skips(struct latency *lat)
{
    struct lane *lane = &lat->node->lane;
    uint64_t skipped_ns = (uint64_t)(((double)bench_cycles() - lat->last_real) / lat->hz * 1e9);

    lane->turn_ns += skipped_ns;
    if (lane->full_ns != UINT64_MAX)
        lane->full_ns += skipped_ns;
}

/* Takes a turn; returns its start by the TSC. */
static uint64_t turn(struct latency *lat, double *took)
{
    uint64_t cpu_start_ns, start;
    double cpu;

    lane_skips(lat);
    stamps.cnt = 0;
    cpu_start_ns = cpu_ns();
    start = bench_cycles();
    (void)worker_turn(&lat->rig->engine->workers[0]);
    lat->last_real = (double)bench_cycles();
    *took = lat->last_real - (double)start;
    cpu = (double)(cpu_ns() - cpu_start_ns) / 1e9 * lat->hz;
    if (cpu < INTERRUPTED * *took) {
        lat->interrupted++;
        *took = cpu;
        for (uint32_t i = 0; i < stamps.cnt; i++)
            stamps.tsc[i] = start + (uint64_t)*took;
    }
    return start;
}

/* ---- what comes ---- */

static double gap(struct rig *rig, double mean)
{
    return -mean * log(((double)xord_rng_u64(&rig->rng) + 1) / 18446744073709551617.0);
}

static struct rte_mbuf *ping_next(struct latency *lat)
{
    static const struct xord_message ping = {.type = XORD_MSG_PING, .ping = {300}};
    uint32_t clients[XORD_BURST_MAX];

    if (lat->used == lat->made) {
        for (uint32_t i = 0; i < XORD_BURST_MAX; i++)
            clients[i] = (lat->ping_cnt + i) % CLIENTS;
        rig_requests(lat->rig, lat->pings, clients, XORD_BURST_MAX, &ping, lat->ping_cnt);
        lat->made = XORD_BURST_MAX;
        lat->used = 0;
    }
    return lat->pings[lat->used++];
}

static void frame_comes(struct latency *lat, struct rte_mbuf *frame, bool is_ping)
{
    if (rte_ring_count(lat->rig->in[0]) < QUEUE_LEN) {
        rig_put(lat->rig, 0, &frame, 1);
        return;
    }
    rte_pktmbuf_free(frame);
    lat->lost += is_ping;
}

/* All that has come by now. */
static void frames_come(struct latency *lat, double end)
{
    for (uint32_t i = 0; i < lat->pending_cnt; i++)
        frame_comes(lat, lat->pending[i], false);
    lat->pending_cnt = 0;
    while (lat->next_ping <= lat->now && lat->next_ping < end) {
        BENCH_CHECK(lat->ping_cnt < PINGS_MAX);
        lat->came[lat->ping_cnt] = lat->next_ping;
        frame_comes(lat, ping_next(lat), true);
        lat->ping_cnt++;
        lat->next_ping += gap(lat->rig, fmax(lat->ping_cost, lat->ping_cost_now) / LOAD);
    }
    while (lat->next_guest <= lat->now && lat->next_guest < end && lat->guest_cnt < lat->guests->cnt) {
        frame_comes(lat, guest_noise(lat->guests, lat->guest_cnt++), false);
        lat->next_guest += gap(lat->rig, lat->guest_gap);
    }
}

/* ---- what goes ---- */

static void pong_takes(struct latency *lat, const struct rig_reply *reply, double sent)
{
    uint64_t id = rig_id_of(&reply->msg.request_id);

    BENCH_CHECK(id < lat->ping_cnt && reply->client == id % CLIENTS && lat->came[id] >= 0);
    lat->service[lat->pong_cnt++] = sent - lat->came[id];
    lat->came[id] = -1;
}

static bool is_to_guest(struct rte_mbuf *frame)
{
    const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
    struct xord_endpoint dst = xord_endpoint_v4(bytes + 30, xord_load_be16(bytes + 36));
    uint32_t client;

    return !rig_client_of(&client, &dst);
}

static void frame_goes(struct latency *lat, struct rte_mbuf *frame, double sent)
{
    static struct rig_reply reply;
    struct rte_mbuf *answer;
    uint32_t number;

    if (is_to_guest(frame)) {
        /* Those that hear of a request of the engine's own leave it alone: 5,000 a second is what comes. */
        if (guest_hears(lat->guests, &number, &answer, frame) == GUEST_HANDSHAKE && lat->pending_cnt < PENDING_MAX)
            lat->pending[lat->pending_cnt++] = answer;
        else
            rte_pktmbuf_free(answer);
        return;
    }
    rig_open(lat->rig, &reply, frame);
    if (reply.kind == RIG_MESSAGE && reply.msg.type == XORD_MSG_PONG)
        pong_takes(lat, &reply, sent);
}

static void frames_go(struct latency *lat, uint64_t start)
{
    struct rte_mbuf *frames[XORD_BURST_MAX];
    uint32_t n, pos = 0, stamp = 0;

    /* One by one, as rig_take answers ARP by itself and leaves it out. */
    while (!rte_ring_empty(lat->rig->out[0])) {
        while (stamp + 1 < stamps.cnt && stamps.sent[stamp] <= pos)
            stamp++;
        n = rig_take(lat->rig, 0, frames, 1);
        pos++;
        if (n == 1)
            frame_goes(lat, frames[0], lat->now + (double)(stamps.tsc[stamp] - start));
    }
}

/* ---- the run ---- */

static void step(struct latency *lat, double end)
{
    uint64_t operations = xord_counter_get(xord_node_counters(lat->node), XORD_CNT_curve_operations), start;
    uint32_t pongs = lat->pong_cnt;
    double took;

    frames_come(lat, end);
    start = turn(lat, &took);
    frames_go(lat, start);
    lat->now += took;
    pongs = lat->pong_cnt - pongs;
    if (pongs == XORD_BURST_MAX &&
            xord_counter_get(xord_node_counters(lat->node), XORD_CNT_curve_operations) == operations)
        lat->ping_cost_now += (took / pongs - lat->ping_cost_now) / 8;
}

static uint64_t handshakes(const struct latency *lat)
{
    return xord_counter_get(xord_node_counters(lat->node), XORD_CNT_handshakes_in);
}

/* What the first handshakes touch for the first time is not counted. And on until all are answered, or it is clear that they
 * will not be. */
static void run_for(struct latency *lat, double warm, double cycles)
{
    double end = warm + cycles;

    while (lat->now < warm)
        step(lat, end);
    lat->warm.pings = lat->ping_cnt;
    lat->warm.pongs = lat->pong_cnt;
    lat->warm.lost = lat->lost;
    lat->warm.handshakes = handshakes(lat);
    for (uint32_t part = 0; part < PARTS; part++) {
        while (lat->now < warm + cycles * (part + 1) / PARTS)
            step(lat, end);
        lat->part_ends[part] = lat->pong_cnt;
    }
    while (lat->pong_cnt + lat->lost < lat->ping_cnt && lat->now < 2 * end)
        step(lat, end);
    lat->part_ends[PARTS - 1] = lat->pong_cnt;
}

/* Cycles a PING in full bursts. */
static double calibrate(struct latency *lat)
{
    static double cycles[CALIBRATION];
    uint32_t cnt = bench_scale(CALIBRATION, 4);

    for (uint32_t i = 0; i < cnt; i++) {
        struct rte_mbuf *frames[4 * XORD_BURST_MAX];
        double took = 0, part;

        for (uint32_t j = 0; j < 4 * XORD_BURST_MAX; j++) {
            frames[j] = ping_next(lat);
            lat->came[lat->ping_cnt++] = 0;
        }
        rig_put(lat->rig, 0, frames, 4 * XORD_BURST_MAX);
        for (int j = 0; j < 4; j++) {
            uint64_t start = turn(lat, &part);

            frames_go(lat, start);
            took += part;
        }
        cycles[i] = took / (4 * XORD_BURST_MAX);
    }
    BENCH_CHECK(lat->pong_cnt == lat->ping_cnt);
    lat->ping_cnt = lat->pong_cnt = 0;
    lat->made = lat->used = 0;
    return bench_quantile(cycles, cnt, BENCH_QUIET);
}

struct quantile {
    double all, median, worst; /* us: over the whole run; the median and the worst of its parts */
};

/* Sorts each part, then all. */
static void quantiles(const struct latency *lat, const double q[], struct quantile *out, unsigned cnt)
{
    double parts[PARTS];

    for (unsigned i = 0; i < cnt; i++) {
        uint32_t start = lat->warm.pongs;

        for (uint32_t part = 0; part < PARTS; part++) {
            parts[part] = bench_quantile(lat->service + start, lat->part_ends[part] - start, q[i]) / lat->hz * 1e6;
            start = lat->part_ends[part];
        }
        out[i].worst = bench_quantile(parts, PARTS, 1);
        out[i].median = bench_quantile(parts, PARTS, 0.5);
    }
    for (unsigned i = 0; i < cnt; i++)
        out[i].all =
                bench_quantile(lat->service + lat->warm.pongs, lat->pong_cnt - lat->warm.pongs, q[i]) / lat->hz * 1e6;
}

static void report(const char *name, const struct quantile *quantile, enum bench_goal goal)
{
    char note[NOTE_LEN];

    snprintf(note, sizeof(note), "of %d parts of the run the median %.0f us, the worst %.0f us", PARTS,
            quantile->median, quantile->worst);
    bench_report(&(struct bench_figure){.name = name,
            .value = quantile->all,
            .unit = "us",
            .goal = goal,
            .bound = 1000,
            .note = note});
}

static void report_load(const struct latency *lat, double seconds)
{
    char note[NOTE_LEN];

    snprintf(note, sizeof(note),
            "floor: 70 %% of what %.0f cycles each allow, as at the beginning; fewer when the machine became slower",
            lat->ping_cost);
    bench_report(&(struct bench_figure){.name = "mixed.latency.pings",
            .value = (lat->ping_cnt - lat->warm.pings) / seconds,
            .floor = LOAD * lat->hz / lat->ping_cost,
            .unit = "PINGs/s",
            .note = note});
    bench_report(&(struct bench_figure){.name = "mixed.latency.handshakes",
            .value = (double)(handshakes(lat) - lat->warm.handshakes) / seconds,
            .floor = HANDSHAKES_S,
            .unit = "handshakes/s",
            .note = "completed beside the PINGs; floor: as many as came"});
}

static void report_all(const struct latency *lat, double seconds)
{
    static const double q[3] = {0.5, 0.99, 0.999};
    struct quantile out[3];
    char note[NOTE_LEN];

    quantiles(lat, q, out, 3);
    report("mixed.latency.p50", &out[0], BENCH_REPORTED);
    report("mixed.latency.p99", &out[1], BENCH_REPORTED);
    report("mixed.latency", &out[2], BENCH_VALUE_MAX);
    report_load(lat, seconds);
    snprintf(note, sizeof(note), "without an answer; a queue of %d frames; %u turns were interrupted", QUEUE_LEN,
            lat->interrupted);
    bench_report(&(struct bench_figure){.name = "mixed.latency.lost",
            .value = lat->ping_cnt - lat->pong_cnt - lat->warm.lost,
            .unit = "PINGs",
            .goal = BENCH_VALUE_MAX,
            .note = note});
}

static void run_mixed(void)
{
    static struct latency lat;
    double seconds = SECONDS / bench_scale(1, 60);

    lat = (struct latency){.hz = bench_tsc_hz()};
    lat.rig = rig_new(&(struct rig_config){.node = {.handshake_timeout_ns = 30 * XORD_NS_PER_S}});
    lat.node = lat.rig->engine->workers[0].node;
    lat.guests = guests_new(lat.rig, (uint32_t)(HANDSHAKES_S * seconds * 1.2) + 16);
    lat.came = calloc(PINGS_MAX, sizeof(double));
    lat.service = calloc(PINGS_MAX, sizeof(double));
    BENCH_CHECK(lat.came && lat.service);
    rig_sessions_put(lat.rig, 0, CLIENTS);
    while (xord_ephemerals_missing(lat.node->ephemerals) > 0)
        xord_ephemerals_add(lat.node->ephemerals);
    stamps_install(lat.rig);
    lat.last_real = (double)bench_cycles();
    lat.ping_cost = lat.ping_cost_now = calibrate(&lat);
    lat.interrupted = 0;
    lat.guest_gap = lat.hz / HANDSHAKES_S;
    run_for(&lat, seconds / 10 * lat.hz, seconds * lat.hz);
    lat.rig->engine->cfg.port->ops = stamps.real;
    report_all(&lat, seconds);
    guests_free(lat.guests);
    rig_free(lat.rig);
    free(lat.came);
    free(lat.service);
}

const struct bench bench_latency[] = {
        {"mixed.latency", run_mixed},
        {NULL, NULL},
};
