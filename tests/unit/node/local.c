/* SPDX-License-Identifier: BSD-3-Clause */
/* Local identities: which one a destination selects. */
#include "xord_local.h"

#include "test_util.h"
#include "world.h"

#define MANY 2000

static const struct xord_aes_ops *const ops = &xord_aes_native;
static const struct xord_hash_key hash_key = {{1, 2}};
static struct xord_aes *aes;
static struct xord_locals *locals;

static void start(uint32_t capacity)
{
    aes = ops->open();
    locals = xord_locals_new(capacity, &hash_key);
    cr_assert(aes && locals);
}

static void stop(void)
{
    xord_locals_free(locals);
    ops->close(aes);
    TEST_NO_LEAK();
}

/* An identity whose id begins with `n`. */
static int add(uint32_t n, const struct xord_endpoint *ep4, const struct xord_endpoint *ep6)
{
    uint8_t seckey32[32] = {1};
    struct xord_enr enr = {.seq = n};

    xord_store_be32(enr.id32, n);
    return xord_locals_add(locals, ops, aes, seckey32, &enr, ep4, ep6);
}

static struct xord_endpoint v4(uint32_t n, uint16_t port)
{
    uint8_t ip4[4];

    xord_store_be32(ip4, 0x7f000000 + n);
    return xord_endpoint_v4(ip4, port);
}

static struct xord_endpoint v6(uint32_t n, uint16_t port)
{
    uint8_t ip16[16] = {0xfd};

    xord_store_be32(ip16 + 12, n);
    return xord_endpoint_v6(ip16, port);
}

static uint32_t find(struct xord_endpoint ep)
{
    return xord_locals_find(locals, &ep);
}

Test(local, each_endpoint_selects_its_identity)
{
    start(MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        struct xord_endpoint ep4 = v4(i, (uint16_t)(9000 + i % 3)), ep6 = v6(i, 9000);

        cr_assert_eq(add(i, i % 4 == 3 ? NULL : &ep4, i % 4 == 2 ? NULL : &ep6), 0);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint16_t port = (uint16_t)(9000 + i % 3);

        cr_assert_eq(find(v4(i, port)), i % 4 == 3 ? XORD_LOCAL_NONE : i);
        cr_assert_eq(find(v6(i, 9000)), i % 4 == 2 ? XORD_LOCAL_NONE : i);
        cr_assert_eq(find(v4(i, (uint16_t)(port + 7))), XORD_LOCAL_NONE);
        cr_assert_eq(find(v4(i + MANY, port)), XORD_LOCAL_NONE);
    }
    stop();
}

Test(local, an_unspecified_address_takes_all_of_its_family)
{
    struct xord_endpoint any4 = world_ep("0.0.0.0", 9000), any6 = world_ep("::", 9000), one = v4(5, 9000);

    start(4);
    cr_assert_eq(add(0, &any4, NULL), 0);
    cr_assert_eq(find(v4(1, 9000)), 0);
    cr_assert_eq(find(v6(1, 9000)), XORD_LOCAL_NONE);
    cr_assert_eq(add(1, &one, &any6), 0);
    cr_assert_eq(find(v4(5, 9000)), 1, "the exact address goes first");
    cr_assert_eq(find(v4(6, 9000)), 0);
    cr_assert_eq(find(v6(1, 9000)), 1);
    cr_assert_eq(add(2, &any4, NULL), XORD_EEXIST);
    stop();
}

Test(local, an_unspecified_address_is_at_its_port_only)
{
    struct xord_endpoint a4 = world_ep("0.0.0.0", 9000), b4 = world_ep("0.0.0.0", 9001), b6 = world_ep("::", 9001);

    start(4);
    cr_assert_eq(add(0, &a4, NULL), 0);
    cr_assert_eq(add(1, &b4, &b6), 0);
    cr_assert(locals->all[1].any[0] && locals->all[1].any[1] && !locals->all[0].any[1]);
    for (uint32_t n = 1; n < 50; n++) {
        cr_assert_eq(find(v4(n, 9000)), 0);
        cr_assert_eq(find(v4(n, 9001)), 1);
        cr_assert_eq(find(v6(n, 9001)), 1);
        cr_assert_eq(find(v6(n, 9000)), XORD_LOCAL_NONE);
        cr_assert_eq(find(v4(n, 9002)), XORD_LOCAL_NONE);
    }
    stop();
}

static int add_at(uint32_t n, const struct xord_endpoint *eps, uint32_t cnt)
{
    uint8_t seckey32[32] = {1};
    struct xord_enr enr = {.seq = n};

    xord_store_be32(enr.id32, n);
    return xord_locals_add_at(locals, ops, aes, seckey32, &enr, eps, cnt);
}

/* Two identities at three addresses of each family, at one port. */
Test(local, several_endpoints_of_a_family_select_one_identity)
{
    struct xord_endpoint eps[2][6];

    start(2);
    for (uint32_t local = 0; local < 2; local++) {
        for (uint32_t i = 0; i < 3; i++) {
            eps[local][2 * i] = v4(10 * local + i, 9000);
            eps[local][2 * i + 1] = v6(10 * local + i, 9000);
        }
        cr_assert_eq(add_at(local, eps[local], 6), 0);
        cr_assert(xord_endpoint_equal(&locals->all[local].ep[0], &eps[local][0]), "the first is where it asks from");
        cr_assert(xord_endpoint_equal(&locals->all[local].ep[1], &eps[local][1]));
        cr_assert(!locals->all[local].any[0] && !locals->all[local].any[1]);
    }
    for (uint32_t local = 0; local < 2; local++)
        for (uint32_t i = 0; i < 6; i++)
            cr_assert_eq(find(eps[local][i]), local);
    cr_assert_eq(find(v4(3, 9000)), XORD_LOCAL_NONE);
    cr_assert_eq(find(v4(0, 9001)), XORD_LOCAL_NONE);
    stop();
}

Test(local, one_of_several_endpoints_that_is_taken_refuses_all)
{
    struct xord_endpoint mine[3] = {v4(1, 9000), v4(2, 9000), v4(3, 9000)};
    struct xord_endpoint theirs[3] = {v4(4, 9000), v4(5, 9000), v4(3, 9000)};
    struct xord_endpoint twice[3] = {v4(4, 9000), v6(5, 9000), v4(4, 9000)};

    start(3);
    cr_assert_eq(add_at(0, mine, 3), 0);
    cr_assert_eq(add_at(1, theirs, 3), XORD_EEXIST);
    cr_assert_eq(find(theirs[0]), XORD_LOCAL_NONE);
    cr_assert_eq(find(theirs[1]), XORD_LOCAL_NONE);
    cr_assert_eq(add_at(1, twice, 3), XORD_EEXIST);
    cr_assert_eq(add_at(1, theirs, 2), 0);
    cr_assert_eq(find(theirs[1]), 1);
    cr_assert_eq(find(theirs[2]), 0);
    stop();
}

Test(local, endpoints_are_bounded)
{
    struct xord_endpoint eps[XORD_LOCAL_MORE_MAX + 1];

    start(4);
    for (uint32_t i = 0; i <= XORD_LOCAL_MORE_MAX; i++)
        eps[i] = v4(i, 9000);
    cr_assert_eq(add_at(0, eps, XORD_LOCAL_MORE_MAX + 1), XORD_EFULL);
    cr_assert_eq(add_at(0, eps, XORD_LOCAL_MORE_MAX), 0);
    cr_assert_eq(add_at(1, eps + XORD_LOCAL_MORE_MAX, 1), 0);
    for (uint32_t i = 0; i <= XORD_LOCAL_MORE_MAX; i++)
        cr_assert_eq(find(eps[i]), i == XORD_LOCAL_MORE_MAX);
    stop();
}

Test(local, an_endpoint_belongs_to_one)
{
    struct xord_endpoint ep = v4(1, 9000), other = v4(2, 9000), free6 = v6(1, 9000);

    start(4);
    cr_assert_eq(add(0, &ep, NULL), 0);
    cr_assert_eq(add(1, &ep, NULL), XORD_EEXIST);
    cr_assert_eq(add(2, &ep, &free6), XORD_EEXIST);
    cr_assert_eq(locals->cnt, 1);
    cr_assert_eq(add(3, &other, &free6), 0);
    cr_assert_eq(find(other), 1);
    cr_assert_eq(find(free6), 1);
    cr_assert_eq(locals->all[1].enr.seq, 3);
    stop();
}

/* Taken on its second family only: nothing of it may stay. */
Test(local, a_refused_identity_leaves_nothing_behind)
{
    struct xord_endpoint taken6 = v6(1, 9000), any4 = world_ep("0.0.0.0", 9000), a4 = v4(1, 9000), b4 = v4(2, 9000);

    start(4);
    cr_assert_eq(add(0, &a4, &taken6), 0);
    cr_assert_eq(add(1, &b4, &taken6), XORD_EEXIST);
    cr_assert_eq(find(b4), XORD_LOCAL_NONE);
    cr_assert_eq(add(2, &any4, &taken6), XORD_EEXIST);
    cr_assert_eq(find(v4(99, 9000)), XORD_LOCAL_NONE);
    cr_assert_eq(add(3, &b4, NULL), 0);
    cr_assert_eq(find(b4), 1);
    cr_assert_eq(locals->all[1].enr.seq, 3);
    cr_assert_eq(locals->all[1].ep[1].port, 0);
    stop();
}

Test(local, capacity_is_a_bound)
{
    struct xord_endpoint ep;

    start(2);
    for (uint32_t i = 0; i < 4; i++) {
        ep = v4(i, 9000);
        cr_assert_eq(add(i, &ep, NULL), i < 2 ? 0 : XORD_EFULL);
    }
    cr_assert_eq(locals->cnt, 2);
    stop();
}
