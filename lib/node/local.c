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

static int index_add(struct xord_locals *locals, uint32_t local, const struct xord_endpoint *ep)
{
    int family = !xord_endpoint_is_v4(ep);
    uint32_t i;

    if (xord_ip_scope(ep->ip16) == XORD_IP_UNSPECIFIED) {
        if (locals->any[family] != XORD_LOCAL_NONE)
            return XORD_EEXIST;
        locals->any[family] = local;
        return 0;
    }
    if (index_find(locals, ep) != XORD_LOCAL_NONE)
        return XORD_EEXIST;
    i = index_start(locals, ep);
    while (locals->index[i] != XORD_LOCAL_NONE)
        i = (i + 1) & locals->index_mask;
    locals->index[i] = local;
    return 0;
}

int xord_locals_add(struct xord_locals *locals, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const uint8_t seckey32[32], const struct xord_enr *enr, const struct xord_endpoint *ep4,
        const struct xord_endpoint *ep6)
{
    uint32_t i = locals->cnt;
    struct xord_local *local = &locals->all[i];
    int err = 0;

    if (i == locals->capacity)
        return XORD_EFULL;
    memset(local, 0, sizeof(*local));
    memcpy(local->id32, enr->id32, 32);
    memcpy(local->seckey32, seckey32, 32);
    local->enr = *enr;
    ops->ctr_expand(aes, &local->mask_key, enr->id32);
    if (ep4) {
        err = index_add(locals, i, ep4);
        local->ep[0] = *ep4;
    }
    if (ep6 && !err) {
        err = index_add(locals, i, ep6);
        local->ep[1] = *ep6;
    }
    if (!err)
        locals->cnt++;
    return err;
}

uint32_t xord_locals_find(const struct xord_locals *locals, const struct xord_endpoint *dst)
{
    uint32_t local = index_find(locals, dst);

    return local != XORD_LOCAL_NONE ? local : locals->any[!xord_endpoint_is_v4(dst)];
}
