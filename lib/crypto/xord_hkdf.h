/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 and HKDF-SHA-256 (RFC 5869) over OpenSSL's block function; no allocation.
 * Threading: pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A run of input bytes; several make one message without a copy. */
struct xord_slice {
    const uint8_t *data;
    size_t len;
};

void xord_sha256(uint8_t out[32], const struct xord_slice *parts, size_t part_cnt);
void xord_hmac_sha256(uint8_t out[32], const uint8_t *key, size_t key_len, const struct xord_slice *parts,
        size_t part_cnt);

/* Extract then Expand; `out_len` <= 255*32. */
void xord_hkdf_sha256(uint8_t *out, size_t out_len, const uint8_t *salt, size_t salt_len, const uint8_t *ikm,
        size_t ikm_len, const struct xord_slice *info, size_t info_cnt);
