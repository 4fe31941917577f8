/* SPDX-License-Identifier: BSD-3-Clause */
/* Two shards that are alike but for one thing: the first takes in bursts, the second the same packets one at a time. They are
 * given the same script: packets of every kind, good and hostile, own requests, time. They must send the same bytes in the same
 * order, post the same mail, count the same, and hold the same state after every step.
 *
 * The buffers differ on purpose: where an answer may stand in the place of what it answers is drawn for each shard anew, what
 * is behind a packet's end is another pattern, and what was sent is overwritten at once. So whoever reads what it has
 * overwritten, or what is not the packet's, gives itself away.
 *
 * Without Criterion, as the fuzzer writes scripts too: what must not happen aborts with a line that says what.
 * Threading: one. Memory: all of it gone after twins_stop and twins_teardown. */
#pragma once

#include "node_private.h"
#include "world.h"
#include "xord_bytes.h"

#define TWINS_LOCALS  3 /* the first is a host with a table, the others answer out of the directory */
#define TWINS_PEERS   8
#define TWINS_PAST    32 /* packets that may come again in a later burst */
#define TWINS_RAW_MAX 1400

/* The buffer of a datagram. */
struct twins_lent {
    uint8_t *data;
    bool offered, sent;
};

struct twins_log {
    uint8_t *bytes;
    size_t len;
};

struct twin {
    struct xord_node *node;
    struct xord_table_snapshot *snaps[2], *published;
    const struct xord_table_snapshot *row[1];
    struct twins_lent lent[XORD_BURST_MAX];
    uint8_t *tx[XORD_BURST_MAX];
    uint32_t tx_cnt;
    struct twins_log sent, mails;
    uint32_t wants;  /* how often it has asked for a buffer or a mail */
    uint32_t scarce; /* every so many are refused; 0: none */
};

struct twins_packet {
    struct xord_endpoint peer;
    uint32_t local;
    size_t len;
    uint8_t data[TWINS_RAW_MAX];
};

struct twins {
    uint32_t seed;
    uint32_t step;
    struct xord_rd *script; /* what is chosen; NULL: by chance */
    struct xord_rng rng;
    uint64_t now_ns;
    uint64_t cookie;
    struct twin sides[2]; /* [0] takes in bursts, [1] one at a time */
    bool same_buffers;
    bool busy; /* nearly all are requests under sessions, so that a burst is answered by more datagrams than fit at once */
    bool fresh[TWINS_PEERS][TWINS_LOCALS]; /* there are keys of a handshake by that peer, if it comes through */
    uint8_t fresh_key16[TWINS_PEERS][TWINS_LOCALS][16];
    struct twins_packet past[TWINS_PAST];
    uint32_t past_cnt;
};

/* What all cases share: identities, peers, records. */
void twins_setup(void);
void twins_teardown(void);
/* What the shards of all cases that were stopped have counted. */
extern uint64_t twins_totals[XORD_COUNTER_CNT];

/* A case of at most so many steps, each of them a burst and what is around it; it ends with its script. */
void twins_play(struct twins *twins, uint32_t seed, uint32_t steps, struct xord_rd *script);

/* ---- step by step ---- */

void twins_start(struct twins *twins, uint32_t seed, struct xord_rd *script);
void twins_stop(struct twins *twins);
void twins_compare(struct twins *twins);
/* One of the two; the other is like it. */
struct xord_node *twins_node(struct twins *twins);
struct xord_session_key twins_key(uint32_t peer, uint32_t local);
/* In buffers that answers may be built in. */
void twins_take_in(struct twins *twins, const struct twins_packet *packets, size_t cnt);
/* A message of the peer's to packet->local, sealed and masked. */
void twins_put_message(struct twins *twins, struct twins_packet *packet, uint32_t peer, const uint8_t *key16,
        const uint8_t *plain, size_t len);
/* Read key, write key; NULL: there shall be no session. */
void twins_set_session(struct twins *twins, uint32_t peer, uint32_t local, const uint8_t keys[32], uint32_t sent_cnt);
/* A request of the node's own to the peer is challenged, by a packet built in `whoareyou`, and under way as handshake. */
void twins_begin_handshake(struct twins *twins, uint32_t peer, struct twins_packet *whoareyou);
