/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP (RFC 792) and ICMPv6 (RFC 4443): echo is answered, neighbour discovery passed on, the rest ignored. */
#include "netstack_private.h"

#define ECHO_LEN         8
#define ICMP4_ECHO       8
#define ICMP4_ECHO_REPLY 0
#define ICMP6_ECHO       128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_NDP_FIRST  133 /* router solicitation */
#define ICMP6_NDP_LAST   137 /* redirect */

/*  type 1 | code 1 | checksum 2 | identifier 2 | sequence number 2 | data */

/* Moves the message up against a bare IP header (options are not echoed) and turns the frame round; the checksum is the
 * caller's. */
static uint8_t *echo_turn(struct xord_netstack *stack, struct netstack_rx *rx, uint8_t type, bool v4)
{
    uint8_t *icmp = rx->frame + NETSTACK_L3 + (v4 ? 20 : 40);
    uint8_t asker_mac6[6];

    memcpy(asker_mac6, rx->frame + 6, 6);
    memmove(icmp, rx->frame + rx->l4_off, rx->l4_len);
    icmp[0] = type;
    netstack_eth_write(stack, rx->frame, asker_mac6, v4 ? NETSTACK_ETHERTYPE_V4 : NETSTACK_ETHERTYPE_V6);
    rx->out->reply_len = (uint16_t)(icmp - rx->frame + rx->l4_len);
    netstack_count(stack, XORD_NET_CNT_answered_echo);
    return icmp;
}

static unsigned echo4_answer(struct xord_netstack *stack, struct netstack_rx *rx)
{
    uint8_t *icmp = echo_turn(stack, rx, ICMP4_ECHO_REPLY, true);

    netstack_ip4_write(stack, rx->frame, rx->out->dst.ip16, rx->out->src.ip16, NETSTACK_PROTO_ICMP4, rx->l4_len, false);
    netstack_sum_write(icmp + 2, 0, icmp, rx->l4_len);
    return XORD_NET_REPLY;
}

static uint64_t icmp6_pseudo(const struct netstack_rx *rx)
{
    return netstack_sum_pseudo(rx->out->src.ip16, rx->out->dst.ip16, NETSTACK_PROTO_ICMP6, rx->l4_len);
}

/* The pseudo-header of the answer adds up to the same as the question's. */
static unsigned echo6_answer(struct xord_netstack *stack, struct netstack_rx *rx)
{
    uint8_t *icmp = echo_turn(stack, rx, ICMP6_ECHO_REPLY, false);

    netstack_ip6_write(rx->frame, rx->out->dst.ip16, rx->out->src.ip16, NETSTACK_PROTO_ICMP6, NETSTACK_HOP_LIMIT,
            rx->l4_len);
    netstack_sum_write(icmp + 2, icmp6_pseudo(rx), icmp, rx->l4_len);
    return XORD_NET_REPLY;
}

static bool icmp4_is_error(uint8_t type)
{
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

unsigned netstack_icmp4_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    const uint8_t *icmp = rx->frame + rx->l4_off;

    if (rx->l4_len < ECHO_LEN)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_malformed);
    if (icmp4_is_error(icmp[0]))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_error);
    if (icmp[0] != ICMP4_ECHO || icmp[1] != 0)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_other);
    if (!netstack_sum_is_good(0, icmp, rx->l4_len))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_sum);
    return echo4_answer(stack, rx);
}

static unsigned icmp6_take(struct xord_netstack *stack, struct netstack_rx *rx, const uint8_t *icmp)
{
    if (icmp[0] >= ICMP6_NDP_FIRST && icmp[0] <= ICMP6_NDP_LAST)
        return netstack_ndp_rx(stack, rx);
    if (rx->unspecified_src)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_source_ip);
    if (icmp[0] == ICMP6_ECHO && icmp[1] == 0 && !rx->group_ip)
        return echo6_answer(stack, rx);
    return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_other);
}

/* The checksum is always looked at: few devices know ICMPv6's, and none of these messages comes in numbers. */
unsigned netstack_icmp6_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    const uint8_t *icmp = rx->frame + rx->l4_off;

    if (rx->l4_len < ECHO_LEN)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_malformed);
    if (icmp[0] < 128)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_error);
    if (!netstack_sum_is_good(icmp6_pseudo(rx), icmp, rx->l4_len))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_icmp_sum);
    return icmp6_take(stack, rx, icmp);
}
