/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord ctl`: asks a running bootnode, or tells it what to do. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "ctl.h"

enum { OPT_SOCKET = 0x100, OPT_JSON, OPT_BUCKET, OPT_LIMIT, OPT_FOR, OPT_OFF };

#define BIT(option) (1U << ((option)-OPT_SOCKET))
#define ARGS_MAX    4

struct ctl_args {
    const char *socket;
    bool json;
    const char *command;
    const char *args[ARGS_MAX];
    unsigned arg_cnt;
    unsigned given; /* of the options that belong to one command */
    uint64_t bucket, limit, for_ns;
};

/* ---- what is said to the bootnode ---- */

static int put_prefix(json_t *request, const struct ctl_args *args)
{
    json_object_set_new(request, "prefix", json_string(args->args[0]));
    return 0;
}

static int put_id(json_t *request, const struct ctl_args *args)
{
    json_object_set_new(request, "id", json_string(args->args[0]));
    return 0;
}

static int put_level(json_t *request, const struct ctl_args *args)
{
    json_object_set_new(request, "level", json_string(args->args[0]));
    return 0;
}

static int put_limit(json_t *request, const char *arg)
{
    static const char *const names[] = {"address", "prefix"};
    bool off = strcmp(arg, "off") == 0;
    bool known = off;

    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(names[i]);
        const char *value = strncmp(arg, names[i], len) == 0 && arg[len] == '=' ? arg + len + 1 : NULL;

        if (!off && !value)
            continue;
        json_object_set_new(request, names[i], json_string(off ? "off" : value));
        known = true;
    }
    return known ? 0 : complain("\"%.60s\" is no limit: say address=RATE:BURST, prefix=RATE:BURST, or off", arg);
}

static int put_limits(json_t *request, const struct ctl_args *args)
{
    int err = 0;

    for (unsigned i = 0; i < args->arg_cnt && !err; i++)
        err = put_limit(request, args->args[i]);
    return err;
}

static int put_options(json_t *request, const struct ctl_args *args)
{
    if (args->given & BIT(OPT_BUCKET))
        json_object_set_new(request, "bucket", json_integer((json_int_t)args->bucket));
    if (args->given & BIT(OPT_LIMIT))
        json_object_set_new(request, "limit", json_integer((json_int_t)args->limit));
    /* Rounded up: no ban is shorter than it was meant to be. */
    if (args->given & BIT(OPT_FOR))
        json_object_set_new(request, "for_s",
                json_integer((json_int_t)((args->for_ns + XORD_NS_PER_S - 1) / XORD_NS_PER_S)));
    if (args->given & BIT(OPT_OFF))
        json_object_set_new(request, "off", json_true());
    return 0;
}

static const struct {
    const char *name;
    const char *wants; /* what has to be said beside it; NULL: nothing */
    unsigned arg_min, arg_max;
    unsigned options;
    int (*put)(json_t *request, const struct ctl_args *args);
    void (*show)(const json_t *reply);
} commands[] = {
        {"status", NULL, 0, 0, 0, NULL, show_status},
        {"shards", NULL, 0, 0, 0, NULL, show_shards},
        {"counters", NULL, 0, 0, 0, NULL, show_counters},
        {"table", NULL, 0, 0, BIT(OPT_BUCKET) | BIT(OPT_LIMIT), NULL, show_table},
        {"sessions", NULL, 0, 0, BIT(OPT_LIMIT), NULL, show_sessions},
        {"peer", "a node id, or how one begins", 1, 1, 0, put_id, show_peer},
        {"bans", NULL, 0, 0, 0, NULL, show_bans},
        {"ban", "a prefix: 192.0.2.0/24, 2001:db8::/32, or one address", 1, 1, BIT(OPT_FOR), put_prefix, show_banned},
        {"unban", "a prefix, as `xord ctl bans` shows it", 1, 1, 0, put_prefix, show_unbanned},
        {"limits", NULL, 0, 2, 0, put_limits, show_limits},
        {"drain", NULL, 0, 0, BIT(OPT_FOR) | BIT(OPT_OFF), NULL, show_drain},
        {"snapshot", NULL, 0, 0, 0, NULL, show_saved},
        {"reload", NULL, 0, 0, 0, NULL, show_reloaded},
        {"log", "a level: error, warn, info, debug", 1, 1, 0, put_level, show_log},
};

#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))

/* ---- options ---- */

static const struct argp_option option_table[] = {
        {"socket", OPT_SOCKET, "PATH", 0,
                "The bootnode's control socket (its --ctl); default: $XDG_RUNTIME_DIR/xord.sock, or "
                "/run/xord/xord.sock",
                1},
        {"json", OPT_JSON, NULL, 0, "Print the answer as it came, a JSON object on a line", 1},
        {"bucket", OPT_BUCKET, "N", 0, "table: only nodes at log distance N", 2},
        {"limit", OPT_LIMIT, "N", 0, "table, sessions: at most so many; default 10000 and 100", 2},
        {"for", OPT_FOR, "TIME", 0, "ban: so long, instead of until unban; drain: then end the bootnode. 30s, 15m, 2h",
                2},
        {"off", OPT_OFF, NULL, 0, "drain: take strangers in again", 2},
        {0},
};

static int option(struct ctl_args *args, int key, const char *arg)
{
    args->given |= BIT(key);
    switch (key) {
    case OPT_BUCKET:
        return number_parse(&args->bucket, arg, "bucket", 1, 256);
    case OPT_LIMIT:
        return number_parse(&args->limit, arg, "limit", 0, 1000000);
    case OPT_FOR:
        return time_parse(&args->for_ns, arg, "for");
    default:
        return 0;
    }
}

static int argument(struct ctl_args *args, const char *arg)
{
    if (!args->command) {
        args->command = arg;
        return 0;
    }
    if (args->arg_cnt == ARGS_MAX)
        return complain("too many arguments: \"%.60s\"", arg);
    args->args[args->arg_cnt++] = arg;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct ctl_args *args = state->input;

    switch (key) {
    case OPT_SOCKET:
        args->socket = arg;
        return 0;
    case OPT_JSON:
        args->json = true;
        return 0;
    case OPT_BUCKET ... OPT_OFF:
        if (option(args, key, arg))
            exit(EXIT_USER);
        return 0;
    case ARGP_KEY_ARG:
        if (argument(args, arg))
            exit(EXIT_USER);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ctl_argp = {
        .options = option_table,
        .parser = parse_option,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "Asks a running bootnode, or tells it what to do.\v"
               "Commands that ask:\n"
               "  status              who it is and how it does\n"
               "  shards              each worker's shard: load, time that answers take\n"
               "  counters            everything that is counted, with what it means\n"
               "  table               the routing table, or a bucket of it\n"
               "  peer ID             a node, by its id or how that begins\n"
               "  sessions            some of the sessions\n"
               "  bans                banned prefixes\n"
               "Commands that change:\n"
               "  ban PREFIX          take nothing in from there, and forget its nodes\n"
               "  unban PREFIX        take it in again\n"
               "  limits [address=RATE:BURST] [prefix=RATE:BURST] [off]\n"
               "                      datagrams a second by source; alone: shows them\n"
               "  drain               take no strangers in; who has a session is served\n"
               "  snapshot            save the state now (--state)\n"
               "  reload              read the configuration again (--config)\n"
               "  log LEVEL           error, warn, info or debug\n"
               "Exit code 0, or 1 with a sentence on stderr.\n"
               "Example: xord ctl ban 192.0.2.0/24 --for 1h",
};

/* ---- one command ---- */

/* The command's index, or -1 after a complaint. */
static int find_command(const struct ctl_args *args)
{
    char names[256] = "";
    size_t len = 0;

    for (size_t i = 0; i < COMMAND_CNT; i++) {
        if (args->command && strcmp(commands[i].name, args->command) == 0)
            return (int)i;
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", commands[i].name);
    }
    if (args->command)
        (void)complain("there is no command \"%.40s\": say one of %s", args->command, names);
    else
        (void)complain("say what: one of %s", names);
    return -1;
}

static int check(const struct ctl_args *args, int command)
{
    if (args->arg_cnt < commands[command].arg_min)
        return complain("`xord ctl %s` wants %s", args->command, commands[command].wants);
    if (args->arg_cnt > commands[command].arg_max)
        return complain("`xord ctl %s` takes no \"%.60s\"", args->command, args->args[commands[command].arg_max]);
    for (int key = OPT_BUCKET; key <= OPT_OFF; key++)
        if (args->given & BIT(key) & ~commands[command].options)
            return complain("`xord ctl %s` takes no --%s", args->command, option_table[key - OPT_SOCKET].name);
    return 0;
}

static int show(const struct ctl_args *args, int command, const struct xord_buf *reply)
{
    /* A record's seq may have 64 bits, which jansson's integers have not. */
    json_t *answer = json_loads(reply->data ? reply->data : "", JSON_DECODE_INT_AS_REAL, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));
    int err = 0;

    if (!json_is_object(answer))
        err = complain("what answers is no bootnode");
    else if (error)
        err = complain("%s", error);
    else if (args->json)
        puts(reply->data);
    else
        commands[command].show(answer);
    json_decref(answer);
    return err;
}

static int ask(const struct ctl_args *args, int command)
{
    json_t *request = json_pack("{s:s}", "command", args->command);
    struct xord_buf reply = {0};
    struct xord_buf line = {0};
    char *text = NULL;
    int err = request ? 0 : complain("out of memory");

    if (!err && commands[command].put)
        err = commands[command].put(request, args);
    if (!err)
        err = put_options(request, args);
    if (!err) {
        text = json_dumps(request, JSON_COMPACT);
        xord_buf_print(&line, "%s\n", text ? text : "");
        err = text && !line.failed ? ctl_exchange(&reply, args->socket, line.data) : complain("out of memory");
    }
    if (!err)
        err = show(args, command, &reply);
    free(text);
    xord_buf_free(&line);
    json_decref(request);
    xord_buf_free(&reply);
    return err;
}

int ctl_main(int argc, char **argv)
{
    struct ctl_args args = {0};
    int command;
    int err = parse_args(&ctl_argp, argc, argv, &args);

    if (err)
        return err;
    command = find_command(&args);
    if (command < 0)
        return EXIT_USER;
    err = check(&args, command);
    return err ? err : ask(&args, command);
}
