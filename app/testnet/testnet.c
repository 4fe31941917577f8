/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord testnet`: many local identities in one process, one address each out of a prefix. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "commands.h"
#include "xord_bytes.h"
#include "xord_directory.h"
#include "xord_hkdf.h"
#include "xord_rng.h"
#include "xord_text.h"

#define MAX_NODES  1000000
#define MANY_NODES 20000 /* so many take a while to make */

struct testnet_args {
    struct node_options node;
    uint32_t nodes;
    uint64_t seed;
    double dead;
    const char *enrs_path;
};

enum { OPT_NODES = 0x200, OPT_SEED, OPT_DEAD, OPT_ENRS };

static const struct argp_option option_table[] = {
        {"nodes", OPT_NODES, "N", 0, "How many nodes", 0},
        {"seed", OPT_SEED, "S", 0, "Keys, and who is dead, follow from this number; default 1", 0},
        {"dead", OPT_DEAD, "F", 0, "This fraction is listed by the others, but cannot be reached; default 0", 0},
        {"enrs", OPT_ENRS, "FILE", 0, "Write all records to this file, those of living nodes first", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct testnet_args *args = state->input;
    char *end = NULL;
    uint64_t nodes;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->node;
        return 0;
    case OPT_NODES:
        if (number_parse(&nodes, arg, "nodes", 1, MAX_NODES))
            exit(EXIT_USER);
        args->nodes = (uint32_t)nodes;
        return 0;
    case OPT_SEED:
        if (number_parse(&args->seed, arg, "seed", 0, UINT64_MAX))
            exit(EXIT_USER);
        return 0;
    case OPT_DEAD:
        args->dead = strtod(arg, &end);
        if (end == arg || *end || !(args->dead >= 0 && args->dead < 1))
            exit(complain("--dead wants a fraction from 0 to below 1, not \"%.60s\"", arg));
        return 0;
    case OPT_ENRS:
        args->enrs_path = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&node_options_argp, 0, "Node options:", 1}, {0}};
static const struct argp testnet_argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Runs a network of N nodes in one process. Each has a key and an address of its own, out of --ip PREFIX "
               "(sockets: inside 127.0.0.0/8, default 127.1.0.0/16), and answers FINDNODE as a node with a perfectly "
               "filled table would.\v"
               "One line on stdout says that it is ready. Ctrl-C ends it.\n"
               "Example: xord testnet --nodes 1000 --dead 0.1 --enrs testnet.enrs, then xord crawl --bootnodes "
               "testnet.enrs.\n"
               "On a device: xord testnet --nodes 1000 --port dpdk:net_af_packet0,iface=eth1 --ip 10.9.0.0/16 "
               "--gateway "
               "10.9.255.1",
        .children = children,
};

/* ---- making the nodes ---- */

struct testnet {
    struct xord_enr *enrs;
    uint8_t (*seckeys)[32];
    bool *dead;
    uint32_t dead_cnt;
    struct xord_directory *directory;
};

static void node_key(uint8_t seckey32[32], uint64_t seed, uint32_t i, const struct xord_curve *curve)
{
    static const char label[] = "xord testnet node key";
    uint8_t number[8 + 4 + 1] = {0}, pubkey33[33];
    const struct xord_slice parts[] = {{(const uint8_t *)label, sizeof(label)}, {number, sizeof(number)}};

    xord_store_be64(number, seed);
    xord_store_be32(number + 8, i);
    do {
        xord_sha256(seckey32, parts, 2);
        number[12]++;
    } while (xord_pubkey_from_seckey(curve, pubkey33, seckey32));
}

/* The i-th address of the prefix, counted from one. */
static void node_address(uint8_t ip16[16], const struct xord_port_addr *prefix, uint32_t i)
{
    unsigned bits = prefix->prefix_len + (xord_ip_is_v4(prefix->ip16) ? 96U : 0U);

    memcpy(ip16, prefix->ip16, 16);
    for (unsigned b = bits; b < 128; b++)
        ip16[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
    xord_store_be32(ip16 + 12, xord_load_be32(ip16 + 12) + i + 1);
}

static int prefix_check(const struct testnet_args *args)
{
    const struct xord_port_config *port = &args->node.port;
    const struct xord_port_addr *prefix = &port->addrs[0];
    unsigned host_bits = (xord_ip_is_v4(prefix->ip16) ? 32U : 128U) - prefix->prefix_len;
    uint64_t room = host_bits >= 32 ? UINT32_MAX : (1ULL << host_bits) - 2;

    if (port->addr_cnt != 1)
        return complain("a testnet takes one --ip PREFIX");
    if (strcmp(port->spec, "socket") != 0 && !(xord_ip_is_v4(prefix->ip16) ? port->has_gateway4 : port->has_gateway6))
        return complain(
                "a testnet on a device owns its whole prefix, so it reaches everybody else through --gateway: name "
                "an address of the machine that will ask");
    if (strcmp(port->spec, "socket") == 0 && !(xord_ip_scope(prefix->ip16) == XORD_IP_LOOPBACK &&
                                                     xord_ip_is_v4(prefix->ip16) && prefix->prefix_len >= 8))
        return complain(
                "on sockets a testnet's --ip must lie inside 127.0.0.0/8, the only prefix whose addresses are all "
                "this machine's");
    if (host_bits < 2 || args->nodes > room)
        return complain("--ip: a prefix of length %u has room for %llu nodes, not for %u; give a shorter one",
                prefix->prefix_len, host_bits < 2 ? 0ULL : (unsigned long long)room, args->nodes);
    return 0;
}

static int node_make(struct testnet *net, const struct testnet_args *args, uint32_t i, uint16_t udp_port)
{
    struct xord_enr_draft draft;
    struct xord_endpoint ep = {.port = udp_port};
    int err;

    node_key(net->seckeys[i], args->seed, i, args->node.curve);
    node_address(ep.ip16, &args->node.port.addrs[0], i);
    xord_enr_draft_init(&draft, 1);
    err = xord_enr_draft_set_endpoint(&draft, &ep);
    if (!err)
        err = xord_enr_sign(&net->enrs[i], &draft, args->node.curve, net->seckeys[i]);
    return err;
}

/* Exactly round(F * N) nodes are dead; which ones follows from the seed. */
static void choose_dead(struct testnet *net, const struct testnet_args *args)
{
    uint8_t seed32[32] = "xord testnet dead nodes";
    struct xord_rng rng;

    xord_store_be64(seed32 + 24, args->seed);
    xord_rng_init(&rng, seed32);
    net->dead_cnt = (uint32_t)(args->dead * args->nodes + 0.5);
    if (net->dead_cnt == args->nodes)
        net->dead_cnt--;
    for (uint32_t n = 0; n < net->dead_cnt;) {
        uint64_t i = xord_rng_below(&rng, args->nodes);

        n += !net->dead[i];
        net->dead[i] = true;
    }
}

static int testnet_make(struct testnet *net, const struct testnet_args *args, uint16_t udp_port)
{
    const struct xord_enr **all = calloc(args->nodes, sizeof(struct xord_enr *));
    int err = 0;

    if (args->nodes >= MANY_NODES)
        xord_log(XORD_LOG_INFO, "making %u keys and records", args->nodes);
    net->enrs = calloc(args->nodes, sizeof(*net->enrs));
    net->seckeys = calloc(args->nodes, 32);
    net->dead = calloc(args->nodes, sizeof(*net->dead));
    if (!all || !net->enrs || !net->seckeys || !net->dead)
        err = XORD_ENOMEM;
    for (uint32_t i = 0; i < args->nodes && !err && !interrupted(); i++) {
        err = node_make(net, args, i, udp_port);
        all[i] = &net->enrs[i];
    }
    if (!err && !interrupted()) {
        choose_dead(net, args);
        net->directory = xord_directory_new(all, args->nodes);
        err = net->directory ? 0 : XORD_ENOMEM;
    }
    free(all);
    return err ? complain("cannot make the nodes: %s", xord_strerror(err)) : 0;
}

static void testnet_free(struct testnet *net, uint32_t nodes)
{
    xord_directory_free(net->directory);
    if (net->seckeys)
        xord_wipe(net->seckeys, nodes * sizeof(net->seckeys[0]));
    free(net->seckeys);
    free(net->enrs);
    free(net->dead);
}

static int locals_make(struct service *service, const struct testnet *net, const struct testnet_args *args)
{
    struct xord_hash_key hash_key;

    xord_random_kernel(&hash_key, sizeof(hash_key));
    service->locals = xord_locals_new(args->nodes, &hash_key);
    if (!service->locals)
        return complain("out of memory");
    for (uint32_t i = 0; i < args->nodes; i++) {
        struct xord_endpoint ep;
        bool v4 = xord_enr_endpoint4(&net->enrs[i], &ep);
        int err;

        if (net->dead[i] || (!v4 && !xord_enr_endpoint6(&net->enrs[i], &ep)))
            continue;
        err = xord_locals_add(service->locals, service->aes_ops, service->aes, net->seckeys[i], &net->enrs[i],
                v4 ? &ep : NULL, v4 ? NULL : &ep);
        if (err)
            return complain("cannot add node %u: %s", i, xord_strerror(err));
    }
    return 0;
}

/* ---- the file of records ---- */

static void enrs_print(FILE *file, const struct testnet *net, uint32_t nodes, bool dead)
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1];

    for (uint32_t i = 0; i < nodes; i++)
        if (net->dead[i] == dead)
            fprintf(file, "%s\n", xord_enr_to_text(text, &net->enrs[i]));
}

static int enrs_write(const struct testnet *net, const struct testnet_args *args)
{
    FILE *file;
    bool bad;

    if (!args->enrs_path)
        return 0;
    file = fopen(args->enrs_path, "we");
    if (!file)
        return complain("cannot write %s: %s", args->enrs_path, strerror(errno));
    fprintf(file, "# %u living nodes\n", args->nodes - net->dead_cnt);
    enrs_print(file, net, args->nodes, false);
    if (net->dead_cnt > 0)
        fprintf(file, "# %u dead nodes: listed by the others, not reachable\n", net->dead_cnt);
    enrs_print(file, net, args->nodes, true);
    bad = fflush(file) || ferror(file);
    bad |= fclose(file) != 0;
    return bad ? complain("cannot write %s: %s", args->enrs_path, strerror(errno)) : 0;
}

/* ---- running ---- */

static void print_ready(const struct testnet *net, const struct testnet_args *args, const struct service *service)
{
    char ip[XORD_ENDPOINT_TEXT_LEN];
    const struct xord_port_addr *prefix = &args->node.port.addrs[0];
    uint16_t udp_port = net->enrs[0].udp ? net->enrs[0].udp : net->enrs[0].udp6;

    xord_ip_format(ip, prefix->ip16);
    if (args->node.json) {
        printf("{\"ready\":true,\"nodes\":%u,\"dead\":%u,\"prefix\":\"%s/%u\",\"udp\":%u,\"enrs\":", args->nodes,
                net->dead_cnt, ip, prefix->prefix_len, udp_port);
        json_print_string(stdout, args->enrs_path ? args->enrs_path : "",
                args->enrs_path ? strlen(args->enrs_path) : 0);
        puts("}");
    } else {
        printf("ready: %u node%s (%u dead) in %s/%u, UDP %u, %u worker%s%s%s\n", args->nodes, plural(args->nodes),
                net->dead_cnt, ip, prefix->prefix_len, udp_port, xord_engine_worker_cnt(service->engine),
                plural(xord_engine_worker_cnt(service->engine)), args->enrs_path ? ", records in " : "",
                args->enrs_path ? args->enrs_path : "");
    }
    fflush(stdout);
}

static void serve(struct service *service)
{
    struct xord_mail *mails[16];

    while (!interrupted()) {
        uint32_t n = xord_engine_poll(service->engine, mails, 16);

        for (uint32_t i = 0; i < n; i++)
            xord_engine_mail_free(service->engine, mails[i]);
        if (n == 0)
            xord_engine_wait(service->engine, XORD_NS_PER_S);
    }
    xord_log(XORD_LOG_INFO, "%" PRIu64 " FINDNODE answered, %" PRIu64 " packets in, %" PRIu64 " out",
            xord_engine_counter_sum(service->engine, XORD_CNT_findnode_in),
            xord_engine_counter_sum(service->engine, XORD_CNT_rx_packets),
            xord_engine_counter_sum(service->engine, XORD_CNT_tx_packets));
    if (xord_log_get_level() >= XORD_LOG_DEBUG)
        counters_print(service->engine, stderr);
}

static int testnet_run(const struct testnet_args *args)
{
    struct service service = {0};
    struct testnet net = {0};
    int err = service_open(&service, &args->node, false);

    if (!err)
        err = testnet_make(&net, args, service.port->bound[service.port->bound[0].port == 0].port);
    if (!err && !interrupted())
        err = locals_make(&service, &net, args);
    if (!err && !interrupted())
        err = enrs_write(&net, args);
    if (!err && !interrupted()) {
        service.node.directory = net.directory;
        err = service_start(&service, &args->node);
        if (!err) {
            print_ready(&net, args, &service);
            serve(&service);
        }
    }
    service_stop(&service);
    testnet_free(&net, args->nodes);
    return err;
}

int testnet_main(int argc, char **argv)
{
    struct testnet_args args = {.seed = 1};
    int err = node_options_init(&args.node, &argc, argv);

    signals_init();
    args.node.port.whole_prefix = true;
    if (!err)
        err = parse_args(&testnet_argp, argc, argv, &args);
    if (!err && args.nodes == 0)
        err = complain("how many? --nodes N");
    if (!err && args.node.port.addr_cnt == 0) {
        struct xord_port_addr *prefix = &args.node.port.addrs[args.node.port.addr_cnt++];

        (void)!xord_ip_parse(prefix->ip16, "127.1.0.0");
        prefix->prefix_len = args.nodes > 65534 ? 8 : 16;
        if (prefix->prefix_len == 8)
            prefix->ip16[13] = 0;
    }
    if (!err)
        err = prefix_check(&args);
    if (!err)
        err = testnet_run(&args);
    node_options_free(&args.node);
    return err;
}
