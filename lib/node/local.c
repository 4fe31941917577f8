/* SPDX-License-Identifier: BSD-3-Clause */
/* Local identities, found by destination endpoint. */
#include "xord_local.h"

#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_mem.h"

#define FEW 4 /* identities are sooner compared than hashed */

struct xord_locals *xord_locals_new(uint32_t capacity, const struct xord_hash_key *hash_key)
{
    struct xord_locals *locals = calloc(1, sizeof(*locals));
    uint32_t index_len = 4 * XORD_LOCAL_MORE_MAX;

    if (!locals)
        return NULL;
    while (index_len < capacity * 4)
        index_len *= 2;
    locals->capacity = capacity;
    locals->index_mask = index_len - 1;
    locals->hash_key = *hash_key;
    locals->all = xord_secret_alloc((size_t)capacity * sizeof(*locals->all));
    locals->index = malloc((size_t)index_len * sizeof(*locals->index));
    if (!locals->all || !locals->index) {
        xord_locals_free(locals);
        return NULL;
    }
    memset(locals->index, 0xff, (size_t)index_len * sizeof(*locals->index));
    return locals;
}

void xord_locals_free(struct xord_locals *locals)
{
    if (!locals)
        return;
    xord_secret_free(locals->all, (size_t)locals->capacity * sizeof(*locals->all));
    free(locals->index);
    free(locals);
}

static uint32_t index_start(const struct xord_locals *locals, const struct xord_endpoint *ep)
{
    return (uint32_t)xord_hash64(&locals->hash_key, ep, sizeof(*ep)) & locals->index_mask;
}

static bool entry_is(const struct xord_locals *locals, uint32_t entry, const struct xord_endpoint *ep)
{
    if (entry >= locals->capacity)
        return xord_endpoint_equal(&locals->more[entry - locals->capacity].ep, ep);
    return xord_endpoint_equal(&locals->all[entry].ep[!xord_endpoint_is_v4(ep)], ep);
}

static uint32_t index_find(const struct xord_locals *locals, const struct xord_endpoint *ep)
{
    for (uint32_t i = index_start(locals, ep); locals->index[i] != XORD_LOCAL_NONE; i = (i + 1) & locals->index_mask) {
        uint32_t entry = locals->index[i];

        if (entry_is(locals, entry, ep))
            return entry < locals->capacity ? entry : locals->more[entry - locals->capacity].local;
    }
    return XORD_LOCAL_NONE;
}

static void index_put(struct xord_locals *locals, const struct xord_endpoint *ep, uint32_t entry)
{
    uint32_t i = index_start(locals, ep);

    while (locals->index[i] != XORD_LOCAL_NONE)
        i = (i + 1) & locals->index_mask;
    locals->index[i] = entry;
}

/* Who has every address of a family at a UDP port. */
static uint32_t any_find(const struct xord_locals *locals, bool v4, uint16_t udp_port)
{
    for (uint32_t i = 0; i < locals->any_cnt; i++)
        if (locals->any[i].ep.port == udp_port && xord_endpoint_is_v4(&locals->any[i].ep) == v4)
            return locals->any[i].local;
    return XORD_LOCAL_NONE;
}

static bool endpoint_is_any(const struct xord_endpoint *ep)
{
    return xord_ip_scope(ep->ip16) == XORD_IP_UNSPECIFIED;
}

static bool endpoint_is_taken(const struct xord_locals *locals, const struct xord_endpoint *ep)
{
    if (endpoint_is_any(ep))
        return any_find(locals, xord_endpoint_is_v4(ep), ep->port) != XORD_LOCAL_NONE;
    return index_find(locals, ep) != XORD_LOCAL_NONE;
}

/* Also of those to be added together. */
static int endpoints_check(const struct xord_locals *locals, const struct xord_endpoint *eps, uint32_t ep_cnt)
{
    if (ep_cnt > XORD_LOCAL_MORE_MAX - locals->more_cnt || ep_cnt > XORD_LOCAL_MORE_MAX - locals->any_cnt)
        return XORD_EFULL;
    for (uint32_t i = 0; i < ep_cnt; i++) {
        if (endpoint_is_taken(locals, &eps[i]))
            return XORD_EEXIST;
        for (uint32_t j = 0; j < i; j++)
            if (xord_endpoint_equal(&eps[i], &eps[j]))
                return XORD_EEXIST;
    }
    return 0;
}

static void endpoint_take(struct xord_locals *locals, uint32_t local, const struct xord_endpoint *ep)
{
    struct xord_local *l = &locals->all[local];
    int family = !xord_endpoint_is_v4(ep);
    bool first = l->ep[family].port == 0, any = endpoint_is_any(ep);

    if (first) {
        l->ep[family] = *ep;
        l->any[family] = any;
    }
    if (any) {
        locals->any[locals->any_cnt++] = (struct xord_local_more){*ep, local};
    } else if (first) {
        index_put(locals, ep, local);
    } else {
        index_put(locals, ep, locals->capacity + locals->more_cnt);
        locals->more[locals->more_cnt++] = (struct xord_local_more){*ep, local};
    }
}

int xord_locals_add_at(struct xord_locals *locals, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const uint8_t seckey32[32], const struct xord_enr *enr, const struct xord_endpoint *eps, uint32_t ep_cnt)
{
    struct xord_local *local = &locals->all[locals->cnt];
    int err;

    if (locals->cnt == locals->capacity)
        return XORD_EFULL;
    err = endpoints_check(locals, eps, ep_cnt);
    if (err)
        return err;
    memset(local, 0, sizeof(*local));
    memcpy(local->id32, enr->id32, 32);
    memcpy(local->seckey32, seckey32, 32);
    local->enr = *enr;
    ops->ctr_expand(aes, &local->mask_key, enr->id32);
    for (uint32_t i = 0; i < ep_cnt; i++)
        endpoint_take(locals, locals->cnt, &eps[i]);
    locals->cnt++;
    return 0;
}

int xord_locals_add(struct xord_locals *locals, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const uint8_t seckey32[32], const struct xord_enr *enr, const struct xord_endpoint *ep4,
        const struct xord_endpoint *ep6)
{
    struct xord_endpoint eps[2];
    uint32_t cnt = 0;

    if (ep4)
        eps[cnt++] = *ep4;
    if (ep6)
        eps[cnt++] = *ep6;
    return xord_locals_add_at(locals, ops, aes, seckey32, enr, eps, cnt);
}

uint32_t xord_locals_find(const struct xord_locals *locals, const struct xord_endpoint *dst)
{
    bool v4 = xord_endpoint_is_v4(dst);
    uint32_t local;

    for (uint32_t i = 0; locals->cnt <= FEW && i < locals->cnt; i++)
        if (xord_endpoint_equal(&locals->all[i].ep[!v4], dst))
            return i;
    local = index_find(locals, dst);
    return local != XORD_LOCAL_NONE ? local : any_find(locals, v4, dst->port);
}
