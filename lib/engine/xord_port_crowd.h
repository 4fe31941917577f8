/* SPDX-License-Identifier: BSD-3-Clause */
/* A port under which a test network lies: any other port, and what stands between it and the nodes of a crowd. Datagrams to
 * nobody, to nodes that are away or have moved on, and past the NAT of a node are dropped; others get lost, delayed or
 * overtaken. To what is above, each node is always at its first address.
 * Threading: as every port. Memory: allocated by open, nothing after. */
#pragma once

#include "xord_crowd.h"
#include "xord_path.h"
#include "xord_port.h"

#define XORD_NAT_OPEN_NS (120 * XORD_NS_PER_S) /* how long a NAT lets answers in after the last datagram out */

struct xord_port_crowd_config {
    struct xord_crowd *crowd;
    struct xord_path_config path;
    uint16_t worker_cnt;
    uint64_t slow_ns; /* by which slow nodes answer later */
    /* From when delays count; NULL: from the `now_ns` of the call, which a worker that lost its CPU may have read long before what
     * it answers came. */
    uint64_t (*clock)(void);
};

struct xord_port_crowd_stats {
    uint64_t nobody; /* datagrams to addresses at which nobody was */
    uint64_t nat;    /* kept out by a NAT */
    struct xord_path_stats path;
};

/* Takes over `under` if it succeeds. NULL when out of memory. */
struct xord_port *xord_port_crowd_new(struct xord_port *under, const struct xord_port_crowd_config *config,
        uint64_t now_ns);

/* From any thread. */
void xord_port_crowd_stats(const struct xord_port *port, struct xord_port_crowd_stats *stats);
