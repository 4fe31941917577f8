/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshake computations in both directions. */
#include "xord_handshake.h"

static int ephemeral_key(uint8_t seckey32[32], uint8_t pubkey33[33], const struct xord_curve *curve,
        struct xord_rng *rng)
{
    int err = XORD_EKEY;

    /* A random string is no valid key once in 2^128 draws; a second draw then serves. */
    for (int i = 0; i < 2 && err; i++) {
        xord_rng_fill(rng, seckey32, 32);
        err = xord_pubkey_from_seckey(curve, pubkey33, seckey32);
    }
    return err;
}

int xord_handshake_answer(struct xord_session_keys *keys, uint8_t *head, size_t *head_len,
        const struct xord_curve *curve, const struct xord_self *self, const uint8_t peer_id32[32],
        const uint8_t peer_pubkey33[33], const struct xord_packet *whoareyou, const uint8_t nonce12[12],
        struct xord_rng *rng)
{
    uint8_t eph_seckey32[32], eph_pubkey33[33], sig64[64], iv16[16];
    bool send_record = whoareyou->enr_seq < self->enr->seq;
    int err;

    err = ephemeral_key(eph_seckey32, eph_pubkey33, curve, rng);
    if (!err)
        err = xord_handshake_keys(keys->write_key16, keys->read_key16, curve, peer_pubkey33, eph_seckey32, self->id32,
                peer_id32, whoareyou->head, whoareyou->head_len);
    xord_wipe(eph_seckey32, sizeof(eph_seckey32));
    if (!err)
        err = xord_id_sign(sig64, curve, self->seckey32, whoareyou->head, whoareyou->head_len, eph_pubkey33, peer_id32);
    if (err)
        return err;
    xord_rng_fill(rng, iv16, sizeof(iv16));
    *head_len = xord_packet_put_handshake(head, iv16, nonce12, self->id32, sig64, eph_pubkey33,
            send_record ? self->enr->raw : NULL, send_record ? self->enr->len : 0);
    return 0;
}

int xord_handshake_accept(struct xord_session_keys *keys, const struct xord_curve *curve, const struct xord_self *self,
        const struct xord_packet *handshake, const uint8_t peer_pubkey33[33],
        const uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN])
{
    int err;

    err = xord_id_verify(handshake->signature64, curve, peer_pubkey33, challenge_data, XORD_CHALLENGE_DATA_LEN,
            handshake->eph_pubkey33, self->id32);
    if (err)
        return err;
    return xord_handshake_keys(keys->read_key16, keys->write_key16, curve, handshake->eph_pubkey33, self->seckey32,
            handshake->src_id32, self->id32, challenge_data, XORD_CHALLENGE_DATA_LEN);
}
