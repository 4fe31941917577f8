/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake lane: curve operations wait here, so that established traffic keeps its latency. Three bounded queues, the
 * first that has work goes first, and a turn does at most LANE_TURN jobs. Spec: discv5-theory.md, "Handshake Steps". */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"

#define LANE_TURN             8 /* jobs a call: a few ms of curve operations at worst */
#define LANE_STRANGERS_A_TURN 2
#define LANE_OWN_FACTOR       8
#define BEHIND_MAX            8 /* messages that may wait behind one handshake */

int lane_init(struct xord_node *node)
{
    struct lane *lane = &node->lane;

    for (int c = 0; c < LANE_CLASSES; c++) {
        /* What we asked for ourselves is bounded by the requests that are open: it gets room to wait. */
        lane->cap[c] = c == LANE_OWN ? LANE_OWN_FACTOR * node->cfg.lane_cap : node->cfg.lane_cap;
        lane->ring[c] = calloc(lane->cap[c], sizeof(struct job));
        if (!lane->ring[c])
            return XORD_ENOMEM;
    }
    return 0;
}

void lane_free(struct xord_node *node)
{
    for (int c = 0; c < LANE_CLASSES; c++)
        free(node->lane.ring[c]);
}

uint32_t lane_cnt(const struct xord_node *node)
{
    const uint32_t *cnt = node->lane.cnt;

    return cnt[LANE_OWN] + cnt[LANE_KNOWN] + cnt[LANE_STRANGER];
}

static bool lane_has_room(struct xord_node *node, enum lane_class class)
{
    if (node->lane.cnt[class] < node->lane.cap[class])
        return true;
    COUNT(node, drop_lane_full);
    return false;
}

struct job *lane_push(struct xord_node *node, enum lane_class class)
{
    struct lane *lane = &node->lane;

    if (!lane_has_room(node, class))
        return NULL;
    return &lane->ring[class][(lane->head[class] + lane->cnt[class]++) % lane->cap[class]];
}

/* Copies an unmasked packet; its views move along. */
static void job_take_packet(struct job *job, enum job_kind kind, const struct xord_packet *pkt,
        const struct xord_dgram *dgram)
{
    const uint8_t *from = pkt->head;

    job->kind = (uint8_t)kind;
    job->len = (uint16_t)(pkt->head_len + pkt->message_len);
    job->local = dgram->local;
    job->peer = dgram->peer;
    job->dst = dgram->dst;
    job->pkt = *pkt;
    memcpy(job->data, from, job->len);
    job->pkt.head = job->data;
    job->pkt.nonce12 = job->data + (pkt->nonce12 - from);
    if (pkt->message)
        job->pkt.message = job->data + (pkt->message - from);
    if (pkt->src_id32)
        job->pkt.src_id32 = job->data + (pkt->src_id32 - from);
    if (pkt->id_nonce16)
        job->pkt.id_nonce16 = job->data + (pkt->id_nonce16 - from);
    if (pkt->signature64)
        job->pkt.signature64 = job->data + (pkt->signature64 - from);
    if (pkt->eph_pubkey33)
        job->pkt.eph_pubkey33 = job->data + (pkt->eph_pubkey33 - from);
    if (pkt->record)
        job->pkt.record = job->data + (pkt->record - from);
}

/* ---- a challenge to a request of ours ---- */

void lane_push_whoareyou(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram)
{
    struct req *req = request_by_nonce(node, pkt->nonce12, dgram->local, &dgram->peer);
    struct job *job;

    if (!req) {
        COUNT(node, drop_whoareyou);
        return;
    }
    if (!lane_has_room(node, LANE_OWN))
        return;
    COUNT(node, whoareyou_received);
    req = request_challenged(node, req);
    if (!req)
        return;
    job = lane_push(node, LANE_OWN);
    job_take_packet(job, JOB_WHOAREYOU, pkt, dgram);
    job->req = (uint32_t)(req - node->reqs);
    memcpy(job->request_id8, req->request_id8, 8);
}

/* Seals the request behind the head of its handshake packet and sends it. */
static bool send_handshake(struct xord_node *node, const struct job *job, const struct req *req, const uint8_t *head,
        size_t head_len, const uint8_t *write_key16)
{
    uint8_t *data = tx_begin(node, NULL, node->convs[req->conv].peer.id32, &job->dst, &job->peer);

    if (!data)
        return false;
    memcpy(data, head, head_len);
    memcpy(data + head_len, req->msg, req->msg_len);
    tx_end_sealed(node, head_len, req->msg_len, write_key16);
    return true;
}

/* Of a peer in the table the key is known taken apart; of another it takes a square root. */
static int peer_key(const struct xord_node *node, struct xord_pubkey *pubkey, const struct conv *conv)
{
    const struct xord_table_node *known = NULL;

    if (node_is_host(node, conv->key.local))
        known = xord_table_find(node->hosts[conv->key.local].table, conv->peer.id32);
    if (known && memcmp(known->enr.pubkey33, conv->peer.pubkey33, XORD_PUBKEY_LEN) == 0)
        return node_record_key(node, pubkey, &known->enr);
    return xord_pubkey_parse(node->cfg.curve, pubkey, conv->peer.pubkey33);
}

/* The curve's part of answering a challenge: keys, and the head of the handshake packet. */
static int answer(struct xord_node *node, struct xord_session_keys *keys, uint8_t *head, size_t *head_len,
        const struct job *job, const struct conv *conv, const uint8_t nonce12[12])
{
    struct xord_self self = node_self(node, job->local);
    struct xord_ephemeral eph;
    struct xord_pubkey key;
    uint8_t iv16[16];
    int err = peer_key(node, &key, conv);

    if (err)
        return err;
    if (!xord_ephemerals_take(node->ephemerals, &eph)) {
        COUNT(node, ephemeral_made_late);
        COUNT(node, curve_operations);
    }
    xord_rng_fill(&node->rng, iv16, sizeof(iv16));
    xord_counter_add(&node->counters, XORD_CNT_curve_operations, 2);
    err = xord_handshake_answer(keys, head, head_len, node->cfg.curve, &self, conv->peer.id32, &key, &job->pkt, &eph,
            nonce12, iv16);
    xord_wipe(&eph, sizeof(eph));
    return err;
}

static void job_whoareyou(struct xord_node *node, const struct job *job)
{
    struct req *req = request_at(node, job->req, job->request_id8);
    uint8_t head[XORD_HANDSHAKE_HEAD_LEN + XORD_ENR_MAX_LEN], nonce12[12] = {0};
    struct xord_session_keys keys;
    size_t head_len;

    if (!req || req->state != REQ_IN_LANE)
        return;
    xord_rng_fill(&node->rng, nonce12 + 4, 8);
    if (answer(node, &keys, head, &head_len, job, &node->convs[req->conv], nonce12)) {
        request_finish(node, req, XORD_EKEY);
        return;
    }
    if (send_handshake(node, job, req, head, head_len, keys.write_key16))
        request_handshake_sent(node, req, &keys, nonce12);
    xord_wipe(&keys, sizeof(keys));
}

/* ---- a handshake by a peer ---- */

/* Known is who has answered us from this very endpoint: a node id alone is public, and a handshake costs a stranger little. */
static enum lane_class class_of(const struct xord_node *node, const struct xord_session_key *key)
{
    const struct xord_session *session = xord_session_find(node->sessions, key);
    const struct xord_table_node *known = node_known_at(node, key->local, key->peer_id32, &key->ep);

    return (session && session->is_protected) || (known && known->live_checks > 0) ? LANE_KNOWN : LANE_STRANGER;
}

void lane_push_handshake(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram)
{
    struct xord_session_key key = {.ep = dgram->peer, .local = dgram->local};
    struct xord_challenge *challenge;
    struct job *job;

    memcpy(key.peer_id32, pkt->src_id32, 32);
    challenge = xord_challenge_find(node->challenges, &key, node->now_ns);
    if (!challenge) {
        COUNT(node, drop_handshake_no_challenge);
        return;
    }
    if (challenge->attempts >= XORD_CHALLENGE_ATTEMPTS) {
        COUNT(node, drop_handshake_attempts);
        return;
    }
    job = lane_push(node, class_of(node, &key));
    if (!job)
        return;
    challenge->attempts++;
    challenge->waiting++;
    job_take_packet(job, JOB_HANDSHAKE, pkt, dgram);
}

/* Some implementations do not wait for the answer to a handshake: what they send right behind it would only be challenged,
 * and lost. */
bool lane_push_behind(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram,
        const struct xord_session_key *key)
{
    struct xord_challenge *challenge = xord_challenge_find(node->challenges, key, node->now_ns);
    struct job *job;

    if (!challenge || challenge->waiting == 0 || challenge->behind >= BEHIND_MAX)
        return false;
    job = lane_push(node, class_of(node, key));
    if (!job)
        return false;
    challenge->behind++;
    job_take_packet(job, JOB_MESSAGE, pkt, dgram);
    return true;
}

static void job_message(struct xord_node *node, const struct job *job)
{
    struct xord_dgram dgram = {.local = job->local, .peer = job->peer, .dst = job->dst};

    rx_late(node, &job->pkt, &dgram);
}

/* The record of whoever shakes hands: the one in the packet, else the one that our challenge said we have. */
static int job_record(struct xord_node *node, const struct job *job, struct xord_enr *enr, struct xord_pubkey *key)
{
    const struct xord_table_node *known = NULL;
    int err;

    if (job->pkt.record) {
        err = node_verify_record(node, enr, key, job->pkt.record, job->pkt.record_len);
    } else {
        if (node_is_host(node, job->local))
            known = xord_table_find(node->hosts[job->local].table, job->pkt.src_id32);
        if (!known)
            return XORD_EMISSING;
        *enr = known->enr;
        err = node_record_key(node, key, enr);
    }
    if (err)
        return err;
    return memcmp(enr->id32, job->pkt.src_id32, 32) == 0 ? 0 : XORD_EKEY;
}

/* Establishes the session that the opened handshake message proves. */
static void handshake_done(struct xord_node *node, const struct job *job, const struct xord_session_key *key,
        const struct xord_session_keys *keys, const struct xord_enr *enr, const uint8_t *plain, size_t len)
{
    struct xord_dgram dgram = {.local = job->local, .peer = job->peer, .dst = job->dst};
    struct xord_session *session;
    bool evicted;

    COUNT(node, handshakes_in);
    session = xord_session_put(node->sessions, key, keys->read_key16, keys->write_key16, &evicted);
    if (evicted)
        COUNT(node, sessions_evicted);
    rx_message(node, session, plain, len, &dgram);
    conv_adopt(node, key);
    if (!node_is_host(node, job->local))
        return;
    /* Its own record too must not make us send into a network that it cannot be part of. */
    if (node_record_is_plausible(enr, &job->peer))
        host_offer(node, job->local, enr, node_is_at(node, job->local, enr, &job->peer));
    else
        COUNT(node, drop_record_address);
}

static void job_handshake(struct xord_node *node, const struct job *job)
{
    struct xord_session_key key = {.ep = job->peer, .local = job->local};
    uint8_t challenge_data[XORD_CHALLENGE_DATA_LEN], plain[XORD_PACKET_MAX_LEN];
    struct xord_self self = node_self(node, job->local);
    struct xord_challenge *challenge;
    struct xord_session_keys keys;
    struct xord_pubkey peer_pubkey;
    struct xord_gcm_job open;
    struct xord_enr enr;

    memcpy(key.peer_id32, job->pkt.src_id32, 32);
    challenge = xord_challenge_find(node->challenges, &key, node->now_ns);
    if (!challenge) {
        COUNT(node, drop_handshake_no_challenge);
        return;
    }
    if (challenge->waiting > 0)
        challenge->waiting--;
    if (job_record(node, job, &enr, &peer_pubkey)) {
        COUNT(node, drop_handshake_record);
        return;
    }
    xord_challenge_data(challenge_data, node->challenges, challenge, &key);
    COUNT(node, curve_operations);
    if (xord_handshake_accept(&keys, node->cfg.curve, &self, &job->pkt, &peer_pubkey, challenge_data)) {
        COUNT(node, drop_handshake_signature);
        return;
    }
    COUNT(node, curve_operations);
    open = (struct xord_gcm_job){
            .key16 = keys.read_key16,
            .nonce12 = job->pkt.nonce12,
            .aad = job->pkt.head,
            .aad_len = job->pkt.head_len,
            .src = job->pkt.message,
            .dst = plain,
            .len = (uint32_t)job->pkt.message_len - XORD_GCM_TAG_LEN,
    };
    node->cfg.aes_ops->gcm_open(node->aes, &open, 1);
    if (open.err == 0) {
        xord_challenge_close(node->challenges, challenge);
        handshake_done(node, job, &key, &keys, &enr, plain, open.len);
    } else {
        COUNT(node, drop_handshake_auth);
    }
    xord_wipe(&keys, sizeof(keys));
}

/* ---- NODES with records not seen before ---- */

bool lane_push_nodes(struct xord_node *node, const struct req *req, const uint8_t *plain, size_t len)
{
    struct job *job = lane_push(node, LANE_OWN);

    if (!job)
        return false;
    job->kind = JOB_NODES;
    job->req = (uint32_t)(req - node->reqs);
    job->len = (uint16_t)len;
    memcpy(job->request_id8, req->request_id8, 8);
    memcpy(job->data, plain, len);
    return true;
}

static void job_nodes(struct xord_node *node, const struct job *job)
{
    struct req *req = request_at(node, job->req, job->request_id8);
    struct xord_message msg;

    if (!req)
        return;
    req->lane_cnt--;
    if (xord_message_decode(&msg, job->data, job->len) == 0)
        request_on_nodes(node, req, &msg);
    request_check_complete(node, req);
}

/* The first class that has work; but strangers get the last jobs of a turn, or a flood in the name of others would leave them
 * none. LANE_CLASSES when there is no work. */
static int lane_next(const struct lane *lane, int turn)
{
    int c = 0;

    if (turn >= LANE_TURN - LANE_STRANGERS_A_TURN && lane->cnt[LANE_STRANGER] > 0)
        return LANE_STRANGER;
    while (c < LANE_CLASSES && lane->cnt[c] == 0)
        c++;
    return c;
}

void lane_run(struct xord_node *node)
{
    struct lane *lane = &node->lane;

    for (int turn = 0; turn < LANE_TURN; turn++) {
        int c = lane_next(lane, turn);
        const struct job *job;

        if (c == LANE_CLASSES)
            return;
        job = &lane->ring[c][lane->head[c]];
        if (job->kind == JOB_WHOAREYOU)
            job_whoareyou(node, job);
        else if (job->kind == JOB_HANDSHAKE)
            job_handshake(node, job);
        else if (job->kind == JOB_MESSAGE)
            job_message(node, job);
        else
            job_nodes(node, job);
        lane->head[c] = (lane->head[c] + 1) % lane->cap[c];
        lane->cnt[c]--;
    }
}
