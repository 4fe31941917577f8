/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host does of its own accord: it fetches newer records, tells its shards of its own, asks whom it does not know. */
#include "node_private.h"
#include "puppet.h"
#include "test_util.h"

static struct world *world;
static struct member *host;
static struct xord_peer host_at;
static struct puppet *peer;

static void start(const struct member_config *config)
{
    world = world_new(6);
    host = world_add(world, config);
    host_at = member_peer(host, 0);
    peer = puppet_new(world, "10.0.0.2", 9000);
}

static void setup(void)
{
    start(&(struct member_config){.ip = "10.0.0.1"});
}

static void teardown(void)
{
    world_free(world);
    TEST_NO_LEAK();
}

/* Lets time pass until the peer is asked something of that type. */
static void await(struct puppet_message *msg, enum xord_message_type type)
{
    for (int i = 0; i < 500; i++) {
        world_run(world, 20 * MS);
        if (puppet_take_message(peer, type, msg))
            return;
    }
    cr_assert_fail("the host did not ask");
}

static void answer_ping(const struct puppet_message *ping, uint64_t enr_seq)
{
    struct xord_message pong = {.type = XORD_MSG_PONG,
            .request_id = ping->msg.request_id,
            .pong = {.enr_seq = enr_seq, .port = host_at.ep.port}};

    memcpy(pong.pong.ip16, host_at.ep.ip16, 16);
    puppet_send_message(peer, &host_at, &pong);
}

static void answer_findnode(const struct puppet_message *findnode, const struct xord_enr *enr)
{
    struct xord_message nodes = {.type = XORD_MSG_NODES, .request_id = findnode->msg.request_id, .nodes.total = 1};

    nodes.nodes.records = (struct xord_rlp_view){.data = enr->raw, .len = enr->len, .cnt = 1};
    puppet_send_message(peer, &host_at, &nodes);
    world_run(world, 20 * MS);
}

static uint64_t known_seq(void)
{
    const struct xord_table_node *known = xord_table_find(member_node(host)->hosts[0].table, peer->enr.id32);

    return known ? known->enr.seq : 0;
}

Test(host, fetches_a_newer_record, .init = setup, .fini = teardown)
{
    struct puppet_message ping, findnode;
    uint32_t distance;
    size_t pos = 0;

    puppet_connect(peer, &host_at);
    await(&ping, XORD_MSG_PING);
    puppet_set_record(peer, 5, &peer->listener.ep);
    answer_ping(&ping, 5);
    await(&findnode, XORD_MSG_FINDNODE);
    cr_assert(xord_distances_next(&findnode.msg.findnode.distances, &pos, &distance));
    cr_assert_eq(distance, 0);
    cr_assert_eq(known_seq(), 1);
    answer_findnode(&findnode, &peer->enr);
    cr_assert_eq(known_seq(), 5);
}

Test(host, does_not_fetch_what_it_has, .init = setup, .fini = teardown)
{
    struct puppet_message ping;

    puppet_connect(peer, &host_at);
    await(&ping, XORD_MSG_PING);
    answer_ping(&ping, 1);
    world_run(world, 5 * S);
    cr_assert_eq(peer->inbox_cnt, 0);
}

Test(host, takes_nobody_elses_record_for_a_peers_own, .init = setup, .fini = teardown)
{
    struct xord_enr other = puppet_record(world, "10.0.0.9", 9000, NULL, 0);
    struct puppet_message ping, findnode;

    puppet_connect(peer, &host_at);
    await(&ping, XORD_MSG_PING);
    answer_ping(&ping, 5);
    await(&findnode, XORD_MSG_FINDNODE);
    answer_findnode(&findnode, &other);
    cr_assert_eq(known_seq(), 1);
    cr_assert_null(xord_table_find(member_node(host)->hosts[0].table, other.id32));
}

/* It asks a peer whose key it does not know yet; meanwhile control, who knows it, asks too, and the session is gone. */
Test(host, a_key_learned_later_serves_the_handshake, .init = setup, .fini = teardown)
{
    struct xord_peer to = puppet_peer(peer);
    struct puppet_packet packet;
    struct puppet_message asked;
    uint8_t nonce12[12];

    puppet_set_record(peer, 1, NULL); /* no endpoint: not for the table */
    puppet_connect(peer, &host_at);
    cr_assert(puppet_ping(peer, &host_at));
    puppet_flush(peer);
    for (int i = 0; i < 50 && peer->inbox_cnt == 0; i++)
        world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &packet));
    cr_assert(puppet_open(peer, &packet, &asked) && asked.msg.type == XORD_MSG_FINDNODE);
    memcpy(nonce12, packet.pkt.nonce12, 12);
    member_ping(host, 0, &to, 1);
    world_run(world, 10 * MS);
    puppet_flush(peer);
    puppet_send_whoareyou(peer, &host_at, nonce12, 0);
    world_run(world, 10 * MS);
    cr_assert(puppet_take(peer, &packet), "no handshake");
    cr_assert(puppet_accept(peer, &packet, host_at.pubkey33, &asked));
}

/* ---- our own record ---- */

/* A voter in a prefix of its own, pinged by the host, says where it is; `alone`: just when there is no mail to be had. */
static void vote(const char *ip, const struct xord_endpoint *said, bool alone)
{
    struct puppet *voter = puppet_new(world, ip, 9000);
    struct xord_message pong = {.type = XORD_MSG_PONG, .pong = {.enr_seq = 1, .port = said->port}};
    struct xord_peer to = puppet_peer(voter);
    struct puppet_message ping;

    member_ping(host, 0, &to, 1);
    puppet_let_connect(voter, &host_at, &ping);
    pong.request_id = ping.msg.request_id;
    memcpy(pong.pong.ip16, said->ip16, 16);
    puppet_send_message(voter, &host_at, &pong);
    host->mail_cap = alone; /* control holds the one that there may be */
    world_run(world, 5 * MS);
    host->mail_cap = 0;
    puppet_free(voter);
}

/* Shards that missed the news of our record get it at the next refresh. */
Test(host, tells_its_shards_again)
{
    struct xord_endpoint said = world_ep("33.44.55.66", 30303), voter;
    char ip[16];
    int n = 0;

    start(&(struct member_config){.ip = "1.2.3.4", .shard_cnt = 2, .node = {.learn_endpoint = true, .maintain = true}});
    for (int votes = 0; votes < 10; n++) {
        snprintf(ip, sizeof(ip), "20.%d.0.1", n);
        voter = world_ep(ip, 9000);
        if (votes == 9 && member_shard_of(host, 0, &voter) != 0)
            continue; /* the last one's word must reach the shard that counts, though no mail does */
        vote(ip, &said, ++votes == 10);
    }
    cr_assert_eq(member_count(host, XORD_CNT_record_updates), 1);
    cr_assert_eq(xord_node_enr(host->shards[0].node, 0)->seq, 2);
    cr_assert_eq(xord_node_enr(host->shards[1].node, 0)->seq, 1, "this was to be lost");
    world_run(world, 61 * S);
    cr_assert_eq(xord_node_enr(host->shards[1].node, 0)->seq, 2);
    teardown();
}

#define PEERS 14

static uint32_t over_v6;

static bool count_v6(void *ctx, const struct world_packet *packet)
{
    struct xord_endpoint at6 = world_ep("2601::5", 9000);

    (void)ctx;
    over_v6 += xord_endpoint_equal(&packet->src, &at6);
    return true;
}

/* A host that does not know where it is, at both families, among nodes that all are dual-stack; after five minutes. */
static void learn_among(uint16_t shard_cnt, const bool fixed[2])
{
    struct xord_enr enrs[PEERS];
    char ip[16], ip6[32];

    world = world_new(8);
    world->filter = count_v6;
    over_v6 = 0;
    for (int i = 0; i < PEERS; i++) {
        snprintf(ip, sizeof(ip), "20.%d.0.1", i);
        snprintf(ip6, sizeof(ip6), "2600:%d::1", i + 1);
        enrs[i] = *member_enr(world_add(world, &(struct member_config){.ip = ip, .ip6 = ip6}), 0);
    }
    host = world_add(world,
            &(struct member_config){.ip = "1.2.3.4",
                    .ip6 = "2601::5",
                    .no_endpoint = true,
                    .shard_cnt = shard_cnt,
                    .node = {.learn_endpoint = true, .maintain = true, .bootnodes = enrs, .bootnode_cnt = PEERS}});
    memcpy(host->locals->all[0].fixed, fixed, sizeof(host->locals->all[0].fixed));
    world_run(world, 300 * S);
}

static void check_learned(bool v4, bool v6)
{
    const struct xord_enr *enr = member_enr(host, 0);
    struct xord_endpoint at4 = world_ep("1.2.3.4", 9000), at6 = world_ep("2601::5", 9000), ep;

    cr_assert_eq(enr->has_ip, v4);
    cr_assert_eq(enr->has_ip6, v6);
    cr_assert(!v4 || (xord_enr_endpoint4(enr, &ep) && xord_endpoint_equal(&ep, &at4)));
    cr_assert(!v6 || (xord_enr_endpoint6(enr, &ep) && xord_endpoint_equal(&ep, &at6)));
    teardown();
}

/* IPv4 is preferred, so of IPv6 it would hear nothing unless it asked. */
Test(host, learns_both_its_endpoints)
{
    for (uint16_t shard_cnt = 1; shard_cnt <= 3; shard_cnt += 2) {
        learn_among(shard_cnt, (bool[2]){false, false});
        cr_assert(over_v6 >= 20 && over_v6 < 60U * shard_cnt, "%u", over_v6);
        check_learned(true, true);
    }
}

Test(host, leaves_alone_what_is_fixed)
{
    learn_among(1, (bool[2]){true, false});
    check_learned(false, true);
    learn_among(1, (bool[2]){false, true});
    cr_assert_eq(over_v6, 0, "what is fixed is not asked for");
    cr_assert_eq(member_count(host, XORD_CNT_record_updates), 1);
    check_learned(true, false);
    learn_among(1, (bool[2]){true, true});
    cr_assert_eq(member_count(host, XORD_CNT_record_updates), 0);
    check_learned(false, false);
}

/* ---- joining ---- */

Test(host, joins_when_its_bootnode_comes_up_later)
{
    struct member *bootnode, *late;
    struct xord_enr enr;

    world = world_new(7);
    bootnode = world_add(world, &(struct member_config){.ip = "10.0.0.1"});
    enr = *member_enr(bootnode, 0);
    world->net.loss_pm = 1000;
    late = world_add(world, &(struct member_config){.ip = "10.0.0.2",
                                    .node = {.maintain = true, .bootnodes = &enr, .bootnode_cnt = 1}});
    world_run(world, 120 * S);
    cr_assert_eq(member_count(late, XORD_CNT_requests_answered), 0);
    world->net.loss_pm = 0;
    world_run(world, 30 * S);
    cr_assert_gt(member_count(late, XORD_CNT_requests_answered), 0);
    cr_assert_eq(xord_table_live_cnt(member_node(late)->hosts[0].table), 1);
    teardown();
}
