/* SPDX-License-Identifier: BSD-3-Clause */
/* Ephemeral key pairs for handshakes that we begin, and a pool of them made in idle turns. Spec: discv5-theory.md,
 * "Handshake Steps" 3.
 *
 * A pool has a random stream of its own and gives its pairs in the order in which they were drawn, so the n-th handshake
 * gets the same pair whether the pool made it ahead or only when it was asked for. What is taken leaves no copy behind.
 * Threading: one owner. Memory: fixed by new, wiped by free, not in core dumps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_identity.h"
#include "xord_rng.h"

/* To be used once, then wiped. */
struct xord_ephemeral {
    uint8_t seckey32[XORD_SECKEY_LEN];
    uint8_t pubkey33[XORD_PUBKEY_LEN];
};

void xord_ephemeral_make(struct xord_ephemeral *pair, const struct xord_curve *curve, struct xord_rng *rng);

struct xord_ephemerals;

/* Room for `cap` pairs; none are made yet. `curve` is borrowed. NULL when out of memory. */
struct xord_ephemerals *xord_ephemerals_new(uint32_t cap, const struct xord_curve *curve,
        const uint8_t seed32[XORD_RNG_SEED_LEN]);
void xord_ephemerals_free(struct xord_ephemerals *pool);

/* Pairs that are there, and those that are missing until the pool is full. */
uint32_t xord_ephemerals_cnt(const struct xord_ephemerals *pool);
uint32_t xord_ephemerals_missing(const struct xord_ephemerals *pool);

/* Makes one pair; the pool must not be full. */
void xord_ephemerals_add(struct xord_ephemerals *pool);

/* The oldest pair, or, when there is none, a new one: false. */
bool xord_ephemerals_take(struct xord_ephemerals *pool, struct xord_ephemeral *pair);
