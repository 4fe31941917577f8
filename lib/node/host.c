/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts: identities that keep a routing table. Liveness checks, offers between shards, endpoint votes, updates of our own
 * record, snapshots. Spec: discv5-theory.md, "Node Table", "Maintaining The Local Node Record".
 *
 * Shard 0 is a host's home: it counts the votes, signs its record and runs its refresh lookups. */
#include <stdlib.h>
#include <string.h>

#include "node_private.h"

#define HOME_SHARD        0
#define CHECKS_A_POLL     16
#define SNAP_INTERVAL_NS  (20 * XORD_NS_PER_MS)
#define VOTE6_UNKNOWN_NS  (1 * XORD_NS_PER_S)
#define VOTE6_KNOWN_NS    (10 * XORD_NS_PER_S)
#define REFRESH_EMPTY_NS  (2 * XORD_NS_PER_S)
#define REFRESH_SPARSE_NS (10 * XORD_NS_PER_S)
#define REFRESH_FULL_NS   (60 * XORD_NS_PER_S)

static bool is_home(const struct xord_node *node)
{
    return node->cfg.shard == HOME_SHARD;
}

int hosts_init(struct xord_node *node)
{
    if (node->cfg.host_cnt == 0)
        return 0;
    node->hosts = calloc(node->cfg.host_cnt, sizeof(*node->hosts));
    node->seekers = calloc(SEEKER_CNT, sizeof(*node->seekers));
    if (!node->hosts || !node->seekers)
        return XORD_ENOMEM;
    for (uint32_t i = 0; i < node->cfg.host_cnt; i++) {
        struct host *host = &node->hosts[i];

        host->enr = node->cfg.locals->all[i].enr;
        host->table = xord_table_new(host->enr.id32, &node->rng);
        host->refresh_ns = node->cfg.maintain && is_home(node) ? node->now_ns : UINT64_MAX;
        if (!host->table)
            return XORD_ENOMEM;
        if (!is_home(node))
            continue;
        host->votes = calloc(1, sizeof(*host->votes));
        if (!host->votes)
            return XORD_ENOMEM;
        xord_votes_init(host->votes);
    }
    return 0;
}

void hosts_free(struct xord_node *node)
{
    for (uint32_t i = 0; node->hosts && i < node->cfg.host_cnt; i++) {
        xord_table_free(node->hosts[i].table);
        free(node->hosts[i].votes);
    }
    free(node->hosts);
    free(node->seekers);
}

bool node_pick_endpoint(const struct xord_node *node, uint32_t local, const struct xord_enr *enr,
        struct xord_endpoint *ep)
{
    const struct xord_local *l = &node->cfg.locals->all[local];

    return (l->ep[0].port && xord_enr_endpoint4(enr, ep)) || (l->ep[1].port && xord_enr_endpoint6(enr, ep));
}

const struct xord_table_node *node_known_at(const struct xord_node *node, uint32_t local, const uint8_t id32[32],
        const struct xord_endpoint *ep)
{
    const struct xord_table_node *known =
            node_is_host(node, local) ? xord_table_find(node->hosts[local].table, id32) : NULL;

    return known && xord_endpoint_equal(&known->ep, ep) ? known : NULL;
}

bool node_is_at(const struct xord_node *node, uint32_t local, const struct xord_enr *enr,
        const struct xord_endpoint *ep)
{
    struct xord_endpoint named;

    return node_pick_endpoint(node, local, enr, &named) && xord_endpoint_equal(&named, ep);
}

/* ---- offers ---- */

static void table_add(struct xord_node *node, uint32_t host, const struct xord_enr *enr, const struct xord_endpoint *ep,
        bool inbound)
{
    struct xord_table_view view;

    if (admit_is_banned(node, ep))
        return;
    node->cfg.io.view(node->cfg.io.ctx, host, &view);
    (void)xord_table_add(node->hosts[host].table, &view, enr, ep, inbound, node->now_ns);
}

void offer_mail(struct xord_node *node, uint16_t to, uint32_t local, const struct xord_enr *enr,
        const struct xord_endpoint *ep, bool inbound)
{
    struct xord_mail *mail = node_mail_new(node, XORD_MAIL_OFFER, local, 0);

    if (!mail)
        return;
    mail->offer.enr = *enr;
    mail->offer.ep = *ep;
    mail->offer.inbound = inbound;
    node_mail_to(node, to, mail);
}

void host_offer(struct xord_node *node, uint32_t host, const struct xord_enr *enr, bool inbound)
{
    struct xord_endpoint ep;
    uint16_t owner;

    if (!node_pick_endpoint(node, host, enr, &ep))
        return;
    owner = node->cfg.io.shard_of(node->cfg.io.ctx, host, &ep);
    if (owner == node->cfg.shard) {
        table_add(node, host, enr, &ep, inbound);
        return;
    }
    offer_mail(node, owner, host, enr, &ep, inbound);
}

void host_on_offer(struct xord_node *node, const struct xord_mail *mail)
{
    if (node_is_host(node, mail->local))
        table_add(node, mail->local, &mail->offer.enr, &mail->offer.ep, mail->offer.inbound);
}

void host_on_seed(struct xord_node *node, const struct xord_mail *mail)
{
    const struct xord_enr *enr = &mail->seed.enr;
    struct xord_table_view view;
    struct xord_endpoint ep;

    if (!node_is_host(node, mail->local) || !node_pick_endpoint(node, mail->local, enr, &ep) ||
            admit_is_banned(node, &ep))
        return;
    node->cfg.io.view(node->cfg.io.ctx, mail->local, &view);
    (void)xord_table_seed(node->hosts[mail->local].table, &view, enr, &ep, mail->seed.past_checks, node->now_ns);
}

/* ---- liveness ---- */

static void send_request(struct xord_node *node, enum purpose purpose, uint32_t host, const struct xord_peer *peer,
        enum xord_message_type type)
{
    struct xord_mail *mail = node_mail_new(node, XORD_MAIL_REQUEST, host, (uint64_t)purpose << PURPOSE_SHIFT);

    if (!mail)
        return;
    mail->request.peer = *peer;
    mail->request.type = (uint8_t)type;
    mail->request.distance_cnt = 1; /* of a FINDNODE: the peer's own record */
    mail->request.distances[0] = 0;
    node_mail_to(node, node->cfg.io.shard_of(node->cfg.io.ctx, host, &peer->ep), mail);
}

static bool learns(const struct xord_node *node, uint32_t host, int family)
{
    return node->cfg.learn_endpoint && !node->cfg.locals->all[host].fixed[family];
}

/* Those with both families are spoken to over IPv4, so nobody would ever tell where we are seen over IPv6. Now and then one who has
 * proven to be there is asked for his vote; for the table that counts for nothing. */
static void ask_for_vote6(struct xord_node *node, uint32_t host, const struct xord_table_node *due)
{
    struct xord_endpoint ep;
    struct xord_peer peer;

    if (node->now_ns < node->hosts[host].vote6_ns || due->live_checks == 0 || !xord_endpoint_is_v4(&due->ep) ||
            node->cfg.locals->all[host].ep[1].port == 0 || !learns(node, host, 1) ||
            !xord_enr_endpoint6(&due->enr, &ep) || admit_is_banned(node, &ep))
        return;
    node->hosts[host].vote6_ns = node->now_ns + (node->hosts[host].enr.has_ip6 ? VOTE6_KNOWN_NS : VOTE6_UNKNOWN_NS);
    peer = xord_peer_from_enr(&due->enr, &ep);
    send_request(node, PURPOSE_VOTE, host, &peer, XORD_MSG_PING);
}

static void check_liveness(struct xord_node *node, uint32_t host)
{
    struct xord_table_node due;

    for (int i = 0; i < CHECKS_A_POLL && xord_table_next_check(node->hosts[host].table, &due, node->now_ns); i++) {
        struct xord_peer peer = xord_peer_from_enr(&due.enr, &due.ep);

        send_request(node, PURPOSE_LIVENESS, host, &peer, XORD_MSG_PING);
        ask_for_vote6(node, host, &due);
    }
}

/* One at a time, and not before the peer has had its answer: who came with a handshake is in the table by then. */
void host_on_ping(struct xord_node *node, const struct xord_session_key *key)
{
    struct host *host;

    if (!node_is_host(node, key->local))
        return;
    host = &node->hosts[key->local];
    if (host->fetch_ns != 0 || xord_table_find(host->table, key->peer_id32))
        return;
    host->fetch_ns = node->now_ns + XORD_LIVENESS_FIRST_MIN_NS;
    host->fetch_key = *key;
}

static void fetch_stranger(struct xord_node *node, uint32_t i)
{
    struct host *host = &node->hosts[i];
    struct xord_peer peer = {.ep = host->fetch_key.ep};

    if (host->fetch_ns == 0 || node->now_ns < host->fetch_ns)
        return;
    host->fetch_ns = 0;
    /* While the session stands no key is needed to ask. */
    if (!xord_session_find(node->sessions, &host->fetch_key) || xord_table_find(host->table, host->fetch_key.peer_id32))
        return;
    memcpy(peer.id32, host->fetch_key.peer_id32, 32);
    send_request(node, PURPOSE_FETCH, i, &peer, XORD_MSG_FINDNODE);
}

static void on_liveness_pong(struct xord_node *node, const struct xord_mail *mail)
{
    const struct xord_table_node *known = xord_table_find(node->hosts[mail->local].table, mail->peer.id32);

    if (known && mail->pong.enr_seq > known->enr.seq)
        send_request(node, PURPOSE_FETCH, mail->local, &mail->peer, XORD_MSG_FINDNODE);
}

static void on_fetched(struct xord_node *node, const struct xord_mail *mail)
{
    struct xord_enr enr;
    size_t pos = 0;

    while (xord_mail_records_next(&mail->records, &pos, &enr))
        if (memcmp(enr.id32, mail->peer.id32, 32) == 0 && node_record_is_plausible(&enr, &mail->peer.ep))
            host_offer(node, mail->local, &enr, false);
}

void host_on_reply(struct xord_node *node, const struct xord_mail *mail)
{
    enum purpose purpose = (enum purpose)(mail->cookie >> PURPOSE_SHIFT);

    if (!node_is_host(node, mail->local))
        return;
    if (purpose == PURPOSE_FETCH && mail->kind == XORD_MAIL_RECORDS)
        on_fetched(node, mail);
    if (purpose != PURPOSE_LIVENESS)
        return;
    if (mail->kind == XORD_MAIL_PONG)
        on_liveness_pong(node, mail);
    else if (mail->kind == XORD_MAIL_DONE && mail->done.err == 0)
        xord_table_on_live(node->hosts[mail->local].table, mail->peer.id32, &mail->peer.ep, node->now_ns);
    else if (mail->kind == XORD_MAIL_DONE && mail->done.err == XORD_ETIMEOUT) /* not for want of room on our side */
        xord_table_on_dead(node->hosts[mail->local].table, mail->peer.id32, node->now_ns);
}

/* ---- our own record ---- */

static void publish_self(struct xord_node *node, uint32_t host)
{
    for (uint16_t shard = 0; shard <= node->cfg.shard_cnt; shard++) {
        uint16_t to = shard == node->cfg.shard_cnt ? XORD_CONTROL : shard;
        struct xord_mail *mail;

        if (to == node->cfg.shard)
            continue;
        mail = node_mail_new(node, XORD_MAIL_SELF, host, 0);
        if (!mail)
            continue; /* told again at the next refresh */
        mail->self = node->hosts[host].enr;
        node_mail_to(node, to, mail);
    }
}

static void update_record(struct xord_node *node, uint32_t host, const struct xord_endpoint *ep)
{
    struct xord_enr_draft draft;
    struct xord_enr enr;

    xord_enr_draft_from(&draft, &node->hosts[host].enr);
    draft.seq++;
    if (xord_enr_draft_set_endpoint(&draft, ep) ||
            xord_enr_sign(&enr, &draft, node->cfg.curve, node->cfg.locals->all[host].seckey32))
        return;
    COUNT(node, record_updates);
    xord_counter_add(&node->counters, XORD_CNT_curve_operations, 2); /* its key pair, its signature */
    node->hosts[host].enr = enr;
    publish_self(node, host);
}

static void count_vote(struct xord_node *node, uint32_t host, const struct xord_endpoint *voter,
        const struct xord_endpoint *said)
{
    bool v4 = xord_endpoint_is_v4(said);
    struct xord_endpoint current, winner;
    bool known = v4 ? xord_enr_endpoint4(&node->hosts[host].enr, &current)
                    : xord_enr_endpoint6(&node->hosts[host].enr, &current);

    xord_votes_add(node->hosts[host].votes, voter, said, node->now_ns);
    if (xord_votes_decide(node->hosts[host].votes, &winner, v4, known ? &current : NULL, node->now_ns))
        update_record(node, host, &winner);
}

void host_vote(struct xord_node *node, uint32_t host, const struct xord_endpoint *voter,
        const struct xord_endpoint *said)
{
    struct xord_mail *mail;

    if (!learns(node, host, !xord_endpoint_is_v4(said)))
        return;
    if (is_home(node)) {
        count_vote(node, host, voter, said);
        return;
    }
    mail = node_mail_new(node, XORD_MAIL_VOTE, host, 0);
    if (!mail)
        return;
    mail->vote.voter = *voter;
    mail->vote.said = *said;
    node_mail_to(node, HOME_SHARD, mail);
}

void host_on_vote(struct xord_node *node, const struct xord_mail *mail)
{
    if (is_home(node) && node_is_host(node, mail->local))
        count_vote(node, mail->local, &mail->vote.voter, &mail->vote.said);
}

void host_on_self(struct xord_node *node, const struct xord_mail *mail)
{
    if (node_is_host(node, mail->local) && mail->self.seq > node->hosts[mail->local].enr.seq)
        node->hosts[mail->local].enr = mail->self;
}

/* ---- snapshots and refresh ---- */

static void publish_snapshot(struct xord_node *node, uint32_t i)
{
    struct host *host = &node->hosts[i];
    struct xord_table_snapshot *snap;

    if (node->now_ns - host->snap_ns < SNAP_INTERVAL_NS || !xord_table_is_dirty(host->table))
        return;
    host->snap_ns = node->now_ns; /* without a free one too: tried again after the interval */
    snap = node->cfg.io.snap_take(node->cfg.io.ctx, i);
    if (!snap)
        return;
    xord_table_snapshot_fill(snap, host->table);
    node->cfg.io.snap_publish(node->cfg.io.ctx, i, snap);
}

static uint64_t refresh_interval(struct xord_node *node, uint32_t host)
{
    const struct xord_snapshot_node *closest[XORD_TABLE_K];
    struct xord_table_view view;
    uint32_t n;

    node->cfg.io.view(node->cfg.io.ctx, host, &view);
    n = xord_table_closest(&view, node->hosts[host].enr.id32, true, closest, XORD_TABLE_K);
    if (n == 0)
        return REFRESH_EMPTY_NS;
    return n < XORD_TABLE_K ? REFRESH_SPARSE_NS : REFRESH_FULL_NS;
}

static void refresh(struct xord_node *node, uint32_t i)
{
    struct host *host = &node->hosts[i];
    uint8_t target32[32];

    if (node->now_ns < host->refresh_ns)
        return;
    host->refresh_ns = node->now_ns + refresh_interval(node, i);
    if (host->started)
        xord_table_refresh_target(host->table, target32, node->now_ns);
    else
        memcpy(target32, host->enr.id32, 32);
    /* A bootnode that was down when we started, or for a while, is found again. */
    for (uint32_t b = 0; host->refresh_ns < node->now_ns + REFRESH_FULL_NS && b < node->cfg.bootnode_cnt; b++)
        host_offer(node, i, &node->cfg.bootnodes[b], false);
    if (host->enr.seq != node->cfg.locals->all[i].enr.seq)
        publish_self(node, i);
    host->started = true;
    seeker_start(node, i, target32, node->cfg.shard, 0, true);
}

void hosts_poll(struct xord_node *node)
{
    for (uint32_t i = 0; i < node->cfg.host_cnt; i++) {
        check_liveness(node, i);
        fetch_stranger(node, i);
        publish_snapshot(node, i);
        refresh(node, i);
    }
}

uint64_t hosts_next_ns(const struct xord_node *node)
{
    uint64_t next = UINT64_MAX;

    for (uint32_t i = 0; i < node->cfg.host_cnt; i++) {
        const struct host *host = &node->hosts[i];
        uint64_t check = xord_table_next_check_ns(host->table);

        next = check < next ? check : next;
        next = host->refresh_ns < next ? host->refresh_ns : next;
        next = host->fetch_ns && host->fetch_ns < next ? host->fetch_ns : next;
        if (xord_table_is_dirty(host->table) && host->snap_ns + SNAP_INTERVAL_NS < next)
            next = host->snap_ns + SNAP_INTERVAL_NS;
    }
    return next;
}
