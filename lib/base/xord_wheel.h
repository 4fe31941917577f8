/* SPDX-License-Identifier: BSD-3-Clause */
/* A hierarchical timer wheel over caller-owned timers: arm, cancel and expiry cost O(1); resolution 1 ms, reach about
 * 4.6 hours (longer delays are clamped). Expired timers are handed out one by one, so that the caller may arm and
 * cancel any timer in between.
 * Threading: one owner. Memory: 8 KB; a timer is linked, never allocated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XORD_WHEEL_LEVELS 4
#define XORD_WHEEL_SLOTS  64

struct xord_timer {
    struct xord_timer *next;
    struct xord_timer *prev; /* NULL when not armed */
    uint64_t due_ms;
};

struct xord_wheel {
    struct xord_timer slots[XORD_WHEEL_LEVELS][XORD_WHEEL_SLOTS];
    struct xord_timer expired;
    uint64_t now_ms;
    uint32_t armed_cnt; /* timers armed, expired ones not yet handed out included */
};

void xord_wheel_init(struct xord_wheel *wheel, uint64_t now_ns);

static inline bool xord_timer_is_armed(const struct xord_timer *timer)
{
    return timer->prev != NULL;
}

/* (Re)arms: due at `due_ns`, never before, at most 2 ms late after the wheel is advanced past it. */
void xord_timer_arm(struct xord_wheel *wheel, struct xord_timer *timer, uint64_t due_ns);
void xord_timer_cancel(struct xord_wheel *wheel, struct xord_timer *timer);

/* Moves time on; cost is O(slots passed + timers expired). */
void xord_wheel_advance(struct xord_wheel *wheel, uint64_t now_ns);

/* The next expired timer, disarmed; NULL when none is left. */
struct xord_timer *xord_wheel_pop(struct xord_wheel *wheel);

/* A lower bound on when the next timer is due, UINT64_MAX when none is armed. */
uint64_t xord_wheel_next_ns(const struct xord_wheel *wheel);
