/* SPDX-License-Identifier: BSD-3-Clause */
/* Key derivation and identity proof against the specification's vectors. */
#include "xord_packet.h"

#include "test_util.h"
#include "vectors.h"

static const uint8_t seed32[32] = {7};

static struct xord_pubkey key_of(const struct xord_curve *curve, const uint8_t seckey32[32])
{
    struct xord_pubkey key;
    uint8_t pubkey33[33];

    cr_assert_eq(xord_pubkey_from_seckey(curve, pubkey33, seckey32), 0);
    cr_assert_eq(xord_pubkey_parse(curve, &key, pubkey33), 0);
    return key;
}

struct parties {
    struct xord_curve *curve;
    uint8_t eph_seckey32[32];
    struct xord_pubkey eph_key;
    uint8_t id_a32[32], id_b32[32];
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN];
};

static struct parties parties_open(void)
{
    struct parties p = {.curve = xord_curve_open(seed32)};

    cr_assert(p.curve);
    test_hex(p.eph_seckey32, VEC_KDF_EPHEMERAL_KEY);
    test_hex(p.id_a32, VEC_KDF_NODE_ID_A);
    test_hex(p.id_b32, VEC_KDF_NODE_ID_B);
    cr_assert_eq(test_hex(p.challenge_data, VEC_KDF_CHALLENGE_DATA), XORD_CHALLENGE_DATA_LEN);
    p.eph_key = key_of(p.curve, p.eph_seckey32);
    return p;
}

Test(handshake, keys_vector)
{
    struct parties p = parties_open();
    uint8_t dest_pubkey33[33];
    struct xord_pubkey dest;
    uint8_t want_initiator[16];
    uint8_t want_recipient[16];
    uint8_t initiator[16];
    uint8_t recipient[16];

    test_hex(dest_pubkey33, VEC_KDF_DEST_PUBKEY);
    cr_assert_eq(xord_pubkey_parse(p.curve, &dest, dest_pubkey33), 0);
    test_hex(want_initiator, VEC_KDF_INITIATOR_KEY);
    test_hex(want_recipient, VEC_KDF_RECIPIENT_KEY);
    cr_assert_eq(xord_handshake_keys(initiator, recipient, p.curve, &dest, p.eph_seckey32, p.id_a32, p.id_b32,
                         p.challenge_data, sizeof(p.challenge_data)),
            0);
    cr_assert_bytes(initiator, want_initiator, 16);
    cr_assert_bytes(recipient, want_recipient, 16);
    xord_curve_close(p.curve);
    TEST_NO_LEAK();
}

/* The recipient holds the other halves and must reach the same keys, under any challenge of any record length. */
Test(handshake, both_sides_agree)
{
    struct parties p = parties_open();
    uint8_t static_seckey32[32];
    struct xord_pubkey static_key;
    uint8_t theirs[32];
    uint8_t ours[32];

    test_hex(static_seckey32, VEC_NODE_B_KEY);
    static_key = key_of(p.curve, static_seckey32);
    for (size_t len = 0; len <= sizeof(p.challenge_data); len += 21) {
        cr_assert_eq(xord_handshake_keys(theirs, theirs + 16, p.curve, &static_key, p.eph_seckey32, p.id_a32, p.id_b32,
                             p.challenge_data, len),
                0);
        cr_assert_eq(xord_handshake_keys(ours, ours + 16, p.curve, &p.eph_key, static_seckey32, p.id_a32, p.id_b32,
                             p.challenge_data, len),
                0);
        cr_assert_bytes(ours, theirs, 32);
        cr_assert(memcmp(ours, ours + 16, 16) != 0);
    }
    xord_curve_close(p.curve);
    TEST_NO_LEAK();
}

Test(handshake, keys_refuse_a_secret_that_is_none)
{
    static const uint8_t zero32[32];
    struct parties p = parties_open();
    uint8_t keys[32];

    cr_assert_eq(xord_handshake_keys(keys, keys + 16, p.curve, &p.eph_key, zero32, p.id_a32, p.id_b32, p.challenge_data,
                         sizeof(p.challenge_data)),
            XORD_EKEY);
    xord_curve_close(p.curve);
}

/* What the id signature covers, apart so that each part can be spoilt. */
struct proof {
    struct xord_curve *curve;
    uint8_t seckey32[32];
    struct xord_pubkey key;
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN];
    uint8_t eph_pubkey33[33];
    uint8_t id_b32[32];
    uint8_t sig64[64];
};

static struct proof proof_open(void)
{
    struct proof p = {.curve = xord_curve_open(seed32)};

    cr_assert(p.curve);
    test_hex(p.seckey32, VEC_IDSIG_STATIC_KEY);
    test_hex(p.challenge_data, VEC_IDSIG_CHALLENGE_DATA);
    test_hex(p.eph_pubkey33, VEC_IDSIG_EPHEMERAL_PUBKEY);
    test_hex(p.id_b32, VEC_IDSIG_NODE_ID_B);
    cr_assert_eq(test_hex(p.sig64, VEC_IDSIG_SIGNATURE), 64);
    p.key = key_of(p.curve, p.seckey32);
    return p;
}

static int proof_verify(const struct proof *p)
{
    return xord_id_verify(p->sig64, p->curve, &p->key, p->challenge_data, sizeof(p->challenge_data), p->eph_pubkey33,
            p->id_b32);
}

Test(handshake, id_signature_vector)
{
    struct proof p = proof_open();
    uint8_t sig64[64];

    cr_assert_eq(xord_id_sign(sig64, p.curve, p.seckey32, p.challenge_data, sizeof(p.challenge_data), p.eph_pubkey33,
                         p.id_b32),
            0);
    cr_assert_bytes(sig64, p.sig64, 64);
    cr_assert_eq(proof_verify(&p), 0);
    xord_curve_close(p.curve);
    TEST_NO_LEAK();
}

static void check_each_bit(struct proof *p, uint8_t *part, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        part[i] ^= (uint8_t)(1 << i % 8);
        cr_assert_eq(proof_verify(p), XORD_ESIG, "%s, byte %zu", name, i);
        part[i] ^= (uint8_t)(1 << i % 8);
    }
}

Test(handshake, id_signature_covers_every_byte)
{
    struct proof p = proof_open();
    uint8_t pubkey33[33];

    check_each_bit(&p, p.challenge_data, sizeof(p.challenge_data), "challenge-data");
    check_each_bit(&p, p.eph_pubkey33, sizeof(p.eph_pubkey33), "ephemeral-pubkey");
    check_each_bit(&p, p.id_b32, sizeof(p.id_b32), "id-b");
    check_each_bit(&p, p.sig64, sizeof(p.sig64), "signature");
    cr_assert_eq(proof_verify(&p), 0);
    cr_assert_eq(xord_pubkey_from_seckey(p.curve, pubkey33, p.seckey32), 0);
    pubkey33[0] ^= 1; /* the mirrored point: a key, but another one */
    cr_assert_eq(xord_pubkey_parse(p.curve, &p.key, pubkey33), 0);
    cr_assert_eq(proof_verify(&p), XORD_ESIG);
    xord_curve_close(p.curve);
    TEST_NO_LEAK();
}

Test(handshake, id_signature_needs_a_key)
{
    struct proof p = proof_open();
    uint8_t sig64[64];

    memset(p.seckey32, 0xff, 32);
    cr_assert_eq(xord_id_sign(sig64, p.curve, p.seckey32, p.challenge_data, sizeof(p.challenge_data), p.eph_pubkey33,
                         p.id_b32),
            XORD_EKEY);
    xord_curve_close(p.curve);
}
