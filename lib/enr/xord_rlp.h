/* SPDX-License-Identifier: BSD-3-Clause */
/* RLP over byte cursors. Decoding is strict: only the one canonical encoding of a value is accepted (shortest length
 * form, single bytes below 0x80 as themselves, integers without leading zeroes), and nothing is ever read past the
 * enclosing list. Spec: the Ethereum RLP definition as discv5-wire.md and enr.md use it.
 * Threading: pure. Memory: borrows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_bytes.h"

/* ---- decoding; every function fails through the cursor's `err` (ESHORT, ECANON, ETYPE, ESIZE, ERANGE) ---- */

struct xord_rlp_item {
    const uint8_t *data; /* payload */
    size_t len;
    const uint8_t *raw; /* header and payload, for keeping byte for byte */
    size_t raw_len;
    bool is_list;
};

/* Any item. On error: zeroes, rd->err set. */
struct xord_rlp_item xord_rlp_next(struct xord_rd *rd);

/* A byte string of any length, of at most `max` bytes (XORD_ESIZE), of exactly `len` bytes (XORD_ESIZE). */
struct xord_slice_rd {
    const uint8_t *data;
    size_t len;
};
struct xord_slice_rd xord_rlp_bytes(struct xord_rd *rd, size_t max);
const uint8_t *xord_rlp_fixed(struct xord_rd *rd, size_t len);

/* An unsigned integer no larger than `max` (XORD_ERANGE). */
uint64_t xord_rlp_uint(struct xord_rd *rd, uint64_t max);

/* Enters a list: the returned cursor covers its payload; `rd` moves behind it. On error the returned cursor carries
 * the error too, so checking it suffices. */
struct xord_rd xord_rlp_list(struct xord_rd *rd);

/* ---- encoding; errors stay in the writer ---- */

void xord_rlp_put_bytes(struct xord_wr *wr, const uint8_t *data, size_t len);
void xord_rlp_put_uint(struct xord_wr *wr, uint64_t v);
void xord_rlp_put_list_header(struct xord_wr *wr, size_t payload_len);

/* Lists whose size is known only afterwards: begin reserves 3 header bytes and returns a mark; end writes the shortest
 * header and moves the payload down. */
size_t xord_rlp_list_begin(struct xord_wr *wr);
void xord_rlp_list_end(struct xord_wr *wr, size_t mark);

/* Encoded sizes. */
size_t xord_rlp_bytes_size(const uint8_t *data, size_t len);
size_t xord_rlp_uint_size(uint64_t v);
size_t xord_rlp_list_size(size_t payload_len);
