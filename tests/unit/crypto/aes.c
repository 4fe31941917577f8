/* SPDX-License-Identifier: BSD-3-Clause */
/* One suite over every AES backend: OpenSSL, and each of ipsec-mb's and of xord's own that this CPU has. Known answers
 * first, then random jobs held against OpenSSL. Bursts of alike packets stand beside random ones: what works on several
 * packets at once takes other ways for them. */
#include "xord_aes.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h> /* only after criterion.h */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aes_ipsec_mb_private.h"
#include "aes_native_private.h"
#include "test_util.h"
#include "vectors.h"
#include "xord_bytes.h"
#include "xord_rng.h"

#define GCM_MAX_LEN 1280
#define GCM_MAX_AAD 560

static const struct backend {
    const char *name;
    const struct xord_aes_ops *ops;
    int arch; /* enum xord_imb_arch or xord_native_arch; -1: ops->open */
} backends[] = {
        {"openssl", &xord_aes_openssl, -1},
        {"ipsec-mb", &xord_aes_ipsec_mb, -1},
        {"ipsec-mb sse", &xord_aes_ipsec_mb, XORD_IMB_SSE},
        {"ipsec-mb avx", &xord_aes_ipsec_mb, XORD_IMB_AVX},
        {"ipsec-mb avx2", &xord_aes_ipsec_mb, XORD_IMB_AVX2},
        {"ipsec-mb avx512", &xord_aes_ipsec_mb, XORD_IMB_AVX512},
        {"native sse", &xord_aes_native, XORD_NATIVE_SSE},
        {"native avx2", &xord_aes_native, XORD_NATIVE_AVX2},
        {"native avx512", &xord_aes_native, XORD_NATIVE_AVX512},
};

static const struct backend *be;
static const struct xord_aes_ops *ops;
static struct xord_aes *aes;
static struct xord_rng rng;

/* False when the CPU lacks this implementation. */
static bool backend_open(const struct backend *backend)
{
    static const uint8_t seed[XORD_RNG_SEED_LEN] = "aes";

    xord_rng_init(&rng, seed);
    be = backend;
    ops = backend->ops;
    if (backend->arch < 0) {
        aes = ops->open();
        cr_assert(aes, "%s does not open", be->name);
    } else if (ops == &xord_aes_native) {
        aes = xord_aes_native_open_arch((enum xord_native_arch)backend->arch);
    } else {
        aes = xord_aes_ipsec_mb_open_arch((enum xord_imb_arch)backend->arch);
    }
    return aes != NULL;
}

static struct criterion_test_params each_backend(void)
{
    static size_t index[sizeof(backends) / sizeof(backends[0])];

    for (size_t i = 0; i < sizeof(index) / sizeof(index[0]); i++)
        index[i] = i;
    return cr_make_param_array(size_t, index, sizeof(index) / sizeof(index[0]));
}

/* A test whose body runs once for each backend. */
#define AES_TEST(suite, name)                                                                                          \
    static void suite##_##name(void);                                                                                  \
    ParameterizedTestParameters(suite, name)                                                                           \
    {                                                                                                                  \
        return each_backend();                                                                                         \
    }                                                                                                                  \
    ParameterizedTest(size_t *index, suite, name)                                                                      \
    {                                                                                                                  \
        if (!backend_open(&backends[*index]))                                                                          \
            return;                                                                                                    \
        suite##_##name();                                                                                              \
        ops->close(aes);                                                                                               \
        TEST_NO_LEAK();                                                                                                \
    }                                                                                                                  \
    static void suite##_##name(void)

static uint32_t below(uint32_t bound)
{
    return (uint32_t)xord_rng_below(&rng, bound);
}

static void ctr(const struct xord_ctr_key *key, const uint8_t *iv, const uint8_t *src, uint8_t *dst, uint32_t len,
        uint32_t skip)
{
    ops->ctr(aes, &(struct xord_ctr_job){key, iv, src, dst, len, skip}, 1);
}

/* NIST SP 800-38A, F.5.1 and F.5.2 (CTR-AES128). */
#define NIST_CTR_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define NIST_CTR_IV  "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define NIST_CTR_PT                                                                                                    \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17" \
    "ad2b417be66c3710"
#define NIST_CTR_CT                                                                                                    \
    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1" \
    "792170a0f3009cee"

AES_TEST(ctr, nist_f51_at_every_skip_and_length)
{
    uint8_t key16[16], iv[16], pt[64], ct[64], out[64];
    struct xord_ctr_key key;

    test_hex(key16, NIST_CTR_KEY);
    test_hex(iv, NIST_CTR_IV);
    test_hex(pt, NIST_CTR_PT);
    test_hex(ct, NIST_CTR_CT);
    ops->ctr_expand(aes, &key, key16);
    for (uint32_t skip = 0; skip <= 64; skip++) {
        for (uint32_t len = 0; len <= 64 - skip; len++) {
            memset(out, 0xee, sizeof(out));
            ctr(&key, iv, pt + skip, out, len, skip);
            cr_assert(memcmp(out, ct + skip, len) == 0, "%s: skip %u len %u", be->name, skip, len);
            cr_assert(len == 64 || out[len] == 0xee, "%s: wrote past skip %u len %u", be->name, skip, len);
        }
    }
}

AES_TEST(ctr, nist_f51_under_a_key_used_once)
{
    uint8_t key16[16], iv[16], pt[64], ct[64], out[64];

    test_hex(key16, NIST_CTR_KEY);
    test_hex(iv, NIST_CTR_IV);
    test_hex(pt, NIST_CTR_PT);
    test_hex(ct, NIST_CTR_CT);
    for (uint32_t len = 0; len <= 64; len++) {
        memset(out, 0xee, sizeof(out));
        ops->ctr_once(aes, &(struct xord_ctr_once_job){key16, iv, pt, out, len}, 1);
        cr_assert(memcmp(out, ct, len) == 0, "%s: len %u", be->name, len);
        cr_assert(len == 64 || out[len] == 0xee, "%s: wrote past %u", be->name, len);
    }
}

AES_TEST(ctr, a_header_unmasks_in_two_steps_in_place)
{
    uint8_t key16[16], iv[16], whole[300], steps[300];
    struct xord_ctr_key key;

    xord_rng_fill(&rng, key16, 16);
    xord_rng_fill(&rng, iv, 16);
    ops->ctr_expand(aes, &key, key16);
    for (uint32_t len = 23; len <= 300; len++) {
        xord_rng_fill(&rng, whole, len);
        memcpy(steps, whole, len);
        ctr(&key, iv, whole, whole, len, 0);
        ctr(&key, iv, steps, steps, 23, 0);
        ctr(&key, iv, steps + 23, steps + 23, len - 23, 23);
        cr_assert(memcmp(whole, steps, len) == 0, "%s: length %u", be->name, len);
    }
}

/* iv = 128-bit big-endian counter + 1. */
static void counter_step(uint8_t iv[16])
{
    for (int i = 15; i >= 0 && ++iv[i] == 0; i--)
        ;
}

/* The masking-iv comes from the peer: the counter must carry through all 128 bits. */
AES_TEST(ctr, the_counter_carries_through_all_128_bits)
{
    static const char *const ivs[] = {
            "000102030405060708090a0bffffffff",
            "000102030405060708090a0bfffffffe",
            "000102030405060708090a0bfffffff0",
            "0001020304050607ffffffffffffffff",
            "0001020304050607fffffffffffffffd",
            "ffffffffffffffffffffffffffffffff",
            "fffffffffffffffffffffffffffffffa",
    };
    uint8_t key16[16], iv[16], block_iv[16], pt[512], want[512], out[512];
    struct xord_ctr_key key;

    xord_rng_fill(&rng, key16, 16);
    xord_rng_fill(&rng, pt, sizeof(pt));
    ops->ctr_expand(aes, &key, key16);
    for (size_t i = 0; i < sizeof(ivs) / sizeof(ivs[0]); i++) {
        test_hex(iv, ivs[i]);
        memcpy(block_iv, iv, 16);
        for (uint32_t at = 0; at < sizeof(pt); at += 16, counter_step(block_iv))
            ctr(&key, block_iv, pt + at, want + at, 16, 0);
        for (uint32_t skip = 0; skip < 300; skip += 1 + below(5)) {
            uint32_t len = below((uint32_t)sizeof(pt) - skip + 1);

            ctr(&key, iv, pt + skip, out, len, skip);
            cr_assert(memcmp(out, want + skip, len) == 0, "%s: iv %s skip %u len %u", be->name, ivs[i], skip, len);
        }
    }
}

/* The counter carries into any byte, within few blocks. */
static void iv_near_carry(uint8_t iv[16])
{
    uint32_t kept = below(16);

    memset(iv + kept, 0xff, 16 - kept);
    iv[15] = (uint8_t)(255 - below(40));
}

#define CTR_JOBS_MAX 200
#define CTR_LEN_MAX  600

AES_TEST(ctr, random_bursts_equal_openssl)
{
    static uint8_t src[CTR_JOBS_MAX][CTR_LEN_MAX], dst[CTR_JOBS_MAX][CTR_LEN_MAX], want[CTR_LEN_MAX];
    static struct xord_ctr_job jobs[CTR_JOBS_MAX];
    static uint8_t ivs[CTR_JOBS_MAX][16], key16s[CTR_JOBS_MAX][16];
    static struct xord_ctr_key keys[CTR_JOBS_MAX], ref_key;
    struct xord_aes *ref = xord_aes_openssl.open();

    for (int round = 0; round < 200; round++) {
        uint32_t n = 1 + below(CTR_JOBS_MAX);
        bool is_alike = below(2), has_one_key = below(2);

        for (uint32_t i = 0; i < n; i++) {
            uint32_t len = is_alike && below(20) ? below(65) : below(CTR_LEN_MAX + 1);
            bool in_place = below(2), shares = has_one_key && i > 0 && below(50);

            xord_rng_fill(&rng, src[i], len);
            xord_rng_fill(&rng, ivs[i], 16);
            if (below(4) == 0)
                iv_near_carry(ivs[i]);
            xord_rng_fill(&rng, key16s[i], 16);
            ops->ctr_expand(aes, &keys[i], key16s[i]);
            memcpy(dst[i], src[i], len);
            if (shares)
                memcpy(key16s[i], key16s[0], 16);
            jobs[i] = (struct xord_ctr_job){shares ? &keys[0] : &keys[i], ivs[i], in_place ? dst[i] : src[i], dst[i],
                    len, !is_alike && below(2) ? below(100) : 0};
        }
        ops->ctr(aes, jobs, n);
        for (uint32_t i = 0; i < n; i++) {
            xord_aes_openssl.ctr_expand(ref, &ref_key, key16s[i]);
            xord_aes_openssl.ctr(ref, &(struct xord_ctr_job){&ref_key, ivs[i], src[i], want, jobs[i].len, jobs[i].skip},
                    1);
            cr_assert(memcmp(dst[i], want, jobs[i].len) == 0, "%s: job %u of %u, len %u, skip %u", be->name, i, n,
                    jobs[i].len, jobs[i].skip);
        }
    }
    ops->ctr(aes, NULL, 0);
    xord_aes_openssl.close(ref);
}

AES_TEST(ctr, a_key_used_once_equals_an_expanded_one)
{
    static uint8_t src[CTR_JOBS_MAX][CTR_LEN_MAX], dst[CTR_JOBS_MAX][CTR_LEN_MAX], want[CTR_LEN_MAX];
    static struct xord_ctr_once_job jobs[CTR_JOBS_MAX];
    static uint8_t ivs[CTR_JOBS_MAX][16], key16s[CTR_JOBS_MAX][16];
    struct xord_aes *ref = xord_aes_openssl.open();
    struct xord_ctr_key key;

    for (int round = 0; round < 60; round++) {
        uint32_t n = 1 + below(CTR_JOBS_MAX);

        for (uint32_t i = 0; i < n; i++) {
            uint32_t len = below(3) ? 47 + below(20) : below(CTR_LEN_MAX + 1);
            bool in_place = below(2);

            xord_rng_fill(&rng, src[i], len);
            xord_rng_fill(&rng, key16s[i], 16);
            xord_rng_fill(&rng, ivs[i], 16);
            if (below(2))
                iv_near_carry(ivs[i]);
            memcpy(dst[i], src[i], len);
            jobs[i] = (struct xord_ctr_once_job){key16s[i], ivs[i], in_place ? dst[i] : src[i], dst[i], len};
        }
        ops->ctr_once(aes, jobs, n);
        for (uint32_t i = 0; i < n; i++) {
            xord_aes_openssl.ctr_expand(ref, &key, key16s[i]);
            xord_aes_openssl.ctr(ref, &(struct xord_ctr_job){&key, ivs[i], src[i], want, jobs[i].len, 0}, 1);
            cr_assert(memcmp(dst[i], want, jobs[i].len) == 0, "%s: job %u of %u, len %u", be->name, i, n, jobs[i].len);
        }
    }
    ops->ctr_once(aes, NULL, 0);
    xord_aes_openssl.close(ref);
}

struct gcm_row {
    const char *name, *key, *nonce, *pt, *aad, *ct; /* ct ends with the tag */
};

/* The specification's, then test cases 1-4 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
static const struct gcm_row gcm_rows[] = {
        {"discv5", VEC_GCM_KEY, VEC_GCM_NONCE, VEC_GCM_PT, VEC_GCM_AD, VEC_GCM_CT},
        {"case 1", "00000000000000000000000000000000", "000000000000000000000000", "", "",
                "58e2fccefa7e3061367f1d57a4e7455a"},
        {"case 2", "00000000000000000000000000000000", "000000000000000000000000", "00000000000000000000000000000000",
                "", "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
        {"case 3", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
                "",
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
                "4d5c2af327cd64a62cf35abd2ba6fab4"},
        {"case 4", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                "5bc94fbc3221a5db94fae95ae7121a47"},
};

AES_TEST(gcm, known_answers_seal_and_open)
{
    for (size_t row = 0; row < sizeof(gcm_rows) / sizeof(gcm_rows[0]); row++) {
        const struct gcm_row *r = &gcm_rows[row];
        uint8_t key[16], nonce[12], pt[64], aad[64], ct[80], out[80];
        struct xord_gcm_job job = {.key16 = key, .nonce12 = nonce, .aad = aad, .src = pt, .dst = out, .err = 1};

        test_hex(key, r->key);
        test_hex(nonce, r->nonce);
        job.len = (uint32_t)test_hex(pt, r->pt);
        job.aad_len = (uint32_t)test_hex(aad, r->aad);
        cr_assert(test_hex(ct, r->ct) == job.len + 16);
        ops->gcm_seal(aes, &job, 1);
        cr_assert(job.err == 0 && memcmp(out, ct, job.len + 16) == 0, "%s: seal %s", be->name, r->name);
        job.src = ct;
        job.err = 1;
        ops->gcm_open(aes, &job, 1);
        cr_assert(job.err == 0 && memcmp(out, pt, job.len) == 0, "%s: open %s", be->name, r->name);
    }
}

/* Every place of a burst gives the published answer, whatever stands beside it. */
AES_TEST(gcm, known_answers_at_every_place_of_a_burst)
{
    enum { ROWS = sizeof(gcm_rows) / sizeof(gcm_rows[0]), PLACES = 40 };
    static uint8_t key[ROWS][16], nonce[ROWS][12], pt[ROWS][64], aad[ROWS][64], ct[ROWS][80], out[PLACES][80];
    struct xord_gcm_job burst[PLACES];

    for (size_t i = 0; i < PLACES; i++) {
        size_t row = i < ROWS * 3 ? i % ROWS : ROWS - 1;
        struct xord_gcm_job job = {key[row], nonce[row], aad[row], pt[row], out[i], 0, 0, 1};

        test_hex(key[row], gcm_rows[row].key);
        test_hex(nonce[row], gcm_rows[row].nonce);
        test_hex(ct[row], gcm_rows[row].ct);
        job.len = (uint32_t)test_hex(pt[row], gcm_rows[row].pt);
        job.aad_len = (uint32_t)test_hex(aad[row], gcm_rows[row].aad);
        burst[i] = job;
    }
    ops->gcm_seal(aes, burst, PLACES);
    for (size_t i = 0; i < PLACES; i++) {
        size_t row = i < ROWS * 3 ? i % ROWS : ROWS - 1;

        cr_assert(burst[i].err == 0 && memcmp(out[i], ct[row], burst[i].len + 16) == 0, "%s: seal %zu", be->name, i);
        burst[i].src = ct[row];
    }
    ops->gcm_open(aes, burst, PLACES);
    for (size_t i = 0; i < PLACES; i++)
        cr_assert(burst[i].err == 0 && memcmp(out[i], pt[i < ROWS * 3 ? i % ROWS : ROWS - 1], burst[i].len) == 0,
                "%s: open %zu", be->name, i);
}

AES_TEST(gcm, empty_parts_need_no_pointer)
{
    uint8_t key[16] = {1}, nonce[12] = {2}, a[16], b[16], byte = 0;
    struct xord_gcm_job job = {.key16 = key, .nonce12 = nonce, .dst = a};

    ops->gcm_seal(aes, &job, 1);
    job.src = job.aad = &byte;
    job.dst = b;
    ops->gcm_seal(aes, &job, 1);
    cr_assert(memcmp(a, b, 16) == 0, "%s", be->name);
    job = (struct xord_gcm_job){.key16 = key, .nonce12 = nonce, .src = a, .dst = NULL, .err = 1};
    ops->gcm_open(aes, &job, 1);
    cr_assert(job.err == 0, "%s", be->name);
    ops->gcm_seal(aes, NULL, 0);
    ops->gcm_open(aes, NULL, 0);
}

#define GCM_BURST  150 /* more than is worked on at once */
#define GCM_ROUNDS 250

/* One packet's inputs and the buffers that it goes through. */
struct gcm_case {
    uint8_t key[16], nonce[12], aad[GCM_MAX_AAD];
    uint8_t pt[GCM_MAX_LEN + 16]; /* room for a tag: sealed in place */
    uint8_t ct[GCM_MAX_LEN + 16];
    uint8_t out[GCM_MAX_LEN + 16];
};

static struct gcm_case cases[GCM_BURST];
static struct xord_gcm_job jobs[GCM_BURST];

/* What the packets of a burst have in common. */
static struct gcm_shape {
    bool is_alike;
    uint32_t aad_len, len;
} shape;

/* Any burst; or of packets alike in blocks but not in bytes, a few strangers among them. */
static void shape_random(void)
{
    static const uint32_t aad_lens[] = {71, 71, 71, 0, 16, 80, 1, 128, 135, 240, 540};

    shape.is_alike = below(4) != 0;
    shape.aad_len = aad_lens[below(sizeof(aad_lens) / sizeof(aad_lens[0]))];
    shape.len = below(10) ? below(80) : below(GCM_MAX_LEN + 1);
}

/* Mostly lengths as the protocol has them, and all of 0..max sometimes. */
static uint32_t random_len(uint32_t max)
{
    return below(2) ? below(101) : below(max + 1);
}

static void case_lens(struct xord_gcm_job *job)
{
    if (shape.is_alike && below(30)) {
        job->len = shape.len ? (shape.len - 1) / 16 * 16 + 1 + below(16) : 0;
        job->aad_len = shape.aad_len;
    } else {
        job->len = random_len(GCM_MAX_LEN);
        job->aad_len = random_len(GCM_MAX_AAD);
    }
    if (job->len > GCM_MAX_LEN)
        job->len = GCM_MAX_LEN;
}

static void case_random(struct gcm_case *c, struct xord_gcm_job *job)
{
    *job = (struct xord_gcm_job){.key16 = c->key, .nonce12 = c->nonce, .aad = c->aad};
    case_lens(job);
    xord_rng_fill(&rng, c->key, sizeof(c->key));
    xord_rng_fill(&rng, c->nonce, sizeof(c->nonce));
    xord_rng_fill(&rng, c->aad, job->aad_len);
    xord_rng_fill(&rng, c->pt, job->len);
}

/* Seals jobs[0..n) with the backend into ct (half of them in place). */
static void seal_burst(uint32_t n)
{
    shape_random();
    for (uint32_t i = 0; i < n; i++) {
        struct gcm_case *c = &cases[i];

        case_random(c, &jobs[i]);
        memcpy(c->ct, c->pt, jobs[i].len);
        jobs[i].src = below(2) ? c->pt : c->ct;
        jobs[i].dst = c->ct;
        jobs[i].err = 1;
    }
    ops->gcm_seal(aes, jobs, n);
}

AES_TEST(gcm, random_bursts_seal_as_openssl_does_and_open_again)
{
    static uint8_t want[GCM_MAX_LEN + 16];
    struct xord_aes *ref = xord_aes_openssl.open();

    for (int round = 0; round < GCM_ROUNDS; round++) {
        uint32_t n = below(2) ? 1 + below(GCM_BURST) : 32;

        seal_burst(n);
        for (uint32_t i = 0; i < n; i++) {
            struct gcm_case *c = &cases[i];
            struct xord_gcm_job job = jobs[i];

            job.src = c->pt;
            job.dst = want;
            xord_aes_openssl.gcm_seal(ref, &job, 1);
            cr_assert(jobs[i].err == 0 && memcmp(c->ct, want, job.len + 16) == 0, "%s: seal %u of %u, len %u, aad %u",
                    be->name, i, n, job.len, job.aad_len);
            jobs[i].src = c->ct;
            jobs[i].dst = below(2) ? c->out : c->ct;
            jobs[i].err = 1;
        }
        ops->gcm_open(aes, jobs, n);
        for (uint32_t i = 0; i < n; i++)
            cr_assert(jobs[i].err == 0 && memcmp(jobs[i].dst, cases[i].pt, jobs[i].len) == 0,
                    "%s: open %u of %u, len %u, aad %u", be->name, i, n, jobs[i].len, jobs[i].aad_len);
    }
    xord_aes_openssl.close(ref);
}

/* Longer than any packet, between short ones. */
AES_TEST(gcm, messages_of_any_size)
{
    enum { BIG = 100003, BIG_AAD = 20001 };
    static uint8_t pt[BIG + 16], aad[BIG_AAD], ct[BIG + 16], want[BIG + 16];
    static const uint8_t zeroes[BIG];
    struct xord_aes *ref = xord_aes_openssl.open();
    struct gcm_case *c = &cases[3];

    xord_rng_fill(&rng, pt, BIG);
    xord_rng_fill(&rng, aad, BIG_AAD);
    seal_burst(9);
    jobs[3] = (struct xord_gcm_job){c->key, c->nonce, aad, pt, ct, BIG_AAD, BIG, 1};
    ops->gcm_seal(aes, jobs, 9);
    jobs[3].dst = want;
    xord_aes_openssl.gcm_seal(ref, &jobs[3], 1);
    cr_assert(memcmp(ct, want, BIG + 16) == 0, "%s: seal", be->name);
    jobs[3].src = jobs[3].dst = ct;
    ops->gcm_open(aes, &jobs[3], 1);
    cr_assert(jobs[3].err == 0 && memcmp(ct, pt, BIG) == 0, "%s: open", be->name);
    want[BIG / 2] ^= 1;
    jobs[3].src = want;
    ops->gcm_open(aes, &jobs[3], 1);
    cr_assert(jobs[3].err == XORD_EAUTH && memcmp(ct, zeroes, BIG) == 0, "%s: refuse", be->name);
    xord_aes_openssl.close(ref);
}

static void flip(uint8_t *data, uint32_t len)
{
    data[below(len)] ^= (uint8_t)(1U << below(8));
}

/* Damages one input of the job by one bit; returns which. */
static const char *damage(struct gcm_case *c, const struct xord_gcm_job *job)
{
    switch (below(5)) {
    case 0:
        flip(c->key, 16);
        return "key";
    case 1:
        flip(c->nonce, 12);
        return "nonce";
    case 2:
        if (job->aad_len)
            return flip(c->aad, job->aad_len), "aad";
        break;
    case 3:
        if (job->len)
            return flip(c->ct, job->len), "text";
        break;
    }
    flip(c->ct + job->len, 16);
    return "tag";
}

static void check_opened(uint32_t i, const char *damaged)
{
    static const uint8_t zeroes[GCM_MAX_LEN];
    const struct xord_gcm_job *job = &jobs[i];

    if (damaged) {
        cr_assert(job->err == XORD_EAUTH, "%s: flipped %s, len %u", be->name, damaged, job->len);
        cr_assert(memcmp(job->dst, zeroes, job->len) == 0, "%s: not wiped, flipped %s", be->name, damaged);
    } else {
        cr_assert(job->err == 0 && memcmp(job->dst, cases[i].pt, job->len) == 0, "%s: neighbour of a bad packet",
                be->name);
    }
}

AES_TEST(gcm, a_flipped_bit_is_refused_and_wiped_and_harms_no_other_job)
{
    const char *damaged[GCM_BURST];

    for (int round = 0; round < GCM_ROUNDS; round++) {
        uint32_t n = below(2) ? 1 + below(GCM_BURST) : 32;

        seal_burst(n);
        for (uint32_t i = 0; i < n; i++) {
            struct gcm_case *c = &cases[i];

            damaged[i] = below(2) ? damage(c, &jobs[i]) : NULL;
            jobs[i].src = c->ct;
            jobs[i].dst = below(2) ? c->out : c->ct;
            jobs[i].err = 1;
        }
        ops->gcm_open(aes, jobs, n);
        for (uint32_t i = 0; i < n; i++)
            check_opened(i, damaged[i]);
    }
}

AES_TEST(gcm, every_bit_of_the_tag_counts)
{
    struct gcm_case *c = &cases[0];

    for (uint32_t bit = 0; bit < 128; bit++) {
        seal_burst(1);
        c->ct[jobs[0].len + bit / 8] ^= (uint8_t)(1U << bit % 8);
        jobs[0].src = c->ct;
        jobs[0].dst = c->out;
        ops->gcm_open(aes, jobs, 1);
        cr_assert(jobs[0].err == XORD_EAUTH, "%s: bit %u", be->name, bit);
    }
}

/* A page between two that fault: assembly that reads or writes beyond its buffers is caught without a sanitizer. */
static uint8_t *guarded_page(size_t page)
{
    uint8_t *p = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert(p != MAP_FAILED && mprotect(p + page, page, PROT_READ | PROT_WRITE) == 0);
    return p + page;
}

static void guarded_round(uint8_t *const pages[5], size_t page, bool at_end, uint32_t len, uint32_t aad_len)
{
    uint8_t *key = at_end ? pages[0] + page - 16 : pages[0];
    uint8_t *iv = at_end ? pages[1] + page - 16 : pages[1];
    uint8_t *nonce = at_end ? pages[1] + page - 12 : pages[1];
    uint8_t *aad = at_end ? pages[2] + page - aad_len : pages[2];
    uint8_t *src = at_end ? pages[3] + page - len : pages[3];
    uint8_t *sealed = at_end ? pages[4] + page - len - 16 : pages[4];
    struct xord_gcm_job job = {key, nonce, aad, src, sealed, aad_len, len, 1};
    struct xord_ctr_key round_keys;

    ops->gcm_seal(aes, &job, 1);
    job.src = sealed;
    job.dst = src;
    ops->gcm_open(aes, &job, 1);
    cr_assert(job.err == 0, "%s: len %u, aad %u", be->name, len, aad_len);
    ops->ctr_expand(aes, &round_keys, key);
    ctr(&round_keys, iv, src, src, len, 0);
    ctr(&round_keys, iv, src, src, len, 23);
    ops->ctr_once(aes, &(struct xord_ctr_once_job){key, iv, src, src, len}, 1);
}

AES_TEST(aes, touches_nothing_beyond_its_buffers)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages[5];

    for (int i = 0; i < 5; i++)
        pages[i] = guarded_page(page);
    for (uint32_t len = 0; len <= GCM_MAX_LEN; len += len < 300 ? 1 : 37)
        for (uint32_t aad_len = 0; aad_len <= GCM_MAX_AAD; aad_len += aad_len < 35 ? 5 : 61)
            for (int at_end = 0; at_end < 2; at_end++)
                guarded_round(pages, page, at_end, len, aad_len);
    for (int i = 0; i < 5; i++)
        munmap(pages[i] - page, 3 * page);
}

#define GUARDED_BURST 9

/* As many bytes at one of a page's two ends. */
static uint8_t *at_edge(uint8_t *guarded, size_t page, bool at_end, size_t len)
{
    return at_end ? guarded + page - len : guarded;
}

/* The same of a burst of alike packets, each in pages of its own. */
static void guarded_burst(uint8_t *const (*pages)[3], size_t page, bool at_end, uint32_t len, uint32_t aad_len)
{
    static uint8_t keys[GUARDED_BURST][16], ivs[GUARDED_BURST][16];
    struct xord_gcm_job gcm[GUARDED_BURST];
    struct xord_ctr_once_job once[GUARDED_BURST];
    struct xord_ctr_job ctrs[GUARDED_BURST];
    struct xord_ctr_key round_keys;

    ops->ctr_expand(aes, &round_keys, keys[0]);
    for (uint32_t i = 0; i < GUARDED_BURST; i++) {
        uint8_t *src = at_edge(pages[i][1], page, at_end, len);
        uint8_t *sealed = at_edge(pages[i][2], page, at_end, len + 16);

        memset(keys[i], (int)(i + len), 16);
        gcm[i] = (struct xord_gcm_job){keys[i], ivs[i], at_edge(pages[i][0], page, at_end, aad_len), src, sealed,
                aad_len, len, 1};
        once[i] = (struct xord_ctr_once_job){keys[i], ivs[i], src, src, len};
        ctrs[i] = (struct xord_ctr_job){&round_keys, ivs[i], src, src, len, 0};
    }
    ops->gcm_seal(aes, gcm, GUARDED_BURST);
    for (uint32_t i = 0; i < GUARDED_BURST; i++) {
        gcm[i].src = gcm[i].dst;
        gcm[i].dst = at_edge(pages[i][1], page, at_end, len);
    }
    ops->gcm_open(aes, gcm, GUARDED_BURST);
    for (uint32_t i = 0; i < GUARDED_BURST; i++)
        cr_assert(gcm[i].err == 0, "%s: len %u, aad %u", be->name, len, aad_len);
    ops->ctr_once(aes, once, GUARDED_BURST);
    ops->ctr(aes, ctrs, GUARDED_BURST);
}

AES_TEST(aes, touches_nothing_beyond_a_burst_of_alike_packets)
{
    static const uint32_t aad_lens[] = {0, 1, 15, 16, 17, 55, 64, 65, 71, 80, 81, 127, 128, 129, 200};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages[GUARDED_BURST][3];

    for (int i = 0; i < GUARDED_BURST * 3; i++)
        pages[i / 3][i % 3] = guarded_page(page);
    for (uint32_t len = 0; len <= 150; len++)
        for (size_t i = 0; i < sizeof(aad_lens) / sizeof(aad_lens[0]); i++)
            for (int at_end = 0; at_end < 2; at_end++)
                guarded_burst(pages, page, at_end, len, aad_lens[i]);
    for (int i = 0; i < GUARDED_BURST * 3; i++)
        munmap(pages[i / 3][i % 3] - page, 3 * page);
}

Test(aes, closing_nothing_is_allowed)
{
    xord_aes_ipsec_mb.close(NULL);
    xord_aes_openssl.close(NULL);
    xord_aes_native.close(NULL);
}
