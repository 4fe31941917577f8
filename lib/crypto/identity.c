/* SPDX-License-Identifier: BSD-3-Clause */
/* The "v4" identity scheme over libsecp256k1. */
#include "xord_identity.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_keccak.h"

#define STACK_USED 8192 /* by the library, at most */
#define POINT_LEN  65   /* 0x04 || x || y */

struct xord_curve {
    secp256k1_context *ctx;
};

struct xord_curve *xord_curve_open(const uint8_t seed32[32])
{
    struct xord_curve *curve = malloc(sizeof(*curve));

    if (!curve)
        return NULL;
    curve->ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    if (!curve->ctx || !secp256k1_context_randomize(curve->ctx, seed32)) {
        xord_curve_close(curve);
        return NULL;
    }
    return curve;
}

void xord_curve_close(struct xord_curve *curve)
{
    if (!curve)
        return;
    if (curve->ctx)
        secp256k1_context_destroy(curve->ctx);
    free(curve);
}

/* The library leaves copies of secrets on its part of the stack, which a later core dump would show. To be called from where it
 * was called. */
__attribute__((noinline)) static void stack_wipe(void)
{
    uint8_t below[STACK_USED];

    xord_wipe(below, sizeof(below));
}

int xord_pubkey_from_seckey(const struct xord_curve *curve, uint8_t pubkey33[33], const uint8_t seckey32[32])
{
    secp256k1_pubkey pubkey;
    size_t len = XORD_PUBKEY_LEN;
    int ok = secp256k1_ec_pubkey_create(curve->ctx, &pubkey, seckey32);

    stack_wipe();
    if (!ok)
        return XORD_EKEY;
    secp256k1_ec_pubkey_serialize(curve->ctx, pubkey33, &len, &pubkey, SECP256K1_EC_COMPRESSED);
    return 0;
}

_Static_assert(sizeof(struct xord_pubkey) == sizeof(secp256k1_pubkey) &&
                       _Alignof(struct xord_pubkey) >= _Alignof(secp256k1_pubkey),
        "the library's own form of a key");

/* The library works on its own type, so keys pass through one; the compiler leaves nothing of it. */
static secp256k1_pubkey pubkey_of(const struct xord_pubkey *pubkey)
{
    secp256k1_pubkey out;

    memcpy(&out, pubkey, sizeof(out));
    return out;
}

static int pubkey_parse(const struct xord_curve *curve, struct xord_pubkey *pubkey, const uint8_t *bytes, size_t len)
{
    secp256k1_pubkey parsed;

    if (!secp256k1_ec_pubkey_parse(curve->ctx, &parsed, bytes, len))
        return XORD_EKEY;
    memcpy(pubkey, &parsed, sizeof(parsed));
    return 0;
}

int xord_pubkey_parse(const struct xord_curve *curve, struct xord_pubkey *pubkey, const uint8_t pubkey33[33])
{
    return pubkey_parse(curve, pubkey, pubkey33, XORD_PUBKEY_LEN);
}

int xord_pubkey_parse_xy(const struct xord_curve *curve, struct xord_pubkey *pubkey, const uint8_t x32[32],
        const uint8_t y32[32])
{
    uint8_t point[POINT_LEN] = {0x04};

    memcpy(point + 1, x32, 32);
    memcpy(point + 33, y32, 32);
    return pubkey_parse(curve, pubkey, point, sizeof(point));
}

void xord_pubkey_xy(const struct xord_curve *curve, uint8_t xy64[64], const struct xord_pubkey *pubkey)
{
    secp256k1_pubkey parsed = pubkey_of(pubkey);
    uint8_t point[POINT_LEN];
    size_t len = sizeof(point);

    secp256k1_ec_pubkey_serialize(curve->ctx, point, &len, &parsed, SECP256K1_EC_UNCOMPRESSED);
    memcpy(xy64, point + 1, 64);
}

void xord_id_from_pubkey(const struct xord_curve *curve, uint8_t id32[32], const struct xord_pubkey *pubkey)
{
    uint8_t xy64[64];

    xord_pubkey_xy(curve, xy64, pubkey);
    xord_keccak256(id32, xy64, sizeof(xy64));
}

int xord_id_from_pubkey33(const struct xord_curve *curve, uint8_t id32[32], const uint8_t pubkey33[33])
{
    struct xord_pubkey pubkey;
    int err = xord_pubkey_parse(curve, &pubkey, pubkey33);

    if (!err)
        xord_id_from_pubkey(curve, id32, &pubkey);
    return err;
}

/* In place of the library's hash: the protocol's secret is the compressed point itself. */
static int compress_point(unsigned char *out, const unsigned char *x32, const unsigned char *y32, void *data)
{
    (void)data;
    out[0] = 0x02 | (y32[31] & 1);
    memcpy(out + 1, x32, 32);
    return 1;
}

int xord_ecdh(const struct xord_curve *curve, uint8_t secret33[33], const struct xord_pubkey *pubkey,
        const uint8_t seckey32[32])
{
    secp256k1_pubkey parsed = pubkey_of(pubkey);
    int ok = secp256k1_ecdh(curve->ctx, secret33, &parsed, seckey32, compress_point, NULL);

    stack_wipe();
    if (!ok) {
        xord_wipe(secret33, XORD_ECDH_LEN); /* the library leaves the point times one */
        return XORD_EKEY;
    }
    return 0;
}

int xord_sign(const struct xord_curve *curve, uint8_t sig64[64], const uint8_t hash32[32], const uint8_t seckey32[32])
{
    secp256k1_ecdsa_signature sig;
    int ok = secp256k1_ecdsa_sign(curve->ctx, &sig, hash32, seckey32, secp256k1_nonce_function_rfc6979, NULL);

    stack_wipe();
    if (!ok)
        return XORD_EKEY;
    secp256k1_ecdsa_signature_serialize_compact(curve->ctx, sig64, &sig);
    return 0;
}

int xord_verify(const struct xord_curve *curve, const uint8_t sig64[64], const uint8_t hash32[32],
        const struct xord_pubkey *pubkey)
{
    secp256k1_pubkey parsed = pubkey_of(pubkey);
    secp256k1_ecdsa_signature sig;

    if (!secp256k1_ecdsa_signature_parse_compact(curve->ctx, &sig, sig64))
        return XORD_ESIG;
    secp256k1_ecdsa_signature_normalize(curve->ctx, &sig, &sig); /* the library rejects high s */
    return secp256k1_ecdsa_verify(curve->ctx, &sig, hash32, &parsed) ? 0 : XORD_ESIG;
}

/* ---- keys in a row ---- */

int xord_seckey_plus(const struct xord_curve *curve, uint8_t out32[32], const uint8_t seckey32[32], uint64_t n)
{
    uint8_t tweak32[32] = {0};

    xord_store_be64(tweak32 + 24, n);
    memcpy(out32, seckey32, XORD_SECKEY_LEN);
    return secp256k1_ec_seckey_tweak_add(curve->ctx, out32, tweak32) ? 0 : XORD_EKEY;
}

static int generator(const struct xord_curve *curve, struct xord_pubkey *out)
{
    static const uint8_t one32[32] = {[31] = 1};
    secp256k1_pubkey pubkey;

    if (!secp256k1_ec_pubkey_create(curve->ctx, &pubkey, one32))
        return XORD_EKEY;
    memcpy(out, &pubkey, sizeof(*out));
    return 0;
}

int xord_key_row_begin(struct xord_key_row *row, const struct xord_curve *curve, const uint8_t seckey32[32])
{
    secp256k1_pubkey pubkey;

    if (!secp256k1_ec_pubkey_create(curve->ctx, &pubkey, seckey32))
        return XORD_EKEY;
    memcpy(&row->key, &pubkey, sizeof(row->key));
    return generator(curve, &row->step);
}

int xord_key_row_next(struct xord_key_row *row, const struct xord_curve *curve)
{
    secp256k1_pubkey key = pubkey_of(&row->key), step = pubkey_of(&row->step), sum;
    const secp256k1_pubkey *const both[] = {&key, &step};

    if (!secp256k1_ec_pubkey_combine(curve->ctx, &sum, both, 2))
        return XORD_EKEY;
    memcpy(&row->key, &sum, sizeof(row->key));
    return 0;
}
