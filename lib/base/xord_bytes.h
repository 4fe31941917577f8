/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte cursors that remember their first error, and big-endian loads and stores.
 *
 * A reader never reads past `end`; after the first error every read yields zeroes (or NULL) and `err` stays, so that a
 * parser checks once at its end. A writer never writes past `cap`.
 * Threading: pure. Memory: both borrow the caller's buffer. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "xord_err.h"

/* By memcpy and byte swap: the compiler makes one load or store of it, as it does not of shifted bytes. */
static inline uint16_t xord_load_be16(const uint8_t p[2])
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return be16toh(v);
}

static inline uint32_t xord_load_be32(const uint8_t p[4])
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return be32toh(v);
}

static inline uint64_t xord_load_be64(const uint8_t p[8])
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return be64toh(v);
}

static inline void xord_store_be16(uint8_t p[2], uint16_t v)
{
    v = htobe16(v);
    memcpy(p, &v, sizeof(v));
}

static inline void xord_store_be32(uint8_t p[4], uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}

static inline void xord_store_be64(uint8_t p[8], uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
}

/* Copies of up to 16 bytes and big-endian numbers of up to 8, of a length known only at run time, without a call or a loop: two
 * pieces of fixed size that may overlap. */
static inline void xord_copy_short(uint8_t *dst, const uint8_t *src, size_t len)
{
    uint64_t a8, b8;
    uint32_t a4, b4;

    if (len >= 8) {
        memcpy(&a8, src, 8);
        memcpy(&b8, src + len - 8, 8);
        memcpy(dst, &a8, 8);
        memcpy(dst + len - 8, &b8, 8);
    } else if (len >= 4) {
        memcpy(&a4, src, 4);
        memcpy(&b4, src + len - 4, 4);
        memcpy(dst, &a4, 4);
        memcpy(dst + len - 4, &b4, 4);
    } else if (len > 0) {
        dst[0] = src[0];
        dst[len / 2] = src[len / 2];
        dst[len - 1] = src[len - 1];
    }
}

static inline uint64_t xord_load_be_short(const uint8_t *p, size_t len)
{
    if (len >= 4)
        return (uint64_t)xord_load_be32(p) << 8 * (len - 4) | xord_load_be32(p + len - 4);
    if (len == 0)
        return 0;
    return (uint64_t)p[0] << 8 * (len - 1) | (uint64_t)p[len / 2] << 8 * (len - 1 - len / 2) | p[len - 1];
}

struct xord_rd {
    const uint8_t *pos;
    const uint8_t *end;
    int err; /* 0 or the first error */
};

static inline struct xord_rd xord_rd_init(const uint8_t *data, size_t len)
{
    return (struct xord_rd){.pos = data, .end = data + len};
}

static inline size_t xord_rd_left(const struct xord_rd *rd)
{
    return rd->err ? 0 : (size_t)(rd->end - rd->pos);
}

static inline void xord_rd_fail(struct xord_rd *rd, int err)
{
    if (!rd->err)
        rd->err = err;
}

/* Borrows `len` bytes, or NULL with XORD_ESHORT set. */
static inline const uint8_t *xord_rd_take(struct xord_rd *rd, size_t len)
{
    const uint8_t *p = rd->pos;

    if (rd->err || len > (size_t)(rd->end - rd->pos)) {
        xord_rd_fail(rd, XORD_ESHORT);
        return NULL;
    }
    rd->pos += len;
    return p;
}

static inline void xord_rd_copy(struct xord_rd *rd, void *dst, size_t len)
{
    const uint8_t *p = xord_rd_take(rd, len);

    if (p)
        memcpy(dst, p, len);
    else
        memset(dst, 0, len);
}

static inline uint8_t xord_rd_u8(struct xord_rd *rd)
{
    const uint8_t *p = xord_rd_take(rd, 1);

    return p ? *p : 0;
}

static inline uint16_t xord_rd_be16(struct xord_rd *rd)
{
    const uint8_t *p = xord_rd_take(rd, 2);

    return p ? xord_load_be16(p) : 0;
}

static inline uint64_t xord_rd_be64(struct xord_rd *rd)
{
    const uint8_t *p = xord_rd_take(rd, 8);

    return p ? xord_load_be64(p) : 0;
}

/* 0, the first error, or XORD_ETRAIL when bytes are left over. */
static inline int xord_rd_end(const struct xord_rd *rd)
{
    if (rd->err)
        return rd->err;
    return rd->pos == rd->end ? 0 : XORD_ETRAIL;
}

struct xord_wr {
    uint8_t *buf;
    size_t len;
    size_t cap;
    int err; /* 0 or XORD_ENOSPC */
};

static inline struct xord_wr xord_wr_init(uint8_t *buf, size_t cap)
{
    return (struct xord_wr){.buf = buf, .cap = cap};
}

/* Reserves `len` bytes and returns where, or NULL with XORD_ENOSPC set. */
static inline uint8_t *xord_wr_reserve(struct xord_wr *wr, size_t len)
{
    uint8_t *p = wr->buf + wr->len;

    if (wr->err || len > wr->cap - wr->len) {
        wr->err = XORD_ENOSPC;
        return NULL;
    }
    wr->len += len;
    return p;
}

static inline void xord_wr_put(struct xord_wr *wr, const void *src, size_t len)
{
    uint8_t *p = xord_wr_reserve(wr, len);

    if (p && len)
        memcpy(p, src, len);
}

static inline void xord_wr_u8(struct xord_wr *wr, uint8_t v)
{
    xord_wr_put(wr, &v, 1);
}

static inline void xord_wr_be16(struct xord_wr *wr, uint16_t v)
{
    uint8_t *p = xord_wr_reserve(wr, 2);

    if (p)
        xord_store_be16(p, v);
}

static inline void xord_wr_be64(struct xord_wr *wr, uint64_t v)
{
    uint8_t *p = xord_wr_reserve(wr, 8);

    if (p)
        xord_store_be64(p, v);
}

/* Clears secrets; the compiler may not remove it. */
static inline void xord_wipe(void *p, size_t len)
{
    memset(p, 0, len);
    __asm__ __volatile__("" : : "r"(p) : "memory");
}

/* Constant-time equality of secrets. */
static inline bool xord_ct_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t diff = 0;

    for (size_t i = 0; i < len; i++)
        diff |= a[i] ^ b[i];
    return diff == 0;
}
