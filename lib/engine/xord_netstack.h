/* SPDX-License-Identifier: BSD-3-Clause */
/* The small L2-L4 stack that stands between an Ethernet port and UDP: Ethernet II, ARP (RFC 826, 5227), IPv4 (RFC 791),
 * ICMP echo (RFC 792), IPv6 (RFC 8200), neighbour discovery (RFC 4861, 4862), ICMPv6 echo (RFC 4443) and UDP (RFC 768).
 *
 * It maps bytes to bytes: no device, no clock, no thread. Frames are handed in and rewritten in place; whatever must
 * leave on the wire is handed back to the caller.
 * Threading: one owner each. A port that several workers share has one stack a worker; what one of them learns about a
 *     neighbour comes out as a `struct xord_net_neighbour`, which the engine carries to the others.
 * Memory: all of it is taken by xord_netstack_new; bounded, whatever arrives.
 * Life cycle: xord_netstack_new, then per loop turn rx / tx, unpark until 0, now and then poll until false,
 *     xord_netstack_free.
 *
 * Not done: fragments, routing headers, redirects, router advertisements, multicast listener reports, ICMP errors in
 * either direction, VLAN tags other than the priority tag (VLAN 0). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_endpoint.h"
#include "xord_err.h"
#include "xord_hash.h"

#define XORD_NET_HEADROOM_V4 42 /* Ethernet 14, IPv4 20, UDP 8 */
#define XORD_NET_HEADROOM_V6 62 /* Ethernet 14, IPv6 40, UDP 8 */

/* Where the UDP payload of a frame to (or from) this endpoint begins. */
static inline size_t xord_net_headroom(const struct xord_endpoint *ep)
{
    return xord_endpoint_is_v4(ep) ? XORD_NET_HEADROOM_V4 : XORD_NET_HEADROOM_V6;
}

#define XORD_NET_CONTROL_LEN 86 /* the longest frame of the stack's own: an NDP message with a link-layer option */
#define XORD_NET_PREFIX_MAX  16 /* distinct on-link prefixes, both families together, fe80::/10 included */

/* A small frame, complete, to be sent as it is. */
struct xord_net_frame {
    uint16_t len; /* 0: nothing to send */
    uint8_t bytes[XORD_NET_CONTROL_LEN];
};

struct xord_net_addr {
    uint8_t ip16[16];
    uint8_t prefix_len; /* counted within the family: 0..32 or 0..128 */
    bool whole_prefix;  /* every address of the prefix is ours, except the gateways and what no host may have: host
                           part 0, in IPv4 the broadcast address too */
};

struct xord_netstack_config {
    uint8_t mac6[6];
    const struct xord_net_addr *addrs; /* the IPv6 link-local address is made from mac6 and needs no entry */
    size_t addr_cnt;
    uint8_t gateway4_ip16[16]; /* all zero: no gateway of this family */
    uint8_t gateway6_ip16[16];
    uint16_t mtu;             /* IP bytes a frame; 0 = 1500 */
    uint32_t neighbour_cnt;   /* capacity of the neighbour cache, gateways apart; 0 = 4096 */
    uint16_t parked_cnt;      /* frames that may wait for a neighbour's MAC in all; 0 = 512 */
    struct xord_hash_key key; /* secret, from the start of the process: strangers choose the cache's keys */
};

struct xord_netstack;

/* 0; XORD_ERANGE: an address, prefix length, MAC or MTU that no host can have; XORD_EEXIST: a gateway that is one of
 * our addresses; XORD_EMISSING: a gateway without an address of its family, or no address at all; XORD_EFULL: too many
 * prefixes. */
XORD_MUST_CHECK int xord_netstack_config_check(const struct xord_netstack_config *config);

/* NULL when the configuration is bad or memory is short. Copies what it needs of `config`. */
struct xord_netstack *xord_netstack_new(const struct xord_netstack_config *config, uint64_t now_ns);
void xord_netstack_free(struct xord_netstack *stack);

/* Is a datagram to this address for us? */
bool xord_netstack_is_ours(const struct xord_netstack *stack, const uint8_t ip16[16]);
void xord_netstack_link_local(const struct xord_netstack *stack, uint8_t ip16[16]);

/* The Ethernet group addresses that a port must let through besides broadcast: all IPv6 nodes and the solicited-node
 * group of each of our addresses. Returns their number; XORD_ENOSPC when `cap` is too small or a whole IPv6 prefix is
 * ours: then the port must receive all multicast. */
XORD_MUST_CHECK int xord_netstack_mcast_macs(const struct xord_netstack *stack, uint8_t (*macs)[6], size_t cap);

/* What happened, one row each: name and meaning. The rows from address_conflict on are reasons why a received frame went
 * no further. */
#define XORD_NET_COUNTERS(X)                                                                                           \
    X(rx_udp, "UDP datagrams accepted")                                                                                \
    X(rx_partial_sum, "of these, with a partial checksum: the sum of the pseudo-header only")                          \
    X(answered_arp, "ARP requests answered")                                                                           \
    X(answered_solicit, "neighbour solicitations answered")                                                            \
    X(answered_echo, "ICMP and ICMPv6 echo requests answered")                                                         \
    X(tx_sent, "UDP frames made ready to send")                                                                        \
    X(tx_parked, "UDP frames parked until their next hop is known")                                                    \
    X(tx_no_route, "UDP sends refused: no route")                                                                      \
    X(tx_bad_endpoint, "UDP sends refused: family, port or destination that cannot be")                                \
    X(tx_to_self, "UDP sends refused: the destination is ours")                                                        \
    X(tx_too_long, "UDP sends refused: longer than the MTU")                                                           \
    X(tx_no_neighbour, "UDP sends refused: no room for another unresolved neighbour")                                  \
    X(parked_full, "UDP sends refused: the pool of parked frames is full")                                             \
    X(parked_replaced, "parked frames dropped for newer ones to the same neighbour")                                   \
    X(parked_failed, "parked frames dropped because their neighbour did not answer")                                   \
    X(parked_sent, "parked frames handed out after their neighbour answered")                                          \
    X(solicits, "ARP requests and neighbour solicitations made")                                                       \
    X(neighbour_created, "neighbours entered into the cache")                                                          \
    X(neighbour_moved, "neighbours whose MAC changed")                                                                 \
    X(neighbour_failed, "neighbours that answered none of three solicitations")                                        \
    X(neighbour_expired, "neighbours forgotten after long silence")                                                    \
    X(neighbour_evicted, "neighbours forgotten to make room")                                                          \
    X(neighbour_refused, "neighbours not entered because the cache is full of others in use")                          \
    X(address_conflict, "claims by another host to an address of ours")                                                \
    X(neighbour_heard, "ARP and NDP frames that told nothing new")                                                     \
    X(drop_short, "frames that end within a header")                                                                   \
    X(drop_source_mac, "frames from a group MAC or from our own")                                                      \
    X(drop_not_our_mac, "frames to another MAC")                                                                       \
    X(drop_vlan, "frames with a VLAN tag")                                                                             \
    X(drop_ethertype, "frames of other protocols")                                                                     \
    X(drop_arp_malformed, "malformed ARP")                                                                             \
    X(drop_arp_other, "ARP about others")                                                                              \
    X(drop_ip_header, "malformed IP headers")                                                                          \
    X(drop_ip_sum, "IPv4 header checksum wrong")                                                                       \
    X(drop_not_our_ip, "packets to another address")                                                                   \
    X(drop_source_ip, "packets from an address that cannot be a peer's")                                               \
    X(drop_fragment, "fragments")                                                                                      \
    X(drop_ip_proto, "packets of other protocols, or with IPv6 extension headers not understood")                      \
    X(drop_udp_malformed, "UDP length or port impossible")                                                             \
    X(drop_udp_sum, "UDP checksum wrong")                                                                              \
    X(drop_icmp_malformed, "malformed ICMP or ICMPv6")                                                                 \
    X(drop_icmp_sum, "ICMP or ICMPv6 checksum wrong")                                                                  \
    X(drop_icmp_error, "ICMP and ICMPv6 errors, ignored")                                                              \
    X(drop_icmp_other, "other ICMP and ICMPv6 messages, ignored")                                                      \
    X(drop_ndp_malformed, "neighbour discovery that RFC 4861 says to discard")                                         \
    X(drop_ndp_other, "neighbour discovery about others")                                                              \
    X(drop_no_room, "answers longer than the caller's buffer")

enum xord_net_counter {
#define XORD_NET_COUNTER_ENUM(name, help) XORD_NET_CNT_##name,
    XORD_NET_COUNTERS(XORD_NET_COUNTER_ENUM)
#undef XORD_NET_COUNTER_ENUM
            XORD_NET_COUNTER_CNT
};

/* XORD_NET_COUNTER_CNT numbers, indexed by enum xord_net_counter. */
const uint64_t *xord_netstack_counters(const struct xord_netstack *stack);
const char *xord_net_counter_name(enum xord_net_counter counter);
const char *xord_net_counter_help(enum xord_net_counter counter);

/* What one worker learned of a neighbour, to be told to the others by value. */
enum {
    XORD_NET_SOLICITED = 1, /* answers a question of ours: it is reachable now */
    XORD_NET_OVERRIDE = 2,  /* replaces a MAC known before */
    XORD_NET_CREATE = 4,    /* worth an entry where there is none */
};

struct xord_net_neighbour {
    uint8_t ip16[16];
    uint8_t mac6[6];
    uint8_t flags;
};

/* Verdicts on a received frame: bits, for a frame may both be answered and teach. */
enum xord_net_verdict {
    XORD_NET_DROP = 0,      /* goes no further; out->reason says why, and it is counted */
    XORD_NET_UDP = 1,       /* a datagram for us: payload, src and dst are set */
    XORD_NET_REPLY = 2,     /* the frame is now the answer, reply_len bytes: send it back */
    XORD_NET_NEIGHBOUR = 4, /* `neighbour` is news for the other workers; parked frames may be ready here */
};

struct xord_net_rx {
    struct xord_endpoint src, dst;
    uint16_t payload_off, payload_len;
    uint16_t reply_len;
    uint16_t reason; /* enum xord_net_counter */
    struct xord_net_neighbour neighbour;
};

enum {
    /* The device has found the UDP or ICMP checksum correct. There is no flag for "bad": devices say that of partial
     * and of absent checksums too, so the stack looks for itself. */
    XORD_NET_RX_SUM_GOOD = 1,
};

/* Takes one frame of `len` bytes in a buffer of `cap`. Returns a set of enum xord_net_verdict. An answer may be up to
 * XORD_NET_CONTROL_LEN long where the frame was shorter; `cap` has to allow it. */
unsigned xord_netstack_rx(struct xord_netstack *stack, struct xord_net_rx *out, uint8_t *frame, size_t len, size_t cap,
        unsigned flags, uint64_t now_ns);

enum {
    XORD_NET_TX_UDP_OFFLOAD = 1, /* leave the folded pseudo-header sum in the UDP checksum field */
    XORD_NET_TX_IP_OFFLOAD = 2,  /* leave the IPv4 header checksum zero */
};

enum {
    XORD_NET_SEND = 0,   /* the frame is ready */
    XORD_NET_PARKED = 1, /* a copy waits for the next hop's MAC; the frame's buffer is the caller's again */
};

struct xord_net_tx {
    uint16_t frame_len;
    struct xord_net_frame solicit; /* if its len is not 0, to be sent whatever the function returned */
};

/* Makes a frame around `payload_len` bytes that stand at `frame` + xord_net_headroom(dst). `src` must be ours.
 * Returns XORD_NET_SEND or XORD_NET_PARKED, else nothing is sent or kept:
 * XORD_ERANGE: families differ, or `dst` is no unicast endpoint; XORD_ESTATE: `dst` is ours; XORD_ESIZE: longer than
 * the MTU; XORD_ENOENT: no route; XORD_EFULL: too much waits already. */
XORD_MUST_CHECK int xord_netstack_tx(struct xord_netstack *stack, struct xord_net_tx *out, uint8_t *frame,
        const struct xord_endpoint *src, const struct xord_endpoint *dst, size_t payload_len, unsigned flags,
        uint64_t now_ns);

/* The next parked frame whose next hop is known by now: copies it, with all its checksums, into `frame` and returns its
 * length; 0 when there is none. `cap` is at least MTU + 14. */
size_t xord_netstack_unpark(struct xord_netstack *stack, uint8_t *frame, size_t cap);

/* What another worker has learned. */
void xord_netstack_neighbour_set(struct xord_netstack *stack, const struct xord_net_neighbour *told, uint64_t now_ns);

/* Moves the timers on: true with a solicitation to send in `out`, false when nothing is due any more. */
bool xord_netstack_poll(struct xord_netstack *stack, struct xord_net_frame *out, uint64_t now_ns);
