/* SPDX-License-Identifier: BSD-3-Clause */
#include "netstack_util.h"

#define ARP(dst, src, op, sender_mac, sender_ip, target_mac, target_ip)                                                \
    dst src "080600010800060400" op sender_mac sender_ip target_mac target_ip

#define IP_A     "0a070001"
#define IP_B     "0a070002"
#define IP_C     "0a070003"
#define MAC_C    "02000000000c"
#define MAC_ALL  "ffffffffffff"
#define MAC_ZERO "000000000000"

Test(netstack_arp, answers_as_linux_does)
{
    struct xord_netstack *b = test_host(2, 8, 8);

    test_answers(b, FRAME_ARP_REQUEST_A, FRAME_ARP_REPLY_B);
    cr_assert_eq(test_count(b, XORD_NET_CNT_answered_arp), 1);
    xord_netstack_free(b);
    TEST_NO_LEAK();
}

Test(netstack_arp, answers_unicast_probes)
{
    struct xord_netstack *a = test_host(1, 8, 8);

    test_answers(a, FRAME_ARP_PROBE_B,
            ARP("02000000000b", "02000000000a", "02", "02000000000a", IP_A, "02000000000b", IP_B));
    xord_netstack_free(a);
}

Test(netstack_arp, padding_of_short_frames_is_not_echoed)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_ARP_REQUEST_A "000000000000000000000000000000000000");

    cr_assert_eq(frame.len, 60);
    cr_assert(test_rx(b, &frame) & XORD_NET_REPLY);
    cr_assert_eq(frame.out.reply_len, 42);
    xord_netstack_free(b);
}

Test(netstack_arp, learns_from_requests_for_us_as_stale)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_ARP_REQUEST_A);
    struct netstack_neighbour *n;

    cr_assert_eq(test_rx(b, &frame), XORD_NET_REPLY | XORD_NET_NEIGHBOUR);
    cr_assert_bytes(frame.out.neighbour.ip16, test_ep("10.7.0.1", 1).ip16, 16);
    cr_assert_bytes(frame.out.neighbour.mac6, ((uint8_t[]){2, 0, 0, 0, 0, 10}), 6);
    n = test_entry(b, "10.7.0.1");
    cr_assert(n && n->state == NETSTACK_STALE);

    frame = test_load(FRAME_ARP_REQUEST_A);
    cr_assert_eq(test_rx(b, &frame), XORD_NET_REPLY, "old news is not told again");
    xord_netstack_free(b);
}

Test(netstack_arp, learns_from_replies_to_us_as_reachable)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_ARP_REPLY_B);

    cr_assert_eq(test_rx(a, &frame), XORD_NET_NEIGHBOUR);
    cr_assert(frame.out.neighbour.flags & XORD_NET_SOLICITED);
    cr_assert_eq(test_entry(a, "10.7.0.2")->state, NETSTACK_REACHABLE);
    xord_netstack_free(a);
}

Test(netstack_arp, gratuitous_creates_nothing)
{
    struct xord_netstack *a = test_host(1, 8, 8);

    test_drops(a, test_load(ARP(MAC_ALL, MAC_B, "01", MAC_B, IP_B, MAC_ZERO, IP_B)), XORD_NET_CNT_drop_arp_other,
            "gratuitous request");
    test_drops(a, test_load(ARP(MAC_ALL, MAC_B, "02", MAC_B, IP_B, MAC_B, IP_B)), XORD_NET_CNT_drop_arp_other,
            "gratuitous reply");
    test_drops(a, test_load(ARP(MAC_ALL, MAC_B, "02", MAC_B, IP_B, MAC_A, IP_A)), XORD_NET_CNT_neighbour_heard,
            "broadcast reply");
    test_drops(a, test_load(ARP(MAC_ALL, MAC_B, "01", MAC_B, IP_B, MAC_ZERO, IP_C)), XORD_NET_CNT_drop_arp_other,
            "a question to somebody else");
    cr_assert(test_entry(a, "10.7.0.2") == NULL);
    xord_netstack_free(a);
}

Test(netstack_arp, gratuitous_moves_a_known_neighbour)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_ARP_REPLY_B);
    const struct netstack_neighbour *n;

    test_rx(a, &frame);
    frame = test_load(ARP(MAC_ALL, MAC_C, "01", MAC_C, IP_B, MAC_ZERO, IP_B));
    cr_assert_eq(test_rx(a, &frame), XORD_NET_NEIGHBOUR);
    n = test_entry(a, "10.7.0.2");
    cr_assert(n && n->state == NETSTACK_STALE && n->mac6[5] == 12);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_moved), 1);
    xord_netstack_free(a);
}

Test(netstack_arp, address_probes_are_answered_but_teach_nothing)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(ARP(MAC_ALL, MAC_C, "01", MAC_C, "00000000", MAC_ZERO, IP_B));

    cr_assert_eq(test_rx(b, &frame), XORD_NET_REPLY);
    cr_assert_bytes(frame.bytes, test_load(ARP(MAC_C, MAC_B, "02", MAC_B, IP_B, MAC_C, "00000000")).bytes, 42);
    test_drops(b, test_load(ARP(MAC_ALL, MAC_C, "01", MAC_C, "00000000", MAC_ZERO, IP_C)), XORD_NET_CNT_drop_arp_other,
            "probe for another address");
    cr_assert_eq(test_count(b, XORD_NET_CNT_neighbour_created), 0);
    xord_netstack_free(b);
}

Test(netstack_arp, conflicts_are_counted_and_change_nothing)
{
    struct xord_netstack *b = test_host(2, 8, 8);

    test_drops(b, test_load(ARP(MAC_ALL, MAC_C, "01", MAC_C, IP_B, MAC_ZERO, IP_B)), XORD_NET_CNT_address_conflict,
            "another claims our address");
    test_drops(b, test_load(ARP(MAC_B, MAC_C, "02", MAC_C, IP_B, MAC_B, IP_B)), XORD_NET_CNT_address_conflict,
            "and says so to us");
    xord_netstack_free(b);
}

Test(netstack_arp, strangers_from_off_link_are_answered_but_not_kept)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(ARP(MAC_ALL, MAC_C, "01", MAC_C, "08080808", MAC_ZERO, IP_B));

    cr_assert_eq(test_rx(b, &frame), XORD_NET_REPLY);
    cr_assert_eq(test_count(b, XORD_NET_CNT_neighbour_created), 0);
    xord_netstack_free(b);
}

Test(netstack_arp, malformed_is_dropped)
{
    static const struct {
        unsigned at, value;
    } edits[] = {{15, 6}, {16, 9}, {18, 5}, {19, 6}, {21, 0}, {21, 3}, {22, 3}, {28, 127}, {28, 224}, {31, 255},
            {31, 0}};
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame;

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        frame = test_load(FRAME_ARP_REQUEST_A);
        frame.bytes[edits[i].at] = (uint8_t)edits[i].value;
        test_drops(b, frame, XORD_NET_CNT_drop_arp_malformed, "edited");
    }
    test_drops(b, test_load(ARP(MAC_ALL, MAC_C, "01", MAC_ZERO, IP_C, MAC_ZERO, IP_B)), XORD_NET_CNT_drop_arp_malformed,
            "no sender MAC");
    test_drops(b, test_load(ARP(MAC_ALL, MAC_C, "01", MAC_B, IP_C, MAC_ZERO, IP_B)), XORD_NET_CNT_drop_arp_malformed,
            "our MAC as the sender's");
    frame = test_load(FRAME_ARP_REQUEST_A);
    frame.len = 41;
    test_drops(b, frame, XORD_NET_CNT_drop_short, "cut");
    xord_netstack_free(b);
}
