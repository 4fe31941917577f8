/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery for IPv6 (RFC 4861) and what duplicate address detection (RFC 4862) asks of us. */
#include "netstack_private.h"

#define NDP_SOLICIT   135
#define NDP_ADVERTISE 136
#define NDP_LEN       24 /* without options */
#define NDP_FULL_LEN  32 /* with a link-layer address option */

/*  type 1 | code 1 | checksum 2 | router, solicited, override 3 bits, reserved 29 bits | target 16 | options */
#define NDP_FLAGS          4
#define NDP_TARGET         8
#define NDP_FLAG_SOLICITED 0x40
#define NDP_FLAG_OVERRIDE  0x20

/*  option: type 1 | length in 8 bytes 1 | link-layer address 6 */
#define OPT_SOURCE_MAC 1
#define OPT_TARGET_MAC 2

const uint8_t netstack_all_nodes16[16] = {0xff, 0x02, [15] = 1};

void netstack_solicited_node(uint8_t group16[16], const uint8_t ip16[16])
{
    static const uint8_t prefix13[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
    uint8_t low3[3];

    memcpy(low3, ip16 + 13, 3);
    memcpy(group16, prefix13, 13);
    memcpy(group16 + 13, low3, 3);
}

void netstack_group_mac(uint8_t mac6[6], const uint8_t group16[16])
{
    mac6[0] = mac6[1] = 0x33;
    memcpy(mac6 + 2, group16 + 12, 4);
}

/* Walks the options. False when one is malformed; *mac6 stays NULL when there is no `type` among them. */
static bool ndp_find_mac(const uint8_t **mac6, const uint8_t *opts, size_t len, uint8_t type)
{
    *mac6 = NULL;
    while (len) {
        size_t opt_len = len < 8 ? 0 : opts[1] * (size_t)8;

        if (opt_len == 0 || opt_len > len)
            return false;
        if (opts[0] == type && opt_len == 8 && !*mac6)
            *mac6 = opts + 2;
        opts += opt_len;
        len -= opt_len;
    }
    return true;
}

/* Writes the message whole, from IP header to checksum. */
static void ndp_write(const struct xord_netstack *stack, uint8_t *frame, const uint8_t src16[16],
        const uint8_t dst16[16], uint8_t type, uint8_t flags, const uint8_t target16[16])
{
    uint8_t *icmp = frame + XORD_NET_CONTROL_LEN - NDP_FULL_LEN;

    netstack_ip6_write(frame, src16, dst16, NETSTACK_PROTO_ICMP6, NETSTACK_NDP_HOP_LIMIT, NDP_FULL_LEN);
    memset(icmp, 0, NDP_FULL_LEN);
    icmp[0] = type;
    icmp[NDP_FLAGS] = flags;
    memcpy(icmp + NDP_TARGET, target16, 16);
    icmp[NDP_LEN] = type == NDP_SOLICIT ? OPT_SOURCE_MAC : OPT_TARGET_MAC;
    icmp[NDP_LEN + 1] = 1;
    memcpy(icmp + NDP_LEN + 2, stack->mac6, 6);
    netstack_sum_write(icmp + 2, netstack_sum_pseudo(src16, dst16, NETSTACK_PROTO_ICMP6, NDP_FULL_LEN), icmp,
            NDP_FULL_LEN);
}

/* Section 7.2.4. Who asks without an address yet is answered by telling all nodes. */
static unsigned ndp_answer(struct xord_netstack *stack, struct netstack_rx *rx, const uint8_t target16[16],
        const uint8_t *asker_mac6)
{
    bool to_all = rx->unspecified_src;
    const uint8_t *dst16 = to_all ? netstack_all_nodes16 : rx->out->src.ip16;
    uint8_t flags = to_all ? NDP_FLAG_OVERRIDE : NDP_FLAG_SOLICITED | NDP_FLAG_OVERRIDE;
    uint8_t mac6[6];

    if (rx->cap < XORD_NET_CONTROL_LEN)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_no_room);
    if (to_all)
        netstack_group_mac(mac6, netstack_all_nodes16);
    else
        memcpy(mac6, asker_mac6, 6);
    netstack_eth_write(stack, rx->frame, mac6, NETSTACK_ETHERTYPE_V6);
    ndp_write(stack, rx->frame, target16, dst16, NDP_ADVERTISE, flags, target16);
    rx->out->reply_len = XORD_NET_CONTROL_LEN;
    netstack_count(stack, XORD_NET_CNT_answered_solicit);
    return XORD_NET_REPLY;
}

/* Is the solicitation addressed as section 7.1.1 wants it: to the target, or its group; by group if unspecified? */
static bool solicit_is_addressed_right(const struct netstack_rx *rx, const uint8_t target16[16])
{
    uint8_t group16[16];

    netstack_solicited_node(group16, target16);
    if (rx->group_ip)
        return memcmp(rx->out->dst.ip16, group16, 16) == 0;
    return !rx->unspecified_src;
}

/* Section 7.2.3. */
static unsigned ndp_solicit_rx(struct xord_netstack *stack, struct netstack_rx *rx, const uint8_t *icmp)
{
    struct xord_net_neighbour news = {.flags = XORD_NET_OVERRIDE | XORD_NET_CREATE};
    uint8_t target16[16];
    const uint8_t *mac6;
    unsigned verdict = 0;

    memcpy(target16, icmp + NDP_TARGET, 16);
    if (!ndp_find_mac(&mac6, icmp + NDP_LEN, rx->l4_len - NDP_LEN, OPT_SOURCE_MAC) ||
            !solicit_is_addressed_right(rx, target16) || (mac6 && rx->unspecified_src) ||
            (mac6 && !netstack_mac_is_peer(stack, mac6)))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ndp_malformed);
    if (xord_ip_is_v4(target16) || !netstack_addrs_is_ours(&stack->addrs, target16))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ndp_other);
    memcpy(news.mac6, mac6 ? mac6 : rx->frame + 6, 6);
    memcpy(news.ip16, rx->out->src.ip16, 16);
    if (mac6)
        verdict = netstack_learn_rx(stack, rx, &news);
    return verdict | ndp_answer(stack, rx, target16, news.mac6);
}

/* An answer to one of our unicast questions may leave the address out (section 7.2.4): then it can be no other than the
 * frame's sender, and only confirms. A solicited one makes an entry: another worker of this port may have asked. */
static struct xord_net_neighbour advert_news(const struct netstack_rx *rx, const uint8_t *icmp, const uint8_t *mac6)
{
    struct xord_net_neighbour news = {.flags = 0};

    if (icmp[NDP_FLAGS] & NDP_FLAG_SOLICITED)
        news.flags = XORD_NET_SOLICITED | XORD_NET_CREATE;
    if (mac6 && icmp[NDP_FLAGS] & NDP_FLAG_OVERRIDE)
        news.flags |= XORD_NET_OVERRIDE;
    memcpy(news.ip16, icmp + NDP_TARGET, 16);
    memcpy(news.mac6, mac6 ? mac6 : rx->frame + 6, 6);
    return news;
}

/* Section 7.2.5; validation as in 7.1.2. */
static unsigned ndp_advert_rx(struct xord_netstack *stack, struct netstack_rx *rx, const uint8_t *icmp)
{
    const uint8_t *target16 = icmp + NDP_TARGET;
    const struct netstack_prefix *prefix = netstack_addrs_on_link(&stack->addrs, target16);
    struct xord_net_neighbour news;
    const uint8_t *mac6;
    unsigned verdict;

    if (!ndp_find_mac(&mac6, icmp + NDP_LEN, rx->l4_len - NDP_LEN, OPT_TARGET_MAC) || rx->unspecified_src ||
            (rx->group_ip && icmp[NDP_FLAGS] & NDP_FLAG_SOLICITED) || xord_ip_is_v4(target16))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ndp_malformed);
    if (netstack_addrs_is_ours(&stack->addrs, target16))
        return netstack_drop(stack, rx, XORD_NET_CNT_address_conflict);
    news = advert_news(rx, icmp, mac6);
    if (!netstack_source_is_sane(stack, prefix, target16) || !netstack_mac_is_peer(stack, news.mac6))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ndp_malformed);
    if (!mac6 && !(news.flags & XORD_NET_SOLICITED))
        return netstack_drop(stack, rx, XORD_NET_CNT_neighbour_heard);
    verdict = netstack_learn_rx(stack, rx, &news);
    return verdict ? verdict : netstack_drop(stack, rx, XORD_NET_CNT_neighbour_heard);
}

unsigned netstack_ndp_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    const uint8_t *icmp = rx->frame + rx->l4_off;

    if (icmp[0] != NDP_SOLICIT && icmp[0] != NDP_ADVERTISE)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_other);
    if (rx->hop_limit != NETSTACK_NDP_HOP_LIMIT || icmp[1] != 0 || rx->l4_len < NDP_LEN)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ndp_malformed);
    return icmp[0] == NDP_SOLICIT ? ndp_solicit_rx(stack, rx, icmp) : ndp_advert_rx(stack, rx, icmp);
}

void netstack_ndp_solicit(struct xord_netstack *stack, struct xord_net_frame *out,
        const struct netstack_neighbour *neighbour)
{
    const uint8_t *src16 = netstack_addrs_source(&stack->addrs, neighbour->ip16);
    uint8_t group16[16], mac6[6];
    bool probe = neighbour->state == NETSTACK_PROBE;

    netstack_solicited_node(group16, neighbour->ip16);
    netstack_group_mac(mac6, group16);
    netstack_eth_write(stack, out->bytes, probe ? neighbour->mac6 : mac6, NETSTACK_ETHERTYPE_V6);
    ndp_write(stack, out->bytes, src16, probe ? neighbour->ip16 : group16, NDP_SOLICIT, 0, neighbour->ip16);
    out->len = XORD_NET_CONTROL_LEN;
}
