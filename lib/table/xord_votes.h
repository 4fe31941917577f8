/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoint votes: what do peers say our external endpoint is? Spec: discv5-theory.md, "Maintaining The Local Node
 * Record"; discv5-wire.md, PONG.
 *
 * One vote per voter prefix (/24 of IPv4, /48 of IPv6; loopback and private voters by whole address), a newer one
 * replaces the older. A majority is clear when at least 10 votes of the last 5 minutes name it and they are more than
 * half of all votes of its family and at least twice the runner-up. IPv4 and IPv6 are counted apart; after a change is
 * reported, none is reported for that family for 5 minutes. The caller passes only PONGs to requests that it sent.
 * Threading: one owner. Memory: fixed (256 voters a family, oldest replaced). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_clock.h"
#include "xord_endpoint.h"

#define XORD_VOTES_MIN         10
#define XORD_VOTES_WINDOW_NS   (300 * XORD_NS_PER_S)
#define XORD_VOTES_COOLDOWN_NS (300 * XORD_NS_PER_S)
#define XORD_VOTES_MAX         256

struct xord_vote {
    struct xord_endpoint voter; /* its prefix, port 0 */
    struct xord_endpoint said;
    uint64_t at_ns;
    bool used;
};

struct xord_votes {
    struct xord_vote votes[2][XORD_VOTES_MAX]; /* [0] IPv4, [1] IPv6, by family of `said` */
    uint64_t changed_ns[2];                    /* when a change was last reported; 0: never */
    bool ever_changed[2];
};

void xord_votes_init(struct xord_votes *votes);

/* Counts a vote. Unusable endpoints (port 0, unspecified, multicast) are ignored; so is a global voter's word for a
 * loopback or private endpoint, and anybody's for the other family than the one it speaks over: a PONG mirrors the
 * address that the PING came from, and cheap IPv6 prefixes must not outvote IPv4. */
void xord_votes_add(struct xord_votes *votes, const struct xord_endpoint *voter, const struct xord_endpoint *said,
        uint64_t now_ns);

/* True when a clear majority differs from `current` (NULL: nothing known) for family `v4` and a change is allowed now;
 * sets *winner and starts the cooldown. */
bool xord_votes_decide(struct xord_votes *votes, struct xord_endpoint *winner, bool v4,
        const struct xord_endpoint *current, uint64_t now_ns);
