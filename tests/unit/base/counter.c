/* SPDX-License-Identifier: BSD-3-Clause */
/* The counter table: each counter has a name and help of its own, and counts alone. */
#include "xord_counter.h"

#include <ctype.h>

#include "test_util.h"

Test(counter, names_are_unique_and_fit_for_metrics)
{
    for (int a = 0; a < XORD_COUNTER_CNT; a++) {
        const char *name = xord_counter_name((enum xord_counter_id)a);

        for (const char *c = name; *c; c++)
            cr_assert(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_', "%s", name);
        cr_assert(strlen(xord_counter_help((enum xord_counter_id)a)) > 0, "%s", name);
        for (int b = 0; b < a; b++)
            cr_assert(strcmp(name, xord_counter_name((enum xord_counter_id)b)) != 0, "%s", name);
    }
    cr_assert_null(xord_counter_name(XORD_COUNTER_CNT));
    cr_assert_null(xord_counter_help(XORD_COUNTER_CNT));
}

Test(counter, adds_to_its_own_value_only)
{
    static struct xord_counters counters;

    xord_counter_add(&counters, XORD_CNT_rx_packets, 3);
    xord_counter_add(&counters, XORD_CNT_rx_packets, 4);
    cr_assert(xord_counter_get(&counters, XORD_CNT_rx_packets) == 7);
    cr_assert(xord_counter_get(&counters, XORD_CNT_rx_bytes) == 0);
}
