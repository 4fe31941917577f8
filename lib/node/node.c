/* SPDX-License-Identifier: BSD-3-Clause */
/* A shard's life cycle, its mail, and what is due when. */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"
#include "xord_mem.h"

static uint32_t or_default(uint32_t v, uint32_t otherwise)
{
    return v ? v : otherwise;
}

static void config_set_defaults(struct xord_node_config *cfg)
{
    cfg->session_cap = or_default(cfg->session_cap, 65536);
    cfg->challenge_cap = or_default(cfg->challenge_cap, 65536);
    cfg->request_cap = or_default(cfg->request_cap, 4096);
    cfg->record_cap = or_default(cfg->record_cap, 65536);
    cfg->lane_cap = or_default(cfg->lane_cap, 256);
    cfg->lane_operations = or_default(cfg->lane_operations, 4);
    cfg->ephemeral_cap = or_default(cfg->ephemeral_cap, 256);
    if (!cfg->request_timeout_ns)
        cfg->request_timeout_ns = 500 * XORD_NS_PER_MS;
    if (!cfg->handshake_timeout_ns)
        cfg->handshake_timeout_ns = XORD_CHALLENGE_LIFE_NS;
}

static int node_init(struct xord_node *node, uint64_t now_ns)
{
    struct xord_node_config *cfg = &node->cfg;
    struct xord_hash_key challenge_key;
    uint8_t ephemeral_seed32[32];
    int err;

    xord_rng_init(&node->rng, cfg->seed32);
    xord_wipe(cfg->seed32, sizeof(cfg->seed32));
    xord_rng_fill(&node->rng, &node->hash_key, sizeof(node->hash_key));
    xord_rng_fill(&node->rng, &challenge_key, sizeof(challenge_key));
    xord_wheel_init(&node->wheel, now_ns);
    node->now_ns = now_ns;
    node->aes = cfg->aes_ops->open();
    node->sessions = xord_sessions_new(cfg->session_cap, &node->hash_key);
    node->challenges = xord_challenges_new(cfg->challenge_cap, cfg->handshake_timeout_ns, &challenge_key);
    node->records = record_cache_new(cfg->record_cap, &node->hash_key);
    xord_rng_fill(&node->rng, ephemeral_seed32, sizeof(ephemeral_seed32));
    node->ephemerals = xord_ephemerals_new(cfg->ephemeral_cap, cfg->curve, ephemeral_seed32);
    xord_wipe(ephemeral_seed32, sizeof(ephemeral_seed32));
    if (!node->aes || !node->sessions || !node->challenges || !node->records || !node->ephemerals)
        return XORD_ENOMEM;
    err = admit_init(node);
    if (!err)
        err = lane_init(node);
    if (!err)
        err = requests_init(node);
    if (!err)
        err = hosts_init(node);
    return err;
}

struct xord_node *xord_node_new(const struct xord_node_config *config, uint64_t now_ns)
{
    struct xord_node *node = xord_secret_alloc(sizeof(*node));

    if (!node)
        return NULL;
    node->cfg = *config;
    config_set_defaults(&node->cfg);
    if (node_init(node, now_ns)) {
        xord_node_free(node);
        return NULL;
    }
    return node;
}

void xord_node_free(struct xord_node *node)
{
    if (!node)
        return;
    while (node->self_mail.head) {
        struct xord_mail *mail = node->self_mail.head;

        node->self_mail.head = mail->next;
        node->cfg.io.mail_free(node->cfg.io.ctx, mail);
    }
    hosts_free(node);
    requests_free(node);
    lane_free(node);
    record_cache_free(node->records);
    admit_free(node);
    xord_ephemerals_free(node->ephemerals);
    xord_challenges_free(node->challenges);
    xord_sessions_free(node->sessions);
    if (node->aes)
        node->cfg.aes_ops->close(node->aes);
    xord_secret_free(node, sizeof(*node));
}

const struct xord_enr *node_enr(struct xord_node *node, uint32_t local)
{
    if (node_is_host(node, local) || !node->cfg.crowd)
        return xord_node_enr(node, local);
    xord_crowd_enr(node->cfg.crowd, &node->crowd_enr, local, node->now_ns);
    return &node->crowd_enr;
}

uint64_t node_enr_seq(const struct xord_node *node, uint32_t local)
{
    if (node_is_host(node, local) || !node->cfg.crowd)
        return xord_node_enr(node, local)->seq;
    return xord_crowd_seq(node->cfg.crowd, local, node->now_ns);
}

struct xord_self node_self(struct xord_node *node, uint32_t local)
{
    const struct xord_local *l = &node->cfg.locals->all[local];

    return (struct xord_self){.id32 = l->id32, .seckey32 = l->seckey32, .enr = node_enr(node, local)};
}

struct xord_mail *node_mail_new(struct xord_node *node, enum xord_mail_kind kind, uint32_t local, uint64_t cookie)
{
    struct xord_mail *mail = node->cfg.io.mail_alloc(node->cfg.io.ctx);

    if (!mail) {
        COUNT(node, mail_dropped);
        return NULL;
    }
    mail->next = NULL;
    mail->kind = (uint8_t)kind;
    mail->probe_answered = 0;
    mail->from = mail->reply_to = node->cfg.shard;
    mail->local = local;
    mail->cookie = cookie;
    return mail;
}

void node_mail_to(struct xord_node *node, uint16_t to, struct xord_mail *mail)
{
    if (to != node->cfg.shard) {
        COUNT(node, mail_out);
        node->cfg.io.mail_send(node->cfg.io.ctx, to, mail);
        return;
    }
    mail->next = NULL;
    if (node->self_mail.tail)
        node->self_mail.tail->next = mail;
    else
        node->self_mail.head = mail;
    node->self_mail.tail = mail;
}

static void mail_dispatch(struct xord_node *node, const struct xord_mail *mail)
{
    switch ((enum xord_mail_kind)mail->kind) {
    case XORD_MAIL_REQUEST:
        request_start(node, mail);
        break;
    case XORD_MAIL_LOOKUP:
        seeker_start(node, mail->local, mail->lookup.target32, mail->reply_to, mail->cookie, false);
        break;
    case XORD_MAIL_OFFER:
        host_on_offer(node, mail);
        break;
    case XORD_MAIL_VOTE:
        host_on_vote(node, mail);
        break;
    case XORD_MAIL_SELF:
        host_on_self(node, mail);
        break;
    case XORD_MAIL_SEED:
        host_on_seed(node, mail);
        break;
    case XORD_MAIL_BAN:
        admit_on_ban(node, mail);
        break;
    case XORD_MAIL_LIMITS:
        admit_on_limits(node, mail);
        break;
    case XORD_MAIL_DRAIN:
        node->draining = mail->drain;
        break;
    case XORD_MAIL_LIST:
        node_on_list(node, mail);
        break;
    case XORD_MAIL_LISTED: /* for control */
        break;
    case XORD_MAIL_PONG:
    case XORD_MAIL_RECORDS:
    case XORD_MAIL_TALK:
    case XORD_MAIL_DONE:
        if (mail->cookie >> PURPOSE_SHIFT == PURPOSE_LOOKUP)
            seeker_on_reply(node, mail);
        else
            host_on_reply(node, mail);
        break;
    }
}

/* Each mail can only start requests, which answer later, so this ends. */
void node_mail_take_own(struct xord_node *node)
{
    while (node->self_mail.head) {
        struct xord_mail *mail = node->self_mail.head;

        node->self_mail.head = mail->next;
        if (!mail->next)
            node->self_mail.tail = NULL;
        mail_dispatch(node, mail);
        node->cfg.io.mail_free(node->cfg.io.ctx, mail);
    }
}

static void call_ends(struct xord_node *node)
{
    node_mail_take_own(node);
    tx_flush(node);
}

void xord_node_mail(struct xord_node *node, const struct xord_mail *mail, uint64_t now_ns)
{
    node->now_ns = now_ns;
    COUNT(node, mail_in);
    mail_dispatch(node, mail);
    call_ends(node);
}

void xord_node_forget(struct xord_node *node, uint32_t local, const struct xord_peer *peer)
{
    struct xord_session_key key = {.ep = peer->ep, .local = local};
    struct xord_session *session;

    memcpy(key.peer_id32, peer->id32, 32);
    session = xord_session_find(node->sessions, &key);
    if (session)
        xord_session_remove(node->sessions, session);
}

void xord_node_poll(struct xord_node *node, uint64_t now_ns)
{
    struct xord_timer *timer;

    node->now_ns = now_ns;
    xord_wheel_advance(&node->wheel, now_ns);
    while ((timer = xord_wheel_pop(&node->wheel)) != NULL)
        request_on_timer(node, timer);
    hosts_poll(node);
    admit_poll(node);
    call_ends(node);
}

void xord_node_rx(struct xord_node *node, struct xord_dgram *burst, size_t cnt, uint64_t now_ns)
{
    node->now_ns = now_ns;
    rx_burst(node, burst, cnt);
    call_ends(node);
}

void xord_node_work(struct xord_node *node, enum xord_load load, uint64_t now_ns)
{
    node->now_ns = now_ns;
    lane_work(node, load);
    call_ends(node);
}

void xord_node_work_took(struct xord_node *node, uint64_t took_ns)
{
    lane_took(&node->lane, took_ns);
}

bool xord_node_has_work(const struct xord_node *node, enum xord_load load)
{
    return lane_has_work(node, load);
}

uint64_t xord_node_next_ns(const struct xord_node *node)
{
    uint64_t next = xord_wheel_next_ns(&node->wheel);
    uint64_t hosts = hosts_next_ns(node);

    return hosts < next ? hosts : next;
}

const struct xord_counters *xord_node_counters(const struct xord_node *node)
{
    return &node->counters;
}

struct xord_counters *xord_node_counters_mut(struct xord_node *node)
{
    return &node->counters;
}

const struct xord_timing *xord_node_timing(const struct xord_node *node, enum xord_timing_id id)
{
    return &node->timings[id];
}

struct xord_timing *xord_node_timing_mut(struct xord_node *node, enum xord_timing_id id)
{
    return &node->timings[id];
}

const struct xord_enr *xord_node_enr(const struct xord_node *node, uint32_t local)
{
    return node_is_host(node, local) ? &node->hosts[local].enr : &node->cfg.locals->all[local].enr;
}

void xord_node_sizes(const struct xord_node *node, struct xord_node_sizes *sizes)
{
    *sizes = (struct xord_node_sizes){
            .sessions = xord_sessions_cnt(node->sessions),
            .requests = node->req_cnt,
            .lane = lane_cnt(node),
    };
    for (uint32_t i = 0; i < node->cfg.host_cnt; i++) {
        sizes->table += xord_table_cnt(node->hosts[i].table);
        sizes->table_live += xord_table_live_cnt(node->hosts[i].table);
    }
}
