/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole engines, with their threads, over the simulated network and over loopback. */
#include "xord_engine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_util.h"
#include "xord_bytes.h"
#include "xord_sim.h"

#define MS     XORD_NS_PER_MS
#define S      XORD_NS_PER_S
#define WAIT_S 20 /* only a failing test waits so long */

static const struct xord_aes_ops *const aes_ops = &xord_aes_native;
static const struct xord_hash_key hash_key = {{3, 4}};
static struct xord_curve *curve;
static struct xord_aes *aes;
static struct xord_sim *sim;
static uint32_t key_cnt;

static void setup(void)
{
    static const uint8_t seed32[32] = {1};

    curve = xord_curve_open(seed32);
    aes = aes_ops->open();
    sim = xord_sim_new(&(struct xord_sim_config){.conditions = {.delay_ns = 200 * XORD_NS_PER_US}});
    cr_assert(curve && aes && sim);
}

static void teardown(void)
{
    xord_sim_free(sim);
    xord_curve_close(curve);
    aes_ops->close(aes);
    TEST_NO_LEAK();
}

TestSuite(engine, .init = setup, .fini = teardown);

/* One process of the test: an engine and its identities. */
struct side {
    struct xord_engine *engine;
    struct xord_locals *locals;
};

struct side_config {
    const char *spec, *ip;
    uint16_t workers;
    uint32_t local_cnt;
    bool no_hosts;
    enum xord_idle idle;
    uint32_t mail_cap;
};

static struct xord_port *open_port(const struct side_config *config)
{
    struct xord_port_config port_config = {.spec = config->spec,
            .addr_cnt = 1,
            .udp_port = strcmp(config->spec, "sim") == 0 ? 9000 : 0,
            .worker_cnt = config->workers,
            .whole_prefix = config->local_cnt > 1,
            .sim = sim};
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_port *port;

    cr_assert_eq(xord_ip_parse(port_config.addrs[0].ip16, config->ip), 0);
    port_config.addrs[0].prefix_len = config->local_cnt > 1 ? 16 : 32;
    port = xord_port_open(&port_config, err);
    cr_assert_not_null(port, "%s", err);
    return port;
}

static void add_local(struct side *side, const struct side_config *config, uint32_t n, uint16_t udp_port)
{
    uint8_t seckey32[32] = {0}, ip16[16];
    struct xord_enr_draft draft;
    struct xord_endpoint ep;
    struct xord_enr enr;

    cr_assert_eq(xord_ip_parse(ip16, config->ip), 0);
    xord_store_be32(ip16 + 12, xord_load_be32(ip16 + 12) + n);
    ep = xord_endpoint_v6(ip16, udp_port);
    xord_store_be32(seckey32 + 28, ++key_cnt);
    xord_enr_draft_init(&draft, 1);
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    cr_assert_eq(xord_enr_sign(&enr, &draft, curve, seckey32), 0);
    cr_assert_eq(xord_locals_add(side->locals, aes_ops, aes, seckey32, &enr, &ep, NULL), 0);
}

static struct side start(const struct side_config *config)
{
    struct xord_port *port = open_port(config);
    uint32_t cnt = config->local_cnt ? config->local_cnt : 1;
    struct xord_engine_config engine_config = {.port = port,
            .worker_cnt = config->workers,
            .idle = config->idle,
            .mail_cap = config->mail_cap,
            .node = {.aes_ops = aes_ops,
                    .curve = curve,
                    .host_cnt = config->no_hosts ? 0 : 1,
                    .session_cap = 1024,
                    .challenge_cap = 1024,
                    .request_cap = 256,
                    .record_cap = 1024,
                    .request_timeout_ns = 5 * S,
                    .handshake_timeout_ns = 5 * S}};
    struct side side = {.locals = xord_locals_new(cnt, &hash_key)};
    char err[XORD_PORT_ERR_LEN] = "";

    cr_assert_not_null(side.locals);
    for (uint32_t i = 0; i < cnt; i++)
        add_local(&side, config, i, port->bound[0].port);
    engine_config.node.locals = side.locals;
    side.engine = xord_engine_start(&engine_config, err);
    cr_assert_not_null(side.engine, "%s", err);
    return side;
}

static void stop(struct side *side)
{
    xord_engine_stop(side->engine);
    xord_locals_free(side->locals);
}

static struct xord_peer peer_of(const struct side *side, uint32_t local)
{
    return xord_peer_from_enr(&side->locals->all[local].enr, &side->locals->all[local].ep[0]);
}

static void ask(struct side *from, uint32_t local, const struct xord_peer *to, uint8_t type, uint64_t cookie)
{
    struct xord_mail *mail = xord_engine_mail_new(from->engine, XORD_MAIL_REQUEST, local, cookie);

    cr_assert_not_null(mail);
    mail->request.peer = *to;
    mail->request.type = type;
    mail->request.distance_cnt = 1;
    mail->request.distances[0] = 0;
    cr_assert_eq(xord_engine_request(from->engine, mail), 0);
}

/* Takes mail until `cnt` requests are done; returns how many of them were answered. */
static uint32_t await(struct side *side, uint32_t cnt)
{
    uint64_t end_ns = xord_now_ns() + WAIT_S * S;
    uint32_t done = 0, ok = 0;

    while (done < cnt && xord_now_ns() < end_ns) {
        struct xord_mail *mails[16];
        uint32_t n = xord_engine_poll(side->engine, mails, 16);

        for (uint32_t i = 0; i < n; i++) {
            done += mails[i]->kind == XORD_MAIL_DONE;
            ok += mails[i]->kind == XORD_MAIL_DONE && mails[i]->done.err == 0;
            xord_engine_mail_free(side->engine, mails[i]);
        }
        if (n == 0)
            xord_engine_wait(side->engine, 100 * MS);
    }
    cr_assert_eq(done, cnt, "%u of %u requests ended", done, cnt);
    return ok;
}

/* ---- start and stop ---- */

Test(engine, starts_and_stops)
{
    static const char *const specs[] = {"sim", "socket"};
    static const char *const ips[] = {"10.0.0.1", "127.0.0.1"};

    for (int s = 0; s < 2; s++)
        for (uint16_t workers = 1; workers <= 3; workers++)
            for (int idle = 0; idle < 2; idle++) {
                struct side side = start(&(struct side_config){.spec = specs[s],
                        .ip = ips[s],
                        .workers = workers,
                        .idle = (enum xord_idle)idle});

                cr_assert_eq(xord_engine_worker_cnt(side.engine), workers);
                stop(&side);
            }
}

Test(engine, stops_with_mail_and_requests_under_way)
{
    for (uint16_t workers = 1; workers <= 3; workers++) {
        struct side_config config = {.spec = "sim", .ip = "10.0.0.1", .workers = workers};
        struct side side = start(&config);
        struct xord_peer nobody = peer_of(&side, 0);

        nobody.id32[0] ^= 1;
        for (uint32_t i = 0; i < 100; i++) {
            nobody.ep.ip16[15] = (uint8_t)(i + 2);
            ask(&side, 0, &nobody, XORD_MSG_PING, i);
        }
        stop(&side);
    }
}

/* ---- traffic ---- */

/* One host asks each identity of a network, over and over. */
static void check_traffic(const char *spec, const char *ip, const char *net_ip, uint16_t workers, uint16_t net_workers)
{
    enum { PEERS = 24, ROUNDS = 3 };
    struct side a = start(&(struct side_config){.spec = spec, .ip = ip, .workers = workers});
    struct side net = start(&(struct side_config){.spec = spec,
            .ip = net_ip,
            .workers = net_workers,
            .local_cnt = PEERS,
            .no_hosts = true});
    struct xord_port_stats stats;
    struct xord_node_sizes sizes;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < PEERS; i++) {
            struct xord_peer to = peer_of(&net, i);

            ask(&a, 0, &to, XORD_MSG_PING, i);
            ask(&a, 0, &to, XORD_MSG_FINDNODE, i);
        }
        cr_assert_eq(await(&a, 2 * PEERS), 2 * PEERS);
    }
    cr_assert_eq(xord_engine_counter_sum(a.engine, XORD_CNT_handshakes_out), PEERS);
    cr_assert_eq(xord_engine_counter_sum(net.engine, XORD_CNT_handshakes_in), PEERS);
    cr_assert_eq(xord_engine_counter_sum(a.engine, XORD_CNT_steer_dropped), 0);
    for (uint16_t w = 0; w < workers; w++)
        cr_assert_gt(xord_counter_get(xord_engine_counters(a.engine, w), XORD_CNT_handshakes_out), 0, "worker %u idles",
                w);
    xord_engine_port_stats(a.engine, &stats);
    cr_assert_geq(stats.tx_packets, (2U * ROUNDS + 1) * PEERS);
    for (uint64_t end_ns = xord_now_ns() + WAIT_S * S; xord_now_ns() < end_ns;) {
        xord_engine_sizes(a.engine, &sizes);
        if (sizes.sessions == PEERS && sizes.requests == 0)
            break;
    }
    cr_assert_eq(sizes.sessions, PEERS);
    cr_assert_eq(sizes.requests, 0);
    stop(&a);
    stop(&net);
}

Test(engine, serves_over_the_simulated_network)
{
    for (uint16_t workers = 1; workers <= 3; workers++)
        check_traffic("sim", "10.0.0.1", "10.1.0.0", workers, (uint16_t)(4 - workers));
}

Test(engine, serves_where_the_device_steers)
{
    xord_sim_free(sim);
    sim = xord_sim_new(&(struct xord_sim_config){.steers = true});
    check_traffic("sim", "10.0.0.1", "10.1.0.0", 2, 1);
}

Test(engine, serves_over_sockets)
{
    for (uint16_t workers = 1; workers <= 3; workers++)
        check_traffic("socket", "127.0.0.1", "127.77.0.0", workers, (uint16_t)(4 - workers));
}

/* With a small pool: every mail comes back, or the later rounds would find none. */
Test(engine, mails_come_back_to_the_pool)
{
    struct side_config config = {.spec = "sim", .ip = "10.0.0.1", .workers = 2, .mail_cap = 64};
    struct side a = start(&config), b = start(&(struct side_config){.spec = "sim", .ip = "10.0.0.2", .workers = 1});
    struct xord_peer to = peer_of(&b, 0);

    for (int round = 0; round < 60; round++) {
        for (uint64_t i = 0; i < 8; i++)
            ask(&a, 0, &to, XORD_MSG_PING, i);
        cr_assert_eq(await(&a, 8), 8, "round %d", round);
    }
    cr_assert_eq(xord_engine_counter_sum(a.engine, XORD_CNT_mail_dropped), 0);
    stop(&a);
    stop(&b);
}

Test(engine, the_pool_is_bounded)
{
    struct side_config config = {.spec = "sim", .ip = "10.0.0.1", .workers = 1, .mail_cap = 64};
    struct side a = start(&config);
    struct xord_mail *mails[256];
    uint32_t n = 0;

    while (n < 256 && (mails[n] = xord_engine_mail_new(a.engine, XORD_MAIL_LOOKUP, 0, 0)) != NULL)
        n++;
    cr_assert_eq(n, 64);
    while (n > 0)
        xord_engine_mail_free(a.engine, mails[--n]);
    cr_assert_not_null(mails[0] = xord_engine_mail_new(a.engine, XORD_MAIL_LOOKUP, 0, 0));
    cr_assert_eq(xord_engine_send(a.engine, 7, mails[0]), XORD_EFULL, "there is no shard 7");
    stop(&a);
}

Test(engine, unknown_identities_are_refused)
{
    struct side_config config = {.spec = "sim", .ip = "10.0.0.1", .workers = 3};
    struct side a = start(&config);
    struct xord_peer to = peer_of(&a, 0);

    ask(&a, 1, &to, XORD_MSG_PING, 1);
    ask(&a, UINT32_MAX, &to, XORD_MSG_PING, 2);
    cr_assert_eq(await(&a, 2), 0);
    stop(&a);
}

Test(engine, a_lookup_ends)
{
    struct side_config config = {.spec = "sim", .ip = "10.0.0.1", .workers = 2};
    struct side a = start(&config);
    struct xord_mail *mail = xord_engine_mail_new(a.engine, XORD_MAIL_LOOKUP, 0, 5);

    cr_assert_not_null(mail);
    memset(mail->lookup.target32, 7, 32);
    cr_assert_eq(xord_engine_send(a.engine, 1, mail), 0);
    cr_assert_eq(await(&a, 1), 1);
    stop(&a);
}

/* A datagram to an address of ours that no identity has. */
Test(engine, drops_what_is_for_nobody)
{
    struct side a = start(&(struct side_config){.spec = "sim", .ip = "10.0.0.1", .workers = 1});
    struct side net = start(
            &(struct side_config){.spec = "sim", .ip = "10.1.0.0", .workers = 2, .local_cnt = 2, .no_hosts = true});
    struct xord_peer to = peer_of(&net, 0);
    uint64_t end_ns = xord_now_ns() + WAIT_S * S;

    to.ep.ip16[14] = 77;
    ask(&a, 0, &to, XORD_MSG_PING, 1);
    while (xord_engine_counter_sum(net.engine, XORD_CNT_drop_no_identity) == 0 && xord_now_ns() < end_ns)
        ;
    cr_assert_eq(xord_engine_counter_sum(net.engine, XORD_CNT_drop_no_identity), 1);
    stop(&a);
    stop(&net);
}

/* Too long for a packet, whichever worker gets it and whoever owns the sender. */
Test(engine, drops_what_is_too_long)
{
    enum { SENDERS = 16 };
    struct side a = start(&(struct side_config){.spec = "socket", .ip = "127.0.0.1", .workers = 2});
    const struct xord_endpoint *ep = &a.locals->all[0].ep[0];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
    uint64_t end_ns = xord_now_ns() + WAIT_S * S;
    static const uint8_t data[1400];

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < SENDERS; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        cr_assert_eq(sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)sizeof(data));
        close(fd);
    }
    while (xord_engine_counter_sum(a.engine, XORD_CNT_drop_size) < SENDERS && xord_now_ns() < end_ns)
        ;
    cr_assert_eq(xord_engine_counter_sum(a.engine, XORD_CNT_drop_size), SENDERS);
    cr_assert_eq(xord_engine_counter_sum(a.engine, XORD_CNT_steer_dropped), 0);
    stop(&a);
}

Test(engine, control_waits_no_longer_than_it_should)
{
    struct side_config config = {.spec = "sim", .ip = "10.0.0.1", .workers = 1};
    struct side a = start(&config);
    struct xord_peer to = peer_of(&a, 0);
    struct xord_mail *mail;
    uint64_t start_ns = xord_now_ns();

    xord_engine_wait(a.engine, 20 * MS);
    cr_assert_geq(xord_now_ns() - start_ns, 20 * MS);
    ask(&a, 9, &to, XORD_MSG_PING, 1); /* refused at once */
    while (xord_engine_poll(a.engine, &mail, 1) == 0)
        xord_engine_wait(a.engine, WAIT_S * S);
    cr_assert_lt(xord_now_ns() - start_ns, WAIT_S / 2 * S);
    xord_engine_mail_free(a.engine, mail);
    stop(&a);
}

/* ---- control's longer conversations ---- */

struct seen {
    uint32_t nodes, sessions, calls;
};

static void on_listed(void *ctx, uint16_t shard, const struct xord_listed *listed)
{
    struct seen *seen = ctx;

    (void)shard;
    seen->calls++;
    if (listed->what == XORD_LIST_TABLE)
        seen->nodes += listed->cnt;
    else
        seen->sessions += listed->cnt;
}

Test(engine, lists_what_the_shards_hold_and_keeps_other_mail)
{
    struct side_config host_config = {.spec = "sim", .ip = "10.0.0.1", .workers = 2};
    struct side_config peers_config = {.spec = "sim",
            .ip = "10.1.0.1",
            .workers = 1,
            .local_cnt = 40,
            .no_hosts = true};
    struct side host = start(&host_config), peers = start(&peers_config);
    struct xord_peer at = peer_of(&host, 0), peer = peer_of(&peers, 0);
    struct seen seen = {0};

    for (uint32_t i = 0; i < 40; i++)
        ask(&peers, i, &at, XORD_MSG_PING, i);
    cr_assert_eq(await(&peers, 40), 40);
    ask(&host, 0, &peer, XORD_MSG_PING, 7); /* its answer may come while control waits for the lists */
    for (uint16_t shard = 0; shard < 2; shard++) {
        cr_assert_eq(xord_engine_list(host.engine, shard, XORD_LIST_TABLE, on_listed, &seen), 0);
        cr_assert_eq(xord_engine_list(host.engine, shard, XORD_LIST_SESSIONS, on_listed, &seen), 0);
    }
    cr_assert_eq(seen.nodes, 40);
    cr_assert_eq(seen.sessions, 40);
    cr_assert_geq(seen.calls, 40 / XORD_LISTED_NODES + 40 / XORD_LISTED_SESSIONS);
    cr_assert_eq(await(&host, 1), 1, "nothing else was lost meanwhile");
    stop(&peers);
    stop(&host);
}

Test(engine, lists_in_steps)
{
    struct side_config host_config = {.spec = "sim", .ip = "10.0.0.1", .workers = 1};
    struct side_config peers_config = {.spec = "sim",
            .ip = "10.1.0.1",
            .workers = 1,
            .local_cnt = 10,
            .no_hosts = true};
    struct side host = start(&host_config), peers = start(&peers_config);
    struct xord_list_query query = {.what = XORD_LIST_TABLE};
    struct xord_peer at = peer_of(&host, 0);
    struct seen seen = {0};
    uint32_t pos = 0;

    for (uint32_t i = 0; i < 10; i++)
        ask(&peers, i, &at, XORD_MSG_PING, i);
    cr_assert_eq(await(&peers, 10), 10);
    cr_assert_eq(xord_engine_list_next(host.engine, 0, &query, &pos, on_listed, &seen), 0);
    cr_assert_eq(seen.calls, 1);
    cr_assert_eq(seen.nodes, XORD_LISTED_NODES);
    cr_assert_neq(pos, XORD_LIST_END);
    query = (struct xord_list_query){.what = XORD_LIST_SESSIONS, .id_digits = 64};
    memcpy(query.id32, peers.locals->all[4].id32, 32);
    seen = (struct seen){0};
    for (pos = 0; pos != XORD_LIST_END;)
        cr_assert_eq(xord_engine_list_next(host.engine, 0, &query, &pos, on_listed, &seen), 0);
    cr_assert_eq(seen.sessions, 1);
    stop(&peers);
    stop(&host);
}

Test(engine, idle_workers_turn_too)
{
    struct side host =
            start(&(struct side_config){.spec = "sim", .ip = "10.0.0.1", .workers = 2, .idle = XORD_IDLE_SLEEP});
    uint64_t start_ns = xord_now_ns(), until_ns = start_ns + WAIT_S * S;

    for (uint16_t shard = 0; shard < 2; shard++)
        while (xord_engine_turned_ns(host.engine, shard) < start_ns + S / 2 && xord_now_ns() < until_ns)
            xord_engine_wait(host.engine, 10 * MS);
    cr_assert_lt(xord_now_ns(), until_ns);
    cr_assert(xord_engine_port_is_up(host.engine));
    stop(&host);
}

static void tell_and_wait(struct side *side, uint16_t shards, enum xord_mail_kind kind, struct xord_mail *mail)
{
    cr_assert_eq(xord_engine_tell_all(side->engine, kind, mail), 0);
    /* Once a shard has answered this it has read that. */
    for (uint16_t shard = 0; shard < shards; shard++)
        cr_assert_eq(xord_engine_list(side->engine, shard, XORD_LIST_TABLE, on_listed, &(struct seen){0}), 0);
}

Test(engine, tells_all_shards)
{
    struct side_config host_config = {.spec = "sim", .ip = "10.0.0.1", .workers = 3};
    struct side_config peers_config = {.spec = "sim",
            .ip = "10.1.0.1",
            .workers = 1,
            .local_cnt = 30,
            .no_hosts = true};
    struct side host = start(&host_config), peers = start(&peers_config);
    struct xord_peer at = peer_of(&host, 0);
    struct xord_mail ban = {.ban.until_ns = UINT64_MAX};

    cr_assert_eq(xord_prefix_parse(&ban.ban.prefix, "10.1.0.0/16"), 0);
    tell_and_wait(&host, 3, XORD_MAIL_BAN, &ban);
    for (uint32_t i = 0; i < 30; i++)
        ask(&peers, i, &at, XORD_MSG_PING, i);
    cr_assert_eq(await(&peers, 30), 0);
    cr_assert_geq(xord_engine_counter_sum(host.engine, XORD_CNT_drop_banned), 30);
    ban.ban.until_ns = 0;
    tell_and_wait(&host, 3, XORD_MAIL_BAN, &ban);
    for (uint32_t i = 0; i < 30; i++)
        ask(&peers, i, &at, XORD_MSG_PING, i);
    cr_assert_eq(await(&peers, 30), 30);
    stop(&peers);
    stop(&host);
}

static uint64_t timed(const struct side *side, enum xord_timing_id id)
{
    uint64_t cnt = 0;

    for (int b = 0; b <= XORD_TIMING_BOUNDS; b++)
        cnt += xord_engine_timing(side->engine, 0, id)->cnt[b];
    return cnt;
}

Test(engine, tells_how_long_answers_took)
{
    struct side host = start(&(struct side_config){.spec = "sim", .ip = "10.0.0.1", .workers = 1});
    struct side peer = start(&(struct side_config){.spec = "sim", .ip = "10.1.0.1", .workers = 1, .no_hosts = true});
    struct xord_peer at = peer_of(&host, 0);
    uint64_t end_ns = xord_now_ns() + WAIT_S * S;

    ask(&peer, 0, &at, XORD_MSG_PING, 1);
    cr_assert_eq(await(&peer, 1), 1);
    stop(&peer);
    /* A turn is timed after its answers have left. */
    while (timed(&host, XORD_TIMING_service) < 2 && xord_now_ns() < end_ns)
        ;
    cr_assert_geq(timed(&host, XORD_TIMING_service), 2, "the first packet and the handshake");
    cr_assert_geq(timed(&host, XORD_TIMING_lane_wait), 1, "the handshake");
    stop(&host);
}
