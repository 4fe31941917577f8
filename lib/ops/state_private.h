/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the state file's sources. */
#pragma once

#include "xord_state.h"

/* The items behind a head whose checksum was right; for a fuzzer, which could not make one. */
int state_decode_body(struct xord_state *state, const uint8_t *body, size_t len);
