/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings and pools: bounded, nothing lost, nothing twice - by several threads too. */
#include <pthread.h>
#include <stdlib.h>

#include "engine_private.h"
#include "test_util.h"

Test(rings, a_ring_holds_at_least_its_capacity)
{
    static const uint32_t caps[] = {1, 2, 3, 7, 8, 63, 64, 1000};

    for (size_t c = 0; c < sizeof(caps) / sizeof(caps[0]); c++) {
        struct rte_ring *ring = ring_new(caps[c], RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
        uintptr_t n = 0;
        void *object;

        cr_assert_not_null(ring);
        while (rte_ring_enqueue(ring, (void *)(n + 1)) == 0)
            n++;
        cr_assert_geq(n, caps[c]);
        cr_assert_leq(n, 2 * caps[c] + 2);
        for (uintptr_t i = 1; i <= n; i++) {
            cr_assert_eq(rte_ring_dequeue(ring, &object), 0);
            cr_assert_eq((uintptr_t)object, i);
        }
        cr_assert_neq(rte_ring_dequeue(ring, &object), 0);
        free(ring);
    }
    TEST_NO_LEAK();
}

Test(rings, a_pool_gives_each_object_once)
{
    enum { CNT = 100 };
    uint8_t *objects[CNT];
    struct pool pool = {0};

    cr_assert_eq(pool_init(&pool, CNT, 77), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CNT; i++) {
            objects[i] = pool_get(&pool);
            cr_assert_not_null(objects[i]);
            cr_assert_eq((uintptr_t)objects[i] % 64, 0);
            memset(objects[i], i, 77);
        }
        cr_assert_null(pool_get(&pool));
        for (int i = 0; i < CNT; i++) {
            cr_assert(objects[i][0] == i && objects[i][76] == i, "object %d is shared", i);
            pool_put(&pool, objects[i]);
        }
    }
    pool_free(&pool);
    TEST_NO_LEAK();
}

Test(rings, an_unmade_pool_can_be_freed)
{
    struct pool pool = {0};

    pool_free(&pool);
    TEST_NO_LEAK();
}

/* ---- two threads that pass objects back and forth ---- */

#define PASSES 200000

static struct pool shared;
static struct rte_ring *there;

struct numbered {
    _Atomic uint64_t owner_cnt; /* how many have it in hand */
    uint64_t number;
};

static void *receiver(void *arg)
{
    uint64_t *sum = arg;

    for (uint64_t n = 0; n < PASSES;) {
        void *object;
        struct numbered *numbered;

        if (rte_ring_dequeue(there, &object))
            continue;
        numbered = object;
        if (atomic_fetch_add(&numbered->owner_cnt, 1) == 0)
            *sum += numbered->number;
        atomic_fetch_sub(&numbered->owner_cnt, 1);
        pool_put(&shared, object);
        n++;
    }
    return NULL;
}

static void *sender(void *arg)
{
    (void)arg;
    for (uint64_t n = 0; n < PASSES / 2;) {
        struct numbered *numbered = pool_get(&shared);

        if (!numbered)
            continue;
        if (atomic_fetch_add(&numbered->owner_cnt, 1) != 0)
            abort();
        numbered->number = 1;
        atomic_fetch_sub(&numbered->owner_cnt, 1);
        while (rte_ring_enqueue(there, numbered))
            ;
        n++;
    }
    return NULL;
}

Test(rings, what_is_sent_arrives_once)
{
    pthread_t threads[3];
    uint64_t sum = 0;

    cr_assert_eq(pool_init(&shared, 64, sizeof(struct numbered)), 0);
    there = ring_new(16, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
    cr_assert_not_null(there);
    cr_assert_eq(pthread_create(&threads[0], NULL, receiver, &sum), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, sender, NULL), 0);
    cr_assert_eq(pthread_create(&threads[2], NULL, sender, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(sum, PASSES);
    free(there);
    pool_free(&shared);
    TEST_NO_LEAK();
}
