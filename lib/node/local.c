/* SPDX-License-Identifier: BSD-3-Clause */
/* Local identities, found by destination endpoint. */
#include "xord_local.h"

#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"

struct xord_locals *xord_locals_new(uint32_t capacity, const struct xord_hash_key *hash_key)
{
    struct xord_locals *locals = calloc(1, sizeof(*locals));
    uint32_t index_len = 4;

    if (!locals)
        return NULL;
    while (index_len < capacity * 4)
        index_len *= 2;
    locals->capacity = capacity;
    locals->any[0] = locals->any[1] = XORD_LOCAL_NONE;
    locals->index_mask = index_len - 1;
    locals->hash_key = *hash_key;
    locals->all = aligned_alloc(16, (size_t)capacity * sizeof(*locals->all));
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
    if (locals->all)
        xord_wipe(locals->all, (size_t)locals->cnt * sizeof(*locals->all));
    free(locals->all);
    free(locals->index);
    free(locals);
}

static uint32_t index_start(const struct xord_locals *locals, const struct xord_endpoint *ep)
{
    return (uint32_t)xord_hash64(&locals->hash_key, ep, sizeof(*ep)) & locals->index_mask;
}

static uint32_t index_find(const struct xord_locals *locals, const struct xord_endpoint *ep)
{
    int family = !xord_endpoint_is_v4(ep);

    for (uint32_t i = index_start(locals, ep); locals->index[i] != XORD_LOCAL_NONE; i = (i + 1) & locals->index_mask)
        if (xord_endpoint_equal(&locals->all[locals->index[i]].ep[family], ep))
            return locals->index[i];
    return XORD_LOCAL_NONE;
}

static bool endpoint_is_taken(const struct xord_locals *locals, const struct xord_endpoint *ep)
{
    if (xord_ip_scope(ep->ip16) == XORD_IP_UNSPECIFIED)
        return locals->any[!xord_endpoint_is_v4(ep)] != XORD_LOCAL_NONE;
    return index_find(locals, ep) != XORD_LOCAL_NONE;
}

static void endpoint_take(struct xord_locals *locals, uint32_t local, const struct xord_endpoint *ep)
{
    int family = !xord_endpoint_is_v4(ep);
    uint32_t i = index_start(locals, ep);

    locals->all[local].ep[family] = *ep;
    if (xord_ip_scope(ep->ip16) == XORD_IP_UNSPECIFIED) {
        locals->any[family] = local;
        return;
    }
    while (locals->index[i] != XORD_LOCAL_NONE)
        i = (i + 1) & locals->index_mask;
    locals->index[i] = local;
}

int xord_locals_add(struct xord_locals *locals, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const uint8_t seckey32[32], const struct xord_enr *enr, const struct xord_endpoint *ep4,
        const struct xord_endpoint *ep6)
{
    struct xord_local *local = &locals->all[locals->cnt];

    if (locals->cnt == locals->capacity)
        return XORD_EFULL;
    if ((ep4 && endpoint_is_taken(locals, ep4)) || (ep6 && endpoint_is_taken(locals, ep6)))
        return XORD_EEXIST;
    memset(local, 0, sizeof(*local));
    memcpy(local->id32, enr->id32, 32);
    memcpy(local->seckey32, seckey32, 32);
    local->enr = *enr;
    ops->ctr_expand(aes, &local->mask_key, enr->id32);
    if (ep4)
        endpoint_take(locals, locals->cnt, ep4);
    if (ep6)
        endpoint_take(locals, locals->cnt, ep6);
    locals->cnt++;
    return 0;
}

uint32_t xord_locals_find(const struct xord_locals *locals, const struct xord_endpoint *dst)
{
    uint32_t local;

    if (locals->cnt == 1 && xord_endpoint_equal(&locals->all[0].ep[!xord_endpoint_is_v4(dst)], dst))
        return 0;
    local = index_find(locals, dst);
    return local != XORD_LOCAL_NONE ? local : locals->any[!xord_endpoint_is_v4(dst)];
}
