/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests: finds the command, checks what comes with it, and makes the answer. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "desk.h"

#define ARGS_MAX 4

static const struct {
    const char *name;
    const char *args[ARGS_MAX];
    int (*run)(struct question *question);
} commands[] = {
        {"status", {NULL}, desk_status},
        {"shards", {NULL}, desk_shards},
        {"counters", {NULL}, desk_counters},
        {"table", {"bucket", "limit"}, desk_table},
        {"sessions", {"limit"}, desk_sessions},
        {"peer", {"id"}, desk_peer},
        {"bans", {NULL}, desk_bans},
        {"ban", {"prefix", "for_s"}, desk_ban},
        {"unban", {"prefix"}, desk_unban},
        {"limits", {"address", "prefix"}, desk_limits},
        {"drain", {"for_s", "off"}, desk_drain},
        {"snapshot", {NULL}, desk_snapshot},
        {"reload", {NULL}, desk_reload},
        {"log", {"level"}, desk_log},
};

#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))

/* ---- arguments ---- */

int question_fail(struct question *question, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(question->err, sizeof(question->err), format, args);
    va_end(args);
    return EXIT_USER;
}

bool question_has(const struct question *question, const char *name)
{
    const json_t *value = json_object_get(question->args, name);

    return value && !json_is_null(value);
}

int question_uint(struct question *question, uint64_t *out, const char *name, uint64_t max, uint64_t otherwise)
{
    const json_t *value = json_object_get(question->args, name);

    *out = otherwise;
    if (!question_has(question, name))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return question_fail(question, "\"%s\" is a whole number from 0 to %llu", name, (unsigned long long)max);
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

int question_bool(struct question *question, bool *out, const char *name)
{
    const json_t *value = json_object_get(question->args, name);

    *out = json_is_true(value);
    if (question_has(question, name) && !json_is_boolean(value))
        return question_fail(question, "\"%s\" is true or false", name);
    return 0;
}

int question_text(struct question *question, const char **out, const char *name)
{
    const json_t *value = json_object_get(question->args, name);

    *out = json_string_value(value);
    if (question_has(question, name) && !*out)
        return question_fail(question, "\"%s\" is a string", name);
    return 0;
}

static bool is_known(size_t command, const char *key)
{
    bool known = strcmp(key, "command") == 0;

    for (int i = 0; i < ARGS_MAX && commands[command].args[i]; i++)
        known = known || strcmp(key, commands[command].args[i]) == 0;
    return known;
}

/* A word that is not understood could be one that matters: a ban for an hour must not become one for ever. */
static int check_args(struct question *question, size_t command)
{
    const char *key;
    json_t *value;

    json_object_foreach(question->args, key, value) if (!is_known(command, key)) return question_fail(question,
            "\"%s\" takes no \"%.40s\"", commands[command].name, key);
    return 0;
}

/* ---- answers ---- */

static int run(struct question *question)
{
    const char *name = json_string_value(json_object_get(question->args, "command"));

    if (!name)
        return question_fail(question, "a request is a JSON object on a line, with a \"command\"");
    for (size_t i = 0; i < COMMAND_CNT; i++)
        if (strcmp(commands[i].name, name) == 0) {
            int err = check_args(question, i);

            return err ? err : commands[i].run(question);
        }
    return question_fail(question, "there is no command \"%.40s\"", name);
}

static void answer_error(struct xord_buf *reply, const char *err)
{
    struct xord_json json = {.buf = reply};

    xord_buf_clear(reply);
    xord_json_object(&json, NULL);
    xord_json_string(&json, "error", err);
    xord_json_end_object(&json);
}

void desk_answer(struct bootnode *bootnode, const char *line, size_t len, struct xord_buf *reply)
{
    struct xord_json json = {.buf = reply};
    struct question question = {.bootnode = bootnode,
            .args = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL),
            .json = &json,
            .now_ns = xord_now_ns()};
    int err;

    xord_json_object(&json, NULL);
    err = run(&question);
    xord_json_end_object(&json);
    if (err || reply->failed)
        answer_error(reply, err ? question.err : "out of memory");
    json_decref(question.args);
}
