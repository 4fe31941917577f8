/* SPDX-License-Identifier: BSD-3-Clause */
/* Two shards, the script, the comparison. */
#include "twins.h"

#include <string.h>

#define POOL      48 /* records of nobody's */
#define PADDED    12 /* of them, as long as records get */
#define EPHEMERAL 8
#define LOG_MAX   (1U << 20)

/* ---- what all cases share ---- */

static const struct xord_aes_ops *const ops = &xord_aes_native;
static struct world *world; /* keys and curve only: nothing runs in it */
static struct xord_locals *locals;
static struct xord_pubkey local_keys[TWINS_LOCALS];
static struct xord_directory *directory;
static struct xord_enr pool[POOL];
uint64_t twins_totals[XORD_COUNTER_CNT];

struct peer {
    uint8_t seckey32[32];
    struct xord_enr enr;
    struct xord_endpoint ep;
};
static struct peer peers[TWINS_PEERS];

static struct {
    uint8_t seckey32[32], pubkey33[33];
} ephemeral[EPHEMERAL];

static void sign(struct xord_enr *enr, const uint8_t seckey32[32], const struct xord_endpoint *ep4,
        const struct xord_endpoint *ep6, size_t padding)
{
    uint8_t zeroes[256] = {0};
    struct xord_enr_draft draft;

    xord_enr_draft_init(&draft, 1);
    WORLD_CHECK(!ep4 || xord_enr_draft_set_endpoint(&draft, ep4) == 0);
    WORLD_CHECK(!ep6 || xord_enr_draft_set_endpoint(&draft, ep6) == 0);
    WORLD_CHECK(padding == 0 || xord_enr_draft_set(&draft, (const uint8_t *)"pad", 3, zeroes, padding) == 0);
    WORLD_CHECK(xord_enr_sign(enr, &draft, world->curve, seckey32) == 0);
}

static struct xord_endpoint ep_of(const char *ip, uint32_t n, uint16_t port)
{
    struct xord_endpoint ep = world_ep(ip, port);

    xord_store_be32(ep.ip16 + 12, xord_load_be32(ep.ip16 + 12) + n);
    return ep;
}

static void locals_fill(void)
{
    static const struct xord_hash_key hash_key = {{8, 9}};

    locals = xord_locals_new(TWINS_LOCALS, &hash_key);
    WORLD_CHECK(locals);
    for (uint32_t i = 0; i < TWINS_LOCALS; i++) {
        struct xord_endpoint ep4 = ep_of("10.0.0.1", i, 9000), ep6 = ep_of("fd00::1", i, 9000);
        uint8_t seckey32[32];
        struct xord_enr enr;

        world_seckey(world, seckey32);
        sign(&enr, seckey32, &ep4, &ep6, 0);
        WORLD_CHECK(xord_locals_add(locals, ops, world->aes, seckey32, &enr, &ep4, &ep6) == 0);
        WORLD_CHECK(xord_pubkey_parse(world->curve, &local_keys[i], enr.pubkey33) == 0);
    }
}

static void pool_fill(void)
{
    const struct xord_enr *all[POOL];

    for (uint32_t i = 0; i < POOL; i++) {
        struct xord_endpoint ep = ep_of("10.2.0.1", i, 9000);
        uint8_t seckey32[32];

        world_seckey(world, seckey32);
        sign(&pool[i], seckey32, &ep, NULL, i < PADDED ? 150 : 0);
        all[i] = &pool[i];
    }
    directory = xord_directory_new(all, POOL);
    WORLD_CHECK(directory);
}

void twins_setup(void)
{
    world = world_new(7);
    locals_fill();
    pool_fill();
    for (uint32_t i = 0; i < TWINS_PEERS; i++) {
        bool v6 = i % 4 == 3;

        peers[i].ep = ep_of(v6 ? "fd01::1" : "10.1.0.1", i, 9000);
        world_seckey(world, peers[i].seckey32);
        sign(&peers[i].enr, peers[i].seckey32, v6 ? NULL : &peers[i].ep, v6 ? &peers[i].ep : NULL, i == 1 ? 150 : 0);
    }
    for (uint32_t i = 0; i < EPHEMERAL; i++) {
        world_seckey(world, ephemeral[i].seckey32);
        WORLD_CHECK(xord_pubkey_from_seckey(world->curve, ephemeral[i].pubkey33, ephemeral[i].seckey32) == 0);
    }
}

void twins_teardown(void)
{
    xord_directory_free(directory);
    xord_locals_free(locals);
    world_free(world);
}

/* ---- a side: one of the two shards and what it does to the world ---- */

static void log_put(struct twins_log *log, const void *bytes, size_t len)
{
    WORLD_CHECK(log->len + len <= LOG_MAX);
    if (len)
        memcpy(log->bytes + log->len, bytes, len);
    log->len += len;
}

static bool is_refused(struct twin *side)
{
    return side->scarce && ++side->wants % side->scarce == 0;
}

static bool io_tx_alloc(void *ctx, struct xord_tx *tx)
{
    struct twin *side = ctx;

    WORLD_CHECK(side->tx_cnt < XORD_BURST_MAX);
    if (is_refused(side))
        return false;
    tx->data = malloc(XORD_PACKET_MAX_LEN);
    WORLD_CHECK(tx->data);
    memset(tx->data, 0x5a, XORD_PACKET_MAX_LEN);
    tx->buf = NULL;
    side->tx[side->tx_cnt++] = tx->data;
    return true;
}

/* Each buffer is sent once: ours, or one that was offered. */
static void take_buffer(struct twin *side, const struct xord_tx *tx)
{
    struct twins_lent *lent = tx->buf;

    if (lent) {
        WORLD_CHECK(lent >= side->lent && lent < side->lent + XORD_BURST_MAX);
        WORLD_CHECK(lent->offered && !lent->sent && lent->data == tx->data);
        lent->sent = true;
        return;
    }
    for (uint32_t i = 0; i < side->tx_cnt; i++)
        if (side->tx[i] == tx->data) {
            side->tx[i] = side->tx[--side->tx_cnt];
            return;
        }
    WORLD_CHECK(!"a buffer of nobody's, or sent twice");
}

static void io_tx_send(void *ctx, const struct xord_tx *txs, size_t cnt)
{
    struct twin *side = ctx;

    WORLD_CHECK(cnt > 0 && cnt <= XORD_BURST_MAX);
    for (size_t i = 0; i < cnt; i++) {
        WORLD_CHECK(txs[i].len >= XORD_PACKET_MIN_LEN && txs[i].len <= XORD_PACKET_MAX_LEN);
        take_buffer(side, &txs[i]);
        log_put(&side->sent, &txs[i].len, sizeof(txs[i].len));
        log_put(&side->sent, &txs[i].src, sizeof(txs[i].src));
        log_put(&side->sent, &txs[i].dst, sizeof(txs[i].dst));
        log_put(&side->sent, txs[i].data, txs[i].len);
        memset(txs[i].data, 0xdd, XORD_PACKET_MAX_LEN);
        if (!txs[i].buf)
            free(txs[i].data);
    }
    while (side->tx_cnt > 0)
        free(side->tx[--side->tx_cnt]);
}

static uint16_t io_shard_of(void *ctx, uint32_t local, const struct xord_endpoint *ep)
{
    (void)ctx;
    (void)local;
    (void)ep;
    return 0;
}

static struct xord_mail *io_mail_alloc(void *ctx)
{
    struct twin *side = ctx;
    struct xord_mail *mail;

    if (is_refused(side))
        return NULL;
    mail = malloc(sizeof(*mail));
    WORLD_CHECK(mail);
    memset(mail, 0xa5, sizeof(*mail));
    return mail;
}

static void io_mail_free(void *ctx, struct xord_mail *mail)
{
    (void)ctx;
    free(mail);
}

static void log_done(struct twins_log *log, const struct xord_mail_done *done)
{
    log_put(log, &done->err, sizeof(done->err));
    log_put(log, &done->record_cnt, sizeof(done->record_cnt));
    log_put(log, &done->packet_cnt, sizeof(done->packet_cnt));
    log_put(log, &done->queries, sizeof(done->queries));
    log_put(log, &done->rtt_ns, sizeof(done->rtt_ns));
    log_put(log, &done->handshake, sizeof(done->handshake));
}

static void io_mail_send(void *ctx, uint16_t to, struct xord_mail *mail)
{
    struct twin *side = ctx;
    struct twins_log *log = &side->mails;

    WORLD_CHECK(to == XORD_CONTROL);
    log_put(log, &mail->kind, sizeof(mail->kind));
    log_put(log, &mail->probe_answered, sizeof(mail->probe_answered));
    log_put(log, &mail->local, sizeof(mail->local));
    log_put(log, &mail->cookie, sizeof(mail->cookie));
    switch ((enum xord_mail_kind)mail->kind) {
    case XORD_MAIL_PONG:
        log_put(log, &mail->peer, sizeof(mail->peer));
        log_put(log, &mail->pong.enr_seq, sizeof(mail->pong.enr_seq));
        log_put(log, &mail->pong.said, sizeof(mail->pong.said));
        break;
    case XORD_MAIL_RECORDS:
        log_put(log, &mail->records.cnt, sizeof(mail->records.cnt));
        log_put(log, mail->records.data, mail->records.len);
        break;
    case XORD_MAIL_TALK:
        log_put(log, mail->talk.data, mail->talk.len);
        break;
    case XORD_MAIL_DONE:
        log_done(log, &mail->done);
        break;
    case XORD_MAIL_SELF:
        log_put(log, mail->self.raw, mail->self.len);
        break;
    default:
        WORLD_CHECK(!"mail to control");
    }
    free(mail);
}

static void io_view(void *ctx, uint32_t host, struct xord_table_view *view)
{
    struct twin *side = ctx;

    WORLD_CHECK(host == 0);
    side->row[0] = side->published;
    *view = (struct xord_table_view){.snaps = side->row, .snap_cnt = 1, .own = 0};
}

static struct xord_table_snapshot *io_snap_take(void *ctx, uint32_t host)
{
    struct twin *side = ctx;

    (void)host;
    return side->snaps[side->published == side->snaps[0]];
}

static void io_snap_publish(void *ctx, uint32_t host, struct xord_table_snapshot *snap)
{
    struct twin *side = ctx;

    (void)host;
    side->published = snap;
}

/* What it has seen, and as much of it as it was asked for. */
static size_t talk(void *ctx, uint8_t *out, size_t cap, const uint8_t from_id32[32], const uint8_t *request, size_t len)
{
    size_t want = len >= 2 ? xord_load_be16(request) : len;

    (void)ctx;
    want = want < cap ? want : cap;
    for (size_t i = 0; i < want; i++)
        out[i] = (uint8_t)(from_id32[i % 32] ^ (len ? request[i % len] : 0));
    return want;
}

/* ---- a case ---- */

/* The script's next choice; without one, or when it has ended, chance's. */
static uint32_t below(struct twins *twins, uint32_t n)
{
    if (!twins->script || xord_rd_left(twins->script) < 2)
        return (uint32_t)xord_rng_below(&twins->rng, n);
    return (n <= 256 ? xord_rd_u8(twins->script) : xord_rd_be16(twins->script)) % n;
}

static bool one_in(struct twins *twins, uint32_t n)
{
    return below(twins, n) == 0;
}

static void side_start(struct twin *side, const struct xord_node_config *config, uint64_t now_ns)
{
    struct xord_node_config cfg = *config;

    cfg.io = (struct xord_node_io){
            .ctx = side,
            .tx_alloc = io_tx_alloc,
            .tx_send = io_tx_send,
            .shard_of = io_shard_of,
            .mail_alloc = io_mail_alloc,
            .mail_send = io_mail_send,
            .mail_free = io_mail_free,
            .view = io_view,
            .snap_take = io_snap_take,
            .snap_publish = io_snap_publish,
    };
    *side = (struct twin){.snaps = {xord_table_snapshot_new(), xord_table_snapshot_new()}};
    side->sent.bytes = malloc(LOG_MAX);
    side->mails.bytes = malloc(LOG_MAX);
    side->node = xord_node_new(&cfg, now_ns);
    WORLD_CHECK(side->snaps[0] && side->snaps[1] && side->sent.bytes && side->mails.bytes && side->node);
}

static void side_stop(struct twin *side)
{
    for (int i = 0; i < XORD_COUNTER_CNT; i++)
        twins_totals[i] += xord_counter_get(xord_node_counters(side->node), (enum xord_counter_id)i);
    xord_node_free(side->node);
    xord_table_snapshot_free(side->snaps[0]);
    xord_table_snapshot_free(side->snaps[1]);
    free(side->sent.bytes);
    free(side->mails.bytes);
}

/* Nodes that answer, so that FINDNODE brings them, and lookups ask those of them that are peers. */
static void table_put(struct twin *side, const struct xord_enr *enr, const struct xord_endpoint *ep, uint64_t now_ns)
{
    struct xord_table_view view;

    io_view(side, 0, &view);
    (void)xord_table_add(side->node->hosts[0].table, &view, enr, ep, true, now_ns);
    (void)xord_table_on_live(side->node->hosts[0].table, enr->id32, ep, now_ns);
}

static void table_fill(struct twin *side, uint32_t cnt, bool with_peers, uint64_t now_ns)
{
    for (uint32_t i = 0; i < cnt; i++) {
        struct xord_endpoint ep;

        WORLD_CHECK(xord_enr_endpoint4(&pool[i], &ep));
        table_put(side, &pool[i], &ep, now_ns);
    }
    for (uint32_t i = 0; with_peers && i < TWINS_PEERS; i++)
        table_put(side, &peers[i].enr, &peers[i].ep, now_ns);
}

/* So many agree about our endpoint that the next PONG decides. */
static void votes_fill(struct twin *side, uint64_t now_ns)
{
    struct xord_endpoint said = ep_of("10.0.9.1", 0, 9000);

    for (uint32_t i = 0; i < XORD_VOTES_MIN + 2; i++) {
        struct xord_endpoint voter = ep_of("10.3.0.1", i << 8, 9000);

        xord_votes_add(side->node->hosts[0].votes, &voter, &said, now_ns);
    }
}

struct xord_session_key twins_key(uint32_t peer, uint32_t local)
{
    struct xord_session_key key = {.ep = peers[peer].ep, .local = local};

    memcpy(key.peer_id32, peers[peer].enr.id32, 32);
    return key;
}

/* Sessions that stand from the start; some re-keyed once, some nearly used up. */
static void sessions_fill(struct twins *twins)
{
    for (uint32_t peer = 0; peer < TWINS_PEERS; peer++)
        for (uint32_t local = 0; local < TWINS_LOCALS; local++) {
            struct xord_session_key key = twins_key(peer, local);
            uint32_t rounds = below(twins, 3) | twins->busy,
                     left = one_in(twins, twins->seed % 4 ? 8 : 2) ? below(twins, 20) : 0;
            bool worked = one_in(twins, 2);

            for (uint32_t r = 0; r < rounds; r++) {
                uint8_t keys[32];

                xord_rng_fill(&twins->rng, keys, sizeof(keys));
                for (int s = 0; s < 2; s++) {
                    struct xord_sessions *sessions = twins->sides[s].node->sessions;
                    struct xord_session *session = xord_session_put(sessions, &key, keys, keys + 16, NULL);

                    xord_session_touch(sessions, session, worked);
                    if (left)
                        session->sent_cnt = XORD_SESSION_MAX_SENT - left;
                }
            }
        }
}

void twins_start(struct twins *twins, uint32_t seed, struct xord_rd *script)
{
    static const struct xord_talk_handler handler = {.protocol = "talk", .respond = talk};
    struct xord_node_config config = {.aes_ops = ops,
            .curve = world->curve,
            .locals = locals,
            .directory = directory,
            .host_cnt = 1,
            .shard_cnt = 1,
            .talk_handlers = &handler,
            .talk_handler_cnt = 1};
    uint8_t seed32[32] = {0xb5};

    memset(twins, 0, sizeof(*twins));
    twins->seed = seed;
    twins->script = script;
    twins->now_ns = WORLD_START_NS;
    xord_store_be32(seed32 + 28, seed);
    xord_rng_init(&twins->rng, seed32);
    xord_rng_fill(&twins->rng, config.seed32, sizeof(config.seed32));
    twins->busy = seed % 3 == 0;
    config.session_cap = !twins->busy && one_in(twins, 3) ? 8 : 64;
    config.challenge_cap = one_in(twins, 3) ? 8 : 256;
    config.request_cap = one_in(twins, 3) ? 4 : 32;
    config.lane_cap = one_in(twins, 3) ? 1 : 16;
    config.record_cap = 64;
    config.ephemeral_cap = 4;
    config.learn_endpoint = one_in(twins, 2);
    twins->same_buffers = one_in(twins, 4);
    for (int s = 0; s < 2; s++) {
        side_start(&twins->sides[s], &config, twins->now_ns);
        table_fill(&twins->sides[s], seed % 4 * POOL / 3, seed % 2 == 0, twins->now_ns);
        votes_fill(&twins->sides[s], twins->now_ns);
        twins->sides[s].scarce = twins->same_buffers ? 5 + seed % 11 : 0;
    }
    sessions_fill(twins);
}

void twins_stop(struct twins *twins)
{
    for (int s = 0; s < 2; s++)
        side_stop(&twins->sides[s]);
}

/* ---- packets ---- */

struct xord_node *twins_node(struct twins *twins)
{
    return twins->sides[0].node; /* the other is like it */
}

static void mask(struct twins_packet *packet, size_t head_len)
{
    xord_packet_mask(packet->data, head_len, ops, world->aes, &locals->all[packet->local].mask_key);
}

static void seal(struct twins_packet *packet, size_t head_len, const uint8_t *nonce12, const uint8_t *key16,
        const uint8_t *plain, size_t len)
{
    struct xord_gcm_job job = {.key16 = key16,
            .nonce12 = nonce12,
            .aad = packet->data,
            .aad_len = (uint32_t)head_len,
            .src = plain,
            .dst = packet->data + head_len,
            .len = (uint32_t)len};

    WORLD_CHECK(head_len + len + XORD_GCM_TAG_LEN <= TWINS_RAW_MAX);
    ops->gcm_seal(world->aes, &job, 1);
    packet->len = head_len + len + XORD_GCM_TAG_LEN;
    mask(packet, head_len);
}

void twins_put_message(struct twins *twins, struct twins_packet *packet, uint32_t peer, const uint8_t *key16,
        const uint8_t *plain, size_t len)
{
    uint8_t random[16 + 12];

    xord_rng_fill(&twins->rng, random, sizeof(random));
    packet->peer = peers[peer].ep;
    xord_packet_put_ordinary(packet->data, random, random + 16, peers[peer].enr.id32);
    seal(packet, XORD_ORDINARY_HEAD_LEN, random + 16, key16, plain, len);
}

/* The key under which the peer's next message should come; false: there is none. */
static bool pick_key(struct twins *twins, uint32_t peer, uint32_t local, uint8_t key16[16])
{
    struct xord_session_key key = twins_key(peer, local);
    const struct xord_session *session = xord_session_find(twins_node(twins)->sessions, &key);
    const struct conv *conv = conv_find(twins_node(twins), &key);

    xord_rng_fill(&twins->rng, key16, 16);
    if (conv && conv->has_keys && !one_in(twins, 4))
        memcpy(key16, conv->keys.read_key16, 16);
    else if (twins->fresh[peer][local] && one_in(twins, 2))
        memcpy(key16, twins->fresh_key16[peer][local], 16);
    else if (session && session->has_old && one_in(twins, 3))
        memcpy(key16, session->old_read_key16, 16);
    else if (session)
        memcpy(key16, session->read_key16, 16);
    else
        return false;
    return true;
}

static void pick_id(struct twins *twins, struct xord_request_id *id)
{
    id->len = (uint8_t)below(twins, 9);
    xord_rng_fill(&twins->rng, id->bytes, id->len);
}

static uint16_t put_records(struct twins *twins, uint8_t *out, size_t cap, uint16_t *cnt)
{
    uint32_t want = below(twins, 10);
    size_t len = 0;

    for (*cnt = 0; *cnt < want; ++*cnt) {
        const struct xord_enr *enr =
                one_in(twins, 8) ? &peers[below(twins, TWINS_PEERS)].enr : &pool[below(twins, POOL)];

        if (len + enr->len > cap)
            break;
        memcpy(out + len, enr->raw, enr->len);
        if (one_in(twins, 20))
            out[len + enr->len - 1 - below(twins, 40)] ^= 1;
        len += enr->len;
    }
    return (uint16_t)len;
}

static size_t put_plain(struct twins *twins, uint8_t plain[XORD_MESSAGE_MAX_LEN], enum xord_message_type type,
        const struct xord_request_id *id)
{
    struct xord_message msg = {.type = type, .request_id = *id};
    uint8_t payload[XORD_MESSAGE_MAX_LEN] = {0};
    uint16_t distances[12];
    size_t len = 0;

    switch (type) {
    case XORD_MSG_PING:
        msg.ping.enr_seq = below(twins, 3);
        break;
    case XORD_MSG_PONG:
        msg.pong.enr_seq = below(twins, 3);
        memcpy(msg.pong.ip16, ep_of("10.0.9.1", below(twins, 2), 0).ip16, 16);
        msg.pong.port = 9000;
        break;
    case XORD_MSG_FINDNODE:
        for (int i = 0; i < 12; i++)
            distances[i] = one_in(twins, 6) ? 0 : (uint16_t)(257 - below(twins, 8));
        WORLD_CHECK(xord_distances_put(&msg.findnode.distances, payload, sizeof(payload), distances,
                            below(twins, 13)) == 0);
        break;
    case XORD_MSG_NODES:
        msg.nodes.total = below(twins, 5);
        msg.nodes.records.data = payload;
        msg.nodes.records.len = put_records(twins, payload, 1100, &msg.nodes.records.cnt);
        break;
    case XORD_MSG_TALKREQ:
        xord_store_be16(payload, (uint16_t)(one_in(twins, 3) ? 65535 : below(twins, 1300)));
        msg.talkreq.protocol = (struct xord_bytes_view){(const uint8_t *)(one_in(twins, 8) ? "tale" : "talk"), 4};
        msg.talkreq.request = (struct xord_bytes_view){payload, (uint16_t)below(twins, 1100)};
        break;
    default:
        msg.type = XORD_MSG_TALKRESP;
        msg.talkresp.response = (struct xord_bytes_view){payload, (uint16_t)below(twins, 1100)};
        break;
    }
    WORLD_CHECK(xord_message_encode(plain, &len, XORD_MESSAGE_MAX_LEN, &msg) == 0);
    if (one_in(twins, 25))
        plain[below(twins, (uint32_t)len)] ^= (uint8_t)(1U << below(twins, 8));
    return len;
}

/* ---- kinds of packets ---- */

static void add_request(struct twins *twins, struct twins_packet *packet)
{
    static const enum xord_message_type types[] = {XORD_MSG_PING, XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ,
            XORD_MSG_PONG, XORD_MSG_NODES};
    uint32_t peer = below(twins, TWINS_PEERS);
    uint8_t plain[XORD_MESSAGE_MAX_LEN], key16[16];
    struct xord_request_id id = {.len = 0};
    size_t len;

    (void)pick_key(twins, peer, packet->local, key16);
    pick_id(twins, &id);
    len = put_plain(twins, plain, types[below(twins, one_in(twins, 5) ? 6 : 4)], &id);
    twins_put_message(twins, packet, peer, key16, plain, len);
}

/* Authentic, but no message. */
static void add_nonsense(struct twins *twins, struct twins_packet *packet)
{
    static const uint8_t long_id[] = {1, 0xcb, 0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1};
    uint32_t peer = below(twins, TWINS_PEERS);
    uint8_t plain[64], key16[16];
    size_t len = below(twins, sizeof(plain));

    (void)pick_key(twins, peer, packet->local, key16);
    xord_rng_fill(&twins->rng, plain, sizeof(plain));
    if (one_in(twins, 2)) {
        len = sizeof(long_id);
        memcpy(plain, long_id, len);
    } else {
        plain[0] = (uint8_t)below(twins, 12);
    }
    twins_put_message(twins, packet, peer, key16, plain, len);
}

static void add_noise(struct twins *twins, struct twins_packet *packet)
{
    uint8_t plain[100], key16[16];

    xord_rng_fill(&twins->rng, plain, sizeof(plain));
    xord_rng_fill(&twins->rng, key16, sizeof(key16));
    twins_put_message(twins, packet, below(twins, TWINS_PEERS), key16, plain, below(twins, sizeof(plain)));
}

static uint32_t peer_by_id(const uint8_t id32[32])
{
    uint32_t i = 0;

    while (i < TWINS_PEERS && memcmp(peers[i].enr.id32, id32, 32) != 0)
        i++;
    return i;
}

/* A request of the node's own to one of the peers; NULL: none was found. */
static const struct req *pick_req(struct twins *twins, uint32_t *peer)
{
    const struct xord_node *node = twins_node(twins);

    for (int tries = 0; tries < 8; tries++) {
        const struct req *req = &node->reqs[below(twins, node->cfg.request_cap)];

        if (req->state == REQ_FREE)
            continue;
        *peer = peer_by_id(node->convs[req->conv].key.peer_id32);
        if (*peer < TWINS_PEERS)
            return req;
    }
    return NULL;
}

static void add_response(struct twins *twins, struct twins_packet *packet)
{
    uint8_t plain[XORD_MESSAGE_MAX_LEN], key16[16];
    struct xord_request_id id = {.len = 8};
    uint32_t peer;
    const struct req *req = pick_req(twins, &peer);
    enum xord_message_type type;
    size_t len;

    if (!req) {
        add_request(twins, packet);
        return;
    }
    packet->local = twins_node(twins)->convs[req->conv].key.local;
    memcpy(id.bytes, req->request_id8, 8);
    if (one_in(twins, 10))
        id.bytes[below(twins, 8)] ^= 1;
    type = (enum xord_message_type)(one_in(twins, 10) ? 2 + 2 * below(twins, 3) : req->type + 1U);
    (void)pick_key(twins, peer, packet->local, key16);
    len = put_plain(twins, plain, type, &id);
    twins_put_message(twins, packet, one_in(twins, 10) ? below(twins, TWINS_PEERS) : peer, key16, plain, len);
}

static void add_whoareyou(struct twins *twins, struct twins_packet *packet)
{
    uint8_t random[16 + 16 + 12];
    uint32_t peer;
    const struct req *req = pick_req(twins, &peer);

    xord_rng_fill(&twins->rng, random, sizeof(random));
    packet->peer = peers[below(twins, TWINS_PEERS)].ep;
    if (req && !one_in(twins, 6)) {
        packet->local = twins_node(twins)->convs[req->conv].key.local;
        packet->peer = peers[peer].ep;
        memcpy(random + 32, req->nonce12, 12);
    }
    packet->len = xord_packet_put_whoareyou(packet->data, random, random + 32, random + 16, below(twins, 3));
    mask(packet, packet->len);
}

/* What may be wrong with a handshake. */
enum spoil { SPOIL_NOT, SPOIL_SIGNATURE, SPOIL_POINT, SPOIL_RECORD, SPOIL_OTHERS_RECORD, SPOIL_NO_RECORD, SPOIL_KEY };

static void put_handshake(struct twins *twins, struct twins_packet *packet, uint32_t peer, enum spoil spoil,
        const uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN])
{
    uint8_t random[16 + 12], sig64[64], eph33[33], write_key16[16], read_key16[16], plain[XORD_MESSAGE_MAX_LEN];
    const struct xord_local *to = &locals->all[packet->local];
    uint32_t e = below(twins, EPHEMERAL);
    struct xord_request_id id = {.len = 0};
    struct xord_enr enr = peers[spoil == SPOIL_OTHERS_RECORD ? (peer + 1) % TWINS_PEERS : peer].enr;
    size_t head_len, len;

    xord_rng_fill(&twins->rng, random, sizeof(random));
    memcpy(eph33, ephemeral[e].pubkey33, 33);
    WORLD_CHECK(xord_handshake_keys(write_key16, read_key16, world->curve, &local_keys[packet->local],
                        ephemeral[e].seckey32, peers[peer].enr.id32, to->id32, challenge_data,
                        XORD_CHALLENGE_DATA_LEN) == 0);
    WORLD_CHECK(xord_id_sign(sig64, world->curve, peers[peer].seckey32, challenge_data, XORD_CHALLENGE_DATA_LEN, eph33,
                        to->id32) == 0);
    sig64[63] ^= spoil == SPOIL_SIGNATURE;
    eph33[0] ^= spoil == SPOIL_POINT ? 0x10 : 0;
    enr.raw[enr.len - 1] ^= spoil == SPOIL_RECORD;
    write_key16[3] ^= spoil == SPOIL_KEY;
    head_len = xord_packet_put_handshake(packet->data, random, random + 16, peers[peer].enr.id32, sig64, eph33, enr.raw,
            spoil == SPOIL_NO_RECORD ? 0 : enr.len);
    pick_id(twins, &id);
    len = put_plain(twins, plain, one_in(twins, 2) ? XORD_MSG_FINDNODE : XORD_MSG_PING, &id);
    packet->peer = peers[peer].ep;
    seal(packet, head_len, random + 16, write_key16, plain, len);
    twins->fresh[peer][packet->local] = true;
    memcpy(twins->fresh_key16[peer][packet->local], write_key16, 16);
}

static void add_handshake(struct twins *twins, struct twins_packet *packet)
{
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN] = {0};
    enum spoil spoil = one_in(twins, 2) ? SPOIL_NOT : (enum spoil)below(twins, SPOIL_KEY + 1);
    const struct xord_challenge *challenge = NULL;
    uint32_t peer = 0;

    for (int tries = 0; tries < 6 && !challenge; tries++) {
        struct xord_session_key key;

        peer = below(twins, TWINS_PEERS);
        key = twins_key(peer, packet->local);
        challenge = xord_challenge_find(twins_node(twins)->challenges, &key, twins->now_ns);
        if (challenge)
            xord_challenge_data(challenge_data, twins_node(twins)->challenges, challenge, &key);
    }
    put_handshake(twins, packet, peer, spoil, challenge_data);
}

static void add_random(struct twins *twins, struct twins_packet *packet)
{
    packet->peer = peers[below(twins, TWINS_PEERS)].ep;
    packet->len = below(twins, one_in(twins, 4) ? TWINS_RAW_MAX : 200);
    xord_rng_fill(&twins->rng, packet->data, packet->len);
}

/* A well-masked header with other things wrong. */
static void add_header(struct twins *twins, struct twins_packet *packet)
{
    uint8_t key16[16] = {0};

    twins_put_message(twins, packet, below(twins, TWINS_PEERS), key16, key16, sizeof(key16));
    mask(packet, XORD_ORDINARY_HEAD_LEN);
    packet->data[16 + below(twins, 23)] ^= (uint8_t)(1U << below(twins, 8));
    if (one_in(twins, 4))
        memcpy(packet->data + 39, locals->all[packet->local].id32, 32); /* in our own name */
    mask(packet, XORD_ORDINARY_HEAD_LEN);
}

static void add_again(struct twins *twins, struct twins_packet *packet)
{
    if (twins->past_cnt == 0)
        add_noise(twins, packet);
    else
        *packet = twins->past[below(twins, twins->past_cnt < TWINS_PAST ? twins->past_cnt : TWINS_PAST)];
}

static void change(struct twins *twins, struct twins_packet *packet)
{
    switch (below(twins, 5)) {
    case 0:
        packet->len = below(twins, (uint32_t)packet->len + 1);
        break;
    case 1:
        xord_rng_fill(&twins->rng, packet->data + packet->len, TWINS_RAW_MAX - packet->len);
        packet->len += below(twins, TWINS_RAW_MAX - (uint32_t)packet->len + 1);
        break;
    case 2:
        packet->peer = peers[below(twins, TWINS_PEERS)].ep;
        break;
    case 3:
        packet->local = below(twins, TWINS_LOCALS);
        break;
    default:
        if (packet->len)
            packet->data[below(twins, (uint32_t)packet->len)] ^= (uint8_t)(1U << below(twins, 8));
        break;
    }
}

static void packet_make(struct twins *twins, struct twins_packet *packet)
{
    static void (*const kinds[])(struct twins *, struct twins_packet *) = {add_request, add_request, add_request,
            add_request, add_response, add_response, add_response, add_noise, add_nonsense, add_whoareyou,
            add_whoareyou, add_handshake, add_random, add_header, add_again, add_again};

    packet->local = below(twins, TWINS_LOCALS);
    kinds[twins->busy && !one_in(twins, 12) ? 0 : below(twins, sizeof(kinds) / sizeof(kinds[0]))](twins, packet);
    if (one_in(twins, twins->busy ? 100 : 12))
        change(twins, packet);
    twins->past[twins->past_cnt++ % TWINS_PAST] = *packet;
}

/* ---- steps ---- */

static void dgram_fill(struct twin *side, struct xord_dgram *dgram, const struct twins_packet *packet, uint32_t i,
        bool reusable, uint8_t behind)
{
    size_t room = reusable && packet->len < XORD_PACKET_MAX_LEN ? XORD_PACKET_MAX_LEN : packet->len;
    uint8_t *data = malloc(room);

    WORLD_CHECK(data || room == 0);
    if (room)
        memset(data, behind, room);
    if (packet->len)
        memcpy(data, packet->data, packet->len);
    side->lent[i] = (struct twins_lent){.data = data, .offered = reusable};
    *dgram = (struct xord_dgram){.data = data,
            .buf = reusable ? &side->lent[i] : NULL,
            .len = (uint16_t)packet->len,
            .local = packet->local,
            .peer = packet->peer,
            .dst = locals->all[packet->local].ep[!xord_endpoint_is_v4(&packet->peer)]};
}

static void take_in(struct twins *twins, int s, const struct twins_packet *packets, size_t cnt, const uint8_t *reuse)
{
    struct twin *side = &twins->sides[s];
    struct xord_dgram burst[XORD_BURST_MAX];

    for (uint32_t i = 0; i < cnt; i++)
        dgram_fill(side, &burst[i], &packets[i], i, reuse[i] >> s & 1, s ? 0xa5 : (uint8_t)twins->seed);
    if (s == 0)
        xord_node_rx(side->node, burst, cnt, twins->now_ns);
    for (uint32_t i = 0; i < cnt; i++) {
        if (s != 0)
            xord_node_rx(side->node, &burst[i], 1, twins->now_ns);
        WORLD_CHECK(!burst[i].buf || !side->lent[i].sent);
    }
    for (uint32_t i = 0; i < cnt; i++)
        free(burst[i].data);
    memset(side->lent, 0, sizeof(side->lent));
}

static void do_burst(struct twins *twins)
{
    static struct twins_packet packets[XORD_BURST_MAX];
    uint8_t reuse[XORD_BURST_MAX];
    size_t cnt = one_in(twins, 2) ? XORD_BURST_MAX : 1 + below(twins, XORD_BURST_MAX);

    for (size_t i = 0; i < cnt; i++)
        packet_make(twins, &packets[i]);
    xord_rng_fill(&twins->rng, reuse, sizeof(reuse));
    for (size_t i = 0; i < cnt && twins->same_buffers; i++)
        reuse[i] = reuse[i] & 1 ? 3 : 0;
    for (int s = 0; s < 2; s++)
        take_in(twins, s, packets, cnt, reuse);
}

static void post(struct twins *twins, const struct xord_mail *mail)
{
    for (int s = 0; s < 2; s++)
        xord_node_mail(twins->sides[s].node, mail, twins->now_ns);
}

static void do_mail(struct twins *twins)
{
    static const uint8_t types[] = {XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ};
    uint32_t peer = below(twins, TWINS_PEERS);
    struct xord_mail mail;

    memset(&mail, 0, sizeof(mail));
    mail.from = mail.reply_to = XORD_CONTROL;
    mail.cookie = ++twins->cookie;
    mail.local = below(twins, TWINS_LOCALS);
    if (one_in(twins, 5)) {
        mail.kind = XORD_MAIL_LOOKUP;
        mail.local = 0;
        memcpy(mail.lookup.target32, peers[peer].enr.id32, 32);
    } else {
        mail.kind = XORD_MAIL_REQUEST;
        mail.request.peer = xord_peer_from_enr(&peers[peer].enr, &peers[peer].ep);
        mail.request.type = types[below(twins, 3)];
        if (mail.request.type == XORD_MSG_FINDNODE) {
            mail.request.distance_cnt = (uint16_t)below(twins, 5);
            for (uint16_t i = 0; i < mail.request.distance_cnt; i++)
                mail.request.distances[i] = (uint16_t)(256 - i);
        } else if (mail.request.type == XORD_MSG_TALKREQ) {
            mail.request.request_len = (uint16_t)below(twins, XORD_TALK_MAX_LEN);
        }
    }
    post(twins, &mail);
}

static void do_time(struct twins *twins)
{
    static const uint64_t steps_ns[] = {0, 1 * MS, 20 * MS, 600 * MS, 2 * S};

    twins->now_ns += steps_ns[below(twins, one_in(twins, 6) ? 5 : 3)];
    for (int s = 0; s < 2; s++)
        xord_node_poll(twins->sides[s].node, twins->now_ns);
}

static void do_work(struct twins *twins, enum xord_load load)
{
    for (int s = 0; s < 2; s++)
        xord_node_work(twins->sides[s].node, load, twins->now_ns);
}

/* ---- comparing ---- */

#define SAME(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            fprintf(stderr, "case %u, step %u:\n", twins->seed, twins->step);                                          \
        WORLD_CHECK(what);                                                                                             \
    } while (0)

static void compare_log(const struct twins *twins, struct twins_log *a, struct twins_log *b)
{
    SAME(a->len == b->len);
    SAME(memcmp(a->bytes, b->bytes, a->len) == 0);
    a->len = b->len = 0;
}

static void compare_counters(const struct twins *twins)
{
    for (int i = 0; i < XORD_COUNTER_CNT; i++) {
        enum xord_counter_id id = (enum xord_counter_id)i;
        uint64_t a = xord_counter_get(xord_node_counters(twins->sides[0].node), id);
        uint64_t b = xord_counter_get(xord_node_counters(twins->sides[1].node), id);

        if (a != b)
            fprintf(stderr, "%s: %lu in bursts, %lu one at a time\n", xord_counter_name(id), (unsigned long)a,
                    (unsigned long)b);
        SAME(a == b);
    }
}

static void compare_sessions(const struct twins *twins, const struct xord_session *a, const struct xord_session *b)
{
    SAME(!a == !b);
    if (!a)
        return;
    SAME(memcmp(a->read_key16, b->read_key16, 16) == 0);
    SAME(memcmp(a->write_key16, b->write_key16, 16) == 0);
    SAME(a->has_old == b->has_old);
    SAME(!a->has_old || memcmp(a->old_read_key16, b->old_read_key16, 16) == 0);
    SAME(a->is_protected == b->is_protected);
    SAME(a->sent_cnt == b->sent_cnt);
}

static void compare_challenges(const struct twins *twins, const struct xord_challenge *a,
        const struct xord_challenge *b)
{
    SAME(!a == !b);
    SAME(!a || memcmp(a, b, sizeof(*a)) == 0);
}

/* Of every peer at every endpoint, with every identity. */
static void compare_relations(struct twins *twins)
{
    struct xord_node *a = twins->sides[0].node, *b = twins->sides[1].node;

    for (uint32_t i = 0; i < TWINS_PEERS * TWINS_PEERS * TWINS_LOCALS; i++) {
        struct xord_session_key key = twins_key(i % TWINS_PEERS, i / TWINS_PEERS % TWINS_LOCALS);

        key.ep = peers[i / TWINS_PEERS / TWINS_LOCALS].ep;
        compare_sessions(twins, xord_session_find(a->sessions, &key), xord_session_find(b->sessions, &key));
        compare_challenges(twins, xord_challenge_find(a->challenges, &key, twins->now_ns),
                xord_challenge_find(b->challenges, &key, twins->now_ns));
    }
}

static void compare_convs(const struct twins *twins, const struct conv *a, const struct conv *b)
{
    SAME(memcmp(&a->key, &b->key, sizeof(a->key)) == 0);
    SAME(a->head == b->head && a->tail == b->tail && a->lead == b->lead);
    SAME(a->has_keys == b->has_keys);
    SAME(!a->has_keys || memcmp(&a->keys, &b->keys, sizeof(a->keys)) == 0);
}

static void compare_requests(const struct twins *twins)
{
    const struct xord_node *na = twins->sides[0].node, *nb = twins->sides[1].node;

    SAME(na->req_cnt == nb->req_cnt);
    for (uint32_t i = 0; i < na->cfg.request_cap; i++) {
        const struct req *a = &na->reqs[i], *b = &nb->reqs[i];

        SAME(a->state == b->state);
        if (a->state == REQ_FREE)
            continue;
        SAME(a->type == b->type && a->cookie == b->cookie && a->conv == b->conv && a->next == b->next);
        SAME(a->handshaken == b->handshaken && a->indexed == b->indexed && a->lost == b->lost);
        SAME(a->total == b->total && a->got == b->got && a->record_cnt == b->record_cnt && a->lane_cnt == b->lane_cnt);
        SAME(memcmp(a->request_id8, b->request_id8, 8) == 0 && memcmp(a->nonce12, b->nonce12, 12) == 0);
        SAME(a->msg_len == b->msg_len && memcmp(a->msg, b->msg, a->msg_len) == 0);
        compare_convs(twins, &na->convs[a->conv], &nb->convs[b->conv]);
    }
}

void twins_compare(struct twins *twins)
{
    const struct xord_node *a = twins->sides[0].node, *b = twins->sides[1].node;
    struct xord_rng rng_a = a->rng, rng_b = b->rng;
    struct xord_node_sizes size_a, size_b;

    compare_log(twins, &twins->sides[0].sent, &twins->sides[1].sent);
    compare_log(twins, &twins->sides[0].mails, &twins->sides[1].mails);
    compare_counters(twins);
    compare_relations(twins);
    compare_requests(twins);
    xord_node_sizes(a, &size_a);
    xord_node_sizes(b, &size_b);
    SAME(memcmp(&size_a, &size_b, sizeof(size_a)) == 0);
    SAME(xord_rng_u64(&rng_a) == xord_rng_u64(&rng_b));
    SAME(xord_node_next_ns(a) == xord_node_next_ns(b));
    SAME(xord_node_enr(a, 0)->seq == xord_node_enr(b, 0)->seq);
}

/* ---- by hand ---- */

void twins_set_session(struct twins *twins, uint32_t peer, uint32_t local, const uint8_t keys[32], uint32_t sent_cnt)
{
    struct xord_session_key key = twins_key(peer, local);

    for (int s = 0; s < 2; s++) {
        struct xord_sessions *sessions = twins->sides[s].node->sessions;
        struct xord_session *session = xord_session_find(sessions, &key);

        if (session)
            xord_session_remove(sessions, session);
        if (keys)
            xord_session_put(sessions, &key, keys, keys + 16, NULL)->sent_cnt = sent_cnt;
    }
}

void twins_take_in(struct twins *twins, const struct twins_packet *packets, size_t cnt)
{
    uint8_t reuse[XORD_BURST_MAX];

    memset(reuse, 3, sizeof(reuse));
    for (int s = 0; s < 2; s++)
        take_in(twins, s, packets, cnt, reuse);
}

/* A request of the node's own to the peer has been challenged, and is under way as handshake. */
void twins_begin_handshake(struct twins *twins, uint32_t peer, struct twins_packet *whoareyou)
{
    static const uint8_t random[16 + 16];
    struct xord_session_key key = twins_key(peer, whoareyou->local);
    struct xord_mail mail;
    const struct conv *conv;

    memset(&mail, 0, sizeof(mail));
    mail.kind = XORD_MAIL_REQUEST;
    mail.from = mail.reply_to = XORD_CONTROL;
    mail.local = whoareyou->local;
    mail.request.peer = xord_peer_from_enr(&peers[peer].enr, &peers[peer].ep);
    mail.request.type = XORD_MSG_PING;
    post(twins, &mail);
    conv = conv_find(twins_node(twins), &key);
    WORLD_CHECK(conv);
    whoareyou->peer = peers[peer].ep;
    whoareyou->len = xord_packet_put_whoareyou(whoareyou->data, random, twins_node(twins)->reqs[conv->lead].nonce12,
            random + 16, 0);
    mask(whoareyou, whoareyou->len);
    twins_take_in(twins, whoareyou, 1);
    do_work(twins, XORD_LOAD_SOME);
    WORLD_CHECK(conv->has_keys);
}

/* ---- a whole case ---- */

void twins_play(struct twins *twins, uint32_t seed, uint32_t steps, struct xord_rd *script)
{
    twins_start(twins, seed, script);
    for (twins->step = 0; twins->step < steps && (!script || xord_rd_left(script) >= 2); twins->step++) {
        for (uint32_t i = below(twins, 6); i > 0; i--)
            do_mail(twins);
        twins_compare(twins);
        do_burst(twins);
        twins_compare(twins);
        if (one_in(twins, 2))
            do_work(twins, (enum xord_load)below(twins, 3));
        if (!one_in(twins, 3))
            do_time(twins);
        twins_compare(twins);
    }
    twins_stop(twins);
}
