/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings and pools on plain memory. */
#include <stdlib.h>
#include <string.h>

#include "engine_private.h"

/* ThreadSanitizer pairs a release with an acquire of the same address and size; the rings swap a position and its count as
 * one word and read them as two. So it is told what a ring is for: who takes an object sees what its giver did to it. */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define GIVEN(object) __tsan_release(object)
#define TAKEN(object) __tsan_acquire(object)
#else
#define GIVEN(object) ((void)(object))
#define TAKEN(object) ((void)(object))
#endif

struct rte_ring *ring_new(uint32_t cap, unsigned flags)
{
    struct rte_ring *ring;
    unsigned len = 2;
    ssize_t size;

    while (len < cap + 1)
        len *= 2;
    size = rte_ring_get_memsize(len);
    if (size < 0)
        return NULL;
    ring = aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size);
    if (ring && rte_ring_init(ring, "xord", len, flags)) {
        free(ring);
        return NULL;
    }
    return ring;
}

bool ring_give(struct rte_ring *ring, void *object)
{
    GIVEN(object);
    return rte_ring_enqueue(ring, object) == 0;
}

unsigned ring_take(struct rte_ring *ring, void **objects, unsigned max)
{
    unsigned n = rte_ring_dequeue_burst(ring, objects, max, NULL);

    for (unsigned i = 0; i < n; i++)
        TAKEN(objects[i]);
    return n;
}

int pool_init(struct pool *pool, uint32_t cnt, size_t size)
{
    size = (size + 63) / 64 * 64;
    pool->memory = aligned_alloc(64, cnt * size);
    pool->ring = ring_new(cnt, RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
    if (!pool->memory || !pool->ring)
        return XORD_ENOMEM;
    memset(pool->memory, 0, cnt * size);
    for (uint32_t i = 0; i < cnt; i++)
        pool_put(pool, pool->memory + i * size);
    return 0;
}

void pool_free(struct pool *pool)
{
    free(pool->memory);
    free(pool->ring);
}

void *pool_get(struct pool *pool)
{
    void *object;

    return ring_take(pool->ring, &object, 1) == 1 ? object : NULL;
}

/* The ring holds them all, so there is always room. */
void pool_put(struct pool *pool, void *object)
{
    (void)ring_give(pool->ring, object);
}
