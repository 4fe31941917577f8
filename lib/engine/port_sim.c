/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulated network and its ports: one pool of datagrams, and a heap by time of arrival for each worker of each port. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xord_clock.h"
#include "xord_port.h"
#include "xord_rng.h"
#include "xord_sim.h"
#include "xord_steer.h"

#define CAPACITY_DEFAULT 4096

struct packet {
    uint64_t due_ns;
    uint64_t number; /* in the order of sending */
    uint32_t next;   /* in the free list: index + 1, 0 ends it */
    uint32_t hash;
    struct xord_endpoint src, dst;
    uint16_t len;
    uint8_t data[XORD_PACKET_MAX_LEN];
};

struct sim_worker {
    uint32_t *heap; /* packets by due_ns, then number */
    uint32_t heap_cnt;
    uint32_t held[XORD_PORT_BURST]; /* of the last rx_burst */
    uint32_t held_cnt;
    uint64_t now_ns; /* of the last rx_burst */
    bool woken;
    pthread_cond_t cond;
    uint64_t rx_packets, tx_packets, tx_dropped;
    uint32_t tx_cnt; /* given out since the last tx_put */
    uint8_t tx_bufs[XORD_BURST_MAX][XORD_TX_ROOM];
};

struct sim_port {
    struct xord_port base;
    struct xord_sim *sim;
    uint16_t worker_cnt;
    bool whole_prefix;
    uint32_t addr_cnt;
    struct xord_port_addr addrs[XORD_PORT_MAX_ADDR];
    struct sim_worker *workers;
};

struct xord_sim {
    pthread_mutex_t lock; /* guards everything below, and the workers' fields but those of tx */
    struct xord_sim_conditions conditions;
    struct xord_sim_stats stats;
    struct xord_rng rng;
    bool steers;
    uint32_t capacity, free_head;
    struct packet *packets;
    struct sim_port *ports[XORD_SIM_PORTS];
};

/* ---- the network ---- */

struct xord_sim *xord_sim_new(const struct xord_sim_config *config)
{
    struct xord_sim *sim = calloc(1, sizeof(*sim));

    if (!sim)
        return NULL;
    sim->capacity = config->capacity ? config->capacity : CAPACITY_DEFAULT;
    sim->packets = calloc(sim->capacity, sizeof(*sim->packets));
    if (!sim->packets || pthread_mutex_init(&sim->lock, NULL)) {
        free(sim->packets);
        free(sim);
        return NULL;
    }
    for (uint32_t i = 0; i + 1 < sim->capacity; i++)
        sim->packets[i].next = i + 2;
    sim->free_head = 1;
    sim->steers = config->steers;
    sim->conditions = config->conditions;
    xord_rng_init(&sim->rng, config->seed32);
    return sim;
}

void xord_sim_free(struct xord_sim *sim)
{
    if (!sim)
        return;
    pthread_mutex_destroy(&sim->lock);
    free(sim->packets);
    free(sim);
}

void xord_sim_set_conditions(struct xord_sim *sim, const struct xord_sim_conditions *conditions)
{
    pthread_mutex_lock(&sim->lock);
    sim->conditions = *conditions;
    pthread_mutex_unlock(&sim->lock);
}

void xord_sim_stats(struct xord_sim *sim, struct xord_sim_stats *stats)
{
    pthread_mutex_lock(&sim->lock);
    *stats = sim->stats;
    pthread_mutex_unlock(&sim->lock);
}

/* The rest of this part is called with the lock held. */

static void packet_put_back(struct xord_sim *sim, uint32_t i)
{
    sim->packets[i].next = sim->free_head;
    sim->free_head = i + 1;
}

static bool happens(struct xord_sim *sim, uint32_t pm)
{
    return pm > 0 && xord_rng_below(&sim->rng, 1000) < pm;
}

static bool is_earlier(const struct xord_sim *sim, uint32_t a, uint32_t b)
{
    const struct packet *x = &sim->packets[a], *y = &sim->packets[b];

    return x->due_ns != y->due_ns ? x->due_ns < y->due_ns : x->number < y->number;
}

static void heap_push(const struct xord_sim *sim, struct sim_worker *worker, uint32_t packet)
{
    uint32_t i = worker->heap_cnt++;

    for (; i > 0 && is_earlier(sim, packet, worker->heap[(i - 1) / 2]); i = (i - 1) / 2)
        worker->heap[i] = worker->heap[(i - 1) / 2];
    worker->heap[i] = packet;
}

static uint32_t heap_pop(const struct xord_sim *sim, struct sim_worker *worker)
{
    uint32_t first = worker->heap[0], last = worker->heap[--worker->heap_cnt], i = 0, child;

    while ((child = 2 * i + 1) < worker->heap_cnt) {
        if (child + 1 < worker->heap_cnt && is_earlier(sim, worker->heap[child + 1], worker->heap[child]))
            child++;
        if (!is_earlier(sim, worker->heap[child], last))
            break;
        worker->heap[i] = worker->heap[child];
        i = child;
    }
    worker->heap[i] = last;
    return first;
}

static bool port_has(const struct sim_port *port, const struct xord_endpoint *ep)
{
    for (uint32_t i = 0; i < port->addr_cnt; i++) {
        const struct xord_port_addr *addr = &port->addrs[i];
        unsigned v4_bits = port->whole_prefix ? addr->prefix_len : 32,
                 v6_bits = port->whole_prefix ? addr->prefix_len : 128;

        if (port->base.udp_ports[i] == ep->port && xord_ip_same_prefix(addr->ip16, ep->ip16, v4_bits, v6_bits))
            return true;
    }
    return false;
}

static struct sim_port *port_at(const struct xord_sim *sim, const struct xord_endpoint *ep)
{
    for (int i = 0; i < XORD_SIM_PORTS; i++)
        if (sim->ports[i] && port_has(sim->ports[i], ep))
            return sim->ports[i];
    return NULL;
}

/* The queue that a datagram is received from: by RSS the owner's, else one by other bits of the hash, whose halves are alike. */
static struct sim_worker *queue_of(const struct xord_sim *sim, struct sim_port *port, uint32_t hash)
{
    if (sim->steers)
        return &port->workers[xord_steer_shard(port->base.reta, hash)];
    return &port->workers[(hash >> 8 & 0xff) % port->worker_cnt];
}

static void packet_send(struct xord_sim *sim, struct sim_port *to, const struct packet *model, uint64_t now_ns)
{
    const struct xord_sim_conditions *conditions = &sim->conditions;
    struct sim_worker *worker = queue_of(sim, to, model->hash);
    uint32_t i = sim->free_head - 1;
    struct packet *packet;

    if (sim->free_head == 0) {
        sim->stats.overflow++;
        return;
    }
    packet = &sim->packets[i];
    sim->free_head = packet->next;
    *packet = *model;
    packet->number = sim->stats.sent;
    packet->due_ns = now_ns + conditions->delay_ns;
    if (conditions->jitter_ns)
        packet->due_ns += xord_rng_below(&sim->rng, conditions->jitter_ns);
    if (happens(sim, conditions->reorder_pm))
        packet->due_ns += conditions->reorder_ns;
    heap_push(sim, worker, i);
    pthread_cond_signal(&worker->cond);
}

static void network_send(struct xord_sim *sim, const struct packet *packet, uint64_t now_ns)
{
    struct sim_port *to = port_at(sim, &packet->dst);

    sim->stats.sent++;
    if (!to || xord_endpoint_is_v4(&packet->src) != xord_endpoint_is_v4(&packet->dst)) {
        sim->stats.unrouted++;
        return;
    }
    if (happens(sim, sim->conditions.loss_pm)) {
        sim->stats.lost++;
        return;
    }
    packet_send(sim, to, packet, now_ns);
    if (happens(sim, sim->conditions.duplicate_pm)) {
        sim->stats.duplicated++;
        packet_send(sim, to, packet, now_ns);
    }
}

/* ---- opening and closing ---- */

static struct sim_port *self_of(struct xord_port *port)
{
    return (struct sim_port *)port;
}

static bool workers_init(struct sim_port *self)
{
    pthread_condattr_t attr;

    self->workers = calloc(self->worker_cnt, sizeof(*self->workers));
    if (!self->workers || pthread_condattr_init(&attr))
        return false;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    for (uint16_t w = 0; w < self->worker_cnt; w++)
        pthread_cond_init(&self->workers[w].cond, &attr);
    pthread_condattr_destroy(&attr);
    for (uint16_t w = 0; w < self->worker_cnt; w++) {
        self->workers[w].heap = calloc(self->sim->capacity, sizeof(uint32_t));
        if (!self->workers[w].heap)
            return false;
    }
    return true;
}

static void port_free(struct sim_port *self)
{
    for (uint16_t w = 0; self->workers && w < self->worker_cnt; w++) {
        pthread_cond_destroy(&self->workers[w].cond);
        free(self->workers[w].heap);
    }
    free(self->workers);
    free(self);
}

/* Lets the port take part; false, with `err` set, when another has one of its addresses or there are too many. */
static bool network_join(struct sim_port *self, char *err)
{
    struct xord_sim *sim = self->sim;
    int slot = -1;

    for (int i = 0; i < XORD_SIM_PORTS; i++) {
        const struct sim_port *other = sim->ports[i];

        if (!other)
            slot = i;
        for (uint32_t a = 0; other && a < self->addr_cnt; a++) {
            struct xord_endpoint ep = xord_endpoint_v6(self->addrs[a].ip16, self->base.udp_ports[a]);

            if (!port_has(other, &ep))
                continue;
            snprintf(err, XORD_PORT_ERR_LEN, "another port of the simulated network has that address and UDP port");
            return false;
        }
    }
    if (slot < 0) {
        snprintf(err, XORD_PORT_ERR_LEN, "a simulated network has %d ports at most", XORD_SIM_PORTS);
        return false;
    }
    sim->ports[slot] = self;
    return true;
}

static bool has_ports(const struct xord_port_config *config)
{
    for (uint32_t i = 0; i < config->addr_cnt && config->udp_port == 0; i++)
        if (config->addrs[i].udp_port == 0)
            return false;
    return true;
}

static struct xord_port *sim_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct sim_port *self;
    bool joined;

    if (!config->sim || config->addr_cnt == 0 || !has_ports(config)) {
        snprintf(err, XORD_PORT_ERR_LEN, "a sim port needs a simulated network, an address and a UDP port");
        return NULL;
    }
    self = calloc(1, sizeof(*self));
    if (!self) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        return NULL;
    }
    self->base.ops = &xord_port_sim;
    self->sim = config->sim;
    self->base.steers = self->sim->steers;
    xord_steer_deal(self->base.reta, config->worker_cnt, config->worker_cnt);
    self->worker_cnt = config->worker_cnt;
    for (uint32_t i = 0; i < config->addr_cnt; i++)
        self->base.udp_ports[i] = config->addrs[i].udp_port ? config->addrs[i].udp_port : config->udp_port;
    self->whole_prefix = config->whole_prefix;
    self->addr_cnt = config->addr_cnt;
    memcpy(self->addrs, config->addrs, sizeof(self->addrs));
    xord_port_set_bound(&self->base, config);
    if (!workers_init(self)) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        port_free(self);
        return NULL;
    }
    pthread_mutex_lock(&self->sim->lock);
    joined = network_join(self, err);
    pthread_mutex_unlock(&self->sim->lock);
    if (!joined) {
        port_free(self);
        return NULL;
    }
    return &self->base;
}

static void sim_close(struct xord_port *port)
{
    struct sim_port *self = self_of(port);
    struct xord_sim *sim = self->sim;

    pthread_mutex_lock(&sim->lock);
    for (int i = 0; i < XORD_SIM_PORTS; i++)
        if (sim->ports[i] == self)
            sim->ports[i] = NULL;
    for (uint16_t w = 0; w < self->worker_cnt; w++) {
        struct sim_worker *worker = &self->workers[w];

        while (worker->heap_cnt > 0)
            packet_put_back(sim, worker->heap[--worker->heap_cnt]);
        while (worker->held_cnt > 0)
            packet_put_back(sim, worker->held[--worker->held_cnt]);
    }
    pthread_mutex_unlock(&sim->lock);
    port_free(self);
}

/* ---- receiving and sending ---- */

static uint16_t sim_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max, uint64_t now_ns)
{
    struct sim_port *self = self_of(port);
    struct sim_worker *worker = &self->workers[w];
    struct xord_sim *sim = self->sim;
    uint16_t n = 0;

    if (max > XORD_PORT_BURST)
        max = XORD_PORT_BURST;
    pthread_mutex_lock(&sim->lock);
    worker->now_ns = now_ns;
    while (worker->held_cnt > 0)
        packet_put_back(sim, worker->held[--worker->held_cnt]);
    while (n < max && worker->heap_cnt > 0 && sim->packets[worker->heap[0]].due_ns <= now_ns) {
        uint32_t i = heap_pop(sim, worker);
        struct packet *packet = &sim->packets[i];

        worker->held[worker->held_cnt++] = i;
        pkts[n++] = (struct xord_pkt){.data = packet->data,
                .buf = packet,
                .len = packet->len,
                .has_hash = sim->steers,
                .hash = packet->hash,
                .src = packet->src,
                .dst = packet->dst};
    }
    worker->rx_packets += n;
    sim->stats.delivered += n;
    pthread_mutex_unlock(&sim->lock);
    return n;
}

static bool sim_tx_alloc(struct xord_port *port, uint16_t w, struct xord_tx *tx)
{
    struct sim_worker *worker = &self_of(port)->workers[w];

    if (worker->tx_cnt == XORD_BURST_MAX)
        return false;
    tx->data = worker->tx_bufs[worker->tx_cnt++];
    tx->buf = tx->data;
    return true;
}

/* Where a datagram leaves from: as asked for if that is ours, our first of the family if the choice is left to us. */
static bool source_choose(const struct sim_port *self, struct xord_endpoint *out, const struct xord_endpoint *src,
        const struct xord_endpoint *dst)
{
    if (xord_ip_scope(src->ip16) != XORD_IP_UNSPECIFIED) {
        *out = *src;
        return port_has(self, src);
    }
    for (uint32_t i = 0; i < self->addr_cnt; i++) {
        if (xord_ip_is_v4(self->addrs[i].ip16) != xord_endpoint_is_v4(dst))
            continue;
        *out = xord_endpoint_v6(self->addrs[i].ip16, self->base.udp_ports[i]);
        return true;
    }
    return false;
}

static void tx_one(struct sim_port *self, struct sim_worker *worker, const struct xord_tx *tx, uint64_t now_ns)
{
    struct packet packet = {.dst = tx->dst, .len = tx->len};
    bool ok = tx->len <= XORD_PACKET_MAX_LEN && source_choose(self, &packet.src, &tx->src, &tx->dst);

    if (ok) {
        memcpy(packet.data, tx->data, tx->len);
        packet.hash = xord_steer_hash(&packet.src, &packet.dst);
        network_send(self->sim, &packet, now_ns);
    }
    worker->tx_packets += ok;
    worker->tx_dropped += !ok;
}

static void sim_tx_put(struct xord_port *port, uint16_t w, const struct xord_tx *txs, uint16_t cnt, uint64_t now_ns)
{
    struct sim_port *self = self_of(port);

    self->workers[w].tx_cnt = 0;
    pthread_mutex_lock(&self->sim->lock);
    for (uint16_t i = 0; i < cnt; i++)
        tx_one(self, &self->workers[w], &txs[i], now_ns);
    pthread_mutex_unlock(&self->sim->lock);
}

/* Each datagram is on its way as soon as it is put. */
static void sim_tx_burst(struct xord_port *port, uint16_t w)
{
    (void)port;
    (void)w;
}

/* ---- waiting ---- */

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * XORD_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Until when to wait at most, given that the clock stood at `start_ns` when the caller's time was that of its last rx_burst. */
static uint64_t wait_end(const struct xord_sim *sim, const struct sim_worker *worker, uint64_t start_ns,
        uint64_t timeout_ns)
{
    uint64_t end_ns = start_ns + timeout_ns, due_ns;

    if (worker->heap_cnt == 0)
        return end_ns;
    due_ns = sim->packets[worker->heap[0]].due_ns;
    if (due_ns <= worker->now_ns)
        return start_ns;
    return start_ns + (due_ns - worker->now_ns) < end_ns ? start_ns + (due_ns - worker->now_ns) : end_ns;
}

static void sim_wait(struct xord_port *port, uint16_t w, uint64_t timeout_ns)
{
    struct sim_port *self = self_of(port);
    struct sim_worker *worker = &self->workers[w];
    uint64_t start_ns = clock_ns(), end_ns;

    pthread_mutex_lock(&self->sim->lock);
    while (!worker->woken && (end_ns = wait_end(self->sim, worker, start_ns, timeout_ns)) > clock_ns()) {
        struct timespec end = {(time_t)(end_ns / XORD_NS_PER_S), (long)(end_ns % XORD_NS_PER_S)};

        (void)pthread_cond_timedwait(&worker->cond, &self->sim->lock, &end);
    }
    worker->woken = false;
    pthread_mutex_unlock(&self->sim->lock);
}

static void sim_wake(struct xord_port *port, uint16_t w)
{
    struct sim_port *self = self_of(port);

    pthread_mutex_lock(&self->sim->lock);
    self->workers[w].woken = true;
    pthread_cond_signal(&self->workers[w].cond);
    pthread_mutex_unlock(&self->sim->lock);
}

static void sim_stats(struct xord_port *port, struct xord_port_stats *stats)
{
    struct sim_port *self = self_of(port);

    memset(stats, 0, sizeof(*stats));
    pthread_mutex_lock(&self->sim->lock);
    for (uint16_t w = 0; w < self->worker_cnt; w++) {
        stats->rx_packets += self->workers[w].rx_packets;
        stats->tx_packets += self->workers[w].tx_packets;
        stats->tx_dropped += self->workers[w].tx_dropped;
    }
    pthread_mutex_unlock(&self->sim->lock);
}

const struct xord_port_ops xord_port_sim = {
        .name = "sim",
        .open = sim_open,
        .rx_burst = sim_rx_burst,
        .tx_alloc = sim_tx_alloc,
        .tx_put = sim_tx_put,
        .tx_burst = sim_tx_burst,
        .wait = sim_wait,
        .wake = sim_wake,
        .stats = sim_stats,
        .close = sim_close,
};
