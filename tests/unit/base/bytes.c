/* SPDX-License-Identifier: BSD-3-Clause */
/* Cursors: they stop at the end, keep their first error, and write nothing beyond the capacity. */
#include "xord_bytes.h"

#include <stdlib.h>

#include "test_util.h"

Test(bytes, loads_and_stores_are_big_endian)
{
    static const uint8_t data[] = {0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
    uint8_t out[8];

    cr_assert(xord_load_be16(data) == 0x8102);
    cr_assert(xord_load_be32(data) == 0x81020304);
    cr_assert(xord_load_be64(data) == 0x81020304050607f8);
    xord_store_be16(out, 0x8102);
    cr_assert_bytes(out, data, 2);
    xord_store_be32(out, 0x81020304);
    cr_assert_bytes(out, data, 4);
    xord_store_be64(out, 0x81020304050607f8);
    cr_assert_bytes(out, data, 8);
}

Test(bytes, short_copies_and_numbers_have_any_length)
{
    for (size_t len = 0; len <= 16; len++) {
        uint8_t *src = malloc(len ? len : 1), out[17] = {0}; /* exactly sized: nothing is read beyond */
        uint64_t v = 0;

        for (size_t i = 0; i < len; i++)
            src[i] = (uint8_t)(0xa1 + 7 * i);
        out[len] = 0xee;
        xord_copy_short(out, src, len);
        cr_assert_bytes(out, src, len);
        cr_assert_eq(out[len], 0xee);
        for (size_t i = 0; i < len && i < 8; i++)
            v = v << 8 | src[i];
        cr_assert(len > 8 || xord_load_be_short(src, len) == v, "length %zu", len);
        free(src);
    }
}

Test(reader, takes_in_order_up_to_the_end)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    struct xord_rd rd = xord_rd_init(data, sizeof(data));
    uint8_t copy[2];

    cr_assert(xord_rd_left(&rd) == 14);
    cr_assert(xord_rd_u8(&rd) == 1);
    cr_assert(xord_rd_be16(&rd) == 0x0203);
    cr_assert(xord_rd_be64(&rd) == 0x0405060708090a0b);
    xord_rd_copy(&rd, copy, 2);
    cr_assert(copy[0] == 12 && copy[1] == 13);
    cr_assert(xord_rd_end(&rd) == XORD_ETRAIL && xord_rd_left(&rd) == 1);
    cr_assert(xord_rd_take(&rd, 1) == data + 13);
    cr_assert(xord_rd_end(&rd) == 0 && xord_rd_left(&rd) == 0);
    cr_assert(xord_rd_take(&rd, 0) == data + 14 && rd.err == 0);
}

Test(reader, after_the_first_error_all_is_zero)
{
    static const uint8_t data[] = {1, 2, 3};
    struct xord_rd rd = xord_rd_init(data, sizeof(data));
    uint8_t copy[2] = {0xee, 0xee};

    cr_assert(xord_rd_be64(&rd) == 0 && rd.err == XORD_ESHORT);
    cr_assert(xord_rd_left(&rd) == 0);
    cr_assert(xord_rd_u8(&rd) == 0 && xord_rd_be16(&rd) == 0);
    cr_assert_null(xord_rd_take(&rd, 0));
    xord_rd_copy(&rd, copy, 2);
    cr_assert(copy[0] == 0 && copy[1] == 0);
    cr_assert(xord_rd_end(&rd) == XORD_ESHORT);
}

Test(reader, the_first_error_stays)
{
    static const uint8_t data[] = {1};
    struct xord_rd rd = xord_rd_init(data, 1);

    xord_rd_fail(&rd, XORD_ECANON);
    xord_rd_fail(&rd, XORD_ETYPE);
    cr_assert(xord_rd_u8(&rd) == 0);
    cr_assert_null(xord_rd_take(&rd, 5));
    cr_assert(xord_rd_end(&rd) == XORD_ECANON);
}

Test(reader, a_length_near_the_top_of_size_t_is_refused)
{
    static const uint8_t data[] = {1, 2};
    struct xord_rd rd = xord_rd_init(data, 2);

    cr_assert_null(xord_rd_take(&rd, SIZE_MAX));
    cr_assert(rd.err == XORD_ESHORT && rd.pos == data);
}

Test(reader, nothing_is_a_valid_input)
{
    struct xord_rd rd = xord_rd_init(NULL, 0);

    cr_assert(xord_rd_end(&rd) == 0 && xord_rd_left(&rd) == 0);
    cr_assert(xord_rd_u8(&rd) == 0 && xord_rd_end(&rd) == XORD_ESHORT);
}

Test(writer, puts_in_order)
{
    static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    uint8_t buf[13];
    struct xord_wr wr = xord_wr_init(buf, sizeof(buf));

    xord_wr_u8(&wr, 1);
    xord_wr_be16(&wr, 0x0203);
    xord_wr_be64(&wr, 0x0405060708090a0b);
    xord_wr_put(&wr, want + 11, 2);
    xord_wr_put(&wr, NULL, 0);
    cr_assert(wr.err == 0 && wr.len == 13);
    cr_assert_bytes(buf, want, 13);
}

Test(writer, never_passes_the_capacity_and_keeps_its_error)
{
    uint8_t buf[4] = {0xee, 0xee, 0xee, 0xee};
    struct xord_wr wr = xord_wr_init(buf, 3);

    xord_wr_be16(&wr, 0x0102);
    xord_wr_be16(&wr, 0x0304);
    cr_assert(wr.err == XORD_ENOSPC && wr.len == 2);
    xord_wr_u8(&wr, 5); /* it would fit, but would leave a gap in the output */
    cr_assert(wr.err == XORD_ENOSPC && wr.len == 2 && buf[2] == 0xee && buf[3] == 0xee);
    cr_assert_null(xord_wr_reserve(&wr, 0));
}

Test(writer, a_length_near_the_top_of_size_t_is_refused)
{
    uint8_t buf[4];
    struct xord_wr wr = xord_wr_init(buf, 4);

    xord_wr_u8(&wr, 1);
    cr_assert_null(xord_wr_reserve(&wr, SIZE_MAX));
    cr_assert(wr.err == XORD_ENOSPC && wr.len == 1);
}

Test(bytes, wipe_clears_and_equality_sees_every_byte)
{
    uint8_t a[33], b[33];

    memset(a, 7, sizeof(a));
    memset(b, 7, sizeof(b));
    cr_assert(xord_ct_equal(a, b, 33) && xord_ct_equal(a, b, 0));
    for (size_t i = 0; i < 33; i++) {
        b[i] ^= 0x80;
        cr_assert(!xord_ct_equal(a, b, 33), "byte %zu", i);
        b[i] ^= 0x80;
    }
    xord_wipe(a, 32);
    for (size_t i = 0; i < 32; i++)
        cr_assert(a[i] == 0);
    cr_assert(a[32] == 7);
}
