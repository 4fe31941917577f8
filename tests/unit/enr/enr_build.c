/* SPDX-License-Identifier: BSD-3-Clause */
/* Drafts and signing: what is set comes back, what was there stays byte for byte, and the limits hold. */
#include <stdio.h>

#include "record_util.h"
#include "xord_rng.h"

static const uint8_t seckey32[32] = {[31] = 42};

static int set(struct xord_enr_draft *draft, const char *key, const char *value_hex)
{
    uint8_t value[RECORD_CAP];
    size_t len = test_hex(value, value_hex);

    return xord_enr_draft_set(draft, (const uint8_t *)key, strlen(key), value, len);
}

static int set_rlp(struct xord_enr_draft *draft, const char *key, const char *item_hex)
{
    uint8_t item[RECORD_CAP];
    size_t len = test_hex(item, item_hex);

    return xord_enr_draft_set_rlp(draft, (const uint8_t *)key, strlen(key), item, len);
}

/* Signs, and has the record decoded and verified anew from its bytes. */
static struct xord_enr sign_and_verify(const struct xord_enr_draft *draft)
{
    struct xord_curve *curve = test_curve();
    struct xord_enr enr, again;

    cr_assert_eq(xord_enr_sign(&enr, draft, curve, seckey32), 0);
    cr_assert_eq(record_decode(&again, enr.raw, enr.len), 0);
    cr_assert_eq(xord_enr_verify(&again, curve), 0);
    cr_assert(record_equal(&enr, &again));
    xord_curve_close(curve);
    return enr;
}

static void expect(const struct xord_enr *enr, const char *key, const char *item_hex)
{
    uint8_t item[RECORD_CAP];
    size_t len = item_hex ? test_hex(item, item_hex) : 0;
    struct xord_enr_pair pair;

    cr_assert_eq(xord_enr_find(enr, key, &pair), item_hex != NULL, "%s", key);
    if (item_hex)
        cr_assert(pair.value_raw_len == len && memcmp(pair.value_raw, item, len) == 0, "%s", key);
}

Test(enr_build, set_replace_unset)
{
    struct xord_enr_draft draft;
    struct xord_enr enr;

    xord_enr_draft_init(&draft, 7);
    cr_assert_eq(set(&draft, "zz", "0102"), 0);
    cr_assert_eq(set(&draft, "a", "05"), 0);
    cr_assert_eq(xord_enr_draft_set_uint(&draft, "udp", 30303), 0);
    cr_assert_eq(xord_enr_draft_set_uint(&draft, "cgc", 0), 0);
    cr_assert_eq(set_rlp(&draft, "eth", "c7c684fc64ec0480"), 0);
    enr = sign_and_verify(&draft);
    cr_assert_eq(enr.seq, 7);
    cr_assert_eq(enr.udp, 30303);
    expect(&enr, "a", "05");
    expect(&enr, "zz", "820102");
    expect(&enr, "cgc", "80");
    expect(&enr, "eth", "c7c684fc64ec0480");
    expect(&enr, "id", "827634");

    cr_assert_eq(set(&draft, "zz", "aabbccdd"), 0); /* longer */
    cr_assert_eq(set(&draft, "eth", ""), 0);        /* shorter */
    xord_enr_draft_unset(&draft, "a");
    xord_enr_draft_unset(&draft, "not there");
    xord_enr_draft_unset(&draft, "id");
    draft.seq++;
    enr = sign_and_verify(&draft);
    cr_assert_eq(enr.seq, 8);
    expect(&enr, "a", NULL);
    expect(&enr, "zz", "84aabbccdd");
    expect(&enr, "eth", "80");
    expect(&enr, "udp", "82765f");
    xord_enr_draft_unset(&draft, "zz");
    xord_enr_draft_unset(&draft, "eth");
    xord_enr_draft_unset(&draft, "cgc");
    xord_enr_draft_unset(&draft, "udp");
    cr_assert_eq(draft.pair_cnt, 0);
    cr_assert_eq(draft.buf_len, 0);
    sign_and_verify(&draft);
    TEST_NO_LEAK();
}

Test(enr_build, endpoints)
{
    struct xord_enr_draft draft;
    struct xord_endpoint ep = {.port = 9000}, got;
    struct xord_enr enr;

    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_ip_parse(ep.ip16, "1.2.3.4"), 0);
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    enr = sign_and_verify(&draft);
    cr_assert(xord_enr_endpoint4(&enr, &got) && xord_endpoint_equal(&got, &ep));
    cr_assert(!enr.has_ip6 && !enr.has_udp6);

    cr_assert_eq(xord_ip_parse(ep.ip16, "2001:db8::5"), 0);
    ep.port = 0;
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    enr = sign_and_verify(&draft);
    cr_assert(enr.has_ip6 && !enr.has_udp6);
    cr_assert(xord_enr_endpoint6(&enr, &got) && got.port == 9000);
    ep.port = 9001;
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    enr = sign_and_verify(&draft);
    cr_assert(xord_enr_endpoint6(&enr, &got) && xord_endpoint_equal(&got, &ep));
}

Test(enr_build, the_signers_keys_are_not_for_setting)
{
    struct xord_enr_draft draft;

    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(set(&draft, "id", "7634"), XORD_ERANGE);
    cr_assert_eq(set(&draft, "secp256k1", "03"), XORD_ERANGE);
    cr_assert_eq(xord_enr_draft_set_uint(&draft, "id", 1), XORD_ERANGE);
    cr_assert_eq(set_rlp(&draft, "secp256k1", "03"), XORD_ERANGE);
    cr_assert_eq(draft.pair_cnt, 0);
}

Test(enr_build, rlp_items_are_checked_all_the_way_down)
{
    static const struct {
        const char *item;
        int err;
    } rows[] = {
            {"c0", 0},
            {"c3c2c101", 0},
            {"", XORD_ESHORT},
            {"8101", XORD_ECANON},
            {"c28101", XORD_ECANON},
            {"c3c28101", XORD_ECANON},
            {"c28301", XORD_ESHORT},
            {"c1", XORD_ESHORT},
            {"c0c0", XORD_ETRAIL},
            {"0101", XORD_ETRAIL},
            {"d0cfcecdcccbcac9c8c7c6c5c4c3c2c1c0", XORD_ESIZE},
            {"cfcecdcccbcac9c8c7c6c5c4c3c2c1c0", 0},
    };
    struct xord_enr_draft draft;

    xord_enr_draft_init(&draft, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(set_rlp(&draft, "x", rows[i].item), rows[i].err, "%s", rows[i].item);
}

Test(enr_build, unknown_keys_stay_byte_for_byte)
{
    struct xord_curve *curve = test_curve();
    struct xord_enr_draft draft;
    struct xord_enr before, after;
    struct xord_enr_pair a, b;
    size_t pos_a = 0, pos_b = 0;

    /* lists with a non-canonical inside, the empty key, bytes that are no text */
    cr_assert_eq(record_decode_body(&before, "05"
                                             "80"
                                             "c28100"
                                             "01"
                                             "8180"
                                             "83657468"
                                             "c7c684fc64ec0480" PAIR_ID PAIR_PUBKEY "84736e6170"
                                             "c0" PAIR_UDP "85ffeeddccbb"
                                             "b838" /* 56 bytes */
                                             "00000000000000000000000000000000000000000000000000000000"
                                             "00000000000000000000000000000000000000000000000000000000"),
            0);
    xord_enr_draft_from(&draft, &before);
    cr_assert_eq(draft.seq, 5);
    draft.seq++;
    cr_assert_eq(xord_enr_sign(&after, &draft, curve, seckey32), 0);
    cr_assert_eq(after.seq, 6);
    cr_assert_eq(after.len, before.len);
    while (xord_enr_next_pair(&before, &pos_a, &a)) {
        cr_assert(xord_enr_next_pair(&after, &pos_b, &b));
        cr_assert(a.key_len == b.key_len && memcmp(a.key, b.key, a.key_len) == 0);
        if (a.key_len != strlen("secp256k1"))
            cr_assert(a.value_raw_len == b.value_raw_len && memcmp(a.value_raw, b.value_raw, a.value_raw_len) == 0);
    }
    cr_assert_not(xord_enr_next_pair(&after, &pos_b, &b));
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

Test(enr_build, three_hundred_bytes_and_no_more)
{
    static const uint8_t filler[RECORD_CAP] = {0xee};
    struct xord_curve *curve = test_curve();
    struct xord_enr_draft draft;
    struct xord_enr enr;
    size_t fits = 0;

    xord_enr_draft_init(&draft, 1);
    for (size_t len = 100; len < 400; len++) {
        int err;

        cr_assert_eq(xord_enr_draft_set(&draft, (const uint8_t *)"x", 1, filler, len), 0);
        err = xord_enr_sign(&enr, &draft, curve, seckey32);
        cr_assert(err == 0 || err == XORD_ESIZE, "%zu: %d", len, err);
        cr_assert(err == (enr.len ? 0 : XORD_ESIZE));
        if (!err)
            fits = enr.len;
    }
    cr_assert_eq(fits, 300);
    xord_curve_close(curve);
}

static bool draft_equal(const struct xord_enr_draft *a, const struct xord_enr_draft *b)
{
    return a->seq == b->seq && a->pair_cnt == b->pair_cnt && a->buf_len == b->buf_len &&
           memcmp(a->pairs, b->pairs, sizeof(a->pairs)) == 0 && memcmp(a->buf, b->buf, sizeof(a->buf)) == 0;
}

Test(enr_build, a_full_draft_says_so_and_stays_as_it_was)
{
    static const uint8_t filler[RECORD_CAP];
    struct xord_curve *curve = test_curve();
    struct xord_enr_draft draft, before;
    struct xord_enr enr;
    uint8_t key;

    xord_enr_draft_init(&draft, 1);
    for (key = 0; key < XORD_ENR_MAX_PAIRS; key++)
        cr_assert_eq(xord_enr_draft_set(&draft, &key, 1, &key, 1), 0);
    before = draft;
    cr_assert_eq(xord_enr_draft_set(&draft, &key, 1, &key, 1), XORD_ENOSPC, "too many pairs");
    cr_assert(draft_equal(&draft, &before));
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), XORD_ESIZE);

    cr_assert_eq(xord_enr_draft_set(&draft, &key, 1, filler, sizeof(filler)), XORD_ENOSPC);
    cr_assert_eq(xord_enr_draft_set(&draft, filler, sizeof(filler), &key, 1), XORD_ENOSPC);
    cr_assert_eq(xord_enr_draft_set(&draft, filler, 1, filler, 900), XORD_ENOSPC, "replaced by too much");
    cr_assert(draft_equal(&draft, &before));
    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_enr_draft_set(&draft, filler, 1, filler, sizeof(draft.buf) - 1 - 3), 0, "to the last byte");
    cr_assert_eq(xord_enr_draft_set(&draft, filler, 1, filler, sizeof(draft.buf) - 1 - 2), XORD_ENOSPC);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), XORD_ESIZE);
    xord_curve_close(curve);
}

Test(enr_build, the_record_with_the_most_pairs_passes_through_a_draft)
{
    char body[RECORD_CAP] = "01";
    struct xord_curve *curve = test_curve();
    struct xord_enr_draft draft;
    struct xord_enr enr, again;
    unsigned key;

    for (key = 0; key < 90; key++)
        snprintf(body + 2 + 4 * key, 5, "%02x01", key);
    snprintf(body + 2 + 4 * 90, sizeof(body) - 362, "%s", PAIR_ID PAIR_PUBKEY);
    cr_assert_eq(record_decode_body(&enr, body), 0);
    cr_assert_eq(enr.len, 300);
    xord_enr_draft_from(&draft, &enr);
    cr_assert_eq(draft.pair_cnt, 90);
    cr_assert_eq(xord_enr_sign(&again, &draft, curve, seckey32), 0);
    cr_assert_eq(again.len, 300);
    xord_curve_close(curve);
}

Test(enr_build, malformed_endpoint_values_and_bad_keys_are_not_signed)
{
    static const uint8_t zero32[32];
    struct xord_curve *curve = test_curve();
    struct xord_enr_draft draft;
    struct xord_enr enr;
    uint8_t high32[32];

    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, zero32), XORD_EKEY);
    memset(high32, 0xff, 32);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, high32), XORD_EKEY);
    cr_assert_eq(set(&draft, "ip", "010203"), 0);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), XORD_ERANGE);
    cr_assert_eq(enr.len, 0);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

/* A model: an array of values by one-byte key. */
Test(enr_build, random_edits_agree_with_a_model)
{
    static const uint8_t seed[XORD_RNG_SEED_LEN] = {9};
    uint8_t value_len[16] = {0}, value[16][40] = {{0}};
    bool present[16] = {false};
    struct xord_enr_draft draft;
    struct xord_rng rng;

    xord_rng_init(&rng, seed);
    xord_enr_draft_init(&draft, 1);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned k = xord_rng_u32(&rng) % 16, cnt = 0;
        char name[2] = {(char)('a' + k), 0};

        if (xord_rng_u32(&rng) % 3 == 0) {
            xord_enr_draft_unset(&draft, name);
            present[k] = false;
        } else {
            value_len[k] = (uint8_t)(2 + xord_rng_u32(&rng) % 38);
            xord_rng_fill(&rng, value[k], value_len[k]);
            cr_assert_eq(xord_enr_draft_set(&draft, (const uint8_t *)name, 1, value[k], value_len[k]), 0);
            present[k] = true;
        }
        for (unsigned i = 0; i < 16; i++) {
            if (!present[i])
                continue;
            cr_assert_eq(draft.buf[draft.pairs[cnt].key_off], 'a' + i);
            cr_assert_eq(draft.pairs[cnt].value_len, value_len[i] + 1);
            cr_assert_bytes(draft.buf + draft.pairs[cnt].value_off + 1, value[i], value_len[i]);
            cnt++;
        }
        cr_assert_eq(draft.pair_cnt, cnt);
    }
}
