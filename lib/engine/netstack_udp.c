/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP (RFC 768): datagrams up to the caller, and frames down from it. */
#include "netstack_private.h"

#define UDP_LEN 8

/*  source port 2 | destination port 2 | length 2 | checksum 2 */

enum udp_sum { UDP_SUM_BAD, UDP_SUM_GOOD, UDP_SUM_PARTIAL };

/* A kernel that leaves the checksum to a device that is none (veth, virtio) has the folded pseudo-header sum in the
 * field, not complemented. Absent checksums exist over IPv4 only (RFC 8200, section 8.1). */
static enum udp_sum udp_sum_check(const struct netstack_rx *rx, const uint8_t *udp, size_t udp_len)
{
    uint64_t pseudo;
    uint16_t field;

    memcpy(&field, udp + 6, 2);
    if (!field)
        return xord_endpoint_is_v4(&rx->out->src) ? UDP_SUM_GOOD : UDP_SUM_BAD;
    if (rx->flags & XORD_NET_RX_SUM_GOOD)
        return UDP_SUM_GOOD;
    pseudo = netstack_sum_pseudo(rx->out->src.ip16, rx->out->dst.ip16, NETSTACK_PROTO_UDP, udp_len);
    if (netstack_sum_is_good(pseudo, udp, udp_len))
        return UDP_SUM_GOOD;
    return field == netstack_sum_fold(pseudo) ? UDP_SUM_PARTIAL : UDP_SUM_BAD;
}

static bool udp_header_is_sane(const struct netstack_rx *rx, const uint8_t *udp)
{
    size_t udp_len = rx->l4_len < UDP_LEN ? 0 : xord_load_be16(udp + 4);

    return udp_len >= UDP_LEN && udp_len <= rx->l4_len && xord_load_be16(udp) && xord_load_be16(udp + 2);
}

unsigned netstack_udp_rx(struct xord_netstack *stack, struct netstack_rx *rx)
{
    const uint8_t *udp = rx->frame + rx->l4_off;
    struct xord_net_rx *out = rx->out;
    enum udp_sum sum;

    if (!udp_header_is_sane(rx, udp))
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_udp_malformed);
    sum = udp_sum_check(rx, udp, xord_load_be16(udp + 4));
    if (sum == UDP_SUM_BAD)
        return netstack_drop(stack, rx, XORD_NET_CNT_drop_udp_sum);
    xord_endpoint_set_port(&out->src, xord_load_be16(udp));
    xord_endpoint_set_port(&out->dst, xord_load_be16(udp + 2));
    out->payload_off = (uint16_t)(rx->l4_off + UDP_LEN);
    out->payload_len = (uint16_t)(xord_load_be16(udp + 4) - UDP_LEN);
    stack->counters[XORD_NET_CNT_rx_partial_sum] += sum == UDP_SUM_PARTIAL;
    netstack_count(stack, XORD_NET_CNT_rx_udp);
    netstack_neighbour_confirm(stack, out->src.ip16, rx->src_prefix != NULL, rx->frame + 6, rx->now_ns);
    return XORD_NET_UDP;
}

/* ---- send ---- */

/* RFC 768: a checksum that comes out as zero is sent as ones, since zero means that there is none. */
static void udp_write_sum(uint8_t *udp, uint64_t pseudo, uint64_t header, size_t udp_len, bool offload)
{
    uint16_t partial = netstack_sum_fold(pseudo);

    if (offload) {
        memcpy(udp + 6, &partial, 2);
        return;
    }
    netstack_sum_store(udp + 6, netstack_sum(pseudo + header, udp + UDP_LEN, udp_len - UDP_LEN));
    if (udp[6] == 0 && udp[7] == 0)
        memset(udp + 6, 0xff, 2);
}

static void udp_write(struct xord_netstack *stack, uint8_t *frame, const struct xord_endpoint *src,
        const struct xord_endpoint *dst, size_t udp_len, unsigned flags)
{
    uint8_t *udp = frame + xord_net_headroom(dst) - UDP_LEN;
    uint64_t pseudo = netstack_sum_pseudo(src->ip16, dst->ip16, NETSTACK_PROTO_UDP, udp_len);
    uint64_t header =
            netstack_sum_be16(src->port) + netstack_sum_be16(dst->port) + netstack_sum_be16((uint16_t)udp_len);

    if (xord_endpoint_is_v4(dst))
        netstack_ip4_write(stack, frame, src->ip16, dst->ip16, NETSTACK_PROTO_UDP, udp_len,
                flags & XORD_NET_TX_IP_OFFLOAD);
    else
        netstack_ip6_write(frame, src->ip16, dst->ip16, NETSTACK_PROTO_UDP, NETSTACK_HOP_LIMIT, udp_len);
    xord_store_be16(udp, src->port);
    xord_store_be16(udp + 2, dst->port);
    xord_store_be16(udp + 4, (uint16_t)udp_len);
    udp_write_sum(udp, pseudo, header, udp_len, flags & XORD_NET_TX_UDP_OFFLOAD);
}

static int tx_refuse(struct xord_netstack *stack, enum xord_net_counter reason, int err)
{
    netstack_count(stack, reason);
    return err;
}

/* Parked frames are complete, so that whoever takes them out need not know of the offloads. */
static int tx_to(struct xord_netstack *stack, struct xord_net_tx *out, uint8_t *frame, const struct xord_endpoint *src,
        const struct xord_endpoint *dst, struct netstack_neighbour *neighbour, unsigned flags, uint64_t now_ns)
{
    bool known = netstack_neighbour_use(stack, &out->solicit, neighbour, now_ns);
    size_t udp_len = out->frame_len - xord_net_headroom(dst) + UDP_LEN;

    netstack_eth_write(stack, frame, neighbour->mac6,
            xord_endpoint_is_v4(dst) ? NETSTACK_ETHERTYPE_V4 : NETSTACK_ETHERTYPE_V6);
    udp_write(stack, frame, src, dst, udp_len, known ? flags : 0);
    if (known) {
        netstack_count(stack, XORD_NET_CNT_tx_sent);
        return XORD_NET_SEND;
    }
    if (!netstack_park(stack, neighbour, frame, out->frame_len))
        return tx_refuse(stack, XORD_NET_CNT_parked_full, XORD_EFULL);
    netstack_count(stack, XORD_NET_CNT_tx_parked);
    return XORD_NET_PARKED;
}

int xord_netstack_tx(struct xord_netstack *stack, struct xord_net_tx *out, uint8_t *frame,
        const struct xord_endpoint *src, const struct xord_endpoint *dst, size_t payload_len, unsigned flags,
        uint64_t now_ns)
{
    struct netstack_neighbour *neighbour;
    int err;

    out->solicit.len = 0;
    out->frame_len = 0;
    if (xord_endpoint_is_v4(src) != xord_endpoint_is_v4(dst) || !src->port || !dst->port)
        return tx_refuse(stack, XORD_NET_CNT_tx_bad_endpoint, XORD_ERANGE);
    if (payload_len > stack->mtu + NETSTACK_L3 - xord_net_headroom(dst))
        return tx_refuse(stack, XORD_NET_CNT_tx_too_long, XORD_ESIZE);
    neighbour = netstack_next_hop(stack, &err, dst->ip16, now_ns);
    if (!neighbour)
        return err;
    out->frame_len = (uint16_t)(xord_net_headroom(dst) + payload_len);
    return tx_to(stack, out, frame, src, dst, neighbour, flags, now_ns);
}
