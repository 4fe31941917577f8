/* SPDX-License-Identifier: BSD-3-Clause */
/* All the nodes of a test network, sorted by id: lets each local identity answer FINDNODE as a node with a perfectly filled
 * table would, without keeping a table for each. A bucket larger than 16 yields 16 nodes chosen by a hash of who answers
 * and the distance, always the same ones.
 * Threading: built by one thread, read-only for all afterwards. Memory: allocated by new. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_enr.h"

struct xord_directory;

/* Copies pointers to `cnt` verified records, which must outlive the directory. NULL when out of memory. */
struct xord_directory *xord_directory_new(const struct xord_enr *const *enrs, uint32_t cnt);
/* The same of ids alone, number n's at `ids` + n * `stride`; they must outlive the directory. */
struct xord_directory *xord_directory_new_of_ids(const uint8_t *ids, size_t stride, uint32_t cnt);
void xord_directory_free(struct xord_directory *directory);

#define XORD_DIRECTORY_MAX 64 /* records of one find */

/* The bucket of `id32` at each of the distances (de-duplicated, 1..256), at most `max` in all, never `except_id32`'s own:
 * by number, in the order in which they were given to new. */
uint32_t xord_directory_numbers(const struct xord_directory *directory, const uint8_t id32[32],
        const uint16_t *distances, uint32_t distance_cnt, const uint8_t except_id32[32], uint32_t *out, uint32_t max);

/* The same by record, for a directory that was built from records; at most XORD_DIRECTORY_MAX. */
uint32_t xord_directory_find(const struct xord_directory *directory, const uint8_t id32[32], const uint16_t *distances,
        uint32_t distance_cnt, const uint8_t except_id32[32], const struct xord_enr **out, uint32_t max);
