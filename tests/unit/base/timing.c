/* SPDX-License-Identifier: BSD-3-Clause */
/* Histograms of times: which bucket, and what adds up. */
#include "xord_timing.h"

#include "test_util.h"

Test(timing, a_bucket_holds_what_is_up_to_its_bound)
{
    cr_assert_eq(xord_timing_bucket(0), 0);
    for (unsigned b = 0; b < XORD_TIMING_BOUNDS; b++) {
        cr_assert_eq(xord_timing_bucket(xord_timing_bound_ns(b)), b);
        cr_assert_eq(xord_timing_bucket(xord_timing_bound_ns(b) + 1), b + 1);
    }
    cr_assert_eq(xord_timing_bucket(UINT64_MAX / 2), XORD_TIMING_BOUNDS);
}

Test(timing, counts_and_sums)
{
    static struct xord_timing timing;

    xord_timing_add(&timing, 1500, 3);
    xord_timing_add(&timing, 1800, 1);
    xord_timing_add(&timing, 5 * XORD_NS_PER_S, 2);
    cr_assert(timing.cnt[1] == 4);
    cr_assert(timing.cnt[XORD_TIMING_BOUNDS] == 2);
    cr_assert(timing.sum_ns == 3 * 1500 + 1800 + 10 * XORD_NS_PER_S);
}

Test(timing, each_has_a_name_and_a_help)
{
    for (int i = 0; i < XORD_TIMING_CNT; i++) {
        cr_assert_gt(strlen(xord_timing_name((enum xord_timing_id)i)), 0);
        cr_assert_gt(strlen(xord_timing_help((enum xord_timing_id)i)), 0);
    }
    cr_assert_null(xord_timing_name(XORD_TIMING_CNT));
    cr_assert_null(xord_timing_help(XORD_TIMING_CNT));
}
