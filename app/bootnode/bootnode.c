/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord bootnode`: a node that stays. The first line on stdout is its record. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "commands.h"
#include "xord_bytes.h"
#include "xord_text.h"

#define STATUS_NS (60 * XORD_NS_PER_S)
#define RATE_MIN  10

enum { OPT_LIMIT_ADDRESS = 0x300, OPT_LIMIT_PREFIX };

struct bootnode_args {
    struct node_options node;
    struct xord_limit_config limits;
};

/* What a hundred nodes behind one NAT that all crawl at once do not notice. */
static const struct xord_limit_config limits_default = {.address = {.rate = 5000, .burst = 10000},
        .prefix = {.rate = 20000, .burst = 40000}};

static const struct argp_option option_table[] = {
        {"limit-address", OPT_LIMIT_ADDRESS, "RATE[:BURST]", 0,
                "Datagrams a second from an IPv4 address or an IPv6 /64, and how many at once; default 5000:10000; or "
                "\"off\". Each worker counts for itself, loopback is not limited",
                1},
        {"limit-prefix", OPT_LIMIT_PREFIX, "RATE[:BURST]", 0, "From an IPv4 /24 or an IPv6 /48; default 20000:40000",
                1},
        {0},
};

/* "500", "500:2000" or "off"; without a burst it is two seconds' worth. 0 or EXIT_USER after a complaint. */
static int limit_parse(struct xord_limit_rate *out, const char *text, const char *name)
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
    struct bootnode_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] = &args->node;
        return 0;
    case OPT_LIMIT_ADDRESS:
        if (limit_parse(&args->limits.address, arg, "limit-address"))
            exit(EXIT_USER);
        return 0;
    case OPT_LIMIT_PREFIX:
        if (limit_parse(&args->limits.prefix, arg, "limit-prefix"))
            exit(EXIT_USER);
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
               "The first line on stdout is the node's record; a new line follows whenever it changes. Ctrl-C ends it. "
               "EAL options for DPDK go after \"--\".\n"
               "Example: xord bootnode --key node.key --ip 127.0.0.1, or your public address instead",
        .children = children,
};

static void print_record(const struct xord_enr *enr, bool json)
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1], id[2 * XORD_ID_LEN + 1];

    xord_hex_encode(id, enr->id32, XORD_ID_LEN);
    xord_enr_to_text(text, enr);
    if (json)
        printf("{\"node_id\":\"%s\",\"seq\":%" PRIu64 ",\"record\":\"%s\"}\n", id, enr->seq, text);
    else
        puts(text);
    fflush(stdout);
}

static void log_status(const struct xord_engine *engine)
{
    struct xord_node_sizes sizes;

    xord_engine_sizes(engine, &sizes);
    xord_log(XORD_LOG_INFO,
            "%u sessions, %u nodes in the table (%u verified), %" PRIu64 " packets in, %" PRIu64 " out, %" PRIu64
            " handshakes",
            sizes.sessions, sizes.table, sizes.table_live, xord_engine_counter_sum(engine, XORD_CNT_rx_packets),
            xord_engine_counter_sum(engine, XORD_CNT_tx_packets),
            xord_engine_counter_sum(engine, XORD_CNT_handshakes_in) +
                    xord_engine_counter_sum(engine, XORD_CNT_handshakes_out));
}

/* Until Ctrl-C. */
static void serve(struct service *service, bool json)
{
    uint64_t status_ns = xord_now_ns() + STATUS_NS;
    uint64_t seq = service->self.seq;
    struct xord_mail *mails[16];

    while (!interrupted()) {
        uint32_t n = xord_engine_poll(service->engine, mails, 16);

        for (uint32_t i = 0; i < n; i++) {
            if (mails[i]->kind == XORD_MAIL_SELF && mails[i]->self.seq > seq) {
                seq = mails[i]->self.seq;
                xord_log(XORD_LOG_INFO, "a majority of peers sees us elsewhere: new record, seq %" PRIu64, seq);
                print_record(&mails[i]->self, json);
            }
            xord_engine_mail_free(service->engine, mails[i]);
        }
        if (n == 0)
            xord_engine_wait(service->engine, 500 * XORD_NS_PER_MS);
        if (xord_now_ns() >= status_ns) {
            log_status(service->engine);
            status_ns += STATUS_NS;
        }
    }
}

static int bootnode_run(const struct bootnode_args *args)
{
    const struct node_options *options = &args->node;
    struct service service = {0};
    uint8_t seckey32[32];
    int err = key_read(seckey32, options->key_path);

    if (!err)
        err = service_open(&service, options, false);
    /* The time is a seq that grows from start to start without anything to remember. */
    if (!err)
        err = service_add_self(&service, options, seckey32, (uint64_t)time(NULL));
    xord_wipe(seckey32, sizeof(seckey32));
    service.node.maintain = true;
    service.node.limits = args->limits;
    if (!err)
        err = service_start(&service, options);
    if (!err) {
        print_record(&service.self, options->json);
        if (!service.self.has_ip && !service.self.has_ip6)
            xord_log(XORD_LOG_INFO, "the record names no address until peers have said what it is; --ip ADDR sets it");
        serve(&service, options->json);
        log_status(service.engine);
        if (xord_log_get_level() > XORD_LOG_ERROR)
            counters_print(service.engine, stderr);
    }
    service_stop(&service);
    return err;
}

int bootnode_main(int argc, char **argv)
{
    struct bootnode_args args = {.limits = limits_default};
    struct node_options *options = &args.node;
    int err = node_options_init(options, &argc, argv);

    signals_init();
    if (!err)
        err = parse_args(&bootnode_argp, argc, argv, &args);
    if (!err && !options->key_path)
        err = complain("a bootnode needs --key FILE, so that it stays the same node; `xord key new FILE` makes one");
    if (!err)
        err = bootnode_run(&args);
    node_options_free(options);
    return err;
}
