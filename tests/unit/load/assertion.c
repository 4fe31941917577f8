/* SPDX-License-Identifier: BSD-3-Clause */
/* Assertions: what they say, what they refuse, when they hold. */
#include <stdlib.h>

#include "test_util.h"
#include "xord_assertion.h"

static struct xord_tally *tally_new(void)
{
    struct xord_tally *tally = malloc(sizeof(*tally));

    cr_assert(tally);
    xord_tally_reset(tally);
    return tally;
}

/* 999 answers in 1 to 999 us, one lost, 500 answers a second. */
static bool holds(const char *text)
{
    struct xord_tally *tally = tally_new();
    char err[XORD_ASSERTION_ERR_LEN];
    struct xord_assertion assertion = {0};
    bool all = true;

    for (uint64_t us = 1; us < 1000; us++)
        xord_histogram_record(&tally->latency, us * 1000);
    tally->answered = 999;
    tally->timeouts = 1;
    cr_assert_eq(xord_assertion_add(&assertion, err, text), 0, "%s: %s", text, err);
    for (uint32_t i = 0; i < assertion.cnt; i++) {
        double value;

        all &= xord_assertion_holds(&assertion.terms[i], &value, tally, 500);
    }
    free(tally);
    return all;
}

Test(assertion, holds_or_not)
{
    static const struct {
        const char *text;
        bool holds;
    } rows[] = {
            {"p99<2ms,loss<0.2%", true},
            {"p99<2ms,loss<0.1%", false},
            {"p99<2ms,loss<=0.1%", true},
            {"p99 < 980us", false},
            {"p50>499us", true},
            {"p50 < 501us", true},
            {"p99.99<=1ms", true},
            {"max<1s", true},
            {"max<0.0005s", false},
            {"mean>499us,mean<501us", true},
            {"loss<0.002", true},
            {"loss>0.002", false},
            {"rate>=500", true},
            {"rate>500", false},
            {"rate>=0.5k", true},
            {"rate<1M", true},
            {"p100>998999ns", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(holds(rows[i].text), rows[i].holds, "%s", rows[i].text);
}

Test(assertion, no_latency_holds_without_answers)
{
    struct xord_tally *tally = tally_new();
    char err[XORD_ASSERTION_ERR_LEN];
    struct xord_assertion assertion = {0};
    double value;

    tally->timeouts = 10;
    cr_assert_eq(xord_assertion_add(&assertion, err, "p99<2ms,max>0s,loss>99%"), 0);
    cr_assert(!xord_assertion_holds(&assertion.terms[0], &value, tally, 0));
    cr_assert(!xord_assertion_holds(&assertion.terms[1], &value, tally, 0));
    cr_assert(xord_assertion_holds(&assertion.terms[2], &value, tally, 0));
    free(tally);
    TEST_NO_LEAK();
}

Test(assertion, what_is_refused_is_told)
{
    static const char *const bad[][2] = {
            {"", "a term is"},
            {"p99", "a term is"},
            {"p99<2ms,", "a term is"},
            {"p99=2ms", "a term is"},
            {"q99<2ms", "known are"},
            {"p101<2ms", "known are"},
            {"p<2ms", "known are"},
            {"p9x<2ms", "known are"},
            {"<2ms", "known are"},
            {"p99<2", "in ns, us, ms or s"},
            {"p99<ms", "in ns, us, ms or s"},
            {"p99<2 hours", "in ns, us, ms or s"},
            {"p99<-2ms", "in ns, us, ms or s"},
            {"p99<nanms", "in ns, us, ms or s"},
            {"loss<2ms", "a share"},
            {"rate>2ms", "answers a second"},
            {"p99<2ms and a good deal more than fits into a term", "a term is"},
            {"max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,"
             "max<1s,max<1s",
                    "too many"},
    };
    char err[XORD_ASSERTION_ERR_LEN];
    struct xord_assertion assertion = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err[0] = '\0';
        assertion.cnt = 0;
        cr_assert_eq(xord_assertion_add(&assertion, err, bad[i][0]), XORD_EPROTO, "%s", bad[i][0]);
        cr_assert(strstr(err, bad[i][1]), "%s: %s", bad[i][0], err);
    }
}

Test(assertion, terms_of_several_texts_must_all_hold)
{
    char err[XORD_ASSERTION_ERR_LEN];
    struct xord_assertion assertion = {0};

    cr_assert_eq(xord_assertion_add(&assertion, err, "p99<1ns,loss<1%"), 0);
    cr_assert_eq(xord_assertion_add(&assertion, err, "rate>=1"), 0);
    cr_assert_eq(assertion.cnt, 3);
    cr_assert_str_eq(assertion.terms[0].text, "p99<1ns");
    cr_assert_str_eq(assertion.terms[1].text, "loss<1%");
    cr_assert_str_eq(assertion.terms[2].text, "rate>=1");
    for (int i = 3; i < XORD_ASSERTION_TERMS; i++)
        cr_assert_eq(xord_assertion_add(&assertion, err, "max<1s"), 0);
    cr_assert_eq(xord_assertion_add(&assertion, err, "max<1s"), XORD_EPROTO);
    cr_assert(strstr(err, "too many"), "%s", err);
}
