/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool is a ring of pairs. */
#include "xord_ephemeral.h"

#include <assert.h>
#include <stdlib.h>

#include "xord_bytes.h"
#include "xord_mem.h"

struct xord_ephemerals {
    const struct xord_curve *curve;
    struct xord_rng rng;
    uint32_t cap, head, cnt;
    struct xord_ephemeral pairs[];
};

void xord_ephemeral_make(struct xord_ephemeral *pair, const struct xord_curve *curve, struct xord_rng *rng)
{
    /* A random string is no valid key once in 2^128 draws. */
    do {
        xord_rng_fill(rng, pair->seckey32, sizeof(pair->seckey32));
    } while (xord_pubkey_from_seckey(curve, pair->pubkey33, pair->seckey32));
}

struct xord_ephemerals *xord_ephemerals_new(uint32_t cap, const struct xord_curve *curve,
        const uint8_t seed32[XORD_RNG_SEED_LEN])
{
    struct xord_ephemerals *pool = xord_secret_alloc(sizeof(*pool) + cap * sizeof(pool->pairs[0]));

    if (!pool)
        return NULL;
    pool->curve = curve;
    pool->cap = cap;
    xord_rng_init(&pool->rng, seed32);
    return pool;
}

void xord_ephemerals_free(struct xord_ephemerals *pool)
{
    if (pool)
        xord_secret_free(pool, sizeof(*pool) + pool->cap * sizeof(pool->pairs[0]));
}

uint32_t xord_ephemerals_cnt(const struct xord_ephemerals *pool)
{
    return pool->cnt;
}

uint32_t xord_ephemerals_missing(const struct xord_ephemerals *pool)
{
    return pool->cap - pool->cnt;
}

void xord_ephemerals_add(struct xord_ephemerals *pool)
{
    assert(pool->cnt < pool->cap);
    xord_ephemeral_make(&pool->pairs[(pool->head + pool->cnt) % pool->cap], pool->curve, &pool->rng);
    pool->cnt++;
}

bool xord_ephemerals_take(struct xord_ephemerals *pool, struct xord_ephemeral *pair)
{
    if (pool->cnt == 0) {
        xord_ephemeral_make(pair, pool->curve, &pool->rng);
        return false;
    }
    *pair = pool->pairs[pool->head];
    xord_wipe(&pool->pairs[pool->head], sizeof(*pair));
    pool->head = (pool->head + 1) % pool->cap;
    pool->cnt--;
    return true;
}
