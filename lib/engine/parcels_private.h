/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams on their way from the worker that took them in to the one that owns their endpoint, where the port has not brought
 * them there: a ring for each pair of workers, its slots as long as a packet. A datagram is copied once and read where it lies.
 *
 * Threading: one writer (put, publish), one reader (peek, release, is_empty). Memory: fixed by init; a full ring refuses. */
#pragma once

#include "spsc_private.h"
#include "xord_node.h"

struct parcel;

struct parcels {
    struct spsc spsc;
    struct parcel *slots;
};

/* `len` is a power of two. XORD_ENOMEM. */
XORD_MUST_CHECK int parcels_init(struct parcels *parcels, uint32_t len);
void parcels_free(struct parcels *parcels);

/* Copies a datagram of at most XORD_PACKET_MAX_LEN bytes into the next slot; false: all are full. The reader sees nothing of it
 * before publish, which returns how many it showed. */
bool parcels_put(struct parcels *parcels, const struct xord_dgram *dgram);
uint32_t parcels_publish(struct parcels *parcels);

/* At most `max` of the oldest, in order; their bytes stay where they are, the reader's to change, until they are released. */
uint32_t parcels_peek(struct parcels *parcels, struct xord_dgram *burst, uint32_t max);
void parcels_release(struct parcels *parcels, uint32_t cnt);

bool parcels_is_empty(const struct parcels *parcels);
