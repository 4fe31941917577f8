/* SPDX-License-Identifier: BSD-3-Clause */
/* Which kind of request comes next: shares of kinds, dealt evenly and without chance, so that any stretch of requests has
 * them as exactly as whole numbers allow.
 * Threading: one owner. Memory: by value. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_err.h"

enum xord_mix_kind { XORD_MIX_PING, XORD_MIX_FINDNODE, XORD_MIX_TALK, XORD_MIX_HANDSHAKE, XORD_MIX_KINDS };

extern const char *const xord_mix_kind_names[XORD_MIX_KINDS];

struct xord_mix {
    double weight[XORD_MIX_KINDS]; /* their sum is 1 */
    double owed[XORD_MIX_KINDS];
};

void xord_mix_single(struct xord_mix *mix, enum xord_mix_kind kind);

#define XORD_MIX_ERR_LEN 160

/* Reads lines "KIND SHARE" ('#' begins a comment). 0, or XORD_EPROTO with a sentence in `err` that begins with the line. */
XORD_MUST_CHECK int xord_mix_parse(struct xord_mix *mix, char err[XORD_MIX_ERR_LEN], const char *text);

enum xord_mix_kind xord_mix_next(struct xord_mix *mix);
