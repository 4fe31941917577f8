/* SPDX-License-Identifier: BSD-3-Clause */
/* The one error enum. Functions return 0 or one of these; bursts return counts.
 * Threading: pure. Memory: strings are static. */
#pragma once

#define XORD_MUST_CHECK __attribute__((warn_unused_result))

enum xord_err {
    XORD_OK = 0,
    XORD_ESHORT = -1,  /* input ends before the thing it announces */
    XORD_ETRAIL = -2,  /* bytes after the end */
    XORD_ECANON = -3,  /* not the one canonical encoding */
    XORD_ERANGE = -4,  /* a value outside its range */
    XORD_ESIZE = -5,   /* larger than its format allows */
    XORD_ETYPE = -6,   /* string where a list belongs, or the reverse */
    XORD_EORDER = -7,  /* keys unsorted or repeated */
    XORD_ESCHEME = -8, /* unknown identity scheme */
    XORD_EKEY = -9,    /* not a secp256k1 key */
    XORD_ESIG = -10,   /* signature does not verify */
    XORD_EAUTH = -11,  /* authentication tag does not match */
    XORD_EPROTO = -12, /* wrong protocol id or version */
    XORD_EFLAG = -13,  /* unknown packet flag or message type */
    XORD_ENOSPC = -14, /* output buffer too small */
    XORD_EFULL = -15,  /* a fixed-capacity table is full */
    XORD_ENOENT = -16, /* no such thing */
    XORD_EEXIST = -17, /* already there */
    XORD_ESTATE = -18, /* not possible in this state */
    XORD_ETEXT = -19,  /* malformed text (hex, base64, address) */
    XORD_ETIMEOUT = -20,
    XORD_EIO = -21, /* operating system refused; errno has the reason */
    XORD_ENOMEM = -22,
    XORD_EMISSING = -23, /* a required key or field is absent */
};

/* One short clause without a full stop; never NULL. */
const char *xord_strerror(int err);
