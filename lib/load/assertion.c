/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing and judging assertions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xord_assertion.h"

struct unit {
    const char *name;
    double factor;
};

static const struct unit times[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {NULL, 0}};
static const struct unit shares[] = {{"%", 0.01}, {"", 1}, {NULL, 0}};
static const struct unit rates[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {NULL, 0}};

static int fail(char err[XORD_ASSERTION_ERR_LEN], const char *term, const char *why)
{
    snprintf(err, XORD_ASSERTION_ERR_LEN, "\"%.40s\": %s", term, why);
    return XORD_EPROTO;
}

static bool metric_parse(struct xord_assertion_term *term, const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum xord_assertion_metric metric;
    } plain[] = {{"mean", XORD_ASSERTION_MEAN}, {"max", XORD_ASSERTION_MAX}, {"loss", XORD_ASSERTION_LOSS},
            {"rate", XORD_ASSERTION_RATE}};
    char *end;

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (len != strlen(plain[i].name) || memcmp(name, plain[i].name, len) != 0)
            continue;
        term->metric = plain[i].metric;
        return true;
    }
    if (len < 2 || name[0] != 'p' || name[1] < '0' || name[1] > '9')
        return false;
    term->metric = XORD_ASSERTION_PERCENTILE;
    term->percent = strtod(name + 1, &end);
    return end == name + len && term->percent <= 100;
}

static bool limit_parse(struct xord_assertion_term *term, const char *text)
{
    const struct unit *unit = times;
    char *end;
    double number = strtod(text, &end);

    if (end == text || !(number >= 0 && number <= 1e12))
        return false;
    if (term->metric == XORD_ASSERTION_LOSS)
        unit = shares;
    else if (term->metric == XORD_ASSERTION_RATE)
        unit = rates;
    for (; unit->name; unit++) {
        if (strcmp(end, unit->name) != 0)
            continue;
        term->limit = number * unit->factor;
        return true;
    }
    return false;
}

static const char *limit_hint(const struct xord_assertion_term *term)
{
    if (term->metric == XORD_ASSERTION_LOSS)
        return "a loss is compared with a share, as in loss<0.1%";
    if (term->metric == XORD_ASSERTION_RATE)
        return "a rate is compared with answers a second, as in rate>=100k";
    return "a latency is compared with a time in ns, us, ms or s, as in p99<2ms";
}

static int term_parse(struct xord_assertion_term *term, char err[XORD_ASSERTION_ERR_LEN], const char *text)
{
    size_t name_len = strcspn(text, "<>"), skip = name_len + 1;

    if (!text[name_len])
        return fail(err, text, "a term is METRIC<LIMIT or METRIC>LIMIT, as in p99<2ms");
    term->less = text[name_len] == '<';
    term->or_equal = text[skip] == '=';
    if (!metric_parse(term, text, name_len))
        return fail(err, text, "known are p50, p99, p99.9 and any other percentile, mean, max, loss, rate");
    if (!limit_parse(term, text + skip + term->or_equal))
        return fail(err, text, limit_hint(term));
    return 0;
}

/* Without white space; false: too long for a term. */
static bool term_copy(char out[sizeof(((struct xord_assertion_term *)0)->text)], const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ' || text[i] == '\t')
            continue;
        if (n + 1 == sizeof(((struct xord_assertion_term *)0)->text))
            return false;
        out[n++] = text[i];
    }
    out[n] = '\0';
    return true;
}

int xord_assertion_add(struct xord_assertion *assertion, char err[XORD_ASSERTION_ERR_LEN], const char *text)
{
    for (;;) {
        struct xord_assertion_term *term = &assertion->terms[assertion->cnt];
        size_t len = strcspn(text, ",");

        if (assertion->cnt == XORD_ASSERTION_TERMS)
            return fail(err, text, "there are too many terms");
        memset(term, 0, sizeof(*term));
        if (!term_copy(term->text, text, len))
            return fail(err, text, "a term is METRIC<LIMIT or METRIC>LIMIT, as in p99<2ms");
        if (term_parse(term, err, term->text))
            return XORD_EPROTO;
        assertion->cnt++;
        if (!text[len])
            return 0;
        text += len + 1;
    }
}

static double measure(const struct xord_assertion_term *term, const struct xord_tally *tally, double rate)
{
    switch (term->metric) {
    case XORD_ASSERTION_PERCENTILE:
        return (double)xord_histogram_percentile(&tally->latency, term->percent);
    case XORD_ASSERTION_MEAN:
        return xord_histogram_mean(&tally->latency);
    case XORD_ASSERTION_MAX:
        return (double)tally->latency.max;
    case XORD_ASSERTION_LOSS:
        return xord_tally_loss(tally);
    case XORD_ASSERTION_RATE:
        break;
    }
    return rate;
}

bool xord_assertion_holds(const struct xord_assertion_term *term, double *value, const struct xord_tally *tally,
        double rate)
{
    bool latency = term->metric != XORD_ASSERTION_LOSS && term->metric != XORD_ASSERTION_RATE;

    *value = measure(term, tally, rate);
    if (latency && tally->answered == 0)
        return false;
    if (*value == term->limit)
        return term->or_equal;
    return (*value < term->limit) == term->less;
}

const char *xord_assertion_value_text(char out[XORD_ASSERTION_VALUE_LEN], const struct xord_assertion_term *term,
        double value)
{
    if (term->metric == XORD_ASSERTION_LOSS)
        snprintf(out, XORD_ASSERTION_VALUE_LEN, "%.4g%%", value * 100);
    else if (term->metric == XORD_ASSERTION_RATE)
        snprintf(out, XORD_ASSERTION_VALUE_LEN, "%.0f", value);
    else if (value < 1e6)
        snprintf(out, XORD_ASSERTION_VALUE_LEN, "%.4gus", value / 1e3);
    else
        snprintf(out, XORD_ASSERTION_VALUE_LEN, "%.4gms", value / 1e6);
    return out;
}
