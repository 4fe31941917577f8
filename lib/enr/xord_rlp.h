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

/* Any item. On error: zeroes, rd->err set. The short forms, which nearly all items have, are read in place; the rest by
 * xord_rlp_next_any, which takes every form. */
struct xord_rlp_item xord_rlp_next_any(struct xord_rd *rd);

static inline struct xord_rlp_item xord_rlp_next(struct xord_rd *rd)
{
    const uint8_t *p = rd->pos;
    size_t left = (size_t)(rd->end - p), len;

    if (rd->err || left == 0)
        return xord_rlp_next_any(rd);
    if (p[0] < 0x80) {
        rd->pos = p + 1;
        return (struct xord_rlp_item){.data = p, .len = 1, .raw = p, .raw_len = 1};
    }
    len = p[0] & 0x3f; /* 80..b7: a string, c0..f7: a list, of so many bytes */
    if (len > 55 || len >= left || (p[0] == 0x81 && p[1] < 0x80))
        return xord_rlp_next_any(rd);
    rd->pos = p + 1 + len;
    return (struct xord_rlp_item){.data = p + 1, .len = len, .raw = p, .raw_len = 1 + len, .is_list = p[0] >= 0xc0};
}

/* A byte string of any length, of at most `max` bytes (XORD_ESIZE), of exactly `len` bytes (XORD_ESIZE). */
struct xord_slice_rd {
    const uint8_t *data;
    size_t len;
};

static inline struct xord_slice_rd xord_rlp_bytes(struct xord_rd *rd, size_t max)
{
    struct xord_rlp_item item = xord_rlp_next(rd);

    if (item.is_list)
        xord_rd_fail(rd, XORD_ETYPE);
    if (item.len > max)
        xord_rd_fail(rd, XORD_ESIZE);
    if (rd->err)
        return (struct xord_slice_rd){0};
    return (struct xord_slice_rd){item.data, item.len};
}

const uint8_t *xord_rlp_fixed(struct xord_rd *rd, size_t len);

/* An unsigned integer no larger than `max` (XORD_ERANGE). */
static inline uint64_t xord_rlp_uint(struct xord_rd *rd, uint64_t max)
{
    struct xord_slice_rd bytes = xord_rlp_bytes(rd, SIZE_MAX);
    uint64_t v = 0;

    if (!bytes.data || bytes.len == 0)
        return 0; /* zero, or an error that is set */
    if (bytes.data[0] == 0)
        xord_rd_fail(rd, XORD_ECANON);
    if (bytes.len > sizeof(v))
        xord_rd_fail(rd, XORD_ERANGE);
    if (rd->err)
        return 0;
    v = xord_load_be_short(bytes.data, bytes.len);
    if (v <= max)
        return v;
    xord_rd_fail(rd, XORD_ERANGE);
    return 0;
}

/* Enters a list: the returned cursor covers its payload; `rd` moves behind it. On error the returned cursor carries
 * the error too, so checking it suffices. */
static inline struct xord_rd xord_rlp_list(struct xord_rd *rd)
{
    struct xord_rlp_item item = xord_rlp_next(rd);

    if (!rd->err && !item.is_list)
        xord_rd_fail(rd, XORD_ETYPE);
    if (rd->err)
        return (struct xord_rd){.pos = rd->pos, .end = rd->pos, .err = rd->err};
    return xord_rd_init(item.data, item.len);
}

/* ---- encoding; errors stay in the writer ---- */

/* Of strings and lists of any length. */
void xord_rlp_put_bytes_any(struct xord_wr *wr, const uint8_t *data, size_t len);
void xord_rlp_put_list_header(struct xord_wr *wr, size_t payload_len);

static inline void xord_rlp_put_bytes(struct xord_wr *wr, const uint8_t *data, size_t len)
{
    uint8_t *p;

    if (len < 2 || len > 16) {
        xord_rlp_put_bytes_any(wr, data, len);
        return;
    }
    p = xord_wr_reserve(wr, 1 + len);
    if (!p)
        return;
    p[0] = (uint8_t)(0x80 + len);
    xord_copy_short(p + 1, data, len);
}

static inline unsigned xord_rlp_uint_len(uint64_t v)
{
    return v ? (71 - (unsigned)__builtin_clzll(v)) / 8 : 0;
}

static inline void xord_rlp_put_uint(struct xord_wr *wr, uint64_t v)
{
    unsigned len = v < 0x80 && v > 0 ? 0 : xord_rlp_uint_len(v);
    uint8_t *p = xord_wr_reserve(wr, 1 + len);
    uint8_t be8[8];

    if (!p)
        return;
    if (v < 0x80 && v > 0) {
        p[0] = (uint8_t)v;
        return;
    }
    p[0] = (uint8_t)(0x80 + len);
    xord_store_be64(be8, v);
    xord_copy_short(p + 1, be8 + 8 - len, len);
}

/* Lists whose size is known only afterwards: begin reserves 3 header bytes and returns a mark; end writes the shortest
 * header and moves the payload down. */
size_t xord_rlp_list_begin(struct xord_wr *wr);
void xord_rlp_list_end(struct xord_wr *wr, size_t mark);

/* Encoded sizes. */
size_t xord_rlp_bytes_size(const uint8_t *data, size_t len);
size_t xord_rlp_uint_size(uint64_t v);
size_t xord_rlp_list_size(size_t payload_len);
