/* SPDX-License-Identifier: BSD-3-Clause */
/* ChaCha20 by every instruction set that this CPU has. RFC 8439, appendix A.1. */
#include "chacha20_private.h"

#include "test_util.h"
#include "xord_rng.h"

static const struct {
    const char *key, *block;
    size_t counter;
} rows[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000",
                "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
                0},
        {"0000000000000000000000000000000000000000000000000000000000000000",
                "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
                1},
        {"0000000000000000000000000000000000000000000000000000000000000001",
                "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
                "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
                1},
        {"00ff000000000000000000000000000000000000000000000000000000000000",
                "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
                "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096",
                2},
};

Test(chacha20, equals_the_vectors_of_the_rfc)
{
    for (enum chacha20_isa isa = 0; isa <= chacha20_isa_best(); isa++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            uint8_t out[CHACHA20_BLOCKS * CHACHA20_BLOCK_LEN], want[CHACHA20_BLOCK_LEN];
            uint32_t key[8];

            test_hex((uint8_t *)key, rows[i].key);
            test_hex(want, rows[i].block);
            chacha20_blocks8(out, key, isa);
            cr_assert(memcmp(out + rows[i].counter * CHACHA20_BLOCK_LEN, want, sizeof(want)) == 0,
                    "vector %zu by instruction set %d", i + 1, isa);
        }
    }
}

Test(chacha20, all_blocks_are_alike_by_every_instruction_set)
{
    uint8_t seed32[32] = {9};
    struct xord_rng rng;

    xord_rng_init(&rng, seed32);
    for (int i = 0; i < 1000; i++) {
        uint8_t want[CHACHA20_BLOCKS * CHACHA20_BLOCK_LEN], got[CHACHA20_BLOCKS * CHACHA20_BLOCK_LEN];
        uint32_t key[8];

        xord_rng_fill(&rng, key, sizeof(key));
        chacha20_blocks8(want, key, CHACHA20_SSE2);
        for (enum chacha20_isa isa = CHACHA20_SSE2 + 1; isa <= chacha20_isa_best(); isa++) {
            chacha20_blocks8(got, key, isa);
            cr_assert(memcmp(got, want, sizeof(want)) == 0, "instruction set %d", isa);
        }
    }
}
