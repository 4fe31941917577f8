/* SPDX-License-Identifier: BSD-3-Clause */
/* Chooses the port's backend. */
#include <stdio.h>
#include <string.h>

#include "xord_port.h"

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
