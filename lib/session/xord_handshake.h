/* SPDX-License-Identifier: BSD-3-Clause */
/* The two costly halves of a handshake, as pure computations. Spec: discv5-theory.md, "Handshake Steps" 3 and 4.
 * Threading: pure. Memory: caller's buffers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_enr.h"
#include "xord_ephemeral.h"
#include "xord_err.h"
#include "xord_packet.h"

/* Keys as the holder uses them: `write` seals what it sends. */
struct xord_session_keys {
    uint8_t read_key16[16];
    uint8_t write_key16[16];
};

/* Our side of a handshake: who we are. */
struct xord_self {
    const uint8_t *id32;
    const uint8_t *seckey32;
    const struct xord_enr *enr;
};

/* A challenge came: makes the keys, and masking-iv || header of the handshake packet, with our record when the challenger
 * knows an older one or none. `eph` is fresh and the caller's to wipe; `nonce12` and `iv16` are random. `head` holds
 * XORD_HANDSHAKE_HEAD_LEN + 300 bytes. XORD_EKEY when a secret key is none. */
XORD_MUST_CHECK int xord_handshake_answer(struct xord_session_keys *keys, uint8_t *head, size_t *head_len,
        const struct xord_curve *curve, const struct xord_self *self, const uint8_t peer_id32[32],
        const struct xord_pubkey *peer_key, const struct xord_packet *whoareyou, const struct xord_ephemeral *eph,
        const uint8_t nonce12[12], const uint8_t iv16[16]);

/* A handshake packet came: checks the id signature with the peer's key and derives the keys. The message is still to be
 * opened with keys->read_key16; only then is the handshake verified. XORD_ESIG; XORD_EKEY when the ephemeral key is no
 * point. */
XORD_MUST_CHECK int xord_handshake_accept(struct xord_session_keys *keys, const struct xord_curve *curve,
        const struct xord_self *self, const struct xord_packet *handshake, const struct xord_pubkey *peer_key,
        const uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN]);
