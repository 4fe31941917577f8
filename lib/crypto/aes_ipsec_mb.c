/* SPDX-License-Identifier: BSD-3-Clause */
/* AES over Intel ipsec-mb 1.3. Three of its habits shape this file:
 * - its CTR counts in the last 32 bits of the iv and does not carry, while the protocol's masking-iv is one 128-bit
 *   counter: a message across the wrap is cut in two, or a peer could choose an iv that we alone misread;
 * - its direct GCM calls return nothing, refuse a NULL for a part that is not empty, and leave the tag to the caller;
 * - its AVX-512 code prepares 48 powers of the hash key, which costs more than it saves below about 700 bytes when
 *   each packet has a key of its own, so AVX2 is taken where both are there. */
#define LINUX /* the header aligns its key structure only under this name */
#include <intel-ipsec-mb.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "aes_ipsec_mb_private.h"
#include "xord_bytes.h"
#include "xord_mem.h"

#define BLOCK     16U
#define CTR_BURST 64U

/* Where the bytes of a message's first, partial block go; len 0: the job wrote its output itself. */
struct ctr_head {
    uint8_t *dst;
    uint32_t off;
    uint32_t len;
};

struct xord_aes {
    struct gcm_key_data gcm_key; /* of the packet at work */
    struct gcm_context_data gcm_ctx;
    IMB_MGR *mgr;
    unsigned queued; /* CTR jobs filled in but not yet run */
    IMB_JOB jobs[CTR_BURST];
    uint8_t ivs[CTR_BURST][BLOCK];
    uint8_t blocks[CTR_BURST][BLOCK]; /* heads are run here */
    struct ctr_head heads[CTR_BURST];
    struct xord_ctr_key once_keys[CTR_BURST];
    struct xord_ctr_key unused_dec_key;
};

static void init_best(IMB_MGR *mgr)
{
    if ((mgr->features & IMB_CPUFLAGS_AVX2) == IMB_CPUFLAGS_AVX2)
        init_mb_mgr_avx2(mgr);
    else
        init_mb_mgr_auto(mgr, NULL);
}

static IMB_MGR *manager_open(enum xord_imb_arch arch)
{
    static const struct {
        void (*init)(IMB_MGR *mgr);
        uint64_t need;
    } by_arch[] = {
            [XORD_IMB_BEST] = {init_best, 0},
            [XORD_IMB_SSE] = {init_mb_mgr_sse, IMB_CPUFLAGS_SSE},
            [XORD_IMB_AVX] = {init_mb_mgr_avx, IMB_CPUFLAGS_AVX},
            [XORD_IMB_AVX2] = {init_mb_mgr_avx2, IMB_CPUFLAGS_AVX2},
            [XORD_IMB_AVX512] = {init_mb_mgr_avx512, IMB_CPUFLAGS_AVX512},
    };
    IMB_MGR *mgr = alloc_mb_mgr(0);

    if (!mgr)
        return NULL;
    if ((mgr->features & by_arch[arch].need) == by_arch[arch].need) {
        by_arch[arch].init(mgr);
        if (imb_get_errno(mgr) == 0)
            return mgr;
    }
    free_mb_mgr(mgr);
    return NULL;
}

static void ipsec_mb_close(struct xord_aes *aes)
{
    if (!aes)
        return;
    if (aes->mgr)
        free_mb_mgr(aes->mgr);
    xord_secret_free(aes, sizeof(*aes));
}

struct xord_aes *xord_aes_ipsec_mb_open_arch(enum xord_imb_arch arch)
{
    struct xord_aes *aes = xord_secret_alloc(sizeof(*aes));

    if (!aes)
        return NULL;
    for (unsigned i = 0; i < CTR_BURST; i++)
        aes->jobs[i].iv_len_in_bytes = XORD_CTR_IV_LEN;
    aes->mgr = manager_open(arch);
    if (!aes->mgr) {
        ipsec_mb_close(aes);
        return NULL;
    }
    return aes;
}

static struct xord_aes *ipsec_mb_open(void)
{
    return xord_aes_ipsec_mb_open_arch(XORD_IMB_BEST);
}

static void ipsec_mb_ctr_expand(struct xord_aes *aes, struct xord_ctr_key *key, const uint8_t key16[16])
{
    IMB_AES_KEYEXP_128(aes->mgr, key16, key->round_keys, aes->unused_dec_key.round_keys);
}

static void ctr_flush(struct xord_aes *aes)
{
    uint32_t done;

    if (aes->queued == 0)
        return;
    done = IMB_SUBMIT_CIPHER_BURST_NOCHECK(aes->mgr, aes->jobs, aes->queued, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
            IMB_KEY_128_BYTES);
    assert(done == aes->queued);
    (void)done;
    for (unsigned i = 0; i < aes->queued; i++) {
        const struct ctr_head *head = &aes->heads[i];

        if (head->len)
            memcpy(head->dst, aes->blocks[i] + head->off, head->len);
    }
    aes->queued = 0;
}

/* Queues `len` bytes whose first block is `iv16`'s; the counter may not wrap on the way. Returns the place in the
 * burst. */
static unsigned ctr_queue(struct xord_aes *aes, const struct xord_ctr_key *key, const uint8_t *iv16, const uint8_t *src,
        uint8_t *dst, uint32_t len)
{
    unsigned i = aes->queued++;
    IMB_JOB *job = &aes->jobs[i];

    job->enc_keys = key->round_keys;
    job->src = src;
    job->dst = dst;
    job->iv = iv16;
    job->msg_len_to_cipher_in_bytes = len;
    aes->heads[i].len = 0;
    return i;
}

struct ctr_counter {
    uint64_t hi, lo;
};

static struct ctr_counter ctr_counter_at(const uint8_t iv16[16], uint64_t block)
{
    struct ctr_counter c = {xord_load_be64(iv16), xord_load_be64(iv16 + 8)};

    c.lo += block;
    c.hi += c.lo < block;
    return c;
}

static const uint8_t *ctr_counter_store(uint8_t iv16[16], const struct ctr_counter *c)
{
    xord_store_be64(iv16, c->hi);
    xord_store_be64(iv16 + 8, c->lo);
    return iv16;
}

static uint64_t blocks_before_wrap(const struct ctr_counter *c)
{
    return (1ULL << 32) - (uint32_t)c->lo;
}

/* Queues up to `len` bytes that begin `off` bytes into the block at stream position `pos`; returns how many. */
static uint32_t ctr_queue_part(struct xord_aes *aes, const struct xord_ctr_job *job, uint64_t pos, uint32_t len)
{
    struct ctr_counter c = ctr_counter_at(job->iv16, pos / BLOCK);
    uint32_t off = (uint32_t)(pos % BLOCK);
    const uint8_t *src = job->src + (pos - job->skip);
    uint8_t *dst = job->dst + (pos - job->skip);
    const uint8_t *iv16 = job->iv16;
    uint8_t *block;

    if (aes->queued == CTR_BURST)
        ctr_flush(aes);
    block = aes->blocks[aes->queued];
    if (pos >= BLOCK)
        iv16 = ctr_counter_store(aes->ivs[aes->queued], &c);
    if (off == 0) {
        if (len > blocks_before_wrap(&c) * BLOCK)
            len = (uint32_t)(blocks_before_wrap(&c) * BLOCK);
        ctr_queue(aes, job->key, iv16, src, dst, len);
        return len;
    }
    if (len > BLOCK - off)
        len = BLOCK - off;
    memcpy(block + off, src, len);
    aes->heads[ctr_queue(aes, job->key, iv16, block, block, BLOCK)] = (struct ctr_head){dst, off, len};
    return len;
}

static void ctr_add(struct xord_aes *aes, const struct xord_ctr_job *job)
{
    uint64_t pos = job->skip;
    uint64_t end = pos + job->len;

    while (pos < end)
        pos += ctr_queue_part(aes, job, pos, (uint32_t)(end - pos));
}

static void ipsec_mb_ctr(struct xord_aes *aes, const struct xord_ctr_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ctr_add(aes, &jobs[i]);
    ctr_flush(aes);
}

/* Each expanded key stays in its place until the burst that uses it has run. */
static void ipsec_mb_ctr_once(struct xord_aes *aes, const struct xord_ctr_once_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct xord_ctr_once_job *once = &jobs[i];
        struct xord_ctr_key *key = &aes->once_keys[i % CTR_BURST];
        struct xord_ctr_job job = {key, once->iv16, once->src, once->dst, once->len, 0};

        if (i % CTR_BURST == 0)
            ctr_flush(aes);
        ipsec_mb_ctr_expand(aes, key, once->key16);
        ctr_add(aes, &job);
    }
    ctr_flush(aes);
}

static void ipsec_mb_gcm_seal(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct xord_gcm_job *job = &jobs[i];

        IMB_AES128_GCM_PRE(aes->mgr, job->key16, &aes->gcm_key);
        IMB_AES128_GCM_ENC(aes->mgr, &aes->gcm_key, &aes->gcm_ctx, job->dst, job->src, job->len, job->nonce12, job->aad,
                job->aad_len, job->dst + job->len, XORD_GCM_TAG_LEN);
        job->err = 0;
    }
}

static void ipsec_mb_gcm_open(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    uint8_t tag[XORD_GCM_TAG_LEN];

    for (size_t i = 0; i < n; i++) {
        struct xord_gcm_job *job = &jobs[i];

        IMB_AES128_GCM_PRE(aes->mgr, job->key16, &aes->gcm_key);
        IMB_AES128_GCM_DEC(aes->mgr, &aes->gcm_key, &aes->gcm_ctx, job->dst, job->src, job->len, job->nonce12, job->aad,
                job->aad_len, tag, XORD_GCM_TAG_LEN);
        job->err = xord_ct_equal(tag, job->src + job->len, XORD_GCM_TAG_LEN) ? 0 : XORD_EAUTH;
        if (job->err && job->len)
            xord_wipe(job->dst, job->len);
    }
    xord_wipe(tag, sizeof(tag));
}

const struct xord_aes_ops xord_aes_ipsec_mb = {
        .name = "ipsec-mb",
        .open = ipsec_mb_open,
        .close = ipsec_mb_close,
        .ctr_expand = ipsec_mb_ctr_expand,
        .ctr = ipsec_mb_ctr,
        .ctr_once = ipsec_mb_ctr_once,
        .gcm_seal = ipsec_mb_gcm_seal,
        .gcm_open = ipsec_mb_gcm_open,
};
