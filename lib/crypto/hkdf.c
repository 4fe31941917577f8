/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256, HMAC and HKDF over OpenSSL's low-level SHA-256: deprecated since 3.0 in favour of EVP, but EVP allocates a
 * context per hash, and a handshake must not. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "xord_hkdf.h"

#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

#include "xord_bytes.h"

#define HASH_LEN  SHA256_DIGEST_LENGTH
#define BLOCK_LEN SHA256_CBLOCK

static void update_parts(SHA256_CTX *sha, const struct xord_slice *parts, size_t part_cnt)
{
    for (size_t i = 0; i < part_cnt; i++)
        if (parts[i].len)
            SHA256_Update(sha, parts[i].data, parts[i].len);
}

void xord_sha256(uint8_t out[32], const struct xord_slice *parts, size_t part_cnt)
{
    SHA256_CTX sha;

    SHA256_Init(&sha);
    update_parts(&sha, parts, part_cnt);
    SHA256_Final(out, &sha);
    xord_wipe(&sha, sizeof(sha));
}

/* The two hashes of HMAC after their first block, so that one key serves several messages. */
struct hmac_key {
    SHA256_CTX inner;
    SHA256_CTX outer;
};

static void hmac_key_init(struct hmac_key *hmac, const uint8_t *key, size_t key_len)
{
    uint8_t pad[BLOCK_LEN] = {0};

    if (key_len > BLOCK_LEN)
        xord_sha256(pad, &(struct xord_slice){key, key_len}, 1);
    else if (key_len)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36;
    SHA256_Init(&hmac->inner);
    SHA256_Update(&hmac->inner, pad, BLOCK_LEN);
    for (size_t i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&hmac->outer);
    SHA256_Update(&hmac->outer, pad, BLOCK_LEN);
    xord_wipe(pad, sizeof(pad));
}

/* `sha` has absorbed the message after hmac->inner. */
static void hmac_finish(const struct hmac_key *hmac, uint8_t out[32], SHA256_CTX *sha)
{
    uint8_t inner[HASH_LEN];

    SHA256_Final(inner, sha);
    *sha = hmac->outer;
    SHA256_Update(sha, inner, HASH_LEN);
    SHA256_Final(out, sha);
    xord_wipe(inner, sizeof(inner));
    xord_wipe(sha, sizeof(*sha));
}

void xord_hmac_sha256(uint8_t out[32], const uint8_t *key, size_t key_len, const struct xord_slice *parts,
        size_t part_cnt)
{
    struct hmac_key hmac;
    SHA256_CTX sha;

    hmac_key_init(&hmac, key, key_len);
    sha = hmac.inner;
    update_parts(&sha, parts, part_cnt);
    hmac_finish(&hmac, out, &sha);
    xord_wipe(&hmac, sizeof(hmac));
}

/* RFC 5869, section 2.3: T(i) = HMAC(prk, T(i-1) || info || i). */
static void hkdf_expand(uint8_t *out, size_t out_len, const uint8_t prk[32], const struct xord_slice *info,
        size_t info_cnt)
{
    struct hmac_key hmac;
    uint8_t t[HASH_LEN];
    SHA256_CTX sha;

    hmac_key_init(&hmac, prk, HASH_LEN);
    for (uint8_t i = 1; out_len > 0; i++) {
        size_t n = out_len < HASH_LEN ? out_len : HASH_LEN;

        sha = hmac.inner;
        if (i > 1)
            SHA256_Update(&sha, t, HASH_LEN);
        update_parts(&sha, info, info_cnt);
        SHA256_Update(&sha, &i, 1);
        hmac_finish(&hmac, t, &sha);
        memcpy(out, t, n);
        out += n;
        out_len -= n;
    }
    xord_wipe(t, sizeof(t));
    xord_wipe(&hmac, sizeof(hmac));
}

void xord_hkdf_sha256(uint8_t *out, size_t out_len, const uint8_t *salt, size_t salt_len, const uint8_t *ikm,
        size_t ikm_len, const struct xord_slice *info, size_t info_cnt)
{
    uint8_t prk[HASH_LEN];

    assert(out_len <= (size_t)255 * HASH_LEN);
    xord_hmac_sha256(prk, salt, salt_len, &(struct xord_slice){ikm, ikm_len}, 1);
    hkdf_expand(out, out_len, prk, info, info_cnt);
    xord_wipe(prk, sizeof(prk));
}
