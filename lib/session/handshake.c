/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshake computations in both directions. */
#include "xord_handshake.h"

int xord_handshake_answer(struct xord_session_keys *keys, uint8_t *head, size_t *head_len,
        const struct xord_curve *curve, const struct xord_self *self, const uint8_t peer_id32[32],
        const struct xord_pubkey *peer_key, const struct xord_packet *whoareyou, const struct xord_ephemeral *eph,
        const uint8_t nonce12[12], const uint8_t iv16[16])
{
    bool send_record = whoareyou->enr_seq < self->enr->seq;
    uint8_t sig64[64];
    int err;

    err = xord_handshake_keys(keys->write_key16, keys->read_key16, curve, peer_key, eph->seckey32, self->id32,
            peer_id32, whoareyou->head, whoareyou->head_len);
    if (!err)
        err = xord_id_sign(sig64, curve, self->seckey32, whoareyou->head, whoareyou->head_len, eph->pubkey33,
                peer_id32);
    if (err)
        return err;
    *head_len = xord_packet_put_handshake(head, iv16, nonce12, self->id32, sig64, eph->pubkey33,
            send_record ? self->enr->raw : NULL, send_record ? self->enr->len : 0);
    return 0;
}

int xord_handshake_accept(struct xord_session_keys *keys, const struct xord_curve *curve, const struct xord_self *self,
        const struct xord_packet *handshake, const struct xord_pubkey *peer_key,
        const uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN])
{
    struct xord_pubkey eph_key;
    int err;

    err = xord_id_verify(handshake->signature64, curve, peer_key, challenge_data, XORD_CHALLENGE_DATA_LEN,
            handshake->eph_pubkey33, self->id32);
    if (!err)
        err = xord_pubkey_parse(curve, &eph_key, handshake->eph_pubkey33);
    if (err)
        return err;
    return xord_handshake_keys(keys->read_key16, keys->write_key16, curve, &eph_key, self->seckey32,
            handshake->src_id32, self->id32, challenge_data, XORD_CHALLENGE_DATA_LEN);
}
