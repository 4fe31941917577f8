/* SPDX-License-Identifier: BSD-3-Clause */
/* What a flood consists of. Its frames are whole and their checksums right: only the node can tell that they are hostile. */
#include <string.h>

#include "flood.h"

#define STRANGERS_IP4    UINT32_C(0x2f000000) /* 47.0.0.0 and on */
#define MESSAGE_LEN      30                   /* a PING's, with its tag */
#define LANE_LEN         256                  /* handshakes of strangers that wait at most, as configured by default */
#define HANDSHAKE_COPIES 64
#define PING_COPIES      (FLOOD_HOSTILE - HANDSHAKE_COPIES)

static struct xord_endpoint stranger_ep(uint32_t number)
{
    uint8_t ip4[4];

    xord_store_be32(ip4, STRANGERS_IP4 + number % (1U << 24));
    return xord_endpoint_v4(ip4, (uint16_t)(1024 + number % 50000));
}

static struct rte_mbuf *masked(struct rig *rig, const struct xord_endpoint *src, uint8_t *data, size_t head_len,
        size_t len)
{
    xord_packet_mask(data, head_len, rig->aes_ops, rig->aes, &rig->mask_key);
    return rig_frame(rig, src, data, len);
}

/* An ordinary packet whose message nobody can open. */
static struct rte_mbuf *unreadable(struct rig *rig, const struct xord_endpoint *src, const uint8_t id32[32])
{
    uint8_t data[XORD_ORDINARY_HEAD_LEN + MESSAGE_LEN], iv16[16], nonce12[12];

    xord_rng_fill(&rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&rig->rng, nonce12, sizeof(nonce12));
    xord_packet_put_ordinary(data, iv16, nonce12, id32);
    xord_rng_fill(&rig->rng, data + XORD_ORDINARY_HEAD_LEN, MESSAGE_LEN);
    return masked(rig, src, data, XORD_ORDINARY_HEAD_LEN, sizeof(data));
}

static void ignore(struct flood *flood, const struct rig_reply *reply)
{
    (void)flood;
    (void)reply;
}

/* ---- junk ---- */

static void junk_make(struct flood *flood, struct rte_mbuf *frames[FLOOD_HOSTILE])
{
    struct rig *rig = flood->rig;
    uint8_t data[XORD_PACKET_MAX_LEN];

    for (uint32_t i = 0; i < FLOOD_HOSTILE; i++) {
        struct xord_endpoint ep = stranger_ep((uint32_t)xord_rng_u64(&rig->rng));
        size_t len = XORD_PACKET_MIN_LEN + xord_rng_below(&rig->rng, XORD_PACKET_MAX_LEN - XORD_PACKET_MIN_LEN + 1);

        xord_rng_fill(&rig->rng, data, len);
        frames[i] = rig_frame(rig, &ep, data, len);
    }
}

static void junk_check(const struct flood *flood)
{
    BENCH_CHECK(flood_count(flood, XORD_CNT_drop_not_discv5) == FLOOD_HOSTILE);
}

/* ---- messages of strangers, and in the names of those who have sessions: challenged ---- */

static void strangers_make(struct flood *flood, struct rte_mbuf *frames[FLOOD_HOSTILE])
{
    for (uint32_t i = 0; i < FLOOD_HOSTILE; i++) {
        struct rig_client client =
                rig_client(FLOOD_CLIENTS + flood->stranger_cnt++ % (RIG_CLIENTS_MAX - FLOOD_CLIENTS));

        frames[i] = unreadable(flood->rig, &client.ep, client.id32);
    }
}

static void strangers_answer(struct flood *flood, const struct rig_reply *reply)
{
    flood->answer_cnt += reply->kind == RIG_WHOAREYOU && reply->client >= FLOOD_CLIENTS;
}

static void strangers_check(const struct flood *flood)
{
    BENCH_CHECK(flood->answer_cnt == FLOOD_HOSTILE);
    BENCH_CHECK(flood_count(flood, XORD_CNT_whoareyou_sent) == FLOOD_HOSTILE);
}

static void spoofed_make(struct flood *flood, struct rte_mbuf *frames[FLOOD_HOSTILE])
{
    for (uint32_t i = 0; i < FLOOD_HOSTILE; i++) {
        struct rig_client client = rig_client(i % FLOOD_CLIENTS);

        frames[i] = unreadable(flood->rig, &client.ep, client.id32);
    }
}

static void spoofed_answer(struct flood *flood, const struct rig_reply *reply)
{
    flood->answer_cnt += reply->kind == RIG_WHOAREYOU && reply->client < FLOOD_CLIENTS;
}

/* ---- handshakes whose signature is none ---- */

static void peer_make(struct rig *rig, struct flood_peer *peer, uint32_t number)
{
    struct xord_enr_draft draft;

    peer->ep = stranger_ep(number);
    xord_rng_fill(&rig->rng, peer->seckey32, sizeof(peer->seckey32));
    xord_enr_draft_init(&draft, 1);
    BENCH_CHECK(xord_enr_sign(&peer->enr, &draft, rig->curve, peer->seckey32) == 0);
}

/* Each sends something that is challenged. Their records have never been seen. */
static void handshakes_prepare(struct flood *flood)
{
    struct rte_mbuf *frames[FLOOD_CHALLENGED];

    for (uint32_t i = 0; i < FLOOD_CHALLENGED; i++) {
        struct flood_peer *peer = &flood->peers[i];

        peer_make(flood->rig, peer, flood->stranger_cnt++);
        frames[i] = unreadable(flood->rig, &peer->ep, peer->enr.id32);
    }
    flood_counts_begin(flood);
    rig_put(flood->rig, 0, frames, FLOOD_CHALLENGED);
    (void)rig_turn(flood->rig, 0);
    BENCH_CHECK(flood_count(flood, XORD_CNT_whoareyou_sent) == FLOOD_CHALLENGED);
}

static struct rte_mbuf *handshake_forged(struct rig *rig, const struct flood_peer *peer,
        const struct xord_endpoint *src)
{
    uint8_t data[XORD_PACKET_MAX_LEN], iv16[16], nonce12[12], sig64[64], eph33[33];
    size_t head_len;

    xord_rng_fill(&rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&rig->rng, nonce12, sizeof(nonce12));
    xord_rng_fill(&rig->rng, sig64, sizeof(sig64));
    xord_rng_fill(&rig->rng, eph33, sizeof(eph33));
    head_len =
            xord_packet_put_handshake(data, iv16, nonce12, peer->enr.id32, sig64, eph33, peer->enr.raw, peer->enr.len);
    xord_rng_fill(&rig->rng, data + head_len, MESSAGE_LEN);
    return masked(rig, src, data, head_len, head_len + MESSAGE_LEN);
}

/* Half of them answer challenges, the others none. */
static void handshakes_make(struct flood *flood, struct rte_mbuf *frames[FLOOD_HOSTILE])
{
    for (uint32_t i = 0; i < FLOOD_HOSTILE; i++) {
        const struct flood_peer *peer = &flood->peers[i % FLOOD_CHALLENGED];
        struct xord_endpoint ep = i < FLOOD_CHALLENGED ? peer->ep : stranger_ep(flood->stranger_cnt++);

        frames[i] = handshake_forged(flood->rig, peer, &ep);
    }
}

static void handshakes_check(const struct flood *flood)
{
    uint64_t judged = flood_count(flood, XORD_CNT_drop_handshake_signature);
    uint64_t refused = flood_count(flood, XORD_CNT_drop_lane_full);

    BENCH_CHECK(judged >= LANE_LEN && judged + refused == FLOOD_CHALLENGED);
    BENCH_CHECK(flood_count(flood, XORD_CNT_drop_handshake_no_challenge) == FLOOD_HOSTILE - FLOOD_CHALLENGED);
    BENCH_CHECK(flood_count(flood, XORD_CNT_handshakes_in) == 0);
}

/* ---- replays ---- */

static void copy_of(struct flood_copy *copy, struct rte_mbuf *frame)
{
    BENCH_CHECK(frame->data_len <= sizeof(copy->frame));
    copy->len = frame->data_len;
    memcpy(copy->frame, rte_pktmbuf_mtod(frame, const uint8_t *), copy->len);
}

/* PINGs that are answered once before the flood. */
static void pings_copy(struct flood *flood)
{
    static const struct xord_message ping = {.type = XORD_MSG_PING, .ping = {300}};
    struct rte_mbuf *frames[FLOOD_CLIENTS];
    uint32_t clients[FLOOD_CLIENTS];

    flood->copies_id = flood->next_id;
    flood->next_id += PING_COPIES;
    for (uint32_t i = 0; i < FLOOD_CLIENTS; i++)
        clients[i] = i;
    for (uint32_t i = 0; i < PING_COPIES; i += FLOOD_CLIENTS) {
        rig_requests(flood->rig, frames, clients, FLOOD_CLIENTS, &ping, flood->copies_id + i);
        for (uint32_t j = 0; j < FLOOD_CLIENTS; j++)
            copy_of(&flood->copies[i + j], frames[j]);
        rig_put(flood->rig, 0, frames, FLOOD_CLIENTS);
    }
    flood_counts_begin(flood);
    (void)rig_turn(flood->rig, 0);
    BENCH_CHECK(flood_count(flood, XORD_CNT_ping_in) == PING_COPIES);
    rig_idle(flood->rig, XORD_NS_PER_MS);
}

/* The one datagram that the engine has sent to the guest, unmasked; among others to clients. */
static void guest_take(struct flood *flood, struct xord_packet *packet, uint8_t data[XORD_PACKET_MAX_LEN])
{
    struct rig *rig = flood->rig;
    struct rte_mbuf *frame;
    struct xord_ctr_key mask_key;
    bool found = false;

    xord_masking_key(rig->aes_ops, rig->aes, &mask_key, flood->guest.enr.id32);
    while (rig_take(rig, 0, &frame, 1) == 1) {
        struct xord_endpoint dst;
        size_t len;
        const uint8_t *sent = rig_datagram(rig, frame, &dst, &len);

        if (sent && xord_endpoint_equal(&dst, &flood->guest.ep)) {
            memcpy(data, sent, len);
            BENCH_CHECK(!found && xord_packet_unmask(packet, data, len, rig->aes_ops, rig->aes, &mask_key) == 0);
            found = true;
        }
        rte_pktmbuf_free(frame);
    }
    BENCH_CHECK(found);
}

/* Seals a PING behind a head. */
static struct rte_mbuf *guest_ping(struct flood *flood, uint8_t *data, size_t head_len, const uint8_t nonce12[12])
{
    struct rig *rig = flood->rig;
    struct xord_message ping = {.type = XORD_MSG_PING, .ping = {1}, .request_id = rig_request_id(flood->next_id)};
    struct xord_gcm_job seal = {.key16 = flood->guest_keys.write_key16,
            .nonce12 = nonce12,
            .aad = data,
            .aad_len = (uint32_t)head_len,
            .src = data + head_len,
            .dst = data + head_len};
    size_t len;

    BENCH_CHECK(xord_message_encode(data + head_len, &len, XORD_MESSAGE_MAX_LEN, &ping) == 0);
    seal.len = (uint32_t)len;
    rig->aes_ops->gcm_seal(rig->aes, &seal, 1);
    return masked(rig, &flood->guest.ep, data, head_len, head_len + len + XORD_GCM_TAG_LEN);
}

/* The PING just sent has its PONG, under the keys that the guest has. */
static void guest_is_answered(struct flood *flood)
{
    struct rig *rig = flood->rig;
    uint8_t data[XORD_PACKET_MAX_LEN], plain[XORD_PACKET_MAX_LEN];
    struct xord_packet packet;
    struct xord_message msg;
    struct xord_gcm_job open = {.key16 = flood->guest_keys.read_key16, .dst = plain};

    guest_take(flood, &packet, data);
    BENCH_CHECK(packet.flag == XORD_FLAG_MESSAGE);
    open.nonce12 = packet.nonce12;
    open.aad = packet.head;
    open.aad_len = packet.head_len;
    open.src = packet.message;
    open.len = packet.message_len - (uint32_t)XORD_GCM_TAG_LEN;
    rig->aes_ops->gcm_open(rig->aes, &open, 1);
    BENCH_CHECK(open.err == 0 && xord_message_decode(&msg, plain, open.len) == 0 && msg.type == XORD_MSG_PONG);
    BENCH_CHECK(rig_id_of(&msg.request_id) == flood->next_id++);
}

/* What the guest answers to the challenge that it has got. */
static struct rte_mbuf *guest_handshake(struct flood *flood)
{
    static const uint8_t nonce12[12] = {1}, iv16[16] = {2};
    struct rig *rig = flood->rig;
    const struct xord_enr *engine = &rig->locals->all[0].enr;
    struct xord_self self = {flood->guest.enr.id32, flood->guest.seckey32, &flood->guest.enr};
    uint8_t challenge[XORD_PACKET_MAX_LEN], data[XORD_PACKET_MAX_LEN];
    struct xord_packet whoareyou;
    struct xord_ephemeral eph;
    struct xord_pubkey key;
    size_t head_len;

    guest_take(flood, &whoareyou, challenge);
    BENCH_CHECK(whoareyou.flag == XORD_FLAG_WHOAREYOU);
    BENCH_CHECK(xord_pubkey_parse(rig->curve, &key, engine->pubkey33) == 0);
    xord_ephemeral_make(&eph, rig->curve, &rig->rng);
    BENCH_CHECK(xord_handshake_answer(&flood->guest_keys, data, &head_len, rig->curve, &self, engine->id32, &key,
                        &whoareyou, &eph, nonce12, iv16) == 0);
    return guest_ping(flood, data, head_len, nonce12);
}

static void replays_begin(struct flood *flood)
{
    struct rig *rig = flood->rig;
    struct rte_mbuf *frame;

    pings_copy(flood);
    peer_make(rig, &flood->guest, 1);
    frame = unreadable(rig, &flood->guest.ep, flood->guest.enr.id32);
    rig_put(rig, 0, &frame, 1);
    (void)rig_turn(rig, 0);
    frame = guest_handshake(flood);
    for (uint32_t i = PING_COPIES; i < FLOOD_HOSTILE; i++)
        copy_of(&flood->copies[i], frame);
    rig_put(rig, 0, &frame, 1);
    do
        (void)rig_turn(rig, 0);
    while (lane_cnt(flood->node) > 0);
    guest_is_answered(flood);
}

/* One of the handshakes gives way to what makes the engine challenge the guest again. */
static void replays_make(struct flood *flood, struct rte_mbuf *frames[FLOOD_HOSTILE])
{
    for (uint32_t i = 0; i < FLOOD_HOSTILE - 1; i++) {
        const struct flood_copy *copy = &flood->copies[i];
        struct rte_mbuf *frame = rte_pktmbuf_alloc(flood->rig->pool);

        BENCH_CHECK(frame);
        memcpy(rte_pktmbuf_append(frame, copy->len), copy->frame, copy->len);
        frames[i] = frame;
    }
    frames[FLOOD_HOSTILE - 1] = unreadable(flood->rig, &flood->guest.ep, flood->guest.enr.id32);
    memset(flood->answered, 0, sizeof(flood->answered));
}

static void replays_answer(struct flood *flood, const struct rig_reply *reply)
{
    uint64_t id;

    if (reply->kind != RIG_MESSAGE || reply->msg.type != XORD_MSG_PONG)
        return;
    id = rig_id_of(&reply->msg.request_id) - flood->copies_id;
    BENCH_CHECK(id < PING_COPIES && id % FLOOD_CLIENTS == reply->client && !flood->answered[id]);
    flood->answered[id] = true;
    flood->answer_cnt++;
}

static void replays_check(const struct flood *flood)
{
    BENCH_CHECK(flood->answer_cnt == PING_COPIES);
    BENCH_CHECK(flood_count(flood, XORD_CNT_drop_handshake_no_challenge) +
                        flood_count(flood, XORD_CNT_drop_handshake_attempts) +
                        flood_count(flood, XORD_CNT_drop_handshake_signature) ==
                HANDSHAKE_COPIES - 1);
    BENCH_CHECK(flood_count(flood, XORD_CNT_handshakes_in) == 0);
}

/* The guest's session is the one that it had. */
static void replays_end(struct flood *flood)
{
    static const uint8_t nonce12[12] = {3}, iv16[16] = {4};
    uint8_t data[XORD_PACKET_MAX_LEN];
    struct rte_mbuf *frame;

    xord_packet_put_ordinary(data, iv16, nonce12, flood->guest.enr.id32);
    frame = guest_ping(flood, data, XORD_ORDINARY_HEAD_LEN, nonce12);
    rig_put(flood->rig, 0, &frame, 1);
    (void)rig_turn(flood->rig, 0);
    guest_is_answered(flood);
}

const struct flood_kind flood_junk = {
        .name = "flood.junk",
        .what = "63 to 1280 random bytes",
        .bound = 150,
        .make = junk_make,
        .answer = ignore,
        .check = junk_check,
};

const struct flood_kind flood_whoareyou = {
        .name = "flood.whoareyou",
        .what = "messages of strangers, each of another, each challenged",
        .make = strangers_make,
        .answer = strangers_answer,
        .check = strangers_check,
};

const struct flood_kind flood_spoofed = {
        .name = "flood.spoofed",
        .what = "messages in the names and from the addresses of those who have sessions, each challenged",
        .make = spoofed_make,
        .answer = spoofed_answer,
        .check = strangers_check,
};

const struct flood_kind flood_handshake = {
        .name = "flood.handshake",
        .what = "forged handshakes, half of them for open challenges, each of those with a record never seen",
        .prepare = handshakes_prepare,
        .make = handshakes_make,
        .answer = ignore,
        .check = handshakes_check,
};

const struct flood_kind flood_replay = {
        .name = "flood.replay",
        .what = "nine of ten copies of PINGs, each answered; the others copies of a handshake",
        .begin = replays_begin,
        .make = replays_make,
        .answer = replays_answer,
        .check = replays_check,
        .end = replays_end,
};
