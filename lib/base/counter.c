/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and help of counters and timings, each out of its one table. */
#include "xord_counter.h"
#include "xord_timing.h"

#include <stddef.h>

const char *xord_counter_name(enum xord_counter_id id)
{
    static const char *const names[] = {
#define X(name, help) #name,
            XORD_COUNTERS(X)
#undef X
    };

    return (unsigned)id < XORD_COUNTER_CNT ? names[id] : NULL;
}

const char *xord_counter_help(enum xord_counter_id id)
{
    static const char *const helps[] = {
#define X(name, help) help,
            XORD_COUNTERS(X)
#undef X
    };

    return (unsigned)id < XORD_COUNTER_CNT ? helps[id] : NULL;
}

const char *xord_timing_name(enum xord_timing_id id)
{
    static const char *const names[] = {
#define X(name, help) #name,
            XORD_TIMINGS(X)
#undef X
    };

    return (unsigned)id < XORD_TIMING_CNT ? names[id] : NULL;
}

const char *xord_timing_help(enum xord_timing_id id)
{
    static const char *const helps[] = {
#define X(name, help) help,
            XORD_TIMINGS(X)
#undef X
    };

    return (unsigned)id < XORD_TIMING_CNT ? helps[id] : NULL;
}
