/* SPDX-License-Identifier: BSD-3-Clause */
#include "state_util.h"

#include <criterion/criterion.h>

#include "xord_bytes.h"

struct xord_curve *state_curve(void)
{
    static const uint8_t seed32[32] = {7};
    struct xord_curve *curve = xord_curve_open(seed32);

    cr_assert_not_null(curve);
    return curve;
}

static struct xord_enr record(const struct xord_curve *curve, uint32_t number)
{
    struct xord_endpoint ep = xord_endpoint_v4((const uint8_t[4]){10, 0, 0, (uint8_t)number}, 9000);
    uint8_t seckey32[32] = {0};
    struct xord_enr_draft draft;
    struct xord_enr enr;

    xord_store_be32(seckey32 + 28, number);
    xord_enr_draft_init(&draft, 100 + number);
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), 0);
    return enr;
}

void state_make(struct xord_state *state, const struct xord_curve *curve)
{
    static const char *const bans[STATE_BANS] = {"192.0.2.0/24", "2001:db8::/32", "9.9.9.9"};
    uint32_t number = 0;

    *state = (struct xord_state){.saved_s = 1700000000};
    for (uint32_t s = 0; s < STATE_SELVES; s++) {
        struct xord_enr self = record(curve, ++number);

        cr_assert_eq(xord_state_add_self(state, &self), 0);
        for (uint32_t n = 0; n < STATE_NODES; n++) {
            struct xord_state_node node = {.live_checks = n * 1000,
                    .last_live_s = 1700000000 - n,
                    .replacement = n % 3 == 0};

            node.enr = record(curve, ++number);
            cr_assert_eq(xord_state_add_node(state, &node), 0);
        }
    }
    for (uint32_t i = 0; i < STATE_BANS; i++) {
        struct xord_state_ban ban = {.until_s = i ? 1800000000 + i : 0};

        cr_assert_eq(xord_prefix_parse(&ban.prefix, bans[i]), 0);
        cr_assert_eq(xord_state_add_ban(state, &ban), 0);
    }
}
