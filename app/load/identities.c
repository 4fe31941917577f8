/* SPDX-License-Identifier: BSD-3-Clause */
/* The identities that a load comes from. Several have an address each, by which answers find them: out of a prefix. */
#include <string.h>

#include "load.h"
#include "xord_bytes.h"
#include "xord_rng.h"

#define HANDSHAKE_DEFAULT 64 /* a handshake keeps its identity busy */
#define LOOPBACK_PREFIX   "127.64.0.0"

static bool on_sockets(const struct load_args *args)
{
    return !port_is_device(args->node.port.spec);
}

static bool all_on_loopback(const struct record_list *list)
{
    for (uint32_t i = 0; i < list->cnt; i++)
        if (!list->enrs[i].has_ip || xord_ip_scope(xord_endpoint_v4(list->enrs[i].ip4, 1).ip16) != XORD_IP_LOOPBACK)
            return false;
    return true;
}

/* Can there be more than one? */
static bool has_room(const struct load_args *args)
{
    const struct xord_port_config *port = &args->node.port;

    if (port->addr_cnt == 1)
        return port->addrs[0].prefix_len < (xord_ip_is_v4(port->addrs[0].ip16) ? 32 : 128) &&
               (!on_sockets(args) || xord_ip_scope(port->addrs[0].ip16) == XORD_IP_LOOPBACK);
    return port->addr_cnt == 0 && on_sockets(args) && all_on_loopback(&args->targets);
}

static int prefix_check(const struct load_args *args)
{
    const struct xord_port_config *port = &args->node.port;
    const struct xord_port_addr *prefix = &port->addrs[0];
    bool v4 = xord_ip_is_v4(prefix->ip16);
    unsigned host_bits = (v4 ? 32U : 128U) - prefix->prefix_len;

    if (on_sockets(args) && (!v4 || prefix->prefix_len < 8))
        return complain(
                "on sockets the --ip PREFIX of several identities must lie inside 127.0.0.0/8, the only one whose "
                "addresses are all this machine's");
    if (!on_sockets(args) && !(v4 ? port->has_gateway4 : port->has_gateway6))
        return complain("several identities on a device own their whole prefix and reach everybody else through "
                        "--gateway: name an address of the machine that is to be reached");
    if (host_bits < 32 && args->identities > (1ULL << host_bits) - 2)
        return complain("--ip: a prefix of length %u has no room for %u identities; give a shorter one",
                prefix->prefix_len, args->identities);
    return 0;
}

int identities_plan(struct load_args *args)
{
    struct xord_port_config *port = &args->node.port;
    bool busy = args->is_hostile || args->mix.weight[XORD_MIX_HANDSHAKE] > 0;

    if (args->identities == 0)
        args->identities = busy && has_room(args) ? HANDSHAKE_DEFAULT : 1;
    if (args->identities == 1)
        return 0;
    if (!has_room(args))
        return complain(
                "several identities need an address each: targets on 127.0.0.1, or --port dpdk:... with --ip PREFIX "
                "and --gateway");
    if (port->addr_cnt == 0) {
        (void)!xord_ip_parse(port->addrs[0].ip16, LOOPBACK_PREFIX);
        port->addrs[0].prefix_len = 10;
        port->addr_cnt = 1;
    }
    port->whole_prefix = true;
    return prefix_check(args);
}

/* The i-th address of the prefix, counted from one. */
static struct xord_endpoint address(const struct xord_port_addr *prefix, uint32_t i, uint16_t udp_port)
{
    unsigned bits = prefix->prefix_len + (xord_ip_is_v4(prefix->ip16) ? 96U : 0U);
    struct xord_endpoint ep = {.port = udp_port};

    memcpy(ep.ip16, prefix->ip16, 16);
    for (unsigned b = bits; b < 128; b++)
        ep.ip16[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
    xord_store_be32(ep.ip16 + 12, xord_load_be32(ep.ip16 + 12) + i + 1);
    return ep;
}

/* Its record names no address, so that targets do not take it into their tables and ask it things meanwhile. */
static int identity_add(struct service *service, const struct load_args *args, uint32_t i, const uint8_t seckey32[32])
{
    const struct xord_endpoint *bound = service->port->bound;
    struct xord_enr_draft draft;
    struct xord_endpoint ep;
    struct xord_enr enr;
    int err;

    xord_enr_draft_init(&draft, 1);
    err = xord_enr_draft_set_uint(&draft, "udp", bound[bound[0].port == 0].port);
    if (!err)
        err = xord_enr_sign(&enr, &draft, args->node.curve, seckey32);
    if (err)
        return err;
    if (args->identities == 1)
        return xord_locals_add(service->locals, service->aes_ops, service->aes, seckey32, &enr,
                bound[0].port ? &bound[0] : NULL, bound[1].port ? &bound[1] : NULL);
    ep = address(&args->node.port.addrs[0], i, bound[bound[0].port == 0].port);
    return xord_locals_add(service->locals, service->aes_ops, service->aes, seckey32, &enr,
            xord_endpoint_is_v4(&ep) ? &ep : NULL, xord_endpoint_is_v4(&ep) ? NULL : &ep);
}

int identities_make(struct service *service, const struct load_args *args)
{
    struct xord_hash_key hash_key;
    uint8_t seckey32[32];
    int err = 0;

    xord_random_kernel(&hash_key, sizeof(hash_key));
    service->locals = xord_locals_new(args->identities, &hash_key);
    if (!service->locals)
        return complain("out of memory");
    for (uint32_t i = 0; i < args->identities && !err && !interrupted(); i++) {
        if (i == 0 && args->node.key_path) {
            if (key_read(seckey32, args->node.key_path))
                return EXIT_USER;
        } else {
            key_random(seckey32, args->node.curve);
        }
        err = identity_add(service, args, i, seckey32);
    }
    xord_wipe(seckey32, sizeof(seckey32));
    return err ? complain("cannot make the identities: %s", xord_strerror(err)) : 0;
}
