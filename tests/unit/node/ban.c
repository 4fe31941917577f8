/* SPDX-License-Identifier: BSD-3-Clause */
/* Bans by prefix, and what a shard does with them. */
#include "xord_ban.h"

#include "test_util.h"
#include "world.h"

static const struct xord_hash_key key = {{1, 2}};

static struct xord_prefix prefix_of(const char *text)
{
    struct xord_prefix prefix;

    cr_assert_eq(xord_prefix_parse(&prefix, text), 0, "%s", text);
    return prefix;
}

static void add(struct xord_bans *bans, const char *text, uint64_t until_ns)
{
    struct xord_prefix prefix = prefix_of(text);

    cr_assert_eq(xord_bans_add(bans, &prefix, until_ns), 0, "%s", text);
}

static bool removed(struct xord_bans *bans, const char *text)
{
    struct xord_prefix prefix = prefix_of(text);

    return xord_bans_remove(bans, &prefix);
}

static bool has(const struct xord_bans *bans, const char *ip, uint64_t now_ns)
{
    struct xord_endpoint ep = world_ep(ip, 1);

    return xord_bans_has(bans, ep.ip16, now_ns);
}

Test(ban, by_any_length)
{
    struct xord_bans *bans = xord_bans_new(&key);

    cr_assert_not(has(bans, "1.2.3.4", S));
    add(bans, "1.2.3.0/24", XORD_BAN_FOREVER);
    add(bans, "9.9.9.9", XORD_BAN_FOREVER);
    add(bans, "2001:db8::/32", XORD_BAN_FOREVER);
    cr_assert(has(bans, "1.2.3.4", S));
    cr_assert_not(has(bans, "1.2.4.4", S));
    cr_assert(has(bans, "9.9.9.9", S));
    cr_assert_not(has(bans, "9.9.9.8", S));
    cr_assert(has(bans, "2001:db8:1::1", S));
    cr_assert_not(has(bans, "2001:db9::1", S));
    cr_assert(removed(bans, "1.2.3.0/24"));
    cr_assert_not(removed(bans, "1.2.3.0/24"));
    cr_assert_not(removed(bans, "9.9.9.0/24"), "another prefix around it");
    cr_assert_not(has(bans, "1.2.3.4", S));
    cr_assert(has(bans, "9.9.9.9", S));
    cr_assert_eq(xord_bans_cnt(bans), 2);
    add(bans, "::/0", XORD_BAN_FOREVER);
    cr_assert_not(has(bans, "1.2.3.4", S), "all of IPv6 is no IPv4");
    xord_bans_free(bans);
    TEST_NO_LEAK();
}

Test(ban, until_a_time)
{
    struct xord_bans *bans = xord_bans_new(&key);

    add(bans, "1.2.3.4", 10 * S);
    add(bans, "1.2.3.5", 20 * S);
    add(bans, "1.2.3.6", XORD_BAN_FOREVER);
    cr_assert(has(bans, "1.2.3.4", 10 * S - 1));
    cr_assert_not(has(bans, "1.2.3.4", 10 * S), "also before anybody has swept");
    xord_bans_expire(bans, 10 * S);
    cr_assert_eq(xord_bans_cnt(bans), 2);
    cr_assert(has(bans, "1.2.3.5", 10 * S));
    add(bans, "1.2.3.5", 30 * S);
    xord_bans_expire(bans, 20 * S);
    cr_assert_eq(xord_bans_cnt(bans), 2, "the time was put off");
    xord_bans_expire(bans, 30 * S);
    cr_assert_eq(xord_bans_cnt(bans), 1);
    cr_assert(has(bans, "1.2.3.6", 1000 * S));
    xord_bans_free(bans);
    TEST_NO_LEAK();
}

Test(ban, as_many_as_there_can_be)
{
    struct xord_bans *bans = xord_bans_new(&key);
    struct xord_prefix more = prefix_of("99.0.0.1");
    char ip[32];

    for (int i = 0; i < XORD_BAN_CAP; i++) {
        snprintf(ip, sizeof(ip), "10.%d.%d.0/24", i >> 8, i & 255);
        add(bans, ip, XORD_BAN_FOREVER);
    }
    cr_assert_eq(xord_bans_add(bans, &more, XORD_BAN_FOREVER), XORD_EFULL);
    add(bans, "10.0.0.0/24", 5 * S);
    for (int i = 1; i < XORD_BAN_CAP; i++) {
        snprintf(ip, sizeof(ip), "10.%d.%d.77", i >> 8, i & 255);
        cr_assert(has(bans, ip, S), "%s", ip);
    }
    for (int i = 0; i < XORD_BAN_CAP; i += 7) {
        snprintf(ip, sizeof(ip), "10.%d.%d.0/24", i >> 8, i & 255);
        cr_assert(removed(bans, ip), "%s", ip);
    }
    for (int i = 0; i < XORD_BAN_CAP; i++) {
        snprintf(ip, sizeof(ip), "10.%d.%d.77", i >> 8, i & 255);
        cr_assert_eq(has(bans, ip, S), i % 7 != 0, "%s", ip);
    }
    xord_bans_free(bans);
    TEST_NO_LEAK();
}

/* ---- on a shard ---- */

static void tell_ban(struct member *member, const char *text, uint64_t until_ns)
{
    for (uint16_t shard = 0; shard < member->shard_cnt; shard++) {
        struct xord_mail *mail = member_mail_new(member, XORD_MAIL_BAN, 0, 0);

        mail->ban.prefix = prefix_of(text);
        mail->ban.until_ns = until_ns;
        member_post(member, shard, mail);
    }
}

static bool answers(struct member *from, const struct member *to, uint64_t cookie)
{
    struct xord_peer peer = member_peer(to, 0);

    member_ping(from, 0, &peer, cookie);
    world_run(from->world, 6 * S);
    return member_reply(from, XORD_MAIL_DONE, cookie)->done.err == 0;
}

Test(ban, a_shard_hears_nothing_from_there_and_forgets_its_nodes)
{
    struct world *world = world_new(1);
    struct member *host = world_add(world, &(struct member_config){.ip = "10.0.0.1", .shard_cnt = 2});
    struct member *good = world_add(world, &(struct member_config){.ip = "10.0.1.1"});
    struct member *bad = world_add(world, &(struct member_config){.ip = "10.0.2.1"});
    struct xord_node_sizes sizes[2];

    cr_assert(answers(good, host, 1));
    cr_assert(answers(bad, host, 2));
    world_run(world, 10 * S);
    for (int i = 0; i < 2; i++)
        xord_node_sizes(host->shards[i].node, &sizes[i]);
    cr_assert_eq(sizes[0].table + sizes[1].table, 2);
    tell_ban(host, "10.0.2.0/24", world->now_ns + 100 * S);
    world_run(world, 100 * MS);
    for (int i = 0; i < 2; i++)
        xord_node_sizes(host->shards[i].node, &sizes[i]);
    cr_assert_eq(sizes[0].table + sizes[1].table, 1);
    cr_assert(answers(good, host, 3));
    cr_assert_not(answers(bad, host, 4), "also one that has a session");
    cr_assert_gt(member_count(host, XORD_CNT_drop_banned), 0);
    world_run(world, 100 * S);
    cr_assert(answers(bad, host, 5), "the time is over");
    tell_ban(host, "10.0.2.0/24", XORD_BAN_FOREVER);
    cr_assert_not(answers(bad, host, 6));
    tell_ban(host, "10.0.2.0/24", 0);
    cr_assert(answers(bad, host, 7), "not banned any more");
    world_free(world);
    TEST_NO_LEAK();
}

/* ---- draining ---- */

static void tell_drain(struct member *member, bool drain)
{
    struct xord_mail *mail = member_mail_new(member, XORD_MAIL_DRAIN, 0, 0);

    mail->drain = drain;
    member_post(member, 0, mail);
}

Test(drain, strangers_wait_and_friends_do_not)
{
    struct world *world = world_new(1);
    struct member *host = world_add(world, &(struct member_config){.ip = "10.0.0.1"});
    struct member *known = world_add(world, &(struct member_config){.ip = "10.0.1.1"});
    struct member *stranger = world_add(world, &(struct member_config){.ip = "10.0.2.1"});

    cr_assert(answers(known, host, 1));
    tell_drain(host, true);
    cr_assert(answers(known, host, 2));
    cr_assert_not(answers(stranger, host, 3));
    cr_assert_gt(member_count(host, XORD_CNT_drop_draining), 0);
    tell_drain(host, false);
    cr_assert(answers(stranger, host, 4));
    world_free(world);
    TEST_NO_LEAK();
}

/* ---- other limits while it runs ---- */

Test(limits, may_change_at_any_time)
{
    struct world *world = world_new(1);
    struct member *host = world_add(world, &(struct member_config){.ip = "10.0.0.1"});
    struct member *peer = world_add(world, &(struct member_config){.ip = "10.0.1.1"});
    struct xord_peer at = member_peer(host, 0);
    struct xord_mail *mail;
    uint64_t dropped;

    cr_assert(answers(peer, host, 1));
    mail = member_mail_new(host, XORD_MAIL_LIMITS, 0, 0);
    mail->limits = (struct xord_limit_config){.address = {.rate = 10, .burst = 10}};
    member_post(host, 0, mail);
    world_run(world, 100 * MS);
    for (int i = 0; i < 100; i++)
        member_ping(peer, 0, &at, 100);
    world_run(world, 10 * S);
    dropped = member_count(host, XORD_CNT_drop_limit_address);
    cr_assert(dropped >= 40 && dropped <= 100, "%llu", (unsigned long long)dropped);
    mail = member_mail_new(host, XORD_MAIL_LIMITS, 0, 0);
    mail->limits = (struct xord_limit_config){0};
    member_post(host, 0, mail);
    world_run(world, 100 * MS);
    for (int i = 0; i < 100; i++)
        member_ping(peer, 0, &at, 200);
    world_run(world, 10 * S);
    cr_assert_eq(member_count(host, XORD_CNT_drop_limit_address), dropped);
    world_free(world);
    TEST_NO_LEAK();
}
