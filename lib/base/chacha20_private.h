/* SPDX-License-Identifier: BSD-3-Clause */
/* ChaCha20 (RFC 8439) under a nonce of zero, for the random stream.
 * Threading: pure. */
#pragma once

#include <stdint.h>

#define CHACHA20_BLOCK_LEN 64
#define CHACHA20_BLOCKS    8

enum chacha20_isa { CHACHA20_SSE2, CHACHA20_AVX2, CHACHA20_AVX512, CHACHA20_ISAS };

/* The widest that this CPU has. */
enum chacha20_isa chacha20_isa_best(void);

/* Blocks 0 to 7; the bytes do not depend on `isa`. */
void chacha20_blocks8(uint8_t out[CHACHA20_BLOCKS * CHACHA20_BLOCK_LEN], const uint32_t key[8], enum chacha20_isa isa);
