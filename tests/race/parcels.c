/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams through a ring of parcels, in bursts: what one thread writes without any atomic the other reads and changes, and
 * neither meets the other in a slot. */
#include <pthread.h>
#include <string.h>

#include "parcels_private.h"
#include "race.h"

#define DGRAMS 60000

static struct parcels parcels;

static void *writer(void *arg)
{
    uint32_t refused = 0;

    (void)arg;
    for (uint32_t n = 0; n < DGRAMS;) {
        uint8_t data[200];
        struct xord_dgram dgram = {.data = data, .len = sizeof(data), .local = n};

        memset(data, (int)n, sizeof(data));
        if (parcels_put(&parcels, &dgram))
            n++;
        else
            refused++;
        if (n % 7 == 0 || refused % 7 == 0)
            (void)parcels_publish(&parcels);
    }
    (void)parcels_publish(&parcels);
    return NULL;
}

static void *reader(void *arg)
{
    struct xord_dgram burst[11];
    uint32_t n = 0;

    (void)arg;
    while (n < DGRAMS) {
        uint32_t cnt = parcels_peek(&parcels, burst, 11);

        for (uint32_t i = 0; i < cnt; i++, n++) {
            RACE_CHECK(burst[i].local == n);
            RACE_CHECK(burst[i].data[0] == (uint8_t)n && burst[i].data[199] == (uint8_t)n);
            memset(burst[i].data, 0xee, burst[i].len);
        }
        parcels_release(&parcels, cnt);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[2];

    RACE_CHECK(parcels_init(&parcels, 32) == 0);
    RACE_CHECK(pthread_create(&threads[0], NULL, writer, NULL) == 0);
    RACE_CHECK(pthread_create(&threads[1], NULL, reader, NULL) == 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    RACE_CHECK(parcels_is_empty(&parcels));
    parcels_free(&parcels);
    return 0;
}
