/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of the requests of a stretch of time.
 * Threading: one owner. Memory: by value, about 1.3 MB: none for a stack. */
#pragma once

#include "xord_histogram.h"
#include "xord_mix.h"

/* Of one kind of a mix. */
struct xord_tally_kind {
    uint64_t sent, answered, handshakes;
    uint64_t lost; /* timed out, refused, unsent */
    struct xord_histogram latency;
};

struct xord_tally {
    uint64_t sent;
    uint64_t answered;
    uint64_t timeouts;
    uint64_t refused;    /* that our own side could not send */
    uint64_t unsent;     /* due, but held (below) until the end, or until it would have timed out: lost */
    uint64_t missed;     /* due, but not sent before the end because the generator was behind: nobody's loss */
    uint64_t handshakes; /* that answers needed */
    uint64_t held;       /* sent late because all slots were in flight: the target's doing */
    uint64_t late;       /* sent late though a slot was free: the generator's doing */
    uint64_t late_max_ns;
    uint64_t starved;      /* handshakes that were sent late, or not at all, because all pairs for them were in use */
    uint64_t pair_turns;   /* handshakes that ended, */
    uint64_t pair_busy_ns; /* and for how long in all they had a pair to themselves */
    uint64_t replies;      /* datagrams that came back to a hostile sender */
    struct xord_histogram latency;                /* of what was answered, in ns, from when it was due */
    struct xord_tally_kind kinds[XORD_MIX_KINDS]; /* the same by kind, where that was asked for */
};

void xord_tally_reset(struct xord_tally *tally);
void xord_tally_add(struct xord_tally *into, const struct xord_tally *tally);

/* Share of all requests that ended which were not answered, 0 .. 1; 0 when none ended. */
double xord_tally_loss(const struct xord_tally *tally);

/* How many pairs handshakes need so that none has to wait for one, with half as many to spare: as many as are in use at a time
 * when `rate` a second take as long as these did. */
uint32_t xord_tally_pairs_needed(const struct xord_tally *tally, double rate);
