/* SPDX-License-Identifier: BSD-3-Clause */
/* Confinement, step by step. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "confine_private.h"
#include "xord_log.h"

static int path_settle(struct xord_confine_user *user, uint64_t *keep_caps, const char *path,
        char err[XORD_CONFINE_ERR_LEN])
{
    if (xord_confine_may_write(user, path))
        return 0;
    if (user->is_change && user->is_named) {
        snprintf(err, XORD_CONFINE_ERR_LEN,
                "user %s may not write to %.160s, as xord has to: chown %s %.160s, or give --user somebody who may",
                user->name, path, user->name, path);
        return -1;
    }
    if (user->is_change) {
        xord_log(XORD_LOG_WARN,
                "staying root, without its capabilities, because user %s may not write to %.160s, as xord has to: "
                "chown "
                "%s %.160s, or say --user root",
                user->name, path, user->name, path);
        user->is_change = false;
        if (xord_confine_may_write(user, path))
            return 0;
    }
    if (geteuid() == 0)
        *keep_caps |= CAP_BIT(CAP_DAC_OVERRIDE);
    return 0;
}

static int dumps_forbid(char err[XORD_CONFINE_ERR_LEN])
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        return 0;
    snprintf(err, XORD_CONFINE_ERR_LEN, "cannot forbid core dumps: %s", strerror(errno));
    return -1;
}

static int filter(const struct xord_confine_config *config, char err[XORD_CONFINE_ERR_LEN])
{
    int rc;

    if (config->seccomp == XORD_SECCOMP_OFF)
        return 0;
    rc = confine_filter(config->needs, config->seccomp == XORD_SECCOMP_LOG, err);
    if (rc <= 0)
        return rc;
    if (config->seccomp != XORD_SECCOMP_DEFAULT)
        return -1;
    xord_log(XORD_LOG_WARN, "running without a seccomp filter: %s", err);
    return 0;
}

int xord_confine(const struct xord_confine_config *config, char err[XORD_CONFINE_ERR_LEN])
{
    struct xord_confine_user user = {.is_change = false};
    uint64_t keep_caps = config->keep_caps;
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);

    if (config->user)
        user = *config->user;
    for (uint32_t i = 0; i < config->path_cnt; i++)
        if (path_settle(&user, &keep_caps, config->paths[i], err))
            return -1;
    if (confine_drop(&user, keep_caps, err))
        return -1;
    /* Becoming another user has forbidden them. */
    if (config->core_dumps && dumpable == 1)
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    else if (!config->core_dumps && dumps_forbid(err))
        return -1;
    if (user.is_change)
        xord_log(XORD_LOG_DEBUG, "now running as user %s", user.name);
    return filter(config, err);
}
