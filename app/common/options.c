/* SPDX-License-Identifier: BSD-3-Clause */
/* Options common to all commands that run a node, and their bootnodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "xord_mem.h"

enum {
    OPT_PORT = 0x100,
    OPT_IP,
    OPT_GATEWAY,
    OPT_UDP,
    OPT_WORKERS,
    OPT_IDLE,
    OPT_BOOTNODES,
    OPT_NETWORK,
    OPT_REQUEST_TIMEOUT,
    OPT_HANDSHAKE_TIMEOUT,
    OPT_KEY,
    OPT_JSON,
};

static const struct argp_option join_table[] = {
        {"bootnodes", OPT_BOOTNODES, "X", 0,
                "Begin at these nodes: a record, a file of records, a nodes.json, or a network's name; repeatable", 1},
        {"network", OPT_NETWORK, "NAME", 0,
                "Begin at the built-in bootnodes of mainnet, sepolia, holesky, gnosis, chiado", 1},
        {0},
};

static const struct argp_option key_table[] = {
        {"key", OPT_KEY, "FILE", 0,
                "Secret key (see `xord key`); default: a new one, but for a bootnode, which needs its own", 1},
        {0},
};

static const struct argp_option option_table[] = {
        {"port", OPT_PORT, "PORT", 0,
                "\"socket\" (default) or \"dpdk:<device>\", for example dpdk:net_af_packet0,iface=eth1", 2},
        {"ip", OPT_IP, "ADDR[/PREFIX]", 0, "Our address, IPv4 or IPv6; repeatable (sockets: default all)", 2},
        {"gateway", OPT_GATEWAY, "ADDR", 0, "Next hop for what is not on-link (dpdk); one a family", 2},
        {"udp", OPT_UDP, "PORT", 0, "UDP port, default 9000", 2},
        {"workers", OPT_WORKERS, "N", 0, "Worker threads, each a shard of its own; default 1", 2},
        {"idle", OPT_IDLE, "MODE", 0, "Idle workers \"sleep\" (default for socket) or \"spin\" (default for dpdk)", 2},
        {"request-timeout", OPT_REQUEST_TIMEOUT, "MS", 0, "Wait so long for an answer, default 500", 3},
        {"handshake-timeout", OPT_HANDSHAKE_TIMEOUT, "MS", 0, "Wait so long for a handshake, default 1000", 3},
        {"json", OPT_JSON, NULL, 0, "Print JSON, for machines", 4},
        {"quiet", 'q', NULL, 0, "Log errors only", 4},
        {"verbose", 'v', NULL, 0, "Log more", 4},
        {0},
};

int record_list_add(struct record_list *list, const struct xord_enr *enr)
{
    struct xord_enr *enrs = xord_grow(list->enrs, list->cnt, &list->capacity, sizeof(*enrs));

    if (!enrs)
        return complain("out of memory");
    list->enrs = enrs;
    list->enrs[list->cnt++] = *enr;
    return 0;
}

void record_list_free(struct record_list *list)
{
    free(list->enrs);
    memset(list, 0, sizeof(*list));
}

static int add_record(void *ctx, const struct record_in *in)
{
    struct node_options *options = ctx;
    struct xord_enr enr;
    int err = xord_enr_from_text(&enr, in->text, strlen(in->text));

    if (!err)
        err = xord_enr_verify(&enr, options->curve);
    if (!err)
        return record_list_add(&options->bootnodes, &enr);
    if (in->key)
        return complain("%sthe record of %s in %s is invalid: %s", by_option("bootnodes: "), in->key, in->source,
                xord_strerror(err));
    if (in->line)
        return complain("%s%s, line %u is no valid record: %s", by_option("bootnodes: "), in->source, in->line,
                xord_strerror(err));
    return complain("%s%.60s is no valid record: %s", by_option("bootnodes: "), in->text, xord_strerror(err));
}

int bootnodes_add(struct node_options *options, const char *x)
{
    const char *const *records = network_bootnodes(x);
    uint32_t before = options->bootnodes.cnt;
    int err = 0;

    if (!options->first_bootnodes)
        options->first_bootnodes = x;
    if (records) {
        while (*records && !err)
            err = add_record(options, &(struct record_in){.source = x, .text = *records++});
        return err;
    }
    err = records_each(x, add_record, options);
    if (!err && options->bootnodes.cnt == before)
        return complain("%s%s holds no record", by_option("bootnodes: "), x);
    return err;
}

static int network_add(struct node_options *options, const char *name)
{
    if (!network_bootnodes(name))
        return complain("there is no network \"%s\": known are %s", name, network_names());
    return bootnodes_add(options, name);
}

/* ---- values ---- */

int ip_add(struct node_options *options, uint32_t number, const char *text)
{
    struct xord_port_config *port = &options->port;
    struct xord_port_addr *addr = &port->addrs[port->addr_cnt];
    char ip[64];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    uint64_t max, prefix;

    if (port->addr_cnt == XORD_PORT_MAX_ADDR)
        return complain("%stakes at most %d addresses", by_option("--ip "), XORD_PORT_MAX_ADDR);
    memset(addr, 0, sizeof(*addr));
    if (len >= sizeof(ip))
        return complain("%s%.60s is no IP address", by_option("--ip "), text);
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (xord_ip_parse(addr->ip16, ip))
        return complain("%s%s is no IP address", by_option("--ip "), text);
    max = prefix = xord_ip_is_v4(addr->ip16) ? 32 : 128;
    if (slash && number_parse(&prefix, slash + 1, "ip ADDR/PREFIX: PREFIX", 1, max))
        return EXIT_USER;
    addr->prefix_len = (uint8_t)prefix;
    addr->owner = (uint8_t)number;
    port->addr_cnt++;
    options->has_ip |= number == 0;
    return 0;
}

static int gateway_set(struct node_options *options, const char *text)
{
    uint8_t ip16[16];

    if (xord_ip_parse(ip16, text))
        return complain("%s%s is no IP address", by_option("--gateway "), text);
    if (xord_ip_is_v4(ip16)) {
        options->port.has_gateway4 = true;
        memcpy(options->port.gateway4_ip16, ip16, 16);
    } else {
        options->port.has_gateway6 = true;
        memcpy(options->port.gateway6_ip16, ip16, 16);
    }
    return 0;
}

static int idle_set(struct node_options *options, const char *text)
{
    if (strcmp(text, "spin") != 0 && strcmp(text, "sleep") != 0)
        return complain("%s%s is neither spin nor sleep", by_option("--idle "), text);
    options->idle = text[1] == 'p' ? XORD_IDLE_SPIN : XORD_IDLE_SLEEP;
    options->has_idle = true;
    return 0;
}

static int numeric_option(struct node_options *options, int key, const char *arg)
{
    uint64_t v;
    int err;

    switch (key) {
    case OPT_UDP:
        err = number_parse(&v, arg, "udp", 0, 65535);
        options->has_udp = true;
        if (!err)
            options->port.udp_port = (uint16_t)v;
        return err;
    case OPT_WORKERS:
        err = number_parse(&v, arg, "workers", 1, XORD_ENGINE_MAX_WORKERS);
        if (!err)
            options->port.worker_cnt = (uint16_t)v;
        return err;
    case OPT_REQUEST_TIMEOUT:
        err = number_parse(&v, arg, "request-timeout", 1, 5000);
        if (!err)
            options->request_timeout_ns = v * XORD_NS_PER_MS;
        return err;
    default:
        err = number_parse(&v, arg, "handshake-timeout", 1, 5000);
        if (!err)
            options->handshake_timeout_ns = v * XORD_NS_PER_MS;
        return err;
    }
}

static int apply_option(struct node_options *options, int key, char *arg)
{
    switch (key) {
    case OPT_PORT:
        options->port.spec = arg;
        return port_check(arg);
    case OPT_IP:
        return ip_add(options, 0, arg);
    case OPT_GATEWAY:
        return gateway_set(options, arg);
    case OPT_IDLE:
        return idle_set(options, arg);
    case OPT_BOOTNODES:
        return bootnodes_add(options, arg);
    case OPT_NETWORK:
        return network_add(options, arg);
    case OPT_KEY:
        options->key_path = arg;
        return 0;
    case OPT_JSON:
        options->json = true;
        return 0;
    case 'q':
        options->quiet = true;
        xord_log_set_level(XORD_LOG_ERROR);
        return 0;
    case 'v':
        xord_log_set_level(XORD_LOG_DEBUG);
        return 0;
    default:
        return numeric_option(options, key, arg);
    }
}

int node_options_check(struct node_options *options)
{
    bool is_device = port_is_device(options->port.spec);

    if (is_device && !options->has_ip)
        return complain("%s%s needs %sip: a device has no address of its own", by_option("--port "), options->port.spec,
                by_option("--"));
    if (!is_device && (options->port.has_gateway4 || options->port.has_gateway6))
        return complain("%sgateway is for devices: what sockets send goes by the system's routes, so leave it out",
                by_option("--"));
    if (eal_args_check(options->port.spec, options->port.eal_arg_cnt))
        return EXIT_USER;
    if (!options->has_idle)
        options->idle = is_device ? XORD_IDLE_SPIN : XORD_IDLE_SLEEP;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct node_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->confine;
        return 0;
    case OPT_PORT ... OPT_JSON:
    case 'q':
    case 'v':
        if (apply_option(options, key, arg))
            return EINVAL;
        return 0;
    case ARGP_KEY_END:
        return node_options_check(options) ? EINVAL : 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child node_children[] = {{&seccomp_options_argp, 0, NULL, 0}, {0}};
const struct argp node_options_argp = {.options = option_table, .parser = parse_option, .children = node_children};

static error_t parse_one_option(int key, char *arg, struct argp_state *state)
{
    return key >= OPT_PORT && key <= OPT_JSON ? parse_option(key, arg, state) : ARGP_ERR_UNKNOWN;
}

const struct argp key_options_argp = {.options = key_table, .parser = parse_one_option};
const struct argp join_options_argp = {.options = join_table, .parser = parse_one_option};

int node_options_init(struct node_options *options, int *argc, char **argv)
{
    memset(options, 0, sizeof(*options));
    options->port.spec = "socket";
    options->port.udp_port = DEFAULT_UDP_PORT;
    options->port.worker_cnt = 1;
    options->identity_cnt = 1;
    options->port.eal_arg_cnt = eal_args_take(&options->port.eal_args, argc, argv);
    options->curve = curve_open();
    return options->curve ? 0 : EXIT_USER;
}

void node_options_free(struct node_options *options)
{
    record_list_free(&options->bootnodes);
    identities_free(options);
    xord_curve_close(options->curve);
}
