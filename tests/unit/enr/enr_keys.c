/* SPDX-License-Identifier: BSD-3-Clause */
/* How known keys are shown, and that no value breaks the showing. */
#include <stdlib.h>

#include "record_util.h"
#include "xord_enr_keys.h"
#include "xord_rng.h"

/* A pair over an exactly sized heap copy of the item; free .value_raw. */
static struct xord_enr_pair pair_from_item(const char *key, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    struct xord_rd rd;
    struct xord_rlp_item item;

    memcpy(copy, data, len);
    rd = xord_rd_init(copy, len);
    item = xord_rlp_next(&rd);
    cr_assert_eq(xord_rd_end(&rd), 0);
    return (struct xord_enr_pair){
            .key = (const uint8_t *)key,
            .key_len = (uint16_t)strlen(key),
            .value = item.data,
            .value_len = (uint16_t)item.len,
            .value_raw = copy,
            .value_raw_len = (uint16_t)len,
            .is_list = item.is_list,
    };
}

static const struct {
    const char *key, *item, *text;
    int err;
} rows[] = {
        {"id", "827634", "v4", 0},
        {"id", "821b5b", "0x1b5b", XORD_ERANGE}, /* an escape sequence reaches no terminal */
        {"id", "80", "", 0},
        {"id", "c0", "[]", XORD_ERANGE},
        {"ip", "847f000001", "127.0.0.1", 0},
        {"ip", "837f0000", "0x7f0000", XORD_ERANGE},
        {"ip", "80", "0x", XORD_ERANGE},
        {"ip6", "9020010db8000000000000000000000001", "2001:db8::1", 0},
        {"ip6", "9000000000000000000000ffff01020304", "::ffff:1.2.3.4", 0},
        {"ip6", "8420010db8", "0x20010db8", XORD_ERANGE},
        {"tcp", "82765f", "30303", 0},
        {"udp", "82765f", "30303", 0},
        {"udp6", "80", "0", 0},
        {"tcp6", "82ffff", "65535", 0},
        {"quic", "822329", "9001", 0},
        {"quic6", "83010000", "0x010000", XORD_ERANGE},
        {"quic", "820050", "0x0050", XORD_ERANGE},
        {"quic", "c22329", "[0x23, 0x29]", XORD_ERANGE},
        {"cgc", "04", "4", 0},
        {"cgc", "8180", "128", 0},
        {"cgc", "88ffffffffffffffff", "18446744073709551615", 0},
        {"cgc", "89010000000000000000", "0x010000000000000000", XORD_ERANGE},
        {"csc", "04", "4", 0},
        {"custody_subnet_count", "04", "4", 0},
        {"topic-discovery", "01", "1", 0},
        {"secp256k1", "a103ca634cae0d49acb401d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd3138",
                "0x03ca634cae0d49acb401d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd3138", 0},
        {"secp256k1", "820203", "0x0203", XORD_ERANGE},
        {"attnets", "88ffffffffffffffff", "0xffffffffffffffff (64 of 64)", 0},
        {"attnets", "880000000006000000", "0x0000000006000000 (2 of 64)", 0},
        {"attnets", "01", "0x01", XORD_ERANGE},
        {"syncnets", "0f", "0x0f (4 of 8)", 0},
        {"syncnets", "00", "0x00 (0 of 8)", 0},
        {"syncnets", "80", "0x", XORD_ERANGE},
        {"eth", "cac984fc64ec0483118c30", "fork 0xfc64ec04 next 1150000", 0},
        {"eth", "c7c684668db0af80", "fork 0x668db0af next none", 0},
        {"eth", "c8c684668db0af8001", "fork 0x668db0af next none", 0}, /* later elements are ignored */
        {"eth", "c684668db0af80", "[0x668db0af, 0x]", XORD_ERANGE},
        {"eth", "c0", "[]", XORD_ERANGE},
        {"eth", "c6c583668db080", "[[0x668db0, 0x]]", XORD_ERANGE},
        {"eth", "c28100", "0xc28100", XORD_ERANGE}, /* not canonical inside */
        {"eth", "84668db0af", "0x668db0af", XORD_ERANGE},
        {"opera", "c7c684668db0af80", "fork 0x668db0af next none", 0},
        {"eth2", "90b5303f2a000000000022010000000000", "fork 0xb5303f2a next 0x00000000 epoch 74240", 0},
        {"eth2", "90b5303f2a01000000ffffffffffffffff", "fork 0xb5303f2a next 0x01000000 epoch none", 0},
        {"eth2", "84b5303f2a", "0xb5303f2a", XORD_ERANGE},
        {"nfd", "8401020304", "0x01020304", 0},
        {"nfd", "820102", "0x0102", XORD_ERANGE},
        {"les", "c0", "[]", 0},
        {"les", "c101", "[0x01]", 0},
        {"les", "80", "0x", XORD_ERANGE},
        {"snap", "c0", "[]", 0},
        {"opstack", "820a00", "chain 10 version 0", 0},
        {"opstack", "83854200", "chain 8453 version 0", 0}, /* base mainnet: 0x2105 = 05|42<<7 */
        {"opstack", "0a", "0x0a", XORD_ERANGE},
        {"opstack", "830a0000", "0x0a0000", XORD_ERANGE},
        {"opstack", "8bffffffffffffffffff0100", "chain 18446744073709551615 version 0", 0},
        {"opstack", "8bffffffffffffffffff0200", "0xffffffffffffffffff0200", XORD_ERANGE},
        {"opstack", "8bffffffffffffffffffff01", "0xffffffffffffffffffff01", XORD_ERANGE},
        {"client", "cb84786f726485302e312e30", "xord 0.1.0", 0},
        {"client", "d084786f726485302e312e308461626364", "xord 0.1.0 abcd", 0},
        {"client", "c584786f7264", "[0x786f7264]", XORD_ERANGE},
        {"client", "c41b1b1b1b", "[0x1b, 0x1b, 0x1b, 0x1b]", XORD_ERANGE},
        {"client", "c2c0c0", "[[], []]", XORD_ERANGE},
        {"client", "84786f7264", "0x786f7264", XORD_ERANGE},
        {"waku2", "05", "0x05 (2 of 8)", 0},
        {"nobody-knows", "83010203", "0x010203", 0},
        {"nobody-knows", "80", "0x", 0},
        {"nobody-knows", "c3c20102", "[[0x01, 0x02]]", 0},
        {"nobody-knows", "c28100", "0xc28100", 0},
        {"nobody-knows", "cccbcac9c8c7c6c5c4c3c20102", "[[[[[[[[[0xc3c20102]]]]]]]]]", 0},
        {"", "01", "0x01", 0},
};

Test(enr_keys, values_as_people_read_them)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t item[256];
        char text[XORD_ENR_VALUE_TEXT_LEN];
        struct xord_enr_pair pair;
        int err;

        pair = pair_from_item(rows[i].key, item, test_hex(item, rows[i].item));
        err = xord_enr_value_format(text, sizeof(text), &pair);
        cr_assert_str_eq(text, rows[i].text, "%s %s: '%s'", rows[i].key, rows[i].item, text);
        cr_assert_eq(err, rows[i].err, "%s %s: %d", rows[i].key, rows[i].item, err);
        free((void *)pair.value_raw);
    }
    TEST_NO_LEAK();
}

Test(enr_keys, text_is_cut_to_the_buffer)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t item[256];
        struct xord_enr_pair pair;

        pair = pair_from_item(rows[i].key, item, test_hex(item, rows[i].item));
        for (size_t cap = 0; cap <= strlen(rows[i].text) + 1; cap++) {
            char *text = malloc(cap); /* exactly sized: a sanitizer sees an overrun */

            cr_assert_eq(xord_enr_value_format(text, cap, &pair), rows[i].err);
            if (cap)
                cr_assert(strlen(text) == cap - 1 && memcmp(text, rows[i].text, cap - 1) == 0, "%s", rows[i].text);
            free(text);
        }
        free((void *)pair.value_raw);
    }
    TEST_NO_LEAK();
}

Test(enr_keys, lookup)
{
    cr_assert_eq(xord_enr_key_lookup((const uint8_t *)"attnets", 7)->kind, XORD_KIND_BITS);
    cr_assert_eq(xord_enr_key_lookup((const uint8_t *)"eth2", 4)->kind, XORD_KIND_ETH2);
    cr_assert_null(xord_enr_key_lookup((const uint8_t *)"eth3", 4));
    cr_assert_null(xord_enr_key_lookup((const uint8_t *)"et", 2));
    cr_assert_null(xord_enr_key_lookup((const uint8_t *)"", 0));
}

/* Random items under every known key and an unknown one: printable, within the buffer. */
Test(enr_keys, any_value_is_shown)
{
    static const char *const keys[] = {"attnets", "cgc", "client", "eth", "eth2", "id", "ip", "ip6", "les", "nfd",
            "opera", "opstack", "quic", "secp256k1", "syncnets", "udp", "?"};
    static const uint8_t seed[XORD_RNG_SEED_LEN] = {3};
    struct xord_rng rng;

    xord_rng_init(&rng, seed);
    for (unsigned round = 0; round < 40000; round++) {
        uint8_t payload[300], item[304];
        size_t len = xord_rng_u32(&rng) % (round % 10 ? 24 : 298);
        struct xord_wr wr = xord_wr_init(item, sizeof(item));
        char text[XORD_ENR_VALUE_TEXT_LEN];
        struct xord_enr_pair pair;

        xord_rng_fill(&rng, payload, len);
        if (round & 1) {
            xord_rlp_put_list_header(&wr, len);
            xord_wr_put(&wr, payload, len);
        } else {
            xord_rlp_put_bytes(&wr, payload, len);
        }
        pair = pair_from_item(keys[xord_rng_u32(&rng) % 17], item, wr.len);
        (void)xord_enr_value_format(text, sizeof(text), &pair);
        for (const char *p = text; *p; p++)
            cr_assert(*p >= 0x20 && *p <= 0x7e);
        cr_assert_lt(strlen(text), sizeof(text) - 1);
        free((void *)pair.value_raw);
    }
    TEST_NO_LEAK();
}

Test(enr_keys, the_longest_value_fits)
{
    uint8_t item[300];
    char text[XORD_ENR_VALUE_TEXT_LEN];
    struct xord_wr wr = xord_wr_init(item, sizeof(item));
    struct xord_enr_pair pair;

    xord_rlp_put_list_header(&wr, 297);
    memset(xord_wr_reserve(&wr, 297), 0x01, 297); /* "0x01, " is the most text for a byte */
    pair = pair_from_item("?", item, wr.len);
    cr_assert_eq(xord_enr_value_format(text, sizeof(text), &pair), 0);
    cr_assert_eq(strlen(text), 297 * 6);
    free((void *)pair.value_raw);
}
