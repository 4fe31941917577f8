/* SPDX-License-Identifier: BSD-3-Clause */
/* Histograms of times, one X-macro table like the counters: buckets by powers of two from a microsecond to a second.
 * Threading: written by their one owner, read by any thread; as of a moment ago, and not all of one moment. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "xord_clock.h"

#define XORD_TIMINGS(X)                                                                                                \
    X(service, "time from taking a datagram in until all answers of its turn are with the port")                       \
    X(lane_wait, "time that slow work waited in the handshake lane")

enum xord_timing_id {
#define X(name, help) XORD_TIMING_##name,
    XORD_TIMINGS(X)
#undef X
            XORD_TIMING_CNT
};

#define XORD_TIMING_BOUNDS 21 /* 1 us, 2 us ... 1.05 s; what is above stands in one bucket more */

struct xord_timing {
    _Atomic uint64_t cnt[XORD_TIMING_BOUNDS + 1];
    _Atomic uint64_t sum_ns;
};

/* The upper bound of a bucket, which belongs to it. */
static inline uint64_t xord_timing_bound_ns(unsigned bucket)
{
    return XORD_NS_PER_US << bucket;
}

static inline unsigned xord_timing_bucket(uint64_t ns)
{
    uint64_t us = (ns + XORD_NS_PER_US - 1) / XORD_NS_PER_US;
    unsigned bucket = us <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(us - 1);

    return bucket < XORD_TIMING_BOUNDS ? bucket : XORD_TIMING_BOUNDS;
}

/* By the owner only: `n` that took `ns` each. */
static inline void xord_timing_add(struct xord_timing *timing, uint64_t ns, uint64_t n)
{
    _Atomic uint64_t *cnt = &timing->cnt[xord_timing_bucket(ns)];

    atomic_store_explicit(cnt, atomic_load_explicit(cnt, memory_order_relaxed) + n, memory_order_relaxed);
    atomic_store_explicit(&timing->sum_ns, atomic_load_explicit(&timing->sum_ns, memory_order_relaxed) + ns * n,
            memory_order_relaxed);
}

/* Static strings; NULL for an id out of range. */
const char *xord_timing_name(enum xord_timing_id id);
const char *xord_timing_help(enum xord_timing_id id);
