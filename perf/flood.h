/* SPDX-License-Identifier: BSD-3-Clause */
/* Floods: PINGs of established sessions among ten times as many hostile packets, in the same bursts. flood.c measures, and
 * checks every answer; flood_kinds.c makes the hostile packets and knows what has to become of them.
 * Memory: `struct flood` is large and static. */
#pragma once

#include "rig.h"

#define FLOOD_CLIENTS    64
#define FLOOD_GOOD       64 /* PINGs among the hostile packets of a round */
#define FLOOD_HOSTILE    (10 * FLOOD_GOOD)
#define FLOOD_CHALLENGED 320 /* handshakes of a round that answer an open challenge: more than the lane holds */
#define FLOOD_FRAME_LEN  512

/* A peer with an identity of its own; its address is no client's. */
struct flood_peer {
    uint8_t seckey32[XORD_SECKEY_LEN];
    struct xord_enr enr;
    struct xord_endpoint ep;
};

/* A frame as it went over the wire. */
struct flood_copy {
    uint16_t len;
    uint8_t frame[FLOOD_FRAME_LEN];
};

struct flood {
    struct rig *rig;
    struct xord_node *node;
    uint64_t next_id;                  /* of requests */
    uint32_t stranger_cnt;             /* sources used up */
    uint32_t answer_cnt;               /* to hostile packets, in this round */
    uint64_t before[XORD_COUNTER_CNT]; /* this round */
    struct flood_peer peers[FLOOD_CHALLENGED];
    struct flood_copy copies[FLOOD_HOSTILE];
    uint64_t copies_id;           /* request id of the first */
    bool answered[FLOOD_HOSTILE]; /* copies */
    struct flood_peer guest;      /* has made a handshake; what it sent is the last copy */
    struct xord_session_keys guest_keys;
};

struct flood_kind {
    const char *name;
    const char *what;
    double bound;                         /* cycles a packet; 0: none */
    void (*begin)(struct flood *flood);   /* once; may be NULL, like `prepare` and `end` */
    void (*prepare)(struct flood *flood); /* before a round; not measured */
    void (*make)(struct flood *flood, struct rte_mbuf *frames[FLOOD_HOSTILE]);
    void (*answer)(struct flood *flood,
            const struct rig_reply *reply);   /* something that is no answer to a round's PING */
    void (*check)(const struct flood *flood); /* after a round: has become of all what had to? */
    void (*end)(struct flood *flood);
};

extern const struct flood_kind flood_junk, flood_whoareyou, flood_spoofed, flood_handshake, flood_replay;

/* How much a counter has grown in this round. */
static inline uint64_t flood_count(const struct flood *flood, enum xord_counter_id id)
{
    return xord_counter_get(xord_node_counters(flood->node), id) - flood->before[id];
}
void flood_counts_begin(struct flood *flood);
