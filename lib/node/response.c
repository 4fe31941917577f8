/* SPDX-License-Identifier: BSD-3-Clause */
/* Responses to our own requests. Spec: discv5-wire.md, "Protocol Messages". A response counts only for the request whose id
 * it mirrors, from that request's peer and endpoint. */
#include <string.h>

#include "node_private.h"

#define NODES_MAX_RECORDS_TAKEN 32 /* to one FINDNODE; 16 are the rule, and some peers add their own */
#define NODES_HASHED            64 /* bytes of each end of a packet */

static enum xord_message_type request_of(enum xord_message_type response)
{
    return (enum xord_message_type)(response - 1);
}

/* The open request that a response answers; NULL when there is none. Only who has read the request knows its id, so the answer
 * counts in whatever state the request is: it may come under another session than the one that we are just setting up. */
static struct req *request_by_id(struct xord_node *node, const struct xord_message *msg,
        const struct xord_session_key *key)
{
    struct req *req = NULL;

    if (msg->request_id.len == 8)
        req = request_at(node, xord_load_be32(msg->request_id.bytes) & ~REQUEST_ID_TOP, msg->request_id.bytes);
    if (!req || req->type != request_of(msg->type))
        return NULL;
    return memcmp(&node->convs[req->conv].key, key, sizeof(*key)) == 0 ? req : NULL;
}

static struct xord_mail *reply_new(struct xord_node *node, const struct req *req, enum xord_mail_kind kind)
{
    const struct conv *conv = &node->convs[req->conv];
    struct xord_mail *mail = node_mail_new(node, kind, conv->key.local, req->cookie);

    if (mail)
        mail->peer = conv->peer;
    return mail;
}

static void on_pong(struct xord_node *node, struct req *req, const struct xord_message *msg)
{
    const struct conv *conv = &node->convs[req->conv];
    struct xord_endpoint said = xord_endpoint_v6(msg->pong.ip16, msg->pong.port);
    struct xord_mail *mail = reply_new(node, req, XORD_MAIL_PONG);

    COUNT(node, pong_in);
    if (node_is_host(node, conv->key.local))
        host_vote(node, conv->key.local, &conv->key.ep, &said);
    if (mail) {
        mail->pong.enr_seq = msg->pong.enr_seq;
        mail->pong.said = said;
        node_mail_to(node, req->reply_to, mail);
    }
    request_finish(node, req, 0);
}

static void on_talkresp(struct xord_node *node, struct req *req, const struct xord_message *msg)
{
    struct xord_mail *mail = reply_new(node, req, XORD_MAIL_TALK);

    COUNT(node, talkresp_in);
    if (mail) {
        mail->talk.len = msg->talkresp.response.len;
        memcpy(mail->talk.data, msg->talkresp.response.data, mail->talk.len);
        node_mail_to(node, req->reply_to, mail);
    }
    request_finish(node, req, 0);
}

/* ---- NODES ---- */

/* Global addresses may be named by anyone; the others only by a peer that is itself on such a network. */
static bool address_is_plausible(const struct xord_endpoint *named, const struct xord_endpoint *sender)
{
    switch (xord_ip_scope(named->ip16)) {
    case XORD_IP_GLOBAL:
        return named->port != 0;
    case XORD_IP_PRIVATE:
        return named->port != 0 && xord_ip_scope(sender->ip16) != XORD_IP_GLOBAL;
    case XORD_IP_LOOPBACK:
        return named->port != 0 && xord_ip_scope(sender->ip16) == XORD_IP_LOOPBACK;
    case XORD_IP_UNSPECIFIED:
    case XORD_IP_MULTICAST:
        break;
    }
    return false;
}

bool node_record_is_plausible(const struct xord_enr *enr, const struct xord_endpoint *sender)
{
    if (enr->has_ip) {
        struct xord_endpoint ep = xord_endpoint_v4(enr->ip4, enr->udp);

        if (!address_is_plausible(&ep, sender))
            return false;
    }
    if (enr->has_ip6) {
        struct xord_endpoint ep = xord_endpoint_v6(enr->ip6, enr->has_udp6 ? enr->udp6 : enr->udp);

        if (!address_is_plausible(&ep, sender))
            return false;
    }
    return true;
}

static bool record_is_wanted(struct xord_node *node, struct req *req, const struct xord_enr *enr)
{
    const struct conv *conv = &node->convs[req->conv];
    unsigned distance = xord_log_distance(conv->peer.id32, enr->id32);

    if (!(req->wanted[distance / 8] & 1U << distance % 8)) {
        COUNT(node, drop_record_distance);
        req->wrong_distance++;
        return false;
    }
    /* A peer may say of itself what it likes: with distance 0 it only gives its own record. */
    if (distance != 0 && !node_record_is_plausible(enr, &conv->key.ep)) {
        COUNT(node, drop_record_address);
        return false;
    }
    return true;
}

static struct xord_mail *records_begin(struct xord_node *node, struct req *req)
{
    struct xord_mail *mail = reply_new(node, req, XORD_MAIL_RECORDS);

    if (mail)
        mail->records.cnt = mail->records.len = 0;
    else
        req->lost = true;
    return mail;
}

static void records_end(struct xord_node *node, struct req *req, struct xord_mail *mail)
{
    if (mail->records.cnt > 0)
        node_mail_to(node, req->reply_to, mail);
    else
        node->cfg.io.mail_free(node->cfg.io.ctx, mail);
}

static void record_take(struct xord_node *node, struct req *req, struct xord_mail *mail, const struct xord_enr *enr)
{
    if (record_is_wanted(node, req, enr) && xord_mail_records_put(&mail->records, enr))
        req->record_cnt++;
}

static void record_refuse(struct xord_node *node, struct req *req)
{
    COUNT(node, drop_record_invalid);
    req->invalid++;
}

bool request_on_nodes(struct xord_node *node, struct req *req, const struct xord_message *msg, size_t *pos,
        uint64_t operations)
{
    struct xord_mail *mail = records_begin(node, req);
    struct xord_bytes_view raw;
    struct xord_pubkey key;
    struct xord_enr enr;
    uint64_t before = node_operations(node);
    bool done = false;

    if (!mail)
        return true;
    while (node_operations(node) - before < operations) {
        done = req->record_cnt >= NODES_MAX_RECORDS_TAKEN || !xord_records_next(&msg->nodes.records, pos, &raw);
        if (done)
            break;
        if (node_verify_record(node, &enr, &key, raw.data, raw.len))
            record_refuse(node, req);
        else
            record_take(node, req, mail, &enr);
    }
    records_end(node, req, mail);
    return done;
}

void request_check_complete(struct xord_node *node, struct req *req)
{
    if (req->total > 0 && req->got == req->total && req->lane_cnt == 0)
        request_finish(node, req, req->lost ? XORD_ETIMEOUT : 0);
}

/* The answer must be whole twice the timeout after its first packet, however slowly the rest drips in. */
static void arm_for_rest(struct xord_node *node, struct req *req)
{
    uint64_t due_ns = node->now_ns + node->cfg.request_timeout_ns;

    if (req->got == 1)
        req->whole_by_ns = node->now_ns + 2 * node->cfg.request_timeout_ns;
    xord_timer_arm(&node->wheel, &req->timer, due_ns < req->whole_by_ns ? due_ns : req->whole_by_ns);
}

/* What verification has found of a packet's records. */
struct cached {
    uint32_t cnt;
    const struct record_proof *proofs[NODES_MAX_RECORDS_TAKEN];
};

/* False: not all of them are in the cache. */
static bool records_all_cached(const struct xord_node *node, struct cached *cached, const struct xord_message *msg)
{
    const struct record_proof *proof;
    struct xord_bytes_view raw;
    size_t pos = 0;

    cached->cnt = 0;
    while (xord_records_next(&msg->nodes.records, &pos, &raw)) {
        proof = record_cache_find(node->records, raw.data, raw.len);
        if (!proof || cached->cnt == NODES_MAX_RECORDS_TAKEN)
            return false;
        cached->proofs[cached->cnt++] = proof;
    }
    return true;
}

/* The same as request_on_nodes, with what records_all_cached has found. */
static void take_cached(struct xord_node *node, struct req *req, const struct xord_message *msg,
        const struct cached *cached)
{
    struct xord_mail *mail = records_begin(node, req);
    struct xord_bytes_view raw;
    struct xord_enr enr;
    size_t pos = 0;

    if (!mail)
        return;
    for (uint32_t r = 0; r < cached->cnt && req->record_cnt < NODES_MAX_RECORDS_TAKEN; r++) {
        if (!xord_records_next(&msg->nodes.records, &pos, &raw))
            break;
        if (xord_enr_decode(&enr, raw.data, raw.len)) { /* never: it was when it came into the cache */
            record_refuse(node, req);
            continue;
        }
        COUNT(node, records_cached);
        memcpy(enr.id32, cached->proofs[r]->id32, 32);
        record_take(node, req, mail, &enr);
    }
    records_end(node, req, mail);
}

/* Of both ends: there lie a signature and a key, which no two answers share. */
static uint32_t nodes_hash(const struct xord_node *node, const uint8_t *plain, size_t len)
{
    uint8_t ends[2 * NODES_HASHED];

    if (len <= sizeof(ends))
        return (uint32_t)xord_hash64(&node->hash_key, plain, len);
    memcpy(ends, plain, NODES_HASHED);
    memcpy(ends + NODES_HASHED, plain + len - NODES_HASHED, NODES_HASHED);
    return (uint32_t)xord_hash64(&node->hash_key, ends, sizeof(ends));
}

/* A packet that the network has doubled must not stand for one that it has lost. */
static bool nodes_is_repeated(const struct req *req, const struct xord_message *msg, uint32_t hash)
{
    for (uint32_t i = 0; i < req->got; i++)
        if (req->nodes_hash[i] == hash && msg->nodes.records.cnt > 0)
            return true;
    return false;
}

static void on_nodes(struct xord_node *node, struct req *req, const struct xord_message *msg, const uint8_t *plain,
        size_t plain_len)
{
    struct cached cached;
    uint32_t hash = nodes_hash(node, plain, plain_len);
    uint64_t total = msg->nodes.total;

    if (total < 1 || total > NODES_MAX_TOTAL || (req->total && total != req->total) || req->got >= total) {
        COUNT(node, drop_nodes_total);
        if ((total < 1 || total > NODES_MAX_TOTAL) && req->bad_totals < UINT8_MAX)
            req->bad_totals++;
        return;
    }
    if (nodes_is_repeated(req, msg, hash)) {
        COUNT(node, drop_nodes_repeated);
        return;
    }
    if (records_all_cached(node, &cached, msg))
        take_cached(node, req, msg, &cached);
    else if (lane_push_nodes(node, req, plain, plain_len))
        req->lane_cnt++;
    else
        return;
    COUNT(node, nodes_in);
    req->total = (uint32_t)total;
    req->nodes_hash[req->got++] = hash;
    arm_for_rest(node, req);
    request_check_complete(node, req);
}

void request_on_response(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        const uint8_t *plain, size_t plain_len)
{
    struct req *req = request_by_id(node, msg, &session->key);

    if (!req) {
        COUNT(node, drop_unsolicited);
        return;
    }
    xord_session_touch(node->sessions, session, true);
    req->rtt_ns = node->now_ns - req->sent_ns;
    switch (msg->type) {
    case XORD_MSG_PONG:
        on_pong(node, req, msg);
        break;
    case XORD_MSG_NODES:
        on_nodes(node, req, msg, plain, plain_len);
        break;
    case XORD_MSG_TALKRESP:
        on_talkresp(node, req, msg);
        break;
    default: /* request_by_id matched one of our types, so this is none */
        break;
    }
}
