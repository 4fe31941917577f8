/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port: between a device's queues and datagrams stands one L2-L4 stack a worker.
 *
 * A worker receives from the queue of its own number, if the device has as many; it sends to the queue of its own number,
 * or hands its frames to a worker that has one. What a worker learns of a neighbour it tells the others. No lock: the
 * rings are bounded, and what does not fit is dropped and counted. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include "dpdk_private.h"
#include "engine_private.h"
#include "xord_clock.h"
#include "xord_log.h"
#include "xord_rng.h"

#define TX_LEN       128 /* frames that wait for tx_burst: a burst of answers and what the stack has to say */
#define TX_TRIES     16  /* before what the device does not take is dropped */
#define HANDED_LEN   512
#define TOLD_LEN     4096 /* the answers to a crawl's first questions may all come to one worker */
#define TOLD_BURST   64
#define POLL_NS      (1 * XORD_NS_PER_MS)
#define WAIT_MAX_NS  (100 * XORD_NS_PER_US)
#define MTU_WANTED   1328 /* IPv6 40, UDP 8, packet 1,280 */
#define NEIGHBOUR_V4 (1U << 16)
#define NEIGHBOUR_V6 (1U << 13)

/* What passes through a ring of neighbours: elements are whole words. */
struct news {
    struct xord_net_neighbour neighbour;
    uint8_t reserved[-sizeof(struct xord_net_neighbour) % 4];
};

struct dpdk_worker {
    _Alignas(64) struct xord_netstack *stack;
    uint16_t index;
    bool receives, sends; /* has a queue of its own */
    bool registered;
    uint64_t polled_ns;
    struct rte_mbuf *draft;  /* given out by tx_alloc; stays ours until it is sent */
    struct rte_mbuf *spare;  /* for the next frame of the stack's own */
    struct rte_ring *handed; /* mbufs of workers without a transmit queue; many senders, this worker receives */
    struct rte_ring *out;    /* where our frames go if we have no transmit queue: another's `handed` */
    struct rte_ring *told;   /* struct news; many senders, this worker receives */
    uint16_t held_cnt, tx_cnt;
    struct rte_mbuf *held[XORD_PORT_BURST]; /* of the last rx_burst */
    struct rte_mbuf *tx[TX_LEN];
    /* written by the worker, read by stats */
    _Atomic uint64_t rx_packets, tx_dropped, rx_other_port;
    _Atomic uint64_t net[XORD_NET_COUNTER_CNT]; /* the stack's, as of a moment ago */
};

struct dpdk_port {
    struct xord_port base;
    struct dpdk_device device;
    uint16_t worker_cnt;
    uint16_t udp_port;
    bool eal_started, device_open;
    bool has_source[2];
    uint8_t source16[2][16]; /* of datagrams that leave the choice to us, by family */
    pthread_key_t thread_key;
    bool has_key;
    struct dpdk_worker *workers;
};

static struct dpdk_port *self_of(struct xord_port *port)
{
    return (struct dpdk_port *)port;
}

static void bump(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* ---- sending ---- */

/* Returns how many of the frames are gone: sent, or freed because the device cannot send their like. */
static uint16_t device_send(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf **frames, uint16_t cnt)
{
    const struct dpdk_device *device = &self->device;
    uint16_t done = 0;

    for (int tries = 0; done < cnt && tries < TX_TRIES; tries++) {
        uint16_t ready = cnt - done, n;

        if (device->tx_flags)
            ready = rte_eth_tx_prepare(device->port_id, worker->index, frames + done, ready);
        if (ready == 0) {
            rte_pktmbuf_free(frames[done++]);
            bump(&worker->tx_dropped, 1);
            continue;
        }
        n = rte_eth_tx_burst(device->port_id, worker->index, frames + done, ready);
        done += n;
        if (n > 0)
            tries = 0;
        else
            rte_pause();
    }
    return done;
}

/* Sends or hands over; frees the rest. */
static void frames_out(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf **frames, uint16_t cnt)
{
    uint16_t done = worker->out ? (uint16_t)rte_ring_enqueue_burst(worker->out, (void **)frames, cnt, NULL)
                                : device_send(self, worker, frames, cnt);

    if (done == cnt)
        return;
    bump(&worker->tx_dropped, cnt - done);
    rte_pktmbuf_free_bulk(frames + done, cnt - done);
}

static void tx_flush(struct dpdk_port *self, struct dpdk_worker *worker)
{
    if (worker->tx_cnt > 0)
        frames_out(self, worker, worker->tx, worker->tx_cnt);
    worker->tx_cnt = 0;
}

static void tx_push(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf *mbuf)
{
    if (worker->tx_cnt == TX_LEN)
        tx_flush(self, worker);
    worker->tx[worker->tx_cnt++] = mbuf;
}

static void dpdk_tx_burst(struct xord_port *port, uint16_t w)
{
    struct dpdk_port *self = self_of(port);
    struct dpdk_worker *worker = &self->workers[w];
    struct rte_mbuf *frames[XORD_PORT_BURST];
    unsigned n;

    tx_flush(self, worker);
    for (uint16_t turn = 0; worker->handed && turn < self->worker_cnt; turn++) {
        n = rte_ring_dequeue_burst(worker->handed, (void **)frames, XORD_PORT_BURST, NULL);
        if (n == 0)
            return;
        frames_out(self, worker, frames, (uint16_t)n);
    }
}

/* An mbuf for a whole frame that the stack writes, or NULL. */
static struct rte_mbuf *spare_get(struct dpdk_port *self, struct dpdk_worker *worker)
{
    if (!worker->spare)
        worker->spare = rte_pktmbuf_alloc(self->device.pool);
    return worker->spare;
}

static void spare_send(struct dpdk_port *self, struct dpdk_worker *worker, size_t len)
{
    worker->spare->data_len = (uint16_t)len;
    worker->spare->pkt_len = (uint32_t)len;
    tx_push(self, worker, worker->spare);
    worker->spare = NULL;
}

static void control_send(struct dpdk_port *self, struct dpdk_worker *worker, const struct xord_net_frame *frame)
{
    struct rte_mbuf *mbuf = frame->len ? spare_get(self, worker) : NULL;

    if (!mbuf)
        return; /* the stack asks again */
    memcpy(rte_pktmbuf_mtod(mbuf, uint8_t *), frame->bytes, frame->len);
    spare_send(self, worker, frame->len);
}

static void unpark(struct dpdk_port *self, struct dpdk_worker *worker)
{
    while (spare_get(self, worker)) {
        size_t len = xord_netstack_unpark(worker->stack, rte_pktmbuf_mtod(worker->spare, uint8_t *),
                rte_pktmbuf_tailroom(worker->spare));

        if (len == 0)
            return;
        spare_send(self, worker, len);
    }
}

static uint8_t *dpdk_tx_alloc(struct xord_port *port, uint16_t w)
{
    struct dpdk_port *self = self_of(port);
    struct dpdk_worker *worker = &self->workers[w];

    if (!worker->draft)
        worker->draft = rte_pktmbuf_alloc(self->device.pool);
    return worker->draft ? rte_pktmbuf_mtod(worker->draft, uint8_t *) : NULL;
}

static void offloads_ask(struct rte_mbuf *mbuf, unsigned tx_flags, bool v4)
{
    mbuf->l2_len = RTE_ETHER_HDR_LEN;
    mbuf->l3_len = v4 ? 20 : 40;
    mbuf->ol_flags |= v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
    if (tx_flags & XORD_NET_TX_UDP_OFFLOAD)
        mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    if (v4 && (tx_flags & XORD_NET_TX_IP_OFFLOAD))
        mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
}

/* The payload has stood at the mbuf's usual start of data; the headers go before it, into the headroom. */
static void dpdk_tx_put(struct xord_port *port, uint16_t w, uint16_t len, const struct xord_endpoint *src,
        const struct xord_endpoint *dst, uint64_t now_ns)
{
    struct dpdk_port *self = self_of(port);
    struct dpdk_worker *worker = &self->workers[w];
    struct rte_mbuf *mbuf = worker->draft;
    bool v4 = xord_endpoint_is_v4(dst);
    size_t headroom = xord_net_headroom(dst);
    struct xord_endpoint from = *src;
    struct xord_net_tx tx;
    int rc;

    if (xord_ip_scope(src->ip16) == XORD_IP_UNSPECIFIED && self->has_source[!v4])
        memcpy(from.ip16, self->source16[!v4], 16);
    rc = xord_netstack_tx(worker->stack, &tx, rte_pktmbuf_mtod(mbuf, uint8_t *) - headroom, &from, dst, len,
            self->device.tx_flags, now_ns);
    control_send(self, worker, &tx.solicit);
    if (rc != XORD_NET_SEND)
        return; /* parked as a copy, or refused and counted: the draft can be used again */
    (void)rte_pktmbuf_prepend(mbuf, (uint16_t)headroom);
    mbuf->data_len = tx.frame_len;
    mbuf->pkt_len = tx.frame_len;
    if (self->device.tx_flags)
        offloads_ask(mbuf, self->device.tx_flags, v4);
    tx_push(self, worker, mbuf);
    worker->draft = NULL;
}

/* ---- neighbours ---- */

static void tell_others(struct dpdk_port *self, const struct dpdk_worker *worker,
        const struct xord_net_neighbour *neighbour)
{
    struct news news = {.neighbour = *neighbour};

    /* To a full ring the news is lost: that worker will ask for itself. */
    for (uint16_t w = 0; w < self->worker_cnt; w++)
        if (w != worker->index)
            (void)rte_ring_mp_enqueue_elem(self->workers[w].told, &news, sizeof(news));
}

static void hear_others(struct dpdk_port *self, struct dpdk_worker *worker, uint64_t now_ns)
{
    struct news news[TOLD_BURST];
    unsigned n = rte_ring_sc_dequeue_burst_elem(worker->told, news, sizeof(news[0]), TOLD_BURST, NULL);

    if (n == 0)
        return;
    for (unsigned i = 0; i < n; i++)
        xord_netstack_neighbour_set(worker->stack, &news[i].neighbour, now_ns);
    unpark(self, worker);
}

/* ---- receiving ---- */

static void counters_publish(struct dpdk_worker *worker)
{
    const uint64_t *counters = xord_netstack_counters(worker->stack);

    for (int i = 0; i < XORD_NET_COUNTER_CNT; i++)
        atomic_store_explicit(&worker->net[i], counters[i], memory_order_relaxed);
}

/* A thread that EAL has not made needs an lcore number of its own, for the mempool to keep a cache for it. */
static void thread_register(const struct dpdk_port *self, struct dpdk_worker *worker)
{
    worker->registered = true;
    if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0)
        (void)pthread_setspecific(self->thread_key, worker);
}

static void thread_unregister(void *worker)
{
    (void)worker;
    rte_thread_unregister();
}

static void housekeep(struct dpdk_port *self, struct dpdk_worker *worker, uint64_t now_ns)
{
    struct xord_net_frame frame;

    if (!worker->registered)
        thread_register(self, worker);
    hear_others(self, worker, now_ns);
    if (now_ns - worker->polled_ns < POLL_NS)
        return;
    worker->polled_ns = now_ns;
    while (xord_netstack_poll(worker->stack, &frame, now_ns))
        control_send(self, worker, &frame);
    counters_publish(worker);
}

/* The frame has become its answer. */
static void reply(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf *mbuf, uint16_t len)
{
    mbuf->ol_flags = 0;
    mbuf->data_len = len;
    mbuf->pkt_len = len;
    tx_push(self, worker, mbuf);
}

/* True with a datagram in `pkt`; the mbuf is then held, else it is gone. */
static bool frame_in(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf *mbuf, struct xord_pkt *pkt,
        uint64_t now_ns)
{
    bool sum_good = (mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
    struct xord_net_rx rx;
    unsigned verdict = xord_netstack_rx(worker->stack, &rx, frame, mbuf->data_len,
            (size_t)mbuf->data_len + rte_pktmbuf_tailroom(mbuf), sum_good ? XORD_NET_RX_SUM_GOOD : 0, now_ns);

    if (verdict & XORD_NET_NEIGHBOUR) {
        tell_others(self, worker, &rx.neighbour);
        unpark(self, worker);
    }
    if (verdict & XORD_NET_REPLY) {
        reply(self, worker, mbuf, rx.reply_len);
        return false;
    }
    if (!(verdict & XORD_NET_UDP) || rx.dst.port != self->udp_port) {
        bump(&worker->rx_other_port, verdict & XORD_NET_UDP ? 1 : 0);
        rte_pktmbuf_free(mbuf);
        return false;
    }
    *pkt = (struct xord_pkt){
            .data = frame + rx.payload_off,
            .len = rx.payload_len,
            .has_hash = self->device.rss && (mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH),
            .hash = mbuf->hash.rss,
            .src = rx.src,
            .dst = rx.dst,
    };
    worker->held[worker->held_cnt++] = mbuf;
    return true;
}

static uint16_t dpdk_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max, uint64_t now_ns)
{
    struct dpdk_port *self = self_of(port);
    struct dpdk_worker *worker = &self->workers[w];
    struct rte_mbuf *frames[XORD_PORT_BURST];
    uint16_t n = 0, cnt = 0;

    if (worker->held_cnt > 0)
        rte_pktmbuf_free_bulk(worker->held, worker->held_cnt);
    worker->held_cnt = 0;
    housekeep(self, worker, now_ns);
    if (worker->receives)
        n = rte_eth_rx_burst(self->device.port_id, w, frames, RTE_MIN(max, XORD_PORT_BURST));
    for (uint16_t i = 0; i < n; i++)
        rte_prefetch0(rte_pktmbuf_mtod(frames[i], void *));
    for (uint16_t i = 0; i < n; i++)
        cnt += frame_in(self, worker, frames[i], &pkts[cnt], now_ns);
    bump(&worker->rx_packets, cnt);
    return cnt;
}

/* ---- waiting ---- */

/* A device that is polled cannot wake anybody: a short sleep is all there is. */
static void dpdk_wait(struct xord_port *port, uint16_t w, uint64_t timeout_ns)
{
    struct timespec ts = {.tv_nsec = (long)RTE_MIN(timeout_ns, WAIT_MAX_NS)};

    (void)port;
    (void)w;
    nanosleep(&ts, NULL);
}

static void dpdk_wake(struct xord_port *port, uint16_t w)
{
    (void)port;
    (void)w;
}

/* ---- opening ---- */

static void source_note(struct dpdk_port *self, const struct xord_port_config *config)
{
    for (uint32_t i = 0; i < config->addr_cnt; i++) {
        const uint8_t *ip16 = config->addrs[i].ip16;
        int family = !xord_ip_is_v4(ip16);

        if (self->has_source[family])
            continue;
        self->has_source[family] = true;
        memcpy(self->source16[family], ip16, 16);
    }
}

/* One address of a family: that; several, or a whole prefix: any. */
static void bound_note(struct dpdk_port *self, const struct xord_port_config *config)
{
    static const uint8_t any4[4], any16[16];
    uint32_t cnt[2] = {0, 0};

    for (uint32_t i = 0; i < config->addr_cnt; i++)
        cnt[!xord_ip_is_v4(config->addrs[i].ip16)]++;
    for (int family = 0; family < 2; family++) {
        if (cnt[family] == 0)
            continue;
        if (cnt[family] == 1 && !config->whole_prefix)
            self->base.bound[family] = xord_endpoint_v6(self->source16[family], self->udp_port);
        else
            self->base.bound[family] =
                    family ? xord_endpoint_v6(any16, self->udp_port) : xord_endpoint_v4(any4, self->udp_port);
    }
    /* The NIC hashes the address that a datagram was sent to; for an identity at several the engine does not. */
    self->base.steers = self->device.rss && (config->whole_prefix || (cnt[0] <= 1 && cnt[1] <= 1));
}

/* Room for every neighbour that an on-link prefix may hold, within reason. */
static uint32_t neighbour_cnt(const struct xord_port_config *config)
{
    uint64_t cnt = 1024;

    for (uint32_t i = 0; i < config->addr_cnt; i++) {
        bool v4 = xord_ip_is_v4(config->addrs[i].ip16);
        uint32_t max = v4 ? NEIGHBOUR_V4 : NEIGHBOUR_V6;
        unsigned host_bits = (v4 ? 32U : 128U) - config->addrs[i].prefix_len;

        cnt += host_bits < 31 && 1U << host_bits < max ? 1U << host_bits : max;
    }
    return (uint32_t)RTE_MIN(cnt, 2ULL * NEIGHBOUR_V4);
}

static int explain_config(char *err, const struct xord_port_config *config, const struct xord_netstack_config *net,
        int rc)
{
    char ip[XORD_ENDPOINT_TEXT_LEN];

    for (size_t i = 0; i < net->addr_cnt && rc == XORD_ERANGE; i++) {
        struct xord_netstack_config alone = {.addrs = &net->addrs[i], .addr_cnt = 1, .mtu = net->mtu};

        memcpy(alone.mac6, net->mac6, 6);
        if (xord_netstack_config_check(&alone) == 0)
            continue;
        snprintf(err, XORD_PORT_ERR_LEN, "--ip %s/%u is no address that a host can have",
                xord_ip_format(ip, net->addrs[i].ip16), net->addrs[i].prefix_len);
        return -1;
    }
    if (config->addr_cnt == 0)
        snprintf(err, XORD_PORT_ERR_LEN, "a device has no address of its own: give it one with --ip");
    else if (rc == XORD_EFULL)
        snprintf(err, XORD_PORT_ERR_LEN, "--ip: too many different prefixes");
    else if (rc == XORD_EEXIST)
        snprintf(err, XORD_PORT_ERR_LEN, "--gateway names an address that is our own: it must be another host's");
    else if (rc == XORD_EMISSING)
        snprintf(err, XORD_PORT_ERR_LEN, "--gateway needs an --ip of its address family");
    else
        snprintf(err, XORD_PORT_ERR_LEN, "--gateway is no address that a host can have");
    return -1;
}

static int stacks_make(struct dpdk_port *self, const struct xord_port_config *config, char *err)
{
    struct xord_net_addr addrs[XORD_PORT_MAX_ADDR];
    struct xord_netstack_config net = {.addrs = addrs, .addr_cnt = config->addr_cnt};
    int rc;

    for (uint32_t i = 0; i < config->addr_cnt; i++) {
        addrs[i] =
                (struct xord_net_addr){.prefix_len = config->addrs[i].prefix_len, .whole_prefix = config->whole_prefix};
        memcpy(addrs[i].ip16, config->addrs[i].ip16, 16);
    }
    memcpy(net.mac6, self->device.mac6, 6);
    if (config->has_gateway4)
        memcpy(net.gateway4_ip16, config->gateway4_ip16, 16);
    if (config->has_gateway6)
        memcpy(net.gateway6_ip16, config->gateway6_ip16, 16);
    net.mtu = RTE_MIN(RTE_MAX(self->device.mtu, 1280), RTE_ETHER_MTU);
    net.neighbour_cnt = neighbour_cnt(config);
    rc = xord_netstack_config_check(&net);
    if (rc)
        return explain_config(err, config, &net, rc);
    for (uint16_t w = 0; w < self->worker_cnt; w++) {
        xord_random_kernel(&net.key, sizeof(net.key));
        self->workers[w].stack = xord_netstack_new(&net, xord_now_ns());
        if (!self->workers[w].stack) {
            snprintf(err, XORD_PORT_ERR_LEN, "out of memory: lower --workers");
            return -1;
        }
    }
    return 0;
}

static struct rte_ring *news_ring_new(void)
{
    ssize_t size = rte_ring_get_memsize_elem(sizeof(struct news), TOLD_LEN);
    struct rte_ring *ring = size < 0 ? NULL : aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size);

    if (ring && rte_ring_init(ring, "news", TOLD_LEN, RING_F_SC_DEQ)) {
        free(ring);
        return NULL;
    }
    return ring;
}

static int workers_make(struct dpdk_port *self, char *err)
{
    const struct dpdk_device *device = &self->device;
    bool ok = true;

    for (uint16_t w = 0; w < self->worker_cnt && ok; w++) {
        struct dpdk_worker *worker = &self->workers[w];

        worker->index = w;
        worker->receives = w < device->rx_queue_cnt;
        worker->sends = w < device->tx_queue_cnt;
        worker->told = news_ring_new();
        if (worker->sends && device->tx_queue_cnt < self->worker_cnt)
            worker->handed = ring_new(HANDED_LEN, RING_F_SC_DEQ);
        if (!worker->sends)
            worker->out = self->workers[w % device->tx_queue_cnt].handed;
        ok = worker->told && (worker->out || worker->handed || device->tx_queue_cnt == self->worker_cnt);
    }
    if (!ok)
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory: lower --workers");
    return ok ? 0 : -1;
}

static void worker_close(struct dpdk_worker *worker)
{
    void *mbuf;

    rte_pktmbuf_free_bulk(worker->held, worker->held_cnt);
    rte_pktmbuf_free_bulk(worker->tx, worker->tx_cnt);
    rte_pktmbuf_free(worker->draft);
    rte_pktmbuf_free(worker->spare);
    while (worker->handed && rte_ring_dequeue(worker->handed, &mbuf) == 0)
        rte_pktmbuf_free(mbuf);
    xord_netstack_free(worker->stack);
    free(worker->handed);
    free(worker->told);
}

/* With -v: what the stacks have seen, which of the workers apart. */
static void counters_log(const struct dpdk_port *self)
{
    char columns[256];

    for (int i = 0; i < XORD_NET_COUNTER_CNT && xord_log_get_level() >= XORD_LOG_DEBUG; i++) {
        uint64_t sum = 0;
        int len = 0;

        for (uint16_t w = 0; w < self->worker_cnt; w++) {
            uint64_t n = xord_netstack_counters(self->workers[w].stack)[i];

            sum += n;
            if (len < (int)sizeof(columns) - 24)
                len += snprintf(columns + len, sizeof(columns) - (size_t)len, " %" PRIu64, n);
        }
        if (sum > 0)
            xord_log(XORD_LOG_DEBUG, "net %s:%s", xord_net_counter_name((enum xord_net_counter)i), columns);
    }
}

static void dpdk_close(struct xord_port *port)
{
    struct dpdk_port *self = self_of(port);

    if (self->device_open && self->workers[self->worker_cnt - 1].stack)
        counters_log(self);

    for (uint16_t w = 0; self->workers && w < self->worker_cnt; w++)
        worker_close(&self->workers[w]);
    if (self->device_open)
        dpdk_device_close(&self->device);
    if (self->has_key)
        pthread_key_delete(self->thread_key);
    if (self->eal_started)
        dpdk_eal_stop();
    free(self->workers);
    free(self);
}

static struct dpdk_port *port_new(const struct xord_port_config *config)
{
    struct dpdk_port *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->base.ops = &xord_port_dpdk;
    self->worker_cnt = config->worker_cnt;
    self->workers = aligned_alloc(64, config->worker_cnt * sizeof(*self->workers));
    self->has_key = pthread_key_create(&self->thread_key, thread_unregister) == 0;
    if (!self->workers || !self->has_key) {
        dpdk_close(&self->base);
        return NULL;
    }
    memset(self->workers, 0, config->worker_cnt * sizeof(*self->workers));
    return self;
}

static int device_and_stacks(struct dpdk_port *self, const struct xord_port_config *config, char *err)
{
    uint16_t port_id;

    if (dpdk_eal_start(&port_id, config, err))
        return -1;
    self->eal_started = true;
    if (dpdk_device_open(&self->device, port_id, self->worker_cnt, err))
        return -1;
    self->device_open = true;
    if (workers_make(self, err) || stacks_make(self, config, err))
        return -1;
    dpdk_device_groups(&self->device, self->workers[0].stack);
    return 0;
}

/* UDP ports of our own are all free: any will do. */
static uint16_t any_udp_port(void)
{
    uint16_t number;

    xord_random_kernel(&number, sizeof(number));
    return 49152 + number % 16384;
}

static struct xord_port *dpdk_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct dpdk_port *self = port_new(config);

    if (!self) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        return NULL;
    }
    self->udp_port = config->udp_port ? config->udp_port : any_udp_port();
    source_note(self, config);
    if (device_and_stacks(self, config, err)) {
        dpdk_close(&self->base);
        return NULL;
    }
    bound_note(self, config);
    dpdk_warn_if_down(config->spec);
    if (self->device.mtu < MTU_WANTED)
        xord_log(XORD_LOG_WARN, "the device's MTU is %u: the longest packets need %u", self->device.mtu, MTU_WANTED);
    return &self->base;
}

/* ---- stats ---- */

static uint64_t net_sum(const struct dpdk_worker *worker, enum xord_net_counter first, enum xord_net_counter last)
{
    uint64_t sum = 0;

    for (int i = (int)first; i <= (int)last; i++)
        sum += atomic_load_explicit(&worker->net[i], memory_order_relaxed);
    return sum;
}

static void dpdk_stats(struct xord_port *port, struct xord_port_stats *stats)
{
    struct dpdk_port *self = self_of(port);
    struct rte_eth_stats device = {0};

    (void)rte_eth_stats_get(self->device.port_id, &device);
    *stats = (struct xord_port_stats){
            .rx_dropped = device.imissed + device.rx_nombuf,
            .rx_invalid = device.ierrors,
            .tx_dropped = device.oerrors,
    };
    for (uint16_t w = 0; w < self->worker_cnt; w++) {
        const struct dpdk_worker *worker = &self->workers[w];

        stats->rx_packets += atomic_load_explicit(&worker->rx_packets, memory_order_relaxed);
        stats->tx_packets += net_sum(worker, XORD_NET_CNT_tx_sent, XORD_NET_CNT_tx_sent) +
                             net_sum(worker, XORD_NET_CNT_parked_sent, XORD_NET_CNT_parked_sent);
        stats->tx_dropped += atomic_load_explicit(&worker->tx_dropped, memory_order_relaxed) +
                             net_sum(worker, XORD_NET_CNT_tx_no_route, XORD_NET_CNT_parked_failed);
        stats->rx_invalid += atomic_load_explicit(&worker->rx_other_port, memory_order_relaxed) +
                             net_sum(worker, XORD_NET_CNT_drop_short, XORD_NET_CNT_drop_no_room);
        stats->neighbours += net_sum(worker, XORD_NET_CNT_answered_arp, XORD_NET_CNT_answered_solicit) +
                             net_sum(worker, XORD_NET_CNT_neighbour_heard, XORD_NET_CNT_neighbour_heard);
        stats->echoes += net_sum(worker, XORD_NET_CNT_answered_echo, XORD_NET_CNT_answered_echo);
    }
}

const struct xord_port_ops xord_port_dpdk = {
        .name = "dpdk",
        .open = dpdk_open,
        .rx_burst = dpdk_rx_burst,
        .tx_alloc = dpdk_tx_alloc,
        .tx_put = dpdk_tx_put,
        .tx_burst = dpdk_tx_burst,
        .wait = dpdk_wait,
        .wake = dpdk_wake,
        .stats = dpdk_stats,
        .close = dpdk_close,
};
