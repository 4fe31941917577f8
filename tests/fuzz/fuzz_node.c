/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole node, driven by a script: datagrams of any content, handshakes begun by either side, messages and answers that are
 * mutated before they are sealed, requests and lookups of its own, time that passes, ports and pools that are full. Who
 * takes part and what must hold: node_stage.h.
 * Input: options 1, then operations: low half of the first byte which, high half the peer and a variant. */
#include "node_private.h"
#include "node_stage.h"

#define OPS_MAX        200
#define HANDSHAKE_ROOM (XORD_PACKET_MAX_LEN - XORD_HANDSHAKE_HEAD_LEN - XORD_ENR_MAX_LEN - XORD_GCM_TAG_LEN)

struct fuzz {
    struct xord_rd in;
    struct stage stage;
};

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

static uint16_t records(struct fuzz *f, uint8_t *out, size_t cap, uint16_t *cnt)
{
    size_t len = 0;

    *cnt = byte(f) % 20;
    for (uint16_t i = 0; i < *cnt; i++) {
        uint8_t pick = byte(f);
        const struct xord_enr *enr = stage_record(&f->stage, pick & 0x7f);

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

static void fill_topic(struct fuzz *f, struct xord_message *msg, const uint8_t topic32[32])
{
    const struct xord_enr *enr = stage_record(&f->stage, byte(f));

    if (msg->type == XORD_MSG_TOPICQUERY) {
        msg->topicquery.topic32 = topic32;
        return;
    }
    msg->regtopic.topic32 = topic32;
    msg->regtopic.record = (struct xord_bytes_view){enr->raw, enr->len};
    msg->regtopic.ticket = (struct xord_bytes_view){topic32, byte(f)};
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
    } else if (type == XORD_MSG_NODES || type == XORD_MSG_TOPICNODES) {
        msg.nodes.total = byte(f) % 20;
        msg.nodes.records.data = payload;
        msg.nodes.records.len = records(f, payload, sizeof(payload) - 30, &msg.nodes.records.cnt);
    } else if (type == XORD_MSG_TALKREQ) {
        msg.talkreq.protocol = (struct xord_bytes_view){(const uint8_t *)"echo", 4};
        msg.talkreq.request = (struct xord_bytes_view){payload, word(f) % sizeof(payload)};
    } else if (type == XORD_MSG_REGTOPIC || type == XORD_MSG_TOPICQUERY) {
        fill_topic(f, &msg, payload);
    } else {
        msg.type = XORD_MSG_TALKRESP;
        msg.talkresp.response = (struct xord_bytes_view){payload, word(f) % sizeof(payload)};
    }
    if (type == XORD_MSG_PONG) {
        memcpy(msg.pong.ip16, f->stage.peers[byte(f) % STAGE_PEERS].puppet->listener.ep.ip16, 16);
        msg.pong.port = word(f);
    }
    if (xord_message_encode(plain, &len, XORD_MESSAGE_MAX_LEN, &msg))
        return 0;
    mutate(f, plain, &len, XORD_MESSAGE_MAX_LEN);
    return len;
}

static size_t request(struct fuzz *f, uint8_t plain[XORD_MESSAGE_MAX_LEN])
{
    static const enum xord_message_type types[] = {XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ, XORD_MSG_PONG,
            XORD_MSG_REGTOPIC, XORD_MSG_TOPICQUERY, XORD_MSG_NODES, XORD_MSG_TOPICNODES};
    uint8_t how = byte(f);
    struct xord_request_id id = {.len = how >> 4 & 7, .bytes = {how}};

    return how & 8 ? bytes(f, plain, XORD_MESSAGE_MAX_LEN) : message(f, plain, types[how & 7], &id);
}

/* ---- puppets ---- */

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
        peer->asked[peer->asked_cnt++ % STAGE_ASKED] =
                (struct asked){.type = msg->type, .id = msg->request_id, .from = peer->to};
}

static bool take_packet(struct fuzz *f, struct peer *peer, enum xord_flag *flag, bool *opened)
{
    struct puppet_packet packet;
    struct puppet_message msg;

    if (!puppet_take(peer->puppet, &packet))
        return false;
    stage_talk_to(&f->stage, peer, xord_locals_find(f->stage.member->locals, &packet.src));
    *flag = packet.pkt.flag;
    *opened = puppet_open(peer->puppet, &packet, &msg) || puppet_accept(peer->puppet, &packet, peer->to.pubkey33, &msg);
    if (*opened)
        note_asked(peer, &msg.msg);
    else if (packet.pkt.flag == XORD_FLAG_WHOAREYOU)
        keep_challenge(&peer->challenge, &packet);
    if (packet.pkt.flag != XORD_FLAG_WHOAREYOU)
        memcpy(peer->nonce12, packet.pkt.nonce12, sizeof(peer->nonce12));
    if (packet.pkt.flag == XORD_FLAG_HANDSHAKE)
        stage_budget(peer)->is_trusted = true;
    return true;
}

static void challenge(struct peer *peer, uint8_t how)
{
    puppet_send_whoareyou(peer->puppet, &peer->to, peer->nonce12, how & 1);
}

/* With a record that is another's, or changed, in every other case. */
static void shake_hands(struct fuzz *f, struct peer *peer, uint8_t how)
{
    struct xord_enr *enr = &peer->puppet->enr, own = *enr;
    const struct xord_enr *others;
    uint8_t plain[XORD_MESSAGE_MAX_LEN];
    size_t len = request(f, plain);

    if (peer->challenge.pkt.flag != XORD_FLAG_WHOAREYOU || len > HANDSHAKE_ROOM)
        return;
    if (how & 4) {
        others = stage_record(&f->stage, byte(f));
        memcpy(enr->raw, others->raw, others->len);
        enr->len = others->len;
    }
    if (how & 8)
        enr->raw[word(f) % enr->len] ^= byte(f);
    stage_budget(peer)->is_trusted = true;
    puppet_send_handshake(peer->puppet, &peer->to, &peer->challenge, plain, len, how & 2 ? byte(f) : 0);
    *enr = own;
}

static void answer(struct fuzz *f, struct peer *peer, uint8_t how)
{
    const struct asked *asked = &peer->asked[(peer->asked_cnt - 1 - (how & 1)) % STAGE_ASKED];
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

    world_send(f->stage.world, &peer->puppet->listener.ep, &peer->to.ep, data, len);
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

/* What nobody can open; as often as not in the name of several others. */
static void send_noise(struct fuzz *f, struct peer *peer, uint8_t how)
{
    uint8_t nonce12[XORD_NONCE_LEN] = {how & 1 ? byte(f) : 0};
    uint8_t *claimed = &peer->puppet->enr.id32[0], own = *claimed;
    uint8_t cnt = how & 8 ? byte(f) % 40 : 1;

    for (uint8_t i = 0; i < cnt; i++, ++*claimed)
        puppet_send_noise(peer->puppet, &peer->to, nonce12);
    *claimed = own;
}

static void send_request(struct fuzz *f, struct peer *peer)
{
    uint8_t plain[XORD_MESSAGE_MAX_LEN];

    puppet_send_plain(peer->puppet, &peer->to, plain, request(f, plain));
}

/* Lets time pass and the puppets react to what comes as peers do; what they say is still the script's. */
static void play(struct fuzz *f, uint8_t how)
{
    for (int rounds = (how & 7) + 1; rounds > 0; rounds--) {
        world_run(f->stage.world, how & 8 ? 100 * MS : 20 * MS);
        for (uint32_t i = 0; i < STAGE_PEERS; i++) {
            struct peer *peer = &f->stage.peers[i];
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

static struct xord_mail *mail_new(struct fuzz *f, enum xord_mail_kind kind)
{
    uint32_t cookie = f->stage.order_cnt++;

    return member_mail_new(f->stage.member, kind, cookie % 4 == 3, cookie);
}

static void order_request(struct fuzz *f, uint8_t how)
{
    static const uint8_t types[] = {XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ};
    struct xord_mail *mail;

    if (f->stage.order_cnt == STAGE_ORDERS)
        return;
    mail = mail_new(f, XORD_MAIL_REQUEST);
    mail->request.peer = stage_peer(&f->stage, byte(f));
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
    if (how == 11)
        mail->request.type = byte(f);
    else if (how == 15)
        mail->local = byte(f);
    else if (how & 4)
        mail->request.peer.pubkey33[byte(f) % XORD_PUBKEY_LEN] ^= byte(f);
    member_request(f->stage.member, mail);
}

static void order_lookup(struct fuzz *f, uint8_t how)
{
    struct xord_mail *mail;

    if (f->stage.order_cnt == STAGE_ORDERS)
        return;
    mail = mail_new(f, XORD_MAIL_LOOKUP);
    memcpy(mail->lookup.target32, stage_record(&f->stage, byte(f))->id32, 32);
    member_post(f->stage.member, how % f->stage.member->shard_cnt, mail);
}

static void order_offer(struct fuzz *f, uint8_t how)
{
    const struct xord_enr *enr = stage_record(&f->stage, byte(f));
    struct xord_endpoint ep;
    struct xord_mail *mail;

    if (!xord_enr_endpoint4(enr, &ep) && !xord_enr_endpoint6(enr, &ep))
        return;
    mail = member_mail_new(f->stage.member, XORD_MAIL_OFFER, how >> 1 & 1, 0);
    mail->offer.enr = *enr;
    mail->offer.ep = ep;
    mail->offer.inbound = how & 1;
    member_post(f->stage.member, member_shard_of(f->stage.member, mail->local, &ep), mail);
}

/* Some voters who agree. */
static void order_votes(struct fuzz *f, uint8_t how)
{
    uint8_t said4[4] = {9, 8, 7, byte(f)}, cnt = byte(f) % 16;

    for (uint8_t i = 0; i < cnt; i++) {
        struct xord_mail *mail = member_mail_new(f->stage.member, XORD_MAIL_VOTE, how & 1, 0);
        uint8_t voter4[4] = {(uint8_t)(20 + how), i, 1, 1};

        mail->vote.voter = xord_endpoint_v4(voter4, 9000);
        mail->vote.said = xord_endpoint_v4(said4, 9000);
        member_post(f->stage.member, 0, mail);
    }
}

/* The nonces of a session are nearly used up. */
static void age_session(struct fuzz *f, const struct peer *peer, uint8_t left)
{
    struct xord_session_key key = {.ep = peer->puppet->listener.ep,
            .local = xord_locals_find(f->stage.member->locals, &peer->to.ep)};
    struct xord_node *node = f->stage.member->shards[member_shard_of(f->stage.member, key.local, &key.ep)].node;
    struct xord_session *session;

    memcpy(key.peer_id32, peer->puppet->enr.id32, 32);
    session = xord_session_find(node->sessions, &key);
    if (session)
        session->sent_cnt = XORD_SESSION_MAX_SENT - left;
}

static void set_shortage(struct fuzz *f, const struct peer *peer)
{
    uint8_t what = byte(f);

    if (what & 0x80) {
        age_session(f, peer, what & 7);
        return;
    }
    f->stage.member->tx_full = what & 1;
    f->stage.member->no_snaps = what & 2;
    f->stage.member->mail_cap = what & 4 ? f->stage.member->mail_cnt + 1 + (what >> 3 & 3) : 0;
}

static void pass_time(struct fuzz *f, uint8_t how)
{
    static const uint64_t units_ns[] = {XORD_NS_PER_US, MS, 20 * MS, 50 * MS};

    world_run(f->stage.world, byte(f) * units_ns[how % 4]);
}

/* To the other identity; with a new record, which may name any endpoint; from another port. */
static void turn(struct fuzz *f, struct peer *peer)
{
    struct xord_peer other;
    uint8_t how = byte(f);

    if (how % 4 < 2) {
        stage_talk_to(&f->stage, peer, how & 1);
    } else if (how % 4 == 2) {
        other = stage_peer(&f->stage, byte(f));
        puppet_set_record(peer->puppet, how >> 2, how & 0x80 ? &peer->puppet->listener.ep : &other.ep);
    } else {
        stage_move(peer, how >> 2);
    }
}

static void operate(struct fuzz *f)
{
    uint8_t op = byte(f), how = op >> 4;
    struct peer *peer = &f->stage.peers[how % STAGE_PEERS];
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
        play(f, how);
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
        set_shortage(f, peer);
        break;
    case 15:
        turn(f, peer);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    struct fuzz f = {.in = xord_rd_init(copy, size)};

    stage_new(&f.stage, byte(&f));
    for (int i = 0; i < OPS_MAX && xord_rd_left(&f.in) > 0; i++) {
        operate(&f);
        stage_check(&f.stage);
    }
    stage_check_ends(&f.stage);
    stage_free(&f.stage);
    free(copy);
    return 0;
}
