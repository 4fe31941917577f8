/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes from elsewhere that join the network. Whoever shakes hands with one of its nodes is called back; who answers is handed
 * out by all of them, and called on by nodes chosen by chance, also by those behind a NAT - until it no longer answers. */
#include <stdlib.h>
#include <string.h>

#include "testnet.h"
#include "xord_bytes.h"
#include "xord_rng.h"
#include "xord_text.h"

#define FAILURES_MAX  3
#define RETRY_NS      (10 * XORD_NS_PER_S) /* for those that were named when the network started */
#define CALLERS_TRIED 1000

struct newcomer {
    struct xord_enr enr;
    struct xord_endpoint ep;
    uint64_t next_ns;
    uint32_t generation; /* of the slot */
    uint32_t failures;   /* in a row */
    bool used, admitted;
    bool named; /* by --bootnodes: never given up */
};

struct newcomers {
    struct xord_crowd *crowd;
    struct xord_engine *engine;
    struct xord_rng rng;
    uint64_t between_ns; /* from call to call */
    uint32_t cnt;        /* slots that have been used */
    uint64_t joined, calls, answers;
    struct newcomer all[XORD_CROWD_NEWCOMERS];
};

static struct newcomer *newcomer_find(struct newcomers *newcomers, const uint8_t id32[32])
{
    for (uint32_t slot = 0; slot < newcomers->cnt; slot++)
        if (newcomers->all[slot].used && memcmp(newcomers->all[slot].enr.id32, id32, 32) == 0)
            return &newcomers->all[slot];
    return NULL;
}

static struct newcomer *newcomer_new(struct newcomers *newcomers)
{
    for (uint32_t slot = 0; slot < XORD_CROWD_NEWCOMERS; slot++) {
        struct newcomer *newcomer = &newcomers->all[slot];

        if (newcomer->used)
            continue;
        if (slot >= newcomers->cnt)
            newcomers->cnt = slot + 1;
        newcomer->generation++;
        newcomer->used = true;
        newcomer->admitted = newcomer->named = false;
        newcomer->failures = 0;
        return newcomer;
    }
    return NULL;
}

static void newcomer_drop(struct newcomers *newcomers, struct newcomer *newcomer)
{
    char id[65];

    if (newcomer->admitted) {
        xord_hex_encode(id, newcomer->enr.id32, 32);
        xord_log(XORD_LOG_INFO, "%.16s... no longer answers", id);
        xord_crowd_dismiss(newcomers->crowd, newcomer->enr.id32);
    }
    newcomer->admitted = false;
    newcomer->used = newcomer->named;
    newcomer->failures = 0;
}

/* ---- calls ---- */

/* Somebody of the network who is there, of any kind. */
static uint32_t caller_pick(struct newcomers *newcomers, uint64_t now_ns)
{
    for (int tried = 0; tried < CALLERS_TRIED; tried++) {
        uint32_t i = (uint32_t)xord_rng_below(&newcomers->rng, xord_crowd_cnt(newcomers->crowd));

        if (xord_crowd_kind(newcomers->crowd, i) != XORD_CROWD_DEAD && xord_crowd_is_here(newcomers->crowd, i, now_ns))
            return i;
    }
    return XORD_CROWD_NONE;
}

/* As in a lookup: the own record and the far distances. */
static void put_findnode(struct xord_mail_request *request)
{
    request->type = XORD_MSG_FINDNODE;
    request->distance_cnt = 4;
    request->distances[0] = 0;
    for (uint16_t d = 1; d < 4; d++)
        request->distances[d] = (uint16_t)(257 - d);
}

static void call(struct newcomers *newcomers, struct newcomer *newcomer, uint32_t caller)
{
    uint64_t slot = (uint64_t)(newcomer - newcomers->all);
    struct xord_mail *mail;

    if (caller == XORD_CROWD_NONE)
        return;
    mail = xord_engine_mail_new(newcomers->engine, XORD_MAIL_REQUEST, caller,
            (uint64_t)newcomer->generation << 32 | slot);
    if (!mail)
        return;
    mail->request.peer = xord_peer_from_enr(&newcomer->enr, &newcomer->ep);
    if (newcomer->admitted && xord_rng_below(&newcomers->rng, 2) == 0)
        put_findnode(&mail->request);
    else
        mail->request.type = XORD_MSG_PING;
    newcomers->calls++;
    (void)!xord_engine_request(newcomers->engine, mail);
}

/* Half to one and a half times what was asked for, so that calls do not come in step. */
static uint64_t pause_ns(struct newcomers *newcomers, const struct newcomer *newcomer)
{
    uint64_t between_ns = newcomers->between_ns;

    if (newcomer->named && !newcomer->admitted && between_ns < RETRY_NS && newcomer->failures > 0)
        between_ns = RETRY_NS;
    return between_ns / 2 + xord_rng_below(&newcomers->rng, between_ns + 1);
}

uint64_t newcomers_turn(struct newcomers *newcomers, uint64_t now_ns)
{
    uint64_t next_ns = now_ns + XORD_NS_PER_S;

    for (uint32_t slot = 0; slot < newcomers->cnt; slot++) {
        struct newcomer *newcomer = &newcomers->all[slot];

        if (!newcomer->used)
            continue;
        while (newcomer->next_ns <= now_ns) {
            call(newcomers, newcomer, caller_pick(newcomers, now_ns));
            newcomer->next_ns += pause_ns(newcomers, newcomer);
            if (newcomer->next_ns + XORD_NS_PER_S < now_ns) /* we were asleep: no burst of what was missed */
                newcomer->next_ns = now_ns;
        }
        next_ns = newcomer->next_ns < next_ns ? newcomer->next_ns : next_ns;
    }
    return next_ns;
}

/* ---- what comes back ---- */

static bool take_record(struct newcomer *newcomer, const struct xord_enr *enr)
{
    if (enr->seq <= newcomer->enr.seq)
        return false;
    newcomer->enr = *enr;
    return true;
}

/* Somebody has shaken hands: the node that it turned to calls it back. */
static void on_offer(struct newcomers *newcomers, const struct xord_mail *mail, uint64_t now_ns)
{
    struct newcomer *newcomer = newcomer_find(newcomers, mail->offer.enr.id32);

    if (newcomer) {
        if (take_record(newcomer, &mail->offer.enr)) {
            newcomer->ep = mail->offer.ep;
            if (newcomer->admitted)
                (void)!xord_crowd_admit(newcomers->crowd, &newcomer->enr);
        }
        return;
    }
    newcomer = newcomer_new(newcomers);
    if (!newcomer)
        return;
    newcomer->enr = mail->offer.enr;
    newcomer->ep = mail->offer.ep;
    newcomer->next_ns = now_ns + pause_ns(newcomers, newcomer);
    call(newcomers, newcomer, mail->local);
}

static void on_answer(struct newcomers *newcomers, struct newcomer *newcomer)
{
    char id[65];

    newcomers->answers++;
    newcomer->failures = 0;
    if (newcomer->admitted || xord_crowd_admit(newcomers->crowd, &newcomer->enr) != 0)
        return;
    newcomer->admitted = true;
    newcomers->joined++;
    xord_hex_encode(id, newcomer->enr.id32, 32);
    xord_log(XORD_LOG_INFO, "%.16s... has joined", id);
}

static void on_records(struct newcomers *newcomers, struct newcomer *newcomer, const struct xord_mail *mail)
{
    struct xord_enr enr;
    size_t pos = 0;

    while (xord_mail_records_next(&mail->records, &pos, &enr))
        if (memcmp(enr.id32, newcomer->enr.id32, 32) == 0 && take_record(newcomer, &enr) && newcomer->admitted)
            (void)!xord_crowd_admit(newcomers->crowd, &newcomer->enr);
}

void newcomers_mail(struct newcomers *newcomers, const struct xord_mail *mail, uint64_t now_ns)
{
    struct newcomer *newcomer = &newcomers->all[(uint32_t)mail->cookie % XORD_CROWD_NEWCOMERS];

    if (mail->kind == XORD_MAIL_OFFER) {
        on_offer(newcomers, mail, now_ns);
        return;
    }
    if (!newcomer->used || newcomer->generation != mail->cookie >> 32)
        return;
    if (mail->kind == XORD_MAIL_RECORDS)
        on_records(newcomers, newcomer, mail);
    if (mail->kind != XORD_MAIL_DONE)
        return;
    if (mail->done.err == 0)
        on_answer(newcomers, newcomer);
    else if (++newcomer->failures >= FAILURES_MAX)
        newcomer_drop(newcomers, newcomer);
}

/* ---- life cycle ---- */

struct newcomers *newcomers_new(struct xord_crowd *crowd, struct service *service, const struct testnet_args *args)
{
    const struct record_list *named = &args->node.bootnodes;
    struct newcomers *newcomers = calloc(1, sizeof(*newcomers));
    uint8_t seed32[32] = "xord testnet callers";
    uint64_t now_ns = xord_now_ns();

    if (!newcomers)
        return NULL;
    newcomers->crowd = crowd;
    newcomers->engine = service->engine;
    newcomers->between_ns = (uint64_t)(1e9 / args->calls);
    xord_store_be64(seed32 + 24, args->seed);
    xord_rng_init(&newcomers->rng, seed32);
    for (uint32_t i = 0; i < named->cnt; i++) {
        struct newcomer *newcomer = newcomer_find(newcomers, named->enrs[i].id32);

        newcomer = newcomer ? newcomer : newcomer_new(newcomers);
        if (!newcomer)
            break;
        newcomer->enr = named->enrs[i];
        newcomer->named = true;
        newcomer->next_ns = now_ns;
        if (!service_pick_endpoint(service, &newcomer->enr, &newcomer->ep))
            newcomer->used = false;
    }
    return newcomers;
}

void newcomers_free(struct newcomers *newcomers)
{
    if (!newcomers)
        return;
    xord_log(XORD_LOG_INFO, "%llu joined; %llu calls on them, %llu answered", (unsigned long long)newcomers->joined,
            (unsigned long long)newcomers->calls, (unsigned long long)newcomers->answers);
    free(newcomers);
}
