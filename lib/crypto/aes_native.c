/* SPDX-License-Identifier: BSD-3-Clause */
/* xord's own AES: chooses the kernel for this CPU, and puts each burst in order of size, so that packets of like size
 * share a group. Needs no more than AES-NI and PCLMULQDQ. */
#include <assert.h>
#include <cpuid.h>
#include <emmintrin.h>
#include <stdbool.h>
#include <stdlib.h>

#include "aes_native_private.h"
#include "xord_bytes.h"
#include "xord_mem.h"

#define GROUP_MAX 8U /* of all kernels */
#define CLASSES   16U
#define ORDER_CAP (XORD_NATIVE_BURST + GROUP_MAX)

struct xord_aes {
    _Alignas(64) uint8_t scratch[XORD_NATIVE_SCRATCH_SIZE];
    const struct xord_native_kernel *kernel;
    struct xord_gcm_job gcm_filler; /* takes the empty places of a burst's last group */
    struct xord_ctr_once_job once_filler;
    uint8_t filler_bytes[XORD_GCM_TAG_LEN];
    union {
        struct xord_gcm_job *gcm[ORDER_CAP];
        const struct xord_ctr_once_job *once[ORDER_CAP];
    } order;
};

/* A byte a job: its class of size. */
struct classes {
    _Alignas(16) uint8_t of[XORD_NATIVE_BURST];
    uint32_t present; /* bit c: some job is of class c */
};

/* The compilers' own test does not know these two; it does say whether the system saves wide registers. */
static bool cpu_has_wide_aes(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) && (c & bit_VPCLMULQDQ);
}

static bool cpu_has_avx2(void)
{
    return cpu_has_wide_aes() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static bool cpu_has_avx512(void)
{
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool cpu_has_sse(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3") &&
           __builtin_cpu_supports("sse4.1");
}

static const struct xord_native_kernel *kernel_for(enum xord_native_arch arch)
{
    bool best = arch == XORD_NATIVE_BEST;

    __builtin_cpu_init();
    if ((best || arch == XORD_NATIVE_AVX512) && cpu_has_avx512())
        return &xord_native_avx512;
    if ((best || arch == XORD_NATIVE_AVX2) && cpu_has_avx2())
        return &xord_native_avx2;
    if ((best || arch == XORD_NATIVE_SSE) && cpu_has_sse())
        return &xord_native_sse;
    return NULL;
}

static void fillers_init(struct xord_aes *aes)
{
    uint8_t *bytes = aes->filler_bytes;

    aes->gcm_filler = (struct xord_gcm_job){.key16 = bytes, .nonce12 = bytes, .src = bytes, .dst = bytes};
    aes->once_filler = (struct xord_ctr_once_job){.key16 = bytes, .iv16 = bytes};
}

struct xord_aes *xord_aes_native_open_arch(enum xord_native_arch arch)
{
    const struct xord_native_kernel *kernel = kernel_for(arch);
    struct xord_aes *aes;

    if (!kernel)
        return NULL;
    aes = xord_secret_alloc(sizeof(*aes));
    if (!aes)
        return NULL;
    aes->kernel = kernel;
    assert(kernel->group <= GROUP_MAX);
    fillers_init(aes);
    return aes;
}

static struct xord_aes *native_open(void)
{
    return xord_aes_native_open_arch(XORD_NATIVE_BEST);
}

static void native_close(struct xord_aes *aes)
{
    xord_secret_free(aes, sizeof(*aes));
}

/* Up to four blocks exactly, beyond that roughly by their logarithm. Below 8. */
static unsigned size_class(uint32_t len)
{
    static const uint8_t by_blocks[22] = {0, 1, 2, 3, 4, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7};
    uint64_t blocks = ((uint64_t)len + 15) / 16;

    return by_blocks[blocks < 21 ? blocks : 21];
}

static void classes_add(struct classes *classes, size_t i, unsigned class)
{
    classes->of[i] = (uint8_t) class;
    classes->present |= 1U << class;
}

static bool is_one_class(const struct classes *classes)
{
    return (classes->present & (classes->present - 1)) == 0;
}

/* Bit i: job i is of this class. */
static uint64_t class_members(const struct classes *classes, unsigned class, size_t n)
{
    __m128i want = _mm_set1_epi8((char)class);
    uint64_t members = 0;

    for (unsigned i = 0; i < XORD_NATIVE_BURST / 16; i++) {
        __m128i same = _mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(classes->of + (size_t)16 * i)), want);

        members |= (uint64_t)(uint32_t)_mm_movemask_epi8(same) << (16 * i);
    }
    return n < XORD_NATIVE_BURST ? members & ((1ULL << n) - 1) : members;
}

/* Calls `put(place, job)` for each job, the largest class first. */
#define IN_ORDER(classes, n, place, job)                                                                               \
    for (uint32_t left_ = (classes)->present; left_; left_ &= ~(1U << (31 - __builtin_clz(left_))))                    \
        for (uint64_t members_ = class_members(classes, 31 - (unsigned)__builtin_clz(left_), n);                       \
                members_ && ((job) = (size_t)__builtin_ctzll(members_), true); members_ &= members_ - 1, (place)++)

static void gcm_in_order(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    struct classes classes = {.present = 0};
    size_t place = 0, job;

    for (size_t i = 0; i < n; i++)
        classes_add(&classes, i, size_class(jobs[i].len) + (jobs[i].aad_len > 128 ? 8 : 0));
    if (is_one_class(&classes)) {
        for (; place < n; place++)
            aes->order.gcm[place] = &jobs[place];
    } else {
        IN_ORDER(&classes, n, place, job)
        aes->order.gcm[place] = &jobs[job];
    }
    for (size_t i = 0; i < GROUP_MAX; i++)
        aes->order.gcm[n + i] = &aes->gcm_filler;
}

/* The class of all that a kernel does without more ado. */
#define ONCE_PLAIN 0U

static unsigned once_class(const struct xord_ctr_once_job *job)
{
    bool is_plain = job->len <= 64 && xord_load_be64(job->iv16 + 8) < UINT64_MAX - 4;

    return is_plain ? ONCE_PLAIN : 1 + size_class(job->len);
}

/* Returns how many are not plain: those come first. */
static size_t once_in_order(struct xord_aes *aes, const struct xord_ctr_once_job *jobs, size_t n)
{
    struct classes classes = {.present = 0};
    size_t place = 0, job;

    for (size_t i = 0; i < n; i++)
        classes_add(&classes, i, once_class(&jobs[i]));
    if (is_one_class(&classes)) {
        for (; place < n; place++)
            aes->order.once[place] = &jobs[place];
    } else {
        IN_ORDER(&classes, n, place, job)
        aes->order.once[place] = &jobs[job];
    }
    for (size_t i = 0; i < GROUP_MAX; i++)
        aes->order.once[n + i] = &aes->once_filler;
    return n - (size_t)__builtin_popcountll(class_members(&classes, ONCE_PLAIN, n));
}

static size_t step_of(size_t n)
{
    return n < XORD_NATIVE_BURST ? n : XORD_NATIVE_BURST;
}

static void native_ctr_expand(struct xord_aes *aes, struct xord_ctr_key *key, const uint8_t key16[16])
{
    aes->kernel->ctr_expand(key, key16);
}

static void native_ctr(struct xord_aes *aes, const struct xord_ctr_job *jobs, size_t n)
{
    aes->kernel->ctr(aes->scratch, jobs, n);
}

static void native_ctr_once(struct xord_aes *aes, const struct xord_ctr_once_job *jobs, size_t n)
{
    for (size_t step; n > 0; n -= step, jobs += step) {
        step = step_of(n);
        aes->kernel->ctr_once(aes->scratch, aes->order.once, step, once_in_order(aes, jobs, step));
    }
}

static void native_gcm_seal(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    for (size_t step; n > 0; n -= step, jobs += step) {
        step = step_of(n);
        gcm_in_order(aes, jobs, step);
        aes->kernel->gcm_seal(aes->scratch, aes->order.gcm, step);
    }
}

static void native_gcm_open(struct xord_aes *aes, struct xord_gcm_job *jobs, size_t n)
{
    for (size_t step; n > 0; n -= step, jobs += step) {
        step = step_of(n);
        gcm_in_order(aes, jobs, step);
        aes->kernel->gcm_open(aes->scratch, aes->order.gcm, step);
    }
}

const struct xord_aes_ops xord_aes_native = {
        .name = "native",
        .open = native_open,
        .close = native_close,
        .ctr_expand = native_ctr_expand,
        .ctr = native_ctr,
        .ctr_once = native_ctr_once,
        .gcm_seal = native_gcm_seal,
        .gcm_open = native_gcm_open,
};

const char *xord_aes_native_kernel(void)
{
    const struct xord_native_kernel *kernel = kernel_for(XORD_NATIVE_BEST);

    if (!kernel)
        return NULL;
    return kernel == &xord_native_avx512 ? "avx512" : kernel == &xord_native_avx2 ? "avx2" : "sse";
}

const struct xord_aes_ops *xord_aes_best(void)
{
    return kernel_for(XORD_NATIVE_BEST) ? &xord_aes_native : &xord_aes_ipsec_mb;
}
