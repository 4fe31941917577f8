/* SPDX-License-Identifier: BSD-3-Clause */
/* The counters of device and stacks, in the words of the port and of the metrics table. */
#include <inttypes.h>
#include <stdio.h>

#include <rte_ethdev.h>

#include "dpdk_private.h"
#include "xord_engine.h"
#include "xord_log.h"

static uint64_t net_sum(const struct dpdk_worker *worker, enum xord_net_counter first, enum xord_net_counter last)
{
    uint64_t sum = 0;

    for (int i = (int)first; i <= (int)last; i++)
        sum += atomic_load_explicit(&worker->net[i], memory_order_relaxed);
    return sum;
}

#define NET_SUM(worker, first, last) net_sum(worker, XORD_NET_CNT_##first, XORD_NET_CNT_##last)

static uint64_t rx_dropped(const struct dpdk_worker *worker)
{
    return NET_SUM(worker, drop_short, drop_no_room) +
           atomic_load_explicit(&worker->rx_other_port, memory_order_relaxed);
}

static uint64_t tx_dropped(const struct dpdk_worker *worker)
{
    return NET_SUM(worker, tx_no_route, parked_failed) +
           atomic_load_explicit(&worker->tx_dropped, memory_order_relaxed);
}

static uint64_t neighbour_frames(const struct dpdk_worker *worker)
{
    return NET_SUM(worker, answered_arp, answered_solicit) + NET_SUM(worker, neighbour_heard, neighbour_heard);
}

static void row_set(struct xord_counters *counters, enum xord_counter_id id, uint64_t value)
{
    atomic_store_explicit(&counters->v[id], value, memory_order_relaxed);
}

void dpdk_stats(struct xord_port *port, struct xord_port_stats *stats)
{
    struct dpdk_port *self = dpdk_port_of(port);
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
        stats->rx_invalid += rx_dropped(worker);
        stats->tx_packets += NET_SUM(worker, tx_sent, tx_sent) + NET_SUM(worker, parked_sent, parked_sent);
        stats->tx_dropped += tx_dropped(worker);
        stats->neighbours += neighbour_frames(worker);
        stats->echoes += NET_SUM(worker, answered_echo, answered_echo);
    }
}

/* The workers count into these rows too. */
static void row_add(struct xord_counters *counters, enum xord_counter_id id, _Atomic uint64_t *value, uint64_t *counted)
{
    uint64_t now = atomic_load_explicit(value, memory_order_relaxed);

    xord_counter_add(counters, id, now - *counted);
    *counted = now;
}

void dpdk_count(struct xord_port *port, uint16_t w, struct xord_counters *counters)
{
    struct dpdk_worker *worker = &dpdk_port_of(port)->workers[w];

    row_set(counters, XORD_CNT_net_arp, neighbour_frames(worker));
    row_set(counters, XORD_CNT_net_echo, NET_SUM(worker, answered_echo, answered_echo));
    row_set(counters, XORD_CNT_net_dropped, rx_dropped(worker));
    row_set(counters, XORD_CNT_net_tx_dropped, tx_dropped(worker));
    row_add(counters, XORD_CNT_steer_in, &worker->steer_in, &worker->steer_counted[0]);
    row_add(counters, XORD_CNT_steer_out, &worker->steer_out, &worker->steer_counted[1]);
    row_add(counters, XORD_CNT_steer_dropped, &worker->steer_dropped, &worker->steer_counted[2]);
}

static void row_log(const char *name, const uint64_t *values, uint16_t cnt)
{
    char columns[512];
    uint64_t sum = 0;
    int len = 0;

    for (uint16_t w = 0; w < cnt; w++) {
        sum += values[w];
        if (len < (int)sizeof(columns) - 24)
            len += snprintf(columns + len, sizeof(columns) - (size_t)len, " %" PRIu64, values[w]);
    }
    if (sum > 0)
        xord_log(XORD_LOG_DEBUG, "net %s:%s", name, columns);
}

void dpdk_stats_log(const struct dpdk_port *self)
{
    uint64_t values[XORD_ENGINE_MAX_WORKERS];
    uint16_t cnt = RTE_MIN(self->worker_cnt, XORD_ENGINE_MAX_WORKERS);

    if (xord_log_get_level() < XORD_LOG_DEBUG)
        return;
    for (int i = 0; i < XORD_NET_COUNTER_CNT; i++) {
        for (uint16_t w = 0; w < cnt; w++)
            values[w] = xord_netstack_counters(self->workers[w].stack)[i];
        row_log(xord_net_counter_name((enum xord_net_counter)i), values, cnt);
    }
    for (uint16_t w = 0; w < cnt; w++)
        values[w] = self->workers[w].tx_dropped;
    row_log("frames not taken", values, cnt);
    for (uint16_t w = 0; w < cnt; w++)
        values[w] = self->workers[w].news_lost;
    row_log("news lost", values, cnt);
}
