/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the DPDK port: EAL, the device, and what they say when something is amiss.
 * Threading: all of this for the control thread, at open and close. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "xord_netstack.h"
#include "xord_port.h"

#define DPDK_NAME_LEN 64
#define DPDK_SAID_LEN 256

/* ---- dpdk_capture.c: what DPDK and its drivers print ---- */

/* They write to stdout and stderr as they like: until capture_end both go to a file without a name. */
struct dpdk_capture {
    int saved_fds[2];
    int file;
};
void dpdk_capture_begin(struct dpdk_capture *capture);

/* Puts stdout and stderr back. The first line that was caught, or "", goes to `said`, which may be NULL. */
void dpdk_capture_end(struct dpdk_capture *capture, char said[DPDK_SAID_LEN]);

/* ---- dpdk_eal.c ---- */

/* Starts EAL and has it probe the device of config->spec. 0 with *port_id; -1 with one sentence in `err`, and EAL is
 * stopped again. Once in a process, as DPDK cannot be started twice. */
int dpdk_eal_start(uint16_t *port_id, const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN]);

/* Leaves no file behind. */
void dpdk_eal_stop(void);

/* How many mbufs a port with so many workers takes. */
uint32_t dpdk_mbuf_cnt(uint16_t worker_cnt);

/* ---- dpdk_explain.c ---- */

/* "net_af_packet0" of "net_af_packet0,iface=eth1"; returns `name`. */
char *dpdk_devargs_name(char name[DPDK_NAME_LEN], const char *devargs);

/* Does the name say a PCI address? `bdf` gets its full form, "0000:03:00.0". */
bool dpdk_devargs_is_pci(char bdf[DPDK_NAME_LEN], const char *devargs);

/* Why the device cannot be had; `said` is what DPDK printed. */
void dpdk_explain(char err[XORD_PORT_ERR_LEN], const char *devargs, const char *said);

/* A log line if the device stands on a kernel interface that is down. */
void dpdk_warn_if_down(const char *devargs);

/* ---- dpdk_device.c ---- */

struct dpdk_device {
    uint16_t port_id;
    uint16_t rx_queue_cnt, tx_queue_cnt;
    uint16_t mtu;
    uint8_t mac6[6];
    bool started;
    bool rss;          /* a frame's queue is xord_steer_shard of its hash, and mbufs carry that hash */
    unsigned tx_flags; /* XORD_NET_TX_*: what the device computes itself */
    struct rte_mempool *pool;
};

/* Configures and starts the device with a queue for each worker, as far as it has them. 0, or -1 with one sentence. */
int dpdk_device_open(struct dpdk_device *device, uint16_t port_id, uint16_t worker_cnt, char err[XORD_PORT_ERR_LEN]);

/* Lets the stack's Ethernet groups through. */
void dpdk_device_groups(const struct dpdk_device *device, const struct xord_netstack *stack);

void dpdk_device_close(struct dpdk_device *device);
