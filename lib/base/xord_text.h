/* SPDX-License-Identifier: BSD-3-Clause */
/* Hex and URL-safe base64 without padding (RFC 4648, section 5), the two text forms that records and keys use.
 * Threading: pure. Memory: writes into the caller's buffer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_err.h"

/* Writes 2*len lower-case digits and a NUL; `out` holds 2*len + 1. */
void xord_hex_encode(char *out, const uint8_t *data, size_t len);

/* Decodes exactly 2*len digits of either case. XORD_ETEXT on anything else. */
XORD_MUST_CHECK int xord_hex_decode(uint8_t *out, size_t len, const char *text, size_t text_len);

/* Length of the text for `len` bytes, without the NUL. */
#define XORD_BASE64_LEN(len) (((len)*4 + 2) / 3)

/* Writes XORD_BASE64_LEN(len) characters and a NUL. */
void xord_base64url_encode(char *out, const uint8_t *data, size_t len);

/* Decodes `text_len` characters into `out` (capacity `cap`), sets *len. XORD_ETEXT on a character outside the
 * alphabet (padding included) or an impossible length, XORD_ECANON when unused bits are not zero, XORD_ESIZE when
 * `cap` is too small. */
XORD_MUST_CHECK int xord_base64url_decode(uint8_t *out, size_t *len, size_t cap, const char *text, size_t text_len);
