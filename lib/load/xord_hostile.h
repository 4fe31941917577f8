/* SPDX-License-Identifier: BSD-3-Clause */
/* Hostile traffic, as raw datagrams made by our codecs: nothing of it goes through a shard.
 *
 *   junk             random bytes, 63 to 1,280
 *   whoareyou-flood  challenges that answer nothing
 *   bad-signature    handshakes for true challenges, whose signature is none
 *   replay           a handshake and a PING that were valid once, again and again
 *   spoofed          messages in the names, and where the port can from the addresses, of strangers; each is to be challenged
 *   oversize         well-formed heads with more behind them than a packet may hold, 1,281 to 1,400 bytes
 *   slow-handshake   challenges collected and answered, validly, just before they expire
 *
 * Threading: one owner. Memory: all of it by new; about 2.8 KB a target. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_node.h"
#include "xord_schedule.h"
#include "xord_tally.h"

enum xord_hostile_kind {
    XORD_HOSTILE_JUNK,
    XORD_HOSTILE_WHOAREYOU,
    XORD_HOSTILE_SIGNATURE,
    XORD_HOSTILE_REPLAY,
    XORD_HOSTILE_SPOOFED,
    XORD_HOSTILE_OVERSIZE,
    XORD_HOSTILE_SLOW,
    XORD_HOSTILE_KINDS,
};

extern const char *const xord_hostile_names[XORD_HOSTILE_KINDS];

struct xord_hostile_config {
    enum xord_hostile_kind kind;
    struct xord_schedule schedule; /* of datagrams */
    const struct xord_aes_ops *aes_ops;
    const struct xord_curve *curve;
    const struct xord_locals *locals;
    uint32_t target_cnt;        /* >= 1; each is set before the first turn */
    uint8_t source_ip16[16];    /* spoofed: addresses to send from, */
    uint32_t source_prefix_len; /* of 128 bits; 0: only our own */
    uint8_t seed32[32];
};

struct xord_hostile;

/* NULL when out of memory. */
struct xord_hostile *xord_hostile_new(const struct xord_hostile_config *config);
void xord_hostile_free(struct xord_hostile *hostile);

/* Target i: a peer, and the identity that talks to it. */
void xord_hostile_set_target(struct xord_hostile *hostile, uint32_t i, uint32_t local, const struct xord_peer *peer);

/* Sends what is due, a burst at most. True: there was something. */
bool xord_hostile_turn(struct xord_hostile *hostile, const struct xord_node_io *io, uint64_t now_ns);
uint64_t xord_hostile_next_ns(const struct xord_hostile *hostile);

/* Takes in a datagram, which it unmasks in place; always true, for it is nobody else's. */
bool xord_hostile_rx(struct xord_hostile *hostile, struct xord_dgram *dgram, uint64_t now_ns);

bool xord_hostile_is_over(const struct xord_hostile *hostile, uint64_t now_ns);
void xord_hostile_stop(struct xord_hostile *hostile);
void xord_hostile_set_tally(struct xord_hostile *hostile, struct xord_tally *tally);
