/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port on net_ring for tests: what its transmit queue n sends comes to its receive queue n, and the test stands in
 * between. The port is host B of the captured frames; host A is a stack of its own. EAL starts once in a process, so each
 * test is one. */
#pragma once

#include <stdio.h>

#include <rte_mempool.h>

#include "dpdk_private.h"
#include "netstack_util.h"
#include "port_test.h"
#include "xord_engine.h"

#define UDP_PORT 9001 /* of the captured datagrams */
#define RING_CAP 1023 /* of net_ring */

static uint64_t start_ns; /* the port knows the clock's time when it opens; from there on it is ours */

struct bench {
    struct xord_port *port;
    struct dpdk_port *self;
    const struct xord_port_ops *ops;
};

static inline struct xord_port_config config_of(const char *spec, uint16_t worker_cnt)
{
    struct xord_port_config config = {.spec = spec, .udp_port = UDP_PORT, .worker_cnt = worker_cnt, .addr_cnt = 2};

    cr_assert(xord_ip_parse(config.addrs[0].ip16, "10.7.0.2") == 0);
    cr_assert(xord_ip_parse(config.addrs[1].ip16, "fd07::2") == 0);
    config.addrs[0].prefix_len = 24;
    config.addrs[1].prefix_len = 64;
    return config;
}

static inline struct bench bench_from(const struct xord_port_config *config)
{
    char err[XORD_PORT_ERR_LEN] = "";
    struct bench bench = {.port = xord_port_open(config, err), .ops = &xord_port_dpdk};

    cr_assert(bench.port, "%s", err);
    cr_assert(bench.port->ops == bench.ops);
    bench.self = dpdk_port_of(bench.port);
    start_ns = xord_now_ns();
    return bench;
}

static inline struct bench bench_open(uint16_t worker_cnt)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", worker_cnt);

    return bench_from(&config);
}

static inline void bench_close(struct bench *bench)
{
    bench->ops->close(bench->port);
}

/* ---- the wire ---- */

static inline struct rte_ring *wire(uint16_t queue)
{
    char name[RTE_RING_NAMESIZE];
    struct rte_ring *ring;

    snprintf(name, sizeof(name), "ETH_RXTX%u_net_ring0", queue);
    ring = rte_ring_lookup(name);
    cr_assert(ring);
    return ring;
}

static inline void wire_put(struct bench *bench, uint16_t queue, const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(bench->self->device.pool);

    cr_assert(mbuf);
    memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
    cr_assert(rte_ring_enqueue(wire(queue), mbuf) == 0);
}

/* A frame to host B: its MAC is whatever the device has. */
static inline void wire_put_hex(struct bench *bench, uint16_t queue, const char *hex)
{
    struct test_frame frame = test_load(hex);

    if (!(frame.bytes[0] & 1))
        memcpy(frame.bytes, bench->self->device.mac6, 6);
    wire_put(bench, queue, frame.bytes, frame.len);
}

/* The next frame that left by the queue; len 0: none. */
static inline struct test_frame wire_take(uint16_t queue)
{
    struct test_frame frame = {.len = 0};
    struct rte_mbuf *mbuf;

    if (rte_ring_dequeue(wire(queue), (void **)&mbuf))
        return frame;
    cr_assert(mbuf->nb_segs == 1 && mbuf->pkt_len == mbuf->data_len && mbuf->data_len <= sizeof(frame.bytes));
    frame.len = mbuf->data_len;
    memcpy(frame.bytes, rte_pktmbuf_mtod(mbuf, void *), frame.len);
    rte_pktmbuf_free(mbuf);
    return frame;
}

static inline void wire_is_silent(uint16_t queue)
{
    cr_assert_eq(wire_take(queue).len, 0, "a frame on queue %u", queue);
}

/* Receives; who polls for others looks at what it has polled the next time. */
static inline uint16_t receive(struct bench *bench, uint16_t w, struct xord_pkt *pkts, uint64_t now_ns)
{
    uint16_t n = bench->ops->rx_burst(bench->port, w, pkts, XORD_PORT_BURST, now_ns);

    return n > 0 || !bench->self->given ? n : bench->ops->rx_burst(bench->port, w, pkts, XORD_PORT_BURST, now_ns);
}

/* One turn of a worker's loop. */
static inline uint16_t turn(struct bench *bench, uint16_t w, struct xord_pkt *pkts, uint64_t now_ns)
{
    uint16_t n = receive(bench, w, pkts, now_ns);

    bench->ops->tx_burst(bench->port, w);
    return n;
}

static inline void turn_without(struct bench *bench, uint16_t w, uint64_t now_ns)
{
    struct xord_pkt pkts[XORD_PORT_BURST];

    cr_assert_eq(turn(bench, w, pkts, now_ns), 0, "a datagram");
}

static inline void send_text(struct bench *bench, uint16_t w, const char *text, const struct xord_endpoint *src,
        const struct xord_endpoint *dst)
{
    port_put(bench->port, w, text, (uint16_t)strlen(text), src, dst, start_ns);
}

static inline struct xord_port_stats stats_of(struct bench *bench)
{
    struct xord_port_stats stats;

    bench->ops->stats(bench->port, &stats);
    return stats;
}

/* The mbufs that a port at rest keeps: drafts and a spare for each worker. */
static inline unsigned mbufs_missing(const struct bench *bench)
{
    unsigned kept = 0;

    for (uint16_t w = 0; w < bench->self->worker_cnt; w++) {
        kept += bench->self->workers[w].spare != NULL;
        for (unsigned i = 0; i < XORD_BURST_MAX; i++)
            kept += bench->self->workers[w].drafts[i] != NULL;
    }
    return rte_mempool_in_use_count(bench->self->device.pool) - kept;
}

/* Host A's ARP answer, so that B knows it. */
static inline void meet_a(struct bench *bench, uint16_t w)
{
    wire_put_hex(bench, w, FRAME_ARP_REQUEST_A);
    turn_without(bench, w, start_ns);
    cr_assert_eq(wire_take(w).len, 42);
}
