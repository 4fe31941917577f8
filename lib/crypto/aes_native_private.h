/* SPDX-License-Identifier: BSD-3-Clause */
/* Between xord's own AES and its kernels, one a width of vector: aes_native.c sorts a burst by size and cuts it for a
 * kernel; a kernel works on groups of packets. Tests choose the kernel here and hold each that the CPU has against the
 * reference. */
#pragma once

#include "xord_aes.h"

#define XORD_NATIVE_BURST        64 /* jobs that a kernel is given at most */
#define XORD_NATIVE_SCRATCH_SIZE 20480

enum xord_native_arch {
    XORD_NATIVE_BEST,   /* what xord_aes_native.open takes: the last of these that the CPU has */
    XORD_NATIVE_SSE,    /* AES-NI and PCLMUL: one packet a vector */
    XORD_NATIVE_AVX2,   /* VAES and VPCLMULQDQ: two */
    XORD_NATIVE_AVX512, /* four */
};

/* NULL when the CPU lacks it, or memory is out. */
struct xord_aes *xord_aes_native_open_arch(enum xord_native_arch arch);

/* `scratch` is aligned to 64 bytes, belongs to the caller, and holds keys afterwards. Where a kernel takes pointers, the
 * jobs should stand in order of size, and `n` must be a multiple of `group`. */
struct xord_native_kernel {
    const char *name;
    size_t group;
    void (*ctr_expand)(struct xord_ctr_key *key, const uint8_t key16[16]);
    void (*ctr)(void *scratch, const struct xord_ctr_job *jobs, size_t n);
    /* From `plain` on, which is at most n, no job is longer than 64 bytes, and no counter's last half wraps. */
    void (*ctr_once)(void *scratch, const struct xord_ctr_once_job *const *jobs, size_t n, size_t plain);
    void (*gcm_seal)(void *scratch, struct xord_gcm_job *const *jobs, size_t n);
    void (*gcm_open)(void *scratch, struct xord_gcm_job *const *jobs, size_t n);
};

extern const struct xord_native_kernel xord_native_sse;
extern const struct xord_native_kernel xord_native_avx2;
extern const struct xord_native_kernel xord_native_avx512;
