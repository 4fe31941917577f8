/* SPDX-License-Identifier: BSD-3-Clause */
/* A node as the commands run it: port, identities, engine. */
#include <string.h>

#include "app.h"
#include "xord_bytes.h"
#include "xord_rng.h"

static int port_open(struct service *service, char *err)
{
    service->port = xord_port_open(&service->bound, err);
    for (uint32_t i = 0; service->port && i < service->bound.addr_cnt; i++)
        service->bound.addrs[i].udp_port = service->port->udp_ports[i];
    return service->port ? 0 : EXIT_USER;
}

int service_open(struct service *service, const struct node_options *options, bool client)
{
    char err[XORD_PORT_ERR_LEN], again[XORD_PORT_ERR_LEN];

    *service = (struct service){.node = service->node};
    if (identities_port(&service->bound, options))
        return EXIT_USER;
    service->aes_ops = xord_aes_best();
    service->aes = service->aes_ops->open();
    if (!service->aes)
        return complain("this CPU lacks the AES instructions that xord needs, or memory is short");
    if (port_open(service, err) == 0)
        return 0;
    if (client && !options->has_udp && !port_is_device(options->port.spec)) {
        service->bound.udp_port = 0;
        if (port_open(service, again) == 0) {
            xord_log(XORD_LOG_DEBUG, "UDP port %u is taken, using %u", options->port.udp_port,
                    service->port->bound[service->port->bound[0].port == 0].port);
            return 0;
        }
    }
    return complain("%s", err);
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

/* ---- identities ---- */

/* The first endpoint of a family that an identity is bound to; false when it does not serve that. */
static bool bound_first(struct xord_endpoint *ep, const struct service *service, uint32_t number, int family)
{
    for (uint32_t i = 0; i < service->bound.addr_cnt; i++) {
        const struct xord_port_addr *addr = &service->bound.addrs[i];

        if (addr->owner != number || !xord_ip_is_v4(addr->ip16) != family || addr->udp_port == 0)
            continue;
        *ep = xord_endpoint_v6(addr->ip16, addr->udp_port);
        return true;
    }
    return false;
}

/* What is to stand in the record, as far as it is known: what is named as seen from outside, or the address given, unless votes are
 * to find it out; else what peers had said before the restart. */
static bool endpoint_known(struct xord_endpoint *ep, const struct service *service, const struct nat_hint *nat,
        const struct xord_enr *earlier, uint32_t number, int family)
{
    if (!bound_first(ep, service, number, family))
        return false;
    if (nat->has_named[family]) {
        uint16_t udp_port = nat->named[family].port ? nat->named[family].port : ep->port;

        *ep = nat->named[family];
        xord_endpoint_set_port(ep, udp_port);
        return true;
    }
    if (!nat->automatic && xord_ip_scope(ep->ip16) != XORD_IP_UNSPECIFIED)
        return true;
    return earlier && (family ? xord_enr_endpoint6(earlier, ep) : xord_enr_endpoint4(earlier, ep));
}

/* On a machine-local network that is the loopback address. Where no address is known only the port, until a majority of peers has
 * said what it is. */
static int draft_endpoints(struct xord_enr_draft *draft, const struct service *service,
        const struct node_options *options, const struct xord_enr *earlier, uint32_t number)
{
    static const uint8_t loopback4[4] = {127, 0, 0, 1};
    const struct nat_hint *nat = &options->identities[number].nat;
    bool hinted = nat->automatic || nat->has_named[0] || nat->has_named[1], done = false;
    struct xord_endpoint ep;
    int err = 0;

    if (!hinted && !identity_has_ip(options, number) && all_loopback(&options->bootnodes) &&
            bound_first(&ep, service, number, 0)) {
        ep = xord_endpoint_v4(loopback4, ep.port);
        return xord_enr_draft_set_endpoint(draft, &ep);
    }
    for (int family = 0; family < 2 && !err; family++) {
        if (!endpoint_known(&ep, service, nat, earlier, number, family))
            continue;
        done = true;
        err = xord_enr_draft_set_endpoint(draft, &ep);
    }
    if (!err && !done && (bound_first(&ep, service, number, 0) || bound_first(&ep, service, number, 1)))
        err = xord_enr_draft_set_uint(draft, "udp", ep.port);
    return err;
}

static int local_add(struct service *service, const uint8_t seckey32[32], const struct xord_enr *self, uint32_t number)
{
    struct xord_endpoint eps[XORD_PORT_MAX_ADDR];
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < service->bound.addr_cnt; i++) {
        const struct xord_port_addr *addr = &service->bound.addrs[i];

        if (addr->owner == number && addr->udp_port != 0)
            eps[cnt++] = xord_endpoint_v6(addr->ip16, addr->udp_port);
    }
    return xord_locals_add_at(service->locals, service->aes_ops, service->aes, seckey32, self, eps, cnt);
}

/* Who gave us an address knows it, unless he says otherwise. */
static void learning_set(struct service *service, const struct node_options *options, uint32_t number)
{
    const struct nat_hint *nat = &options->identities[number].nat;
    bool known = nat->never || (!nat->automatic && identity_has_ip(options, number));

    for (int family = 0; family < 2; family++) {
        bool fixed = nat->has_named[family] || known;

        service->locals->all[number].fixed[family] = fixed;
        service->node.learn_endpoint |= !fixed;
    }
}

static int locals_make(struct service *service, uint32_t cnt)
{
    struct xord_hash_key hash_key;

    if (service->locals)
        return 0;
    xord_random_kernel(&hash_key, sizeof(hash_key));
    service->locals = xord_locals_new(cnt, &hash_key);
    return service->locals ? 0 : complain("out of memory");
}

int service_add_self(struct service *service, const struct node_options *options, const uint8_t seckey32[32],
        uint64_t seq, const struct xord_enr *earlier)
{
    uint32_t number = service->self_cnt;
    struct xord_enr *self = &service->selves[number];
    struct xord_enr_draft draft;
    int err;

    if (locals_make(service, options->identity_cnt))
        return EXIT_USER;
    xord_enr_draft_init(&draft, earlier && earlier->seq >= seq ? earlier->seq + 1 : seq);
    err = draft_endpoints(&draft, service, options, earlier, number);
    if (!err)
        err = xord_enr_sign(self, &draft, options->curve, seckey32);
    if (!err)
        err = local_add(service, seckey32, self, number);
    if (err)
        return complain("cannot make our own record: %s", xord_strerror(err));
    learning_set(service, options, number);
    service->self_cnt = service->node.host_cnt = number + 1;
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

bool service_pick_endpoint_of(const struct service *service, uint32_t local, const struct xord_enr *enr,
        struct xord_endpoint *ep)
{
    const struct xord_endpoint *bound = service->locals->all[local].ep;

    return (bound[0].port && xord_enr_endpoint4(enr, ep)) || (bound[1].port && xord_enr_endpoint6(enr, ep));
}

bool service_pick_endpoint(const struct service *service, const struct xord_enr *enr, struct xord_endpoint *ep)
{
    return service_pick_endpoint_of(service, 0, enr, ep);
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
