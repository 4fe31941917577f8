/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots of a line for the datagram's own fields, so that the reader knows where the rest is when that line is here, and room for
 * its bytes. */
#include "parcels_private.h"

#include <stdlib.h>
#include <string.h>

struct parcel {
    _Alignas(64) struct xord_dgram dgram;
    uint8_t data[XORD_PACKET_MAX_LEN];
};
_Static_assert(sizeof(struct xord_dgram) <= 64, "one line");

int parcels_init(struct parcels *parcels, uint32_t len)
{
    spsc_init(&parcels->spsc, len);
    parcels->slots = aligned_alloc(64, len * sizeof(*parcels->slots));
    if (!parcels->slots)
        return XORD_ENOMEM;
    memset(parcels->slots, 0, len * sizeof(*parcels->slots));
    return 0;
}

void parcels_free(struct parcels *parcels)
{
    free(parcels->slots);
    parcels->slots = NULL;
}

bool parcels_put(struct parcels *parcels, const struct xord_dgram *dgram)
{
    struct parcel *parcel;
    uint32_t slot;

    if (!spsc_reserve(&parcels->spsc, &slot))
        return false;
    parcel = &parcels->slots[slot];
    parcel->dgram = *dgram;
    parcel->dgram.data = parcel->data;
    parcel->dgram.buf = NULL;
    memcpy(parcel->data, dgram->data, dgram->len);
    return true;
}

uint32_t parcels_publish(struct parcels *parcels)
{
    return spsc_publish(&parcels->spsc);
}

uint32_t parcels_peek(struct parcels *parcels, struct xord_dgram *burst, uint32_t max)
{
    uint32_t mask = parcels->spsc.len - 1, first, cnt = spsc_ready(&parcels->spsc, &first, max);

    for (uint32_t i = 0; i < cnt; i++)
        for (size_t line = 0; line < 3; line++)
            __builtin_prefetch((const uint8_t *)&parcels->slots[(first + i) & mask] + 64 * line);
    for (uint32_t i = 0; i < cnt; i++)
        burst[i] = parcels->slots[(first + i) & mask].dgram;
    return cnt;
}

void parcels_release(struct parcels *parcels, uint32_t cnt)
{
    spsc_release(&parcels->spsc, cnt);
}

bool parcels_is_empty(const struct parcels *parcels)
{
    return spsc_is_empty(&parcels->spsc);
}
