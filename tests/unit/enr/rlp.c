/* SPDX-License-Identifier: BSD-3-Clause */
/* RLP: the canonical encodings, everything that is not one of them, and the bounds. */
#include <stdlib.h>

#include "test_util.h"
#include "xord_rlp.h"

/* A cursor over an exactly sized heap copy of a hex constant. */
struct input {
    uint8_t *data;
    struct xord_rd rd;
};

static struct input input_from_hex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *data = malloc(len);

    test_hex(data, hex);
    return (struct input){data, xord_rd_init(data, len)};
}

#define A8  "6161616161616161"
#define A32 A8 A8 A8 A8
#define A55 A32 A8 A8 "61616161616161"
#define A56 A32 A8 A8 A8

static const struct {
    const char *hex;
    size_t len;
    bool is_list;
} canonical[] = {
        {"00", 1, false},
        {"7f", 1, false},
        {"80", 0, false},
        {"8180", 1, false},
        {"81ff", 1, false},
        {"820000", 2, false},
        {"83646f67", 3, false},
        {"b7" A55, 55, false},
        {"b838" A56, 56, false},
        {"b8ff" A32 A32 A32 A32 A32 A32 A32 A8 A8 A8 "61616161616161", 255, false},
        {"b90100" A32 A32 A32 A32 A32 A32 A32 A32, 256, false},
        {"c0", 0, true},
        {"c100", 1, true},
        {"c7c0c1c0c3c0c1c0", 7, true},
        {"f7" A55, 55, true},
        {"f838" A56, 56, true},
        {"f90100" A32 A32 A32 A32 A32 A32 A32 A32, 256, true},
};

Test(rlp, canonical_items_decode_and_encode_to_the_same_bytes)
{
    for (size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
        struct input in = input_from_hex(canonical[i].hex);
        size_t raw_len = strlen(canonical[i].hex) / 2;
        uint8_t out[512];
        struct xord_wr wr = xord_wr_init(out, raw_len); /* not a byte more than needed */
        struct xord_rlp_item item = xord_rlp_next(&in.rd);

        cr_assert_eq(xord_rd_end(&in.rd), 0, "%s", canonical[i].hex);
        cr_assert_eq(item.len, canonical[i].len, "%s", canonical[i].hex);
        cr_assert_eq(item.is_list, canonical[i].is_list, "%s", canonical[i].hex);
        cr_assert(item.raw == in.data && item.raw_len == raw_len && item.data + item.len == in.data + raw_len);
        if (item.is_list) {
            xord_rlp_put_list_header(&wr, item.len);
            xord_wr_put(&wr, item.data, item.len);
            cr_assert_eq(xord_rlp_list_size(item.len), raw_len);
        } else {
            xord_rlp_put_bytes(&wr, item.data, item.len);
            cr_assert_eq(xord_rlp_bytes_size(item.data, item.len), raw_len);
        }
        cr_assert(wr.err == 0 && wr.len == raw_len && memcmp(out, in.data, raw_len) == 0, "%s", canonical[i].hex);
        free(in.data);
    }
    TEST_NO_LEAK();
}

static const struct {
    const char *hex;
    int err;
    const char *why;
} bad_items[] = {
        {"", XORD_ESHORT, "nothing at all"},
        {"8100", XORD_ECANON, "a byte below 80 is its own encoding"},
        {"817f", XORD_ECANON, "a byte below 80 is its own encoding"},
        {"b800", XORD_ECANON, "long form of the empty string"},
        {"b837" A55, XORD_ECANON, "long form of 55 bytes"},
        {"b90038" A56, XORD_ECANON, "length with a leading zero"},
        {"f800", XORD_ECANON, "long form of the empty list"},
        {"f837" A55, XORD_ECANON, "long form of a list of 55 bytes"},
        {"f90038" A56, XORD_ECANON, "list length with a leading zero"},
        {"bf0000000000000038" A56, XORD_ECANON, "length in eight bytes"},
        {"81", XORD_ESHORT, "payload missing"},
        {"83646f", XORD_ESHORT, "payload cut"},
        {"b7" A32, XORD_ESHORT, "payload cut"},
        {"b8", XORD_ESHORT, "length missing"},
        {"b901", XORD_ESHORT, "length cut"},
        {"bfffffffff", XORD_ESHORT, "length cut"},
        {"b838" A55, XORD_ESHORT, "payload one byte short"},
        {"bfffffffffffffffff", XORD_ESHORT, "length of 2^64 - 1"},
        {"bf7fffffffffffffff", XORD_ESHORT, "length of 2^63 - 1"},
        {"ffffffffffffffffff", XORD_ESHORT, "list length of 2^64 - 1"},
        {"c1", XORD_ESHORT, "list payload missing"},
        {"f838" A55, XORD_ESHORT, "list payload one byte short"},
};

Test(rlp, other_encodings_are_refused)
{
    for (size_t i = 0; i < sizeof(bad_items) / sizeof(bad_items[0]); i++) {
        struct input in = input_from_hex(bad_items[i].hex);
        struct xord_rlp_item item = xord_rlp_next(&in.rd);

        cr_assert_eq(in.rd.err, bad_items[i].err, "%s (%s): %d", bad_items[i].hex, bad_items[i].why, in.rd.err);
        cr_assert(!item.data && !item.raw && !item.len && !item.raw_len, "%s", bad_items[i].hex);
        free(in.data);
    }
    TEST_NO_LEAK();
}

Test(rlp, first_error_stays)
{
    struct input in = input_from_hex("8100");

    xord_rlp_next(&in.rd);
    xord_rlp_fixed(&in.rd, 4);
    cr_assert_eq(xord_rlp_uint(&in.rd, 10), 0);
    cr_assert_eq(xord_rlp_list(&in.rd).err, XORD_ECANON);
    cr_assert_eq(in.rd.err, XORD_ECANON);
    free(in.data);
}

static const struct {
    const char *hex;
    uint64_t v;
} uints[] = {
        {"80", 0},
        {"01", 1},
        {"7f", 127},
        {"8180", 128},
        {"81ff", 255},
        {"820100", 256},
        {"82ffff", 65535},
        {"83010000", 65536},
        {"880100000000000000", 1ULL << 56},
        {"88ffffffffffffffff", UINT64_MAX},
};

Test(rlp, integers_both_ways)
{
    for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
        struct input in = input_from_hex(uints[i].hex);
        size_t len = strlen(uints[i].hex) / 2;
        uint8_t out[9];
        struct xord_wr wr = xord_wr_init(out, len);

        cr_assert_eq(xord_rlp_uint(&in.rd, uints[i].v), uints[i].v, "%s", uints[i].hex);
        cr_assert_eq(xord_rd_end(&in.rd), 0);
        xord_rlp_put_uint(&wr, uints[i].v);
        cr_assert(wr.err == 0 && wr.len == len && memcmp(out, in.data, len) == 0, "%s", uints[i].hex);
        cr_assert_eq(xord_rlp_uint_size(uints[i].v), len);
        if (uints[i].v) {
            in.rd = xord_rd_init(in.data, len);
            cr_assert_eq(xord_rlp_uint(&in.rd, uints[i].v - 1), 0);
            cr_assert_eq(in.rd.err, XORD_ERANGE, "%s", uints[i].hex);
        }
        free(in.data);
    }
    TEST_NO_LEAK();
}

Test(rlp, bad_integers)
{
    static const struct {
        const char *hex;
        int err;
    } rows[] = {
            {"00", XORD_ECANON}, /* zero is the empty string */
            {"8100", XORD_ECANON},
            {"820001", XORD_ECANON}, /* leading zero */
            {"89010000000000000000", XORD_ERANGE},
            {"89000000000000000001", XORD_ECANON},
            {"c0", XORD_ETYPE},
            {"c101", XORD_ETYPE},
            {"8201", XORD_ESHORT},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct input in = input_from_hex(rows[i].hex);

        cr_assert_eq(xord_rlp_uint(&in.rd, UINT64_MAX), 0);
        cr_assert_eq(in.rd.err, rows[i].err, "%s: %d", rows[i].hex, in.rd.err);
        free(in.data);
    }
}

Test(rlp, strings_of_a_wanted_length)
{
    struct input in = input_from_hex("83646f67"
                                     "83646f67"
                                     "80"
                                     "83646f67");
    struct xord_slice_rd dog = xord_rlp_bytes(&in.rd, 3);

    cr_assert(dog.len == 3 && memcmp(dog.data, "dog", 3) == 0);
    cr_assert_bytes(xord_rlp_fixed(&in.rd, 3), "dog", 3);
    cr_assert_not_null(xord_rlp_fixed(&in.rd, 0));
    cr_assert_eq(in.rd.err, 0);
    cr_assert_null(xord_rlp_bytes(&in.rd, 2).data);
    cr_assert_eq(in.rd.err, XORD_ESIZE);
    free(in.data);

    in = input_from_hex("83646f67");
    cr_assert_null(xord_rlp_fixed(&in.rd, 4));
    cr_assert_eq(in.rd.err, XORD_ESIZE);
    free(in.data);

    in = input_from_hex("c3010203");
    cr_assert_null(xord_rlp_fixed(&in.rd, 3));
    cr_assert_eq(in.rd.err, XORD_ETYPE);
    free(in.data);
}

Test(rlp, a_list_ends_the_reading_within_it)
{
    struct input in = input_from_hex("c3820102"
                                     "05");
    struct xord_rd list = xord_rlp_list(&in.rd);

    cr_assert_bytes(xord_rlp_fixed(&list, 2), "\x01\x02", 2);
    cr_assert_eq(xord_rd_end(&list), 0);
    xord_rlp_next(&list);
    cr_assert_eq(list.err, XORD_ESHORT, "read past the list");
    cr_assert_eq(xord_rlp_uint(&in.rd, 5), 5, "the outer cursor goes on behind the list");
    cr_assert_eq(xord_rd_end(&in.rd), 0);
    free(in.data);

    in = input_from_hex("c2820102"); /* the string runs past its list, though not past the input */
    list = xord_rlp_list(&in.rd);
    xord_rlp_next(&list);
    cr_assert_eq(list.err, XORD_ESHORT);
    free(in.data);

    in = input_from_hex("820102");
    cr_assert_eq(xord_rlp_list(&in.rd).err, XORD_ETYPE);
    cr_assert_eq(in.rd.err, XORD_ETYPE);
    free(in.data);
}

Test(rlp, lists_of_every_size_class_get_the_shortest_header)
{
    static const struct {
        size_t payload_len, header_len;
    } rows[] = {{0, 1}, {1, 1}, {55, 1}, {56, 2}, {255, 2}, {256, 3}, {65535, 3}};
    uint8_t *payload = calloc(1, 65536);
    uint8_t *out = malloc(65536 + 8);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_wr wr = xord_wr_init(out, rows[i].payload_len + 4);
        struct xord_rd rd, list;
        size_t mark;

        xord_wr_u8(&wr, 0xaa);
        mark = xord_rlp_list_begin(&wr);
        xord_wr_put(&wr, payload, rows[i].payload_len);
        xord_rlp_list_end(&wr, mark);
        cr_assert_eq(wr.err, 0, "%zu", rows[i].payload_len);
        cr_assert_eq(wr.len, 1 + rows[i].header_len + rows[i].payload_len, "%zu", rows[i].payload_len);
        cr_assert_eq(wr.len - 1, xord_rlp_list_size(rows[i].payload_len));
        rd = xord_rd_init(out + 1, wr.len - 1);
        list = xord_rlp_list(&rd);
        cr_assert_eq(xord_rd_end(&rd), 0);
        cr_assert_eq(xord_rd_left(&list), rows[i].payload_len);
    }
    free(payload);
    free(out);
    TEST_NO_LEAK();
}

Test(rlp, nested_lists_by_begin_and_end)
{
    uint8_t out[64], want[64];
    struct xord_wr wr = xord_wr_init(out, sizeof(out));
    size_t want_len = test_hex(want, "c7"
                                     "c0"
                                     "c1c0"
                                     "c3c0c1c0");
    size_t outer = xord_rlp_list_begin(&wr);
    size_t a, b, c;

    a = xord_rlp_list_begin(&wr);
    xord_rlp_list_end(&wr, a);
    a = xord_rlp_list_begin(&wr);
    b = xord_rlp_list_begin(&wr);
    xord_rlp_list_end(&wr, b);
    xord_rlp_list_end(&wr, a);
    a = xord_rlp_list_begin(&wr);
    b = xord_rlp_list_begin(&wr);
    xord_rlp_list_end(&wr, b);
    b = xord_rlp_list_begin(&wr);
    c = xord_rlp_list_begin(&wr);
    xord_rlp_list_end(&wr, c);
    xord_rlp_list_end(&wr, b);
    xord_rlp_list_end(&wr, a);
    xord_rlp_list_end(&wr, outer);
    cr_assert(wr.err == 0 && wr.len == want_len);
    cr_assert_bytes(out, want, want_len);
}

Test(rlp, a_full_writer_stays_within_its_buffer)
{
    uint8_t text[60] = {0};

    for (size_t cap = 0; cap < 62; cap++) {
        uint8_t *out = malloc(cap); /* exactly sized: a sanitizer sees an overrun */
        struct xord_wr wr = xord_wr_init(out, cap);
        size_t mark;

        xord_rlp_put_bytes(&wr, text, sizeof(text));
        cr_assert_eq(wr.err, XORD_ENOSPC, "%zu", cap);
        wr = xord_wr_init(out, cap);
        mark = xord_rlp_list_begin(&wr);
        xord_rlp_put_bytes(&wr, text, sizeof(text));
        xord_rlp_list_end(&wr, mark);
        cr_assert_eq(wr.err, XORD_ENOSPC, "%zu", cap);
        free(out);
    }
    TEST_NO_LEAK();
}

Test(rlp, a_list_too_long_for_its_reserved_header)
{
    uint8_t *out = calloc(1, 70000);
    struct xord_wr wr = xord_wr_init(out, 70000);
    size_t mark = xord_rlp_list_begin(&wr);

    xord_wr_reserve(&wr, 65536);
    xord_rlp_list_end(&wr, mark);
    cr_assert_eq(wr.err, XORD_ENOSPC);
    free(out);
}
