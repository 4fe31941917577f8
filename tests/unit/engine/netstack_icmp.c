/* SPDX-License-Identifier: BSD-3-Clause */
#include "netstack_util.h"

Test(netstack_icmp, echo_over_ipv4_is_answered_as_linux_does)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame got = test_load(FRAME_ECHO4_A), want = test_load(FRAME_ECHO4_B);

    cr_assert_eq(test_rx(b, &got), XORD_NET_REPLY);
    cr_assert_eq(got.out.reply_len, want.len);
    memcpy(want.bytes + 18, got.bytes + 18, 2); /* the IP id is each sender's own */
    test_fix_ip4(&want);
    cr_assert_bytes(got.bytes, want.bytes, want.len);
    xord_netstack_free(b);
    TEST_NO_LEAK();
}

Test(netstack_icmp, echo_over_ipv6_is_answered_as_linux_does)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame got = test_load(FRAME_ECHO6_A), want = test_load(FRAME_ECHO6_B);

    cr_assert_eq(test_rx(b, &got), XORD_NET_REPLY);
    cr_assert_eq(got.out.reply_len, want.len);
    memcpy(want.bytes + 14, "\x60\0\0\0", 4); /* no flow label */
    cr_assert_bytes(got.bytes, want.bytes, want.len);
    xord_netstack_free(b);
}

Test(netstack_icmp, echo_leaves_ip_options_out)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame plain = test_load(FRAME_ECHO4_A), got = plain;

    memmove(got.bytes + 38, plain.bytes + 34, plain.len - 34);
    memset(got.bytes + 34, 1, 4); /* four no-operations */
    got.bytes[14] = 0x46;
    got.bytes[17] += 4;
    got.len += 4;
    xord_store_be16(got.bytes + 24, 0);
    xord_store_be16(got.bytes + 24, (uint16_t)~test_reference_sum(0, got.bytes + 14, 24));
    cr_assert_eq(test_rx(b, &got), XORD_NET_REPLY);
    cr_assert_eq(got.out.reply_len, plain.len);
    cr_assert_eq(got.bytes[14], 0x45);
    cr_assert_bytes(got.bytes + 38, plain.bytes + 38, plain.len - 38);
    cr_assert_eq(test_reference_sum(0, got.bytes + 34, plain.len - 34), 0xffff);
    xord_netstack_free(b);
}

Test(netstack_icmp, echo_with_any_byte_flipped_is_dropped)
{
    const char *frames[] = {FRAME_ECHO4_A, FRAME_ECHO6_A};
    struct xord_netstack *b = test_host(2, 8, 8);

    for (size_t i = 0; i < 2; i++) {
        struct test_frame good = test_load(frames[i]);

        for (size_t at = i ? 54 : 34; at < good.len; at++) {
            struct test_frame frame = good;

            frame.bytes[at] ^= 0x55;
            cr_assert_eq(test_rx(b, &frame), XORD_NET_DROP, "frame %zu byte %zu", i, at);
        }
    }
    cr_assert_eq(test_count(b, XORD_NET_CNT_answered_echo), 0);
    xord_netstack_free(b);
}

Test(netstack_icmp, errors_and_the_rest_are_counted)
{
    struct xord_netstack *a = test_host(1, 8, 8), *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_ECHO6_A);

    test_drops(a, test_load(FRAME_UNREACHABLE4_B), XORD_NET_CNT_drop_icmp_error, "unreachable");
    test_drops(a, test_load(FRAME_ECHO4_B), XORD_NET_CNT_drop_icmp_other, "echo reply");
    test_drops(a, test_load(FRAME_ECHO6_B), XORD_NET_CNT_drop_icmp_other, "echo reply over IPv6");
    frame.bytes[54] = 1;
    test_drops(b, frame, XORD_NET_CNT_drop_icmp_error, "unreachable over IPv6");
    test_drops(b, test_load(FRAME_MLD_A), XORD_NET_CNT_drop_not_our_mac, "listener report");
    test_drops(b, test_load(FRAME_ROUTER_SOLICIT_A), XORD_NET_CNT_drop_not_our_mac, "router solicitation");
    xord_netstack_free(a);
    xord_netstack_free(b);
}

Test(netstack_icmp, short_messages_are_malformed)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_ECHO4_A);

    frame.bytes[17] = 27;
    test_fix_ip4(&frame);
    test_drops(b, frame, XORD_NET_CNT_drop_icmp_malformed, "seven bytes");
    frame = test_load(FRAME_ECHO6_A);
    frame.bytes[19] = 7;
    test_drops(b, frame, XORD_NET_CNT_drop_icmp_malformed, "seven bytes over IPv6");
    xord_netstack_free(b);
}

Test(netstack_icmp, echo_to_all_nodes_is_not_answered)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_ECHO6_A);

    memcpy(frame.bytes, "\x33\x33\0\0\0\1", 6);
    memcpy(frame.bytes + 38, netstack_all_nodes16, 16);
    test_fix_l4_v6(&frame);
    test_drops(b, frame, XORD_NET_CNT_drop_icmp_other, "echo to all nodes");
    xord_netstack_free(b);
}
