/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour cache and the frames that wait for it, in virtual time. */
#include <stdio.h>

#include "netstack_util.h"

static const char text[] = "parked";

static int send_to(struct xord_netstack *stack, struct xord_net_tx *out, const char *ip, uint64_t now_ns)
{
    struct xord_endpoint dst = test_ep(ip, 9001);
    struct xord_endpoint src = test_ep(xord_endpoint_is_v4(&dst) ? "10.7.0.1" : "fd07::1", 9000);
    uint8_t frame[128];

    memcpy(frame + xord_net_headroom(&dst), text, sizeof(text));
    return xord_netstack_tx(stack, out, frame, &src, &dst, sizeof(text), 0, now_ns);
}

/* A neighbour tells of itself; `flags` as in struct xord_net_neighbour. */
static void tell(struct xord_netstack *stack, const char *ip, uint8_t mac_end, uint8_t flags, uint64_t now_ns)
{
    struct xord_net_neighbour news = {.mac6 = {2, 0, 0, 0, 1, mac_end}, .flags = flags};

    memcpy(news.ip16, test_ep(ip, 1).ip16, 16);
    xord_netstack_neighbour_set(stack, &news, now_ns);
}

static unsigned poll_all(struct xord_netstack *stack, struct xord_net_frame *last, uint64_t now_ns)
{
    struct xord_net_frame out;
    unsigned cnt = 0;

    while (xord_netstack_poll(stack, &out, now_ns)) {
        *last = out;
        cnt++;
    }
    return cnt;
}

#define ANSWER (XORD_NET_SOLICITED | XORD_NET_OVERRIDE | XORD_NET_CREATE)
#define ASKED  (XORD_NET_OVERRIDE | XORD_NET_CREATE)

Test(netstack_neighbour, unknown_next_hop_is_asked_for_by_arp)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_tx out;

    cr_assert_eq(send_to(a, &out, "10.7.0.2", START), XORD_NET_PARKED);
    cr_assert_eq(out.solicit.len, 42);
    cr_assert_bytes(out.solicit.bytes, test_load(FRAME_ARP_REQUEST_A).bytes, 42);
    cr_assert_eq(send_to(a, &out, "10.7.0.2", START), XORD_NET_PARKED);
    cr_assert_eq(out.solicit.len, 0, "not asked again at once");
    xord_netstack_free(a);
    TEST_NO_LEAK();
}

Test(netstack_neighbour, unknown_next_hop_is_asked_for_by_solicitation)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_tx out;

    cr_assert_eq(send_to(a, &out, "fd07::2", START), XORD_NET_PARKED);
    cr_assert_eq(out.solicit.len, 86);
    cr_assert_bytes(out.solicit.bytes, test_load(FRAME_SOLICIT_A).bytes, 86);
    xord_netstack_free(a);
}

Test(netstack_neighbour, link_local_peers_are_asked_from_the_link_local_address)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_tx out;

    cr_assert_eq(send_to(a, &out, "fe80::ff:fe00:b", START), XORD_NET_PARKED);
    cr_assert_bytes(out.solicit.bytes + 22, test_ep("fe80::ff:fe00:a", 1).ip16, 16);
    xord_netstack_free(a);
}

Test(netstack_neighbour, parked_frames_leave_in_order_and_whole)
{
    struct xord_netstack *a = test_host(1, 8, 8), *b = test_host(2, 8, 8);
    struct xord_endpoint src = test_ep("10.7.0.1", 9000), dst = test_ep("10.7.0.2", 9001);
    struct test_frame frame, arp = test_load(FRAME_ARP_REPLY_B);
    struct xord_net_tx out;

    for (unsigned i = 0; i < 5; i++) {
        memset(frame.bytes, (int)i, sizeof(frame.bytes));
        cr_assert_eq(xord_netstack_tx(a, &out, frame.bytes, &src, &dst, 100 + i, XORD_NET_TX_UDP_OFFLOAD, START), 1);
    }
    cr_assert_eq(xord_netstack_unpark(a, frame.bytes, sizeof(frame.bytes)), 0);
    cr_assert_eq(test_rx(a, &arp), XORD_NET_NEIGHBOUR);
    for (unsigned i = 0; i < 5; i++) {
        frame.len = xord_netstack_unpark(a, frame.bytes, 1514);
        cr_assert_eq(frame.len, 142 + i);
        cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
        cr_assert(frame.out.payload_len == 100 + i && frame.bytes[frame.out.payload_off] == i);
    }
    cr_assert_eq(xord_netstack_unpark(a, frame.bytes, 1514), 0);
    cr_assert_eq(test_count(b, XORD_NET_CNT_rx_partial_sum), 0, "parked frames are complete");
    cr_assert_eq(test_count(a, XORD_NET_CNT_parked_sent), 5);
    xord_netstack_free(a);
    xord_netstack_free(b);
}

Test(netstack_neighbour, three_questions_a_second_apart_then_failure)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last;
    struct xord_net_tx out;
    unsigned asked = 0;

    cr_assert_eq(send_to(a, &out, "10.7.0.2", START), XORD_NET_PARKED);
    for (uint64_t ms = 0; ms < 5000; ms += 10) {
        unsigned now_asked = poll_all(a, &last, START + ms * XORD_NS_PER_MS);
        uint64_t due = 1000ULL * (asked + 1);

        cr_assert(!now_asked || (ms >= due && ms <= due + 40), "at %u ms", (unsigned)ms);
        asked += now_asked;
    }
    cr_assert_eq(asked, 2);
    cr_assert_eq(test_count(a, XORD_NET_CNT_solicits), 3);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_failed), 1);
    cr_assert_eq(test_count(a, XORD_NET_CNT_parked_failed), 1);
    cr_assert_eq(a->cache.incomplete_cnt, 0);
    cr_assert_eq(send_to(a, &out, "10.7.0.2", START + 6 * SECOND), XORD_NET_PARKED, "and again from the start");
    cr_assert_eq(out.solicit.len, 42);
    xord_netstack_free(a);
}

Test(netstack_neighbour, reachable_grows_stale_and_is_probed_when_used)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last = {.len = 0};
    uint64_t now = START + 31 * SECOND;
    struct xord_net_tx out;

    tell(a, "10.7.0.2", 0x0b, ANSWER, START);
    cr_assert_eq(send_to(a, &out, "10.7.0.2", START + 29 * SECOND), XORD_NET_SEND);
    cr_assert_eq(poll_all(a, &last, START + 30 * SECOND), 0);
    cr_assert_eq(send_to(a, &out, "10.7.0.2", now), XORD_NET_SEND, "stale still serves");
    cr_assert_eq(poll_all(a, &last, now + 4900 * XORD_NS_PER_MS), 0);
    cr_assert_eq(poll_all(a, &last, now + 5010 * XORD_NS_PER_MS), 1);
    cr_assert_bytes(last.bytes, ((uint8_t[]){2, 0, 0, 0, 1, 0x0b}), 6);
    cr_assert_eq(send_to(a, &out, "10.7.0.2", now + 5020 * XORD_NS_PER_MS), XORD_NET_SEND);

    tell(a, "10.7.0.2", 0x0b, ANSWER, now + 5100 * XORD_NS_PER_MS);
    cr_assert_eq(poll_all(a, &last, now + 30 * SECOND), 0, "answered: no more questions");
    xord_netstack_free(a);
}

Test(netstack_neighbour, probes_unanswered_end_the_entry)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last;
    struct xord_net_tx out;
    unsigned asked = 0;

    tell(a, "fd07::2", 0x0b, ASKED, START);
    cr_assert_eq(send_to(a, &out, "fd07::2", START), XORD_NET_SEND);
    for (unsigned s = 0; s < 12; s++)
        asked += poll_all(a, &last, START + s * SECOND);
    cr_assert_eq(asked, 3);
    cr_assert_bytes(last.bytes, ((uint8_t[]){2, 0, 0, 0, 1, 0x0b}), 6);
    cr_assert_bytes(last.bytes + 38, test_ep("fd07::2", 1).ip16, 16);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_failed), 1);
    cr_assert_eq(send_to(a, &out, "fd07::2", START + 13 * SECOND), XORD_NET_PARKED);
    cr_assert_eq(out.solicit.bytes[0], 0x33, "asked anew by multicast");
    xord_netstack_free(a);
}

/* What waited has been sent on somebody's word only: it must be made sure of. */
Test(netstack_neighbour, resolved_by_hearsay_is_probed)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last = {.len = 0};
    struct xord_net_tx out;

    cr_assert_eq(send_to(a, &out, "10.7.0.2", START), XORD_NET_PARKED);
    tell(a, "10.7.0.2", 0x0b, XORD_NET_OVERRIDE, START);
    cr_assert_eq(xord_netstack_unpark(a, (uint8_t[1514]){0}, 1514), 42 + sizeof(text));
    cr_assert_eq(poll_all(a, &last, START + 4 * SECOND), 0);
    cr_assert_eq(poll_all(a, &last, START + 5100 * XORD_NS_PER_MS), 1);
    cr_assert_eq(last.bytes[5], 0x0b, "by unicast");
    xord_netstack_free(a);
}

Test(netstack_neighbour, slow_to_answer_once_is_given_three_probes_later)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last;
    struct xord_net_tx out;
    unsigned asked = 0;

    cr_assert_eq(send_to(a, &out, "10.7.0.2", START), XORD_NET_PARKED);
    cr_assert_eq(poll_all(a, &last, START + 1100 * XORD_NS_PER_MS), 1);
    tell(a, "10.7.0.2", 0x0b, ANSWER, START + 2 * SECOND);
    cr_assert_eq(send_to(a, &out, "10.7.0.2", START + 40 * SECOND), XORD_NET_SEND);
    for (unsigned s = 41; s < 55; s++)
        asked += poll_all(a, &last, START + s * SECOND);
    cr_assert_eq(asked, 3);
    xord_netstack_free(a);
}

Test(netstack_neighbour, datagrams_confirm_but_do_not_teach)
{
    struct xord_netstack *b = test_host(2, 8, 8);
    struct test_frame frame = test_load(FRAME_UDP4_A);
    struct xord_endpoint src = test_ep("10.7.0.2", 9000), dst = test_ep("10.7.0.1", 9001);
    struct xord_net_frame last;
    struct xord_net_tx out;
    uint8_t buf[128] = {0};

    cr_assert_eq(test_rx(b, &frame), XORD_NET_UDP);
    cr_assert_eq(test_count(b, XORD_NET_CNT_neighbour_created), 0);
    frame = test_load(FRAME_ARP_REQUEST_A);
    test_rx(b, &frame);
    cr_assert_eq(xord_netstack_tx(b, &out, buf, &src, &dst, 8, 0, START), XORD_NET_SEND);
    frame = test_load(FRAME_UDP4_A);
    frame.bytes[11] = 0x0c;
    test_rx_at(b, &frame, START + 2 * SECOND);
    cr_assert_eq(poll_all(b, &last, START + 6 * SECOND), 1, "from another MAC: no confirmation");
    frame = test_load(FRAME_UDP4_A);
    test_rx_at(b, &frame, START + 6 * SECOND);
    cr_assert_eq(poll_all(b, &last, START + 30 * SECOND), 0, "confirmed");
    xord_netstack_free(b);
}

Test(netstack_neighbour, silence_ends_an_entry)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last;
    struct xord_net_tx out;

    tell(a, "10.7.0.2", 0x0b, ASKED, START);
    tell(a, "10.7.0.3", 0x0c, ANSWER, START);
    cr_assert_eq(send_to(a, &out, "10.7.0.3", START + 20 * SECOND), XORD_NET_SEND);
    cr_assert_eq(poll_all(a, &last, START + 601 * SECOND), 0);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_expired), 1);
    cr_assert_eq(poll_all(a, &last, START + 630 * SECOND), 0);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_expired), 2);
    cr_assert_eq(a->cache.wheel.armed_cnt, 0);
    xord_netstack_free(a);
}

Test(netstack_neighbour, off_link_goes_by_the_gateway)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_tx out;

    cr_assert_eq(send_to(a, &out, "8.8.8.8", START), XORD_NET_PARKED);
    cr_assert_bytes(out.solicit.bytes + 38, ((uint8_t[]){10, 7, 0, 254}), 4);
    cr_assert_eq(send_to(a, &out, "9.9.9.9", START), XORD_NET_PARKED);
    cr_assert_eq(send_to(a, &out, "2001:db8::1", START), XORD_NET_PARKED);
    cr_assert_bytes(out.solicit.bytes + 62, test_ep("fd07::fe", 1).ip16, 16);
    tell(a, "10.7.0.254", 0xfe, XORD_NET_OVERRIDE, START);
    cr_assert(xord_netstack_unpark(a, (uint8_t[1514]){0}, 1514) && xord_netstack_unpark(a, (uint8_t[1514]){0}, 1514));
    cr_assert_eq(send_to(a, &out, "1.1.1.1", START), XORD_NET_SEND);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_created), 0, "gateways have their own places");
    xord_netstack_free(a);
}

Test(netstack_neighbour, gateway_recovers_after_failure)
{
    struct xord_netstack *a = test_host(1, 8, 8);
    struct xord_net_frame last;
    struct xord_net_tx out;

    cr_assert_eq(send_to(a, &out, "8.8.8.8", START), XORD_NET_PARKED);
    for (unsigned s = 0; s < 6; s++)
        poll_all(a, &last, START + s * SECOND);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_failed), 1);
    cr_assert_eq(send_to(a, &out, "8.8.8.8", START + 7 * SECOND), XORD_NET_PARKED);
    cr_assert_eq(out.solicit.len, 42);
    tell(a, "10.7.0.254", 0xfe, ANSWER, START + 7 * SECOND);
    cr_assert_eq(xord_netstack_unpark(a, (uint8_t[1514]){0}, 1514), 42 + sizeof(text));
    xord_netstack_free(a);
}

static const char *nth(unsigned i)
{
    static char ip[32];

    snprintf(ip, sizeof(ip), "10.7.0.%u", 10 + i);
    return ip;
}

static bool known(struct xord_netstack *a, const char *ip)
{
    const struct netstack_neighbour *n = test_entry(a, ip);

    return n && n->state >= NETSTACK_REACHABLE;
}

Test(netstack_neighbour, strangers_push_out_only_strangers)
{
    struct xord_netstack *a = test_host(1, 16, 16);
    struct xord_net_tx out;

    tell(a, "10.7.0.254", 0xfe, ANSWER, START);
    for (unsigned i = 0; i < 8; i++) {
        tell(a, nth(i), (uint8_t)i, ANSWER, START);
        cr_assert_eq(send_to(a, &out, nth(i), START), XORD_NET_SEND);
    }
    cr_assert_eq(send_to(a, &out, "10.7.0.9", START), XORD_NET_PARKED);
    for (unsigned i = 20; i < 220; i++)
        tell(a, nth(i), 0x77, ASKED, START + i * XORD_NS_PER_MS);
    for (unsigned i = 0; i < 8; i++)
        cr_assert(known(a, nth(i)), "peer %u", i);
    cr_assert(known(a, "10.7.0.254"));
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_evicted), 200 - 7);
    tell(a, "10.7.0.9", 9, ANSWER, START + SECOND);
    cr_assert_eq(xord_netstack_unpark(a, (uint8_t[1514]){0}, 1514), 42 + sizeof(text),
            "the one asked for is still there");
    xord_netstack_free(a);
}

Test(netstack_neighbour, cache_full_of_peers_in_use_refuses)
{
    struct xord_netstack *a = test_host(1, 8, 16);
    struct xord_net_tx out;

    for (unsigned i = 0; i < 8; i++) {
        tell(a, nth(i), (uint8_t)i, ANSWER, START);
        cr_assert_eq(send_to(a, &out, nth(i), START + i), XORD_NET_SEND);
    }
    tell(a, nth(20), 1, ASKED, START);
    cr_assert_eq(test_count(a, XORD_NET_CNT_neighbour_refused), 1);
    cr_assert_eq(send_to(a, &out, nth(20), START + 5 * SECOND), XORD_EFULL);
    cr_assert_eq(send_to(a, &out, "8.8.8.8", START + 5 * SECOND), XORD_NET_PARKED, "the gateway has its place");
    cr_assert_eq(send_to(a, &out, nth(20), START + 31 * SECOND), XORD_NET_PARKED,
            "idle ones give way to our own sends");
    tell(a, nth(21), 1, ASKED, START + 31 * SECOND);
    cr_assert(!known(a, nth(21)), "but not to strangers");
    xord_netstack_free(a);
}

/* Datagrams from many made-up addresses on the link make us ask for each: that must stay bounded. */
Test(netstack_neighbour, unresolved_neighbours_are_bounded)
{
    struct xord_netstack *a = test_host(1, 32, 64);
    struct xord_net_frame last;
    struct xord_net_tx out;
    unsigned refused = 0;

    for (unsigned i = 0; i < 100; i++)
        refused += send_to(a, &out, nth(i), START) == XORD_EFULL;
    cr_assert_eq(refused, 100 - 8);
    cr_assert_eq(a->cache.incomplete_cnt, 8);
    cr_assert_eq(send_to(a, &out, "8.8.8.8", START), XORD_NET_PARKED);
    for (unsigned s = 0; s < 6; s++)
        poll_all(a, &last, START + s * SECOND);
    cr_assert_eq(a->cache.incomplete_cnt, 0);
    cr_assert_eq(send_to(a, &out, nth(99), START + 7 * SECOND), XORD_NET_PARKED);
    xord_netstack_free(a);
}

Test(netstack_neighbour, parked_frames_are_bounded_per_neighbour_and_in_all)
{
    struct xord_netstack *a = test_host(1, 64, 24);
    struct xord_net_tx out;
    unsigned sent = 0;

    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(send_to(a, &out, "10.7.0.2", START), XORD_NET_PARKED);
    cr_assert_eq(test_count(a, XORD_NET_CNT_parked_replaced), 100 - NETSTACK_PARKED_MAX);
    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(send_to(a, &out, "10.7.0.3", START), XORD_NET_PARKED);
    cr_assert_eq(send_to(a, &out, "10.7.0.3", START), XORD_EFULL);
    cr_assert_eq(send_to(a, &out, "10.7.0.4", START), XORD_EFULL);
    cr_assert_eq(out.solicit.len, 42, "the question is worth asking all the same");
    cr_assert_eq(test_count(a, XORD_NET_CNT_parked_full), 2);
    tell(a, "10.7.0.2", 2, ANSWER, START);
    tell(a, "10.7.0.3", 3, ANSWER, START);
    while (xord_netstack_unpark(a, (uint8_t[1514]){0}, 1514))
        sent++;
    cr_assert_eq(sent, 24);
    cr_assert_eq(send_to(a, &out, "10.7.0.5", START), XORD_NET_PARKED, "the pool is whole again");
    xord_netstack_free(a);
}

/* Two workers share a port: one asks, the answer comes in on the other's queue. */
Test(netstack_neighbour, what_one_worker_learns_serves_the_other)
{
    struct xord_netstack *asker = test_host(1, 8, 8), *hearer = test_host(1, 8, 8);
    struct test_frame frame = test_load(FRAME_ADVERT_B);
    struct xord_net_frame last;
    struct xord_net_tx out;

    cr_assert_eq(send_to(asker, &out, "fd07::2", START), XORD_NET_PARKED);
    cr_assert_eq(test_rx(hearer, &frame), XORD_NET_NEIGHBOUR);
    xord_netstack_neighbour_set(asker, &frame.out.neighbour, START);
    cr_assert_eq(xord_netstack_unpark(asker, (uint8_t[1514]){0}, 1514), 62 + sizeof(text));

    cr_assert_eq(send_to(asker, &out, "fd07::2", START + 40 * SECOND), XORD_NET_SEND);
    cr_assert_eq(poll_all(asker, &last, START + 46 * SECOND), 1, "probes");
    frame = test_load(FRAME_ADVERT_B);
    cr_assert_eq(test_rx_at(hearer, &frame, START + 46 * SECOND), XORD_NET_NEIGHBOUR, "told although known here");
    xord_netstack_neighbour_set(asker, &frame.out.neighbour, START + 46 * SECOND);
    cr_assert_eq(poll_all(asker, &last, START + 60 * SECOND), 0);
    cr_assert_eq(test_count(asker, XORD_NET_CNT_neighbour_failed), 0);
    xord_netstack_free(asker);
    xord_netstack_free(hearer);
}
