/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets: the specification's vectors in both directions, over both AES implementations; every truncation and every
 * byte flip of them; crafted headers; sizes. */
#include "xord_packet.h"

#include "test_util.h"
#include "vectors.h"

#include "xord_enr.h"
#include "xord_message.h"

struct vector {
    const char *name;
    const char *packet;
    const char *nonce;
    const char *read_key, *req_id;                        /* of the PING inside */
    const char *challenge_data, *eph_seckey, *eph_pubkey; /* handshakes */
    uint64_t ping_enr_seq;
    enum xord_flag flag;
    bool has_record;
};

static const struct vector vectors[] = {
        {
                .name = "message",
                .flag = VEC_MESSAGE_FLAG,
                .packet = VEC_MESSAGE_PACKET,
                .nonce = VEC_MESSAGE_NONCE,
                .read_key = VEC_MESSAGE_READ_KEY,
                .req_id = VEC_MESSAGE_PING_REQ_ID,
                .ping_enr_seq = VEC_MESSAGE_PING_ENR_SEQ,
        },
        {
                .name = "whoareyou",
                .flag = VEC_WHOAREYOU_FLAG,
                .packet = VEC_WHOAREYOU_PACKET,
                .nonce = VEC_WHOAREYOU_REQUEST_NONCE,
                .challenge_data = VEC_WHOAREYOU_CHALLENGE_DATA,
        },
        {
                .name = "handshake",
                .flag = VEC_HANDSHAKE_FLAG,
                .packet = VEC_HANDSHAKE_PACKET,
                .nonce = VEC_HANDSHAKE_NONCE,
                .read_key = VEC_HANDSHAKE_READ_KEY,
                .req_id = VEC_HANDSHAKE_PING_REQ_ID,
                .ping_enr_seq = VEC_HANDSHAKE_PING_ENR_SEQ,
                .challenge_data = VEC_HANDSHAKE_CHALLENGE_DATA,
                .eph_seckey = VEC_HANDSHAKE_EPHEMERAL_KEY,
                .eph_pubkey = VEC_HANDSHAKE_EPHEMERAL_PUBKEY,
        },
        {
                .name = "handshake with record",
                .flag = VEC_HANDSHAKE_WITH_ENR_FLAG,
                .packet = VEC_HANDSHAKE_WITH_ENR_PACKET,
                .nonce = VEC_HANDSHAKE_WITH_ENR_NONCE,
                .read_key = VEC_HANDSHAKE_WITH_ENR_READ_KEY,
                .req_id = VEC_HANDSHAKE_WITH_ENR_PING_REQ_ID,
                .ping_enr_seq = VEC_HANDSHAKE_WITH_ENR_PING_ENR_SEQ,
                .challenge_data = VEC_HANDSHAKE_WITH_ENR_CHALLENGE_DATA,
                .eph_seckey = VEC_HANDSHAKE_WITH_ENR_EPHEMERAL_KEY,
                .eph_pubkey = VEC_HANDSHAKE_WITH_ENR_EPHEMERAL_PUBKEY,
                .has_record = true,
        },
};

#define VECTOR_CNT (sizeof(vectors) / sizeof(*vectors))

static const uint8_t masking_iv16[16]; /* zero in every vector */

/* One AES implementation opened, with the destination's masking key, and the curve. */
struct fixture {
    const struct xord_aes_ops *ops;
    struct xord_aes *aes;
    struct xord_ctr_key dest_key;
    struct xord_curve *curve;
    uint8_t id_a32[32], id_b32[32];
    uint8_t seckey_a32[32], seckey_b32[32];
};

static void with_each_aes(void (*body)(struct fixture *fx))
{
    static const struct xord_aes_ops *const all[3] = {&xord_aes_native, &xord_aes_ipsec_mb, &xord_aes_openssl};
    static const uint8_t seed32[32] = {3};

    for (size_t i = 0; i < 3; i++) {
        struct fixture fx = {.ops = all[i], .aes = all[i]->open(), .curve = xord_curve_open(seed32)};

        cr_assert(fx.aes && fx.curve, "%s", all[i]->name);
        test_hex(fx.id_a32, VEC_NODE_A_ID);
        test_hex(fx.id_b32, VEC_NODE_B_ID);
        test_hex(fx.seckey_a32, VEC_NODE_A_KEY);
        test_hex(fx.seckey_b32, VEC_NODE_B_KEY);
        xord_masking_key(fx.ops, fx.aes, &fx.dest_key, fx.id_b32);
        body(&fx);
        fx.ops->close(fx.aes);
        xord_curve_close(fx.curve);
    }
    TEST_NO_LEAK();
}

static int unmask(struct fixture *fx, struct xord_packet *pkt, uint8_t *data, size_t len)
{
    return xord_packet_unmask(pkt, data, len, fx->ops, fx->aes, &fx->dest_key);
}

/* Opens the message into `plain`; 0 or XORD_EAUTH. */
static int open_message(struct fixture *fx, uint8_t *plain, const struct xord_packet *pkt, const uint8_t key16[16])
{
    struct xord_gcm_job job = {
            .key16 = key16,
            .nonce12 = pkt->nonce12,
            .aad = pkt->head,
            .aad_len = pkt->head_len,
            .src = pkt->message,
            .dst = plain,
            .len = pkt->message_len - XORD_GCM_TAG_LEN,
    };

    fx->ops->gcm_open(fx->aes, &job, 1);
    return job.err;
}

/* Appends the sealed message to a clear head and masks it; returns the packet's length. */
static size_t seal_and_mask(struct fixture *fx, uint8_t *packet, size_t head_len, const uint8_t key16[16],
        const uint8_t nonce12[12], const uint8_t *plain, size_t plain_len)
{
    struct xord_gcm_job job = {
            .key16 = key16,
            .nonce12 = nonce12,
            .aad = packet,
            .aad_len = (uint32_t)head_len,
            .src = plain,
            .dst = packet + head_len,
            .len = (uint32_t)plain_len,
    };

    fx->ops->gcm_seal(fx->aes, &job, 1);
    xord_packet_mask(packet, head_len, fx->ops, fx->aes, &fx->dest_key);
    return head_len + plain_len + XORD_GCM_TAG_LEN;
}

/* ---- the vectors, decoded ---- */

static void check_ping(struct fixture *fx, const struct vector *v, const struct xord_packet *pkt)
{
    uint8_t plain[64];
    uint8_t key16[16];
    uint8_t req_id[8];
    struct xord_message msg;
    size_t req_id_len = test_hex(req_id, v->req_id);

    test_hex(key16, v->read_key);
    cr_assert_eq(open_message(fx, plain, pkt, key16), 0, "%s", v->name);
    cr_assert_eq(xord_message_decode(&msg, plain, pkt->message_len - XORD_GCM_TAG_LEN), 0, "%s", v->name);
    cr_assert_eq(msg.type, XORD_MSG_PING);
    cr_assert_eq(msg.request_id.len, req_id_len);
    cr_assert_bytes(msg.request_id.bytes, req_id, req_id_len);
    cr_assert_eq(msg.ping.enr_seq, v->ping_enr_seq);
}

static void check_whoareyou(const struct vector *v, const struct xord_packet *pkt)
{
    uint8_t id_nonce16[16];
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN];

    test_hex(id_nonce16, VEC_WHOAREYOU_ID_NONCE);
    test_hex(challenge_data, v->challenge_data);
    cr_assert_bytes(pkt->id_nonce16, id_nonce16, 16);
    cr_assert_eq(pkt->enr_seq, VEC_WHOAREYOU_ENR_SEQ);
    cr_assert_eq(pkt->message_len, 0);
    cr_assert_null(pkt->src_id32);
    cr_assert_eq(pkt->head_len, XORD_CHALLENGE_DATA_LEN);
    cr_assert_bytes(pkt->head, challenge_data, XORD_CHALLENGE_DATA_LEN);
}

static void check_record(struct fixture *fx, const struct xord_packet *pkt)
{
    struct xord_enr enr;

    cr_assert_eq(xord_enr_decode(&enr, pkt->record, pkt->record_len), 0);
    cr_assert_eq(xord_enr_verify(&enr, fx->curve), 0);
    cr_assert_bytes(enr.id32, fx->id_a32, 32);
    cr_assert_eq(enr.seq, 1);
}

/* The recipient's half of the handshake: the keys come out, and the identity proof holds. */
static void check_handshake(struct fixture *fx, const struct vector *v, const struct xord_packet *pkt)
{
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN];
    uint8_t eph_pubkey33[33];
    uint8_t pubkey_a33[33];
    struct xord_pubkey eph_key, key_a;
    uint8_t read_key[16];
    uint8_t keys[32];

    test_hex(challenge_data, v->challenge_data);
    test_hex(eph_pubkey33, v->eph_pubkey);
    test_hex(read_key, v->read_key);
    cr_assert_bytes(pkt->eph_pubkey33, eph_pubkey33, 33);
    cr_assert_eq(xord_pubkey_parse(fx->curve, &eph_key, pkt->eph_pubkey33), 0);
    cr_assert_eq(xord_handshake_keys(keys, keys + 16, fx->curve, &eph_key, fx->seckey_b32, pkt->src_id32, fx->id_b32,
                         challenge_data, sizeof(challenge_data)),
            0);
    cr_assert_bytes(keys, read_key, 16);
    cr_assert_eq(xord_pubkey_from_seckey(fx->curve, pubkey_a33, fx->seckey_a32), 0);
    cr_assert_eq(xord_pubkey_parse(fx->curve, &key_a, pubkey_a33), 0);
    cr_assert_eq(xord_id_verify(pkt->signature64, fx->curve, &key_a, challenge_data, sizeof(challenge_data),
                         pkt->eph_pubkey33, fx->id_b32),
            0, "%s", v->name);
    cr_assert_eq(pkt->record != NULL, v->has_record);
    cr_assert_eq(pkt->record_len != 0, v->has_record);
    if (pkt->record)
        check_record(fx, pkt);
}

static void decode_vectors(struct fixture *fx)
{
    for (const struct vector *v = vectors; v < vectors + VECTOR_CNT; v++) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        size_t len = test_hex(data, v->packet);
        uint8_t nonce12[12];
        struct xord_packet pkt;

        test_hex(nonce12, v->nonce);
        cr_assert_eq(unmask(fx, &pkt, data, len), 0, "%s over %s", v->name, fx->ops->name);
        cr_assert_eq(pkt.flag, v->flag);
        cr_assert_eq(pkt.head, data);
        cr_assert_eq(pkt.head_len + pkt.message_len, len);
        cr_assert_eq(pkt.message, data + pkt.head_len);
        cr_assert_bytes(pkt.nonce12, nonce12, 12);
        if (v->flag == XORD_FLAG_WHOAREYOU) {
            check_whoareyou(v, &pkt);
            continue;
        }
        cr_assert_bytes(pkt.src_id32, fx->id_a32, 32);
        if (v->flag == XORD_FLAG_HANDSHAKE)
            check_handshake(fx, v, &pkt);
        check_ping(fx, v, &pkt);
    }
}

Test(packet, vectors_decode)
{
    with_each_aes(decode_vectors);
}

/* ---- the vectors, encoded from their fields ---- */

/* Node A's record of that time: seq 1 and an address. */
static void record_a(struct fixture *fx, struct xord_enr *enr)
{
    static const uint8_t ip4[4] = {127, 0, 0, 1};
    struct xord_enr_draft draft;

    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_enr_draft_set(&draft, (const uint8_t *)"ip", 2, ip4, 4), 0);
    cr_assert_eq(xord_enr_sign(enr, &draft, fx->curve, fx->seckey_a32), 0);
}

static size_t put_handshake(struct fixture *fx, uint8_t *out, const struct vector *v, const uint8_t nonce12[12])
{
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN];
    uint8_t eph_seckey32[32];
    uint8_t eph_pubkey33[33];
    uint8_t sig64[64];
    struct xord_enr enr = {0};

    test_hex(challenge_data, v->challenge_data);
    test_hex(eph_seckey32, v->eph_seckey);
    cr_assert_eq(xord_pubkey_from_seckey(fx->curve, eph_pubkey33, eph_seckey32), 0);
    cr_assert_eq(xord_id_sign(sig64, fx->curve, fx->seckey_a32, challenge_data, sizeof(challenge_data), eph_pubkey33,
                         fx->id_b32),
            0);
    if (v->has_record)
        record_a(fx, &enr);
    return xord_packet_put_handshake(out, masking_iv16, nonce12, fx->id_a32, sig64, eph_pubkey33,
            v->has_record ? enr.raw : NULL, enr.len);
}

static size_t encode_ping(uint8_t *plain, size_t cap, const struct vector *v)
{
    struct xord_message msg = {.type = XORD_MSG_PING, .ping = {v->ping_enr_seq}};
    size_t len;

    msg.request_id.len = (uint8_t)test_hex(msg.request_id.bytes, v->req_id);
    cr_assert_eq(xord_message_encode(plain, &len, cap, &msg), 0);
    return len;
}

static size_t encode_whoareyou(struct fixture *fx, uint8_t *out, const uint8_t nonce12[12])
{
    uint8_t id_nonce16[16];
    size_t len;

    test_hex(id_nonce16, VEC_WHOAREYOU_ID_NONCE);
    len = xord_packet_put_whoareyou(out, masking_iv16, nonce12, id_nonce16, VEC_WHOAREYOU_ENR_SEQ);
    xord_packet_mask(out, len, fx->ops, fx->aes, &fx->dest_key);
    return len;
}

static size_t encode_vector(struct fixture *fx, uint8_t *out, const struct vector *v)
{
    uint8_t nonce12[12];
    uint8_t key16[16];
    uint8_t plain[64];
    size_t head_len;

    test_hex(nonce12, v->nonce);
    if (v->flag == XORD_FLAG_WHOAREYOU)
        return encode_whoareyou(fx, out, nonce12);
    if (v->flag == XORD_FLAG_HANDSHAKE)
        head_len = put_handshake(fx, out, v, nonce12);
    else
        head_len = xord_packet_put_ordinary(out, masking_iv16, nonce12, fx->id_a32);
    test_hex(key16, v->read_key);
    return seal_and_mask(fx, out, head_len, key16, nonce12, plain, encode_ping(plain, sizeof(plain), v));
}

static void encode_vectors(struct fixture *fx)
{
    for (const struct vector *v = vectors; v < vectors + VECTOR_CNT; v++) {
        uint8_t want[XORD_PACKET_MAX_LEN];
        uint8_t got[XORD_PACKET_MAX_LEN];
        size_t want_len = test_hex(want, v->packet);

        cr_assert_eq(encode_vector(fx, got, v), want_len, "%s over %s", v->name, fx->ops->name);
        cr_assert(memcmp(got, want, want_len) == 0, "%s over %s", v->name, fx->ops->name);
    }
}

Test(packet, vectors_encode)
{
    with_each_aes(encode_vectors);
}

/* ---- the vectors, damaged ---- */

/* Unmasks an exactly sized heap copy, so that a sanitizer sees any over-read, and tries to open its message.
 * 1: it is a WHOAREYOU, which nothing authenticates. */
static int try_packet(struct fixture *fx, const uint8_t *data, size_t len, const char *read_key)
{
    uint8_t *copy = malloc(len ? len : 1);
    uint8_t plain[XORD_PACKET_MAX_LEN];
    struct xord_packet pkt;
    uint8_t key16[16];
    int err;

    cr_assert(copy);
    memcpy(copy, data, len);
    err = unmask(fx, &pkt, copy, len);
    if (!err && pkt.flag == XORD_FLAG_WHOAREYOU) {
        err = 1;
    } else if (!err) {
        test_hex(key16, read_key ? read_key : VEC_GCM_KEY);
        err = open_message(fx, plain, &pkt, key16);
    }
    free(copy);
    return err;
}

/* Cut short of 63 bytes, in the header, in the tag, or in the message. */
static int truncation_err(const struct xord_packet *pkt, size_t cut)
{
    if (cut < XORD_PACKET_MIN_LEN)
        return XORD_ESIZE;
    return cut < (size_t)pkt->head_len + XORD_GCM_TAG_LEN ? XORD_ESHORT : XORD_EAUTH;
}

static void truncate_vectors(struct fixture *fx)
{
    for (const struct vector *v = vectors; v < vectors + VECTOR_CNT; v++) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        uint8_t clear[XORD_PACKET_MAX_LEN];
        size_t len = test_hex(data, v->packet);
        struct xord_packet pkt;

        memcpy(clear, data, len);
        cr_assert_eq(unmask(fx, &pkt, clear, len), 0);
        for (size_t cut = 0; cut < len; cut++)
            cr_assert_eq(try_packet(fx, data, cut, v->read_key), truncation_err(&pkt, cut), "%s cut to %zu", v->name,
                    cut);
        data[len] = 0;
        cr_assert_eq(try_packet(fx, data, len + 1, v->read_key),
                v->flag == XORD_FLAG_WHOAREYOU ? XORD_ETRAIL : XORD_EAUTH, "%s and a byte", v->name);
    }
}

Test(packet, truncations_are_refused)
{
    with_each_aes(truncate_vectors);
}

/* No flip of any byte of a message or handshake authenticates; a WHOAREYOU stays one or is refused. */
static void flip_vectors(struct fixture *fx)
{
    for (const struct vector *v = vectors; v < vectors + VECTOR_CNT; v++) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        size_t len = test_hex(data, v->packet);

        for (size_t i = 0; i < len; i++) {
            for (unsigned flip = 1; flip < 256; flip++) {
                data[i] ^= (uint8_t)flip;
                cr_assert_neq(try_packet(fx, data, len, v->read_key), 0, "%s, byte %zu ^ %02x", v->name, i, flip);
                data[i] ^= (uint8_t)flip;
            }
        }
    }
}

Test(packet, flips_are_refused)
{
    with_each_aes(flip_vectors);
}

/* A packet for another node stays as it came. */
static void unmask_with_wrong_id(struct fixture *fx)
{
    xord_masking_key(fx->ops, fx->aes, &fx->dest_key, fx->id_a32);
    for (const struct vector *v = vectors; v < vectors + VECTOR_CNT; v++) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        uint8_t before[XORD_PACKET_MAX_LEN];
        size_t len = test_hex(data, v->packet);
        struct xord_packet pkt;

        memcpy(before, data, len);
        cr_assert_eq(unmask(fx, &pkt, data, len), XORD_EPROTO, "%s", v->name);
        cr_assert_bytes(data, before, len);
    }
}

Test(packet, wrong_destination_leaves_the_packet_alone)
{
    with_each_aes(unmask_with_wrong_id);
}

/* ---- crafted headers ---- */

/* A clear packet to be spoilt: head and 16 bytes that stand for a sealed empty message. */
static size_t craft(struct fixture *fx, uint8_t *out, enum xord_flag flag, size_t record_len)
{
    static const uint8_t zeroes[512];

    memset(out, 0, XORD_PACKET_MAX_LEN);
    switch (flag) {
    case XORD_FLAG_MESSAGE:
        return xord_packet_put_ordinary(out, masking_iv16, zeroes, fx->id_a32) + XORD_GCM_TAG_LEN;
    case XORD_FLAG_WHOAREYOU:
        return xord_packet_put_whoareyou(out, masking_iv16, zeroes, zeroes, 1);
    case XORD_FLAG_HANDSHAKE:
        break;
    }
    return xord_packet_put_handshake(out, masking_iv16, zeroes, fx->id_a32, zeroes, zeroes, record_len ? zeroes : NULL,
                   record_len) +
           XORD_GCM_TAG_LEN;
}

struct spoilt {
    const char *what;
    enum xord_flag flag;
    int err;
    uint16_t record_len;
    uint16_t at; /* where two bytes are replaced; 0: nowhere */
    uint16_t be16;
    int16_t add; /* to the packet's length */
};

#define AT_PROTO_END 20 /* "v5" */
#define AT_VERSION   22
#define AT_FLAG      24 /* and the nonce's first byte */
#define AT_AUTH_SIZE 37
#define AT_SIG_SIZE  71 /* and key-size */

static const struct spoilt spoilt[] = {
        {"message as it is", XORD_FLAG_MESSAGE, 0},
        {"whoareyou as it is", XORD_FLAG_WHOAREYOU, 0},
        {"handshake as it is", XORD_FLAG_HANDSHAKE, 0},
        {"handshake with a record of 1 byte", XORD_FLAG_HANDSHAKE, 0, .record_len = 1},
        {"handshake with a record of 300 bytes", XORD_FLAG_HANDSHAKE, 0, .record_len = 300},
        {"protocol discv4", XORD_FLAG_MESSAGE, XORD_EPROTO, .at = AT_PROTO_END, .be16 = 'v' << 8 | '4'},
        {"version 0", XORD_FLAG_MESSAGE, XORD_EPROTO, .at = AT_VERSION, .be16 = 0},
        {"version 2", XORD_FLAG_MESSAGE, XORD_EPROTO, .at = AT_VERSION, .be16 = 2},
        {"version 0x0101", XORD_FLAG_WHOAREYOU, XORD_EPROTO, .at = AT_VERSION, .be16 = 0x0101},
        {"flag 3", XORD_FLAG_MESSAGE, XORD_EFLAG, .at = AT_FLAG, .be16 = 0x0300},
        {"flag 255", XORD_FLAG_HANDSHAKE, XORD_EFLAG, .at = AT_FLAG, .be16 = 0xff00},
        {"message called whoareyou", XORD_FLAG_MESSAGE, XORD_ERANGE, .at = AT_FLAG, .be16 = 0x0100},
        {"message called handshake", XORD_FLAG_MESSAGE, XORD_ERANGE, .at = AT_FLAG, .be16 = 0x0200},
        {"handshake called message", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_FLAG, .be16 = 0x0000},
        {"message authdata 0", XORD_FLAG_MESSAGE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 0},
        {"message authdata 31", XORD_FLAG_MESSAGE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 31},
        {"message authdata 33", XORD_FLAG_MESSAGE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 33},
        {"message authdata 65535", XORD_FLAG_MESSAGE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 65535},
        {"whoareyou authdata 23", XORD_FLAG_WHOAREYOU, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 23},
        {"whoareyou authdata 25", XORD_FLAG_WHOAREYOU, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 25},
        {"handshake authdata 34", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 34},
        {"handshake authdata 130", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 130},
        {"handshake with a record of 301 bytes", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .record_len = 300,
                .at = AT_AUTH_SIZE, .be16 = 432, .add = 100},
        {"handshake authdata 65535", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_AUTH_SIZE, .be16 = 65535},
        {"handshake authdata over the tag", XORD_FLAG_HANDSHAKE, XORD_ESHORT, .at = AT_AUTH_SIZE, .be16 = 132},
        {"handshake authdata to the packet's end", XORD_FLAG_HANDSHAKE, XORD_ESHORT, .at = AT_AUTH_SIZE, .be16 = 147},
        {"handshake authdata beyond the packet", XORD_FLAG_HANDSHAKE, XORD_ESHORT, .at = AT_AUTH_SIZE, .be16 = 148},
        {"signature of 63 bytes", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_SIG_SIZE, .be16 = 63 << 8 | 33},
        {"key of 32 bytes", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_SIG_SIZE, .be16 = 64 << 8 | 32},
        {"signature and key of 0 bytes", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_SIG_SIZE, .be16 = 0},
        {"signature and key of 255 bytes", XORD_FLAG_HANDSHAKE, XORD_ERANGE, .at = AT_SIG_SIZE, .be16 = 0xffff},
        {"message of 15 bytes", XORD_FLAG_MESSAGE, XORD_ESHORT, .add = -1},
        {"message of 0 bytes", XORD_FLAG_MESSAGE, XORD_ESHORT, .add = -16},
        {"handshake message of 15 bytes", XORD_FLAG_HANDSHAKE, XORD_ESHORT, .add = -1},
        {"handshake message of 0 bytes", XORD_FLAG_HANDSHAKE, XORD_ESHORT, .add = -16},
        {"whoareyou with a byte behind", XORD_FLAG_WHOAREYOU, XORD_ETRAIL, .add = 1},
        {"whoareyou of 1280 bytes", XORD_FLAG_WHOAREYOU, XORD_ETRAIL, .add = 1280 - 63},
};

static void unmask_spoilt(struct fixture *fx)
{
    for (const struct spoilt *s = spoilt; s < spoilt + sizeof(spoilt) / sizeof(*spoilt); s++) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        size_t len = craft(fx, data, s->flag, s->record_len);
        struct xord_packet pkt;
        int err;

        if (s->at)
            xord_store_be16(data + s->at, s->be16);
        xord_packet_mask(data, len, fx->ops, fx->aes, &fx->dest_key);
        err = unmask(fx, &pkt, data, (size_t)((ptrdiff_t)len + s->add));
        cr_expect_eq(err, s->err, "%s: %s", s->what, xord_strerror(err));
        cr_expect(err || pkt.record_len == s->record_len, "%s", s->what);
    }
}

Test(packet, crafted_headers)
{
    with_each_aes(unmask_spoilt);
}

/* ---- sizes ---- */

static void unmask_sizes(struct fixture *fx)
{
    static const uint8_t plain[XORD_PACKET_MAX_LEN];
    uint8_t data[XORD_PACKET_MAX_LEN + 1] = {0};
    uint8_t out[XORD_PACKET_MAX_LEN];
    uint8_t before[sizeof(data)];
    struct xord_packet pkt;
    size_t len;

    len = xord_packet_put_whoareyou(data, masking_iv16, plain, plain, 7);
    cr_assert_eq(len, XORD_PACKET_MIN_LEN);
    xord_packet_mask(data, len, fx->ops, fx->aes, &fx->dest_key);
    cr_assert_eq(unmask(fx, &pkt, data, 62), XORD_ESIZE);
    cr_assert_eq(unmask(fx, &pkt, data, 63), 0);
    cr_assert_eq(pkt.enr_seq, 7);

    len = xord_packet_put_ordinary(data, masking_iv16, plain, fx->id_a32);
    len = seal_and_mask(fx, data, len, plain, plain, plain, XORD_PACKET_MAX_LEN - len - XORD_GCM_TAG_LEN);
    cr_assert_eq(len, XORD_PACKET_MAX_LEN);
    memcpy(before, data, sizeof(data));
    cr_assert_eq(unmask(fx, &pkt, data, 1281), XORD_ESIZE);
    cr_assert_bytes(data, before, sizeof(data));
    cr_assert_eq(unmask(fx, &pkt, data, 1280), 0);
    cr_assert_eq(open_message(fx, out, &pkt, plain), 0);
    cr_assert_eq(unmask(fx, &pkt, data, 0), XORD_ESIZE);
}

Test(packet, sizes)
{
    with_each_aes(unmask_sizes);
}

/* All implementations mask to the same bytes, at every header length. */
static uint8_t masked_bytes[3][300 + XORD_HANDSHAKE_HEAD_LEN];

static void mask_lengths(struct fixture *fx)
{
    uint8_t *out = masked_bytes[fx->ops == &xord_aes_openssl ? 2 : fx->ops == &xord_aes_native];

    for (size_t record_len = 0; record_len <= 300; record_len += 25) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        struct xord_packet pkt;
        size_t len = craft(fx, data, XORD_FLAG_HANDSHAKE, record_len);

        xord_packet_mask(data, len - XORD_GCM_TAG_LEN, fx->ops, fx->aes, &fx->dest_key);
        memcpy(out, data, len - XORD_GCM_TAG_LEN);
        cr_assert_eq(unmask(fx, &pkt, data, len), 0);
        cr_assert_eq(pkt.record_len, record_len);
        cr_assert_bytes(pkt.src_id32, fx->id_a32, 32);
    }
}

Test(packet, implementations_mask_alike)
{
    with_each_aes(mask_lengths);
    cr_assert_bytes(masked_bytes[0], masked_bytes[1], sizeof(masked_bytes[0]));
    cr_assert_bytes(masked_bytes[0], masked_bytes[2], sizeof(masked_bytes[0]));
}
