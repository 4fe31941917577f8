/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash of 56 bytes: known answers, one by one as in bulk, every bit of input and key counts, buckets fill evenly. */
#include "xord_hash56.h"

#include "test_util.h"

static const struct xord_hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

/* Input: bytes 0, 7, 14, ... mod 256 over two inputs, then one of ff. Computed with Python's integers for SipHash and NH
 * and `openssl enc -aes-128-ecb` for AES. */
static const char *const known[] = {"32f9a630c8fc38f9", "804cd9cd496f34f0", "7e77b3efd35cff25"};

static void fill(uint8_t data[3 * XORD_HASH56_LEN])
{
    for (size_t i = 0; i < 2 * XORD_HASH56_LEN; i++)
        data[i] = (uint8_t)(7 * i);
    memset(data + 2 * (size_t)XORD_HASH56_LEN, 0xff, XORD_HASH56_LEN);
}

static struct xord_hash56 start(void)
{
    struct xord_hash56 hash;

    xord_hash56_init(&hash, &key);
    if (!hash.has_aes)
        cr_skip_test("this CPU has no AES instructions");
    return hash;
}

Test(hash56, equals_nh_and_aes_computed_elsewhere)
{
    uint8_t data[3 * XORD_HASH56_LEN], want[8];
    struct xord_hash56 hash = start();
    uint64_t got[4] = {[3] = 99};

    fill(data);
    xord_hash56_bulk(&hash, got, data, 3);
    for (size_t i = 0; i < 3; i++) {
        uint64_t one = xord_hash56(&hash, data + i * XORD_HASH56_LEN);

        test_hex(want, known[i]);
        cr_assert_bytes(&got[i], want, 8);
        cr_assert_bytes(&one, want, 8);
    }
    cr_assert_eq(got[3], 99);
}

Test(hash56, is_siphash_without_aes_instructions)
{
    uint8_t data[3 * XORD_HASH56_LEN];
    struct xord_hash56 hash;
    uint64_t got[3];

    xord_hash56_init(&hash, &key);
    hash.has_aes = false;
    fill(data);
    xord_hash56_bulk(&hash, got, data, 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(got[i], xord_hash64(&key, data + i * XORD_HASH56_LEN, XORD_HASH56_LEN));
}

Test(hash56, every_bit_of_the_input_counts)
{
    uint8_t data[3 * XORD_HASH56_LEN];
    struct xord_hash56 hash = start();
    uint64_t before;

    fill(data);
    before = xord_hash56(&hash, data);
    for (size_t bit = 0; bit < 8 * (size_t)XORD_HASH56_LEN; bit++) {
        uint64_t after;
        int flipped;

        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        after = xord_hash56(&hash, data);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        flipped = __builtin_popcountll(before ^ after);
        cr_assert(flipped >= 10 && flipped <= 54, "bit %zu of the input flips %d bits of the hash", bit, flipped);
    }
}

Test(hash56, every_bit_of_the_key_counts)
{
    uint8_t data[3 * XORD_HASH56_LEN];
    struct xord_hash56 hash = start(), other;

    fill(data);
    for (int bit = 0; bit < 128; bit++) {
        struct xord_hash_key changed = key;
        int flipped;

        changed.k[bit / 64] ^= 1ULL << bit % 64;
        xord_hash56_init(&other, &changed);
        flipped = __builtin_popcountll(xord_hash56(&hash, data) ^ xord_hash56(&other, data));
        cr_assert(flipped >= 10 && flipped <= 54, "bit %d of the key flips %d bits of the hash", bit, flipped);
    }
}

/* Inputs as a stranger would choose them: one field counts up, all others stand still. 1,024 buckets, 64 inputs for each:
 * 1,023 degrees of freedom, 1,250 is beyond one in a million. */
Test(hash56, inputs_that_count_up_fill_buckets_evenly)
{
    static const size_t fields[] = {0, 3, 8, 24, 28, 32, 44, 48, 52};
    struct xord_hash56 hash = start();

    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
        uint8_t data[XORD_HASH56_LEN] = {0};
        uint32_t low[1024] = {0}, high[1024] = {0};
        double chi_low = 0, chi_high = 0;

        for (uint32_t i = 0; i < 65536; i++) {
            uint64_t h;

            memcpy(data + fields[f], &i, sizeof(i));
            h = xord_hash56(&hash, data);
            low[h % 1024]++;
            high[h >> 54]++;
        }
        for (int b = 0; b < 1024; b++) {
            chi_low += (low[b] - 64.0) * (low[b] - 64.0) / 64.0;
            chi_high += (high[b] - 64.0) * (high[b] - 64.0) / 64.0;
        }
        cr_assert(chi_low > 800 && chi_low < 1250, "field at %zu: chi squared %f", fields[f], chi_low);
        cr_assert(chi_high > 800 && chi_high < 1250, "field at %zu: chi squared %f", fields[f], chi_high);
    }
}
