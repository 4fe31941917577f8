/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool of ephemeral keys: each pair a real one, given once, in order, and gone from the pool's memory. */
#include "xord_ephemeral.h"

#include "test_util.h"

#define CAP 8

static const uint8_t seed32[32] = "ephemeral";
static struct xord_curve *curve;
static struct xord_ephemerals *pool;

static void setup(void)
{
    curve = xord_curve_open(seed32);
    pool = xord_ephemerals_new(CAP, curve, seed32);
    cr_assert(curve && pool);
}

static void teardown(void)
{
    xord_ephemerals_free(pool);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

TestSuite(ephemeral, .init = setup, .fini = teardown);

static void fill(void)
{
    while (xord_ephemerals_missing(pool) > 0)
        xord_ephemerals_add(pool);
}

static void check_pair(const struct xord_ephemeral *pair)
{
    uint8_t pubkey33[33];

    cr_assert_eq(xord_pubkey_from_seckey(curve, pubkey33, pair->seckey32), 0);
    cr_assert_bytes(pubkey33, pair->pubkey33, 33);
}

Test(ephemeral, gives_each_pair_once)
{
    struct xord_ephemeral seen[5 * CAP];

    for (int i = 0; i < 5 * CAP; i++) {
        if (i % 3 == 0)
            fill();
        xord_ephemerals_take(pool, &seen[i]);
        check_pair(&seen[i]);
        for (int j = 0; j < i; j++)
            cr_assert(memcmp(seen[i].seckey32, seen[j].seckey32, 32) != 0, "pair %d is pair %d", i, j);
    }
}

Test(ephemeral, counts_what_is_missing_and_is_bounded)
{
    struct xord_ephemeral pair;

    cr_assert_eq(xord_ephemerals_missing(pool), CAP);
    for (uint32_t i = 0; i < CAP; i++) {
        xord_ephemerals_add(pool);
        cr_assert_eq(xord_ephemerals_missing(pool), CAP - i - 1);
    }
    for (uint32_t i = 0; i < CAP; i++) {
        cr_assert(xord_ephemerals_take(pool, &pair));
        cr_assert_eq(xord_ephemerals_missing(pool), i + 1);
    }
    for (int i = 0; i < 3; i++) {
        cr_assert_not(xord_ephemerals_take(pool, &pair), "an empty pool has one made");
        check_pair(&pair);
        cr_assert_eq(xord_ephemerals_missing(pool), CAP);
    }
}

/* Whatever was made ahead, the n-th pair is the same. */
Test(ephemeral, order_does_not_depend_on_when_pairs_are_made)
{
    struct xord_ephemerals *lazy = xord_ephemerals_new(CAP, curve, seed32);

    for (int i = 0; i < 4 * CAP; i++) {
        struct xord_ephemeral a, b;

        for (int n = i % 5; n > 0 && xord_ephemerals_missing(pool) > 0; n--)
            xord_ephemerals_add(pool);
        xord_ephemerals_take(pool, &a);
        xord_ephemerals_take(lazy, &b);
        cr_assert_bytes(&a, &b, sizeof(a));
    }
    xord_ephemerals_free(lazy);
}

static bool holds(const void *memory, size_t len, const uint8_t *secret, size_t secret_len)
{
    return memmem(memory, len, secret, secret_len) != NULL;
}

Test(ephemeral, keeps_nothing_of_what_it_gave)
{
    /* What stands before the pairs, and they themselves: no more than there is. */
    size_t len = sizeof(void *) + sizeof(struct xord_rng) + 3 * sizeof(uint32_t) + CAP * sizeof(struct xord_ephemeral);
    struct xord_ephemeral pairs[CAP];

    fill();
    for (int i = 0; i < CAP; i++) {
        xord_ephemerals_take(pool, &pairs[i]);
        cr_assert_not(holds(pool, len, pairs[i].seckey32, 32), "secret %d is still there", i);
        cr_assert_not(holds(pool, len, pairs[i].pubkey33, 33), "key %d is still there", i);
    }
    fill();
    xord_ephemerals_take(pool, &pairs[0]);
    cr_assert(xord_ephemerals_missing(pool) == 1);
}
