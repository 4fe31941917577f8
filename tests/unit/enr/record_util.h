/* SPDX-License-Identifier: BSD-3-Clause */
/* Records for tests: put together from the hex of their body, whether decodable or not, and a curve to sign with. */
#pragma once

#include "test_util.h"
#include "vectors.h"
#include "xord_enr.h"
#include "xord_rlp.h"

/* Pairs as they stand in a record, key and value. */
#define PAIR_ID     "826964827634"
#define PAIR_IP     "826970847f000001"
#define PAIR_PUBKEY "89736563703235366b31a103ca634cae0d49acb401d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd3138"
#define PAIR_UDP    "8375647082765f"

#define RECORD_CAP 2048

/* [signature, body...] with a signature of 64 equal bytes; returns the length. */
static inline size_t record_from_body(uint8_t out[RECORD_CAP], const char *body_hex)
{
    uint8_t body[RECORD_CAP], sig64[64];
    size_t body_len = test_hex(body, body_hex);
    struct xord_wr wr = xord_wr_init(out, RECORD_CAP);

    memset(sig64, 0x11, sizeof(sig64));
    xord_rlp_put_list_header(&wr, 66 + body_len);
    xord_rlp_put_bytes(&wr, sig64, sizeof(sig64));
    xord_wr_put(&wr, body, body_len);
    cr_assert_eq(wr.err, 0);
    return wr.len;
}

/* Decodes from an exactly sized heap copy, so that a sanitizer sees any over-read. */
static inline int record_decode(struct xord_enr *enr, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    int err;

    if (len)
        memcpy(copy, data, len);
    err = xord_enr_decode(enr, copy, len);
    free(copy);
    return err;
}

static inline int record_decode_body(struct xord_enr *enr, const char *body_hex)
{
    uint8_t raw[RECORD_CAP];
    size_t len = record_from_body(raw, body_hex);

    return record_decode(enr, raw, len);
}

/* The same bytes and what verification found; a whole-struct comparison would look at padding. */
static inline bool record_equal(const struct xord_enr *a, const struct xord_enr *b)
{
    return a->seq == b->seq && a->len == b->len && memcmp(a->raw, b->raw, sizeof(a->raw)) == 0 &&
           memcmp(a->id32, b->id32, sizeof(a->id32)) == 0 && memcmp(a->pubkey33, b->pubkey33, XORD_PUBKEY_LEN) == 0;
}

static inline struct xord_curve *test_curve(void)
{
    static const uint8_t seed32[32] = {1};
    struct xord_curve *curve = xord_curve_open(seed32);

    cr_assert_not_null(curve);
    return curve;
}
