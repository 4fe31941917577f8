/* SPDX-License-Identifier: BSD-3-Clause */
/* One shard of a discv5 node: datagrams and mail in, datagrams and mail out, given `now_ns` and a seed. No I/O, no clock,
 * no thread, so the same code runs on a NIC, in a fuzzer and in virtual time.
 * Spec: discv5-wire.md, discv5-theory.md.
 *
 * A shard serves many local identities. The first `host_cnt` of them are hosts: they keep a routing table, vote on their
 * endpoint, update their record and run lookups. The others answer out of the directory (test networks).
 *
 * Within a burst one stage runs over all packets before the next; handshakes and record signatures wait in the handshake
 * lane, a bounded queue from which xord_node_work takes a bounded amount: replies to our own requests first, then peers we know,
 * then strangers.
 * Threading: one owner; `counters` may be read by others. Memory: all of it by new; nothing allocates afterwards. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_clock.h"
#include "xord_counter.h"
#include "xord_crowd.h"
#include "xord_directory.h"
#include "xord_timing.h"
#include "xord_limit.h"
#include "xord_local.h"
#include "xord_mail.h"
#include "xord_table.h"

#define XORD_BURST_MAX 64
#define XORD_TX_ROOM   1400 /* bytes of a datagram to send; more than a packet, for those who test how others take that */

/* A datagram taken in. `data` is unmasked in place; with a `buf`, which is the caller's handle of the memory, an answer may be
 * built over it: the shard then sets `buf` to NULL, and the memory must hold XORD_PACKET_MAX_LEN bytes from `data` on. */
struct xord_dgram {
    uint8_t *data;
    void *buf;
    uint16_t len;
    uint32_t local; /* the identity that its destination selects */
    struct xord_endpoint peer;
    struct xord_endpoint dst; /* where it was sent to; replies leave from here */
};

/* A datagram going out. */
struct xord_tx {
    uint8_t *data;
    void *buf; /* of tx_alloc, or of the datagram that it answers and stands in */
    uint16_t len;
    struct xord_endpoint
            src; /* where the datagram answered was sent to, or the identity's endpoint as bound, whose address may
                               * be unspecified: the port then chooses */
    struct xord_endpoint dst;
};

/* What a shard needs of the world around it. Every function is called from within a call of the owner. */
struct xord_node_io {
    void *ctx;
    /* Sets tx->data and tx->buf: room for one datagram of XORD_TX_ROOM bytes. False: the port is full, the datagram
     * is dropped, counted. At most XORD_BURST_MAX are allocated before the next tx_send; what that does not send is the
     * port's again. */
    bool (*tx_alloc)(void *ctx, struct xord_tx *tx);
    void (*tx_send)(void *ctx, const struct xord_tx *txs, size_t cnt);
    /* The shard that owns (local identity, endpoint). */
    uint16_t (*shard_of)(void *ctx, uint32_t local, const struct xord_endpoint *ep);
    /* A mail to fill in, or NULL: dropped, counted. */
    struct xord_mail *(*mail_alloc)(void *ctx);
    void (*mail_send)(void *ctx, uint16_t to, struct xord_mail *mail);
    void (*mail_free)(void *ctx, struct xord_mail *mail);
    /* The snapshots of a host's table over all shards, valid until the call of the owner returns. */
    void (*view)(void *ctx, uint32_t host, struct xord_table_view *view);
    /* A snapshot that nobody reads any more, or NULL: later. */
    struct xord_table_snapshot *(*snap_take)(void *ctx, uint32_t host);
    void (*snap_publish)(void *ctx, uint32_t host, struct xord_table_snapshot *snap);
};

/* Answers TALKREQ of one protocol: writes at most `cap` bytes to `out`, returns how many. Runs on the packet path. */
struct xord_talk_handler {
    const char *protocol; /* bytes up to the NUL */
    size_t (*respond)(void *ctx, uint8_t *out, size_t cap, const uint8_t from_id32[32], const uint8_t *request,
            size_t request_len);
    void *ctx;
};

struct xord_node_config {
    uint16_t shard, shard_cnt;
    const struct xord_aes_ops *aes_ops;
    const struct xord_curve *curve;
    const struct xord_locals *locals;
    uint32_t host_cnt;
    const struct xord_directory *directory; /* NULL: none */
    struct xord_crowd *crowd; /* whose locals these are, or NULL; their records and answers are then the crowd's */
    bool tell_newcomers; /* XORD_MAIL_OFFER to control: who has shaken hands with the crowd from where its record says */
    uint8_t seed32[32];
    uint32_t session_cap;   /* 0: 65,536 */
    uint32_t challenge_cap; /* 0: 65,536 */
    uint32_t request_cap;   /* own requests at a time; 0: 4,096 */
    uint32_t record_cap;    /* verified records remembered; 0: 65,536 */
    uint32_t lane_cap; /* slow jobs waiting for each class of peers, eight times that for our own requests; 0: 256 */
    uint32_t lane_operations;      /* of the curve, a turn: signatures, key agreements, key pairs; at least 3; 0: 4 */
    uint32_t ephemeral_cap;        /* key pairs made ahead for handshakes of our own; 0: 256 */
    uint64_t request_timeout_ns;   /* 0: 500 ms */
    uint64_t handshake_timeout_ns; /* 0: 1 s; also a challenge's life */
    const struct xord_talk_handler *talk_handlers;
    uint32_t talk_handler_cnt;
    struct xord_limit_config limits;  /* of what comes in, by source; zero: none */
    const struct xord_enr *bootnodes; /* verified; borrowed */
    uint32_t bootnode_cnt;
    bool maintain; /* hosts join the network and refresh their tables by lookups */
    bool learn_endpoint; /* hosts put into their record what a majority of peers says their endpoint is, but for what is fixed */
    struct xord_node_io io;
};

struct xord_node;

/* NULL when out of memory. */
struct xord_node *xord_node_new(const struct xord_node_config *config, uint64_t now_ns);
void xord_node_free(struct xord_node *node);

/* Takes in at most XORD_BURST_MAX datagrams. What is slow waits for xord_node_work. */
void xord_node_rx(struct xord_node *node, struct xord_dgram *burst, size_t cnt, uint64_t now_ns);

/* Takes in one mail; the caller keeps (and recycles) it. */
void xord_node_mail(struct xord_node *node, const struct xord_mail *mail, uint64_t now_ns);

/* What has come in since the last turn of whoever drives the shard. */
enum xord_load {
    XORD_LOAD_NONE,
    XORD_LOAD_SOME, /* and as far as is known nothing more waits */
    XORD_LOAD_FULL, /* as much as a turn takes, or more is known to wait */
};

/* Slow work: `lane_operations` of the curve, or as many as take an eighth of the time since the last turn, if that is more, up
 * to three times `lane_operations`. First the handshake lane; when that is empty and nothing came, key pairs for handshakes to
 * come. Under full load there is none for a millisecond, and from then on only for that eighth of the time, so that neither
 * traffic nor handshakes starve while there is more of both than can be served. To be called once a turn, after what came was
 * answered. */
void xord_node_work(struct xord_node *node, enum xord_load load, uint64_t now_ns);
/* What that call took by the caller's clock: from this the node knows what an operation takes here. */
void xord_node_work_took(struct xord_node *node, uint64_t took_ns);
/* Is there any for a turn of such load? */
bool xord_node_has_work(const struct xord_node *node, enum xord_load load);

/* Drops the session with a peer, if there is one: the next request to it makes a handshake. */
void xord_node_forget(struct xord_node *node, uint32_t local, const struct xord_peer *peer);

/* Timers, liveness, snapshots, lookups: a bounded amount of each. */
void xord_node_poll(struct xord_node *node, uint64_t now_ns);

/* When poll has something to do next; at most `now_ns` when it has right now. */
uint64_t xord_node_next_ns(const struct xord_node *node);

const struct xord_counters *xord_node_counters(const struct xord_node *node);

/* The engine counts into the same set. */
struct xord_counters *xord_node_counters_mut(struct xord_node *node);

const struct xord_timing *xord_node_timing(const struct xord_node *node, enum xord_timing_id id);
struct xord_timing *xord_node_timing_mut(struct xord_node *node, enum xord_timing_id id);

/* A local identity's record as this shard knows it; not for those of a crowd. */
const struct xord_enr *xord_node_enr(const struct xord_node *node, uint32_t local);

/* Sizes for status displays; owner only. */
struct xord_node_sizes {
    uint32_t sessions, requests, lane, table, table_live;
};
void xord_node_sizes(const struct xord_node *node, struct xord_node_sizes *sizes);
