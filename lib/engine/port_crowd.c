/* SPDX-License-Identifier: BSD-3-Clause */
/* The port of a crowd: filters what comes in, and lets what goes out wait. */
#include "xord_port_crowd.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"

#define NAT_SETS     4096
#define NAT_WAYS     4
#define NAT_TIME_NS  (1 * XORD_NS_PER_S)
#define NAT_TIME_LEN 24 /* bits of an entry that say when; the rest is of a hash of who */
#define RELEASE_MAX  32 /* delayed datagrams a turn and port burst */

struct worker {
    _Alignas(64) struct xord_path *path;
    uint64_t now_ns;
    uint64_t sent_ns;             /* when what is being put was handed to us */
    enum xord_load load;          /* of the last rx_burst, lost datagrams included */
    _Atomic uint64_t nobody, nat; /* written by the worker, read by stats */
};

struct crowd_port {
    struct xord_port base;
    struct xord_port *under;
    struct xord_port_crowd_config cfg;
    struct worker *workers;
    struct xord_hash_key nat_key;
    uint64_t start_ns;
    /* Holes in the NATs. Shared: a datagram in may come to another worker than the one that sent. */
    _Atomic uint64_t nat[NAT_SETS][NAT_WAYS];
};

static struct crowd_port *self_of(struct xord_port *port)
{
    return (struct crowd_port *)port;
}

static void bump(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- NAT ---- */

static uint64_t nat_hash(const struct crowd_port *self, uint32_t i, const struct xord_endpoint *peer)
{
    uint8_t who[sizeof(*peer) + 4];

    memcpy(who, peer, sizeof(*peer));
    xord_store_be32(who + sizeof(*peer), i);
    return xord_hash64(&self->nat_key, who, sizeof(who));
}

/* From 1, so that no entry is 0. */
static uint64_t nat_time(const struct crowd_port *self, uint64_t now_ns)
{
    return ((now_ns - self->start_ns) / NAT_TIME_NS + 1) & ((1U << NAT_TIME_LEN) - 1);
}

static bool nat_is_open(uint64_t entry, uint64_t now)
{
    uint64_t age = (now - entry) & ((1U << NAT_TIME_LEN) - 1);

    return entry != 0 && age <= XORD_NAT_OPEN_NS / NAT_TIME_NS;
}

static bool same_hash(uint64_t a, uint64_t b)
{
    return a >> NAT_TIME_LEN == b >> NAT_TIME_LEN;
}

static bool nat_lets_in(struct crowd_port *self, uint32_t i, const struct xord_endpoint *peer, uint64_t now_ns)
{
    uint64_t hash = nat_hash(self, i, peer), now = nat_time(self, now_ns);

    for (int way = 0; way < NAT_WAYS; way++) {
        uint64_t entry = atomic_load_explicit(&self->nat[hash % NAT_SETS][way], memory_order_relaxed);

        if (same_hash(entry, hash) && nat_is_open(entry, now))
            return true;
    }
    return false;
}

/* Into the hole of the same two, or a closed one, or whichever is next: a race of two workers costs one of them its hole. */
static void nat_open(struct crowd_port *self, uint32_t i, const struct xord_endpoint *peer, uint64_t now_ns)
{
    uint64_t hash = nat_hash(self, i, peer), now = nat_time(self, now_ns);
    _Atomic uint64_t *set = self->nat[hash % NAT_SETS], *pick = &set[now % NAT_WAYS];

    for (int way = 0; way < NAT_WAYS; way++) {
        uint64_t entry = atomic_load_explicit(&set[way], memory_order_relaxed);

        if (!nat_is_open(entry, now))
            pick = &set[way];
        if (same_hash(entry, hash)) {
            pick = &set[way];
            break;
        }
    }
    atomic_store_explicit(pick, hash >> NAT_TIME_LEN << NAT_TIME_LEN | now, memory_order_relaxed);
}

/* ---- in ---- */

/* Does a datagram get to its node? Its destination is then the node's first address. */
static bool arrives(struct crowd_port *self, struct worker *worker, struct xord_pkt *pkt)
{
    struct xord_crowd *crowd = self->cfg.crowd;
    uint32_t i = xord_crowd_at(crowd, &pkt->dst, worker->now_ns);
    struct xord_endpoint first;

    if (i == XORD_CROWD_NONE) {
        bump(&worker->nobody);
        return false;
    }
    if (xord_path_loses(worker->path))
        return false;
    if (xord_crowd_kind(crowd, i) == XORD_CROWD_NAT && !nat_lets_in(self, i, &pkt->src, worker->now_ns)) {
        bump(&worker->nat);
        return false;
    }
    first = xord_crowd_endpoint(crowd, i, 0);
    if (!xord_endpoint_equal(&first, &pkt->dst)) {
        pkt->dst = first;
        pkt->has_hash = false; /* it was over the other address */
    }
    return true;
}

static uint16_t crowd_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max, uint64_t now_ns)
{
    struct crowd_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    uint16_t n, kept = 0;

    worker->now_ns = now_ns;
    n = self->under->ops->rx_burst(self->under, w, pkts, max, now_ns);
    worker->load = n == 0 ? XORD_LOAD_NONE : n < max ? XORD_LOAD_SOME : XORD_LOAD_FULL;
    for (uint16_t p = 0; p < n; p++) {
        if (!arrives(self, worker, &pkts[p]))
            continue;
        if (kept != p)
            pkts[kept] = pkts[p];
        kept++;
    }
    return kept;
}

static enum xord_load crowd_load(struct xord_port *port, uint16_t w)
{
    struct crowd_port *self = self_of(port);
    const struct xord_port_ops *ops = self->under->ops;

    return ops->load ? ops->load(self->under, w) : self->workers[w].load;
}

/* ---- out ---- */

static bool crowd_tx_alloc(struct xord_port *port, uint16_t w, struct xord_tx *tx)
{
    struct crowd_port *self = self_of(port);

    return self->under->ops->tx_alloc(self->under, w, tx);
}

/* True: it may go out at once. */
static bool departs(struct crowd_port *self, struct worker *worker, struct xord_tx *tx)
{
    struct xord_crowd *crowd = self->cfg.crowd;
    uint32_t i = xord_crowd_owner(crowd, &tx->src);
    uint64_t delay_ns;

    if (i == XORD_CROWD_NONE)
        return true;
    if (xord_crowd_kind(crowd, i) == XORD_CROWD_NAT)
        nat_open(self, i, &tx->dst, worker->now_ns);
    if (xord_path_loses(worker->path))
        return false;
    tx->src = xord_crowd_endpoint(crowd, i, xord_crowd_version(crowd, i, worker->now_ns));
    delay_ns = xord_path_delay_ns(worker->path, i);
    if (xord_crowd_kind(crowd, i) == XORD_CROWD_SLOW &&
            tx->len > XORD_CHALLENGE_DATA_LEN) /* its challenges come in time */
        delay_ns += self->cfg.slow_ns;
    if (delay_ns == 0)
        return true;
    xord_path_put(worker->path, &tx->src, &tx->dst, tx->data, tx->len, worker->sent_ns + delay_ns);
    return false;
}

static void crowd_tx_put(struct xord_port *port, uint16_t w, const struct xord_tx *txs, uint16_t cnt, uint64_t now_ns)
{
    struct crowd_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    struct xord_tx now[XORD_BURST_MAX];
    uint16_t n = 0;

    worker->now_ns = now_ns;
    worker->sent_ns = self->cfg.clock && cnt > 0 ? self->cfg.clock() : now_ns;
    for (uint16_t t = 0; t < cnt; t++) {
        now[n] = txs[t];
        n += departs(self, worker, &now[n]);
    }
    self->under->ops->tx_put(self->under, w, now, n, now_ns); /* even of none: it takes back the other buffers */
}

/* A burst of what has waited long enough; returns how many. */
static uint16_t release(struct crowd_port *self, struct worker *worker, uint16_t w)
{
    struct xord_path_dgram dgram;
    struct xord_tx txs[RELEASE_MAX];
    uint16_t n = 0;

    while (n < RELEASE_MAX && xord_path_take(worker->path, &dgram, worker->now_ns)) {
        if (!self->under->ops->tx_alloc(self->under, w, &txs[n]))
            break;
        memcpy(txs[n].data, dgram.data, dgram.len);
        txs[n].len = dgram.len;
        txs[n].src = dgram.src;
        txs[n].dst = dgram.dst;
        n++;
    }
    if (n > 0)
        self->under->ops->tx_put(self->under, w, txs, n, worker->now_ns);
    return n;
}

static void crowd_tx_burst(struct xord_port *port, uint16_t w)
{
    struct crowd_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    uint16_t n;

    do {
        n = release(self, worker, w);
        self->under->ops->tx_burst(self->under, w);
    } while (n == RELEASE_MAX);
}

/* ---- the rest ---- */

static void crowd_wait(struct xord_port *port, uint16_t w, uint64_t timeout_ns)
{
    struct crowd_port *self = self_of(port);
    const struct worker *worker = &self->workers[w];
    uint64_t next_ns = xord_path_next_ns(worker->path);
    uint64_t left_ns = next_ns > worker->now_ns ? next_ns - worker->now_ns : 0;

    if (left_ns > 0)
        self->under->ops->wait(self->under, w, left_ns < timeout_ns ? left_ns : timeout_ns);
}

static void crowd_wake(struct xord_port *port, uint16_t w)
{
    struct crowd_port *self = self_of(port);

    self->under->ops->wake(self->under, w);
}

static void crowd_stats(struct xord_port *port, struct xord_port_stats *stats)
{
    struct crowd_port *self = self_of(port);

    self->under->ops->stats(self->under, stats);
}

static void crowd_count(struct xord_port *port, uint16_t w, struct xord_counters *counters)
{
    struct crowd_port *self = self_of(port);

    if (self->under->ops->count)
        self->under->ops->count(self->under, w, counters);
}

static void crowd_free(struct crowd_port *self)
{
    for (uint16_t w = 0; self->workers && w < self->cfg.worker_cnt; w++)
        xord_path_free(self->workers[w].path);
    free(self->workers);
    free(self);
}

static void crowd_close(struct xord_port *port)
{
    struct crowd_port *self = self_of(port);

    self->under->ops->close(self->under);
    crowd_free(self);
}

static const struct xord_port_ops crowd_ops = {
        .name = "crowd",
        .rx_burst = crowd_rx_burst,
        .load = crowd_load,
        .tx_alloc = crowd_tx_alloc,
        .tx_put = crowd_tx_put,
        .tx_burst = crowd_tx_burst,
        .wait = crowd_wait,
        .wake = crowd_wake,
        .stats = crowd_stats,
        .count = crowd_count,
        .close = crowd_close,
};

static int workers_init(struct crowd_port *self, uint64_t now_ns)
{
    size_t size = (size_t)self->cfg.worker_cnt * sizeof(*self->workers);

    self->workers = aligned_alloc(64, size);
    if (!self->workers)
        return XORD_ENOMEM;
    memset(self->workers, 0, size);
    for (uint16_t w = 0; w < self->cfg.worker_cnt; w++) {
        struct xord_path_config path = self->cfg.path;

        path.number = w;
        self->workers[w].now_ns = now_ns;
        self->workers[w].path = xord_path_new(&path, now_ns);
        if (!self->workers[w].path)
            return XORD_ENOMEM;
    }
    return 0;
}

struct xord_port *xord_port_crowd_new(struct xord_port *under, const struct xord_port_crowd_config *config,
        uint64_t now_ns)
{
    struct crowd_port *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->base = *under;
    self->base.ops = &crowd_ops;
    self->under = under;
    self->cfg = *config;
    self->nat_key = (struct xord_hash_key){{config->path.seed, 0x6e6174}};
    self->start_ns = now_ns;
    if (workers_init(self, now_ns)) {
        crowd_free(self);
        return NULL;
    }
    return &self->base;
}

void xord_port_crowd_stats(const struct xord_port *port, struct xord_port_crowd_stats *stats)
{
    const struct crowd_port *self = (const struct crowd_port *)port;

    memset(stats, 0, sizeof(*stats));
    for (uint16_t w = 0; w < self->cfg.worker_cnt; w++) {
        struct xord_path_stats path;

        xord_path_stats(self->workers[w].path, &path);
        stats->nobody += atomic_load_explicit(&self->workers[w].nobody, memory_order_relaxed);
        stats->nat += atomic_load_explicit(&self->workers[w].nat, memory_order_relaxed);
        stats->path.lost += path.lost;
        stats->path.delayed += path.delayed;
        stats->path.overflow += path.overflow;
    }
}
