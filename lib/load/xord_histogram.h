/* SPDX-License-Identifier: BSD-3-Clause */
/* A high dynamic range histogram: values from 1 to 3.6e12 (an hour in nanoseconds) with three significant digits, in the
 * layout of HdrHistogram (https://hdrhistogram.github.io/HdrHistogram/), so that its viewers and parsers read what
 * xord_histogram_encode writes.
 *
 * 2,048 steps of 1, then 1,024 steps of each next power of two: no value is off by more than 1/1,024 of itself.
 * Threading: one owner. Memory: 264 KB, in place; recording neither allocates nor loops. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XORD_HISTOGRAM_MAX    UINT64_C(3600000000000)
#define XORD_HISTOGRAM_DIGITS 3
#define XORD_HISTOGRAM_HALF   1024 /* steps of each power of two */
#define XORD_HISTOGRAM_LEN    (33 * XORD_HISTOGRAM_HALF)
/* More than the text of any histogram: its header and 9 bytes a step, stored uncompressed, as base64. */
#define XORD_HISTOGRAM_TEXT_LEN (((40 + 9 * XORD_HISTOGRAM_LEN + 1024) * 4 / 3) + 8)

struct xord_histogram {
    uint64_t total, min, max; /* min UINT64_MAX: nothing recorded */
    double sum;
    uint64_t counts[XORD_HISTOGRAM_LEN];
};

void xord_histogram_reset(struct xord_histogram *histogram);

/* The step that a value falls into; what is above XORD_HISTOGRAM_MAX falls into its step. */
static inline uint32_t xord_histogram_step(uint64_t value)
{
    unsigned power;

    if (value > XORD_HISTOGRAM_MAX)
        value = XORD_HISTOGRAM_MAX;
    power = 53U - (unsigned)__builtin_clzll(value | (2 * XORD_HISTOGRAM_HALF - 1));
    return power * XORD_HISTOGRAM_HALF + (uint32_t)(value >> power);
}

/* Largest value of a step. */
uint64_t xord_histogram_step_end(uint32_t step);

static inline void xord_histogram_record(struct xord_histogram *histogram, uint64_t value)
{
    histogram->counts[xord_histogram_step(value)]++;
    histogram->total++;
    histogram->sum += (double)value;
    if (value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
}

void xord_histogram_add(struct xord_histogram *into, const struct xord_histogram *histogram);

/* The value that `percent` (0..100) of all do not exceed; 0 when nothing was recorded. */
uint64_t xord_histogram_percentile(const struct xord_histogram *histogram, double percent);
double xord_histogram_mean(const struct xord_histogram *histogram);

/* The histogram as one field of an HdrHistogram log: base64 of its compressed V2 encoding, with a NUL. `text` has room for
 * XORD_HISTOGRAM_TEXT_LEN bytes. 0, or XORD_ENOMEM. */
int xord_histogram_encode(char *text, const struct xord_histogram *histogram);
