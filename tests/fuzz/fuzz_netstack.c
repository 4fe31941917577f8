/* SPDX-License-Identifier: BSD-3-Clause */
/* Any sequence of frames into a stack that answers what it is sent: datagrams lie within their frames, and whatever it
 * sends is well-formed in the eyes of a second stack that has the address of the first one's peer.
 * Input: records of control 1 (1 = the device found the sum good, 2 = put the checksums right, 4.. = seconds to pass),
 * length 1, frame. */
#include "fuzz_target.h"
#include "netstack_private.h"

#define FRAME_MAX 320

static const uint8_t our_mac6[6] = {2, 0, 0, 0, 0, 0x0b};

/* 10.7.0.2/24 and all of fd07::/64, with gateways. */
static struct xord_netstack *make_stack(void)
{
    struct xord_net_addr addrs[2] = {{.prefix_len = 24, .ip16 = {[10] = 0xff, 0xff, 10, 7, 0, 2}},
            {.prefix_len = 64, .whole_prefix = true, .ip16 = {0xfd, 7, [15] = 2}}};
    struct xord_netstack_config config = {.addrs = addrs,
            .addr_cnt = 2,
            .gateway4_ip16 = {[10] = 0xff, 0xff, 10, 7, 0, 254},
            .gateway6_ip16 = {0xfd, 7, [15] = 0xfe},
            .neighbour_cnt = 4,
            .parked_cnt = 4};

    memcpy(config.mac6, our_mac6, 6);
    return xord_netstack_new(&config, 0);
}

static struct xord_netstack *make_peer(const uint8_t *mac6, const uint8_t *ip16)
{
    struct xord_net_addr addr = {.prefix_len = xord_ip_is_v4(ip16) ? 32 : 128};
    struct xord_netstack_config config = {.addrs = &addr, .addr_cnt = 1, .neighbour_cnt = 1, .parked_cnt = 1};

    memcpy(addr.ip16, ip16, 16);
    memcpy(config.mac6, mac6, 6);
    return xord_netstack_new(&config, 0);
}

/* What the stack under test sent must be understood by the peer that it was sent to. */
static void check_sent(const uint8_t *frame, size_t len, const uint8_t *peer_mac6, const uint8_t *peer_ip16)
{
    struct xord_netstack *peer = make_peer(peer_mac6, peer_ip16);
    struct xord_net_rx out;
    uint8_t *copy = fuzz_copy(frame, len);
    unsigned verdict;

    FUZZ_CHECK(peer);
    verdict = xord_netstack_rx(peer, &out, copy, len, len, 0, 0);
    FUZZ_CHECK(verdict || out.reason == XORD_NET_CNT_drop_icmp_other || out.reason == XORD_NET_CNT_neighbour_heard);
    FUZZ_CHECK(!(verdict & XORD_NET_REPLY) && !xord_netstack_counters(peer)[XORD_NET_CNT_rx_partial_sum]);
    xord_netstack_free(peer);
    free(copy);
}

/* Answers a datagram with its own payload. */
static void answer(struct xord_netstack *stack, const struct xord_net_rx *rx, const uint8_t *frame, uint64_t now_ns)
{
    uint8_t sent[XORD_NET_HEADROOM_V6 + FRAME_MAX];
    struct xord_net_tx out;

    memcpy(sent + xord_net_headroom(&rx->src), frame + rx->payload_off, rx->payload_len);
    if (xord_netstack_tx(stack, &out, sent, &rx->dst, &rx->src, rx->payload_len, 0, now_ns) == XORD_NET_SEND)
        check_sent(sent, out.frame_len, sent, rx->src.ip16);
    FUZZ_CHECK(out.solicit.len <= XORD_NET_CONTROL_LEN);
}

static void fix_sums(uint8_t *frame, size_t len)
{
    bool v4 = len > NETSTACK_L3 && frame[NETSTACK_L3] >> 4 == 4;
    size_t l4_off = NETSTACK_L3 + (v4 ? (frame[NETSTACK_L3] & (size_t)15) * 4 : 40);

    if (l4_off + 8 > len || l4_off < NETSTACK_L3 + 20)
        return;
    if (v4 && frame[23] == NETSTACK_PROTO_ICMP4)
        netstack_sum_write(frame + l4_off + 2, 0, frame + l4_off, len - l4_off);
    if (v4)
        netstack_sum_write(frame + 24, 0, frame + NETSTACK_L3, l4_off - NETSTACK_L3);
    else if (frame[20] == NETSTACK_PROTO_ICMP6)
        netstack_sum_write(frame + l4_off + 2,
                netstack_sum_pseudo(frame + 22, frame + 38, NETSTACK_PROTO_ICMP6, len - l4_off), frame + l4_off,
                len - l4_off);
}

/* Who asks without an address, to learn whether it is free, is answered at nobody's (ARP) or to all nodes (NDP). */
static void check_reply(const uint8_t *frame, const struct xord_net_rx *rx)
{
    static const uint8_t zero4[4], third_mac6[6] = {2, 0, 0, 0, 0, 3}, third16[16] = {0x20, 1, [15] = 3};
    bool arp = xord_load_be16(frame + 12) == NETSTACK_ETHERTYPE_ARP;
    uint8_t asker16[16];

    memcpy(asker16, rx->src.ip16, 16);
    if (arp)
        netstack_map_v4(asker16, frame + 38);
    if (arp && memcmp(frame + 38, zero4, 4) == 0)
        FUZZ_CHECK(rx->reply_len == 42);
    else if (frame[0] & 1)
        check_sent(frame, rx->reply_len, third_mac6, third16);
    else
        check_sent(frame, rx->reply_len, frame, asker16);
}

static void check_frame(struct xord_netstack *stack, const uint8_t *data, size_t len, uint8_t control, uint64_t now_ns)
{
    size_t cap = len < XORD_NET_CONTROL_LEN ? XORD_NET_CONTROL_LEN : len;
    uint8_t *frame = malloc(cap);
    struct xord_net_rx rx;
    unsigned verdict;

    memcpy(frame, data, len);
    if (control & 2)
        fix_sums(frame, len);
    verdict = xord_netstack_rx(stack, &rx, frame, len, cap, control & XORD_NET_RX_SUM_GOOD, now_ns);
    FUZZ_CHECK(rx.reason < XORD_NET_COUNTER_CNT);
    if (verdict & XORD_NET_REPLY)
        check_reply(frame, &rx);
    if (verdict & XORD_NET_UDP) {
        FUZZ_CHECK(rx.payload_off + (size_t)rx.payload_len <= len && rx.payload_off >= XORD_NET_HEADROOM_V4);
        answer(stack, &rx, frame, now_ns);
    }
    free(frame);
}

static void drain(struct xord_netstack *stack, uint64_t now_ns)
{
    struct xord_net_frame out;
    uint8_t frame[1514];
    size_t len;

    while ((len = xord_netstack_unpark(stack, frame, sizeof(frame))) != 0)
        FUZZ_CHECK(len >= XORD_NET_HEADROOM_V4 && !(frame[0] & 1));
    while (xord_netstack_poll(stack, &out, now_ns))
        FUZZ_CHECK(out.len && out.len <= XORD_NET_CONTROL_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xord_netstack *stack = make_stack();
    uint64_t now_ns = 0;

    FUZZ_CHECK(stack);
    while (size >= 2) {
        size_t len = data[1] < size - 2 ? data[1] : size - 2;

        now_ns += (data[0] >> 2) * XORD_NS_PER_S;
        check_frame(stack, data + 2, len, data[0], now_ns);
        drain(stack, now_ns);
        data += 2 + len;
        size -= 2 + len;
    }
    xord_netstack_free(stack);
    return 0;
}
