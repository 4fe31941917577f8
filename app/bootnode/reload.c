/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a bootnode that runs what its configuration, read again, says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootnode.h"

/* ---- limits, log ---- */

static int set_limit(struct reload *reload, struct xord_limit_config *limits, struct xord_limit_rate *rate,
        const struct xord_limit_rate *fresh)
{
    if (rate->rate == fresh->rate && rate->burst == fresh->burst)
        return 0;
    *rate = *fresh;
    reload->changed = true;
    return bootnode_set_limits(reload->bootnode, limits, reload->err);
}

int reload_limit_address(struct reload *reload)
{
    struct xord_limit_config limits = reload->bootnode->settings->limits;

    return set_limit(reload, &limits, &limits.address, &reload->fresh->limits.address);
}

int reload_limit_prefix(struct reload *reload)
{
    struct xord_limit_config limits = reload->bootnode->settings->limits;

    return set_limit(reload, &limits, &limits.prefix, &reload->fresh->limits.prefix);
}

int reload_log(struct reload *reload)
{
    reload->changed = xord_log_get_level() != reload->fresh->log_level;
    xord_log_set_level(reload->fresh->log_level);
    return 0;
}

/* ---- bans ---- */

static int ban(struct bootnode *bootnode, const struct ban_wish *wish, char err[BOOTNODE_ERR_LEN])
{
    uint64_t now_ns = xord_now_ns();
    bool forever = wish->for_ns >= XORD_BAN_FOREVER - now_ns;

    return bootnode_ban(bootnode, &wish->prefix, forever ? XORD_BAN_FOREVER : now_ns + wish->for_ns, err);
}

int bans_begin(struct bootnode *bootnode)
{
    char err[BOOTNODE_ERR_LEN];

    for (uint32_t i = 0; i < bootnode->settings->ban_cnt; i++)
        if (ban(bootnode, &bootnode->settings->bans[i], err))
            return complain("%s", err);
    return 0;
}

static bool is_banned(const struct bootnode *bootnode, const struct xord_prefix *prefix)
{
    for (uint32_t i = 0; i < xord_bans_cnt(bootnode->bans); i++) {
        struct xord_prefix banned;
        uint64_t until_ns;

        xord_bans_get(bootnode->bans, i, &banned, &until_ns);
        if (xord_prefix_equal(&banned, prefix))
            return true;
    }
    return false;
}

/* What the file does not name any more. */
static int lift_bans(struct reload *reload)
{
    struct bootnode *bootnode = reload->bootnode;

    for (uint32_t i = 0; i < bootnode->settings->ban_cnt; i++) {
        const struct xord_prefix *prefix = &bootnode->settings->bans[i].prefix;

        if (ban_wish_find(reload->fresh, prefix))
            continue;
        reload->changed = true;
        if (is_banned(bootnode, prefix) && bootnode_unban(bootnode, prefix, reload->err))
            return EXIT_USER;
    }
    return 0;
}

/* A ban for a time that was read before goes on to its end, or is over; one for ever holds even if somebody has lifted it. */
static int add_bans(struct reload *reload)
{
    struct bootnode *bootnode = reload->bootnode;

    for (uint32_t i = 0; i < reload->fresh->ban_cnt; i++) {
        const struct ban_wish *wish = &reload->fresh->bans[i];
        const struct ban_wish *old = ban_wish_find(bootnode->settings, &wish->prefix);

        if (old && old->for_ns == wish->for_ns &&
                (wish->for_ns != XORD_BAN_FOREVER || is_banned(bootnode, &wish->prefix)))
            continue;
        reload->changed = true;
        if (ban(bootnode, wish, reload->err))
            return EXIT_USER;
    }
    return 0;
}

int reload_bans(struct reload *reload)
{
    struct bootnode_settings *settings = reload->bootnode->settings;
    size_t size = reload->fresh->ban_cnt * sizeof(*settings->bans);
    struct ban_wish *bans = size ? malloc(size) : NULL;
    int err = size && !bans ? EXIT_USER : 0;

    if (err) {
        snprintf(reload->err, BOOTNODE_ERR_LEN, "out of memory");
        return err;
    }
    err = lift_bans(reload);
    if (!err)
        err = add_bans(reload);
    if (size)
        memcpy(bans, reload->fresh->bans, size);
    free(settings->bans);
    settings->bans = bans;
    settings->ban_cnt = reload->fresh->ban_cnt;
    return err;
}

/* ---- bootnodes ---- */

static bool has_record(const struct record_list *list, const struct xord_enr *enr)
{
    for (uint32_t i = 0; i < list->cnt; i++)
        if (list->enrs[i].seq == enr->seq && memcmp(list->enrs[i].id32, enr->id32, XORD_ID_LEN) == 0)
            return true;
    return false;
}

/* For the tables of all that we are: they are checked there as those that somebody has named. */
static int join(struct reload *reload, const struct xord_enr *enr)
{
    const struct service *service = &reload->bootnode->service;
    struct xord_mail mail = {.seed = {.enr = *enr}};
    struct xord_endpoint ep;

    if (!service_pick_endpoint(service, enr, &ep))
        return 0;
    for (mail.local = 0; mail.local < service->self_cnt; mail.local++)
        if (xord_engine_tell(service->engine, xord_engine_shard_of(service->engine, mail.local, &ep), XORD_MAIL_SEED,
                    &mail)) {
            snprintf(reload->err, BOOTNODE_ERR_LEN, "a worker takes no messages: it is overloaded, try again");
            return EXIT_USER;
        }
    return 0;
}

int reload_bootnodes(struct reload *reload)
{
    struct bootnode *bootnode = reload->bootnode;
    const struct record_list *fresh = &reload->fresh->node.bootnodes;

    for (uint32_t i = 0; i < fresh->cnt; i++) {
        if (has_record(&bootnode->settings->node.bootnodes, &fresh->enrs[i]) ||
                has_record(&bootnode->joined, &fresh->enrs[i]))
            continue;
        reload->changed = true;
        if (join(reload, &fresh->enrs[i]))
            return EXIT_USER;
        if (record_list_add(&bootnode->joined, &fresh->enrs[i])) {
            snprintf(reload->err, BOOTNODE_ERR_LEN, "out of memory");
            return EXIT_USER;
        }
    }
    return 0;
}

/* ---- the whole ---- */

/* ", line 7", or nothing for a key that the file does not have any more. */
static const char *line_text(char out[32], const struct config *config, unsigned key)
{
    unsigned line = config_line(config, key);

    out[0] = '\0';
    if (line)
        snprintf(out, 32, " (line %u)", line);
    return out;
}

/* What has changed, for the log. */
struct changes {
    char text[600];
    size_t len;
};

static void change_add(struct changes *changes, const struct config *config, unsigned key)
{
    char line[32];

    if (changes->len < sizeof(changes->text))
        changes->len += (size_t)snprintf(changes->text + changes->len, sizeof(changes->text) - changes->len, "%s%s%s",
                changes->len ? ", " : "", config_keys[key].path, line_text(line, config, key));
}

/* For who has asked for it; what does not fit is in the log. */
static void note(struct bootnode *bootnode, const char *path, const char *line, const char *what)
{
    size_t len = strlen(bootnode->reload_note);

    snprintf(bootnode->reload_note + len, sizeof(bootnode->reload_note) - len, "%s%s%s %s", len ? "; " : "", path, line,
            what);
}

static int reload_key(struct reload *reload, struct config *config, unsigned key, struct changes *changes)
{
    struct bootnode_settings *settings = reload->bootnode->settings;
    bool differs = !config_equal(settings->config, config, key);
    char line[32];
    int err = 0;

    reload->changed = false;
    if (settings->overridden[key]) {
        if (differs) {
            xord_log(XORD_LOG_WARN, "changing %s%s has no effect: the command line says what it is",
                    config_keys[key].path, line_text(line, config, key));
            note(reload->bootnode, config_keys[key].path, line, "is what the command line says");
        }
    } else if (config_keys[key].reload) {
        err = config_keys[key].reload(reload);
    } else if (differs) {
        xord_log(XORD_LOG_WARN, "changing %s%s needs a restart", config_keys[key].path, line_text(line, config, key));
        note(reload->bootnode, config_keys[key].path, line, "needs a restart");
    }
    if (reload->changed)
        change_add(changes, config, key);
    return err;
}

static int reload_keys(struct bootnode *bootnode, const struct bootnode_settings *fresh, struct config *config,
        char err[BOOTNODE_ERR_LEN])
{
    struct reload reload = {.bootnode = bootnode, .fresh = fresh, .err = err};
    struct changes changes = {0};
    int failed = 0;

    for (unsigned i = 0; config_keys[i].path && !failed; i++)
        failed = reload_key(&reload, config, i, &changes);
    if (changes.len)
        xord_log(XORD_LOG_INFO, "read %s again, and changed %s", config_name(config), changes.text);
    else if (!failed)
        xord_log(XORD_LOG_INFO, "read %s again: nothing has changed that can change now", config_name(config));
    return failed;
}

/* Is the file right? What it says goes to `fresh`, which holds it. */
static int read_again(const struct bootnode_settings *settings, struct bootnode_settings *fresh,
        char err[BOOTNODE_ERR_LEN])
{
    char first[COMPLAINT_LEN] = "out of memory";
    int argc = 0, failed;

    complaint_keep(first);
    failed = bootnode_settings_init(fresh, &argc, NULL);
    if (!failed)
        fresh->config = config_read(settings->config_path, config_keys);
    failed = fresh->config ? config_apply(fresh->config, fresh, settings->overridden) : EXIT_USER;
    complaint_keep(NULL);
    if (failed)
        snprintf(err, BOOTNODE_ERR_LEN, "%.*s; nothing was changed", BOOTNODE_ERR_LEN - 32, first);
    return failed;
}

void reload_begin(const struct bootnode *bootnode)
{
    const char *path = bootnode->settings->config_path;

    if (path && access(path, R_OK) != 0)
        xord_log(XORD_LOG_WARN,
                "%s cannot be read again by the user that this node has become (%s): let it read the file, or a reload "
                "fails",
                path, strerror(errno));
}

int bootnode_reload(struct bootnode *bootnode, char err[BOOTNODE_ERR_LEN])
{
    const struct bootnode_settings *settings = bootnode->settings;
    struct bootnode_settings fresh = {0};
    int failed;

    if (!settings->config) {
        snprintf(err, BOOTNODE_ERR_LEN,
                "there is nothing to read again: the bootnode was started without --config FILE");
        xord_log(XORD_LOG_WARN, "%s", err);
        return EXIT_USER;
    }
    *bootnode->reload_note = '\0';
    failed = read_again(settings, &fresh, err);
    if (failed) {
        xord_log(XORD_LOG_ERROR, "read %s again: it is wrong, and nothing was changed", settings->config_path);
    } else {
        failed = reload_keys(bootnode, &fresh, fresh.config, err);
        if (failed)
            xord_log(XORD_LOG_ERROR, "read %s again: not all could be changed: %s", settings->config_path, err);
    }
    bootnode_settings_free(&fresh);
    return failed;
}
