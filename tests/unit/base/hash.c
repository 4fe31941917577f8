/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-1-3 against OpenSSL's SIPHASH (c-rounds 1, d-rounds 3) over the bytes 0, 1, 2, ... 255, 0, ... */
#include "xord_hash.h"

#include <stdlib.h>

#include "test_util.h"

static const struct xord_hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static const struct {
    size_t len;
    const char *hash64, *hash128;
} rows[] = {
        {0, "dcc40f055801acab", "e77ebcb22788a5befd62db6add303001"},
        {1, "93ca577df39bf4c9", "fc6f370460d3eda85e0573cc2b2ff063"},
        {7, "4011b19b987d92d3", "1084b923f2aae0c3a62f2ec80848ab77"},
        {8, "8e9a298d11959036", "aa12fee1d5e3dab4724f16ab35f9c799"},
        {9, "e43d066cb38ea425", "81ddb8042cf33994f4720e0094137c42"},
        {15, "5699512a6dd820d3", "c17e5505b2bd526c2921cdec1e7e0109"},
        {16, "668b907d1add4fcc", "d0a8d95715518eebb513b0f83d9e1793"},
        {23, "23c1e6da7f0e5a52", "1d127b84405ceab99fd8775a9be6c559"},
        {36, "0662a2add308f52c", "37a110f002718edad24b3f9ee453f140"},
        {63, "a8b3bbb76290199d", "4c5800e34efe426f079f6b0aa75260ad"},
        {255, "154a3c15e31462f7", "f528a4c10a2158a5f1a465d0aebb3ee9"},
        {300, "24225ada3ba21640", "3165ead62761c51719819dcf73cd572b"},
};

Test(hash, equals_openssls_siphash_1_3)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *data = malloc(rows[i].len ? rows[i].len : 1);
        uint8_t want[16], got[16];
        uint64_t hash;

        for (size_t b = 0; b < rows[i].len; b++)
            data[b] = (uint8_t)b;
        hash = xord_hash64(&key, data, rows[i].len);
        test_hex(want, rows[i].hash64);
        cr_assert(memcmp(&hash, want, 8) == 0, "64 bits of length %zu", rows[i].len);
        xord_hash128(got, &key, data, rows[i].len);
        test_hex(want, rows[i].hash128);
        cr_assert(memcmp(got, want, 16) == 0, "128 bits of length %zu", rows[i].len);
        free(data);
    }
    TEST_NO_LEAK();
}

Test(hash, hashes_nothing_without_touching_the_pointer)
{
    cr_assert(xord_hash64(&key, NULL, 0) == xord_hash64(&key, "", 0));
}

Test(hash, either_half_of_the_key_changes_the_hash)
{
    struct xord_hash_key a = key, b = key;

    a.k[0] ^= 1;
    b.k[1] ^= 1ULL << 63;
    cr_assert(xord_hash64(&key, "x", 1) != xord_hash64(&a, "x", 1));
    cr_assert(xord_hash64(&key, "x", 1) != xord_hash64(&b, "x", 1));
}
