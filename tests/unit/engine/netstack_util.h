/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the tests of the L2-L4 stack: stacks with the addresses of the captured hosts, and frames in buffers. */
#pragma once

#include "netstack_frames.h"
#include "netstack_private.h"
#include "test_util.h"

#define SECOND XORD_NS_PER_S
#define START  (1000 * SECOND)

#define MAC_A "02000000000a"
#define MAC_B "02000000000b"

struct test_frame {
    uint8_t bytes[2048];
    size_t len;
    struct xord_net_rx out;
};

static inline struct xord_endpoint test_ep(const char *ip, uint16_t port)
{
    struct xord_endpoint ep = {.port = port};

    cr_assert(xord_ip_parse(ep.ip16, ip) == 0, "bad address in test: %s", ip);
    return ep;
}

static inline struct xord_net_addr test_addr(const char *ip, uint8_t prefix_len, bool whole)
{
    struct xord_net_addr addr = {.prefix_len = prefix_len, .whole_prefix = whole};

    cr_assert(xord_ip_parse(addr.ip16, ip) == 0);
    return addr;
}

/* Host A (n = 1) or B (n = 2) of the capture; behind both, a gateway 10.7.0.254, fd07::fe. */
static inline struct xord_netstack *test_host(unsigned n, uint32_t neighbour_cnt, uint16_t parked_cnt)
{
    struct xord_net_addr addrs[2] = {test_addr(n == 1 ? "10.7.0.1" : "10.7.0.2", 24, false),
            test_addr(n == 1 ? "fd07::1" : "fd07::2", 64, false)};
    struct xord_netstack_config config = {.mac6 = {2, 0, 0, 0, 0, (uint8_t)(9 + n)},
            .addrs = addrs,
            .addr_cnt = 2,
            .neighbour_cnt = neighbour_cnt,
            .parked_cnt = parked_cnt,
            .key = {{1, 2}}};
    struct xord_netstack *stack;

    cr_assert(xord_ip_parse(config.gateway4_ip16, "10.7.0.254") == 0);
    cr_assert(xord_ip_parse(config.gateway6_ip16, "fd07::fe") == 0);
    cr_assert(xord_netstack_config_check(&config) == 0);
    stack = xord_netstack_new(&config, START);
    cr_assert(stack != NULL);
    return stack;
}

static inline struct test_frame test_load(const char *hex)
{
    struct test_frame frame = {.len = 0};

    frame.len = test_hex(frame.bytes, hex);
    return frame;
}

static inline unsigned test_rx_at(struct xord_netstack *stack, struct test_frame *frame, uint64_t now_ns)
{
    return xord_netstack_rx(stack, &frame->out, frame->bytes, frame->len, sizeof(frame->bytes), 0, now_ns);
}

static inline unsigned test_rx(struct xord_netstack *stack, struct test_frame *frame)
{
    return test_rx_at(stack, frame, START);
}

/* The stack's own entry for an address, or NULL. */
static inline struct netstack_neighbour *test_entry(struct xord_netstack *stack, const char *ip)
{
    struct xord_endpoint ep = test_ep(ip, 1);

    for (uint32_t i = 0; i < stack->cache.entry_cnt; i++) {
        struct netstack_neighbour *n = &stack->cache.entries[i];

        if (n->state != NETSTACK_FREE && memcmp(n->ip16, ep.ip16, 16) == 0)
            return n;
    }
    return NULL;
}

static inline uint64_t test_count(const struct xord_netstack *stack, enum xord_net_counter counter)
{
    return xord_netstack_counters(stack)[counter];
}

/* The frame must be dropped, for this reason, and counted once. */
static inline void test_drops(struct xord_netstack *stack, struct test_frame frame, enum xord_net_counter reason,
        const char *what)
{
    uint64_t before = test_count(stack, reason);
    unsigned verdict = test_rx(stack, &frame);

    cr_assert(verdict == XORD_NET_DROP, "%s: verdict %u", what, verdict);
    cr_assert(frame.out.reason == reason, "%s: %s", what, xord_net_counter_name(frame.out.reason));
    cr_assert(test_count(stack, reason) == before + 1, "%s", what);
}

/* The stack must have turned the frame into this one. */
static inline void test_answers(struct xord_netstack *stack, const char *question, const char *answer)
{
    struct test_frame got = test_load(question), want = test_load(answer);

    cr_assert(test_rx(stack, &got) & XORD_NET_REPLY);
    cr_assert_eq(got.out.reply_len, want.len);
    cr_assert_bytes(got.bytes, want.bytes, want.len);
}

/* The checksum by the book: 16-bit big-endian words, one after another. */
static inline uint16_t test_reference_sum(uint32_t sum, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Puts right, by the book, the checksums of an IPv4 frame with header length 20 that was edited. */
static inline void test_fix_ip4(struct test_frame *frame)
{
    xord_store_be16(frame->bytes + 24, 0);
    xord_store_be16(frame->bytes + 24, (uint16_t)~test_reference_sum(0, frame->bytes + 14, 20));
}

/* The same for the ICMPv6 or UDP message of an IPv6 frame without extension headers. */
static inline void test_fix_l4_v6(struct test_frame *frame)
{
    uint8_t proto = frame->bytes[20], *l4 = frame->bytes + 54, *field = l4 + (proto == 17 ? 6 : 2);
    uint16_t l4_len = xord_load_be16(frame->bytes + 18);
    uint32_t pseudo = test_reference_sum(l4_len + (uint32_t)proto, frame->bytes + 22, 32);

    xord_store_be16(field, 0);
    xord_store_be16(field, (uint16_t)~test_reference_sum(pseudo, l4, l4_len));
}
