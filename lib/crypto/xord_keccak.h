/* SPDX-License-Identifier: BSD-3-Clause */
/* Legacy Keccak-256 (the padding of the 2011 submission, not SHA-3's), as node ids and record signatures use it.
 * Threading: pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void xord_keccak256(uint8_t out[32], const uint8_t *data, size_t len);
