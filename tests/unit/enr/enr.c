/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding of records: what is refused and why, typed fields, pairs, text, endpoints. Signatures here are filler; those
 * that verify are in enr_vectors.c, enr_build.c and enr_data.c. */
#include <stdlib.h>

#include "record_util.h"

static const struct xord_enr zero_enr;

static const struct {
    const char *body;
    int err;
    const char *why;
} bad_bodies[] = {
        {"", XORD_ESHORT, "no seq"},
        {"01", XORD_EMISSING, "no keys"},
        {"01" PAIR_ID, XORD_EMISSING, "no secp256k1"},
        {"01" PAIR_PUBKEY, XORD_EMISSING, "no id"},
        {"00" PAIR_ID PAIR_PUBKEY, XORD_ECANON, "seq 0 is the empty string"},
        {"820001" PAIR_ID PAIR_PUBKEY, XORD_ECANON, "seq with a leading zero"},
        {"89010000000000000000" PAIR_ID PAIR_PUBKEY, XORD_ERANGE, "seq of 65 bits"},
        {"c0" PAIR_ID PAIR_PUBKEY, XORD_ETYPE, "seq a list"},
        {"01" PAIR_PUBKEY PAIR_ID, XORD_EORDER, "unsorted"},
        {"01" PAIR_ID PAIR_UDP PAIR_PUBKEY, XORD_EORDER, "unsorted at the end"},
        {"01" PAIR_ID PAIR_ID PAIR_PUBKEY, XORD_EORDER, "duplicate id"},
        {"01" PAIR_ID PAIR_PUBKEY PAIR_UDP PAIR_UDP, XORD_EORDER, "duplicate udp"},
        {"01" PAIR_ID PAIR_IP "80"
         "01" PAIR_PUBKEY,
                XORD_EORDER, "the empty key comes first, not here"},
        {"01"
         "80"
         "01"
         "80"
         "01" PAIR_ID PAIR_PUBKEY,
                XORD_EORDER, "the empty key twice"},
        {"01" PAIR_ID "83697036"
         "9000000000000000000000000000000001" PAIR_IP PAIR_PUBKEY,
                XORD_EORDER, "ip6, ip"},
        {"01"
         "826964"
         "827635" PAIR_PUBKEY,
                XORD_ESCHEME, "id v5"},
        {"01"
         "826964"
         "80" PAIR_PUBKEY,
                XORD_ESCHEME, "id empty"},
        {"01"
         "826964"
         "83763400" PAIR_PUBKEY,
                XORD_ESCHEME, "id v4 and a zero byte"},
        {"01"
         "826964"
         "c3827634" PAIR_PUBKEY,
                XORD_ESCHEME, "id a list"},
        {"01" PAIR_ID "89736563703235366b31a104ca634cae0d49acb401d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd3138",
                XORD_EKEY, "key of prefix 04"},
        {"01" PAIR_ID "89736563703235366b31a003ca634cae0d49acb401d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd31",
                XORD_EKEY, "key of 32 bytes"},
        {"01" PAIR_ID "89736563703235366b3180", XORD_EKEY, "empty key"},
        {"01" PAIR_ID "89736563703235366b31c0", XORD_EKEY, "key a list"},
        {"01" PAIR_ID "826970"
         "837f0000" PAIR_PUBKEY,
                XORD_ERANGE, "ip of 3 bytes"},
        {"01" PAIR_ID "826970"
         "857f00000100" PAIR_PUBKEY,
                XORD_ERANGE, "ip of 5 bytes"},
        {"01" PAIR_ID "826970"
         "c47f000001" PAIR_PUBKEY,
                XORD_ERANGE, "ip a list"},
        {"01" PAIR_ID "83697036"
         "847f000001" PAIR_PUBKEY,
                XORD_ERANGE, "ip6 of 4 bytes"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470"
         "83010000",
                XORD_ERANGE, "udp 65536"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470"
         "820050",
                XORD_ERANGE, "udp with a leading zero"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470"
         "00",
                XORD_ERANGE, "udp 0 as a zero byte"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470"
         "c0",
                XORD_ERANGE, "udp a list"},
        {"01" PAIR_ID PAIR_PUBKEY "8475647036"
         "83010000",
                XORD_ERANGE, "udp6 65536"},
        {"01" PAIR_ID PAIR_PUBKEY "83746370"
         "83010000",
                XORD_ERANGE, "tcp 65536"},
        {"01" PAIR_ID PAIR_PUBKEY "8474637036"
         "83010000",
                XORD_ERANGE, "tcp6 65536"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470", XORD_ESHORT, "key without value"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470"
         "8276",
                XORD_ESHORT, "value runs past the record"},
        {"01" PAIR_ID PAIR_PUBKEY "8375", XORD_ESHORT, "key runs past the record"},
        {"01" PAIR_ID PAIR_PUBKEY "83756470"
         "8105",
                XORD_ECANON, "udp 5 with a header"},
        {"01" PAIR_ID PAIR_PUBKEY "8178"
         "01",
                XORD_ECANON, "key x with a header"},
        {"01" PAIR_ID PAIR_PUBKEY "c178"
         "01",
                XORD_ETYPE, "key a list"},
        {"01" PAIR_ID PAIR_PUBKEY "78"
         "b801ff",
                XORD_ECANON, "long form of a short value"},
};

Test(enr, malformed_bodies_are_refused)
{
    struct xord_enr enr;

    for (size_t i = 0; i < sizeof(bad_bodies) / sizeof(bad_bodies[0]); i++) {
        int err = record_decode_body(&enr, bad_bodies[i].body);

        cr_assert_eq(err, bad_bodies[i].err, "%s: %s", bad_bodies[i].why, xord_strerror(err));
        cr_assert(record_equal(&enr, &zero_enr));
    }
    TEST_NO_LEAK();
}

Test(enr, good_bodies_decode)
{
    static const struct {
        const char *body, *why;
    } rows[] = {
            {"01" PAIR_ID PAIR_PUBKEY, "no endpoint"},
            {"80" PAIR_ID PAIR_PUBKEY, "seq 0"},
            {"88ffffffffffffffff" PAIR_ID PAIR_PUBKEY, "seq 2^64 - 1"},
            {"01" PAIR_ID PAIR_PUBKEY "83756470"
             "80",
                    "udp 0"},
            {"01"
             "80"
             "c0" PAIR_ID PAIR_PUBKEY,
                    "the empty key"},
            {"01"
             "00"
             "c0"
             "01"
             "80" PAIR_ID PAIR_PUBKEY,
                    "keys of one byte"},
            {"01"
             "83657468"
             "c7c6849f3d2254"
             "80" PAIR_ID PAIR_PUBKEY,
                    "eth"},
            {"01"
             "83657468"
             "c28100" PAIR_ID PAIR_PUBKEY,
                    "the inside of an unread list is not looked at"},
            {"01"
             "86636c69656e74"
             "c26162" PAIR_ID PAIR_PUBKEY "84736e6170"
             "c0",
                    "client and snap"},
    };
    struct xord_enr enr;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int err = record_decode_body(&enr, rows[i].body);

        cr_assert_eq(err, 0, "%s: %s", rows[i].why, xord_strerror(err));
    }
}

static int decode_hex(struct xord_enr *enr, const char *hex)
{
    uint8_t raw[RECORD_CAP];
    size_t len = test_hex(raw, hex);

    return record_decode(enr, raw, len);
}

#define SIG63                                                                                                          \
    "11111111111111111111111111111111111111111111111111111111111111"                                                   \
    "1111111111111111111111111111111111111111111111111111111111111111"

Test(enr, malformed_frames_are_refused)
{
    struct xord_enr enr;
    uint8_t raw[RECORD_CAP];
    size_t len;

    cr_assert_eq(decode_hex(&enr, ""), XORD_ESHORT);
    cr_assert_eq(xord_enr_decode(&enr, NULL, 0), XORD_ESHORT);
    cr_assert_eq(decode_hex(&enr, "80"), XORD_ETYPE);
    cr_assert_eq(decode_hex(&enr, "c0"), XORD_ESHORT, "an empty list");
    cr_assert_eq(decode_hex(&enr, "c101"), XORD_ESIZE, "a signature of one byte");
    cr_assert_eq(decode_hex(&enr, "c1c0"), XORD_ETYPE, "a signature that is a list");
    cr_assert_eq(decode_hex(&enr, "f874"
                                  "b83f" SIG63 "01" PAIR_ID PAIR_PUBKEY),
            XORD_ESIZE, "a signature of 63 bytes");
    cr_assert_eq(decode_hex(&enr, "f876"
                                  "b841" SIG63 "1111"
                                  "01" PAIR_ID PAIR_PUBKEY),
            XORD_ESIZE, "of 65 bytes");

    len = record_from_body(raw, "01" PAIR_ID PAIR_PUBKEY);
    raw[len] = 0x80;
    cr_assert_eq(record_decode(&enr, raw, len), 0);
    cr_assert_eq(record_decode(&enr, raw, len + 1), XORD_ETRAIL);
    cr_assert_eq(record_decode(&enr, raw, len - 1), XORD_ESHORT);
}

Test(enr, every_truncation_is_refused)
{
    uint8_t raw[RECORD_CAP];
    size_t len = record_from_body(raw, "01" PAIR_ID PAIR_IP PAIR_PUBKEY PAIR_UDP);
    struct xord_enr enr;

    for (size_t cut = 0; cut < len; cut++)
        cr_assert_neq(record_decode(&enr, raw, cut), 0, "cut to %zu", cut);
    cr_assert_eq(record_decode(&enr, raw, len), 0);
    TEST_NO_LEAK();
}

/* A record of exactly `len` bytes: the value of key "x" takes up the rest. */
static size_t record_of_length(uint8_t raw[RECORD_CAP], size_t len)
{
    uint8_t pubkey[64], filler[RECORD_CAP] = {0xee};
    struct xord_wr wr = xord_wr_init(raw, RECORD_CAP);
    size_t pubkey_len = test_hex(pubkey, PAIR_PUBKEY);
    size_t x_len = len - 3 - 66 - 1 - 6 - pubkey_len - 1; /* "x" takes 1 byte, its value this many with header */

    xord_rlp_put_list_header(&wr, len - 3);
    xord_rlp_put_bytes(&wr, filler, 64);
    xord_rlp_put_uint(&wr, 1);
    xord_rlp_put_bytes(&wr, (const uint8_t *)"id", 2);
    xord_rlp_put_bytes(&wr, (const uint8_t *)"v4", 2);
    xord_wr_put(&wr, pubkey, pubkey_len);
    xord_rlp_put_bytes(&wr, (const uint8_t *)"x", 1);
    xord_rlp_put_bytes(&wr, filler, x_len - (x_len < 258 ? 2 : 3));
    cr_assert(wr.err == 0 && wr.len == len, "%zu instead of %zu", wr.len, len);
    return wr.len;
}

Test(enr, three_hundred_bytes_and_no_more)
{
    uint8_t raw[RECORD_CAP];
    struct xord_enr enr;

    cr_assert_eq(record_decode(&enr, raw, record_of_length(raw, 299)), 0);
    cr_assert_eq(record_decode(&enr, raw, record_of_length(raw, 300)), 0);
    cr_assert_eq(enr.len, 300);
    cr_assert_eq(record_decode(&enr, raw, record_of_length(raw, 301)), XORD_ESIZE);
    cr_assert_eq(record_decode(&enr, raw, record_of_length(raw, 1000)), XORD_ESIZE);
}

Test(enr, typed_fields)
{
    static const uint8_t ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct xord_enr enr;

    cr_assert_eq(record_decode_body(&enr, "820102" PAIR_ID PAIR_IP "83697036"
                                          "9020010db8000000000000000000000001" PAIR_PUBKEY "83746370"
                                          "827660"
                                          "8474637036"
                                          "827661" PAIR_UDP "8475647036"
                                          "827662"),
            0);
    cr_assert_eq(enr.seq, 0x102);
    cr_assert(enr.has_ip && enr.has_ip6 && enr.has_udp && enr.has_udp6 && enr.has_tcp && enr.has_tcp6);
    cr_assert_bytes(enr.ip4, "\x7f\0\0\x01", 4);
    cr_assert_bytes(enr.ip6, ip6, 16);
    cr_assert_eq(enr.udp, 30303);
    cr_assert_eq(enr.tcp, 30304);
    cr_assert_eq(enr.tcp6, 30305);
    cr_assert_eq(enr.udp6, 30306);
    cr_assert_eq(enr.pubkey33[0], 3);
    cr_assert_bytes(enr.id32, zero_enr.id32, 32);

    cr_assert_eq(record_decode_body(&enr, "01" PAIR_ID PAIR_PUBKEY), 0);
    cr_assert(!enr.has_ip && !enr.has_ip6 && !enr.has_udp && !enr.has_udp6 && !enr.has_tcp && !enr.has_tcp6);
    cr_assert(enr.udp == 0 && enr.udp6 == 0 && enr.tcp == 0 && enr.tcp6 == 0);
}

Test(enr, pairs_are_walked_in_order)
{
    static const char *const keys[] = {"", "eth", "id", "secp256k1", "udp"};
    struct xord_enr enr;
    struct xord_enr_pair pair;
    size_t pos = 0, cnt = 0;

    cr_assert_eq(record_decode_body(&enr, "01"
                                          "80"
                                          "80"
                                          "83657468"
                                          "c3820102" PAIR_ID PAIR_PUBKEY PAIR_UDP),
            0);
    for (; xord_enr_next_pair(&enr, &pos, &pair); cnt++) {
        cr_assert_lt(cnt, 5);
        cr_assert_eq(pair.key_len, strlen(keys[cnt]));
        cr_assert_bytes(pair.key, keys[cnt], pair.key_len);
        cr_assert(pair.value_raw >= enr.raw && pair.value_raw + pair.value_raw_len <= enr.raw + enr.len);
        cr_assert(pair.value + pair.value_len == pair.value_raw + pair.value_raw_len);
        cr_assert_eq(pair.is_list, cnt == 1);
    }
    cr_assert_eq(cnt, 5);
    cr_assert_eq(pos, enr.len);
    cr_assert_not(xord_enr_next_pair(&enr, &pos, &pair), "stays at the end");
    pos = 1000000;
    cr_assert_not(xord_enr_next_pair(&enr, &pos, &pair), "a position outside");

    cr_assert(xord_enr_find(&enr, "eth", &pair));
    cr_assert(pair.is_list && pair.value_len == 3 && pair.value_raw_len == 4);
    cr_assert(xord_enr_find(&enr, "", &pair));
    cr_assert_not(xord_enr_find(&enr, "et", &pair));
    cr_assert_not(xord_enr_find(&enr, "eth2", &pair));
}

Test(enr, an_undecoded_record_has_no_pairs)
{
    struct xord_enr enr = zero_enr;
    struct xord_enr_pair pair;
    size_t pos = 0;

    cr_assert_not(xord_enr_next_pair(&enr, &pos, &pair));
    cr_assert_not(xord_enr_find(&enr, "id", &pair));
}

/* ---- endpoints ---- */

static struct xord_enr enr_with(const char *ip4, const char *ip6, int udp, int udp6)
{
    struct xord_enr enr = zero_enr;

    if (ip4) {
        uint8_t ip16[16];

        cr_assert_eq(xord_ip_parse(ip16, ip4), 0);
        memcpy(enr.ip4, ip16 + 12, 4);
        enr.has_ip = 1;
    }
    if (ip6) {
        cr_assert_eq(xord_ip_parse(enr.ip6, ip6), 0);
        enr.has_ip6 = 1;
    }
    enr.has_udp = udp >= 0;
    enr.udp = udp >= 0 ? (uint16_t)udp : 0;
    enr.has_udp6 = udp6 >= 0;
    enr.udp6 = udp6 >= 0 ? (uint16_t)udp6 : 0;
    return enr;
}

Test(enr, endpoints_by_family)
{
    static const struct {
        const char *ip4, *ip6;
        int udp, udp6;
        const char *want4, *want6;
    } rows[] = {
            {"1.2.3.4", NULL, 9000, -1, "1.2.3.4:9000", NULL},
            {"1.2.3.4", "2001:db8::1", 9000, 9001, "1.2.3.4:9000", "[2001:db8::1]:9001"},
            {"1.2.3.4", "2001:db8::1", 9000, -1, "1.2.3.4:9000", "[2001:db8::1]:9000"}, /* udp6 missing: udp */
            {NULL, "2001:db8::1", 9000, -1, NULL, "[2001:db8::1]:9000"},
            {"1.2.3.4", "2001:db8::1", -1, 9001, NULL, "[2001:db8::1]:9001"}, /* udp6 does not serve IPv4 */
            {"1.2.3.4", "2001:db8::1", 9000, 0, "1.2.3.4:9000", NULL},        /* udp6 said to be none */
            {NULL, NULL, 9000, 9000, NULL, NULL}, {"1.2.3.4", "2001:db8::1", -1, -1, NULL, NULL},
            {"1.2.3.4", NULL, 0, -1, NULL, NULL}, {"0.0.0.0", "::", 9000, -1, NULL, NULL},
            {"224.0.0.1", "ff02::1", 9000, -1, NULL, NULL}, {"255.255.255.255", NULL, 9000, -1, NULL, NULL},
            {"127.0.0.1", "::1", 9000, -1, "127.0.0.1:9000", "[::1]:9000"},
            {"10.0.0.1", "fe80::1", 9000, -1, "10.0.0.1:9000", "[fe80::1]:9000"},
            {NULL, "::ffff:1.2.3.4", 9000, -1, NULL, NULL}, /* no IPv6 address */
    };
    char text[XORD_ENDPOINT_TEXT_LEN];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_enr enr = enr_with(rows[i].ip4, rows[i].ip6, rows[i].udp, rows[i].udp6);
        struct xord_endpoint ep;

        cr_assert_eq(xord_enr_endpoint4(&enr, &ep), rows[i].want4 != NULL, "row %zu", i);
        if (rows[i].want4)
            cr_assert_str_eq(xord_endpoint_format(text, &ep), rows[i].want4);
        cr_assert_eq(xord_enr_endpoint6(&enr, &ep), rows[i].want6 != NULL, "row %zu", i);
        if (rows[i].want6)
            cr_assert_str_eq(xord_endpoint_format(text, &ep), rows[i].want6);
    }
}

/* ---- text ---- */

Test(enr, text_round_trip_at_every_length)
{
    uint8_t raw[RECORD_CAP];
    char text[XORD_ENR_MAX_TEXT_LEN + 1];
    struct xord_enr enr, again;

    for (size_t len = 280; len <= 300; len++) {
        cr_assert_eq(record_decode(&enr, raw, record_of_length(raw, len)), 0);
        cr_assert_eq(xord_enr_to_text(text, &enr), text);
        cr_assert_eq(strlen(text), 4 + XORD_BASE64_LEN(len));
        cr_assert_eq(xord_enr_from_text(&again, text, strlen(text)), 0);
        cr_assert(record_equal(&again, &enr));
    }
}

Test(enr, malformed_text_is_refused)
{
    static const struct {
        const char *text;
        int err;
    } rows[] = {
            {"", XORD_ETEXT},
            {"enr", XORD_ETEXT},
            {"enr:", XORD_ESHORT},
            {"ENR:-IS4Q", XORD_ETEXT},
            {"enode://00", XORD_ETEXT},
            {"enr:A", XORD_ETEXT},
            {"enr:AB", XORD_ECANON},
            {"enr:gA", XORD_ETYPE},
            {" " VEC_ENR_TEXT, XORD_ETEXT},
            {VEC_ENR_TEXT " ", XORD_ETEXT},
            {VEC_ENR_TEXT "\n", XORD_ETEXT},
            {VEC_ENR_TEXT "=", XORD_ETEXT},
            {VEC_ENR_TEXT "AAAA", XORD_ETRAIL},
    };
    char *long_text = malloc(10001);
    struct xord_enr enr;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int err = xord_enr_from_text(&enr, rows[i].text, strlen(rows[i].text));

        cr_assert_eq(err, rows[i].err, "'%s': %s", rows[i].text, xord_strerror(err));
        cr_assert(record_equal(&enr, &zero_enr));
    }
    cr_assert_eq(xord_enr_from_text(&enr, VEC_ENR_TEXT, strlen(VEC_ENR_TEXT)), 0);
    memset(long_text, 'A', 10000);
    memcpy(long_text, "enr:", 4);
    cr_assert_eq(xord_enr_from_text(&enr, long_text, 10000), XORD_ESIZE);
    free(long_text);
    TEST_NO_LEAK();
}
