/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker loop: one thread, one shard. No lock, no log line; system calls only where the port is the kernel's. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_pause.h>

#include "engine_private.h"

#define MAILS_A_TURN 64
#define POLL_NS      (1 * XORD_NS_PER_MS)
#define IDLE_SPINS   200 /* empty turns before a worker that may sleep does */
#define SLEEP_MAX_NS (100 * XORD_NS_PER_MS)
#define MAILBOX_LEN  4096

/* ---- what the shard asks of us ---- */

static bool io_tx_alloc(void *ctx, struct xord_tx *tx)
{
    struct worker *worker = ctx;
    struct xord_port *port = worker->engine->cfg.port;

    return port->ops->tx_alloc(port, worker->shard, tx);
}

static void io_tx_send(void *ctx, const struct xord_tx *txs, size_t cnt)
{
    struct worker *worker = ctx;
    struct xord_port *port = worker->engine->cfg.port;

    port->ops->tx_put(port, worker->shard, txs, (uint16_t)cnt, worker->now_ns);
}

static uint16_t io_shard_of(void *ctx, uint32_t local, const struct xord_endpoint *ep)
{
    const struct worker *worker = ctx;

    return xord_engine_shard_of(worker->engine, local, ep);
}

static struct xord_mail *io_mail_alloc(void *ctx)
{
    struct worker *worker = ctx;

    return pool_get(&worker->engine->mails);
}

static void io_mail_free(void *ctx, struct xord_mail *mail)
{
    struct worker *worker = ctx;

    pool_put(&worker->engine->mails, mail);
}

static void io_mail_send(void *ctx, uint16_t to, struct xord_mail *mail)
{
    struct worker *worker = ctx;

    if (to == XORD_GUEST) {
        if (worker->guest)
            worker->engine->cfg.guest_ops->reply(worker->guest, mail, worker->seen_ns);
        pool_put(&worker->engine->mails, mail);
        return;
    }
    if (engine_deliver(worker->engine, to, mail))
        return;
    xord_counter_add(xord_node_counters_mut(worker->node), XORD_CNT_mail_dropped, 1);
    pool_put(&worker->engine->mails, mail);
}

static void io_view(void *ctx, uint32_t host, struct xord_table_view *view)
{
    struct worker *worker = ctx;
    uint16_t cnt = worker->engine->cfg.worker_cnt;
    const struct xord_table_snapshot **row = worker->views + (size_t)host * cnt;

    for (uint16_t shard = 0; shard < cnt; shard++)
        row[shard] = atomic_load_explicit(&worker->engine->workers[shard].snaps[host].published, memory_order_acquire);
    *view = (struct xord_table_view){.snaps = row, .snap_cnt = cnt, .own = worker->shard};
}

static struct xord_table_snapshot *io_snap_take(void *ctx, uint32_t host)
{
    struct worker *worker = ctx;

    return snapshots_take(&worker->snaps[host], worker->readers);
}

static void io_snap_publish(void *ctx, uint32_t host, struct xord_table_snapshot *snap)
{
    struct worker *worker = ctx;

    snapshots_publish(&worker->snaps[host], worker->readers, snap);
}

/* ---- life cycle ---- */

int worker_init(struct xord_engine *engine, struct worker *worker, uint16_t shard)
{
    struct xord_node_config cfg = engine->cfg.node;
    uint32_t hosts = cfg.host_cnt ? cfg.host_cnt : 1;

    worker->engine = engine;
    worker->shard = shard;
    worker->now_ns = worker->seen_ns = xord_now_ns();
    atomic_init(&worker->turned_ns, worker->now_ns);
    worker->guest = engine->cfg.guest_ops ? engine->cfg.guests[shard] : NULL;
    worker->mailbox = ring_new(MAILBOX_LEN, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
    worker->readers = readers_new(engine->cfg.worker_cnt);
    worker->snaps = calloc(hosts, sizeof(*worker->snaps));
    worker->views = calloc((size_t)hosts * engine->cfg.worker_cnt, sizeof(*worker->views));
    if (!worker->mailbox || !worker->readers || !worker->snaps || !worker->views)
        return XORD_ENOMEM;
    for (uint32_t i = 0; i < cfg.host_cnt; i++)
        if (snapshots_init(&worker->snaps[i]))
            return XORD_ENOMEM;
    cfg.shard = shard;
    cfg.shard_cnt = engine->cfg.worker_cnt;
    xord_random_kernel(cfg.seed32, sizeof(cfg.seed32));
    worker->io = (struct xord_node_io){
            .ctx = worker,
            .tx_alloc = io_tx_alloc,
            .tx_send = io_tx_send,
            .shard_of = io_shard_of,
            .mail_alloc = io_mail_alloc,
            .mail_send = io_mail_send,
            .mail_free = io_mail_free,
            .view = io_view,
            .snap_take = io_snap_take,
            .snap_publish = io_snap_publish,
    };
    cfg.io = worker->io;
    worker->node = xord_node_new(&cfg, worker->now_ns);
    return worker->node ? 0 : XORD_ENOMEM;
}

void worker_free(struct worker *worker)
{
    uint32_t hosts = worker->engine ? worker->engine->cfg.node.host_cnt : 0;

    xord_node_free(worker->node);
    for (uint32_t i = 0; worker->snaps && i < hosts; i++)
        snapshots_free(&worker->snaps[i]);
    free(worker->readers);
    free(worker->snaps);
    free(worker->views);
    free(worker->mailbox);
}

void worker_wake(struct worker *worker)
{
    struct xord_port *port = worker->engine->cfg.port;

    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&worker->asleep, memory_order_relaxed) &&
            atomic_exchange_explicit(&worker->asleep, 0, memory_order_relaxed))
        port->ops->wake(port, worker->shard);
}

/* ---- reading the snapshots of all shards ---- */

static void readers_register(struct worker *worker)
{
    for (uint16_t s = 0; s < worker->engine->cfg.worker_cnt; s++)
        (void)rte_rcu_qsbr_thread_register(worker->engine->workers[s].readers, worker->shard);
}

static void reading_begins(struct worker *worker)
{
    for (uint16_t s = 0; s < worker->engine->cfg.worker_cnt; s++)
        rte_rcu_qsbr_thread_online(worker->engine->workers[s].readers, worker->shard);
}

/* No snapshot is held between two turns. */
static void reading_pauses(struct worker *worker)
{
    for (uint16_t s = 0; s < worker->engine->cfg.worker_cnt; s++)
        rte_rcu_qsbr_quiescent(worker->engine->workers[s].readers, worker->shard);
}

static void reading_ends(struct worker *worker)
{
    for (uint16_t s = 0; s < worker->engine->cfg.worker_cnt; s++)
        rte_rcu_qsbr_thread_offline(worker->engine->workers[s].readers, worker->shard);
}

/* ---- the loop ---- */

/* The shard that a datagram is for. The device's hash is over the address that it was sent to; an identity at several addresses
 * has one shard for a peer, whichever of them that is. */
static uint16_t owner_of(const struct worker *worker, const struct xord_pkt *pkt, uint32_t local)
{
    const struct xord_engine *engine = worker->engine;
    int family = !xord_endpoint_is_v4(&pkt->src);

    if (engine->cfg.worker_cnt == 1)
        return 0;
    if (pkt->has_hash && !engine->cfg.port->any_dst[family] && !engine->cfg.node.locals->all[local].any[family])
        return xord_steer_shard(engine->cfg.port->reta, pkt->hash);
    return xord_engine_shard_of(engine, local, &pkt->src);
}

static struct parcels *parcels_to(const struct worker *worker, uint16_t owner)
{
    return &worker->engine->parcels[worker->shard * worker->engine->cfg.worker_cnt + owner];
}

/* Without showing it to the owner yet. */
static bool hand_over(struct worker *worker, uint16_t owner, const struct xord_dgram *dgram)
{
    struct xord_counters *counters = xord_node_counters_mut(worker->node);

    if (dgram->len > XORD_PACKET_MAX_LEN) { /* the owner would drop it for the same reason */
        xord_counter_add(counters, XORD_CNT_drop_size, 1);
        return false;
    }
    if (parcels_put(parcels_to(worker, owner), dgram))
        return true;
    xord_counter_add(counters, XORD_CNT_steer_dropped, 1);
    return false;
}

/* Shows the owners what they have got: bit w of `owners` is worker w. */
static void hand_over_end(struct worker *worker, uint64_t owners)
{
    for (; owners; owners &= owners - 1) {
        uint16_t owner = (uint16_t)__builtin_ctzll(owners);

        xord_counter_add(xord_node_counters_mut(worker->node), XORD_CNT_steer_out,
                parcels_publish(parcels_to(worker, owner)));
        worker_wake(&worker->engine->workers[owner]);
    }
}
_Static_assert(XORD_ENGINE_MAX_WORKERS <= 64, "a bit for each worker");

/* Field by field, in its place: a whole made beside and copied would wait for the stores that made it. */
static void dgram_fill(const struct worker *worker, struct xord_dgram *dgram, const struct xord_pkt *pkt)
{
    dgram->data = pkt->data;
    dgram->buf = pkt->buf;
    dgram->len = pkt->len;
    dgram->local = xord_locals_find(worker->engine->cfg.node.locals, &pkt->dst);
    dgram->peer = pkt->src;
    dgram->dst = pkt->dst;
}

/* A guest measures: it wants to know when datagrams were there, not when the turn began that has fetched them. */
static void guest_sees(struct worker *worker)
{
    if (worker->guest)
        worker->seen_ns = xord_now_ns();
}

/* Takes out what is the guest's; returns how many are left. */
static uint16_t guest_takes(struct worker *worker, struct xord_dgram *burst, uint16_t n)
{
    const struct xord_guest_ops *ops = worker->engine->cfg.guest_ops;
    uint16_t left = 0;

    if (!worker->guest || !ops->rx)
        return n;
    for (uint16_t i = 0; i < n; i++)
        if (!ops->rx(worker->guest, &burst[i], worker->seen_ns))
            burst[left++] = burst[i];
    return left;
}

static enum xord_load load_of(unsigned n, unsigned full)
{
    if (n == 0)
        return XORD_LOAD_NONE;
    return n < full ? XORD_LOAD_SOME : XORD_LOAD_FULL;
}

/* Takes in a burst: what is ours goes to the shard, the rest to its owners. They get theirs first, to be at work meanwhile. */
static enum xord_load turn_port(struct worker *worker)
{
    struct xord_port *port = worker->engine->cfg.port;
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_dgram own[XORD_PORT_BURST];
    uint16_t n = port->ops->rx_burst(port, worker->shard, pkts, XORD_PORT_BURST, worker->now_ns);
    uint16_t own_cnt = 0;
    uint64_t owners = 0;

    guest_sees(worker);
    for (uint16_t i = 0; i < n; i++) {
        uint16_t owner;

        dgram_fill(worker, &own[own_cnt], &pkts[i]);
        if (own[own_cnt].local == XORD_LOCAL_NONE) {
            xord_counter_add(xord_node_counters_mut(worker->node), XORD_CNT_drop_no_identity, 1);
            continue;
        }
        owner = owner_of(worker, &pkts[i], own[own_cnt].local);
        if (owner == worker->shard)
            own_cnt++;
        else if (hand_over(worker, owner, &own[own_cnt]))
            owners |= 1ULL << owner;
    }
    hand_over_end(worker, owners);
    own_cnt = guest_takes(worker, own, own_cnt);
    if (own_cnt > 0)
        xord_node_rx(worker->node, own, own_cnt, worker->now_ns);
    return port->ops->load ? port->ops->load(port, worker->shard) : load_of(n, XORD_PORT_BURST);
}

static struct parcels *parcels_from(const struct worker *worker, uint16_t from)
{
    return &worker->engine->parcels[from * worker->engine->cfg.worker_cnt + worker->shard];
}

/* One burst of what the others have handed over, of each as much as fits; another one goes first each time. */
static enum xord_load turn_parcels(struct worker *worker)
{
    uint16_t cnt = worker->engine->cfg.worker_cnt;
    uint32_t taken[XORD_ENGINE_MAX_WORKERS] = {0}, n = 0;
    struct xord_dgram burst[XORD_BURST_MAX];

    worker->parcels_turn = (uint16_t)((worker->parcels_turn + 1) % cnt);
    for (uint16_t i = 0; i < cnt && n < XORD_BURST_MAX; i++) {
        uint16_t from = (uint16_t)((worker->parcels_turn + i) % cnt);

        if (from == worker->shard)
            continue;
        taken[from] = parcels_peek(parcels_from(worker, from), burst + n, XORD_BURST_MAX - n);
        n += taken[from];
    }
    if (n == 0)
        return XORD_LOAD_NONE;
    xord_counter_add(xord_node_counters_mut(worker->node), XORD_CNT_steer_in, n);
    xord_node_rx(worker->node, burst, guest_takes(worker, burst, (uint16_t)n), worker->now_ns);
    for (uint16_t from = 0; from < cnt; from++)
        if (taken[from] > 0)
            parcels_release(parcels_from(worker, from), taken[from]);
    return load_of(n, XORD_BURST_MAX);
}

bool worker_has_parcels(const struct worker *worker)
{
    for (uint16_t from = 0; from < worker->engine->cfg.worker_cnt; from++)
        if (from != worker->shard && !parcels_is_empty(parcels_from(worker, from)))
            return true;
    return false;
}

static enum xord_load turn_mail(struct worker *worker)
{
    struct xord_mail *mails[MAILS_A_TURN];
    unsigned n = ring_take(worker->mailbox, (void **)mails, MAILS_A_TURN);

    for (unsigned i = 0; i < n; i++) {
        xord_node_mail(worker->node, mails[i], worker->now_ns);
        pool_put(&worker->engine->mails, mails[i]);
    }
    return n > 0 ? XORD_LOAD_SOME : XORD_LOAD_NONE;
}

static enum xord_load more(enum xord_load a, enum xord_load b)
{
    return a > b ? a : b;
}

/* What was answered does not wait for what is slow. */
static void turn_work(struct worker *worker, enum xord_load load)
{
    struct xord_port *port = worker->engine->cfg.port;
    bool has_work = xord_node_has_work(worker->node, load);
    uint64_t start_ns;

    if (load != XORD_LOAD_NONE && has_work)
        port->ops->tx_burst(port, worker->shard);
    start_ns = has_work ? xord_now_ns() : worker->now_ns;
    xord_node_work(worker->node, load, worker->now_ns);
    if (has_work)
        xord_node_work_took(worker->node, xord_now_ns() - start_ns);
}

static void publish_sizes(struct worker *worker)
{
    struct xord_port *port = worker->engine->cfg.port;
    struct xord_node_sizes sizes;

    if (port->ops->count)
        port->ops->count(port, worker->shard, xord_node_counters_mut(worker->node));
    xord_node_sizes(worker->node, &sizes);
    atomic_store_explicit(&worker->sessions, sizes.sessions, memory_order_relaxed);
    atomic_store_explicit(&worker->requests, sizes.requests, memory_order_relaxed);
    atomic_store_explicit(&worker->lane, sizes.lane, memory_order_relaxed);
    atomic_store_explicit(&worker->table, sizes.table, memory_order_relaxed);
    atomic_store_explicit(&worker->table_live, sizes.table_live, memory_order_relaxed);
    atomic_store_explicit(&worker->turned_ns, worker->now_ns, memory_order_relaxed);
}

static enum xord_load turn_guest(struct worker *worker)
{
    if (!worker->guest)
        return XORD_LOAD_NONE;
    return worker->engine->cfg.guest_ops->turn(worker->guest, worker->node, &worker->io, worker->now_ns)
                   ? XORD_LOAD_SOME
                   : XORD_LOAD_NONE;
}

static uint64_t due_ns(const struct worker *worker)
{
    uint64_t due = xord_node_next_ns(worker->node), guest;

    if (xord_node_has_work(worker->node, XORD_LOAD_NONE))
        return worker->now_ns;
    if (!worker->guest)
        return due;
    guest = worker->engine->cfg.guest_ops->next_ns(worker->guest);
    return guest < due ? guest : due;
}

/* Sleeps until something is due. Whoever hands us work looks at `asleep` after enqueuing, we look at the rings after setting
 * it: one of us sees the other. */
static void sleep_until(struct worker *worker, uint64_t until_ns)
{
    struct xord_engine *engine = worker->engine;
    struct xord_port *port = engine->cfg.port;
    uint64_t timeout = until_ns > worker->now_ns ? until_ns - worker->now_ns : 0;

    if (timeout > SLEEP_MAX_NS)
        timeout = SLEEP_MAX_NS;
    reading_ends(worker);
    atomic_store_explicit(&worker->asleep, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (timeout > 0 && rte_ring_empty(worker->mailbox) && !worker_has_parcels(worker) &&
            !atomic_load_explicit(&engine->stop, memory_order_relaxed))
        port->ops->wait(port, worker->shard, timeout);
    atomic_store_explicit(&worker->asleep, 0, memory_order_relaxed);
    reading_begins(worker);
}

static void pin(const struct worker *worker)
{
    cpu_set_t set;

    if (worker->cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(worker->cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

bool worker_turn(struct worker *worker)
{
    struct xord_engine *engine = worker->engine;
    struct xord_port *port = engine->cfg.port;
    const struct xord_counters *counters = xord_node_counters(worker->node);
    uint64_t before = xord_counter_get(counters, XORD_CNT_rx_packets);
    enum xord_load load;

    worker->now_ns = xord_now_ns();
    load = turn_port(worker);
    load = more(load, turn_parcels(worker));
    load = more(load, turn_mail(worker));
    load = more(load, turn_guest(worker));
    turn_work(worker, load);
    if (worker->now_ns - worker->polled_ns >= POLL_NS) {
        xord_node_poll(worker->node, worker->now_ns);
        worker->polled_ns = worker->now_ns;
        publish_sizes(worker);
    } else if (xord_node_next_ns(worker->node) <= worker->now_ns) {
        xord_node_poll(worker->node, worker->now_ns);
    }
    port->ops->tx_burst(port, worker->shard);
    if (xord_counter_get(counters, XORD_CNT_rx_packets) != before)
        xord_timing_add(xord_node_timing_mut(worker->node, XORD_TIMING_service), xord_now_ns() - worker->now_ns,
                xord_counter_get(counters, XORD_CNT_rx_packets) - before);
    reading_pauses(worker);
    return load != XORD_LOAD_NONE;
}

void worker_begin(struct worker *worker)
{
    readers_register(worker);
    reading_begins(worker);
}

void worker_end(struct worker *worker)
{
    reading_ends(worker);
}

void *worker_main(void *arg)
{
    struct worker *worker = arg;
    const struct xord_engine *engine = worker->engine;
    uint32_t idle = 0;

    pin(worker);
    worker_begin(worker);
    while (!atomic_load_explicit(&engine->stop, memory_order_relaxed)) {
        idle = worker_turn(worker) ? 0 : idle + 1;
        if (idle < IDLE_SPINS)
            continue;
        if (engine->cfg.idle == XORD_IDLE_SLEEP)
            sleep_until(worker, due_ns(worker));
        else
            rte_pause();
    }
    worker_end(worker);
    return NULL;
}
