/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II: which frames are for us, and where they go. */
#include "netstack_private.h"

/*  destination 6 | source 6 | ethertype 2 */
void netstack_eth_write(const struct xord_netstack *stack, uint8_t *frame, const uint8_t *dst_mac6, uint16_t ethertype)
{
    memcpy(frame, dst_mac6, 6);
    memcpy(frame + 6, stack->mac6, 6);
    xord_store_be16(frame + 12, ethertype);
}

/* Group frames are of use only where neighbours are asked for: ARP by broadcast, NDP to the solicited-node groups and
 * to all nodes. Which of the groups are ours, the addresses within tell. */
static bool wants_group(const uint8_t *mac6, uint16_t ethertype)
{
    static const uint8_t broadcast6[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t solicited_node3[3] = {0x33, 0x33, 0xff};
    static const uint8_t all_nodes6[6] = {0x33, 0x33, 0, 0, 0, 1};

    if (ethertype == NETSTACK_ETHERTYPE_ARP)
        return memcmp(mac6, broadcast6, 6) == 0;
    if (ethertype == NETSTACK_ETHERTYPE_V6)
        return memcmp(mac6, solicited_node3, 3) == 0 || memcmp(mac6, all_nodes6, 6) == 0;
    return false;
}

/* 802.1Q: 0x8100 | priority 3, drop eligible 1, VLAN 12 | ethertype. VLAN 0 means no VLAN, only a priority: the tag is
 * cut out. */
static bool cut_priority_tag(struct netstack_rx *rx)
{
    if (rx->len < NETSTACK_L3 + 4 || xord_load_be16(rx->frame + 14) & 0xfff)
        return false;
    rx->len -= 4;
    memmove(rx->frame + 12, rx->frame + 16, rx->len - 12);
    return xord_load_be16(rx->frame + 12) != NETSTACK_ETHERTYPE_VLAN;
}

static unsigned rx_ethertype(struct xord_netstack *stack, struct netstack_rx *rx, uint16_t ethertype)
{
    switch (ethertype) {
    case NETSTACK_ETHERTYPE_V4:
        return netstack_ip4_rx(stack, rx);
    case NETSTACK_ETHERTYPE_V6:
        return netstack_ip6_rx(stack, rx);
    case NETSTACK_ETHERTYPE_ARP:
        return netstack_arp_rx(stack, rx);
    default:
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_ethertype);
    }
}

static unsigned rx_frame(struct xord_netstack *stack, struct netstack_rx *rx)
{
    uint16_t ethertype;

    if (rx->len < NETSTACK_L3)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_short);
    if (!netstack_mac_is_peer(stack, rx->frame + 6))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_source_mac);
    if (xord_load_be16(rx->frame + 12) == NETSTACK_ETHERTYPE_VLAN && !cut_priority_tag(rx))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_vlan);
    ethertype = xord_load_be16(rx->frame + 12);
    rx->group_mac = memcmp(rx->frame, stack->mac6, 6) != 0;
    if (rx->group_mac && !wants_group(rx->frame, ethertype))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_not_our_mac);
    return rx_ethertype(stack, rx, ethertype);
}

unsigned xord_netstack_rx(struct xord_netstack *stack, struct xord_net_rx *out, uint8_t *frame, size_t len, size_t cap,
        unsigned flags, uint64_t now_ns)
{
    struct netstack_rx rx = {.out = out, .frame = frame, .cap = cap, .now_ns = now_ns, .flags = flags};

    memset(out, 0, sizeof(*out));
    rx.len = len < UINT16_MAX ? len : UINT16_MAX; /* lengths and offsets in `out` are 16 bits wide */
    return rx_frame(stack, &rx);
}
