/* SPDX-License-Identifier: BSD-3-Clause */
/* The crypto floor of a request and its reply. */
#define LINUX /* the header aligns its key structure only under this name */
#include <intel-ipsec-mb.h>

#include <string.h>

#include "bench.h"
#include "floor.h"
#include "xord_packet.h"
#include "xord_rng.h"

#define HEAD_LEN   XORD_ORDINARY_HEAD_LEN
#define MASKED_LEN (XORD_ORDINARY_HEAD_LEN - XORD_MASKING_IV_LEN)
#define TEXT_MAX   64

/* A request and its reply. */
struct exchange {
    _Alignas(64) uint8_t head[2][HEAD_LEN]; /* [0]: as it comes; [1]: unmasked, or to be masked */
    _Alignas(64) uint8_t request[TEXT_MAX]; /* cipher and tag */
    uint8_t plain[TEXT_MAX];
    uint8_t reply[TEXT_MAX];  /* plain */
    uint8_t sealed[TEXT_MAX]; /* cipher and tag */
    uint8_t masked[HEAD_LEN];
    uint8_t nonce12[XORD_GCM_NONCE_LEN];
    uint8_t key16[XORD_AES_KEY_LEN];
    uint8_t peer_id16[16];
    uint8_t tag[XORD_GCM_TAG_LEN];
};

struct floor {
    struct gcm_key_data gcm_keys[FLOOR_BURST];
    struct gcm_context_data gcm_ctx;
    struct exchange exchanges[FLOOR_BURST];
    struct xord_ctr_key own_key, own_key_ours;
    struct xord_ctr_key enc_keys[FLOOR_BURST], dec_key;
    IMB_JOB jobs[FLOOR_BURST];
    IMB_MGR *mgr;
    struct xord_aes *aes;
    uint32_t request_len, reply_len;
};

static const struct xord_aes_ops *ops; /* the engine's */

static bool has(const IMB_MGR *mgr, uint64_t flags)
{
    return (mgr->features & flags) == flags;
}

static IMB_MGR *manager_new(bool by_avx512)
{
    IMB_MGR *mgr = alloc_mb_mgr(0);

    BENCH_CHECK(mgr);
    if (by_avx512 && !has(mgr, IMB_CPUFLAGS_AVX512)) {
        free_mb_mgr(mgr);
        return NULL;
    }
    if (by_avx512)
        init_mb_mgr_avx512(mgr);
    else if (has(mgr, IMB_CPUFLAGS_AVX2))
        init_mb_mgr_avx2(mgr);
    else
        init_mb_mgr_sse(mgr);
    return mgr;
}

static void fill(struct floor *floor)
{
    static const uint8_t seed32[32] = "the crypto of a request";
    struct xord_rng rng;
    uint8_t own_id16[16];

    xord_rng_init(&rng, seed32);
    xord_rng_fill(&rng, floor->exchanges, sizeof(floor->exchanges));
    xord_rng_fill(&rng, own_id16, sizeof(own_id16));
    IMB_AES_KEYEXP_128(floor->mgr, own_id16, floor->own_key.round_keys, floor->dec_key.round_keys);
    ops->ctr_expand(floor->aes, &floor->own_key_ours, own_id16);
    for (uint32_t i = 0; i < FLOOR_BURST; i++) {
        struct exchange *x = &floor->exchanges[i];

        x->head[0][15] = x->head[1][15] = 0; /* ipsec-mb's counter has 32 bits and does not carry */
        memcpy(x->request, x->plain, floor->request_len);
        IMB_AES128_GCM_PRE(floor->mgr, x->key16, &floor->gcm_keys[i]);
        IMB_AES128_GCM_ENC(floor->mgr, &floor->gcm_keys[i], &floor->gcm_ctx, x->request, x->plain, floor->request_len,
                x->nonce12, x->head[1], HEAD_LEN, x->request + floor->request_len, XORD_GCM_TAG_LEN);
    }
}

struct floor *floor_new(uint32_t request_len, uint32_t reply_len, bool by_avx512)
{
    struct floor *floor = aligned_alloc(64, (sizeof(*floor) + 63) / 64 * 64);

    BENCH_CHECK(floor && request_len + XORD_GCM_TAG_LEN <= TEXT_MAX && reply_len + XORD_GCM_TAG_LEN <= TEXT_MAX);
    memset(floor, 0, sizeof(*floor));
    floor->request_len = request_len;
    floor->reply_len = reply_len;
    floor->mgr = manager_new(by_avx512);
    if (!floor->mgr) {
        free(floor);
        return NULL;
    }
    ops = xord_aes_best();
    floor->aes = ops->open();
    BENCH_CHECK(floor->aes);
    fill(floor);
    return floor;
}

void floor_free(struct floor *floor)
{
    if (!floor)
        return;
    free_mb_mgr(floor->mgr);
    ops->close(floor->aes);
    free(floor);
}

/* ---- by direct calls ---- */

static void ctr_burst(struct floor *floor)
{
    BENCH_CHECK(IMB_SUBMIT_CIPHER_BURST_NOCHECK(floor->mgr, floor->jobs, FLOOR_BURST, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                        IMB_KEY_128_BYTES) == FLOOR_BURST);
}

static void ctr_job(struct floor *floor, uint32_t i, const struct xord_ctr_key *key, const uint8_t *head, uint8_t *dst)
{
    IMB_JOB *job = &floor->jobs[i];

    job->enc_keys = key->round_keys;
    job->iv = head;
    job->iv_len_in_bytes = XORD_CTR_IV_LEN;
    job->src = head + XORD_MASKING_IV_LEN;
    job->dst = dst;
    job->msg_len_to_cipher_in_bytes = MASKED_LEN;
}

void floor_unmask(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;

    while (n-- > 0) {
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            ctr_job(floor, i, &floor->own_key, x->head[0], x->masked + XORD_MASKING_IV_LEN);
        }
        ctr_burst(floor);
    }
}

void floor_open(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;

    while (n-- > 0)
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            IMB_AES128_GCM_DEC(floor->mgr, &floor->gcm_keys[i], &floor->gcm_ctx, x->plain, x->request,
                    floor->request_len, x->nonce12, x->head[1], HEAD_LEN, x->tag, XORD_GCM_TAG_LEN);
        }
}

void floor_seal(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;

    while (n-- > 0)
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            IMB_AES128_GCM_ENC(floor->mgr, &floor->gcm_keys[i], &floor->gcm_ctx, x->sealed, x->reply, floor->reply_len,
                    x->nonce12, x->head[1], HEAD_LEN, x->sealed + floor->reply_len, XORD_GCM_TAG_LEN);
        }
}

void floor_mask(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;

    while (n-- > 0) {
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            IMB_AES_KEYEXP_128(floor->mgr, x->peer_id16, floor->enc_keys[i].round_keys, floor->dec_key.round_keys);
            ctr_job(floor, i, &floor->enc_keys[i], x->head[1], x->masked + XORD_MASKING_IV_LEN);
        }
        ctr_burst(floor);
    }
}

void floor_all(void *ctx, uint32_t n)
{
    while (n-- > 0) {
        floor_unmask(ctx, 1);
        floor_open(ctx, 1);
        floor_seal(ctx, 1);
        floor_mask(ctx, 1);
    }
}

/* ---- by the engine's calls ---- */

void ours_unmask(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;
    struct xord_ctr_job jobs[FLOOR_BURST];

    while (n-- > 0) {
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            jobs[i] = (struct xord_ctr_job){&floor->own_key_ours, x->head[0], x->head[0] + XORD_MASKING_IV_LEN,
                    x->masked + XORD_MASKING_IV_LEN, MASKED_LEN, 0};
        }
        ops->ctr(floor->aes, jobs, FLOOR_BURST);
    }
}

static struct xord_gcm_job gcm_job(const struct exchange *x, const uint8_t *src, uint8_t *dst, uint32_t len)
{
    return (struct xord_gcm_job){
            .key16 = x->key16,
            .nonce12 = x->nonce12,
            .aad = x->head[1],
            .aad_len = HEAD_LEN,
            .src = src,
            .dst = dst,
            .len = len,
    };
}

void ours_open(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;
    struct xord_gcm_job jobs[FLOOR_BURST];

    while (n-- > 0) {
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            jobs[i] = gcm_job(x, x->request, x->plain, floor->request_len);
        }
        ops->gcm_open(floor->aes, jobs, FLOOR_BURST);
        for (uint32_t i = 0; i < FLOOR_BURST; i++)
            BENCH_CHECK(jobs[i].err == 0);
    }
}

void ours_seal(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;
    struct xord_gcm_job jobs[FLOOR_BURST];

    while (n-- > 0) {
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            jobs[i] = gcm_job(x, x->reply, x->sealed, floor->reply_len);
        }
        ops->gcm_seal(floor->aes, jobs, FLOOR_BURST);
    }
}

void ours_mask(void *ctx, uint32_t n)
{
    struct floor *floor = ctx;
    struct xord_ctr_once_job jobs[FLOOR_BURST];

    while (n-- > 0) {
        for (uint32_t i = 0; i < FLOOR_BURST; i++) {
            struct exchange *x = &floor->exchanges[i];

            jobs[i] = (struct xord_ctr_once_job){x->peer_id16, x->head[1], x->head[1] + XORD_MASKING_IV_LEN,
                    x->masked + XORD_MASKING_IV_LEN, MASKED_LEN};
        }
        ops->ctr_once(floor->aes, jobs, FLOOR_BURST);
    }
}

void ours_all(void *ctx, uint32_t n)
{
    while (n-- > 0) {
        ours_unmask(ctx, 1);
        ours_open(ctx, 1);
        ours_seal(ctx, 1);
        ours_mask(ctx, 1);
    }
}

/* ---- */

struct written {
    uint8_t unmasked[MASKED_LEN], masked[MASKED_LEN];
    uint8_t plain[TEXT_MAX], sealed[TEXT_MAX];
};

static void read_out(struct written *out, const struct floor *floor)
{
    for (uint32_t i = 0; i < FLOOR_BURST; i++) {
        const struct exchange *x = &floor->exchanges[i];

        memcpy(out[i].masked, x->masked + XORD_MASKING_IV_LEN, MASKED_LEN);
        memcpy(out[i].plain, x->plain, floor->request_len);
        memcpy(out[i].sealed, x->sealed, floor->reply_len + XORD_GCM_TAG_LEN);
    }
}

static void unmasked_out(struct written *out, const struct floor *floor)
{
    for (uint32_t i = 0; i < FLOOR_BURST; i++)
        memcpy(out[i].unmasked, floor->exchanges[i].masked + XORD_MASKING_IV_LEN, MASKED_LEN);
}

bool floor_agrees(struct floor *floor)
{
    struct written by_floor[FLOOR_BURST] = {0}, by_us[FLOOR_BURST] = {0};

    floor_unmask(floor, 1);
    unmasked_out(by_floor, floor);
    floor_all(floor, 1);
    read_out(by_floor, floor);
    ours_unmask(floor, 1);
    unmasked_out(by_us, floor);
    ours_all(floor, 1);
    read_out(by_us, floor);
    return memcmp(by_floor, by_us, sizeof(by_us)) == 0;
}
