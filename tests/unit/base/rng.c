/* SPDX-License-Identifier: BSD-3-Clause */
/* The random stream: known blocks of ChaCha20, repeatability, distribution, erasure. */
#include "xord_rng.h"

#include <stdbool.h>

#include "test_util.h"

#define REFILL_OUT 480 /* bytes handed out between two refills */

static const uint8_t zero_seed[XORD_RNG_SEED_LEN];

/* RFC 8439, appendix A.1, vectors 1 and 2: the second half of block 0 and block 1 under the zero key and nonce. */
Test(rng, the_stream_is_chacha20_after_the_bytes_that_become_the_next_key)
{
    struct xord_rng rng;
    uint8_t got[96], want[96];

    test_hex(want, "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
                   "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                   "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    xord_rng_init(&rng, zero_seed);
    xord_rng_fill(&rng, got, sizeof(got));
    cr_assert_bytes(got, want, sizeof(got));
}

/* Computed with `openssl enc -chacha20` for the chain of keys. */
Test(rng, each_refill_goes_on_with_the_erased_key)
{
    struct xord_rng rng;
    uint8_t got[3 * REFILL_OUT], want[32];

    xord_rng_init(&rng, zero_seed);
    xord_rng_fill(&rng, got, sizeof(got));
    test_hex(want, "87d0c70e0bfe4198ea6758dd5a61fb5fec2df981f31befe153f81d17161784db");
    cr_assert_bytes(got + REFILL_OUT - 32, want, 32);
    test_hex(want, "afbdad2845b93cdbb2fe6463d2fe162adae0f6e676f0494218f5ce0596e79f5c");
    cr_assert_bytes(got + REFILL_OUT, want, 32);
    test_hex(want, "835c9677f558611a69389b6ee93b043029b657d23144c775f0d0454bce601267");
    cr_assert_bytes(got + 2 * (size_t)REFILL_OUT, want, 32);
}

Test(rng, the_stream_does_not_depend_on_how_it_is_cut)
{
    static uint8_t whole[5000], parts[5000];
    uint8_t seed[XORD_RNG_SEED_LEN] = {1};
    struct xord_rng a, b, cut;

    xord_rng_init(&a, seed);
    xord_rng_init(&b, seed);
    xord_rng_init(&cut, zero_seed);
    xord_rng_fill(&a, whole, sizeof(whole));
    for (size_t at = 0, n; at < sizeof(parts); at += n) {
        n = xord_rng_below(&cut, 700);
        if (n > sizeof(parts) - at)
            n = sizeof(parts) - at;
        xord_rng_fill(&b, parts + at, n);
    }
    cr_assert_bytes(parts, whole, sizeof(whole));
}

Test(rng, integers_come_from_the_same_stream)
{
    struct xord_rng a, b;
    uint8_t bytes[12];
    uint32_t v32;
    uint64_t v64;

    xord_rng_init(&a, zero_seed);
    xord_rng_init(&b, zero_seed);
    xord_rng_fill(&a, bytes, sizeof(bytes));
    v32 = xord_rng_u32(&b);
    v64 = xord_rng_u64(&b);
    cr_assert(memcmp(&v32, bytes, 4) == 0 && memcmp(&v64, bytes + 4, 8) == 0);
}

/* Chi-squared over 256 byte values: 255 degrees of freedom, 400 is beyond ten in a thousand million. */
Test(rng, bytes_are_evenly_distributed)
{
    static uint8_t buf[1 << 20];
    uint32_t count[256] = {0};
    double expected = sizeof(buf) / 256.0, chi = 0;
    struct xord_rng rng;

    xord_rng_init(&rng, zero_seed);
    xord_rng_fill(&rng, buf, sizeof(buf));
    for (size_t i = 0; i < sizeof(buf); i++)
        count[buf[i]]++;
    for (int v = 0; v < 256; v++)
        chi += (count[v] - expected) * (count[v] - expected) / expected;
    cr_assert(chi > 150 && chi < 400, "chi squared %f", chi);
}

Test(rng, below_is_uniform_and_below_its_bound)
{
    static const uint64_t bounds[] = {1, 2, 3, 7, 10, 255, 256, 1000, (1ULL << 63) + 1, UINT64_MAX};
    struct xord_rng rng;
    uint32_t count[7] = {0};

    xord_rng_init(&rng, zero_seed);
    for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++)
        for (int i = 0; i < 1000; i++)
            cr_assert(xord_rng_below(&rng, bounds[b]) < bounds[b]);
    for (int i = 0; i < 70000; i++)
        count[xord_rng_below(&rng, 7)]++;
    for (int v = 0; v < 7; v++)
        cr_assert(count[v] > 9600 && count[v] < 10400, "%d came %u times in 70000", v, count[v]);
}

static bool contains(const void *hay, size_t hay_len, const uint8_t *needle, size_t len)
{
    for (size_t at = 0; at + len <= hay_len; at++)
        if (memcmp((const uint8_t *)hay + at, needle, len) == 0)
            return true;
    return false;
}

/* Whoever reads the state later learns nothing of what was handed out before. */
Test(rng, nothing_handed_out_nor_the_seed_stays_in_the_state)
{
    uint8_t seed[XORD_RNG_SEED_LEN], out[REFILL_OUT];
    struct xord_rng rng;

    memset(seed, 0x5a, sizeof(seed));
    xord_rng_init(&rng, seed);
    cr_assert(!contains(&rng, sizeof(rng), seed, 8), "the seed stays");
    for (size_t taken = 0; taken < 3 * (size_t)REFILL_OUT; taken += 48) {
        xord_rng_fill(&rng, out, 48);
        for (size_t at = 0; at + 8 <= 48; at += 8)
            cr_assert(!contains(&rng, sizeof(rng), out + at, 8), "output stays");
    }
}

Test(rng, the_kernel_gives_different_bytes_each_time)
{
    uint8_t a[300] = {0}, b[300] = {0};

    xord_random_kernel(a, sizeof(a));
    xord_random_kernel(b, sizeof(b));
    cr_assert(memcmp(a, b, sizeof(a)) != 0 && memcmp(a + 284, b + 284, 16) != 0);
}
