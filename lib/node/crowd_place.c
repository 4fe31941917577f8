/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the nodes of a crowd are, and when. */
#include <string.h>

#include "crowd_private.h"
#include "xord_bytes.h"
#include "xord_clock.h"

#define SUB_BITS      8
#define PER_SUB       254 /* .0 and .255 are left out */
#define ADDRESSES_MAX 8   /* of a node that moves: enough that nobody comes to where it was seen last */

static struct crowd_layout layout_of_prefix(unsigned host_bits)
{
    struct crowd_layout layout = {0};
    unsigned bits = host_bits < 32 ? host_bits : 32;

    if (bits < 2)
        return layout;
    if (bits < SUB_BITS + 2) {
        layout.room = (1U << bits) - 2;
        return layout;
    }
    layout.sub_cnt = (uint32_t)((UINT64_C(1) << (bits - SUB_BITS)) - 1); /* the last one is the sybils' */
    layout.room = layout.sub_cnt * PER_SUB;
    return layout;
}

struct crowd_layout crowd_layout_of(unsigned host_bits, uint32_t node_cnt, bool moves)
{
    struct crowd_layout layout = layout_of_prefix(host_bits);

    layout.addresses = 1;
    if (moves && node_cnt > 0)
        layout.addresses = layout.room / node_cnt < ADDRESSES_MAX ? layout.room / node_cnt : ADDRESSES_MAX;
    return layout;
}

uint32_t xord_crowd_room(unsigned host_bits, unsigned addresses)
{
    return layout_of_prefix(host_bits).room / addresses;
}

/* ---- addresses ---- */

static uint32_t host_part(const struct crowd_layout *layout, uint32_t slot)
{
    if (layout->sub_cnt == 0)
        return slot + 1;
    return slot % layout->sub_cnt << SUB_BITS | (slot / layout->sub_cnt + 1);
}

/* The other way round; UINT32_MAX: not an address of the layout. */
static uint32_t slot_of(const struct crowd_layout *layout, uint32_t host)
{
    uint32_t sub = host >> SUB_BITS, low = host & ((1U << SUB_BITS) - 1);

    if (layout->sub_cnt == 0)
        return host >= 1 && host <= layout->room ? host - 1 : UINT32_MAX;
    if (sub >= layout->sub_cnt || low < 1 || low > PER_SUB)
        return UINT32_MAX;
    return (low - 1) * layout->sub_cnt + sub;
}

/* Does a node keep to a place of its own? */
static uint32_t sybil_place(const struct xord_crowd *crowd, uint32_t i)
{
    if (crowd->kinds[i] != XORD_CROWD_SYBIL)
        return UINT32_MAX;
    for (uint32_t s = 0; s < crowd->kind_cnt[XORD_CROWD_SYBIL]; s++)
        if (crowd->sybils[s] == i)
            return s;
    return UINT32_MAX;
}

static uint32_t host_mask(const struct xord_crowd *crowd)
{
    return crowd->cfg.host_bits >= 32 ? UINT32_MAX : (1U << crowd->cfg.host_bits) - 1;
}

struct xord_endpoint xord_crowd_endpoint(const struct xord_crowd *crowd, uint32_t i, uint32_t version)
{
    uint32_t sybil = sybil_place(crowd, i);
    uint32_t slot = version % crowd->layout.addresses * crowd->cfg.node_cnt + i;
    uint32_t host =
            sybil != UINT32_MAX ? crowd->layout.sub_cnt << SUB_BITS | (sybil + 1) : host_part(&crowd->layout, slot);
    struct xord_endpoint ep = xord_endpoint_v6(crowd->cfg.ip16, crowd->cfg.udp_port);

    xord_store_be32(ep.ip16 + 12, (xord_load_be32(ep.ip16 + 12) & ~host_mask(crowd)) | host);
    return ep;
}

/* The node and which of its addresses; XORD_CROWD_NONE: not in the prefix, or nobody's. */
static uint32_t owner_of(const struct xord_crowd *crowd, const struct xord_endpoint *ep, uint32_t *address)
{
    uint32_t mask = host_mask(crowd), low = xord_load_be32(ep->ip16 + 12);
    uint32_t host = low & mask, slot;

    *address = 0;
    if (ep->port != crowd->cfg.udp_port || memcmp(ep->ip16, crowd->cfg.ip16, 12) != 0 ||
            ((low ^ xord_load_be32(crowd->cfg.ip16 + 12)) & ~mask) != 0)
        return XORD_CROWD_NONE;
    if (crowd->layout.sub_cnt > 0 && host >> SUB_BITS == crowd->layout.sub_cnt) {
        uint32_t place = (host & ((1U << SUB_BITS) - 1)) - 1;

        return place < crowd->kind_cnt[XORD_CROWD_SYBIL] ? crowd->sybils[place] : XORD_CROWD_NONE;
    }
    slot = slot_of(&crowd->layout, host);
    if (slot / crowd->cfg.node_cnt >= crowd->layout.addresses ||
            crowd->kinds[slot % crowd->cfg.node_cnt] == XORD_CROWD_SYBIL)
        return XORD_CROWD_NONE;
    *address = slot / crowd->cfg.node_cnt;
    return slot % crowd->cfg.node_cnt;
}

uint32_t xord_crowd_owner(const struct xord_crowd *crowd, const struct xord_endpoint *ep)
{
    uint32_t address;

    return owner_of(crowd, ep, &address);
}

uint32_t xord_crowd_at(const struct xord_crowd *crowd, const struct xord_endpoint *ep, uint64_t now_ns)
{
    uint32_t address, i = owner_of(crowd, ep, &address);

    if (i == XORD_CROWD_NONE || crowd->kinds[i] == XORD_CROWD_DEAD || !xord_crowd_is_here(crowd, i, now_ns))
        return XORD_CROWD_NONE;
    if (crowd->kinds[i] != XORD_CROWD_SYBIL &&
            xord_crowd_version(crowd, i, now_ns) % crowd->layout.addresses != address)
        return XORD_CROWD_NONE;
    return i;
}

/* ---- time ---- */

enum turn { TURN_LEAVES, TURN_MOVES, TURN_STAYS };

static enum turn turn_at(const struct xord_crowd *crowd, uint32_t i, uint32_t k)
{
    return (enum turn)(crowd_roll(crowd, DICE_TURN, i, k) % 3);
}

/* How many turns a node has had. Hostile nodes have none: they want to be found. */
static uint32_t turns_of(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    uint64_t phase_ns;

    if (crowd->turn_ns == 0 || crowd->kinds[i] >= XORD_CROWD_FIRST_HOSTILE || crowd->kinds[i] == XORD_CROWD_DEAD ||
            now_ns < crowd->cfg.start_ns)
        return 0;
    phase_ns = crowd_roll(crowd, DICE_PHASE, i, 0) % crowd->turn_ns;
    return (uint32_t)((now_ns - crowd->cfg.start_ns + phase_ns) / crowd->turn_ns);
}

/* The last turn up to k at which the node moved; 0: none. Every third does, so this ends soon. */
static uint32_t last_move(const struct xord_crowd *crowd, uint32_t i, uint32_t k)
{
    while (k > 0 && turn_at(crowd, i, k) != TURN_MOVES)
        k--;
    return k;
}

/* Where peers hand out old records, each node has had another address before. */
static uint32_t first_version(const struct xord_crowd *crowd, uint32_t i)
{
    return crowd->cfg.stale > 0 && crowd->kinds[i] < XORD_CROWD_FIRST_HOSTILE;
}

bool xord_crowd_is_here(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    uint32_t k = turns_of(crowd, i, now_ns);

    return k == 0 || turn_at(crowd, i, k) != TURN_LEAVES;
}

bool xord_crowd_was_away(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    for (uint32_t k = turns_of(crowd, i, now_ns); k > 0; k--)
        if (turn_at(crowd, i, k) != TURN_STAYS)
            return true;
    return false;
}

uint32_t xord_crowd_version(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    return first_version(crowd, i) + last_move(crowd, i, turns_of(crowd, i, now_ns));
}

uint32_t crowd_old_version(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    uint32_t k = last_move(crowd, i, turns_of(crowd, i, now_ns));

    return k > 0 ? first_version(crowd, i) + last_move(crowd, i, k - 1) : 0;
}

uint64_t xord_crowd_seq(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    return (uint64_t)xord_crowd_version(crowd, i, now_ns) + 1;
}
