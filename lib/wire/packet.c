/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers in and out, masked and clear; the layout stands in xord_packet.h. */
#include "xord_packet.h"

#include <assert.h>
#include <string.h>

#include "xord_enr.h"

#define PROTO_LEN           8 /* protocol id and version */
#define HEAD_FIXED_LEN      (XORD_MASKING_IV_LEN + XORD_STATIC_HEADER_LEN)
#define AUTH_MESSAGE_LEN    32
#define AUTH_WHOAREYOU_LEN  24
#define AUTH_HANDSHAKE_LEN  (XORD_HANDSHAKE_HEAD_LEN - HEAD_FIXED_LEN) /* without record */
#define AUTH_HANDSHAKE_HEAD 34                                         /* src-id, sig-size, eph-key-size */

static const uint8_t proto8[PROTO_LEN] = {'d', 'i', 's', 'c', 'v', '5', 0x00, 0x01};

/* ---- decoding ---- */

/* Is authdata-size one that the flag allows? */
static int auth_len_check(uint8_t flag, size_t auth_len)
{
    switch (flag) {
    case XORD_FLAG_MESSAGE:
        return auth_len == AUTH_MESSAGE_LEN ? 0 : XORD_ERANGE;
    case XORD_FLAG_WHOAREYOU:
        return auth_len == AUTH_WHOAREYOU_LEN ? 0 : XORD_ERANGE;
    case XORD_FLAG_HANDSHAKE:
        return auth_len >= AUTH_HANDSHAKE_LEN && auth_len <= AUTH_HANDSHAKE_LEN + XORD_ENR_MAX_LEN ? 0 : XORD_ERANGE;
    default:
        return XORD_EFLAG;
    }
}

/* What follows the header: nothing in a WHOAREYOU, at least a tag in the others. */
static int message_len_check(uint8_t flag, size_t message_len)
{
    if (flag == XORD_FLAG_WHOAREYOU)
        return message_len == 0 ? 0 : XORD_ETRAIL;
    return message_len >= XORD_GCM_TAG_LEN ? 0 : XORD_ESHORT;
}

static int static_header_check(const uint8_t *header, size_t len)
{
    size_t auth_len = xord_load_be16(header + 21);
    int err;

    if (memcmp(header, proto8, PROTO_LEN) != 0)
        return XORD_EPROTO;
    err = auth_len_check(header[8], auth_len);
    if (err)
        return err;
    if (auth_len > len - HEAD_FIXED_LEN)
        return XORD_ESHORT;
    return message_len_check(header[8], len - HEAD_FIXED_LEN - auth_len);
}

static int handshake_views(struct xord_packet *pkt, const uint8_t *auth, size_t auth_len)
{
    if (auth[32] != XORD_SIG_LEN || auth[33] != XORD_PUBKEY_LEN)
        return XORD_ERANGE;
    pkt->src_id32 = auth;
    pkt->signature64 = auth + AUTH_HANDSHAKE_HEAD;
    pkt->eph_pubkey33 = pkt->signature64 + XORD_SIG_LEN;
    pkt->record_len = (uint16_t)(auth_len - AUTH_HANDSHAKE_LEN);
    pkt->record = pkt->record_len ? auth + AUTH_HANDSHAKE_LEN : NULL;
    return 0;
}

/* Fills the views over a clear header whose sizes have been checked. */
static int packet_views(struct xord_packet *pkt, const uint8_t *data, size_t len)
{
    const uint8_t *header = data + XORD_MASKING_IV_LEN;
    const uint8_t *auth = data + HEAD_FIXED_LEN;
    size_t auth_len = xord_load_be16(header + 21);
    size_t head_len = HEAD_FIXED_LEN + auth_len;

    *pkt = (struct xord_packet){
            .flag = header[8],
            .head_len = (uint16_t)head_len,
            .message_len = (uint16_t)(len - head_len),
            .head = data,
            .message = data + head_len,
            .nonce12 = header + 9,
    };
    switch (pkt->flag) {
    case XORD_FLAG_MESSAGE:
        pkt->src_id32 = auth;
        return 0;
    case XORD_FLAG_WHOAREYOU:
        pkt->id_nonce16 = auth;
        pkt->enr_seq = xord_load_be64(auth + XORD_ID_NONCE_LEN);
        return 0;
    case XORD_FLAG_HANDSHAKE:
        return handshake_views(pkt, auth, auth_len);
    }
    return XORD_EFLAG;
}

/* A message's header is clear after one block run of 55 bytes, a WHOAREYOU's after 47; only a handshake's is longer. */
#define CLEAR_LEN (XORD_STATIC_HEADER_LEN + AUTH_MESSAGE_LEN)

/* Copies 32 to 64 bytes: two pieces of fixed size that may overlap. */
static void copy_32_to_64(uint8_t *dst, const uint8_t *src, size_t len)
{
    memcpy(dst, src, 32);
    memcpy(dst + len - 32, src + len - 32, 32);
}

/* Into copies first: a packet that is not for this key must stay as it came, for another to try. */
static void clear_all(uint8_t (*clear)[CLEAR_LEN], struct xord_unmask_job *jobs, size_t n,
        const struct xord_aes_ops *ops, struct xord_aes *aes)
{
    struct xord_ctr_job ctr[XORD_UNMASK_BURST];
    size_t cnt = 0;

    for (size_t i = 0; i < n; i++) {
        struct xord_unmask_job *job = &jobs[i];
        size_t masked = job->len - XORD_MASKING_IV_LEN;

        job->err = job->len < XORD_PACKET_MIN_LEN || job->len > XORD_PACKET_MAX_LEN ? XORD_ESIZE : 0;
        if (job->err)
            continue;
        ctr[cnt++] = (struct xord_ctr_job){
                .key = job->our_key,
                .iv16 = job->data,
                .src = job->data + XORD_MASKING_IV_LEN,
                .dst = clear[i],
                .len = (uint32_t)(masked < CLEAR_LEN ? masked : CLEAR_LEN),
        };
    }
    if (cnt > 0)
        ops->ctr(aes, ctr, cnt);
}

void xord_packets_unmask(struct xord_unmask_job *jobs, size_t n, const struct xord_aes_ops *ops, struct xord_aes *aes)
{
    uint8_t clear[XORD_UNMASK_BURST][CLEAR_LEN];
    struct xord_ctr_job rest[XORD_UNMASK_BURST];
    size_t rest_cnt = 0;

    clear_all(clear, jobs, n, ops, aes);
    for (size_t i = 0; i < n; i++) {
        struct xord_unmask_job *job = &jobs[i];
        uint8_t *header = job->data + XORD_MASKING_IV_LEN;
        size_t auth_len;

        if (!job->err)
            job->err = static_header_check(clear[i], job->len);
        if (job->err)
            continue;
        auth_len = xord_load_be16(clear[i] + 21);
        if (auth_len < AUTH_MESSAGE_LEN) {
            copy_32_to_64(header, clear[i], XORD_STATIC_HEADER_LEN + AUTH_WHOAREYOU_LEN);
            continue;
        }
        copy_32_to_64(header, clear[i], CLEAR_LEN);
        if (auth_len == AUTH_MESSAGE_LEN)
            continue;
        rest[rest_cnt++] = (struct xord_ctr_job){
                .key = job->our_key,
                .iv16 = job->data,
                .src = header + CLEAR_LEN,
                .dst = header + CLEAR_LEN,
                .len = (uint32_t)(XORD_STATIC_HEADER_LEN + auth_len - CLEAR_LEN),
                .skip = CLEAR_LEN,
        };
    }
    if (rest_cnt > 0)
        ops->ctr(aes, rest, rest_cnt);
    for (size_t i = 0; i < n; i++)
        if (!jobs[i].err)
            jobs[i].err = packet_views(jobs[i].pkt, jobs[i].data, jobs[i].len);
}

int xord_packet_unmask(struct xord_packet *pkt, uint8_t *data, size_t len, const struct xord_aes_ops *ops,
        struct xord_aes *aes, const struct xord_ctr_key *our_key)
{
    struct xord_unmask_job job = {.pkt = pkt, .data = data, .len = len, .our_key = our_key};

    xord_packets_unmask(&job, 1, ops, aes);
    return job.err;
}

/* ---- encoding ---- */

static uint8_t *put_bytes(uint8_t *out, const uint8_t *src, size_t len)
{
    memcpy(out, src, len);
    return out + len;
}

/* masking-iv and static header; returns where authdata goes. */
static uint8_t *put_head(uint8_t *out, const uint8_t masking_iv16[16], enum xord_flag flag, const uint8_t nonce12[12],
        size_t auth_len)
{
    out = put_bytes(out, masking_iv16, XORD_MASKING_IV_LEN);
    out = put_bytes(out, proto8, PROTO_LEN);
    *out++ = (uint8_t)flag;
    out = put_bytes(out, nonce12, XORD_NONCE_LEN);
    xord_store_be16(out, (uint16_t)auth_len);
    return out + 2;
}

size_t xord_packet_put_ordinary(uint8_t out[XORD_ORDINARY_HEAD_LEN], const uint8_t masking_iv16[16],
        const uint8_t nonce12[12], const uint8_t src_id32[32])
{
    uint8_t *auth = put_head(out, masking_iv16, XORD_FLAG_MESSAGE, nonce12, AUTH_MESSAGE_LEN);

    put_bytes(auth, src_id32, XORD_ID_LEN);
    return XORD_ORDINARY_HEAD_LEN;
}

size_t xord_packet_put_whoareyou(uint8_t out[XORD_CHALLENGE_DATA_LEN], const uint8_t masking_iv16[16],
        const uint8_t request_nonce12[12], const uint8_t id_nonce16[16], uint64_t enr_seq)
{
    uint8_t *auth = put_head(out, masking_iv16, XORD_FLAG_WHOAREYOU, request_nonce12, AUTH_WHOAREYOU_LEN);

    auth = put_bytes(auth, id_nonce16, XORD_ID_NONCE_LEN);
    xord_store_be64(auth, enr_seq);
    return XORD_CHALLENGE_DATA_LEN;
}

size_t xord_packet_put_handshake(uint8_t *out, const uint8_t masking_iv16[16], const uint8_t nonce12[12],
        const uint8_t src_id32[32], const uint8_t signature64[64], const uint8_t eph_pubkey33[33],
        const uint8_t *record, size_t record_len)
{
    uint8_t *auth = put_head(out, masking_iv16, XORD_FLAG_HANDSHAKE, nonce12, AUTH_HANDSHAKE_LEN + record_len);

    assert(record_len <= XORD_ENR_MAX_LEN);
    auth = put_bytes(auth, src_id32, XORD_ID_LEN);
    *auth++ = XORD_SIG_LEN;
    *auth++ = XORD_PUBKEY_LEN;
    auth = put_bytes(auth, signature64, XORD_SIG_LEN);
    auth = put_bytes(auth, eph_pubkey33, XORD_PUBKEY_LEN);
    if (record_len)
        put_bytes(auth, record, record_len);
    return XORD_HANDSHAKE_HEAD_LEN + record_len;
}

void xord_packet_mask(uint8_t *data, size_t head_len, const struct xord_aes_ops *ops, struct xord_aes *aes,
        const struct xord_ctr_key *dest_key)
{
    const struct xord_ctr_job job = {
            .key = dest_key,
            .iv16 = data,
            .src = data + XORD_MASKING_IV_LEN,
            .dst = data + XORD_MASKING_IV_LEN,
            .len = (uint32_t)(head_len - XORD_MASKING_IV_LEN),
    };

    ops->ctr(aes, &job, 1);
}
