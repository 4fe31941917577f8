/* SPDX-License-Identifier: BSD-3-Clause */
/* What a load is to show: "p99<2ms,loss<0.1%". Terms are joined by commas, and all must hold:
 *
 *   pN, mean, max  latency, with ns, us, ms or s        p99.9<=500us
 *   loss           with %, or a fraction                loss<0.1%
 *   rate           answers a second, with k or M        rate>=100k
 *
 * and <, <=, > or >= between. No latency holds when nothing was answered.
 * Threading: pure. Memory: by value. */
#pragma once

#include <stdbool.h>

#include "xord_err.h"
#include "xord_tally.h"

#define XORD_ASSERTION_TERMS   16
#define XORD_ASSERTION_ERR_LEN 200

enum xord_assertion_metric {
    XORD_ASSERTION_PERCENTILE,
    XORD_ASSERTION_MEAN,
    XORD_ASSERTION_MAX,
    XORD_ASSERTION_LOSS,
    XORD_ASSERTION_RATE,
};

struct xord_assertion_term {
    char text[32];
    enum xord_assertion_metric metric;
    double percent; /* of a percentile */
    bool less, or_equal;
    double limit; /* ns; fraction; answers a second */
};

struct xord_assertion {
    struct xord_assertion_term terms[XORD_ASSERTION_TERMS];
    uint32_t cnt;
};

/* Adds the terms of a text to those that are there; none is where all is zero. 0, or XORD_EPROTO with one sentence. */
XORD_MUST_CHECK int xord_assertion_add(struct xord_assertion *assertion, char err[XORD_ASSERTION_ERR_LEN],
        const char *text);

/* Does a term hold? *value becomes what there was, in the unit of the limit; `rate` is of answers a second. */
bool xord_assertion_holds(const struct xord_assertion_term *term, double *value, const struct xord_tally *tally,
        double rate);

/* What there was, as text with its unit. */
#define XORD_ASSERTION_VALUE_LEN 32
const char *xord_assertion_value_text(char out[XORD_ASSERTION_VALUE_LEN], const struct xord_assertion_term *term,
        double value);
