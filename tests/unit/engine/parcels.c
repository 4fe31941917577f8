/* SPDX-License-Identifier: BSD-3-Clause */
/* Parcels: in order, whole, none before it is shown, and never more than there are slots. */
#include "parcels_private.h"

#include "test_util.h"

#define LEN 8

static struct parcels parcels;

static void setup(void)
{
    cr_assert_eq(parcels_init(&parcels, LEN), 0);
}

static void teardown(void)
{
    parcels_free(&parcels);
    TEST_NO_LEAK();
}

TestSuite(parcels, .init = setup, .fini = teardown);

static bool put(uint32_t number, uint16_t len)
{
    uint8_t data[XORD_PACKET_MAX_LEN], ip4[4] = {10, 0, 0, (uint8_t)number};
    struct xord_dgram dgram = {.data = data,
            .buf = data,
            .len = len,
            .local = number,
            .peer = xord_endpoint_v4(ip4, (uint16_t)number),
            .dst = xord_endpoint_v4(ip4, 9000)};

    memset(data, (int)number, sizeof(data));
    return parcels_put(&parcels, &dgram);
}

static void assert_is(const struct xord_dgram *dgram, uint32_t number, uint16_t len)
{
    cr_assert_eq(dgram->local, number);
    cr_assert_eq(dgram->len, len);
    cr_assert_null(dgram->buf, "the port knows nothing of this memory");
    cr_assert_eq(dgram->peer.port, (uint16_t)number);
    cr_assert_eq(dgram->dst.port, 9000);
    for (uint16_t i = 0; i < len; i++)
        cr_assert_eq(dgram->data[i], (uint8_t)number);
}

Test(parcels, are_seen_once_they_are_shown)
{
    struct xord_dgram burst[LEN];

    cr_assert(put(1, 63) && put(2, XORD_PACKET_MAX_LEN));
    cr_assert(parcels_is_empty(&parcels));
    cr_assert_eq(parcels_peek(&parcels, burst, LEN), 0);
    cr_assert_eq(parcels_publish(&parcels), 2);
    cr_assert_eq(parcels_publish(&parcels), 0);
    cr_assert(!parcels_is_empty(&parcels));
    cr_assert_eq(parcels_peek(&parcels, burst, LEN), 2);
    assert_is(&burst[0], 1, 63);
    assert_is(&burst[1], 2, XORD_PACKET_MAX_LEN);
    parcels_release(&parcels, 1);
    cr_assert_eq(parcels_peek(&parcels, burst, LEN), 1);
    assert_is(&burst[0], 2, XORD_PACKET_MAX_LEN);
    parcels_release(&parcels, 1);
    cr_assert(parcels_is_empty(&parcels));
}

Test(parcels, are_refused_when_all_slots_are_full)
{
    struct xord_dgram burst[LEN];

    for (uint32_t i = 0; i < LEN; i++)
        cr_assert(put(i, 100));
    cr_assert(!put(LEN, 100));
    cr_assert_eq(parcels_publish(&parcels), LEN);
    cr_assert(!put(LEN, 100));
    cr_assert_eq(parcels_peek(&parcels, burst, 3), 3, "no more than asked for");
    cr_assert(!put(LEN, 100), "looked at, not released");
    parcels_release(&parcels, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert(put(LEN + i, 100));
    cr_assert(!put(0, 100));
    (void)parcels_publish(&parcels);
    cr_assert_eq(parcels_peek(&parcels, burst, LEN), LEN);
    for (uint32_t i = 0; i < LEN; i++)
        assert_is(&burst[i], 3 + i, 100);
}

/* Positions count on past 32 bits. */
Test(parcels, go_round_and_round)
{
    struct xord_dgram burst[LEN];
    uint32_t in = 0, out = 0;

    parcels.spsc.put = parcels.spsc.seen_taken = UINT32_MAX - 20;
    atomic_store(&parcels.spsc.published, UINT32_MAX - 20);
    atomic_store(&parcels.spsc.taken, UINT32_MAX - 20);
    for (uint32_t round = 0; round < 100; round++) {
        uint32_t n;

        for (uint32_t i = 0; i < round % LEN + 1 && put(in, 64); i++)
            in++;
        (void)parcels_publish(&parcels);
        n = parcels_peek(&parcels, burst, round % 5 + 1);
        for (uint32_t i = 0; i < n; i++)
            assert_is(&burst[i], out++, 64);
        parcels_release(&parcels, n);
    }
    cr_assert_gt(out, 200);
}
