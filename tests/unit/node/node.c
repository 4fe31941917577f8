/* SPDX-License-Identifier: BSD-3-Clause */
/* Shards that talk to each other over a network in virtual time: handshakes both ways and at once, every kind of trouble
 * on the wire, full tables, several shards. */
#include "xord_node.h"

#include "node_private.h"
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

/* How a request ended; it must have ended exactly once. */
static const struct xord_mail_done *done_of(const struct member *member, uint64_t cookie)
{
    uint32_t cnt = member_reply_cnt(member, XORD_MAIL_DONE, cookie);

    cr_assert_eq(cnt, 1, "request %lu: %u times DONE", (unsigned long)cookie, cnt);
    return &member_reply(member, XORD_MAIL_DONE, cookie)->done;
}

static uint64_t handshakes(const struct member *member)
{
    return member_count(member, XORD_CNT_handshakes_in) + member_count(member, XORD_CNT_handshakes_out);
}

static struct xord_node_sizes sizes_of(const struct member *member, uint16_t shard)
{
    struct xord_node_sizes sizes;

    xord_node_sizes(member->shards[shard].node, &sizes);
    return sizes;
}

static void ping_ok(struct member *from, const struct member *to, uint64_t cookie)
{
    struct xord_peer peer = member_peer(to, 0);

    member_ping(from, 0, &peer, cookie);
    world_run(world, 100 * MS);
    cr_assert_eq(done_of(from, cookie)->err, 0);
}

/* The packet goes on, its last byte another. */
static bool spoil_last_byte(void *ctx, const struct world_packet *packet)
{
    uint8_t data[XORD_PACKET_MAX_LEN];

    (void)ctx;
    world->filter = NULL;
    memcpy(data, packet->data, packet->len);
    data[packet->len - 1] ^= 1;
    world_send(world, &packet->src, &packet->dst, data, packet->len);
    return false;
}

/* ---- handshakes ---- */

Test(node, a_ping_shakes_hands_and_is_answered)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_endpoint own = member_peer(a, 0).ep;
    const struct xord_mail *pong;

    ping_ok(a, b, 1);
    cr_assert_eq(done_of(a, 1)->handshake, 1);
    cr_assert_eq(done_of(a, 1)->rtt_ns, 2 * MS);
    pong = member_reply(a, XORD_MAIL_PONG, 1);
    cr_assert_not_null(pong);
    cr_assert_eq(pong->pong.enr_seq, 1);
    cr_assert(xord_endpoint_equal(&pong->pong.said, &own));
    cr_assert_eq(member_count(a, XORD_CNT_handshakes_out), 1);
    cr_assert_eq(member_count(b, XORD_CNT_handshakes_in), 1);
}

Test(node, a_session_serves_both_ways)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");

    ping_ok(a, b, 1);
    ping_ok(b, a, 2);
    ping_ok(a, b, 3);
    cr_assert_eq(done_of(b, 2)->handshake, 0);
    cr_assert_eq(done_of(a, 3)->handshake, 0);
    cr_assert_eq(handshakes(a), 1);
    cr_assert_eq(handshakes(b), 1);
}

static size_t echo(void *ctx, uint8_t *out, size_t cap, const uint8_t from_id32[32], const uint8_t *request,
        size_t request_len)
{
    (void)ctx;
    (void)from_id32;
    cr_assert_leq(request_len, cap);
    memcpy(out, request, request_len);
    return request_len;
}

static const struct xord_talk_handler echo_handler = {.protocol = "echo", .respond = echo};

static struct member *add_echo(const char *ip)
{
    return world_add(world,
            &(struct member_config){.ip = ip, .node = {.talk_handlers = &echo_handler, .talk_handler_cnt = 1}});
}

static void talk_ok(struct member *from, const struct member *to, uint16_t len, uint64_t cookie)
{
    struct xord_peer peer = member_peer(to, 0);
    uint8_t request[XORD_PACKET_MAX_LEN];
    const struct xord_mail *talk;

    memset(request, 0x5a, sizeof(request));
    member_talk(from, 0, &peer, "echo", request, len, cookie);
    world_run(world, 100 * MS);
    cr_assert_eq(done_of(from, cookie)->err, 0, "%u bytes: error %d", len, done_of(from, cookie)->err);
    talk = member_reply(from, XORD_MAIL_TALK, cookie);
    cr_assert_not_null(talk);
    cr_assert_eq(talk->talk.len, len);
    cr_assert_bytes(talk->talk.data, request, len);
}

Test(node, talk_of_every_length_begins_a_session)
{
    static const uint16_t lens[] = {0, 1, 55, 56, 600, 770, 780, 790, 800, 810, 820, 1000, XORD_TALK_MAX_LEN - 4};
    char ip[16];

    for (uint32_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct member *a, *b;

        snprintf(ip, sizeof(ip), "10.0.1.%u", i + 1);
        a = add(ip);
        snprintf(ip, sizeof(ip), "10.0.2.%u", i + 1);
        b = add_echo(ip);
        talk_ok(a, b, lens[i], i);
        cr_assert_eq(handshakes(a), 1);
    }
}

/* The peer has lost the session, which the request finds out: it does not fit into a handshake packet either. */
Test(node, a_talk_too_large_for_a_handshake_renews_a_lost_session)
{
    struct member *a = add("10.0.0.1"), *b = add_echo("10.0.0.2");
    struct xord_session_key key = {.ep = member_peer(a, 0).ep};

    talk_ok(a, b, 1100, 1);
    memcpy(key.peer_id32, member_peer(a, 0).id32, 32);
    xord_session_remove(member_node(b)->sessions, xord_session_find(member_node(b)->sessions, &key));
    talk_ok(a, b, 1100, 2);
    cr_assert_eq(handshakes(a), 2);
    cr_assert_eq(sizes_of(a, 0).requests, 0);
}

Test(node, a_talk_too_large_for_any_packet_is_refused)
{
    struct member *a = add("10.0.0.1"), *b = add_echo("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);
    struct xord_mail *mail = member_mail_new(a, XORD_MAIL_REQUEST, 0, 1);

    mail->request.peer = to;
    mail->request.type = XORD_MSG_TALKREQ;
    mail->request.protocol_len = 10;
    mail->request.request_len = XORD_TALK_MAX_LEN;
    member_request(a, mail);
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 1)->err, XORD_ESIZE);
    cr_assert_eq(member_count(a, XORD_CNT_tx_packets), 0);
}

Test(node, requests_wait_behind_a_handshake)
{
    struct member *a = add("10.0.0.1"), *b = add_echo("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);
    static const uint16_t distance = 0;
    uint8_t request[1100] = {0};

    for (uint64_t i = 0; i < 10; i++) {
        member_ping(a, 0, &to, 3 * i);
        member_findnode(a, 0, &to, &distance, 1, 3 * i + 1);
        member_talk(a, 0, &to, "echo", request, (uint16_t)(100 * i), 3 * i + 2);
    }
    world_run(world, 200 * MS);
    for (uint64_t i = 0; i < 30; i++)
        cr_assert_eq(done_of(a, i)->err, 0, "request %lu", (unsigned long)i);
    cr_assert_eq(handshakes(a), 1);
    cr_assert_eq(handshakes(b), 1);
    cr_assert_eq(member_count(b, XORD_CNT_whoareyou_sent), 1);
}

Test(node, what_waits_behind_a_silent_peer_fails_with_it)
{
    struct member *a = add("10.0.0.1");
    struct xord_enr nobody = puppet_record(world, "10.9.9.9", 9000, NULL, 0);
    struct xord_endpoint ep = world_ep("10.9.9.9", 9000);
    struct xord_peer to = xord_peer_from_enr(&nobody, &ep);

    for (uint64_t i = 0; i < 10; i++)
        member_ping(a, 0, &to, i);
    world_run(world, 510 * MS);
    for (uint64_t i = 0; i < 10; i++)
        cr_assert_eq(done_of(a, i)->err, XORD_ETIMEOUT);
    cr_assert_eq(member_count(a, XORD_CNT_tx_packets), 1);
    cr_assert_eq(sizes_of(a, 0).requests, 0);
}

/* Both begin at once, as far apart as `offset_ns`: afterwards both are served and need no further handshake. */
static void check_crossing(uint64_t offset_ns, uint64_t jitter_ns)
{
    struct member *a, *b;
    struct xord_peer at_a, at_b;
    uint64_t before;

    world = world_new((uint8_t)(offset_ns / 100000));
    world->net.jitter_ns = jitter_ns;
    a = add("10.0.0.1");
    b = add("10.0.0.2");
    at_a = member_peer(a, 0);
    at_b = member_peer(b, 0);
    for (uint64_t i = 0; i < 3; i++)
        member_ping(a, 0, &at_b, i);
    world_run(world, offset_ns);
    for (uint64_t i = 0; i < 3; i++)
        member_ping(b, 0, &at_a, i);
    world_run(world, 200 * MS);
    for (uint64_t i = 0; i < 3; i++) {
        cr_assert_eq(done_of(a, i)->err, 0, "a, offset %lu", (unsigned long)offset_ns);
        cr_assert_eq(done_of(b, i)->err, 0, "b, offset %lu", (unsigned long)offset_ns);
    }
    before = handshakes(a) + handshakes(b);
    for (uint64_t i = 10; i < 20; i++) {
        ping_ok(a, b, i);
        ping_ok(b, a, i);
    }
    cr_assert_eq(handshakes(a) + handshakes(b), before, "still shaking hands, offset %lu", (unsigned long)offset_ns);
    world_free(world);
}

Test(sweep, crossing_handshakes_converge)
{
    for (uint64_t offset = 0; offset <= 7 * MS; offset += 100 * XORD_NS_PER_US) {
        check_crossing(offset, 0);
        check_crossing(offset, 3 * MS);
    }
    TEST_NO_LEAK();
}

/* Peers that do not wait for the answer to a handshake: what they send right behind it must not be lost. */
Test(node, messages_right_behind_a_handshake_are_served)
{
    static const uint8_t nonce12[12] = {1}, first[] = {1, 0xc2, 1, 1}, second[] = {1, 0xc2, 2, 1};
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = member_peer(a, 0);
    struct puppet_packet whoareyou;
    struct puppet_message pong;

    puppet_send_noise(peer, &to, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    puppet_send_handshake(peer, &to, &whoareyou, first, sizeof(first), 0);
    for (int i = 0; i < 3; i++)
        puppet_send_plain(peer, &to, second, sizeof(second));
    world_run(world, 20 * MS);
    cr_assert(puppet_take_message(peer, XORD_MSG_PONG, &pong));
    cr_assert_eq(pong.msg.request_id.bytes[0], 1);
    for (int i = 0; i < 3; i++) {
        cr_assert(puppet_take_message(peer, XORD_MSG_PONG, &pong), "message %d was lost", i);
        cr_assert_eq(pong.msg.request_id.bytes[0], 2);
    }
    cr_assert_eq(member_count(a, XORD_CNT_whoareyou_sent), 1);
}

/* Behind a handshake that fails nothing is served, and the challenge is said again. */
Test(node, messages_behind_a_failed_handshake_are_challenged)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 1, 1};
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = member_peer(a, 0);
    struct puppet_packet whoareyou;

    puppet_send_noise(peer, &to, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    puppet_send_handshake(peer, &to, &whoareyou, ping, sizeof(ping), 1);
    for (int i = 0; i < 30; i++)
        puppet_send_plain(peer, &to, ping, sizeof(ping));
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_count(peer, XORD_FLAG_WHOAREYOU), 30);
    cr_assert_eq(peer->inbox_cnt, 30);
    cr_assert_eq(sizes_of(a, 0).sessions, 0);
}

static void answer_ping(struct puppet *peer, const struct xord_peer *to, const struct puppet_message *ping)
{
    struct xord_message pong = {.type = XORD_MSG_PONG,
            .request_id = ping->msg.request_id,
            .pong = {.enr_seq = 1, .port = 9}};

    puppet_send_message(peer, to, &pong);
}

/* While our probe is under way the peer shakes hands itself: what waits goes out under its session. */
Test(node, a_session_begun_by_the_peer_serves_what_waits)
{
    static const uint8_t nonce12[12] = {1}, first[] = {1, 0xc2, 1, 1};
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = puppet_peer(peer), at_a = member_peer(a, 0);
    struct puppet_packet packet;
    struct puppet_message ping;

    member_ping(a, 0, &to, 1);
    member_ping(a, 0, &to, 2);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &packet)); /* and never challenged */
    puppet_send_noise(peer, &at_a, nonce12);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &packet));
    puppet_send_handshake(peer, &at_a, &packet, first, sizeof(first), 0);
    world_run(world, 5 * MS);
    for (int i = 0; i < 2; i++) {
        cr_assert(puppet_take_message(peer, XORD_MSG_PING, &ping), "request %d was not sent under the session", i);
        answer_ping(peer, &at_a, &ping);
    }
    world_run(world, 5 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert_eq(done_of(a, 2)->err, 0);
    cr_assert_eq(handshakes(a), 1);
}

/* A handshake may take longer than a request: what waits behind it does not time out meanwhile. */
Test(node, waiting_requests_have_the_handshakes_time)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = puppet_peer(peer), at_a = member_peer(a, 0);
    struct puppet_packet packet;
    struct puppet_message ping;

    member_ping(a, 0, &to, 0);
    puppet_let_connect(peer, &at_a, &ping);
    answer_ping(peer, &at_a, &ping);
    world_run(world, 5 * MS);
    member_ping(a, 0, &to, 1);
    member_ping(a, 0, &to, 2);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &packet) && packet.pkt.flag == XORD_FLAG_MESSAGE);
    puppet_flush(peer);
    puppet_send_whoareyou(peer, &at_a, packet.pkt.nonce12, 0);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &packet));
    cr_assert(puppet_accept(peer, &packet, at_a.pubkey33, &ping));
    world_run(world, 800 * MS);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_DONE, 2), 0);
    answer_ping(peer, &at_a, &ping);
    world_run(world, 5 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert(puppet_take_message(peer, XORD_MSG_PING, &ping), "the one that waited was not sent");
    answer_ping(peer, &at_a, &ping);
    world_run(world, 5 * MS);
    cr_assert_eq(done_of(a, 2)->err, 0);
}

/* Right in itself, but for another node than the packet's source: whoever could pass with it would be anybody. */
Test(node, a_handshake_with_anothers_record_is_refused)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 1, 1};
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_enr victim = puppet_record(world, "10.0.0.3", 9000, NULL, 0);
    struct xord_peer to = member_peer(a, 0);
    struct puppet_packet whoareyou;

    memcpy(peer->enr.id32, victim.id32, 32); /* the record's bytes, and the key, stay its own */
    xord_masking_key(&xord_aes_native, world->aes, &peer->mask_key, victim.id32);
    puppet_send_noise(peer, &to, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    puppet_send_handshake(peer, &to, &whoareyou, ping, sizeof(ping), 0);
    world_run(world, 20 * MS);
    cr_assert_eq(member_count(a, XORD_CNT_drop_handshake_record), 1);
    cr_assert_eq(sizes_of(a, 0).sessions, 0);
}

/* An implementation that answers under the keys of its own handshake, which crossed with ours. */
Test(node, an_answer_under_the_peers_session_counts)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 1, 1};
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = puppet_peer(peer), at_a = member_peer(a, 0);
    struct xord_message pong = {.type = XORD_MSG_PONG, .pong = {.enr_seq = 1, .port = 9}};
    struct puppet_packet probe, whoareyou, handshake;
    struct puppet_message asked;

    /* Our handshake packet is out before theirs comes in. */
    puppet_send_noise(peer, &at_a, nonce12);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    member_ping(a, 0, &to, 1);
    member_ping(a, 0, &to, 2);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &probe));
    puppet_send_whoareyou(peer, &at_a, probe.pkt.nonce12, 0);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &handshake));
    cr_assert(puppet_accept(peer, &handshake, at_a.pubkey33, &asked));
    puppet_send_handshake(peer, &at_a, &whoareyou, ping, sizeof(ping), 0);
    pong.request_id = asked.msg.request_id;
    puppet_send_message(peer, &at_a, &pong);
    world_run(world, 20 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert(puppet_take_message(peer, XORD_MSG_PING, &asked), "what waited was not sent under the session");
}

Test(node, an_exhausted_session_is_renewed)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_session_key key = {.ep = member_peer(b, 0).ep};
    struct xord_session *session;

    ping_ok(a, b, 1);
    memcpy(key.peer_id32, member_peer(b, 0).id32, 32);
    session = xord_session_find(member_node(a)->sessions, &key);
    session->sent_cnt = XORD_SESSION_MAX_SENT - 1;
    ping_ok(a, b, 2);
    cr_assert_eq(done_of(a, 2)->handshake, 0);
    ping_ok(a, b, 3);
    cr_assert_eq(done_of(a, 3)->handshake, 1);
    cr_assert_eq(member_count(a, XORD_CNT_drop_session_exhausted), 1);
    session = xord_session_find(member_node(a)->sessions, &key);
    cr_assert_eq(session->sent_cnt, 1);
}

/* The answerer's count runs out. */
Test(node, an_exhausted_session_ends_an_answer)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_session_key key = {.ep = member_peer(a, 0).ep};
    struct xord_peer to = member_peer(b, 0);
    static const uint16_t distance = 0;

    ping_ok(a, b, 1);
    memcpy(key.peer_id32, member_peer(a, 0).id32, 32);
    xord_session_find(member_node(b)->sessions, &key)->sent_cnt = XORD_SESSION_MAX_SENT;
    member_findnode(a, 0, &to, &distance, 1, 2);
    world_run(world, 20 * MS);
    cr_assert_eq(sizes_of(b, 0).sessions, 0);
    cr_assert_eq(member_count(b, XORD_CNT_findnode_in), 1);
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 2)->err, XORD_ETIMEOUT);
    ping_ok(a, b, 3);
}

/* Signed as it should be, but its message does not open: no session, and the challenge stands. */
Test(node, a_handshake_with_a_spoilt_message_is_refused)
{
    static const uint8_t nonce12[12] = {1}, ping[] = {1, 0xc2, 1, 1};
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = member_peer(a, 0);
    struct puppet_packet whoareyou;

    puppet_send_noise(peer, &to, nonce12);
    world_run(world, 20 * MS);
    cr_assert(puppet_take(peer, &whoareyou));
    world->filter = spoil_last_byte;
    puppet_send_handshake(peer, &to, &whoareyou, ping, sizeof(ping), 0);
    world->filter = NULL;
    world_run(world, 20 * MS);
    cr_assert_eq(member_count(a, XORD_CNT_drop_handshake_auth), 1);
    cr_assert_eq(sizes_of(a, 0).sessions, 0);
    puppet_send_handshake(peer, &to, &whoareyou, ping, sizeof(ping), 0);
    world_run(world, 20 * MS);
    cr_assert_eq(sizes_of(a, 0).sessions, 1);
}

/* The network doubles a handshake packet: the second finds its challenge used up. */
Test(node, a_doubled_handshake_counts_once)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");

    world->net.duplicate_pm = 1000;
    ping_ok(a, b, 1);
    world->net.duplicate_pm = 0;
    cr_assert_eq(member_count(b, XORD_CNT_handshakes_in), 1);
    cr_assert_eq(member_count(b, XORD_CNT_drop_handshake_no_challenge), 1);
    ping_ok(a, b, 2);
    cr_assert_eq(done_of(a, 2)->handshake, 0);
}

Test(node, packets_in_our_own_name_are_dropped)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = member_peer(a, 0);
    static const uint8_t nonce12[12] = {1};

    memcpy(peer->enr.id32, to.id32, 32);
    puppet_send_noise(peer, &to, nonce12);
    world_run(world, 20 * MS);
    cr_assert_eq(peer->inbox_cnt, 0);
    cr_assert_eq(member_count(a, XORD_CNT_drop_self), 1);
}

/* REGTOPIC and TOPICQUERY are well-formed, but not served: no answer, and the session stands. */
Test(node, topic_requests_are_not_served)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer to = member_peer(a, 0);
    static const uint8_t topic32[32] = {1};
    struct xord_message query = {.type = XORD_MSG_TOPICQUERY, .request_id.len = 1, .topicquery.topic32 = topic32};

    puppet_connect(peer, &to);
    puppet_send_message(peer, &to, &query);
    world_run(world, 20 * MS);
    cr_assert_eq(puppet_flush(peer), 0);
    cr_assert_eq(member_count(a, XORD_CNT_drop_unserved), 1);
    cr_assert(puppet_ping(peer, &to));
}

/* ---- NODES ---- */

/* A peer whose answers a test writes itself, asked for distance 256. */
static struct xord_request_id ask_puppet(struct member *a, struct puppet *peer, uint64_t cookie)
{
    static const uint16_t distance = 256;
    struct xord_peer to = puppet_peer(peer), at_a = member_peer(a, 0);
    struct puppet_message asked;

    member_findnode(a, 0, &to, &distance, 1, cookie);
    puppet_let_connect(peer, &at_a, &asked);
    return asked.msg.request_id;
}

static void send_nodes(struct puppet *peer, const struct member *a, const struct xord_request_id *id, uint64_t total,
        const struct xord_enr *enr)
{
    struct xord_peer at_a = member_peer(a, 0);
    struct xord_message nodes = {.type = XORD_MSG_NODES, .request_id = *id, .nodes.total = total};

    if (enr)
        nodes.nodes.records = (struct xord_rlp_view){.data = enr->raw, .len = enr->len, .cnt = 1};
    puppet_send_message(peer, &at_a, &nodes);
}

Test(node, a_repeated_nodes_packet_does_not_stand_for_another)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_request_id id = ask_puppet(a, peer, 1);
    struct xord_enr one = puppet_record(world, "10.0.0.3", 9000, peer->enr.id32, 256);
    struct xord_enr two = puppet_record(world, "10.0.0.4", 9000, peer->enr.id32, 256);

    for (int i = 0; i < 5; i++)
        send_nodes(peer, a, &id, 2, &one);
    world_run(world, 20 * MS);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_DONE, 1), 0, "done after one of two packets");
    send_nodes(peer, a, &id, 2, &two);
    world_run(world, 20 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert_eq(done_of(a, 1)->record_cnt, 2);
    cr_assert_eq(done_of(a, 1)->packet_cnt, 2);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_RECORDS, 1), 2);
}

Test(node, an_answer_of_another_kind_is_ignored)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_peer at_a = member_peer(a, 0);
    struct xord_message answer = {.request_id = ask_puppet(a, peer, 1)};
    struct xord_enr one = puppet_record(world, "10.0.0.3", 9000, peer->enr.id32, 256);

    answer.type = XORD_MSG_PONG;
    memcpy(answer.pong.ip16, at_a.ep.ip16, 16);
    puppet_send_message(peer, &at_a, &answer);
    memset(&answer.pong, 0, sizeof(answer.pong));
    answer.type = XORD_MSG_TALKRESP;
    puppet_send_message(peer, &at_a, &answer);
    answer.type = XORD_MSG_TOPICNODES;
    answer.nodes.total = 1;
    puppet_send_message(peer, &at_a, &answer);
    world_run(world, 20 * MS);
    cr_assert_eq(member_count(a, XORD_CNT_drop_unsolicited), 3);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_DONE, 1), 0);
    send_nodes(peer, a, &answer.request_id, 1, &one);
    world_run(world, 20 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
}

/* Half of the answer has come when the peer loses the session and challenges: it answers anew, and differently. `lead`: the
 * request itself is challenged, else another that was sent after it. */
static void check_answered_anew(bool lead)
{
    struct member *a = add(lead ? "10.0.0.1" : "10.0.1.1");
    struct puppet *peer = puppet_new(world, lead ? "10.0.0.2" : "10.0.1.2", 9000);
    struct xord_peer to = puppet_peer(peer), at_a = member_peer(a, 0);
    struct xord_enr one = puppet_record(world, "10.0.0.3", 9000, peer->enr.id32, 256);
    static const uint16_t distance = 256;
    struct puppet_packet asked, other, handshake;
    struct puppet_message msg;

    member_ping(a, 0, &to, 0);
    puppet_let_connect(peer, &at_a, &msg);
    answer_ping(peer, &at_a, &msg);
    world_run(world, 5 * MS);
    member_findnode(a, 0, &to, &distance, 1, 1);
    member_ping(a, 0, &to, 2);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &asked) && puppet_open(peer, &asked, &msg));
    cr_assert(puppet_take(peer, &other));
    send_nodes(peer, a, &msg.msg.request_id, 2, &one);
    world_run(world, 5 * MS);
    puppet_send_whoareyou(peer, &at_a, (lead ? &asked : &other)->pkt.nonce12, 0);
    world_run(world, 5 * MS);
    cr_assert(puppet_take(peer, &handshake) && puppet_accept(peer, &handshake, at_a.pubkey33, &msg));
    if (!lead) {
        answer_ping(peer, &at_a, &msg);
        world_run(world, 5 * MS);
        cr_assert(puppet_take_message(peer, XORD_MSG_FINDNODE, &msg));
    }
    send_nodes(peer, a, &msg.msg.request_id, 1, &one);
    world_run(world, 5 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert_eq(done_of(a, 1)->packet_cnt, 1);
    cr_assert_eq(done_of(a, 1)->record_cnt, 1);
}

Test(node, an_answer_begun_before_a_handshake_comes_anew)
{
    check_answered_anew(true);
    check_answered_anew(false);
}

Test(node, part_of_an_answer_is_reported)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_request_id id = ask_puppet(a, peer, 1);
    struct xord_enr one = puppet_record(world, "10.0.0.3", 9000, peer->enr.id32, 256);

    send_nodes(peer, a, &id, 3, &one);
    world_run(world, 400 * MS);
    cr_assert_eq(member_reply_cnt(a, XORD_MAIL_DONE, 1), 0);
    world_run(world, 200 * MS);
    cr_assert_eq(done_of(a, 1)->err, XORD_ETIMEOUT);
    cr_assert_eq(done_of(a, 1)->packet_cnt, 1);
    cr_assert_eq(done_of(a, 1)->record_cnt, 1);
}

Test(node, broken_records_do_not_spoil_an_answer)
{
    struct member *a = add("10.0.0.1");
    struct puppet *peer = puppet_new(world, "10.0.0.2", 9000);
    struct xord_request_id id = ask_puppet(a, peer, 1);
    struct xord_enr good = puppet_record(world, "10.0.0.3", 9000, peer->enr.id32, 256), bad = good;

    bad.raw[10] ^= 1; /* the signature */
    send_nodes(peer, a, &id, 3, &bad);
    bad.raw[10] ^= 1;
    bad.raw[bad.len - 1] ^= 1; /* the content */
    send_nodes(peer, a, &id, 3, &bad);
    send_nodes(peer, a, &id, 3, &good);
    world_run(world, 50 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert_eq(done_of(a, 1)->record_cnt, 1);
    cr_assert_eq(member_count(a, XORD_CNT_drop_record_invalid), 2);
}

/* Identities without a table of their own answer out of the directory, as a full table would. */
Test(node, a_directory_answers_for_identities_without_a_table)
{
    enum { CNT = 60 };
    static const uint16_t distances[] = {0, 256, 255};
    struct member *crowd =
            world_add(world, &(struct member_config){.ip = "10.1.0.1", .local_cnt = CNT, .no_hosts = true});
    const struct xord_enr *enrs[CNT];
    struct xord_directory *directory;
    struct member *net, *a = add("10.0.0.1");
    struct xord_peer to;

    for (uint32_t i = 0; i < CNT; i++)
        enrs[i] = member_enr(crowd, i);
    directory = xord_directory_new(enrs, CNT);
    net = world_add(world, &(struct member_config){.ip = "10.2.0.1", .no_hosts = true, .node.directory = directory});
    to = member_peer(net, 0);
    member_findnode(a, 0, &to, distances, 3, 1);
    world_run(world, 100 * MS);
    cr_assert_eq(done_of(a, 1)->err, 0);
    cr_assert_eq(done_of(a, 1)->record_cnt, 16);
    cr_assert_geq(done_of(a, 1)->packet_cnt, 2);
    world_free(world);
    xord_directory_free(directory);
    world = world_new(1);
}

/* ---- trouble on the wire ---- */

#define SWEEP_MEMBERS  5
#define SWEEP_REQUESTS 60

struct sweep {
    struct member *members[SWEEP_MEMBERS];
    uint64_t asked[SWEEP_MEMBERS]; /* cookies 0..asked - 1 are used */
};

static void sweep_ask(struct sweep *sweep)
{
    static const uint16_t distances[] = {0, 256, 255};
    uint32_t from = (uint32_t)xord_rng_below(&world->rng, SWEEP_MEMBERS);
    uint32_t to = (from + 1 + (uint32_t)xord_rng_below(&world->rng, SWEEP_MEMBERS - 1)) % SWEEP_MEMBERS;
    struct xord_peer peer = member_peer(sweep->members[to], 0);
    struct member *member = sweep->members[from];
    uint64_t cookie = sweep->asked[from]++;
    uint8_t request[1000] = {0};

    switch (xord_rng_below(&world->rng, 3)) {
    case 0:
        member_ping(member, 0, &peer, cookie);
        break;
    case 1:
        member_findnode(member, 0, &peer, distances, 3, cookie);
        break;
    default:
        member_talk(member, 0, &peer, "echo", request, (uint16_t)xord_rng_below(&world->rng, sizeof(request)), cookie);
    }
}

static uint32_t sweep_check(const struct sweep *sweep)
{
    uint32_t failed = 0;

    for (int i = 0; i < SWEEP_MEMBERS; i++) {
        for (uint64_t cookie = 0; cookie < sweep->asked[i]; cookie++) {
            const struct xord_mail_done *done = done_of(sweep->members[i], cookie);

            cr_assert(done->err == 0 || done->err == XORD_ETIMEOUT || done->err == XORD_EFULL, "error %d", done->err);
            failed += done->err != 0;
        }
        for (uint16_t s = 0; s < sweep->members[i]->shard_cnt; s++)
            cr_assert_eq(sizes_of(sweep->members[i], s).requests, 0);
    }
    return failed;
}

/* Random requests between a few nodes; returns how many failed. Every single one must end exactly once. */
static uint32_t run_sweep(uint8_t seed, struct world_net net, uint16_t shard_cnt, bool tight)
{
    struct sweep sweep = {.asked = {0}};
    char ip[16];
    uint32_t failed;

    world = world_new(seed);
    world->net = net;
    for (int i = 0; i < SWEEP_MEMBERS; i++) {
        struct member_config config = {.ip = ip,
                .shard_cnt = shard_cnt,
                .node = {.talk_handlers = &echo_handler, .talk_handler_cnt = 1}};

        if (tight) {
            config.node.session_cap = config.node.challenge_cap = config.node.request_cap = 8;
            config.node.lane_cap = 1;
        }
        snprintf(ip, sizeof(ip), "10.0.%d.1", i);
        sweep.members[i] = world_add(world, &config);
    }
    for (int i = 0; i < SWEEP_REQUESTS; i++) {
        sweep_ask(&sweep);
        if (xord_rng_below(&world->rng, 3) == 0)
            world_run(world, xord_rng_below(&world->rng, 50 * MS));
    }
    world_run(world, 10 * S);
    failed = sweep_check(&sweep);
    world_free(world);
    return failed;
}

/* Datagrams that come late, twice and in another order: nothing may be lost by that. */
Test(sweep, every_request_is_answered_under_reorder_and_duplicates)
{
    struct world_net net = {.delay_ns = 5 * MS, .jitter_ns = 30 * MS, .duplicate_pm = 300, .reorder_pm = 200};

    for (uint8_t seed = 0; seed < 12; seed++)
        cr_assert_eq(run_sweep(seed, net, 1 + seed % 3, false), 0, "seed %u", seed);
    TEST_NO_LEAK();
}

Test(sweep, every_request_ends_once_under_loss)
{
    uint32_t failed = 0;

    for (uint8_t seed = 0; seed < 15; seed++) {
        struct world_net net = {.delay_ns = 5 * MS,
                .jitter_ns = 30 * MS,
                .loss_pm = 20U + 40U * (seed % 10),
                .duplicate_pm = 100,
                .reorder_pm = 100};

        failed += run_sweep((uint8_t)(100 + seed), net, 1 + seed % 3, false);
    }
    cr_assert_gt(failed, 0);
    cr_assert_lt(failed, 15 * SWEEP_REQUESTS);
    TEST_NO_LEAK();
}

/* Tables of eight and a lane of one: what has no room fails or times out, but ends. */
Test(sweep, every_request_ends_once_with_hardly_any_room)
{
    struct world_net net = {.delay_ns = 5 * MS, .jitter_ns = 60 * MS, .loss_pm = 30, .duplicate_pm = 200};
    uint32_t failed = 0;

    for (uint8_t seed = 0; seed < 15; seed++)
        failed += run_sweep(seed, net, 1 + seed % 3, true);
    cr_assert_lt(failed, 15 * SWEEP_REQUESTS * 9 / 10);
    TEST_NO_LEAK();
}

Test(sweep, every_request_ends_once_when_all_is_lost)
{
    cr_assert_eq(run_sweep(200, (struct world_net){.loss_pm = 1000}, 1, false), SWEEP_REQUESTS);
    TEST_NO_LEAK();
}

/* ---- bounds ---- */

Test(node, a_full_request_table_refuses)
{
    struct member *a = world_add(world, &(struct member_config){.ip = "10.0.0.1", .node.request_cap = 16});
    struct xord_peer to = member_peer(add("10.0.0.2"), 0);
    uint32_t full = 0;

    for (uint64_t i = 0; i < 50; i++)
        member_ping(a, 0, &to, i);
    world_run(world, 200 * MS);
    for (uint64_t i = 0; i < 50; i++) {
        cr_assert(done_of(a, i)->err == 0 || done_of(a, i)->err == XORD_EFULL);
        full += done_of(a, i)->err == XORD_EFULL;
    }
    cr_assert_eq(full, 34);
    cr_assert_eq(member_count(a, XORD_CNT_drop_request_full), 34);
}

/* A large request that needs a PING to lead it, and no room for one. */
Test(node, a_full_request_table_fails_what_cannot_be_led)
{
    struct member *a = world_add(world, &(struct member_config){.ip = "10.0.0.1", .node.request_cap = 1});
    struct member *b = add_echo("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);
    uint8_t request[1100] = {0};

    member_talk(a, 0, &to, "echo", request, sizeof(request), 1);
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 1)->err, XORD_EFULL);
    ping_ok(a, b, 2);
    talk_ok(a, b, 1100, 3);
}

Test(node, a_full_port_is_survived)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);

    a->tx_full = true;
    member_ping(a, 0, &to, 1);
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 1)->err, XORD_ETIMEOUT);
    a->tx_full = false;
    b->tx_full = true;
    member_ping(a, 0, &to, 2);
    world_run(world, 2 * S);
    cr_assert_eq(done_of(a, 2)->err, XORD_ETIMEOUT);
    b->tx_full = false;
    ping_ok(a, b, 3);
    a->tx_full = true; /* with a session */
    member_ping(a, 0, &to, 4);
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 4)->err, XORD_ETIMEOUT);
    cr_assert_geq(member_count(a, XORD_CNT_tx_dropped), 2);
}

/* The port fills up between the challenge and the handshake. */
Test(node, a_port_full_at_the_handshake_is_survived)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);

    member_ping(a, 0, &to, 1);
    world_run(world, 1 * MS + 500 * XORD_NS_PER_US);
    a->tx_full = true;
    world_run(world, 3 * S);
    cr_assert_eq(done_of(a, 1)->err, XORD_ETIMEOUT);
    cr_assert_eq(member_count(a, XORD_CNT_whoareyou_received), 1);
    a->tx_full = false;
    ping_ok(a, b, 2);
}

/* A key that is no point comes by mail, not off the wire: the request fails, the port's buffer does not leak. */
Test(node, a_peer_without_a_valid_key_fails)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct xord_peer to = member_peer(b, 0);

    to.pubkey33[0] = 9;
    member_ping(a, 0, &to, 1);
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 1)->err, XORD_EKEY);
    cr_assert_eq(done_of(a, 1)->handshake, 1);
    ping_ok(b, a, 2);
}

Test(node, bad_requests_by_mail_are_refused)
{
    struct member *a = add("10.0.0.1");
    struct xord_peer to = member_peer(add("10.0.0.2"), 0);
    static const uint8_t types[] = {0, XORD_MSG_PONG, XORD_MSG_NODES, XORD_MSG_REGTOPIC, XORD_MSG_TOPICQUERY, 99};
    struct xord_mail *mail;

    for (uint64_t i = 0; i < sizeof(types); i++) {
        mail = member_mail_new(a, XORD_MAIL_REQUEST, 0, i);
        mail->request.peer = to;
        mail->request.type = types[i];
        member_request(a, mail);
    }
    mail = member_mail_new(a, XORD_MAIL_REQUEST, 0, 20);
    mail->request.peer = to;
    mail->request.type = XORD_MSG_FINDNODE;
    mail->request.distance_cnt = 257;
    member_request(a, mail);
    world_run(world, 1 * S);
    for (uint64_t i = 0; i < sizeof(types); i++)
        cr_assert_eq(done_of(a, i)->err, XORD_EFLAG, "type %u", types[i]);
    cr_assert_eq(done_of(a, 20)->err, XORD_ESIZE);
    cr_assert_eq(member_count(a, XORD_CNT_tx_packets), 0);
}

Test(node, unknown_identities_are_refused)
{
    struct member *a = world_add(world, &(struct member_config){.ip = "10.0.0.1", .local_cnt = 2});
    struct xord_peer to = member_peer(a, 0);
    static const enum xord_mail_kind kinds[] = {XORD_MAIL_OFFER, XORD_MAIL_VOTE, XORD_MAIL_SELF, XORD_MAIL_PONG,
            XORD_MAIL_RECORDS, XORD_MAIL_TALK, XORD_MAIL_DONE};

    member_ping(a, 2, &to, 1);
    member_ping(a, UINT32_MAX, &to, 2);
    member_post(a, 0, member_mail_new(a, XORD_MAIL_LOOKUP, 1, 3)); /* an identity, but no host */
    member_post(a, 0, member_mail_new(a, XORD_MAIL_LOOKUP, 2, 4));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        for (uint32_t local = 1; local < 4; local++)
            for (uint64_t purpose = 0; purpose < 5; purpose++)
                member_post(a, 0, member_mail_new(a, kinds[i], local, purpose << PURPOSE_SHIFT));
    world_run(world, 1 * S);
    cr_assert_eq(done_of(a, 1)->err, XORD_ENOENT);
    cr_assert_eq(done_of(a, 2)->err, XORD_ENOENT);
    cr_assert_neq(done_of(a, 3)->err, 0);
    cr_assert_neq(done_of(a, 4)->err, 0);
}

Test(node, a_flood_of_strangers_is_bounded)
{
    struct member *a = add("10.0.0.1"), *b = add("10.0.0.2");
    struct puppet *flood = puppet_new(world, "10.0.0.3", 1);
    struct xord_peer to = member_peer(a, 0);

    ping_ok(a, b, 1);
    ping_ok(b, a, 2);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t nonce12[12] = {0};

        xord_store_be32(nonce12, i);
        flood->listener.ep.port = (uint16_t)(1 + i % 60000);
        flood->enr.id32[31] = (uint8_t)(i >> 8);
        puppet_send_noise(flood, &to, nonce12);
        if (i % 64 == 63)
            world_run(world, 100 * XORD_NS_PER_US);
    }
    world_run(world, 20 * MS);
    cr_assert_eq(member_count(a, XORD_CNT_whoareyou_sent), 20000);
    cr_assert_gt(member_count(a, XORD_CNT_challenge_evicted), 19000);
    cr_assert_eq(sizes_of(a, 0).sessions, 1);
    ping_ok(b, a, 3);
    cr_assert_eq(done_of(b, 3)->handshake, 0);
}

Test(node, a_full_lane_drops_and_recovers)
{
    static const uint8_t ping[] = {1, 0xc2, 1, 1};
    struct member *a = world_add(world, &(struct member_config){.ip = "10.0.0.1", .node.lane_cap = 2});
    struct xord_peer to = member_peer(a, 0);
    struct puppet *puppets[40];
    struct puppet_packet whoareyou;
    char ip[16];

    for (int i = 0; i < 40; i++) {
        uint8_t nonce12[12] = {(uint8_t)i};

        snprintf(ip, sizeof(ip), "10.1.0.%d", i + 1);
        puppets[i] = puppet_new(world, ip, 9000);
        puppet_send_noise(puppets[i], &to, nonce12);
    }
    world_run(world, 20 * MS);
    for (int i = 0; i < 40; i++) {
        cr_assert(puppet_take(puppets[i], &whoareyou));
        puppet_send_handshake(puppets[i], &to, &whoareyou, ping, sizeof(ping), 0);
    }
    world_run(world, 20 * MS);
    cr_assert_eq(member_count(a, XORD_CNT_handshakes_in), 2);
    cr_assert_eq(member_count(a, XORD_CNT_drop_lane_full), 38);
    world_run(world, 2 * S);
    for (int i = 0; i < 40; i++) {
        puppet_connect(puppets[i], &to);
        puppet_free(puppets[i]);
    }
}

/* ---- several shards ---- */

/* Nodes that answer, at endpoints spread over the shards. */
static struct member *add_crowd(uint32_t cnt)
{
    return world_add(world, &(struct member_config){.ip = "10.1.0.1", .local_cnt = cnt, .no_hosts = true});
}

static void offer_all(struct member *host, struct member *crowd)
{
    for (uint32_t i = 0; i < crowd->locals->cnt; i++) {
        struct xord_mail *mail = member_mail_new(host, XORD_MAIL_OFFER, 0, 0);

        mail->offer.enr = crowd->locals->all[i].enr;
        mail->offer.ep = crowd->locals->all[i].ep[0];
        mail->offer.inbound = 0;
        member_post(host, member_shard_of(host, 0, &mail->offer.ep), mail);
    }
    world_run(world, 12 * S);
}

Test(node, findnode_draws_on_both_shards_tables)
{
    struct member *host = world_add(world, &(struct member_config){.ip = "10.0.0.1", .shard_cnt = 2});
    struct member *crowd = add_crowd(24), *asker = add("10.0.0.2");
    struct xord_peer to = member_peer(host, 0);
    uint16_t distances[] = {256, 255, 254, 253};

    offer_all(host, crowd);
    cr_assert_eq(sizes_of(host, 0).table_live + sizes_of(host, 1).table_live, 24);
    cr_assert_gt(sizes_of(host, 0).table_live, 4);
    cr_assert_gt(sizes_of(host, 1).table_live, 4);
    member_findnode(asker, 0, &to, distances, 4, 1);
    world_run(world, 100 * MS);
    cr_assert_eq(done_of(asker, 1)->err, 0);
    cr_assert_eq(done_of(asker, 1)->record_cnt, 16);
    cr_assert_gt(member_count(host, XORD_CNT_nodes_own_shard), 2);
    cr_assert_gt(member_count(host, XORD_CNT_nodes_other_shard), 2);
}

Test(node, no_session_on_two_shards_for_one_endpoint)
{
    struct member *host = world_add(world, &(struct member_config){.ip = "10.0.0.1", .shard_cnt = 2});
    struct member *crowd = add_crowd(30);
    struct xord_peer to = member_peer(host, 0);
    uint32_t sum = 0;

    offer_all(host, crowd); /* the host goes to them */
    for (uint32_t i = 0; i < 30; i++)
        member_ping(crowd, i, &to, i); /* and they come */
    world_run(world, 1 * S);
    for (uint32_t i = 0; i < 30; i++) {
        struct xord_peer peer = member_peer(crowd, i);
        uint16_t owner = member_shard_of(host, 0, &peer.ep);

        cr_assert_eq(done_of(crowd, i)->err, 0);
        for (uint16_t s = 0; s < 2; s++) {
            struct xord_session_key key = {.ep = peer.ep};

            memcpy(key.peer_id32, peer.id32, 32);
            cr_assert_eq(xord_session_find(host->shards[s].node->sessions, &key) != NULL, s == owner);
        }
    }
    for (uint16_t s = 0; s < 2; s++) {
        cr_assert_gt(sizes_of(host, s).sessions, 5);
        sum += sizes_of(host, s).sessions;
    }
    cr_assert_eq(sum, 30);
}

/* The votes come in on all shards, the home counts them and signs, all shards answer with the new record. */
Test(node, an_update_of_our_record_reaches_all_shards)
{
    struct member *host =
            world_add(world, &(struct member_config){.ip = "1.2.3.4", .shard_cnt = 3, .node.learn_endpoint = true});
    struct xord_endpoint said = world_ep("33.44.55.66", 30303);
    struct xord_peer at_host = member_peer(host, 0);
    char ip[16];

    for (int i = 0; i < 10; i++) {
        struct xord_message pong = {.type = XORD_MSG_PONG, .pong = {.enr_seq = 1, .port = said.port}};
        struct puppet_message ping;
        struct puppet *voter;
        struct xord_peer to;

        snprintf(ip, sizeof(ip), "20.%d.0.1", i);
        voter = puppet_new(world, ip, 9000);
        to = puppet_peer(voter);
        member_ping(host, 0, &to, (uint64_t)i);
        puppet_let_connect(voter, &at_host, &ping);
        pong.request_id = ping.msg.request_id;
        memcpy(pong.pong.ip16, said.ip16, 16);
        puppet_send_message(voter, &at_host, &pong);
        world_run(world, 5 * MS);
        puppet_free(voter);
    }
    for (uint16_t s = 0; s < 3; s++)
        cr_assert_eq(xord_node_enr(host->shards[s].node, 0)->seq, 2, "shard %u", s);
    cr_assert_eq(member_reply_cnt(host, XORD_MAIL_SELF, 0), 1);
    cr_assert_eq(member_count(host, XORD_CNT_record_updates), 1);
}

/* ---- mail ---- */

/* Hardly any mails at all: requests get lost within the process, nothing leaks or hangs, and later all is well. */
Test(node, an_exhausted_mail_pool_is_survived)
{
    struct member_config config = {.ip = "10.0.0.1", .shard_cnt = 2, .mail_cap = 1};
    struct member *host = world_add(world, &config), *crowd = add_crowd(20), *other = add("10.0.0.2");

    offer_all(host, crowd);
    for (uint64_t i = 0; i < 20; i++) {
        struct xord_peer to = member_peer(crowd, (uint32_t)i);

        member_ping(host, 0, &to, i);
        world_run(world, 50 * MS);
    }
    cr_assert_gt(host->mails_refused, 20);
    cr_assert_eq(member_count(host, XORD_CNT_mail_dropped), host->mails_refused);
    world_run(world, 30 * S);
    cr_assert_eq(sizes_of(host, 0).requests + sizes_of(host, 1).requests, 0);
    host->mail_cap = 0;
    ping_ok(host, other, 100);
    world_run(world, 60 * S);
    /* The crowd, and the other: it PINGs over the session that the host opened, and is asked who it is. */
    cr_assert_eq(sizes_of(host, 0).table_live + sizes_of(host, 1).table_live, 21);
}

Test(node, snapshots_that_are_never_free_are_survived)
{
    struct member *host = add("10.0.0.1"), *crowd = add_crowd(10);

    host->no_snaps = true;
    offer_all(host, crowd);
    cr_assert_eq(sizes_of(host, 0).table_live, 10);
}
