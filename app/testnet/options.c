/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of `xord testnet`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testnet.h"

#define MAX_NODES 1000000

enum {
    OPT_NODES = 0x200,
    OPT_SEED,
    OPT_ENRS,
    OPT_ENRS_COUNT,
    OPT_TRUTH,
    OPT_DEAD,
    OPT_NAT,
    OPT_MALICIOUS,
    OPT_STALE,
    OPT_CHURN,
    OPT_MIX,
    OPT_LATENCY,
    OPT_LOSS,
    OPT_REORDER,
    OPT_CALLS,
    OPT_BOOTNODES,
};

static const struct argp_option option_table[] = {
        {"nodes", OPT_NODES, "N", 0, "How many nodes, up to 1000000", 1},
        {"seed", OPT_SEED, "S", 0, "All that is left to chance follows from this number; default 1", 1},
        {"enrs", OPT_ENRS, "FILE", 0, "Write all records to this file, those of living nodes first", 1},
        {"enrs-count", OPT_ENRS_COUNT, "N", 0, "Only so many of living nodes: a million take half a minute to sign", 1},
        {"truth", OPT_TRUTH, "FILE", 0,
                "Write who is what to this file, one JSON object a line; at the start, and again at the end", 1},
        {0, 0, NULL, 0, "The nodes (F: a fraction of all of them):", 2},
        {"dead", OPT_DEAD, "F", 0, "So many are listed by the others, but silent", 2},
        {"nat", OPT_NAT, "F", 0, "So many answer only those they have spoken to", 2},
        {"malicious", OPT_MALICIOUS, "F[:KIND,...]", 0,
                "So many are hostile, of all kinds or these: distance, invalid, totals, whoareyou, sybil, eclipse, "
                "slow",
                2},
        {"stale", OPT_STALE, "F", 0,
                "Each node has moved, and this fraction of the others still hands out its old record", 2},
        {"churn", OPT_CHURN, "RATE", 0,
                "Times a minute that each node leaves, comes back, or moves to another address with a new record", 2},
        {"mix", OPT_MIX, "FILE", 0, "What the records say: lines of a share and key=value, see below", 2},
        {"calls", OPT_CALLS, "RATE", 0,
                "Take in nodes from elsewhere: who shakes hands and answers is handed out by the others, and called on "
                "by so many of them a second (PING, FINDNODE), also by those behind a NAT",
                2},
        {"bootnodes", OPT_BOOTNODES, "X", 0,
                "With --calls: call on these from the start; a record, a file of records, a nodes.json; repeatable", 2},
        {0, 0, NULL, 0, "The way to them:", 3},
        {"latency", OPT_LATENCY, "TIME|FILE", 0,
                "Round trip, as 50ms; or a file of lines \"MILLISECONDS [WEIGHT]\", out of which each node has one", 3},
        {"loss", OPT_LOSS, "F", 0, "This fraction of the datagrams in each direction is lost", 3},
        {"reorder", OPT_REORDER, "F", 0, "This fraction of the answers comes 20 ms late, so that others overtake it",
                3},
        {0},
};

/* Exits after a complaint. */
static double fraction(const char *text, const char *name)
{
    char *end;
    double f = strtod(text, &end);

    if (end == text || *end || !(f >= 0 && f < 1))
        exit(complain("--%s wants a fraction from 0 to below 1, not \"%.60s\"", name, text));
    return f;
}

static uint32_t hostile_kind(const char *name)
{
    for (uint32_t kind = XORD_CROWD_FIRST_HOSTILE; kind < XORD_CROWD_KIND_CNT; kind++)
        if (strcmp(name, xord_crowd_kind_name(kind)) == 0)
            return 1U << kind;
    exit(complain("--malicious: there is no kind \"%.60s\"; there are distance, invalid, totals, whoareyou, sybil, "
                  "eclipse and slow",
            name));
}

static void malicious_parse(struct testnet_args *args, char *text)
{
    char *kinds = strchr(text, ':'), *save = NULL;

    if (kinds)
        *kinds++ = '\0';
    args->malicious = fraction(text, "malicious");
    args->hostile = 0;
    if (!kinds)
        return;
    for (char *name = strtok_r(kinds, ",", &save); name; name = strtok_r(NULL, ",", &save))
        args->hostile |= hostile_kind(name);
    if (args->hostile == 0)
        exit(complain("--malicious: behind the colon goes a list of kinds, as in 0.2:slow,totals"));
}

static double rate_parse(const char *text, const char *name, const char *unit, double min, double max)
{
    char *end;
    double rate = strtod(text, &end);

    if (end == text || *end || !(rate >= min && rate <= max))
        exit(complain("--%s wants how often a %s, from %g to %g, not \"%.60s\"", name, unit, min, max, text));
    return rate;
}

/* Test networks stay among themselves. */
static void bootnodes_parse(struct testnet_args *args, const char *text)
{
    if (network_bootnodes(text))
        exit(complain("--bootnodes: %.60s is no place for a test network; name nodes of your own", text));
    if (bootnodes_add(&args->node, text))
        exit(EXIT_USER);
}

static uint32_t count_parse(const char *text, const char *name)
{
    uint64_t n;

    if (number_parse(&n, text, name, 1, MAX_NODES))
        exit(EXIT_USER);
    return (uint32_t)n;
}

static void file_option(struct testnet_args *args, int key, char *arg)
{
    if (key == OPT_LATENCY ? latency_parse(&args->latency, arg) : mix_read(args, arg))
        exit(EXIT_USER);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct testnet_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->node;
        return 0;
    case OPT_NODES:
        args->nodes = count_parse(arg, "nodes");
        return 0;
    case OPT_SEED:
        if (number_parse(&args->seed, arg, "seed", 0, UINT64_MAX))
            exit(EXIT_USER);
        return 0;
    case OPT_ENRS:
        args->enrs_path = arg;
        return 0;
    case OPT_ENRS_COUNT:
        args->enrs_cnt = count_parse(arg, "enrs-count");
        return 0;
    case OPT_TRUTH:
        args->truth_path = arg;
        return 0;
    case OPT_DEAD:
        args->dead = fraction(arg, "dead");
        return 0;
    case OPT_NAT:
        args->nat = fraction(arg, "nat");
        return 0;
    case OPT_MALICIOUS:
        malicious_parse(args, arg);
        return 0;
    case OPT_STALE:
        args->stale = fraction(arg, "stale");
        return 0;
    case OPT_CHURN:
        args->churn = rate_parse(arg, "churn", "minute", 0, 60);
        return 0;
    case OPT_CALLS:
        args->calls = rate_parse(arg, "calls", "second", 0.01, 1000);
        return 0;
    case OPT_BOOTNODES:
        bootnodes_parse(args, arg);
        return 0;
    case OPT_LOSS:
        args->loss = fraction(arg, "loss");
        return 0;
    case OPT_REORDER:
        args->reorder = fraction(arg, "reorder");
        return 0;
    case OPT_LATENCY:
    case OPT_MIX:
        file_option(args, key, arg);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&node_options_argp, 0, "Node options:", 4}, {0}};
const struct argp testnet_argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Runs a network of N nodes in one process. Each has a key and an address of its own, out of --ip PREFIX "
               "(sockets: inside 127.0.0.0/8, default 127.1.0.0/16), and answers FINDNODE as a node with a perfectly "
               "filled table would - unless it is hostile.\v"
               "One line on stdout says that it is ready. Ctrl-C ends it.\n"
               "Example: xord testnet --nodes 1000 --dead 0.1 --enrs testnet.enrs, then xord crawl --bootnodes "
               "testnet.enrs.\n"
               "A line of a mix: 0.6 eth=b715077d:0 client=Geth/v1.14.0 snap=rlp:c0, where eth is the fork's hash and "
               "the next fork's block, eth2 and all other keys are hex bytes (rlp: an RLP item), and attnets may be "
               "\"random\".\n"
               "On a device: xord testnet --nodes 1000 --port dpdk:net_af_packet0,iface=eth1 --ip 10.9.0.0/16 "
               "--gateway "
               "10.9.255.1",
        .children = children,
};

/* ---- all together ---- */

bool testnet_moves(const struct testnet_args *args)
{
    return args->stale > 0 || args->churn > 0;
}

static void prefix_default(struct testnet_args *args)
{
    struct xord_port_addr *prefix = &args->node.port.addrs[0];

    if (args->node.port.addr_cnt > 0)
        return;
    args->node.port.addr_cnt = 1;
    (void)!xord_ip_parse(prefix->ip16, "127.1.0.0");
    prefix->prefix_len = 16;
    if (args->nodes > xord_crowd_room(16, testnet_moves(args) ? 4 : 1)) {
        prefix->prefix_len = 8;
        prefix->ip16[13] = 0;
    }
}

static int prefix_check(const struct testnet_args *args)
{
    const struct xord_port_config *port = &args->node.port;
    const struct xord_port_addr *prefix = &port->addrs[0];
    unsigned host_bits = (xord_ip_is_v4(prefix->ip16) ? 32U : 128U) - prefix->prefix_len;
    uint32_t room = xord_crowd_room(host_bits, testnet_moves(args) ? 2 : 1);

    if (port->addr_cnt != 1)
        return complain("a testnet takes one --ip PREFIX");
    if (port_is_device(port->spec) && !(xord_ip_is_v4(prefix->ip16) ? port->has_gateway4 : port->has_gateway6))
        return complain(
                "a testnet on a device owns its whole prefix, so it reaches everybody else through --gateway: name "
                "an address of the machine that will ask");
    if (!port_is_device(port->spec) && !(xord_ip_scope(prefix->ip16) == XORD_IP_LOOPBACK &&
                                               xord_ip_is_v4(prefix->ip16) && prefix->prefix_len >= 8))
        return complain(
                "on sockets a testnet's --ip must lie inside 127.0.0.0/8, the only prefix whose addresses are all "
                "this machine's");
    if (args->nodes > room)
        return complain("--ip: a prefix of length %u has room for %u nodes%s, not for %u; give a shorter one",
                prefix->prefix_len, room, testnet_moves(args) ? " that move" : "", args->nodes);
    return 0;
}

int testnet_args_check(struct testnet_args *args)
{
    if (args->nodes == 0)
        return complain("how many? --nodes N");
    if (args->dead + args->nat + args->malicious >= 1)
        return complain("--dead, --nat and --malicious together must leave somebody: below 1, not %g",
                args->dead + args->nat + args->malicious);
    if (args->enrs_cnt > 0 && !args->enrs_path)
        return complain("--enrs-count says how much to write: to which file? --enrs FILE");
    if (args->node.bootnodes.cnt > 0 && args->calls == 0)
        return complain("--bootnodes: these nodes are to be called on how often? --calls RATE");
    prefix_default(args);
    return prefix_check(args);
}
