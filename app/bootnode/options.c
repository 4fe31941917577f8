/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of `xord bootnode`. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootnode.h"
#include "xord_http.h"

#define RATE_MIN 10

enum {
    OPT_LIMIT_ADDRESS = 0x300,
    OPT_LIMIT_PREFIX,
    OPT_STATE,
    OPT_NAT,
    OPT_IDENTITY,
    OPT_BAN,
    OPT_LOG,
    OPT_CTL,
    OPT_METRICS,
    OPT_CONFIG,
};

/* What a hundred nodes behind one NAT that all crawl at once do not notice. */
static const struct xord_limit_config limits_default = {.address = {.rate = 5000, .burst = 10000},
        .prefix = {.rate = 20000, .burst = 40000}};

static const struct argp_option option_table[] = {
        {"limit-address", OPT_LIMIT_ADDRESS, "RATE", 0,
                "Datagrams a second from an IPv4 address or an IPv6 /64, or RATE:BURST with how many at once; default "
                "5000:10000; \"off\": no limit. Each worker counts for itself, loopback is not limited",
                1},
        {"limit-prefix", OPT_LIMIT_PREFIX, "RATE", 0, "From an IPv4 /24 or an IPv6 /48; default 20000:40000", 1},
        {"state", OPT_STATE, "FILE", 0,
                "Remember the routing table and bans here: saved every minute and at the end, recalled at the start; "
                "default: "
                "nothing is remembered",
                1},
        {"nat", OPT_NAT, "HINT", 0,
                "How peers reach us where that is not --ip: ADDR or ADDR:PORT (IPv6: [ADDR]:PORT; one a family) stands "
                "in the record from the start; \"auto\": what a majority of peers sees, although --ip is given; "
                "\"none\": whatever peers see. Default: \"none\" with --ip, else \"auto\"",
                2},
        {"identity", OPT_IDENTITY, "key=FILE[,ip=ADDR]...[,udp=PORT][,nat=HINT]", 0,
                "One more node in this process, with a table, sessions and a record of its own: repeatable, 15 beside "
                "that of --key, --ip, --udp and --nat. Without udp it is at the port of --udp, without ip at all "
                "addresses. Of several ip of a family the record names the first, and requests leave from there",
                2},
        {"ban", OPT_BAN, "PREFIX", 0,
                "Take nothing in from these addresses, as 192.0.2.0/24 or 2001:db8::/32; with a time behind it "
                "(\"192.0.2.7 12h\") for so long; repeatable",
                1},
        {"log", OPT_LOG, "LEVEL", 0, "Log \"error\", \"warning\", \"info\" (default) or \"debug\"", 4},
        {"config", OPT_CONFIG, "FILE", 0,
                "Read the options from here (see `xord config`); those of the command line go before it. SIGHUP reads "
                "it "
                "again",
                1},
        {"ctl", OPT_CTL, "PATH", 0,
                "The socket that `xord ctl` talks to; default: $XDG_RUNTIME_DIR/xord.sock, or /run/xord/xord.sock; "
                "\"none\"",
                1},
        {"metrics", OPT_METRICS, "ADDR:PORT", 0,
                "Serve /metrics (Prometheus), /healthz and /readyz there; default " DESK_METRICS_DEFAULT "; \"off\"",
                1},
        {0},
};

static bool whole_number(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && (*end == '\0' || *end == ':') && !errno && *out >= min && *out <= max;
}

int limit_read(struct xord_limit_rate *out, const char *text, const char *name, char err[BOOTNODE_ERR_LEN])
{
    const char *colon = strchr(text, ':');
    uint64_t rate, burst, most;

    *out = (struct xord_limit_rate){0};
    if (strcmp(text, "off") == 0)
        return 0;
    if (!whole_number(&rate, text, RATE_MIN, XORD_LIMIT_RATE_MAX)) {
        snprintf(err, BOOTNODE_ERR_LEN, "%s%swants a rate from %d to %d, RATE:BURST, or \"off\", not \"%.60s\"", name,
                *name ? " " : "", RATE_MIN, XORD_LIMIT_RATE_MAX, text);
        return EXIT_USER;
    }
    burst = 2 * rate;
    most = 30 * rate;
    if (colon && (!whole_number(&burst, colon + 1, 1, most) || strchr(colon + 1, ':'))) {
        snprintf(err, BOOTNODE_ERR_LEN, "%s%sa burst is from 1 to 30 seconds' worth, here %" PRIu64 ", not \"%.60s\"",
                name, *name ? ": " : "", most, colon + 1);
        return EXIT_USER;
    }
    *out = (struct xord_limit_rate){.rate = (uint32_t)rate, .burst = (uint32_t)burst};
    return 0;
}

int limit_parse(struct xord_limit_rate *out, const char *text, const char *name)
{
    char err[BOOTNODE_ERR_LEN];

    return limit_read(out, text, by_option(name), err) ? complain("%s%s", by_option("--"), err) : 0;
}

/* ---- bans ---- */

const struct ban_wish *ban_wish_find(const struct bootnode_settings *settings, const struct xord_prefix *prefix)
{
    for (uint32_t i = 0; i < settings->ban_cnt; i++)
        if (xord_prefix_equal(&settings->bans[i].prefix, prefix))
            return &settings->bans[i];
    return NULL;
}

/* "PREFIX", or "PREFIX TIME". */
static int ban_parse(struct ban_wish *ban, const char *text)
{
    size_t len = strcspn(text, " ");
    char prefix[XORD_PREFIX_TEXT_LEN];

    ban->for_ns = XORD_BAN_FOREVER;
    if (len < sizeof(prefix)) {
        memcpy(prefix, text, len);
        prefix[len] = '\0';
    }
    if (len >= sizeof(prefix) || xord_prefix_parse(&ban->prefix, prefix))
        return complain(
                "%s%.60s is no prefix: say 192.0.2.0/24, 2001:db8::/32 or one address; what is behind the prefix "
                "must be zero",
                by_option("--ban "), text);
    text += len + strspn(text + len, " ");
    return *text ? time_parse(&ban->for_ns, text, "ban") : 0;
}

static int ban_add(struct bootnode_settings *settings, const char *text)
{
    struct ban_wish ban, *bans;
    int err = ban_parse(&ban, text);

    if (err)
        return err;
    if (ban_wish_find(settings, &ban.prefix))
        return complain("%s%.60s is there twice; leave one of them", by_option("--ban "), text);
    if (settings->ban_cnt == XORD_BAN_CAP)
        return complain("%stakes at most %d prefixes", by_option("--ban "), XORD_BAN_CAP);
    bans = realloc(settings->bans, (settings->ban_cnt + 1) * sizeof(*bans));
    if (!bans)
        return complain("out of memory");
    settings->bans = bans;
    bans[settings->ban_cnt++] = ban;
    return 0;
}

/* ---- options ---- */

static int log_set(struct bootnode_settings *settings, const char *text)
{
    if (xord_log_level_parse(&settings->log_level, text) == 0) {
        settings->has_log_level = true;
        return 0;
    }
    return complain("%s%.60s is no log level: there are error, warning, info and debug", by_option("--log "), text);
}

static int apply(struct bootnode_settings *settings, int key, const char *arg)
{
    switch (key) {
    case OPT_LIMIT_ADDRESS:
        return limit_parse(&settings->limits.address, arg, "limit-address");
    case OPT_LIMIT_PREFIX:
        return limit_parse(&settings->limits.prefix, arg, "limit-prefix");
    case OPT_STATE:
        settings->state_path = arg;
        return 0;
    case OPT_NAT:
        return nat_parse(&settings->node.identities[0].nat, arg);
    case OPT_IDENTITY:
        return identities_add(&settings->node, arg);
    case OPT_BAN:
        return ban_add(settings, arg);
    case OPT_LOG:
        return log_set(settings, arg);
    case OPT_CTL:
        settings->desk.control = arg;
        return 0;
    case OPT_METRICS:
        settings->desk.metrics = arg;
        if (strcmp(arg, "off") != 0 && xord_http_check(arg))
            return complain("metrics are served at ADDR:PORT or [ADDR]:PORT, which \"%.60s\" is not", arg);
        return 0;
    default:
        return 0; /* OPT_CONFIG, which was read before all others */
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct bootnode_settings *settings = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] = &settings->node;
        state->child_inputs[3] = &settings->node.confine;
        return 0;
    case OPT_LIMIT_ADDRESS ... OPT_CONFIG:
        return apply(settings, key, arg) ? EINVAL : 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
        {&join_options_argp, 0, "Where to begin:", 2},
        {&node_options_argp, 0, "Node options:", 3},
        {&key_options_argp, 0, NULL, 3},
        {&user_options_argp, 0, NULL, 3},
        {0},
};
const struct argp bootnode_argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Runs a node that joins the network of its bootnodes (or waits to be found), keeps a routing table and "
               "answers everybody.\v"
               "The first line on stdout is the node's record, those of further identities follow in their order; a "
               "new "
               "line comes whenever one changes. Ctrl-C ends it. "
               "EAL options for DPDK go after \"--\".\n"
               "Example: xord bootnode --key node.key --ip 127.0.0.1, or your public address instead",
        .children = children,
};

int bootnode_settings_init(struct bootnode_settings *settings, int *argc, char **argv)
{
    *settings = (struct bootnode_settings){.limits = limits_default, .log_level = XORD_LOG_INFO};
    return node_options_init(&settings->node, argc, argv);
}

void bootnode_settings_free(struct bootnode_settings *settings)
{
    node_options_free(&settings->node);
    free(settings->bans);
    config_free(settings->config);
    memset(settings, 0, sizeof(*settings));
}

int bootnode_settings_check(struct bootnode_settings *settings)
{
    int err = node_options_check(&settings->node);
    struct xord_port_config port;

    if (!err && !settings->node.key_path)
        return complain("a bootnode needs %s, so that it stays the same node; `xord key new FILE` makes one",
                *by_option("--") ? "--key FILE" : "a key");
    return err ? err : identities_port(&port, &settings->node);
}

static int read_config(struct bootnode_settings *settings)
{
    int err;

    settings->config = config_read(settings->config_path, config_keys);
    if (!settings->config)
        return EXIT_USER;
    err = config_apply(settings->config, settings, settings->overridden);
    return err ? err : config_check(settings->config, settings->overridden);
}

int bootnode_options(struct bootnode_settings *settings, int argc, char **argv)
{
    int err = bootnode_settings_init(settings, &argc, argv);

    if (!err)
        err = options_scan(settings->overridden, &settings->config_path, argc, argv, &bootnode_argp, config_keys);
    if (settings->node.port.eal_arg_cnt > 0)
        settings->overridden[config_find(config_keys, "eal")] = true;
    settings->node.port.telemetry = true;
    if (!err && settings->config_path)
        err = read_config(settings);
    if (!err)
        err = parse_args(&bootnode_argp, argc, argv, settings);
    if (!err && settings->has_log_level)
        xord_log_set_level(settings->log_level);
    if (err)
        return err;
    if (settings->config)
        origin_set(&(struct origin){.file = settings->config_path});
    err = bootnode_settings_check(settings);
    origin_set(NULL);
    return err;
}
