/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine: workers pinned one to a shard, steering, mailboxes, snapshots. The only layer with threads and a clock.
 *
 * Each worker loops over its port queue: take in a burst, hand over what other shards own, feed the shard, send. Cores talk
 * by mail over bounded rings; routing-table snapshots are read under RCU (quiescent states). The control thread - whoever
 * calls these functions - talks to shards only by mail and reads counters.
 * Threading: all functions but the counters' are for one control thread. Memory: allocated by start, nothing after. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_node.h"
#include "xord_port.h"

#define XORD_ENGINE_MAX_WORKERS 64

enum xord_idle { XORD_IDLE_SLEEP, XORD_IDLE_SPIN };

/* A guest lives on a worker beside its shard: a load generator. Each worker has one of its own, and calls it from its loop; it
 * must not block. Mail that asks for replies to XORD_GUEST gets them here. */
struct xord_guest_ops {
    /* Once a turn: may start requests by xord_node_mail and send datagrams by `io`. True: it had something to do. */
    bool (*turn)(void *guest, struct xord_node *node, const struct xord_node_io *io, uint64_t now_ns);
    /* When it wants its next turn at the latest, if nothing comes before. */
    uint64_t (*next_ns)(void *guest);
    /* A reply to one of its requests, at the time at which the datagram was there; may not call the shard. */
    void (*reply)(void *guest, const struct xord_mail *mail, uint64_t now_ns);
    /* A datagram to one of our identities, before the shard has it; true: the shard does not get it. NULL: none wanted. */
    bool (*rx)(void *guest, struct xord_dgram *dgram, uint64_t now_ns);
};

struct xord_engine_config {
    struct xord_port *port; /* open; the engine closes it */
    uint16_t worker_cnt;
    enum xord_idle idle;
    bool last_cpus;                         /* workers that spin take the last CPUs, not the first */
    uint32_t mail_cap;                      /* mails in the pool; 0: 8,192 (2 KB each) */
    const struct xord_guest_ops *guest_ops; /* NULL: no guests */
    void **guests;                          /* one a worker; borrowed */
    struct xord_node_config node;           /* what all shards share; shard, seed and io are filled in */
};

struct xord_engine;

/* Monotonic time, the `now_ns` of everything. */
uint64_t xord_now_ns(void);

/* Starts the workers. NULL on failure; `err` then holds one clear sentence. Takes over the port in either case. */
struct xord_engine *xord_engine_start(const struct xord_engine_config *config, char err[XORD_PORT_ERR_LEN]);

/* Stops the workers and frees everything; mail not yet polled is lost. */
void xord_engine_stop(struct xord_engine *engine);

uint16_t xord_engine_shard_of(const struct xord_engine *engine, uint32_t local, const struct xord_endpoint *ep);

/* ---- mail between control and shards ---- */

/* NULL when the pool is exhausted. */
struct xord_mail *xord_engine_mail_new(struct xord_engine *engine, enum xord_mail_kind kind, uint32_t local,
        uint64_t cookie);
void xord_engine_mail_free(struct xord_engine *engine, struct xord_mail *mail);

/* Gives a mail to a shard. XORD_EFULL: its ring is full, the mail was freed. */
XORD_MUST_CHECK int xord_engine_send(struct xord_engine *engine, uint16_t shard, struct xord_mail *mail);

/* Sends a REQUEST to the shard that owns its peer. */
XORD_MUST_CHECK int xord_engine_request(struct xord_engine *engine, struct xord_mail *mail);

/* Takes mail for control; returns how many. Free each with mail_free. */
uint32_t xord_engine_poll(struct xord_engine *engine, struct xord_mail **mails, uint32_t max);

/* Waits until there is mail for control, a signal comes, or `timeout_ns` has passed. */
void xord_engine_wait(struct xord_engine *engine, uint64_t timeout_ns);
/* The same, and until one of `fd_cnt` (at most XORD_ENGINE_WAIT_FDS) descriptors is ready for its `events`; sets their `revents`. */
#define XORD_ENGINE_WAIT_FDS 14
struct pollfd;
void xord_engine_wait_fds(struct xord_engine *engine, struct pollfd *fds, uint32_t fd_cnt, uint64_t timeout_ns);

/* Sends a copy of a mail that wants no answer (SEED, BAN, LIMITS, DRAIN) to one shard or to every shard, waiting for room where a
 * ring is full. Fill in `local` and what the kind has, the rest is set here. XORD_ETIMEOUT: a shard took nothing for a second. */
XORD_MUST_CHECK int xord_engine_tell(struct xord_engine *engine, uint16_t shard, enum xord_mail_kind kind,
        const struct xord_mail *mail);
XORD_MUST_CHECK int xord_engine_tell_all(struct xord_engine *engine, enum xord_mail_kind kind,
        const struct xord_mail *mail);

/* Calls `visit` with what one shard holds, some at a time; what else comes meanwhile waits for xord_engine_poll. XORD_ETIMEOUT:
 * no answer for a second. */
XORD_MUST_CHECK int xord_engine_list(struct xord_engine *engine, uint16_t shard, enum xord_list what,
        void (*visit)(void *ctx, uint16_t shard, const struct xord_listed *listed), void *ctx);

/* The same in steps: one mail's worth from *pos on, which is 0 at first and XORD_LIST_END at the end. Only nodes whose id begins with
 * `id_digits` hexadecimal digits of `id32`; 0: all. */
struct xord_list_query {
    enum xord_list what;
    uint8_t id_digits;
    uint8_t id32[32];
};
XORD_MUST_CHECK int xord_engine_list_next(struct xord_engine *engine, uint16_t shard,
        const struct xord_list_query *query, uint32_t *pos,
        void (*visit)(void *ctx, uint16_t shard, const struct xord_listed *listed), void *ctx);

/* Ends the sleep of all workers: there is news for their guests. */
void xord_engine_wake(struct xord_engine *engine);

/* ---- what is going on; from any thread ---- */

uint16_t xord_engine_worker_cnt(const struct xord_engine *engine);
/* When a shard last went through its loop, to some milliseconds; also an idle one does so ten times a second. */
uint64_t xord_engine_turned_ns(const struct xord_engine *engine, uint16_t shard);
/* Has the port a link, as far as it knows? */
bool xord_engine_port_is_up(const struct xord_engine *engine);
const struct xord_counters *xord_engine_counters(const struct xord_engine *engine, uint16_t shard);
uint64_t xord_engine_counter_sum(const struct xord_engine *engine, enum xord_counter_id id);
void xord_engine_port_stats(const struct xord_engine *engine, struct xord_port_stats *stats);

const struct xord_timing *xord_engine_timing(const struct xord_engine *engine, uint16_t shard, enum xord_timing_id id);

/* As of a moment ago: of one shard, of all. */
void xord_engine_shard_sizes(const struct xord_engine *engine, uint16_t shard, struct xord_node_sizes *sizes);
void xord_engine_sizes(const struct xord_engine *engine, struct xord_node_sizes *sizes);
