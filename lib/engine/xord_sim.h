/* SPDX-License-Identifier: BSD-3-Clause */
/* A simulated network inside one process: the "sim" ports that are opened on it reach each other, and it delays, loses,
 * doubles and reorders what they send, the same for the same seed and order of calls.
 *
 * Time is what the callers of the ports pass as `now_ns`: a clock's, or virtual. A datagram sent at t is there for whoever
 * receives at t plus its delay or later. Only `wait` needs the time to be a clock's.
 * Threading: ports may be used by several threads, each worker by one; a mutex guards the whole network. Memory: allocated
 * by new and by the ports' open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define XORD_SIM_SEED_LEN 32
#define XORD_SIM_PORTS    64

/* What happens on the way; parts per thousand of all datagrams. */
struct xord_sim_conditions {
    uint64_t delay_ns;   /* of every datagram */
    uint64_t jitter_ns;  /* up to so much more, each its own: reorders too */
    uint64_t reorder_ns; /* for how long one is held back so that others overtake it */
    uint32_t loss_pm, duplicate_pm, reorder_pm;
};

struct xord_sim_config {
    uint8_t seed32[XORD_SIM_SEED_LEN];
    uint32_t capacity; /* datagrams under way at a time, beyond which they are lost; 0: 4,096 */
    bool steers; /* like a NIC with RSS: a worker receives what its shard owns. Else each flow goes to any one worker. */
    struct xord_sim_conditions conditions;
};

struct xord_sim_stats {
    uint64_t sent;
    uint64_t delivered; /* received by a port */
    uint64_t lost;      /* by chance */
    uint64_t duplicated;
    uint64_t unrouted; /* nobody has that endpoint */
    uint64_t overflow; /* beyond the capacity */
};

struct xord_sim;

/* NULL when out of memory. */
struct xord_sim *xord_sim_new(const struct xord_sim_config *config);

/* All its ports must be closed. */
void xord_sim_free(struct xord_sim *sim);

/* From now on; what is under way arrives as it would have. */
void xord_sim_set_conditions(struct xord_sim *sim, const struct xord_sim_conditions *conditions);

void xord_sim_stats(struct xord_sim *sim, struct xord_sim_stats *stats);
