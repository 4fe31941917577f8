/* SPDX-License-Identifier: BSD-3-Clause */
/* The specification's example record, both directions (enr.md, "Test Vectors"), and that nothing near it is valid. */
#include <stdlib.h>

#include "record_util.h"

static void decode_vector(struct xord_enr *enr)
{
    cr_assert_eq(xord_enr_from_text(enr, VEC_ENR_TEXT, strlen(VEC_ENR_TEXT)), 0);
}

Test(enr_vectors, the_example_decodes_and_verifies)
{
    struct xord_curve *curve = test_curve();
    uint8_t id32[32], ip4[4];
    struct xord_enr enr;

    test_hex(id32, VEC_ENR_NODE_ID);
    test_hex(ip4, VEC_ENR_IP);
    decode_vector(&enr);
    cr_assert_eq(xord_enr_verify(&enr, curve), 0);
    cr_assert_bytes(enr.id32, id32, 32);
    cr_assert_eq(enr.seq, VEC_ENR_SEQ);
    cr_assert(enr.has_ip && enr.has_udp && !enr.has_tcp && !enr.has_ip6 && !enr.has_udp6 && !enr.has_tcp6);
    cr_assert_bytes(enr.ip4, ip4, 4);
    cr_assert_eq(enr.udp, VEC_ENR_UDP);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

Test(enr_vectors, signing_gives_the_example_text)
{
    struct xord_curve *curve = test_curve();
    uint8_t seckey32[32], ip4[4];
    char text[XORD_ENR_MAX_TEXT_LEN + 1];
    struct xord_enr_draft draft;
    struct xord_endpoint ep;
    struct xord_enr enr, decoded;

    test_hex(seckey32, VEC_ENR_SECRET_KEY);
    test_hex(ip4, VEC_ENR_IP);
    ep = xord_endpoint_v4(ip4, VEC_ENR_UDP);
    xord_enr_draft_init(&draft, VEC_ENR_SEQ);
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), 0);
    cr_assert_str_eq(xord_enr_to_text(text, &enr), VEC_ENR_TEXT);

    decode_vector(&decoded);
    cr_assert_eq(xord_enr_verify(&decoded, curve), 0);
    cr_assert(record_equal(&enr, &decoded)); /* id32 set by both */
    xord_enr_draft_from(&draft, &decoded);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), 0);
    cr_assert_str_eq(xord_enr_to_text(text, &enr), VEC_ENR_TEXT, "signing is deterministic");
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

Test(enr_vectors, every_bit_flip_is_invalid)
{
    static const uint8_t no_id[32];
    struct xord_curve *curve = test_curve();
    struct xord_enr enr, bad;

    decode_vector(&enr);
    for (size_t bit = 0; bit < enr.len * 8U; bit++) {
        uint8_t raw[XORD_ENR_MAX_LEN];
        int err;

        memcpy(raw, enr.raw, enr.len);
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
        err = record_decode(&bad, raw, enr.len);
        if (!err)
            err = xord_enr_verify(&bad, curve);
        cr_assert_neq(err, 0, "bit %zu", bit);
        cr_assert_bytes(bad.id32, no_id, 32);
    }
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

Test(enr_vectors, every_changed_character_of_the_text_is_invalid)
{
    static const char characters[] = "ABab01-_=+/ \n:z";
    struct xord_curve *curve = test_curve();
    size_t len = strlen(VEC_ENR_TEXT);
    struct xord_enr enr;

    for (size_t i = 0; i < len; i++) {
        for (size_t c = 0; c < sizeof(characters); c++) { /* the NUL at the end, too */
            char text[] = VEC_ENR_TEXT;
            int err;

            if (text[i] == characters[c])
                continue;
            text[i] = characters[c];
            err = xord_enr_from_text(&enr, text, len);
            cr_assert(err || xord_enr_verify(&enr, curve), "character %zu changed to '%c'", i, characters[c]);
        }
    }
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

Test(enr_vectors, a_failed_verification_takes_the_id_back)
{
    static const uint8_t no_id[32];
    struct xord_curve *curve = test_curve();
    struct xord_enr enr;

    decode_vector(&enr);
    cr_assert_eq(xord_enr_verify(&enr, curve), 0);
    enr.raw[enr.len - 1] ^= 1;
    cr_assert_eq(xord_enr_verify(&enr, curve), XORD_ESIG);
    cr_assert_bytes(enr.id32, no_id, 32);
    enr = (struct xord_enr){0};
    cr_assert_neq(xord_enr_verify(&enr, curve), 0, "an undecoded record");
    xord_curve_close(curve);
}
