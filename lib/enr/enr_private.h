/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the decoder and the builder of records. */
#pragma once

#include <string.h>

#include "xord_enr.h"

#define ENR_SCHEME   "v4"
#define ENR_SIG_SIZE (2 + XORD_SIG_LEN) /* the signature as RLP item */

/* The order of keys in a record: bytewise, a prefix before what it begins. */
static inline int enr_key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common ? memcmp(a, b, common) : 0;

    if (order)
        return order;
    return a_len < b_len ? -1 : a_len > b_len;
}

static inline bool enr_key_is(const uint8_t *key, size_t key_len, const char *name)
{
    return key_len == strlen(name) && memcmp(key, name, key_len) == 0;
}
