/* SPDX-License-Identifier: BSD-3-Clause */
/* What a node counts, as text that Prometheus reads (text exposition format 0.0.4).
 *
 * Names come out of the tables of xord_counter.h and xord_timing.h: a counter `x` is xord_x_total, but all drop_x are one metric,
 * xord_drops_total with x as its reason; a timing `x` is the histogram xord_x_seconds. All have a label `shard`.
 * Threading: pure, reads what shards count as of a moment ago. Memory: the caller's buffer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_buf.h"
#include "xord_node.h"
#include "xord_port.h"
#include "xord_process.h"
#include "xord_timing.h"

#define XORD_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct xord_metrics_shard {
    const struct xord_counters *counters;
    const struct xord_timing *timings[XORD_TIMING_CNT];
    struct xord_node_sizes sizes;
    uint64_t turned_ago_ns;
};

struct xord_metrics {
    const char *version, *port; /* printable */
    const struct xord_metrics_shard *shards;
    uint16_t shard_cnt;
    struct xord_port_stats port_stats;
    bool port_up, ready, draining;
    uint32_t bans;
    uint64_t uptime_ns, start_s; /* since the epoch */
    const uint64_t *record_seqs; /* of the identities */
    uint32_t identity_cnt;
    struct xord_process_figures process;
};

void xord_metrics_write(struct xord_buf *buf, const struct xord_metrics *metrics);

/* The reason in a drop's name: "banned" of "drop_banned"; NULL: the counter is no drop. */
const char *xord_metrics_drop_reason(enum xord_counter_id id);

/* The time below which so many per cent of a timing's events took; the upper bound of their bucket. 0: there were none. */
uint64_t xord_metrics_quantile_ns(const struct xord_timing *timing, unsigned per_cent);
