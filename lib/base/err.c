/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for the error enum. */
#include "xord_err.h"

const char *xord_strerror(int err)
{
    switch ((enum xord_err)err) {
    case XORD_OK:
        return "no error";
    case XORD_ESHORT:
        return "input ends too early";
    case XORD_ETRAIL:
        return "bytes after the end";
    case XORD_ECANON:
        return "encoding is not canonical";
    case XORD_ERANGE:
        return "value out of range";
    case XORD_ESIZE:
        return "larger than the format allows";
    case XORD_ETYPE:
        return "list and string confused";
    case XORD_EORDER:
        return "keys unsorted or repeated";
    case XORD_ESCHEME:
        return "unknown identity scheme";
    case XORD_EKEY:
        return "not a valid secp256k1 key";
    case XORD_ESIG:
        return "signature does not verify";
    case XORD_EAUTH:
        return "authentication tag does not match";
    case XORD_EPROTO:
        return "not a discv5 packet";
    case XORD_EFLAG:
        return "unknown packet flag or message type";
    case XORD_ENOSPC:
        return "output buffer too small";
    case XORD_EFULL:
        return "table is full";
    case XORD_ENOENT:
        return "not found";
    case XORD_EEXIST:
        return "already there";
    case XORD_ESTATE:
        return "not possible in this state";
    case XORD_ETEXT:
        return "malformed text";
    case XORD_ETIMEOUT:
        return "timed out";
    case XORD_EIO:
        return "input/output error";
    case XORD_ENOMEM:
        return "out of memory";
    case XORD_EMISSING:
        return "a required key is missing";
    }
    return "unknown error";
}
