/* SPDX-License-Identifier: BSD-3-Clause */
/* Steering: the folded hash is the Toeplitz hash that NICs compute, and one for both directions. */
#include "xord_steer.h"

#include <rte_thash.h>

#include "test_util.h"
#include "xord_bytes.h"
#include "xord_rng.h"

static struct xord_rng rng;

static void setup(void)
{
    static const uint8_t seed32[32] = {1};

    xord_rng_init(&rng, seed32);
}

TestSuite(steer, .init = setup);

static struct xord_endpoint random_ep(bool v4)
{
    uint8_t ip16[16];

    xord_rng_fill(&rng, ip16, sizeof(ip16));
    return v4 ? xord_endpoint_v4(ip16, (uint16_t)xord_rng_u32(&rng))
              : xord_endpoint_v6(ip16, (uint16_t)xord_rng_u32(&rng));
}

/* The tuple as a NIC reads it off the wire, in words. */
static uint32_t reference(const struct xord_endpoint *src, const struct xord_endpoint *dst)
{
    uint32_t from = xord_endpoint_is_v4(src) ? 12 : 0, tuple[9], n = 0;

    for (uint32_t i = from; i < 16; i += 4)
        tuple[n++] = xord_load_be32(src->ip16 + i);
    for (uint32_t i = from; i < 16; i += 4)
        tuple[n++] = xord_load_be32(dst->ip16 + i);
    tuple[n++] = (uint32_t)src->port << 16 | dst->port;
    return rte_softrss(tuple, n, xord_steer_key52);
}

static void check(bool v4)
{
    for (int i = 0; i < 20000; i++) {
        struct xord_endpoint a = random_ep(v4), b = random_ep(v4);
        uint32_t hash = xord_steer_hash(&a, &b);

        cr_assert_eq(hash, reference(&a, &b));
        cr_assert_eq(hash, xord_steer_hash(&b, &a), "not symmetric");
        cr_assert_eq(hash, reference(&b, &a), "the NIC's is not symmetric");
    }
}

Test(steer, v4_is_what_a_nic_computes)
{
    check(true);
}

Test(steer, v6_is_what_a_nic_computes)
{
    check(false);
}

Test(steer, shards_get_even_parts)
{
    struct xord_endpoint self = random_ep(true);

    for (uint16_t shards = 1; shards <= 8; shards++) {
        uint32_t cnt[8] = {0};

        for (int i = 0; i < 16000; i++) {
            struct xord_endpoint peer = random_ep(true);
            uint16_t shard = xord_steer_queue(xord_steer_hash(&self, &peer), shards);

            cr_assert_lt(shard, shards);
            cnt[shard]++;
        }
        for (uint16_t s = 0; s < shards; s++)
            cr_assert(cnt[s] > 16000U / shards * 8 / 10 && cnt[s] < 16000U / shards * 12 / 10, "shard %u of %u has %u",
                    s, shards, cnt[s]);
    }
}

/* The nodes of a test network differ in a few bits of the address only. */
Test(steer, neighbouring_addresses_are_spread)
{
    uint8_t ip4[4] = {127, 0, 0, 0};
    struct xord_endpoint self = xord_endpoint_v4((const uint8_t[]){127, 0, 0, 1}, 9000);
    uint32_t cnt[2] = {0, 0};

    for (uint32_t i = 0; i < 4096; i++) {
        struct xord_endpoint peer;

        xord_store_be16(ip4 + 2, (uint16_t)i);
        peer = xord_endpoint_v4(ip4, 9000);
        cnt[xord_steer_queue(xord_steer_hash(&self, &peer), 2)]++;
    }
    cr_assert(cnt[0] > 1600 && cnt[1] > 1600, "%u and %u", cnt[0], cnt[1]);
}

/* ---- who gets what ---- */

static void count_shards(uint32_t cnt[64], uint16_t shards, uint16_t pollers)
{
    uint8_t reta[XORD_STEER_RETA_LEN];

    memset(cnt, 0, 64 * sizeof(cnt[0]));
    xord_steer_deal(reta, shards, pollers);
    for (unsigned i = 0; i < XORD_STEER_RETA_LEN; i++) {
        cr_assert_lt(reta[i], shards);
        cnt[reta[i]]++;
    }
}

Test(steer, where_all_poll_the_table_is_a_nics)
{
    for (uint16_t shards = 1; shards <= 64; shards++) {
        uint8_t reta[XORD_STEER_RETA_LEN];

        xord_steer_deal(reta, shards, shards);
        for (uint32_t hash = 0; hash < 4 * XORD_STEER_RETA_LEN; hash++)
            cr_assert_eq(xord_steer_shard(reta, hash), xord_steer_queue(hash, shards), "%u of %u", hash, shards);
    }
}

Test(steer, who_polls_for_others_owns_less)
{
    for (uint16_t shards = 2; shards <= 64; shards++)
        for (uint16_t pollers = 1; pollers < shards; pollers++) {
            uint32_t cnt[64];

            count_shards(cnt, shards, pollers);
            for (uint16_t s = 0; s < shards; s++) {
                uint32_t other = cnt[shards - 1];

                cr_assert(s < pollers ? cnt[s] <= other + 1 : cnt[s] + 1 >= other && cnt[s] <= other + 1,
                        "%u of %u, %u poll: %u and %u", s, shards, pollers, cnt[s], other);
                cr_assert_geq(other, XORD_STEER_RETA_LEN / shards);
            }
        }
}
