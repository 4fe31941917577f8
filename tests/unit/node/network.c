/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole network of hosts that know one bootnode: they fill their tables, and lookups find what is closest. */
#include "test_util.h"
#include "world.h"

#define NODES 200

static struct world *world;
static struct member *members[NODES];
static struct xord_enr bootnode;

static struct member *join(uint32_t n, uint16_t shard_cnt)
{
    struct member_config config = {.shard_cnt = shard_cnt,
            .node = {.maintain = true, .bootnodes = &bootnode, .bootnode_cnt = 1, .request_cap = 256}};
    char ip[16];

    snprintf(ip, sizeof(ip), "10.%u.%u.1", n / 200, n % 200);
    config.ip = ip;
    return world_add(world, &config);
}

static void start(void)
{
    world = world_new(3);
    world->net = (struct world_net){.delay_ns = 20 * MS, .jitter_ns = 60 * MS};
    members[0] = world_add(world, &(struct member_config){.ip = "10.9.0.1"});
    bootnode = *member_enr(members[0], 0);
    for (uint32_t i = 1; i < NODES; i++) {
        members[i] = join(i, 1 + i % 2);
        world_run(world, 50 * MS);
    }
    world_run(world, 180 * S);
}

static uint32_t live_of(const struct member *member)
{
    uint32_t live = 0;

    for (uint16_t s = 0; s < member->shard_cnt; s++) {
        struct xord_node_sizes sizes;

        xord_node_sizes(member->shards[s].node, &sizes);
        live += sizes.table_live;
    }
    return live;
}

/* How many of the 16 members closest to a target a lookup by `from` has found. */
static uint32_t lookup_hits(struct member *from, const uint8_t target32[32], uint64_t cookie)
{
    struct xord_mail *mail = member_mail_new(from, XORD_MAIL_LOOKUP, 0, cookie);
    uint32_t hits = 0;

    memcpy(mail->lookup.target32, target32, 32);
    member_post(from, 0, mail);
    world_run(world, 8 * S);
    cr_assert_eq(member_reply_cnt(from, XORD_MAIL_DONE, cookie), 1);
    cr_assert_eq(member_reply(from, XORD_MAIL_DONE, cookie)->done.err, 0);
    for (const struct xord_mail *reply = from->control; reply; reply = reply->next) {
        struct xord_enr enr;
        size_t pos = 0;

        if (reply->kind != XORD_MAIL_RECORDS || reply->cookie != cookie)
            continue;
        while (xord_mail_records_next(&reply->records, &pos, &enr)) {
            uint32_t closer = 0;

            for (uint32_t i = 0; i < NODES; i++)
                closer += members[i] != from &&
                          xord_distance_compare(target32, member_enr(members[i], 0)->id32, enr.id32) < 0;
            hits += closer < 16;
        }
    }
    return hits;
}

Test(network, joins_by_one_bootnode_and_lookups_converge)
{
    uint32_t hits = 0, lookups = 0, least = UINT32_MAX;

    start();
    for (uint32_t i = 1; i < NODES; i++)
        least = live_of(members[i]) < least ? live_of(members[i]) : least;
    cr_assert_geq(least, 30, "a table has only %u live nodes", least);
    for (uint32_t i = 1; i < NODES; i += 29) {
        uint8_t target32[32];

        xord_rng_fill(&world->rng, target32, 32);
        hits += lookup_hits(members[i], target32, 2 * i);
        hits += lookup_hits(members[i], member_enr(members[(i * 7) % NODES], 0)->id32, 2 * i + 1);
        lookups += 2;
    }
    cr_assert_geq(hits * 100, lookups * 16 * 98, "%u of %u", hits, lookups * 16);
    world_free(world);
    TEST_NO_LEAK();
}
