/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: where datagrams come from and go to. One vtable, three backends: kernel sockets, any DPDK ethdev, and an in-process
 * simulation. The backend is chosen once at start.
 *
 * Each worker has its own receive queue, transmit queue and buffers in a port; a call with worker number w is made by worker
 * w only. A device with fewer queues than workers gives the higher workers nothing to receive; whom a datagram belongs to
 * is not the port's business.
 * Threading: as above; stats may be read by anyone. Memory: allocated by open, nothing after. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "xord_counter.h"
#include "xord_endpoint.h"
#include "xord_node.h"
#include "xord_steer.h"

#define XORD_PORT_BURST    64
#define XORD_PORT_MAX_ADDR 64
#define XORD_PORT_ERR_LEN  320

/* What ports take of their host; `xord doctor` looks for it. */
#define XORD_PORT_SOCKET_BUF (8 << 20)           /* asked for in each direction of a kernel socket */
#define XORD_PORT_MTU        1328                /* IPv6 40, UDP 8, packet 1,280 */
uint32_t xord_port_dpdk_mb(uint16_t worker_cnt); /* memory from hugepages, or without */

/* One of our addresses with a UDP port at it, and the prefix that it is part of (127.1.0.0/16: on-link; for a test network all
 * addresses of it are ours). Datagrams that leave the choice to the port leave from the first of their family. */
struct xord_port_addr {
    uint8_t ip16[16];   /* unspecified: every address of its family (sockets only) */
    uint8_t prefix_len; /* 0..32 for IPv4, 0..128 for IPv6 */
    uint8_t owner; /* whoever has several addresses of a family has one shard for a peer, whichever of them it calls */
    bool optional; /* left out where the machine cannot have it (sockets only) */
    uint16_t udp_port; /* 0: that of the configuration */
};

struct xord_sim;

struct xord_port_config {
    const char *spec; /* "socket", "dpdk:<devargs>", "sim" */
    struct xord_port_addr addrs[XORD_PORT_MAX_ADDR];
    uint32_t addr_cnt; /* 0: every address of the machine, of IPv6 if it has that (sockets only) */
    bool whole_prefix; /* all addresses of each prefix are ours */
    bool has_gateway4, has_gateway6;
    uint8_t gateway4_ip16[16], gateway6_ip16[16];
    uint16_t udp_port; /* 0: any free one, for each owner */
    uint16_t worker_cnt;
    char *const *eal_args; /* extra arguments for EAL; may be NULL */
    int eal_arg_cnt;
    bool telemetry;       /* DPDK opens its telemetry socket, see xord_telemetry.h */
    struct xord_sim *sim; /* of the "sim" port: its network, see xord_sim.h */
};

/* A datagram in a port's buffer. */
struct xord_pkt {
    uint8_t *data; /* UDP payload; valid, and writable, until the worker's next rx_burst */
    void *buf;     /* for an answer in its place: see struct xord_dgram; NULL: none may be built there */
    uint16_t len;
    bool has_hash;
    uint32_t hash; /* of the NIC, over the UDP 4-tuple with the key of xord_steer.h */
    struct xord_endpoint src, dst;
};

/* Summed over the workers. */
struct xord_port_stats {
    uint64_t rx_packets, tx_packets;
    uint64_t rx_dropped; /* lost for want of buffers, as far as the device tells */
    uint64_t tx_dropped; /* full queue, refused by the system, or unresolved neighbour */
    uint64_t rx_invalid; /* not UDP to us, bad checksum, fragment, ... */
    uint64_t neighbours; /* ARP and NDP frames handled */
    int tx_errno;        /* of the last datagram that the system refused; 0: none */
    uint64_t echoes;     /* ICMP echo requests answered */
};

struct xord_port;

struct xord_port_ops {
    const char *name;

    /* NULL on failure; `err` then holds one clear sentence. */
    struct xord_port *(*open)(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN]);

    /* Takes in at most `max` (<= XORD_PORT_BURST) datagrams; returns how many. */
    uint16_t (*rx_burst)(struct xord_port *port, uint16_t worker, struct xord_pkt *pkts, uint16_t max, uint64_t now_ns);

    /* What the last rx_burst met, whatever became of it: full when more is likely to wait. NULL: as full as what it returned. */
    enum xord_load (*load)(struct xord_port *port, uint16_t worker);

    /* Sets tx->data and tx->buf: room for one datagram of XORD_TX_ROOM bytes; false when there is none even after a
     * flush. At most XORD_BURST_MAX between two tx_put. */
    bool (*tx_alloc)(struct xord_port *port, uint16_t worker, struct xord_tx *tx);

    /* Queues datagrams (<= XORD_BURST_MAX) in buffers of tx_alloc or of the last rx_burst; whatever else tx_alloc gave is
     * free again. An unspecified source address lets the port choose. */
    void (*tx_put)(struct xord_port *port, uint16_t worker, const struct xord_tx *txs, uint16_t cnt, uint64_t now_ns);

    /* Sends what is queued; what cannot be sent is dropped and counted. */
    void (*tx_burst)(struct xord_port *port, uint16_t worker);

    /* Sleeps until a datagram may have come, `wake` is called, or at most `timeout_ns`. */
    void (*wait)(struct xord_port *port, uint16_t worker, uint64_t timeout_ns);

    /* Ends a wait of that worker; from any thread. */
    void (*wake)(struct xord_port *port, uint16_t worker);

    void (*stats)(struct xord_port *port, struct xord_port_stats *stats);

    /* Brings the net_* rows of a worker's counters up to date; by that worker, now and then. NULL: a port without an
     * L2-L4 stack of ours. */
    void (*count)(struct xord_port *port, uint16_t worker, struct xord_counters *counters);

    /* Has it a link? By the control thread. NULL: nobody can tell, so yes. */
    bool (*is_up)(struct xord_port *port);

    void (*close)(struct xord_port *port);
};

/* What every backend's `struct xord_port` begins with. */
struct xord_port {
    const struct xord_port_ops *ops;
    /* As bound: the endpoints at which the first owner is reached, IPv4 and IPv6; port 0: not served. The address is unspecified
     * when several are. */
    struct xord_endpoint bound[2];
    uint16_t udp_ports[XORD_PORT_MAX_ADDR]; /* as bound, of each address of the configuration; 0: left out */
    /* By family: an owner has several addresses, so the hash that decides about a peer's shard leaves ours out. */
    bool any_dst[2];
    /* The device, or the system, brings datagrams to the queue of the shard that owns their endpoint. Where it does not, the port
     * may still do it itself; what rx_burst of a worker yields may at any time be another's. */
    bool steers;
    /* Whom the hashes belong to; see xord_steer.h. */
    uint8_t reta[XORD_STEER_RETA_LEN];
};

extern const struct xord_port_ops xord_port_socket;
extern const struct xord_port_ops xord_port_dpdk;
extern const struct xord_port_ops xord_port_sim;

/* Sets `bound` by configuration and udp_ports. */
void xord_port_set_bound(struct xord_port *port, const struct xord_port_config *config);

/* By family: has an owner several addresses? Not those of a whole prefix, which each are somebody's. */
void xord_port_set_any_dst(struct xord_port *port, const struct xord_port_config *config);

/* Opens the port that config->spec names. */
struct xord_port *xord_port_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN]);

/* What a port, once it is open, still needs of the rights that it was opened with, to run and to end well. */
struct xord_port_needs {
    bool is_device;     /* DPDK's: ioctls, interrupts, files of its own */
    bool has_telemetry; /* takes connections, and makes a thread for each */
    bool has_xdp;       /* a program on the interface, to be taken from it */
    uint64_t caps;      /* bit n: capability n */
    char path[128];     /* a directory in which it removes a file, or a socket that it connects to again; "": none */
};
void xord_port_needs(struct xord_port_needs *needs, const struct xord_port_config *config);

/* Gives what open ports have put into the file system, and remove at their end, to the user that we are about to become. */
void xord_port_hand_over(uid_t uid, gid_t gid);
