/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet, IPv4 and IPv6 headers on receive: what passes, and the reason for which the rest does not. */
#include "netstack_util.h"

static struct xord_netstack *b;

static void setup(void)
{
    b = test_host(2, 8, 8);
}

static void teardown(void)
{
    xord_netstack_free(b);
    TEST_NO_LEAK();
}

TestSuite(netstack_ip, .init = setup, .fini = teardown);

static struct test_frame edited(const char *hex, size_t at, const char *bytes_hex)
{
    struct test_frame frame = test_load(hex);

    test_hex(frame.bytes + at, bytes_hex);
    if (frame.bytes[12] == 8 && frame.bytes[14] == 0x45 && at != 24)
        test_fix_ip4(&frame);
    return frame;
}

Test(netstack_ip, frames_of_any_shorter_length_are_dropped)
{
    const char *frames[] = {FRAME_UDP4_A, FRAME_UDP6_A, FRAME_ARP_REQUEST_A, FRAME_ECHO4_A, FRAME_ECHO6_A,
            FRAME_SOLICIT_A, FRAME_UDP4_OPTIONS_A, FRAME_UDP6_OPTIONS_A};

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct test_frame good = test_load(frames[i]);

        for (size_t len = 0; len < good.len; len++) {
            uint8_t *copy = malloc(len + 1);
            struct xord_net_rx out;

            memcpy(copy, good.bytes, len);
            cr_assert_eq(xord_netstack_rx(b, &out, copy, len, len, 0, START), XORD_NET_DROP, "frame %zu cut at %zu", i,
                    len);
            free(copy);
        }
    }
}

Test(netstack_ip, ethernet_addresses)
{
    test_drops(b, edited(FRAME_UDP4_A, 0, "02000000000c"), XORD_NET_CNT_drop_not_our_mac, "another MAC");
    test_drops(b, edited(FRAME_UDP4_A, 0, "ffffffffffff"), XORD_NET_CNT_drop_not_our_mac, "IPv4 by broadcast");
    test_drops(b, edited(FRAME_UDP4_A, 0, "01005e000001"), XORD_NET_CNT_drop_not_our_mac, "IPv4 multicast");
    test_drops(b, edited(FRAME_UDP6_A, 0, "3333ff000002"), XORD_NET_CNT_drop_not_our_ip, "UDP by group MAC");
    test_drops(b, edited(FRAME_ARP_REQUEST_A, 0, "3333ff000002"), XORD_NET_CNT_drop_not_our_mac, "ARP by IPv6 group");
    test_drops(b, edited(FRAME_UDP4_A, 6, "02000000000b"), XORD_NET_CNT_drop_source_mac, "from our own MAC");
    test_drops(b, edited(FRAME_UDP4_A, 6, "03000000000a"), XORD_NET_CNT_drop_source_mac, "from a group");
    test_drops(b, edited(FRAME_UDP4_A, 12, "88cc"), XORD_NET_CNT_drop_ethertype, "LLDP");
}

Test(netstack_ip, vlan_tags)
{
    struct test_frame plain = test_load(FRAME_UDP4_A), tagged = plain;

    memmove(tagged.bytes + 16, plain.bytes + 12, plain.len - 12);
    test_hex(tagged.bytes + 12, "8100e000");
    tagged.len += 4;
    cr_assert_eq(test_rx(b, &tagged), XORD_NET_UDP, "priority tag");
    cr_assert_bytes(tagged.bytes + tagged.out.payload_off, "hello discv5", 12);
    memmove(tagged.bytes + 16, plain.bytes + 12, plain.len - 12);
    test_hex(tagged.bytes + 12, "81000001");
    test_drops(b, tagged, XORD_NET_CNT_drop_vlan, "VLAN 1");
    test_hex(tagged.bytes + 12, "8100000081000000");
    test_drops(b, tagged, XORD_NET_CNT_drop_vlan, "two tags");
    tagged.len = 17;
    test_drops(b, tagged, XORD_NET_CNT_drop_vlan, "cut tag");
}

Test(netstack_ip, ipv4_headers)
{
    test_drops(b, edited(FRAME_UDP4_A, 14, "65"), XORD_NET_CNT_drop_ip_header, "version 6");
    test_drops(b, edited(FRAME_UDP4_A, 14, "44"), XORD_NET_CNT_drop_ip_header, "header of 16 bytes");
    test_drops(b, edited(FRAME_UDP4_A, 14, "4f"), XORD_NET_CNT_drop_ip_header, "header over the end");
    test_drops(b, edited(FRAME_UDP4_A, 16, "0029"), XORD_NET_CNT_drop_ip_header, "longer than the frame");
    test_drops(b, edited(FRAME_UDP4_A, 16, "0013"), XORD_NET_CNT_drop_ip_header, "shorter than the header");
    test_drops(b, edited(FRAME_UDP4_A, 24, "e85e"), XORD_NET_CNT_drop_ip_sum, "checksum");
    test_drops(b, edited(FRAME_UDP4_A, 20, "2000"), XORD_NET_CNT_drop_fragment, "first fragment");
    test_drops(b, edited(FRAME_UDP4_A, 20, "0001"), XORD_NET_CNT_drop_fragment, "last fragment");
    test_drops(b, edited(FRAME_UDP4_A, 23, "06"), XORD_NET_CNT_drop_ip_proto, "TCP");
}

Test(netstack_ip, ipv4_checksum_is_verified_whatever_the_device_says)
{
    struct test_frame good = test_load(FRAME_UDP4_A);

    for (size_t at = 14; at < 34; at++) {
        struct test_frame frame = good;

        frame.bytes[at] ^= 0x20;
        cr_assert_eq(xord_netstack_rx(b, &frame.out, frame.bytes, frame.len, sizeof(frame.bytes), XORD_NET_RX_SUM_GOOD,
                             START),
                XORD_NET_DROP, "byte %zu", at);
    }
}

Test(netstack_ip, ipv4_addresses)
{
    const char *sources[] = {"00000000", "7f000001", "e0000001", "ffffffff", "0a070002", "0a0700ff", "0a070000"};

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        test_drops(b, edited(FRAME_UDP4_A, 26, sources[i]), XORD_NET_CNT_drop_source_ip, sources[i]);
    test_drops(b, edited(FRAME_UDP4_A, 30, "0a070003"), XORD_NET_CNT_drop_not_our_ip, "another host");
    test_drops(b, edited(FRAME_UDP4_A, 30, "0a0700ff"), XORD_NET_CNT_drop_not_our_ip, "directed broadcast");
    test_drops(b, edited(FRAME_UDP4_A, 30, "ffffffff"), XORD_NET_CNT_drop_not_our_ip, "broadcast");
}

Test(netstack_ip, any_ttl_and_padding_pass)
{
    struct test_frame frame = edited(FRAME_UDP4_A, 22, "00");

    cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
    frame = test_load(FRAME_UDP4_ODD_A "00112233445566778899aabbccddee");
    cr_assert_eq(frame.len, 60);
    cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
    cr_assert_eq(frame.out.payload_len, 3);
}

Test(netstack_ip, ipv6_headers)
{
    test_drops(b, edited(FRAME_UDP6_A, 14, "45"), XORD_NET_CNT_drop_ip_header, "version 4");
    test_drops(b, edited(FRAME_UDP6_A, 18, "0015"), XORD_NET_CNT_drop_ip_header, "longer than the frame");
    test_drops(b, edited(FRAME_UDP6_A, 20, "06"), XORD_NET_CNT_drop_ip_proto, "TCP");
    test_drops(b, edited(FRAME_UDP6_A, 20, "2c"), XORD_NET_CNT_drop_fragment, "fragment");
    test_drops(b, edited(FRAME_UDP6_A, 20, "2b"), XORD_NET_CNT_drop_ip_proto, "routing header");
    test_drops(b, edited(FRAME_UDP6_A, 20, "00"), XORD_NET_CNT_drop_ip_proto, "options over the end");
    test_drops(b, edited(FRAME_UDP6_OPTIONS_A, 55, "02"), XORD_NET_CNT_drop_ip_proto, "options to the end");
    test_drops(b, edited(FRAME_UDP6_OPTIONS_A, 54, "2c"), XORD_NET_CNT_drop_fragment, "fragment behind options");
}

Test(netstack_ip, ipv6_addresses)
{
    const char *sources[] = {"00000000000000000000000000000000", "00000000000000000000000000000001",
            "ff020000000000000000000000000001", "fd070000000000000000000000000002", "fe80000000000000000000fffe00000b",
            "fd070000000000000000000000000000", "00000000000000000000ffff0a070001"};

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        test_drops(b, edited(FRAME_UDP6_A, 22, sources[i]), XORD_NET_CNT_drop_source_ip, sources[i]);
    test_drops(b, edited(FRAME_UDP6_A, 38, "fd070000000000000000000000000003"), XORD_NET_CNT_drop_not_our_ip,
            "another host");
    test_drops(b, edited(FRAME_UDP6_A, 38, "00000000000000000000ffff0a070002"), XORD_NET_CNT_drop_not_our_ip,
            "our IPv4 address, mapped");
    test_drops(b, edited(FRAME_UDP6_A, 38, "ff020000000000000000000000000001"), XORD_NET_CNT_drop_not_our_ip,
            "all nodes");
}

Test(netstack_ip, options_are_skipped_but_not_for_ever)
{
    struct test_frame frame = test_load(FRAME_UDP6_OPTIONS_A), many;

    cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
    cr_assert_bytes(frame.bytes + frame.out.payload_off, "dstopts", 7);
    for (size_t extra = 1; extra < 6; extra++) {
        many = test_load(FRAME_UDP6_OPTIONS_A);
        memmove(many.bytes + 54 + extra * 8, many.bytes + 54, many.len - 54);
        for (size_t i = 0; i < extra; i++)
            test_hex(many.bytes + 54 + i * 8, "3c00010400000000");
        many.len += extra * 8;
        many.bytes[19] = (uint8_t)(many.bytes[19] + extra * 8);
        cr_assert_eq(test_rx(b, &many), extra < 4 ? XORD_NET_UDP : XORD_NET_DROP, "%zu more", extra);
    }
}

/* RFC 8200, section 4.1: hop-by-hop options stand first, or the packet is bad. */
Test(netstack_ip, hop_by_hop_options_are_taken_in_first_place_only)
{
    struct test_frame first = edited(FRAME_UDP6_OPTIONS_A, 20, "00"), second;

    cr_assert_eq(test_rx(b, &first), XORD_NET_UDP);
    second = test_load(FRAME_UDP6_OPTIONS_A);
    memmove(second.bytes + 62, second.bytes + 54, second.len - 54);
    second.bytes[54] = 0; /* destination options, then hop-by-hop, then UDP */
    second.bytes[19] = (uint8_t)(second.bytes[19] + 8);
    second.len += 8;
    test_drops(b, second, XORD_NET_CNT_drop_ip_proto, "second");
}
