/* SPDX-License-Identifier: BSD-3-Clause */
/* Each crypto primitive beside the library that does the same work with the least around it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include <string.h>

#include "bench.h"
#include "floor.h"
#include "xord_hkdf.h"
#include "xord_identity.h"
#include "xord_keccak.h"

#define PING_LEN 14 /* plain; with the tag 30 */
#define PONG_LEN 24 /* with the tag 40 */

/* ---- symmetric, by bursts ---- */

struct part {
    const char *name;
    void (*ours)(void *floor, uint32_t n);
    void (*floor)(void *floor, uint32_t n);
    const char *note;
};

static const struct part parts[] = {
        {"micro.aes.unmask", ours_unmask, floor_unmask, "55 bytes, one key; floor: ipsec-mb's CTR burst"},
        {"micro.aes.mask", ours_mask, floor_mask,
                "55 bytes, each under a key to be expanded; floor: likewise, ipsec-mb"},
        {"micro.aes.open", ours_open, floor_open,
                "14 bytes and 71 of header, from a raw key, tag compared; floor: ipsec-mb direct, prepared keys, no "
                "compare"},
        {"micro.aes.seal", ours_seal, floor_seal,
                "24 bytes and 71 of header, from a raw key; floor: ipsec-mb direct, prepared keys"},
};

static void report_part(const struct part *part, struct floor *avx2, struct floor *avx512)
{
    struct bench_op ops[3] = {{part->ours, avx2, FLOOR_BURST}, {part->floor, avx2, FLOOR_BURST},
            {part->floor, avx512, FLOOR_BURST}};
    double cycles[3];

    bench_race(cycles, ops, avx512 ? 3 : 2);
    bench_report(&(struct bench_figure){
            .name = part->name,
            .value = cycles[0],
            .unit = "cycles/packet",
            .floor = avx512 && cycles[2] < cycles[1] ? cycles[2] : cycles[1],
            .note = part->note,
    });
}

static void run_aes(void)
{
    struct floor *avx2 = floor_new(PING_LEN, PONG_LEN, false), *avx512 = floor_new(PING_LEN, PONG_LEN, true);

    BENCH_CHECK(avx2 && floor_agrees(avx2) && (!avx512 || floor_agrees(avx512)));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        report_part(&parts[i], avx2, avx512);
    floor_free(avx2);
    floor_free(avx512);
}

/* ---- hashes ---- */

struct hash {
    uint8_t data[320];
    size_t len;
    uint8_t out[32];
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    SHA256_CTX sha;
    uint32_t blocks;
};

/* Reports the first of two operations, the second being its floor. */
static void report_two(const char *name, const char *unit, const char *note, void (*ours)(void *, uint32_t),
        void (*floor)(void *, uint32_t), void *ctx)
{
    struct bench_op ops[2] = {{ours, ctx, 1}, {floor, ctx, 1}};
    double cycles[2];

    bench_race(cycles, ops, 2);
    bench_report(
            &(struct bench_figure){.name = name, .value = cycles[0], .unit = unit, .floor = cycles[1], .note = note});
}

static void keccak_ours(void *ctx, uint32_t n)
{
    struct hash *hash = ctx;

    while (n-- > 0) {
        xord_keccak256(hash->out, hash->data, hash->len);
        bench_keep(hash->out);
    }
}

static void keccak_floor(void *ctx, uint32_t n)
{
    struct hash *hash = ctx;

    while (n-- > 0) {
        BENCH_CHECK(EVP_DigestInit_ex2(hash->ctx, hash->md, NULL) &&
                    EVP_DigestUpdate(hash->ctx, hash->data, hash->len) &&
                    EVP_DigestFinal_ex(hash->ctx, hash->out, NULL));
        bench_keep(hash->out);
    }
}

static void run_keccak(void)
{
    struct hash hash = {.len = 64, .md = EVP_MD_fetch(NULL, "SHA3-256", NULL), .ctx = EVP_MD_CTX_new()};

    BENCH_CHECK(hash.md && hash.ctx);
    report_two("micro.keccak.64", "cycles/hash", "a node id; floor: OpenSSL's SHA3-256, the same permutation",
            keccak_ours, keccak_floor, &hash);
    hash.len = 300;
    report_two("micro.keccak.300", "cycles/hash", "a record; floor: OpenSSL's SHA3-256", keccak_ours, keccak_floor,
            &hash);
    EVP_MD_CTX_free(hash.ctx);
    EVP_MD_free(hash.md);
}

static void sha_ours(void *ctx, uint32_t n)
{
    struct hash *hash = ctx;

    while (n-- > 0) {
        xord_sha256(hash->out, &(struct xord_slice){hash->data, hash->len}, 1);
        bench_keep(hash->out);
    }
}

/* The compressions alone. */
static void sha_floor(void *ctx, uint32_t n)
{
    struct hash *hash = ctx;

    while (n-- > 0)
        for (uint32_t i = 0; i < hash->blocks; i++)
            SHA256_Transform(&hash->sha, hash->data);
}

static void run_sha256(void)
{
    struct hash hash = {.len = 154, .blocks = 3}; /* what an id signature signs: 26 + 63 + 33 + 32 */

    SHA256_Init(&hash.sha);
    report_two("micro.sha256.154", "cycles/hash", "what an id signature signs; floor: OpenSSL's 3 compressions",
            sha_ours, sha_floor, &hash);
}

static void hkdf_ours(void *ctx, uint32_t n)
{
    struct hash *hash = ctx;
    struct xord_slice info = {hash->data, 26 + 32 + 32};

    while (n-- > 0) {
        xord_hkdf_sha256(hash->out, 32, hash->data, 63, hash->data + 64, 33, &info, 1);
        bench_keep(hash->out);
    }
}

/* Extract: pad and secret, pad and hash. Expand: pad and info (91 bytes with the counter: 2), pad and hash. */
static void run_hkdf(void)
{
    struct hash hash = {.blocks = 2 + 2 + 3 + 2};

    SHA256_Init(&hash.sha);
    report_two("micro.hkdf", "cycles/derivation", "both session keys; floor: OpenSSL's 9 compressions", hkdf_ours,
            sha_floor, &hash);
}

/* ---- the curve ---- */

struct keys {
    struct xord_curve *curve;
    secp256k1_context *ctx;
    uint8_t seckey32[32], peer33[33], hash32[32], sig64[64], out[65];
};

static void parsed(const struct keys *keys, secp256k1_pubkey *pubkey)
{
    BENCH_CHECK(secp256k1_ec_pubkey_parse(keys->ctx, pubkey, keys->peer33, 33));
}

static void serialized(struct keys *keys, const secp256k1_pubkey *pubkey)
{
    size_t len = 33;

    BENCH_CHECK(secp256k1_ec_pubkey_serialize(keys->ctx, keys->out, &len, pubkey, SECP256K1_EC_COMPRESSED));
}

static void keygen_ours(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;

    while (n-- > 0)
        BENCH_CHECK(xord_pubkey_from_seckey(keys->curve, keys->out, keys->seckey32) == 0);
}

static void keygen_floor(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;
    secp256k1_pubkey pubkey;

    while (n-- > 0) {
        BENCH_CHECK(secp256k1_ec_pubkey_create(keys->ctx, &pubkey, keys->seckey32));
        serialized(keys, &pubkey);
    }
}

static void ecdh_ours(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;
    struct xord_pubkey peer;

    while (n-- > 0) {
        BENCH_CHECK(xord_pubkey_parse(keys->curve, &peer, keys->peer33) == 0);
        BENCH_CHECK(xord_ecdh(keys->curve, keys->out, &peer, keys->seckey32) == 0);
    }
}

static int take_x(unsigned char *out, const unsigned char *x32, const unsigned char *y32, void *data)
{
    (void)y32;
    (void)data;
    memcpy(out, x32, 32);
    return 1;
}

static void ecdh_floor(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;
    secp256k1_pubkey pubkey;

    while (n-- > 0) {
        parsed(keys, &pubkey);
        BENCH_CHECK(secp256k1_ecdh(keys->ctx, keys->out, &pubkey, keys->seckey32, take_x, NULL));
    }
}

static void sign_ours(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;

    while (n-- > 0)
        BENCH_CHECK(xord_sign(keys->curve, keys->out, keys->hash32, keys->seckey32) == 0);
}

static void sign_floor(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;
    secp256k1_ecdsa_signature sig;

    while (n-- > 0) {
        BENCH_CHECK(secp256k1_ecdsa_sign(keys->ctx, &sig, keys->hash32, keys->seckey32, NULL, NULL));
        secp256k1_ecdsa_signature_serialize_compact(keys->ctx, keys->out, &sig);
    }
}

static void verify_ours(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;
    struct xord_pubkey peer;

    while (n-- > 0) {
        BENCH_CHECK(xord_pubkey_parse(keys->curve, &peer, keys->peer33) == 0);
        BENCH_CHECK(xord_verify(keys->curve, keys->sig64, keys->hash32, &peer) == 0);
    }
}

static void verify_floor(void *ctx, uint32_t n)
{
    struct keys *keys = ctx;
    secp256k1_ecdsa_signature sig;
    secp256k1_pubkey pubkey;

    while (n-- > 0) {
        parsed(keys, &pubkey);
        BENCH_CHECK(secp256k1_ecdsa_signature_parse_compact(keys->ctx, &sig, keys->sig64));
        BENCH_CHECK(secp256k1_ecdsa_verify(keys->ctx, &sig, keys->hash32, &pubkey));
    }
}

static void run_curve(void)
{
    static const uint8_t seed32[32] = {1}, peer_seckey32[32] = {2};
    struct keys keys = {.curve = xord_curve_open(seed32),
            .ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE),
            .seckey32 = {3},
            .hash32 = {4}};
    const char *unit = "cycles/operation";

    BENCH_CHECK(keys.curve && keys.ctx && secp256k1_context_randomize(keys.ctx, seed32));
    BENCH_CHECK(xord_pubkey_from_seckey(keys.curve, keys.peer33, peer_seckey32) == 0);
    BENCH_CHECK(xord_sign(keys.curve, keys.sig64, keys.hash32, peer_seckey32) == 0);
    report_two("micro.curve.keygen", unit, "floor of these four: libsecp256k1 from and to the same bytes", keygen_ours,
            keygen_floor, &keys);
    report_two("micro.curve.ecdh", unit, NULL, ecdh_ours, ecdh_floor, &keys);
    report_two("micro.curve.sign", unit, NULL, sign_ours, sign_floor, &keys);
    report_two("micro.curve.verify", unit, NULL, verify_ours, verify_floor, &keys);
    secp256k1_context_destroy(keys.ctx);
    xord_curve_close(keys.curve);
}

const struct bench bench_micro_crypto[] = {
        {"micro.aes", run_aes},
        {"micro.keccak", run_keccak},
        {"micro.sha256", run_sha256},
        {"micro.hkdf", run_hkdf},
        {"micro.curve", run_curve},
        {NULL, NULL},
};
