/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets: masking, static header, the three kinds of authdata. Spec: discv5-wire.md, "Packet Encoding".
 *
 *   packet        = masking-iv 16 || masked(static-header 23 || authdata) || message
 *   static-header = "discv5" 6 || version 2 || flag 1 || nonce 12 || authdata-size 2
 *   authdata      flag 0: src-id 32
 *                 flag 1: id-nonce 16 || enr-seq 8
 *                 flag 2: src-id 32 || sig-size 1 || eph-key-size 1 || signature 64 || key 33 || record or nothing
 *
 * Unmasking is done in place, so that masking-iv || header is at once the AAD of the message and challenge-data.
 * Threading: pure but for `aes`, which belongs to the caller's thread. Memory: borrows the packet. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_aes.h"
#include "xord_bytes.h"
#include "xord_err.h"
#include "xord_identity.h"

#define XORD_PACKET_MIN_LEN     63
#define XORD_PACKET_MAX_LEN     1280
#define XORD_MASKING_IV_LEN     16
#define XORD_STATIC_HEADER_LEN  23
#define XORD_NONCE_LEN          12
#define XORD_PACKET_NONCE_OFF   25 /* masking-iv, protocol id, version, flag */
#define XORD_ID_NONCE_LEN       16
#define XORD_CHALLENGE_DATA_LEN 63 /* masking-iv, static-header and authdata of a WHOAREYOU: all of it, unmasked */
#define XORD_ORDINARY_HEAD_LEN  71 /* masking-iv || header of an ordinary message packet */
#define XORD_HANDSHAKE_HEAD_LEN (16 + 23 + 34 + 64 + 33) /* without record */

enum xord_flag { XORD_FLAG_MESSAGE = 0, XORD_FLAG_WHOAREYOU = 1, XORD_FLAG_HANDSHAKE = 2 };

/* Views into an unmasked packet. */
struct xord_packet {
    enum xord_flag flag;
    uint16_t head_len;    /* masking-iv || header: AAD length */
    uint16_t message_len; /* cipher text with tag; 0 for WHOAREYOU */
    const uint8_t *head;  /* start of the packet */
    const uint8_t *message;
    const uint8_t *nonce12;
    const uint8_t *src_id32;                   /* flags 0 and 2 */
    const uint8_t *id_nonce16;                 /* flag 1 */
    uint64_t enr_seq;                          /* flag 1 */
    const uint8_t *signature64, *eph_pubkey33; /* flag 2 */
    const uint8_t *record;                     /* flag 2; NULL when absent */
    uint16_t record_len;
};

/* The masking key of a destination: its node id's first 16 bytes, expanded. */
static inline void xord_masking_key(const struct xord_aes_ops *ops, struct xord_aes *aes, struct xord_ctr_key *key,
        const uint8_t dest_id32[32])
{
    ops->ctr_expand(aes, key, dest_id32);
}

/* Unmasks the header of `data` in place and fills the views. ESIZE: length outside 63..1280. EPROTO: wrong protocol id
 * or version (not for us, or noise); the packet is then left as it came. EFLAG; ESHORT: authdata runs past the packet;
 * ERANGE: authdata-size (a record above 300 bytes too), sig-size or key-size not the flag's; ESHORT also when a message
 * is shorter than its tag; ETRAIL: bytes after a WHOAREYOU. After an error the views are not to be used. */
XORD_MUST_CHECK int xord_packet_unmask(struct xord_packet *pkt, uint8_t *data, size_t len,
        const struct xord_aes_ops *ops, struct xord_aes *aes, const struct xord_ctr_key *our_key);

/* The same for a burst: `err` becomes what xord_packet_unmask would have returned for each. n <= XORD_UNMASK_BURST. */
#define XORD_UNMASK_BURST 64
struct xord_unmask_job {
    struct xord_packet *pkt;
    uint8_t *data;
    size_t len;
    const struct xord_ctr_key *our_key;
    int err;
};
void xord_packets_unmask(struct xord_unmask_job *jobs, size_t n, const struct xord_aes_ops *ops, struct xord_aes *aes);

/* Writes masking-iv || header, unmasked, to `out` (XORD_ORDINARY_HEAD_LEN, XORD_CHALLENGE_DATA_LEN,
 * XORD_HANDSHAKE_HEAD_LEN + record_len bytes) and returns its length. */
size_t xord_packet_put_ordinary(uint8_t out[XORD_ORDINARY_HEAD_LEN], const uint8_t masking_iv16[16],
        const uint8_t nonce12[12], const uint8_t src_id32[32]);
size_t xord_packet_put_whoareyou(uint8_t out[XORD_CHALLENGE_DATA_LEN], const uint8_t masking_iv16[16],
        const uint8_t request_nonce12[12], const uint8_t id_nonce16[16], uint64_t enr_seq);
size_t xord_packet_put_handshake(uint8_t *out, const uint8_t masking_iv16[16], const uint8_t nonce12[12],
        const uint8_t src_id32[32], const uint8_t signature64[64], const uint8_t eph_pubkey33[33],
        const uint8_t *record, size_t record_len);

/* Masks the header of a finished packet in place, after the message was sealed with the clear header as AAD. */
void xord_packet_mask(uint8_t *data, size_t head_len, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const struct xord_ctr_key *dest_key);

/* The same as a job of a burst, by the destination's raw masking key: its node id's first 16 bytes. */
static inline struct xord_ctr_once_job xord_packet_mask_job(uint8_t *data, size_t head_len,
        const uint8_t mask_key16[16])
{
    return (struct xord_ctr_once_job){
            .key16 = mask_key16,
            .iv16 = data,
            .src = data + XORD_MASKING_IV_LEN,
            .dst = data + XORD_MASKING_IV_LEN,
            .len = (uint32_t)(head_len - XORD_MASKING_IV_LEN),
    };
}

/* ---- handshake computations ---- */

/* initiator_key16 and recipient_key16 from HKDF(salt = challenge-data, ikm = ecdh, info = "discovery v5 key
 * agreement" || id-a || id-b), a being the initiator. `pubkey` and `seckey32` are whichever halves the caller has.
 * XORD_EKEY. */
XORD_MUST_CHECK int xord_handshake_keys(uint8_t initiator_key16[16], uint8_t recipient_key16[16],
        const struct xord_curve *curve, const struct xord_pubkey *pubkey, const uint8_t seckey32[32],
        const uint8_t id_a32[32], const uint8_t id_b32[32], const uint8_t *challenge_data, size_t challenge_data_len);

/* sha256("discovery v5 identity proof" || challenge-data || ephemeral-pubkey || id-b), signed or verified. */
XORD_MUST_CHECK int xord_id_sign(uint8_t sig64[64], const struct xord_curve *curve, const uint8_t seckey32[32],
        const uint8_t *challenge_data, size_t challenge_data_len, const uint8_t eph_pubkey33[33],
        const uint8_t id_b32[32]);
XORD_MUST_CHECK int xord_id_verify(const uint8_t sig64[64], const struct xord_curve *curve,
        const struct xord_pubkey *pubkey, const uint8_t *challenge_data, size_t challenge_data_len,
        const uint8_t eph_pubkey33[33], const uint8_t id_b32[32]);
