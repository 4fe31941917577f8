/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a bootnode is asked: opens the control socket, the metrics and what DPDK's telemetry shall know, and serves them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_path.h"
#include "desk.h"
#include "xord_http.h"
#include "xord_line_server.h"
#include "xord_telemetry.h"

#define TELEMETRY_ROWS 32 /* as many rows of a table as fit into an answer */

#define NOTES 2

struct desk {
    struct xord_line_server *control;
    struct xord_http *http;
    int telemetry_fd; /* -1: none */
    char control_path[CTL_PATH_LEN];
    struct desk_facts facts;
    char notes[NOTES][XORD_LINE_ERR_LEN + 64]; /* for the log, when the record has been printed */
    enum xord_log_level note_levels[NOTES];
    unsigned note_cnt;
};

const struct desk_facts *desk_facts(const struct bootnode *bootnode)
{
    return &bootnode->desk->facts;
}

/* ---- the control socket ---- */

static void on_line(void *ctx, const char *line, size_t len, struct xord_buf *reply)
{
    desk_answer(ctx, line, len, reply);
}

static void on_control(void *ctx)
{
    struct bootnode *bootnode = ctx;

    xord_line_server_turn(bootnode->desk->control, xord_now_ns());
}

/* Not to have what nobody asked for is no error. */
static int missing(struct desk *desk, bool named, const char *why, const char *option)
{
    if (named)
        return complain("%s", why);
    desk->note_levels[desk->note_cnt] = XORD_LOG_WARN;
    snprintf(desk->notes[desk->note_cnt++], sizeof(desk->notes[0]), "%s; going on without (%s names another, or none)",
            why, option);
    return 0;
}

static int control_open(struct bootnode *bootnode)
{
    struct desk *desk = bootnode->desk;
    const char *path = bootnode->settings->desk.control;
    char err[XORD_LINE_ERR_LEN];
    bool named = path != NULL, taken;

    if (path && strcmp(path, "none") == 0)
        return 0;
    if (!path && !ctl_path_to_serve(desk->control_path)) {
        desk->note_levels[desk->note_cnt] = XORD_LOG_INFO;
        snprintf(desk->notes[desk->note_cnt++], sizeof(desk->notes[0]),
                "no control socket: neither $XDG_RUNTIME_DIR nor " CTL_SYSTEM_DIR
                " can be written to; --ctl PATH names a place");
        return 0;
    }
    if (path)
        snprintf(desk->control_path, sizeof(desk->control_path), "%s", path);
    if (path && strlen(path) >= sizeof(desk->control_path))
        return complain("--ctl %.60s...: the path of a socket has at most 107 bytes", path);
    desk->control = xord_line_server_open(desk->control_path, "{\"error\":\"a request has at most 4095 bytes\"}",
            on_line, bootnode, &taken, err);
    if (!desk->control)
        return missing(desk, named, err, "--ctl");
    desk->facts.control = desk->control_path;
    return bootnode_watch(bootnode, xord_line_server_fd(desk->control), POLLIN, on_control, bootnode)
                   ? 0
                   : complain("too many things to wait for");
}

/* ---- metrics ---- */

static void on_http(void *ctx)
{
    struct bootnode *bootnode = ctx;

    xord_http_turn(bootnode->desk->http);
}

static int http_open(struct bootnode *bootnode)
{
    struct desk *desk = bootnode->desk;
    const char *where = bootnode->settings->desk.metrics;
    char err[XORD_HTTP_ERR_LEN];
    bool named = where != NULL, taken;

    if (where && strcmp(where, "off") == 0)
        return 0;
    desk->http = xord_http_open(where ? where : DESK_METRICS_DEFAULT, desk_http, bootnode, &taken, err);
    if (!desk->http)
        return missing(desk, named, err, "--metrics");
    desk->facts.metrics = xord_http_where(desk->http);
    xord_log(XORD_LOG_DEBUG, "metrics at http://%s/metrics", desk->facts.metrics);
    return bootnode_watch(bootnode, xord_http_fd(desk->http), POLLIN, on_http, bootnode)
                   ? 0
                   : complain("too many things to wait for");
}

/* ---- DPDK's telemetry ---- */

/* What is only looked at. The parameter, where there is one, and how it is called in a request. */
static const struct {
    struct xord_telemetry_command command;
    const char *name, *parameter;
    bool is_number, is_long;
} told[] = {
        {{"/xord/status", "Who this node is, and how it does"}, "status", NULL, false, false},
        {{"/xord/shards", "Each worker's shard"}, "shards", NULL, false, false},
        {{"/xord/counters", "All counters: sum, and each shard's"}, "counters", NULL, false, false},
        {{"/xord/bans", "Banned prefixes"}, "bans", NULL, false, false},
        {{"/xord/limits", "Limits by source"}, "limits", NULL, false, false},
        {{"/xord/table", "Routing table. Parameter: log distance"}, "table", "bucket", true, true},
        {{"/xord/sessions", "Some sessions. Parameter: how many"}, "sessions", "limit", true, false},
        {{"/xord/peer", "A node. Parameter: its id, or how that begins"}, "peer", "id", false, false},
};
#define TOLD_CNT (sizeof(told) / sizeof(told[0]))

static json_t *request_of(size_t i, const char *params)
{
    json_t *request = json_object();

    json_object_set_new(request, "command", json_string(told[i].name));
    if (told[i].is_long)
        json_object_set_new(request, "limit", json_integer(TELEMETRY_ROWS));
    if (told[i].parameter && *params)
        json_object_set_new(request, told[i].parameter,
                told[i].is_number ? json_integer(strtoll(params, NULL, 10)) : json_string(params));
    if (strcmp(told[i].name, "sessions") == 0 && !*params)
        json_object_set_new(request, "limit", json_integer(TELEMETRY_ROWS));
    return request;
}

static char *telemetry_answer(void *ctx, const char *command, const char *params)
{
    struct xord_buf reply = {0};
    json_t *request;
    char *line;

    for (size_t i = 0; i < TOLD_CNT; i++) {
        if (strcmp(command, told[i].command.name) != 0)
            continue;
        request = request_of(i, params);
        line = json_dumps(request, JSON_COMPACT);
        json_decref(request);
        if (line)
            desk_answer(ctx, line, strlen(line), &reply);
        free(line);
        return xord_buf_take(&reply);
    }
    return NULL;
}

static void on_telemetry(void *ctx)
{
    (void)ctx;
    xord_telemetry_serve();
}

static int telemetry_open(struct bootnode *bootnode)
{
    struct xord_telemetry_command commands[TOLD_CNT];

    for (size_t i = 0; i < TOLD_CNT; i++)
        commands[i] = told[i].command;
    bootnode->desk->telemetry_fd = xord_telemetry_open(commands, TOLD_CNT, telemetry_answer, bootnode);
    if (bootnode->desk->telemetry_fd < 0)
        return 0;
    return bootnode_watch(bootnode, bootnode->desk->telemetry_fd, POLLIN, on_telemetry, bootnode)
                   ? 0
                   : complain("too many things to wait for");
}

/* ---- life cycle ---- */

int desk_open(struct bootnode *bootnode)
{
    int err;

    bootnode->desk = calloc(1, sizeof(*bootnode->desk));
    if (!bootnode->desk)
        return complain("out of memory");
    bootnode->desk->telemetry_fd = -1;
    xord_process_open(&bootnode->desk->facts.process);
    err = control_open(bootnode);
    if (!err)
        err = http_open(bootnode);
    return err ? err : telemetry_open(bootnode);
}

void desk_report(const struct bootnode *bootnode)
{
    for (unsigned i = 0; i < bootnode->desk->note_cnt; i++)
        xord_log(bootnode->desk->note_levels[i], "%s", bootnode->desk->notes[i]);
}

const char *desk_control_path(const struct bootnode *bootnode)
{
    return bootnode->desk->facts.control;
}

/* What has a time limit is looked after even while nothing comes. */
void desk_turn(struct bootnode *bootnode)
{
    if (bootnode->desk->control)
        xord_line_server_turn(bootnode->desk->control, xord_now_ns());
    if (bootnode->desk->http)
        xord_http_turn(bootnode->desk->http);
}

void desk_close(struct bootnode *bootnode)
{
    struct desk *desk = bootnode->desk;

    if (!desk)
        return;
    xord_telemetry_close();
    xord_line_server_close(desk->control);
    xord_http_close(desk->http);
    xord_process_close(&desk->facts.process);
    free(desk);
    bootnode->desk = NULL;
}
