/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack as a whole: configuration, whole prefixes, group addresses, and two stacks joined by memory. */
#include "netstack_util.h"

static struct xord_netstack_config config_of(const struct xord_net_addr *addrs, size_t cnt)
{
    struct xord_netstack_config config = {.mac6 = {2, 0, 0, 0, 0, 0xaa},
            .addrs = addrs,
            .addr_cnt = cnt,
            .neighbour_cnt = 16,
            .key = {{3, 4}}};

    return config;
}

static void set_gateway(uint8_t ip16[16], const char *ip)
{
    cr_assert(xord_ip_parse(ip16, ip) == 0);
}

Test(netstack, bad_configurations_are_refused)
{
    static const struct {
        const char *ip, *gateway4, *gateway6;
        uint8_t prefix_len;
        int rc;
    } rows[] = {
            {"10.0.0.1", "10.0.0.2", NULL, 24, 0},
            {"10.0.0.1", NULL, "fe80::1", 24, 0},
            {"2001:db8::5", NULL, "2001:db8::1", 64, 0},
            {"192.0.2.1", "10.0.0.1", NULL, 32, 0}, /* the gateway may lie outside of every prefix */
            {"10.0.0.1", NULL, NULL, 33, XORD_ERANGE},
            {"2001:db8::1", NULL, NULL, 129, XORD_ERANGE},
            {"127.0.0.1", NULL, NULL, 8, XORD_ERANGE},
            {"224.0.0.1", NULL, NULL, 24, XORD_ERANGE},
            {"0.0.0.0", NULL, NULL, 0, XORD_ERANGE},
            {"10.0.0.0", NULL, NULL, 24, XORD_ERANGE},
            {"10.0.0.255", NULL, NULL, 24, XORD_ERANGE},
            {"10.0.0.1", "10.0.0.1", NULL, 24, XORD_EEXIST},
            {"10.0.0.1", NULL, "fe80::ff:fe00:aa", 24, XORD_EEXIST},
            {"10.0.0.1", "255.255.255.255", NULL, 24, XORD_ERANGE},
            {"10.0.0.1", "2001:db8::1", NULL, 24, XORD_ERANGE},
            {"10.0.0.1", NULL, "2001:db8::1", 24, XORD_EMISSING},
            {"2001:db8::5", "10.0.0.1", NULL, 64, XORD_EMISSING},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_net_addr addr = test_addr(rows[i].ip, rows[i].prefix_len, false);
        struct xord_netstack_config config = config_of(&addr, 1);
        struct xord_netstack *stack;

        if (rows[i].gateway4)
            set_gateway(config.gateway4_ip16, rows[i].gateway4);
        if (rows[i].gateway6)
            set_gateway(config.gateway6_ip16, rows[i].gateway6);
        cr_assert_eq(xord_netstack_config_check(&config), rows[i].rc, "row %zu", i);
        stack = xord_netstack_new(&config, START);
        cr_assert_eq(stack != NULL, rows[i].rc == 0, "row %zu", i);
        xord_netstack_free(stack);
    }
    TEST_NO_LEAK();
}

Test(netstack, configuration_limits)
{
    struct xord_net_addr addrs[XORD_NET_PREFIX_MAX + 1];
    struct xord_netstack_config config;

    for (unsigned i = 0; i <= XORD_NET_PREFIX_MAX; i++) {
        addrs[i] = test_addr("10.0.0.1", 24, false);
        addrs[i].ip16[14] = (uint8_t)i;
    }
    config = config_of(addrs, XORD_NET_PREFIX_MAX - 1);
    cr_assert_eq(xord_netstack_config_check(&config), 0);
    config = config_of(addrs, XORD_NET_PREFIX_MAX);
    cr_assert_eq(xord_netstack_config_check(&config), XORD_EFULL, "fe80::/10 needs one");
    config = config_of(addrs, 0);
    cr_assert_eq(xord_netstack_config_check(&config), XORD_EMISSING);
    config = config_of(addrs, 1);
    config.mtu = 1279;
    cr_assert_eq(xord_netstack_config_check(&config), XORD_ERANGE);
    config = config_of(addrs, 1);
    config.mac6[0] = 3;
    cr_assert_eq(xord_netstack_config_check(&config), XORD_ERANGE);
}

Test(netstack, counters_have_names_and_meanings)
{
    for (unsigned i = 0; i < XORD_NET_COUNTER_CNT; i++)
        cr_assert(xord_net_counter_name(i)[0] && xord_net_counter_help(i)[0]);
    cr_assert_str_eq(xord_net_counter_name(XORD_NET_CNT_drop_udp_sum), "drop_udp_sum");
}

Test(netstack, many_single_addresses)
{
    static struct xord_net_addr addrs[1000];
    struct xord_netstack_config config = config_of(addrs, 1000);
    struct xord_netstack *stack;

    for (unsigned i = 0; i < 1000; i++) {
        addrs[i] = test_addr(i % 2 ? "10.9.0.1" : "2001:db8::1", i % 2 ? 32 : 128, false);
        xord_store_be16(addrs[i].ip16 + 14, (uint16_t)(i + 1));
    }
    stack = xord_netstack_new(&config, START);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t ip16[16];

        cr_assert(xord_netstack_is_ours(stack, addrs[i].ip16));
        memcpy(ip16, addrs[i].ip16, 16);
        ip16[13] ^= 1;
        cr_assert(!xord_netstack_is_ours(stack, ip16));
    }
    cr_assert(!xord_netstack_is_ours(stack, (uint8_t[16]){0}));
    xord_netstack_free(stack);
}

static struct xord_netstack *testnet(void)
{
    struct xord_net_addr addrs[3] = {test_addr("10.7.0.0", 16, true), test_addr("10.0.0.2", 8, false),
            test_addr("fd07:7::", 64, true)};
    struct xord_netstack_config config = config_of(addrs, 3);

    set_gateway(config.gateway4_ip16, "10.7.0.1");
    set_gateway(config.gateway6_ip16, "fd07:7::1");
    return xord_netstack_new(&config, START);
}

Test(netstack, whole_prefixes_are_ours_but_for_what_no_host_has)
{
    static const struct {
        const char *ip;
        bool ours;
    } rows[] = {{"10.7.0.2", true}, {"10.7.255.254", true}, {"10.7.3.0", true}, {"10.7.3.255", true},
            {"10.7.0.0", false}, {"10.7.255.255", false}, {"10.7.0.1", false}, {"10.8.0.2", false}, {"10.0.0.2", true},
            {"10.0.0.3", false}, {"fd07:7::2", true}, {"fd07:7::ffff:ffff:ffff:ffff", true}, {"fd07:7::", false},
            {"fd07:7::1", false}, {"fd07:8::2", false}, {"fe80::ff:fe00:aa", true}};
    struct xord_netstack *stack = testnet();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(xord_netstack_is_ours(stack, test_ep(rows[i].ip, 1).ip16), rows[i].ours, "%s", rows[i].ip);
    xord_netstack_free(stack);
    TEST_NO_LEAK();
}

Test(netstack, whole_prefixes_answer_for_every_address)
{
    struct xord_netstack *stack = testnet();
    struct test_frame frame = test_load("ffffffffffff02000000000a08060001080006040001"
                                        "02000000000a0a0700010000000000000a07abcd");

    cr_assert(test_rx(stack, &frame) & XORD_NET_REPLY);
    cr_assert_bytes(frame.bytes + 22, ((uint8_t[]){2, 0, 0, 0, 0, 0xaa, 10, 7, 0xab, 0xcd}), 10);
    frame = test_load("3333ffababab02000000000a86dd6000000000203aff"
                      "fd070007000000000000000000000001ff0200000000000000000001ffababab"
                      "8700000000000000fd0700070000000000000000ababab"
                      "ab010102000000000a");
    frame.bytes[62 + 15] = 0xab;
    test_fix_l4_v6(&frame);
    cr_assert(test_rx(stack, &frame) & XORD_NET_REPLY);
    cr_assert_eq(frame.bytes[54], 136);
    xord_netstack_free(stack);
}

Test(netstack, whole_prefix_asks_from_its_first_host)
{
    struct xord_netstack *stack = testnet();
    struct xord_endpoint src = test_ep("10.7.9.9", 9), dst = test_ep("8.8.8.8", 9);
    struct xord_net_tx out;
    uint8_t frame[100];

    cr_assert_eq(xord_netstack_tx(stack, &out, frame, &src, &dst, 1, 0, START), XORD_NET_PARKED);
    cr_assert_bytes(out.solicit.bytes + 28, ((uint8_t[]){10, 7, 0, 2}), 4);
    dst = test_ep("10.200.0.1", 9);
    cr_assert_eq(xord_netstack_tx(stack, &out, frame, &src, &dst, 1, 0, START), XORD_NET_PARKED);
    cr_assert_bytes(out.solicit.bytes + 28, ((uint8_t[]){10, 0, 0, 2}), 4);
    dst = test_ep("10.7.200.1", 9);
    cr_assert_eq(xord_netstack_tx(stack, &out, frame, &src, &dst, 1, 0, START), XORD_ESTATE);
    xord_netstack_free(stack);
}

Test(netstack, group_macs)
{
    const uint8_t want[3][6] = {{0x33, 0x33, 0, 0, 0, 1}, {0x33, 0x33, 0xff, 0, 0, 1}, {0x33, 0x33, 0xff, 0, 0, 0x0a}};
    struct xord_netstack *a = test_host(1, 8, 8), *whole = testnet();
    uint8_t macs[8][6];
    int cnt = xord_netstack_mcast_macs(a, macs, 8);

    cr_assert_eq(cnt, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert(!memcmp(macs[i], want[0], 6) || !memcmp(macs[i], want[1], 6) || !memcmp(macs[i], want[2], 6));
    cr_assert_eq(xord_netstack_mcast_macs(a, macs, 2), XORD_ENOSPC);
    cr_assert_eq(xord_netstack_mcast_macs(whole, macs, 8), XORD_ENOSPC, "all multicast is needed");
    xord_netstack_free(a);
    xord_netstack_free(whole);
}

/* ---- two stacks and the wire between them ---- */

/* Hands a frame over; the answer, if any, goes back at once. Counts the datagrams that arrive. */
static unsigned deliver(struct xord_netstack *to, struct xord_netstack *from, const uint8_t *bytes, size_t len)
{
    struct test_frame frame = {.len = len};
    unsigned verdict;

    memcpy(frame.bytes, bytes, len);
    verdict = test_rx(to, &frame);
    if (verdict & XORD_NET_REPLY)
        return deliver(from, to, frame.bytes, frame.out.reply_len);
    return (verdict & XORD_NET_UDP) != 0;
}

/* Sends, and lets everything that follows happen. */
static unsigned send_over(struct xord_netstack *from, struct xord_netstack *to, const char *src_ip, const char *dst_ip)
{
    struct xord_endpoint src = test_ep(src_ip, 9000), dst = test_ep(dst_ip, 9001);
    struct test_frame frame = {.len = 0};
    struct xord_net_tx out;
    unsigned arrived = 0;
    int rc = xord_netstack_tx(from, &out, frame.bytes, &src, &dst, 33, 0, START);

    cr_assert_geq(rc, 0, "%s to %s: %s", src_ip, dst_ip, xord_strerror(rc));
    if (out.solicit.len)
        arrived += deliver(to, from, out.solicit.bytes, out.solicit.len);
    if (rc == XORD_NET_SEND)
        arrived += deliver(to, from, frame.bytes, out.frame_len);
    while ((frame.len = xord_netstack_unpark(from, frame.bytes, sizeof(frame.bytes))) != 0)
        arrived += deliver(to, from, frame.bytes, frame.len);
    return arrived;
}

Test(netstack, two_stacks_talk)
{
    const char *pairs[][2] = {{"10.7.0.1", "10.7.0.2"}, {"fd07::1", "fd07::2"}, {"fe80::ff:fe00:a", "fe80::ff:fe00:b"}};
    struct xord_netstack *a = test_host(1, 8, 8), *b = test_host(2, 8, 8);

    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(send_over(a, b, pairs[i][0], pairs[i][1]), 1, "pair %u", i);
        cr_assert_eq(send_over(b, a, pairs[i][1], pairs[i][0]), 1, "pair %u back", i);
        cr_assert_eq(send_over(a, b, pairs[i][0], pairs[i][1]), 1, "pair %u again", i);
    }
    cr_assert_eq(test_count(a, XORD_NET_CNT_tx_parked), 3, "only the first of each had to wait");
    cr_assert_eq(test_count(b, XORD_NET_CNT_tx_parked), 0, "who was asked knows the asker");
    xord_netstack_free(a);
    xord_netstack_free(b);
    TEST_NO_LEAK();
}

/* The second stack plays a router: a host on both networks that takes what is sent through it. */
Test(netstack, two_stacks_talk_by_a_gateway)
{
    struct xord_net_addr far[4] = {test_addr("10.7.0.254", 24, false), test_addr("198.51.100.7", 32, false),
            test_addr("fd07::fe", 64, false), test_addr("2001:db8::7", 128, false)};
    struct xord_netstack_config config = config_of(far, 4);
    struct xord_netstack *a = test_host(1, 8, 8), *router = xord_netstack_new(&config, START);

    cr_assert_eq(send_over(a, router, "10.7.0.1", "198.51.100.7"), 1);
    cr_assert_eq(send_over(router, a, "198.51.100.7", "10.7.0.1"), 1);
    cr_assert_eq(send_over(a, router, "fd07::1", "2001:db8::7"), 1);
    cr_assert_eq(send_over(router, a, "2001:db8::7", "fd07::1"), 1);
    cr_assert_eq(test_count(a, XORD_NET_CNT_rx_udp), 2);
    xord_netstack_free(a);
    xord_netstack_free(router);
}

Test(netstack, without_gateway_there_is_no_route)
{
    struct xord_net_addr addr = test_addr("10.7.0.9", 24, false);
    struct xord_netstack_config config = config_of(&addr, 1);
    struct xord_netstack *stack = xord_netstack_new(&config, START);
    struct xord_endpoint src = test_ep("10.7.0.9", 9), dst = test_ep("8.8.8.8", 9);
    struct xord_net_tx out;
    uint8_t frame[100];

    cr_assert_eq(xord_netstack_tx(stack, &out, frame, &src, &dst, 1, 0, START), XORD_ENOENT);
    cr_assert_eq(test_count(stack, XORD_NET_CNT_tx_no_route), 1);
    xord_netstack_free(stack);
}
