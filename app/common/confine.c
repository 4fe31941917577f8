/* SPDX-License-Identifier: BSD-3-Clause */
/* What a command gives up once it runs: its options, and what each kind of command keeps. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

enum { OPT_USER = 0x180, OPT_CORE_DUMPS, OPT_SECCOMP };

static const struct argp_option seccomp_table[] = {
        {"seccomp", OPT_SECCOMP, "MODE", 0,
                "Once started, make only the system calls that xord needs: \"on\" (default), \"off\", or \"log\": "
                "others go on, and to the kernel's log",
                3},
        {0},
};

static const struct argp_option user_table[] = {
        {"user", OPT_USER, "NAME", 0,
                "Started as root, become this user; default: who called sudo, else xord, else nobody; \"root\" stays "
                "root, without its capabilities",
                3},
        {"core-dumps", OPT_CORE_DUMPS, NULL, 0,
                "Let a crash leave a core dump; without the keys, but for what was just being computed", 3},
        {0},
};

static int seccomp_set(struct confine_options *options, const char *text)
{
    static const char *const names[] =
            {[XORD_SECCOMP_ON] = "on", [XORD_SECCOMP_LOG] = "log", [XORD_SECCOMP_OFF] = "off"};

    for (unsigned i = XORD_SECCOMP_ON; i <= XORD_SECCOMP_OFF; i++)
        if (strcmp(text, names[i]) == 0) {
            options->seccomp = (enum xord_seccomp)i;
            return 0;
        }
    return complain("%s%.60s is neither on, off nor log", by_option("--seccomp "), text);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct confine_options *options = state->input;
    char err[XORD_CONFINE_ERR_LEN];

    switch (key) {
    case OPT_USER:
        options->user = arg;
        if (xord_confine_user_check(arg, err) == 0)
            return 0;
        complain_print("%s", err);
        return EINVAL;
    case OPT_CORE_DUMPS:
        options->core_dumps = true;
        return 0;
    case OPT_SECCOMP:
        return seccomp_set(options, arg) ? EINVAL : 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp seccomp_options_argp = {.options = seccomp_table, .parser = parse_option};
const struct argp user_options_argp = {.options = user_table, .parser = parse_option};

/* ---- what is kept ---- */

static void path_add(struct xord_confine_config *config, const char *path)
{
    if (config->path_cnt < XORD_CONFINE_MAX_PATHS)
        config->paths[config->path_cnt++] = path;
}

/* The directory of a file. `dir` is to hold its name as long as `config` is used. */
static void dir_add(struct xord_confine_config *config, char *dir, size_t cap, const char *file)
{
    const char *slash = strrchr(file, '/');
    size_t len = slash ? (size_t)(slash - file) + 1 : 0;

    if (len >= cap)
        return;
    memcpy(dir, len ? file : ".", len ? len : 1);
    dir[len ? len : 1] = '\0';
    path_add(config, dir);
}

/* A file that is written later: itself, if it is there, and its directory, where its successor is made. */
static void file_add(struct xord_confine_config *config, char *dir, size_t cap, const char *file)
{
    if (access(file, F_OK) == 0)
        path_add(config, file);
    dir_add(config, dir, cap, file);
}

/* Will xord_confine make us another user? What it would have to write decides. */
static bool may_become(const struct xord_confine_config *config)
{
    bool may = config->user->is_change;

    for (uint32_t i = 0; i < config->path_cnt && may; i++)
        may = xord_confine_may_write(config->user, config->paths[i]);
    return may;
}

/* What is to be used and removed by whom we become. */
static void hand_over(const struct xord_confine_user *user, const struct confine_wish *wish)
{
    xord_port_hand_over(user->uid, user->gid);
    if (wish->socket)
        (void)!chown(wish->socket, user->uid, user->gid);
}

/* What is to be given up, and the names in it. */
struct plan {
    struct xord_confine_config config;
    struct xord_port_needs port;
    char dir[4096], socket_dir[4096];
};

static int confine(struct plan *plan, const struct node_options *options, const struct confine_wish *wish)
{
    struct xord_confine_config *config = &plan->config;
    struct xord_port_needs *port = &plan->port;
    char err[XORD_CONFINE_ERR_LEN];

    xord_port_needs(port, &options->port);
    config->needs = wish->needs | (port->is_device ? XORD_NEED_DEVICE : 0U) | (port->has_xdp ? XORD_NEED_XDP : 0U) |
                    (port->has_telemetry ? XORD_NEED_CLIENTS | XORD_NEED_THREADS : 0U);
    config->keep_caps = port->caps;
    config->seccomp = options->confine.seccomp;
    if (*port->path)
        path_add(config, port->path);
    if (wish->dir)
        path_add(config, wish->dir);
    if (wish->file) {
        config->needs |= XORD_NEED_FILES;
        file_add(config, plan->dir, sizeof(plan->dir), wish->file);
    }
    if (wish->socket)
        dir_add(config, plan->socket_dir, sizeof(plan->socket_dir), wish->socket);
    if (config->user && may_become(config))
        hand_over(config->user, wish);
    return xord_confine(config, err) ? complain("%s", err) : 0;
}

int service_confine(const struct node_options *options, const struct confine_wish *wish)
{
    struct plan plan = {.config.core_dumps = true};

    return confine(&plan, options, wish);
}

int service_confine_fully(const struct node_options *options, const struct confine_wish *wish)
{
    struct plan plan = {.config.core_dumps = options->confine.core_dumps};
    struct xord_confine_user user;
    char err[XORD_CONFINE_ERR_LEN];

    if (xord_confine_user(&user, options->confine.user, err))
        return complain("%s", err);
    plan.config.user = &user;
    return confine(&plan, options, wish);
}
