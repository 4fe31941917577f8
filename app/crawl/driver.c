/* SPDX-License-Identifier: BSD-3-Clause */
/* Drives a crawl: its queries become requests to shards, their replies its answers. */
#include <stdlib.h>
#include <string.h>

#include "crawl.h"
#include "xord_rng.h"
#include "xord_text.h"

#define WINDOW_MAX    1024 /* eight mails of the pool for each query */
#define MAILS_A_TURN  256
#define REPLY_LOST_NS (15 * XORD_NS_PER_S) /* a reply that a full ring lost is given up */
#define WAIT_NS       (20 * XORD_NS_PER_MS)
#define NIL           UINT32_MAX

struct open_query {
    uint64_t cookie;  /* the crawl's */
    uint64_t sent_ns; /* 0: free */
    uint32_t generation;
    uint32_t farthest; /* log distance of any record of the answer */
    uint32_t next_free;
};

int driver_init(struct driver *driver, struct service *service, const struct node_options *options)
{
    const struct xord_local *self = &service->locals->all[0];
    struct xord_crawl_config config = {.window_max = WINDOW_MAX, .v4 = self->ep[0].port, .v6 = self->ep[1].port};
    uint32_t bootnodes = options->bootnodes.cnt;

    memset(driver, 0, sizeof(*driver));
    driver->service = service;
    driver->options = options;
    driver->started_ns = xord_now_ns();
    memcpy(config.self32, self->id32, 32);
    xord_random_kernel(&config.hash_key, sizeof(config.hash_key));
    driver->crawl = xord_crawl_new(&config);
    driver->open_cap = WINDOW_MAX;
    driver->open = calloc(driver->open_cap, sizeof(*driver->open));
    driver->bootnode_challenged = calloc(bootnodes, sizeof(bool));
    if (!driver->crawl || !driver->open || !driver->bootnode_challenged)
        return complain("out of memory");
    for (uint32_t i = 0; i < driver->open_cap; i++)
        driver->open[i].next_free = i + 1 < driver->open_cap ? i + 1 : NIL;
    for (uint32_t i = 0; i < bootnodes; i++)
        if (xord_crawl_add(driver->crawl, &options->bootnodes.enrs[i], driver->started_ns) == XORD_ENOMEM)
            return complain("out of memory");
    return 0;
}

void driver_free(struct driver *driver)
{
    xord_crawl_free(driver->crawl);
    free(driver->open);
    free(driver->bootnode_challenged);
}

/* ---- queries out ---- */

static uint64_t slot_take(struct driver *driver, uint64_t cookie, uint64_t now_ns)
{
    uint32_t slot = driver->free_head;
    struct open_query *open = &driver->open[slot];

    driver->free_head = open->next_free;
    open->cookie = cookie;
    open->sent_ns = now_ns;
    open->farthest = 0;
    return (uint64_t)++open->generation << 32 | slot;
}

static struct open_query *slot_of(struct driver *driver, uint64_t cookie)
{
    uint32_t slot = (uint32_t)cookie;
    struct open_query *open;

    if (slot >= driver->open_cap)
        return NULL;
    open = &driver->open[slot];
    return open->sent_ns && open->generation == cookie >> 32 ? open : NULL;
}

static void slot_put(struct driver *driver, struct open_query *open)
{
    open->sent_ns = 0;
    open->next_free = driver->free_head;
    driver->free_head = (uint32_t)(open - driver->open);
}

static void query_send(struct driver *driver, struct xord_mail *mail, const struct xord_crawl_query *query,
        uint64_t now_ns)
{
    struct xord_mail_request *request = &mail->request;
    uint64_t cookie = slot_take(driver, query->cookie, now_ns);

    mail->cookie = cookie;
    request->peer = xord_peer_from_enr(query->enr, &query->ep);
    request->type = XORD_MSG_FINDNODE;
    request->distance_cnt = (uint16_t)query->distance_cnt;
    memcpy(request->distances, query->distances, query->distance_cnt * sizeof(query->distances[0]));
    if (xord_engine_request(driver->service->engine, mail) == 0)
        return;
    slot_put(driver, &driver->open[(uint32_t)cookie]); /* the mail is gone */
    xord_crawl_failed(driver->crawl, query->cookie, false, now_ns);
}

static uint32_t queries_send(struct driver *driver)
{
    struct xord_engine *engine = driver->service->engine;
    struct xord_crawl_query query;
    uint64_t now_ns = xord_now_ns();
    uint32_t sent = 0;

    while (sent < MAILS_A_TURN && driver->free_head != NIL) {
        struct xord_mail *mail = xord_engine_mail_new(engine, XORD_MAIL_REQUEST, 0, 0);

        if (!mail)
            break;
        if (!xord_crawl_next(driver->crawl, &query, now_ns)) {
            xord_engine_mail_free(engine, mail);
            break;
        }
        query_send(driver, mail, &query, now_ns);
        sent++;
    }
    return sent;
}

/* ---- answers in ---- */

static void take_records(struct driver *driver, struct open_query *open, const struct xord_mail *mail, uint64_t now_ns)
{
    struct xord_mail_record record;
    struct xord_enr enr;
    size_t pos = 0;

    while (xord_mail_records_peek(&mail->records, &pos, &record)) {
        unsigned distance = xord_log_distance(mail->peer.id32, record.id32);

        open->farthest = distance > open->farthest ? distance : open->farthest;
        /* Most have been named before: those are not even decoded. */
        if (!xord_crawl_knows(driver->crawl, record.id32, record.seq) && xord_mail_record_decode(&enr, &record) == 0)
            (void)!xord_crawl_add(driver->crawl, &enr, now_ns);
    }
}

static void note_conduct(struct driver *driver, const struct xord_mail *mail, const struct open_query *open)
{
    const struct xord_mail_done *done = &mail->done;

    xord_crawl_conduct(driver->crawl, open->cookie,
            &(struct xord_crawl_conduct){
                    .wrong_distance = done->wrong_distance,
                    .invalid = done->invalid,
                    .bad_totals = done->bad_totals,
                    .loops = done->loops,
                    .farthest = open->farthest,
                    .rtt_ns = done->err == 0 ? done->rtt_ns : 0,
                    .challenge_ns = done->challenge_ns,
                    .challenged = mail->probe_answered,
            });
}

static void note_bootnode(struct driver *driver, const struct xord_mail *mail)
{
    const struct record_list *bootnodes = &driver->options->bootnodes;

    for (uint32_t i = 0; i < bootnodes->cnt && mail->probe_answered; i++)
        driver->bootnode_challenged[i] |= memcmp(bootnodes->enrs[i].id32, mail->peer.id32, 32) == 0;
}

static void ndjson_write(struct driver *driver, const struct xord_crawl_node *node)
{
    char id[65], text[XORD_ENR_MAX_TEXT_LEN + 1], when[WALL_TIME_LEN];
    bool alive = node->status == XORD_CRAWL_ALIVE;

    if (!driver->ndjson || (!alive && node->status != XORD_CRAWL_DEAD))
        return;
    xord_hex_encode(id, node->enr->id32, 32);
    fprintf(driver->ndjson,
            "{\"node_id\":\"%s\",\"seq\":%llu,\"alive\":%s,\"complete\":%s,\"requests\":%u,\"answers\":%u,"
            "\"seen\":%u,\"time\":\"%s\",\"record\":\"%s\"}\n",
            id, (unsigned long long)node->enr->seq, alive ? "true" : "false",
            alive && !node->incomplete ? "true" : "false", node->requests, node->answers, node->seen_cnt,
            wall_time_format(when, driver->wall_offset_ns + node->last_check_ns), xord_enr_to_text(text, node->enr));
}

static void take_done(struct driver *driver, const struct xord_mail *mail, struct open_query *open, uint64_t now_ns)
{
    struct xord_crawl_node before, after;

    before.status = XORD_CRAWL_QUEUED;
    (void)xord_crawl_find(driver->crawl, mail->peer.id32, &before);
    /* Only of use when nobody answers, and dear with a file of 100,000 bootnodes. */
    if (!driver->anybody_answered)
        note_bootnode(driver, mail);
    driver->anybody_answered |= mail->done.err == 0;
    note_conduct(driver, mail, open);
    if (mail->done.err == 0)
        xord_crawl_answered(driver->crawl, open->cookie, mail->done.record_cnt, now_ns);
    else
        xord_crawl_failed(driver->crawl, open->cookie, mail->done.packet_cnt > 0 || mail->done.bad_totals > 0, now_ns);
    slot_put(driver, open);
    if (xord_crawl_find(driver->crawl, mail->peer.id32, &after) && after.status != before.status)
        ndjson_write(driver, &after);
}

static uint32_t answers_take(struct driver *driver)
{
    struct xord_engine *engine = driver->service->engine;
    struct xord_mail *mails[MAILS_A_TURN];
    uint32_t n = xord_engine_poll(engine, mails, MAILS_A_TURN);
    uint64_t now_ns = xord_now_ns();

    for (uint32_t i = 0; i < n; i++) {
        struct open_query *open = slot_of(driver, mails[i]->cookie);

        if (open && mails[i]->kind == XORD_MAIL_RECORDS)
            take_records(driver, open, mails[i], now_ns);
        else if (open && mails[i]->kind == XORD_MAIL_DONE)
            take_done(driver, mails[i], open, now_ns);
        xord_engine_mail_free(engine, mails[i]);
    }
    return n;
}

static void lost_replies_fail(struct driver *driver)
{
    uint64_t now_ns = xord_now_ns();

    if (now_ns - driver->sweep_ns < XORD_NS_PER_S)
        return;
    driver->sweep_ns = now_ns;
    for (uint32_t i = 0; i < driver->open_cap; i++) {
        struct open_query *open = &driver->open[i];

        if (open->sent_ns == 0 || now_ns - open->sent_ns < REPLY_LOST_NS)
            continue;
        xord_crawl_failed(driver->crawl, open->cookie, false, now_ns);
        slot_put(driver, open);
    }
}

void driver_turn(struct driver *driver)
{
    uint32_t taken = answers_take(driver);
    uint32_t sent = queries_send(driver);

    lost_replies_fail(driver);
    if (taken == 0 && sent == 0 && !xord_crawl_is_done(driver->crawl))
        xord_engine_wait(driver->service->engine, WAIT_NS);
}

/* ---- nothing found ---- */

void driver_explain(const struct driver *driver)
{
    const struct record_list *bootnodes = &driver->options->bootnodes;
    const char *refused = service_refused(driver->service);
    char id[65], ep_text[XORD_ENDPOINT_TEXT_LEN];

    if (bootnodes->cnt == 1)
        complain("nothing found: the bootnode did not answer");
    else
        complain("nothing found: none of the %u bootnodes answered", bootnodes->cnt);
    for (uint32_t i = 0; i < bootnodes->cnt; i++) {
        const struct xord_enr *enr = &bootnodes->enrs[i];
        struct xord_endpoint ep;
        const char *how = "silent: no packet came back";

        xord_hex_encode(id, enr->id32, 32);
        if (!service_pick_endpoint(driver->service, enr, &ep)) {
            fprintf(stderr, "  %.16s... has no UDP endpoint that we can send to\n", id);
            continue;
        }
        if (refused)
            how = refused;
        if (driver->bootnode_challenged[i])
            how = "it challenged us, but did not answer our handshake";
        fprintf(stderr, "  %.16s... at %s: %s\n", id, xord_endpoint_format(ep_text, &ep), how);
    }
    if (refused)
        fprintf(stderr, "  this machine sends nothing there: check its addresses and routes\n");
    else
        fprintf(stderr, "  check that UDP traffic gets out and back (firewall, NAT), or name other bootnodes\n");
}
