/* SPDX-License-Identifier: BSD-3-Clause */
/* The stage on which a node is fuzzed. */
#include "node_stage.h"

#define PROBE_LEN   (XORD_ORDINARY_HEAD_LEN + 32)
#define PORT        9001
#define LANE_CAP    2
#define SESSION_CAP 8
#define REQUEST_CAP 16
#define TABLE_MAX   (STAGE_POOL + STAGE_PEERS + 2) /* so many records there are */
#define ENDS_NS     (60 * S)

/* ---- what all inputs share ---- */

static struct xord_enr pool[STAGE_POOL]; /* records by keys of nobody's */
static struct xord_directory *directory;

static void pool_fill(void)
{
    static const char *const ips[] = {"1.2.3.4", "10.9.0.1", "127.0.0.1", "224.0.0.1", "2a01:2::1", "5.6.7.8",
            "ff02::1", "fd00::1"};
    const struct xord_enr *all[STAGE_POOL];
    struct world *world = world_new(1);

    world->key_cnt = 1000; /* the identities' keys count from 0 */
    for (uint32_t i = 0; i < STAGE_POOL; i++) {
        pool[i] = puppet_record(world, ips[i % 8], (uint16_t)(9000 + i), NULL, 0);
        all[i] = &pool[i];
    }
    world_free(world);
    directory = xord_directory_new(all, STAGE_POOL);
    FUZZ_CHECK(directory);
}

static size_t echo(void *ctx, uint8_t *out, size_t cap, const uint8_t from_id32[32], const uint8_t *request, size_t len)
{
    (void)ctx;
    (void)from_id32;
    len = len < cap ? len : cap;
    if (len)
        memcpy(out, request, len);
    return len;
}

const struct xord_enr *stage_record(const struct stage *stage, uint8_t n)
{
    n %= STAGE_POOL + STAGE_PEERS + 1;
    if (n < STAGE_POOL)
        return &pool[n];
    return n < STAGE_POOL + STAGE_PEERS ? &stage->peers[n - STAGE_POOL].puppet->enr : member_enr(stage->member, 0);
}

struct xord_peer stage_peer(const struct stage *stage, uint8_t n)
{
    struct xord_endpoint ep = {.port = 0};

    n %= STAGE_PEERS + STAGE_POOL + 2;
    if (n < STAGE_PEERS)
        return puppet_peer(stage->peers[n].puppet);
    n -= STAGE_PEERS;
    if (n >= STAGE_POOL)
        return member_peer(stage->member, n - STAGE_POOL);
    if (!xord_enr_endpoint4(&pool[n], &ep))
        (void)!xord_enr_endpoint6(&pool[n], &ep);
    return xord_peer_from_enr(&pool[n], &ep);
}

void stage_talk_to(const struct stage *stage, struct peer *peer, uint32_t local)
{
    bool v6 = !xord_endpoint_is_v4(&peer->puppet->listener.ep);

    peer->to = member_peer(stage->member, local);
    peer->to.ep = stage->member->locals->all[local].ep[v6];
}

void stage_move(struct peer *peer, uint8_t port)
{
    peer->puppet->listener.ep.port = (uint16_t)(PORT + port % STAGE_PORTS);
}

/* ---- the budget of endpoints ---- */

static struct peer *peer_at(struct stage *stage, const struct xord_endpoint *ep)
{
    for (uint32_t i = 0; i < STAGE_PEERS; i++)
        if (xord_endpoint_equal(&stage->peers[i].puppet->listener.ep, ep))
            return &stage->peers[i];
    return NULL;
}

struct budget *stage_budget(struct peer *peer)
{
    return &peer->budgets[peer->puppet->listener.ep.port - PORT];
}

/* Was it a puppet's that has moved on? */
static bool is_abandoned(const struct stage *stage, const struct xord_endpoint *ep)
{
    for (uint32_t i = 0; i < STAGE_PEERS; i++)
        if (memcmp(stage->peers[i].puppet->listener.ep.ip16, ep->ip16, 16) == 0)
            return true;
    return false;
}

static bool is_ours(const struct stage *stage, const struct xord_endpoint *ep)
{
    return xord_locals_find(stage->member->locals, ep) != XORD_LOCAL_NONE;
}

static uint64_t requests_sent(const struct stage *stage)
{
    return member_count(stage->member, XORD_CNT_ping_out) + member_count(stage->member, XORD_CNT_findnode_out) +
           member_count(stage->member, XORD_CNT_talkreq_out);
}

static void check_budget(struct budget *budget, const struct world_packet *packet)
{
    if (packet->len == XORD_CHALLENGE_DATA_LEN) {
        budget->challenged += packet->len;
        FUZZ_CHECK(budget->challenged <= budget->received);
    } else if (!budget->is_trusted && packet->len != PROBE_LEN) {
        FUZZ_CHECK(packet->len >= XORD_HANDSHAKE_HEAD_LEN && ++budget->handshake_cnt <= budget->whoareyou_cnt);
    }
}

/* False when it is not for the puppet: a packet that was sent in another's name is challenged under that one's. */
static bool check_readable(struct stage *stage, const struct peer *peer, const struct world_packet *packet)
{
    uint8_t data[XORD_PACKET_MAX_LEN];
    struct xord_packet pkt;

    memcpy(data, packet->data, packet->len);
    if (xord_packet_unmask(&pkt, data, packet->len, &xord_aes_native, stage->world->aes, &peer->puppet->mask_key))
        return false;
    stage->handshake_cnt += pkt.flag == XORD_FLAG_HANDSHAKE;
    FUZZ_CHECK(stage->handshake_cnt <= requests_sent(stage));
    return true;
}

/* The world asks for each datagram whether it gets through. */
static bool watch(void *ctx, const struct world_packet *packet)
{
    struct stage *stage = ctx;
    struct peer *to = peer_at(stage, &packet->dst), *from = peer_at(stage, &packet->src);

    if (from) {
        stage_budget(from)->received += packet->len;
        stage_budget(from)->whoareyou_cnt += packet->len == XORD_CHALLENGE_DATA_LEN;
    } else if (to) {
        check_budget(stage_budget(to), packet);
        return check_readable(stage, to, packet);
    } else if (!is_ours(stage, &packet->dst) && !is_abandoned(stage, &packet->dst)) { /* an endpoint out of a record */
        FUZZ_CHECK(packet->len == PROBE_LEN);
    }
    return true;
}

/* ---- what must hold ---- */

uint32_t stage_check(const struct stage *stage)
{
    uint32_t requests = 0;

    for (uint16_t i = 0; i < stage->member->shard_cnt; i++) {
        struct xord_node_sizes sizes;

        xord_node_sizes(stage->member->shards[i].node, &sizes);
        FUZZ_CHECK(sizes.sessions <= SESSION_CAP && sizes.requests <= REQUEST_CAP && sizes.lane <= 10 * LANE_CAP);
        FUZZ_CHECK(sizes.table_live <= sizes.table && sizes.table <= TABLE_MAX);
        requests += sizes.requests;
    }
    return requests;
}

static bool all_done(const struct stage *stage)
{
    for (uint32_t i = 0; i < stage->order_cnt; i++) {
        uint32_t cnt = member_reply_cnt(stage->member, XORD_MAIL_DONE, i);

        FUZZ_CHECK(cnt <= 1);
        if (cnt == 0 && stage->member->mails_refused == 0)
            return false;
    }
    return true;
}

/* With nothing short any more all requests end: those of the table's upkeep come and go, so at some moment there are none. */
void stage_check_ends(struct stage *stage)
{
    uint64_t until_ns = stage->world->now_ns + ENDS_NS;

    stage->member->tx_full = stage->member->no_snaps = false;
    stage->member->mail_cap = 0;
    while (stage_check(stage) > 0 || !all_done(stage)) {
        FUZZ_CHECK(stage->world->now_ns < until_ns);
        world_run(stage->world, 100 * MS);
    }
}

/* ---- the stage ---- */

static void peers_start(struct stage *stage)
{
    static const char *const ips[STAGE_PEERS] = {"10.0.1.1", "9.9.9.9", "2a01::9"};

    for (uint32_t i = 0; i < STAGE_PEERS; i++)
        stage->peers[i].puppet = puppet_new(stage->world, ips[i], PORT);
}

static void node_start(struct stage *stage, uint8_t options)
{
    static const struct xord_talk_handler handler = {.protocol = "echo", .respond = echo};
    struct member_config config = {
            .ip = "10.0.0.1",
            .ip6 = "2a01::1",
            .shard_cnt = options & OPT_SHARDS ? 2 : 1,
            .local_cnt = 2,
            .node = {.directory = directory,
                    .session_cap = SESSION_CAP,
                    .challenge_cap = 16,
                    .request_cap = REQUEST_CAP,
                    .record_cap = 64,
                    .lane_cap = LANE_CAP,
                    .talk_handlers = &handler,
                    .talk_handler_cnt = 1,
                    .bootnodes = stage->bootnodes,
                    .bootnode_cnt = options & OPT_BOOTNODES ? 2 : 0,
                    .maintain = options & OPT_MAINTAIN,
                    .learn_endpoint = options & OPT_LEARN},
    };

    stage->bootnodes[0] = stage->peers[0].puppet->enr;
    stage->bootnodes[1] = stage->peers[2].puppet->enr;
    stage->member = world_add(stage->world, &config);
}

void stage_new(struct stage *stage, uint8_t options)
{
    if (!directory)
        pool_fill();
    *stage = (struct stage){.world = world_new(2)};
    peers_start(stage);
    node_start(stage, options);
    stage->world->filter = watch;
    stage->world->filter_ctx = stage;
    for (uint32_t i = 0; i < STAGE_PEERS; i++)
        stage_talk_to(stage, &stage->peers[i], 0);
}

void stage_free(struct stage *stage)
{
    world_free(stage->world);
}
