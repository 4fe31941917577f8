/* SPDX-License-Identifier: BSD-3-Clause */
/* The peer that does as it is told. */
#include "puppet.h"

#include <string.h>

#define STEP_NS (20 * MS)

static const struct xord_aes_ops *const ops = &xord_aes_native;

/* ---- identity ---- */

static void listener_take(struct world_listener *listener, struct world_packet *packet)
{
    struct puppet *puppet = (struct puppet *)listener;

    if (puppet->inbox_cnt == PUPPET_INBOX) {
        free(packet);
        return;
    }
    puppet->inbox[puppet->inbox_cnt++] = packet;
}

static void listener_release(struct world_listener *listener)
{
    puppet_free((struct puppet *)listener);
}

static struct xord_enr sign(struct world *world, const uint8_t seckey32[32], uint64_t seq,
        const struct xord_endpoint *ep)
{
    struct xord_enr_draft draft;
    struct xord_enr enr;

    xord_enr_draft_init(&draft, seq);
    WORLD_CHECK(!ep || xord_enr_draft_set_endpoint(&draft, ep) == 0);
    WORLD_CHECK(xord_enr_sign(&enr, &draft, world->curve, seckey32) == 0);
    return enr;
}

static void seckey_at(struct world *world, uint8_t seckey32[32], const uint8_t *id32, unsigned distance)
{
    uint8_t pubkey33[33], own32[32];

    do {
        world_seckey(world, seckey32);
        WORLD_CHECK(xord_pubkey_from_seckey(world->curve, pubkey33, seckey32) == 0);
        WORLD_CHECK(xord_id_from_pubkey33(world->curve, own32, pubkey33) == 0);
    } while (distance && xord_log_distance(own32, id32) != distance);
}

struct xord_enr puppet_record(struct world *world, const char *ip, uint16_t port, const uint8_t *id32,
        unsigned distance)
{
    struct xord_endpoint ep = world_ep(ip, port);
    uint8_t seckey32[32];

    seckey_at(world, seckey32, id32, distance);
    return sign(world, seckey32, 1, &ep);
}

void puppet_set_record(struct puppet *puppet, uint64_t seq, const struct xord_endpoint *ep)
{
    puppet->enr = sign(puppet->world, puppet->seckey32, seq, ep);
}

struct puppet *puppet_new_at(struct world *world, const char *ip, uint16_t port, const uint8_t id32[32],
        unsigned distance)
{
    struct puppet *puppet = aligned_alloc(16, (sizeof(*puppet) + 15) / 16 * 16);

    WORLD_CHECK(puppet);
    memset(puppet, 0, sizeof(*puppet));
    puppet->world = world;
    puppet->listener.ep = world_ep(ip, port);
    puppet->listener.take = listener_take;
    puppet->listener.release = listener_release;
    seckey_at(world, puppet->seckey32, id32, distance);
    puppet_set_record(puppet, 1, &puppet->listener.ep);
    xord_masking_key(ops, world->aes, &puppet->mask_key, puppet->enr.id32);
    world_listen(world, &puppet->listener);
    return puppet;
}

struct puppet *puppet_new(struct world *world, const char *ip, uint16_t port)
{
    return puppet_new_at(world, ip, port, NULL, 0);
}

void puppet_free(struct puppet *puppet)
{
    struct world_listener **link = &puppet->world->listeners;

    while (*link != &puppet->listener)
        link = &(*link)->next;
    *link = puppet->listener.next;
    puppet_flush(puppet);
    free(puppet);
}

struct xord_peer puppet_peer(const struct puppet *puppet)
{
    return xord_peer_from_enr(&puppet->enr, &puppet->listener.ep);
}

/* ---- inbox ---- */

bool puppet_take(struct puppet *puppet, struct puppet_packet *out)
{
    struct world_packet *first = puppet->inbox[0];

    if (puppet->inbox_cnt == 0)
        return false;
    WORLD_CHECK(first->len <= sizeof(out->data));
    out->src = first->src;
    out->dst = first->dst;
    out->len = first->len;
    memcpy(out->data, first->data, first->len);
    free(first);
    puppet->inbox_cnt--;
    memmove(&puppet->inbox[0], &puppet->inbox[1], puppet->inbox_cnt * sizeof(puppet->inbox[0]));
    WORLD_CHECK(xord_packet_unmask(&out->pkt, out->data, out->len, ops, puppet->world->aes, &puppet->mask_key) == 0);
    return true;
}

uint32_t puppet_flush(struct puppet *puppet)
{
    uint32_t cnt = puppet->inbox_cnt;

    while (puppet->inbox_cnt > 0)
        free(puppet->inbox[--puppet->inbox_cnt]);
    return cnt;
}

uint32_t puppet_count(const struct puppet *puppet, enum xord_flag flag)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < puppet->inbox_cnt; i++) {
        uint8_t data[XORD_PACKET_MAX_LEN];
        struct xord_packet pkt;

        memcpy(data, puppet->inbox[i]->data, puppet->inbox[i]->len);
        WORLD_CHECK(
                xord_packet_unmask(&pkt, data, puppet->inbox[i]->len, ops, puppet->world->aes, &puppet->mask_key) == 0);
        cnt += pkt.flag == flag;
    }
    return cnt;
}

/* ---- sending ---- */

void puppet_send(struct puppet *puppet, const struct xord_peer *to, uint8_t *data, size_t head_len, size_t len)
{
    struct xord_ctr_key key;

    xord_masking_key(ops, puppet->world->aes, &key, to->id32);
    xord_packet_mask(data, head_len, ops, puppet->world->aes, &key);
    world_send(puppet->world, &puppet->listener.ep, &to->ep, data, len);
}

void puppet_send_noise(struct puppet *puppet, const struct xord_peer *to, const uint8_t nonce12[12])
{
    uint8_t data[XORD_ORDINARY_HEAD_LEN + 32], iv16[16];

    xord_rng_fill(&puppet->world->rng, iv16, sizeof(iv16));
    xord_rng_fill(&puppet->world->rng, data, sizeof(data));
    xord_packet_put_ordinary(data, iv16, nonce12, puppet->enr.id32);
    puppet_send(puppet, to, data, XORD_ORDINARY_HEAD_LEN, sizeof(data));
}

/* Seals a message behind a clear header, masks and sends it. */
static void seal_and_send(struct puppet *puppet, const struct xord_peer *to, uint8_t *data, size_t head_len,
        const uint8_t nonce12[12], const uint8_t *plain, size_t len)
{
    struct xord_gcm_job job = {
            .key16 = puppet->keys.write_key16,
            .nonce12 = nonce12,
            .aad = data,
            .aad_len = (uint32_t)head_len,
            .src = plain,
            .dst = data + head_len,
            .len = (uint32_t)len,
    };

    WORLD_CHECK(head_len + len + XORD_GCM_TAG_LEN <= XORD_PACKET_MAX_LEN);
    ops->gcm_seal(puppet->world->aes, &job, 1);
    puppet_send(puppet, to, data, head_len, head_len + len + XORD_GCM_TAG_LEN);
}

void puppet_send_plain(struct puppet *puppet, const struct xord_peer *to, const uint8_t *plain, size_t len)
{
    uint8_t data[XORD_PACKET_MAX_LEN], iv16[16], nonce12[12];

    xord_rng_fill(&puppet->world->rng, iv16, sizeof(iv16));
    xord_rng_fill(&puppet->world->rng, nonce12, sizeof(nonce12));
    xord_store_be32(nonce12, puppet->sent_cnt++);
    xord_packet_put_ordinary(data, iv16, nonce12, puppet->enr.id32);
    seal_and_send(puppet, to, data, XORD_ORDINARY_HEAD_LEN, nonce12, plain, len);
}

void puppet_send_message(struct puppet *puppet, const struct xord_peer *to, const struct xord_message *msg)
{
    uint8_t plain[XORD_PACKET_MAX_LEN];
    size_t len;

    WORLD_CHECK(xord_message_encode(plain, &len, sizeof(plain), msg) == 0);
    puppet_send_plain(puppet, to, plain, len);
}

void puppet_send_handshake(struct puppet *puppet, const struct xord_peer *to, const struct puppet_packet *whoareyou,
        const uint8_t *plain, size_t len, uint8_t spoil)
{
    struct xord_self self = {.id32 = puppet->enr.id32, .seckey32 = puppet->seckey32, .enr = &puppet->enr};
    uint8_t data[XORD_PACKET_MAX_LEN], nonce12[12], iv16[16];
    struct xord_ephemeral eph;
    struct xord_pubkey key;
    size_t head_len;

    WORLD_CHECK(whoareyou->pkt.flag == XORD_FLAG_WHOAREYOU);
    xord_rng_fill(&puppet->world->rng, nonce12, sizeof(nonce12));
    xord_store_be32(nonce12, 0);
    puppet->sent_cnt = 1;
    xord_rng_fill(&puppet->world->rng, iv16, sizeof(iv16));
    xord_ephemeral_make(&eph, puppet->world->curve, &puppet->world->rng);
    WORLD_CHECK(xord_pubkey_parse(puppet->world->curve, &key, to->pubkey33) == 0);
    WORLD_CHECK(xord_handshake_answer(&puppet->keys, data, &head_len, puppet->world->curve, &self, to->id32, &key,
                        &whoareyou->pkt, &eph, nonce12, iv16) == 0);
    data[XORD_HANDSHAKE_HEAD_LEN - XORD_PUBKEY_LEN - 1] ^= spoil;
    seal_and_send(puppet, to, data, head_len, nonce12, plain, len);
}

void puppet_send_whoareyou(struct puppet *puppet, const struct xord_peer *to, const uint8_t nonce12[12],
        uint64_t enr_seq)
{
    uint8_t data[XORD_CHALLENGE_DATA_LEN], iv16[16], id_nonce16[16];

    xord_rng_fill(&puppet->world->rng, iv16, sizeof(iv16));
    xord_rng_fill(&puppet->world->rng, id_nonce16, sizeof(id_nonce16));
    xord_packet_put_whoareyou(data, iv16, nonce12, id_nonce16, enr_seq);
    memcpy(puppet->challenge, data, sizeof(data));
    puppet_send(puppet, to, data, sizeof(data), sizeof(data));
}

/* ---- receiving ---- */

static bool open_with(struct puppet *puppet, const struct puppet_packet *packet, const uint8_t *key16,
        struct puppet_message *out)
{
    struct xord_gcm_job job = {
            .key16 = key16,
            .nonce12 = packet->pkt.nonce12,
            .aad = packet->pkt.head,
            .aad_len = packet->pkt.head_len,
            .src = packet->pkt.message,
            .dst = out->plain,
            .len = (uint32_t)packet->pkt.message_len - XORD_GCM_TAG_LEN,
    };

    ops->gcm_open(puppet->world->aes, &job, 1);
    out->len = job.len;
    return job.err == 0 && xord_message_decode(&out->msg, out->plain, out->len) == 0;
}

bool puppet_open(struct puppet *puppet, const struct puppet_packet *packet, struct puppet_message *out)
{
    return packet->pkt.flag == XORD_FLAG_MESSAGE && open_with(puppet, packet, puppet->keys.read_key16, out);
}

bool puppet_accept(struct puppet *puppet, const struct puppet_packet *packet, const uint8_t pubkey33[33],
        struct puppet_message *out)
{
    struct xord_self self = {.id32 = puppet->enr.id32, .seckey32 = puppet->seckey32, .enr = &puppet->enr};
    struct xord_session_keys keys;
    struct xord_pubkey key;

    if (packet->pkt.flag != XORD_FLAG_HANDSHAKE || xord_pubkey_parse(puppet->world->curve, &key, pubkey33) ||
            xord_handshake_accept(&keys, puppet->world->curve, &self, &packet->pkt, &key, puppet->challenge) ||
            !open_with(puppet, packet, keys.read_key16, out))
        return false;
    puppet->keys = keys;
    puppet->sent_cnt = 0;
    return true;
}

bool puppet_take_message(struct puppet *puppet, enum xord_message_type type, struct puppet_message *out)
{
    struct puppet_packet packet;

    while (puppet_take(puppet, &packet))
        if (puppet_open(puppet, &packet, out) && out->msg.type == type)
            return true;
    return false;
}

/* ---- exchanges ---- */

static size_t ping_encode(uint8_t *plain, uint8_t id)
{
    struct xord_message ping = {.type = XORD_MSG_PING, .request_id = {.len = 1, .bytes = {id}}, .ping.enr_seq = 1};
    size_t len;

    WORLD_CHECK(xord_message_encode(plain, &len, XORD_PACKET_MAX_LEN, &ping) == 0);
    return len;
}

void puppet_connect(struct puppet *puppet, const struct xord_peer *to)
{
    uint8_t plain[XORD_PACKET_MAX_LEN], nonce12[12];
    size_t len = ping_encode(plain, 1);
    struct puppet_packet packet;
    struct puppet_message pong;

    puppet_flush(puppet);
    xord_rng_fill(&puppet->world->rng, nonce12, sizeof(nonce12));
    puppet_send_noise(puppet, to, nonce12);
    world_run(puppet->world, STEP_NS);
    WORLD_CHECK(puppet_take(puppet, &packet) && packet.pkt.flag == XORD_FLAG_WHOAREYOU);
    puppet_send_handshake(puppet, to, &packet, plain, len, 0);
    world_run(puppet->world, STEP_NS);
    WORLD_CHECK(puppet_take_message(puppet, XORD_MSG_PONG, &pong));
}

void puppet_let_connect(struct puppet *puppet, const struct xord_peer *from, struct puppet_message *out)
{
    struct puppet_packet packet;

    world_run(puppet->world, STEP_NS);
    WORLD_CHECK(puppet_take(puppet, &packet) && packet.pkt.flag == XORD_FLAG_MESSAGE);
    puppet_send_whoareyou(puppet, from, packet.pkt.nonce12, 0);
    world_run(puppet->world, STEP_NS);
    WORLD_CHECK(puppet_take(puppet, &packet) && puppet_accept(puppet, &packet, from->pubkey33, out));
}

bool puppet_ping(struct puppet *puppet, const struct xord_peer *to)
{
    uint8_t plain[XORD_PACKET_MAX_LEN];
    struct puppet_message pong;

    puppet_flush(puppet);
    puppet_send_plain(puppet, to, plain, ping_encode(plain, 2));
    world_run(puppet->world, STEP_NS);
    return puppet_take_message(puppet, XORD_MSG_PONG, &pong);
}
