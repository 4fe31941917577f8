/* SPDX-License-Identifier: BSD-3-Clause */
/* Each decision where the specification's texts disagree or are silent, and each number of it, by a test of its name: the
 * node against a scripted peer, packet by packet.
 *
 *   decision                                               test (here unless a file is named)
 *   packet size 63..1280, else dropped unread              packets_of_62_and_1281_bytes_dropped_unread
 *   request id echoed exactly, longer than 8: no answer    request_ids_of_0_to_8_bytes_echoed_exactly,
 *                                                          nine_byte_request_id_unanswered
 *   record at most 300 bytes, sorted, "v4"                 enr/enr.c
 *   nonce is count and random, re-key before it wraps      session/session.c: nonces_count_and_differ,
 *                                                          must_be_rekeyed_before_the_count_wraps;
 *                                                          exhausted_session_is_renewed
 *   NODES: 16 records, packets below 1280, same total      nodes_at_most_16_split_below_1280_same_total
 *   request 500 ms, handshake 1 s, both settable           request_timeout_500ms, request_timeout_settable,
 *                                                          handshake_timeout_1s, handshake_timeout_settable
 *   k 16, alpha 3                                          table/table.c, lookup/lookup.c
 *   the identical WHOAREYOU while a challenge is open      identical_whoareyou_on_resend
 *   a session is bound to (node id, IP, port)              session_bound_to_endpoint
 *   WHOAREYOU: pending, to that endpoint, that nonce       whoareyou_only_for_pending_request_to_that_endpoint_with_
 *                                                          that_nonce, whoareyou_for_an_answered_request_ignored
 *   one handshake a request                                one_handshake_a_request,
 *                                                          one_handshake_a_request_that_another_led
 *   own PING after 300 ms and before 5 s                   liveness_ping_after_300_ms_and_before_5_s;
 *                                                          table/liveness.c: liveness_ping_*
 *   FINDNODE: distances de-duplicated                      distances_deduplicated
 *   FINDNODE: 0 is our own record                          distance_0_is_own_record
 *   FINDNODE: above 256, empty list                        distance_above_256_or_empty_list_gives_empty_nodes_total_1
 *   only verified-live nodes                               only_live_nodes_returned;
 *                                                          table/snapshot.c: only_verified_live_nodes_are_returned
 *   never the peer's own record                            never_the_peers_own_record; table/snapshot.c: the same name
 *   NODES only for a pending request, from its endpoint    unsolicited_nodes_ignored, nodes_only_from_the_peer_asked
 *   NODES within total 1..16                               nodes_only_within_total, nodes_total_must_not_change
 *   records only at distances asked for                    nodes_only_at_asked_distances
 *   IP limits 2 and 10, /24 and /48, local exempt          table/ip_limit.c: ip_limit_*, loopback_and_private_exempt;
 *                                                          table/snapshot.c: ip_limit_*; ip_limits_hold_for_inbound
 *   public nodes naming private, ... addresses             public_node_naming_private_addresses_ignored,
 *                                                          private_node_naming_private_addresses_believed,
 *                                                          public_handshake_naming_private_address_kept_out
 *   votes: a prefix each, 10 in 5 min, one update, apart   table/votes.c: votes_*; votes_of_10_peers_update_the_record
 *   votes only from requests that we sent                  votes_only_from_requests_that_we_sent
 *   udp6 missing: udp serves both                          udp6_missing_udp_serves_both; enr/enr.c
 *   TALKREQ to an unknown protocol                         talkreq_unknown_protocol_empty_talkresp
 *   trailing bytes: drop                                   trailing_bytes_dropped
 *   unknown type: drop, keep the session                   unknown_type_keeps_session
 *   a failed handshake keeps the challenge, but bounded    failed_handshake_keeps_the_challenge,
 *                                                          challenge_attempts_bounded; session/challenge.c
 *   an undecryptable packet never removes a session        undecryptable_packet_keeps_the_session
 *   strangers push out nobody who has done real work       full_session_cache_keeps_working_peers; session/session.c
 *   replies only to the envelope address                   replies_go_to_the_envelope_never_the_record
 *   before a handshake no more bytes than received         never_more_bytes_than_received_before_a_handshake */
#include "puppet.h"
#include "test_util.h"
#include "world.h"
#include "xord_challenge.h"

#define HOST_IP "1.2.3.4"
#define PEER_IP "5.6.7.8"

static struct world *world;
static struct member *host;      /* under test */
static struct xord_peer host_at; /* as others know it */
static struct puppet *peer;

static void start(const struct member_config *config)
{
    world = world_new(2);
    host = world_add(world, config);
    host_at = member_peer(host, 0);
    peer = puppet_new(world, PEER_IP, 9000);
}

static void start_at(const char *host_ip, const char *peer_ip)
{
    world = world_new(2);
    host = world_add(world, &(struct member_config){.ip = host_ip});
    host_at = member_peer(host, 0);
    peer = puppet_new(world, peer_ip, 9000);
}

static void setup(void)
{
    start_at(HOST_IP, PEER_IP);
}

static void stop(void)
{
    world_free(world);
    TEST_NO_LEAK();
}

static uint64_t count(enum xord_counter_id id)
{
    return member_count(host, id);
}

static const struct xord_mail_done *done(uint64_t cookie)
{
    const struct xord_mail *mail = member_reply(host, XORD_MAIL_DONE, cookie);

    return mail ? &mail->done : NULL;
}

static uint32_t sessions(void)
{
    struct xord_node_sizes sizes;

    xord_node_sizes(member_node(host), &sizes);
    return sizes.sessions;
}

static struct xord_node_sizes sizes_of_host(void)
{
    struct xord_node_sizes sizes;

    xord_node_sizes(member_node(host), &sizes);
    return sizes;
}

/* The host asks the peer, which lets it connect; what it asked is left in *asked. */
static void host_asks(struct puppet_message *asked, const uint16_t *distances, uint16_t cnt, uint64_t cookie)
{
    struct xord_peer to = puppet_peer(peer);

    puppet_flush(peer);
    member_findnode(host, 0, &to, distances, cnt, cookie);
    puppet_let_connect(peer, &host_at, asked);
    cr_assert_eq(asked->msg.type, XORD_MSG_FINDNODE);
}

/* A NODES message of records as they stand. */
static void send_nodes(struct puppet *from, const struct xord_request_id *id, uint64_t total,
        const struct xord_enr *enrs, uint16_t cnt)
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
    puppet_send_message(from, &host_at, &nodes);
}

/* All that came in answer to one FINDNODE. */
struct found {
    uint32_t packets, total, cnt;
    struct xord_enr enrs[64];
};

static void found_take(struct found *found, const struct puppet_message *nodes, uint16_t packet_len)
{
    struct xord_bytes_view raw;
    size_t pos = 0;

    cr_assert_lt(packet_len, XORD_PACKET_MAX_LEN);
    cr_assert(found->packets == 0 || found->total == nodes->msg.nodes.total, "the total changes");
    found->packets++;
    found->total = (uint32_t)nodes->msg.nodes.total;
    while (xord_records_next(&nodes->msg.nodes.records, &pos, &raw)) {
        cr_assert_lt(found->cnt, 64);
        cr_assert_eq(xord_enr_decode(&found->enrs[found->cnt], raw.data, raw.len), 0);
        cr_assert_eq(xord_enr_verify(&found->enrs[found->cnt], world->curve), 0);
        found->cnt++;
    }
}

static struct found ask(struct puppet *from, const uint16_t *distances, uint16_t cnt)
{
    struct xord_message findnode = {.type = XORD_MSG_FINDNODE, .request_id = {.len = 2, .bytes = {9, 8}}};
    uint8_t buf[512 * 3];
    struct found found = {.cnt = 0};
    struct puppet_packet packet;
    struct puppet_message nodes;

    cr_assert_eq(xord_distances_put(&findnode.findnode.distances, buf, sizeof(buf), distances, cnt), 0);
    puppet_flush(from);
    puppet_send_message(from, &host_at, &findnode);
    world_run(world, 20 * MS);
    while (puppet_take(from, &packet))
        if (puppet_open(from, &packet, &nodes) && nodes.msg.type == XORD_MSG_NODES && nodes.msg.request_id.len == 2 &&
                nodes.msg.request_id.bytes[0] == 9)
            found_take(&found, &nodes, packet.len);
    cr_assert_eq(found.packets, found.total);
    return found;
}

static bool found_has(const struct found *found, const uint8_t id32[32])
{
    for (uint32_t i = 0; i < found->cnt; i++)
        if (memcmp(found->enrs[i].id32, id32, 32) == 0)
            return true;
    return false;
}

static struct found ask_one(struct puppet *from, uint16_t distance)
{
    return ask(from, &distance, 1);
}

/* Puts a record before the host, as if another shard had heard of it. */
static void offer(const struct xord_enr *enr, const struct xord_endpoint *ep)
{
    struct xord_mail *mail = member_mail_new(host, XORD_MAIL_OFFER, 0, 0);

    mail->offer.enr = *enr;
    mail->offer.ep = *ep;
    mail->offer.inbound = 0;
    member_post(host, 0, mail);
}

static uint16_t distance_to(const uint8_t *id32)
{
    return (uint16_t)xord_log_distance(host_at.id32, id32);
}

/* `cnt` nodes that answer, in the host's table and live. Two thirds of them are at distance 256 or 255. */
static struct member *add_crowd(uint32_t cnt)
{
    struct member *crowd =
            world_add(world, &(struct member_config){.ip = "10.1.0.1", .local_cnt = cnt, .no_hosts = true});

    for (uint32_t i = 0; i < cnt; i++)
        offer(member_enr(crowd, i), &crowd->locals->all[i].ep[0]);
    world_run(world, 12 * S);
    return crowd;
}

/* ---- packets and ids ---- */

static void send_raw(const uint8_t *data, size_t len)
{
    uint64_t dropped = count(XORD_CNT_drop_size);

    puppet_flush(peer);
    world_send(world, &peer->listener.ep, &host_at.ep, data, len);
    world_run(world, 20 * MS);
    cr_assert_eq(count(XORD_CNT_drop_size), dropped + 1, "%zu bytes were read", len);
    cr_assert_eq(peer->inbox_cnt, 0, "%zu bytes were answered", len);
}

/* A TALKREQ whose packet is as long as asked for. */
static size_t talk_of(uint8_t *plain, size_t packet_len)
{
    static const uint8_t zeroes[XORD_PACKET_MAX_LEN];
    struct xord_message talk = {.type = XORD_MSG_TALKREQ, .request_id = {.len = 1, .bytes = {7}}};
    size_t len = 0;

    talk.talkreq.protocol = (struct xord_bytes_view){(const uint8_t *)"x", 1};
    for (uint16_t n = 1100; len != packet_len - XORD_ORDINARY_HEAD_LEN - XORD_GCM_TAG_LEN; n++) {
        talk.talkreq.request = (struct xord_bytes_view){zeroes, n};
        cr_assert_eq(xord_message_encode(plain, &len, 2 * XORD_PACKET_MAX_LEN, &talk), 0);
    }
    return len;
}

static bool mangle_to_1281(void *ctx, const struct world_packet *packet)
{
    struct world_packet *longer = ctx;

    memcpy(longer->data, packet->data, packet->len);
    longer->len = packet->len;
    return false;
}

Test(decisions, packets_of_62_and_1281_bytes_dropped_unread, .init = setup, .fini = stop)
{
    uint8_t data[1500] = {0}, plain[2 * XORD_PACKET_MAX_LEN];
    struct world_packet *kept = calloc(1, sizeof(*kept) + 1500);
    struct puppet_message resp;

    puppet_connect(peer, &host_at);
    send_raw(data, 0);
    send_raw(data, 1);
    send_raw(data, 62);
    send_raw(data, 1281);
    send_raw(data, 1500);
    /* At 1280 bytes the same is an authentic request and answered; one byte behind it and it is not. */
    world->filter = mangle_to_1281;
    world->filter_ctx = kept;
    puppet_send_plain(peer, &host_at, plain, talk_of(plain, 1280));
    world->filter = NULL;
    cr_assert_eq(kept->len, 1280);
    send_raw(kept->data, 1281);
    world_send(world, &peer->listener.ep, &host_at.ep, kept->data, 1280);
    world_run(world, 20 * MS);
    cr_assert(puppet_take_message(peer, XORD_MSG_TALKRESP, &resp));
    free(kept);
}

Test(decisions, request_ids_of_0_to_8_bytes_echoed_exactly, .init = setup, .fini = stop)
{
    struct xord_message ping = {.type = XORD_MSG_PING, .request_id.bytes = {0, 1, 2, 3, 4, 5, 6, 0xff}};
    struct puppet_message pong;

    puppet_connect(peer, &host_at);
    for (uint8_t len = 0; len <= 8; len++) {
        ping.request_id.len = len;
        puppet_send_message(peer, &host_at, &ping);
        world_run(world, 20 * MS);
        cr_assert(puppet_take_message(peer, XORD_MSG_PONG, &pong), "no PONG to an id of %u bytes", len);
        cr_assert_eq(pong.msg.request_id.len, len);
        cr_assert_bytes(pong.msg.request_id.bytes, ping.request_id.bytes, len);
    }
}

Test(decisions, nine_byte_request_id_unanswered, .init = setup, .fini = stop)
{
    /* PING, [9 bytes, 1]; FINDNODE, [9 bytes, [256]]; TALKREQ, [9 bytes, "", ""] */
    static const char *const messages[] = {"01cb8901020304050607080901", "03ce89010203040506070809c3820100",
            "05cc890102030405060708098080"};

    puppet_connect(peer, &host_at);
    for (size_t i = 0; i < 3; i++) {
        uint8_t plain[64];
        size_t len = test_hex(plain, messages[i]);

        puppet_send_plain(peer, &host_at, plain, len);
        world_run(world, 20 * MS);
        cr_assert_eq(puppet_flush(peer), 0, "message %zu was answered", i);
    }
    cr_assert_eq(count(XORD_CNT_drop_message), 3);
    cr_assert(puppet_ping(peer, &host_at), "the session has gone");
}

/* ---- challenges ---- */

/* The raw bytes of the oldest packet in the inbox. */
static size_t take_raw(uint8_t *out)
{
    size_t len = peer->inbox[0]->len;

    cr_assert_eq(peer->inbox_cnt, 1);
    memcpy(out, peer->inbox[0]->data, len);
    puppet_flush(peer);
    return len;
}

Test(decisions, identical_whoareyou_on_resend, .init = setup, .fini = stop)
{
    static const uint8_t first12[12] = {1}, second12[12] = {2};
    uint8_t one[XORD_PACKET_MAX_LEN], two[XORD_PACKET_MAX_LEN];
    struct puppet_packet packet;

    puppet_send_noise(peer, &host_at, first12);
    world_run(world, 20 * MS);
    cr_assert_eq(take_raw(one), XORD_CHALLENGE_DATA_LEN);
    puppet_send_noise(peer, &host_at, second12);
    world_run(world, 900 * MS);
    cr_assert_eq(take_raw(two), XORD_CHALLENGE_DATA_LEN);
    cr_assert_bytes(two, one, XORD_CHALLENGE_DATA_LEN);
    puppet_send_noise(peer, &host_at, first12);
    puppet_send_noise(peer, &host_at, second12);
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_count(peer, XORD_FLAG_WHOAREYOU), 2);
    puppet_take(peer, &packet);
    cr_assert_bytes(packet.pkt.nonce12, first12, 12);
    puppet_flush(peer);
    /* Its life over, a new one. */
    world_run(world, 1 * S);
    puppet_send_noise(peer, &host_at, second12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &packet));
    cr_assert_bytes(packet.pkt.nonce12, second12, 12);
}

Test(decisions, session_bound_to_endpoint, .init = setup, .fini = stop)
{
    static const char *const others[] = {"5.6.7.9", PEER_IP};
    static const uint16_t ports[] = {9000, 9001};

    puppet_connect(peer, &host_at);
    for (uint32_t i = 0; i < 2; i++) {
        peer->listener.ep = world_ep(others[i], ports[i]);
        cr_assert_not(puppet_ping(peer, &host_at));
        cr_assert_eq(count(XORD_CNT_undecryptable), 2 + i, "no challenge at endpoint %u", i);
    }
    peer->listener.ep = world_ep(PEER_IP, 9000);
    cr_assert(puppet_ping(peer, &host_at), "the session has gone");
}

Test(decisions, whoareyou_only_for_pending_request_to_that_endpoint_with_that_nonce, .init = setup, .fini = stop)
{
    struct puppet *stranger = puppet_new(world, "5.6.7.9", 9000);
    struct xord_peer to = puppet_peer(peer);
    struct puppet_packet packet;
    uint8_t nonce12[12];

    member_ping(host, 0, &to, 1);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &packet));
    memcpy(nonce12, packet.pkt.nonce12, 12);
    puppet_send_whoareyou(stranger, &host_at, nonce12, 0);
    nonce12[11] ^= 1;
    puppet_send_whoareyou(peer, &host_at, nonce12, 0);
    nonce12[11] ^= 1;
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_flush(stranger) + puppet_flush(peer), 0);
    cr_assert_eq(count(XORD_CNT_drop_whoareyou), 2);
    puppet_send_whoareyou(peer, &host_at, nonce12, 0);
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_count(peer, XORD_FLAG_HANDSHAKE), 1);
}

Test(decisions, whoareyou_for_an_answered_request_ignored, .init = setup, .fini = stop)
{
    static const uint16_t distance = 0;
    struct puppet_message asked;
    uint8_t nonce12[12];

    host_asks(&asked, &distance, 1, 1);
    memcpy(nonce12, peer->challenge + 25, 12);
    send_nodes(peer, &asked.msg.request_id, 1, &peer->enr, 1);
    world_run(world, 20 * MS);
    cr_assert_eq(done(1)->err, 0);
    puppet_flush(peer);
    puppet_send_whoareyou(peer, &host_at, nonce12, 0);
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_count(peer, XORD_FLAG_HANDSHAKE), 0);
    cr_assert_eq(count(XORD_CNT_drop_whoareyou), 1);
}

Test(decisions, one_handshake_a_request, .init = setup, .fini = stop)
{
    struct xord_peer to = puppet_peer(peer);
    struct puppet_packet packet;
    uint8_t nonce12[12];

    member_ping(host, 0, &to, 1);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &packet));
    memcpy(nonce12, packet.pkt.nonce12, 12);
    for (int i = 0; i < 3; i++)
        puppet_send_whoareyou(peer, &host_at, nonce12, 0);
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_count(peer, XORD_FLAG_HANDSHAKE), 1);
    cr_assert(puppet_take(peer, &packet));
    puppet_send_whoareyou(peer, &host_at, packet.pkt.nonce12, 0); /* the handshake itself challenged: refused too */
    world_run(world, 20 * MS);
    cr_assert_eq(peer->inbox_cnt, 0);
    cr_assert_eq(count(XORD_CNT_drop_whoareyou), 3);
    world_run(world, 2 * S);
    cr_assert_eq(done(1)->err, XORD_ETIMEOUT);
}

/* A request too long for a handshake packet, which a PING led through one, is challenged again: that is enough. */
Test(decisions, one_handshake_a_request_that_another_led, .init = setup, .fini = stop)
{
    struct xord_peer to = puppet_peer(peer);
    static const uint8_t request[1100];
    struct puppet_packet packet;
    struct puppet_message msg;
    struct xord_message pong = {.type = XORD_MSG_PONG, .pong = {.enr_seq = 1, .port = 9}};

    member_talk(host, 0, &to, "x", request, sizeof(request), 1);
    puppet_let_connect(peer, &host_at, &msg);
    cr_assert_eq(msg.msg.type, XORD_MSG_PING);
    pong.request_id = msg.msg.request_id;
    puppet_send_message(peer, &host_at, &pong);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &packet) && puppet_open(peer, &packet, &msg));
    cr_assert_eq(msg.msg.type, XORD_MSG_TALKREQ);
    puppet_send_whoareyou(peer, &host_at, packet.pkt.nonce12, 0);
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_count(peer, XORD_FLAG_HANDSHAKE), 0);
    cr_assert_eq(count(XORD_CNT_drop_whoareyou), 1);
}

Test(decisions, failed_handshake_keeps_the_challenge, .init = setup, .fini = stop)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 7, 1};
    struct puppet_packet whoareyou;
    struct puppet_message pong;

    puppet_send_noise(peer, &host_at, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0x10);
    world_run(world, 20 * MS);
    cr_assert_eq(count(XORD_CNT_drop_handshake_signature), 1);
    cr_assert_eq(sessions(), 0);
    puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0);
    world_run(world, 20 * MS);
    cr_assert(puppet_take_message(peer, XORD_MSG_PONG, &pong));
    cr_assert_eq(sessions(), 1);
}

Test(decisions, challenge_attempts_bounded, .init = setup, .fini = stop)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 7, 1};
    struct puppet_packet whoareyou;

    puppet_send_noise(peer, &host_at, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    for (int i = 0; i < 50; i++)
        puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0x10);
    world_run(world, 20 * MS);
    cr_assert_eq(count(XORD_CNT_drop_handshake_signature), XORD_CHALLENGE_ATTEMPTS);
    cr_assert_eq(count(XORD_CNT_drop_handshake_attempts), 50 - XORD_CHALLENGE_ATTEMPTS);
    puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0);
    world_run(world, 20 * MS);
    cr_assert_eq(sessions(), 0);
    /* Not for longer than the challenge lives. */
    world_run(world, 1 * S);
    puppet_connect(peer, &host_at);
}

Test(decisions, undecryptable_packet_keeps_the_session, .init = setup, .fini = stop)
{
    static const uint8_t nonce12[12] = {1};

    puppet_connect(peer, &host_at);
    for (int i = 0; i < 20; i++) {
        puppet_send_noise(peer, &host_at, nonce12);
        world_run(world, 300 * MS);
        cr_assert_eq(puppet_count(peer, XORD_FLAG_WHOAREYOU), 1);
        cr_assert(puppet_ping(peer, &host_at), "the session has gone");
    }
}

/* A handshake begun but not proven must not touch the keys in use. */
Test(decisions, unproven_handshake_keeps_the_session, .init = setup, .fini = stop)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 7, 1};
    struct puppet_packet whoareyou;
    struct xord_session_keys keys;

    puppet_connect(peer, &host_at);
    keys = peer->keys;
    puppet_send_noise(peer, &host_at, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0x10);
    world_run(world, 20 * MS);
    peer->keys = keys;
    cr_assert(puppet_ping(peer, &host_at), "the session has gone");
}

Test(decisions, never_more_bytes_than_received_before_a_handshake, .init = setup, .fini = stop)
{
    uint8_t data[XORD_PACKET_MAX_LEN], iv16[16] = {0}, nonce12[12] = {0};

    for (size_t len = 1; len <= XORD_PACKET_MAX_LEN; len++) {
        uint64_t before = count(XORD_CNT_tx_bytes);

        xord_rng_fill(&world->rng, data, len);
        if (len >= XORD_ORDINARY_HEAD_LEN) {
            xord_store_be16(nonce12, (uint16_t)len);
            xord_packet_put_ordinary(data, iv16, nonce12, peer->enr.id32);
            peer->listener.ep.port = (uint16_t)(1000 + len); /* a stranger each time */
            puppet_send(peer, &host_at, data, XORD_ORDINARY_HEAD_LEN, len);
        } else {
            world_send(world, &peer->listener.ep, &host_at.ep, data, len);
        }
        world_run(world, 5 * MS);
        cr_assert_leq(count(XORD_CNT_tx_bytes) - before, len, "more than the %zu bytes received", len);
    }
    cr_assert_gt(count(XORD_CNT_whoareyou_sent), 1000);
    world_run(world, 10 * S);
    cr_assert_eq(count(XORD_CNT_tx_packets), count(XORD_CNT_whoareyou_sent),
            "strangers were sent more than challenges");
}

/* ---- timeouts ---- */

static void check_timeout(uint64_t ns)
{
    world_run(world, ns - 3 * MS);
    cr_assert_null(done(1), "gave up early");
    world_run(world, 6 * MS);
    cr_assert_not_null(done(1), "did not give up");
    cr_assert_eq(done(1)->err, XORD_ETIMEOUT);
}

/* A PING that nobody answers; `challenge`: but by a WHOAREYOU, 2 ms after it was sent. */
static void check_silence(uint64_t request_ns, uint64_t handshake_ns, bool challenge)
{
    struct member_config config = {.ip = HOST_IP,
            .node = {.request_timeout_ns = request_ns, .handshake_timeout_ns = handshake_ns}};
    struct puppet_packet packet;
    struct xord_peer to;

    start(&config);
    to = puppet_peer(peer);
    member_ping(host, 0, &to, 1);
    world_run(world, 1 * MS);
    if (challenge) {
        cr_assert(puppet_take(peer, &packet));
        puppet_send_whoareyou(peer, &host_at, packet.pkt.nonce12, 0);
        world_run(world, 1 * MS);
        check_timeout(handshake_ns ? handshake_ns : 1 * S);
    } else {
        check_timeout((request_ns ? request_ns : 500 * MS) - 1 * MS);
    }
    stop();
}

Test(decisions, request_timeout_500ms)
{
    check_silence(0, 0, false);
}

Test(decisions, request_timeout_settable)
{
    check_silence(3 * S, 0, false);
    check_silence(100 * MS, 0, false);
}

Test(decisions, handshake_timeout_1s)
{
    check_silence(0, 0, true);
}

Test(decisions, handshake_timeout_settable)
{
    check_silence(0, 3 * S, true);
    check_silence(3 * S, 200 * MS, true);
}

/* As the challenged: an answer that comes late, but within the handshake timeout, counts. */
static void check_challenge_life(uint64_t handshake_ns, uint64_t after_ns, bool accepted)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 7, 1};
    struct puppet_packet whoareyou;

    start(&(struct member_config){.ip = HOST_IP, .node.handshake_timeout_ns = handshake_ns});
    puppet_send_noise(peer, &host_at, nonce12);
    world_run(world, 2 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    world_run(world, after_ns - 2 * MS); /* the challenge was made 1 ms ago, the answer takes 1 ms */
    puppet_send_handshake(peer, &host_at, &whoareyou, ping, sizeof(ping), 0);
    world_run(world, 10 * MS);
    cr_assert_eq(sessions(), accepted);
    stop();
}

Test(decisions, challenge_lives_as_long_as_the_handshake_timeout)
{
    check_challenge_life(0, 999 * MS, true);
    check_challenge_life(0, 1000 * MS, false);
    check_challenge_life(3 * S, 2999 * MS, true);
    check_challenge_life(3 * S, 3000 * MS, false);
}

/* ---- liveness ---- */

Test(decisions, liveness_ping_after_300_ms_and_before_5_s, .init = setup, .fini = stop)
{
    struct puppet_message ping;

    puppet_connect(peer, &host_at); /* the PONG is 19 ms old */
    world_run(world, 278 * MS);
    cr_assert_eq(peer->inbox_cnt, 0, "too early");
    world_run(world, 4700 * MS);
    cr_assert(puppet_take_message(peer, XORD_MSG_PING, &ping), "too late");
}

/* ---- FINDNODE ---- */

Test(decisions, distance_0_is_own_record, .init = setup, .fini = stop)
{
    struct found found;

    puppet_connect(peer, &host_at);
    found = ask_one(peer, 0);
    cr_assert_eq(found.total, 1);
    cr_assert_eq(found.cnt, 1);
    cr_assert_bytes(found.enrs[0].raw, member_enr(host, 0)->raw, member_enr(host, 0)->len);
}

Test(decisions, distances_deduplicated, .init = setup, .fini = stop)
{
    uint16_t distances[] = {0, 256, 0, 256, 256, 0, 255, 255};
    struct member *crowd;
    struct found once, twice;

    crowd = add_crowd(4);
    puppet_connect(peer, &host_at);
    once = ask(peer, (const uint16_t[]){0, 256, 255}, 3);
    twice = ask(peer, distances, 8);
    cr_assert_eq(twice.cnt, once.cnt);
    cr_assert_geq(twice.cnt, 2);
    for (uint32_t i = 0; i < once.cnt; i++)
        cr_assert(found_has(&twice, once.enrs[i].id32));
    cr_assert(found_has(&once, member_enr(host, 0)->id32));
    (void)crowd;
}

Test(decisions, distance_above_256_or_empty_list_gives_empty_nodes_total_1, .init = setup, .fini = stop)
{
    static const uint16_t above[] = {257, 300, 512, 65535};
    struct found found;

    add_crowd(4);
    puppet_connect(peer, &host_at);
    found = ask(peer, NULL, 0);
    cr_assert(found.packets == 1 && found.total == 1 && found.cnt == 0);
    found = ask(peer, above, 4);
    cr_assert(found.packets == 1 && found.total == 1 && found.cnt == 0);
    for (int i = 0; i < 4; i++) {
        found = ask(peer, &above[i], 1);
        cr_assert(found.packets == 1 && found.total == 1 && found.cnt == 0, "distance %u", above[i]);
    }
    /* Beside real ones they do no harm. */
    found = ask(peer, (const uint16_t[]){300, 256, 255, 254, 253, 252, 257}, 7);
    cr_assert_eq(found.cnt, 4);
}

Test(decisions, only_live_nodes_returned, .init = setup, .fini = stop)
{
    struct xord_endpoint dead = world_ep("7.7.7.7", 9000);
    struct xord_enr unseen = puppet_record(world, "7.7.7.7", 9000, NULL, 0);
    struct member *crowd = add_crowd(2);
    struct found found;
    uint16_t all[256];

    for (uint16_t i = 0; i < 256; i++)
        all[i] = (uint16_t)(256 - i);
    puppet_connect(peer, &host_at);
    offer(&unseen, &dead);
    world_run(world, 100 * MS);
    cr_assert_eq(sizes_of_host().table, 4); /* two live, the offered one, the peer that has just come */
    found = ask(peer, all, 256);
    cr_assert_eq(found.cnt, 2);
    cr_assert(found_has(&found, member_enr(crowd, 0)->id32));
    cr_assert(found_has(&found, member_enr(crowd, 1)->id32));
}

/* A peer that answers the host's PING and is from then on live. */
static void become_live(struct puppet *puppet)
{
    struct puppet_message ping;
    struct xord_message pong = {.type = XORD_MSG_PONG};

    puppet_connect(puppet, &host_at);
    for (int i = 0; i < 100 && puppet->inbox_cnt == 0; i++)
        world_run(world, 20 * MS);
    cr_assert(puppet_take_message(puppet, XORD_MSG_PING, &ping));
    pong.request_id = ping.msg.request_id;
    pong.pong.enr_seq = 1;
    memcpy(pong.pong.ip16, host_at.ep.ip16, 16);
    pong.pong.port = host_at.ep.port;
    puppet_send_message(puppet, &host_at, &pong);
    world_run(world, 100 * MS);
}

Test(decisions, never_the_peers_own_record, .init = setup, .fini = stop)
{
    struct puppet *other = puppet_new(world, "6.6.6.6", 9000);
    struct found found;

    become_live(peer);
    cr_assert_eq(sizes_of_host().table_live, 1);
    found = ask_one(peer, distance_to(peer->enr.id32));
    cr_assert_eq(found.cnt, 0);
    puppet_connect(other, &host_at);
    found = ask_one(other, distance_to(peer->enr.id32));
    cr_assert_eq(found.cnt, 1);
    cr_assert_bytes(found.enrs[0].id32, peer->enr.id32, 32);
}

Test(decisions, nodes_at_most_16_split_below_1280_same_total, .init = setup, .fini = stop)
{
    struct found found;
    uint16_t all[257];

    for (uint16_t i = 0; i <= 256; i++)
        all[i] = (uint16_t)(256 - i);
    add_crowd(60);
    cr_assert_gt(sizes_of_host().table_live, 30);
    puppet_connect(peer, &host_at);
    found = ask(peer, all, 256); /* found_take checks lengths and totals */
    cr_assert_eq(found.cnt, 16);
    cr_assert_gt(found.packets, 1);
    for (uint32_t i = 0; i < found.cnt; i++)
        for (uint32_t j = 0; j < i; j++)
            cr_assert(memcmp(found.enrs[i].id32, found.enrs[j].id32, 32) != 0);
    /* Our own record counts as one of the 16. */
    found = ask(peer, (const uint16_t[]){0, 256, 255, 254}, 4);
    cr_assert_eq(found.cnt, 16);
    cr_assert_bytes(found.enrs[0].id32, host_at.id32, 32);
}

/* ---- NODES ---- */

static uint32_t records_of(uint64_t cookie)
{
    uint32_t cnt = 0;

    for (const struct xord_mail *mail = host->control; mail; mail = mail->next)
        if (mail->kind == XORD_MAIL_RECORDS && mail->cookie == cookie)
            cnt += mail->records.cnt;
    return cnt;
}

Test(decisions, unsolicited_nodes_ignored, .init = setup, .fini = stop)
{
    struct xord_request_id id = {.len = 8};
    struct xord_enr enr = puppet_record(world, "8.8.8.8", 9000, NULL, 0);

    puppet_connect(peer, &host_at);
    world_run(world, 100 * MS);
    for (uint8_t len = 0; len <= 8; len++) {
        id.len = len;
        send_nodes(peer, &id, 1, &enr, 1);
    }
    world_run(world, 100 * MS);
    cr_assert_eq(count(XORD_CNT_drop_unsolicited), 9);
    cr_assert_eq(count(XORD_CNT_nodes_in), 0);
    cr_assert_eq(sizes_of_host().table, 1, "more than the peer itself in the table");
    cr_assert_null(host->control);
}

Test(decisions, nodes_only_from_the_peer_asked, .init = setup, .fini = stop)
{
    static const uint16_t distance = 256;
    struct puppet *stranger = puppet_new(world, "5.6.8.9", 9000);
    struct xord_enr enr = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, 256);
    struct puppet_message asked;

    puppet_connect(stranger, &host_at);
    host_asks(&asked, &distance, 1, 1);
    send_nodes(stranger, &asked.msg.request_id, 1, &enr, 1);
    world_run(world, 20 * MS);
    cr_assert_null(done(1));
    cr_assert_eq(records_of(1), 0);
    cr_assert_eq(count(XORD_CNT_drop_unsolicited), 1);
    send_nodes(peer, &asked.msg.request_id, 1, &enr, 1);
    world_run(world, 20 * MS);
    cr_assert_eq(done(1)->err, 0);
    cr_assert_eq(records_of(1), 1);
    /* The same again: the request is over. */
    send_nodes(peer, &asked.msg.request_id, 1, &enr, 1);
    world_run(world, 20 * MS);
    cr_assert_eq(count(XORD_CNT_drop_unsolicited), 2);
    cr_assert_eq(records_of(1), 1);
}

Test(decisions, nodes_only_within_total, .init = setup, .fini = stop)
{
    static const uint16_t distance = 256;
    static const uint64_t bad[] = {0, 17, 1000, UINT64_MAX};
    struct xord_enr enrs[20];
    struct puppet_message asked;

    for (int i = 0; i < 20; i++)
        enrs[i] = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, 256);
    host_asks(&asked, &distance, 1, 1);
    for (int i = 0; i < 4; i++)
        send_nodes(peer, &asked.msg.request_id, bad[i], &enrs[0], 1);
    world_run(world, 20 * MS);
    cr_assert_eq(count(XORD_CNT_drop_nodes_total), 4);
    cr_assert_eq(records_of(1), 0);
    cr_assert_null(done(1));
    for (int i = 0; i < 20; i++)
        send_nodes(peer, &asked.msg.request_id, 16, &enrs[i], 1);
    world_run(world, 20 * MS);
    cr_assert_eq(done(1)->err, 0);
    cr_assert_eq(done(1)->packet_cnt, 16);
    cr_assert_eq(records_of(1), 16);
}

Test(decisions, nodes_total_must_not_change, .init = setup, .fini = stop)
{
    static const uint16_t distance = 256;
    struct xord_enr enrs[3];
    struct puppet_message asked;

    for (int i = 0; i < 3; i++)
        enrs[i] = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, 256);
    host_asks(&asked, &distance, 1, 1);
    send_nodes(peer, &asked.msg.request_id, 3, &enrs[0], 1);
    send_nodes(peer, &asked.msg.request_id, 1, &enrs[1], 1);
    send_nodes(peer, &asked.msg.request_id, 2, &enrs[2], 1);
    world_run(world, 20 * MS);
    cr_assert_eq(count(XORD_CNT_drop_nodes_total), 2);
    world_run(world, 1 * S);
    cr_assert_eq(done(1)->err, XORD_ETIMEOUT);
    cr_assert_eq(done(1)->packet_cnt, 1);
    cr_assert_eq(records_of(1), 1);
}

Test(decisions, nodes_only_at_asked_distances, .init = setup, .fini = stop)
{
    static const uint16_t asked_for[] = {256, 254};
    struct puppet_message asked;
    struct xord_enr enrs[4];

    for (int i = 0; i < 3; i++)
        enrs[i] = puppet_record(world, "8.8.8.8", 9000, peer->enr.id32, 256 - (unsigned)i);
    enrs[3] = peer->enr; /* distance 0 */
    host_asks(&asked, asked_for, 2, 1);
    send_nodes(peer, &asked.msg.request_id, 1, enrs, 4);
    world_run(world, 20 * MS);
    cr_assert_eq(done(1)->err, 0);
    cr_assert_eq(done(1)->record_cnt, 2);
    cr_assert_eq(records_of(1), 2);
    cr_assert_eq(count(XORD_CNT_drop_record_distance), 2);
}

/* How many of the records with these addresses a peer at `peer_ip` may name. */
static uint32_t believed(const char *peer_ip, const char *const *ips, uint16_t cnt, uint16_t port)
{
    static const uint16_t distance = 256;
    struct puppet_message asked;
    struct xord_enr enrs[16];
    uint32_t got;

    start_at(HOST_IP, peer_ip);
    for (uint16_t i = 0; i < cnt; i++)
        enrs[i] = puppet_record(world, ips[i], port, peer->enr.id32, 256);
    host_asks(&asked, &distance, 1, 1);
    send_nodes(peer, &asked.msg.request_id, 1, enrs, cnt);
    world_run(world, 20 * MS);
    cr_assert_eq(done(1)->err, 0);
    got = records_of(1);
    cr_assert_eq(count(XORD_CNT_drop_record_address), cnt - got);
    stop();
    return got;
}

static const char *const loopback_ips[] = {"127.0.0.1", "127.9.9.9", "::1"};
static const char *const private_ips[] = {"10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1",
        "fd00::1", "fe80::1"};
static const char *const never_ips[] = {"0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "ff02::1"};
static const char *const public_ips[] = {"8.8.8.8", "172.32.0.1", "2001:4860:4860::8888"};

Test(decisions, public_node_naming_private_addresses_ignored)
{
    cr_assert_eq(believed(PEER_IP, loopback_ips, 3, 9000), 0);
    cr_assert_eq(believed(PEER_IP, private_ips, 7, 9000), 0);
    cr_assert_eq(believed(PEER_IP, never_ips, 6, 9000), 0);
    cr_assert_eq(believed(PEER_IP, public_ips, 3, 0), 0);
    cr_assert_eq(believed(PEER_IP, public_ips, 3, 9000), 3);
}

Test(decisions, private_node_naming_private_addresses_believed)
{
    cr_assert_eq(believed("10.0.0.9", private_ips, 7, 9000), 7);
    cr_assert_eq(believed("10.0.0.9", public_ips, 3, 9000), 3);
    cr_assert_eq(believed("10.0.0.9", loopback_ips, 3, 9000), 0);
    cr_assert_eq(believed("10.0.0.9", never_ips, 6, 9000), 0);
    cr_assert_eq(believed("127.0.0.9", loopback_ips, 3, 9000), 3);
}

/* Who comes from a public address and calls itself private must not make us send there. */
Test(decisions, public_handshake_naming_private_address_kept_out, .init = setup, .fini = stop)
{
    struct puppet *victim = puppet_new(world, "10.0.0.7", 9000);

    puppet_set_record(peer, 2, &victim->listener.ep);
    puppet_connect(peer, &host_at);
    world_run(world, 10 * S);
    cr_assert_eq(sizes_of_host().table, 0);
    cr_assert_eq(puppet_flush(victim), 0);
    cr_assert(puppet_ping(peer, &host_at), "the session itself is none the worse");
}

/* ---- IP limits ---- */

Test(decisions, ip_limits_hold_for_inbound, .init = setup, .fini = stop)
{
    char ip[16];

    for (int i = 0; i < 6; i++) {
        struct puppet *puppet;

        snprintf(ip, sizeof(ip), "9.9.9.%d", i + 1);
        puppet = puppet_new_at(world, ip, 9000, host_at.id32, 256);
        puppet_connect(puppet, &host_at);
        puppet_free(puppet);
    }
    cr_assert_eq(sizes_of_host().table, XORD_IP_LIMIT_BUCKET);
    cr_assert_eq(sessions(), 6);
}

/* ---- votes ---- */

/* A peer out of a prefix of its own says where the host is: in answer to a PING of the host's, or unasked. */
static void vote(int n, const struct xord_endpoint *said, bool ask_for_it)
{
    struct xord_message pong = {.type = XORD_MSG_PONG, .request_id.len = 8, .pong.enr_seq = 1, .pong.port = said->port};
    struct puppet_message ping;
    struct puppet *voter;
    struct xord_peer to;
    char ip[32];

    snprintf(ip, sizeof(ip), "20.%d.0.1", n);
    voter = puppet_new(world, ip, 9000);
    to = puppet_peer(voter);
    memcpy(pong.pong.ip16, said->ip16, 16);
    if (ask_for_it) {
        member_ping(host, 0, &to, 1);
        puppet_let_connect(voter, &host_at, &ping);
        pong.request_id = ping.msg.request_id;
    } else {
        puppet_connect(voter, &host_at);
    }
    puppet_send_message(voter, &host_at, &pong);
    world_run(world, 5 * MS);
    puppet_free(voter);
}

static void start_voting(void)
{
    start(&(struct member_config){.ip = HOST_IP, .node.learn_endpoint = true});
}

Test(decisions, votes_of_10_peers_update_the_record, .init = start_voting, .fini = stop)
{
    struct xord_endpoint said = world_ep("33.44.55.66", 30303), got;
    const struct xord_mail *self;

    for (int i = 0; i < 9; i++)
        vote(i, &said, true);
    cr_assert_eq(member_enr(host, 0)->seq, 1);
    vote(9, &said, true);
    cr_assert_eq(member_enr(host, 0)->seq, 2);
    cr_assert(xord_enr_endpoint4(member_enr(host, 0), &got));
    cr_assert(xord_endpoint_equal(&got, &said));
    cr_assert_eq(count(XORD_CNT_record_updates), 1);
    self = member_reply(host, XORD_MAIL_SELF, 0);
    cr_assert_not_null(self, "control was not told");
    cr_assert_eq(self->self.seq, 2);
    /* The new one is what peers get. */
    puppet_connect(peer, &host_at);
    cr_assert_eq(ask_one(peer, 0).enrs[0].seq, 2);
}

Test(decisions, votes_only_from_requests_that_we_sent, .init = start_voting, .fini = stop)
{
    struct xord_endpoint said = world_ep("33.44.55.66", 30303);

    for (int i = 0; i < 20; i++)
        vote(i, &said, false);
    cr_assert_eq(member_enr(host, 0)->seq, 1);
    cr_assert_eq(count(XORD_CNT_pong_in), 0);
    cr_assert_geq(count(XORD_CNT_drop_unsolicited), 20);
}

/* ---- endpoints ---- */

Test(decisions, udp6_missing_udp_serves_both)
{
    struct xord_enr_draft draft;
    struct puppet_message ping;
    static const uint16_t port = 9000;

    start_at("2001:db9::1", "2001:db9:1::2");
    host = world_add(world, &(struct member_config){.ip6 = "2001:db9:2::1"});
    host_at = member_peer(host, 0);
    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_enr_draft_set(&draft, (const uint8_t *)"ip6", 3, peer->listener.ep.ip16, 16), 0);
    cr_assert_eq(xord_enr_draft_set_uint(&draft, "udp", port), 0);
    cr_assert_eq(xord_enr_sign(&peer->enr, &draft, world->curve, peer->seckey32), 0);
    puppet_connect(peer, &host_at);
    world_run(world, 5 * S);
    cr_assert(puppet_take_message(peer, XORD_MSG_PING, &ping), "the record's IPv6 endpoint was not found");
    stop();
}

/* The record names an address that is not where the handshake came from. */
Test(decisions, replies_go_to_the_envelope_never_the_record, .init = setup, .fini = stop)
{
    struct puppet *named = puppet_new(world, "6.6.6.6", 9000);
    struct found found;

    puppet_set_record(peer, 2, &named->listener.ep);
    puppet_connect(peer, &host_at);
    found = ask_one(peer, 0);
    cr_assert_eq(found.cnt, 1);
    for (int i = 0; i < 10; i++)
        cr_assert(puppet_ping(peer, &host_at));
    cr_assert_eq(named->inbox_cnt, 0, "an answer went to the address in the record");
    /* What goes there later is the one PING that finds out whether anybody lives there. */
    world_run(world, 30 * S);
    cr_assert_leq(named->inbox_cnt, 1);
}

/* ---- messages ---- */

Test(decisions, talkreq_unknown_protocol_empty_talkresp, .init = setup, .fini = stop)
{
    struct xord_message talk = {.type = XORD_MSG_TALKREQ, .request_id = {.len = 3, .bytes = {1, 2, 3}}};
    struct puppet_message resp;

    talk.talkreq.protocol = (struct xord_bytes_view){(const uint8_t *)"nobody", 6};
    talk.talkreq.request = (struct xord_bytes_view){(const uint8_t *)"hello", 5};
    puppet_connect(peer, &host_at);
    puppet_send_message(peer, &host_at, &talk);
    world_run(world, 20 * MS);
    cr_assert(puppet_take_message(peer, XORD_MSG_TALKRESP, &resp));
    cr_assert_eq(resp.msg.talkresp.response.len, 0);
    cr_assert_eq(resp.msg.request_id.len, 3);
}

static void check_dropped(const char *const *messages, size_t cnt, enum xord_counter_id counter)
{
    puppet_connect(peer, &host_at);
    for (size_t i = 0; i < cnt; i++) {
        uint8_t plain[64];
        size_t len = test_hex(plain, messages[i]);

        puppet_send_plain(peer, &host_at, plain, len);
        world_run(world, 10 * MS);
        cr_assert_eq(puppet_flush(peer), 0, "%s was answered", messages[i]);
        cr_assert_eq(count(counter), i + 1, "%s was not counted", messages[i]);
        cr_assert(puppet_ping(peer, &host_at), "%s killed the session", messages[i]);
    }
}

Test(decisions, trailing_bytes_dropped, .init = setup, .fini = stop)
{
    /* A good PING is 01c20701. */
    static const char *const messages[] = {"01c2070100", "01c3070101", "03c407c2010200", "05c307808000", "02"};

    check_dropped(messages, 5, XORD_CNT_drop_message);
}

Test(decisions, unknown_type_keeps_session, .init = setup, .fini = stop)
{
    static const char *const messages[] = {"00c20701", "0bc20701", "7fc20701", "ffc20701", "0b"};

    check_dropped(messages, 5, XORD_CNT_drop_message_type);
}

/* ---- sessions ---- */

Test(decisions, full_session_cache_keeps_working_peers)
{
    struct puppet *workers[7];
    struct puppet_message ping;
    char ip[16];

    start(&(struct member_config){.ip = HOST_IP, .node.session_cap = 8});
    for (int i = 0; i < 7; i++) {
        struct xord_message pong = {.type = XORD_MSG_PONG, .pong = {.enr_seq = 1, .port = 1}};
        struct xord_peer to;

        snprintf(ip, sizeof(ip), "30.%d.0.1", i);
        workers[i] = puppet_new(world, ip, 9000);
        to = puppet_peer(workers[i]);
        member_ping(host, 0, &to, 1);
        puppet_let_connect(workers[i], &host_at, &ping);
        pong.request_id = ping.msg.request_id;
        puppet_send_message(workers[i], &host_at, &pong);
        world_run(world, 5 * MS);
    }
    for (int i = 0; i < 100; i++) {
        peer->listener.ep.port = (uint16_t)(10000 + i);
        puppet_connect(peer, &host_at);
    }
    cr_assert_eq(sessions(), 8);
    cr_assert_eq(count(XORD_CNT_sessions_evicted), 99);
    for (int i = 0; i < 7; i++) {
        cr_assert(puppet_ping(workers[i], &host_at), "working peer %d was pushed out", i);
        puppet_free(workers[i]);
    }
    stop();
}

/* ---- floods in the name of others, and answers that get lost within the process ---- */

#define EVIL_CNT 15

/* A peer that the host knows has lost its session; somebody who owns one address floods with bad handshakes. */
static bool peer_is_served_beside(bool in_its_name)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 7, 1};
    struct puppet *evil[EVIL_CNT];
    struct puppet_packet whoareyou[EVIL_CNT], own;
    struct puppet_message pong;
    bool served;

    setup();
    become_live(peer);
    for (int i = 0; i < EVIL_CNT; i++) {
        evil[i] = puppet_new(world, "66.6.6.6", (uint16_t)(9000 + i));
        if (in_its_name) {
            memcpy(evil[i]->enr.id32, peer->enr.id32, 32);
            evil[i]->mask_key = peer->mask_key;
        }
        puppet_send_noise(evil[i], &host_at, nonce12);
    }
    puppet_send_noise(peer, &host_at, nonce12);
    world_run(world, 20 * MS);
    for (int i = 0; i < EVIL_CNT; i++)
        cr_assert(puppet_take(evil[i], &whoareyou[i]));
    cr_assert(puppet_take(peer, &own));
    for (int i = 0; i < 4 * EVIL_CNT; i++)
        puppet_send_handshake(evil[i % EVIL_CNT], &host_at, &whoareyou[i % EVIL_CNT], ping, sizeof(ping), 0x10);
    puppet_send_handshake(peer, &host_at, &own, ping, sizeof(ping), 0);
    world_run(world, 20 * MS);
    served = puppet_take_message(peer, XORD_MSG_PONG, &pong);
    for (int i = 0; i < EVIL_CNT; i++)
        puppet_free(evil[i]);
    stop();
    return served;
}

Test(decisions, a_flood_in_a_known_peers_name_does_not_shut_it_out)
{
    cr_assert(peer_is_served_beside(false));
    cr_assert(peer_is_served_beside(true));
}

Test(decisions, a_stranger_with_a_known_id_is_told_no_seq, .init = setup, .fini = stop)
{
    static const uint8_t nonce12[12] = {1};
    struct puppet *evil = puppet_new(world, "66.6.6.6", 9000);
    struct puppet_packet whoareyou;

    become_live(peer);
    memcpy(evil->enr.id32, peer->enr.id32, 32);
    evil->mask_key = peer->mask_key;
    puppet_send_noise(evil, &host_at, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(evil, &whoareyou));
    cr_assert_eq(whoareyou.pkt.enr_seq, 0);
    puppet_free(evil);
}

Test(decisions, nodes_that_got_lost_within_do_not_count_as_whole, .init = setup, .fini = stop)
{
    static const uint16_t distance = 256;
    struct puppet_message asked;
    struct xord_enr enrs[6];
    struct xord_mail *held;

    for (int i = 0; i < 6; i++)
        enrs[i] = puppet_record(world, i < 3 ? "8.8.8.8" : "9.9.9.9", 9000, peer->enr.id32, 256);
    host_asks(&asked, &distance, 1, 1);
    held = member_mail_new(host, XORD_MAIL_SELF, 0, 0); /* control is busy elsewhere and holds all mail */
    host->mail_cap = host->mail_cnt;
    send_nodes(peer, &asked.msg.request_id, 2, &enrs[0], 3);
    world_run(world, 20 * MS);
    host->mail_cap = 0;
    held->self = *member_enr(host, 0);
    member_post(host, 0, held);
    send_nodes(peer, &asked.msg.request_id, 2, &enrs[3], 3);
    world_run(world, 20 * MS);
    cr_assert_eq(done(1)->err, XORD_ETIMEOUT);
    cr_assert_eq(done(1)->record_cnt, 3);
}

/* ---- peers met over a standing session ---- */

Test(decisions, who_pings_over_a_session_and_is_not_in_the_table_is_asked_for_its_record, .init = setup, .fini = stop)
{
    struct puppet_message asked;

    puppet_connect(peer, &host_at);
    world_run(world, 30 * S); /* it answers no check and goes */
    cr_assert_eq(sizes_of_host().table, 0);
    puppet_flush(peer);
    cr_assert(puppet_ping(peer, &host_at));
    world_run(world, 250 * MS);
    cr_assert_eq(peer->inbox_cnt, 0, "too early");
    world_run(world, 250 * MS);
    cr_assert(puppet_take_message(peer, XORD_MSG_FINDNODE, &asked));
    send_nodes(peer, &asked.msg.request_id, 1, &peer->enr, 1);
    world_run(world, 100 * MS);
    cr_assert_eq(sizes_of_host().table, 1);
}
