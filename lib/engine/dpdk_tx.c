/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending: a datagram gets its headers written in front of it, where it stands; frames leave in bursts through the
 * worker's own queue, or by the ring of a worker that has one. */
#include <string.h>

#include <rte_ethdev.h>
#include <rte_pause.h>

#include "dpdk_private.h"

#define TX_TRIES 16 /* before what the device does not take is dropped */

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
            dpdk_bump(&worker->tx_dropped, 1);
            continue;
        }
        n = dpdk_device_tx(device, worker, frames + done, ready);
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
    dpdk_bump(&worker->tx_dropped, cnt - done);
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
    if (worker->tx_cnt == DPDK_TX_LEN)
        tx_flush(self, worker);
    worker->tx[worker->tx_cnt++] = mbuf;
}

void dpdk_tx_burst(struct xord_port *port, uint16_t w)
{
    struct dpdk_port *self = dpdk_port_of(port);
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

void dpdk_tx_frame(struct dpdk_port *self, struct dpdk_worker *worker, const uint8_t *frame, size_t len)
{
    struct rte_mbuf *mbuf = spare_get(self, worker);

    if (!mbuf || len > rte_pktmbuf_tailroom(mbuf)) {
        dpdk_bump(&worker->tx_dropped, 1);
        return;
    }
    memcpy(rte_pktmbuf_mtod(mbuf, uint8_t *), frame, len);
    spare_send(self, worker, len);
}

void dpdk_tx_unpark(struct dpdk_port *self, struct dpdk_worker *worker)
{
    while (spare_get(self, worker)) {
        size_t len = xord_netstack_unpark(worker->stack, rte_pktmbuf_mtod(worker->spare, uint8_t *),
                rte_pktmbuf_tailroom(worker->spare));

        if (len == 0)
            return;
        spare_send(self, worker, len);
    }
}

bool dpdk_tx_alloc(struct xord_port *port, uint16_t w, struct xord_tx *tx)
{
    struct dpdk_port *self = dpdk_port_of(port);
    struct dpdk_worker *worker = &self->workers[w];
    struct rte_mbuf **draft = &worker->drafts[worker->draft_cnt];

    if (worker->draft_cnt == XORD_BURST_MAX)
        return false;
    if (!*draft)
        *draft = rte_pktmbuf_alloc(self->device.pool);
    if (!*draft)
        return false;
    worker->draft_cnt++;
    tx->data = rte_pktmbuf_mtod(*draft, uint8_t *);
    tx->buf = draft;
    return true;
}

static void offloads_ask(struct rte_mbuf *mbuf, unsigned tx_flags, bool v4)
{
    mbuf->tx_offload = rte_mbuf_tx_offload(RTE_ETHER_HDR_LEN, v4 ? 20 : 40, 0, 0, 0, 0, 0);
    mbuf->ol_flags |= v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
    if (tx_flags & XORD_NET_TX_UDP_OFFLOAD)
        mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    if (v4 && (tx_flags & XORD_NET_TX_IP_OFFLOAD))
        mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
}

/* From the payload of a datagram to a frame: whatever the mbuf carried before, headers go right in front of it. */
static void frame_set(struct rte_mbuf *mbuf, const uint8_t *start, uint16_t len)
{
    mbuf->data_off = (uint16_t)(start - (const uint8_t *)mbuf->buf_addr);
    mbuf->data_len = len;
    mbuf->pkt_len = len;
    mbuf->ol_flags = 0;
    mbuf->packet_type = 0;
}

static void tx_one(struct dpdk_port *self, struct dpdk_worker *worker, const struct xord_tx *out, uint64_t now_ns)
{
    struct rte_mbuf **mbuf = out->buf;
    bool v4 = xord_endpoint_is_v4(&out->dst);
    uint8_t *start = out->data - xord_net_headroom(&out->dst);
    struct xord_endpoint from = out->src;
    struct xord_net_tx tx;
    int rc;

    if (xord_ip_scope(from.ip16) == XORD_IP_UNSPECIFIED && self->has_source[!v4])
        memcpy(from.ip16, self->source16[!v4], 16);
    rc = xord_netstack_tx(worker->stack, &tx, start, &from, &out->dst, out->len, self->device.tx_flags, now_ns);
    if (tx.solicit.len > 0)
        dpdk_tx_frame(self, worker, tx.solicit.bytes, tx.solicit.len);
    if (rc != XORD_NET_SEND)
        return; /* parked as a copy, or refused and counted: the mbuf stays where it is */
    frame_set(*mbuf, start, tx.frame_len);
    if (self->device.tx_flags)
        offloads_ask(*mbuf, self->device.tx_flags, v4);
    tx_push(self, worker, *mbuf);
    *mbuf = NULL;
}

void dpdk_tx_put(struct xord_port *port, uint16_t w, const struct xord_tx *txs, uint16_t cnt, uint64_t now_ns)
{
    struct dpdk_port *self = dpdk_port_of(port);
    struct dpdk_worker *worker = &self->workers[w];

    for (uint16_t i = 0; i < cnt; i++)
        tx_one(self, worker, &txs[i], now_ns);
    worker->draft_cnt = 0;
}
