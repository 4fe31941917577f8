/* SPDX-License-Identifier: BSD-3-Clause */
/* Guests of a rig: peers with keys and records of their own, who shake hands with the engine in either direction. Each has
 * an address in a /24 of its own, so that IP limits refuse none.
 * Memory: guests_new allocates it. */
#pragma once

#include "rig.h"
#include "xord_handshake.h"

#define GUESTS_MAX 65536

struct guest {
    uint8_t seckey32[XORD_SECKEY_LEN];
    struct xord_enr enr;
    struct xord_endpoint ep;
    struct xord_session_keys keys;
    uint8_t challenge[XORD_CHALLENGE_DATA_LEN]; /* the last that it sent */
};

struct guests {
    struct rig *rig;
    struct xord_pubkey engine_key;
    uint32_t cnt;
    struct guest all[];
};

struct guests *guests_new(struct rig *rig, uint32_t cnt);
void guests_free(struct guests *guests);

/* A packet that nobody can open, to be challenged. */
struct rte_mbuf *guest_noise(struct guests *guests, uint32_t number);

enum guest_said {
    GUEST_OTHER,     /* not to a guest, or a request of the engine's that nobody answers */
    GUEST_HANDSHAKE, /* the guest was challenged: *answer is its handshake with a PING */
    GUEST_PONG,      /* to that PING */
    GUEST_CHALLENGE, /* the engine wants to speak: *answer is the guest's WHOAREYOU */
    GUEST_ANSWER,    /* the engine has shaken hands: *answer is the PONG to its PING */
};

/* What a guest makes of a frame that the engine has sent, which is freed; all that has to verify does. */
enum guest_said guest_hears(struct guests *guests, uint32_t *number, struct rte_mbuf **answer, struct rte_mbuf *frame);
