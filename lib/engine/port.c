/* SPDX-License-Identifier: BSD-3-Clause */
/* Chooses the port's backend; and what all backends make of the addresses that they have. */
#include <stdio.h>
#include <string.h>

#include "xord_port.h"

static int family_of(const struct xord_port_addr *addr)
{
    return !xord_ip_is_v4(addr->ip16);
}

void xord_port_set_bound(struct xord_port *port, const struct xord_port_config *config)
{
    struct xord_endpoint any;

    memset(port->bound, 0, sizeof(port->bound));
    for (uint32_t i = 0; i < config->addr_cnt; i++) {
        const struct xord_port_addr *addr = &config->addrs[i];
        struct xord_endpoint *bound = &port->bound[family_of(addr)];

        if (addr->owner != 0 || port->udp_ports[i] == 0)
            continue;
        any = xord_endpoint_any(family_of(addr), port->udp_ports[i]);
        if (bound->port != 0)
            memcpy(bound->ip16, any.ip16, 16);
        else
            *bound = config->whole_prefix ? any : xord_endpoint_v6(addr->ip16, port->udp_ports[i]);
    }
}

/* Is there another address of that owner and family? */
static bool has_another(const struct xord_port_config *config, const struct xord_port_addr *addr)
{
    for (uint32_t i = 0; i < config->addr_cnt; i++)
        if (&config->addrs[i] != addr && config->addrs[i].owner == addr->owner &&
                family_of(&config->addrs[i]) == family_of(addr))
            return true;
    return xord_ip_scope(addr->ip16) == XORD_IP_UNSPECIFIED;
}

void xord_port_set_any_dst(struct xord_port *port, const struct xord_port_config *config)
{
    for (uint32_t i = 0; i < config->addr_cnt && !config->whole_prefix; i++)
        if (has_another(config, &config->addrs[i]))
            port->any_dst[family_of(&config->addrs[i])] = true;
}

struct xord_port *xord_port_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    if (strcmp(config->spec, "socket") == 0)
        return xord_port_socket.open(config, err);
    if (strncmp(config->spec, "dpdk:", 5) == 0)
        return xord_port_dpdk.open(config, err);
    if (strcmp(config->spec, "sim") == 0)
        return xord_port_sim.open(config, err);
    snprintf(err, XORD_PORT_ERR_LEN, "--port %.100s is neither \"socket\" nor \"dpdk:<device>\"", config->spec);
    return NULL;
}
