/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells control what a shard holds, a mail at a time. The position in a table is host << 16 | place. */
#include <string.h>

#include "node_private.h"

#define HOST_SHIFT 16
#define LOOKED_AT  1024 /* sessions a mail: what waits meanwhile shall not notice */

_Static_assert(XORD_TABLE_CAPACITY < 1 << HOST_SHIFT, "a place in a table has 16 bits");

/* Does an id begin with the digits that were asked for? */
static bool is_asked_for(const struct xord_mail *mail, const uint8_t id32[32])
{
    unsigned digits = mail->list.id_digits < 64 ? mail->list.id_digits : 64;

    return memcmp(id32, mail->list.id32, digits / 2) == 0 &&
           (digits % 2 == 0 || id32[digits / 2] >> 4 == mail->list.id32[digits / 2] >> 4);
}

static void node_fill(struct xord_listed_node *out, const struct xord_table_entry *entry, uint32_t local)
{
    const struct xord_table_node *node = entry->node;

    *out = (struct xord_listed_node){
            .ep = node->ep,
            .local = local,
            .live_checks = node->live_checks,
            .past_checks = entry->past_checks,
            .last_live_ns = node->last_live_ns,
            .seen_ns = entry->seen_ns,
            .distance = entry->distance,
            .misses = entry->misses,
            .replacement = entry->replacement,
            .enr_len = node->enr.len,
    };
    memcpy(out->id32, node->enr.id32, 32);
    memcpy(out->enr, node->enr.raw, node->enr.len);
}

static void list_table(const struct xord_node *node, struct xord_listed *listed, const struct xord_mail *mail)
{
    uint32_t pos = mail->list.pos;
    uint32_t host = pos >> HOST_SHIFT, place = pos & ((1U << HOST_SHIFT) - 1);
    struct xord_table_entry entry;

    for (; host < node->cfg.host_cnt; host++, place = 0)
        while (listed->cnt < XORD_LISTED_NODES) {
            if (!xord_table_walk(node->hosts[host].table, &place, &entry))
                break;
            if (is_asked_for(mail, entry.node->enr.id32))
                node_fill(&listed->nodes[listed->cnt++], &entry, host);
            listed->next = host << HOST_SHIFT | place;
        }
    if (listed->cnt < XORD_LISTED_NODES)
        listed->next = XORD_LIST_END;
}

static void list_sessions(const struct xord_node *node, struct xord_listed *listed, const struct xord_mail *mail)
{
    const struct xord_session *session;
    uint32_t pos = mail->list.pos;

    for (uint32_t n = 0; listed->cnt < XORD_LISTED_SESSIONS && n < LOOKED_AT; n++) {
        session = xord_sessions_walk(node->sessions, &pos);
        if (!session)
            return;
        if (is_asked_for(mail, session->key.peer_id32))
            listed->sessions[listed->cnt++] = (struct xord_listed_session){.key = session->key,
                    .sent_cnt = session->sent_cnt,
                    .is_protected = session->is_protected};
    }
    listed->next = pos;
}

void node_on_list(struct xord_node *node, const struct xord_mail *mail)
{
    struct xord_mail *reply = node_mail_new(node, XORD_MAIL_LISTED, mail->local, mail->cookie);

    if (!reply)
        return;
    reply->listed.what = mail->list.what;
    reply->listed.cnt = 0;
    reply->listed.next = XORD_LIST_END;
    if (mail->list.what == XORD_LIST_TABLE)
        list_table(node, &reply->listed, mail);
    else
        list_sessions(node, &reply->listed, mail);
    node_mail_to(node, mail->reply_to, reply);
}
