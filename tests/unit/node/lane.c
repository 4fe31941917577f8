/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake lane: what a turn of it costs, in whose favour it decides, and the key pairs made ahead. Curve operations are
 * counted where they are done: this program's own entry points of libsecp256k1 stand before the library's. */
#include <dlfcn.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include "node_private.h"
#include "puppet.h"
#include "test_util.h"
#include "world.h"
#include "xord_challenge.h"

#define HOST_IP "1.2.3.4"
#define PEER_IP "5.6.7.8"

/* ---- curve operations as the library sees them ---- */

static uint64_t operations;

static void *library(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    WORLD_CHECK(function);
    operations++;
    return function;
}

int secp256k1_ecdsa_verify(const secp256k1_context *ctx, const secp256k1_ecdsa_signature *sig,
        const unsigned char *hash32, const secp256k1_pubkey *pubkey)
{
    __typeof__(&secp256k1_ecdsa_verify) verify = library("secp256k1_ecdsa_verify");

    return verify(ctx, sig, hash32, pubkey);
}

int secp256k1_ecdsa_sign(const secp256k1_context *ctx, secp256k1_ecdsa_signature *sig, const unsigned char *hash32,
        const unsigned char *seckey, secp256k1_nonce_function nonce, const void *data)
{
    __typeof__(&secp256k1_ecdsa_sign) sign = library("secp256k1_ecdsa_sign");

    return sign(ctx, sig, hash32, seckey, nonce, data);
}

int secp256k1_ec_pubkey_create(const secp256k1_context *ctx, secp256k1_pubkey *pubkey, const unsigned char *seckey)
{
    __typeof__(&secp256k1_ec_pubkey_create) create = library("secp256k1_ec_pubkey_create");

    return create(ctx, pubkey, seckey);
}

int secp256k1_ecdh(const secp256k1_context *ctx, unsigned char *output, const secp256k1_pubkey *pubkey,
        const unsigned char *seckey, secp256k1_ecdh_hash_function hash, void *data)
{
    __typeof__(&secp256k1_ecdh) ecdh = library("secp256k1_ecdh");

    return ecdh(ctx, output, pubkey, seckey, hash, data);
}

/* ---- the stage ---- */

static struct world *world;
static struct member *host;
static struct xord_peer host_at;
static struct puppet *peer;
static uint32_t budget;

/* The slow work of `host` is done by work() only. */
static void start(uint32_t lane_operations, uint32_t ephemeral_cap)
{
    const struct member_config config = {
            .ip = HOST_IP,
            .no_hosts = true,
            .node = {.lane_cap = 64, .lane_operations = lane_operations, .ephemeral_cap = ephemeral_cap},
    };

    world = world_new(2);
    host = world_add(world, &config);
    host_at = member_peer(host, 0);
    peer = puppet_new(world, PEER_IP, 9000);
    budget = lane_operations ? lane_operations : 4;
    world_run(world, 1 * MS);
}

static void stop(void)
{
    world_free(world);
    TEST_NO_LEAK();
}

static uint32_t waiting(void)
{
    struct xord_node_sizes sizes;

    xord_node_sizes(member_node(host), &sizes);
    return sizes.lane;
}

static uint64_t count(enum xord_counter_id id)
{
    return member_count(host, id);
}

/* A turn of slow work; the node's own count is the library's. Returns what it cost. */
static uint64_t turn(enum xord_load load)
{
    uint64_t before = operations, counted = count(XORD_CNT_curve_operations);

    xord_node_work(member_node(host), load, world->now_ns);
    cr_assert_eq(count(XORD_CNT_curve_operations) - counted, operations - before);
    return operations - before;
}

/* A turn before which no time has passed: never above the budget. */
static uint64_t work(enum xord_load load)
{
    uint64_t cost;

    member_node(host)->lane.turn_ns = world->now_ns;
    member_node(host)->lane.share_ns = 0;
    cost = turn(load);
    cr_assert_leq(cost, budget);
    return cost;
}

/* Strangers, each with a good handshake that waits in the lane. */
static void strangers_queue(struct puppet **strangers, int cnt)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 7, 1};
    struct puppet_packet whoareyou;
    char ip[32];

    for (int i = 0; i < cnt; i++) {
        snprintf(ip, sizeof(ip), "66.6.%d.%d", i / 100, i % 100 + 1);
        strangers[i] = puppet_new(world, ip, 9000);
        puppet_send_noise(strangers[i], &host_at, nonce12);
    }
    world_run(world, 2 * MS);
    for (int i = 0; i < cnt; i++) {
        cr_assert(puppet_take(strangers[i], &whoareyou));
        puppet_send_handshake(strangers[i], &host_at, &whoareyou, ping, sizeof(ping), 0);
    }
    world_run(world, 2 * MS);
}

static bool has_pong(struct puppet *puppet)
{
    struct puppet_message pong;

    world_run(world, 1 * MS);
    return puppet_take_message(puppet, XORD_MSG_PONG, &pong);
}

/* ---- established traffic beside a full lane ---- */

#define LANE_CAP 64

static void check_pings_beside_a_full_lane(uint32_t lane_operations)
{
    static const uint8_t ping[] = {1, 0xc2, 7, 1};
    struct puppet *strangers[LANE_CAP + 8];
    int turns = 0;

    start(lane_operations, 0);
    puppet_connect(peer, &host_at);
    host->holds_work = true;
    strangers_queue(strangers, LANE_CAP + 8);
    cr_assert_eq(waiting(), LANE_CAP);
    cr_assert_eq(count(XORD_CNT_drop_lane_full), 8);
    while (waiting() > 0) {
        uint64_t before = operations;

        for (int i = 0; i < 5; i++) {
            puppet_send_plain(peer, &host_at, ping, sizeof(ping));
            world_run(world, 1 * MS);
            cr_assert(has_pong(peer), "the call that took the PING in did not answer it");
        }
        cr_assert_eq(operations, before, "taking in PINGs cost curve operations");
        cr_assert_gt(work(XORD_LOAD_SOME), 0);
        turns++;
    }
    cr_assert_eq(count(XORD_CNT_handshakes_in), 1 + LANE_CAP);
    cr_assert_geq(turns, LANE_CAP * 3 / (int)budget);
    stop();
}

Test(lane, pings_are_answered_at_once_beside_a_full_lane)
{
    check_pings_beside_a_full_lane(0);
    check_pings_beside_a_full_lane(3);
    check_pings_beside_a_full_lane(9);
}

/* A budget that no handshake fits would stop the lane. */
Test(lane, the_smallest_budget_is_one_handshake)
{
    struct puppet *strangers[2];

    start(1, 0);
    budget = 3;
    host->holds_work = true;
    strangers_queue(strangers, 2);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    cr_assert_eq(count(XORD_CNT_handshakes_in), 2);
    stop();
}

#define OPERATION_NS (35 * XORD_NS_PER_US)

/* However short the turns: what came while the lane worked is served first; then the lane has its part of the time. */
Test(lane, under_full_load_it_waits_then_has_an_eighth_of_the_time)
{
    struct puppet *strangers[8];
    uint64_t start_ns, spent = 0;

    start(0, 0);
    host->holds_work = true;
    strangers_queue(strangers, 8);
    start_ns = world->now_ns;
    cr_assert_eq(work(XORD_LOAD_FULL), 0);
    while (waiting() > 0) {
        uint64_t earned;

        world_run(world, 20 * XORD_NS_PER_US);
        spent += turn(XORD_LOAD_FULL);
        earned = (world->now_ns - start_ns) / 8 / OPERATION_NS;
        cr_assert_leq(spent, earned);
        if (world->now_ns - start_ns < 1 * MS)
            cr_assert_eq(spent, 0);
        else
            cr_assert_gt(spent + 6, earned);
    }
    cr_assert_eq(spent, 8 * 3);
    stop();
}

Test(lane, a_turn_that_is_not_full_ends_full_load)
{
    struct puppet *strangers[4];

    start(0, 0);
    host->holds_work = true;
    strangers_queue(strangers, 4);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(work(XORD_LOAD_FULL), 0);
        world_run(world, 900 * XORD_NS_PER_US);
        cr_assert_eq(turn(XORD_LOAD_FULL), 0);
        cr_assert_eq(work(XORD_LOAD_SOME), 3);
    }
    stop();
}

Test(lane, a_long_turn_is_followed_by_a_longer_one_of_the_lane)
{
    struct puppet *strangers[12];

    start(0, 0);
    host->holds_work = true;
    strangers_queue(strangers, 12);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    world_run(world, 6 * OPERATION_NS * 8);
    cr_assert_eq(turn(XORD_LOAD_SOME), 6);
    cr_assert_eq(turn(XORD_LOAD_SOME), 3, "the time is used up");
    cr_assert_eq(turn(XORD_LOAD_FULL), 0);
    world_run(world, 500 * MS);
    cr_assert_eq(turn(XORD_LOAD_FULL), 3 * budget, "at most three times the usual");
    cr_assert_eq(turn(XORD_LOAD_FULL), 0);
    stop();
}

Test(lane, the_time_while_it_is_empty_is_not_saved_up)
{
    struct puppet *strangers[4];

    start(0, 0);
    host->holds_work = true;
    cr_assert_eq(work(XORD_LOAD_SOME), 0);
    world_run(world, 500 * MS);
    strangers_queue(strangers, 4);
    cr_assert_eq(turn(XORD_LOAD_SOME), 3);
    stop();
}

/* Where an operation takes twice as long as was thought, an eighth of the time is half as many. */
Test(lane, its_part_of_the_time_is_by_what_operations_take)
{
    struct puppet *strangers[16];
    uint64_t slow_ns = 2 * OPERATION_NS, start_ns, spent = 0, earned;

    start(0, 0);
    host->holds_work = true;
    (void)turn(XORD_LOAD_SOME);
    xord_node_work_took(member_node(host), slow_ns);
    cr_assert_eq(member_node(host)->lane.operation_ns, OPERATION_NS, "a turn without operations tells nothing");
    strangers_queue(strangers, 16);
    for (int i = 0; i < 8; i++)
        xord_node_work_took(member_node(host), work(XORD_LOAD_SOME) * slow_ns);
    for (int i = 0; i < 200; i++)
        xord_node_work_took(member_node(host), member_node(host)->lane.operations * slow_ns);
    cr_assert_geq(member_node(host)->lane.operation_ns, slow_ns - 20);
    start_ns = world->now_ns;
    while (world->now_ns - start_ns < 10 * MS) {
        world_run(world, 20 * XORD_NS_PER_US);
        spent += turn(XORD_LOAD_FULL);
    }
    earned = (world->now_ns - start_ns) / 8 / slow_ns;
    cr_assert_leq(spent, earned + 1);
    cr_assert_gt(spent + 4, earned);
    stop();
}

Test(lane, one_disturbed_turn_moves_what_operations_take_little)
{
    struct puppet *strangers[2];

    start(0, 0);
    host->holds_work = true;
    strangers_queue(strangers, 2);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    xord_node_work_took(member_node(host), 3 * 100 * MS);
    cr_assert_leq(member_node(host)->lane.operation_ns, OPERATION_NS + OPERATION_NS / 16 + 1);
    stop();
}

/* ---- order ---- */

/* The peer has answered a request of ours, then lost its session. */
static void queue_known(void)
{
    static const uint8_t nonce12[12] = {2}, ping[] = {1, 0xc2, 7, 1};
    struct puppet_packet whoareyou;

    puppet_send_noise(peer, &host_at, nonce12);
    world_run(world, 2 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0);
    world_run(world, 2 * MS);
}

static void become_known(void)
{
    struct xord_message pong = {.type = XORD_MSG_PONG, .pong = {.enr_seq = 1, .port = 1}};
    struct xord_peer to = puppet_peer(peer);
    struct puppet_message ping;

    member_ping(host, 0, &to, 1);
    puppet_let_connect(peer, &host_at, &ping);
    pong.request_id = ping.msg.request_id;
    puppet_send_message(peer, &host_at, &pong);
    world_run(world, 2 * MS);
    cr_assert_eq(count(XORD_CNT_pong_in), 1);
}

/* A request of the host's to a puppet, challenged: what answers the challenge waits in the lane. */
static void queue_own(struct puppet *to)
{
    struct xord_peer at = puppet_peer(to);
    struct puppet_packet probe;

    member_ping(host, 0, &at, 2);
    world_run(world, 2 * MS);
    cr_assert(puppet_take(to, &probe));
    puppet_send_whoareyou(to, &host_at, probe.pkt.nonce12, 0);
    world_run(world, 2 * MS);
}

Test(lane, own_requests_then_known_peers_then_strangers)
{
    struct puppet *strangers[6], *asked;

    start(5, 0); /* two operations each for those who are not strangers, three for each who is */
    asked = puppet_new(world, "7.7.7.7", 9000);
    become_known();
    host->holds_work = true;
    strangers_queue(strangers, 6);
    queue_known();
    queue_own(asked);
    cr_assert_eq(waiting(), 8);
    work(XORD_LOAD_SOME);
    cr_assert_eq(waiting(), 6);
    cr_assert(has_pong(peer), "the peer that we know waits");
    cr_assert_eq(puppet_count(asked, XORD_FLAG_HANDSHAKE), 1, "our own request waits");
    for (int i = 0; i < 6; i++)
        cr_assert_not(has_pong(strangers[i]));
    for (int i = 0; i < 6; i++) {
        work(XORD_LOAD_SOME);
        cr_assert(has_pong(strangers[i]), "stranger %d", i);
    }
    stop();
}

/* ---- NODES ---- */

#define RECORDS 8

static void send_nodes(const struct xord_request_id *id, uint64_t total, const struct xord_enr *enrs, uint16_t cnt)
{
    uint8_t payload[XORD_PACKET_MAX_LEN];
    struct xord_message nodes = {.type = XORD_MSG_NODES, .request_id = *id};
    uint16_t len = 0;

    for (uint16_t i = 0; i < cnt; i++) {
        memcpy(payload + len, enrs[i].raw, enrs[i].len);
        len = (uint16_t)(len + enrs[i].len);
    }
    nodes.nodes.total = total;
    nodes.nodes.records = (struct xord_rlp_view){.data = payload, .len = len, .cnt = cnt};
    puppet_send_message(peer, &host_at, &nodes);
}

/* The host asks for distance 256. */
static void host_asks(struct puppet_message *asked)
{
    static const uint16_t distance = 256;
    struct xord_peer to = puppet_peer(peer);

    member_findnode(host, 0, &to, &distance, 1, 3);
    puppet_let_connect(peer, &host_at, asked);
    cr_assert_eq(asked->msg.type, XORD_MSG_FINDNODE);
}

struct outcome {
    uint32_t cnt, mails;
    uint8_t ids[RECORDS][32];
    uint32_t done_cnt, packet_cnt;
    uint64_t invalid, distance, verified;
};

static void outcome_add(struct outcome *out, const struct xord_mail *mail)
{
    struct xord_enr enr;
    size_t pos = 0;

    while (xord_mail_records_next(&mail->records, &pos, &enr)) {
        cr_assert_lt(out->cnt, RECORDS);
        memcpy(out->ids[out->cnt++], enr.id32, 32);
    }
}

/* One packet of records, of which one is forged, one at a wrong distance and one known, with so many operations a turn. */
static struct outcome take_nodes(uint32_t lane_operations)
{
    struct outcome out = {.mails = 0};
    const struct xord_mail *mails[RECORDS + 1], *done;
    struct xord_enr enrs[RECORDS];
    struct puppet_message asked;

    start(lane_operations, 0);
    for (int i = 0; i < RECORDS; i++)
        enrs[i] = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, i == 5 ? 255 : 256);
    enrs[2].raw[20] ^= 1;
    host_asks(&asked);
    send_nodes(&asked.msg.request_id, 2, &enrs[4], 1);
    world_run(world, 2 * MS);
    host->holds_work = true;
    send_nodes(&asked.msg.request_id, 2, enrs, RECORDS);
    world_run(world, 2 * MS);
    while (waiting() > 0)
        cr_assert_gt(work(XORD_LOAD_SOME), 0);
    world_run(world, 2 * MS);
    for (const struct xord_mail *mail = host->control; mail; mail = mail->next)
        if (mail->kind == XORD_MAIL_RECORDS && mail->cookie == 3)
            mails[out.mails++] = mail;
    for (uint32_t i = out.mails; i-- > 0;)
        outcome_add(&out, mails[i]);
    done = member_reply(host, XORD_MAIL_DONE, 3);
    cr_assert(done && done->done.err == 0);
    out.done_cnt = done->done.record_cnt;
    out.packet_cnt = done->done.packet_cnt;
    out.invalid = count(XORD_CNT_drop_record_invalid);
    out.distance = count(XORD_CNT_drop_record_distance);
    out.verified = count(XORD_CNT_records_verified);
    stop();
    return out;
}

Test(lane, nodes_over_many_turns_give_what_one_turn_gives)
{
    struct outcome whole = take_nodes(100), parts = take_nodes(3);

    cr_assert_eq(whole.mails, 2);
    cr_assert_gt(parts.mails, whole.mails);
    whole.mails = parts.mails = 0;
    cr_assert_eq(whole.cnt, 1 + RECORDS - 2);
    cr_assert_eq(whole.done_cnt, whole.cnt);
    cr_assert_eq(whole.packet_cnt, 2);
    cr_assert_eq(whole.invalid, 1);
    cr_assert_eq(whole.distance, 1);
    cr_assert_eq(whole.verified, RECORDS);
    cr_assert_bytes(&whole, &parts, sizeof(whole));
}

/* However long the lane takes, what came in time counts. */
Test(lane, a_request_waits_for_its_records_in_the_lane)
{
    struct xord_enr enrs[RECORDS];
    struct puppet_message asked;

    start(3, 0);
    for (int i = 0; i < RECORDS; i++)
        enrs[i] = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, 256);
    host_asks(&asked);
    host->holds_work = true;
    send_nodes(&asked.msg.request_id, 1, enrs, RECORDS);
    world_run(world, 2 * MS);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    world_run(world, 10 * S);
    cr_assert_null(member_reply(host, XORD_MAIL_DONE, 3), "it waits for the lane");
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    cr_assert_eq(work(XORD_LOAD_SOME), 2);
    cr_assert_eq(waiting(), 0);
    cr_assert_eq(member_reply(host, XORD_MAIL_DONE, 3)->done.record_cnt, RECORDS);
    cr_assert_eq(work(XORD_LOAD_SOME), 0);
    stop();
}

Test(lane, strangers_get_a_quarter_beside_work_of_our_own)
{
    struct puppet *strangers[3];
    struct xord_enr enrs[4 * 6];
    struct puppet_message asked;
    uint64_t spent = 0;
    int served = 0;

    start(0, 0);
    for (int i = 0; i < 4 * 6; i++)
        enrs[i] = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, 256);
    host_asks(&asked);
    host->holds_work = true;
    strangers_queue(strangers, 3);
    for (int i = 0; i < 4; i++)
        send_nodes(&asked.msg.request_id, 4, &enrs[6 * i], 6);
    world_run(world, 2 * MS);
    cr_assert_eq(waiting(), 3 + 4);
    while (served < 2) {
        spent += work(XORD_LOAD_SOME);
        served += has_pong(strangers[served]);
    }
    cr_assert_geq(spent, 2 * 9 + 2 * 3, "strangers went before their turn");
    cr_assert_leq(spent, 2 * (9 + 3) + 2 * budget);
    cr_assert_gt(waiting(), 1, "our own work was to be unfinished");
    stop();
}

/* ---- key pairs made ahead ---- */

#define PAIRS 6

static void check_handshake(struct puppet *to, uint8_t eph_pubkey33[33])
{
    struct puppet_packet packet;
    struct puppet_message ping;

    world_run(world, 1 * MS);
    cr_assert(puppet_take(to, &packet));
    cr_assert_eq(packet.pkt.flag, XORD_FLAG_HANDSHAKE);
    memcpy(eph_pubkey33, packet.pkt.eph_pubkey33, 33);
    cr_assert(puppet_accept(to, &packet, host_at.pubkey33, &ping));
}

Test(lane, key_pairs_made_ahead_are_used_once_each_and_replaced_when_idle)
{
    uint8_t seen33[PAIRS + 2][33];
    uint64_t before;

    operations = 0;
    start(0, PAIRS);
    before = operations;
    world_run(world, 1 * S);
    cr_assert_eq(count(XORD_CNT_curve_operations), PAIRS, "the pool is full");
    cr_assert_eq(operations, before, "and stays as it is");
    cr_assert_not(xord_node_has_work(member_node(host), XORD_LOAD_NONE), "a full pool leaves nothing to do");
    host->holds_work = true;
    for (int i = 0; i < PAIRS + 2; i++) {
        struct puppet *to;
        char ip[32];

        snprintf(ip, sizeof(ip), "9.9.%d.9", i);
        to = puppet_new(world, ip, 9000);
        queue_own(to);
        cr_assert_eq(work(XORD_LOAD_SOME), i < PAIRS ? 2 : 3, "handshake %d", i);
        check_handshake(to, seen33[i]);
        for (int j = 0; j < i; j++)
            cr_assert(memcmp(seen33[i], seen33[j], 33) != 0, "handshakes %d and %d share a key", i, j);
    }
    cr_assert_eq(count(XORD_CNT_ephemeral_made_late), 2);
    cr_assert(xord_node_has_work(member_node(host), XORD_LOAD_NONE));
    cr_assert_not(xord_node_has_work(member_node(host), XORD_LOAD_SOME));
    cr_assert_eq(work(XORD_LOAD_SOME), 0, "keys are made ahead while packets come");
    cr_assert_eq(work(XORD_LOAD_NONE), budget);
    cr_assert_eq(work(XORD_LOAD_NONE), PAIRS - budget);
    cr_assert_eq(work(XORD_LOAD_NONE), 0);
    cr_assert_not(xord_node_has_work(member_node(host), XORD_LOAD_NONE));
    stop();
}

Test(lane, an_empty_pool_counts_against_the_budget)
{
    struct puppet *asked[3];

    start(0, 1);
    asked[0] = puppet_new(world, "7.7.7.1", 9000);
    asked[1] = puppet_new(world, "7.7.7.2", 9000);
    asked[2] = puppet_new(world, "7.7.7.3", 9000);
    host->holds_work = true;
    for (int i = 0; i < 3; i++)
        queue_own(asked[i]);
    cr_assert_eq(work(XORD_LOAD_SOME), 2);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    cr_assert_eq(work(XORD_LOAD_SOME), 3);
    stop();
}

Test(lane, no_key_pairs_are_made_while_the_lane_has_work)
{
    struct puppet *strangers[2], *asked;

    start(0, 2);
    asked = puppet_new(world, "7.7.7.7", 9000);
    host->holds_work = true;
    strangers_queue(strangers, 2);
    queue_own(asked);
    cr_assert_eq(work(XORD_LOAD_NONE), 2);
    cr_assert_eq(work(XORD_LOAD_NONE), 3);
    cr_assert_eq(work(XORD_LOAD_NONE), 3);
    cr_assert_eq(waiting(), 0);
    cr_assert_eq(work(XORD_LOAD_NONE), 1);
    cr_assert_eq(work(XORD_LOAD_NONE), 0);
    stop();
}

/* ---- what costs nothing twice ---- */

/* The same record again, by handshake, by NODES and by our own request: its signature is checked once. */
Test(lane, a_record_is_verified_once_whichever_way_it_comes)
{
    struct puppet_message asked;

    start(0, 0);
    puppet_connect(peer, &host_at);
    cr_assert_eq(count(XORD_CNT_records_verified), 1);
    host->holds_work = true;
    queue_known();
    cr_assert_eq(work(XORD_LOAD_SOME), 2);
    cr_assert(has_pong(peer));
    host->holds_work = false;
    host_asks(&asked);
    send_nodes(&asked.msg.request_id, 1, &peer->enr, 1);
    world_run(world, 2 * MS);
    cr_assert_eq(count(XORD_CNT_records_verified), 1);
    stop();
}
