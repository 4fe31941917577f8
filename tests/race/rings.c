/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects out of one pool go through a ring from two senders to one receiver, and back. What they hold is written and read
 * without any atomic: the pool and the ring alone must order it. */
#include <pthread.h>

#include "engine_private.h"
#include "race.h"

#define OBJECTS 50000 /* a sender */

struct object {
    uint64_t number;
    uint8_t filling[200];
};

static struct pool pool;
static struct rte_ring *ring;

static void *sender(void *arg)
{
    uint64_t from = (uintptr_t)arg;

    for (uint64_t n = 0; n < OBJECTS;) {
        struct object *object = pool_get(&pool);

        if (!object)
            continue;
        object->number = from + n;
        for (size_t i = 0; i < sizeof(object->filling); i++)
            object->filling[i] = (uint8_t)object->number;
        while (!ring_give(ring, object))
            ;
        n++;
    }
    return NULL;
}

static void *receiver(void *arg)
{
    uint64_t *sum = arg;
    void *objects[32];

    for (uint64_t n = 0; n < 2 * OBJECTS;) {
        unsigned cnt = ring_take(ring, objects, 32);

        for (unsigned i = 0; i < cnt; i++) {
            struct object *object = objects[i];

            RACE_CHECK(object->filling[0] == (uint8_t)object->number);
            RACE_CHECK(object->filling[199] == (uint8_t)object->number);
            *sum += object->number;
            pool_put(&pool, object);
        }
        n += cnt;
    }
    return NULL;
}

int main(void)
{
    uint64_t sum = 0, last = 2 * OBJECTS - 1;
    pthread_t threads[3];

    RACE_CHECK(pool_init(&pool, 64, sizeof(struct object)) == 0);
    ring = ring_new(32, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
    RACE_CHECK(ring);
    RACE_CHECK(pthread_create(&threads[0], NULL, receiver, &sum) == 0);
    RACE_CHECK(pthread_create(&threads[1], NULL, sender, (void *)0) == 0);
    RACE_CHECK(pthread_create(&threads[2], NULL, sender, (void *)OBJECTS) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    RACE_CHECK(sum == last * (last + 1) / 2);
    free(ring);
    pool_free(&pool);
    return 0;
}
