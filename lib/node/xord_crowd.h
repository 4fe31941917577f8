/* SPDX-License-Identifier: BSD-3-Clause */
/* The crowd of a test network: a million nodes in one process, who they are and how each behaves. All of it follows from a
 * seed and the time: the same seed gives the same network, and whoever asks twice at one time gets the same answer.
 *
 * Number i of the crowd is local identity i. A crowd has no routing tables (see xord_directory.h), and of a node's record it
 * keeps the signature only: the rest is put together from a template, the node's key and its endpoint when somebody asks.
 * Signatures are made on first use, or ahead by xord_crowd_sign.
 *
 * Time: with churn, each node comes to a turn of its own once in a while, at which it leaves, stays or comes back, or moves to
 * another of its addresses with a new record. A record's version counts from 0; its seq is the version + 1.
 * Addresses: nodes go round all /24s of the prefix, so that none is crowded but that of the sybils, which is the last.
 * Newcomers are nodes from elsewhere that whoever runs the crowd has found to be alive: the crowd hands out their records too.
 *
 * Threading: built by one thread; afterwards all functions may be called by several at once, but admit and dismiss by one only. Memory: all of it by new; with
 * the identities less than 1 KB a node. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_directory.h"
#include "xord_local.h"

#define XORD_CROWD_NONE        UINT32_MAX
#define XORD_CROWD_CLASSES     64  /* of records */
#define XORD_CROWD_SYBILS_MAX  250 /* in one /24 */
#define XORD_CROWD_ECLIPSE_MAX 16  /* around the target: as many as a bucket holds */
#define XORD_CROWD_ANSWER      16
#define XORD_CROWD_NEWCOMERS   256 /* at a time */

/* X(NAME, text, what it does) */
#define XORD_CROWD_KINDS_TABLE(X)                                                                                      \
    X(ALIVE, "alive", "answers")                                                                                       \
    X(DEAD, "dead", "is listed by the others, but silent")                                                             \
    X(NAT, "nat", "answers only those it has spoken to")                                                               \
    X(DISTANCE, "distance", "returns records at distances that were not asked for")                                    \
    X(INVALID, "invalid", "returns records whose signatures are wrong")                                                \
    X(TOTALS, "totals", "announces answers of a huge number of packets")                                               \
    X(WHOAREYOU, "whoareyou", "answers every handshake by another WHOAREYOU")                                          \
    X(SYBIL, "sybil", "is one of many in one /24")                                                                     \
    X(ECLIPSE, "eclipse", "sits around one target with others that name only each other")                              \
    X(SLOW, "slow", "answers late, but challenges in time")

enum xord_crowd_kind {
#define X(name, text, does) XORD_CROWD_##name,
    XORD_CROWD_KINDS_TABLE(X)
#undef X
            XORD_CROWD_KIND_CNT
};
#define XORD_CROWD_FIRST_HOSTILE XORD_CROWD_DISTANCE

/* Static strings: the second and third column above. */
const char *xord_crowd_kind_name(enum xord_crowd_kind kind);
const char *xord_crowd_kind_does(enum xord_crowd_kind kind);

/* What the records of a share of the nodes say beside key and endpoint. */
struct xord_crowd_class {
    struct xord_enr_draft draft;
    double share;        /* relative to the others' */
    bool random_attnets; /* `attnets` of the draft is 8 bytes: each node has two bits of its own */
};

struct xord_crowd_config {
    uint32_t node_cnt;
    uint64_t seed;
    uint64_t start_ns; /* of the churn's clock */
    uint8_t ip16[16];  /* the prefix that its addresses are out of */
    uint8_t host_bits; /* that it leaves; at most 32 are used */
    uint16_t udp_port;
    double dead, nat, malicious;            /* shares of all nodes, together below 1 */
    uint32_t hostile;                       /* bit k: enum xord_crowd_kind k takes part; 0: all of them */
    double stale;                           /* share of peers that hand out an old record of a node */
    double churn;                           /* turns of a node a minute */
    const struct xord_crowd_class *classes; /* copied; may be NULL */
    uint32_t class_cnt;
    const struct xord_curve *curve;
    const struct xord_aes_ops *aes_ops;
    struct xord_aes *aes;          /* used by new only */
    struct xord_hash_key hash_key; /* of the locals */
};

struct xord_crowd;

/* How many nodes a prefix has room for, when each has so many addresses. */
uint32_t xord_crowd_room(unsigned host_bits, unsigned addresses);

/* Makes keys, ids and identities: about 5 us a node. `*stop` may become true meanwhile. NULL when it did, when out of memory,
 * or when a class's record would be too large: *err is XORD_ESTATE, XORD_ENOMEM, XORD_ESIZE. */
struct xord_crowd *xord_crowd_new(int *err, const struct xord_crowd_config *config, bool (*stop)(void));
void xord_crowd_free(struct xord_crowd *crowd);

/* The crowd's own; dead nodes have no endpoint. */
const struct xord_locals *xord_crowd_locals(const struct xord_crowd *crowd);
uint32_t xord_crowd_cnt(const struct xord_crowd *crowd);
enum xord_crowd_kind xord_crowd_kind(const struct xord_crowd *crowd, uint32_t i);
uint32_t xord_crowd_kind_cnt(const struct xord_crowd *crowd, enum xord_crowd_kind kind);
/* Of the crowd's class table; 0 without one. */
uint32_t xord_crowd_class(const struct xord_crowd *crowd, uint32_t i);
/* Around which the eclipse nodes sit. */
const uint8_t *xord_crowd_target(const struct xord_crowd *crowd);

/* ---- where a node is ---- */

bool xord_crowd_is_here(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns);
/* Was it away, or elsewhere, at any time from the start on? */
bool xord_crowd_was_away(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns);
uint32_t xord_crowd_version(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns);
struct xord_endpoint xord_crowd_endpoint(const struct xord_crowd *crowd, uint32_t i, uint32_t version);
/* Who has an address now, dead nodes and those that are away or have moved on excepted; XORD_CROWD_NONE: nobody. */
uint32_t xord_crowd_at(const struct xord_crowd *crowd, const struct xord_endpoint *ep, uint64_t now_ns);
/* Whose address that is, whoever is there; XORD_CROWD_NONE: nobody's. */
uint32_t xord_crowd_owner(const struct xord_crowd *crowd, const struct xord_endpoint *ep);

/* ---- records ---- */

/* Writes a record, returns its length. Signs it if nobody has asked for it yet. */
uint16_t xord_crowd_record(struct xord_crowd *crowd, uint8_t raw[XORD_ENR_MAX_LEN], uint32_t i, uint32_t version);
/* The same of now, decoded. */
void xord_crowd_enr(struct xord_crowd *crowd, struct xord_enr *enr, uint32_t i, uint64_t now_ns);
uint64_t xord_crowd_seq(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns);
/* Signs node i's record of now if that has not been done. True: it had to. */
bool xord_crowd_sign(struct xord_crowd *crowd, uint32_t i, uint64_t now_ns);

/* ---- newcomers ---- */

/* Takes in a verified record, in place of an older one of the same node; copied. XORD_EFULL, XORD_ENOMEM. */
XORD_MUST_CHECK int xord_crowd_admit(struct xord_crowd *crowd, const struct xord_enr *enr);
void xord_crowd_dismiss(struct xord_crowd *crowd, const uint8_t id32[32]);

/* ---- behaviour ---- */

struct xord_crowd_answer {
    uint32_t cnt;
    uint64_t total; /* to announce; 0: the truth */
    uint16_t len[XORD_CROWD_ANSWER];
    uint8_t raw[XORD_CROWD_ANSWER][XORD_ENR_MAX_LEN];
};

/* What node i answers to a FINDNODE by `asker_id32`: distances de-duplicated, 1..256; `own`: 0 was among them. */
void xord_crowd_findnode(struct xord_crowd *crowd, struct xord_crowd_answer *answer, uint32_t i,
        const uint16_t *distances, uint32_t distance_cnt, bool own, const uint8_t asker_id32[32], uint64_t now_ns);
