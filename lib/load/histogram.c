/* SPDX-License-Identifier: BSD-3-Clause */
/* HDR histograms and their exchange form.
 *
 *   V2 encoding  cookie 4 || payload length 4 || normalizing offset 4 || digits 4 || lowest 8 || highest 8 || ratio 8
 *                || payload: counts in order, each ZigZag LEB128; a run of n zeroes is the number -n
 *   compressed   cookie 4 || length 4 || zlib stream of the above */
#include <math.h>
#include <stdlib.h>
#include <zlib.h>

#include "xord_bytes.h"
#include "xord_histogram.h"

#define V2_COOKIE            UINT32_C(0x1c849313)
#define V2_COMPRESSED_COOKIE UINT32_C(0x1c849314)
#define V2_HEAD_LEN          40
#define V2_MAX_LEN           (V2_HEAD_LEN + 9 * XORD_HISTOGRAM_LEN)
#define COMPRESSED_HEAD_LEN  8

void xord_histogram_reset(struct xord_histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->min = UINT64_MAX;
}

uint64_t xord_histogram_step_end(uint32_t step)
{
    uint32_t power = step < 2 * XORD_HISTOGRAM_HALF ? 0 : step / XORD_HISTOGRAM_HALF - 1;

    return ((uint64_t)(step - power * XORD_HISTOGRAM_HALF + 1) << power) - 1;
}

void xord_histogram_add(struct xord_histogram *into, const struct xord_histogram *histogram)
{
    if (histogram->total == 0)
        return;
    for (uint32_t i = 0; i < XORD_HISTOGRAM_LEN; i++)
        into->counts[i] += histogram->counts[i];
    into->total += histogram->total;
    into->sum += histogram->sum;
    if (histogram->min < into->min)
        into->min = histogram->min;
    if (histogram->max > into->max)
        into->max = histogram->max;
}

uint64_t xord_histogram_percentile(const struct xord_histogram *histogram, double percent)
{
    /* A hair less, lest rounding of the product asks for one more than is meant. */
    double rank = ceil(percent / 100 * (double)histogram->total * (1 - 1e-15));
    uint64_t seen = 0;

    if (histogram->total == 0)
        return 0;
    for (uint32_t i = 0; i < XORD_HISTOGRAM_LEN; i++) {
        uint64_t end;

        seen += histogram->counts[i];
        if (histogram->counts[i] == 0 || (double)seen < rank)
            continue;
        end = xord_histogram_step_end(i);
        return end < histogram->max ? end : histogram->max;
    }
    return histogram->max;
}

double xord_histogram_mean(const struct xord_histogram *histogram)
{
    return histogram->total ? histogram->sum / (double)histogram->total : 0;
}

/* ---- exchange form ---- */

static size_t leb128_put(uint8_t *out, int64_t number)
{
    uint64_t v = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
    size_t len = 0;

    while (v >= 0x80 && len < 8) {
        out[len++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[len++] = (uint8_t)v; /* the ninth byte has all of its bits */
    return len;
}

static size_t counts_put(uint8_t *out, const struct xord_histogram *histogram)
{
    uint32_t cnt = histogram->total ? xord_histogram_step(histogram->max) + 1 : 0;
    size_t len = 0;

    for (uint32_t i = 0; i < cnt;) {
        int64_t zeroes = 0;

        while (i < cnt && histogram->counts[i] == 0) {
            zeroes++;
            i++;
        }
        if (zeroes > 0)
            len += leb128_put(out + len, zeroes == 1 ? 0 : -zeroes);
        else
            len += leb128_put(out + len, (int64_t)histogram->counts[i++]);
    }
    return len;
}

static size_t v2_put(uint8_t *out, const struct xord_histogram *histogram)
{
    static const double ratio = 1;
    size_t len = counts_put(out + V2_HEAD_LEN, histogram);
    uint64_t bits;

    memcpy(&bits, &ratio, sizeof(bits));
    xord_store_be32(out, V2_COOKIE);
    xord_store_be32(out + 4, (uint32_t)len);
    xord_store_be32(out + 8, 0);
    xord_store_be32(out + 12, XORD_HISTOGRAM_DIGITS);
    xord_store_be64(out + 16, 1);
    xord_store_be64(out + 24, XORD_HISTOGRAM_MAX);
    xord_store_be64(out + 32, bits);
    return V2_HEAD_LEN + len;
}

/* With padding, as that form of text wants it. */
static void base64_put(char *text, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16;

        if (i + 1 < len)
            v |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < len)
            v |= data[i + 2];
        *text++ = digits[v >> 18];
        *text++ = digits[v >> 12 & 63];
        *text++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
        *text++ = i + 2 < len ? digits[v & 63] : '=';
    }
    *text = '\0';
}

int xord_histogram_encode(char *text, const struct xord_histogram *histogram)
{
    uLong room = compressBound(V2_MAX_LEN);
    uint8_t *plain = malloc(V2_MAX_LEN), *packed = malloc(COMPRESSED_HEAD_LEN + room);
    int err = XORD_ENOMEM;

    if (plain && packed && compress(packed + COMPRESSED_HEAD_LEN, &room, plain, v2_put(plain, histogram)) == Z_OK) {
        xord_store_be32(packed, V2_COMPRESSED_COOKIE);
        xord_store_be32(packed + 4, (uint32_t)room);
        base64_put(text, packed, COMPRESSED_HEAD_LEN + room);
        err = 0;
    }
    free(plain);
    free(packed);
    return err;
}
