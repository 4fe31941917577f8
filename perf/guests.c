/* SPDX-License-Identifier: BSD-3-Clause */
/* The guests' side of handshakes. */
#include "guests.h"

#include <string.h>

#define GUESTS_IP4    UINT32_C(0x50000001) /* 80.0.0.1, 80.0.1.1 ... */
#define GUEST_PORT    9000
#define FRAME_HEADERS 42 /* Ethernet 14, IPv4 20, UDP 8 */

static void guest_make(struct guests *guests, uint32_t number)
{
    struct guest *guest = &guests->all[number];
    struct xord_enr_draft draft;
    uint8_t ip4[4];

    memset(guest->seckey32, 0x67, sizeof(guest->seckey32));
    xord_store_be32(guest->seckey32 + 28, number);
    xord_store_be32(ip4, GUESTS_IP4 + (number << 8));
    guest->ep = xord_endpoint_v4(ip4, GUEST_PORT);
    xord_enr_draft_init(&draft, 1);
    BENCH_CHECK(xord_enr_draft_set_endpoint(&draft, &guest->ep) == 0);
    BENCH_CHECK(xord_enr_sign(&guest->enr, &draft, guests->rig->curve, guest->seckey32) == 0);
}

struct guests *guests_new(struct rig *rig, uint32_t cnt)
{
    struct guests *guests = calloc(1, sizeof(*guests) + cnt * sizeof(guests->all[0]));

    BENCH_CHECK(guests && cnt <= GUESTS_MAX);
    guests->rig = rig;
    guests->cnt = cnt;
    BENCH_CHECK(xord_pubkey_parse(rig->curve, &guests->engine_key, rig->locals->all[0].enr.pubkey33) == 0);
    for (uint32_t i = 0; i < cnt; i++)
        guest_make(guests, i);
    return guests;
}

void guests_free(struct guests *guests)
{
    free(guests);
}

/* ---- sending ---- */

static struct rte_mbuf *send_masked(struct guests *guests, const struct guest *guest, uint8_t *data, size_t head_len,
        size_t len)
{
    struct rig *rig = guests->rig;

    xord_packet_mask(data, head_len, rig->aes_ops, rig->aes, &rig->mask_key);
    return rig_frame(rig, &guest->ep, data, len);
}

struct rte_mbuf *guest_noise(struct guests *guests, uint32_t number)
{
    uint8_t data[XORD_ORDINARY_HEAD_LEN + 32], iv16[16], nonce12[12];

    xord_rng_fill(&guests->rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&guests->rig->rng, nonce12, sizeof(nonce12));
    xord_rng_fill(&guests->rig->rng, data, sizeof(data));
    xord_packet_put_ordinary(data, iv16, nonce12, guests->all[number].enr.id32);
    return send_masked(guests, &guests->all[number], data, XORD_ORDINARY_HEAD_LEN, sizeof(data));
}

static struct rte_mbuf *send_sealed(struct guests *guests, const struct guest *guest, uint8_t *data, size_t head_len,
        const uint8_t nonce12[12], const struct xord_message *msg)
{
    uint8_t plain[XORD_MESSAGE_MAX_LEN];
    struct xord_gcm_job job = {.key16 = guest->keys.write_key16,
            .nonce12 = nonce12,
            .aad = data,
            .aad_len = (uint32_t)head_len,
            .src = plain,
            .dst = data + head_len};
    size_t len;

    BENCH_CHECK(xord_message_encode(plain, &len, sizeof(plain), msg) == 0);
    job.len = (uint32_t)len;
    guests->rig->aes_ops->gcm_seal(guests->rig->aes, &job, 1);
    return send_masked(guests, guest, data, head_len, head_len + len + XORD_GCM_TAG_LEN);
}

static struct xord_self self_of(const struct guest *guest)
{
    return (struct xord_self){.id32 = guest->enr.id32, .seckey32 = guest->seckey32, .enr = &guest->enr};
}

static struct rte_mbuf *send_handshake(struct guests *guests, struct guest *guest, const struct xord_packet *whoareyou)
{
    static const struct xord_message ping = {.type = XORD_MSG_PING, .request_id = {.len = 1, .bytes = {7}}};
    uint8_t data[XORD_PACKET_MAX_LEN], iv16[16], nonce12[12];
    struct xord_self self = self_of(guest);
    struct rig *rig = guests->rig;
    struct xord_ephemeral eph;
    size_t head_len;

    xord_rng_fill(&rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&rig->rng, nonce12, sizeof(nonce12));
    xord_ephemeral_make(&eph, rig->curve, &rig->rng);
    BENCH_CHECK(xord_handshake_answer(&guest->keys, data, &head_len, rig->curve, &self, rig->locals->all[0].id32,
                        &guests->engine_key, whoareyou, &eph, nonce12, iv16) == 0);
    return send_sealed(guests, guest, data, head_len, nonce12, &ping);
}

static struct rte_mbuf *send_challenge(struct guests *guests, struct guest *guest, const struct xord_packet *probe)
{
    uint8_t iv16[16], id_nonce16[16], data[XORD_CHALLENGE_DATA_LEN];

    xord_rng_fill(&guests->rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&guests->rig->rng, id_nonce16, sizeof(id_nonce16));
    xord_packet_put_whoareyou(guest->challenge, iv16, probe->nonce12, id_nonce16, 0);
    memcpy(data, guest->challenge, sizeof(data));
    return send_masked(guests, guest, data, sizeof(data), sizeof(data));
}

static struct rte_mbuf *send_pong(struct guests *guests, struct guest *guest, const struct xord_request_id *id)
{
    struct xord_message pong = {.type = XORD_MSG_PONG, .request_id = *id, .pong = {.enr_seq = 1, .port = RIG_PORT}};
    uint8_t data[XORD_PACKET_MAX_LEN], iv16[16], nonce12[12];

    memcpy(pong.pong.ip16, guests->rig->ep.ip16, 16);
    xord_rng_fill(&guests->rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&guests->rig->rng, nonce12, sizeof(nonce12));
    xord_packet_put_ordinary(data, iv16, nonce12, guest->enr.id32);
    return send_sealed(guests, guest, data, XORD_ORDINARY_HEAD_LEN, nonce12, &pong);
}

/* ---- hearing ---- */

struct heard {
    struct xord_message msg;
    uint8_t plain[XORD_PACKET_MAX_LEN];
};

static bool open_with(const struct guests *guests, const struct guest *guest, const struct xord_packet *packet,
        struct heard *heard)
{
    struct xord_gcm_job job = {.key16 = guest->keys.read_key16,
            .nonce12 = packet->nonce12,
            .aad = packet->head,
            .aad_len = packet->head_len,
            .src = packet->message,
            .dst = heard->plain,
            .len = (uint32_t)packet->message_len - XORD_GCM_TAG_LEN};

    guests->rig->aes_ops->gcm_open(guests->rig->aes, &job, 1);
    return job.err == 0 && xord_message_decode(&heard->msg, heard->plain, job.len) == 0;
}

static enum guest_said hears_message(struct guests *guests, struct guest *guest, struct rte_mbuf **answer,
        const struct xord_packet *packet)
{
    struct heard heard;

    if (!open_with(guests, guest, packet, &heard)) {
        *answer = send_challenge(guests, guest, packet);
        return GUEST_CHALLENGE;
    }
    return heard.msg.type == XORD_MSG_PONG ? GUEST_PONG : GUEST_OTHER;
}

static enum guest_said hears_handshake(struct guests *guests, struct guest *guest, struct rte_mbuf **answer,
        const struct xord_packet *packet)
{
    struct xord_self self = self_of(guest);
    struct heard heard;

    BENCH_CHECK(xord_handshake_accept(&guest->keys, guests->rig->curve, &self, packet, &guests->engine_key,
                        guest->challenge) == 0);
    BENCH_CHECK(open_with(guests, guest, packet, &heard) && heard.msg.type == XORD_MSG_PING);
    *answer = send_pong(guests, guest, &heard.msg.request_id);
    return GUEST_ANSWER;
}

static enum guest_said hears(struct guests *guests, struct guest *guest, struct rte_mbuf **answer, uint8_t *data,
        size_t len)
{
    struct rig *rig = guests->rig;
    struct xord_ctr_key mask_key;
    struct xord_packet packet;

    xord_masking_key(rig->aes_ops, rig->aes, &mask_key, guest->enr.id32);
    BENCH_CHECK(xord_packet_unmask(&packet, data, len, rig->aes_ops, rig->aes, &mask_key) == 0);
    switch (packet.flag) {
    case XORD_FLAG_MESSAGE:
        return hears_message(guests, guest, answer, &packet);
    case XORD_FLAG_HANDSHAKE:
        return hears_handshake(guests, guest, answer, &packet);
    case XORD_FLAG_WHOAREYOU:
        *answer = send_handshake(guests, guest, &packet);
        return GUEST_HANDSHAKE;
    }
    return GUEST_OTHER;
}

enum guest_said guest_hears(struct guests *guests, uint32_t *number, struct rte_mbuf **answer, struct rte_mbuf *frame)
{
    uint8_t *bytes = rte_pktmbuf_mtod(frame, uint8_t *);
    enum guest_said said = GUEST_OTHER;

    *answer = NULL;
    *number = (xord_load_be32(bytes + 30) - GUESTS_IP4) >> 8;
    if (frame->data_len > FRAME_HEADERS && xord_load_be16(bytes + 12) == 0x0800 && *number < guests->cnt)
        said = hears(guests, &guests->all[*number], answer, bytes + FRAME_HEADERS, frame->data_len - FRAME_HEADERS);
    rte_pktmbuf_free(frame);
    return said;
}
