/* SPDX-License-Identifier: BSD-3-Clause */
/* A node as the commands run it: port, identities, engine. */
#include <string.h>

#include "app.h"
#include "xord_bytes.h"
#include "xord_rng.h"

int service_open(struct service *service, const struct node_options *options, bool client)
{
    struct xord_port_config config = options->port;
    char err[XORD_PORT_ERR_LEN], again[XORD_PORT_ERR_LEN];

    *service = (struct service){.node = service->node};
    service->aes_ops = xord_aes_best();
    service->aes = service->aes_ops->open();
    if (!service->aes)
        return complain("this CPU lacks the AES instructions that xord needs, or memory is short");
    service->port = xord_port_open(&config, err);
    if (!service->port && client && !options->has_udp && strcmp(config.spec, "socket") == 0) {
        config.udp_port = 0;
        service->port = xord_port_open(&config, again);
        if (service->port)
            xord_log(XORD_LOG_DEBUG, "UDP port %u is taken, using %u", options->port.udp_port,
                    service->port->bound[service->port->bound[0].port == 0].port);
    }
    return service->port ? 0 : complain("%s", err);
}

/* Is everything that we are told to talk to on this machine? */
static bool all_loopback(const struct record_list *list)
{
    struct xord_endpoint ep;

    for (uint32_t i = 0; i < list->cnt; i++)
        if (!xord_enr_endpoint4(&list->enrs[i], &ep) || xord_ip_scope(ep.ip16) != XORD_IP_LOOPBACK)
            return false;
    return list->cnt > 0;
}

/* What peers had said before the restart. */
static int draft_earlier(struct xord_enr_draft *draft, const struct xord_enr *earlier)
{
    struct xord_endpoint ep;
    int err = 0;

    if (xord_enr_endpoint4(earlier, &ep))
        err = xord_enr_draft_set_endpoint(draft, &ep);
    if (!err && xord_enr_endpoint6(earlier, &ep))
        err = xord_enr_draft_set_endpoint(draft, &ep);
    return err;
}

/* What the record names: the addresses given; on a machine-local network the loopback address; else no address, only the
 * port, until a majority of peers has said what it is. */
static int draft_endpoints(struct xord_enr_draft *draft, const struct service *service,
        const struct node_options *options, const struct xord_enr *earlier)
{
    const struct xord_port_config *config = &options->port;
    const struct xord_endpoint *bound = service->port->bound;
    static const uint8_t loopback4[4] = {127, 0, 0, 1};
    bool done[2] = {false, false};
    int err = 0;

    for (uint32_t i = 0; i < config->addr_cnt && !err; i++) {
        int family = !xord_ip_is_v4(config->addrs[i].ip16);
        struct xord_endpoint ep = xord_endpoint_v6(config->addrs[i].ip16, bound[family].port);

        if (done[family] || xord_ip_scope(ep.ip16) == XORD_IP_UNSPECIFIED)
            continue;
        done[family] = true;
        err = xord_enr_draft_set_endpoint(draft, &ep);
    }
    if (!err && config->addr_cnt == 0 && all_loopback(&options->bootnodes)) {
        struct xord_endpoint ep = xord_endpoint_v4(loopback4, bound[0].port);

        err = xord_enr_draft_set_endpoint(draft, &ep);
    } else if (!err && !done[0] && !done[1] && earlier && (earlier->has_ip || earlier->has_ip6)) {
        err = draft_earlier(draft, earlier);
    } else if (!err && !done[0] && !done[1]) {
        err = xord_enr_draft_set_uint(draft, "udp", bound[bound[0].port == 0].port);
    }
    return err;
}

int service_add_self(struct service *service, const struct node_options *options, const uint8_t seckey32[32],
        uint64_t seq, const struct xord_enr *earlier)
{
    struct xord_enr *self = &service->selves[0];
    const struct xord_endpoint *bound = service->port->bound;
    struct xord_hash_key hash_key;
    struct xord_enr_draft draft;
    int err;

    xord_random_kernel(&hash_key, sizeof(hash_key));
    service->locals = xord_locals_new(1, &hash_key);
    if (!service->locals)
        return complain("out of memory");
    xord_enr_draft_init(&draft, earlier && earlier->seq >= seq ? earlier->seq + 1 : seq);
    err = draft_endpoints(&draft, service, options, earlier);
    if (!err)
        err = xord_enr_sign(self, &draft, options->curve, seckey32);
    if (!err)
        err = xord_locals_add(service->locals, service->aes_ops, service->aes, seckey32, self,
                bound[0].port ? &bound[0] : NULL, bound[1].port ? &bound[1] : NULL);
    if (err)
        return complain("cannot make our own record: %s", xord_strerror(err));
    service->self_cnt = service->node.host_cnt = 1;
    service->node.learn_endpoint = !options->has_ip;
    return 0;
}

int service_start(struct service *service, const struct node_options *options)
{
    struct xord_engine_config config = {
            .port = service->port,
            .worker_cnt = options->port.worker_cnt,
            .idle = options->idle,
            .guest_ops = service->guest_ops,
            .guests = service->guests,
            .last_cpus = service->last_cpus,
            .node = service->node,
    };
    char err[XORD_PORT_ERR_LEN];

    config.node.aes_ops = service->aes_ops;
    config.node.curve = options->curve;
    config.node.locals = service->locals;
    config.node.request_timeout_ns = options->request_timeout_ns;
    config.node.handshake_timeout_ns = options->handshake_timeout_ns;
    config.node.bootnodes = options->bootnodes.enrs;
    config.node.bootnode_cnt = options->bootnodes.cnt;
    service->port = NULL;
    service->engine = xord_engine_start(&config, err);
    return service->engine ? 0 : complain("%s", err);
}

void service_stop(struct service *service)
{
    xord_engine_stop(service->engine);
    if (service->port)
        service->port->ops->close(service->port);
    xord_locals_free(service->locals);
    if (service->aes)
        service->aes_ops->close(service->aes);
    memset(service, 0, sizeof(*service));
}

int service_start_client(struct service *service, const struct node_options *options)
{
    uint8_t seckey32[32];
    int err = 0;

    if (options->key_path)
        err = key_read(seckey32, options->key_path);
    else
        key_random(seckey32, options->curve);
    if (!err)
        err = service_open(service, options, true);
    if (!err)
        err = service_add_self(service, options, seckey32, 1, NULL);
    xord_wipe(seckey32, sizeof(seckey32));
    return err ? err : service_start(service, options);
}

bool service_pick_endpoint(const struct service *service, const struct xord_enr *enr, struct xord_endpoint *ep)
{
    const struct xord_endpoint *bound = service->locals->all[0].ep;

    return (bound[0].port && xord_enr_endpoint4(enr, ep)) || (bound[1].port && xord_enr_endpoint6(enr, ep));
}

const char *service_refused(const struct service *service)
{
    struct xord_port_stats stats;

    xord_engine_port_stats(service->engine, &stats);
    return stats.tx_packets == 0 && stats.tx_errno ? strerror(stats.tx_errno) : NULL;
}

void counters_print(const struct xord_engine *engine, FILE *out)
{
    uint16_t workers = xord_engine_worker_cnt(engine);

    for (int id = 0; id < XORD_COUNTER_CNT; id++) {
        uint64_t sum = xord_engine_counter_sum(engine, (enum xord_counter_id)id);

        if (sum == 0)
            continue;
        fprintf(out, "%-28s %12llu", xord_counter_name((enum xord_counter_id)id), (unsigned long long)sum);
        for (uint16_t i = 0; i < workers && workers > 1; i++)
            fprintf(out, " %12llu",
                    (unsigned long long)xord_counter_get(xord_engine_counters(engine, i), (enum xord_counter_id)id));
        fputc('\n', out);
    }
}
