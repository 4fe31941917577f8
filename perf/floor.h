/* SPDX-License-Identifier: BSD-3-Clause */
/* The symmetric cryptography of a burst of requests and their replies, twice over: as ipsec-mb does it by direct calls
 * with keys prepared beforehand (the floor), and as the engine does it through its own burst calls from raw keys.
 *
 * Of each request: the header of an ordinary packet is unmasked (55 bytes of the 71, the masking-iv is clear), the
 * message is opened, the reply is sealed, and its header is masked under a key that has to be expanded for it. Each
 * packet has a session key of its own, all of them hot in the cache.
 * Memory: floor_new allocates it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_aes.h"

#define FLOOR_BURST 64

struct floor;

/* Messages of so many plain bytes; ipsec-mb by AVX2 (or less, where there is none) or by AVX-512: NULL if the CPU lacks it,
 * and the lower of the two is the floor. */
struct floor *floor_new(uint32_t request_len, uint32_t reply_len, bool by_avx512);
void floor_free(struct floor *floor);

/* Each does its part for FLOOR_BURST packets, n times: bench_op.run. */
void floor_unmask(void *floor, uint32_t n);
void floor_open(void *floor, uint32_t n);
void floor_seal(void *floor, uint32_t n);
void floor_mask(void *floor, uint32_t n);
void floor_all(void *floor, uint32_t n);

/* The same by the engine's calls. */
void ours_unmask(void *floor, uint32_t n);
void ours_open(void *floor, uint32_t n);
void ours_seal(void *floor, uint32_t n);
void ours_mask(void *floor, uint32_t n);
void ours_all(void *floor, uint32_t n);

/* Do both give the same bytes? */
bool floor_agrees(struct floor *floor);
