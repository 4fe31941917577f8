/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is let in at all, before anything is spent on him: bans, limits by source, and no strangers while draining. */
#include "node_private.h"

int admit_init(struct xord_node *node)
{
    node->bans = xord_bans_new(&node->hash_key);
    node->limit = xord_limit_new(&node->cfg.limits, &node->hash_key);
    return node->bans && node->limit ? 0 : XORD_ENOMEM;
}

void admit_free(struct xord_node *node)
{
    xord_bans_free(node->bans);
    xord_limit_free(node->limit);
}

void admit_on_limits(struct xord_node *node, const struct xord_mail *mail)
{
    xord_limit_set(node->limit, &mail->limits);
}

void admit_on_ban(struct xord_node *node, const struct xord_mail *mail)
{
    struct xord_prefix prefix = mail->ban.prefix;

    if (mail->ban.until_ns == 0) {
        (void)xord_bans_remove(node->bans, &prefix);
        return;
    }
    if (xord_bans_add(node->bans, &prefix, mail->ban.until_ns))
        return; /* control, which knows of all of them, has refused it before */
    for (uint32_t i = 0; i < node->cfg.host_cnt; i++)
        (void)xord_table_drop(node->hosts[i].table, &prefix, node->now_ns);
}

bool admit_is_banned(const struct xord_node *node, const struct xord_endpoint *peer)
{
    return xord_bans_cnt(node->bans) > 0 && xord_bans_has(node->bans, peer->ip16, node->now_ns);
}

static bool admit_one(struct xord_node *node, const struct xord_endpoint *peer)
{
    if (admit_is_banned(node, peer)) {
        COUNT(node, drop_banned);
        return false;
    }
    switch (xord_limit_charge(node->limit, peer->ip16, node->now_ns)) {
    case XORD_LIMIT_ADDRESS:
        COUNT(node, drop_limit_address);
        return false;
    case XORD_LIMIT_PREFIX:
        COUNT(node, drop_limit_prefix);
        return false;
    case XORD_LIMIT_OK:
        break;
    }
    return true;
}

size_t admit(struct xord_node *node, const struct xord_dgram *burst, uint8_t *let_in, size_t cnt)
{
    size_t n = 0;

    if (!xord_limit_is_on(node->limit) && xord_bans_cnt(node->bans) == 0) {
        for (; n < cnt; n++)
            let_in[n] = (uint8_t)n;
        return n;
    }
    for (size_t i = 0; i < cnt; i++) {
        let_in[n] = (uint8_t)i;
        n += admit_one(node, &burst[i].peer);
    }
    return n;
}

void admit_poll(struct xord_node *node)
{
    xord_bans_expire(node->bans, node->now_ns);
}
