/* SPDX-License-Identifier: BSD-3-Clause */
/* The positions of a ring with one writer and one reader; what lies in its slots is the owner's business. The writer fills slots
 * one after another and shows them in bursts; the reader reads them where they are and gives them back in bursts. Neither
 * needs a locked instruction, nor looks at the other's position more than once a burst.
 *
 * Threading: as each function says. Memory: none of its own. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spsc {
    _Alignas(64) uint32_t len;               /* slots; a power of two */
    uint32_t put;                            /* the writer's: filled so far */
    uint32_t seen_taken;                     /* the writer's: `taken` as it was when it looked last */
    _Alignas(64) _Atomic uint32_t published; /* by the writer: the reader may read them */
    _Alignas(64) _Atomic uint32_t taken;     /* by the reader: the writer may fill them again */
};

/* Before either side begins. */
static inline void spsc_init(struct spsc *spsc, uint32_t len)
{
    *spsc = (struct spsc){.len = len};
}

/* By the writer. The slot to fill next, now its own; false: the ring is full. */
static inline bool spsc_reserve(struct spsc *spsc, uint32_t *slot)
{
    if (spsc->put - spsc->seen_taken == spsc->len) {
        spsc->seen_taken = atomic_load_explicit(&spsc->taken, memory_order_acquire);
        if (spsc->put - spsc->seen_taken == spsc->len)
            return false;
    }
    *slot = spsc->put++ & (spsc->len - 1);
    return true;
}

/* By the writer. Shows what was filled since the last time; returns how many slots. */
static inline uint32_t spsc_publish(struct spsc *spsc)
{
    uint32_t cnt = spsc->put - atomic_load_explicit(&spsc->published, memory_order_relaxed);

    if (cnt > 0)
        atomic_store_explicit(&spsc->published, spsc->put, memory_order_release);
    return cnt;
}

/* By the reader. How many slots are to be read, at most `max`; they begin at *first and wrap around. */
static inline uint32_t spsc_ready(struct spsc *spsc, uint32_t *first, uint32_t max)
{
    uint32_t cnt;

    *first = atomic_load_explicit(&spsc->taken, memory_order_relaxed);
    cnt = atomic_load_explicit(&spsc->published, memory_order_acquire) - *first;
    return cnt < max ? cnt : max;
}

/* By the reader. The writer may fill the first `cnt` of them again. */
static inline void spsc_release(struct spsc *spsc, uint32_t cnt)
{
    uint32_t taken = atomic_load_explicit(&spsc->taken, memory_order_relaxed);

    atomic_store_explicit(&spsc->taken, taken + cnt, memory_order_release);
}

/* By the reader. */
static inline bool spsc_is_empty(const struct spsc *spsc)
{
    return atomic_load_explicit(&spsc->published, memory_order_relaxed) ==
           atomic_load_explicit(&spsc->taken, memory_order_relaxed);
}
