/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake lane: curve operations wait here, so that established traffic keeps its latency. Three bounded queues, the
 * first that has work goes first, and a turn ends when its curve operations are spent. Spec: discv5-theory.md, "Handshake
 * Steps". */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"

#define LANE_OWN_FACTOR    8
#define BEHIND_MAX         8                     /* messages that may wait behind one handshake */
#define JOBS_A_TURN        64                    /* of those that turn out to need no curve operation */
#define OTHERS_A_STRANGER  3                     /* operations for others to one for strangers, while some wait */
#define OPERATION_NS       (35 * XORD_NS_PER_US) /* what one takes, until it was measured */
#define OPERATION_MIN_NS   (5 * XORD_NS_PER_US)
#define OPERATION_MAX_NS   (1 * XORD_NS_PER_MS)
#define OPERATION_WEIGHT   16
#define TIME_SHARE         8                    /* an eighth of the time is the lane's while the load stays full */
#define FULL_GRACE_NS      (1 * XORD_NS_PER_MS) /* but so long it waits for the rest to be served */
#define TURN_MAX           3                    /* times lane_operations: a turn after a long time */
#define JOB_OPERATIONS_MAX 3

int lane_init(struct xord_node *node)
{
    struct lane *lane = &node->lane;

    if (node->cfg.lane_operations < JOB_OPERATIONS_MAX)
        node->cfg.lane_operations = JOB_OPERATIONS_MAX;
    lane->turn_ns = node->now_ns;
    lane->full_ns = UINT64_MAX;
    lane->operation_ns = OPERATION_NS;
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

    struct job *job;

    if (!lane_has_room(node, class))
        return NULL;
    job = &lane->ring[class][(lane->head[class] + lane->cnt[class]++) % lane->cap[class]];
    job->since_ns = node->now_ns;
    return job;
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
        request_on_loop(node, pkt->nonce12, dgram->local, &dgram->peer);
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

/* A hostile node of a crowd takes no handshake for good: another challenge, for ever. */
static void challenge_again(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram,
        const struct xord_session_key *key)
{
    struct xord_challenge challenge = {.sent_ns = node->now_ns};
    uint8_t *data = tx_begin(node, NULL, pkt->src_id32, &dgram->dst, &dgram->peer);

    if (!data)
        return;
    COUNT(node, whoareyou_sent);
    memcpy(challenge.request_nonce12, pkt->nonce12, sizeof(challenge.request_nonce12));
    xord_challenge_data(data, node->challenges, &challenge, key);
    tx_end(node, XORD_CHALLENGE_DATA_LEN, XORD_CHALLENGE_DATA_LEN);
}

static bool loops_challenges(const struct xord_node *node, uint32_t local)
{
    return node->cfg.crowd && xord_crowd_kind(node->cfg.crowd, local) == XORD_CROWD_WHOAREYOU;
}

void lane_push_handshake(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram)
{
    struct xord_session_key key = {.ep = dgram->peer, .local = dgram->local};
    struct xord_challenge *challenge;
    enum lane_class class;
    struct job *job;

    memcpy(key.peer_id32, pkt->src_id32, 32);
    if (loops_challenges(node, dgram->local)) {
        challenge_again(node, pkt, dgram, &key);
        return;
    }
    challenge = xord_challenge_find(node->challenges, &key, node->now_ns);
    if (!challenge) {
        COUNT(node, drop_handshake_no_challenge);
        return;
    }
    if (challenge->attempts >= XORD_CHALLENGE_ATTEMPTS) {
        COUNT(node, drop_handshake_attempts);
        return;
    }
    class = class_of(node, &key);
    if (node->draining && class == LANE_STRANGER) {
        COUNT(node, drop_draining);
        return;
    }
    job = lane_push(node, class);
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

static void tell_newcomer(struct xord_node *node, const struct job *job, const struct xord_enr *enr)
{
    if (node->cfg.tell_newcomers && node_is_at(node, job->local, enr, &job->peer))
        offer_mail(node, XORD_CONTROL, job->local, enr, &job->peer, true);
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
    if (!node_is_host(node, job->local)) {
        tell_newcomer(node, job, enr);
        return;
    }
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
    job->pos = 0;
    memcpy(job->request_id8, req->request_id8, 8);
    memcpy(job->data, plain, len);
    return true;
}

/* Goes on where the last turn has left off; false: so it does again. */
static bool job_nodes(struct xord_node *node, struct job *job, uint64_t operations)
{
    struct req *req = request_at(node, job->req, job->request_id8);
    struct xord_message msg;

    if (!req)
        return true;
    if (xord_message_decode(&msg, job->data, job->len) == 0 &&
            !request_on_nodes(node, req, &msg, &job->pos, operations))
        return false;
    req->lane_cnt--;
    request_check_complete(node, req);
    return true;
}

/* ---- a turn ---- */

/* What a job may cost at most; NODES can be left off after each record. */
static uint64_t job_operations(const struct xord_node *node, const struct job *job)
{
    const struct xord_packet *pkt = &job->pkt;

    switch ((enum job_kind)job->kind) {
    case JOB_WHOAREYOU:
        return 2 + (xord_ephemerals_cnt(node->ephemerals) == 0);
    case JOB_HANDSHAKE:
        return 2 + (pkt->record && !record_cache_find(node->records, pkt->record, pkt->record_len));
    case JOB_NODES:
        return 1;
    case JOB_MESSAGE:
        break;
    }
    return 0;
}

static bool job_run(struct xord_node *node, struct job *job, uint64_t operations)
{
    switch ((enum job_kind)job->kind) {
    case JOB_WHOAREYOU:
        job_whoareyou(node, job);
        break;
    case JOB_HANDSHAKE:
        job_handshake(node, job);
        break;
    case JOB_MESSAGE:
        job_message(node, job);
        break;
    case JOB_NODES:
        return job_nodes(node, job, operations);
    }
    return true;
}

/* The first class that has work; but strangers get a quarter, or a flood in the name of others would leave them nothing.
 * LANE_CLASSES when there is no work. */
static int lane_next(const struct lane *lane)
{
    int c = 0;

    if (lane->cnt[LANE_STRANGER] > 0 && lane->owed >= OTHERS_A_STRANGER * JOB_OPERATIONS_MAX)
        return LANE_STRANGER;
    while (c < LANE_CLASSES && lane->cnt[c] == 0)
        c++;
    return c;
}

/* Keeps account of what strangers who wait are owed; a job without operations counts too, or many would be free. */
static void lane_charge(struct lane *lane, int class, uint64_t operations)
{
    uint64_t cost = operations ? operations : 1;

    if (lane->cnt[LANE_STRANGER] == 0)
        lane->owed = 0;
    else if (class != LANE_STRANGER)
        lane->owed += cost;
    else
        lane->owed -= OTHERS_A_STRANGER * cost < lane->owed ? OTHERS_A_STRANGER * cost : lane->owed;
}

/* Runs the first job of a class; true when the turn has room for another. */
static bool lane_step(struct xord_node *node, int class, uint64_t operations, uint64_t *spent)
{
    struct lane *lane = &node->lane;
    struct job *job = &lane->ring[class][lane->head[class]];
    uint64_t before = node_operations(node);
    bool done;

    if (*spent + job_operations(node, job) > operations)
        return false;
    if (job->since_ns != 0) /* once, also when it goes on in a later turn */
        xord_timing_add(&node->timings[XORD_TIMING_lane_wait], node->now_ns - job->since_ns, 1);
    job->since_ns = 0;
    done = job_run(node, job, operations - *spent);
    lane_charge(lane, class, node_operations(node) - before);
    *spent += node_operations(node) - before;
    if (done) {
        lane->head[class] = (lane->head[class] + 1) % lane->cap[class];
        lane->cnt[class]--;
    }
    return done;
}

static void lane_run(struct xord_node *node, uint64_t operations)
{
    uint64_t spent = 0;

    for (int i = 0; i < JOBS_A_TURN; i++) {
        int class = lane_next(&node->lane);

        if (class == LANE_CLASSES || !lane_step(node, class, operations, &spent))
            return;
    }
}

/* Key pairs for the next handshakes, as long as there is nothing else to do. */
static void ephemerals_fill(struct xord_node *node)
{
    for (uint32_t i = 0; i < node->cfg.lane_operations && xord_ephemerals_missing(node->ephemerals) > 0; i++) {
        xord_ephemerals_add(node->ephemerals);
        COUNT(node, curve_operations);
    }
}

/* The lane's part of the time since the last turn, which a turn that cannot use it leaves to the next. Time in which it had
 * nothing to do is not saved up, or its first turn after that would be long. */
static void share_earn(struct xord_node *node)
{
    struct lane *lane = &node->lane;
    uint64_t most_ns = TURN_MAX * lane->operation_ns * node->cfg.lane_operations;
    uint64_t share_ns = lane->idle ? 0 : (node->now_ns - lane->turn_ns) / TIME_SHARE;

    lane->turn_ns = node->now_ns;
    lane->share_ns = lane->idle ? 0 : lane->share_ns;
    lane->share_ns = lane->share_ns + share_ns < most_ns ? lane->share_ns + share_ns : most_ns;
}

static void share_spend(struct lane *lane)
{
    uint64_t spent_ns = lane->operations * lane->operation_ns;

    lane->share_ns -= spent_ns < lane->share_ns ? spent_ns : lane->share_ns;
}

/* What a turn may cost. Under full load, which as a rule follows a turn of ours, the lane waits until what came meanwhile is
 * served; if that does not end, there is more of everything than fits, and the lane has its part. */
static uint64_t turn_operations(struct xord_node *node, enum xord_load load)
{
    struct lane *lane = &node->lane;
    uint64_t operations = lane->share_ns / lane->operation_ns;

    if (load != XORD_LOAD_FULL) {
        lane->full_ns = UINT64_MAX;
        return operations > node->cfg.lane_operations ? operations : node->cfg.lane_operations;
    }
    if (lane->full_ns > node->now_ns)
        lane->full_ns = node->now_ns;
    return node->now_ns - lane->full_ns < FULL_GRACE_NS ? 0 : operations;
}

bool lane_has_work(const struct xord_node *node, enum xord_load load)
{
    return lane_cnt(node) > 0 || (load == XORD_LOAD_NONE && xord_ephemerals_missing(node->ephemerals) > 0);
}

void lane_work(struct xord_node *node, enum xord_load load)
{
    struct lane *lane = &node->lane;
    uint64_t before = node_operations(node), operations;

    share_earn(node);
    operations = turn_operations(node, load);
    if (lane_cnt(node) > 0)
        lane_run(node, operations);
    else if (load == XORD_LOAD_NONE)
        ephemerals_fill(node);
    lane->operations = node_operations(node) - before;
    lane->idle = lane_cnt(node) == 0;
    share_spend(lane);
}

/* A moving average; the odd turn in which something else had the CPU moves it little. */
void lane_took(struct lane *lane, uint64_t took_ns)
{
    uint64_t old_ns = lane->operation_ns, new_ns;

    if (lane->operations == 0)
        return;
    new_ns = took_ns / lane->operations;
    new_ns = new_ns < 2 * old_ns ? new_ns : 2 * old_ns;
    new_ns = old_ns - old_ns / OPERATION_WEIGHT + new_ns / OPERATION_WEIGHT;
    lane->operation_ns = new_ns < OPERATION_MIN_NS   ? OPERATION_MIN_NS
                         : new_ns > OPERATION_MAX_NS ? OPERATION_MAX_NS
                                                     : new_ns;
}
