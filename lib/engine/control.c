/* SPDX-License-Identifier: BSD-3-Clause */
/* Control's longer conversations with the shards. */
#include <string.h>
#include <time.h>

#include "engine_private.h"

#define PATIENCE_NS (1 * XORD_NS_PER_S)
#define NAP_NS      (20 * XORD_NS_PER_US)

static void control_nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

bool control_has_mail(const struct xord_engine *engine)
{
    return engine->held || !rte_ring_empty(engine->control);
}

uint32_t control_take_held(struct xord_engine *engine, struct xord_mail **mails, uint32_t max)
{
    uint32_t n = 0;

    while (engine->held && n < max) {
        mails[n++] = engine->held;
        engine->held = engine->held->next;
    }
    if (!engine->held)
        engine->held_end = &engine->held;
    return n;
}

static void hold(struct xord_engine *engine, struct xord_mail *mail)
{
    mail->next = NULL;
    *engine->held_end = mail;
    engine->held_end = &mail->next;
}

static struct xord_mail *mail_new_patiently(struct xord_engine *engine, enum xord_mail_kind kind, uint64_t until_ns)
{
    struct xord_mail *mail = xord_engine_mail_new(engine, kind, 0, 0);

    while (!mail && xord_now_ns() < until_ns) {
        control_nap();
        mail = xord_engine_mail_new(engine, kind, 0, 0);
    }
    return mail;
}

/* Takes over the mail. */
static int send_patiently(struct xord_engine *engine, uint16_t shard, struct xord_mail *mail, uint64_t until_ns)
{
    while (!engine_deliver(engine, shard, mail)) {
        if (xord_now_ns() >= until_ns) {
            xord_engine_mail_free(engine, mail);
            return XORD_ETIMEOUT;
        }
        control_nap();
    }
    return 0;
}

int xord_engine_tell(struct xord_engine *engine, uint16_t shard, enum xord_mail_kind kind, const struct xord_mail *mail)
{
    uint64_t until_ns = xord_now_ns() + PATIENCE_NS;
    struct xord_mail *copy = mail_new_patiently(engine, kind, until_ns);

    if (!copy)
        return XORD_ETIMEOUT;
    *copy = *mail;
    copy->kind = (uint8_t)kind;
    copy->from = copy->reply_to = XORD_CONTROL;
    return send_patiently(engine, shard, copy, until_ns);
}

int xord_engine_tell_all(struct xord_engine *engine, enum xord_mail_kind kind, const struct xord_mail *mail)
{
    int err = 0;

    for (uint16_t shard = 0; shard < engine->cfg.worker_cnt && !err; shard++)
        err = xord_engine_tell(engine, shard, kind, mail);
    return err;
}

/* The answer to the LIST with that cookie; all else is held. NULL: none came in time. */
static struct xord_mail *listed_await(struct xord_engine *engine, uint64_t cookie, uint64_t until_ns)
{
    struct xord_mail *mail;

    for (;;) {
        while (ring_take(engine->control, (void **)&mail, 1) == 1) {
            if (mail->kind == XORD_MAIL_LISTED && mail->cookie == cookie)
                return mail;
            if (mail->kind == XORD_MAIL_LISTED) /* too late for whoever asked */
                xord_engine_mail_free(engine, mail);
            else
                hold(engine, mail);
        }
        if (xord_now_ns() >= until_ns)
            return NULL;
        control_nap();
    }
}

static struct xord_mail *list_mail(struct xord_engine *engine, const struct xord_list_query *query, uint32_t pos,
        uint64_t until_ns)
{
    struct xord_mail *mail = mail_new_patiently(engine, XORD_MAIL_LIST, until_ns);

    if (!mail)
        return NULL;
    mail->cookie = ++engine->list_cookie;
    mail->list.what = (uint8_t)query->what;
    mail->list.id_digits = query->id_digits;
    memcpy(mail->list.id32, query->id32, sizeof(mail->list.id32));
    mail->list.pos = pos;
    return mail;
}

int xord_engine_list_next(struct xord_engine *engine, uint16_t shard, const struct xord_list_query *query,
        uint32_t *pos, void (*visit)(void *ctx, uint16_t shard, const struct xord_listed *listed), void *ctx)
{
    uint64_t until_ns = xord_now_ns() + PATIENCE_NS;
    struct xord_mail *mail = list_mail(engine, query, *pos, until_ns);

    if (!mail || send_patiently(engine, shard, mail, until_ns))
        return XORD_ETIMEOUT;
    mail = listed_await(engine, engine->list_cookie, until_ns);
    if (!mail)
        return XORD_ETIMEOUT;
    visit(ctx, shard, &mail->listed);
    *pos = mail->listed.next;
    xord_engine_mail_free(engine, mail);
    return 0;
}

int xord_engine_list(struct xord_engine *engine, uint16_t shard, enum xord_list what,
        void (*visit)(void *ctx, uint16_t shard, const struct xord_listed *listed), void *ctx)
{
    const struct xord_list_query query = {.what = what};
    uint32_t pos = 0;
    int err = 0;

    while (pos != XORD_LIST_END && !err)
        err = xord_engine_list_next(engine, shard, &query, &pos, visit, ctx);
    return err;
}
