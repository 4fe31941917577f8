/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookups running on this shard: seeds from all shards' snapshots and the bootnodes, queries through the shards that own the
 * endpoints, answers by mail. Spec: discv5-theory.md, "Lookup". */
#include <string.h>

#include "node_private.h"

#define SEEKER_MAX_NS (60 * XORD_NS_PER_S) /* a lookup whose replies were lost is given up */
#define SEEKER_SEEDS  16

static uint64_t seeker_cookie(const struct xord_node *node, const struct seeker *seeker, uint32_t query)
{
    uint64_t slot = (uint64_t)(seeker - node->seekers);
    uint64_t generation = seeker->started_ns / XORD_NS_PER_US & 0xffff;

    return (uint64_t)PURPOSE_LOOKUP << PURPOSE_SHIFT | slot << 48 | generation << 32 | query;
}

static struct seeker *seeker_of(struct xord_node *node, uint64_t cookie, uint32_t *query)
{
    uint32_t slot = cookie >> 48 & 0xff;
    struct seeker *seeker;

    *query = (uint32_t)cookie;
    if (slot >= SEEKER_CNT || !node->seekers)
        return NULL;
    seeker = &node->seekers[slot];
    return seeker->in_use && seeker_cookie(node, seeker, *query) == cookie ? seeker : NULL;
}

static void send_done(struct xord_node *node, const struct seeker *seeker, uint32_t record_cnt, int err)
{
    struct xord_mail *mail = node_mail_new(node, XORD_MAIL_DONE, seeker->host, seeker->cookie);

    if (!mail)
        return;
    mail->done = (struct xord_mail_done){
            .err = err,
            .record_cnt = record_cnt,
            .queries = seeker->lookup.query_cnt,
            .rtt_ns = node->now_ns - seeker->started_ns,
    };
    node_mail_to(node, seeker->reply_to, mail);
}

static struct seeker *seeker_alloc(struct xord_node *node)
{
    for (uint32_t i = 0; node->seekers && i < SEEKER_CNT; i++) {
        struct seeker *seeker = &node->seekers[i];

        if (seeker->in_use && node->now_ns - seeker->started_ns <= SEEKER_MAX_NS)
            continue;
        if (seeker->in_use && !seeker->is_refresh)
            send_done(node, seeker, 0, XORD_ETIMEOUT);
        return seeker;
    }
    return NULL;
}

static void seeker_seed(struct xord_node *node, struct seeker *seeker)
{
    const struct xord_snapshot_node *closest[SEEKER_SEEDS];
    struct xord_table_view view;
    struct xord_enr enr;
    uint32_t n;

    node->cfg.io.view(node->cfg.io.ctx, seeker->host, &view);
    n = xord_table_closest(&view, seeker->lookup.target32, true, closest, SEEKER_SEEDS);
    for (uint32_t i = 0; i < n; i++) {
        if (xord_enr_decode(&enr, closest[i]->enr, closest[i]->enr_len))
            continue;
        memcpy(enr.id32, closest[i]->id32, 32);
        xord_lookup_add(&seeker->lookup, &enr);
    }
    for (uint32_t i = 0; n < SEEKER_SEEDS && i < node->cfg.bootnode_cnt; i++)
        xord_lookup_add(&seeker->lookup, &node->cfg.bootnodes[i]);
}

static void seeker_ask(struct xord_node *node, struct seeker *seeker, const struct xord_lookup_query *query)
{
    struct xord_endpoint ep;
    struct xord_mail *mail = NULL;

    if (node_pick_endpoint(node, seeker->host, &query->enr, &ep))
        mail = node_mail_new(node, XORD_MAIL_REQUEST, seeker->host, seeker_cookie(node, seeker, query->query));
    if (!mail) {
        xord_lookup_failed(&seeker->lookup, query->query);
        return;
    }
    mail->request.peer = xord_peer_from_enr(&query->enr, &ep);
    mail->request.type = XORD_MSG_FINDNODE;
    mail->request.distance_cnt = (uint16_t)query->distance_cnt;
    memcpy(mail->request.distances, query->distances, query->distance_cnt * sizeof(query->distances[0]));
    node_mail_to(node, node->cfg.io.shard_of(node->cfg.io.ctx, seeker->host, &ep), mail);
}

static void send_result(struct xord_node *node, const struct seeker *seeker)
{
    const struct xord_enr *found[XORD_LOOKUP_MAX_NODES];
    size_t n = xord_lookup_result(&seeker->lookup, found, XORD_LOOKUP_MAX_NODES);
    struct xord_mail *mail = NULL;

    for (size_t i = 0; i < n; i++) {
        if (mail && xord_mail_records_put(&mail->records, found[i]))
            continue;
        if (mail)
            node_mail_to(node, seeker->reply_to, mail);
        mail = node_mail_new(node, XORD_MAIL_RECORDS, seeker->host, seeker->cookie);
        if (!mail)
            break;
        mail->records.cnt = mail->records.len = 0;
        (void)!xord_mail_records_put(&mail->records, found[i]);
    }
    if (mail)
        node_mail_to(node, seeker->reply_to, mail);
    send_done(node, seeker, (uint32_t)n, 0);
}

static void seeker_pump(struct xord_node *node, struct seeker *seeker)
{
    struct xord_lookup_query query;

    while (xord_lookup_next(&seeker->lookup, &query))
        seeker_ask(node, seeker, &query);
    if (!xord_lookup_is_done(&seeker->lookup))
        return;
    if (!seeker->is_refresh)
        send_result(node, seeker);
    seeker->in_use = false;
}

void seeker_start(struct xord_node *node, uint32_t host, const uint8_t target32[32], uint16_t reply_to, uint64_t cookie,
        bool is_refresh)
{
    struct seeker *seeker = node_is_host(node, host) ? seeker_alloc(node) : NULL;

    if (!seeker) {
        struct xord_mail *mail = is_refresh ? NULL : node_mail_new(node, XORD_MAIL_DONE, host, cookie);

        if (mail) {
            mail->done = (struct xord_mail_done){.err = XORD_EFULL};
            node_mail_to(node, reply_to, mail);
        }
        return;
    }
    seeker->in_use = true;
    seeker->is_refresh = is_refresh;
    seeker->host = host;
    seeker->reply_to = reply_to;
    seeker->cookie = cookie;
    seeker->started_ns = node->now_ns;
    xord_lookup_init(&seeker->lookup, target32, node->hosts[host].enr.id32);
    seeker_seed(node, seeker);
    seeker_pump(node, seeker);
}

/* Who answers has made itself known: it belongs into the table even if its handshake was long ago. */
static void offer_answerer(struct xord_node *node, const struct seeker *seeker, const uint8_t id32[32])
{
    for (uint32_t i = 0; i < seeker->lookup.node_cnt; i++)
        if (memcmp(seeker->lookup.nodes[i].enr.id32, id32, 32) == 0)
            host_offer(node, seeker->host, &seeker->lookup.nodes[i].enr, true);
}

void seeker_on_reply(struct xord_node *node, const struct xord_mail *mail)
{
    uint32_t query;
    struct seeker *seeker = seeker_of(node, mail->cookie, &query);
    struct xord_enr enr;
    size_t pos = 0;

    if (!seeker)
        return;
    if (mail->kind == XORD_MAIL_RECORDS) {
        while (xord_mail_records_next(&mail->records, &pos, &enr)) {
            xord_lookup_add(&seeker->lookup, &enr);
            host_offer(node, seeker->host, &enr, false);
        }
        return;
    }
    if (mail->kind != XORD_MAIL_DONE)
        return;
    if (mail->done.err == 0 || mail->done.packet_cnt > 0) {
        offer_answerer(node, seeker, mail->peer.id32);
        xord_lookup_answered(&seeker->lookup, query);
    } else {
        xord_lookup_failed(&seeker->lookup, query);
    }
    seeker_pump(node, seeker);
}
