/* SPDX-License-Identifier: BSD-3-Clause */
/* An ethdev made ready: queues, RSS, checksum offloads, group filters. What a device does not offer, software does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dpdk_private.h"
#include "xord_log.h"
#include "xord_steer.h"

#define RING_LEN  1024
#define CACHE_LEN 256
#define GROUP_CNT 64
#define RSS_UDP   (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)

static int fail(char *err, const struct rte_eth_dev_info *info, const char *what, int rc)
{
    snprintf(err, XORD_PORT_ERR_LEN, "%.60s refuses %s: %.60s", rte_dev_name(info->device), what, strerror(-rc));
    return -1;
}

/* ---- what the device offers ---- */

/* Drivers that promise more than there is. */
struct quirk {
    const char *driver;
    uint16_t queue_max; /* 0: as it says */
};

static const struct quirk quirks[] = {
        {"net_e1000_em", 1}, /* says two also for cards with one: what is sent by the other is never seen again */
        {"net_memif", 1},    /* as many work as the peer has too, and it comes later */
        {"net_null", 0},     /* takes every RSS setting and does nothing */
        {"net_tap", 0},      /* crashes when it is asked for RSS */
};

static const struct quirk *quirk_of(const struct rte_eth_dev_info *info)
{
    for (size_t i = 0; i < RTE_DIM(quirks); i++)
        if (strcmp(info->driver_name, quirks[i].driver) == 0)
            return &quirks[i];
    return NULL;
}

static uint16_t queue_cnt(const struct rte_eth_dev_info *info, uint16_t said, uint16_t worker_cnt)
{
    const struct quirk *quirk = quirk_of(info);
    uint16_t max = quirk && quirk->queue_max ? quirk->queue_max : said;

    return RTE_MIN(max, worker_cnt);
}

static bool rss_offered(const struct rte_eth_dev_info *info, uint16_t queues)
{
    return queues > 1 && !quirk_of(info) && (info->flow_type_rss_offloads & RSS_UDP) == RSS_UDP &&
           info->hash_key_size <= XORD_STEER_KEY_LEN && xord_steer_reta_fits(info->reta_size, queues);
}

static void rss_ask(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info)
{
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
    conf->rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
            .rss_key = (uint8_t *)(uintptr_t)xord_steer_key52,
            .rss_key_len = info->hash_key_size ? info->hash_key_size : 40,
            .rss_hf = RSS_UDP,
    };
}

/* ---- queues ---- */

static int configure(struct dpdk_device *device, struct rte_eth_dev_info *info, char *err)
{
    struct rte_eth_conf conf = {0};
    int rc = -ENOTSUP;

    conf.rxmode.offloads = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
    conf.txmode.offloads = info->tx_offload_capa & (RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |
                                                           RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
    info->default_txconf.offloads = conf.txmode.offloads;
    device->fast_free = conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    device->tx_flags = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM ? XORD_NET_TX_UDP_OFFLOAD : 0U) |
                       (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM ? XORD_NET_TX_IP_OFFLOAD : 0U);
    if (rss_offered(info, device->rx_queue_cnt)) {
        struct rte_eth_conf with_rss = conf;

        rss_ask(&with_rss, info);
        rc = rte_eth_dev_configure(device->port_id, device->rx_queue_cnt, device->tx_queue_cnt, &with_rss);
        device->rss = rc == 0;
        if (rc == 0)
            info->default_rxconf.offloads = with_rss.rxmode.offloads;
    }
    if (rc) {
        rc = rte_eth_dev_configure(device->port_id, device->rx_queue_cnt, device->tx_queue_cnt, &conf);
        info->default_rxconf.offloads = conf.rxmode.offloads;
    }
    return rc ? fail(err, info, "this number of queues", rc) : 0;
}

static int pool_make(struct dpdk_device *device, uint16_t worker_cnt, char *err)
{
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof(name), "xord_mbufs_%u", device->port_id);
    device->pool = rte_pktmbuf_pool_create(name, dpdk_mbuf_cnt(worker_cnt) - 1, CACHE_LEN, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
            rte_eth_dev_socket_id(device->port_id));
    if (device->pool)
        return 0;
    snprintf(err, XORD_PORT_ERR_LEN,
            "DPDK has not enough memory for %u packet buffers: give it more with `-- -m <MB>`, or lower --workers",
            dpdk_mbuf_cnt(worker_cnt));
    return -1;
}

static int queues_set_up(const struct dpdk_device *device, const struct rte_eth_dev_info *info, char *err)
{
    int socket = rte_eth_dev_socket_id(device->port_id);
    unsigned socket_id = socket < 0 ? 0 : (unsigned)socket;
    uint16_t rx_len = RING_LEN, tx_len = RING_LEN;
    int rc = rte_eth_dev_adjust_nb_rx_tx_desc(device->port_id, &rx_len, &tx_len);

    for (uint16_t q = 0; q < device->rx_queue_cnt && !rc; q++)
        rc = rte_eth_rx_queue_setup(device->port_id, q, rx_len, socket_id, &info->default_rxconf, device->pool);
    if (rc)
        return fail(err, info, "a receive queue", rc);
    for (uint16_t q = 0; q < device->tx_queue_cnt && !rc; q++)
        rc = rte_eth_tx_queue_setup(device->port_id, q, tx_len, socket_id, &info->default_txconf);
    return rc ? fail(err, info, "a transmit queue", rc) : 0;
}

/* ---- after the start ---- */

/* Does the device hash with our key? Those that cannot tell are believed. */
static bool key_is_ours(const struct dpdk_device *device, const struct rte_eth_dev_info *info)
{
    uint8_t key[XORD_STEER_KEY_LEN] = {0};
    struct rte_eth_rss_conf got = {.rss_key = key, .rss_key_len = info->hash_key_size ? info->hash_key_size : 40};
    int rc = rte_eth_dev_rss_hash_conf_get(device->port_id, &got);

    if (rc)
        return rc == -ENOTSUP;
    return memcmp(key, xord_steer_key52, got.rss_key_len) == 0 && (got.rss_hf & RSS_UDP) == RSS_UDP;
}

static bool reta_write(const struct dpdk_device *device, const struct rte_eth_dev_info *info)
{
    struct rte_eth_rss_reta_entry64 groups[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE] = {0};

    if (info->reta_size > RTE_ETH_RSS_RETA_SIZE_512)
        return false;
    for (uint16_t i = 0; i < info->reta_size; i++) {
        struct rte_eth_rss_reta_entry64 *group = &groups[i / RTE_ETH_RETA_GROUP_SIZE];

        group->mask |= 1ULL << i % RTE_ETH_RETA_GROUP_SIZE;
        group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = xord_steer_queue(i, device->rx_queue_cnt);
    }
    return rte_eth_dev_rss_reta_update(device->port_id, groups, info->reta_size) == 0;
}

/* Some devices have no address, and a tap shares its own with the kernel at its other end. */
static void choose_mac(struct dpdk_device *device, const struct rte_eth_dev_info *info)
{
    struct rte_ether_addr mac = {0};

    (void)rte_eth_macaddr_get(device->port_id, &mac);
    if (rte_is_zero_ether_addr(&mac))
        rte_eth_random_addr(mac.addr_bytes);
    else if (strcmp(info->driver_name, "net_tap") == 0)
        mac.addr_bytes[5] ^= 1;
    memcpy(device->mac6, mac.addr_bytes, 6);
}

static void log_device(const struct dpdk_device *device, const struct rte_eth_dev_info *info)
{
    const uint8_t *mac6 = device->mac6;

    xord_log(XORD_LOG_DEBUG,
            "%s (%s): MAC %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, %u+%u queues, %s, UDP checksums sent by %s",
            rte_dev_name(info->device), info->driver_name, mac6[0], mac6[1], mac6[2], mac6[3], mac6[4], mac6[5],
            device->mtu, device->rx_queue_cnt, device->tx_queue_cnt, device->rss ? "RSS" : "steering in software",
            device->tx_flags & XORD_NET_TX_UDP_OFFLOAD ? "the device" : "software");
}

static int device_start(struct dpdk_device *device, const struct rte_eth_dev_info *info, char *err)
{
    int rc = rte_eth_dev_start(device->port_id);

    if (rc)
        return fail(err, info, "to start", rc);
    device->started = true;
    device->rss = device->rss && reta_write(device, info) && key_is_ours(device, info);
    if (rte_eth_dev_get_mtu(device->port_id, &device->mtu))
        device->mtu = RTE_ETHER_MTU;
    choose_mac(device, info);
    log_device(device, info);
    return 0;
}

static int device_open(struct dpdk_device *device, uint16_t worker_cnt, char *err)
{
    struct rte_eth_dev_info info;
    int rc = rte_eth_dev_info_get(device->port_id, &info);

    if (rc || info.max_rx_queues == 0 || info.max_tx_queues == 0) {
        snprintf(err, XORD_PORT_ERR_LEN, "the device cannot both receive and send: check its arguments");
        return -1;
    }
    /* The kernel deals frames out to all of them, also to those that nobody reads. */
    if (strcmp(info.driver_name, "net_af_packet") == 0 && info.max_rx_queues > worker_cnt) {
        snprintf(err, XORD_PORT_ERR_LEN, "%.60s has qpairs=%u, more than there are workers: leave qpairs out",
                rte_dev_name(info.device), info.max_rx_queues);
        return -1;
    }
    device->memif = strcmp(info.driver_name, "net_memif") == 0;
    device->rx_queue_cnt = queue_cnt(&info, info.max_rx_queues, worker_cnt);
    device->tx_queue_cnt = queue_cnt(&info, info.max_tx_queues, worker_cnt);
    rc = configure(device, &info, err);
    if (!rc)
        rc = pool_make(device, worker_cnt, err);
    if (!rc)
        rc = queues_set_up(device, &info, err);
    return rc ? rc : device_start(device, &info, err);
}

int dpdk_device_open(struct dpdk_device *device, uint16_t port_id, uint16_t worker_cnt, char err[XORD_PORT_ERR_LEN])
{
    struct dpdk_capture capture;
    char said[DPDK_SAID_LEN];
    size_t len;

    *device = (struct dpdk_device){.port_id = port_id};
    dpdk_capture_begin(&capture);
    if (device_open(device, worker_cnt, err) == 0) {
        dpdk_capture_end(&capture, NULL);
        return 0;
    }
    dpdk_capture_end(&capture, said);
    len = strlen(err);
    if (*said)
        snprintf(err + len, XORD_PORT_ERR_LEN - len, " (%.120s); -v shows more", said);
    dpdk_device_close(device);
    return -1;
}

void dpdk_device_groups(const struct dpdk_device *device, const struct xord_netstack *stack)
{
    uint8_t macs[GROUP_CNT][6];
    struct rte_ether_addr list[GROUP_CNT];
    int cnt = xord_netstack_mcast_macs(stack, macs, GROUP_CNT);

    for (int i = 0; i < cnt; i++)
        memcpy(list[i].addr_bytes, macs[i], 6);
    if (cnt >= 0 && rte_eth_dev_set_mc_addr_list(device->port_id, list, (uint32_t)cnt) == 0)
        return;
    if (rte_eth_allmulticast_enable(device->port_id) && rte_eth_promiscuous_enable(device->port_id))
        xord_log(XORD_LOG_WARN, "the device can be told of no multicast address: neighbours may not find us by IPv6");
}

bool dpdk_device_has_link(const struct dpdk_device *device)
{
    struct rte_eth_link link = {0};

    return rte_eth_link_get_nowait(device->port_id, &link) != 0 || link.link_status != RTE_ETH_LINK_DOWN;
}

void dpdk_device_note_link(const struct dpdk_device *device)
{
    if (!dpdk_device_has_link(device))
        xord_log(XORD_LOG_INFO, "the device has no link yet");
}

void dpdk_device_close(struct dpdk_device *device)
{
    struct dpdk_capture capture;

    dpdk_capture_begin(&capture);
    if (device->started)
        (void)rte_eth_dev_stop(device->port_id);
    (void)rte_eth_dev_close(device->port_id);
    rte_mempool_free(device->pool);
    dpdk_capture_end(&capture, NULL);
}
