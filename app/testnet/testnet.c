/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord testnet`: many nodes in one process, one address each out of a prefix. */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "testnet.h"
#include "xord_port_crowd.h"
#include "xord_rng.h"

#define MANY_NODES   200000 /* so many take a while to make */
#define SLOW_NS      (400 * XORD_NS_PER_MS)
#define QUEUE_UNUSED 64

struct testnet {
    const struct testnet_args *args;
    struct xord_crowd *crowd;
    const struct xord_port *port; /* the crowd's */
    uint64_t start_ns;
    pthread_t signer;
    _Atomic bool stop;
};

static int crowd_make(struct testnet *net, const struct service *service)
{
    const struct testnet_args *args = net->args;
    const struct xord_port_addr *prefix = &args->node.port.addrs[0];
    const struct xord_endpoint *bound = service->port->bound;
    struct xord_crowd_config config = {
            .node_cnt = args->nodes,
            .seed = args->seed,
            .start_ns = net->start_ns,
            .host_bits = (uint8_t)((xord_ip_is_v4(prefix->ip16) ? 32 : 128) - prefix->prefix_len),
            .udp_port = bound[bound[0].port == 0].port,
            .dead = args->dead,
            .nat = args->nat,
            .malicious = args->malicious,
            .hostile = args->hostile,
            .stale = args->stale,
            .churn = args->churn,
            .classes = args->classes,
            .class_cnt = args->class_cnt,
            .curve = args->node.curve,
            .aes_ops = service->aes_ops,
            .aes = service->aes,
    };
    int err;

    memcpy(config.ip16, prefix->ip16, 16);
    xord_random_kernel(&config.hash_key, sizeof(config.hash_key));
    if (args->nodes >= MANY_NODES)
        xord_log(XORD_LOG_INFO, "making %u keys", args->nodes);
    net->crowd = xord_crowd_new(&err, &config, interrupted);
    if (net->crowd || interrupted())
        return 0;
    if (err == XORD_ESIZE)
        return complain("--mix: with key and endpoint a record would be larger than %d bytes", XORD_ENR_MAX_LEN);
    return complain("cannot make the nodes: %s", xord_strerror(err));
}

/* Puts what lies between the port and the nodes in between. */
static int port_make(struct testnet *net, struct service *service)
{
    const struct testnet_args *args = net->args;
    struct xord_port_crowd_config config = {
            .crowd = net->crowd,
            .path = {.seed = args->seed, .loss = args->loss, .reorder = args->reorder, .latency = args->latency},
            .worker_cnt = args->node.port.worker_cnt,
            .slow_ns = SLOW_NS,
            .clock = xord_now_ns,
    };
    struct xord_port *port;

    if (args->reorder == 0 && args->latency.cnt == 0 && xord_crowd_kind_cnt(net->crowd, XORD_CROWD_SLOW) == 0)
        config.path.capacity = QUEUE_UNUSED;
    port = xord_port_crowd_new(service->port, &config, net->start_ns);
    if (!port)
        return complain("out of memory");
    service->port = port;
    net->port = port;
    return 0;
}

/* ---- signing ahead ---- */

/* With what time nobody else has any use for. */
static void *signer_main(void *arg)
{
    struct testnet *net = arg;
    struct sched_param param = {0};

    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &param);
    for (uint32_t i = 0; i < xord_crowd_cnt(net->crowd); i++) {
        if (atomic_load_explicit(&net->stop, memory_order_relaxed))
            break;
        (void)xord_crowd_sign(net->crowd, i, xord_now_ns());
    }
    return NULL;
}

/* ---- running ---- */

static void kinds_print(const struct testnet *net, const char *format, const char *between)
{
    const char *before = "";

    for (uint32_t kind = XORD_CROWD_ALIVE; kind < XORD_CROWD_KIND_CNT; kind++) {
        uint32_t cnt = xord_crowd_kind_cnt(net->crowd, kind);

        if (kind == XORD_CROWD_ALIVE || (cnt == 0 && kind != XORD_CROWD_DEAD))
            continue;
        printf("%s", before);
        printf(format, cnt, xord_crowd_kind_name(kind));
        before = between;
    }
}

static void print_ready(const struct testnet *net, const struct service *service)
{
    const struct testnet_args *args = net->args;
    const struct xord_port_addr *prefix = &args->node.port.addrs[0];
    uint16_t udp_port = xord_crowd_endpoint(net->crowd, 0, 0).port;
    double seconds = (double)(xord_now_ns() - net->start_ns) / 1e9;
    char ip[XORD_ENDPOINT_TEXT_LEN];

    xord_ip_format(ip, prefix->ip16);
    if (args->node.json) {
        printf("{\"ready\":true,\"nodes\":%u,\"dead\":%u,\"kinds\":{", args->nodes,
                xord_crowd_kind_cnt(net->crowd, XORD_CROWD_DEAD));
        for (uint32_t kind = XORD_CROWD_ALIVE; kind < XORD_CROWD_KIND_CNT; kind++)
            printf("%s\"%s\":%u", kind == XORD_CROWD_ALIVE ? "" : ",", xord_crowd_kind_name(kind),
                    xord_crowd_kind_cnt(net->crowd, kind));
        printf("},\"prefix\":\"%s/%u\",\"udp\":%u,\"seconds\":%.3f,\"enrs\":", ip, prefix->prefix_len, udp_port,
                seconds);
        json_print_string(stdout, args->enrs_path ? args->enrs_path : "",
                args->enrs_path ? strlen(args->enrs_path) : 0);
        puts("}");
    } else {
        printf("ready: %u node%s (", args->nodes, plural(args->nodes));
        kinds_print(net, "%u %s", ", ");
        printf(") in %s/%u, UDP %u, %u worker%s%s%s, after %.2f s\n", ip, prefix->prefix_len, udp_port,
                xord_engine_worker_cnt(service->engine), plural(xord_engine_worker_cnt(service->engine)),
                args->enrs_path ? ", records in " : "", args->enrs_path ? args->enrs_path : "", seconds);
    }
    fflush(stdout);
}

/* Once: what is lost so is nobody's wish. */
static void warn_of_overflow(const struct testnet *net, bool *warned)
{
    struct xord_port_crowd_stats stats;

    if (*warned)
        return;
    xord_port_crowd_stats(net->port, &stats);
    if (stats.path.overflow == 0)
        return;
    *warned = true;
    xord_log(XORD_LOG_WARN,
            "more datagrams are on the way than there is room for, and the rest is lost: lower --latency, or the "
            "load, or take more --workers");
}

/* With `newcomers` NULL there is nothing to do but wait. */
static void serve(const struct testnet *net, struct service *service, struct newcomers *newcomers)
{
    struct xord_mail *mails[16];
    bool warned = false;

    while (!interrupted()) {
        uint64_t now_ns = xord_now_ns(), next_ns = now_ns + XORD_NS_PER_S;
        uint32_t n = xord_engine_poll(service->engine, mails, 16);

        for (uint32_t i = 0; i < n; i++) {
            if (newcomers)
                newcomers_mail(newcomers, mails[i], now_ns);
            xord_engine_mail_free(service->engine, mails[i]);
        }
        if (newcomers)
            next_ns = newcomers_turn(newcomers, now_ns);
        warn_of_overflow(net, &warned);
        if (n == 0 && next_ns > now_ns)
            xord_engine_wait(service->engine, next_ns - now_ns);
    }
}

static void say_goodbye(const struct testnet *net, const struct service *service)
{
    struct xord_port_crowd_stats stats;

    xord_port_crowd_stats(net->port, &stats);
    xord_log(XORD_LOG_INFO, "%" PRIu64 " FINDNODE answered, %" PRIu64 " packets in, %" PRIu64 " out",
            xord_engine_counter_sum(service->engine, XORD_CNT_findnode_in),
            xord_engine_counter_sum(service->engine, XORD_CNT_rx_packets),
            xord_engine_counter_sum(service->engine, XORD_CNT_tx_packets));
    xord_log(XORD_LOG_INFO,
            "on the way: %" PRIu64 " to nobody, %" PRIu64 " kept out by a NAT, %" PRIu64 " lost, %" PRIu64
            " delayed, %" PRIu64 " lost for want of room",
            stats.nobody, stats.nat, stats.path.lost, stats.path.delayed, stats.path.overflow);
    if (xord_log_get_level() >= XORD_LOG_DEBUG)
        counters_print(service->engine, stderr);
}

/* From the ready line to Ctrl-C. */
static int serve_ready(struct testnet *net, struct service *service)
{
    struct newcomers *newcomers = NULL;
    bool signs;

    if (net->args->calls > 0) {
        newcomers = newcomers_new(net->crowd, service, net->args);
        if (!newcomers)
            return complain("out of memory");
    }
    print_ready(net, service);
    signs = pthread_create(&net->signer, NULL, signer_main, net) == 0;
    serve(net, service, newcomers);
    atomic_store_explicit(&net->stop, true, memory_order_relaxed);
    if (signs)
        pthread_join(net->signer, NULL);
    newcomers_free(newcomers);
    say_goodbye(net, service);
    return truth_write(net->crowd, net->args, xord_now_ns());
}

static int run_ready(struct testnet *net, struct service *service)
{
    int err;

    service->node.crowd = net->crowd;
    service->node.tell_newcomers = net->args->calls > 0;
    service->locals = (struct xord_locals *)xord_crowd_locals(net->crowd);
    err = service_start(service, &net->args->node);
    if (!err)
        err = service_confine(&net->args->node,
                &(struct confine_wish){.needs = XORD_NEED_THREADS, .file = net->args->truth_path});
    return err ? err : serve_ready(net, service);
}

static int testnet_run(const struct testnet_args *args)
{
    struct testnet net = {.args = args, .start_ns = xord_now_ns()};
    struct service service = {0};
    int err = service_open(&service, &args->node, false);

    if (!err)
        err = crowd_make(&net, &service);
    if (!err && net.crowd)
        err = enrs_write(net.crowd, args, xord_now_ns());
    if (!err && net.crowd)
        err = truth_write(net.crowd, args, xord_now_ns());
    if (!err && net.crowd)
        err = port_make(&net, &service);
    if (!err && net.crowd && !interrupted())
        err = run_ready(&net, &service);
    service.locals = NULL; /* they are the crowd's */
    service_stop(&service);
    xord_crowd_free(net.crowd);
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
    if (!err)
        err = testnet_args_check(&args);
    if (!err)
        err = testnet_run(&args);
    free(args.classes);
    node_options_free(&args.node);
    return err;
}
