/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be changed of a bootnode that runs. */
#include <stdio.h>
#include <string.h>

#include "bootnode.h"

static int tell_all(struct bootnode *bootnode, enum xord_mail_kind kind, const struct xord_mail *mail,
        char err[BOOTNODE_ERR_LEN])
{
    if (xord_engine_tell_all(bootnode->service.engine, kind, mail) == 0)
        return 0;
    snprintf(err, BOOTNODE_ERR_LEN, "a worker takes no messages: it is overloaded, try again");
    return EXIT_USER;
}

int bootnode_ban(struct bootnode *bootnode, const struct xord_prefix *prefix, uint64_t until_ns,
        char err[BOOTNODE_ERR_LEN])
{
    struct xord_mail mail = {.ban = {.prefix = *prefix, .until_ns = until_ns}};

    if (xord_bans_add(bootnode->bans, prefix, until_ns)) {
        snprintf(err, BOOTNODE_ERR_LEN, "there are %d bans already; unban some, or ban wider prefixes", XORD_BAN_CAP);
        return EXIT_USER;
    }
    return tell_all(bootnode, XORD_MAIL_BAN, &mail, err);
}

int bootnode_unban(struct bootnode *bootnode, const struct xord_prefix *prefix, char err[BOOTNODE_ERR_LEN])
{
    struct xord_mail mail = {.ban = {.prefix = *prefix, .until_ns = 0}};
    char text[XORD_PREFIX_TEXT_LEN];

    if (!xord_bans_remove(bootnode->bans, prefix)) {
        snprintf(err, BOOTNODE_ERR_LEN, "%s is not banned; `xord ctl bans` lists what is",
                xord_prefix_format(text, prefix));
        return EXIT_USER;
    }
    return tell_all(bootnode, XORD_MAIL_BAN, &mail, err);
}

int bootnode_set_limits(struct bootnode *bootnode, const struct xord_limit_config *limits, char err[BOOTNODE_ERR_LEN])
{
    struct xord_mail mail = {.limits = *limits};
    int failed = tell_all(bootnode, XORD_MAIL_LIMITS, &mail, err);

    if (!failed)
        bootnode->settings->limits = *limits;
    return failed;
}

int bootnode_drain(struct bootnode *bootnode, bool drain, uint64_t ends_after_ns, char err[BOOTNODE_ERR_LEN])
{
    struct xord_mail mail = {.drain = drain};
    int failed = tell_all(bootnode, XORD_MAIL_DRAIN, &mail, err);

    if (failed)
        return failed;
    bootnode->draining = drain;
    bootnode->ended_ns = drain && ends_after_ns != UINT64_MAX ? xord_now_ns() + ends_after_ns : UINT64_MAX;
    return 0;
}

bool bootnode_is_ready(const struct bootnode *bootnode)
{
    return !bootnode->draining && xord_engine_port_is_up(bootnode->service.engine);
}
