/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour cache: a fixed number of entries in a keyed hash, and the reachability machine of RFC 4861, section
 * 7.3, which serves ARP too.
 *
 * Room is given so that strangers on the link cannot take it from peers: an entry that somebody else's request made may
 * push out only others of its kind; one that a send of ours makes may also push out what was not sent to for
 * NETSTACK_BUSY_NS; unresolved ones are at most a quarter of all, and gateways have their places for good. */
#include "netstack_private.h"

#include <stddef.h>
#include <stdlib.h>

#define VICTIM_TRIES 64 /* entries looked at for one to evict */

static uint32_t *chain_of(struct netstack_cache *cache, const uint8_t ip16[16])
{
    return &cache->heads[xord_hash64(&cache->key, ip16, 16) & cache->head_mask];
}

/* Unkeyed: whoever makes others miss it only makes them take the way by the keyed hash. */
static uint32_t *recent_of(struct netstack_cache *cache, const uint8_t ip16[16])
{
    struct netstack_words w = netstack_words(ip16);

    return &cache->recent[(w.hi ^ w.lo) * 0x9e3779b97f4a7c15ULL >> (64 - NETSTACK_RECENT_BITS)];
}

static uint32_t index_of(const struct netstack_cache *cache, const struct netstack_neighbour *n)
{
    return (uint32_t)(n - cache->entries);
}

static void link_entry(struct netstack_cache *cache, struct netstack_neighbour *n)
{
    uint32_t *head = chain_of(cache, n->ip16);

    n->next = *head;
    *head = index_of(cache, n);
}

static void pin_gateway(struct netstack_cache *cache, uint32_t i, const uint8_t ip16[16])
{
    static const uint8_t none16[16];

    if (memcmp(ip16, none16, 16) == 0)
        return;
    memcpy(cache->entries[i].ip16, ip16, 16);
    cache->entries[i].pinned = true;
    link_entry(cache, &cache->entries[i]);
}

int netstack_cache_init(struct netstack_cache *cache, const struct xord_netstack_config *config, uint64_t now_ns)
{
    uint32_t cnt = config->neighbour_cnt + NETSTACK_GATEWAYS, head_cnt = 1;

    while (head_cnt < cnt)
        head_cnt *= 2;
    cache->entries = calloc(cnt, sizeof(*cache->entries));
    cache->heads = malloc(head_cnt * sizeof(*cache->heads));
    if (!cache->entries || !cache->heads)
        return XORD_ENOMEM;
    memset(cache->heads, 0xff, head_cnt * sizeof(*cache->heads));
    memset(cache->recent, 0xff, sizeof(cache->recent));
    cache->head_mask = head_cnt - 1;
    cache->entry_cnt = cnt;
    cache->incomplete_max = config->neighbour_cnt / 4 ? config->neighbour_cnt / 4 : 1;
    cache->key = config->key;
    cache->hand = NETSTACK_GATEWAYS;
    cache->free = NETSTACK_GATEWAYS;
    for (uint32_t i = NETSTACK_GATEWAYS; i < cnt; i++)
        cache->entries[i].next = i + 1 < cnt ? i + 1 : NETSTACK_NONE;
    pin_gateway(cache, NETSTACK_GATEWAY4, config->gateway4_ip16);
    pin_gateway(cache, NETSTACK_GATEWAY6, config->gateway6_ip16);
    xord_wheel_init(&cache->wheel, now_ns);
    return 0;
}

void netstack_cache_free(struct netstack_cache *cache)
{
    free(cache->entries);
    free(cache->heads);
}

static struct netstack_neighbour *find(struct netstack_cache *cache, const uint8_t ip16[16])
{
    uint32_t *recent = recent_of(cache, ip16);

    if (*recent != NETSTACK_NONE && memcmp(cache->entries[*recent].ip16, ip16, 16) == 0)
        return &cache->entries[*recent];
    for (uint32_t i = *chain_of(cache, ip16); i != NETSTACK_NONE; i = cache->entries[i].next) {
        if (memcmp(cache->entries[i].ip16, ip16, 16) != 0)
            continue;
        *recent = i;
        return &cache->entries[i];
    }
    return NULL;
}

/* ---- coming and going ---- */

static void set_state(struct netstack_cache *cache, struct netstack_neighbour *n, enum netstack_state state)
{
    cache->incomplete_cnt += (state == NETSTACK_INCOMPLETE);
    cache->incomplete_cnt -= (n->state == NETSTACK_INCOMPLETE);
    n->state = (uint8_t)state;
}

static bool has_mac(const struct netstack_neighbour *n)
{
    return n->state >= NETSTACK_REACHABLE;
}

/* Forgets all about it; its place is free unless it is a gateway's. */
static void forget(struct xord_netstack *stack, struct netstack_neighbour *n)
{
    struct netstack_cache *cache = &stack->cache;
    uint32_t i = index_of(cache, n), *link = chain_of(cache, n->ip16);

    netstack_park_discard(stack, n);
    xord_timer_cancel(&cache->wheel, &n->timer);
    set_state(cache, n, NETSTACK_FREE);
    n->used = false;
    if (n->pinned)
        return;
    if (*recent_of(cache, n->ip16) == i)
        *recent_of(cache, n->ip16) = NETSTACK_NONE;
    while (*link != i)
        link = &cache->entries[*link].next;
    *link = n->next;
    n->next = cache->free;
    cache->free = i;
}

static bool is_settled(const struct netstack_neighbour *n)
{
    return n->state == NETSTACK_REACHABLE || n->state == NETSTACK_STALE;
}

/* A stranger at once, else (for a send) what has been idle for long enough. */
static struct netstack_neighbour *find_victim(struct netstack_cache *cache, bool for_send, uint64_t now_ns)
{
    struct netstack_neighbour *idle = NULL;

    for (unsigned tries = 0; tries < VICTIM_TRIES; tries++) {
        struct netstack_neighbour *n = &cache->entries[cache->hand++];

        if (cache->hand == cache->entry_cnt)
            cache->hand = NETSTACK_GATEWAYS;
        if (is_settled(n) && !n->used)
            return n;
        if (for_send && !idle && is_settled(n) && now_ns - n->used_ns >= NETSTACK_BUSY_NS)
            idle = n;
    }
    return idle;
}

static struct netstack_neighbour *create(struct xord_netstack *stack, const uint8_t ip16[16], bool for_send,
        uint64_t now_ns)
{
    struct netstack_cache *cache = &stack->cache;
    struct netstack_neighbour *n;

    if (cache->free == NETSTACK_NONE) {
        n = find_victim(cache, for_send, now_ns);
        if (!n) {
            netstack_count(stack, XORD_NET_CNT_neighbour_refused);
            return NULL;
        }
        forget(stack, n);
        netstack_count(stack, XORD_NET_CNT_neighbour_evicted);
    }
    n = &cache->entries[cache->free];
    cache->free = n->next;
    memset(n, 0, sizeof(*n));
    memcpy(n->ip16, ip16, 16);
    link_entry(cache, n);
    netstack_count(stack, XORD_NET_CNT_neighbour_created);
    return n;
}

/* ---- the way to a peer ---- */

static struct netstack_neighbour *refuse(struct xord_netstack *stack, int *err, enum xord_net_counter reason, int rc)
{
    netstack_count(stack, reason);
    *err = rc;
    return NULL;
}

static struct netstack_neighbour *find_or_create(struct xord_netstack *stack, int *err, const uint8_t ip16[16],
        uint64_t now_ns)
{
    struct netstack_neighbour *n = find(&stack->cache, ip16);

    if (!n && stack->cache.incomplete_cnt < stack->cache.incomplete_max)
        n = create(stack, ip16, true, now_ns);
    return n ? n : refuse(stack, err, XORD_NET_CNT_tx_no_neighbour, XORD_EFULL);
}

struct netstack_neighbour *netstack_next_hop(struct xord_netstack *stack, int *err, const uint8_t dst16[16],
        uint64_t now_ns)
{
    const struct netstack_prefix *prefix = netstack_addrs_on_link(&stack->addrs, dst16);
    enum xord_ip_scope scope = xord_ip_scope(dst16);
    struct netstack_neighbour *gateway;

    if (netstack_addrs_is_ours(&stack->addrs, dst16))
        return refuse(stack, err, XORD_NET_CNT_tx_to_self, XORD_ESTATE);
    if ((scope != XORD_IP_GLOBAL && scope != XORD_IP_PRIVATE) || (prefix && !netstack_prefix_is_host(prefix, dst16)))
        return refuse(stack, err, XORD_NET_CNT_tx_bad_endpoint, XORD_ERANGE);
    if (prefix)
        return find_or_create(stack, err, dst16, now_ns);
    gateway = &stack->cache.entries[xord_ip_is_v4(dst16) ? NETSTACK_GATEWAY4 : NETSTACK_GATEWAY6];
    return gateway->pinned ? gateway : refuse(stack, err, XORD_NET_CNT_tx_no_route, XORD_ENOENT);
}

/* ---- the machine ---- */

static void arm(struct netstack_cache *cache, struct netstack_neighbour *n, uint64_t due_ns)
{
    xord_timer_arm(&cache->wheel, &n->timer, due_ns);
}

static void ask(struct xord_netstack *stack, struct xord_net_frame *out, struct netstack_neighbour *n, uint64_t now_ns)
{
    n->tries++;
    arm(&stack->cache, n, now_ns + NETSTACK_RETRY_NS);
    netstack_count(stack, XORD_NET_CNT_solicits);
    if (xord_ip_is_v4(n->ip16))
        netstack_arp_request(stack, out, n);
    else
        netstack_ndp_solicit(stack, out, n);
}

static void start_delay(struct netstack_cache *cache, struct netstack_neighbour *n, uint64_t now_ns)
{
    set_state(cache, n, NETSTACK_DELAY);
    arm(cache, n, now_ns + NETSTACK_DELAY_NS);
}

/* REACHABLE and STALE need no timer but the one that ends them when nobody cares for them any more. */
static void settle(struct netstack_cache *cache, struct netstack_neighbour *n, bool reachable, uint64_t now_ns)
{
    if (!is_settled(n) || !xord_timer_is_armed(&n->timer))
        arm(cache, n, now_ns + NETSTACK_IDLE_NS);
    set_state(cache, n, reachable ? NETSTACK_REACHABLE : NETSTACK_STALE);
    if (reachable)
        n->confirmed_ns = now_ns;
}

bool netstack_neighbour_use(struct xord_netstack *stack, struct xord_net_frame *solicit, struct netstack_neighbour *n,
        uint64_t now_ns)
{
    n->used = true;
    n->used_ns = now_ns;
    if (n->state == NETSTACK_REACHABLE && now_ns - n->confirmed_ns < NETSTACK_REACHABLE_NS)
        return true;
    if (n->state == NETSTACK_FREE) {
        set_state(&stack->cache, n, NETSTACK_INCOMPLETE);
        n->tries = 0;
        ask(stack, solicit, n, now_ns);
    }
    if (is_settled(n))
        start_delay(&stack->cache, n, now_ns);
    return has_mac(n);
}

/* The first MAC: who waited for it may go. */
static void resolve(struct xord_netstack *stack, struct netstack_neighbour *n, const struct xord_net_neighbour *news,
        uint64_t now_ns)
{
    bool waited = n->parked.cnt > 0;

    memcpy(n->mac6, news->mac6, 6);
    settle(&stack->cache, n, news->flags & XORD_NET_SOLICITED, now_ns);
    netstack_park_release(stack, n);
    if (waited && n->state == NETSTACK_STALE)
        start_delay(&stack->cache, n, now_ns);
}

/* RFC 4861, section 7.2.5, from "if the target's neighbor cache entry is in any state other than INCOMPLETE". True when
 * the MAC has changed. */
static bool update(struct xord_netstack *stack, struct netstack_neighbour *n, const struct xord_net_neighbour *news,
        uint64_t now_ns)
{
    bool same = memcmp(n->mac6, news->mac6, 6) == 0;

    if (!same && !(news->flags & XORD_NET_OVERRIDE)) {
        if (n->state == NETSTACK_REACHABLE)
            set_state(&stack->cache, n, NETSTACK_STALE);
        return false;
    }
    if (!same) {
        memcpy(n->mac6, news->mac6, 6);
        netstack_count(stack, XORD_NET_CNT_neighbour_moved);
    }
    if (!same || news->flags & XORD_NET_SOLICITED)
        settle(&stack->cache, n, news->flags & XORD_NET_SOLICITED, now_ns);
    return !same;
}

/* An entry for what nobody here has asked for, when it is worth one. */
static struct netstack_neighbour *learn_new(struct xord_netstack *stack, const struct xord_net_neighbour *news,
        uint64_t now_ns)
{
    if (!(news->flags & XORD_NET_CREATE) || !netstack_addrs_on_link(&stack->addrs, news->ip16))
        return NULL;
    return create(stack, news->ip16, false, now_ns);
}

/* Confirmations are told on even if they are old news here: the answer to another worker's question may have come in on
 * this one's queue. NETSTACK_TELL_NS keeps that bounded. */
bool netstack_neighbour_learn(struct xord_netstack *stack, const struct xord_net_neighbour *news, uint64_t now_ns)
{
    struct netstack_neighbour *n = find(&stack->cache, news->ip16);
    bool tell = true;

    if (!n)
        n = learn_new(stack, news, now_ns);
    if (!n)
        return false;
    if (!has_mac(n))
        resolve(stack, n, news, now_ns);
    else if (!update(stack, n, news, now_ns))
        tell = news->flags & XORD_NET_SOLICITED && now_ns - n->told_ns >= NETSTACK_TELL_NS;
    if (tell)
        n->told_ns = now_ns;
    return tell;
}

unsigned netstack_learn_rx(struct xord_netstack *stack, struct netstack_rx *rx, const struct xord_net_neighbour *news)
{
    if (!netstack_neighbour_learn(stack, news, rx->now_ns))
        return 0;
    rx->out->neighbour = *news;
    return XORD_NET_NEIGHBOUR;
}

void xord_netstack_neighbour_set(struct xord_netstack *stack, const struct xord_net_neighbour *told, uint64_t now_ns)
{
    netstack_neighbour_learn(stack, told, now_ns);
}

void netstack_neighbour_confirm(struct xord_netstack *stack, const uint8_t ip16[16], bool on_link, const uint8_t *mac6,
        uint64_t now_ns)
{
    struct netstack_neighbour *n =
            on_link ? find(&stack->cache, ip16)
                    : &stack->cache.entries[xord_ip_is_v4(ip16) ? NETSTACK_GATEWAY4 : NETSTACK_GATEWAY6];

    if (n && has_mac(n) && memcmp(n->mac6, mac6, 6) == 0)
        settle(&stack->cache, n, true, now_ns);
}

/* ---- time ---- */

static void expire(struct xord_netstack *stack, struct netstack_neighbour *n, uint64_t now_ns)
{
    uint64_t last_ns = n->used && n->used_ns > n->confirmed_ns ? n->used_ns : n->confirmed_ns;

    if (now_ns - last_ns < NETSTACK_IDLE_NS) {
        arm(&stack->cache, n, last_ns + NETSTACK_IDLE_NS);
        return;
    }
    netstack_count(stack, XORD_NET_CNT_neighbour_expired);
    forget(stack, n);
}

/* True when a question has to be sent. */
static bool tick(struct xord_netstack *stack, struct xord_net_frame *out, struct netstack_neighbour *n, uint64_t now_ns)
{
    if (is_settled(n)) {
        expire(stack, n, now_ns);
        return false;
    }
    if (n->state == NETSTACK_DELAY) {
        set_state(&stack->cache, n, NETSTACK_PROBE);
        n->tries = 0;
    }
    if (n->tries == NETSTACK_TRIES) {
        netstack_count(stack, XORD_NET_CNT_neighbour_failed);
        forget(stack, n);
        return false;
    }
    ask(stack, out, n, now_ns);
    return true;
}

bool xord_netstack_poll(struct xord_netstack *stack, struct xord_net_frame *out, uint64_t now_ns)
{
    struct xord_timer *timer;

    out->len = 0;
    xord_wheel_advance(&stack->cache.wheel, now_ns);
    while ((timer = xord_wheel_pop(&stack->cache.wheel)) != NULL) {
        struct netstack_neighbour *n =
                (struct netstack_neighbour *)((uint8_t *)timer - offsetof(struct netstack_neighbour, timer));

        if (tick(stack, out, n, now_ns))
            return true;
    }
    return false;
}
