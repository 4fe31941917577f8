/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 and IPv6: from the header to the protocol above, and headers to send. */
#include "netstack_private.h"

#define IP4_LEN       20
#define IP6_LEN       40
#define EXT_MAX       4 /* IPv6 extension headers skipped at most */
#define EXT_HOP       0
#define EXT_FRAGMENT  44
#define EXT_DEST_OPTS 60

bool netstack_source_is_sane(const struct xord_netstack *stack, const struct netstack_prefix *prefix,
        const uint8_t ip16[16])
{
    enum xord_ip_scope scope = xord_ip_scope(ip16);

    if (scope != XORD_IP_GLOBAL && scope != XORD_IP_PRIVATE)
        return false;
    return (!prefix || netstack_prefix_is_host(prefix, ip16)) && !netstack_addrs_is_ours(&stack->addrs, ip16);
}

/* ---- IPv4 (RFC 791) ---- */
/*  version 4 bits, header words 4 bits | tos 1 | total length 2 | id 2 | flags 3 bits, fragment offset 13 bits |
 *  ttl 1 | protocol 1 | checksum 2 | source 4 | destination 4 | options */

static bool ip4_header_is_whole(const uint8_t *ip, size_t avail)
{
    size_t header_len = (ip[0] & (size_t)0xf) * 4;
    size_t total_len = xord_load_be16(ip + 2);

    return ip[0] >> 4 == 4 && header_len >= IP4_LEN && header_len <= total_len && total_len <= avail;
}

/* Judges the header; XORD_NET_COUNTER_CNT when nothing is wrong with it. */
static enum xord_net_counter ip4_check(const struct xord_netstack *stack, struct netstack_rx *rx, const uint8_t *ip)
{
    size_t header_len = (ip[0] & (size_t)0xf) * 4;

    if (!netstack_sum_is_good(0, ip, header_len))
        return XORD_NET_CNT_drop_ip_sum;
    netstack_map_v4(rx->out->src.ip16, ip + 12);
    netstack_map_v4(rx->out->dst.ip16, ip + 16);
    if (!netstack_addrs_is_ours(&stack->addrs, rx->out->dst.ip16))
        return XORD_NET_CNT_drop_not_our_ip;
    rx->src_prefix = netstack_addrs_on_link(&stack->addrs, rx->out->src.ip16);
    if (!netstack_source_is_sane(stack, rx->src_prefix, rx->out->src.ip16))
        return XORD_NET_CNT_drop_source_ip;
    if (xord_load_be16(ip + 6) & 0x3fff) /* an offset, or more to come */
        return XORD_NET_CNT_drop_fragment;
    rx->l4_off = NETSTACK_L3 + header_len;
    rx->l4_len = xord_load_be16(ip + 2) - header_len;
    return XORD_NET_COUNTER_CNT;
}

unsigned netstack_ip4_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    const uint8_t *ip = rx->frame + NETSTACK_L3;
    enum xord_net_counter fault;

    if (rx->len < NETSTACK_L3 + IP4_LEN)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_short);
    if (!ip4_header_is_whole(ip, rx->len - NETSTACK_L3))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ip_header);
    fault = ip4_check(stack, rx, ip);
    if (fault != XORD_NET_COUNTER_CNT)
        return netstack_drop(stack, rx, fault);
    if (ip[9] == NETSTACK_PROTO_UDP)
        return netstack_udp_rx(stack, rx);
    if (ip[9] == NETSTACK_PROTO_ICMP4)
        return netstack_icmp4_rx(stack, rx);
    return netstack_drop(stack, rx, XORD_NET_CNT_drop_ip_proto);
}

/* Fragmentation stays allowed: a path narrower than a full NODES packet must not swallow it in silence. */
void netstack_ip4_write(struct xord_netstack *stack, uint8_t *frame, const uint8_t src16[16], const uint8_t dst16[16],
        uint8_t proto, size_t l4_len, bool leave_sum)
{
    const uint16_t words[] = {0x4500, (uint16_t)(IP4_LEN + l4_len), stack->ip4_id++, 0,
            (uint16_t)(NETSTACK_HOP_LIMIT << 8 | proto)};
    uint8_t *ip = frame + NETSTACK_L3;
    uint64_t sum = 0;

    for (size_t i = 0; i < 5; i++) {
        xord_store_be16(ip + 2 * i, words[i]);
        sum += netstack_sum_be16(words[i]);
    }
    memset(ip + 10, 0, 2);
    memcpy(ip + 12, src16 + 12, 4);
    memcpy(ip + 16, dst16 + 12, 4);
    if (!leave_sum)
        netstack_sum_store(ip + 10, netstack_sum4(netstack_sum4(sum, src16 + 12), dst16 + 12));
}

/* ---- IPv6 (RFC 8200) ---- */
/*  version 4 bits, traffic class 8 bits, flow label 20 bits | payload length 2 | next header 1 | hop limit 1 |
 *  source 16 | destination 16 */

/* Skips hop-by-hop (only as the first) and destination options: next header 1 | length in 8 bytes less one 1 | ...
 * Returns the protocol; what is no protocol of ours falls out there, a header that runs over the end as EXT_HOP. */
static uint8_t ip6_skip_options(struct netstack_rx *rx, uint8_t next)
{
    bool first = true;

    for (unsigned i = 0; i < EXT_MAX && (next == EXT_DEST_OPTS || (next == EXT_HOP && first)); i++) {
        const uint8_t *ext = rx->frame + rx->l4_off;
        size_t ext_len = rx->l4_len < 8 ? SIZE_MAX : (ext[1] + (size_t)1) * 8;

        if (ext_len > rx->l4_len)
            return EXT_HOP;
        next = ext[0];
        rx->l4_off += ext_len;
        rx->l4_len -= ext_len;
        first = false;
    }
    return next;
}

static unsigned ip6_dispatch(struct xord_netstack *stack, struct netstack_rx *rx, uint8_t proto)
{
    switch (proto) {
    case NETSTACK_PROTO_UDP:
        if (rx->group_ip)
            return netstack_drop(stack, rx, XORD_NET_CNT_drop_not_our_ip);
        return netstack_udp_rx(stack, rx);
    case NETSTACK_PROTO_ICMP6:
        return netstack_icmp6_rx(stack, rx);
    case EXT_FRAGMENT:
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_fragment);
    default:
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ip_proto);
    }
}

/* All nodes, or a solicited-node group; whether it is one of ours, the target within the solicitation tells. */
static bool ip6_is_group_of_interest(const uint8_t ip16[16])
{
    uint8_t solicited16[16];

    netstack_solicited_node(solicited16, ip16);
    return memcmp(ip16, solicited16, 16) == 0 || memcmp(ip16, netstack_all_nodes16, 16) == 0;
}

/* IPv4-mapped addresses on the wire are forgeries (RFC 4942, section 2.2), and would pass for IPv4 here. The
 * unspecified source passes: ICMPv6 lets it ask for duplicates, and nothing else. */
static enum xord_net_counter ip6_check(const struct xord_netstack *stack, struct netstack_rx *rx)
{
    static const uint8_t unspecified16[16];
    const uint8_t *src16 = rx->out->src.ip16, *dst16 = rx->out->dst.ip16;

    rx->group_ip = ip6_is_group_of_interest(dst16);
    if (xord_ip_is_v4(dst16) || !(rx->group_ip || (!rx->group_mac && netstack_addrs_is_ours(&stack->addrs, dst16))))
        return XORD_NET_CNT_drop_not_our_ip;
    rx->unspecified_src = memcmp(src16, unspecified16, 16) == 0;
    if (rx->unspecified_src)
        return XORD_NET_COUNTER_CNT;
    rx->src_prefix = netstack_addrs_on_link(&stack->addrs, src16);
    if (xord_ip_is_v4(src16) || !netstack_source_is_sane(stack, rx->src_prefix, src16))
        return XORD_NET_CNT_drop_source_ip;
    return XORD_NET_COUNTER_CNT;
}

unsigned netstack_ip6_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    const uint8_t *ip = rx->frame + NETSTACK_L3;
    enum xord_net_counter fault;
    uint8_t proto;

    if (rx->len < NETSTACK_L3 + IP6_LEN)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_short);
    rx->l4_off = NETSTACK_L3 + IP6_LEN;
    rx->l4_len = xord_load_be16(ip + 4);
    if (ip[0] >> 4 != 6 || rx->l4_len > rx->len - rx->l4_off)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ip_header);
    memcpy(rx->out->src.ip16, ip + 8, 16);
    memcpy(rx->out->dst.ip16, ip + 24, 16);
    fault = ip6_check(stack, rx);
    if (fault != XORD_NET_COUNTER_CNT)
        return netstack_drop(stack, rx, fault);
    rx->hop_limit = ip[7];
    proto = ip6_skip_options(rx, ip[6]);
    if (rx->unspecified_src && proto != NETSTACK_PROTO_ICMP6)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_source_ip);
    return ip6_dispatch(stack, rx, proto);
}

void netstack_ip6_write(uint8_t *frame, const uint8_t src16[16], const uint8_t dst16[16], uint8_t proto,
        uint8_t hop_limit, size_t l4_len)
{
    uint8_t *ip = frame + NETSTACK_L3;

    xord_store_be32(ip, 0x60000000);
    xord_store_be16(ip + 4, (uint16_t)l4_len);
    ip[6] = proto;
    ip[7] = hop_limit;
    memcpy(ip + 8, src16, 16);
    memcpy(ip + 24, dst16, 16);
}
