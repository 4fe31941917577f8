/* SPDX-License-Identifier: BSD-3-Clause */
/* A load generator for one worker: says which request is due, and keeps account of what became of each. It sends nothing
 * itself and knows no protocol, so it runs in virtual time as on a wire.
 *
 * Open loop: requests are due by a schedule that no answer, and no lack of one, changes. What was due while nothing could be
 * sent (all slots in flight) is sent later; latency always counts from the time when a request was due. So a target that
 * stalls for a second shows that second in the latencies of all requests that fell into it (no coordinated omission).
 * Closed loop: `window` requests are in flight, the next one is due when one has ended.
 *
 * A pair is a local identity and a target; requests go round the pairs. A handshake has its pair for itself, since a new
 * session is to be made; if the mix has both, the first quarter of the pairs is for handshakes. One that finds no pair free waits,
 * and nobody with it: in an open loop the other kinds are sent when they are due.
 * Threading: one owner. Memory: all of it by new; nothing allocates afterwards. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_mix.h"
#include "xord_schedule.h"
#include "xord_tally.h"

struct xord_loadgen_config {
    bool closed;                   /* else open */
    uint32_t window;               /* closed: requests in flight */
    struct xord_schedule schedule; /* rate: open loop only; start_ns: set by xord_loadgen_begin */
    struct xord_mix mix;
    bool by_kind;        /* account of each kind, too */
    uint32_t pair_cnt;   /* >= 1 */
    uint32_t slot_cap;   /* requests in flight at most; >= window */
    uint64_t timeout_ns; /* after which whoever sends reports a request as timed out */
    uint64_t late_ns;    /* a request sent so long after it was due, through no fault of the target, is late; 0: 1 ms */
};

/* A request to be sent now; `cookie` names it in xord_loadgen_end. */
struct xord_loadgen_request {
    uint64_t cookie;
    uint32_t pair;
    enum xord_mix_kind kind;
};

struct xord_loadgen;

/* NULL when out of memory. */
struct xord_loadgen *xord_loadgen_new(const struct xord_loadgen_config *config);
void xord_loadgen_free(struct xord_loadgen *gen);

/* From now on requests are due. */
void xord_loadgen_begin(struct xord_loadgen *gen, uint64_t now_ns);

/* The next request that is due and can be sent, false when there is none at this time. */
bool xord_loadgen_next(struct xord_loadgen *gen, struct xord_loadgen_request *request, uint64_t now_ns);

/* When xord_loadgen_next may have something next; UINT64_MAX when only an answer can bring that about. */
uint64_t xord_loadgen_next_ns(const struct xord_loadgen *gen);

/* A request has ended: `err` 0, XORD_ETIMEOUT, or what kept it from being sent. Unknown cookies are ignored. */
void xord_loadgen_end(struct xord_loadgen *gen, uint64_t cookie, int err, bool handshake, uint64_t now_ns);

/* No more requests are due: the duration is over (what is in flight may still be answered). */
bool xord_loadgen_is_over(const struct xord_loadgen *gen, uint64_t now_ns);

/* No request is due any more; what was due and has not been sent is counted as unsent or missed. */
void xord_loadgen_stop(struct xord_loadgen *gen, uint64_t now_ns);

/* What is in flight is given up and counted as timed out. */
void xord_loadgen_give_up(struct xord_loadgen *gen);

uint32_t xord_loadgen_in_flight(const struct xord_loadgen *gen);

/* Where it counts from now on. */
void xord_loadgen_set_tally(struct xord_loadgen *gen, struct xord_tally *tally);
