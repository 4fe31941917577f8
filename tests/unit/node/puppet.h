/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer that does what a test tells it, packet by packet: it builds, sends, receives and opens with the wire and session
 * layers, but has no logic of its own. One session at a time.
 * Threading: one. Memory: freed by world_free, or before. */
#pragma once

#include "world.h"
#include "xord_handshake.h"

#define PUPPET_INBOX 256

struct puppet {
    struct world_listener listener; /* first: its endpoint is where the puppet is */
    struct world *world;
    uint8_t seckey32[32];
    struct xord_enr enr;
    struct xord_ctr_key mask_key;
    struct world_packet *inbox[PUPPET_INBOX]; /* oldest first */
    uint32_t inbox_cnt;
    struct xord_session_keys keys;
    uint32_t sent_cnt;
    uint8_t challenge[XORD_CHALLENGE_DATA_LEN]; /* the last that it sent */
};

/* A packet taken out of the inbox; views into `data`. */
struct puppet_packet {
    struct xord_endpoint src, dst;
    struct xord_packet pkt;
    uint16_t len;
    uint8_t data[XORD_PACKET_MAX_LEN];
};

/* A message taken out of the inbox; views into `plain`. */
struct puppet_message {
    struct xord_message msg;
    size_t len;
    uint8_t plain[XORD_PACKET_MAX_LEN];
};

struct puppet *puppet_new(struct world *world, const char *ip, uint16_t port);
/* With a node id at a log distance from another id; distances near 256 are quick to find. */
struct puppet *puppet_new_at(struct world *world, const char *ip, uint16_t port, const uint8_t id32[32],
        unsigned distance);
/* Nobody listens there any more. */
void puppet_free(struct puppet *puppet);
struct xord_peer puppet_peer(const struct puppet *puppet);
/* A record of seq and endpoint by a fresh key at a log distance (0: any) from an id. */
struct xord_enr puppet_record(struct world *world, const char *ip, uint16_t port, const uint8_t *id32,
        unsigned distance);
/* Signs its record anew. */
void puppet_set_record(struct puppet *puppet, uint64_t seq, const struct xord_endpoint *ep);

/* The oldest packet of the inbox, unmasked; false when there is none. Aborts when it is not for the puppet. */
bool puppet_take(struct puppet *puppet, struct puppet_packet *out);
/* Forgets the inbox; returns how many packets it held. */
uint32_t puppet_flush(struct puppet *puppet);

/* ---- sending; `to` is the peer, `to->ep` where it goes ---- */

/* A packet whose header stands clear at `data`: masked and sent from the puppet's endpoint. */
void puppet_send(struct puppet *puppet, const struct xord_peer *to, uint8_t *data, size_t head_len, size_t len);
/* An ordinary packet that nobody can open. */
void puppet_send_noise(struct puppet *puppet, const struct xord_peer *to, const uint8_t nonce12[12]);
/* A message under the session. */
void puppet_send_plain(struct puppet *puppet, const struct xord_peer *to, const uint8_t *plain, size_t len);
void puppet_send_message(struct puppet *puppet, const struct xord_peer *to, const struct xord_message *msg);
/* Answers a challenge with a message; takes over the keys. `spoil` is XORed into the last byte of the signature. */
void puppet_send_handshake(struct puppet *puppet, const struct xord_peer *to, const struct puppet_packet *whoareyou,
        const uint8_t *plain, size_t len, uint8_t spoil);
/* A challenge to a packet with that nonce. */
void puppet_send_whoareyou(struct puppet *puppet, const struct xord_peer *to, const uint8_t nonce12[12],
        uint64_t enr_seq);

/* ---- receiving ---- */

/* Opens a packet under the session. */
bool puppet_open(struct puppet *puppet, const struct puppet_packet *packet, struct puppet_message *out);
/* Accepts a handshake packet that answers its challenge; takes over the keys. */
bool puppet_accept(struct puppet *puppet, const struct puppet_packet *packet, const uint8_t pubkey33[33],
        struct puppet_message *out);
/* Takes packets until one opens to a message of that type; false when none does. The others are lost. */
bool puppet_take_message(struct puppet *puppet, enum xord_message_type type, struct puppet_message *out);
/* How many packets of a flag wait. */
uint32_t puppet_count(const struct puppet *puppet, enum xord_flag flag);

/* ---- exchanges, which let 20 ms pass at a time ---- */

/* A session begun by the puppet, by a PING; the PONG is taken. */
void puppet_connect(struct puppet *puppet, const struct xord_peer *to);
/* A session begun by the other side: challenges its packet, accepts its handshake, whose message is left in *out. */
void puppet_let_connect(struct puppet *puppet, const struct xord_peer *from, struct puppet_message *out);
/* A PING, and whether the PONG came. */
bool puppet_ping(struct puppet *puppet, const struct xord_peer *to);
