/* SPDX-License-Identifier: BSD-3-Clause */
/* When requests are due. */
#include "test_util.h"
#include "xord_schedule.h"

Test(schedule, constant)
{
    struct xord_schedule schedule = {.rate = 1000, .start_ns = 5, .duration_ns = 2 * XORD_NS_PER_S};

    cr_assert_eq(xord_schedule_due_ns(&schedule, 0), 5);
    cr_assert_eq(xord_schedule_due_ns(&schedule, 1), 5 + XORD_NS_PER_MS);
    cr_assert_eq(xord_schedule_due_ns(&schedule, 1999), 5 + 1999 * XORD_NS_PER_MS);
    cr_assert_eq(xord_schedule_cnt(&schedule), 2000);
    cr_assert_eq(xord_schedule_share(&schedule, 0), 1);
}

Test(schedule, never_drifts)
{
    struct xord_schedule schedule = {.rate = 300000, .duration_ns = 3600 * XORD_NS_PER_S};
    uint64_t k = UINT64_C(300000) * 3600;

    cr_assert_eq(xord_schedule_cnt(&schedule), k);
    cr_assert_eq(xord_schedule_due_ns(&schedule, k), 3600 * XORD_NS_PER_S);
}

Test(schedule, ramp)
{
    struct xord_schedule schedule = {.rate = 1000,
            .start_ns = XORD_NS_PER_S,
            .ramp_ns = 4 * XORD_NS_PER_S,
            .duration_ns = 10 * XORD_NS_PER_S};
    uint64_t before = 0, quarter = 0;

    cr_assert_eq(xord_schedule_cnt(&schedule), 8000); /* 2000 in the ramp, 6000 behind it */
    for (uint64_t k = 0; k < 8000; k++) {
        uint64_t due_ns = xord_schedule_due_ns(&schedule, k);

        cr_assert(due_ns >= before && due_ns >= schedule.start_ns);
        cr_assert_lt(due_ns, schedule.start_ns + schedule.duration_ns);
        quarter += due_ns < schedule.start_ns + XORD_NS_PER_S;
        before = due_ns;
    }
    cr_assert_eq(quarter, 125); /* half of 1 s at a rate that grows to 250 */
    cr_assert_eq(xord_schedule_due_ns(&schedule, 2000), 5 * XORD_NS_PER_S);
    cr_assert_float_eq(xord_schedule_share(&schedule, 2 * XORD_NS_PER_S), 0.25, 1e-9);
    cr_assert_eq(xord_schedule_share(&schedule, 9 * XORD_NS_PER_S), 1);
}

Test(schedule, ends_within_its_ramp)
{
    struct xord_schedule schedule = {.rate = 1000, .ramp_ns = 4 * XORD_NS_PER_S, .duration_ns = 2 * XORD_NS_PER_S};

    cr_assert_eq(xord_schedule_cnt(&schedule), 500);
}
