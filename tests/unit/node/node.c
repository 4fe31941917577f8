/* SPDX-License-Identifier: BSD-3-Clause */
/* Shards that talk to each other over a network in virtual time. */
#include "xord_node.h"

#include "puppet.h"
#include "test_util.h"
#include "world.h"

static struct world *world;

static void setup(void)
{
    world = world_new(1);
}

static void teardown(void)
{
    world_free(world);
    TEST_NO_LEAK();
}

TestSuite(node, .init = setup, .fini = teardown);

static struct member *add(const char *ip)
{
    return world_add(world, &(struct member_config){.ip = ip});
}

static const struct xord_mail_done *done_of(const struct member *member, uint64_t cookie)
{
    const struct xord_mail *mail = member_reply(member, XORD_MAIL_DONE, cookie);

    cr_assert_eq(member_reply_cnt(member, XORD_MAIL_DONE, cookie), 1, "request %lu: %u DONE", (unsigned long)cookie,
            member_reply_cnt(member, XORD_MAIL_DONE, cookie));
    return &mail->done;
}

Test(node, a_ping_shakes_hands_and_is_answered)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);
    struct xord_endpoint own = member_peer(a, 0).ep;
    const struct xord_mail *pong;

    member_ping(a, 0, &to, 1);
    world_run(world, 100 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert_eq(done_of(a, 1)->handshake, 1);
    pong = member_reply(a, XORD_MAIL_PONG, 1);
    cr_assert_not_null(pong);
    cr_assert_eq(pong->pong.enr_seq, 1);
    cr_assert(xord_endpoint_equal(&pong->pong.said, &own));
    cr_assert_eq(member_count(a, XORD_CNT_handshakes_out), 1);
    cr_assert_eq(member_count(b, XORD_CNT_handshakes_in), 1);
}
