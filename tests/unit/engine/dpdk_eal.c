/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port in an application that runs EAL itself and has made the devices. EAL starts once in a process, so each test
 * is one. */
#include <stdio.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dpdk_private.h"
#include "netstack_util.h"
#include "xord_engine.h"

#define UDP_PORT 9001 /* of the captured datagrams */

static void app_starts(void)
{
    static char args[][32] = {"app", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m64", "-l0",
            "--file-prefix=xord-test", "--log-level=*:error"};
    char *argv[sizeof(args) / sizeof(args[0]) + 1] = {NULL};
    int argc = (int)(sizeof(args) / sizeof(args[0]));

    for (int i = 0; i < argc; i++)
        argv[i] = args[i];
    cr_assert(rte_eal_init(argc, argv) >= 0);
    cr_assert(rte_dev_probe("net_ring7") == 0);
    cr_assert(rte_dev_probe("net_ring8") == 0);
}

static void app_ends(void)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
    cr_assert(rte_eal_cleanup() == 0);
    cr_assert(rmdir(dir) == 0);
}

static struct xord_port *port_of(const char *spec, char err[XORD_PORT_ERR_LEN])
{
    struct xord_port_config config = {.spec = spec, .udp_port = UDP_PORT, .worker_cnt = 1, .addr_cnt = 1};

    cr_assert(xord_ip_parse(config.addrs[0].ip16, "10.7.0.2") == 0);
    config.addrs[0].prefix_len = 24;
    *err = '\0';
    return xord_port_open(&config, err);
}

/* An ARP request in, its answer out. */
static void assert_works(struct xord_port *port, const char *device)
{
    struct test_frame frame = test_load(FRAME_ARP_REQUEST_A);
    struct xord_pkt pkts[XORD_PORT_BURST];
    char name[RTE_RING_NAMESIZE];
    struct rte_ring *wire;
    struct rte_mbuf *mbuf;

    snprintf(name, sizeof(name), "ETH_RXTX0_%s", device);
    wire = rte_ring_lookup(name);
    mbuf = rte_pktmbuf_alloc(dpdk_port_of(port)->device.pool);
    cr_assert(wire && mbuf);
    memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame.len), frame.bytes, frame.len);
    cr_assert(rte_ring_enqueue(wire, mbuf) == 0);
    cr_assert_eq(port->ops->rx_burst(port, 0, pkts, XORD_PORT_BURST, xord_now_ns()), 0);
    port->ops->tx_burst(port, 0);
    cr_assert(rte_ring_dequeue(wire, (void **)&mbuf) == 0, "no answer");
    cr_assert_eq(rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, 21)[0], 2, "not an ARP reply");
    rte_pktmbuf_free(mbuf);
}

Test(dpdk_eal, takes_the_devices_of_an_application)
{
    char err[XORD_PORT_ERR_LEN];
    struct xord_port *first, *second;

    app_starts();
    first = port_of("dpdk:net_ring7", err);
    cr_assert(first, "%s", err);
    second = port_of("dpdk:net_ring8", err);
    cr_assert(second, "%s", err);
    assert_works(first, "net_ring7");
    first->ops->close(first);
    assert_works(second, "net_ring8");
    second->ops->close(second);
    cr_assert(rte_ring_create("still here", 8, SOCKET_ID_ANY, 0), "EAL is gone");
    app_ends();
}

Test(dpdk_eal, makes_no_device_for_an_application)
{
    char err[XORD_PORT_ERR_LEN];

    app_starts();
    cr_assert_null(port_of("dpdk:net_ring9", err));
    cr_assert_str_eq(err, "there is no device net_ring9 in the DPDK that runs in this process");
    cr_assert_null(port_of("dpdk:0000:03:00.0", err));
    cr_assert_str_eq(err, "there is no device 0000:03:00.0 in the DPDK that runs in this process");
    app_ends();
}
