/* SPDX-License-Identifier: BSD-3-Clause */
/* A burst of datagrams: unmask all, find all sessions, open all messages, then hand on one after another; the answers leave
 * together when the call ends (tx.c).
 * Spec: discv5-wire.md, "Packet Encoding"; discv5-theory.md, "Handshake Steps". */
#include <string.h>

#include "node_private.h"

/* Whose message a packet is. */
struct rx_lookup {
    const struct xord_session_key *key; /* NULL: not a message */
    struct xord_session *session;       /* NULL: none */
};

/* In place, and in the pieces that it will be read in: a copy that is made of small stores just before has to wait for them. */
static void rx_key(struct xord_session_key *key, const struct xord_packet *pkt, const struct xord_dgram *dgram)
{
    memcpy(key->peer_id32, pkt->src_id32, 32);
    key->ep = dgram->peer;
    key->local = dgram->local;
}

static void rx_count_malformed(struct xord_node *node, int err)
{
    if (err == XORD_ESIZE)
        COUNT(node, drop_size);
    else if (err == XORD_EPROTO)
        COUNT(node, drop_not_discv5);
    else
        COUNT(node, drop_header);
}

/* Unmasks all. Returns how many are whole and may be ours; `taken` has their numbers, so that what follows meets no other:
 * in a flood of junk every look at one that is not junk would be a mispredicted branch. */
static size_t rx_unmask_all(struct xord_node *node, const struct xord_dgram *burst, uint8_t *taken, size_t cnt)
{
    struct xord_unmask_job jobs[XORD_BURST_MAX];
    uint8_t let_in[XORD_BURST_MAX];
    size_t let_in_cnt = admit(node, burst, let_in, cnt), taken_cnt = 0;
    uint64_t bytes = 0;

    for (size_t i = 0; i < cnt; i++)
        bytes += burst[i].len;
    xord_counter_add(&node->counters, XORD_CNT_rx_packets, cnt);
    xord_counter_add(&node->counters, XORD_CNT_rx_bytes, bytes);
    for (size_t j = 0; j < let_in_cnt; j++) {
        const size_t i = let_in[j];

        jobs[j].pkt = &node->pkts[i];
        jobs[j].data = burst[i].data;
        jobs[j].len = burst[i].len;
        jobs[j].our_key = &node->cfg.locals->all[burst[i].local].mask_key;
    }
    xord_packets_unmask(jobs, let_in_cnt, node->cfg.aes_ops, node->aes);
    for (size_t j = 0; j < let_in_cnt; j++) {
        const size_t i = let_in[j];
        const struct xord_packet *pkt = &node->pkts[i];

        if (jobs[j].err) {
            rx_count_malformed(node, jobs[j].err);
        } else if (pkt->flag != XORD_FLAG_WHOAREYOU &&
                   memcmp(pkt->src_id32, node->cfg.locals->all[burst[i].local].id32, 32) == 0) {
            COUNT(node, drop_self);
        } else {
            taken[taken_cnt++] = (uint8_t)i;
        }
    }
    return taken_cnt;
}

static void open_job(struct xord_gcm_job *job, const struct xord_packet *pkt, const uint8_t *key16, uint8_t *plain)
{
    job->key16 = key16;
    job->nonce12 = pkt->nonce12;
    job->aad = pkt->head;
    job->aad_len = pkt->head_len;
    job->src = pkt->message;
    job->dst = plain;
    job->len = (uint32_t)pkt->message_len - XORD_GCM_TAG_LEN;
}

static bool rx_try_key(struct xord_node *node, const struct xord_packet *pkt, const uint8_t *key16,
        struct opened *opened)
{
    struct xord_gcm_job job;

    open_job(&job, pkt, key16, opened->plain);
    node->cfg.aes_ops->gcm_open(node->aes, &job, 1);
    opened->len = (uint16_t)job.len;
    return job.err == 0;
}

/* Answers what nobody's key opens. The same peer gets the identical challenge while one is open. */
static void rx_challenge(struct xord_node *node, const struct xord_packet *pkt, struct xord_dgram *dgram,
        const struct xord_session_key *key)
{
    struct xord_challenge *challenge = xord_challenge_find(node->challenges, key, node->now_ns);
    const struct xord_table_node *known = NULL;
    uint8_t *data;
    bool evicted;

    COUNT(node, undecryptable);
    if (challenge) {
        COUNT(node, whoareyou_repeated);
    } else {
        known = node_known_at(node, dgram->local, pkt->src_id32, &dgram->peer);
        challenge = xord_challenge_open(node->challenges, key, pkt->nonce12, known ? known->enr.seq : 0, node->now_ns,
                &evicted);
        if (evicted)
            COUNT(node, challenge_evicted);
    }
    data = tx_begin(node, dgram, pkt->src_id32, &dgram->dst, &dgram->peer);
    if (!data)
        return;
    COUNT(node, whoareyou_sent);
    xord_challenge_data(data, node->challenges, challenge, key);
    tx_end(node, XORD_CHALLENGE_DATA_LEN, XORD_CHALLENGE_DATA_LEN);
}

void rx_message(struct xord_node *node, struct xord_session *session, const uint8_t *plain, size_t len,
        struct xord_dgram *dgram)
{
    struct xord_message msg;
    int err = xord_message_decode(&msg, plain, len);

    if (err) {
        if (err == XORD_EFLAG)
            COUNT(node, drop_message_type);
        else
            COUNT(node, drop_message);
        return;
    }
    xord_session_touch(node->sessions, session, false);
    if (xord_message_is_request(msg.type))
        serve_request(node, session, &msg, dgram);
    else
        request_on_response(node, session, &msg, plain, len);
}

/* A confirmed handshake may give new keys to a session, and to another's its slot. */
static bool keys_have_changed(const struct xord_node *node)
{
    return node->confirmed_cnt != node->burst_confirmed_cnt;
}

/* The key that the burst was opened with did not fit, or may no longer be the session's since an earlier packet of the burst has
 * confirmed a handshake: the one that the session has now, the one before it, or that of a handshake of ours that waits to be
 * confirmed. */
static void rx_other_keys(struct xord_node *node, const struct xord_packet *pkt, struct xord_dgram *dgram,
        const struct xord_session_key *key, struct xord_session *session, struct opened *opened)
{
    struct conv *conv;

    if (session && keys_have_changed(node) && rx_try_key(node, pkt, session->read_key16, opened)) {
        rx_message(node, session, opened->plain, opened->len, dgram);
        return;
    }
    if (session && session->has_old && rx_try_key(node, pkt, session->old_read_key16, opened)) {
        rx_message(node, session, opened->plain, opened->len, dgram);
        return;
    }
    conv = conv_find(node, key);
    if (conv && conv->has_keys && rx_try_key(node, pkt, conv->keys.read_key16, opened)) {
        session = conv_confirm(node, conv);
        rx_message(node, session, opened->plain, opened->len, dgram);
        conv = conv_find(node, key);
        if (conv)
            conv_flush(node, conv);
        return;
    }
    if (!lane_push_behind(node, pkt, dgram, key))
        rx_challenge(node, pkt, dgram, key);
}

void rx_late(struct xord_node *node, const struct xord_packet *pkt, struct xord_dgram *dgram)
{
    struct opened *opened = &node->opened[0]; /* no burst is being opened while the lane runs */
    struct xord_session *session;
    struct xord_session_key key;

    rx_key(&key, pkt, dgram);
    session = xord_session_find(node->sessions, &key);
    if (session && rx_try_key(node, pkt, session->read_key16, opened))
        rx_message(node, session, opened->plain, opened->len, dgram);
    else
        rx_challenge(node, pkt, dgram, &key);
}

/* A message as the burst was opened. Its session may have gone since then, or its slot changed hands. */
static void rx_ordinary(struct xord_node *node, const struct xord_packet *pkt, struct xord_dgram *dgram,
        const struct rx_lookup *lookup, struct opened *opened)
{
    struct xord_session *session = lookup->session;

    if (!session || memcmp(&session->key, lookup->key, sizeof(*lookup->key)) != 0)
        session = xord_session_find(node->sessions, lookup->key);
    if (opened->ok && session && !keys_have_changed(node))
        rx_message(node, session, opened->plain, opened->len, dgram);
    else
        rx_other_keys(node, pkt, dgram, lookup->key, session, opened);
}

/* Finds the sessions of all messages at once. */
static void rx_find_all(struct xord_node *node, const struct xord_dgram *burst, const uint8_t *taken, size_t taken_cnt,
        struct xord_session_key *keys, struct rx_lookup *lookups)
{
    struct xord_session *found[XORD_BURST_MAX];
    struct rx_lookup *askers[XORD_BURST_MAX];
    size_t asked = 0;

    for (size_t t = 0; t < taken_cnt; t++) {
        const size_t i = taken[t];

        lookups[i] = (struct rx_lookup){0};
        if (node->pkts[i].flag != XORD_FLAG_MESSAGE)
            continue;
        rx_key(&keys[asked], &node->pkts[i], &burst[i]);
        lookups[i].key = &keys[asked];
        askers[asked++] = &lookups[i];
    }
    if (asked == 0)
        return;
    (void)xord_sessions_find_bulk(node->sessions, keys, asked, found);
    for (size_t j = 0; j < asked; j++)
        askers[j]->session = found[j];
}

/* Opens all messages that have a session. */
static void rx_open_all(struct xord_node *node, const uint8_t *taken, size_t taken_cnt, const struct rx_lookup *lookups)
{
    struct xord_gcm_job jobs[XORD_BURST_MAX];
    uint8_t owner[XORD_BURST_MAX];
    size_t n = 0;

    for (size_t t = 0; t < taken_cnt; t++) {
        const size_t i = taken[t];

        node->opened[i].ok = false;
        if (!lookups[i].session)
            continue;
        owner[n] = (uint8_t)i;
        open_job(&jobs[n++], &node->pkts[i], lookups[i].session->read_key16, node->opened[i].plain);
    }
    if (n == 0)
        return;
    node->cfg.aes_ops->gcm_open(node->aes, jobs, n);
    for (size_t j = 0; j < n; j++) {
        node->opened[owner[j]].ok = jobs[j].err == 0;
        node->opened[owner[j]].len = (uint16_t)jobs[j].len;
    }
}

void rx_burst(struct xord_node *node, struct xord_dgram *burst, size_t cnt)
{
    struct rx_lookup lookups[XORD_BURST_MAX];
    struct xord_session_key keys[XORD_BURST_MAX];
    uint8_t taken[XORD_BURST_MAX];
    size_t taken_cnt;

    if (cnt > XORD_BURST_MAX)
        cnt = XORD_BURST_MAX;
    node->burst_confirmed_cnt = node->confirmed_cnt;
    taken_cnt = rx_unmask_all(node, burst, taken, cnt);
    rx_find_all(node, burst, taken, taken_cnt, keys, lookups);
    rx_open_all(node, taken, taken_cnt, lookups);
    for (size_t t = 0; t < taken_cnt; t++) {
        const size_t i = taken[t];

        if (lookups[i].key)
            rx_ordinary(node, &node->pkts[i], &burst[i], &lookups[i], &node->opened[i]);
        else if (node->pkts[i].flag == XORD_FLAG_WHOAREYOU)
            lane_push_whoareyou(node, &node->pkts[i], &burst[i]);
        else
            lane_push_handshake(node, &node->pkts[i], &burst[i]);
        node_mail_take_own(node); /* before the next packet, as if that came later */
    }
}
