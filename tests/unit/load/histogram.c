/* SPDX-License-Identifier: BSD-3-Clause */
/* Histograms: resolution, percentiles, and their exchange form, taken apart here by its published layout. */
#include <stdlib.h>
#include <zlib.h>

#include "test_util.h"
#include "xord_bytes.h"
#include "xord_histogram.h"
#include "xord_rng.h"

static struct xord_histogram *histogram_new(void)
{
    struct xord_histogram *histogram = malloc(sizeof(*histogram));

    cr_assert(histogram);
    xord_histogram_reset(histogram);
    return histogram;
}

Test(histogram, steps_are_fine_and_in_order)
{
    uint64_t before = 0;

    for (uint32_t step = 0; step < XORD_HISTOGRAM_LEN; step++) {
        uint64_t end = xord_histogram_step_end(step);

        if (end > XORD_HISTOGRAM_MAX)
            break;
        cr_assert(step == 0 || end > before);
        cr_assert_eq(xord_histogram_step(end), step, "%u", step);
        if (step > 0) {
            cr_assert_eq(xord_histogram_step(before + 1), step, "%u", step);
            cr_assert((end - before - 1) * 1024 <= end, "step %u is too wide", step);
        }
        before = end;
    }
    cr_assert_lt(xord_histogram_step(UINT64_MAX), XORD_HISTOGRAM_LEN);
    cr_assert_eq(xord_histogram_step(UINT64_MAX), xord_histogram_step(XORD_HISTOGRAM_MAX));
}

Test(histogram, percentiles)
{
    struct xord_histogram *histogram = histogram_new(), *other = histogram_new();

    cr_assert_eq(xord_histogram_percentile(histogram, 50), 0);
    for (uint64_t v = 1; v <= 1000; v++)
        xord_histogram_record(v % 2 ? histogram : other, v);
    xord_histogram_add(histogram, other);
    cr_assert_eq(histogram->total, 1000);
    cr_assert_eq(xord_histogram_percentile(histogram, 0), 1);
    cr_assert_eq(xord_histogram_percentile(histogram, 50), 500);
    cr_assert_eq(xord_histogram_percentile(histogram, 99), 990);
    cr_assert_eq(xord_histogram_percentile(histogram, 99.9), 999);
    cr_assert_eq(xord_histogram_percentile(histogram, 99.99), 1000);
    cr_assert_eq(xord_histogram_percentile(histogram, 100), 1000);
    cr_assert_float_eq(xord_histogram_mean(histogram), 500.5, 1e-9);
    cr_assert_eq(histogram->min, 1);
    cr_assert_eq(histogram->max, 1000);
    free(histogram);
    free(other);
    TEST_NO_LEAK();
}

/* ---- the exchange form, backwards ---- */

static size_t base64_take(uint8_t *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, cnt = 0;
    size_t len = 0;

    cr_assert_eq(strlen(text) % 4, 0);
    for (; *text && *text != '='; text++) {
        const char *at = strchr(digits, *text);

        cr_assert(at);
        bits = bits << 6 | (uint32_t)(at - digits);
        cnt += 6;
        if (cnt < 8)
            continue;
        cnt -= 8;
        out[len++] = (uint8_t)(bits >> cnt);
    }
    return len;
}

static int64_t leb128_take(const uint8_t **at)
{
    uint64_t v = 0;

    for (int i = 0; i < 9; i++) {
        uint8_t byte = *(*at)++;

        v |= (uint64_t)(i < 8 ? byte & 0x7f : byte) << 7 * i;
        if (i < 8 && byte < 0x80)
            break;
    }
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void decodes_to(const struct xord_histogram *histogram)
{
    char *text = malloc(XORD_HISTOGRAM_TEXT_LEN);
    uint8_t *packed = malloc(XORD_HISTOGRAM_TEXT_LEN), *plain = malloc(XORD_HISTOGRAM_TEXT_LEN);
    uLongf plain_len = XORD_HISTOGRAM_TEXT_LEN;
    const uint8_t *at, *end;
    uint32_t step = 0;
    uint64_t total = 0;
    size_t len;

    cr_assert_eq(xord_histogram_encode(text, histogram), 0);
    len = base64_take(packed, text);
    cr_assert_eq(xord_load_be32(packed), 0x1c849314);
    cr_assert_eq(xord_load_be32(packed + 4), len - 8);
    cr_assert_eq(uncompress(plain, &plain_len, packed + 8, len - 8), Z_OK);
    cr_assert_eq(xord_load_be32(plain), 0x1c849313);
    cr_assert_eq(xord_load_be32(plain + 4), plain_len - 40);
    cr_assert_eq(xord_load_be32(plain + 12), 3);
    cr_assert_eq(xord_load_be64(plain + 24), XORD_HISTOGRAM_MAX);
    for (at = plain + 40, end = plain + plain_len; at < end;) {
        int64_t count = leb128_take(&at);

        if (count <= 0) {
            step += count ? (uint32_t)-count : 1;
            continue;
        }
        cr_assert_eq((uint64_t)count, histogram->counts[step], "step %u", step);
        total += (uint64_t)count;
        step++;
    }
    cr_assert_eq(total, histogram->total);
    free(text);
    free(packed);
    free(plain);
}

Test(histogram, exchange_form)
{
    static const uint8_t seed32[32] = {7};
    struct xord_histogram *histogram = histogram_new();
    struct xord_rng rng;

    decodes_to(histogram);
    xord_rng_init(&rng, seed32);
    for (uint32_t i = 0; i < 20000; i++)
        xord_histogram_record(histogram, xord_rng_u64(&rng) >> (22 + xord_rng_below(&rng, 40)));
    histogram->counts[5] += UINT64_C(1) << 62; /* nine bytes */
    histogram->total += UINT64_C(1) << 62;
    decodes_to(histogram);
    free(histogram);
    TEST_NO_LEAK();
}
