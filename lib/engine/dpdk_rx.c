/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiving: frames go through the worker's stack; datagrams come out, answers are sent, and what is learned of a
 * neighbour is told to the other workers. */
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include "dpdk_private.h"
#include "xord_clock.h"

#define TOLD_BURST     64
#define PREFETCH_LINES 3 /* of each frame: a PING is 155 bytes long */
#define PREFETCH_AHEAD 4 /* frames: what is longer is fetched shortly before it is summed */
#define POLL_NS        (1 * XORD_NS_PER_MS)

/* ---- neighbours ---- */

/* Whoever loses the news to a full ring will ask for itself. */
static void tell_others(struct dpdk_port *self, struct dpdk_worker *worker, const struct xord_net_neighbour *neighbour)
{
    struct dpdk_news news = {.neighbour = *neighbour};

    for (uint16_t w = 0; w < self->worker_cnt; w++)
        if (w != worker->index && rte_ring_mp_enqueue_elem(self->workers[w].told, &news, sizeof(news)))
            dpdk_bump(&worker->news_lost, 1);
}

static void hear_others(struct dpdk_port *self, struct dpdk_worker *worker, uint64_t now_ns)
{
    struct dpdk_news news[TOLD_BURST];
    unsigned n = rte_ring_sc_dequeue_burst_elem(worker->told, news, sizeof(news[0]), TOLD_BURST, NULL);

    if (n == 0)
        return;
    for (unsigned i = 0; i < n; i++)
        xord_netstack_neighbour_set(worker->stack, &news[i].neighbour, now_ns);
    dpdk_tx_unpark(self, worker);
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

void dpdk_thread_unregister(void *worker)
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
        dpdk_tx_frame(self, worker, frame.bytes, frame.len);
    counters_publish(worker);
}

/* May an answer leave in this very mbuf? Not if its memory is a driver's own or shared, or too short; nor another's mbuf by a
 * device that would return it to our pool. */
static bool is_reusable(const struct dpdk_device *device, struct rte_mbuf *mbuf, uint16_t payload_off)
{
    if (device->fast_free && mbuf->pool != device->pool)
        return false;
    return RTE_MBUF_DIRECT(mbuf) && mbuf->nb_segs == 1 && rte_mbuf_refcnt_read(mbuf) == 1 &&
           mbuf->data_off + payload_off + XORD_PACKET_MAX_LEN <= mbuf->buf_len;
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
        dpdk_tx_unpark(self, worker);
    }
    /* Copied: a driver may have built the mbuf around memory of its own, which its transmit side would not expect. */
    if (verdict & XORD_NET_REPLY)
        dpdk_tx_frame(self, worker, frame, rx.reply_len);
    if (!(verdict & XORD_NET_UDP) || !dpdk_port_is_ours(self, rx.dst.port)) {
        dpdk_bump(&worker->rx_other_port, verdict & XORD_NET_UDP ? 1 : 0);
        rte_pktmbuf_free(mbuf);
        return false;
    }
    /* Field by field: a whole made beside and copied would wait for the stores that made it. */
    pkt->data = frame + rx.payload_off;
    pkt->buf = is_reusable(&self->device, mbuf, rx.payload_off) ? &worker->held[worker->held_cnt] : NULL;
    pkt->len = rx.payload_len;
    pkt->has_hash = self->device.rss && (mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH);
    pkt->hash = mbuf->hash.rss;
    pkt->src = rx.src;
    pkt->dst = rx.dst;
    worker->held[worker->held_cnt++] = mbuf;
    return true;
}

static uint16_t frames_take(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf **frames, uint16_t max)
{
    if (self->given) {
        if (worker->receives)
            dpdk_steer_poll(self, worker);
        return dpdk_steer_take(self, worker, frames, max);
    }
    return worker->receives ? dpdk_device_rx(&self->device, worker, frames, max) : 0;
}

static void prefetch_start(struct rte_mbuf *mbuf)
{
    uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);

    for (unsigned line = 0; line < PREFETCH_LINES; line++)
        dpdk_prefetch_write(frame + line * RTE_CACHE_LINE_SIZE);
}

static void prefetch_rest(struct rte_mbuf *mbuf)
{
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);

    for (unsigned at = PREFETCH_LINES * RTE_CACHE_LINE_SIZE; at < mbuf->data_len; at += RTE_CACHE_LINE_SIZE)
        rte_prefetch0(frame + at);
}

/* By frames, not by datagrams: what is not for us, or broken, keeps the rest waiting as well. */
static void load_note(const struct dpdk_port *self, struct dpdk_worker *worker, uint16_t n, uint16_t max)
{
    worker->load = dpdk_steer_load(self, worker);
    if (n == max)
        worker->load = XORD_LOAD_FULL;
    else if (n > 0 && worker->load == XORD_LOAD_NONE)
        worker->load = XORD_LOAD_SOME;
}

enum xord_load dpdk_load(struct xord_port *port, uint16_t w)
{
    return dpdk_port_of(port)->workers[w].load;
}

uint16_t dpdk_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max, uint64_t now_ns)
{
    struct dpdk_port *self = dpdk_port_of(port);
    struct dpdk_worker *worker = &self->workers[w];
    struct rte_mbuf *frames[XORD_PORT_BURST];
    uint16_t n, cnt = 0;

    if (worker->held_cnt > 0)
        rte_pktmbuf_free_bulk(worker->held, worker->held_cnt);
    worker->held_cnt = 0;
    housekeep(self, worker, now_ns);
    max = RTE_MIN(max, XORD_PORT_BURST);
    n = frames_take(self, worker, frames, max);
    for (uint16_t i = 0; i < n; i++)
        rte_prefetch0(frames[i]);
    for (uint16_t i = 0; i < n; i++)
        prefetch_start(frames[i]);
    for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
        prefetch_rest(frames[i]);
    for (uint16_t i = 0; i < n; i++) {
        if (i + PREFETCH_AHEAD < n)
            prefetch_rest(frames[i + PREFETCH_AHEAD]);
        cnt += frame_in(self, worker, frames[i], &pkts[cnt], now_ns);
    }
    dpdk_steer_announce(worker);
    load_note(self, worker, n, max);
    dpdk_bump(&worker->rx_packets, cnt);
    return cnt;
}
