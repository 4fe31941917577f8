/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookups on a shard: they end, whatever gets lost, and are bounded in number. */
#include "node_private.h"
#include "puppet.h"
#include "test_util.h"

static struct world *world;
static struct xord_enr bootnode;

static struct member *start(uint32_t mail_cap)
{
    world = world_new(8);
    bootnode = puppet_record(world, "10.0.0.9", 9000, NULL, 0); /* nobody lives there */
    return world_add(world, &(struct member_config){.ip = "10.0.0.1",
                                    .mail_cap = mail_cap,
                                    .node = {.bootnodes = &bootnode, .bootnode_cnt = 1}});
}

static void stop(void)
{
    world_free(world);
    TEST_NO_LEAK();
}

static void look(struct member *member, uint32_t local, uint64_t cookie)
{
    struct xord_mail *mail = member_mail_new(member, XORD_MAIL_LOOKUP, local, cookie);

    memset(mail->lookup.target32, (int)cookie, 32);
    member_post(member, 0, mail);
}

static int32_t err_of(const struct member *member, uint64_t cookie)
{
    cr_assert_eq(member_reply_cnt(member, XORD_MAIL_DONE, cookie), 1, "lookup %lu", (unsigned long)cookie);
    return member_reply(member, XORD_MAIL_DONE, cookie)->done.err;
}

Test(seeker, ends_when_nobody_answers)
{
    struct member *a = start(0);

    look(a, 0, 1);
    world_run(world, 5 * S);
    cr_assert_eq(err_of(a, 1), 0);
    cr_assert_eq(member_reply(a, XORD_MAIL_DONE, 1)->done.record_cnt, 0);
    cr_assert_eq(member_reply(a, XORD_MAIL_DONE, 1)->done.queries, 1);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_RECORDS, 1), 0);
    stop();
}

Test(seeker, ends_at_once_without_anybody_to_ask)
{
    struct member *a;

    world = world_new(8);
    a = world_add(world, &(struct member_config){.ip = "10.0.0.1"});
    look(a, 0, 1);
    world_run(world, 1 * MS);
    cr_assert_eq(err_of(a, 1), 0);
    stop();
}

Test(seeker, is_bounded_in_number)
{
    struct member *a = start(0);
    uint32_t full = 0;

    for (uint64_t i = 0; i < 10; i++)
        look(a, 0, i);
    world_run(world, 5 * S);
    for (uint64_t i = 0; i < 10; i++)
        full += err_of(a, i) == XORD_EFULL;
    cr_assert_eq(full, 10 - SEEKER_CNT);
    look(a, 0, 10);
    world_run(world, 5 * S);
    cr_assert_eq(err_of(a, 10), 0);
    stop();
}

/* The answers to its queries got lost within the process: given up after a minute, when its place is needed. */
Test(seeker, a_lookup_that_lost_its_answers_makes_room)
{
    struct member *a = start(0);
    struct xord_mail *held = member_mail_new(a, XORD_MAIL_TALK, 0, 0);

    for (uint64_t i = 0; i < SEEKER_CNT; i++)
        look(a, 0, i);
    world_run(world, 10 * MS);
    a->mail_cap = 1; /* which is held */
    world_run(world, 5 * S);
    a->mail_cap = 0;
    member_post(a, 0, held);
    for (uint64_t i = 0; i < SEEKER_CNT; i++)
        cr_assert_eq(member_reply_cnt(a, XORD_MAIL_DONE, i), 0, "this was to be lost");
    look(a, 0, 10);
    world_run(world, 1 * S);
    cr_assert_eq(err_of(a, 10), XORD_EFULL);
    world_run(world, 60 * S);
    look(a, 0, 11);
    world_run(world, 5 * S);
    cr_assert_eq(err_of(a, 11), 0);
    cr_assert_eq(err_of(a, 0), XORD_ETIMEOUT);
    stop();
}

/* Without a mail for its queries it fails rather than hangs. */
Test(seeker, ends_without_mail)
{
    struct member *a = start(1);

    look(a, 0, 1); /* itself the one mail that there may be */
    world_run(world, 5 * S);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_DONE, 1), 0);
    a->mail_cap = 0;
    look(a, 0, 2);
    world_run(world, 5 * S);
    cr_assert_eq(err_of(a, 2), 0);
    stop();
}

/* A reply that comes after its lookup has ended, or with a cookie that never was, changes nothing. */
Test(seeker, stale_replies_are_ignored)
{
    struct member *a = start(0);

    for (uint64_t slot = 0; slot < 300; slot += 3) {
        struct xord_mail *mail =
                member_mail_new(a, XORD_MAIL_DONE, 0, (uint64_t)PURPOSE_LOOKUP << PURPOSE_SHIFT | slot << 48);

        member_post(a, 0, mail);
    }
    look(a, 0, 1);
    world_run(world, 5 * S);
    cr_assert_eq(err_of(a, 1), 0);
    stop();
}
