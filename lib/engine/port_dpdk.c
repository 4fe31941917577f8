/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port: between a device's queues and datagrams stands one L2-L4 stack a worker.
 *
 * A worker receives from the queue of its own number, if the device has as many; it sends to the queue of its own number,
 * or hands its frames to a worker that has one. What a worker learns of a neighbour it tells the others. No lock: the
 * rings are bounded, and what does not fit is dropped and counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ether.h>
#include <rte_ring_elem.h>

#include "dpdk_private.h"
#include "engine_private.h"
#include "xord_clock.h"
#include "xord_log.h"
#include "xord_rng.h"

#define HANDED_LEN   1024
#define TOLD_LEN     4096 /* the answers to a crawl's first questions may all come to one worker */
#define WAIT_MAX_NS  (100 * XORD_NS_PER_US)
#define NEIGHBOUR_V4 (1U << 16)
#define NEIGHBOUR_V6 (1U << 13)

/* ---- waiting ---- */

/* A device that is polled cannot wake anybody: a short sleep is all there is. */
static void dpdk_wait(struct xord_port *port, uint16_t w, uint64_t timeout_ns)
{
    struct timespec ts = {.tv_nsec = (long)RTE_MIN(timeout_ns, WAIT_MAX_NS)};

    if (!dpdk_steer_has_more(dpdk_port_of(port), &dpdk_port_of(port)->workers[w]))
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

/* The NIC hashes the address that a datagram was sent to; for who is at several the engine does not. */
static void steers_note(struct dpdk_port *self, const struct xord_port_config *config)
{
    xord_port_set_any_dst(&self->base, config);
    self->base.steers =
            dpdk_device_steers(&self->device, self->worker_cnt) && !self->base.any_dst[0] && !self->base.any_dst[1];
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
    ssize_t size = rte_ring_get_memsize_elem(sizeof(struct dpdk_news), TOLD_LEN);
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
    uint16_t owner = 0;
    bool ok = true;

    for (uint16_t w = 0; w < self->worker_cnt && ok; w++) {
        struct dpdk_worker *worker = &self->workers[w];

        worker->index = w;
        worker->receives = w < device->rx_queue_cnt;
        worker->sends = w < device->tx_queue_cnt;
        worker->told = news_ring_new();
        if (worker->sends && device->tx_queue_cnt < self->worker_cnt)
            worker->handed = ring_new(HANDED_LEN, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
        if (!worker->sends) {
            worker->out = self->workers[owner++].handed;
            owner = owner < device->tx_queue_cnt ? owner : 0;
        }
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
    rte_pktmbuf_free_bulk(worker->ahead, worker->ahead_cnt);
    rte_pktmbuf_free_bulk(worker->tx, worker->tx_cnt);
    rte_pktmbuf_free_bulk(worker->drafts, XORD_BURST_MAX);
    rte_pktmbuf_free(worker->spare);
    while (worker->handed && rte_ring_dequeue(worker->handed, &mbuf) == 0)
        rte_pktmbuf_free(mbuf);
    xord_netstack_free(worker->stack);
    free(worker->handed);
    free(worker->told);
}

static void dpdk_close(struct xord_port *port)
{
    struct dpdk_port *self = dpdk_port_of(port);

    if (self->device_open && self->workers[self->worker_cnt - 1].stack)
        dpdk_stats_log(self);
    if (self->device.memif)
        dpdk_memif_guard(NULL, 0);
    for (uint16_t w = 0; self->workers && w < self->worker_cnt; w++)
        worker_close(&self->workers[w]);
    dpdk_steer_free(self);
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
    self->has_key = pthread_key_create(&self->thread_key, dpdk_thread_unregister) == 0;
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

    if (dpdk_eal_start(&port_id, &self->eal_started, config, err))
        return -1;
    if (dpdk_device_open(&self->device, port_id, self->worker_cnt, err))
        return -1;
    self->device_open = true;
    if (self->device.memif)
        dpdk_memif_guard(self->workers, self->worker_cnt);
    if (workers_make(self, err) || stacks_make(self, config, err))
        return -1;
    if (dpdk_steer_init(self)) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory: lower --workers");
        return -1;
    }
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

static uint16_t port_of_owner(const struct dpdk_port *self, const struct xord_port_config *config, uint32_t row)
{
    for (uint32_t i = 0; i < row; i++)
        if (config->addrs[i].owner == config->addrs[row].owner)
            return self->base.udp_ports[i];
    return any_udp_port();
}

static void ports_note(struct dpdk_port *self, const struct xord_port_config *config)
{
    for (uint32_t i = 0; i < config->addr_cnt; i++) {
        uint16_t udp_port = config->addrs[i].udp_port ? config->addrs[i].udp_port : config->udp_port;

        if (udp_port == 0)
            udp_port = port_of_owner(self, config, i);
        self->base.udp_ports[i] = udp_port;
        if (!dpdk_port_is_ours(self, udp_port))
            self->ports[self->port_cnt++] = udp_port;
    }
    xord_port_set_bound(&self->base, config);
}

static struct xord_port *dpdk_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct dpdk_port *self = port_new(config);

    if (!self) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        return NULL;
    }
    source_note(self, config);
    ports_note(self, config);
    if (device_and_stacks(self, config, err)) {
        dpdk_close(&self->base);
        return NULL;
    }
    steers_note(self, config);
    dpdk_device_note_link(&self->device);
    dpdk_warn_if_down(config->spec);
    if (self->device.mtu < XORD_PORT_MTU)
        xord_log(XORD_LOG_WARN, "the device's MTU is %u: the longest packets need %u", self->device.mtu, XORD_PORT_MTU);
    return &self->base;
}

static bool dpdk_is_up(struct xord_port *port)
{
    return dpdk_device_has_link(&dpdk_port_of(port)->device);
}

const struct xord_port_ops xord_port_dpdk = {
        .name = "dpdk",
        .open = dpdk_open,
        .rx_burst = dpdk_rx_burst,
        .load = dpdk_load,
        .tx_alloc = dpdk_tx_alloc,
        .tx_put = dpdk_tx_put,
        .tx_burst = dpdk_tx_burst,
        .wait = dpdk_wait,
        .wake = dpdk_wake,
        .stats = dpdk_stats,
        .is_up = dpdk_is_up,
        .count = dpdk_count,
        .close = dpdk_close,
};
