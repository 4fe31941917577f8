/* SPDX-License-Identifier: BSD-3-Clause */
/* Log distance and comparison against the definitions, bit by bit. */
#include "test_util.h"
#include "xord_enr.h"
#include "xord_rng.h"

static unsigned slow_log_distance(const uint8_t a32[32], const uint8_t b32[32])
{
    for (unsigned bit = 0; bit < 256; bit++) {
        if ((a32[bit / 8] ^ b32[bit / 8]) >> (7 - bit % 8) & 1)
            return 256 - bit;
    }
    return 0;
}

static int slow_compare(const uint8_t target32[32], const uint8_t a32[32], const uint8_t b32[32])
{
    for (unsigned i = 0; i < 32; i++) {
        int diff = (a32[i] ^ target32[i]) - (b32[i] ^ target32[i]);

        if (diff)
            return diff;
    }
    return 0;
}

static int sign_of(int v)
{
    return (v > 0) - (v < 0);
}

Test(distance, every_bit_position)
{
    uint8_t a32[32] = {0}, b32[32];

    cr_assert_eq(xord_log_distance(a32, a32), 0);
    for (unsigned bit = 0; bit < 256; bit++) {
        memcpy(b32, a32, 32);
        b32[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        cr_assert_eq(xord_log_distance(a32, b32), 256 - bit, "bit %u", bit);
        cr_assert_eq(xord_log_distance(b32, a32), 256 - bit, "bit %u", bit);
        memset(b32 + bit / 8 + 1, 0xff, 31 - bit / 8); /* lower bits do not matter */
        cr_assert_eq(xord_log_distance(a32, b32), 256 - bit, "bit %u", bit);
    }
}

Test(distance, agrees_with_the_definition_on_random_ids)
{
    static const uint8_t seed[XORD_RNG_SEED_LEN] = {7};
    struct xord_rng rng;

    xord_rng_init(&rng, seed);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t ids[3][32];
        unsigned shared = xord_rng_u32(&rng) % 33; /* ids with a common beginning reach the low words */

        xord_rng_fill(&rng, ids, sizeof(ids));
        memcpy(ids[1], ids[0], shared);
        memcpy(ids[2], ids[0], shared);
        cr_assert_eq(xord_log_distance(ids[0], ids[1]), slow_log_distance(ids[0], ids[1]));
        cr_assert_eq(sign_of(xord_distance_compare(ids[0], ids[1], ids[2])),
                sign_of(slow_compare(ids[0], ids[1], ids[2])));
        cr_assert_eq(xord_distance_compare(ids[0], ids[1], ids[2]), -xord_distance_compare(ids[0], ids[2], ids[1]));
    }
}

Test(distance, compare_of_equals_and_of_the_target_itself)
{
    uint8_t target32[32] = {1, 2, 3}, other32[32] = {1, 2, 4};

    cr_assert_eq(xord_distance_compare(target32, other32, other32), 0);
    cr_assert_lt(xord_distance_compare(target32, target32, other32), 0);
    cr_assert_gt(xord_distance_compare(target32, other32, target32), 0);
}

Test(distance, unaligned_ids)
{
    uint8_t buf[80] = {0};

    buf[1 + 31] = 1;
    cr_assert_eq(xord_log_distance(buf + 1, buf + 43), 1);
}
