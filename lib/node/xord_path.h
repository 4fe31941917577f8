/* SPDX-License-Identifier: BSD-3-Clause */
/* What the way to the nodes of a test network does to datagrams: loses some, delays each by the latency of its node, lets some
 * be overtaken. Chance follows from a seed. What is delayed stands in a bounded queue; what finds no room there is lost, counted.
 * Threading: one owner; each shard has its own. Memory: all of it by new: 1.4 KB a datagram of the queue. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_clock.h"
#include "xord_endpoint.h"
#include "xord_hash.h"
#include "xord_packet.h"

#define XORD_PATH_QUANTILES    1000
#define XORD_PATH_OVERTAKEN_NS (20 * XORD_NS_PER_MS) /* how much later one comes that others overtake */

/* The round trips of a network: each node has one of these for good, all with the same odds. */
struct xord_latency {
    uint32_t cnt; /* 0: none */
    uint64_t ns[XORD_PATH_QUANTILES];
};

struct xord_path_config {
    uint64_t seed;
    uint32_t number;   /* of the shard: each has a stream of its own */
    uint32_t capacity; /* datagrams delayed at a time; 0: 131,072, of 1.4 KB each */
    double loss, reorder;
    struct xord_latency latency;
};

struct xord_path_stats {
    uint64_t lost, delayed, overflow;
};

struct xord_path;

/* NULL when out of memory. */
struct xord_path *xord_path_new(const struct xord_path_config *config, uint64_t now_ns);
void xord_path_free(struct xord_path *path);

/* The distribution of weighted values, at least one; weights are above 0. ENOMEM. Control path only. */
XORD_MUST_CHECK int xord_latency_of(struct xord_latency *latency, const uint64_t *values_ns, const double *weights,
        size_t cnt);
/* Of node i, the same each time. */
uint64_t xord_latency_ns(const struct xord_latency *latency, uint64_t seed, uint32_t i);

/* Is the next datagram lost? */
bool xord_path_loses(struct xord_path *path);
/* How long the next datagram of node i takes. */
uint64_t xord_path_delay_ns(struct xord_path *path, uint32_t i);

/* Takes a copy that is due at `due_ns`; without room it is lost. */
void xord_path_put(struct xord_path *path, const struct xord_endpoint *src, const struct xord_endpoint *dst,
        const uint8_t *data, size_t len, uint64_t due_ns);

struct xord_path_dgram {
    struct xord_endpoint src, dst;
    uint16_t len;
    const uint8_t *data; /* valid until the next call */
};
/* The next that is due; false: none is. */
bool xord_path_take(struct xord_path *path, struct xord_path_dgram *dgram, uint64_t now_ns);
/* A lower bound on when the next is due; UINT64_MAX: none waits. */
uint64_t xord_path_next_ns(const struct xord_path *path);

void xord_path_stats(const struct xord_path *path, struct xord_path_stats *stats);
