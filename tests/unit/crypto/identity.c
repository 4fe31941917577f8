/* SPDX-License-Identifier: BSD-3-Clause */
/* The "v4" identity scheme: the specification's vectors, invalid keys, and what verification accepts. */
#include "xord_identity.h"

#include "test_util.h"
#include "vectors.h"
#include "xord_hkdf.h"
#include "xord_rng.h"

#define ORDER     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define ZERO      "0000000000000000000000000000000000000000000000000000000000000000"
#define ALL_ONES  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define GENERATOR "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static const char *const bad_seckeys[] = {ZERO, ORDER, ALL_ONES};

/* No point has x = 5; x = p is not a field element; 04 and 00 are no tags of a compressed point. */
static const char *const bad_pubkeys[] = {
        "020000000000000000000000000000000000000000000000000000000000000005",
        "030000000000000000000000000000000000000000000000000000000000000005",
        "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
        "04" GENERATOR,
        "06" GENERATOR,
        "00" ZERO,
        "02" ALL_ONES,
};

static struct xord_curve *curve;
static struct xord_rng rng;

static void setup(void)
{
    static const uint8_t seed[32] = "identity";

    curve = xord_curve_open(seed);
    cr_assert(curve);
    xord_rng_init(&rng, seed);
}

static void teardown(void)
{
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

TestSuite(identity, .init = setup, .fini = teardown);

static void random_key(uint8_t seckey[32], uint8_t pubkey[33])
{
    do {
        xord_rng_fill(&rng, seckey, 32);
    } while (xord_pubkey_from_seckey(curve, pubkey, seckey) != 0);
}

static struct xord_pubkey parsed(const uint8_t pubkey33[33])
{
    struct xord_pubkey key;

    cr_assert(xord_pubkey_parse(curve, &key, pubkey33) == 0);
    return key;
}

static int ecdh(uint8_t secret33[33], const uint8_t pubkey33[33], const uint8_t seckey32[32])
{
    struct xord_pubkey key = parsed(pubkey33);

    return xord_ecdh(curve, secret33, &key, seckey32);
}

static int verify(const uint8_t sig64[64], const uint8_t hash32[32], const uint8_t pubkey33[33])
{
    struct xord_pubkey key = parsed(pubkey33);

    return xord_verify(curve, sig64, hash32, &key);
}

/* out = order - s, big-endian. */
static void negate_s(uint8_t s[32])
{
    uint8_t order[32];
    int borrow = 0;

    test_hex(order, ORDER);
    for (int i = 31; i >= 0; i--) {
        int v = order[i] - s[i] - borrow;

        borrow = v < 0;
        s[i] = (uint8_t)v;
    }
}

static bool is_low_s(const uint8_t sig[64])
{
    uint8_t half[32];

    test_hex(half, "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    return memcmp(sig + 32, half, 32) <= 0;
}

Test(identity, ecdh_gives_the_specifications_compressed_point)
{
    uint8_t pubkey[33], seckey[32], want[33], got[33];

    test_hex(pubkey, VEC_ECDH_PUBLIC_KEY);
    test_hex(seckey, VEC_ECDH_SECRET_KEY);
    test_hex(want, VEC_ECDH_SHARED_SECRET);
    cr_assert(ecdh(got, pubkey, seckey) == 0);
    cr_assert_bytes(got, want, 33);
}

Test(identity, ecdh_is_the_same_from_both_sides)
{
    for (int i = 0; i < 50; i++) {
        uint8_t a[32], b[32], pub_a[33], pub_b[33], ab[33], ba[33];

        random_key(a, pub_a);
        random_key(b, pub_b);
        cr_assert(ecdh(ab, pub_b, a) == 0 && ecdh(ba, pub_a, b) == 0);
        cr_assert_bytes(ab, ba, 33);
    }
}

Test(identity, node_ids_are_the_specifications)
{
    static const struct {
        const char *key, *id;
    } rows[] = {
            {VEC_ENR_SECRET_KEY, VEC_ENR_NODE_ID},
            {VEC_NODE_A_KEY, VEC_NODE_A_ID},
            {VEC_NODE_B_KEY, VEC_NODE_B_ID},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t seckey[32], pubkey[33], want[32], got[32];

        test_hex(seckey, rows[i].key);
        test_hex(want, rows[i].id);
        cr_assert(xord_pubkey_from_seckey(curve, pubkey, seckey) == 0);
        cr_assert(xord_id_from_pubkey33(curve, got, pubkey) == 0);
        cr_assert(memcmp(got, want, 32) == 0, "node id of key %s", rows[i].key);
    }
}

Test(identity, ephemeral_pubkey_is_the_specifications)
{
    uint8_t seckey[32], want[33], got[33];

    test_hex(seckey, VEC_HANDSHAKE_EPHEMERAL_KEY);
    test_hex(want, VEC_HANDSHAKE_EPHEMERAL_PUBKEY);
    cr_assert(xord_pubkey_from_seckey(curve, got, seckey) == 0);
    cr_assert_bytes(got, want, 33);
}

/* discv5-wire-test-vectors.md, "ID Nonce Signing": RFC 6979 makes the signature itself reproducible. */
Test(identity, id_signature_is_the_specifications)
{
    static const char prefix[] = "discovery v5 identity proof";
    uint8_t seckey[32], pubkey[33], challenge[63], ephemeral[33], id_b[32], hash[32], want[64], got[64];
    struct xord_slice parts[] = {{(const uint8_t *)prefix, sizeof(prefix) - 1}, {challenge, sizeof(challenge)},
            {ephemeral, 33}, {id_b, 32}};

    test_hex(seckey, VEC_IDSIG_STATIC_KEY);
    cr_assert(test_hex(challenge, VEC_IDSIG_CHALLENGE_DATA) == sizeof(challenge));
    test_hex(ephemeral, VEC_IDSIG_EPHEMERAL_PUBKEY);
    test_hex(id_b, VEC_IDSIG_NODE_ID_B);
    test_hex(want, VEC_IDSIG_SIGNATURE);
    xord_sha256(hash, parts, 4);
    cr_assert(xord_sign(curve, got, hash, seckey) == 0);
    cr_assert_bytes(got, want, 64);
    cr_assert(xord_pubkey_from_seckey(curve, pubkey, seckey) == 0);
    cr_assert(verify(want, hash, pubkey) == 0);
}

Test(identity, secret_keys_out_of_range_are_refused)
{
    uint8_t seckey[32], out[64], pubkey[33], hash[32] = {1}, zeroes[33] = {0};

    test_hex(pubkey, "02" GENERATOR);
    for (size_t i = 0; i < sizeof(bad_seckeys) / sizeof(bad_seckeys[0]); i++) {
        test_hex(seckey, bad_seckeys[i]);
        cr_assert(xord_pubkey_from_seckey(curve, out, seckey) == XORD_EKEY, "%s", bad_seckeys[i]);
        cr_assert(xord_sign(curve, out, hash, seckey) == XORD_EKEY, "%s", bad_seckeys[i]);
        memset(out, 0xee, sizeof(out));
        cr_assert(ecdh(out, pubkey, seckey) == XORD_EKEY, "%s", bad_seckeys[i]);
        cr_assert_bytes(out, zeroes, 33);
    }
}

Test(identity, bytes_that_are_no_point_are_refused)
{
    struct xord_pubkey key;
    uint8_t pubkey[33], out[33];

    for (size_t i = 0; i < sizeof(bad_pubkeys) / sizeof(bad_pubkeys[0]); i++) {
        cr_assert(test_hex(pubkey, bad_pubkeys[i]) == 33, "%s", bad_pubkeys[i]);
        cr_assert(xord_pubkey_parse(curve, &key, pubkey) == XORD_EKEY, "%s", bad_pubkeys[i]);
        cr_assert(xord_id_from_pubkey33(curve, out, pubkey) == XORD_EKEY, "%s", bad_pubkeys[i]);
    }
}

/* x and y bring back the very key; any other y but the mirrored one is off the curve. */
Test(identity, a_key_comes_back_from_x_and_y)
{
    for (int i = 0; i < 50; i++) {
        uint8_t seckey[32], pubkey[33], xy[64];
        struct xord_pubkey key, again;

        random_key(seckey, pubkey);
        key = parsed(pubkey);
        xord_pubkey_xy(curve, xy, &key);
        cr_assert_bytes(xy, pubkey + 1, 32);
        cr_assert(xord_pubkey_parse_xy(curve, &again, xy, xy + 32) == 0);
        cr_assert_bytes(&key, &again, sizeof(key));
        for (unsigned bit = 0; bit < 64 * 8; bit++) {
            xy[bit / 8] ^= (uint8_t)(1U << bit % 8);
            cr_assert(xord_pubkey_parse_xy(curve, &again, xy, xy + 32) == XORD_EKEY, "bit %u", bit);
            xy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

Test(identity, signatures_verify_have_low_s_and_repeat)
{
    for (int i = 0; i < 100; i++) {
        uint8_t seckey[32], pubkey[33], hash[32], sig[64], again[64];

        random_key(seckey, pubkey);
        xord_rng_fill(&rng, hash, sizeof(hash));
        cr_assert(xord_sign(curve, sig, hash, seckey) == 0);
        cr_assert(xord_sign(curve, again, hash, seckey) == 0);
        cr_assert_bytes(sig, again, 64);
        cr_assert(is_low_s(sig));
        cr_assert(verify(sig, hash, pubkey) == 0);
    }
}

Test(identity, high_s_is_accepted)
{
    for (int i = 0; i < 50; i++) {
        uint8_t seckey[32], pubkey[33], hash[32], sig[64];

        random_key(seckey, pubkey);
        xord_rng_fill(&rng, hash, sizeof(hash));
        cr_assert(xord_sign(curve, sig, hash, seckey) == 0);
        negate_s(sig + 32);
        cr_assert(!is_low_s(sig));
        cr_assert(verify(sig, hash, pubkey) == 0);
    }
}

Test(identity, any_flipped_bit_is_refused)
{
    struct xord_pubkey key;
    uint8_t seckey[32], pubkey[33], hash[32], sig[64];

    random_key(seckey, pubkey);
    xord_rng_fill(&rng, hash, sizeof(hash));
    cr_assert(xord_sign(curve, sig, hash, seckey) == 0);
    for (unsigned bit = 0; bit < 64 * 8; bit++) {
        sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert(verify(sig, hash, pubkey) == XORD_ESIG, "signature bit %u", bit);
        sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (unsigned bit = 0; bit < 32 * 8; bit++) {
        hash[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert(verify(sig, hash, pubkey) == XORD_ESIG, "hash bit %u", bit);
        hash[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (unsigned bit = 0; bit < 33 * 8; bit++) {
        pubkey[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert(xord_pubkey_parse(curve, &key, pubkey) != 0 || xord_verify(curve, sig, hash, &key) == XORD_ESIG,
                "key bit %u", bit);
        pubkey[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    cr_assert(verify(sig, hash, pubkey) == 0);
}

Test(identity, signatures_with_r_or_s_out_of_range_are_refused)
{
    static const char *const bad[] = {ZERO ZERO, ZERO GENERATOR, GENERATOR ZERO, ORDER GENERATOR, GENERATOR ORDER,
            ALL_ONES ALL_ONES};
    uint8_t pubkey[33], hash[32] = {1}, sig[64];

    test_hex(pubkey, "02" GENERATOR);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_hex(sig, bad[i]);
        cr_assert(verify(sig, hash, pubkey) == XORD_ESIG, "%s", bad[i]);
    }
}

Test(identity, the_blinding_seed_changes_no_result)
{
    static const uint8_t seed[32] = "another seed";
    struct xord_curve *other = xord_curve_open(seed);
    struct xord_pubkey key;
    uint8_t seckey[32], a[64], b[64], hash[32] = {7}, pubkey[33];

    random_key(seckey, pubkey);
    cr_assert(xord_sign(curve, a, hash, seckey) == 0 && xord_sign(other, b, hash, seckey) == 0);
    cr_assert_bytes(a, b, 64);
    key = parsed(pubkey);
    cr_assert(xord_ecdh(curve, a, &key, seckey) == 0 && xord_ecdh(other, b, &key, seckey) == 0);
    cr_assert_bytes(a, b, 33);
    xord_curve_close(other);
    xord_curve_close(NULL);
}

/* ---- keys in a row ---- */

Test(identity, a_row_of_keys_is_what_its_secrets_make)
{
    static const uint8_t seed32[32] = {1};
    struct xord_curve *ours = xord_curve_open(seed32);
    uint8_t first32[32] = {9, 8, 7}, seckey32[32], pubkey33[33];
    struct xord_pubkey one_by_one;
    struct xord_key_row row;

    cr_assert_not_null(ours);
    memset(first32 + 28, 0xff, 4); /* so that adding carries */
    cr_assert_eq(xord_key_row_begin(&row, ours, first32), 0);
    for (uint64_t n = 0; n < 50; n++) {
        cr_assert(n == 0 || xord_key_row_next(&row, ours) == 0);
        cr_assert_eq(xord_seckey_plus(ours, seckey32, first32, n), 0);
        cr_assert_eq(xord_pubkey_from_seckey(ours, pubkey33, seckey32), 0);
        cr_assert_eq(xord_pubkey_parse(ours, &one_by_one, pubkey33), 0);
        cr_assert_bytes(&row.key, &one_by_one, sizeof(one_by_one));
    }
    memset(seckey32, 0, 32);
    cr_assert_eq(xord_key_row_begin(&row, ours, seckey32), XORD_EKEY);
    cr_assert_eq(xord_seckey_plus(ours, seckey32, seckey32, 0), XORD_EKEY);
    xord_curve_close(ours);
    TEST_NO_LEAK();
}
