/* SPDX-License-Identifier: BSD-3-Clause */
/* secp256k1 for the "v4" identity scheme: keys, ECDH, signatures, node ids. Spec: enr.md, "v4 Identity Scheme";
 * discv5-theory.md, "Identity-Specific Cryptography in the Handshake".
 *
 * Signatures are 64 bytes r || s with low s; verification accepts high s too (records signed elsewhere have it) by
 * normalising first. Signing is deterministic (RFC 6979).
 * Threading: a `struct xord_curve` is read-only after open and may be shared. Memory: allocated by open only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_err.h"

#define XORD_SECKEY_LEN 32
#define XORD_PUBKEY_LEN 33 /* compressed */
#define XORD_SIG_LEN    64
#define XORD_ID_LEN     32
#define XORD_ECDH_LEN   33

struct xord_curve;

/* A public key taken apart once, for any number of operations: the compressed form costs a square root, a seventh of a
 * verification. Valid within the process only; x || y is the form to keep. */
struct xord_pubkey {
    _Alignas(16) uint8_t opaque[64];
};

/* `seed32` blinds the context against side channels. NULL when out of memory. */
struct xord_curve *xord_curve_open(const uint8_t seed32[32]);
void xord_curve_close(struct xord_curve *curve);

/* XORD_EKEY when the secret is zero or not below the group order. */
XORD_MUST_CHECK int xord_pubkey_from_seckey(const struct xord_curve *curve, uint8_t pubkey33[33],
        const uint8_t seckey32[32]);

/* From the compressed form, or from x and y, which costs next to nothing. XORD_EKEY when the bytes are no point; the key
 * is then not to be used. */
XORD_MUST_CHECK int xord_pubkey_parse(const struct xord_curve *curve, struct xord_pubkey *pubkey,
        const uint8_t pubkey33[33]);
XORD_MUST_CHECK int xord_pubkey_parse_xy(const struct xord_curve *curve, struct xord_pubkey *pubkey,
        const uint8_t x32[32], const uint8_t y32[32]);
void xord_pubkey_xy(const struct xord_curve *curve, uint8_t xy64[64], const struct xord_pubkey *pubkey);

/* keccak-256 of x || y. */
void xord_id_from_pubkey(const struct xord_curve *curve, uint8_t id32[32], const struct xord_pubkey *pubkey);
/* The same of a compressed key. XORD_EKEY when the bytes are no point. */
XORD_MUST_CHECK int xord_id_from_pubkey33(const struct xord_curve *curve, uint8_t id32[32], const uint8_t pubkey33[33]);

/* The compressed point pubkey * seckey, 33 bytes. XORD_EKEY on an invalid secret. */
XORD_MUST_CHECK int xord_ecdh(const struct xord_curve *curve, uint8_t secret33[33], const struct xord_pubkey *pubkey,
        const uint8_t seckey32[32]);

/* Signs a 32-byte hash. XORD_EKEY on an invalid key. */
XORD_MUST_CHECK int xord_sign(const struct xord_curve *curve, uint8_t sig64[64], const uint8_t hash32[32],
        const uint8_t seckey32[32]);

/* 0 or XORD_ESIG. */
XORD_MUST_CHECK int xord_verify(const struct xord_curve *curve, const uint8_t sig64[64], const uint8_t hash32[32],
        const struct xord_pubkey *pubkey);

/* ---- keys in a row: seckey, seckey + 1, seckey + 2 ... ----
 *
 * A test network needs a million keys, and the next point costs a tenth of what a key pair does. Whoever knows one secret of a
 * row knows all of them, so this is for nothing but tests. */
struct xord_key_row {
    struct xord_pubkey key; /* the public key of the row's current secret */
    struct xord_pubkey step;
};

/* EKEY when the secret is none, or a sum happens to be zero. */
XORD_MUST_CHECK int xord_key_row_begin(struct xord_key_row *row, const struct xord_curve *curve,
        const uint8_t seckey32[32]);
XORD_MUST_CHECK int xord_key_row_next(struct xord_key_row *row, const struct xord_curve *curve);
/* The secret `n` further on; `out32` may be `seckey32`. EKEY as above. */
XORD_MUST_CHECK int xord_seckey_plus(const struct xord_curve *curve, uint8_t out32[32], const uint8_t seckey32[32],
        uint64_t n);
