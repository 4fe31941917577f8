/* SPDX-License-Identifier: BSD-3-Clause */
/* Known answers of legacy Keccak-256. Those over the byte pattern were computed with nettle's sha3_permute. */
#include "xord_keccak.h"

#include <stdlib.h>

#include "test_util.h"

static const struct {
    size_t len;
    const char *hash;
} pattern_rows[] = {
        {0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {1, "5fe7f977e71dba2ea1a68e21057beebb9be2ac30c6410aa38d4f3fbe41dcffd2"},
        {31, "18e9f1b89f65e6f04b320c2aa2b41379d0ae28e1a5965dd7dffd74893c99b953"},
        {32, "99d1533d5b1f52d46ed078f873d9e797591d47911c8622346cba44a38b23c06b"},
        {33, "e4855b5d57a952dd3f795ec90ca3946aeb6b9c39fcb9b5f1ebd413978c3a1dcc"},
        {64, "396a3c357ef3d1cc5bcdc9deaf83ecc98183a047c0c8cf0019f43c0c55c7ce26"},
        {100, "1a26710a7f157dcd92fd98d27ee1d2c812e409f36479df6ff2cec223d64b5a24"},
        {134, "cbc9c4fd76145c369be30affd71e670e411203a88b0901f44c4a6a62a1fab5db"},
        {135, "34bd7bed52ea092f88bc887256e7f06500ee814afa9a5566e22030af2ef1c5c0"},
        {136, "2b31811a93dfc4bdc41b6aa7790e784b987c25a2c8a0e101cfa694552dc8ae39"},
        {137, "a6103b089a404974c2b460048bfddd45108748fbdd9bad451f54d1fe95f8f284"},
        {138, "bc95a1a7fa93690e53b9a5cd4b6a831c84e0d3c644271399ef93e1f121a49a91"},
        {271, "3915ac0d86093104c62ea954228b28802e32a97eaaf854cccaaf526dd14f919e"},
        {272, "415fd325cae3a2f957fea2770d710027317ced7e7266a59905102c14fdb9959a"},
        {273, "5091b58a169d72e691cd40c2796dfe52ec91c538f682485c5424971ed02cd906"},
        {300, "c679632f366575cf2a1dad1f4a5de16e09def44390e346ad45cca63f4509c93f"},
        {1280, "b54b7f2ed181d33147cd0be198594a41168d27463d3677d7c9ea6e6baef5b41c"},
};

Test(keccak, hashes_the_pattern_at_every_boundary_of_the_rate)
{
    for (size_t row = 0; row < sizeof(pattern_rows) / sizeof(pattern_rows[0]); row++) {
        size_t len = pattern_rows[row].len;
        uint8_t *data = malloc(len ? len : 1); /* exactly sized: a sanitizer sees a read past the end */
        uint8_t got[32], want[32];

        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(7 * i + 1);
        test_hex(want, pattern_rows[row].hash);
        xord_keccak256(got, data, len);
        cr_assert(memcmp(got, want, 32) == 0, "length %zu", len);
        free(data);
    }
    TEST_NO_LEAK();
}

Test(keccak, hashes_nothing_without_touching_the_pointer)
{
    uint8_t got[32], want[32];

    test_hex(want, pattern_rows[0].hash);
    xord_keccak256(got, NULL, 0);
    cr_assert_bytes(got, want, 32);
}

Test(keccak, hashes_abc)
{
    uint8_t got[32], want[32];

    test_hex(want, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    xord_keccak256(got, (const uint8_t *)"abc", 3);
    cr_assert_bytes(got, want, 32);
}

Test(keccak, output_may_overlap_the_input)
{
    uint8_t buf[32] = {'a', 'b', 'c'}, want[32];

    xord_keccak256(want, (const uint8_t *)"abc", 3);
    xord_keccak256(buf, buf, 3);
    cr_assert_bytes(buf, want, 32);
}
