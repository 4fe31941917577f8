/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake's key derivation and identity proof. Spec: discv5-theory.md, "Handshake Steps".
 *
 *   secret   = ecdh(pubkey, seckey)                  both sides reach it with the halves they hold
 *   kdf-info = "discovery v5 key agreement" || id-a || id-b
 *   initiator-key 16 || recipient-key 16 = HKDF-Expand(HKDF-Extract(challenge-data, secret), kdf-info)
 *   id-proof = sha256("discovery v5 identity proof" || challenge-data || eph-pubkey || id-b) */
#include <string.h>

#include "xord_bytes.h"
#include "xord_hkdf.h"
#include "xord_packet.h"

#define KEYS_LEN ((size_t)2 * XORD_AES_KEY_LEN)

/* Session keys derived from the shared secret: both at once, as HKDF expands them. */
static void derive_keys(uint8_t keys[KEYS_LEN], const uint8_t secret33[XORD_ECDH_LEN], const uint8_t id_a32[32],
        const uint8_t id_b32[32], const uint8_t *challenge_data, size_t challenge_data_len)
{
    static const uint8_t label[] = "discovery v5 key agreement";
    const struct xord_slice info[] = {
            {label, sizeof(label) - 1},
            {id_a32, XORD_ID_LEN},
            {id_b32, XORD_ID_LEN},
    };

    xord_hkdf_sha256(keys, KEYS_LEN, challenge_data, challenge_data_len, secret33, XORD_ECDH_LEN, info, 3);
}

int xord_handshake_keys(uint8_t initiator_key16[16], uint8_t recipient_key16[16], const struct xord_curve *curve,
        const struct xord_pubkey *pubkey, const uint8_t seckey32[32], const uint8_t id_a32[32],
        const uint8_t id_b32[32], const uint8_t *challenge_data, size_t challenge_data_len)
{
    uint8_t secret33[XORD_ECDH_LEN];
    uint8_t keys[KEYS_LEN];
    int err = xord_ecdh(curve, secret33, pubkey, seckey32);

    if (!err) {
        derive_keys(keys, secret33, id_a32, id_b32, challenge_data, challenge_data_len);
        memcpy(initiator_key16, keys, XORD_AES_KEY_LEN);
        memcpy(recipient_key16, keys + XORD_AES_KEY_LEN, XORD_AES_KEY_LEN);
        xord_wipe(keys, sizeof(keys));
    }
    xord_wipe(secret33, sizeof(secret33));
    return err;
}

static void id_proof(uint8_t hash32[32], const uint8_t *challenge_data, size_t challenge_data_len,
        const uint8_t eph_pubkey33[33], const uint8_t id_b32[32])
{
    static const uint8_t label[] = "discovery v5 identity proof";
    const struct xord_slice parts[] = {
            {label, sizeof(label) - 1},
            {challenge_data, challenge_data_len},
            {eph_pubkey33, XORD_PUBKEY_LEN},
            {id_b32, XORD_ID_LEN},
    };

    xord_sha256(hash32, parts, 4);
}

int xord_id_sign(uint8_t sig64[64], const struct xord_curve *curve, const uint8_t seckey32[32],
        const uint8_t *challenge_data, size_t challenge_data_len, const uint8_t eph_pubkey33[33],
        const uint8_t id_b32[32])
{
    uint8_t hash32[32];

    id_proof(hash32, challenge_data, challenge_data_len, eph_pubkey33, id_b32);
    return xord_sign(curve, sig64, hash32, seckey32);
}

int xord_id_verify(const uint8_t sig64[64], const struct xord_curve *curve, const struct xord_pubkey *pubkey,
        const uint8_t *challenge_data, size_t challenge_data_len, const uint8_t eph_pubkey33[33],
        const uint8_t id_b32[32])
{
    uint8_t hash32[32];

    id_proof(hash32, challenge_data, challenge_data_len, eph_pubkey33, id_b32);
    return xord_verify(curve, sig64, hash32, pubkey);
}
