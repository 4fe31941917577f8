/* SPDX-License-Identifier: BSD-3-Clause */
/* Who takes part when a node is fuzzed: the node with two identities, a host with a table and one that answers out of a
 * directory, all capacities small; three puppets, in a private network, at a public IPv4 and at a public IPv6 address;
 * records of nodes that are nowhere.
 *
 * What holds whatever happens: whoever has not shaken hands gets no more bytes of challenges than it has sent, besides
 * probes of fixed size and a handshake a challenge; there are no more handshakes than requests; every request and lookup
 * ends, with one DONE; nothing exceeds its capacity; each mail is freed and each packet has a packet's size (world.c).
 * Threading: one. Memory: freed by stage_free, but for what all runs share. */
#pragma once

#include "fuzz_target.h"
#include "puppet.h"

#define STAGE_PEERS  3
#define STAGE_PORTS  16 /* that a puppet may send from */
#define STAGE_POOL   24
#define STAGE_ASKED  4
#define STAGE_ORDERS 256

enum stage_option { OPT_SHARDS = 1, OPT_MAINTAIN = 2, OPT_LEARN = 4, OPT_BOOTNODES = 8 };

/* A request of the node's that a puppet has read. */
struct asked {
    enum xord_message_type type;
    struct xord_request_id id;
    struct xord_peer from;
};

/* What went between the node and an endpoint. */
struct budget {
    uint64_t received, challenged;         /* bytes that the node got; that it sent as challenges */
    uint32_t whoareyou_cnt, handshake_cnt; /* that the node got; that it sent */
    bool is_trusted;                       /* a handshake may have been completed: there is no budget any more */
};

struct peer {
    struct puppet *puppet;
    struct xord_peer to;             /* who answered last, or whom it talks to */
    struct puppet_packet challenge;  /* the last received */
    uint8_t nonce12[XORD_NONCE_LEN]; /* of the last packet but challenges */
    struct asked asked[STAGE_ASKED];
    uint32_t asked_cnt;
    struct budget budgets[STAGE_PORTS];
};

struct stage {
    struct world *world;
    struct member *member;
    struct peer peers[STAGE_PEERS];
    struct xord_enr bootnodes[2];
    uint64_t handshake_cnt; /* sent by the node to puppets */
    uint32_t order_cnt;     /* requests and lookups ordered; their cookies count from 0 */
};

void stage_new(struct stage *stage, uint8_t options);
void stage_free(struct stage *stage);

/* The records of nobody's, the puppets', the node's own. */
const struct xord_enr *stage_record(const struct stage *stage, uint8_t n);
/* A puppet, somebody who is not there, or the node itself. */
struct xord_peer stage_peer(const struct stage *stage, uint8_t n);

/* The peer turns to an identity of the node. */
void stage_talk_to(const struct stage *stage, struct peer *peer, uint32_t local);

/* The peer sends from another port. What is under way to the old one is lost. */
void stage_move(struct peer *peer, uint8_t port);

/* Of the endpoint that the peer sends from. */
struct budget *stage_budget(struct peer *peer);

/* Returns how many requests are open. */
uint32_t stage_check(const struct stage *stage);
/* Lets time pass until all has come to an end. */
void stage_check_ends(struct stage *stage);
