/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of confinement: users (confine_user.c), what each thread gives up (confine_drop.c), the filter
 * (confine_seccomp.c). */
#pragma once

#include "xord_confine.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* ---- confine_drop.c ---- */

/* The effective capabilities of this thread. */
uint64_t confine_caps(void);

/* Has every thread of the process become `user` (NULL: as it is), keep none but `keep_caps`, gain none, and open to SIGSYS.
 * 0, or -1 with a sentence. */
int confine_drop(const struct xord_confine_user *user, uint64_t keep_caps, char err[XORD_CONFINE_ERR_LEN]);

/* ---- confine_seccomp.c ---- */

/* 0; -1 with a sentence; 1 when the kernel has no seccomp, also with one. */
int confine_filter(unsigned needs, bool log_only, char err[XORD_CONFINE_ERR_LEN]);
