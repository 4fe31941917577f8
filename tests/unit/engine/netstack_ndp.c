/* SPDX-License-Identifier: BSD-3-Clause */
#include "netstack_util.h"

/* B's advertisement to A with other flags and another MAC. */
static struct test_frame advert(uint8_t flags, uint8_t mac_end)
{
    struct test_frame frame = test_load(FRAME_ADVERT_B);

    frame.bytes[11] = frame.bytes[85] = mac_end;
    frame.bytes[58] = flags;
    test_fix_l4_v6(&frame);
    return frame;
}

Test(netstack_ndp, solicitations_are_answered_as_linux_does)
{
    struct xord_netstack *b = test_host(2, 8, 8);

    test_answers(b, FRAME_SOLICIT_A, FRAME_ADVERT_B);
    cr_assert_eq(test_count(b, XORD_NET_CNT_answered_solicit), 1);
    xord_netstack_free(b);
    TEST_NO_LEAK();
}

Test(netstack_ndp, unicast_probes_are_answered)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_PROBE6_B);

    cr_assert_eq(test_rx(a, &frame), XORD_NET_REPLY | XORD_NET_NEIGHBOUR);
    cr_assert_eq(frame.out.reply_len, 86);
    cr_assert_bytes(frame.bytes, ((uint8_t[]){2, 0, 0, 0, 0, 11, 2, 0, 0, 0, 0, 10}), 12);
    cr_assert_bytes(frame.bytes + 22, test_ep("fd07::1", 1).ip16, 16);
    cr_assert_bytes(frame.bytes + 38, test_ep("fe80::ff:fe00:b", 1).ip16, 16);
    cr_assert_eq(frame.bytes[58], 0x60);
    cr_assert_eq(test_entry(a, "fe80::ff:fe00:b")->state, NETSTACK_STALE);
    xord_netstack_free(a);
}

Test(netstack_ndp, solicitation_without_link_layer_option_goes_back_to_its_sender)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_PROBE6_B);

    frame.len -= 8;
    frame.bytes[19] = 24;
    test_fix_l4_v6(&frame);
    cr_assert_eq(test_rx(a, &frame), XORD_NET_REPLY, "nothing is learned");
    cr_assert_eq(frame.out.reply_len, 86);
    cr_assert_bytes(frame.bytes, ((uint8_t[]){2, 0, 0, 0, 0, 11}), 6);

    frame = test_load(FRAME_PROBE6_B);
    frame.bytes[19] = 24;
    test_fix_l4_v6(&frame);
    cr_assert_eq(xord_netstack_rx(a, &frame.out, frame.bytes, 78, 78, 0, START), XORD_NET_DROP);
    cr_assert_eq(frame.out.reason, XORD_NET_CNT_drop_no_room);
    xord_netstack_free(a);
}

Test(netstack_ndp, duplicate_address_detection_is_answered_to_all_nodes)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_DAD_B), *f = &frame;
    uint16_t sum;

    f->bytes[11] = 0x0c; /* a third host asks for B's address */
    cr_assert_eq(test_rx(b, f), XORD_NET_REPLY);
    cr_assert_eq(f->out.reply_len, 86);
    cr_assert_bytes(f->bytes, ((uint8_t[]){0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 11}), 12);
    cr_assert_bytes(f->bytes + 22, test_ep("fd07::2", 1).ip16, 16);
    cr_assert_bytes(f->bytes + 38, netstack_all_nodes16, 16);
    cr_assert_eq(f->bytes[21], 255);
    cr_assert_eq(f->bytes[58], 0x20, "override, not solicited");
    sum = xord_load_be16(f->bytes + 56);
    f->len = 86;
    test_fix_l4_v6(f);
    cr_assert_eq(sum, xord_load_be16(f->bytes + 56));
    cr_assert_eq(test_count(b, XORD_NET_CNT_neighbour_created), 0);
    xord_netstack_free(b);
}

Test(netstack_ndp, solicitations_for_others_are_left_alone)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_DAD_B);

    frame.bytes[11] = 0x0c;
    test_drops(a, frame, XORD_NET_CNT_drop_ndp_other, "DAD for B");
    frame = test_load(FRAME_SOLICIT_A);
    frame.bytes[11] = frame.bytes[85] = 0x0c;
    frame.bytes[37] = 3;
    test_fix_l4_v6(&frame);
    test_drops(a, frame, XORD_NET_CNT_drop_ndp_other, "C asks for B");
    xord_netstack_free(a);
}

/* An IPv4-mapped target must not be taken for our IPv4 address. */
Test(netstack_ndp, mapped_targets_are_nobodys)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_SOLICIT_A);

    memcpy(frame.bytes + 62, test_ep("10.7.0.2", 1).ip16, 16);
    memcpy(frame.bytes + 38 + 13, frame.bytes + 62 + 13, 3);
    memcpy(frame.bytes + 3, frame.bytes + 62 + 13, 3);
    test_fix_l4_v6(&frame);
    test_drops(b, frame, XORD_NET_CNT_drop_ndp_other, "mapped target");
    xord_netstack_free(b);
}

Test(netstack_ndp, malformed_is_dropped)
{
    static const struct {
        unsigned at, value;
        const char *what;
    } edits[] = {{21, 254, "hop limit"}, {55, 1, "code"}, {79, 0, "option of length 0"}, {79, 2, "option over the end"},
            {80, 3, "group MAC"}, {85, 0x0b, "our MAC as the asker's"}, {77, 3, "group of another target"}};
    struct xord_netstack *b = test_host(2, 8, 8);

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct test_frame frame = test_load(FRAME_SOLICIT_A);

        frame.bytes[edits[i].at] = (uint8_t)edits[i].value;
        test_fix_l4_v6(&frame);
        test_drops(b, frame, XORD_NET_CNT_drop_ndp_malformed, edits[i].what);
    }
    cr_assert_eq(test_count(b, XORD_NET_CNT_neighbour_created), 0);
    xord_netstack_free(b);
}

Test(netstack_ndp, unspecified_source_may_neither_name_a_mac_nor_ask_by_unicast)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_DAD_B);

    frame.bytes[11] = 0x0c;
    frame.bytes[78] = 1;
    test_fix_l4_v6(&frame);
    test_drops(b, frame, XORD_NET_CNT_drop_ndp_malformed, "link-layer option");
    frame = test_load(FRAME_DAD_B);
    frame.bytes[11] = 0x0c;
    memcpy(frame.bytes, ((uint8_t[]){2, 0, 0, 0, 0, 11}), 6);
    memcpy(frame.bytes + 38, test_ep("fd07::2", 1).ip16, 16);
    test_fix_l4_v6(&frame);
    test_drops(b, frame, XORD_NET_CNT_drop_ndp_malformed, "unicast");
    xord_netstack_free(b);
}

Test(netstack_ndp, any_byte_flipped_is_dropped)
{
    struct test_frame good = test_load(FRAME_SOLICIT_A);
    struct xord_netstack *b = test_host(2, 8, 8);

    for (size_t at = 54; at < good.len; at++) {
        struct test_frame frame = good;

        frame.bytes[at] ^= 0x11;
        cr_assert_eq(test_rx(b, &frame), XORD_NET_DROP, "byte %zu", at);
    }
    cr_assert_eq(test_count(b, XORD_NET_CNT_answered_solicit), 0);
    xord_netstack_free(b);
}

Test(netstack_ndp, solicited_advertisements_teach)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_ADVERT_B);

    cr_assert_eq(test_rx(a, &frame), XORD_NET_NEIGHBOUR);
    cr_assert_eq(frame.out.neighbour.flags, XORD_NET_SOLICITED | XORD_NET_OVERRIDE | XORD_NET_CREATE);
    cr_assert_eq(test_entry(a, "fd07::2")->state, NETSTACK_REACHABLE);
    xord_netstack_free(a);
}

Test(netstack_ndp, advertisement_without_mac_confirms_as_linux_sends_it)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_SOLICIT_A);

    test_rx(b, &frame);
    cr_assert_eq(test_entry(b, "fd07::1")->state, NETSTACK_STALE);
    frame = test_load(FRAME_ADVERT_PROBED_A);
    cr_assert_eq(test_rx_at(b, &frame, START + SECOND), XORD_NET_NEIGHBOUR, "another worker may have asked");
    cr_assert_eq(test_entry(b, "fd07::1")->state, NETSTACK_REACHABLE);
    frame = test_load(FRAME_ADVERT_PROBED_A);
    cr_assert_eq(test_rx_at(b, &frame, START + SECOND + 1000), XORD_NET_DROP, "told twice in a moment");
    xord_netstack_free(b);
}

Test(netstack_ndp, unsolicited_advertisement_creates_nothing)
{
    struct xord_netstack *a = test_host(1, 8, 8);

    test_drops(a, advert(0x20, 0x0b), XORD_NET_CNT_neighbour_heard, "unsolicited");
    cr_assert(test_entry(a, "fd07::2") == NULL);
    xord_netstack_free(a);
}

/* RFC 4861, section 7.2.5: {flags, MAC} upon a REACHABLE entry with MAC ..0b gives {state, MAC}. */
Test(netstack_ndp, override_and_solicited_flags)
{
    static const struct {
        uint8_t flags, mac, state_after, mac_after;
        unsigned verdict;
    } rows[] = {
            {0x20, 0x0b, NETSTACK_REACHABLE, 0x0b, 0},
            {0x00, 0x0b, NETSTACK_REACHABLE, 0x0b, 0},
            {0x00, 0x0c, NETSTACK_STALE, 0x0b, 0},
            {0x40, 0x0c, NETSTACK_STALE, 0x0b, XORD_NET_NEIGHBOUR},
            {0x20, 0x0c, NETSTACK_STALE, 0x0c, XORD_NET_NEIGHBOUR},
            {0x60, 0x0c, NETSTACK_REACHABLE, 0x0c, XORD_NET_NEIGHBOUR},
            {0x60, 0x0b, NETSTACK_REACHABLE, 0x0b, XORD_NET_NEIGHBOUR},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_netstack *a = test_host(1, 8, 8);
        struct test_frame frame = test_load(FRAME_ADVERT_B);

        test_rx(a, &frame);
        frame = advert(rows[i].flags, rows[i].mac);
        cr_assert_eq(test_rx_at(a, &frame, START + SECOND), rows[i].verdict, "row %zu", i);
        cr_assert_eq(test_entry(a, "fd07::2")->state, rows[i].state_after, "row %zu", i);
        cr_assert_eq(test_entry(a, "fd07::2")->mac6[5], rows[i].mac_after, "row %zu", i);
        cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_moved), rows[i].mac_after != 0x0b, "row %zu", i);
        xord_netstack_free(a);
    }
}

/* A virtual router moves: the new holder tells all nodes. */
Test(netstack_ndp, failover_told_to_all_nodes_moves_the_entry)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_ADVERT_B);

    test_rx(a, &frame);
    frame = advert(0x20, 0x0c);
    memcpy(frame.bytes, "\x33\x33\0\0\0\1", 6);
    memcpy(frame.bytes + 38, netstack_all_nodes16, 16);
    test_fix_l4_v6(&frame);
    cr_assert_eq(test_rx(a, &frame), XORD_NET_NEIGHBOUR);
    cr_assert_eq(test_entry(a, "fd07::2")->mac6[5], 0x0c);

    frame.bytes[58] = 0x60;
    test_fix_l4_v6(&frame);
    test_drops(a, frame, XORD_NET_CNT_drop_ndp_malformed, "solicited yet to all");
    xord_netstack_free(a);
}

Test(netstack_ndp, conflicting_advertisement_is_counted)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct test_frame frame = advert(0x20, 0x0c);

    frame.bytes[77] = 1;
    test_fix_l4_v6(&frame);
    test_drops(a, frame, XORD_NET_CNT_address_conflict, "our address");
    xord_netstack_free(a);
}
