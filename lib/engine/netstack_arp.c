/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP over Ethernet for IPv4 (RFC 826), address probes and conflicts (RFC 5227). */
#include "netstack_private.h"

#define ARP_END     42 /* Ethernet 14, ARP 28 */
#define ARP_REQUEST 1
#define ARP_REPLY   2

/*  hardware type 2 = 1 | protocol 2 = 0x0800 | hardware length 1 = 6 | protocol length 1 = 4 | operation 2 |
 *  sender MAC 6 | sender IP 4 | target MAC 6 | target IP 4 */
#define ARP_OP         20
#define ARP_SENDER_MAC 22
#define ARP_SENDER_IP  28
#define ARP_TARGET_MAC 32
#define ARP_TARGET_IP  38

static const uint8_t arp_ethernet_ip4[6] = {0, 1, 8, 0, 6, 4};

static void arp_write(const struct xord_netstack *stack, uint8_t *frame, uint16_t op, const uint8_t *sender_ip4,
        const uint8_t *target_mac6, const uint8_t *target_ip4)
{
    memcpy(frame + NETSTACK_L3, arp_ethernet_ip4, 6);
    xord_store_be16(frame + ARP_OP, op);
    memcpy(frame + ARP_SENDER_MAC, stack->mac6, 6);
    memcpy(frame + ARP_SENDER_IP, sender_ip4, 4);
    memcpy(frame + ARP_TARGET_MAC, target_mac6, 6);
    memcpy(frame + ARP_TARGET_IP, target_ip4, 4);
}

/* Turns the request into the reply, in place. */
static unsigned arp_answer(struct xord_netstack *stack, struct netstack_rx *rx)
{
    uint8_t asker_mac6[6], asker_ip4[4], our_ip4[4];

    memcpy(asker_mac6, rx->frame + ARP_SENDER_MAC, 6);
    memcpy(asker_ip4, rx->frame + ARP_SENDER_IP, 4);
    memcpy(our_ip4, rx->frame + ARP_TARGET_IP, 4);
    netstack_eth_write(stack, rx->frame, asker_mac6, NETSTACK_ETHERTYPE_ARP);
    arp_write(stack, rx->frame, ARP_REPLY, our_ip4, asker_mac6, asker_ip4);
    rx->out->reply_len = ARP_END;
    netstack_count(stack, XORD_NET_CNT_answered_arp);
    return XORD_NET_REPLY;
}

/* A reply sent to us was asked for, be it by another worker of this port. What is not for us (gratuitous ARP, others'
 * requests) may correct an entry but not make one. */
static uint8_t arp_news_flags(const struct netstack_rx *rx, uint16_t op, bool for_us)
{
    if (!for_us)
        return XORD_NET_OVERRIDE;
    if (op == ARP_REQUEST)
        return XORD_NET_OVERRIDE | XORD_NET_CREATE;
    return rx->group_mac ? XORD_NET_OVERRIDE : XORD_NET_SOLICITED | XORD_NET_OVERRIDE | XORD_NET_CREATE;
}

static unsigned arp_take(struct xord_netstack *stack, struct netstack_rx *rx, uint16_t op, bool for_us)
{
    struct xord_net_neighbour news = {.flags = arp_news_flags(rx, op, for_us)};
    unsigned verdict;

    netstack_map_v4(news.ip16, rx->frame + ARP_SENDER_IP);
    memcpy(news.mac6, rx->frame + ARP_SENDER_MAC, 6);
    verdict = netstack_learn_rx(stack, rx, &news);
    if (for_us && op == ARP_REQUEST)
        verdict |= arp_answer(stack, rx);
    if (!verdict)
        netstack_drop(stack, rx, for_us ? XORD_NET_CNT_neighbour_heard : XORD_NET_CNT_drop_arp_other);
    return verdict;
}

static bool arp_is_well_formed(const struct xord_netstack *stack, const uint8_t *frame)
{
    uint16_t op = xord_load_be16(frame + ARP_OP);

    return memcmp(frame + NETSTACK_L3, arp_ethernet_ip4, 6) == 0 && (op == ARP_REQUEST || op == ARP_REPLY) &&
           netstack_mac_is_peer(stack, frame + ARP_SENDER_MAC);
}

unsigned netstack_arp_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    static const uint8_t nobody4[4];
    uint8_t sender16[16], target16[16];
    uint16_t op;
    bool for_us;

    if (rx->len < ARP_END)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_short);
    if (!arp_is_well_formed(stack, rx->frame))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_arp_malformed);
    op = xord_load_be16(rx->frame + ARP_OP);
    netstack_map_v4(sender16, rx->frame + ARP_SENDER_IP);
    netstack_map_v4(target16, rx->frame + ARP_TARGET_IP);
    for_us = netstack_addrs_is_ours(&stack->addrs, target16);
    if (op == ARP_REQUEST && memcmp(sender16 + 12, nobody4, 4) == 0) /* a probe: may the asker have this address? */
        return for_us ? arp_answer(stack, rx) : netstack_drop(stack, rx, XORD_NET_CNT_drop_arp_other);
    if (netstack_addrs_is_ours(&stack->addrs, sender16))
        return netstack_drop(stack, rx, XORD_NET_CNT_address_conflict);
    if (!netstack_source_is_sane(stack, netstack_addrs_on_link(&stack->addrs, sender16), sender16))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_arp_malformed);
    return arp_take(stack, rx, op, for_us);
}

void netstack_arp_request(struct xord_netstack *stack, struct xord_net_frame *out,
        const struct netstack_neighbour *neighbour)
{
    static const uint8_t broadcast6[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t unknown6[6];
    bool probe = neighbour->state == NETSTACK_PROBE;

    netstack_eth_write(stack, out->bytes, probe ? neighbour->mac6 : broadcast6, NETSTACK_ETHERTYPE_ARP);
    arp_write(stack, out->bytes, ARP_REQUEST, netstack_addrs_source(&stack->addrs, neighbour->ip16) + 12, unknown6,
            neighbour->ip16 + 12);
    out->len = ARP_END;
}
