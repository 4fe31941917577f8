/* SPDX-License-Identifier: BSD-3-Clause */
/* Both halves of a handshake: against the specification's packets, and against each other. */
#include "xord_handshake.h"

#include <stdlib.h>

#include "test_util.h"
#include "vectors.h"

static const uint8_t seed32[32] = {7};
static const struct xord_aes_ops *const ops = &xord_aes_native;

/* Node A of the vectors starts, node B challenges. */
struct party {
    uint8_t seckey32[32], id32[32];
    struct xord_pubkey key;
    struct xord_enr enr;
    struct xord_self self;
};

static struct xord_curve *curve;
static struct xord_aes *aes;
static struct party a, b;
static struct xord_rng rng;

static void party_open(struct party *party, const char *seckey_hex, const char *id_hex)
{
    uint8_t id32[32], pubkey33[33];
    struct xord_enr_draft draft;

    test_hex(party->seckey32, seckey_hex);
    test_hex(id32, id_hex);
    cr_assert_eq(xord_pubkey_from_seckey(curve, pubkey33, party->seckey32), 0);
    cr_assert_eq(xord_pubkey_parse(curve, &party->key, pubkey33), 0);
    xord_id_from_pubkey(curve, party->id32, &party->key);
    cr_assert_bytes(party->id32, id32, 32);
    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_enr_draft_set(&draft, (const uint8_t *)"ip", 2, (const uint8_t *)"\x7f\0\0\1", 4), 0);
    cr_assert_eq(xord_enr_sign(&party->enr, &draft, curve, party->seckey32), 0);
    party->self = (struct xord_self){.id32 = party->id32, .seckey32 = party->seckey32, .enr = &party->enr};
}

static void setup(void)
{
    curve = xord_curve_open(seed32);
    aes = ops->open();
    cr_assert(curve && aes);
    xord_rng_init(&rng, seed32);
    party_open(&a, VEC_NODE_A_KEY, VEC_NODE_A_ID);
    party_open(&b, VEC_NODE_B_KEY, VEC_NODE_B_ID);
}

static void teardown(void)
{
    ops->close(aes);
    xord_curve_close(curve);
}

TestSuite(handshake, .init = setup, .fini = teardown);

/* Unmasks a packet to `to` in place. */
static int unmask(struct xord_packet *pkt, uint8_t *data, size_t len, const struct party *to)
{
    struct xord_ctr_key key;

    xord_masking_key(ops, aes, &key, to->id32);
    return xord_packet_unmask(pkt, data, len, ops, aes, &key);
}

static int open_message(uint8_t *plain, const struct xord_packet *pkt, const uint8_t *key16)
{
    struct xord_gcm_job job = {
            .key16 = key16,
            .nonce12 = pkt->nonce12,
            .aad = pkt->head,
            .aad_len = pkt->head_len,
            .src = pkt->message,
            .dst = plain,
            .len = (uint32_t)pkt->message_len - XORD_GCM_TAG_LEN,
    };

    ops->gcm_open(aes, &job, 1);
    return job.err;
}

/* ---- the specification's packets ---- */

static void check_vector(const char *packet_hex, const char *challenge_hex, const char *key_hex, bool with_record)
{
    uint8_t data[XORD_PACKET_MAX_LEN], plain[XORD_PACKET_MAX_LEN], challenge[XORD_CHALLENGE_DATA_LEN], want16[16];
    size_t len = test_hex(data, packet_hex);
    struct xord_session_keys keys;
    struct xord_pubkey key = a.key;
    struct xord_packet pkt;
    struct xord_enr enr;

    test_hex(challenge, challenge_hex);
    test_hex(want16, key_hex);
    cr_assert_eq(unmask(&pkt, data, len, &b), 0);
    cr_assert_eq(pkt.record != NULL, with_record);
    if (pkt.record) {
        cr_assert_eq(xord_enr_decode(&enr, pkt.record, pkt.record_len), 0);
        cr_assert_eq(xord_enr_verify_key(&enr, &key, curve), 0);
        cr_assert_bytes(&key, &a.key, sizeof(key));
    }
    cr_assert_eq(xord_handshake_accept(&keys, curve, &b.self, &pkt, &key, challenge), 0);
    cr_assert_bytes(keys.read_key16, want16, 16);
    cr_assert_eq(open_message(plain, &pkt, keys.read_key16), 0);
    cr_assert_eq(plain[0], 1, "the message is no PING");
}

Test(handshake, accepts_the_specifications_packet)
{
    check_vector(VEC_HANDSHAKE_PACKET, VEC_HANDSHAKE_CHALLENGE_DATA, VEC_HANDSHAKE_READ_KEY, false);
}

Test(handshake, accepts_the_specifications_packet_with_record)
{
    check_vector(VEC_HANDSHAKE_WITH_ENR_PACKET, VEC_HANDSHAKE_WITH_ENR_CHALLENGE_DATA, VEC_HANDSHAKE_WITH_ENR_READ_KEY,
            true);
}

Test(handshake, refuses_another_challenge)
{
    uint8_t data[XORD_PACKET_MAX_LEN], challenge[XORD_CHALLENGE_DATA_LEN];
    size_t len = test_hex(data, VEC_HANDSHAKE_PACKET);
    struct xord_session_keys keys;
    struct xord_packet pkt;

    test_hex(challenge, VEC_HANDSHAKE_CHALLENGE_DATA);
    cr_assert_eq(unmask(&pkt, data, len, &b), 0);
    for (size_t i = 0; i < sizeof(challenge); i++) {
        challenge[i] ^= 1;
        cr_assert_eq(xord_handshake_accept(&keys, curve, &b.self, &pkt, &a.key, challenge), XORD_ESIG);
        challenge[i] ^= 1;
    }
    cr_assert_eq(xord_handshake_accept(&keys, curve, &b.self, &pkt, &b.key, challenge), XORD_ESIG);
    cr_assert_eq(xord_handshake_accept(&keys, curve, &a.self, &pkt, &a.key, challenge), XORD_ESIG);
}

/* ---- our two halves against each other ---- */

struct exchange {
    uint8_t challenge[XORD_CHALLENGE_DATA_LEN]; /* clear */
    uint8_t packet[XORD_PACKET_MAX_LEN];
    size_t len;
    struct xord_session_keys keys;
};

/* A answers B's challenge, which says that B knows A's record of `known_seq`, with a message of one byte. */
static void answer(struct exchange *ex, uint64_t known_seq)
{
    static const uint8_t iv16[16] = {1}, id_nonce16[16] = {2}, request_nonce12[12] = {3}, nonce12[12] = {4};
    uint8_t masked[XORD_CHALLENGE_DATA_LEN];
    struct xord_packet whoareyou;
    struct xord_ctr_key key;
    struct xord_gcm_job seal = {.nonce12 = nonce12, .src = (const uint8_t *)"m", .len = 1};
    struct xord_ephemeral eph;
    size_t head_len;

    xord_packet_put_whoareyou(ex->challenge, iv16, request_nonce12, id_nonce16, known_seq);
    memcpy(masked, ex->challenge, sizeof(masked));
    xord_masking_key(ops, aes, &key, a.id32);
    xord_packet_mask(masked, sizeof(masked), ops, aes, &key);
    cr_assert_eq(unmask(&whoareyou, masked, sizeof(masked), &a), 0);
    xord_ephemeral_make(&eph, curve, &rng);
    cr_assert_eq(xord_handshake_answer(&ex->keys, ex->packet, &head_len, curve, &a.self, b.id32, &b.key, &whoareyou,
                         &eph, nonce12, iv16),
            0);
    seal.key16 = ex->keys.write_key16;
    seal.aad = ex->packet;
    seal.aad_len = (uint32_t)head_len;
    seal.dst = ex->packet + head_len;
    ops->gcm_seal(aes, &seal, 1);
    xord_masking_key(ops, aes, &key, b.id32);
    xord_packet_mask(ex->packet, head_len, ops, aes, &key);
    ex->len = head_len + 1 + XORD_GCM_TAG_LEN;
}

static void check_round_trip(uint64_t known_seq, bool with_record)
{
    struct xord_session_keys theirs;
    uint8_t plain[XORD_PACKET_MAX_LEN];
    struct xord_packet pkt;
    struct exchange ex;

    answer(&ex, known_seq);
    cr_assert_eq(unmask(&pkt, ex.packet, ex.len, &b), 0);
    cr_assert_eq(pkt.flag, XORD_FLAG_HANDSHAKE);
    cr_assert_eq(pkt.record != NULL, with_record);
    if (with_record) {
        cr_assert_eq(pkt.record_len, a.enr.len);
        cr_assert_bytes(pkt.record, a.enr.raw, a.enr.len);
    }
    cr_assert_bytes(pkt.src_id32, a.id32, 32);
    cr_assert_eq(xord_handshake_accept(&theirs, curve, &b.self, &pkt, &a.key, ex.challenge), 0);
    cr_assert_bytes(theirs.read_key16, ex.keys.write_key16, 16);
    cr_assert_bytes(theirs.write_key16, ex.keys.read_key16, 16);
    cr_assert(memcmp(theirs.read_key16, theirs.write_key16, 16) != 0);
    cr_assert_eq(open_message(plain, &pkt, theirs.read_key16), 0);
    cr_assert_eq(plain[0], 'm');
}

Test(handshake, round_trip_with_record)
{
    check_round_trip(0, true);
}

Test(handshake, round_trip_without_record)
{
    check_round_trip(1, false);
    check_round_trip(UINT64_MAX, false);
}

Test(handshake, another_ephemeral_key_gives_other_session_keys)
{
    struct exchange one, two;

    answer(&one, 0);
    answer(&two, 0);
    cr_assert(memcmp(one.keys.write_key16, two.keys.write_key16, 16) != 0);
}

Test(handshake, refuses_an_ephemeral_secret_that_is_none)
{
    uint8_t challenge[XORD_CHALLENGE_DATA_LEN] = {0}, head[XORD_HANDSHAKE_HEAD_LEN + XORD_ENR_MAX_LEN];
    struct xord_packet whoareyou = {.head = challenge, .head_len = sizeof(challenge)};
    static const uint8_t nonce12[12], iv16[16];
    struct xord_ephemeral zero = {0};
    struct xord_session_keys keys;
    size_t head_len;

    cr_assert_eq(xord_handshake_answer(&keys, head, &head_len, curve, &a.self, b.id32, &b.key, &whoareyou, &zero,
                         nonce12, iv16),
            XORD_EKEY);
}

/* A signature that is right over an ephemeral key that is no point: the key agreement must refuse it. */
Test(handshake, refuses_an_ephemeral_key_that_is_no_point)
{
    uint8_t bad33[33] = {5}, sig64[64];
    struct xord_session_keys keys;
    struct exchange ex;
    struct xord_packet pkt;

    answer(&ex, 0);
    cr_assert_eq(unmask(&pkt, ex.packet, ex.len, &b), 0);
    cr_assert_eq(xord_id_sign(sig64, curve, a.seckey32, ex.challenge, sizeof(ex.challenge), bad33, b.id32), 0);
    pkt.signature64 = sig64;
    pkt.eph_pubkey33 = bad33;
    cr_assert_eq(xord_handshake_accept(&keys, curve, &b.self, &pkt, &a.key, ex.challenge), XORD_EKEY);
}

Test(handshake, leaks_nothing)
{
    check_round_trip(0, true);
    teardown();
    TEST_NO_LEAK();
    setup();
}
