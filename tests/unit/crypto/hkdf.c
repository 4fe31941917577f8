/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 (FIPS 180-4 examples), HMAC (RFC 4231), HKDF (RFC 5869, appendix A) and the protocol's key derivation. */
#include "xord_hkdf.h"

#include "test_util.h"
#include "vectors.h"
#include "xord_identity.h"

static struct xord_slice text(const char *s)
{
    return (struct xord_slice){(const uint8_t *)s, strlen(s)};
}

Test(sha256, matches_the_standards_examples)
{
    static const struct {
        const char *text;
        const char *hash;
    } rows[] = {
            {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
            {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_slice part = text(rows[i].text);
        uint8_t got[32], want[32];

        test_hex(want, rows[i].hash);
        xord_sha256(got, &part, 1);
        cr_assert(memcmp(got, want, 32) == 0, "sha256 of \"%s\"", rows[i].text);
    }
}

Test(sha256, parts_are_one_message)
{
    struct xord_slice parts[] = {text("a"), {NULL, 0}, text("b"), text("c")};
    struct xord_slice whole = text("abc");
    uint8_t a[32], b[32];

    xord_sha256(a, parts, 4);
    xord_sha256(b, &whole, 1);
    cr_assert_bytes(a, b, 32);
    xord_sha256(a, NULL, 0);
    xord_sha256(b, &(struct xord_slice){NULL, 0}, 1);
    cr_assert_bytes(a, b, 32);
}

/* RFC 4231, section 4. */
Test(hmac, matches_rfc_4231)
{
    static const struct {
        const char *key, *data, *mac;
    } rows[] = {
            {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
                    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
            {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    };
    uint8_t key[131], data[152], got[32], want[32];
    struct xord_slice part = {data, 0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t key_len = test_hex(key, rows[i].key);

        part.len = test_hex(data, rows[i].data);
        test_hex(want, rows[i].mac);
        xord_hmac_sha256(got, key, key_len, &part, 1);
        cr_assert(memcmp(got, want, 32) == 0, "test case %zu", i + 1);
    }
    /* Test case 6: a key longer than the block is hashed first. */
    memset(key, 0xaa, sizeof(key));
    part = text("Test Using Larger Than Block-Size Key - Hash Key First");
    test_hex(want, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    xord_hmac_sha256(got, key, sizeof(key), &part, 1);
    cr_assert_bytes(got, want, 32);
}

static void check_hkdf(const char *ikm_hex, const char *salt_hex, const char *info_hex, const char *okm_hex)
{
    uint8_t ikm[80], salt[80], info[80], got[82], want[82];
    size_t ikm_len = test_hex(ikm, ikm_hex);
    size_t salt_len = test_hex(salt, salt_hex);
    size_t info_len = test_hex(info, info_hex);
    size_t okm_len = test_hex(want, okm_hex);
    struct xord_slice halves[] = {{info, info_len / 2}, {info + info_len / 2, info_len - info_len / 2}};

    xord_hkdf_sha256(got, okm_len, salt, salt_len, ikm, ikm_len, halves, 2);
    cr_assert_bytes(got, want, okm_len);
}

Test(hkdf, rfc_5869_a1_basic)
{
    check_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

Test(hkdf, rfc_5869_a2_longer_inputs_and_outputs)
{
    check_hkdf("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
               "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
            "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
            "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
            "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

Test(hkdf, rfc_5869_a3_no_salt_and_no_info)
{
    check_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

Test(hkdf, makes_the_longest_output)
{
    static uint8_t out[255 * 32], first[32];

    xord_hkdf_sha256(out, sizeof(out), NULL, 0, NULL, 0, NULL, 0);
    xord_hkdf_sha256(first, sizeof(first), NULL, 0, NULL, 0, NULL, 0);
    cr_assert_bytes(out, first, sizeof(first));
}

/* discv5-wire-test-vectors.md, "Key Derivation". */
Test(hkdf, derives_the_protocols_session_keys)
{
    static const uint8_t seed[32] = {1};
    uint8_t secret[33], key[32], pubkey[33], id_a[32], id_b[32], challenge[63], want[32], out[32];
    struct xord_curve *curve = xord_curve_open(seed);
    struct xord_pubkey parsed;
    struct xord_slice info[] = {text("discovery v5 key agreement"), {id_a, 32}, {id_b, 32}};

    test_hex(key, VEC_KDF_EPHEMERAL_KEY);
    test_hex(pubkey, VEC_KDF_DEST_PUBKEY);
    test_hex(id_a, VEC_KDF_NODE_ID_A);
    test_hex(id_b, VEC_KDF_NODE_ID_B);
    cr_assert(test_hex(challenge, VEC_KDF_CHALLENGE_DATA) == sizeof(challenge));
    test_hex(want, VEC_KDF_INITIATOR_KEY VEC_KDF_RECIPIENT_KEY);
    cr_assert(xord_pubkey_parse(curve, &parsed, pubkey) == 0 && xord_ecdh(curve, secret, &parsed, key) == 0);
    xord_hkdf_sha256(out, sizeof(out), challenge, sizeof(challenge), secret, sizeof(secret), info, 3);
    cr_assert_bytes(out, want, sizeof(out));
    xord_curve_close(curve);
    TEST_NO_LEAK();
}
