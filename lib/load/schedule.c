/* SPDX-License-Identifier: BSD-3-Clause */
/* Due times. During the ramp of length r the rate at t is R t / r, so R t^2 / 2r requests are due by then, R r / 2 in all. */
#include <math.h>

#include "xord_schedule.h"

uint64_t xord_schedule_due_ns(const struct xord_schedule *schedule, uint64_t k)
{
    double ramp = (double)schedule->ramp_ns / 1e9, in_ramp = schedule->rate * ramp / 2, t;

    if ((double)k < in_ramp)
        t = sqrt(2 * (double)k * ramp / schedule->rate);
    else
        t = ramp + ((double)k - in_ramp) / schedule->rate;
    return schedule->start_ns + (uint64_t)(t * 1e9);
}

uint64_t xord_schedule_cnt(const struct xord_schedule *schedule)
{
    double ramp = (double)schedule->ramp_ns / 1e9, end = (double)schedule->duration_ns / 1e9;

    if (end < ramp)
        return (uint64_t)ceil(schedule->rate * end * end / (2 * ramp) - 1e-6);
    return (uint64_t)ceil(schedule->rate * (end - ramp / 2) - 1e-6);
}

double xord_schedule_share(const struct xord_schedule *schedule, uint64_t now_ns)
{
    if (now_ns <= schedule->start_ns)
        return schedule->ramp_ns ? 0 : 1;
    if (now_ns - schedule->start_ns >= schedule->ramp_ns)
        return 1;
    return (double)(now_ns - schedule->start_ns) / (double)schedule->ramp_ns;
}
