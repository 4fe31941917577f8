/* SPDX-License-Identifier: BSD-3-Clause */
/* RLP: one header parser under all decoders, one header writer under all encoders. */
#include "xord_rlp.h"

/* The first byte of an item, by range:
 *   00..7f  the byte is the string      80..b7  string of 0..55 bytes    b8..bf  string, 1..8 length bytes follow
 *                                       c0..f7  list of 0..55 bytes      f8..ff  list, 1..8 length bytes follow */
#define STRING_SHORT 0x80
#define STRING_LONG  0xb7
#define LIST_SHORT   0xc0
#define LIST_LONG    0xf7
#define SHORT_MAX    55

/* What xord_rlp_list_begin sets aside: the header of a list of up to 65,535 bytes. */
#define HEADER_RESERVE 3

/* Reads a length of `cnt` bytes, 1..8. A length that the short form could hold, or with a leading zero, is an error. */
static size_t read_long_len(struct xord_rd *rd, unsigned cnt)
{
    const uint8_t *p = xord_rd_take(rd, cnt);
    uint64_t len = 0;

    if (!p)
        return 0;
    for (unsigned i = 0; i < cnt; i++)
        len = len << 8 | p[i];
    if (p[0] == 0 || len <= SHORT_MAX)
        xord_rd_fail(rd, XORD_ECANON);
    return len;
}

/* Reads a header and returns the payload's length; `item` gets is_list. */
static size_t read_header(struct xord_rd *rd, struct xord_rlp_item *item)
{
    uint8_t first = xord_rd_u8(rd);

    item->is_list = first >= LIST_SHORT;
    if (first > LIST_LONG)
        return read_long_len(rd, first - LIST_LONG);
    if (first >= LIST_SHORT)
        return first - LIST_SHORT;
    if (first > STRING_LONG)
        return read_long_len(rd, first - STRING_LONG);
    if (first >= STRING_SHORT)
        return first - STRING_SHORT;
    if (!rd->err)
        rd->pos--; /* the byte is its own payload */
    return 1;
}

struct xord_rlp_item xord_rlp_next_any(struct xord_rd *rd)
{
    struct xord_rlp_item item = {.raw = rd->pos};
    const uint8_t *payload;

    item.len = read_header(rd, &item);
    payload = rd->pos;
    item.data = xord_rd_take(rd, item.len);
    if (!rd->err && !item.is_list && item.len == 1 && payload != item.raw && payload[0] < STRING_SHORT)
        xord_rd_fail(rd, XORD_ECANON);
    if (rd->err)
        return (struct xord_rlp_item){0};
    item.raw_len = (size_t)(rd->pos - item.raw);
    return item;
}

const uint8_t *xord_rlp_fixed(struct xord_rd *rd, size_t len)
{
    struct xord_slice_rd bytes = xord_rlp_bytes(rd, len);

    if (bytes.len != len)
        xord_rd_fail(rd, XORD_ESIZE);
    return rd->err ? NULL : bytes.data;
}

/* ---- encoding ---- */

static size_t header_size(size_t payload_len)
{
    return payload_len <= SHORT_MAX ? 1 : 1 + xord_rlp_uint_len(payload_len);
}

static void put_be(uint8_t *p, uint64_t v, unsigned len)
{
    while (len) {
        p[--len] = (uint8_t)v;
        v >>= 8;
    }
}

/* Writes the shortest header: `base` is STRING_SHORT or LIST_SHORT. `p` holds header_size(payload_len) bytes. */
static void store_header(uint8_t *p, uint8_t base, size_t payload_len)
{
    unsigned len_len = xord_rlp_uint_len(payload_len);

    if (payload_len <= SHORT_MAX) {
        p[0] = (uint8_t)(base + payload_len);
        return;
    }
    p[0] = (uint8_t)(base + SHORT_MAX + len_len);
    put_be(p + 1, payload_len, len_len);
}

static void put_header(struct xord_wr *wr, uint8_t base, size_t payload_len)
{
    uint8_t *p = xord_wr_reserve(wr, header_size(payload_len));

    if (p)
        store_header(p, base, payload_len);
}

static bool is_own_header(const uint8_t *data, size_t len)
{
    return len == 1 && data[0] < STRING_SHORT;
}

void xord_rlp_put_bytes_any(struct xord_wr *wr, const uint8_t *data, size_t len)
{
    if (!is_own_header(data, len))
        put_header(wr, STRING_SHORT, len);
    xord_wr_put(wr, data, len);
}

void xord_rlp_put_list_header(struct xord_wr *wr, size_t payload_len)
{
    put_header(wr, LIST_SHORT, payload_len);
}

size_t xord_rlp_list_begin(struct xord_wr *wr)
{
    xord_wr_reserve(wr, HEADER_RESERVE);
    return wr->len;
}

void xord_rlp_list_end(struct xord_wr *wr, size_t mark)
{
    size_t payload_len = wr->len - mark;
    size_t header_len = header_size(payload_len);
    uint8_t *start;

    if (header_len > HEADER_RESERVE)
        wr->err = XORD_ENOSPC;
    if (wr->err)
        return;
    start = wr->buf + mark - HEADER_RESERVE;
    store_header(start, LIST_SHORT, payload_len);
    memmove(start + header_len, wr->buf + mark, payload_len);
    wr->len -= HEADER_RESERVE - header_len;
}

size_t xord_rlp_bytes_size(const uint8_t *data, size_t len)
{
    return is_own_header(data, len) ? 1 : header_size(len) + len;
}

size_t xord_rlp_uint_size(uint64_t v)
{
    return v < STRING_SHORT ? 1 : 1 + xord_rlp_uint_len(v);
}

size_t xord_rlp_list_size(size_t payload_len)
{
    return header_size(payload_len) + payload_len;
}
