/* SPDX-License-Identifier: BSD-3-Clause */
/* A state to save, the same each time. */
#pragma once

#include "xord_state.h"

#define STATE_SELVES 2
#define STATE_NODES  7 /* of each */
#define STATE_BANS   3

/* Out of memory ends the program. */
struct xord_curve *state_curve(void);
void state_make(struct xord_state *state, const struct xord_curve *curve);
