/* SPDX-License-Identifier: BSD-3-Clause */
/* Any input: the items of it that decode must encode to the very bytes they came from (there is one encoding). */
#include "fuzz_target.h"
#include "xord_rlp.h"

#define DEPTH_MAX 64

static void check_string(const struct xord_rlp_item *item)
{
    struct xord_rd rd = xord_rd_init(item->raw, item->raw_len);
    uint8_t *out = malloc(item->raw_len);
    struct xord_wr wr = xord_wr_init(out, item->raw_len);
    uint64_t v = xord_rlp_uint(&rd, UINT64_MAX);

    xord_rlp_put_bytes(&wr, item->data, item->len);
    FUZZ_CHECK(!wr.err && wr.len == item->raw_len && memcmp(out, item->raw, wr.len) == 0);
    FUZZ_CHECK(xord_rlp_bytes_size(item->data, item->len) == item->raw_len);
    if (!xord_rd_end(&rd)) {
        wr = xord_wr_init(out, item->raw_len);
        xord_rlp_put_uint(&wr, v);
        FUZZ_CHECK(!wr.err && wr.len == item->raw_len && memcmp(out, item->raw, wr.len) == 0);
        FUZZ_CHECK(xord_rlp_uint_size(v) == item->raw_len);
    }
    free(out);
}

static void check_list(const struct xord_rlp_item *item)
{
    uint8_t *out = malloc(item->raw_len + 3);
    struct xord_wr wr = xord_wr_init(out, item->raw_len + 3);
    size_t mark = xord_rlp_list_begin(&wr);

    xord_wr_put(&wr, item->data, item->len);
    xord_rlp_list_end(&wr, mark);
    FUZZ_CHECK(item->len > UINT16_MAX ? wr.err : !wr.err);
    FUZZ_CHECK(wr.err || (wr.len == item->raw_len && memcmp(out, item->raw, wr.len) == 0));
    FUZZ_CHECK(xord_rlp_list_size(item->len) == item->raw_len);
    free(out);
}

static void check_items(struct xord_rd rd, unsigned depth)
{
    while (xord_rd_left(&rd)) {
        const uint8_t *before = rd.pos;
        struct xord_rlp_item item = xord_rlp_next(&rd);

        if (rd.err)
            return;
        FUZZ_CHECK(item.raw == before && item.raw + item.raw_len == rd.pos && item.data + item.len == rd.pos);
        if (!item.is_list)
            check_string(&item);
        else
            check_list(&item);
        if (item.is_list && depth < DEPTH_MAX)
            check_items(xord_rd_init(item.data, item.len), depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);

    check_items(xord_rd_init(copy, size), 0);
    free(copy);
    return 0;
}
