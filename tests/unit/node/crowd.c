/* SPDX-License-Identifier: BSD-3-Clause */
/* The crowd of a test network, in virtual time. */
#include "xord_crowd.h"

#include <stdlib.h>

#include "test_util.h"
#include "world.h"

#define NODES  400
#define MINUTE (60 * S)

static const struct xord_aes_ops *const ops = &xord_aes_native;
static struct xord_curve *curve;
static struct xord_aes *aes;

static struct xord_crowd_config config_of(uint64_t seed)
{
    struct xord_crowd_config config = {.node_cnt = NODES,
            .seed = seed,
            .start_ns = WORLD_START_NS,
            .host_bits = 16,
            .udp_port = 9000,
            .curve = curve,
            .aes_ops = ops,
            .aes = aes,
            .hash_key = {{1, 2}}};

    cr_assert_eq(xord_ip_parse(config.ip16, "10.3.0.0"), 0);
    return config;
}

static void open_all(void)
{
    static const uint8_t seed32[32] = {1};

    curve = xord_curve_open(seed32);
    aes = ops->open();
    cr_assert(curve && aes);
}

static struct xord_crowd *crowd_of(const struct xord_crowd_config *config)
{
    int err;
    struct xord_crowd *crowd = xord_crowd_new(&err, config, NULL);

    cr_assert_not_null(crowd, "error %d", err);
    return crowd;
}

static void close_all(struct xord_crowd *crowd)
{
    xord_crowd_free(crowd);
    ops->close(aes);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

/* Decoded and verified. */
static void check_record(struct xord_crowd *crowd, struct xord_enr *enr, uint32_t i, uint32_t version)
{
    struct xord_endpoint want = xord_crowd_endpoint(crowd, i, version), got;
    uint8_t raw[XORD_ENR_MAX_LEN], again[XORD_ENR_MAX_LEN];
    uint16_t len = xord_crowd_record(crowd, raw, i, version);

    cr_assert_eq(xord_enr_decode(enr, raw, len), 0, "node %u", i);
    cr_assert_eq(xord_enr_verify(enr, curve), 0, "node %u, version %u", i, version);
    cr_assert_bytes(enr->id32, xord_crowd_locals(crowd)->all[i].id32, 32);
    cr_assert_eq(enr->seq, (uint64_t)version + 1);
    cr_assert(xord_enr_endpoint4(enr, &got) || xord_enr_endpoint6(enr, &got));
    cr_assert(xord_endpoint_equal(&got, &want));
    cr_assert_eq(xord_crowd_record(crowd, again, i, version), len);
    cr_assert_bytes(raw, again, len);
}

static void shares(struct xord_crowd_config *config)
{
    config->dead = 0.3;
    config->nat = 0.2;
    config->malicious = 0.2;
}

Test(crowd, exactly_so_many_of_each_kind_and_the_same_for_a_seed)
{
    struct xord_crowd_config config;
    struct xord_crowd *a, *b;
    uint32_t hostile = 0, counted[XORD_CROWD_KIND_CNT] = {0};

    open_all();
    config = config_of(7);
    shares(&config);
    a = crowd_of(&config);
    b = crowd_of(&config);
    for (uint32_t i = 0; i < NODES; i++) {
        cr_assert_eq(xord_crowd_kind(a, i), xord_crowd_kind(b, i));
        cr_assert_bytes(xord_crowd_locals(a)->all[i].id32, xord_crowd_locals(b)->all[i].id32, 32);
        counted[xord_crowd_kind(a, i)]++;
    }
    for (int kind = 0; kind < XORD_CROWD_KIND_CNT; kind++) {
        cr_assert_eq(counted[kind], xord_crowd_kind_cnt(a, kind));
        hostile += kind >= XORD_CROWD_FIRST_HOSTILE ? counted[kind] : 0;
    }
    cr_assert_eq(counted[XORD_CROWD_DEAD], 120);
    cr_assert_eq(counted[XORD_CROWD_NAT], 80);
    cr_assert_eq(hostile, 80);
    for (int kind = XORD_CROWD_FIRST_HOSTILE; kind < XORD_CROWD_KIND_CNT; kind++)
        cr_assert_gt(counted[kind], 0);
    xord_crowd_free(b);
    config.seed = 8;
    b = crowd_of(&config);
    cr_assert(memcmp(xord_crowd_locals(a)->all[0].id32, xord_crowd_locals(b)->all[0].id32, 32) != 0);
    xord_crowd_free(b);
    close_all(a);
}

Test(crowd, records_verify_in_every_version)
{
    static const uint32_t versions[] = {0, 1, 126, 127, 128, 254, 255, 256, 65534, 65535, 65536};
    struct xord_crowd_class classes[2] = {{.share = 1}, {.share = 3, .random_attnets = true}};
    struct xord_crowd_config config;
    uint32_t of_class[2] = {0};
    struct xord_crowd *crowd;
    struct xord_enr_pair pair;
    struct xord_enr enr;

    open_all();
    config = config_of(7);
    config.churn = 1;
    for (int c = 0; c < 2; c++)
        xord_enr_draft_init(&classes[c].draft, 1);
    cr_assert_eq(xord_enr_draft_set(&classes[1].draft, (const uint8_t *)"attnets", 7, (const uint8_t[8]){0}, 8), 0);
    config.classes = classes;
    config.class_cnt = 2;
    crowd = crowd_of(&config);
    for (uint32_t i = 0; i < NODES; i++) {
        check_record(crowd, &enr, i, versions[i % (sizeof(versions) / sizeof(versions[0]))]);
        of_class[xord_crowd_class(crowd, i)]++;
        cr_assert_eq(xord_enr_find(&enr, "attnets", &pair), xord_crowd_class(crowd, i) == 1);
    }
    cr_assert(of_class[1] > 2 * of_class[0], "%u and %u", of_class[0], of_class[1]);
    close_all(crowd);
}

Test(crowd, records_over_ipv6)
{
    struct xord_crowd_config config;
    struct xord_crowd *crowd;
    struct xord_enr enr;

    open_all();
    config = config_of(7);
    cr_assert_eq(xord_ip_parse(config.ip16, "fd00:3::"), 0);
    config.host_bits = 64;
    crowd = crowd_of(&config);
    for (uint32_t i = 0; i < 20; i++)
        check_record(crowd, &enr, i, 0);
    close_all(crowd);
}

Test(crowd, a_record_that_would_be_too_large)
{
    struct xord_crowd_class class = {.share = 1};
    struct xord_crowd_config config;
    uint8_t much[200] = {0};
    int err;

    open_all();
    config = config_of(7);
    xord_enr_draft_init(&class.draft, 1);
    cr_assert_eq(xord_enr_draft_set(&class.draft, (const uint8_t *)"x", 1, much, sizeof(much)), 0);
    config.classes = &class;
    config.class_cnt = 1;
    cr_assert_null(xord_crowd_new(&err, &config, NULL));
    cr_assert_eq(err, XORD_ESIZE);
    close_all(NULL);
}

/* Each address is one node's, and the sybils' lie in one /24 of their own. */
Test(crowd, addresses)
{
    struct xord_crowd_config config;
    struct xord_crowd *crowd;

    open_all();
    config = config_of(7);
    shares(&config);
    crowd = crowd_of(&config);
    for (uint32_t i = 0; i < NODES; i++) {
        struct xord_endpoint ep = xord_crowd_endpoint(crowd, i, 0);
        bool dead = xord_crowd_kind(crowd, i) == XORD_CROWD_DEAD;

        cr_assert_eq(xord_crowd_owner(crowd, &ep), i);
        cr_assert_eq(xord_crowd_at(crowd, &ep, WORLD_START_NS), dead ? XORD_CROWD_NONE : i);
        cr_assert_eq(xord_locals_find(xord_crowd_locals(crowd), &ep), dead ? XORD_LOCAL_NONE : i);
        cr_assert_eq(ep.ip16[14] == 255, xord_crowd_kind(crowd, i) == XORD_CROWD_SYBIL);
        ep.port++;
        cr_assert_eq(xord_crowd_owner(crowd, &ep), XORD_CROWD_NONE);
    }
    for (const char *const *ip = (const char *const[]){"10.3.0.0", "10.3.1.0", "10.3.1.255", "10.2.0.1", "10.3.200.200",
                 "10.3.255.0", "10.3.255.255", "10.3.255.251", NULL};
            *ip; ip++) {
        struct xord_endpoint ep = world_ep(*ip, 9000);

        cr_assert_eq(xord_crowd_owner(crowd, &ep), XORD_CROWD_NONE, "%s", *ip);
    }
    close_all(crowd);
}

Test(crowd, small_prefixes_are_filled_in_a_row)
{
    struct xord_crowd_config config;
    struct xord_crowd *crowd;

    cr_assert_eq(xord_crowd_room(8, 1), 254);
    cr_assert_eq(xord_crowd_room(1, 1), 0);
    cr_assert_eq(xord_crowd_room(0, 1), 0);
    cr_assert_eq(xord_crowd_room(16, 1), 255 * 254);
    cr_assert_eq(xord_crowd_room(16, 2), 255 * 127);
    cr_assert_geq(xord_crowd_room(24, 1), 1000000);
    open_all();
    config = config_of(7);
    config.host_bits = 8;
    config.node_cnt = 254;
    crowd = crowd_of(&config);
    for (uint32_t i = 0; i < 254; i++) {
        struct xord_endpoint ep = xord_crowd_endpoint(crowd, i, 0);

        cr_assert_eq(ep.ip16[15], i + 1);
        cr_assert_eq(xord_crowd_owner(crowd, &ep), i);
    }
    close_all(crowd);
}

/* ---- time ---- */

/* At any time a node is at one address or nowhere, its seq only rises, and a new seq means a new record. */
Test(crowd, churn)
{
    uint32_t away = 0, moved = 0, was_away = 0, last[NODES] = {0};
    struct xord_crowd_config config;
    struct xord_crowd *crowd;

    open_all();
    config = config_of(7);
    config.churn = 1;
    config.malicious = 0.1;
    crowd = crowd_of(&config);
    for (uint64_t t = WORLD_START_NS; t < WORLD_START_NS + 10 * MINUTE; t += 20 * S)
        for (uint32_t i = 0; i < NODES; i++) {
            uint32_t version = xord_crowd_version(crowd, i, t);
            struct xord_endpoint ep = xord_crowd_endpoint(crowd, i, version);
            struct xord_endpoint before = xord_crowd_endpoint(crowd, i, last[i]);
            bool here = xord_crowd_is_here(crowd, i, t);

            cr_assert_geq(version, last[i]);
            cr_assert_eq(xord_crowd_at(crowd, &ep, t), here ? i : XORD_CROWD_NONE);
            if (version != last[i] && !xord_endpoint_equal(&before, &ep)) {
                moved++;
                cr_assert_eq(xord_crowd_at(crowd, &before, t), XORD_CROWD_NONE);
            }
            if (xord_crowd_kind(crowd, i) >= XORD_CROWD_FIRST_HOSTILE)
                cr_assert(here && version == 0, "hostile nodes want to be found");
            away += !here;
            last[i] = version;
        }
    for (uint32_t i = 0; i < NODES; i++)
        was_away += xord_crowd_was_away(crowd, i, WORLD_START_NS + 10 * MINUTE);
    cr_assert(moved > NODES && moved < 6 * NODES, "%u moves in ten minutes", moved);
    cr_assert(away > 30 * NODES / 5 && away < 30 * NODES / 2, "%u of %u times away", away, 30 * NODES);
    cr_assert(was_away > NODES * 8 / 10 && was_away <= NODES * 9 / 10, "%u", was_away);
    close_all(crowd);
}

Test(crowd, without_churn_nobody_moves)
{
    struct xord_crowd_config config;
    struct xord_crowd *crowd;

    open_all();
    config = config_of(7);
    crowd = crowd_of(&config);
    for (uint32_t i = 0; i < NODES; i++) {
        cr_assert(xord_crowd_is_here(crowd, i, WORLD_START_NS + 1000 * MINUTE));
        cr_assert_eq(xord_crowd_version(crowd, i, WORLD_START_NS + 1000 * MINUTE), 0);
    }
    close_all(crowd);
}

/* ---- answers ---- */

static uint32_t ask(struct xord_crowd *crowd, struct xord_enr *enrs, uint64_t *total, uint32_t i, uint16_t distance)
{
    static const uint8_t nobody32[32];
    struct xord_crowd_answer answer;

    xord_crowd_findnode(crowd, &answer, i, &distance, distance != 0, distance == 0, nobody32, WORLD_START_NS);
    for (uint32_t r = 0; r < answer.cnt; r++)
        cr_assert_eq(xord_enr_decode(&enrs[r], answer.raw[r], answer.len[r]), 0);
    *total = answer.total;
    return answer.cnt;
}

static uint32_t first_of(const struct xord_crowd *crowd, enum xord_crowd_kind kind)
{
    uint32_t i = 0;

    while (xord_crowd_kind(crowd, i) != kind)
        i++;
    return i;
}

Test(crowd, answers_after_the_kind)
{
    struct xord_enr enrs[XORD_CROWD_ANSWER];
    struct xord_crowd_config config;
    struct xord_crowd *crowd;
    uint64_t total;

    open_all();
    config = config_of(7);
    shares(&config);
    crowd = crowd_of(&config);
    for (int kind = 0; kind < XORD_CROWD_KIND_CNT; kind++) {
        uint32_t i = first_of(crowd, kind);
        const uint8_t *id32 = xord_crowd_locals(crowd)->all[i].id32;
        uint32_t n = ask(crowd, enrs, &total, i, 256);

        cr_assert_eq(total > 16, kind == XORD_CROWD_TOTALS);
        cr_assert_eq(n, kind == XORD_CROWD_ECLIPSE ? 0 : 16, "%s: %u", xord_crowd_kind_name(kind), n);
        for (uint32_t r = 0; r < n; r++) {
            cr_assert_eq(xord_enr_verify(&enrs[r], curve) == 0, kind != XORD_CROWD_INVALID);
            if (kind != XORD_CROWD_INVALID)
                cr_assert_eq(xord_log_distance(id32, enrs[r].id32) == 256, kind != XORD_CROWD_DISTANCE);
        }
        n = ask(crowd, enrs, &total, i, 0);
        cr_assert_eq(n, 1);
        cr_assert_eq(xord_enr_verify(&enrs[0], curve), 0, "its own record is good");
        cr_assert_bytes(enrs[0].id32, id32, 32);
    }
    close_all(crowd);
}

Test(crowd, eclipse_nodes_name_each_other)
{
    struct xord_enr enrs[XORD_CROWD_ANSWER];
    struct xord_crowd_config config;
    struct xord_crowd *crowd;
    uint32_t i, named = 0;
    uint64_t total;

    open_all();
    config = config_of(7);
    config.malicious = 0.04;
    config.hostile = 1U << XORD_CROWD_ECLIPSE;
    crowd = crowd_of(&config);
    cr_assert_eq(xord_crowd_kind_cnt(crowd, XORD_CROWD_ECLIPSE), 16);
    i = first_of(crowd, XORD_CROWD_ECLIPSE);
    for (uint16_t distance = 1; distance <= 256; distance++) {
        uint32_t n = ask(crowd, enrs, &total, i, distance);

        for (uint32_t r = 0; r < n; r++) {
            cr_assert_eq(xord_enr_verify(&enrs[r], curve), 0);
            cr_assert_leq(xord_log_distance(enrs[r].id32, xord_crowd_target(crowd)), 256 - 10);
        }
        named += n;
    }
    cr_assert_eq(named, 15);
    close_all(crowd);
}

/* Of a stale network some hand out the old record and some the new one, each always the same. */
Test(crowd, stale_records)
{
    uint32_t old = 0, all = 0;
    struct xord_crowd_config config;
    struct xord_crowd *crowd;

    open_all();
    config = config_of(7);
    config.stale = 0.4;
    crowd = crowd_of(&config);
    for (uint32_t i = 0; i < NODES; i++) {
        struct xord_enr enrs[XORD_CROWD_ANSWER], own;
        struct xord_endpoint gone = xord_crowd_endpoint(crowd, i, 0);
        uint64_t total;
        uint32_t n = ask(crowd, enrs, &total, i, 255);

        for (uint32_t r = 0; r < n; r++)
            old += enrs[r].seq == 1;
        all += n;
        cr_assert_eq(xord_crowd_at(crowd, &gone, WORLD_START_NS), XORD_CROWD_NONE);
        xord_crowd_enr(crowd, &own, i, WORLD_START_NS);
        cr_assert_eq(own.seq, 2);
    }
    cr_assert(old > all * 35 / 100 && old < all * 45 / 100, "%u of %u", old, all);
    close_all(crowd);
}

Test(crowd, signs_ahead_once)
{
    struct xord_crowd_config config;
    struct xord_crowd *crowd;

    open_all();
    config = config_of(7);
    crowd = crowd_of(&config);
    cr_assert(xord_crowd_sign(crowd, 3, WORLD_START_NS));
    cr_assert_not(xord_crowd_sign(crowd, 3, WORLD_START_NS));
    close_all(crowd);
}

/* ---- on the wire ---- */

#define COOKIE 1000

/* Asks node i of the net for distance 256, and gives what came of it. */
static const struct xord_mail_done *exchange(struct world *world, struct member *client, const struct member *net,
        uint32_t i)
{
    static const uint16_t distances[] = {256};
    struct xord_peer peer = member_peer(net, i);
    const struct xord_mail *done;

    memcpy(peer.pubkey33, net->locals->all[i].enr.pubkey33, sizeof(peer.pubkey33));
    peer.ep = net->locals->all[i].ep[0];
    member_findnode(client, 0, &peer, distances, 1, COOKIE + i);
    world_run(world, 3 * S);
    done = member_reply(client, XORD_MAIL_DONE, COOKIE + i);
    cr_assert_not_null(done);
    return &done->done;
}

static void check_done(enum xord_crowd_kind kind, const struct xord_mail_done *done)
{
    bool fails = kind == XORD_CROWD_TOTALS || kind == XORD_CROWD_WHOAREYOU;
    bool empty = fails || kind == XORD_CROWD_DISTANCE || kind == XORD_CROWD_INVALID || kind == XORD_CROWD_ECLIPSE;
    const char *name = xord_crowd_kind_name(kind);

    cr_assert_eq(done->err, fails ? XORD_ETIMEOUT : 0, "%s: %d", name, done->err);
    cr_assert_eq(done->record_cnt, empty ? 0 : 16, "%s: %u", name, done->record_cnt);
    cr_assert_eq(done->loops, kind == XORD_CROWD_WHOAREYOU, "%s", name);
    cr_assert_eq(done->bad_totals > 0, kind == XORD_CROWD_TOTALS, "%s", name);
    cr_assert_eq(done->wrong_distance, kind == XORD_CROWD_DISTANCE ? 16 : 0, "%s: %u", name, done->wrong_distance);
    cr_assert_eq(done->invalid, kind == XORD_CROWD_INVALID ? 16 : 0, "%s: %u", name, done->invalid);
}

/* A whole node against one of each kind, in virtual time: it learns how each behaves. */
Test(crowd, an_asker_learns_how_each_kind_behaves)
{
    struct xord_crowd_config config;
    struct member *client, *net;
    struct xord_crowd *crowd;
    struct world *world;

    open_all();
    config = config_of(7);
    config.malicious = 0.3;
    crowd = crowd_of(&config);
    world = world_new(3);
    client = world_add(world, &(struct member_config){.ip = "10.9.0.1", .no_hosts = true});
    net = world_add(world, &(struct member_config){.no_hosts = true, .shard_cnt = 2, .node.crowd = crowd});
    for (int kind = 0; kind < XORD_CROWD_KIND_CNT; kind++)
        if (xord_crowd_kind_cnt(crowd, kind) > 0)
            check_done(kind, exchange(world, client, net, first_of(crowd, kind)));
    world_free(world);
    close_all(crowd);
}

/* ---- newcomers ---- */

static void newcomer_of(struct xord_enr *enr, uint64_t seq, uint8_t key)
{
    struct xord_endpoint ep = world_ep("10.9.0.1", 9000);
    uint8_t seckey32[32] = {[31] = key};
    struct xord_enr_draft draft;

    xord_enr_draft_init(&draft, seq);
    cr_assert_eq(xord_enr_draft_set_endpoint(&draft, &ep), 0);
    cr_assert_eq(xord_enr_sign(enr, &draft, curve, seckey32), 0);
}

/* How many nodes name it, when asked for the distance at which it is; the seq that they say in *seq. */
static uint32_t named_by(struct xord_crowd *crowd, const struct xord_enr *newcomer, uint64_t *seq)
{
    struct xord_enr enrs[XORD_CROWD_ANSWER];
    uint32_t cnt = 0;
    uint64_t total;

    *seq = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        uint16_t distance = (uint16_t)xord_log_distance(xord_crowd_locals(crowd)->all[i].id32, newcomer->id32);
        uint32_t n = ask(crowd, enrs, &total, i, distance);

        for (uint32_t r = 0; r < n; r++) {
            if (memcmp(enrs[r].pubkey33, newcomer->pubkey33, sizeof(newcomer->pubkey33)) != 0)
                continue;
            cr_assert_eq(xord_enr_verify(&enrs[r], curve), 0);
            *seq = enrs[r].seq;
            cnt++;
        }
    }
    return cnt;
}

Test(crowd, newcomers_are_handed_out_until_they_are_dismissed)
{
    struct xord_enr enr, newer, other;
    struct xord_crowd_config config;
    struct xord_crowd *crowd;
    uint64_t seq;

    open_all();
    config = config_of(7);
    crowd = crowd_of(&config);
    newcomer_of(&enr, 5, 1);
    newcomer_of(&newer, 6, 1);
    newcomer_of(&other, 1, 2);
    cr_assert_eq(named_by(crowd, &enr, &seq), 0);
    cr_assert_eq(xord_crowd_admit(crowd, &enr), 0);
    cr_assert_eq(xord_crowd_admit(crowd, &other), 0);
    cr_assert_eq(named_by(crowd, &enr, &seq), NODES);
    cr_assert_eq(seq, 5);
    cr_assert_eq(xord_crowd_admit(crowd, &newer), 0);
    cr_assert_eq(named_by(crowd, &enr, &seq), NODES);
    cr_assert_eq(seq, 6);
    xord_crowd_dismiss(crowd, enr.id32);
    cr_assert_eq(named_by(crowd, &enr, &seq), 0);
    cr_assert_eq(named_by(crowd, &other, &seq), NODES);
    xord_crowd_dismiss(crowd, enr.id32);
    cr_assert_eq(xord_crowd_admit(crowd, &enr), 0, "it may come again");
    cr_assert_eq(named_by(crowd, &enr, &seq), NODES);
    close_all(crowd);
}

/* However many join, whoever asks still learns of the others. */
Test(crowd, newcomers_take_little_room)
{
    struct xord_enr enr, enrs[XORD_CROWD_ANSWER];
    struct xord_crowd_config config;
    struct xord_crowd *crowd;
    uint64_t total;
    uint32_t k = 0;

    open_all();
    config = config_of(7);
    crowd = crowd_of(&config);
    for (; k < XORD_CROWD_NEWCOMERS; k++) {
        newcomer_of(&enr, 1, 1);
        enr.id32[0] = (uint8_t)k; /* ids of their own are enough here */
        cr_assert_eq(xord_crowd_admit(crowd, &enr), 0);
    }
    enr.id32[1] ^= 1;
    cr_assert_eq(xord_crowd_admit(crowd, &enr), XORD_EFULL);
    for (uint32_t i = 0; i < NODES; i++) {
        uint32_t n = ask(crowd, enrs, &total, i, 256), own = 0;

        cr_assert_eq(n, 16);
        for (uint32_t r = 0; r < n; r++) {
            struct xord_endpoint ep;

            cr_assert(xord_enr_endpoint4(&enrs[r], &ep));
            own += xord_crowd_owner(crowd, &ep) != XORD_CROWD_NONE;
        }
        cr_assert_eq(own, 14);
    }
    close_all(crowd);
}

/* Whoever shakes hands from where its record says is told of, and nobody else. */
Test(crowd, tells_of_newcomers)
{
    struct member *client, *elsewhere, *net;
    struct xord_crowd_config config;
    const struct xord_mail *offer;
    struct xord_crowd *crowd;
    struct world *world;

    open_all();
    config = config_of(7);
    crowd = crowd_of(&config);
    world = world_new(3);
    client = world_add(world, &(struct member_config){.ip = "10.9.0.1", .no_hosts = true});
    elsewhere = world_add(world, &(struct member_config){.ip = "10.9.0.2", .no_hosts = true, .no_endpoint = true});
    net = world_add(world, &(struct member_config){.no_hosts = true, .node.crowd = crowd, .node.tell_newcomers = true});
    cr_assert_eq(exchange(world, elsewhere, net, 1)->err, 0);
    cr_assert_null(member_reply(net, XORD_MAIL_OFFER, 0));
    cr_assert_eq(exchange(world, client, net, 2)->err, 0);
    offer = member_reply(net, XORD_MAIL_OFFER, 0);
    cr_assert_not_null(offer);
    cr_assert_eq(offer->local, 2);
    cr_assert_bytes(offer->offer.enr.id32, client->locals->all[0].id32, 32);
    cr_assert(xord_endpoint_equal(&offer->offer.ep, &client->locals->all[0].ep[0]));
    world_free(world);
    close_all(crowd);
}
