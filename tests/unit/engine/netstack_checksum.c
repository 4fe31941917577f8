/* SPDX-License-Identifier: BSD-3-Clause */
#include "netstack_util.h"
#include "xord_rng.h"

static uint16_t in_be16(uint16_t memory_order)
{
    uint8_t bytes[2];

    memcpy(bytes, &memory_order, 2);
    return xord_load_be16(bytes);
}

static uint64_t pseudo_of(const uint8_t *frame, bool v4, size_t udp_len)
{
    uint8_t src16[16], dst16[16];

    if (!v4)
        return netstack_sum_pseudo(frame + 22, frame + 38, 17, udp_len);
    netstack_map_v4(src16, frame + 26);
    netstack_map_v4(dst16, frame + 30);
    return netstack_sum_pseudo(src16, dst16, 17, udp_len);
}

/* RFC 1071, section 3. */
Test(netstack_checksum, example_of_the_rfc)
{
    const uint8_t data[8] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    cr_assert_eq(in_be16(netstack_sum_fold(netstack_sum(0, data, 8))), 0xddf2);
}

Test(netstack_checksum, equals_the_reference_at_every_length_and_alignment)
{
    const uint8_t seed[XORD_RNG_SEED_LEN] = {1};
    uint8_t data[1600];
    struct xord_rng rng;

    xord_rng_init(&rng, seed);
    xord_rng_fill(&rng, data, sizeof(data));
    for (size_t len = 0; len < 1500; len++) {
        size_t at = len % 9;

        cr_assert_eq(in_be16(netstack_sum_fold(netstack_sum(0, data + at, len))), test_reference_sum(0, data + at, len),
                "length %zu", len);
    }
}

Test(netstack_checksum, loses_no_carry)
{
    static uint8_t ones[65535];

    memset(ones, 0xff, sizeof(ones));
    for (size_t len = 1; len <= sizeof(ones); len = len * 2 + 1)
        cr_assert_eq(in_be16(netstack_sum_fold(netstack_sum(UINT32_MAX, ones, len))),
                test_reference_sum(0xffff, ones, len), "length %zu", len);
}

Test(netstack_checksum, sums_may_be_taken_in_even_pieces)
{
    struct test_frame frame = test_load(FRAME_UDP6_A);

    for (size_t cut = 0; cut <= frame.len; cut += 2) {
        uint64_t sum = netstack_sum(0, frame.bytes, cut);

        sum = netstack_sum(sum, frame.bytes + cut, frame.len - cut);
        cr_assert_eq(in_be16(netstack_sum_fold(sum)), test_reference_sum(0, frame.bytes, frame.len));
    }
}

Test(netstack_checksum, pseudo_header_sum_is_what_linux_leaves_in_partial_checksums)
{
    const char *frames[] = {FRAME_UDP4_A, FRAME_UDP4_ODD_A, FRAME_UDP6_A, FRAME_UDP6_ODD_A};

    for (size_t i = 0; i < 4; i++) {
        struct test_frame frame = test_load(frames[i]);
        const uint8_t *udp = frame.bytes + (i < 2 ? 34 : 54);
        uint64_t pseudo = pseudo_of(frame.bytes, i < 2, xord_load_be16(udp + 4));

        cr_assert_eq(in_be16(netstack_sum_fold(pseudo)), xord_load_be16(udp + 6), "frame %zu", i);
    }
}

Test(netstack_checksum, writes_what_tcpdump_expects)
{
    const char *frames[] = {FRAME_UDP4_A, FRAME_UDP4_ODD_A, FRAME_UDP6_A, FRAME_UDP6_ODD_A};
    const uint16_t want[] = {0x1370, 0xd211, 0x2d6e, 0xec0f};

    for (size_t i = 0; i < 4; i++) {
        struct test_frame frame = test_load(frames[i]);
        uint8_t *udp = frame.bytes + (i < 2 ? 34 : 54);
        uint16_t udp_len = xord_load_be16(udp + 4);
        uint64_t pseudo = pseudo_of(frame.bytes, i < 2, udp_len);

        netstack_sum_write(udp + 6, pseudo, udp, udp_len);
        cr_assert_eq(xord_load_be16(udp + 6), want[i], "frame %zu", i);
        cr_assert(netstack_sum_is_good(pseudo, udp, udp_len));
    }
}
