/* SPDX-License-Identifier: BSD-3-Clause */
/* The challenge store: what we remember of a WHOAREYOU that we sent. Spec: discv5-theory.md, "Handshake Steps" 2 and 4.
 *
 * masking-iv and id-nonce are a keyed PRF of (local identity, source id, endpoint, request nonce, time), so an entry of
 * 48 bytes brings the whole packet back: the same peer gets byte-identical challenges as long as one is open.
 * The table is set-associative with a secret hash; an expired entry is simply free, so expiry costs nothing; when a set is
 * full of open challenges the oldest gives way. A failed handshake neither removes the challenge nor may be tried more than
 * XORD_CHALLENGE_ATTEMPTS times.
 * Threading: one owner. Memory: fixed by new. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_clock.h"
#include "xord_hash.h"
#include "xord_packet.h"
#include "xord_session.h"

#define XORD_CHALLENGE_LIFE_NS  (1 * XORD_NS_PER_S)
#define XORD_CHALLENGE_ATTEMPTS 4

struct xord_challenge {
    uint8_t owner16[16]; /* keyed hash of the session key; all zero: never used */
    uint64_t sent_ns;
    uint64_t enr_seq;
    uint8_t request_nonce12[12];
    uint8_t attempts; /* handshakes already tried against it */
    uint8_t waiting;  /* of those, how many the caller has not yet looked into */
    uint8_t behind;   /* messages that the caller keeps until it has */
    uint8_t reserved;
};

struct xord_challenges;

/* Room for at least `capacity` open challenges, rounded up to a power of two. NULL when out of memory. */
struct xord_challenges *xord_challenges_new(uint32_t capacity, uint64_t life_ns, const struct xord_hash_key *hash_key);
void xord_challenges_free(struct xord_challenges *challenges);

/* The open challenge for a peer; NULL when there is none or it has expired. */
struct xord_challenge *xord_challenge_find(struct xord_challenges *challenges, const struct xord_session_key *key,
        uint64_t now_ns);

/* Opens a challenge (none may be open for `key`). Sets *evicted when another open one had to go. */
struct xord_challenge *xord_challenge_open(struct xord_challenges *challenges, const struct xord_session_key *key,
        const uint8_t request_nonce12[12], uint64_t enr_seq, uint64_t now_ns, bool *evicted);

void xord_challenge_close(struct xord_challenges *challenges, struct xord_challenge *challenge);

/* The WHOAREYOU of a challenge, unmasked: at once the packet to mask and send and the challenge-data of the handshake. */
void xord_challenge_data(uint8_t out[XORD_CHALLENGE_DATA_LEN], const struct xord_challenges *challenges,
        const struct xord_challenge *challenge, const struct xord_session_key *key);
