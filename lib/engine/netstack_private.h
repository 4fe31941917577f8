/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the L2-L4 stack: its state, and what its files ask of one another. Frames hold no VLAN tag here (the priority
 * tag is cut out on arrival), so that the IP header always stands at NETSTACK_L3. */
#pragma once

#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_netstack.h"
#include "xord_wheel.h"

#define NETSTACK_L3 14

#define NETSTACK_ETHERTYPE_V4   0x0800
#define NETSTACK_ETHERTYPE_ARP  0x0806
#define NETSTACK_ETHERTYPE_VLAN 0x8100
#define NETSTACK_ETHERTYPE_V6   0x86dd

#define NETSTACK_PROTO_ICMP4 1
#define NETSTACK_PROTO_UDP   17
#define NETSTACK_PROTO_ICMP6 58

#define NETSTACK_HOP_LIMIT     64
#define NETSTACK_NDP_HOP_LIMIT 255 /* proof that no router has passed it on */

/* ---- addresses ---- */

/* An address as two words in memory order: compared and masked, never computed with. */
struct netstack_words {
    uint64_t hi, lo;
};

static inline struct netstack_words netstack_words(const uint8_t ip16[16])
{
    struct netstack_words w;

    memcpy(&w.hi, ip16, 8);
    memcpy(&w.lo, ip16 + 8, 8);
    return w;
}

/* In one store: what is read in other pieces than it was written in has to wait for the cache. */
static inline void netstack_map_v4(uint8_t ip16[16], const uint8_t *ip4)
{
    uint32_t words __attribute__((vector_size(16))) = {0};
    uint32_t ffff, ip;

    memcpy(&ffff, xord_v4_mapped_prefix12 + 8, 4);
    memcpy(&ip, ip4, 4);
    words[2] = ffff;
    words[3] = ip;
    memcpy(ip16, &words, 16);
}

struct netstack_prefix {
    struct netstack_words net, mask;
    uint8_t source16[16]; /* our address on this prefix, from which neighbours are asked */
    bool whole;
    bool zero_reserved; /* host part 0: network address (IPv4), subnet-router anycast (IPv6) */
    bool ones_reserved; /* host part of ones: IPv4 broadcast */
};

struct netstack_addrs {
    struct netstack_prefix prefixes[XORD_NET_PREFIX_MAX]; /* IPv4 first; in each family the longest first */
    uint32_t v4_cnt, prefix_cnt, whole_cnt;
    struct netstack_words *slots; /* our single addresses: open addressing, zero = free, at most half full */
    uint32_t slot_mask;
    uint8_t source4_ip16[16], source6_ip16[16]; /* for gateways outside of every prefix */
    uint8_t gateway4_ip16[16], gateway6_ip16[16];
    uint8_t link_local16[16];
};

/* Errors as xord_netstack_config_check; _build does not allocate: it leaves the single addresses out. */
XORD_MUST_CHECK int netstack_addrs_check(const struct xord_netstack_config *config);
XORD_MUST_CHECK int netstack_addrs_build(struct netstack_addrs *addrs, const struct xord_netstack_config *config);
XORD_MUST_CHECK int netstack_addrs_init(struct netstack_addrs *addrs, const struct xord_netstack_config *config);
void netstack_addrs_free(struct netstack_addrs *addrs);
bool netstack_addrs_is_gateway(const struct netstack_addrs *addrs, const uint8_t ip16[16]);
bool netstack_addrs_is_ours(const struct netstack_addrs *addrs, const uint8_t ip16[16]);

/* The on-link prefix that holds the address, or NULL. */
const struct netstack_prefix *netstack_addrs_on_link(const struct netstack_addrs *addrs, const uint8_t ip16[16]);

/* Our address from which to ask for the neighbour `ip16`. */
const uint8_t *netstack_addrs_source(const struct netstack_addrs *addrs, const uint8_t ip16[16]);

/* Can a host have this address of the prefix? */
bool netstack_prefix_is_host(const struct netstack_prefix *prefix, const uint8_t ip16[16]);

/* ---- checksums (RFC 1071) ---- */
/* Sums are in memory order: the one's complement sum does not care, so that no word of data is ever swapped. They start
 * at 0 and may run over 2^31 bytes before they are folded. */

/* Adds `len` bytes, an odd last one padded with zero. */
uint64_t netstack_sum(uint64_t sum, const uint8_t *data, size_t len);

/* What the field of a header that holds `v` adds to a sum. Taking it from here, where the header has only just been
 * written, spares loads that would have to wait for narrower stores. */
static inline uint64_t netstack_sum_be16(uint16_t v)
{
    uint8_t field[2];
    uint16_t word;

    xord_store_be16(field, v);
    memcpy(&word, field, 2);
    return word;
}

/* netstack_sum of 4 bytes. */
static inline uint64_t netstack_sum4(uint64_t sum, const uint8_t *data)
{
    uint32_t word;

    memcpy(&word, data, 4);
    return sum + word;
}

static inline uint16_t netstack_sum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The pseudo-header's part; lengths above 65,535 do not occur. */
uint64_t netstack_sum_pseudo(const uint8_t src16[16], const uint8_t dst16[16], uint8_t proto, size_t l4_len);

/* Does the data, its checksum field included, add up? */
static inline bool netstack_sum_is_good(uint64_t pseudo, const uint8_t *data, size_t len)
{
    return netstack_sum_fold(netstack_sum(pseudo, data, len)) == 0xffff;
}

static inline void netstack_sum_store(uint8_t *field, uint64_t sum)
{
    uint16_t folded = (uint16_t)~netstack_sum_fold(sum);

    memcpy(field, &folded, 2);
}

/* Writes the checksum of data that `field` is part of. */
void netstack_sum_write(uint8_t *field, uint64_t pseudo, const uint8_t *data, size_t len);

/* ---- neighbours ---- */

#define NETSTACK_REACHABLE_NS (30 * XORD_NS_PER_S)  /* REACHABLE_TIME */
#define NETSTACK_DELAY_NS     (5 * XORD_NS_PER_S)   /* DELAY_FIRST_PROBE_TIME */
#define NETSTACK_RETRY_NS     (1 * XORD_NS_PER_S)   /* RETRANS_TIMER */
#define NETSTACK_TRIES        3                     /* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define NETSTACK_IDLE_NS      (600 * XORD_NS_PER_S) /* an entry that nobody used or confirmed for so long goes */
#define NETSTACK_BUSY_NS      (30 * XORD_NS_PER_S)  /* an entry used within this is never evicted */
#define NETSTACK_TELL_NS      (500 * XORD_NS_PER_MS)
#define NETSTACK_PARKED_MAX   16 /* frames parked for one neighbour */

#define NETSTACK_RECENT_BITS 8

#define NETSTACK_NONE        UINT32_MAX
#define NETSTACK_PARKED_NONE UINT16_MAX

/* RFC 4861, section 7.3.2; the same machine serves ARP. */
enum netstack_state {
    NETSTACK_FREE,       /* no such neighbour; or a gateway about which nothing is known */
    NETSTACK_INCOMPLETE, /* asked for, MAC unknown */
    NETSTACK_REACHABLE,  /* confirmed; counts as stale NETSTACK_REACHABLE_NS later */
    NETSTACK_STALE,
    NETSTACK_DELAY, /* stale and used: traffic may still confirm it */
    NETSTACK_PROBE, /* asked by unicast whether it is still there */
};

struct netstack_fifo {
    uint16_t head, tail;
    uint16_t cnt;
};

struct netstack_neighbour {
    uint8_t ip16[16];
    uint8_t mac6[6];
    uint8_t state;
    uint8_t tries;
    uint32_t next; /* in its hash chain or in the list of free entries */
    bool pinned;   /* a gateway: never removed */
    bool used;     /* sent to, ever: not a stranger that merely asked for us */
    uint64_t confirmed_ns;
    uint64_t used_ns; /* last send, if `used` */
    uint64_t told_ns;
    struct netstack_fifo parked;
    struct xord_timer timer;
};

/* Entries 0 and 1 belong to the gateways. */
enum { NETSTACK_GATEWAY4, NETSTACK_GATEWAY6, NETSTACK_GATEWAYS };

struct netstack_cache {
    struct netstack_neighbour *entries;
    uint32_t *heads; /* hash chains */
    uint32_t recent
            [1 << NETSTACK_RECENT_BITS]; /* of each kind of address the entry last found: spares who talks much the keyed hash */
    uint32_t entry_cnt;
    uint32_t head_mask;
    uint32_t free;
    uint32_t hand; /* where the search for a victim goes on */
    uint32_t incomplete_cnt, incomplete_max;
    struct xord_hash_key key;
    struct xord_wheel wheel;
};

XORD_MUST_CHECK int netstack_cache_init(struct netstack_cache *cache, const struct xord_netstack_config *config,
        uint64_t now_ns);
void netstack_cache_free(struct netstack_cache *cache);

/* The entry to send by: found, or made when there is room; NULL with *err set. */
struct netstack_neighbour *netstack_next_hop(struct xord_netstack *stack, int *err, const uint8_t dst16[16],
        uint64_t now_ns);

/* Notes that a frame goes to this neighbour: true when its MAC is known, false when the frame has to be parked;
 * `solicit` gets a question to send, or length 0. */
bool netstack_neighbour_use(struct xord_netstack *stack, struct xord_net_frame *solicit,
        struct netstack_neighbour *neighbour, uint64_t now_ns);

/* Takes news in (RFC 4861, section 7.2); true when the other workers should hear of it. */
bool netstack_neighbour_learn(struct xord_netstack *stack, const struct xord_net_neighbour *news, uint64_t now_ns);

/* A datagram came from this address and MAC: if the entry says the same, it is confirmed. */
void netstack_neighbour_confirm(struct xord_netstack *stack, const uint8_t ip16[16], bool on_link, const uint8_t *mac6,
        uint64_t now_ns);

/* ---- parked frames ---- */

struct netstack_pool {
    uint8_t *bytes;
    uint16_t *next, *len;
    uint32_t stride;
    uint16_t free;
    struct netstack_fifo ready;
};

XORD_MUST_CHECK int netstack_pool_init(struct netstack_pool *pool, uint16_t cnt, uint16_t mtu);
void netstack_pool_free(struct netstack_pool *pool);

/* False when the pool is full. */
bool netstack_park(struct xord_netstack *stack, struct netstack_neighbour *neighbour, const uint8_t *frame,
        uint16_t len);

/* The neighbour's frames become ready, with its MAC; or are dropped. */
void netstack_park_release(struct xord_netstack *stack, struct netstack_neighbour *neighbour);
void netstack_park_discard(struct xord_netstack *stack, struct netstack_neighbour *neighbour);

/* ---- the stack ---- */

struct xord_netstack {
    uint64_t counters[XORD_NET_COUNTER_CNT];
    uint8_t mac6[6];
    uint16_t mtu;
    uint16_t ip4_id;
    struct netstack_addrs addrs;
    struct netstack_pool pool;
    struct netstack_cache cache;
};

static inline void netstack_count(struct xord_netstack *stack, enum xord_net_counter counter)
{
    stack->counters[counter]++;
}

/* A received frame on its way up. The addresses are in out->src and out->dst. */
struct netstack_rx {
    struct xord_net_rx *out;
    uint8_t *frame;
    size_t len, cap;
    size_t l4_off, l4_len;
    uint64_t now_ns;
    unsigned flags;
    const struct netstack_prefix *src_prefix; /* on-link prefix of the source, or NULL */
    bool group_mac;                           /* sent to a group, by MAC ... */
    bool group_ip;                            /* ... or by address */
    bool unspecified_src;
    uint8_t hop_limit;
};

static inline unsigned netstack_drop(struct xord_netstack *stack, struct netstack_rx *rx, enum xord_net_counter reason)
{
    netstack_count(stack, reason);
    rx->out->reason = (uint16_t)reason;
    return XORD_NET_DROP;
}

static inline bool netstack_mac_is_group(const uint8_t *mac6)
{
    return mac6[0] & 1;
}

/* Can this be the MAC of a neighbour? */
static inline bool netstack_mac_is_peer(const struct xord_netstack *stack, const uint8_t *mac6)
{
    static const uint8_t zero6[6];

    return !netstack_mac_is_group(mac6) && memcmp(mac6, zero6, 6) != 0 && memcmp(mac6, stack->mac6, 6) != 0;
}

/* Can this be the address of a peer? `prefix` is what netstack_addrs_on_link says of it. */
bool netstack_source_is_sane(const struct xord_netstack *stack, const struct netstack_prefix *prefix,
        const uint8_t ip16[16]);

unsigned netstack_arp_rx(struct xord_netstack *stack, struct netstack_rx *rx);
unsigned netstack_ip4_rx(struct xord_netstack *stack, struct netstack_rx *rx);
unsigned netstack_ip6_rx(struct xord_netstack *stack, struct netstack_rx *rx);
unsigned netstack_udp_rx(struct xord_netstack *stack, struct netstack_rx *rx);
unsigned netstack_icmp4_rx(struct xord_netstack *stack, struct netstack_rx *rx);
unsigned netstack_icmp6_rx(struct xord_netstack *stack, struct netstack_rx *rx);
unsigned netstack_ndp_rx(struct xord_netstack *stack, struct netstack_rx *rx);

/* Learns; the verdict is NEIGHBOUR when other workers should hear, else 0. */
unsigned netstack_learn_rx(struct xord_netstack *stack, struct netstack_rx *rx, const struct xord_net_neighbour *news);

/* Header writers; `frame` is the frame's first byte, addresses lie elsewhere. */
void netstack_eth_write(const struct xord_netstack *stack, uint8_t *frame, const uint8_t *dst_mac6, uint16_t ethertype);
void netstack_ip4_write(struct xord_netstack *stack, uint8_t *frame, const uint8_t src16[16], const uint8_t dst16[16],
        uint8_t proto, size_t l4_len, bool leave_sum);
void netstack_ip6_write(uint8_t *frame, const uint8_t src16[16], const uint8_t dst16[16], uint8_t proto,
        uint8_t hop_limit, size_t l4_len);

/* Questions about a neighbour, by unicast when it is being probed. */
void netstack_arp_request(struct xord_netstack *stack, struct xord_net_frame *out,
        const struct netstack_neighbour *neighbour);
void netstack_ndp_solicit(struct xord_netstack *stack, struct xord_net_frame *out,
        const struct netstack_neighbour *neighbour);

/* The solicited-node group of an address (RFC 4291, section 2.7.1) and the MAC of a group (RFC 2464, section 7). */
void netstack_solicited_node(uint8_t group16[16], const uint8_t ip16[16]);
void netstack_group_mac(uint8_t mac6[6], const uint8_t group16[16]);
extern const uint8_t netstack_all_nodes16[16];
