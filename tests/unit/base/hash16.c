/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash of 16 bytes: AES rounds as FIPS 197 has them, and that places are spread. */
#include "xord_hash16.h"

#include "test_util.h"

/* FIPS 197, appendix B: the first round's key and state; the state after four rounds is the start of round 5. */
Test(hash16, rounds_are_those_of_aes)
{
    static const char *const keys[XORD_HASH16_ROUNDS + 1] = {"2b7e151628aed2a6abf7158809cf4f3c",
            "a0fafe1788542cb123a339392a6c7605", "f2c295f27a96b9435935807a7359f67f", "3d80477d4716fe3e1e237e446d7a883b",
            "ef44a541a8525b7fb671253bdb0bad00"};
    struct xord_hash16 hash = {.has_aes = __builtin_cpu_supports("aes")};
    uint8_t block16[16], want16[16];
    uint64_t block[1][2];
    uint64_t out, want;

    if (!hash.has_aes)
        cr_skip("no AES instructions");
    for (int i = 0; i <= XORD_HASH16_ROUNDS; i++)
        test_hex(hash.round_keys[i], keys[i]);
    test_hex(block16, "3243f6a8885a308d313198a2e0370734");
    test_hex(want16, "e0927fe8c86363c0d9b1355085b8be01"); /* start of round 5 */
    memcpy(block, block16, sizeof(block));
    memcpy(&want, want16, sizeof(want));
    xord_hash16_bulk(&hash, &out, (const uint64_t(*)[2])block, 1);
    cr_assert(out == want);
}

static void check_spread(bool has_aes)
{
    static const struct xord_hash_key key = {{1, 2}};
    struct xord_hash16 hash;
    uint32_t filled[256] = {0};

    xord_hash16_init(&hash, &key);
    hash.has_aes = has_aes;
    for (uint32_t i = 0; i < 25600; i++) {
        uint64_t block[1][2] = {{i, 0}}, out;

        xord_hash16_bulk(&hash, &out, (const uint64_t(*)[2])block, 1);
        filled[out % 256]++;
        filled[out >> 32 & 255]++;
    }
    for (int i = 0; i < 256; i++)
        cr_assert(filled[i] > 120 && filled[i] < 300, "%d: %u", i, filled[i]);
}

Test(hash16, spreads_what_hardly_differs)
{
    check_spread(false);
    if (__builtin_cpu_supports("aes"))
        check_spread(true);
}
