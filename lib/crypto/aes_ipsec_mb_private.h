/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of ipsec-mb's implementations to run: for tests, which hold each that the CPU has against the reference. */
#pragma once

#include "xord_aes.h"

enum xord_imb_arch {
    XORD_IMB_BEST, /* what xord_aes_ipsec_mb.open takes */
    XORD_IMB_SSE,
    XORD_IMB_AVX,
    XORD_IMB_AVX2,
    XORD_IMB_AVX512,
};

/* NULL when the CPU lacks it, the library's self-test fails, or memory is out. */
struct xord_aes *xord_aes_ipsec_mb_open_arch(enum xord_imb_arch arch);
