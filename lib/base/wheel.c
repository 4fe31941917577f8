/* SPDX-License-Identifier: BSD-3-Clause */
/* Four wheels of 64 slots: 1 ms, 64 ms, 4.1 s, 4.4 min a slot. */
#include "xord_wheel.h"

#include <stddef.h>

#include "xord_clock.h"

#define SLOT_BITS 6
#define JUMP_MS   60000
#define SPAN_MS   (1ULL << (SLOT_BITS * XORD_WHEEL_LEVELS))

static void list_init(struct xord_timer *head)
{
    head->next = head;
    head->prev = head;
}

static void list_append(struct xord_timer *head, struct xord_timer *timer)
{
    timer->next = head;
    timer->prev = head->prev;
    head->prev->next = timer;
    head->prev = timer;
}

static void list_remove(struct xord_timer *timer)
{
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->next = NULL;
    timer->prev = NULL;
}

void xord_wheel_init(struct xord_wheel *wheel, uint64_t now_ns)
{
    for (unsigned level = 0; level < XORD_WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < XORD_WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    list_init(&wheel->expired);
    wheel->now_ms = now_ns / XORD_NS_PER_MS;
    wheel->armed_cnt = 0;
}

/* A timer lies on the lowest level whose slots tell its due time from now. */
static void wheel_place(struct xord_wheel *wheel, struct xord_timer *timer)
{
    uint64_t due = timer->due_ms;
    unsigned level = 0;

    if (due <= wheel->now_ms) {
        list_append(&wheel->expired, timer);
        return;
    }
    if (due - wheel->now_ms >= SPAN_MS)
        due = wheel->now_ms + SPAN_MS - 1;
    while (level + 1 < XORD_WHEEL_LEVELS && (due >> SLOT_BITS * level) - (wheel->now_ms >> SLOT_BITS * level) >= 64)
        level++;
    list_append(&wheel->slots[level][due >> SLOT_BITS * level & (XORD_WHEEL_SLOTS - 1)], timer);
}

void xord_timer_arm(struct xord_wheel *wheel, struct xord_timer *timer, uint64_t due_ns)
{
    xord_timer_cancel(wheel, timer);
    timer->due_ms = due_ns / XORD_NS_PER_MS + (due_ns % XORD_NS_PER_MS != 0);
    wheel->armed_cnt++;
    wheel_place(wheel, timer);
}

void xord_timer_cancel(struct xord_wheel *wheel, struct xord_timer *timer)
{
    if (!xord_timer_is_armed(timer))
        return;
    list_remove(timer);
    wheel->armed_cnt--;
}

static void slot_replace(struct xord_wheel *wheel, struct xord_timer *slot)
{
    struct xord_timer moved;

    if (slot->next == slot)
        return;
    moved = *slot;
    moved.next->prev = &moved;
    moved.prev->next = &moved;
    list_init(slot);
    while (moved.next != &moved) {
        struct xord_timer *timer = moved.next;

        list_remove(timer);
        wheel_place(wheel, timer);
    }
}

static void wheel_tick(struct xord_wheel *wheel)
{
    uint64_t now = ++wheel->now_ms;

    for (unsigned level = XORD_WHEEL_LEVELS - 1; level > 0; level--)
        if ((now & ((1ULL << SLOT_BITS * level) - 1)) == 0)
            slot_replace(wheel, &wheel->slots[level][now >> SLOT_BITS * level & (XORD_WHEEL_SLOTS - 1)]);
    slot_replace(wheel, &wheel->slots[0][now & (XORD_WHEEL_SLOTS - 1)]);
}

/* After a long sleep (a machine suspended, a simulation skipping ahead) all timers are placed anew instead of ticking
 * through every millisecond. */
static void wheel_jump(struct xord_wheel *wheel, uint64_t now_ms)
{
    wheel->now_ms = now_ms;
    for (unsigned level = 0; level < XORD_WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < XORD_WHEEL_SLOTS; slot++)
            slot_replace(wheel, &wheel->slots[level][slot]);
}

void xord_wheel_advance(struct xord_wheel *wheel, uint64_t now_ns)
{
    uint64_t now_ms = now_ns / XORD_NS_PER_MS;

    if (now_ms > wheel->now_ms + JUMP_MS && wheel->armed_cnt > 0)
        wheel_jump(wheel, now_ms);
    while (wheel->now_ms < now_ms) {
        if (wheel->armed_cnt == 0)
            wheel->now_ms = now_ms;
        else
            wheel_tick(wheel);
    }
}

struct xord_timer *xord_wheel_pop(struct xord_wheel *wheel)
{
    struct xord_timer *timer = wheel->expired.next;

    if (timer == &wheel->expired)
        return NULL;
    list_remove(timer);
    wheel->armed_cnt--;
    return timer;
}

uint64_t xord_wheel_next_ns(const struct xord_wheel *wheel)
{
    if (wheel->armed_cnt == 0)
        return UINT64_MAX;
    if (wheel->expired.next != &wheel->expired)
        return wheel->now_ms * XORD_NS_PER_MS;
    for (uint64_t ms = wheel->now_ms + 1; ms < wheel->now_ms + XORD_WHEEL_SLOTS; ms++) {
        const struct xord_timer *slot = &wheel->slots[0][ms & (XORD_WHEEL_SLOTS - 1)];

        if (slot->next != slot || (ms & (XORD_WHEEL_SLOTS - 1)) == 0)
            return ms * XORD_NS_PER_MS;
    }
    return (wheel->now_ms + XORD_WHEEL_SLOTS) * XORD_NS_PER_MS;
}
