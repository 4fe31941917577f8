/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of others. Spec: discv5-wire.md, "Protocol Messages". Every answer goes to where the request came from. */
#include <string.h>

#include "node_private.h"

#define NODES_MAX_RECORDS 16
/* type 1, list header 3, request id 9, total 1, inner list header 3; and each packet stays below 1280 bytes. */
#define NODES_OVERHEAD    17
#define NODES_PAYLOAD_MAX (XORD_MESSAGE_MAX_LEN - NODES_OVERHEAD - 1)

static void reply(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        struct xord_dgram *dgram)
{
    uint8_t *room;
    size_t len;

    if (tx_message_begin(node, &room, session, dgram, &dgram->dst, NULL))
        return;
    if (xord_message_encode(room, &len, XORD_MESSAGE_MAX_LEN, msg) == 0)
        tx_message_end(node, session, len);
}

static void serve_ping(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        struct xord_dgram *dgram)
{
    struct xord_message pong = {.type = XORD_MSG_PONG, .request_id = msg->request_id};

    COUNT(node, ping_in);
    pong.pong.enr_seq = node_enr_seq(node, session->key.local);
    memcpy(pong.pong.ip16, session->key.ep.ip16, 16);
    pong.pong.port = session->key.ep.port;
    host_on_ping(node, &session->key);
    reply(node, session, &pong, dgram);
}

/* ---- FINDNODE ---- */

struct answer {
    struct xord_bytes_view records[NODES_MAX_RECORDS];
    uint32_t cnt;
    uint64_t total; /* to announce; 0: as many as there are */
};

/* De-duplicates; what is above 256 names no bucket. Returns how many of 1..256; *own: distance 0 was among them. */
static uint32_t wanted_distances(uint16_t out[256], bool *own, const struct xord_rlp_view *view)
{
    uint8_t seen[33] = {0};
    uint32_t distance, cnt = 0;
    size_t pos = 0;

    *own = false;
    while (xord_distances_next(view, &pos, &distance)) {
        if (distance > 256 || seen[distance / 8] & 1U << distance % 8)
            continue;
        seen[distance / 8] |= (uint8_t)(1U << distance % 8);
        if (distance == 0)
            *own = true;
        else
            out[cnt++] = (uint16_t)distance;
    }
    return cnt;
}

static void collect_from_table(struct xord_node *node, struct answer *answer, uint32_t host, const uint16_t *distances,
        uint32_t cnt, const uint8_t *except_id32)
{
    const struct xord_snapshot_node *found[NODES_MAX_RECORDS];
    struct xord_table_view view;
    uint32_t n;

    node->cfg.io.view(node->cfg.io.ctx, host, &view);
    n = xord_table_collect(&view, distances, cnt, except_id32, found, NODES_MAX_RECORDS - answer->cnt);
    for (uint32_t i = 0; i < n; i++) {
        answer->records[answer->cnt++] = (struct xord_bytes_view){found[i]->enr, found[i]->enr_len};
        if (xord_table_find(node->hosts[host].table, found[i]->id32))
            COUNT(node, nodes_own_shard);
        else
            COUNT(node, nodes_other_shard);
    }
}

static void collect_from_directory(struct xord_node *node, struct answer *answer, uint32_t local,
        const uint16_t *distances, uint32_t cnt, const uint8_t *except_id32)
{
    const struct xord_enr *found[NODES_MAX_RECORDS];
    uint32_t n = xord_directory_find(node->cfg.directory, node->cfg.locals->all[local].id32, distances, cnt,
            except_id32, found, NODES_MAX_RECORDS - answer->cnt);

    for (uint32_t i = 0; i < n; i++)
        answer->records[answer->cnt++] = (struct xord_bytes_view){found[i]->raw, found[i]->len};
}

static void collect_from_crowd(struct xord_node *node, struct answer *answer, struct xord_crowd_answer *records,
        const struct xord_session_key *key, const uint16_t *distances, uint32_t cnt, bool own)
{
    xord_crowd_findnode(node->cfg.crowd, records, key->local, distances, cnt, own, key->peer_id32, node->now_ns);
    answer->total = records->total;
    answer->cnt = records->cnt;
    for (uint32_t i = 0; i < records->cnt; i++)
        answer->records[i] = (struct xord_bytes_view){records->raw[i], records->len[i]};
}

/* How many of the records from `first` on fit into one packet. */
static uint32_t records_that_fit(const struct answer *answer, uint32_t first)
{
    size_t len = 0;
    uint32_t i = first;

    while (i < answer->cnt && len + answer->records[i].len <= NODES_PAYLOAD_MAX)
        len += answer->records[i++].len;
    return i - first;
}

static void send_nodes(struct xord_node *node, struct xord_session *session, const struct xord_request_id *request_id,
        const struct answer *answer, struct xord_dgram *dgram)
{
    struct xord_session_key key = session->key;
    struct xord_message nodes = {.type = XORD_MSG_NODES, .request_id = *request_id};
    uint8_t payload[NODES_PAYLOAD_MAX];
    uint32_t total = 0, first = 0;

    for (uint32_t i = 0; i < answer->cnt; i += records_that_fit(answer, i))
        total++;
    nodes.nodes.total = total ? total : 1;
    if (answer->total)
        nodes.nodes.total = answer->total;
    do {
        uint32_t n = records_that_fit(answer, first);
        uint16_t len = 0;

        for (uint32_t i = first; i < first + n; i++) {
            memcpy(payload + len, answer->records[i].data, answer->records[i].len);
            len = (uint16_t)(len + answer->records[i].len);
        }
        nodes.nodes.records = (struct xord_rlp_view){.data = payload, .len = len, .cnt = (uint16_t)n};
        reply(node, session, &nodes, dgram);
        first += n;
        session = xord_session_find(node->sessions, &key); /* gone if its nonces ran out */
    } while (session && first < answer->cnt);
}

static void serve_findnode(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        struct xord_dgram *dgram)
{
    const struct xord_session_key *key = &session->key;
    struct xord_crowd_answer of_crowd;
    struct answer answer = {.cnt = 0};
    uint16_t distances[256];
    uint32_t cnt;
    bool own;

    COUNT(node, findnode_in);
    cnt = wanted_distances(distances, &own, &msg->findnode.distances);
    if (node->cfg.crowd && !node_is_host(node, key->local)) {
        collect_from_crowd(node, &answer, &of_crowd, key, distances, cnt, own);
    } else if (own) {
        const struct xord_enr *enr = node_enr(node, key->local);

        answer.records[answer.cnt++] = (struct xord_bytes_view){enr->raw, enr->len};
    }
    if (cnt > 0 && node_is_host(node, key->local))
        collect_from_table(node, &answer, key->local, distances, cnt, key->peer_id32);
    else if (cnt > 0 && node->cfg.directory && !node->cfg.crowd)
        collect_from_directory(node, &answer, key->local, distances, cnt, key->peer_id32);
    send_nodes(node, session, &msg->request_id, &answer, dgram);
}

/* ---- TALKREQ ---- */

static const struct xord_talk_handler *talk_handler(const struct xord_node *node,
        const struct xord_bytes_view *protocol)
{
    for (uint32_t i = 0; i < node->cfg.talk_handler_cnt; i++) {
        const struct xord_talk_handler *handler = &node->cfg.talk_handlers[i];

        if (strlen(handler->protocol) == protocol->len && memcmp(handler->protocol, protocol->data, protocol->len) == 0)
            return handler;
    }
    return NULL;
}

static void serve_talkreq(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        struct xord_dgram *dgram)
{
    const struct xord_talk_handler *handler = talk_handler(node, &msg->talkreq.protocol);
    struct xord_message resp = {.type = XORD_MSG_TALKRESP, .request_id = msg->request_id};
    uint8_t response[XORD_TALK_MAX_LEN];

    COUNT(node, talkreq_in);
    resp.talkresp.response.data = response;
    if (handler)
        resp.talkresp.response.len = (uint16_t)handler->respond(handler->ctx, response, sizeof(response),
                session->key.peer_id32, msg->talkreq.request.data, msg->talkreq.request.len);
    reply(node, session, &resp, dgram);
}

void serve_request(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        struct xord_dgram *dgram)
{
    switch (msg->type) {
    case XORD_MSG_PING:
        serve_ping(node, session, msg, dgram);
        break;
    case XORD_MSG_FINDNODE:
        serve_findnode(node, session, msg, dgram);
        break;
    case XORD_MSG_TALKREQ:
        serve_talkreq(node, session, msg, dgram);
        break;
    default:
        COUNT(node, drop_unserved);
        break;
    }
}
