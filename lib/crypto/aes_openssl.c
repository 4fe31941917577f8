/* SPDX-License-Identifier: BSD-3-Clause */
/* AES over OpenSSL's EVP: the reference that tests hold against ipsec-mb. Nothing here depends on message content but
 * the tag's verdict, so any other refusal by EVP is a bug or a broken library, and stops the process. */
#include "xord_aes.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"

struct xord_aes {
    EVP_CIPHER *ctr_cipher;
    EVP_CIPHER *gcm_cipher;
    EVP_CIPHER_CTX *ctr;
    EVP_CIPHER_CTX *gcm;
};

static void must(int ok)
{
    if (ok != 1)
        abort();
}

static void openssl_close(struct xord_aes *aes)
{
    if (!aes)
        return;
    EVP_CIPHER_CTX_free(aes->ctr);
    EVP_CIPHER_CTX_free(aes->gcm);
    EVP_CIPHER_free(aes->ctr_cipher);
    EVP_CIPHER_free(aes->gcm_cipher);
    free(aes);
}

/* Binding the ciphers here lets a job set key and iv only, without an allocation. */
static struct xord_aes *openssl_open(void)
{
    struct xord_aes *aes = calloc(1, sizeof(*aes));

    if (!aes)
        return NULL;
    aes->ctr_cipher = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    aes->gcm_cipher = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    aes->ctr = EVP_CIPHER_CTX_new();
    aes->gcm = EVP_CIPHER_CTX_new();
    if (!aes->ctr_cipher || !aes->gcm_cipher || !aes->ctr || !aes->gcm ||
            EVP_EncryptInit_ex2(aes->ctr, aes->ctr_cipher, NULL, NULL, NULL) != 1 ||
            EVP_EncryptInit_ex2(aes->gcm, aes->gcm_cipher, NULL, NULL, NULL) != 1) {
        openssl_close(aes);
        return NULL;
    }
    return aes;
}

/* EVP expands the key itself; the first round key of AES-128 is the key. */
static void openssl_ctr_expand(struct xord_aes *aes, struct xord_ctr_key *key, const uint8_t key16[16])
{
    (void)aes;
    memset(key, 0, sizeof(*key));
    memcpy(key->round_keys, key16, XORD_AES_KEY_LEN);
}

static void ctr_start(struct xord_aes *aes, const uint8_t key16[16], const uint8_t iv16[16])
{
    must(EVP_EncryptInit_ex2(aes->ctr, NULL, key16, iv16, NULL));
}

static void ctr_update(struct xord_aes *aes, const uint8_t *src, uint8_t *dst, uint32_t len)
{
    int n;

    if (len)
        must(EVP_EncryptUpdate(aes->ctr, dst, &n, src, (int)len));
}

static void ctr_one(struct xord_aes *aes, const struct xord_ctr_job *job)
{
    uint8_t passed[64] = {0};
    uint32_t step;

    ctr_start(aes, job->key->round_keys, job->iv16);
    for (uint32_t left = job->skip; left > 0; left -= step) {
        step = left < sizeof(passed) ? left : (uint32_t)sizeof(passed);
        ctr_update(aes, passed, passed, step);
    }
    ctr_update(aes, job->src, job->dst, job->len);
}

static void openssl_ctr(struct xord_aes *aes, const struct xord_ctr_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ctr_one(aes, &jobs[i]);
}

static void openssl_ctr_once(struct xord_aes *aes, const struct xord_ctr_once_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ctr_start(aes, jobs[i].key16, jobs[i].iv16);
        ctr_update(aes, jobs[i].src, jobs[i].dst, jobs[i].len);
    }
}

/* EVP takes an update without input for the end of the message, so empty parts are left out. */
static void gcm_update(struct xord_aes *aes, const struct xord_gcm_job *job)
{
    int n;

    if (job->aad_len)
        must(EVP_CipherUpdate(aes->gcm, NULL, &n, job->aad, (int)job->aad_len));
    if (job->len)
        must(EVP_CipherUpdate(aes->gcm, job->dst, &n, job->src, (int)job->len));
}

static void seal_one(struct xord_aes *aes, struct xord_gcm_job *job)
{
    uint8_t none[1];
    int n;

    must(EVP_EncryptInit_ex2(aes->gcm, NULL, job->key16, job->nonce12, NULL));
    gcm_update(aes, job);
    must(EVP_EncryptFinal_ex(aes->gcm, none, &n));
    must(EVP_CIPHER_CTX_ctrl(aes->gcm, EVP_CTRL_AEAD_GET_TAG, XORD_GCM_TAG_LEN, job->dst + job->len));
    job->err = 0;
}

static void open_one(struct xord_aes *aes, struct xord_gcm_job *job)
{
    uint8_t tag[XORD_GCM_TAG_LEN];
    uint8_t none[1];
    int n;

    memcpy(tag, job->src + job->len, sizeof(tag));
    must(EVP_DecryptInit_ex2(aes->gcm, NULL, job->key16, job->nonce12, NULL));
    gcm_update(aes, job);
    must(EVP_CIPHER_CTX_ctrl(aes->gcm, EVP_CTRL_AEAD_SET_TAG, XORD_GCM_TAG_LEN, tag));
    job->err = EVP_DecryptFinal_ex(aes->gcm, none, &n) == 1 ? 0 : XORD_EAUTH;
    if (job->err && job->len)
        xord_wipe(job->dst, job->len);
}

static void openssl_gcm_seal(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        seal_one(aes, &jobs[i]);
}

static void openssl_gcm_open(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        open_one(aes, &jobs[i]);
}

const struct xord_aes_ops xord_aes_openssl = {
        .name = "openssl",
        .open = openssl_open,
        .close = openssl_close,
        .ctr_expand = openssl_ctr_expand,
        .ctr = openssl_ctr,
        .ctr_once = openssl_ctr_once,
        .gcm_seal = openssl_gcm_seal,
        .gcm_open = openssl_gcm_open,
};
