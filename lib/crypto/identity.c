/* SPDX-License-Identifier: BSD-3-Clause */
/* The "v4" identity scheme over libsecp256k1. */
#include "xord_identity.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_keccak.h"

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

int xord_pubkey_from_seckey(const struct xord_curve *curve, uint8_t pubkey33[33], const uint8_t seckey32[32])
{
    secp256k1_pubkey pubkey;
    size_t len = XORD_PUBKEY_LEN;

    if (!secp256k1_ec_pubkey_create(curve->ctx, &pubkey, seckey32))
        return XORD_EKEY;
    secp256k1_ec_pubkey_serialize(curve->ctx, pubkey33, &len, &pubkey, SECP256K1_EC_COMPRESSED);
    return 0;
}

int xord_id_from_pubkey(const struct xord_curve *curve, uint8_t id32[32], const uint8_t pubkey33[33])
{
    secp256k1_pubkey pubkey;
    uint8_t point[65]; /* 0x04 || x || y */
    size_t len = sizeof(point);

    if (!secp256k1_ec_pubkey_parse(curve->ctx, &pubkey, pubkey33, XORD_PUBKEY_LEN))
        return XORD_EKEY;
    secp256k1_ec_pubkey_serialize(curve->ctx, point, &len, &pubkey, SECP256K1_EC_UNCOMPRESSED);
    xord_keccak256(id32, point + 1, sizeof(point) - 1);
    return 0;
}

/* In place of the library's hash: the protocol's secret is the compressed point itself. */
static int compress_point(unsigned char *out, const unsigned char *x32, const unsigned char *y32, void *data)
{
    (void)data;
    out[0] = 0x02 | (y32[31] & 1);
    memcpy(out + 1, x32, 32);
    return 1;
}

int xord_ecdh(const struct xord_curve *curve, uint8_t secret33[33], const uint8_t pubkey33[33],
        const uint8_t seckey32[32])
{
    secp256k1_pubkey pubkey;

    if (!secp256k1_ec_pubkey_parse(curve->ctx, &pubkey, pubkey33, XORD_PUBKEY_LEN))
        return XORD_EKEY;
    if (!secp256k1_ecdh(curve->ctx, secret33, &pubkey, seckey32, compress_point, NULL)) {
        xord_wipe(secret33, XORD_ECDH_LEN); /* the library leaves the point times one */
        return XORD_EKEY;
    }
    return 0;
}

int xord_sign(const struct xord_curve *curve, uint8_t sig64[64], const uint8_t hash32[32], const uint8_t seckey32[32])
{
    secp256k1_ecdsa_signature sig;

    if (!secp256k1_ecdsa_sign(curve->ctx, &sig, hash32, seckey32, secp256k1_nonce_function_rfc6979, NULL))
        return XORD_EKEY;
    secp256k1_ecdsa_signature_serialize_compact(curve->ctx, sig64, &sig);
    return 0;
}

int xord_verify(const struct xord_curve *curve, const uint8_t sig64[64], const uint8_t hash32[32],
        const uint8_t pubkey33[33])
{
    secp256k1_pubkey pubkey;
    secp256k1_ecdsa_signature sig;

    if (!secp256k1_ec_pubkey_parse(curve->ctx, &pubkey, pubkey33, XORD_PUBKEY_LEN))
        return XORD_EKEY;
    if (!secp256k1_ecdsa_signature_parse_compact(curve->ctx, &sig, sig64))
        return XORD_ESIG;
    secp256k1_ecdsa_signature_normalize(curve->ctx, &sig, &sig); /* the library rejects high s */
    return secp256k1_ecdsa_verify(curve->ctx, &sig, hash32, &pubkey) ? 0 : XORD_ESIG;
}
