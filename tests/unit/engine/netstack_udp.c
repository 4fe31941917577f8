/* SPDX-License-Identifier: BSD-3-Clause */
#include "netstack_util.h"
#include "xord_rng.h"

/* The captured frames, and what tcpdump says that their whole checksum would be. */
static const struct {
    const char *hex, *payload;
    size_t udp_off;
    uint16_t whole_sum;
} captured[] = {
        {FRAME_UDP4_A, "hello discv5", 34, 0x1370},
        {FRAME_UDP4_ODD_A, "odd", 34, 0xd211},
        {FRAME_UDP4_OPTIONS_A, "optioned", 42, 0xecbf},
        {FRAME_UDP6_A, "hello discv5", 54, 0x2d6e},
        {FRAME_UDP6_ODD_A, "odd", 54, 0xec0f},
        {FRAME_UDP6_OPTIONS_A, "dstopts", 62, 0x0315},
};
#define CAPTURED_CNT (sizeof(captured) / sizeof(captured[0]))

static struct test_frame whole(size_t i)
{
    struct test_frame frame = test_load(captured[i].hex);

    xord_store_be16(frame.bytes + captured[i].udp_off + 6, captured[i].whole_sum);
    return frame;
}

static void check_datagram(const struct test_frame *frame, size_t i)
{
    struct xord_endpoint src = test_ep(i < 3 ? "10.7.0.1" : "fd07::1", 9000);
    struct xord_endpoint dst = test_ep(i < 3 ? "10.7.0.2" : "fd07::2", 9001);

    cr_assert(xord_endpoint_equal(&frame->out.src, &src) && xord_endpoint_equal(&frame->out.dst, &dst));
    cr_assert_eq(frame->out.payload_len, strlen(captured[i].payload));
    cr_assert_eq(frame->out.payload_off, captured[i].udp_off + 8);
    cr_assert_bytes(frame->bytes + frame->out.payload_off, captured[i].payload, frame->out.payload_len);
}

Test(netstack_udp, whole_checksums_are_accepted)
{
    struct xord_netstack *b = test_host(2, 8, 8);

    for (size_t i = 0; i < CAPTURED_CNT; i++) {
        struct test_frame frame = whole(i);

        cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP, "frame %zu", i);
        check_datagram(&frame, i);
    }
    cr_assert_eq(test_count(b, XORD_NET_CNT_rx_partial_sum), 0);
    cr_assert_eq(test_count(b, XORD_NET_CNT_rx_udp), CAPTURED_CNT);
    xord_netstack_free(b);
    TEST_NO_LEAK();
}

Test(netstack_udp, partial_checksums_as_linux_leaves_them_are_accepted)
{
    struct xord_netstack *b = test_host(2, 8, 8);

    for (size_t i = 0; i + 1 < CAPTURED_CNT; i++) {
        struct test_frame frame = test_load(captured[i].hex);

        cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP, "frame %zu", i);
        check_datagram(&frame, i);
        cr_assert_eq(test_count(b, XORD_NET_CNT_rx_partial_sum), i + 1);
    }
    xord_netstack_free(b);
}

Test(netstack_udp, absent_checksum_is_for_ipv4_only)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_UDP4_NO_SUM_A);

    cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
    frame = test_load(FRAME_UDP6_A);
    xord_store_be16(frame.bytes + 60, 0);
    test_drops(b, frame, XORD_NET_CNT_drop_udp_sum, "over IPv6");
    cr_assert_eq(xord_netstack_rx(b, &frame.out, frame.bytes, frame.len, frame.len, XORD_NET_RX_SUM_GOOD, START),
            XORD_NET_DROP, "even if a device likes it");
    xord_netstack_free(b);
}

Test(netstack_udp, any_byte_flipped_is_dropped)
{
    struct xord_netstack *b = test_host(2, 8, 8);

    for (size_t i = 0; i < CAPTURED_CNT; i++) {
        struct test_frame good = whole(i);

        for (size_t at = 0; at < good.len; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                bool uncovered = (at >= 6 && at < 12) ||                                       /* source MAC */
                                 (i >= 3 && (at == 15 || at == 16 || at == 17 || at == 21)) || /* class, label, hops */
                                 (i >= 3 && at == 14 && bit < 4) ||
                                 (i == 5 && at >= 56 && at < 62); /* the options' contents */
                struct test_frame frame = good;

                frame.bytes[at] ^= (uint8_t)(1 << bit);
                if (!uncovered)
                    cr_assert_eq(test_rx(b, &frame), XORD_NET_DROP, "frame %zu byte %zu bit %u", i, at, bit);
            }
        }
    }
    cr_assert_eq(test_count(b, XORD_NET_CNT_rx_udp), 0);
    xord_netstack_free(b);
}

Test(netstack_udp, verified_by_the_device_is_believed)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_UDP4_A);

    frame.bytes[frame.len - 1] ^= 1;
    xord_store_be16(frame.bytes + 40, 0x1111);
    test_drops(b, frame, XORD_NET_CNT_drop_udp_sum, "unverified");
    cr_assert_eq(xord_netstack_rx(b, &frame.out, frame.bytes, frame.len, frame.len, XORD_NET_RX_SUM_GOOD, START),
            XORD_NET_UDP);
    xord_netstack_free(b);
}

Test(netstack_udp, lengths_and_ports)
{
    static const struct {
        unsigned at;
        uint16_t value;
    } edits[] = {{38, 7}, {38, 21}, {38, 0}, {34, 0}, {36, 0}};
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame;

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        frame = test_load(FRAME_UDP4_A);
        xord_store_be16(frame.bytes + edits[i].at, edits[i].value);
        test_drops(b, frame, XORD_NET_CNT_drop_udp_malformed, "edited");
    }
    frame = test_load(FRAME_UDP4_A);
    frame.bytes[17] = 27;
    test_fix_ip4(&frame);
    test_drops(b, frame, XORD_NET_CNT_drop_udp_malformed, "seven bytes");
    frame = test_load(FRAME_UDP4_NO_SUM_A);
    xord_store_be16(frame.bytes + 38, 8);
    cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
    cr_assert_eq(frame.out.payload_len, 0, "UDP's own length counts");
    xord_netstack_free(b);
}

/* ---- send ---- */

static void teach(struct xord_netstack *stack)
{
    struct test_frame arp = test_load(FRAME_ARP_REPLY_B), advert = test_load(FRAME_ADVERT_B);

    cr_assert_eq(test_rx(stack, &arp), XORD_NET_NEIGHBOUR);
    cr_assert_eq(test_rx(stack, &advert), XORD_NET_NEIGHBOUR);
}

static size_t send_text(struct xord_netstack *stack, struct test_frame *frame, bool v4, const char *text,
        unsigned flags)
{
    struct xord_endpoint src = test_ep(v4 ? "10.7.0.1" : "fd07::1", 9000);
    struct xord_endpoint dst = test_ep(v4 ? "10.7.0.2" : "fd07::2", 9001);
    struct xord_net_tx out;

    memset(frame, 0, sizeof(*frame));
    memcpy(frame->bytes + xord_net_headroom(&dst), text, strlen(text));
    cr_assert_eq(xord_netstack_tx(stack, &out, frame->bytes, &src, &dst, strlen(text), flags, START), XORD_NET_SEND);
    cr_assert_eq(out.solicit.len, 0);
    frame->len = out.frame_len;
    return out.frame_len;
}

/* Only id and the don't-fragment bit (IPv4) and the flow label (IPv6) are each sender's own. */
Test(netstack_udp, sends_the_frames_that_linux_sends)
{
    struct xord_netstack *a = test_host(1, 8, 8);

    teach(a);
    for (size_t i = 0; i < 5; i++) {
        struct test_frame want = whole(i), got;

        if (i == 2)
            continue;
        cr_assert_eq(send_text(a, &got, i < 3, captured[i].payload, 0), want.len);
        memcpy(want.bytes + (i < 3 ? 18 : 14), got.bytes + (i < 3 ? 18 : 14), 4);
        if (i < 3)
            test_fix_ip4(&want);
        cr_assert_bytes(got.bytes, want.bytes, want.len);
        cr_assert(i < 3 || memcmp(got.bytes + 14, "\x60\0\0\0", 4) == 0);
        cr_assert(i >= 3 || memcmp(got.bytes + 20, "\0\0", 2) == 0);
    }
    xord_netstack_free(a);
}

Test(netstack_udp, offload_leaves_what_linux_leaves)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame got, want;

    teach(a);
    for (size_t i = 0; i < 5; i++) {
        if (i == 2)
            continue;
        want = test_load(captured[i].hex);
        send_text(a, &got, i < 3, captured[i].payload, XORD_NET_TX_UDP_OFFLOAD | XORD_NET_TX_IP_OFFLOAD);
        cr_assert_bytes(got.bytes + captured[i].udp_off, want.bytes + captured[i].udp_off,
                want.len - captured[i].udp_off);
        cr_assert(i >= 3 || memcmp(got.bytes + 24, "\0\0", 2) == 0);
    }
    xord_netstack_free(a);
}

Test(netstack_udp, every_payload_length_adds_up)
{
    const uint8_t seed[XORD_RNG_SEED_LEN] = {7};
    struct xord_netstack *a = test_host(1, 8, 8), *b = test_host(2, 8, 8);
    struct test_frame frame;
    uint8_t payload[1472];
    struct xord_rng rng;

    teach(a);
    xord_rng_init(&rng, seed);
    for (size_t len = 0; len <= 1472; len++) {
        struct xord_endpoint src = test_ep(len % 3 ? "10.7.0.1" : "fd07::1", (uint16_t)(1 + len));
        struct xord_endpoint dst = test_ep(len % 3 ? "10.7.0.2" : "fd07::2", 9001);
        struct xord_net_tx out;
        bool fits = len <= 1500 - (xord_net_headroom(&dst) - 14);

        xord_rng_fill(&rng, payload, len);
        memcpy(frame.bytes + xord_net_headroom(&dst), payload, len);
        cr_assert_eq(xord_netstack_tx(a, &out, frame.bytes, &src, &dst, len, 0, START), fits ? 0 : XORD_ESIZE);
        if (!fits)
            continue;
        frame.len = out.frame_len;
        cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP, "length %zu", len);
        cr_assert(frame.out.payload_len == len && xord_endpoint_equal(&frame.out.src, &src));
        cr_assert(memcmp(frame.bytes + frame.out.payload_off, payload, len) == 0);
    }
    cr_assert_eq(test_count(b, XORD_NET_CNT_rx_partial_sum), 0);
    xord_netstack_free(a);
    xord_netstack_free(b);
}

/* Some payload makes the sum come out as zero: it must go out as ones. */
Test(netstack_udp, zero_checksum_is_sent_as_ones)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame;
    char text[3] = "AA";
    uint16_t sum;

    teach(a);
    send_text(a, &frame, true, text, 0);
    sum = test_reference_sum(xord_load_be16(frame.bytes + 40), (const uint8_t *)text, 2);
    xord_store_be16((uint8_t *)text, sum);
    cr_assert(text[0] && text[1]);
    send_text(a, &frame, true, text, 0);
    cr_assert_eq(xord_load_be16(frame.bytes + 40), 0xffff);
    xord_netstack_free(a);
}

Test(netstack_udp, refusals)
{
    static const struct {
        const char *src, *dst;
        uint16_t port;
        int err;
        enum xord_net_counter counter;
    } rows[] = {
            {"10.7.0.1", "fd07::2", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"fd07::1", "10.7.0.2", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"10.7.0.1", "10.7.0.2", 0, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"10.7.0.1", "10.7.0.255", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"10.7.0.1", "224.0.0.1", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"10.7.0.1", "127.0.0.1", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"10.7.0.1", "0.0.0.0", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"fd07::1", "ff02::1", 9, XORD_ERANGE, XORD_NET_CNT_tx_bad_endpoint},
            {"10.7.0.1", "10.7.0.1", 9, XORD_ESTATE, XORD_NET_CNT_tx_to_self},
            {"fd07::1", "fe80::ff:fe00:a", 9, XORD_ESTATE, XORD_NET_CNT_tx_to_self},
    };
    struct xord_netstack *a = test_host(1, 8, 8);
    uint8_t frame[1600] = {0};
    struct xord_net_tx out;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_endpoint src = test_ep(rows[i].src, 9000), dst = test_ep(rows[i].dst, rows[i].port);

        cr_assert_eq(xord_netstack_tx(a, &out, frame, &src, &dst, 10, 0, START), rows[i].err, "row %zu", i);
        cr_assert(test_count(a, rows[i].counter) > 0 && out.frame_len == 0 && out.solicit.len == 0);
    }
    xord_netstack_free(a);
}
