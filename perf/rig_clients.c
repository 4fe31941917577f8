/* SPDX-License-Identifier: BSD-3-Clause */
/* The clients of a rig: what each has follows from its number, so that millions of them take no memory here. */
#include <string.h>

#include "rig.h"

#define CLIENTS_IP4   UINT32_C(0x2d000000)   /* 45.0.0.0 and on: a client's number is in its address */
#define FRAME_HEADERS 42                     /* Ethernet 14, IPv4 20, UDP 8 */
#define ID_TOP        (UINT64_C(0xbe) << 56) /* of request ids: numbers below 2^56 stand behind it */

/* splitmix64: keys nobody has to be safe from. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void fill(uint8_t *out, size_t len, uint32_t number, uint32_t what)
{
    for (size_t i = 0; i < len; i += 8)
        xord_store_be64(out + i, mix((uint64_t)number << 16 | what << 8 | i));
}

struct rig_client rig_client(uint32_t number)
{
    struct rig_client client;
    uint8_t ip4[4];

    fill(client.id32, 32, number, 1);
    fill(client.write_key16, 16, number, 2);
    fill(client.read_key16, 16, number, 3);
    xord_store_be32(ip4, CLIENTS_IP4 + number);
    client.ep = xord_endpoint_v4(ip4, (uint16_t)(1024 + mix(number) % 60000));
    return client;
}

bool rig_client_of(uint32_t *number, const struct xord_endpoint *ep)
{
    *number = xord_load_be32(ep->ip16 + 12) - CLIENTS_IP4;
    return xord_endpoint_is_v4(ep) && *number < RIG_CLIENTS_MAX && ep->port == 1024 + mix(*number) % 60000;
}

uint16_t rig_shard_of(const struct rig *rig, uint32_t number)
{
    struct rig_client client = rig_client(number);

    return xord_engine_shard_of(rig->engine, 0, &client.ep);
}

void rig_sessions_put(struct rig *rig, uint32_t first, uint32_t cnt)
{
    for (uint32_t number = first; number < first + cnt; number++) {
        struct rig_client client = rig_client(number);
        struct xord_session_key key = {.ep = client.ep, .local = 0};
        struct worker *worker = &rig->engine->workers[xord_engine_shard_of(rig->engine, 0, &client.ep)];
        bool evicted = false;

        memcpy(key.peer_id32, client.id32, 32);
        (void)xord_session_put(worker->node->sessions, &key, client.write_key16, client.read_key16, &evicted);
        BENCH_CHECK(!evicted);
    }
}

/* ---- frames out of datagrams ---- */

static uint32_t sum_add(uint32_t sum, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += xord_load_be16(data + i);
    if (len % 2)
        sum += (uint32_t)data[len - 1] << 8;
    return sum;
}

static uint16_t sum_end(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Over addresses, protocol, length, and the datagram. */
static uint16_t udp_sum(const uint8_t *ip, size_t udp_len)
{
    return sum_end(sum_add(sum_add(17 + (uint32_t)udp_len, ip + 12, 8), ip + 20, udp_len));
}

static void headers_write(uint8_t *frame, const struct rig *rig, const struct xord_endpoint *src, size_t len)
{
    static const uint8_t start[] = {2, 0, 0, 0, 0, 1, 0x08, 0, 0x45, 0};
    uint8_t *ip = frame + 14, *udp = ip + 20;
    uint16_t sum;

    memcpy(frame, rig->mac6, 6);
    memcpy(frame + 6, start, sizeof(start));
    xord_store_be16(ip + 2, (uint16_t)(28 + len));
    memcpy(ip + 4, "\0\0\x40\0\x40\x11\0\0", 8); /* not to be fragmented, 64 hops, UDP */
    memcpy(ip + 12, src->ip16 + 12, 4);
    memcpy(ip + 16, rig->ep.ip16 + 12, 4);
    xord_store_be16(ip + 10, sum_end(sum_add(0, ip, 20)));
    xord_store_be16(udp, src->port);
    xord_store_be16(udp + 2, rig->ep.port);
    xord_store_be16(udp + 4, (uint16_t)(8 + len));
    memset(udp + 6, 0, 2);
    sum = udp_sum(ip, 8 + len);
    xord_store_be16(udp + 6, sum ? sum : 0xffff);
}

struct rte_mbuf *rig_frame(struct rig *rig, const struct xord_endpoint *src, const uint8_t *payload, size_t len)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rig->pool);
    uint8_t *frame;

    BENCH_CHECK(mbuf);
    frame = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(FRAME_HEADERS + len));
    BENCH_CHECK(frame);
    memcpy(frame + FRAME_HEADERS, payload, len);
    headers_write(frame, rig, src, len);
    return mbuf;
}

/* ---- requests ---- */

struct xord_request_id rig_request_id(uint64_t id)
{
    struct xord_request_id request_id = {.len = 8};

    xord_store_be64(request_id.bytes, ID_TOP | id);
    return request_id;
}

uint64_t rig_id_of(const struct xord_request_id *request_id)
{
    uint64_t id = request_id->len == 8 ? xord_load_be64(request_id->bytes) : 0;

    return id >> 56 == ID_TOP >> 56 ? id & ~ID_TOP : UINT64_MAX;
}

struct packet {
    struct rig_client client;
    uint8_t data[XORD_PACKET_MAX_LEN];
    uint8_t nonce12[12];
    size_t len; /* plain */
};

static void packet_begin(struct rig *rig, struct packet *packet, uint32_t number, const struct xord_message *msg,
        uint64_t id)
{
    struct xord_message numbered = *msg;
    uint8_t iv16[16];

    packet->client = rig_client(number);
    numbered.request_id = rig_request_id(id);
    xord_rng_fill(&rig->rng, iv16, sizeof(iv16));
    xord_rng_fill(&rig->rng, packet->nonce12, sizeof(packet->nonce12));
    xord_packet_put_ordinary(packet->data, iv16, packet->nonce12, packet->client.id32);
    BENCH_CHECK(xord_message_encode(packet->data + XORD_ORDINARY_HEAD_LEN, &packet->len, XORD_MESSAGE_MAX_LEN,
                        &numbered) == 0);
}

void rig_requests(struct rig *rig, struct rte_mbuf **frames, const uint32_t *clients, uint32_t cnt,
        const struct xord_message *msg, uint64_t first_id)
{
    static struct packet packets[XORD_BURST_MAX];
    struct xord_gcm_job seals[XORD_BURST_MAX];
    struct xord_ctr_job masks[XORD_BURST_MAX];

    BENCH_CHECK(cnt <= XORD_BURST_MAX);
    for (uint32_t i = 0; i < cnt; i++) {
        struct packet *packet = &packets[i];

        packet_begin(rig, packet, clients[i], msg, first_id + i);
        seals[i] = (struct xord_gcm_job){.key16 = packet->client.write_key16,
                .nonce12 = packet->nonce12,
                .aad = packet->data,
                .aad_len = XORD_ORDINARY_HEAD_LEN,
                .src = packet->data + XORD_ORDINARY_HEAD_LEN,
                .dst = packet->data + XORD_ORDINARY_HEAD_LEN,
                .len = (uint32_t)packet->len};
        masks[i] = (struct xord_ctr_job){.key = &rig->mask_key,
                .iv16 = packet->data,
                .src = packet->data + XORD_MASKING_IV_LEN,
                .dst = packet->data + XORD_MASKING_IV_LEN,
                .len = XORD_ORDINARY_HEAD_LEN - XORD_MASKING_IV_LEN};
    }
    rig->aes_ops->gcm_seal(rig->aes, seals, cnt);
    rig->aes_ops->ctr(rig->aes, masks, cnt);
    for (uint32_t i = 0; i < cnt; i++)
        frames[i] = rig_frame(rig, &packets[i].client.ep, packets[i].data,
                XORD_ORDINARY_HEAD_LEN + packets[i].len + XORD_GCM_TAG_LEN);
}

/* ---- replies ---- */

uint8_t *rig_datagram(const struct rig *rig, struct rte_mbuf *mbuf, struct xord_endpoint *dst, size_t *len)
{
    static const uint8_t gateway_mac6[6] = {2, 0, 0, 0, 0, 1};
    uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *), *ip = frame + 14, *udp = ip + 20;

    if (mbuf->data_len < FRAME_HEADERS || xord_load_be16(frame + 12) != 0x0800)
        return NULL;
    BENCH_CHECK(mbuf->nb_segs == 1 && mbuf->pkt_len == mbuf->data_len);
    BENCH_CHECK(memcmp(frame, gateway_mac6, 6) == 0 && memcmp(frame + 6, rig->mac6, 6) == 0);
    BENCH_CHECK(ip[0] == 0x45 && ip[9] == 17 && memcmp(ip + 12, rig->ep.ip16 + 12, 4) == 0);
    BENCH_CHECK(xord_load_be16(ip + 2) == mbuf->data_len - 14 && sum_end(sum_add(0, ip, 20)) == 0);
    BENCH_CHECK(xord_load_be16(udp) == rig->ep.port && xord_load_be16(udp + 4) == mbuf->data_len - 34);
    BENCH_CHECK(udp_sum(ip, xord_load_be16(udp + 4)) == 0);
    *dst = xord_endpoint_v4(ip + 16, xord_load_be16(udp + 2));
    *len = xord_load_be16(udp + 4) - 8U;
    return udp + 8;
}

static void message_open(struct rig *rig, struct rig_reply *reply, const struct rig_client *client,
        const struct xord_packet *packet)
{
    struct xord_gcm_job job = {.key16 = client->read_key16,
            .nonce12 = packet->nonce12,
            .aad = packet->head,
            .aad_len = packet->head_len,
            .src = packet->message,
            .dst = reply->plain,
            .len = (uint32_t)packet->message_len - XORD_GCM_TAG_LEN};

    BENCH_CHECK(memcmp(packet->src_id32, rig->locals->all[0].id32, 32) == 0);
    rig->aes_ops->gcm_open(rig->aes, &job, 1);
    reply->kind = job.err ? RIG_UNREADABLE : RIG_MESSAGE;
    reply->len = job.len;
    if (!job.err)
        BENCH_CHECK(xord_message_decode(&reply->msg, reply->plain, reply->len) == 0);
}

void rig_open(struct rig *rig, struct rig_reply *reply, struct rte_mbuf *frame)
{
    struct xord_ctr_key mask_key;
    struct xord_endpoint dst;
    struct rig_client client;
    struct xord_packet packet;
    size_t len;
    uint8_t *data = rig_datagram(rig, frame, &dst, &len);

    reply->kind = RIG_OTHER;
    if (data && rig_client_of(&reply->client, &dst)) {
        client = rig_client(reply->client);
        xord_masking_key(rig->aes_ops, rig->aes, &mask_key, client.id32);
        BENCH_CHECK(xord_packet_unmask(&packet, data, len, rig->aes_ops, rig->aes, &mask_key) == 0);
        if (packet.flag == XORD_FLAG_WHOAREYOU)
            reply->kind = RIG_WHOAREYOU;
        else if (packet.flag == XORD_FLAG_MESSAGE)
            message_open(rig, reply, &client, &packet);
        else
            reply->kind = RIG_UNREADABLE;
    } else {
        rig->other_cnt++;
    }
    rte_pktmbuf_free(frame);
}
