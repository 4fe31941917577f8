/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoint votes: kept one per voter prefix, counted anew at each decision in linear time. */
#include "xord_votes.h"

#include <stddef.h>
#include <string.h>

#include "xord_table.h"

_Static_assert(XORD_IP_LIMIT_V4_BITS % 8 == 0 && XORD_IP_LIMIT_V6_BITS % 8 == 0, "prefixes are cut at whole bytes");

void xord_votes_init(struct xord_votes *votes)
{
    memset(votes, 0, sizeof(*votes));
}

/* ---- voting ---- */

static bool scope_is_local(enum xord_ip_scope scope)
{
    return scope == XORD_IP_LOOPBACK || scope == XORD_IP_PRIVATE;
}

static struct xord_endpoint voter_prefix(const struct xord_endpoint *voter)
{
    struct xord_endpoint prefix = *voter;
    size_t keep = xord_endpoint_is_v4(voter) ? 12 + XORD_IP_LIMIT_V4_BITS / 8 : XORD_IP_LIMIT_V6_BITS / 8;

    prefix.port = 0;
    if (!scope_is_local(xord_ip_scope(voter->ip16)))
        memset(prefix.ip16 + keep, 0, 16 - keep);
    return prefix;
}

static bool is_believable(const struct xord_endpoint *voter, const struct xord_endpoint *said)
{
    enum xord_ip_scope scope = xord_ip_scope(said->ip16);

    if (said->port == 0 || scope == XORD_IP_UNSPECIFIED || scope == XORD_IP_MULTICAST)
        return false;
    if (xord_endpoint_is_v4(voter) != xord_endpoint_is_v4(said))
        return false;
    return !scope_is_local(scope) || scope_is_local(xord_ip_scope(voter->ip16));
}

/* The voter's own slot, else a free one, else the oldest. */
static struct xord_vote *slot_for(struct xord_vote *votes, const struct xord_endpoint *prefix)
{
    struct xord_vote *slot = &votes[0];

    for (uint32_t i = 0; i < XORD_VOTES_MAX; i++) {
        if (!votes[i].used)
            return &votes[i];
        if (xord_endpoint_equal(&votes[i].voter, prefix))
            return &votes[i];
        if (votes[i].at_ns < slot->at_ns)
            slot = &votes[i];
    }
    return slot;
}

void xord_votes_add(struct xord_votes *votes, const struct xord_endpoint *voter, const struct xord_endpoint *said,
        uint64_t now_ns)
{
    struct xord_endpoint prefix = voter_prefix(voter);
    struct xord_vote *slot;

    if (!is_believable(voter, said))
        return;
    slot = slot_for(votes->votes[xord_endpoint_is_v4(said) ? 0 : 1], &prefix);
    *slot = (struct xord_vote){.voter = prefix, .said = *said, .at_ns = now_ns, .used = true};
}

/* ---- deciding ---- */

static bool counts(const struct xord_vote *vote, const struct xord_endpoint *except, uint64_t now_ns)
{
    return vote->used && now_ns - vote->at_ns < XORD_VOTES_WINDOW_NS &&
           !(except && xord_endpoint_equal(&vote->said, except));
}

struct tally {
    const struct xord_endpoint *said; /* the only endpoint that can have more than half; NULL without votes */
    uint32_t cnt;                     /* votes for it */
    uint32_t total;
};

/* Counts the votes that do not name `except`. First pass: pair off differing votes; whoever has more than half is the
 * one left over (Boyer and Moore). Second pass: count it. */
static struct tally tally_votes(const struct xord_vote *votes, const struct xord_endpoint *except, uint64_t now_ns)
{
    struct tally tally = {0};
    uint32_t lead = 0;

    for (uint32_t i = 0; i < XORD_VOTES_MAX; i++) {
        if (!counts(&votes[i], except, now_ns))
            continue;
        tally.total++;
        if (lead == 0)
            tally.said = &votes[i].said;
        lead += xord_endpoint_equal(&votes[i].said, tally.said) ? 1 : UINT32_MAX;
    }
    for (uint32_t i = 0; tally.said && i < XORD_VOTES_MAX; i++)
        tally.cnt += counts(&votes[i], except, now_ns) && xord_endpoint_equal(&votes[i].said, tally.said);
    return tally;
}

/* With more than half behind the winner, a runner-up with more than half as many would have more than half of the rest:
 * so the rest's majority candidate is the only one to look at. */
static bool is_clear(const struct xord_vote *votes, const struct tally *tally, uint64_t now_ns)
{
    struct tally rest;

    if (tally->cnt < XORD_VOTES_MIN || tally->cnt * 2 <= tally->total)
        return false;
    rest = tally_votes(votes, tally->said, now_ns);
    return rest.cnt * 2 <= tally->cnt;
}

bool xord_votes_decide(struct xord_votes *votes, struct xord_endpoint *winner, bool v4,
        const struct xord_endpoint *current, uint64_t now_ns)
{
    unsigned family = v4 ? 0 : 1;
    struct tally tally;

    if (votes->ever_changed[family] && now_ns - votes->changed_ns[family] < XORD_VOTES_COOLDOWN_NS)
        return false;
    tally = tally_votes(votes->votes[family], NULL, now_ns);
    if (!tally.said || (current && xord_endpoint_equal(tally.said, current)))
        return false;
    if (!is_clear(votes->votes[family], &tally, now_ns))
        return false;
    *winner = *tally.said;
    votes->changed_ns[family] = now_ns;
    votes->ever_changed[family] = true;
    return true;
}
