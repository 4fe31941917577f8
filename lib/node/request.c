/* SPDX-License-Identifier: BSD-3-Clause */
/* Own requests and the conversations that order them. Spec: discv5-theory.md, "Handshake Implementation Considerations".
 *
 * A conversation holds all requests open to one (identity, peer, endpoint). With a session each is sent at once. Without,
 * one leads: it is sent with random content, challenged, and sent again as handshake; the others wait until the answer
 * has confirmed the new keys. */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"
#include "xord_mem.h"

#define PROBE_CONTENT_LEN 32 /* random bytes in place of a message that nobody could open */

int requests_init(struct xord_node *node)
{
    uint32_t cap = node->cfg.request_cap, index_len = 16;

    while (index_len < 2 * cap)
        index_len *= 2;
    node->index_mask = index_len - 1;
    node->reqs = calloc(cap, sizeof(*node->reqs));
    node->convs = xord_secret_alloc(cap * sizeof(*node->convs));
    node->conv_index = malloc(index_len * sizeof(uint32_t));
    node->nonce_index = malloc(index_len * sizeof(uint32_t));
    if (!node->reqs || !node->convs || !node->conv_index || !node->nonce_index)
        return XORD_ENOMEM;
    memset(node->conv_index, 0xff, index_len * sizeof(uint32_t));
    memset(node->nonce_index, 0xff, index_len * sizeof(uint32_t));
    for (uint32_t i = 0; i < cap; i++) {
        node->reqs[i].next = i + 1 < cap ? i + 1 : NIL;
        node->convs[i].hash_next = i + 1 < cap ? i + 1 : NIL;
    }
    return 0;
}

void requests_free(struct xord_node *node)
{
    free(node->reqs);
    xord_secret_free(node->convs, node->cfg.request_cap * sizeof(*node->convs));
    free(node->conv_index);
    free(node->nonce_index);
}

static uint32_t req_slot(const struct xord_node *node, const struct req *req)
{
    return (uint32_t)(req - node->reqs);
}

/* ---- conversations ---- */

static uint32_t conv_bucket(const struct xord_node *node, const struct xord_session_key *key)
{
    return (uint32_t)xord_hash64(&node->hash_key, key, sizeof(*key)) & node->index_mask;
}

struct conv *conv_find(struct xord_node *node, const struct xord_session_key *key)
{
    for (uint32_t i = node->conv_index[conv_bucket(node, key)]; i != NIL; i = node->convs[i].hash_next)
        if (memcmp(&node->convs[i].key, key, sizeof(*key)) == 0)
            return &node->convs[i];
    return NULL;
}

/* There are as many conversations as requests, so one is always free when a request is. */
static struct conv *conv_get(struct xord_node *node, const struct xord_session_key *key, const struct xord_peer *peer)
{
    struct conv *conv = conv_find(node, key);
    uint32_t slot = node->free_conv;

    if (conv) {
        if (conv->peer.pubkey33[0] == 0)
            conv->peer = *peer; /* who first spoke to it under a session need not have known its key */
        return conv;
    }
    conv = &node->convs[slot];
    node->free_conv = conv->hash_next;
    *conv = (struct conv){.key = *key, .peer = *peer, .head = NIL, .tail = NIL, .lead = NIL, .in_use = true};
    conv->bucket = conv_bucket(node, key);
    conv->hash_next = node->conv_index[conv->bucket];
    node->conv_index[conv->bucket] = slot;
    return conv;
}

static void conv_drop(struct xord_node *node, struct conv *conv)
{
    uint32_t slot = (uint32_t)(conv - node->convs);
    uint32_t *link = &node->conv_index[conv->bucket];

    while (*link != slot)
        link = &node->convs[*link].hash_next;
    *link = conv->hash_next;
    xord_wipe(conv, sizeof(*conv));
    conv->hash_next = node->free_conv;
    node->free_conv = slot;
}

static void conv_append(struct xord_node *node, struct conv *conv, struct req *req)
{
    uint32_t slot = req_slot(node, req);

    req->conv = (uint32_t)(conv - node->convs);
    req->next = NIL;
    req->prev = conv->tail;
    if (conv->tail == NIL)
        conv->head = slot;
    else
        node->reqs[conv->tail].next = slot;
    conv->tail = slot;
}

static void conv_unlink(struct xord_node *node, struct conv *conv, const struct req *req)
{
    if (req->prev == NIL)
        conv->head = req->next;
    else
        node->reqs[req->prev].next = req->next;
    if (req->next == NIL)
        conv->tail = req->prev;
    else
        node->reqs[req->next].prev = req->prev;
}

/* ---- requests by nonce and by id ---- */

static uint32_t nonce_bucket(const struct xord_node *node, const uint8_t nonce12[12])
{
    return (uint32_t)xord_hash64(&node->hash_key, nonce12, 12) & node->index_mask;
}

static void nonce_unindex(struct xord_node *node, struct req *req)
{
    uint32_t *link = &node->nonce_index[req->nonce_bucket];

    if (!req->indexed)
        return;
    while (*link != req_slot(node, req))
        link = &node->reqs[*link].nonce_next;
    *link = req->nonce_next;
    req->indexed = false;
}

static void nonce_index(struct xord_node *node, struct req *req, const uint8_t nonce12[12])
{
    nonce_unindex(node, req);
    memcpy(req->nonce12, nonce12, 12);
    req->nonce_bucket = nonce_bucket(node, nonce12);
    req->nonce_next = node->nonce_index[req->nonce_bucket];
    node->nonce_index[req->nonce_bucket] = req_slot(node, req);
    req->indexed = true;
}

static struct req *sent_with_nonce(struct xord_node *node, const uint8_t nonce12[12], uint32_t local,
        const struct xord_endpoint *ep)
{
    for (uint32_t i = node->nonce_index[nonce_bucket(node, nonce12)]; i != NIL; i = node->reqs[i].nonce_next) {
        struct req *req = &node->reqs[i];
        const struct conv *conv = &node->convs[req->conv];

        if (memcmp(req->nonce12, nonce12, 12) == 0 && conv->key.local == local &&
                xord_endpoint_equal(&conv->key.ep, ep))
            return req;
    }
    return NULL;
}

struct req *request_by_nonce(struct xord_node *node, const uint8_t nonce12[12], uint32_t local,
        const struct xord_endpoint *ep)
{
    struct req *req = sent_with_nonce(node, nonce12, local, ep);
    const struct conv *conv = req ? &node->convs[req->conv] : NULL;

    if (!req || req->handshaken || (conv->lead != NIL && conv->lead != req_slot(node, req)))
        return NULL;
    return req->state == REQ_PROBE || req->state == REQ_SENT ? req : NULL;
}

void request_on_loop(struct xord_node *node, const uint8_t nonce12[12], uint32_t local, const struct xord_endpoint *ep)
{
    struct req *req = sent_with_nonce(node, nonce12, local, ep);

    if (req && req->state == REQ_HANDSHAKE && req->loops < UINT8_MAX)
        req->loops++;
}

struct req *request_at(struct xord_node *node, uint32_t slot, const uint8_t request_id8[8])
{
    struct req *req;

    if (slot >= node->cfg.request_cap)
        return NULL;
    req = &node->reqs[slot];
    return req->state != REQ_FREE && memcmp(req->request_id8, request_id8, 8) == 0 ? req : NULL;
}

/* ---- sending ---- */

static void req_arm(struct xord_node *node, struct req *req, uint64_t timeout_ns)
{
    xord_timer_arm(&node->wheel, &req->timer, node->now_ns + timeout_ns);
}

static const struct xord_endpoint *conv_src(const struct xord_node *node, const struct conv *conv)
{
    return &node->cfg.locals->all[conv->key.local].ep[!xord_endpoint_is_v4(&conv->key.ep)];
}

/* Random content: whoever gets it cannot open it and answers with a challenge. */
static void req_probe(struct xord_node *node, struct conv *conv, struct req *req)
{
    uint8_t iv16[16], nonce12[12];
    uint8_t *data;

    xord_rng_fill(&node->rng, iv16, sizeof(iv16));
    xord_rng_fill(&node->rng, nonce12, sizeof(nonce12));
    req->state = REQ_PROBE;
    conv->lead = req_slot(node, req);
    nonce_index(node, req, nonce12);
    data = tx_begin(node, NULL, conv->peer.id32, conv_src(node, conv), &conv->key.ep);
    if (!data)
        return;
    xord_packet_put_ordinary(data, iv16, nonce12, node->cfg.locals->all[conv->key.local].id32);
    xord_rng_fill(&node->rng, data + XORD_ORDINARY_HEAD_LEN, PROBE_CONTENT_LEN);
    tx_end(node, XORD_ORDINARY_HEAD_LEN, XORD_ORDINARY_HEAD_LEN + PROBE_CONTENT_LEN);
}

static void req_launch(struct xord_node *node, struct conv *conv, struct req *req)
{
    struct xord_session *session = xord_session_find(node->sessions, &conv->key);
    uint8_t nonce12[12];

    if (conv->lead != NIL) {
        req->state = REQ_WAITING;
        xord_timer_cancel(&node->wheel, &req->timer);
        return;
    }
    req->sent_ns = node->now_ns;
    req_arm(node, req, node->cfg.request_timeout_ns);
    if (session && tx_message(node, session, req->msg, req->msg_len, conv_src(node, conv), nonce12) == 0) {
        req->state = REQ_SENT;
        nonce_index(node, req, nonce12);
        return;
    }
    req_probe(node, conv, req);
}

void conv_flush(struct xord_node *node, struct conv *conv)
{
    uint32_t i = conv->head;

    while (i != NIL) {
        struct req *req = &node->reqs[i];

        i = req->next;
        if (req->state == REQ_WAITING)
            req_launch(node, conv, req);
    }
}

void request_handshake_sent(struct xord_node *node, struct req *req, const struct xord_session_keys *keys,
        const uint8_t nonce12[12])
{
    struct conv *conv = &node->convs[req->conv];

    nonce_index(node, req, nonce12);
    req->state = REQ_HANDSHAKE;
    req->sent_ns = node->now_ns;
    conv->keys = *keys;
    conv->has_keys = true;
    req_arm(node, req, node->cfg.handshake_timeout_ns);
}

struct xord_session *conv_confirm(struct xord_node *node, struct conv *conv)
{
    struct xord_session *session;
    bool evicted;

    COUNT(node, handshakes_out);
    node->confirmed_cnt++;
    session = xord_session_put(node->sessions, &conv->key, conv->keys.read_key16, conv->keys.write_key16, &evicted);
    if (evicted)
        COUNT(node, sessions_evicted);
    session->sent_cnt = 1; /* the handshake packet was the first */
    xord_wipe(&conv->keys, sizeof(conv->keys));
    conv->has_keys = false;
    if (conv->lead != NIL) {
        node->reqs[conv->lead].state = REQ_SENT;
        conv->lead = NIL;
    }
    return session;
}

/* ---- starting ---- */

/* Whoever wrote the mail is of this process, but need not know which identities there are. */
static int request_check(const struct xord_node *node, const struct xord_mail *mail)
{
    const struct xord_mail_request *want = &mail->request;

    if (mail->local >= node->cfg.locals->cnt)
        return XORD_ENOENT;
    switch (want->type) {
    case XORD_MSG_PING:
        return 0;
    case XORD_MSG_FINDNODE:
        return want->distance_cnt <= sizeof(want->distances) / sizeof(want->distances[0]) ? 0 : XORD_ESIZE;
    case XORD_MSG_TALKREQ:
        return (size_t)want->protocol_len + want->request_len <= sizeof(want->talk) ? 0 : XORD_ESIZE;
    default:
        return XORD_EFLAG;
    }
}

static int req_encode(struct xord_node *node, struct req *req, const struct xord_mail *mail)
{
    const struct xord_mail_request *want = &mail->request;
    struct xord_message msg = {.type = want->type, .request_id.len = 8};
    uint8_t distances[256 * 3];
    size_t len = 0;
    int err = 0;

    memcpy(msg.request_id.bytes, req->request_id8, 8);
    if (want->type == XORD_MSG_PING) {
        COUNT(node, ping_out);
        msg.ping.enr_seq = node_enr_seq(node, mail->local);
    } else if (want->type == XORD_MSG_FINDNODE) {
        COUNT(node, findnode_out);
        for (uint32_t i = 0; i < want->distance_cnt; i++)
            if (want->distances[i] <= 256)
                req->wanted[want->distances[i] / 8] |= (uint8_t)(1U << want->distances[i] % 8);
        err = xord_distances_put(&msg.findnode.distances, distances, sizeof(distances), want->distances,
                want->distance_cnt);
    } else {
        COUNT(node, talkreq_out);
        msg.talkreq.protocol = (struct xord_bytes_view){want->talk, want->protocol_len};
        msg.talkreq.request = (struct xord_bytes_view){want->talk + want->protocol_len, want->request_len};
    }
    if (!err)
        err = xord_message_encode(req->msg, &len, sizeof(req->msg), &msg);
    req->msg_len = (uint16_t)len;
    return err;
}

static struct req *req_alloc(struct xord_node *node, const struct xord_mail *mail)
{
    uint32_t slot = node->free_req;
    struct req *req;

    if (slot == NIL)
        return NULL;
    req = &node->reqs[slot];
    node->free_req = req->next;
    node->req_cnt++;
    memset(req, 0, offsetof(struct req, msg));
    req->state = REQ_WAITING;
    req->type = mail->request.type;
    req->reply_to = mail->reply_to;
    req->cookie = mail->cookie;
    xord_store_be32(req->request_id8, slot | REQUEST_ID_TOP);
    xord_rng_fill(&node->rng, req->request_id8 + 4, 4);
    return req;
}

static void req_release(struct xord_node *node, struct req *req)
{
    nonce_unindex(node, req);
    xord_timer_cancel(&node->wheel, &req->timer);
    req->state = REQ_FREE;
    req->next = node->free_req;
    node->free_req = req_slot(node, req);
    node->req_cnt--;
}

static void refuse(struct xord_node *node, const struct xord_mail *mail, int err)
{
    struct xord_mail *reply = node_mail_new(node, XORD_MAIL_DONE, mail->local, mail->cookie);

    if (!reply)
        return;
    reply->peer = mail->request.peer;
    reply->done = (struct xord_mail_done){.err = err};
    node_mail_to(node, mail->reply_to, reply);
}

/* A PING of our own, which nobody waits for. NULL when the request table is full. */
static struct req *conv_add_ping(struct xord_node *node, struct conv *conv)
{
    struct xord_mail mail = {.kind = XORD_MAIL_REQUEST,
            .reply_to = node->cfg.shard,
            .local = conv->key.local,
            .request = {.peer = conv->peer, .type = XORD_MSG_PING}};
    struct req *req = req_alloc(node, &mail);

    if (!req)
        return NULL;
    if (req_encode(node, req, &mail)) {
        req_release(node, req);
        return NULL;
    }
    conv_append(node, conv, req);
    return req;
}

void request_start(struct xord_node *node, const struct xord_mail *mail)
{
    struct xord_session_key key = {.ep = mail->request.peer.ep, .local = mail->local};
    struct conv *conv;
    struct req *req;
    int err = request_check(node, mail);

    if (err) {
        refuse(node, mail, err);
        return;
    }
    req = req_alloc(node, mail);
    if (!req) {
        COUNT(node, drop_request_full);
        refuse(node, mail, XORD_EFULL);
        return;
    }
    err = req_encode(node, req, mail);
    if (err) {
        req_release(node, req);
        refuse(node, mail, err);
        return;
    }
    memcpy(key.peer_id32, mail->request.peer.id32, 32);
    conv = conv_get(node, &key, &mail->request.peer);
    conv_append(node, conv, req);
    req_launch(node, conv, req);
}

/* ---- challenged ---- */

/* Does the message fit into a handshake packet, whatever our record? */
static bool req_fits_handshake(const struct req *req)
{
    return XORD_HANDSHAKE_HEAD_LEN + XORD_ENR_MAX_LEN + req->msg_len + XORD_GCM_TAG_LEN <= XORD_PACKET_MAX_LEN;
}

/* All but the lead wait for the new keys, and whatever came of their answers will come again. */
static void conv_hold_others(struct xord_node *node, struct conv *conv)
{
    for (uint32_t i = conv->head; i != NIL; i = node->reqs[i].next) {
        struct req *other = &node->reqs[i];

        if (i == conv->lead || (other->state != REQ_SENT && other->state != REQ_PROBE))
            continue;
        other->state = REQ_WAITING;
        other->total = other->got = other->record_cnt = 0;
        nonce_unindex(node, other);
        xord_timer_cancel(&node->wheel, &other->timer);
    }
}

struct req *request_challenged(struct xord_node *node, struct req *req)
{
    struct conv *conv = &node->convs[req->conv];
    struct req *lead = req;

    req->handshaken = true;
    req->rtt_ns = req->challenge_ns = node->now_ns - req->sent_ns;
    if (!req_fits_handshake(req)) {
        lead = conv_add_ping(node, conv);
        if (!lead) {
            request_finish(node, req, XORD_EFULL);
            return NULL;
        }
        lead->handshaken = true;
    }
    lead->state = REQ_IN_LANE;
    lead->total = lead->got = lead->record_cnt = 0;
    nonce_unindex(node, lead);
    conv->lead = req_slot(node, lead);
    req_arm(node, lead, node->cfg.handshake_timeout_ns);
    conv_hold_others(node, conv);
    return lead;
}

void conv_adopt(struct xord_node *node, const struct xord_session_key *key)
{
    struct conv *conv = conv_find(node, key);
    struct req *lead = conv && conv->lead != NIL ? &node->reqs[conv->lead] : NULL;

    if (!lead || lead->state != REQ_PROBE)
        return;
    nonce_unindex(node, lead);
    lead->state = REQ_WAITING;
    conv->lead = NIL;
    conv_flush(node, conv);
}

/* ---- ending ---- */

static void req_report(struct xord_node *node, const struct conv *conv, const struct req *req, int err)
{
    struct xord_mail *mail;

    if (err)
        COUNT(node, requests_failed);
    else
        COUNT(node, requests_answered);
    mail = node_mail_new(node, XORD_MAIL_DONE, conv->key.local, req->cookie);
    if (!mail)
        return;
    mail->peer = conv->peer;
    mail->probe_answered = req->handshaken;
    mail->done = (struct xord_mail_done){
            .err = err,
            .record_cnt = req->record_cnt,
            .packet_cnt = req->got,
            .rtt_ns = req->rtt_ns,
            .challenge_ns = req->challenge_ns,
            .handshake = req->handshaken,
            .loops = req->loops,
            .bad_totals = req->bad_totals,
            .wrong_distance = req->wrong_distance,
            .invalid = req->invalid,
    };
    node_mail_to(node, req->reply_to, mail);
}

static void req_end(struct xord_node *node, struct conv *conv, struct req *req, int err)
{
    req_report(node, conv, req, err);
    conv_unlink(node, conv, req);
    req_release(node, req);
}

/* The peer is silent: what waited behind its handshake fails with it. */
static void conv_fail_waiting(struct xord_node *node, struct conv *conv, int err)
{
    uint32_t i = conv->head;

    while (i != NIL) {
        struct req *req = &node->reqs[i];

        i = req->next;
        if (req->state == REQ_WAITING)
            req_end(node, conv, req, err);
    }
}

void request_finish(struct xord_node *node, struct req *req, int err)
{
    struct conv *conv = &node->convs[req->conv];
    bool led = conv->lead == req_slot(node, req);

    req_end(node, conv, req, err);
    if (led) {
        conv->lead = NIL;
        conv->has_keys = false;
        if (err)
            conv_fail_waiting(node, conv, err);
        else
            conv_flush(node, conv);
    }
    if (conv->head == NIL)
        conv_drop(node, conv);
}

void request_on_timer(struct xord_node *node, struct xord_timer *timer)
{
    struct req *req = (struct req *)((char *)timer - offsetof(struct req, timer));

    if (req->lane_cnt > 0)
        req_arm(node, req, node->cfg.request_timeout_ns);
    else
        request_finish(node, req, XORD_ETIMEOUT);
}
