/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes from which nothing is taken in, each until a time. A look-up costs a hash for each length of prefix that is in use,
 * and nothing while there are none.
 * Threading: one owner. Memory: XORD_BAN_CAP bans, about 150 KB, allocated by new. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_hash.h"
#include "xord_prefix.h"

#define XORD_BAN_CAP     4096
#define XORD_BAN_FOREVER UINT64_MAX

struct xord_bans;

/* NULL when out of memory. */
struct xord_bans *xord_bans_new(const struct xord_hash_key *key);
void xord_bans_free(struct xord_bans *bans);

/* A known one gets the new time. XORD_EFULL when there are as many as there can be. */
XORD_MUST_CHECK int xord_bans_add(struct xord_bans *bans, const struct xord_prefix *prefix, uint64_t until_ns);
/* False: it was not banned. */
bool xord_bans_remove(struct xord_bans *bans, const struct xord_prefix *prefix);
bool xord_bans_has(const struct xord_bans *bans, const uint8_t ip16[16], uint64_t now_ns);
/* Forgets those whose time is over. */
void xord_bans_expire(struct xord_bans *bans, uint64_t now_ns);

uint32_t xord_bans_cnt(const struct xord_bans *bans);
/* The i-th, in no order; valid until the next change. */
void xord_bans_get(const struct xord_bans *bans, uint32_t i, struct xord_prefix *prefix, uint64_t *until_ns);
