/* SPDX-License-Identifier: BSD-3-Clause */
/* The local identities of a process: one for a bootnode, a hundred thousand for a testnet. The destination (IP, port) of a
 * datagram selects the identity whose node id unmasks it.
 * Threading: built by one thread, read-only for all afterwards. Memory: allocated by new for `capacity` identities; secret
 * keys are wiped on free, and not in core dumps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_aes.h"
#include "xord_endpoint.h"
#include "xord_enr.h"
#include "xord_hash.h"

#define XORD_LOCAL_NONE UINT32_MAX
#define XORD_LOCAL_MORE_MAX                                                                                            \
    64 /* endpoints beyond the first of a family, and such with an unspecified address, of all together */

struct xord_local {
    uint8_t id32[32];
    uint8_t seckey32[32];
    struct xord_endpoint ep[2]; /* the first as bound, [0] IPv4, [1] IPv6; port 0: none; an unspecified address: any */
    bool any[2];                /* it is one: who is at that UDP port and no one else's address is there */
    bool fixed[2];              /* what its record says of a family does not follow the votes */
    struct xord_ctr_key mask_key;
    struct xord_enr enr; /* as at start; a host's may move on (see xord_node.h) */
};

struct xord_locals {
    struct xord_local *all;
    uint32_t cnt;
    uint32_t capacity;
    uint32_t *index; /* by endpoint; open addressing; from `capacity` on they are those of `more` */
    uint32_t index_mask;
    struct xord_hash_key hash_key;
    struct xord_local_more {
        struct xord_endpoint ep;
        uint32_t local;
    } more[XORD_LOCAL_MORE_MAX], any[XORD_LOCAL_MORE_MAX];
    uint32_t more_cnt, any_cnt;
};

/* NULL when out of memory. */
struct xord_locals *xord_locals_new(uint32_t capacity, const struct xord_hash_key *hash_key);
void xord_locals_free(struct xord_locals *locals);

/* Adds an identity with a signed record; `ep4`, `ep6` may be NULL. EFULL; EEXIST when an endpoint is taken. */
XORD_MUST_CHECK int xord_locals_add(struct xord_locals *locals, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const uint8_t seckey32[32], const struct xord_enr *enr, const struct xord_endpoint *ep4,
        const struct xord_endpoint *ep6);

/* The same with any number of endpoints. Its own requests leave from the first of a family. */
XORD_MUST_CHECK int xord_locals_add_at(struct xord_locals *locals, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const uint8_t seckey32[32], const struct xord_enr *enr, const struct xord_endpoint *eps, uint32_t ep_cnt);

/* The identity that a datagram to `dst` is for, or XORD_LOCAL_NONE. */
uint32_t xord_locals_find(const struct xord_locals *locals, const struct xord_endpoint *dst);
