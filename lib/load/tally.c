/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums. */
#include <math.h>
#include <string.h>

#include "xord_tally.h"

void xord_tally_reset(struct xord_tally *tally)
{
    memset(tally, 0, sizeof(*tally));
    tally->latency.min = UINT64_MAX;
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        tally->kinds[kind].latency.min = UINT64_MAX;
}

static void kind_add(struct xord_tally_kind *into, const struct xord_tally_kind *kind)
{
    if (kind->sent + kind->answered + kind->lost == 0)
        return;
    into->sent += kind->sent;
    into->answered += kind->answered;
    into->handshakes += kind->handshakes;
    into->lost += kind->lost;
    xord_histogram_add(&into->latency, &kind->latency);
}

void xord_tally_add(struct xord_tally *into, const struct xord_tally *tally)
{
    into->sent += tally->sent;
    into->answered += tally->answered;
    into->timeouts += tally->timeouts;
    into->refused += tally->refused;
    into->unsent += tally->unsent;
    into->missed += tally->missed;
    into->handshakes += tally->handshakes;
    into->held += tally->held;
    into->late += tally->late;
    into->starved += tally->starved;
    into->pair_turns += tally->pair_turns;
    into->pair_busy_ns += tally->pair_busy_ns;
    into->replies += tally->replies;
    if (tally->late_max_ns > into->late_max_ns)
        into->late_max_ns = tally->late_max_ns;
    xord_histogram_add(&into->latency, &tally->latency);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        kind_add(&into->kinds[kind], &tally->kinds[kind]);
}

uint32_t xord_tally_pairs_needed(const struct xord_tally *tally, double rate)
{
    double busy_s = tally->pair_turns ? (double)tally->pair_busy_ns / 1e9 / (double)tally->pair_turns : 0;
    double pairs = ceil(1.5 * rate * busy_s + 1);

    return pairs < UINT32_MAX ? (uint32_t)pairs : UINT32_MAX;
}

double xord_tally_loss(const struct xord_tally *tally)
{
    uint64_t lost = tally->timeouts + tally->refused + tally->unsent, all = lost + tally->answered;

    return all ? (double)lost / (double)all : 0;
}
