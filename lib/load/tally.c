/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums. */
#include "xord_tally.h"

void xord_tally_reset(struct xord_tally *tally)
{
    *tally = (struct xord_tally){.latency.min = UINT64_MAX};
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
    into->replies += tally->replies;
    if (tally->late_max_ns > into->late_max_ns)
        into->late_max_ns = tally->late_max_ns;
    xord_histogram_add(&into->latency, &tally->latency);
}

double xord_tally_loss(const struct xord_tally *tally)
{
    uint64_t lost = tally->timeouts + tally->refused + tally->unsent, all = lost + tally->answered;

    return all ? (double)lost / (double)all : 0;
}
