/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the engine: mailboxes, snapshots, workers. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "parcels_private.h"
#include "xord_engine.h"
#include "xord_steer.h"

/* ---- rings.c: rte_ring on plain memory, so that no EAL is needed ---- */

/* `cap` is rounded up to a power of two. NULL when out of memory. */
struct rte_ring *ring_new(uint32_t cap, unsigned flags);
/* Hands an object over; false: the ring is full, the object is still the caller's. */
bool ring_give(struct rte_ring *ring, void *object);
/* Takes over at most `max` objects; returns how many. */
unsigned ring_take(struct rte_ring *ring, void **objects, unsigned max);

/* Objects of one size and a ring of those that are free. */
struct pool {
    uint8_t *memory;
    struct rte_ring *ring;
};
int pool_init(struct pool *pool, uint32_t cnt, size_t size);
void pool_free(struct pool *pool);
void *pool_get(struct pool *pool);
void pool_put(struct pool *pool, void *object);

/* ---- snapshots.c ---- */

/* Who may still be reading what one shard has retired. Each shard has its own, since DPDK remembers the newest token that all
 * have passed without ordering: a second writer that relied on it could fill what a reader has only just left. */
struct rte_rcu_qsbr *readers_new(uint16_t worker_cnt);

/* A host's snapshots on one shard: one published, the others retired or spare. The shard writes, all shards read. */
#define SNAPS_A_SHARD 3
struct snapshots {
    _Atomic(struct xord_table_snapshot *) published;
    struct xord_table_snapshot *all[SNAPS_A_SHARD];
    uint64_t retired_at[SNAPS_A_SHARD]; /* RCU token; 0: nobody reads it */
};
int snapshots_init(struct snapshots *snaps);
void snapshots_free(struct snapshots *snaps);
struct xord_table_snapshot *snapshots_take(struct snapshots *snaps, struct rte_rcu_qsbr *readers);
void snapshots_publish(struct snapshots *snaps, struct rte_rcu_qsbr *readers, struct xord_table_snapshot *snap);

/* ---- worker.c ---- */

struct worker {
    _Alignas(64) struct xord_engine *engine;
    struct xord_node *node;
    pthread_t thread;
    bool started;
    uint16_t shard;
    int cpu;                                  /* -1: not pinned */
    struct rte_ring *mailbox;                 /* many senders, this worker receives */
    uint16_t parcels_turn;                    /* whose parcels the next turn begins with */
    struct snapshots *snaps;                  /* one a host */
    struct rte_rcu_qsbr *readers;             /* of this shard's snapshots */
    const struct xord_table_snapshot **views; /* host_cnt rows of worker_cnt */
    void *guest;                              /* NULL: none */
    struct xord_node_io io;                   /* as the shard has it */
    uint64_t now_ns, polled_ns;
    uint64_t seen_ns;        /* when this turn's datagrams were there; kept for a guest only */
    _Atomic uint32_t asleep; /* set by the worker, cleared by whoever wakes it */
    _Atomic uint32_t sessions, requests, lane, table, table_live; /* written by the worker, read by control */
    _Atomic uint64_t turned_ns;                                   /* the same; as of a millisecond ago */
};

struct xord_engine {
    struct xord_engine_config cfg;
    struct worker *workers;
    struct pool mails;
    struct parcels *parcels;            /* from worker f to worker t: [f * worker_cnt + t]; NULL: one worker */
    struct rte_ring *control;           /* mail for control */
    struct xord_mail *held, **held_end; /* what came while control waited for something else */
    uint64_t list_cookie;               /* of the last LIST */
    int control_fd;                     /* eventfd: there is mail for control */
    _Atomic uint32_t control_asleep;
    _Atomic bool stop;
};

/* ---- control.c ---- */

bool control_has_mail(const struct xord_engine *engine);
/* Takes what was held back; returns how many. */
uint32_t control_take_held(struct xord_engine *engine, struct xord_mail **mails, uint32_t max);

/* xord_engine_start without threads: what the workers do is the caller's business. xord_engine_stop frees it. */
struct xord_engine *engine_new(const struct xord_engine_config *config, char err[XORD_PORT_ERR_LEN]);

int worker_init(struct xord_engine *engine, struct worker *worker, uint16_t shard);
void worker_free(struct worker *worker);
void *worker_main(void *arg);
/* What worker_main does for ever, by hand: begin once, turn as often as wanted (true: there was something to do), end. All by
 * one thread. */
void worker_begin(struct worker *worker);
bool worker_turn(struct worker *worker);
void worker_end(struct worker *worker);
void worker_wake(struct worker *worker);
/* Have the others handed it something over? By the worker. */
bool worker_has_parcels(const struct worker *worker);
/* Puts a mail into a shard's or control's box; false: full. */
bool engine_deliver(struct xord_engine *engine, uint16_t to, struct xord_mail *mail);
