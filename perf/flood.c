/* SPDX-License-Identifier: BSD-3-Clause */
/* What established sessions get while hostile packets come, ten to one of theirs, in the same bursts; and what each of those
 * costs. A round measures in turn: full bursts of PINGs alone; PINGs among hostile packets; hostile packets as far as the
 * L2-L4 stack, which is their bare cost. Turns in which the handshake lane does something are measured apart. */
#include "flood.h"

#include <string.h>

#define ALONE          (8 * FLOOD_GOOD)
#define WARM_UP        24 /* rounds: until every mbuf and every set of the challenge store was used */
#define ROUNDS_MAX     200
#define NOTE_LEN       400
#define SUSTAINED_MS   50
#define LANE_TURNS_MAX 1024

/* ---- PINGs ---- */

struct pings {
    uint64_t first_id;
    uint32_t cnt;
    bool answered[ALONE];
};

static void pings_make(struct flood *flood, struct pings *pings, struct rte_mbuf **frames, uint32_t cnt)
{
    static const struct xord_message ping = {.type = XORD_MSG_PING, .ping = {300}};
    uint32_t clients[XORD_BURST_MAX];

    *pings = (struct pings){.first_id = flood->next_id, .cnt = cnt};
    for (uint32_t i = 0; i < XORD_BURST_MAX; i++)
        clients[i] = i % FLOOD_CLIENTS;
    for (uint32_t i = 0; i < cnt; i += XORD_BURST_MAX)
        rig_requests(flood->rig, frames + i, clients, XORD_BURST_MAX, &ping, flood->next_id + i);
    flood->next_id += cnt;
}

/* Is it the PONG to one of these? */
static bool ping_answered(const struct flood *flood, struct pings *pings, const struct rig_reply *reply)
{
    struct rig_client client = rig_client(reply->client);
    uint64_t number;

    if (reply->kind != RIG_MESSAGE || reply->msg.type != XORD_MSG_PONG)
        return false;
    number = rig_id_of(&reply->msg.request_id) - pings->first_id;
    if (number >= pings->cnt)
        return false;
    BENCH_CHECK(reply->client == number % FLOOD_CLIENTS && !pings->answered[number]);
    BENCH_CHECK(reply->msg.pong.enr_seq == flood->rig->locals->all[0].enr.seq);
    BENCH_CHECK(memcmp(reply->msg.pong.ip16, client.ep.ip16, 16) == 0 && reply->msg.pong.port == client.ep.port);
    pings->answered[number] = true;
    return true;
}

/* Takes all that was sent; how many PINGs have no answer. */
static uint32_t pings_lost(struct flood *flood, struct pings *pings, const struct flood_kind *kind)
{
    static struct rig_reply reply;
    struct rte_mbuf *frames[XORD_BURST_MAX];
    uint32_t n, lost = pings->cnt;

    flood->answer_cnt = 0;
    while ((n = rig_take(flood->rig, 0, frames, XORD_BURST_MAX)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            rig_open(flood->rig, &reply, frames[i]);
            if (ping_answered(flood, pings, &reply))
                lost--;
            else if (kind)
                kind->answer(flood, &reply);
        }
    return lost;
}

/* ---- turns ---- */

static struct worker *worker_of(const struct flood *flood)
{
    return &flood->rig->engine->workers[0];
}

void flood_counts_begin(struct flood *flood)
{
    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        flood->before[id] = xord_counter_get(xord_node_counters(flood->node), (enum xord_counter_id)id);
}

static uint64_t operations(const struct flood *flood)
{
    return xord_counter_get(xord_node_counters(flood->node), XORD_CNT_curve_operations);
}

/* Cycles of the turns that take in all that was put. Those in which the lane has worked count as the others do, if there are
 * any others. */
static double turns(struct flood *flood)
{
    uint64_t quiet = 0, all = 0;
    uint32_t quiet_cnt = 0, cnt = 0;

    do {
        uint64_t before = operations(flood), start = bench_cycles(), took;

        (void)worker_turn(worker_of(flood));
        took = bench_cycles() - start;
        all += took;
        cnt++;
        if (operations(flood) != before)
            continue;
        quiet += took;
        quiet_cnt++;
    } while (!rte_ring_empty(flood->rig->in[0]));
    return quiet_cnt ? (double)quiet * cnt / quiet_cnt : (double)all;
}

/* Until the lane is empty: cycles a handshake that it has judged; 0: none. That takes so long that some turns are disturbed. */
static double lane_turns(struct flood *flood)
{
    static double took[LANE_TURNS_MAX];
    uint32_t jobs = lane_cnt(flood->node), cnt = 0;

    while (lane_cnt(flood->node) > 0) {
        uint64_t start = bench_cycles();

        (void)worker_turn(worker_of(flood));
        BENCH_CHECK(cnt < LANE_TURNS_MAX);
        took[cnt++] = (double)(bench_cycles() - start);
    }
    return cnt ? bench_quantile(took, cnt, BENCH_QUIET) * cnt / jobs : 0;
}

/* As far as the port hands over datagrams. */
static double stack_turns(struct flood *flood)
{
    struct xord_port *port = flood->rig->engine->cfg.port;
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint64_t now_ns = xord_now_ns(), start = bench_cycles();

    while (!rte_ring_empty(flood->rig->in[0]))
        (void)port->ops->rx_burst(port, 0, pkts, XORD_PORT_BURST, now_ns);
    return (double)(bench_cycles() - start);
}

/* ---- rounds ---- */

static void shuffle(struct rig *rig, struct rte_mbuf **frames, uint32_t cnt)
{
    for (uint32_t i = cnt; i > 1; i--) {
        uint32_t j = (uint32_t)xord_rng_below(&rig->rng, i);
        struct rte_mbuf *frame = frames[i - 1];

        frames[i - 1] = frames[j];
        frames[j] = frame;
    }
}

/* Cycles a PING. */
static double round_alone(struct flood *flood)
{
    struct rte_mbuf *frames[ALONE];
    struct pings pings;
    double cycles;

    pings_make(flood, &pings, frames, ALONE);
    rig_put(flood->rig, 0, frames, ALONE);
    cycles = turns(flood);
    BENCH_CHECK(pings_lost(flood, &pings, NULL) == 0);
    return cycles / ALONE;
}

static void round_put(struct flood *flood, const struct flood_kind *kind, struct pings *pings)
{
    struct rte_mbuf *frames[FLOOD_HOSTILE + FLOOD_GOOD];

    if (kind->prepare)
        kind->prepare(flood);
    kind->make(flood, frames);
    pings_make(flood, pings, frames + FLOOD_HOSTILE, FLOOD_GOOD);
    shuffle(flood->rig, frames, FLOOD_HOSTILE + FLOOD_GOOD);
    rig_put(flood->rig, 0, frames, FLOOD_HOSTILE + FLOOD_GOOD);
}

/* Cycles of all together; every PING is answered, and every hostile packet gets what it should. */
static double round_flooded(struct flood *flood, const struct flood_kind *kind, double *lane)
{
    struct pings pings;
    double cycles;

    round_put(flood, kind, &pings);
    flood_counts_begin(flood);
    cycles = turns(flood);
    *lane = lane_turns(flood);
    BENCH_CHECK(pings_lost(flood, &pings, kind) == 0);
    kind->check(flood);
    return cycles;
}

static void replies_drop(struct rig *rig)
{
    struct rte_mbuf *frames[XORD_BURST_MAX];

    while (!rte_ring_empty(rig->out[0]))
        rte_pktmbuf_free_bulk(frames, rig_take(rig, 0, frames, XORD_BURST_MAX));
}

/* What the lane has of the worker's time while more waits all the time: of so many cycles of turns, those beyond what turns
 * without it take. For the lane no time passes while the bench makes the next round. */
static double lane_share(struct flood *flood, const struct flood_kind *kind, double cycles)
{
    struct lane *lane = &flood->node->lane;
    double all = 0, quiet = 0;
    uint32_t cnt = 0, quiet_cnt = 0;
    struct pings pings;

    lane->full_ns = xord_now_ns();
    while (all < cycles) {
        uint64_t start_ns = xord_now_ns(), share_ns = lane->share_ns, full_ns = lane->full_ns, turn_ns = lane->turn_ns;

        round_put(flood, kind, &pings);
        lane->share_ns = share_ns;
        lane->turn_ns = turn_ns + (xord_now_ns() - start_ns);
        lane->full_ns = full_ns + (xord_now_ns() - start_ns);
        while (rte_ring_count(flood->rig->in[0]) > XORD_PORT_BURST) {
            uint64_t before = operations(flood), start = bench_cycles();
            double took;

            (void)worker_turn(worker_of(flood));
            took = (double)(bench_cycles() - start);
            all += took;
            cnt++;
            quiet += operations(flood) == before ? took : 0;
            quiet_cnt += operations(flood) == before;
        }
        BENCH_CHECK(quiet_cnt > 0 && lane_cnt(flood->node) > 0);
        replies_drop(flood->rig);
    }
    (void)rig_turn(flood->rig, 0);
    replies_drop(flood->rig);
    (void)lane_turns(flood);
    replies_drop(flood->rig);
    return 1 - quiet / quiet_cnt * cnt / all;
}

/* Cycles a hostile packet. */
static double round_bare(struct flood *flood, const struct flood_kind *kind)
{
    struct rte_mbuf *frames[FLOOD_HOSTILE];

    kind->make(flood, frames);
    rig_put(flood->rig, 0, frames, FLOOD_HOSTILE);
    return stack_turns(flood) / FLOOD_HOSTILE;
}

/* What a forged handshake costs at least: its record, which is right, and its signature. */
static double round_curve(const struct flood *flood, uint32_t i)
{
    const struct flood_peer *peer = &flood->peers[i % FLOOD_CHALLENGED];
    uint8_t sig64[64], hash32[32] = {1};
    struct xord_pubkey key;
    struct xord_enr enr;
    uint64_t start;

    xord_rng_fill(&flood->rig->rng, sig64, sizeof(sig64));
    start = bench_cycles();
    BENCH_CHECK(xord_enr_decode(&enr, peer->enr.raw, peer->enr.len) == 0);
    BENCH_CHECK(xord_enr_verify_key(&enr, &key, flood->rig->curve) == 0);
    BENCH_CHECK(xord_verify(flood->rig->curve, sig64, hash32, &key) == XORD_ESIG);
    return (double)(bench_cycles() - start);
}

/* ---- a flood ---- */

/* Of few rounds the noise can be larger than the difference. */
static double beyond(double whole, double part)
{
    return whole > part ? whole - part : 0;
}

struct result {
    double ping;    /* cycles a PING alone */
    double flooded; /* of a round */
    double bare;    /* cycles a hostile packet */
    double lane;    /* cycles a handshake in the lane */
    double share;   /* the lane's part of the time while bursts stay full */
    double curve;   /* of them its two signatures */
    double rss;     /* by which the process has grown */
    uint32_t lost;  /* sessions */
};

/* So that the process does not grow when a frame happens to be the first to reach some page. */
static void pages_touch(struct rig *rig)
{
    static struct rte_mbuf *frames[RIG_RING_LEN * 4];
    uint32_t n = 0;

    while (n < RIG_RING_LEN * 4 && (frames[n] = rte_pktmbuf_alloc(rig->pool)) != NULL) {
        memset(frames[n]->buf_addr, 1, frames[n]->buf_len);
        n++;
    }
    rte_pktmbuf_free_bulk(frames, n);
}

/* Everybody asks once more under the session that he had: how many get no answer. */
static uint32_t sessions_lost(struct flood *flood)
{
    struct rte_mbuf *frames[FLOOD_CLIENTS];
    struct pings pings;

    pings_make(flood, &pings, frames, FLOOD_CLIENTS);
    rig_put(flood->rig, 0, frames, FLOOD_CLIENTS);
    (void)rig_turn(flood->rig, 0);
    return pings_lost(flood, &pings, NULL);
}

static void rounds(struct flood *flood, const struct flood_kind *kind, struct result *result, uint32_t cnt)
{
    static double ping[ROUNDS_MAX], flooded[ROUNDS_MAX], bare[ROUNDS_MAX], lane[ROUNDS_MAX], curve[ROUNDS_MAX];

    for (uint32_t i = 0; i < cnt; i++) {
        ping[i] = round_alone(flood);
        flooded[i] = round_flooded(flood, kind, &lane[i]);
        bare[i] = round_bare(flood, kind);
        curve[i] = round_curve(flood, i);
    }
    result->ping = bench_quantile(ping, cnt, BENCH_QUIET);
    result->flooded = bench_quantile(flooded, cnt, BENCH_QUIET);
    result->bare = bench_quantile(bare, cnt, BENCH_QUIET);
    result->curve = bench_quantile(curve, cnt, BENCH_QUIET);
    result->lane = bench_quantile(lane, cnt, BENCH_QUIET);
}

static struct result measure(const struct flood_kind *kind)
{
    static struct flood flood;
    struct result result;
    uint32_t session_cnt;
    double rss, lane;

    memset(&flood, 0, sizeof(flood));
    flood.rig = rig_new(&(struct rig_config){.node = {.session_cap = 4096}});
    flood.node = worker_of(&flood)->node;
    pages_touch(flood.rig);
    rig_sessions_put(flood.rig, 0, FLOOD_CLIENTS);
    (void)round_flooded(&flood, &flood_handshake, &lane); /* touches all places in the lane */
    if (kind->begin)
        kind->begin(&flood);
    session_cnt = xord_sessions_cnt(flood.node->sessions);
    rounds(&flood, kind, &result, bench_scale(WARM_UP, 1));
    rss = bench_resident();
    rounds(&flood, kind, &result, bench_scale(kind->prepare ? ROUNDS_MAX / 5 : ROUNDS_MAX, 1));
    result.rss = beyond(bench_resident(), rss);
    result.share = kind->prepare ? lane_share(&flood, kind, bench_scale(SUSTAINED_MS, 2) * bench_tsc_hz() / 1000) : 0;
    result.lost = sessions_lost(&flood);
    if (kind->end)
        kind->end(&flood);
    BENCH_CHECK(xord_sessions_cnt(flood.node->sessions) == session_cnt);
    rig_free(flood.rig);
    return result;
}

/* ---- figures ---- */

static void report_cost(const struct flood_kind *kind, const struct result *result)
{
    double whole = beyond(result->flooded, FLOOD_GOOD * result->ping) / FLOOD_HOSTILE;

    bench_reportf(&(struct bench_figure){.unit = "cycles/packet",
                          .value = beyond(whole, result->bare),
                          .goal = kind->bound > 0 ? BENCH_VALUE_MAX : BENCH_REPORTED,
                          .bound = kind->bound,
                          .note = kind->what},
            "%s", kind->name);
    bench_reportf(&(struct bench_figure){.unit = "cycles/packet",
                          .value = whole,
                          .floor = result->bare,
                          .note = "with its bare cost, the floor: from the ring through the L2-L4 stack, nothing more"},
            "%s.whole", kind->name);
}

static void report_goodput(const struct flood_kind *kind, const struct result *result)
{
    double hz = bench_tsc_hz() * (1 - result->share);
    double whole = FLOOD_GOOD * hz / result->flooded;
    double own = FLOOD_GOOD * result->ping +
                 beyond(result->flooded, FLOOD_GOOD * result->ping + FLOOD_HOSTILE * result->bare);
    char note[NOTE_LEN];

    snprintf(note, sizeof(note),
            "of established sessions, ten hostile packets to a request, without these packets' bare cost (with it "
            "%.0f); "
            "floor: no flood",
            whole);
    bench_reportf(&(struct bench_figure){.unit = "requests/s",
                          .value = FLOOD_GOOD * hz / own,
                          .floor = bench_tsc_hz() / result->ping,
                          .note = note},
            "%s.goodput", kind->name);
}

static void report_lane(const struct flood_kind *kind, const struct result *result)
{
    char note[NOTE_LEN];

    snprintf(note, sizeof(note),
            "floor: its two signatures; all of them get %.1f %% of the worker's time while more waits than it can "
            "serve",
            100 * result->share);
    bench_reportf(&(struct bench_figure){.unit = "cycles/handshake",
                          .value = result->lane,
                          .floor = result->curve,
                          .note = note},
            "%s.lane", kind->name);
}

static void report_harm(const struct flood_kind *kind, const struct result *result)
{
    bench_reportf(&(struct bench_figure){.unit = "sessions", .value = result->lost, .goal = BENCH_VALUE_MAX}, "%s.lost",
            kind->name);
    bench_reportf(&(struct bench_figure){.unit = "bytes", .value = result->rss, .goal = BENCH_VALUE_MAX}, "%s.memory",
            kind->name);
}

static void run(const struct flood_kind *kind)
{
    struct result result = measure(kind);

    report_cost(kind, &result);
    if (kind->prepare)
        report_lane(kind, &result);
    report_goodput(kind, &result);
    report_harm(kind, &result);
}

static void run_junk(void)
{
    run(&flood_junk);
}

static void run_whoareyou(void)
{
    run(&flood_whoareyou);
}

static void run_spoofed(void)
{
    run(&flood_spoofed);
}

static void run_handshake(void)
{
    run(&flood_handshake);
}

static void run_replay(void)
{
    run(&flood_replay);
}

const struct bench bench_flood[] = {
        {"flood.junk", run_junk},
        {"flood.whoareyou", run_whoareyou},
        {"flood.spoofed", run_spoofed},
        {"flood.handshake", run_handshake},
        {"flood.replay", run_replay},
        {NULL, NULL},
};
