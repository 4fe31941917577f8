/* SPDX-License-Identifier: BSD-3-Clause */
/* A network of nodes in one process and in virtual time: each member is a process of one or more shards, every datagram
 * passes a queue that may delay, lose, duplicate and reorder, mail goes between shards and to a control that records it.
 * The same seed gives the same run. Without Criterion, so that the fuzzer drives nodes by it too: what must not happen
 * aborts with a line that says what.
 * Threading: one. Memory: all of it gone after world_free. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "xord_node.h"

#define MS XORD_NS_PER_MS
#define S  XORD_NS_PER_S

#define WORLD_MAX_SHARDS 4
#define WORLD_START_NS   (1000 * S)

#define WORLD_CHECK(condition)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* What the network does to datagrams; parts per thousand. */
struct world_net {
    uint64_t delay_ns;  /* of every datagram; 0: 1 ms */
    uint64_t jitter_ns; /* up to so much more, each its own */
    uint32_t loss_pm;
    uint32_t duplicate_pm;
    uint32_t reorder_pm; /* held back by 20 ms */
};

struct world_packet {
    uint64_t due_ns;
    uint64_t number; /* in the order of sending: packets due at one time keep it */
    struct xord_endpoint src, dst;
    uint16_t len;
    uint8_t data[];
};

/* Looks at a datagram as it is sent; false: it is lost. */
typedef bool (*world_filter)(void *ctx, const struct world_packet *packet);

/* Whoever takes datagrams without being a node. */
struct world_listener {
    struct world_listener *next;
    struct xord_endpoint ep;
    void (*take)(struct world_listener *listener, struct world_packet *packet); /* now owns the packet */
    void (*release)(struct world_listener *listener);                           /* by world_free */
};

struct world {
    uint64_t now_ns;
    struct world_net net;
    world_filter filter;
    void *filter_ctx;
    struct xord_rng rng;
    struct xord_curve *curve;
    struct xord_aes *aes;
    struct member *members;
    struct world_listener *listeners;
    struct world_packet **queue; /* binary heap */
    size_t queue_cnt, queue_cap;
    uint64_t sent_cnt;
    uint64_t unrouted_cnt;
    uint32_t key_cnt;
};

struct world_shard {
    struct member *member;
    struct xord_node *node;
    uint16_t number;
    uint64_t due_ns;             /* as xord_node_next_ns said after the last call */
    uint8_t *tx[XORD_BURST_MAX]; /* allocated since the last tx_send */
    uint32_t tx_cnt;
    struct xord_table_snapshot **snaps; /* two a host */
    struct xord_table_snapshot **published;
    struct xord_mail *mail_head, *mail_tail;
};

struct member_config {
    const char *ip, *ip6; /* of the first identity, the others count up; NULL: no such family */
    uint16_t port;        /* 0: 9000 */
    uint16_t shard_cnt;   /* 0: 1 */
    uint32_t local_cnt;   /* 0: 1 */
    bool no_hosts;        /* else the first identity is one */
    bool no_endpoint;     /* the records name none */
    uint32_t mail_cap;    /* mails alive at a time; 0: no bound */
    struct xord_node_config
            node; /* capacities, timeouts, handlers, bootnodes, directory; small capacities by default */
};

struct member {
    struct member *next;
    struct world *world;
    struct xord_locals *locals; /* the crowd's, if it has one */
    bool has_crowd;
    uint16_t shard_cnt;
    uint32_t host_cnt;
    struct world_shard shards[WORLD_MAX_SHARDS];
    const struct xord_table_snapshot *row[WORLD_MAX_SHARDS];
    struct xord_mail *control; /* newest first */
    uint32_t mail_cap, mail_cnt;
    uint32_t mails_refused; /* for want of room in the pool */
    bool tx_full, no_snaps;
    bool holds_work; /* slow work is the test's to call for */
};

struct world *world_new(uint8_t seed);
void world_free(struct world *world);

/* A valid secret key, a new one each time. */
void world_seckey(struct world *world, uint8_t seckey32[32]);
/* Text to endpoint. */
struct xord_endpoint world_ep(const char *ip, uint16_t port);

struct member *world_add(struct world *world, const struct member_config *config);

/* Puts a datagram on the wire. */
void world_send(struct world *world, const struct xord_endpoint *src, const struct xord_endpoint *dst,
        const uint8_t *data, size_t len);
void world_listen(struct world *world, struct world_listener *listener);

/* Lets time pass: all that is due happens. */
void world_run_until(struct world *world, uint64_t until_ns);
void world_run(struct world *world, uint64_t ns);

/* ---- a member, as its control sees it ---- */

struct xord_node *member_node(struct member *member);                      /* of shard 0 */
struct xord_peer member_peer(const struct member *member, uint32_t local); /* its IPv4 endpoint, else IPv6 */
const struct xord_enr *member_enr(const struct member *member, uint32_t local);
uint64_t member_count(const struct member *member, enum xord_counter_id id); /* over all shards */
uint16_t member_shard_of(const struct member *member, uint32_t local, const struct xord_endpoint *ep);

struct xord_mail *member_mail_new(struct member *member, enum xord_mail_kind kind, uint32_t local, uint64_t cookie);
/* To a shard's mailbox; it is read when time passes. */
void member_post(struct member *member, uint16_t shard, struct xord_mail *mail);
/* A REQUEST to the shard that owns the peer. */
void member_request(struct member *member, struct xord_mail *mail);
void member_ping(struct member *member, uint32_t local, const struct xord_peer *peer, uint64_t cookie);
void member_findnode(struct member *member, uint32_t local, const struct xord_peer *peer, const uint16_t *distances,
        uint16_t distance_cnt, uint64_t cookie);
void member_talk(struct member *member, uint32_t local, const struct xord_peer *peer, const char *protocol,
        const uint8_t *request, uint16_t request_len, uint64_t cookie);

/* What control has been sent: the oldest of a kind with a cookie, or NULL; how many. */
const struct xord_mail *member_reply(const struct member *member, enum xord_mail_kind kind, uint64_t cookie);
uint32_t member_reply_cnt(const struct member *member, enum xord_mail_kind kind, uint64_t cookie);
/* All of it freed. */
void member_forget(struct member *member);
