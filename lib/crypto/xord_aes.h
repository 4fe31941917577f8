/* SPDX-License-Identifier: BSD-3-Clause */
/* AES-128-CTR (header masking) and AES-128-GCM (messages) in bursts. Spec: discv5-wire.md, "Packet Encoding".
 *
 * Three implementations stand behind one const vtable. xord's own (native) works on several packets at once, one in each
 * lane of its vectors, and expands each key on the way: it is what xord runs on, because nearly every packet comes under
 * another key and is short. Intel's ipsec-mb prepares each key first; xord runs on it where native does not open, and
 * measures itself against it. OpenSSL is the reference that tests hold both against. Figures: docs/decisions.md.
 *
 * A burst is an array of jobs, none of which may read what another writes; each job's result is in the job. A part of
 * length 0 needs no pointer. Bursts of 32 and more run best.
 * Threading: a `struct xord_aes` belongs to one thread. Memory: allocated by open, nothing after. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_err.h"

#define XORD_AES_KEY_LEN   16
#define XORD_CTR_IV_LEN    16
#define XORD_GCM_NONCE_LEN 12
#define XORD_GCM_TAG_LEN   16

/* An expanded CTR key, for the backend that expanded it. */
struct xord_ctr_key {
    _Alignas(16) uint8_t round_keys[16 * 11];
};

/* CTR: dst = src ^ keystream(key, iv), where iv is one big-endian counter of 128 bits; dst may equal src. `skip` bytes
 * of keystream are passed over first, so that a header can be unmasked in two steps. */
struct xord_ctr_job {
    const struct xord_ctr_key *key;
    const uint8_t *iv16;
    const uint8_t *src;
    uint8_t *dst;
    uint32_t len;
    uint32_t skip;
};

/* CTR under a key that is used once, as when a packet is masked for its destination: as above, from a raw key. */
struct xord_ctr_once_job {
    const uint8_t *key16;
    const uint8_t *iv16;
    const uint8_t *src;
    uint8_t *dst;
    uint32_t len;
};

/* GCM: `src` and `dst` may be equal. seal: `len` plain bytes to dst, tag to dst + len. open: `len` counts cipher bytes
 * without the tag, which stands at src + len; `err` becomes 0 or XORD_EAUTH, and on XORD_EAUTH dst is wiped (when
 * dst == src the packet is destroyed: keep a copy if another key may be tried). */
struct xord_gcm_job {
    const uint8_t *key16;
    const uint8_t *nonce12;
    const uint8_t *aad;
    const uint8_t *src;
    uint8_t *dst;
    uint32_t aad_len;
    uint32_t len;
    int err;
};

struct xord_aes;

struct xord_aes_ops {
    const char *name;
    struct xord_aes *(*open)(void); /* NULL when out of memory, or the CPU has no AES instructions (not OpenSSL) */
    void (*close)(struct xord_aes *aes);
    void (*ctr_expand)(struct xord_aes *aes, struct xord_ctr_key *key, const uint8_t key16[16]);
    void (*ctr)(struct xord_aes *aes, const struct xord_ctr_job *jobs, size_t n);
    void (*ctr_once)(struct xord_aes *aes, const struct xord_ctr_once_job *jobs, size_t n);
    void (*gcm_seal)(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n);
    void (*gcm_open)(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n);
};

extern const struct xord_aes_ops xord_aes_native;
extern const struct xord_aes_ops xord_aes_ipsec_mb;
extern const struct xord_aes_ops xord_aes_openssl;

/* Which of its kernels xord_aes_native runs on this CPU, "avx512" for example; NULL: none. */
const char *xord_aes_native_kernel(void);

/* The fastest whose open works on this CPU; xord_aes_ipsec_mb when none does. */
const struct xord_aes_ops *xord_aes_best(void);
