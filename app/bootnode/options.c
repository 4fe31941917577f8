/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of `xord bootnode`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootnode.h"

#define RATE_MIN 10

enum { OPT_LIMIT_ADDRESS = 0x300, OPT_LIMIT_PREFIX, OPT_STATE, OPT_NAT, OPT_IDENTITY };

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
        {0},
};

int limit_parse(struct xord_limit_rate *out, const char *text, const char *name)
{
    char rate_text[24];
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    uint64_t rate, burst;

    *out = (struct xord_limit_rate){0};
    if (strcmp(text, "off") == 0)
        return 0;
    snprintf(rate_text, sizeof(rate_text), "%.*s", (int)(len < 20 ? len : 20), text);
    if (number_parse(&rate, rate_text, name, RATE_MIN, XORD_LIMIT_RATE_MAX))
        return EXIT_USER;
    burst = 2 * rate;
    if (colon && number_parse(&burst, colon + 1, name, 1, 30 * rate))
        return EXIT_USER;
    *out = (struct xord_limit_rate){.rate = (uint32_t)rate, .burst = (uint32_t)burst};
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct bootnode_settings *settings = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] = &settings->node;
        return 0;
    case OPT_LIMIT_ADDRESS:
        if (limit_parse(&settings->limits.address, arg, "limit-address"))
            exit(EXIT_USER);
        return 0;
    case OPT_LIMIT_PREFIX:
        if (limit_parse(&settings->limits.prefix, arg, "limit-prefix"))
            exit(EXIT_USER);
        return 0;
    case OPT_NAT:
        if (nat_parse(&settings->node.identities[0].nat, arg))
            exit(EXIT_USER);
        return 0;
    case OPT_IDENTITY:
        if (identities_add(&settings->node, arg))
            exit(EXIT_USER);
        return 0;
    case OPT_STATE:
        settings->state_path = arg;
        return 0;
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
        {0},
};
static const struct argp bootnode_argp = {
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

int bootnode_options(struct bootnode_settings *settings, int argc, char **argv)
{
    int err;

    settings->limits = limits_default;
    err = node_options_init(&settings->node, &argc, argv);
    if (!err)
        err = parse_args(&bootnode_argp, argc, argv, settings);
    if (!err && !settings->node.key_path)
        err = complain("a bootnode needs --key FILE, so that it stays the same node; `xord key new FILE` makes one");
    return err;
}
