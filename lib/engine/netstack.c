/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack as a whole: its making, its counters, the group addresses that it listens to. */
#include "xord_netstack.h"

#include <stdlib.h>

#include "netstack_private.h"

#define MTU_DEFAULT       1500
#define MTU_MIN           1280
#define MTU_MAX           9600
#define NEIGHBOUR_DEFAULT 4096
#define NEIGHBOUR_MAX     (1U << 24)
#define PARKED_DEFAULT    512

static const struct {
    const char *name, *help;
} counter_texts[XORD_NET_COUNTER_CNT] = {
#define XORD_NET_COUNTER_TEXT(name, help) {#name, help},
        XORD_NET_COUNTERS(XORD_NET_COUNTER_TEXT)
#undef XORD_NET_COUNTER_TEXT
};

const char *xord_net_counter_name(enum xord_net_counter counter)
{
    return counter_texts[counter].name;
}

const char *xord_net_counter_help(enum xord_net_counter counter)
{
    return counter_texts[counter].help;
}

const uint64_t *xord_netstack_counters(const struct xord_netstack *stack)
{
    return stack->counters;
}

static struct xord_netstack_config with_defaults(const struct xord_netstack_config *config)
{
    struct xord_netstack_config full = *config;

    full.mtu = full.mtu ? full.mtu : MTU_DEFAULT;
    full.neighbour_cnt = full.neighbour_cnt ? full.neighbour_cnt : NEIGHBOUR_DEFAULT;
    full.parked_cnt = full.parked_cnt ? full.parked_cnt : PARKED_DEFAULT;
    return full;
}

int xord_netstack_config_check(const struct xord_netstack_config *config)
{
    static const uint8_t zero6[6];
    struct xord_netstack_config full = with_defaults(config);
    struct netstack_addrs scratch;
    int rc;

    if (netstack_mac_is_group(full.mac6) || memcmp(full.mac6, zero6, 6) == 0)
        return XORD_ERANGE;
    if (full.mtu < MTU_MIN || full.mtu > MTU_MAX || full.neighbour_cnt > NEIGHBOUR_MAX ||
            full.parked_cnt == NETSTACK_PARKED_NONE)
        return XORD_ERANGE;
    rc = netstack_addrs_check(config);
    return rc ? rc : netstack_addrs_build(&scratch, config);
}

struct xord_netstack *xord_netstack_new(const struct xord_netstack_config *config, uint64_t now_ns)
{
    struct xord_netstack_config full = with_defaults(config);
    struct xord_netstack *stack;

    if (xord_netstack_config_check(config) != 0)
        return NULL;
    stack = calloc(1, sizeof(*stack));
    if (!stack)
        return NULL;
    memcpy(stack->mac6, full.mac6, 6);
    stack->mtu = full.mtu;
    stack->ip4_id = (uint16_t)xord_hash64(&full.key, full.mac6, 6); /* workers begin apart if their keys differ */
    if (netstack_addrs_init(&stack->addrs, &full) != 0 ||
            netstack_pool_init(&stack->pool, full.parked_cnt, full.mtu) != 0 ||
            netstack_cache_init(&stack->cache, &full, now_ns) != 0) {
        xord_netstack_free(stack);
        return NULL;
    }
    return stack;
}

void xord_netstack_free(struct xord_netstack *stack)
{
    if (!stack)
        return;
    netstack_cache_free(&stack->cache);
    netstack_pool_free(&stack->pool);
    netstack_addrs_free(&stack->addrs);
    free(stack);
}

bool xord_netstack_is_ours(const struct xord_netstack *stack, const uint8_t ip16[16])
{
    return netstack_addrs_is_ours(&stack->addrs, ip16);
}

void xord_netstack_link_local(const struct xord_netstack *stack, uint8_t ip16[16])
{
    memcpy(ip16, stack->addrs.link_local16, 16);
}

static bool add_mac(uint8_t (*macs)[6], size_t *cnt, size_t cap, const uint8_t group16[16])
{
    uint8_t mac6[6];

    netstack_group_mac(mac6, group16);
    for (size_t i = 0; i < *cnt; i++) {
        if (memcmp(macs[i], mac6, 6) == 0)
            return true;
    }
    if (*cnt == cap)
        return false;
    memcpy(macs[(*cnt)++], mac6, 6);
    return true;
}

int xord_netstack_mcast_macs(const struct xord_netstack *stack, uint8_t (*macs)[6], size_t cap)
{
    const struct netstack_addrs *addrs = &stack->addrs;
    size_t cnt = 0;
    bool fits = add_mac(macs, &cnt, cap, netstack_all_nodes16);

    for (uint32_t i = addrs->v4_cnt; i < addrs->prefix_cnt; i++)
        fits = fits && !addrs->prefixes[i].whole;
    for (uint32_t i = 0; fits && i <= addrs->slot_mask; i++) {
        uint8_t ip16[16], group16[16];

        memcpy(ip16, &addrs->slots[i].hi, 8);
        memcpy(ip16 + 8, &addrs->slots[i].lo, 8);
        netstack_solicited_node(group16, ip16);
        if ((addrs->slots[i].hi | addrs->slots[i].lo) && !xord_ip_is_v4(ip16))
            fits = add_mac(macs, &cnt, cap, group16);
    }
    return fits ? (int)cnt : XORD_ENOSPC;
}
