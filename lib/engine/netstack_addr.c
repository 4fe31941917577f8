/* SPDX-License-Identifier: BSD-3-Clause */
/* Our addresses and prefixes: what is ours, what is on-link, and from where we ask. */
#include "netstack_private.h"

#include <stdlib.h>

static bool words_equal(struct netstack_words a, struct netstack_words b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

static bool words_are_zero(struct netstack_words w)
{
    return (w.hi | w.lo) == 0;
}

static bool prefix_holds(const struct netstack_prefix *prefix, struct netstack_words w)
{
    return (((w.hi ^ prefix->net.hi) & prefix->mask.hi) | ((w.lo ^ prefix->net.lo) & prefix->mask.lo)) == 0;
}

bool netstack_prefix_is_host(const struct netstack_prefix *prefix, const uint8_t ip16[16])
{
    struct netstack_words w = netstack_words(ip16);
    struct netstack_words host = {w.hi & ~prefix->mask.hi, w.lo & ~prefix->mask.lo};

    if (prefix->zero_reserved && words_are_zero(host))
        return false;
    return !(prefix->ones_reserved && host.hi == ~prefix->mask.hi && host.lo == ~prefix->mask.lo);
}

static bool is_configured(const uint8_t ip16[16])
{
    return !words_are_zero(netstack_words(ip16));
}

bool netstack_addrs_is_gateway(const struct netstack_addrs *addrs, const uint8_t ip16[16])
{
    struct netstack_words w = netstack_words(ip16);

    return words_equal(w, netstack_words(addrs->gateway4_ip16)) || words_equal(w, netstack_words(addrs->gateway6_ip16));
}

/* ---- single addresses ---- */

static uint32_t slot_of(const struct netstack_addrs *addrs, struct netstack_words w)
{
    uint64_t mixed = (w.hi * 0x9e3779b97f4a7c15ULL) ^ w.lo;

    return (uint32_t)(mixed * 0xd6e8feb86659fd93ULL >> 32) & addrs->slot_mask;
}

static bool holds_single(const struct netstack_addrs *addrs, struct netstack_words w)
{
    for (uint32_t i = slot_of(addrs, w);; i = (i + 1) & addrs->slot_mask) {
        if (words_equal(addrs->slots[i], w))
            return true;
        if (words_are_zero(addrs->slots[i]))
            return false;
    }
}

static void add_single(struct netstack_addrs *addrs, const uint8_t ip16[16])
{
    struct netstack_words w = netstack_words(ip16);
    uint32_t i = slot_of(addrs, w);

    while (!words_are_zero(addrs->slots[i]) && !words_equal(addrs->slots[i], w))
        i = (i + 1) & addrs->slot_mask;
    addrs->slots[i] = w;
}

bool netstack_addrs_is_ours(const struct netstack_addrs *addrs, const uint8_t ip16[16])
{
    struct netstack_words w = netstack_words(ip16);
    const struct netstack_prefix *prefix;

    if (words_are_zero(w))
        return false;
    if (holds_single(addrs, w))
        return true;
    prefix = addrs->whole_cnt ? netstack_addrs_on_link(addrs, ip16) : NULL;
    return prefix && prefix->whole && netstack_prefix_is_host(prefix, ip16) && !netstack_addrs_is_gateway(addrs, ip16);
}

/* ---- prefixes ---- */

const struct netstack_prefix *netstack_addrs_on_link(const struct netstack_addrs *addrs, const uint8_t ip16[16])
{
    struct netstack_words w = netstack_words(ip16);
    bool v4 = xord_ip_is_v4(ip16);
    uint32_t end = v4 ? addrs->v4_cnt : addrs->prefix_cnt;

    for (uint32_t i = v4 ? 0 : addrs->v4_cnt; i < end; i++) {
        if (prefix_holds(&addrs->prefixes[i], w))
            return &addrs->prefixes[i];
    }
    return NULL;
}

const uint8_t *netstack_addrs_source(const struct netstack_addrs *addrs, const uint8_t ip16[16])
{
    const struct netstack_prefix *prefix = netstack_addrs_on_link(addrs, ip16);

    if (prefix)
        return prefix->source16;
    return xord_ip_is_v4(ip16) ? addrs->source4_ip16 : addrs->source6_ip16;
}

static struct netstack_prefix make_prefix(const uint8_t ip16[16], uint8_t prefix_len, bool whole)
{
    bool v4 = xord_ip_is_v4(ip16);
    unsigned bits = prefix_len + (v4 ? 96U : 0U);
    struct netstack_prefix prefix = {.whole = whole, .zero_reserved = bits <= 126, .ones_reserved = v4 && bits <= 126};
    uint8_t mask16[16] = {0};

    for (unsigned i = 0; i < bits; i++)
        mask16[i / 8] |= (uint8_t)(0x80 >> i % 8);
    prefix.mask = netstack_words(mask16);
    prefix.net = netstack_words(ip16);
    prefix.net.hi &= prefix.mask.hi;
    prefix.net.lo &= prefix.mask.lo;
    memcpy(prefix.source16, ip16, 16);
    return prefix;
}

/* A whole prefix is usually named by its network address: ask from the first host in it that we are. */
static void choose_source(const struct netstack_addrs *addrs, struct netstack_prefix *prefix)
{
    uint8_t *low4 = prefix->source16 + 12;

    while (!netstack_prefix_is_host(prefix, prefix->source16) || netstack_addrs_is_gateway(addrs, prefix->source16))
        xord_store_be32(low4, xord_load_be32(low4) + 1);
}

static int add_prefix(struct netstack_addrs *addrs, const struct xord_net_addr *addr)
{
    struct netstack_prefix prefix = make_prefix(addr->ip16, addr->prefix_len, addr->whole_prefix);

    for (uint32_t i = 0; i < addrs->prefix_cnt; i++) {
        struct netstack_prefix *old = &addrs->prefixes[i];

        if (words_equal(old->net, prefix.net) && words_equal(old->mask, prefix.mask)) {
            old->whole |= prefix.whole;
            return 0;
        }
    }
    if (addrs->prefix_cnt == XORD_NET_PREFIX_MAX)
        return XORD_EFULL;
    choose_source(addrs, &prefix);
    addrs->prefixes[addrs->prefix_cnt++] = prefix;
    return 0;
}

static int mask_len(const struct netstack_prefix *prefix)
{
    return __builtin_popcountll(prefix->mask.hi) + __builtin_popcountll(prefix->mask.lo);
}

/* The longest prefix first: a whole prefix may lie within a wider on-link one. */
static void sort_prefixes(struct netstack_prefix *prefixes, uint32_t cnt)
{
    for (uint32_t i = 1; i < cnt; i++) {
        for (uint32_t j = i; j && mask_len(&prefixes[j - 1]) < mask_len(&prefixes[j]); j--) {
            struct netstack_prefix swap = prefixes[j];

            prefixes[j] = prefixes[j - 1];
            prefixes[j - 1] = swap;
        }
    }
}

/* ---- start ---- */

static bool is_unicast(const uint8_t ip16[16])
{
    enum xord_ip_scope scope = xord_ip_scope(ip16);

    return scope == XORD_IP_GLOBAL || scope == XORD_IP_PRIVATE;
}

/* fe80::/64 and the EUI-64 form of the MAC (RFC 4291, appendix A). */
static void make_link_local(uint8_t ip16[16], const uint8_t mac6[6])
{
    const uint8_t made16[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac6[0] ^ 2, mac6[1], mac6[2], 0xff, 0xfe, mac6[3],
            mac6[4], mac6[5]};

    memcpy(ip16, made16, 16);
}

static int check_addr(const struct xord_net_addr *addr)
{
    unsigned full = xord_ip_is_v4(addr->ip16) ? 32 : 128;
    struct netstack_prefix prefix;

    if (addr->prefix_len > full || !is_unicast(addr->ip16))
        return XORD_ERANGE;
    prefix = make_prefix(addr->ip16, addr->prefix_len, addr->whole_prefix);
    return addr->whole_prefix || netstack_prefix_is_host(&prefix, addr->ip16) ? 0 : XORD_ERANGE;
}

static int check_gateway(const struct xord_netstack_config *config, const uint8_t gateway16[16], bool v4)
{
    uint8_t link_local16[16];
    bool link_local = !v4 && gateway16[0] == 0xfe && (gateway16[1] & 0xc0) == 0x80;
    int rc = link_local ? 0 : XORD_EMISSING;

    if (!is_configured(gateway16))
        return 0;
    if (!is_unicast(gateway16) || xord_ip_is_v4(gateway16) != v4)
        return XORD_ERANGE;
    make_link_local(link_local16, config->mac6);
    if (memcmp(gateway16, link_local16, 16) == 0)
        return XORD_EEXIST;
    for (size_t i = 0; i < config->addr_cnt; i++) {
        if (memcmp(gateway16, config->addrs[i].ip16, 16) == 0)
            return XORD_EEXIST;
        if (xord_ip_is_v4(config->addrs[i].ip16) == v4)
            rc = 0;
    }
    return rc;
}

int netstack_addrs_check(const struct xord_netstack_config *config)
{
    int rc = config->addr_cnt ? 0 : XORD_EMISSING;

    for (size_t i = 0; !rc && i < config->addr_cnt; i++)
        rc = check_addr(&config->addrs[i]);
    if (!rc)
        rc = check_gateway(config, config->gateway4_ip16, true);
    if (!rc)
        rc = check_gateway(config, config->gateway6_ip16, false);
    return rc;
}

static int add_prefixes(struct netstack_addrs *addrs, const struct xord_netstack_config *config, bool v4)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < config->addr_cnt; i++) {
        const struct xord_net_addr *addr = &config->addrs[i];

        if (xord_ip_is_v4(addr->ip16) == v4 && addr->prefix_len < (v4 ? 32 : 128))
            rc = add_prefix(addrs, addr);
        if (xord_ip_is_v4(addr->ip16) == v4)
            addrs->whole_cnt += addr->whole_prefix;
    }
    return rc;
}

int netstack_addrs_build(struct netstack_addrs *addrs, const struct xord_netstack_config *config)
{
    struct xord_net_addr link_local = {.prefix_len = 10};
    int rc;

    memset(addrs, 0, sizeof(*addrs));
    make_link_local(addrs->link_local16, config->mac6);
    memcpy(link_local.ip16, addrs->link_local16, 16);
    memcpy(addrs->gateway4_ip16, config->gateway4_ip16, 16);
    memcpy(addrs->gateway6_ip16, config->gateway6_ip16, 16);
    rc = add_prefixes(addrs, config, true);
    addrs->v4_cnt = addrs->prefix_cnt;
    if (!rc)
        rc = add_prefixes(addrs, config, false);
    if (!rc)
        rc = add_prefix(addrs, &link_local);
    sort_prefixes(addrs->prefixes, addrs->v4_cnt);
    sort_prefixes(addrs->prefixes + addrs->v4_cnt, addrs->prefix_cnt - addrs->v4_cnt);
    return rc;
}

/* An address of a whole prefix that no host may have only names the prefix. */
static bool is_single(const struct netstack_addrs *addrs, const struct xord_net_addr *addr)
{
    struct netstack_prefix prefix = make_prefix(addr->ip16, addr->prefix_len, addr->whole_prefix);

    return netstack_prefix_is_host(&prefix, addr->ip16) && !netstack_addrs_is_gateway(addrs, addr->ip16);
}

static void add_singles(struct netstack_addrs *addrs, const struct xord_netstack_config *config)
{
    memcpy(addrs->source6_ip16, addrs->prefixes[addrs->v4_cnt].source16, 16);
    if (addrs->v4_cnt)
        memcpy(addrs->source4_ip16, addrs->prefixes[0].source16, 16);
    add_single(addrs, addrs->link_local16);
    for (size_t i = config->addr_cnt; i-- > 0;) {
        const uint8_t *ip16 = config->addrs[i].ip16;

        if (!is_single(addrs, &config->addrs[i]))
            continue;
        add_single(addrs, ip16);
        memcpy(xord_ip_is_v4(ip16) ? addrs->source4_ip16 : addrs->source6_ip16, ip16, 16);
    }
}

int netstack_addrs_init(struct netstack_addrs *addrs, const struct xord_netstack_config *config)
{
    uint32_t slot_cnt = 4;
    int rc = netstack_addrs_build(addrs, config);

    if (rc)
        return rc;
    while (slot_cnt < 2 * (config->addr_cnt + 1))
        slot_cnt *= 2;
    addrs->slots = calloc(slot_cnt, sizeof(*addrs->slots));
    if (!addrs->slots)
        return XORD_ENOMEM;
    addrs->slot_mask = slot_cnt - 1;
    add_singles(addrs, config);
    return 0;
}

void netstack_addrs_free(struct netstack_addrs *addrs)
{
    free(addrs->slots);
}
