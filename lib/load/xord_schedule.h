/* SPDX-License-Identifier: BSD-3-Clause */
/* An open-loop schedule: when the k-th request is due, whatever became of those before. The rate grows evenly from nothing
 * during the ramp and is constant afterwards.
 * Threading: pure. Memory: by value. */
#pragma once

#include <stdint.h>

#include "xord_clock.h"

struct xord_schedule {
    double rate; /* requests a second; > 0 */
    uint64_t start_ns, ramp_ns, duration_ns;
};

/* When request k = 0, 1, .. is due. Never before the one before it. */
uint64_t xord_schedule_due_ns(const struct xord_schedule *schedule, uint64_t k);

/* How many requests there are in all. */
uint64_t xord_schedule_cnt(const struct xord_schedule *schedule);

/* How far the ramp has come at a time: 0 .. 1. */
double xord_schedule_share(const struct xord_schedule *schedule, uint64_t now_ns);
