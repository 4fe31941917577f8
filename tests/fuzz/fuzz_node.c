/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole node, driven by a script: datagrams of any content, handshakes begun by either side, messages and answers that are
 * mutated before they are sealed, requests and lookups of its own, time that passes, ports and pools that are full.
 *
 * The node has two identities, a host with a table and one that answers out of a directory; three puppets talk to it, out
 * of a private network, from a public IPv4 and from a public IPv6 address.
 * What holds whatever the input: whoever has not shaken hands gets no more bytes of challenges than it sent, besides probes
 * of fixed size and a handshake a challenge; every request and lookup ends, with one DONE; nothing exceeds its capacity;
 * no mail gets lost (world.c), no packet is too long (world.c).
 * Input: options 1, then operations: low half of the first byte which, high half the peer and a variant. */
#include "fuzz_target.h"
#include "puppet.h"

#define PEERS       3
#define POOL        24
#define ASKED       4
#define FLOWS       8
#define OPS_MAX     200
#define ORDERS_MAX  256
#define PROBE_LEN   (XORD_ORDINARY_HEAD_LEN + 32)
#define LANE_CAP    8
#define SESSION_CAP 16
#define REQUEST_CAP 16

enum option { OPT_SHARDS = 1, OPT_MAINTAIN = 2, OPT_LEARN = 4, OPT_BOOTNODES = 8 };

/* A request of the node's that a puppet has read. */
struct asked {
    enum xord_message_type type;
    struct xord_request_id id;
    struct xord_peer from;
};

struct peer {
    struct puppet *puppet;
    struct xord_peer to;             /* who answered last, or whom it talks to */
    struct puppet_packet challenge;  /* the last received */
    uint8_t nonce12[XORD_NONCE_LEN]; /* of the last packet that it could not open */
    struct asked asked[ASKED];
    uint32_t asked_cnt;
};

/* What went between the node and an endpoint. */
struct flow {
    struct xord_endpoint ep;
    uint64_t received, challenged; /* bytes, by the node, of it as challenges */
    uint32_t whoareyou_cnt, handshake_cnt;
    bool trusted; /* a handshake may be complete */
};

struct fuzz {
    struct xord_rd in;
    struct world *world;
    struct member *member;
    struct peer peers[PEERS];
    struct flow flows[FLOWS];
    uint32_t flow_cnt;
    struct xord_enr bootnodes[2];
    uint32_t order_cnt; /* requests and lookups ordered; their cookies count from 0 */
};

/* ---- what all inputs share ---- */

static struct xord_enr pool[POOL]; /* records by keys of nobody's */
static struct xord_directory *directory;

static void pool_fill(void)
{
    static const char *const ips[] = {"1.2.3.4", "10.9.0.1", "127.0.0.1", "224.0.0.1", "2a01:2::1", "5.6.7.8"};
    const struct xord_enr *all[POOL];
    struct world *world = world_new(1);

    world->key_cnt = 1000; /* the identities' keys count from 0 */
    for (uint32_t i = 0; i < POOL; i++) {
        pool[i] = puppet_record(world, ips[i % 6], (uint16_t)(9000 + i), NULL, 0);
        all[i] = &pool[i];
    }
    world_free(world);
    directory = xord_directory_new(all, POOL);
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

/* ---- the budget of endpoints ---- */

static struct flow *flow_of(struct fuzz *f, const struct xord_endpoint *ep)
{
    for (uint32_t i = 0; i < f->flow_cnt; i++)
        if (xord_endpoint_equal(&f->flows[i].ep, ep))
            return &f->flows[i];
    return NULL;
}

static bool is_ours(const struct fuzz *f, const struct xord_endpoint *ep)
{
    return xord_locals_find(f->member->locals, ep) != XORD_LOCAL_NONE;
}

static void check_sent(struct fuzz *f, const struct world_packet *packet)
{
    struct flow *flow = flow_of(f, &packet->dst);

    if (!flow) { /* an endpoint out of a record */
        FUZZ_CHECK(packet->len == PROBE_LEN);
    } else if (packet->len == XORD_CHALLENGE_DATA_LEN) {
        flow->challenged += packet->len;
        FUZZ_CHECK(flow->challenged <= flow->received);
    } else if (!flow->trusted && packet->len != PROBE_LEN) {
        FUZZ_CHECK(packet->len >= XORD_HANDSHAKE_HEAD_LEN && ++flow->handshake_cnt <= flow->whoareyou_cnt);
    }
}

/* Only puppets' packets reach puppets: one sent in the name of another id is challenged under that one. */
static bool is_readable(const struct fuzz *f, const struct world_packet *packet)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        const struct puppet *puppet = f->peers[i].puppet;
        uint8_t data[XORD_PACKET_MAX_LEN];
        struct xord_packet pkt;

        if (!xord_endpoint_equal(&puppet->listener.ep, &packet->dst))
            continue;
        memcpy(data, packet->data, packet->len);
        return xord_packet_unmask(&pkt, data, packet->len, &xord_aes_ipsec_mb, f->world->aes, &puppet->mask_key) == 0;
    }
    return true;
}

static bool watch(void *ctx, const struct world_packet *packet)
{
    struct fuzz *f = ctx;
    struct flow *flow;

    if (is_ours(f, &packet->src)) {
        if (!is_ours(f, &packet->dst))
            check_sent(f, packet);
        return is_readable(f, packet);
    }
    flow = flow_of(f, &packet->src);
    FUZZ_CHECK(flow);
    flow->received += packet->len;
    flow->whoareyou_cnt += packet->len == XORD_CHALLENGE_DATA_LEN;
    return true;
}

/* ---- pieces of input ---- */

static uint8_t byte(struct fuzz *f)
{
    uint8_t v = 0;

    if (xord_rd_left(&f->in) > 0)
        v = xord_rd_u8(&f->in);
    return v;
}

static uint16_t word(struct fuzz *f)
{
    uint16_t high = (uint16_t)(byte(f) << 8);

    return high | byte(f);
}

/* At most `max` bytes of input; what is missing is zero. */
static size_t bytes(struct fuzz *f, uint8_t *out, size_t max)
{
    size_t len = word(f) % (max + 1), left = xord_rd_left(&f->in);

    memset(out, 0, len);
    if (len && left)
        xord_rd_copy(&f->in, out, len < left ? len : left);
    return len;
}

/* Up to three bytes changed; in one case of four another length. */
static void mutate(struct fuzz *f, uint8_t *data, size_t *len, size_t cap)
{
    uint8_t how = byte(f);

    for (int i = 0; i < (how & 3) && *len > 0; i++) {
        size_t at = word(f) % *len;

        data[at] ^= byte(f);
    }
    if ((how >> 2 & 3) == 3) {
        size_t longer = word(f) % (cap + 1);

        if (longer > *len)
            memset(data + *len, how, longer - *len);
        *len = longer;
    }
}

/* Of which the record list is built: the pool's, the puppets', the node's own; changed ones. */
static const struct xord_enr *record_at(const struct fuzz *f, uint8_t n)
{
    n %= POOL + PEERS + 1;
    if (n < POOL)
        return &pool[n];
    return n < POOL + PEERS ? &f->peers[n - POOL].puppet->enr : member_enr(f->member, 0);
}

static uint16_t records(struct fuzz *f, uint8_t *out, size_t cap, uint16_t *cnt)
{
    size_t len = 0;

    *cnt = byte(f) % 20;
    for (uint16_t i = 0; i < *cnt; i++) {
        uint8_t pick = byte(f);
        const struct xord_enr *enr = record_at(f, pick & 0x7f);

        if (len + enr->len > cap) {
            *cnt = i;
            break;
        }
        memcpy(out + len, enr->raw, enr->len);
        if (pick & 0x80)
            out[len + word(f) % enr->len] ^= byte(f);
        len += enr->len;
    }
    return (uint16_t)len;
}

/* A message of the type, by the script's words, then mutated. */
static size_t message(struct fuzz *f, uint8_t plain[XORD_MESSAGE_MAX_LEN], enum xord_message_type type,
        const struct xord_request_id *id)
{
    struct xord_message msg = {.type = type, .request_id = *id};
    uint8_t payload[XORD_MESSAGE_MAX_LEN] = {0};
    size_t len = 0;

    if (type == XORD_MSG_PING || type == XORD_MSG_PONG) {
        msg.ping.enr_seq = byte(f);
    } else if (type == XORD_MSG_FINDNODE) {
        uint16_t distances[8] = {256, 255, 254, 0, word(f), 256, word(f), 253};

        if (xord_distances_put(&msg.findnode.distances, payload, sizeof(payload), distances, byte(f) % 9))
            return 0;
    } else if (type == XORD_MSG_NODES) {
        msg.nodes.total = byte(f) % 20;
        msg.nodes.records.data = payload;
        msg.nodes.records.len = records(f, payload, sizeof(payload) - 30, &msg.nodes.records.cnt);
    } else if (type == XORD_MSG_TALKREQ) {
        msg.talkreq.protocol = (struct xord_bytes_view){(const uint8_t *)"echo", 4};
        msg.talkreq.request = (struct xord_bytes_view){payload, word(f) % sizeof(payload)};
    } else {
        msg.type = XORD_MSG_TALKRESP;
        msg.talkresp.response = (struct xord_bytes_view){payload, word(f) % sizeof(payload)};
    }
    if (type == XORD_MSG_PONG) {
        memcpy(msg.pong.ip16, f->peers[byte(f) % PEERS].puppet->listener.ep.ip16, 16);
        msg.pong.port = word(f);
    }
    if (xord_message_encode(plain, &len, XORD_MESSAGE_MAX_LEN, &msg))
        return 0;
    mutate(f, plain, &len, XORD_MESSAGE_MAX_LEN);
    return len;
}

static size_t request(struct fuzz *f, uint8_t plain[XORD_MESSAGE_MAX_LEN])
{
    static const enum xord_message_type types[] = {XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ, XORD_MSG_PONG};
    uint8_t how = byte(f);
    struct xord_request_id id = {.len = how >> 4 & 7, .bytes = {how}};

    return how & 8 ? bytes(f, plain, XORD_MESSAGE_MAX_LEN) : message(f, plain, types[how & 3], &id);
}

/* ---- puppets ---- */

static void talk_to(struct fuzz *f, struct peer *peer, uint32_t local)
{
    bool v6 = !xord_endpoint_is_v4(&peer->puppet->listener.ep);

    peer->to = member_peer(f->member, local);
    peer->to.ep = f->member->locals->all[local].ep[v6];
}

static void trust(struct fuzz *f, const struct peer *peer)
{
    flow_of(f, &peer->puppet->listener.ep)->trusted = true;
}

/* With its views. */
static void keep_challenge(struct puppet_packet *to, const struct puppet_packet *from)
{
    *to = *from;
    to->pkt.head = to->data;
    to->pkt.nonce12 = to->data + (from->pkt.nonce12 - from->data);
    to->pkt.id_nonce16 = to->data + (from->pkt.id_nonce16 - from->data);
}

static void note_asked(struct peer *peer, const struct xord_message *msg)
{
    if (xord_message_is_request(msg->type))
        peer->asked[peer->asked_cnt++ % ASKED] =
                (struct asked){.type = msg->type, .id = msg->request_id, .from = peer->to};
}

static bool take_packet(struct fuzz *f, struct peer *peer, enum xord_flag *flag, bool *opened)
{
    struct puppet_packet packet;
    struct puppet_message msg;

    if (!puppet_take(peer->puppet, &packet))
        return false;
    talk_to(f, peer, xord_locals_find(f->member->locals, &packet.src));
    *flag = packet.pkt.flag;
    *opened = puppet_open(peer->puppet, &packet, &msg) || puppet_accept(peer->puppet, &packet, peer->to.pubkey33, &msg);
    if (*opened)
        note_asked(peer, &msg.msg);
    else if (packet.pkt.flag == XORD_FLAG_WHOAREYOU)
        keep_challenge(&peer->challenge, &packet);
    else
        memcpy(peer->nonce12, packet.pkt.nonce12, sizeof(peer->nonce12));
    if (packet.pkt.flag == XORD_FLAG_HANDSHAKE)
        trust(f, peer);
    return true;
}

static void challenge(struct peer *peer, uint8_t how)
{
    puppet_send_whoareyou(peer->puppet, &peer->to, peer->nonce12, how & 1);
}

/* With a record that is another's, or changed, in every other case. */
static void shake_hands(struct fuzz *f, struct peer *peer, uint8_t how)
{
    struct xord_enr own = peer->puppet->enr;
    uint8_t plain[XORD_MESSAGE_MAX_LEN];
    size_t len = request(f, plain);

    if (peer->challenge.pkt.flag != XORD_FLAG_WHOAREYOU || XORD_HANDSHAKE_HEAD_LEN + own.len + len > 1200)
        return;
    if (how & 4)
        memcpy(peer->puppet->enr.raw, record_at(f, byte(f))->raw, own.len);
    if (how & 8)
        peer->puppet->enr.raw[word(f) % own.len] ^= byte(f);
    trust(f, peer);
    puppet_send_handshake(peer->puppet, &peer->to, &peer->challenge, plain, len, how & 2 ? byte(f) : 0);
    peer->puppet->enr = own;
}

static void answer(struct fuzz *f, struct peer *peer, uint8_t how)
{
    const struct asked *asked = &peer->asked[(peer->asked_cnt - 1 - (how & 1)) % ASKED];
    struct xord_request_id id = asked->id;
    enum xord_message_type type = (enum xord_message_type)(asked->type + 1);
    uint8_t plain[XORD_MESSAGE_MAX_LEN];

    if (asked->type == 0)
        return;
    if (how & 2)
        id.bytes[byte(f) % 8] ^= byte(f);
    if (how & 4)
        type = (enum xord_message_type)(2 + 2 * (byte(f) % 3));
    puppet_send_plain(peer->puppet, &asked->from, plain, message(f, plain, type, &id));
}

/* ---- operations ---- */

static void send_bytes(struct fuzz *f, struct peer *peer)
{
    uint8_t data[2 * XORD_PACKET_MAX_LEN];
    size_t len = bytes(f, data, sizeof(data));

    world_send(f->world, &peer->puppet->listener.ep, &peer->to.ep, data, len);
}

/* A header as it should be, or nearly. */
static void send_header(struct fuzz *f, struct peer *peer, uint8_t flag)
{
    uint8_t data[XORD_PACKET_MAX_LEN] = {0}, fill[64] = {byte(f)};
    size_t head_len, len;

    if (flag % 3 == XORD_FLAG_MESSAGE)
        head_len = xord_packet_put_ordinary(data, fill, peer->nonce12, peer->puppet->enr.id32);
    else if (flag % 3 == XORD_FLAG_WHOAREYOU)
        head_len = xord_packet_put_whoareyou(data, fill, peer->nonce12, fill, byte(f));
    else
        head_len = xord_packet_put_handshake(data, fill, peer->nonce12, peer->puppet->enr.id32, fill, peer->to.pubkey33,
                peer->puppet->enr.raw, peer->puppet->enr.len);
    len = head_len + (flag % 3 == XORD_FLAG_WHOAREYOU ? 0 : 16 + byte(f));
    mutate(f, data, &len, sizeof(data));
    puppet_send(peer->puppet, &peer->to, data, head_len, len); /* masked whole, even if sent short */
}

static void send_noise(struct fuzz *f, struct peer *peer, uint8_t how)
{
    uint8_t nonce12[XORD_NONCE_LEN] = {how & 1 ? byte(f) : 0};

    puppet_send_noise(peer->puppet, &peer->to, nonce12);
}

static void send_request(struct fuzz *f, struct peer *peer)
{
    uint8_t plain[XORD_MESSAGE_MAX_LEN];

    puppet_send_plain(peer->puppet, &peer->to, plain, request(f, plain));
}

/* Lets time pass and the puppets react to what comes as peers do; what they say is still the script's. */
static void play(struct fuzz *f, uint8_t rounds)
{
    for (; rounds > 0; rounds--) {
        world_run(f->world, 20 * MS);
        for (uint32_t i = 0; i < PEERS; i++) {
            struct peer *peer = &f->peers[i];
            enum xord_flag flag;
            bool opened;

            while (take_packet(f, peer, &flag, &opened)) {
                if (flag == XORD_FLAG_WHOAREYOU)
                    shake_hands(f, peer, 0);
                else if (opened)
                    answer(f, peer, 0);
                else
                    challenge(peer, 0);
            }
        }
    }
}

/* A puppet, somebody who is not there, or the node itself. */
static struct xord_peer some_peer(struct fuzz *f)
{
    uint8_t n = byte(f) % (PEERS + POOL + 2);
    struct xord_endpoint ep = {.port = 0};

    if (n < PEERS)
        return puppet_peer(f->peers[n].puppet);
    if (n >= PEERS + POOL)
        return member_peer(f->member, n - PEERS - POOL);
    if (!xord_enr_endpoint4(&pool[n - PEERS], &ep))
        (void)!xord_enr_endpoint6(&pool[n - PEERS], &ep);
    return xord_peer_from_enr(&pool[n - PEERS], &ep);
}

static struct xord_mail *mail_new(struct fuzz *f, enum xord_mail_kind kind)
{
    uint32_t cookie = f->order_cnt++;

    return member_mail_new(f->member, kind, cookie % 4 == 3, cookie);
}

static void order_request(struct fuzz *f, uint8_t how)
{
    static const uint8_t types[] = {XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ};
    struct xord_mail *mail;

    if (f->order_cnt == ORDERS_MAX)
        return;
    mail = mail_new(f, XORD_MAIL_REQUEST);
    mail->request.peer = some_peer(f);
    mail->request.type = types[how % 4];
    if (mail->request.type == XORD_MSG_FINDNODE) {
        mail->request.distance_cnt = byte(f) % 6;
        for (uint16_t i = 0; i < mail->request.distance_cnt; i++)
            mail->request.distances[i] = i == 3 ? 0 : 256 - i;
        if (how & 8)
            mail->request.distance_cnt = word(f) % 260;
    } else if (mail->request.type == XORD_MSG_TALKREQ) {
        mail->request.protocol_len = byte(f);
        mail->request.request_len = word(f) % XORD_TALK_MAX_LEN;
    }
    if (how & 4)
        mail->request.peer.pubkey33[byte(f) % XORD_PUBKEY_LEN] ^= byte(f);
    member_request(f->member, mail);
}

static void order_lookup(struct fuzz *f, uint8_t how)
{
    struct xord_mail *mail;

    if (f->order_cnt == ORDERS_MAX)
        return;
    mail = mail_new(f, XORD_MAIL_LOOKUP);
    memcpy(mail->lookup.target32, record_at(f, byte(f))->id32, 32);
    member_post(f->member, how % f->member->shard_cnt, mail);
}

static void order_offer(struct fuzz *f, uint8_t how)
{
    const struct xord_enr *enr = record_at(f, byte(f));
    struct xord_endpoint ep;
    struct xord_mail *mail;

    if (!xord_enr_endpoint4(enr, &ep) && !xord_enr_endpoint6(enr, &ep))
        return;
    mail = member_mail_new(f->member, XORD_MAIL_OFFER, how >> 1 & 1, 0);
    mail->offer.enr = *enr;
    mail->offer.ep = ep;
    mail->offer.inbound = how & 1;
    member_post(f->member, member_shard_of(f->member, mail->local, &ep), mail);
}

/* Some voters who agree. */
static void order_votes(struct fuzz *f, uint8_t how)
{
    uint8_t said4[4] = {9, 8, 7, byte(f)}, cnt = byte(f) % 16;

    for (uint8_t i = 0; i < cnt; i++) {
        struct xord_mail *mail = member_mail_new(f->member, XORD_MAIL_VOTE, how & 1, 0);
        uint8_t voter4[4] = {(uint8_t)(20 + how), i, 1, 1};

        mail->vote.voter = xord_endpoint_v4(voter4, 9000);
        mail->vote.said = xord_endpoint_v4(said4, 9000);
        member_post(f->member, 0, mail);
    }
}

static void set_shortage(struct fuzz *f)
{
    uint8_t what = byte(f);

    f->member->tx_full = what & 1;
    f->member->no_snaps = what & 2;
    f->member->mail_cap = what & 4 ? f->member->mail_cnt + 1 + (what >> 3 & 3) : 0;
}

static void pass_time(struct fuzz *f, uint8_t how)
{
    static const uint64_t units_ns[] = {XORD_NS_PER_US, MS, 20 * MS, 50 * MS};

    world_run(f->world, byte(f) * units_ns[how % 4]);
}

static void operate(struct fuzz *f)
{
    uint8_t op = byte(f), how = op >> 4;
    struct peer *peer = &f->peers[how % PEERS];
    enum xord_flag flag;
    bool opened;

    switch (op & 15) {
    case 0:
        pass_time(f, how);
        break;
    case 1:
        send_bytes(f, peer);
        break;
    case 2:
        send_header(f, peer, byte(f));
        break;
    case 3:
        send_noise(f, peer, how);
        break;
    case 4:
        shake_hands(f, peer, byte(f));
        break;
    case 5:
        send_request(f, peer);
        break;
    case 6:
        answer(f, peer, byte(f));
        break;
    case 7:
        challenge(peer, byte(f));
        break;
    case 8:
        (void)take_packet(f, peer, &flag, &opened);
        break;
    case 9:
        play(f, how + 1);
        break;
    case 10:
        order_request(f, how);
        break;
    case 11:
        order_lookup(f, how);
        break;
    case 12:
        order_offer(f, how);
        break;
    case 13:
        order_votes(f, how);
        break;
    case 14:
        set_shortage(f);
        break;
    case 15:
        talk_to(f, peer, byte(f) & 1);
        break;
    }
}

/* ---- what must hold ---- */

static uint32_t check_sizes(const struct fuzz *f)
{
    uint32_t requests = 0;

    for (uint16_t i = 0; i < f->member->shard_cnt; i++) {
        struct xord_node_sizes sizes;

        xord_node_sizes(f->member->shards[i].node, &sizes);
        FUZZ_CHECK(sizes.sessions <= SESSION_CAP && sizes.requests <= REQUEST_CAP && sizes.lane <= 10 * LANE_CAP);
        FUZZ_CHECK(sizes.table_live <= sizes.table && sizes.table <= POOL + PEERS + 2);
        requests += sizes.requests;
    }
    return requests;
}

static bool all_done(const struct fuzz *f)
{
    for (uint32_t i = 0; i < f->order_cnt; i++) {
        uint32_t cnt = member_reply_cnt(f->member, XORD_MAIL_DONE, i);

        FUZZ_CHECK(cnt <= 1);
        if (cnt == 0 && f->member->mails_refused == 0)
            return false;
    }
    return true;
}

/* With nothing short any more all requests end: those of the table's upkeep come and go, so at some moment there are none. */
static void check_ends(struct fuzz *f)
{
    int left = 600;

    f->member->tx_full = f->member->no_snaps = false;
    f->member->mail_cap = 0;
    while (check_sizes(f) > 0 || !all_done(f)) {
        FUZZ_CHECK(left-- > 0);
        world_run(f->world, 100 * MS);
    }
}

/* ---- the stage ---- */

static void peers_start(struct fuzz *f)
{
    static const char *const ips[PEERS] = {"10.0.1.1", "9.9.9.9", "2a01::9"};

    for (uint32_t i = 0; i < PEERS; i++) {
        f->peers[i].puppet = puppet_new(f->world, ips[i], 9001);
        f->flows[f->flow_cnt++].ep = f->peers[i].puppet->listener.ep;
    }
}

static void node_start(struct fuzz *f, uint8_t options)
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
                    .bootnodes = f->bootnodes,
                    .bootnode_cnt = options & OPT_BOOTNODES ? 2 : 0,
                    .maintain = options & OPT_MAINTAIN,
                    .learn_endpoint = options & OPT_LEARN},
    };

    f->bootnodes[0] = f->peers[0].puppet->enr;
    f->bootnodes[1] = f->peers[2].puppet->enr;
    f->member = world_add(f->world, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    struct fuzz f = {.in = xord_rd_init(copy, size)};

    if (!directory)
        pool_fill();
    f.world = world_new(2);
    peers_start(&f);
    node_start(&f, byte(&f));
    f.world->filter = watch;
    f.world->filter_ctx = &f;
    for (uint32_t i = 0; i < PEERS; i++)
        talk_to(&f, &f.peers[i], 0);
    for (int i = 0; i < OPS_MAX && xord_rd_left(&f.in) > 0; i++) {
        operate(&f);
        check_sizes(&f);
    }
    check_ends(&f);
    world_free(f.world);
    free(copy);
    return 0;
}
