/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the DPDK port: EAL, the device, its workers, and what they say when something is amiss.
 * Threading: dpdk_rx.c and dpdk_tx.c belong to the workers, each with its own struct dpdk_worker; the rest is for the
 * control thread, at open and close. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

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

/* Starts EAL and has it probe the device of config->spec. 0 with *port_id and *started; -1 with one sentence in `err`, and
 * EAL is stopped again. Once in a process, as DPDK cannot be started twice. Where the application runs EAL already, the
 * device is one that it has made, found by its name; EAL is then not ours to stop (*started false), but the port will close
 * the device, and frees the mbufs' pool: what the application holds of them it gives back before. */
int dpdk_eal_start(uint16_t *port_id, bool *started, const struct xord_port_config *config,
        char err[XORD_PORT_ERR_LEN]);

/* Leaves no file behind. */
void dpdk_eal_stop(void);

/* Where DPDK's telemetry socket is; NULL: there is none, or EAL is not ours. */
const char *dpdk_eal_telemetry_dir(void);

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
    bool memif;        /* its memory may vanish, see dpdk_memif.c */
    bool rss;          /* a frame's queue is xord_steer_shard of its hash, and mbufs carry that hash */
    bool fast_free;    /* it returns what it sent to our pool without looking: nothing else may be sent */
    unsigned tx_flags; /* XORD_NET_TX_*: what the device computes itself */
    struct rte_mempool *pool;
};

/* Configures and starts the device with a queue for each worker, as far as it has them. 0, or -1 with one sentence. */
int dpdk_device_open(struct dpdk_device *device, uint16_t port_id, uint16_t worker_cnt, char err[XORD_PORT_ERR_LEN]);

/* Does the device bring a shard's frames to the queue of its number? */
static inline bool dpdk_device_steers(const struct dpdk_device *device, uint16_t worker_cnt)
{
    return device->rss && device->rx_queue_cnt == worker_cnt;
}

/* Lets the stack's Ethernet groups through. */
void dpdk_device_groups(const struct dpdk_device *device, const struct xord_netstack *stack);

/* A log line when the cable, or the peer at the other end, is missing. */
bool dpdk_device_has_link(const struct dpdk_device *device);
void dpdk_device_note_link(const struct dpdk_device *device);

void dpdk_device_close(struct dpdk_device *device);

/* Fetches a line that will be written: it then comes from another core's cache at once, not when the first store waits for it.
 * Without such an instruction an x86 CPU takes this for none. */
static inline void dpdk_prefetch_write(void *line)
{
#if defined(__x86_64__)
    __asm__ __volatile__("prefetchw %0" : : "m"(*(char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* ---- workers ---- */

/* Frames polled at a time for all workers: of two each gets nearly a burst, seldom more. */
#define DPDK_AHEAD_LEN 112
#define DPDK_TX_LEN    128 /* frames that wait for tx_burst: a burst of answers and what the stack has to say */

/* What passes through a ring of neighbours: elements are whole words. */
struct dpdk_news {
    struct xord_net_neighbour neighbour;
    uint8_t reserved[-sizeof(struct xord_net_neighbour) % 4];
};

struct dpdk_worker {
    _Alignas(64) struct xord_netstack *stack;
    uint16_t index;
    bool receives, sends; /* has a queue of its own */
    bool registered;
    _Atomic bool in_memif; /* inside its driver */
    uint64_t polled_ns;
    uint16_t draft_cnt;      /* of the drafts, given out by tx_alloc since the last tx_put */
    struct rte_mbuf *spare;  /* for the next frame of the stack's own */
    struct rte_ring *handed; /* mbufs of workers without a transmit queue; many senders, this worker receives */
    struct rte_ring *out;    /* where our frames go if we have no transmit queue: another's `handed` */
    struct rte_ring *told;   /* struct dpdk_news; many senders, this worker receives */
    uint16_t steer_turn;     /* whose handed-over frames the next rx_burst begins with */
    uint16_t held_cnt, tx_cnt, ahead_cnt;
    enum xord_load load;                     /* of the last rx_burst */
    struct rte_mbuf *held[XORD_PORT_BURST];  /* of the last rx_burst; NULL: left as its own answer */
    struct rte_mbuf *drafts[XORD_BURST_MAX]; /* for tx_alloc; NULL: sent */
    struct rte_mbuf *tx[DPDK_TX_LEN];
    struct rte_mbuf *ahead[DPDK_AHEAD_LEN]; /* polled, not yet looked at */
    /* written by the worker, read by stats */
    _Atomic uint64_t rx_packets, rx_other_port, tx_dropped, news_lost, steer_in, steer_out, steer_dropped;
    uint64_t steer_counted[3];                  /* of the last three, what dpdk_count has passed on */
    _Atomic uint64_t net[XORD_NET_COUNTER_CNT]; /* the stack's, as of a moment ago */
};

/* ---- dpdk_memif.c: a driver whose memory vanishes ---- */

/* From now on these workers may be inside memif's driver; NULL and 0: no more. */
void dpdk_memif_guard(struct dpdk_worker *workers, uint16_t worker_cnt);

/* False: not now. */
bool dpdk_memif_enter(struct dpdk_worker *worker);
void dpdk_memif_leave(struct dpdk_worker *worker);

static inline uint16_t dpdk_device_rx(const struct dpdk_device *device, struct dpdk_worker *worker,
        struct rte_mbuf **frames, uint16_t max)
{
    uint16_t n;

    if (!device->memif)
        return rte_eth_rx_burst(device->port_id, worker->index, frames, max);
    if (!dpdk_memif_enter(worker))
        return 0;
    n = rte_eth_rx_burst(device->port_id, worker->index, frames, max);
    dpdk_memif_leave(worker);
    return n;
}

static inline uint16_t dpdk_device_tx(const struct dpdk_device *device, struct dpdk_worker *worker,
        struct rte_mbuf **frames, uint16_t cnt)
{
    uint16_t n;

    if (!device->memif)
        return rte_eth_tx_burst(device->port_id, worker->index, frames, cnt);
    if (!dpdk_memif_enter(worker))
        return 0;
    n = rte_eth_tx_burst(device->port_id, worker->index, frames, cnt);
    dpdk_memif_leave(worker);
    return n;
}

struct dpdk_port {
    struct xord_port base;
    struct dpdk_device device;
    uint16_t worker_cnt;
    uint16_t port_cnt, ports[XORD_PORT_MAX_ADDR]; /* UDP: each once */
    bool eal_started, device_open;
    bool has_source[2];
    uint8_t source16[2][16]; /* of datagrams that leave the choice to us, by family */
    pthread_key_t thread_key;
    bool has_key;
    struct dpdk_worker *workers;
    struct dpdk_given **given; /* by polling worker f to worker t: [f * worker_cnt + t]; NULL: the device steers */
};

struct dpdk_given;

static inline struct dpdk_port *dpdk_port_of(struct xord_port *port)
{
    return (struct dpdk_port *)port;
}

/* At which of our addresses is not asked. */
static inline bool dpdk_port_is_ours(const struct dpdk_port *self, uint16_t udp_port)
{
    for (uint16_t i = 0; i < self->port_cnt; i++)
        if (self->ports[i] == udp_port)
            return true;
    return false;
}

/* By the worker that owns the counter. */
static inline void dpdk_bump(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* ---- dpdk_tx.c ---- */

/* The `buf` of a datagram, in and out, is the address of the worker's pointer to its mbuf, in `held` or `drafts`. */
bool dpdk_tx_alloc(struct xord_port *port, uint16_t w, struct xord_tx *tx);
void dpdk_tx_put(struct xord_port *port, uint16_t w, const struct xord_tx *txs, uint16_t cnt, uint64_t now_ns);
void dpdk_tx_burst(struct xord_port *port, uint16_t w);

/* Queues a copy of a whole frame; without room for it the frame is lost. */
void dpdk_tx_frame(struct dpdk_port *self, struct dpdk_worker *worker, const uint8_t *frame, size_t len);

/* Queues what has waited for neighbours that are known by now. */
void dpdk_tx_unpark(struct dpdk_port *self, struct dpdk_worker *worker);

/* ---- dpdk_steer.c ---- */

/* The hash of a UDP frame's 4-tuple, or, where any_dst has it for the family, of that to the unspecified address. False: it is no
 * plain UDP. */
bool dpdk_frame_hash(uint32_t *hash, const uint8_t *frame, size_t len, const bool any_dst[2]);

/* After the device is open. XORD_ENOMEM. */
XORD_MUST_CHECK int dpdk_steer_init(struct dpdk_port *self);
void dpdk_steer_free(struct dpdk_port *self);

/* Where the device does not steer (self->given), by a worker with a queue: gives what it polled last time to the owners, itself
 * among them, and polls anew. */
void dpdk_steer_poll(struct dpdk_port *self, struct dpdk_worker *worker);

/* Fetches the headers of what it has polled into the cache, for the next poll. */
void dpdk_steer_announce(const struct dpdk_worker *worker);

/* Takes at most `max` of the frames that were given to a worker. */
uint16_t dpdk_steer_take(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf **frames, uint16_t max);

/* Has it polled frames that it has not given yet, or been given some that it has not taken? */
bool dpdk_steer_has_more(const struct dpdk_port *self, const struct dpdk_worker *worker);

/* How much that is, for itself and for others whom it keeps waiting. */
enum xord_load dpdk_steer_load(const struct dpdk_port *self, const struct dpdk_worker *worker);

/* ---- dpdk_rx.c ---- */

uint16_t dpdk_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max, uint64_t now_ns);
enum xord_load dpdk_load(struct xord_port *port, uint16_t w);

/* Destructor of dpdk_port.thread_key: gives the thread's lcore number back. */
void dpdk_thread_unregister(void *worker);

/* ---- dpdk_stats.c ---- */

void dpdk_stats(struct xord_port *port, struct xord_port_stats *stats);
void dpdk_count(struct xord_port *port, uint16_t w, struct xord_counters *counters);

/* With -v: all that the stacks have counted, one line a row. The workers have ended. */
void dpdk_stats_log(const struct dpdk_port *self);
