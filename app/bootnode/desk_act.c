/* SPDX-License-Identifier: BSD-3-Clause */
/* What a bootnode can be told while it runs. */
#include <stdio.h>
#include <string.h>

#include "desk.h"

#define FOR_MAX_S (100ULL * 365 * 24 * 3600)

static int prefix_read(struct question *question, struct xord_prefix *prefix)
{
    const char *text;
    int err = question_text(question, &text, "prefix");

    if (err)
        return err;
    if (!text)
        return question_fail(question, "say which prefix: 192.0.2.0/24, 2001:db8::/32, or one address");
    if (xord_prefix_parse(prefix, text))
        return question_fail(question,
                "\"%.60s\" is no prefix: say 192.0.2.0/24, 2001:db8::/32, or one address; what "
                "is behind the length must be 0",
                text);
    return 0;
}

int desk_ban(struct question *question)
{
    char text[XORD_PREFIX_TEXT_LEN];
    struct xord_prefix prefix;
    uint64_t for_s;
    int err = prefix_read(question, &prefix);

    if (!err)
        err = question_uint(question, &for_s, "for_s", FOR_MAX_S, 0);
    if (!err && question_has(question, "for_s") && for_s == 0)
        err = question_fail(question, "a ban is for at least a second");
    if (!err)
        err = bootnode_ban(question->bootnode, &prefix,
                for_s ? question->now_ns + for_s * XORD_NS_PER_S : XORD_BAN_FOREVER, question->err);
    if (err)
        return err;
    xord_json_string(question->json, "banned", xord_prefix_format(text, &prefix));
    if (for_s)
        xord_json_uint(question->json, "for_s", for_s);
    else
        xord_json_null(question->json, "for_s");
    return 0;
}

int desk_unban(struct question *question)
{
    char text[XORD_PREFIX_TEXT_LEN];
    struct xord_prefix prefix;
    int err = prefix_read(question, &prefix);

    if (!err)
        err = bootnode_unban(question->bootnode, &prefix, question->err);
    if (!err)
        xord_json_string(question->json, "unbanned", xord_prefix_format(text, &prefix));
    return err;
}

/* ---- limits ---- */

static int rate_read(struct question *question, struct xord_limit_rate *rate, const char *name)
{
    const char *text;
    int err = question_text(question, &text, name);

    return err || !text ? err : limit_read(rate, text, name, question->err);
}

static void rate_show(struct question *question, const char *name, const struct xord_limit_rate *rate)
{
    char text[32];

    snprintf(text, sizeof(text), "%u:%u", rate->rate, rate->burst);
    xord_json_string(question->json, name, rate->rate ? text : "off");
}

/* Shows them, after changing those that are named. */
int desk_limits(struct question *question)
{
    struct xord_limit_config limits = question->bootnode->settings->limits;
    int err = rate_read(question, &limits.address, "address");

    if (!err)
        err = rate_read(question, &limits.prefix, "prefix");
    if (!err && (question_has(question, "address") || question_has(question, "prefix")))
        err = bootnode_set_limits(question->bootnode, &limits, question->err);
    if (err)
        return err;
    rate_show(question, "address", &limits.address);
    rate_show(question, "prefix", &limits.prefix);
    return 0;
}

/* ---- the rest ---- */

int desk_drain(struct question *question)
{
    uint64_t for_s;
    bool off;
    int err = question_uint(question, &for_s, "for_s", FOR_MAX_S, UINT64_MAX);

    if (!err)
        err = question_bool(question, &off, "off");
    if (!err && off && for_s != UINT64_MAX)
        err = question_fail(question, "to drain for some time and not to drain are two things");
    if (!err)
        err = bootnode_drain(question->bootnode, !off, for_s == UINT64_MAX ? UINT64_MAX : for_s * XORD_NS_PER_S,
                question->err);
    if (err)
        return err;
    xord_json_bool(question->json, "draining", !off);
    if (for_s != UINT64_MAX)
        xord_json_uint(question->json, "ends_in_s", for_s);
    else
        xord_json_null(question->json, "ends_in_s");
    return 0;
}

int desk_snapshot(struct question *question)
{
    int err = bootnode_snapshot(question->bootnode, question->err);

    if (!err)
        xord_json_string(question->json, "saved", question->bootnode->settings->state_path);
    return err;
}

int desk_reload(struct question *question)
{
    int err = bootnode_reload(question->bootnode, question->err);

    if (!err)
        xord_json_bool(question->json, "reloaded", true);
    if (!err && *question->bootnode->reload_note)
        xord_json_string(question->json, "note", question->bootnode->reload_note);
    return err;
}

int desk_log(struct question *question)
{
    enum xord_log_level level;
    const char *text;
    int err = question_text(question, &text, "level");

    if (!err && text && xord_log_level_parse(&level, text) == 0) {
        xord_log_set_level(level);
        xord_json_string(question->json, "log", xord_log_level_name(level));
        return 0;
    }
    return err ? err : question_fail(question, "the log has the levels error, warn, info and debug");
}
